#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make check: lint, unit tests, every selftest in the emulated machine of KVER
# and BOARD, as it boots and with caches that the kernel believes in, and the
# bench. All that is missing is made first. Ends "N passed, N failed".
#
# TEST="NAME..." leaves out all but the parts (lint, unit, docs, life, cache, bench ...),
# programs of the unit tests, boots (what their labels begin with) and scripts (NAME.sh)
# of these names.
# With BOOTS_ONLY=y only the boots: lint and the like are the same everywhere.
# FLAVOUR is another of the machine's kernels (rig/flavours); OPERATIONS is how
# many stress.sh does on BOARD=smp (20000), LIFE_STEPS how many steps the lifecycle
# fuzzer does (2000), SEEDS with how many the proof on the machine with a cache is run.
# With FAIL_FAST=y the first part or boot that fails is the last, and what finds
# most for its time comes first: FIRST (as in TEST), the unit tests, the boots.
#
# Where the machine has no caches, the cacheable view of the pool is watched
# during the whole test: one touch by the CPU, and the test fails.
set -euo pipefail
tests=$(dirname "$(dirname "$(readlink -f "$0")")")
top=$(dirname "$tests")
. "$tests/rig/lib.sh"
. "$tests/rig/boots.sh"

default_machine
machine=$BOARD-$KVER${FLAVOUR:+-$FLAVOUR}
build=$top/build/$machine
logs=$top/build/check/$machine
total_passed=0 total_failed=0 total_skipped=0

need python3 gcc gcc-12-multilib rsync
rm -rf "$logs"
mkdir -p "$logs"

# add LABEL PASSED FAILED [SKIPPED]
add() {
	total_passed=$((total_passed + $2))
	total_failed=$((total_failed + $3))
	total_skipped=$((total_skipped + ${4:-0}))
	[ -z "${FAIL_FAST:-}" ] || [ "$3" -eq 0 ] || finished
}

# a boot that is still running does not count
finished() {
	stop_boots
	wait
	print_counts $total_passed $total_failed $total_skipped
	exit $((total_failed > 0))
}

# counts LABEL LOG: from the last line "LABEL: N passed, N failed"
counts() {
	local line
	line=$(grep -E "^$1: [0-9]+ passed, [0-9]+ failed" "$2" | tail -n 1) || true
	if [ -z "$line" ]; then
		echo "not ok - $1 did not come to its end, see $2"
		add "$1" 0 1
		return
	fi
	# shellcheck disable=SC2046 # numbers
	add "$1" $(read_counts <<<"${line#"$1: "}")
}

words=$("$tests/rig/machine.sh" prepare)
# shellcheck source=/dev/null
. "$tests/rig/boards/$BOARD/board.conf"
kernel=$(sed 's/.*--kernel \([^ ]*\).*/\1/' <<<"$words")
userland=$("$tests/rig/userland.sh" | tail -n 1)

# What kselftest would put on a target is what the machine gets by other means.
kselftest() {
	local tree=$top/build/kselftest file
	rm -rf "$tree"
	cp -a "$build/modules" "$tree"
	cp -a "$top/Makefile" "$tree/"
	cp -a "$tests/helpers" "$tree/selftests/"
	cp -a "$tests"/Makefile "$tests"/config "$tests"/settings "$tests"/*.sh \
		"$tree/selftests/"
	make -C "$tree/selftests" install KSRC="$kernel/source" KDIR="$kernel" \
		ARCH=arm CROSS_COMPILE=arm-linux-gnueabi- \
		CC="$userland/bin/fdpic-gcc" INSTALL_PATH="$tree/installed"
	for file in "$build"/files/*; do
		case ${file##*/} in *_bench.ko | overlays | docs*) continue ;; esac
		test -e "$tree/installed/${file##*/}"
	done
}

part_lint() {
	say "  LINT"
	"$tests/host/lint.sh" 2>&1 | tee "$logs/lint.log" || true
	counts lint "$logs/lint.log"
}

# Of all programs, or of those in ONLY_TEST.
part_unit() {
	say "  UNIT    (about half a minute)"
	make -s -C "$tests/unit" check KSRC="$(usual_source)" O="$top/build/unit" \
		${ONLY_TEST:+TESTS="$(printf "$top/build/unit/%s " $ONLY_TEST)"} 2>&1 |
		tee "$logs/unit.log" || true
	counts unit "$logs/unit.log"
}

