#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make check-all: make check with ten times as many steps of the lifecycle fuzzer
# (LIFE_STEPS, 20000 on each of its machines) and seeds of the machine with a cache,
# its boots on every other machine (but those whose board.conf says CHECK=long) and with
# every other kernel, Debian's kernels with real drivers, kernels that lack what others
# have (compiled only), all packages, a test of the rig itself, and a minute of fuzzing.
# Which kernels, Debian's archive says; a part that cannot be had is skipped. Ends with
# a table and "N passed, N failed".
set -euo pipefail
tests=$(dirname "$(dirname "$(readlink -f "$0")")")
top=$(dirname "$tests")
. "$tests/rig/lib.sh"

export LIFE_STEPS=${LIFE_STEPS:-20000}
default_machine
default=$BOARD
. "$tests/rig/parts.sh"

# the one that must be there
"$tests/rig/kernel.sh" "$KVER" "$default" >/dev/null
check "$default $KVER" "$tests/host/check.sh"
while read -r suite; do
	skipped "$suite" "Debian's archive has no kernel source there any more"
done < <("$tests/rig/series.sh" silent)
# those that other machines have, below, are in check-long for this one
mapfile -t confs < <(grep -Lx CHECK=long "$tests"/rig/boards/*/board.conf)
elsewhere=$(sed -n 's/^SERIES=//p' "${confs[@]}")
for kver in $("$tests/rig/series.sh"); do
	[ "$kver" = "$KVER" ] || grep -qxF "$kver" <<<"$elsewhere" ||
		check "$default $kver" env KVER="$kver" BOOTS_ONLY=y "$tests/host/check.sh"
done
for conf in "${confs[@]}"; do
	board=$(basename "$(dirname "$conf")")
	# what Debian builds has a check of its own
	if [ "$board" != "$default" ] &&
		! grep -qx KERNEL=stock "$conf"; then
		kver=$(sed -n 's/^SERIES=//p' "$conf")
		check "$board ${kver:-$KVER}" env BOARD="$board" \
			KVER="${kver:-$KVER}" BOOTS_ONLY=y "$tests/host/check.sh"
	fi
done
check "an500 $KVER MPU" env BOARD=an500 FLAVOUR=mpu BOOTS_ONLY=y "$tests/host/check.sh"
# what is only compiled where there is an MMU
check "analysis virt" env BOARD=virt "$tests/host/check_analysis.sh"
# Whether they are killed is a matter of check-long.
mutants_apply() { "$tests/mutants/apply.py" check "$top" && echo "1 passed, 0 failed"; }
check "mutants apply" mutants_apply
# of those that were built for the release whose tools there are
stock=$("$tests/rig/series.sh" in bookworm)
newest=$(tail -n 1 <<<"${stock:-$KVER}")
for kver in ${stock:-$KVER}; do
	# the rest of these is in check-long
	[ "$kver" = "$newest" ] ||
		check "pc $kver" env BOARD=pc KVER="$kver" "$tests/host/check_stock.sh" \
			drivers attach
done
check "pc $newest" env BOARD=pc KVER="$newest" "$tests/host/check_stock.sh"
check "arm64 $newest" env BOARD=arm64 KVER="$newest" "$tests/host/check_stock.sh"
# other seeds than those of make check
check "cache $KVER" env FIRST_SEED=4 SEEDS=30 ALL=y "$tests/host/check_cache.sh"
check configs "$tests/host/check_configs.sh"
check make "$tests/host/check_make.sh"
check packages "$tests/host/check_packages.sh"

# Does the rig judge rightly? What it let pass would prove nothing.
check selfcheck "$tests/rig/selfcheck.sh" "$KVER" "$default"

check fuzz fuzz 60

finish_parts
