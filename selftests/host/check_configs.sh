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
#
# check_configs.sh random [SEED...] - the same for configurations at random, of several
# architectures and kernels. In each, the modules compile without a warning, or the build
# says in one line that the module cannot work there. A configuration with which the kernel
# itself does not compile is skipped. Without SEEDs, CONFIGS of them (40) from FIRST_SEED
# (1) on.
# Ends "N passed, N failed", maybe with ", N skipped".
set -euo pipefail
tests=$(dirname "$(dirname "$(readlink -f "$0")")")
top=$(dirname "$tests")
. "$tests/rig/lib.sh"

default_machine
logs=$top/build/check/configs
n=0 passed=0 failed=0 skipped=0
rm -rf "$logs"
mkdir -p "$logs"
need gcc-arm-linux-gnueabi clang lld llvm

# configure NAME BOARD KVER WORD...: prepare a kernel in $obj, with WORDs as
# configured.sh takes them
configure() {
	local kernel
	kernel=$("$tests/rig/kernel.sh" "$3" "$2" | tail -n 1)
	"$tests/rig/configured.sh" "$kernel" "$obj" "${@:4}"
}

build() { "$tests/rig/modules.sh" "$obj" "$out" KBUILD_MODPOST_WARN=1; }

compiles() {
	configure "$@"
	build
	test -e "$out/module/dma_alias_pool.ko"
	test -e "$out/selftests/modules/dma_alias_pool_test.ko"
	no_warnings "$out/build.log"
}

compiles_or_says_why() {
	configure "$@"
	if build; then
		test -e "$out/module/dma_alias_pool.ko"
		no_warnings "$out/build.log"
	else
		grep '[*]\{3\} dma-alias-pool: this kernel' "$out/build.log"
	fi
}

# test_config FUNCTION NAME BOARD KVER WORD...: its status in rc
test_config() {
	local obj=$logs/$2 out=$logs/$2-modules
	try_step "CONFIG  $2" "$logs/$2.log" "$@"
	rm -rf "$obj" "$out"
}

config() { # NAME BOARD WORD...
	local rc
	test_config compiles "$1" "$2" "$KVER" "${@:3}"
	report "$rc" "$*"
}

# Without these, the kernel's build would need more of this machine, or most kernels would
# be such that the module cannot work there.
usual=(MODULES=y COMPILE_TEST=n WERROR=n GCC_PLUGINS=n RUST=n DEBUG_INFO_NONE=y
	MODULE_SIG=n MODVERSIONS=n SYSTEM_TRUSTED_KEYRING=n ARM_DMA_MEM_BUFFERABLE=y
	VDPA_MENU=y VDPA=y VDPA_SIM=m)

# random SEED: what the last digit says
random() {
	local newest smp rc text why
	newest=$("$tests/rig/series.sh" newest)
	smp=$(board_series smp)
	case $1 in
	*[05]) set -- "$1" an385 "$KVER" MMU=n ARM_SINGLE_ARMV7M=y ;;
	*[16]) set -- "$1" virt "$KVER" ;;
	*[27]) set -- "$1" an385 "$newest" MMU=n ARM_SINGLE_ARMV7M=y ;;
	*[38]) set -- "$1" smp "$smp" 64BIT=y PCI=y CPU_SUP_AMD=y GART_IOMMU=y ;;
	*[49]) set -- "$1" rv64 "$smp" DMA_ALIAS_POOL_OPS=y FTRACE=n ;;
	esac
	text="$2 $3 random=$1 ${*:4}"
	test_config compiles_or_says_why "random-$1" "$2" "$3" "random=$1" "${@:4}" \
		"${usual[@]}"
	# as skip() in lib.sh prints it
	why=$(tail -n 1 "$logs/random-$1.log" | sed -n 's/^rig: skipped: //p')
	if [ -n "$why" ]; then
		n=$((n + 1)) skipped=$((skipped + 1))
		echo "ok $n $text # SKIP $why"
	else
		report "$rc" "$text"
	fi
}

if [ "${1:-}" = random ]; then
	seeds=("${@:2}") first=${FIRST_SEED:-1}
	[ ${#seeds[@]} -gt 0 ] ||
		mapfile -t seeds < <(seq "$first" $((first + ${CONFIGS:-40} - 1)))
	for seed in "${seeds[@]}"; do
		random "$seed"
	done
	print_counts $passed $failed $skipped
	[ "$failed" -eq 0 ]
	exit
fi

# Options that do not touch each other share a configuration, to save time. Kernels for
# ARMv7-M have no tracepoints at all, so the two lines for "virt" test those.
config quiet an385 EXPERT=y DEBUG_FS=n PRINTK=n
config no-sysfs an385 EXPERT=y SYSFS=n OF=y OF_OVERLAY=n OF_DYNAMIC=n OF_KOBJ=n
config big-endian virt CPU_BIG_ENDIAN=y ARM_LPAE=y TRACEPOINTS=n FTRACE=n \
	PROVE_LOCKING=n
config clang virt LLVM=1 TRACEPOINTS=y

print_counts $passed $failed
[ "$failed" -eq 0 ]