# check_PART.sh, about what is read and not run on a target
texts="analysis picture docs readme overlays"
part_text() {
	say "  ${1^^}"
	"$tests/host/check_$1.sh" 2>&1 | tee "$logs/$1.log" || true
	sed -n "s/^[0-9]* passed, /$1: &/p" "$logs/$1.log" >>"$logs/$1.log"
	counts "$1" "$logs/$1.log"
}

part_kselftest() {
	# it is made for the board that has what Debian lacks
	[ "${ARCH:-arm}" = arm ] || return 0
	step "KSELFTEST install" "$logs/kselftest.log" kselftest
	add kselftest 1 0
}

# Old kernels' own headers warn, too.
without_warnings() {
	"$tests/rig/modules.sh" "$kernel" "$top/build/w1-$machine" W=1
	! grep -E "(^|/)(module|selftests/modules)/[^ ]*: (warning|error):" \
		"$top/build/w1-$machine/build.log"
}
part_w1() {
	step "W=1 $machine" "$logs/w1.log" without_warnings
	add w1 1 0
}

# A kernel in which the module could not work: the build says so, and stops.
unsupported() { # MESSAGE MAKE-ARGUMENT...
	local dir=$top/build/unsupported
	rm -rf "$dir"
	! ("$tests/rig/modules.sh" "$kernel" "$dir" "${@:2}") || return 1
	[ "$(grep -c "dma-alias-pool: this kernel $1" "$dir/build.log")" -eq 1 ]
}

# One of before 5.10, as far as the build looks at it.
unsupported_age() {
	local dir=$top/build/unsupported
	rm -rf "$dir"
	mkdir -p "$dir/include/linux"
	touch "$dir/include/linux/dma-mapping.h"
	! make -f "$top/module/Kbuild" src="$top/module" srctree="$dir" \
		CONFIG_HZ=100 >"$dir/log" 2>&1 || return 1
	cat "$dir/log"
	[ "$(grep -c 'dma-alias-pool: this kernel is older than 5.10' "$dir/log")" -eq 1 ]
}

part_unsupported() {
	step "UNSUPPORTED kernels" "$logs/unsupported.log" \
		unsupported "has no per-device dma_map_ops" \
		CONFIG_DMA_OPS= CONFIG_ARCH_HAS_DMA_OPS=
	step "UNSUPPORTED age" "$logs/unsupported.log" unsupported_age
	add unsupported 2 0
	[ "${ARCH:-arm}" = arm ] || return 0
	step "UNSUPPORTED barriers" "$logs/unsupported.log" \
		unsupported "has no barriers" CONFIG_ARM_DMA_MEM_BUFFERABLE=
	add unsupported 1 0
}

# --- boots: LABEL SCRIPT OPTION...
boots=()

# DMA_API_DEBUG's own locks sleep on PREEMPT_RT, where its callers may not.
in_atomic_context() { [ "${FLAVOUR:-}" != rt ] || echo "--append dma_debug=off"; }
# What looks for mistakes is slow: fewer of the same there.
on_smp() {
	case $1 in
	coherent) echo "$1.sh $(in_atomic_context)" ;;
	lifetime) echo "$1.sh@50" ;;
	*) echo "$1.sh" ;;
	esac
}
if [ "$BOARD" = smp ]; then
	boots+=("stress stress.sh@${OPERATIONS:-20000} --timeout 3600 $(in_atomic_context)")
	boots+=("faults faults.sh --timeout 900")
	boots+=("tracing tracing.sh")
fi
watch="--watch $POOL_PHYS:$POOL_SIZE"
for module in dma_alias_pool:module dma_alias_pool_test:selftests/modules; do
	watch+=" --module ${module%:*}=$build/modules/${module#*:}/${module%:*}.ko"
