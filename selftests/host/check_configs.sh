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

# options WORD...: turn words like NAME=y and NAME=n into options of scripts/config
options() {
	local word
	for word; do
		case $word in
		*=y) echo "--enable ${word%=*}" ;;
		*=n) echo "--disable ${word%=*}" ;;
		*) die "not NAME=y or NAME=n: $word" ;;
		esac
	done
}

# as_wanted CONFIG WORD...: does CONFIG have all WORDs after olddefconfig, which drops
# options whose dependencies are missing?
as_wanted() {
	local word
	for word in "${@:2}"; do
		case $word in
		*=y) grep -qx "CONFIG_$word" "$1" ;;
		*) ! grep "^CONFIG_${word%=n}=" "$1" ;;
		esac || { echo "$word did not take effect" && return 1; }
	done
}

# compiles NAME BOARD WORD...: a WORD is an option as NAME=y or NAME=n, or LLVM=1
compiles() {
	local name=$1 board=$2 kernel source obj=$logs/$1 out=$logs/$1-modules
	local words=() args=(ARCH=arm CROSS_COMPILE=arm-linux-gnueabi-) word
	shift 2
	for word; do
		case $word in
		LLVM=1) args+=("$word") ;;
		*) words+=("$word") ;;
		esac
	done
	kernel=$("$tests/rig/kernel.sh" "$KVER" "$board" | tail -n 1)
	source=$(readlink -f "$kernel/rig/source")
	mkdir -p "$obj/rig"
	cp "$kernel/.config" "$obj/.config"
	# shellcheck disable=SC2046 # words
	"$source/scripts/config" --file "$obj/.config" $(options "${words[@]}")
	make -C "$source" O="$obj" "${args[@]}" LOCALVERSION= -j"$JOBS" \
		olddefconfig modules_prepare
	as_wanted "$obj/.config" "${words[@]}"
	echo "${args[@]}" >"$obj/rig/make"
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
