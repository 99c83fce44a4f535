#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The part of make bench in a kernel with DMA_API_DEBUG: all that costs nothing
# there, or the same. Prints what figures.sh says, and "# map KERNEL-OR-MODULE LINE".
. "$(dirname "$0")/ktap.sh"
. "$here/figures.sh"

api()
{
	load_bench || {
		fail "cannot load"
		return
	}
	pairs debug

	step "first failure, 20 seeds"
	both first_failure_kib kib first_failure

	step "churn, 20000 steps"
	both churn_failures failed churn
	again churn_ok ok
	do_bench kernel map $kernel_base
	sed 's/^/# map kernel /' $bench/dap-bench-kernel
	sed 's/^/# map module /' $pools/bench/map

	bytes=$(stat_of bench metadata_bytes)
	bytes=$((bytes * 100 / bench_pages))
	# a bit a page
	figure metadata_bytes_per_page 0.125 \
		$((bytes / 100)).$(printf '%02d' $((bytes % 100)))
	unload_bench
}

# The same without natural alignment.
page_aligned()
{
	load_bench max_align=4K || {
		fail "cannot load with max_align="
		return
	}
	step "page-aligned: first failure"
	do_bench module first_failure
	figure first_failure_kib_page - "$(value kib module)"
	step "page-aligned: churn"
	do_bench module churn
	figure churn_failures_page - "$(value failed module)"
	unload_bench
}

allocator()
{
	load_bench || {
		fail "cannot load"
		return
	}
	for pages in 64 256 1024 4096 16384 65536; do
		step "get and put in a pool of $pages pages"
		both worst_get_put_$pages worst get_put $pages
		again mean_get_put_$pages mean
		again worst_get_$pages worst_get
		again worst_put_$pages worst_put
		do_bench module below $pages
		figure worst_get_below_$pages - "$(value worst_get_below module)"
	done
	unload_bench
}

# largest KEY ...: of the module's last result
largest()
{
	for largest_key; do
		value $largest_key module
	done | sort -n | tail -n 1
}

# What is read is not to keep who allocates waiting for longer than another one
# who allocates.
lock()
{
	load_bench || {
		fail "cannot load"
		return
	}
	for pages in 64 256 1024 4096 16384 65536; do
		step "who holds the lock of a pool of $pages pages"
		do_bench module lock $pages
		figure lock_alloc_$pages - $(largest get put)
		figure lock_reader_$pages - $(largest next stats bucket failure user)
		for reader in next stats bucket failure user; do
			figure lock_${reader}_$pages - $(value $reader module)
		done
	done
	unload_bench
}

ktap_run api page_aligned allocator lock
