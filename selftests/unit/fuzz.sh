#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Run fuzz targets one after the other: fuzz.sh BUILD-DIR SECONDS TARGET...
# What they learn stays in BUILD-DIR/found, so the next run goes on from there.
# Every few seconds the latest line of progress; the status says whether all
# went well.

out=$1
seconds=$2
shift 2
each=$((seconds / $#))
[ "$each" -gt 0 ] || each=1
found=$out/found
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; exit 130' HUP INT PIPE TERM
status=0
# see run.sh
fixed=
! setarch -R true 2>/dev/null || fixed="setarch -R"

for target; do
	log=$out/fuzz_$target.log
	mkdir -p "$found/$target"
	echo "# $target: $each s"
	$fixed "$out/fuzz_$target" -max_total_time="$each" -max_len=299 -len_control=10 -timeout=20 \
		-artifact_prefix="$found/$target-" -print_final_stats=1 \
		"$found/$target" "corpus/$target" > "$log" 2>&1 &
	pid=$!
	ticks=0
	while sleep 1; kill -0 "$pid" 2>/dev/null; do
		ticks=$((ticks + 1))
		[ $((ticks % 5)) -ne 0 ] ||
			grep '^#[0-9]' "$log" | tail -n 1 | cut -c -75
	done
	if wait "$pid"; then
		sed -n '/^#.*DONE/p; /^stat::average_exec/p' "$log"
		echo "ok - $target:" \
			"$(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs"
	else
		status=1
		grep -v '^#[0-9]\|^INFO' "$log" | head -n 40
		echo "not ok - $target: see $log"
		sed -n 's/.*Test unit written to //p' "$log" |
		while read -r input; do
			echo "# the input is $input; once more, then kept:"
			echo "#   $out/replay_${target}64 $input"
			echo "#   cp $input $PWD/corpus/$target/"
		done
	fi
	pid=
done
exit $status
