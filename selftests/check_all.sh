#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make check-all: make check, its boots on every other machine and with every other
# kernel, Debian's kernels with real drivers, all packages, a test of the rig
# itself, and a minute of fuzzing. Ends with a table and "N passed, N failed".
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/..")
. "$here/rig/lib.sh"

export KVER=${KVER:-6.1}
default=${BOARD:-an385}
# the series that the module supports
series="5.10 6.1 6.12 7.2 7.3"
logs=$top/build/check
passed=0 failed=0 table=

# add LABEL LOG STATUS: the counts in the last line of LOG, which must be there
add() {
	local line p f
	line=$(tail -n 1 "$2" | grep -xE '[0-9]+ passed, [0-9]+ failed') ||
		line="0 passed, 1 failed"
	p=${line%% *}
	f=$(sed 's/.*, \([0-9]*\) failed/\1/' <<<"$line")
	[ "$3" -eq 0 ] || [ "$f" -gt 0 ] || f=1
	passed=$((passed + p))
	failed=$((failed + f))
	table+=$(printf '%-20s %6d passed %4d failed' "$1" "$p" "$f")$'\n'
}

mkdir -p "$logs"
# check NAME COMMAND...: a part with a count of its own
check() {
	local name=$1 status=0
	shift
	say "=== $name"
	"$@" 2>&1 | tee "$logs/${name// /-}.log" || status=1
	add "$name" "$logs/${name// /-}.log" $status
}

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
		check "$board $KVER" \
			env BOARD="$board" BOOTS_ONLY=y "$here/check.sh"
	fi
done
for kver in 6.1 6.12; do
	check "pc $kver" env KVER="$kver" "$here/check_pc.sh"
done
check packages "$here/check_packages.sh"

# Does the rig judge rightly? What it let pass would prove nothing.
say "=== the rig itself"
status=0
"$here/rig/selfcheck.sh" "$KVER" "$default" 2>&1 | tee "$logs/selfcheck.log" || status=1
tail -n 1 "$logs/selfcheck.log" | sed -n 's/^# selfcheck: //p' >>"$logs/selfcheck.log"
add selfcheck "$logs/selfcheck.log" $status

say "=== fuzzing"
need clang libclang-rt-14-dev
kernel=$("$here/rig/kernel.sh" --path "$KVER" "$default" | tail -n 1)
status=0
make -s -C "$here/unit" fuzz O="$top/build/unit" SECONDS=60 \
	KSRC="$(readlink -f "$kernel/source")" 2>&1 | tee "$logs/fuzz.log" || status=1
# "ok - TARGET: N inputs" each
echo "$(grep -c '^ok - ' "$logs/fuzz.log") passed, $(grep -c '^not ok - ' "$logs/fuzz.log") failed" \
	>>"$logs/fuzz.log"
add fuzz "$logs/fuzz.log" $status

printf '\n%s' "$table"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
