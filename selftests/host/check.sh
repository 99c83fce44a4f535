#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make check: lint, the unit tests, every selftest in the emulated machine of KVER and
# BOARD, and the bench. Most selftests are booted twice: on a kernel that knows of no
# caches, as QEMU has none, and on one that was made to believe in caches. What is
# missing (kernel, user space, modules) is built first. Ends "N passed, N failed".
#
# These variables change what is run:
#   TEST="NAME..."  run only these. A NAME is a part (lint, unit, docs, life, cache,
#                   bench ...), a program of the unit tests, the beginning of a boot's
#                   label, or a script of selftests/ (NAME.sh).
#   BOOTS_ONLY=y    run only the boots: lint and the like are the same on all machines
#   FLAVOUR=NAME    use another of the machine's kernels (rig/flavours)
#   OPERATIONS=N    how many operations stress.sh does on BOARD=smp (20000)
#   LIFE_STEPS=N    how many steps the lifecycle fuzzer does (2000)
#   SEEDS=N         with how many seeds check_cache.sh runs its proof (3)
#   FAIL_FAST=y     stop at the first part or boot that fails. What finds most in the
#                   least time comes first: FIRST (a NAME as in TEST), then the unit
#                   tests, then the boots.
#
# In the boots whose label ends in "-watched", the kernel knows of no caches, and must
# not touch the pool at its cacheable address: QEMU watches that, and one access fails
# the test.
set -euo pipefail
tests=$(dirname "$(dirname "$(readlink -f "$0")")")
top=$(dirname "$tests")
. "$tests/rig/lib.sh"
. "$tests/rig/boots.sh"

default_machine
# machines with a kernel of Debian's have boots of their own
# shellcheck disable=SC2086 # words
! grep -qsx KERNEL=stock "$tests/rig/boards/$BOARD/board.conf" ||
	exec "$tests/host/check_stock.sh" ${TEST:-}
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

# finished: print the counts and exit. A boot that is still running is stopped, and
# does not count.
finished() {
	stop_boots
	wait
	print_counts $total_passed $total_failed $total_skipped
	[ $((total_passed + total_failed + total_skipped)) -gt 0 ] ||
		die "nothing of ${TEST:-this} is for $machine"
	exit $((total_failed > 0))
}

# counts LABEL LOG: add the counts of the last line "LABEL: N passed, N failed" in LOG
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

# Only what is compiled is warned about, so all of it is. Mutants change one file each.
[ -n "${FAIL_FAST:-}" ] || [[ " ${TEST:-w1} " != *" w1 "* ]] || rm -rf "$build/modules"
words=$("$tests/rig/machine.sh" prepare)
# shellcheck source=/dev/null
. "$tests/rig/boards/$BOARD/board.conf"
kernel=$(sed 's/.*--kernel \([^ ]*\).*/\1/' <<<"$words")
userland=$("$tests/rig/userland.sh" | tail -n 1)

# verdict PART WRONG: count a part that printed what is wrong; if it printed nothing, all is right
verdict() {
	if [ -z "$2" ]; then
		add "$1" 1 0
	else
		echo "$2"
		add "$1" 0 1
	fi
}

# Every file that the emulated machine gets must also be among those that kselftest's
# "make install" puts on a target.
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
		USERCC="$userland/bin/fdpic-gcc" INSTALL_PATH="$tree/installed"
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

# Here only whether each mutant still fits the sources; check-long runs the tests on
# them.
part_mutants() {
	say "  MUTANTS"
	if "$tests/mutants/apply.py" check "$top"; then
		add mutants 1 0
	else
		echo "not ok - each mutant fits the sources"
		add mutants 0 1
	fi
}

# Runs all programs of the unit tests, or those in ONLY_TEST.
part_unit() {
	say "  UNIT    (about half a minute)"
	[ -z "$(make -s -C "$tests/unit" run32)" ] || need qemu-user
	make -s -C "$tests/unit" check KSRC="$(usual_source)" O="$top/build/unit" \
		${ONLY_TEST:+TESTS="$(printf "$top/build/unit/%s " $ONLY_TEST)"} 2>&1 |
		tee "$logs/unit.log" || true
	counts unit "$logs/unit.log"
}

# The parts that a script check_PART.sh does. They read files, and test nothing on a
# target.
texts="analysis picture docs readme overlays"
part_text() {
	# the analysers, and the list of their false reports, are made for that kernel
	if [ "$1" = analysis ] && ! is_usual_series; then
		say "  ANALYSIS skipped, it is done with Debian's default kernel only"
		add analysis 0 0 1
		return
	fi
	say "  ${1^^}"
	"$tests/host/check_$1.sh" 2>&1 | tee "$logs/$1.log" || true
	sed -n "s/^[0-9]* passed, /$1: &/p" "$logs/$1.log" >>"$logs/$1.log"
	counts "$1" "$logs/$1.log"
}

