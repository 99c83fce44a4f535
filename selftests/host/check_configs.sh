#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check_configs.sh - the modules compile, without a warning of W=1, for kernels with
# unusual configurations: without printk, sysfs or debugfs, big-endian, built by clang.
# Nothing is run, and the kernels are not built: each takes the configuration of a
# kernel that other checks boot, changes some options, and prepares the headers. As
# there is no vmlinux, undefined symbols are not found.
# Two cases are left out, since other checks have them: all kernels of the rig are built
# with O=, and the machine "smp" of check-all has OF=n.
# Ends "N passed, N failed".
set -euo pipefail
tests=$(dirname "$(dirname "$(readlink -f "$0")")")
top=$(dirname "$tests")
. "$tests/rig/lib.sh"

default_machine
logs=$top/build/check/configs
n=0 passed=0 failed=0
rm -rf "$logs"
mkdir -p "$logs"
need gcc-arm-linux-gnueabi clang lld llvm

# compiles NAME BOARD WORD...: with WORDs as configured.sh takes them
compiles() {
	local kernel obj=$logs/$1 out=$logs/$1-modules
	kernel=$("$tests/rig/kernel.sh" "$KVER" "$2" | tail -n 1)
	"$tests/rig/configured.sh" "$kernel" "$obj" "${@:3}"
	"$tests/rig/modules.sh" "$obj" "$out" W=1 KBUILD_MODPOST_WARN=1
	test -e "$out/module/dma_alias_pool.ko"
	test -e "$out/selftests/modules/dma_alias_pool_test.ko"
	! grep -E "(^|/)(module|selftests/modules)/[^ ]*: (warning|error):" "$out/build.log"
}

config() { # NAME BOARD WORD...
	local rc
	try_step "CONFIG  $1" "$logs/$1.log" compiles "$@"
	report "$rc" "$*"
	rm -rf "${logs:?}/$1" "$logs/$1-modules"
}

# Options that do not touch each other share a configuration, to save time. Kernels for
# ARMv7-M have no tracepoints at all, so the two lines for "virt" test those.
config quiet an385 EXPERT=y DEBUG_FS=n PRINTK=n
config no-sysfs an385 EXPERT=y SYSFS=n OF=y OF_OVERLAY=n OF_DYNAMIC=n OF_KOBJ=n
config big-endian virt CPU_BIG_ENDIAN=y ARM_LPAE=y TRACEPOINTS=n FTRACE=n \
	PROVE_LOCKING=n
config clang virt LLVM=1 TRACEPOINTS=y

print_counts $passed $failed
[ "$failed" -eq 0 ]
