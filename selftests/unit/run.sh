#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Run TAP programs one after the other, show their output and count. RUN_32 runs those
# whose name ends in 32, if it is set (run32.sh). A program that dies, or runs fewer tests
# than planned, counts as failed.

# A failed test leaves by longjmp(): what it had allocated is of no interest.
export ASAN_OPTIONS=detect_leaks=0

# Sanitizers of gcc 12 and clang 14 do not always find room for their tables where
# addresses are made very random (vm.mmap_rnd_bits=32).
fixed=
! setarch -R true 2>/dev/null || fixed="setarch -R"

passed=0
failed=0

for program; do
	log="$program.log"

	# The exit status is lost in the pipe, so it goes through a file.
	case $program in *32) run=${RUN_32:-$fixed} ;; *) run=$fixed ;; esac
	{ $run "$program" 2>&1; echo $? > "$log.status"; } | tee "$log"
	status=$(cat "$log.status")
	rm -f "$log.status"

	planned=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$log")
	ok=$(grep -c '^ok ' "$log")
	bad=$(grep -c '^not ok ' "$log")
	if [ "$bad" -eq 0 ] && { [ "$status" -ne 0 ] ||
				 [ "$ok" -ne "${planned:-0}" ]; }; then
		bad=1
		echo "not ok - $program: exit status $status," \
			"$ok of ${planned:-?} tests run"
	fi
	passed=$((passed + ok))
	failed=$((failed + bad))
done

echo "unit: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
