#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# run32.sh CC - print what has to run the 32-bit programs that CC makes: nothing if this
# machine can, else an emulator.
dir=$(mktemp -d) || exit
echo 'int main(void) { return 0; }' >"$dir/probe.c"
# if it cannot be compiled, the Makefile says so
"$1" -m32 -o "$dir/probe" "$dir/probe.c" 2>/dev/null && ! "$dir/probe" 2>/dev/null &&
	echo qemu-i386
rm -rf "$dir"