done
# With an MMU no cacheable view is mapped, and the CPU has its caches.
mmu='' cacheid=--cacheid
! grep -q '^CONFIG_MMU=y' "$kernel/.config" || mmu=y cacheid=
# not_watched SCRIPT WORDS: with a kernel that believes in caches. RISC-V's knows of
# none without an MMU, so that it would be the same again: two are enough.
not_watched() {
	if [ "$BOARD" != rv64 ]; then
		boots+=("$1-cached $2 --cacheid")
	elif [[ $1 = calls || $1 = coherent ]]; then
		boots+=("$1-plain $2")
	fi
}
for script in calls coherent files attach mapping lifetime streaming ranges bad_free bad_input; do
	if [ "$BOARD" = smp ]; then
		boots+=("$script $(on_smp "$script") --timeout 600")
		continue
	elif [ "$mmu$script" = ycalls ]; then
		# the others have an alias
		boots+=("calls calls.sh --pool $POOL_PHYS:$POOL_SIZE")
		continue
	elif [ -n "$mmu" ]; then
		boots+=("$script $script.sh")
		continue
	fi
	boots+=("$script-watched $script.sh $watch")
	not_watched "$script" "$script.sh"
done
clients=clients.sh
[ ! -e "$build/run-time.dtbo" ] || clients+=" --overlay $build/run-time.dtbo"
if [ "$BOARD" = smp ]; then
	boots+=("clients clients.sh --timeout 600")
elif [ -n "$mmu" ]; then
	boots+=("clients $clients")
else
	boots+=("clients-watched $clients $watch")
	not_watched clients "$clients"
fi
if [ -z "$mmu" ]; then
	boots+=("watch watch.sh $watch")
	boots+=("guard guard.sh")
	# with the only MPU that it can have, a stray access stops the machine
	case $BOARD in an385 | an500)
		boots+=("guard-read guard.sh@stray@read")
		boots+=("guard-write guard.sh@stray@write")
		;;
	esac
fi
if [ "$POOL_PHYS$POOL_ALIAS" = 0x200000000x20400000 ]; then
	boots+=("docs docs.sh")
fi
if [ -e "$build/pools.dtbo" ]; then
	boots+=("device_tree device_tree.sh --overlay $build/pools.dtbo")
	[ -n "$mmu" ] ||
		boots+=("device_tree-cached device_tree.sh --cacheid --overlay $build/pools.dtbo")
	boots+=("clients-device_tree clients.sh@device_of_the_tree $cacheid --overlay $build/pools.dtbo")
fi
if [ -e "$build/kernel-pool.dtbo" ]; then
	boots+=("clients-kernel_pool clients.sh@memory_of_the_kernels_pool --cacheid --overlay $build/kernel-pool.dtbo")
fi
if [ -e "$build/bad-pools.dtbo" ]; then
	boots+=("bad_device_tree bad_device_tree.sh --overlay $build/bad-pools.dtbo")
fi
if [ -e "$build/broken.dtbo" ]; then
	boots+=("broken_device_tree broken_device_tree.sh --overlay $build/broken.dtbo")
fi
if [ -e "$build/run-time.dtbo" ]; then
	boots+=("overlay-watched overlay.sh --overlay $build/run-time.dtbo $watch")
	boots+=("overlay-cached overlay.sh --cacheid --overlay $build/run-time.dtbo")
fi
if [ -e "$build/mpu-pools.dtbo" ]; then
	boots+=("mpu mpu.sh --overlay $build/mpu-pools.dtbo")
fi
boots+=("readers readers.sh")
boots+=("report report_tells.sh")
if [ "$BOARD" = an505 ]; then
	boots+=("endurance endurance.sh@200 --append slub_debug=F")
fi
if [ "$BOARD" = virt ]; then
	boots+=("buses buses.sh")
	boots+=("tracing tracing.sh")
	boots+=("each_bus each_bus.sh")
	boots+=("each_bus-default each_bus.sh@default --overlay $build/pools.dtbo")
	boots+=("buses-default buses.sh@default --overlay $build/pools.dtbo")
fi

# Real devices, and drivers that nobody changed. QEMU's NVMe loses an interrupt now and
# then where it has only the wire, also without the module: its driver looks for
# itself then, but by default not before 30 seconds have passed.
stock="--timeout 600 --append nvme_core.io_timeout=3"
if [ "$BOARD$mmu" = rv64 ]; then
	for script in stock_drivers stock_attach; do
		boots+=("$script-watched $script.sh $watch $stock")
	done
elif [ "$BOARD" = rv64 ]; then
	for script in stock_drivers stock_attach; do
		boots+=("$script $script.sh $stock")
	done
	boots+=("stock_coherence stock_coherence.sh $stock --overlay $build/coherent.dtbo")
