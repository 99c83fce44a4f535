#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# riscv_userland.sh - build the user space of the emulated RISC-V machine without an MMU,
# from Debian packages alone: musl and BusyBox. Programs are static position-independent
# ELF files, which the kernel's FDPIC loader copies for each process. musl can do without
# brk and mprotect; this script gives it a vfork, and keeps it from using mremap.
#
# Reads busybox.frag and riscv.frag beside this file, Debian's source packages of musl and
# busybox, its RISC-V compiler, and the headers of kernel 6.12.
# Prints a directory as the last line on stdout, in which there are
#   busybox         the program, with busybox.config
#   guest/          those programs of guest/ that this machine needs
#   bin/riscv-gcc   a compiler for ordinary C programs on that machine
#   sysroot/        the libraries that this compiler links with
# The directory's name is a digest of all that goes into it: a second run only prints it.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"
. "$HERE/busybox.sh"

RECIPE=2	# count this up when what this script builds changes
SUITE=bookworm
CROSS=riscv64-linux-gnu-
PACKAGES=(gcc-riscv64-linux-gnu gcc libc6-dev make rsync bzip2 dpkg-dev)
GUEST=("$HERE/guest/timeout.c")

TARGET="-march=rv64gc -mabi=lp64d -fPIE -ffunction-sections -fdata-sections \
-fno-stack-protector -fno-asynchronous-unwind-tables"

musl_source() { MUSL=$(package_source musl $SUITE "$LOG"); }

# musl has no vfork for RISC-V and calls fork instead, which does not exist without an
# MMU. Child and parent return from vfork one after the other with the same stack, so
# the return address must not be on the stack: this is in assembler.
# 0x4111 is CLONE_VFORK | CLONE_VM | SIGCHLD.
write_vfork() {
	mkdir -p src/process/riscv64
	cat >src/process/riscv64/vfork.s <<-'ASM'
		.global vfork
		.type vfork,@function
	vfork:
		li a0, 0x4111
		li a1, 0
		li a7, 220
		ecall
		.hidden __syscall_ret
		tail __syscall_ret
	ASM
}

# Without an MMU the kernel's mremap (6.12) has a bug: it shrinks an area but not the
# area's entry in the tree of areas, and the rest is freed a second time when the process
# ends. So mremap always fails here, and realloc copies instead.
write_mremap() {
	cat >src/mman/mremap.c <<-'C'
	#define _GNU_SOURCE
	#include <errno.h>
	#include <sys/mman.h>
	#include "libc.h"

	void *__mremap(void *old_addr, size_t old_len, size_t new_len, int flags, ...)
	{
		errno = ENOMEM;
		return MAP_FAILED;
	}
	weak_alias(__mremap, mremap);
	C
}

build_musl() {
	mkdir "$TMP/musl"
	tar xf "$MUSL" -C "$TMP/musl" --strip-components=1
	cd "$TMP/musl"
	write_vfork
	write_mremap
	CROSS_COMPILE=$CROSS CFLAGS="-Os $TARGET" ./configure \
		--target=riscv64-linux-musl --disable-shared --prefix="$S"
	make -j"$JOBS" install
	make -C "$KSRC" O="$TMP/headers" ARCH=riscv INSTALL_HDR_PATH="$S" headers_install
}

write_wrapper() {
	cat >"$NEW/bin/riscv-gcc" <<-WRAPPER
	#!/bin/bash
	# SPDX-License-Identifier: GPL-2.0
	# riscv-gcc - gcc for C programs of the emulated machine (made by
	# riscv_userland.sh). Compiles, links with -r, or links a program; STACK is
	# its stack size.
	S=\$(dirname "\$(readlink -f "\$0")")/../sysroot
	C="$TARGET -U_FORTIFY_SOURCE -nostdinc -isystem \$S/include
	 -isystem $(${CROSS}gcc -print-file-name=include)"
	args=()
	for a in "\$@"; do
	  case \$a in
	  -r|-Wl,-r) exec ${CROSS}gcc -nostdlib "\$@" ;;
	  -c|-S|-E|-M|-MM) exec ${CROSS}gcc \$C "\$@" ;;
	  --version|-v|-dump*|-print-*) exec ${CROSS}gcc "\$@" ;;
	  # all of these are in, or have no part in, the one static libc.a
	  -static|-pie|-lm|-lresolv|-lcrypt|-lrt) ;;
	  *) args+=("\$a") ;;
	  esac
	done
	exec ${CROSS}gcc \$C -nostdlib -static-pie \\
	  -Wl,--no-dynamic-linker,-z,text,-z,noseparate-code,-z,max-page-size=4096 \\
	  -Wl,-z,norelro,-z,stack-size=\${STACK:-0x10000},--build-id=none,--gc-sections \\
	  "\$S/lib/rcrt1.o" "\$S/lib/crti.o" "\${args[@]}" \\
	  -Wl,--start-group "\$S/lib/libc.a" $(${CROSS}gcc -print-libgcc-file-name) \\
	  -Wl,--end-group "\$S/lib/crtn.o"
	WRAPPER
	chmod +x "$NEW/bin/riscv-gcc"
	link_tools riscv-
}

need "${PACKAGES[@]}"
KEY=$({
	echo "$RECIPE" "$SUITE" "$TARGET"
	${CROSS}gcc -dumpfullversion
	cat "$HERE/busybox.sh" "$HERE/busybox.frag" "$HERE/riscv.frag" "${GUEST[@]}"
} | sha256sum | cut -c 1-12)
OUT=$CACHE_DIR/userland/riscv-$KEY

if [ ! -e "$OUT/busybox" ]; then
	KSRC=$("$HERE/kernel.sh" --source 6.12 | tail -n 1)
	cache_lock
	if [ ! -e "$OUT/busybox" ]; then
		begin_userland userland-riscv
		musl_source
		step "LIBC    musl: building (about 1 min)" "$LOG" build_musl
		step "LIBC    the compiler wrapper" "$LOG" write_wrapper
		step "BUSYBOX building (about 1 min)" "$LOG" \
			build_busybox "$HERE/riscv.frag" "$HERE/busybox.frag"
		step "BUSYBOX and what goes with it" "$LOG" \
			build_guest riscv-gcc "${GUEST[@]}"
		end_userland "$OUT"
	fi
fi
echo "$OUT"
