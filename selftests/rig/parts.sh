# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# parts.sh - a check that consists of parts. Each part is a command whose last line of
# output is "N passed, N failed", maybe with ", N skipped". At the end there is a table of
# all parts. Sourced after lib.sh, with $tests being selftests/, $top the tree and KVER
# set.
#
# Functions for the caller: check, skipped, fuzz, finish_parts. All logs are in $logs.
# The variable at_once says how many parts may run at a time: set it where no two parts
# write to the same directory. With LIMIT=MINUTES in the environment, parts that would be
# started later than that are skipped, and so are boots of parts that run then (boots.sh).

export RIG_PART=y	# see default_machine()
logs=$top/build/check
passed=0 failed=0 skipped=0 table="" failures="" absent=""
mkdir -p "$logs"
at_once=1
declare -A running_parts=() # the names of the parts that run, by process ID
declare -A started=() # when, in seconds, by name

log_of() { echo "$logs/${1// /-}.log"; }

# what_failed LOG: print the tests that failed, each after the last lines that it
# printed, and what the rig or make said, with the last lines of the console before that
what_failed() {
	awk '
	{ sub(/^# /, ""); line = "    " $0 "\n" }
	/^(ok|not ok|KTAP|TAP|1\.\.)/ { if (/^not/) printf "%s", said line; said = last = ""; next }
	/^  \| / { console[++lines] = line; next }
	/^rig: |^make: | MISS$/ {
		for (i = lines > 20 ? lines - 19 : 1; i <= lines; i++)
			printf "%s", console[i]
		lines = 0
		if (!/, 0 failed/)
			printf "%s", line
		next
	}
	{ said = last line; last = line }' "$1" | uniq | awk 'NR <= 60'
}

# row NAME PASSED FAILED SKIPPED SECONDS: add a row to the table, and the counts to the
# sums
row() {
	passed=$((passed + $2))
	failed=$((failed + $3))
	skipped=$((skipped + $4))
	local row
	row=$(printf '%-20s %6d passed %4d failed %4d skipped %3d:%02d min' "$1" "$2" "$3" \
		"$4" $(($5 / 60)) $(($5 % 60)))
	say "=== $row"
	table+=$row$'\n'
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

# Wait until one of the parts ends, and add it. Not with wait -n, which does not know of a
# second one that ended at the same time.
finish_part() {
	local pid name since status=0
	for ((;;)); do
		for pid in "${!running_parts[@]}"; do
			kill -0 "$pid" 2>/dev/null || break 2
		done
		sleep 0.2
	done
	wait "$pid" || status=$?
	name=${running_parts[$pid]}
	unset "running_parts[$pid]"
	since=${started[$name]}
	judge "$name" "$(log_of "$name")" $status $((SECONDS - since))
}

# check NAME COMMAND...: run a part, or start it if more than one may run. Then each line
# of what it says begins with its name.
check() {
	local name=$1 label=''
	shift
	while [ ${#running_parts[@]} -ge $at_once ]; do
		finish_part
	done
	if no_time_left; then
		skipped "$name" "no time is left, LIMIT=$LIMIT minutes"
		return
	fi
	say "=== $name"
	started[$name]=$SECONDS
	[ $at_once -eq 1 ] || label="$name: "
	set -m	# a process group of its own, so that all of it can be ended
	{ "$@" 2>&1 | tee "$(log_of "$name")" | sed -u "s/^/$label/"; } </dev/null &
	set +m
	running_parts[$!]=$name
	[ $at_once -gt 1 ] || finish_part
}

# When make is ended by a signal, it sends that to its children as well: the second one
# must not end this. The same signal may also end who reads the output, and writing is an
# error from then on.
stop_parts() {
	local pid
	trap '' HUP INT PIPE TERM
	for pid in "${!running_parts[@]}"; do
		kill -- -"$pid" 2>/dev/null || true
	done
	wait
}
trap stop_parts EXIT
trap 'stop_parts; exit 129' HUP
trap 'stop_parts; exit 130' INT
trap 'stop_parts; exit 141' PIPE
trap 'stop_parts; exit 143' TERM

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
	while [ ${#running_parts[@]} -gt 0 ]; do
		finish_part
	done
	printf '\n%s' "$table"
	[ -z "$absent" ] || printf '\n%s' "$absent"
	[ -z "$failures" ] || printf '\n%s\n' "$failures"
	printf 'in %d minutes\n' $(((SECONDS + 30) / 60))
	print_counts $passed $failed $skipped
	[ "$failed" -eq 0 ]
}
