#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# modules.sh KERNEL_DIR OUT [MAKE-ARGUMENT...] - build the module and the test modules for
# a kernel of kernel.sh. They are built in OUT, so that the source tree stays clean and
# each kernel has a build of its own. Only what has changed is built again. The build has
# the warnings of W=1; what make says is in OUT/build.log, see no_warnings in lib.sh.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"

[ $# -ge 2 ] || die "usage: modules.sh KERNEL_DIR OUT [MAKE-ARGUMENT...]"
kernel=$1 out=$2
shift 2
top=$(readlink -f "$HERE/../..")

# Times do not tell that it was built for another kernel, which may be older.
[ "$(cat "$out/of" 2>/dev/null)" = "$kernel" ] || rm -rf "$out"
mkdir -p "$out"
echo "$kernel" >"$out/of"
out=$(readlink -f "$out")
# Unchanged files are left alone, so that make does not build them again. Changed ones are
# new to make, even if they are older: what was broken for a test is mended by moving the
# former file back. Sources that were deleted are deleted in OUT as well.
copy_changed() {
	local file to=$1
	shift
	for file; do
		cmp -s "$file" "$to/${file##*/}" || cp "$file" "$to/"
	done
}
for dir in module selftests/modules; do
	mkdir -p "$out/$dir"
	for old in "$out/$dir"/*.[ch]; do
		case $old in *'*'* | *.mod.c) continue ;; esac
		[ -e "$top/$dir/${old##*/}" ] || rm -f "$old"
	done
	copy_changed "$out/$dir" "$top/$dir"/*.[ch] "$top/$dir/Kbuild"
done
copy_changed "$out/module" "$top/module/probe.mk"
copy_changed "$out" "$top/Kbuild"

rm -f "$out/build.log"
# for other architectures than Arm the kernel's directory has the words for make
words="ARCH=arm CROSS_COMPILE=arm-linux-gnueabi-"
[ ! -e "$kernel/rig/make" ] || words=$(cat "$kernel/rig/make")
# shellcheck disable=SC2086 # words
step "MODULES $(basename "$kernel")" "$out/build.log" \
	make -C "$kernel" M="$out" $words -j"$JOBS" W=1 "$@" modules
