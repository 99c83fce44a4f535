#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The module on an emulated machine that has a data cache (CACHE=y, selftests/cache/).
# First the cache itself is tested: its lines against a simpler model of them, then the
# machine, with bare loads and stores (cache_self.sh). Then comes the proof (cache.sh):
# data in a pool's memory is never wrong, whatever the cache does, and in normal memory it
# is. What is missing is built first. Ends "N passed, N failed".
#
# The adversary is the part of the cache that evicts and fetches lines at random times.
# SEEDS says with how many seeds of it the proof is run (3), and FIRST_SEED which is the
# first (1). Every other run has a cache as large as that of a Cortex-M7, the rest one
# with room for all memory. ALL=y adds those selftests that make sense on this machine,
# all of them with the adversary.
#
# The kernel is as products have it, without DMA_API_DEBUG: the one that the bench needs as
# well. FLAVOUR= (nothing) takes the one that looks for mistakes.
#
# Where there is no emulator for this machine (rig/qemu.sh), it is skipped: one line
# says so, and nothing fails.
set -euo pipefail
tests=$(dirname "$(dirname "$(readlink -f "$0")")")
top=$(dirname "$tests")
. "$tests/rig/lib.sh"
. "$tests/rig/boots.sh"

export BOARD=an500 CACHE=y FLAVOUR=${FLAVOUR-plain}
default_machine
logs=$top/build/check/cache-$KVER
build=$top/build/$BOARD-$KVER${FLAVOUR:+-$FLAVOUR}-cache
n=0 passed=0 failed=0 total_passed=0 total_failed=0 total_skipped=0

add() {
	total_passed=$((total_passed + $2))
	total_failed=$((total_failed + $3))
	total_skipped=$((total_skipped + ${4:-0}))
}

# finished: print the counts and exit
finished() {
	print_counts $total_passed $total_failed $total_skipped
	exit $((total_failed > 0))
}

result() { # STATUS NAME
	report "$@"
	total_passed=$((total_passed + passed))
	total_failed=$((total_failed + failed))
	passed=0 failed=0
}

no_emulator=0
"$tests/rig/qemu.sh" >/dev/null || no_emulator=$?
if [ $no_emulator -eq 3 ]; then
	echo "ok - the machine with a cache # SKIP no QEMU 10 is to be had here"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
fi
# Not before this: somebody else may be running the check of this tree.
rm -rf "$logs"
mkdir -p "$logs"
words=$("$tests/rig/machine.sh" prepare)

# --- the lines, against a simpler model of them; the steps follow from the seed
# lines SEED
lines() {
	make -s -C "$tests/cache" test O="$build/machine" SEED="$1" STEPS=$steps
}
runs=1 steps=5000
[ -z "${ALL:-}" ] || runs=3 steps=20000
for ((i = 0; i < runs; i++)); do
	rc=0
	lines $((${FIRST_SEED:-1} + 10 * i)) >"$logs/lines-$i.log" 2>&1 || rc=$?
	[ $rc -eq 0 ] || sed 's/^/# /' "$logs/lines-$i.log"
	result $rc "lines of the cache, as a naive model has them, seed $((${FIRST_SEED:-1} + 10 * i))"
done

# --- boots: each is a line "LABEL SCRIPT OPTION...", see boots.sh
boots=()
infinite="--cache size=0"
real="--cache size=16"
boots+=("self-infinite cache_self.sh $infinite" "self-real cache_self.sh $real")
for ((i = 0; i < ${SEEDS:-3}; i++)); do
	seed=$((${FIRST_SEED:-1} + i))
	[ $((i % 2)) -eq 0 ] && size=$infinite || size=$real
	# an event of the adversary at every third access, up to one in a hundred
	period=$((3 + seed * 7 % 97))
	boots+=("proof-$seed cache.sh@$seed@$period $size")
done
for alias in uncached wt wb; do
	boots+=("alias-$alias cacheability.sh@$alias --cache alias=$alias")
done
# The module refuses an alias that is cached. These boots load it without that check,
# and see that data is wrong then.
for alias in wt wb; do
	boots+=("unchecked-$alias cache.sh@cached-alias@${FIRST_SEED:-1}@20 --cache alias=$alias")