fi
if [ "$BOARD" = icicle ]; then
	boots+=("stock_icicle stock_icicle.sh --overlay $build/mpfs-icicle-kit.dtbo")
fi

if grep -qs arm,pl081 "$tests/rig/boards/$BOARD/$BOARD.dts"; then
	boots+=("real_dma-watched real_dma.sh $watch")
	boots+=("real_dma-cached real_dma.sh --cacheid")
	boots+=("real_dma-wrong-bus real_dma.sh@wrong-bus")
fi

# none takes half of it on a machine that has nothing else to do
boot_timeout=400
part_boots() { run_boots "${boots[@]}"; }

# Instructions repeat to the last one, so a goal that is missed is a failure.
part_bench() {
	local bench_failed=0
	[ -e "$build/bench.dtbo" ] || return 0
	say "  BENCH"
	"$tests/bench/bench.sh" 2>&1 | tee "$logs/bench.log" || bench_failed=1
	add bench "$(grep -c ' pass$' "$logs/bench.log")" \
		$((bench_failed + $(grep -c ' MISS$' "$logs/bench.log")))
}

# Sequences at random, after those that found something once. A pool of the device
# tree, where there can be one, makes the default one of them.
part_life() {
	local overlay=
	is_default || [ "$BOARD-${FLAVOUR:-}" = smp- ] || return 0
	say "  LIFE    (${LIFE_STEPS:-2000} steps)"
	[ ! -e "$build/run-time.dtbo" ] || overlay="--overlay $build/run-time.dtbo"
	# shellcheck disable=SC2086 # words
	"$tests/life/life.py" $words $overlay --found "$tests/life/found" \
		--steps "${LIFE_STEPS:-2000}" --log "$logs/life.console" 2>&1 |
		tee "$logs/life.log" || true
	counts life "$logs/life.log"
}

# The same module on a machine that has a cache; other series there in check-all.
part_cache() {
	[ "$BOARD-${FLAVOUR:-}" = an385- ] && is_default || return 0
	say "  CACHE"
	"$tests/host/check_cache.sh" 2>&1 | tee "$logs/cache.log" || true
	sed -n "s/^[0-9]* passed, /cache: &/p" "$logs/cache.log" >>"$logs/cache.log"
	counts cache "$logs/cache.log"
}

parts="lint unit $texts kselftest w1 unsupported boots life cache bench"

# choose NAME: sets chosen, the part that has it; if that is the boots, then found, those.
# A script that has none yet is booted as it is.
choose() {
	found=()
	case " $parts " in *" $1 "*)
		chosen=$1
		return
		;;
	esac
	chosen=unit
	[[ $1 != test* ]] || return 0
	chosen=boots
	if [ -e "$tests/$1" ]; then
		found=("${1%.sh} $1")
		return
	fi
	mapfile -t found < <(printf '%s\n' "${boots[@]}" | grep "^$1")
	[ ${#found[@]} -gt 0 ] ||
		die "$1: no such test for $machine; there are the parts $parts, and the boots ${boots[*]%% *}"
}

if [ -n "${TEST:-}" ]; then
	wanted=() only=
	for name in $TEST; do
		choose "$name"
		wanted+=("${found[@]}")
		[[ $name != test* ]] || ONLY_TEST+=" $name"
		[[ " $only " = *" $chosen "* ]] || only+=" $chosen"
	done
	parts=$only boots=("${wanted[@]}")
elif [ -n "${FAIL_FAST:-}" ]; then
	parts="unit boots life cache bench w1 lint $texts kselftest unsupported"
	choose "${FIRST:=unit}"
	if [[ $FIRST = test* ]]; then
		ONLY_TEST=$FIRST part_unit
	else
		parts="$chosen ${parts/$chosen/}"
	fi
	mapfile -t boots < <(printf '%s\n' "${found[@]}" "${boots[@]}" | awk 'NF && !seen[$0]++')
fi
[ -z "${BOOTS_ONLY:-}" ] || [ -n "${TEST:-}" ] || parts="w1 boots life"
for part in $parts; do
	case " $texts " in
	*" $part "*) part_text "$part" ;;
	*) "part_$part" ;;
	esac
done
finished