part_kselftest() {
	# kselftest() knows only the compilers for Arm
	[ "${ARCH:-arm}" = arm ] || return 0
	step "KSELFTEST install" "$logs/kselftest.log" kselftest
	add kselftest 1 0
}

# The machine's modules were compiled with W=1. Looked at now, since a part that builds
# them again leaves a log of nothing.
warnings=$(no_warnings "$build/modules/build.log") || true
part_w1() {
	say "  W=1     $machine"
	verdict w1 "$warnings"
}

# Which file calls which depends on the kernel's configuration, so it is looked at on each
# machine. The table is that of a kernel with device trees.
part_layers() {
	local nm wrong
	grep -q '^CONFIG_OF=y' "$kernel/.config" || return 0
	nm=${CROSS_COMPILE-arm-linux-gnueabi-}nm
	wrong=$("$tests/host/layers.py" "$top/module/README.md" "$build/modules/module" "$nm" 2>&1) || true
	verdict layers "${wrong:+not ok - files call only what is below them
$wrong}"
}

# unsupported MESSAGE MAKE-ARGUMENT...: the arguments take from the kernel's
# configuration what the module needs. The build must stop, and say MESSAGE once.
unsupported() {
	local dir=$top/build/unsupported
	rm -rf "$dir"
	! ("$tests/rig/modules.sh" "$kernel" "$dir" "${@:2}") || return 1
	[ "$(grep -c "dma-alias-pool: this kernel $1" "$dir/build.log")" -eq 1 ]
}

# The same for a kernel before 5.10. It has only the one header that module/Kbuild
# looks at.
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

# --- boots: each is a line "LABEL SCRIPT OPTION...", see boots.sh
boots=()

# For scripts that call the DMA API in atomic context: on PREEMPT_RT that is an error
# in the kernel itself if DMA_API_DEBUG is on, whose locks sleep there.
in_atomic_context() { [ "${FLAVOUR:-}" != rt ] || echo "--append dma_debug=off"; }
# on_smp SCRIPT: the script with its arguments on BOARD=smp, whose kernel looks for
# mistakes and is slow. So scripts with many rounds do fewer of them.
on_smp() {
	case $1 in
	coherent) echo "$1.sh $(in_atomic_context)" ;;
	lifetime) echo "$1.sh@50" ;;
	*) echo "$1.sh" ;;
	esac
}
if [ "$BOARD" = smp ]; then
	# This machine has two processors. With more of them than the host has, one spins
	# while another one that holds the lock does not run.
	boots_at_once=1
	boots+=("stress stress.sh@${OPERATIONS:-20000} --timeout 3600 $(in_atomic_context)")
	boots+=("faults faults.sh --timeout 900")
	boots+=("in_use in_use.sh")
	boots+=("tracing tracing.sh")
fi
watch="--watch $POOL_PHYS:$POOL_SIZE"
for module in dma_alias_pool:module dma_alias_pool_test:selftests/modules; do
	watch+=" --module ${module%:*}=$build/modules/${module#*:}/${module%:*}.ko"
done
# With an MMU nothing is watched, as the module maps no cacheable view of a pool; and
# the kernel believes in caches anyhow.
mmu='' cacheid=--cacheid
! grep -q '^CONFIG_MMU=y' "$kernel/.config" || mmu=y cacheid=
# not_watched SCRIPT WORDS: add the boot with a kernel that believes in caches. On
# RISC-V a kernel without an MMU cannot be made to: the boot would be the watched one
# again, less the watching. There two scripts are enough. Other kernels than the default
# one may differ in how they maintain caches: there it is the scripts that have them do so.
not_watched() {
	if [ "$BOARD" != rv64 ]; then
		case $1 in
		calls | coherent | mapping | streaming) ;;
		*) is_default || return 0 ;;
		esac
		boots+=("$1-cached $2 --cacheid")
	elif [[ $1 = calls || $1 = coherent ]]; then
		boots+=("$1-plain $2")
	fi
}
for script in calls coherent files attach mapping lifetime streaming ranges bad_free bad_input; do
	if [ "$BOARD" = smp ]; then
		boots+=("$script $(on_smp "$script")")
		continue
	elif [ "$mmu$script" = ycalls ]; then
		# a pool without an alias, since all other scripts have one with an alias
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
if [ -n "$mmu" ]; then
	boots+=("clients $clients")
else
	boots+=("clients-watched $clients $watch")
	not_watched clients "$clients"
fi
if [ -z "$mmu" ]; then
	boots+=("watch watch.sh $watch")
	boots+=("guard guard.sh")
	# On these boards guard=1 closes the memory with the MPU: a stray access stops the
	# machine, and so takes a boot of its own.
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
	boots+=("report-device_tree report_tells.sh@device_tree --overlay $build/bad-pools.dtbo")
fi
if [ -e "$build/broken.dtbo" ]; then
	# without caches all devices of the tree are coherent, and no default pool takes them
	boots+=("broken_device_tree broken_device_tree.sh --cacheid --overlay $build/broken.dtbo")
