#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check_configs.sh - the modules compile, without a warning of W=1, for kernels that
# lack what others have, or are of another kind: nothing is run. Of the kernels that
# other checks boot only the configuration is taken and changed, and its headers are
# prepared; there is no vmlinux, so undefined symbols are not told.
# All kernels of the rig are built with O=; OF=n is the machine "smp" of check-all.
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

compiles() { # NAME BOARD WORD...: as configured.sh takes them
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

# What goes well together is one configuration. v7-M has no tracepoints at all.
config quiet an385 EXPERT=y DEBUG_FS=n PRINTK=n
config no-sysfs an385 EXPERT=y SYSFS=n OF=y OF_OVERLAY=n OF_DYNAMIC=n OF_KOBJ=n
config big-endian virt CPU_BIG_ENDIAN=y ARM_LPAE=y TRACEPOINTS=n FTRACE=n \
	PROVE_LOCKING=n
config clang virt LLVM=1 TRACEPOINTS=y

print_counts $passed $failed
[ "$failed" -eq 0 ]
