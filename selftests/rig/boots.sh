# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# boots.sh - boots of emulated machines, two at once, and what they counted.
# Sourced after lib.sh, with $logs being the directory for their logs.
#
# The caller has a function add LABEL PASSED FAILED, and words that run.py needs in
# $words, with seconds in $boot_timeout; or a boot LABEL ARGUMENT... of its own, which
# ends with an exec of run.py, its output in $logs/LABEL.log and its counts in
# $logs/LABEL.json.
#
# Gives: run_boots LINE... (each the arguments of one boot), stop_boots

declare -A running=() # labels of boots, by their process

# boot LABEL SCRIPT[@ARGUMENT...] OPTION...
boot() {
	local label=$1 script=$2
	shift 2
	# shellcheck disable=SC2086 # words; SCRIPT@ARGUMENT
	exec "$tests/rig/run.py" $words --timeout "$boot_timeout" "$@" \
		--label "$label" \
		--log "$logs/$label.console" --json "$logs/$label.json" \
		--run ${script//@/ } >"$logs/$label.log" 2>&1
}

stop_boots() {
	[ ${#running[@]} -eq 0 ] || kill "${!running[@]}" 2>/dev/null || true
}
trap 'stop_boots; exit 130' INT TERM

# The first of them to end: its verdict, and all of its log where something failed.
finish_boot() {
	local pid label rc=0 passed=0 failed=1
	wait -n -p pid "${!running[@]}" || rc=$?
	label=${running[$pid]}
	unset "running[$pid]"
	[ $rc -eq 0 ] || sed 's/^/# /' "$logs/$label.log"
	tail -n 1 "$logs/$label.log"
	if [ -e "$logs/$label.json" ]; then
		read -r passed failed < <(run_counts "$logs/$label.json")
		# a run that is not well counts, even if all its lines are
		[ $rc -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
	else
		echo "not ok - $label did not come to its end"
	fi
	add "$label" "$passed" "$failed"
}

run_boots() {
	local line
	say "  BOOT    $# times, two at once"
	for line in "$@"; do
		# shellcheck disable=SC2086 # words
		boot $line &
		running[$!]=${line%% *}
		[ ${#running[@]} -lt 2 ] || finish_boot
	done
	while [ ${#running[@]} -gt 0 ]; do
		finish_boot
	done
}
