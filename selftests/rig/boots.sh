# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# boots.sh - boots emulated machines, two at a time (boots_at_once), and reads what their
# tests counted. Sourced after lib.sh.
#
# Functions: run_boots LINE..., each LINE the arguments of one boot(); stop_boots.
#
# The caller defines
#   logs              the directory for the logs
#   add LABEL PASSED FAILED [SKIPPED]   a function that is called after each boot. Boots
#                     for which no time is left (LIMIT) are skipped, and added at once.
#   words             the words that run.py needs to find the machine
#   boot_timeout      seconds without a result, after which a boot is ended
# The latter two are for boot(). A caller may instead define a boot LABEL ARGUMENT... of
# its own after it has sourced this. It must end with an exec of run.py, with the output
# in $logs/LABEL.log and the counts in $logs/LABEL.json.

boots_at_once=2
declare -A running=() # the labels of the boots that run, by process ID

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
# also if who reads the output is gone, or the terminal
trap 'stop_boots; exit 130' HUP INT PIPE TERM

# Wait until one of the boots ends, and print its verdict; print its log if it failed.
finish_boot() {
	local pid label rc=0 passed=0 failed=1 skipped=0
	wait -n -p pid "${!running[@]}" || rc=$?
	label=${running[$pid]}
	unset "running[$pid]"
	[ $rc -eq 0 ] || sed 's/^/# /' "$logs/$label.log"
	tail -n 1 "$logs/$label.log"
	if [ -e "$logs/$label.json" ]; then
		read -r passed failed skipped < <(run_counts "$logs/$label.json")
		# run.py may fail although all results passed: that is one failure
		[ $rc -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
	else
		echo "not ok - $label did not come to its end"
	fi
	add "$label" "$passed" "$failed" "$skipped"
}

run_boots() {
	local line left=$#
	say "  BOOT    $# times, $boots_at_once at once"
	for line in "$@"; do
		no_time_left && break
		left=$((left - 1))
		# shellcheck disable=SC2086 # words
		boot $line &
		running[$!]=${line%% *}
		[ ${#running[@]} -lt $boots_at_once ] || finish_boot
	done
	while [ ${#running[@]} -gt 0 ]; do
		finish_boot
	done
	[ $left -eq 0 ] || {
		say "  BOOT    $left more: skipped, no time is left, LIMIT=$LIMIT minutes"
		add skipped 0 0 $left
	}
}
