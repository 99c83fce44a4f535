#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make check-long: what takes too long for make check-all. It takes some hours, and ends
# with a table and "N passed, N failed". The parts, and the variables that say how much
# of each is done:
#   - a million allocations under stress on a kernel that looks for mistakes, and on one
#     that looks for data races (OPERATIONS, 1000000)
#   - all selftests on PREEMPT_RT, and some where devices are freed late
#   - a thousand loads, bindings and attachments without an MMU and on the PC (CYCLES,
#     1000)
#   - all boots of the machines and kernels of which check-all has some or none, and its
#     other tests of packages and of the Makefile
#   - static analysis of what is compiled only for an MMU
#   - a million steps of the lifecycle fuzzer (STEPS, 1000000)
#   - 300 seeds of the machine with a cache (SEEDS, 300)
#   - an hour of the fuzzers (FUZZ_SECONDS, 3600)
#   - unusual kernel configurations, and some at random (CONFIGS, 40), which are only
#     compiled
#   - all mutants
#
# To add a part, write a function whose last line of output is "N passed, N failed", and
# a "check" line for it below.
set -euo pipefail
tests=$(dirname "$(dirname "$(readlink -f "$0")")")
top=$(dirname "$tests")
. "$tests/rig/lib.sh"
default_machine
default=$BOARD
smp=$(board_series smp)
newest=$("$tests/rig/series.sh" newest)
. "$tests/rig/parts.sh"

export OPERATIONS=${OPERATIONS:-1000000} CYCLES=${CYCLES:-1000} STEPS=${STEPS:-1000000} SEEDS=${SEEDS:-300} TIMEOUT=${TIMEOUT:-7200}

# endurance BOARD: check_stock.sh does the same for the PC, see pc_endurance()
endurance() {
	local words log=$top/build/check/endurance-$1 rc=0
	words=$(BOARD=$1 "$tests/rig/machine.sh" prepare) || return
	rm -f "$log.json"
	# shellcheck disable=SC2086 # words
	"$tests/rig/run.py" $words --append slub_debug=F --timeout "$TIMEOUT" \
		--log "$log.console" --json "$log.json" \
		--run endurance.sh "$CYCLES" || rc=$?
	# shellcheck disable=SC2046 # three numbers
	print_counts $(run_counts "$log.json")
	return $rc
}

pc_endurance() {
	local rc=0
	BOARD=pc "$tests/host/check_stock.sh" endurance >"$logs/check_stock.log" 2>&1 || rc=$?
	grep '^# ' "$top/build/check/pc-$KVER/endurance.log" || true
	tail -n 1 "$logs/check_stock.log"
	return $rc
}

# stress FLAVOUR: stress.sh alone, on that kernel of the machine with several processors
stress() {
	local log=$top/build/check/smp-$smp${1:+-$1}/stress.log rc=0
	BOARD=smp KVER=$smp FLAVOUR=$1 TEST=stress \
		"$tests/host/check.sh" >"$logs/stress_boot.log" 2>&1 || rc=$?
	grep '^# ' "$log" || true
	tail -n 1 "$logs/stress_boot.log"
	return $rc
}

# life BOARD KVER STEPS: the lifecycle fuzzer in rounds of at most 50000 steps. Each
# round boots the machine anew, and has another seed; make check has none of these.
life() {
	local words at n p=0 f=0 rc=0 log=$logs/life-$1 seed=${SEED:-1000000}
	local overlay=$top/build/$1-$2/run-time.dtbo
	words=$(BOARD=$1 KVER=$2 "$tests/rig/machine.sh" prepare) || return
	[ ! -e "$overlay" ] || words+=" --overlay $overlay"
	for ((at = 0; at < $3; at += n, seed += 1000000)); do
		n=$(($3 - at < 50000 ? $3 - at : 50000))
		# shellcheck disable=SC2086 # words
		"$tests/life/life.py" $words --found "$tests/life/found" --steps $n \
			--seed $seed --log "$log.console" >"$log.all" || {
			rc=$?
			f=$((f + 1))
			mv "$log.console" "$log-$seed.console"
		}
		grep '^#\|^not ok' "$log.all" || true
		p=$((p + $(grep -c "^ok " "$log.all" || true)))
		say "  LIFE    $1: $((at + n)) of $3 steps, $f rounds failed"
	done
	echo "$p passed, $f failed"
	return $rc
}

mutants() {
	local rc=0
	"$tests/host/mutants.sh" 2>&1 | tee "$logs/mutants.all" || rc=$?
	sed -n 's/^mutants: \([0-9]*\) killed, \([0-9]*\) survived.*/\1 passed, \2 failed/p' \
		"$logs/mutants.all" | tail -n 1
	return $rc
}

check "stress" stress ""
check "PREEMPT_RT" env BOARD=smp KVER="$smp" FLAVOUR=rt BOOTS_ONLY=y "$tests/host/check.sh"
check "data races" stress kcsan
check "late release" env BOARD=smp KVER="$smp" FLAVOUR=late TEST="clients attach bad_input" \
	"$tests/host/check.sh"
check "an500 $KVER MPU" env BOARD=an500 FLAVOUR=mpu BOOTS_ONLY=y "$tests/host/check.sh"
check "endurance an505" endurance an505
check "endurance pc" pc_endurance
check "rv64 6.12 MMU" env BOARD=rv64 KVER=6.12 FLAVOUR=mmu BOOTS_ONLY=y "$tests/host/check.sh"
# some code is compiled only where there is an MMU
check "analysis virt" env BOARD=virt "$tests/host/check_analysis.sh"
# all of the machines of which check-all has little or nothing
mapfile -t confs < <(grep -l ^CHECK= "$tests"/rig/boards/*/board.conf)
for conf in "${confs[@]}"; do
	board=$(basename "$(dirname "$conf")")
	kver=$(board_series "$board")
	kver=${kver:-$KVER}
	check "$board $kver" env BOARD="$board" KVER="$kver" BOOTS_ONLY=y "$tests/host/check.sh"
done
# and of the kernel series, those of other machines as well
for kver in $({
	"$tests/rig/series.sh"
	sed -n 's/^SERIES=//p' "$tests"/rig/boards/*/board.conf
} | sort -u); do
	[ "$kver" = "$KVER" ] ||
		check "$default $kver" env KVER="$kver" BOOTS_ONLY=y "$tests/host/check.sh"
done
# all boots of Debian's own kernels
for kver in $("$tests/rig/series.sh" in bookworm); do
	check "pc $kver" env BOARD=pc KVER="$kver" "$tests/host/check_stock.sh"
	check "arm64 $kver" env BOARD=arm64 KVER="$kver" "$tests/host/check_stock.sh"
done
check "arm64 16k" env BOARD=arm64 KVER=6.12 FLAVOUR=16k "$tests/host/check_stock.sh"
check make "$tests/host/check_make.sh"
check packages env ALL=y "$tests/host/check_packages.sh"
check "life $default" life "$default" "$KVER" $((STEPS / 8 * 7))
check "life smp" life smp "$smp" $((STEPS / 8))
# make check has seeds 1 to 3
check "cache $KVER" env ALL=y FLAVOUR= FIRST_SEED=100 SEEDS="$SEEDS" "$tests/host/check_cache.sh"
check "cache $newest" env FLAVOUR= KVER="$newest" FIRST_SEED=100 ALL=y "$tests/host/check_cache.sh"
check configs "$tests/host/check_configs.sh"
check "configs at random" "$tests/host/check_configs.sh" random
check fuzz fuzz "${FUZZ_SECONDS:-3600}"
check mutants mutants

finish_parts
