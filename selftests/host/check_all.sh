#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make check-all: make check on every machine and every kernel, and what is too slow or
# too special for make check:
#   - the lifecycle fuzzer with ten times as many steps (LIFE_STEPS, 20000; on smp, which
#     is slow, half as many)
#   - the machine with a cache with ten times as many seeds
#   - the boots on every other machine and with every other kernel series, but for
#     machines whose board.conf says CHECK=long
#   - Debian's own kernels, with real drivers
#   - unusual kernel configurations, which are only compiled
#   - all targets of the Makefile and all packages
#   - a test of the rig itself, and a minute of fuzzing
# Debian's archive says which kernel series there are. A part whose kernel it no longer
# has is skipped. Ends with a table and "N passed, N failed".
#
# Two parts run at a time: while one builds a kernel, the other one boots machines. With
# LIMIT=MINUTES, for a machine that may be slow, nothing begins later than that, neither a
# part nor a boot: what is left out is named and counted. So what finds most in the least
# time comes first.
set -euo pipefail
tests=$(dirname "$(dirname "$(readlink -f "$0")")")
top=$(dirname "$tests")
. "$tests/rig/lib.sh"

export LIFE_STEPS=${LIFE_STEPS:-20000}
default_machine
default=$BOARD
. "$tests/rig/parts.sh"

# without the default kernel nothing makes sense: fail early
"$tests/rig/kernel.sh" "$KVER" "$default" >/dev/null
# shellcheck disable=SC2034 # parts.sh reads it
at_once=2
check "$default $KVER" "$tests/host/check.sh"
check packages "$tests/host/check_packages.sh"
# Does the rig itself find what is wrong? If not, no test proves anything.
check selfcheck "$tests/rig/selfcheck.sh" "$KVER" "$default"
check fuzz fuzz 60
# Debian's newest kernel of the release that the rig itself is made for; the others are
# in check-long
newest=$("$tests/rig/series.sh" in bookworm | tail -n 1)
newest=${newest:-$KVER}
check "pc $newest" env BOARD=pc KVER="$newest" "$tests/host/check_stock.sh"
check "arm64 $newest" env BOARD=arm64 KVER="$newest" "$tests/host/check_stock.sh"
# make check has seeds 1 to 3
after "$default $KVER"
check "cache $KVER" env FIRST_SEED=4 SEEDS=30 ALL=y "$tests/host/check_cache.sh"
mapfile -t confs < <(grep -Lx CHECK=long "$tests"/rig/boards/*/board.conf)
# series of other machines: check-long has them for this machine
elsewhere=$(sed -n 's/^SERIES=//p' "${confs[@]}")
for conf in "${confs[@]}"; do
	board=$(basename "$(dirname "$conf")")
	# machines with Debian's own kernels are above
	if [ "$board" != "$default" ] &&
		! grep -qx KERNEL=stock "$conf"; then
		kver=$(sed -n 's/^SERIES=//p' "$conf")
		check "$board ${kver:-$KVER}" env BOARD="$board" \
			KVER="${kver:-$KVER}" LIFE_STEPS=$((LIFE_STEPS / 2)) \
			BOOTS_ONLY=y "$tests/host/check.sh"
	fi
done
# some code is compiled only where there is an MMU
after "virt $KVER"
check "analysis virt" env BOARD=virt "$tests/host/check_analysis.sh"
while read -r suite; do
	skipped "$suite" "Debian's archive has no kernel source there any more"
done < <("$tests/rig/series.sh" silent)
for kver in $("$tests/rig/series.sh"); do
	[ "$kver" = "$KVER" ] || grep -qxF "$kver" <<<"$elsewhere" ||
		check "$default $kver" env KVER="$kver" BOOTS_ONLY=y "$tests/host/check.sh"
done
# what a kernel that uses the MPU itself may do otherwise; all boots are in check-long
check "an500 $KVER MPU" env BOARD=an500 FLAVOUR=mpu \
	TEST="w1 mpu guard calls coherent attach mapping bad_input report" "$tests/host/check.sh"
check configs "$tests/host/check_configs.sh"
check make "$tests/host/check_make.sh"

finish_parts
