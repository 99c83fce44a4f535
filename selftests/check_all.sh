#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make check-all: make check with ten times as many steps of the lifecycle fuzzer
# (LIFE_STEPS, 20000 on each of its machines) and seeds of the machine with a cache,
# its boots on every other machine and
# with every other kernel, Debian's kernels with real drivers, kernels that lack what
# others have (compiled only), all packages, a test
# of the rig itself, and a minute of fuzzing. Which kernels, Debian's archive says; a
# part that cannot be had is skipped. Ends with a table and "N passed, N failed".
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/..")
. "$here/rig/lib.sh"

export LIFE_STEPS=${LIFE_STEPS:-20000}
default_machine
default=$BOARD
. "$here/rig/parts.sh"

# the one that must be there
"$here/rig/kernel.sh" "$KVER" "$default" >/dev/null
check "$default $KVER" "$here/check.sh"
while read -r suite; do
	skipped "$suite" "Debian's archive has no kernel source there any more"
done < <("$here/rig/series.sh" silent)
# those that other machines have, below, are in check-long for this one
elsewhere=$(sed -n 's/^SERIES=//p' "$here"/rig/boards/*/board.conf)
for kver in $("$here/rig/series.sh"); do
	[ "$kver" = "$KVER" ] || grep -qxF "$kver" <<<"$elsewhere" ||
		check "$default $kver" env KVER="$kver" BOOTS_ONLY=y "$here/check.sh"
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
# of those that were built for the release whose tools there are
stock=$("$here/rig/series.sh" in bookworm)
newest=$(tail -n 1 <<<"${stock:-$KVER}")
for kver in ${stock:-$KVER}; do
	# the rest of these is in check-long
	[ "$kver" = "$newest" ] ||
		check "pc $kver" env BOARD=pc KVER="$kver" "$here/check_stock.sh" \
			drivers attach
done
check "pc $newest" env BOARD=pc KVER="$newest" "$here/check_stock.sh"
check "arm64 $newest" env BOARD=arm64 KVER="$newest" "$here/check_stock.sh"
# other seeds than those of make check
check "cache $KVER" env FIRST_SEED=4 SEEDS=30 ALL=y "$here/check_cache.sh"
check configs "$here/check_configs.sh"
check make "$here/check_make.sh"
check packages "$here/check_packages.sh"

# Does the rig judge rightly? What it let pass would prove nothing.
check selfcheck "$here/rig/selfcheck.sh" "$KVER" "$default"

check fuzz fuzz 60

finish_parts
