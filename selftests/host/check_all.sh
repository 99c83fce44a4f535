#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make check-all: make check on every machine and every kernel, and what is too slow or
# too special for make check:
#   - the lifecycle fuzzer with ten times as many steps (LIFE_STEPS, 20000; on smp, which
#     is slow, a twentieth of them)
#   - boots on every other machine and with every other kernel series: those in which
#     they differ from the default ones. A board.conf says which by CHECK=NAME,NAME..., and
#     by CHECK=long that there are none. check-long has all of them.
#   - Debian's own newest kernels, with real drivers
#   - all targets of the Makefile, with the newest kernel, and the packages
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

export LIFE_STEPS=${LIFE_STEPS:-20000} SEEDS=${SEEDS:-2}
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
check "pc $newest" env BOARD=pc KVER="$newest" \
	"$tests/host/check_stock.sh" drivers attach high swiotlb autopkgtest
check "arm64 $newest" env BOARD=arm64 KVER="$newest" "$tests/host/check_stock.sh" drivers report placed
mapfile -t confs < <(grep -Lx CHECK=long "$tests"/rig/boards/*/board.conf)
# series of other machines: check-long has them for this machine
elsewhere=$(sed -n 's/^SERIES=//p' "${confs[@]}")
for conf in "${confs[@]}"; do
	board=$(basename "$(dirname "$conf")")
	# machines with Debian's own kernels are above
	if [ "$board" != "$default" ] &&
		! grep -qx KERNEL=stock "$conf"; then
		kver=$(board_series "$board")
		kver=${kver:-$KVER}
		names=$(sed -n 's/^CHECK=//p' "$conf" | tr , ' ')
		check "$board $kver" env BOARD="$board" \
			KVER="$kver" LIFE_STEPS=$((LIFE_STEPS / 20)) \
			BOOTS_ONLY=y TEST="$names" "$tests/host/check.sh"
	fi
done
while read -r suite; do
	skipped "$suite" "Debian's archive has no kernel source there any more"
done < <("$tests/rig/series.sh" silent)
for kver in $("$tests/rig/series.sh"); do
	[ "$kver" = "$KVER" ] || grep -qxF "$kver" <<<"$elsewhere" ||
		check "$default $kver" env KVER="$kver" TEST="w1 layers calls coherent attach
			mapping streaming clients device_tree" "$tests/host/check.sh"
done
# the oldest kernel as well is in check-long
check make "$tests/host/check_make.sh" "$("$tests/rig/series.sh" | tail -n 1)"

finish_parts
