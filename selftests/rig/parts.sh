# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# parts.sh - a check that consists of parts. Each part is a command whose last line of
# output is "N passed, N failed", maybe with ", N skipped". At the end there is a table of
# all parts. Sourced after lib.sh, with $tests being selftests/, $top the tree and KVER
# set.
#
# Functions for the caller: check, beside and joined, skipped, fuzz, finish_parts. All
# logs are in $logs.

logs=$top/build/check
passed=0 failed=0 skipped=0 table="" failures="" absent=""
mkdir -p "$logs"

# what_failed LOG: print the tests that failed, each after the last lines that it
# printed, and what the rig or make said
what_failed() {
	awk '
	{ sub(/^# /, ""); line = "    " $0 "\n" }
	/^(ok|not ok|KTAP|TAP|1\.\.)/ { if (/^not/) printf "%s", said line; said = last = ""; next }
	/^rig: |^make: | MISS$/ { if (!/, 0 failed/) printf "%s", line; next }
	{ said = last line; last = line }' "$1" | uniq | awk 'NR <= 24'
}

# row NAME PASSED FAILED SKIPPED SECONDS: add a row to the table, and the counts to the
# sums
row() {
	passed=$((passed + $2))
	failed=$((failed + $3))
	skipped=$((skipped + $4))
	table+=$(printf '%-20s %6d passed %4d failed %4d skipped %3d:%02d min' "$1" "$2" "$3" \
		"$4" $(($5 / 60)) $(($5 % 60)))$'\n'
}

# skipped NAME WHY [SECONDS]: add a part that cannot be run here
skipped() {
	say "=== $1: skipped: $2"
	absent+="$1: skipped: $2"$'\n'
	row "$1" 0 0 1 "${3:-0}"
}

# add NAME LOG STATUS SECONDS: add a part that was run, with the counts in the last line
# of LOG. A part without counts, or with a bad STATUS and no failures, has one failure.
add() {
	local p f s
	read -r p f s < <(read_counts <"$2" | grep . || echo 0 1 0)
	[ "$3" -eq 0 ] || [ "$f" -gt 0 ] || f=1
	row "$1" "$p" "$f" "$s" "$4"
	# printed again at the end, for people who see only the end of the output
	[ "$f" -eq 0 ] || failures+="$1:"$'\n'$(what_failed "$2")$'\n'
}

# judge NAME LOG STATUS SECONDS: add a part that was run, or skipped. It was skipped if
# its status is 3 and its last line is the reason, as skip() in lib.sh prints it.
judge() {
	local why
	why=$(tail -n 1 "$2" | sed -n 's/^rig: skipped: //p')
	if [ "$3" -eq 3 ] && [ -n "$why" ]; then
		skipped "$1" "$why" "$4"
	else
		add "$@"
	fi
}

# check NAME COMMAND...: run a part
check() {
	local name=$1 log=$logs/${1// /-}.log status=0 started=$SECONDS
	shift
	say "=== $name"
	"$@" 2>&1 | tee "$log" || status=$?
	judge "$name" "$log" $status $((SECONDS - started))
}

# beside NAME COMMAND...: start a part that keeps one processor busy, while others run
beside=
beside() {
	beside_name=$1 beside_log=$logs/${1// /-}.log beside_started=$SECONDS
	shift
	say "=== $beside_name: started, beside what follows"
	set -m	# a process group of its own, so that all of it can be ended
	"$@" >"$beside_log" 2>&1 </dev/null &
	set +m
	beside=$!
}
trap '[ -z "$beside" ] || kill -- -"$beside" 2>/dev/null || true' EXIT

# joined: wait for that part, and add it
joined() {
	local status=0
	wait "$beside" || status=$?
	beside=
	say "=== $beside_name"
	cat "$beside_log"
	judge "$beside_name" "$beside_log" $status $((SECONDS - beside_started))
}

# fuzz SECONDS: a part that runs each fuzzer of the unit tests for that long
fuzz() {
	local status=0
	need clang libclang-rt-14-dev
	make -s -C "$tests/unit" fuzz O="$top/build/unit" SECONDS="$1" \
		KSRC="$(usual_source)" 2>&1 | tee "$logs/fuzzers.log" || status=1
	echo "$(grep -c '^ok - ' "$logs/fuzzers.log") passed, $(grep -c '^not ok - ' "$logs/fuzzers.log") failed"
	return $status
}

# finish_parts: print the table, the parts that were skipped, the tests that failed and
# the sum; fails if a test failed
finish_parts() {
	printf '\n%s' "$table"
	[ -z "$absent" ] || printf '\n%s' "$absent"
	[ -z "$failures" ] || printf '\n%s\n' "$failures"
	printf 'in %d minutes\n' $(((SECONDS + 30) / 60))
	print_counts $passed $failed $skipped
	[ "$failed" -eq 0 ]
}
