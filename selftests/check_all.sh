#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make check-all: make check with ten times as many steps of the lifecycle fuzzer
# (LIFE_STEPS, 20000 on each of its machines) and seeds of the machine with a cache,
# its boots on every other machine and
# with every other kernel, Debian's kernels with real drivers, all packages, a test
# of the rig itself, and a minute of fuzzing. Ends with a table and "N passed, N
# failed".
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/..")
. "$here/rig/lib.sh"

export KVER=${KVER:-6.1} LIFE_STEPS=${LIFE_STEPS:-20000}
default=${BOARD:-an385}
# the series that the module supports
series="5.10 6.1 6.12 7.2 7.3"
. "$here/rig/parts.sh"

check "$default $KVER" "$here/check.sh"
for kver in $series; do
	[ "$kver" = "$KVER" ] || check "$default $kver" \
		env KVER="$kver" BOOTS_ONLY=y "$here/check.sh"
done
for dir in "$here"/rig/boards/*/; do
	board=$(basename "$dir")
	# what Debian builds has a check of its own
	if [ "$board" != "$default" ] &&
		! grep -qx KERNEL=stock "$dir/board.conf"; then
		kver=$(sed -n 's/^SERIES=//p' "$dir/board.conf")
		check "$board ${kver:-$KVER}" env BOARD="$board" \
			KVER="${kver:-$KVER}" BOOTS_ONLY=y "$here/check.sh"
	fi
done
check "an500 $KVER MPU" env BOARD=an500 FLAVOUR=mpu BOOTS_ONLY=y "$here/check.sh"
# what is only compiled where there is an MMU
check "analysis virt" env BOARD=virt "$here/check_analysis.sh"
# Whether they are killed is a matter of check-long.
mutants_apply() { "$here/mutants/apply.py" check "$top" && echo "1 passed, 0 failed"; }
check "mutants apply" mutants_apply
for kver in 6.1 6.12; do
	check "pc $kver" env KVER="$kver" "$here/check_stock.sh"
	check "arm64 $kver" env BOARD=arm64 KVER="$kver" "$here/check_stock.sh"
done
check "arm64 6.12 16k" env BOARD=arm64 KVER=6.12 FLAVOUR=16k "$here/check_stock.sh"
# other seeds than those of make check
check "cache $KVER" env FIRST_SEED=4 SEEDS=30 ALL=y "$here/check_cache.sh"
check make "$here/check_make.sh"
check packages "$here/check_packages.sh"

# Does the rig judge rightly? What it let pass would prove nothing.
say "=== the rig itself"
status=0
"$here/rig/selfcheck.sh" "$KVER" "$default" 2>&1 | tee "$logs/selfcheck.log" || status=1
tail -n 1 "$logs/selfcheck.log" | sed -n 's/^# selfcheck: //p' >>"$logs/selfcheck.log"
add selfcheck "$logs/selfcheck.log" $status

check fuzz fuzz 60

finish_parts
