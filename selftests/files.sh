#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The debugfs files that tell what was asked for, what failed, and since when:
# requests, failures, peak. (stats, clients, allocations and map: coherent.sh)
. "$(dirname "$0")/ktap.sh"
need_pool

# line FILE FIRST-WORD: its line, blanks squeezed
line()
{
	while read -r words; do
		set -- "$1" "$2" $words
		if [ "$3" = "$2" ]; then
			shift 2
			echo "$*"
			return
		fi
	done <$pools/sram/$1
}

starts()
{
	load_all || fail "cannot load"
	same "lines of requests" "$(wc -l <$pools/sram/requests)" 1
	same "lines of failures" "$(wc -l <$pools/sram/failures)" 1
	same peak "$(cat $pools/sram/peak)" 0
	set -- $(ls -l $pools/sram/peak)
	same "mode of peak" "$1" "-rw-------"
	for file in requests failures; do
		set -- $(ls -l $pools/sram/$file)
		same "mode of $file" "$1" "-r--------"
	done
}

# By the power of two of pages that holds them.
sizes_of_requests()
{
	for size in 1 4096 4097 8192 8193 16384 16385; do
		ok_dev dap-test.0 alloc $size
	done
	same "1 page" "$(line requests 4096)" "4096 2 0"
	same "2 pages" "$(line requests 8192)" "8192 2 0"
	same "4 pages" "$(line requests 16384)" "16384 2 0"
	same "8 pages" "$(line requests 32768)" "32768 1 0"
	same lines "$(wc -l <$pools/sram/requests)" 5
	ok_dev dap-test.0 free all
	same "after free" "$(line requests 4096)" "4096 2 0"
	bad_dev dap-test.0 alloc 0xffffffff nowarn
	same "too large" "$(line requests 4294967296)$(line requests more)" \
	     "more 0 1"
}

# What failed most recently is first; eight are kept.
last_failures()
{
	ok_dev dap-test.1 alloc $((pool_size - 8192))
	n=1
	while [ $n -le 10 ]; do
		unserved dap-test.0 alloc $((8192 + n)) nowarn
		n=$((n + 1))
	done
	same "failures kept" "$(grep -c do_alloc $pools/sram/failures)" 8
	set -- $(sed -n 2p $pools/sram/failures)
	same "last one" "$2 $3 $4 $5" "8202 8192 8192 dap-test.0"
	case $6 in
	do_alloc+*) ;;
	*) fail "caller is $6" ;;
	esac
	set -- $(sed -n 9p $pools/sram/failures)
	same "oldest one" "$2" 8195
	same "16 KiB that failed" "$(line requests 16384)" "16384 2 10"
	ok_dev dap-test.1 free 0
}

peak()
{
	same peak "$(cat $pools/sram/peak)" $((pool_size - 8192))
	ok_dev dap-test.0 alloc 20480
	echo 0 >$pools/sram/peak
	same "peak after reset" "$(cat $pools/sram/peak)" 20480
	same_stat sram peak_used_bytes 20480
	ok_dev dap-test.0 free 0
	same "peak after free" "$(cat $pools/sram/peak)" 20480
	echo >$pools/sram/peak
	same "peak of nothing" "$(cat $pools/sram/peak)" 0
}

ends() { unload_all || fail "module in use"; }

ktap_run starts sizes_of_requests last_failures peak ends
