#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The debugfs files of a pool are read all the time while devices allocate and free.
# Whatever is read must be well-formed, and figures that are read under one lock must
# fit together.
#
# readers.sh FILE ROOM - this is what each reader runs, with its files in this directory:
# prints what was wrong in the file
. "$(dirname "$0")/ktap.sh"
need_pool

files="stats clients allocations map requests failures peak"
reads=20		# of each file, at least
batch=500		# operations between two looks at the readers
least=2000
page=4096
room=${2:-$tmp}

# how the module names functions of the test device
some_caller()
{
	case $caller in
	do_alloc+) echo do_ ;;
	*) echo "$caller" ;;
	esac
}

# --- check_FILE: print a line for everything that is wrong with the file on stdin

check_stats()
{
	awk '{ value[$1] = $2 } NF != 2 || $2 !~ /^[0-9]+$/ { print "line " $0 }
	END {
		keys = "total_bytes used_bytes requested_bytes peak_used_bytes free_bytes largest_free_bytes live_allocs alloc_count free_count fail_count fallback_count bad_free_count clients"
		n = split(keys, key, " ")
		for (i = 1; i <= n; i++)
			if (!(key[i] in value)) print "no " key[i]
		used = value["used_bytes"]
		if (used + value["free_bytes"] != value["total_bytes"])
			print "used and free are not the total"
		if (value["requested_bytes"] > used ||
		    used - value["requested_bytes"] > 4096 * value["live_allocs"])
			print value["requested_bytes"] " requested bytes in " used
		if (value["alloc_count"] - value["free_count"] != value["live_allocs"])
			print "live_allocs"
		if (value["largest_free_bytes"] > value["free_bytes"])
			print "largest_free_bytes"
		if (value["peak_used_bytes"] < used) print "peak_used_bytes"
		if (value["bad_free_count"]) print "bad frees"
	}'
}

check_clients()
{
	awk 'NR > 1 && ($0 !~ /^dap-test\.[01] +dap-test +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+$/ ||
			$4 < $3) { print "line " $0 }
	END { if (NR != 3) print NR " lines" }'
}

# Allocations are sorted by offset, do not overlap, and end within the pool.
check_allocations()
{
	awk -v total=$((pool_size)) -v caller="^$(some_caller)" '
	function hex(digits, i, n) {
		n = 0
		for (i = 3; i <= length(digits); i++)
			n = n * 16 + index("123456789abcdef", substr(digits, i, 1))
		return n
	}
	NR == 1 { if ($1 != "offset") print "heading " $0; next }
	NF < 5 || $1 !~ /^0x[0-9a-f]+$/ || $2 !~ /^[1-9][0-9]*$/ ||
	$3 !~ /^dap-test\.[01]$/ || $4 !~ /^[0-9]+$/ || $5 !~ caller {
		print "line " $0
		next
	}
	{
		at = hex($1)
		if (at < end || at % 4096 || at + $2 > total) print "place " $0
		end = at + int(($2 + 4095) / 4096) * 4096
	}
	END { if (!NR) print "nothing" }'
}

check_map()
{
	awk -v pages=$((pool_size / page)) '
	/[^.a-bA-B]/ { print "line " $0 }
	{ n += length($0); if (n < pages && length($0) != 64) print "length " $0 }
	END { if (n != pages) print n " pages" }'
}

check_requests()
{
	awk 'NR > 1 && $0 !~ /^ *([0-9]+|more) +[0-9]+ +[0-9]+$/ { print "line " $0 }
	END { if (!NR) print "nothing" }'
}

check_failures()
{
	awk -v total=$((pool_size)) -v caller="^ *[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+ +dap-test[.][01] +-[0-9]+ $(some_caller)" '
	NR > 1 && ($0 !~ caller ||
		   $2 <= $4 || $4 > $3 || $3 > total) { print "line " $0 }
	END { if (NR < 1 || NR > 9) print NR " lines" }'
}

check_peak()
{
	awk -v total=$((pool_size)) '$0 !~ /^[0-9]+$/ || $1 % 4096 || $1 > total {
		print "line " $0 }
	END { if (NR != 1) print NR " lines" }'
}

# A reader runs until the test ends it, and adds a character to a file for each read.
if [ $# -eq 2 ]; then
	until [ -e $room/readers.end ]; do
		cat $pools/sram/$1 >$room/readers.$1
		check_$1 <$room/readers.$1 | head -n 10
		# this file can be written as well
		[ $1 != peak ] || echo 0 >$pools/sram/peak
		printf . >>$room/readers.$1.count
	done
	exit 0
fi

count_of() { wc -c <$room/readers.$1.count; }

all_have_read()
{
	for file in $files; do
		[ $(count_of $file) -ge $reads ] || return 1
	done
}

# The checks accept the files as they are, and find a mistake in each.
checks_work()
{
	load_all || fail "cannot load"
	ok_dev dap-test.0 alloc 20000
	ok_dev dap-test.1 alloc 4096
	unserved dap-test.1 alloc $pool_size nowarn
	for file in $files; do
		cat $pools/sram/$file >$room/readers.$file
		same "wrong in $file" "$(check_$file <$room/readers.$file)" ""
		[ -n "$(sed -e '$s/.$/?/' -e '$s/ /_/g' $room/readers.$file |
			check_$file)" ] || fail "$file may be wrong"
	done
	ok_dev dap-test.0 free all
	ok_dev dap-test.1 free all
}

# A shell has its background jobs ignore Ctrl-C.
ktap_undo()
{
	: >$room/readers.end
	wait
}

# read_under_load FILE ...: one reader for each FILE
read_under_load()
{
	files=$*
	rm -f $room/readers.*
	pids=
	for file in $files; do
		: >$room/readers.$file.count
		sh "$0" $file $room >$room/readers.$file.wrong 2>&1 &
		pids="$pids $!"
	done
	operations=0
	allocations=0
	refused=0
	until [ $operations -ge $least ] && all_have_read; do
		for device in dap-test.0 dap-test.1; do
			ok_dev $device churn $batch $operations
			[ -z "$failed" ] || break 2
			operations=$((operations + batch))
			allocations=$((allocations + allocs))
			refused=$((refused + denied))
		done
		[ $operations -lt 200000 ] || fail "the readers do not get their turn"
	done
	: >$room/readers.end
	wait $pids
	counts=
	for file in $files; do
		counts="$counts, $file $(count_of $file)"
		[ ! -s $room/readers.$file.wrong ] ||
			fail "$file: $(head -n 3 $room/readers.$file.wrong)"
	done
	echo "# $operations operations, $allocations allocations, $refused refused; reads${counts#,}"
}

# Not all at once: without an MMU each process of a reader needs a piece of memory in
# one, and seven readers on a slow host found none any more in 16 MiB.
pool_under_load() { read_under_load stats clients allocations map; }
counts_under_load() { read_under_load requests failures peak; }

all_is_free()
{
	same_stat sram live_allocs 0
	same_stat sram used_bytes 0
	same_stat sram bad_free_count 0
	unload_all || fail "module in use"
}

ktap_run checks_work pool_under_load counts_under_load all_is_free
