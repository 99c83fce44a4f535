#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make check-long: what takes too long for make check-all, about two hours: a
# thousand loads, bindings and attachments without an MMU and on the PC, and an
# hour of fuzzing. Ends with a table and "N passed, N failed".
#
# CYCLES and FUZZ_SECONDS say how much of it (1000, 3600). A new part is a
# function that ends with a line "N passed, N failed", and a "check" line below.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/..")
. "$here/rig/lib.sh"
. "$here/rig/parts.sh"

export KVER=${KVER:-6.1} CYCLES=${CYCLES:-1000} TIMEOUT=${TIMEOUT:-7200}

# On a board, with the figures; check_pc.sh does the same for the PC.
endurance() {
	local words log=$top/build/check/endurance-$1 rc=0
	words=$(BOARD=$1 "$here/rig/machine.sh" prepare)
	rm -f "$log.json"
	# shellcheck disable=SC2086 # words
	"$here/rig/run.py" $words --append slub_debug=F --timeout "$TIMEOUT" \
		--log "$log.console" --json "$log.json" \
		--run endurance.sh "$CYCLES" || rc=$?
	run_counts "$log.json" | sed 's/\(.*\) \(.*\)/\1 passed, \2 failed/'
	return $rc
}

pc_endurance() {
	local rc=0
	"$here/check_pc.sh" endurance >"$logs/check_pc.log" 2>&1 || rc=$?
	grep '^# ' "$top/build/check/pc-$KVER/endurance.log" || true
	tail -n 1 "$logs/check_pc.log"
	return $rc
}

check "endurance an505" endurance an505
check "endurance pc" pc_endurance
check fuzz fuzz "${FUZZ_SECONDS:-3600}"

finish_parts
