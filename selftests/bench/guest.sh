#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The part of make bench that runs in the emulated machine: it has two devices
# do the same, one with the kernel's own global coherent pool (boards/*/
# bench.dtso), one with a pool of the module, both of 1024 pages. Wants a
# machine whose time counts instructions (rig/run.py --icount).
#
# Prints, for bench.sh, "# step WHAT", "# figure NAME KERNEL MODULE" ("-": there
# is none) and "# map KERNEL-OR-MODULE LINE", in KTAP.
. "$(dirname "$0")/ktap.sh"

bench=$debugfs/dma_alias_pool_bench
bench_pages=1024

# The kernel's pool has all of the aliased SSRAM. The other SSRAM of the board
# holds what started the kernel, and nothing after that. It is at 0, too, which
# is no place for a pool. Neither has struct pages, which would make DMA_API_DEBUG
# look at one of them more closely.
kernel_base=$pool_base
module_base=0x00400000

ls -d /proc/device-tree/reserved-memory/*/linux,dma-default >/dev/null 2>&1 ||
	ktap_skip_all "the kernel has no global coherent pool"
[ "$RIG_BOARD" = an385 ] ||
	ktap_skip_all "no memory is known on this board"

step() { echo "# step $*"; }

figure() { echo "# figure $1 $2 $3"; }

# value KEY kernel|module: of what it said last, - if it said nothing
value()
{
	tr ' ' '\n' <"$bench/dap-bench-$2" | sed -n "s/^$1=//p" | grep . || echo -
}

# do_bench kernel|module COMMAND ...
do_bench()
{
	bench_who=$1
	shift
	echo "$*" 2>/dev/null >"$bench/dap-bench-$bench_who" ||
		fail "$bench_who: cannot do: $*"
}

# both NAME KEY COMMAND ...: a figure of both
both()
{
	both_name=$1
	both_key=$2
	shift 2
	do_bench kernel "$@"
	do_bench module "$@"
	again "$both_name" "$both_key"
}

# again NAME KEY: another figure from the last command
again() { figure "$1" "$(value "$2" kernel)" "$(value "$2" module)"; }

load_bench()
{
	load "pools=bench:$module_base:4M" clients=dap-bench-module "$@" &&
		insmod "$here/dma_alias_pool_bench.ko"
}

unload_bench()
{
	rmmod dma_alias_pool_bench
	unload
}

api()
{
	load_bench || {
		fail "cannot load"
		return
	}
	step "one buffer"
	both alloc_free_4k_empty pair pair 4096 0
	both alloc_free_100k_empty pair pair 102400 0
	both alloc_free_4k_nearly_full pair pair 4096 $((bench_pages - 1))

	step "filling up"
	live=0
	while [ $live -lt $bench_pages ]; do
		both cost_at_fill_$live pair pair 4096 $live
		live=$((live + 64))
	done
	live=$((bench_pages - 1))
	both cost_at_fill_$live pair pair 4096 $live

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
