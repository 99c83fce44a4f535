# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# parts.sh - a check that is made of parts: each is a command whose last line is
# "N passed, N failed", and in the end there is a table. Sourced after lib.sh,
# with $here being selftests/, $top the tree and KVER set.
#
# Gives: logs (where it all goes), add, check, fuzz, finish_parts.

logs=$top/build/check
passed=0 failed=0 table="" failures=""
mkdir -p "$logs"

# what_failed LOG: tests, each after what it said last, and verdicts of the rig
what_failed() {
	awk '
	{ sub(/^# /, ""); line = "    " $0 "\n" }
	/^(ok|not ok|KTAP|TAP|1\.\.)/ { if (/^not/) printf "%s", said line; said = last = ""; next }
	/^rig: |^make: | MISS$/ { if (!/, 0 failed/) printf "%s", line; next }
	{ said = last line; last = line }' "$1" | uniq | awk 'NR <= 24'
}

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
	# who has only the end of the output shall know, too
	[ "$f" -eq 0 ] || failures+="$1:"$'\n'$(what_failed "$2")$'\n'
}

# check NAME COMMAND...: a part with a count of its own
check() {
	local name=$1 status=0
	shift
	say "=== $name"
	"$@" 2>&1 | tee "$logs/${name// /-}.log" || status=1
	add "$name" "$logs/${name// /-}.log" $status
}

# fuzz SECONDS: all targets, "ok - NAME: N inputs" each
fuzz() {
	local kernel status=0
	need clang libclang-rt-14-dev
	kernel=$("$here/rig/kernel.sh" --path "$KVER" "${BOARD:-an385}" | tail -n 1)
	make -s -C "$here/unit" fuzz O="$top/build/unit" SECONDS="$1" \
		KSRC="$(readlink -f "$kernel/source")" 2>&1 | tee "$logs/fuzzers.log" || status=1
	echo "$(grep -c '^ok - ' "$logs/fuzzers.log") passed, $(grep -c '^not ok - ' "$logs/fuzzers.log") failed"
	return $status
}

# finish_parts: the table, what failed, the sum, the status
finish_parts() {
	printf '\n%s' "$table"
	[ -z "$failures" ] || printf '\n%s\n' "$failures"
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ]
}