done
boots+=("mpu cacheability.sh@mpu --overlay $build/cache-mpu.dtbo")
if [ -n "${ALL:-}" ]; then
	boots+=("rate cache_rate.sh $real")
	seed=100
	for script in calls coherent files attach mapping lifetime streaming ranges \
		bad_free bad_input clients; do
		seed=$((seed + 1))
		boots+=("$script $script.sh $real --cache seed=$seed --cache period=50")
		# scripts that move data also run with a much busier adversary
		case $script in calls | coherent | mapping | streaming)
			boots+=("$script-worst $script.sh $infinite --cache seed=$seed --cache period=7")
			;;
		esac
	done
fi

boot_timeout=300
run_boots "${boots[@]}"
# what follows needs the results of all boots
! no_time_left || finished

# For people: how many rounds had wrong data, in normal memory and in a pool, summed
# over the runs with all seeds.
table() {
	echo "# wrong rounds, of those of all seeds:"
	grep -h '^# [a-z_]* \(pool\|normal\) [0-9]* [0-9]*$' "$logs"/proof-*.log | awk '
	{
		key = $2 " " $3
		if (!(key in rounds))
			order[++n] = key
		rounds[key] += $4
		wrong[key] += $5
	}
	END {
		for (i = 1; i <= n; i++) {
			split(order[i], word, " ")
			printf "#   %-12s %-7s %7d of %7d\n", word[1], word[2], wrong[order[i]], rounds[order[i]]
		}
	}'
}
table

# Draw the picture of which Documentation/cache.svg is a copy.
picture() {
	sed -n 's/^# rate //p' "$logs/rate.log" | awk '
	$3 > 0 {
		if (!($3 in pool))
			order[++n] = $3
		if ($2 == "normal")
			wrong[$3, $1] = $5
		else if ($5 > pool[$3])
			pool[$3] = $5
		pool[$3] += 0
	}
	END {
		for (i = 1; i <= n; i++)
			print order[i], wrong[order[i], "reads"], wrong[order[i], "reads_again"],
				wrong[order[i], "late"], wrong[order[i], "status"], pool[order[i]]
	}' >"$logs/rate.dat"
	(cd "$logs" && gnuplot -c "$tests/cache/rate.gp" "$tests/bench/style.gp" 100)
}
if [ -n "${ALL:-}" ]; then
	need gnuplot-nox
	rc=0
	picture || rc=$?
	result $rc "the picture, $logs/rate.svg"
fi

# --- the report of missing syncs: it names the driver that forgets one, and nothing is
# reported of the same driver after it was corrected, and asks for its pool itself
example=$top/Documentation/missing-sync
rc=0
DRIVER=$example "$tests/host/check_readme.sh" "$top/Documentation/missing-sync.md" \
	>"$logs/missing-sync.log" 2>&1 || rc=$?
cat "$logs/missing-sync.log"
[ $rc -eq 0 ] || say "  CACHE   missing-sync.md is not what happens"
read -r p _ f _ < <(tail -n 1 "$logs/missing-sync.log" | grep passed || echo "0 passed, 1 failed")
add missing-sync "$p" "$f"

fixed() {
	rm -rf "$logs/fixed"
	cp -a "$example" "$logs/fixed"
	echo "ccflags-y += -DMISSING_SYNC_FIXED" >>"$logs/fixed/Kbuild"
	sed -i -e 's|^#include <linux/platform_device.h>|&\n#include <dma_alias_pool.h>|' \
		-e 's|^\trx->dev = dev;|&\n\tif (dma_alias_pool_attach(dev, "sram"))\n\t\treturn -ENODEV;|' \
		"$logs/fixed/missing_sync.c"
	# shellcheck disable=SC2016 # the machine's
	printf 'insmod dma_alias_pool.ko pools=sram:$RIG_POOL
		insmod missing_sync.ko\ndmesg\n' |
		DRIVER=$logs/fixed "$tests/rig/machine.sh" vm
}
fixed >"$logs/fixed.log" 2>&1 || true
rc=0
grep -q "nothing that is a fault" "$logs/fixed.log" &&
	grep -q "dma-engine: coherent DMA memory comes from pool sram" "$logs/fixed.log" &&
	[ "$(grep -c "packet of .*: 0 of 256 words are wrong" "$logs/fixed.log")" -eq 3 ] || rc=1
result $rc "a driver that forgets nothing, and asks for its pool: nothing is reported"

finished