fi
if [ -e "$build/run-time.dtbo" ]; then
	boots+=("overlay-watched overlay.sh --overlay $build/run-time.dtbo $watch")
	boots+=("overlay-cached overlay.sh --cacheid --overlay $build/run-time.dtbo")
fi
if [ -e "$build/mpu-pools.dtbo" ]; then
	boots+=("mpu mpu.sh --overlay $build/mpu-pools.dtbo")
fi
boots+=("readers readers.sh")
if is_default; then
	boots+=("report report_tells.sh")
else
	boots+=("report report_tells.sh@few")
fi
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

# Real devices, under the kernel's own drivers. On this machine QEMU's NVMe has no MSI
# and loses an interrupt now and then, with or without the module. The driver's timeout
# helps, since it then looks at the device itself; but it is 30 seconds by default.
stock="--append nvme_core.io_timeout=3"
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
[ "$BOARD" != rv64 ] ||
	boots+=("stock_placed stock_placed.sh $stock --overlay $build/placed.dtbo")
if [ "$BOARD" = icicle ]; then
	boots+=("stock_icicle stock_icicle.sh --overlay $build/mpfs-icicle-kit.dtbo")
fi

if grep -qs arm,pl081 "$tests/rig/boards/$BOARD/$BOARD.dts"; then
	boots+=("real_dma-watched real_dma.sh $watch")
	boots+=("real_dma-cached real_dma.sh --cacheid")
	boots+=("real_dma-wrong-bus real_dma.sh@wrong-bus")
fi

# seconds to the next result
boot_timeout=400
part_boots() { run_boots "${boots[@]}"; }

# The bench counts instructions, of which each run has the same number. So a goal that
# is missed is never a matter of chance, and fails.
part_bench() {
	local bench_failed=0
	[ -e "$build/bench.dtbo" ] || return 0
	say "  BENCH"
	"$tests/bench/bench.sh" 2>&1 | tee "$logs/bench.log" || bench_failed=1
	add bench $((1 - bench_failed + $(grep -c ' pass$' "$logs/bench.log"))) \
		$((bench_failed + $(grep -c ' MISS$' "$logs/bench.log")))
}

# The lifecycle fuzzer: first the sequences that have found a fault once (life/found),
# then random ones. Where the board can have pools in its device tree, one of them is
# the default pool.
part_life() {
	local overlay=
	is_default || [ "$BOARD-${FLAVOUR:-}" = smp- ] || return 0
	if no_time_left; then
		say "  LIFE    skipped, no time is left, LIMIT=$LIMIT minutes"
		add life 0 0 1
		return
	fi
	say "  LIFE    (${LIFE_STEPS:-2000} steps)"
	[ ! -e "$build/run-time.dtbo" ] || overlay="--overlay $build/run-time.dtbo"
	# shellcheck disable=SC2086 # words
	"$tests/life/life.py" $words $overlay --found "$tests/life/found" \
		--steps "${LIFE_STEPS:-2000}" --log "$logs/life.console" 2>&1 |
		tee "$logs/life.log" || true
	counts life "$logs/life.log"
}

# The module on the machine that has a data cache. Here for the default kernel only;
# check-all has other kernels.
part_cache() {
	[ "$BOARD-${FLAVOUR:-}" = an385- ] && is_default || return 0
	say "  CACHE"
	env -u FLAVOUR "$tests/host/check_cache.sh" 2>&1 | tee "$logs/cache.log" || true
	sed -n "s/^[0-9]* passed, /cache: &/p" "$logs/cache.log" >>"$logs/cache.log"
	counts cache "$logs/cache.log"
}

parts="lint mutants unit $texts kselftest w1 layers unsupported boots life cache bench"

# choose NAME: find out what NAME, a word of TEST, stands for. Sets chosen to the part;
# if that is "boots", sets found to the boots that are meant. NAME.sh is booted without
# options: that way a script can be tried that has no boot here yet.
choose() {
	found=()
	case " $parts " in *" $1 "*)
		chosen=$1
		[ "$1" != boots ] || found=("${boots[@]}")
		return
		;;
	esac
	chosen=unit
	[[ $1 != test* ]] || return 0
	chosen=boots
	if [[ $1 = *.sh ]] && [ -e "$tests/$1" ]; then
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
	parts="unit boots life cache bench w1 layers lint $texts kselftest unsupported"
	choose "${FIRST:=unit}"
	if [[ $FIRST = test* ]]; then
		ONLY_TEST=$FIRST part_unit
	else
		parts="$chosen ${parts/$chosen/}"
	fi
	mapfile -t boots < <(printf '%s\n' "${found[@]}" "${boots[@]}" | awk 'NF && !seen[$0]++')
fi
[ -z "${BOOTS_ONLY:-}" ] || [ -n "${TEST:-}" ] || parts="boots life w1 layers"
for part in $parts; do
	case " $texts " in
	*" $part "*) part_text "$part" ;;
	*) "part_$part" ;;
	esac
done
finished
