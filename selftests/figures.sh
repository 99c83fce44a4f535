#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What an allocation costs, beside the kernel's own global coherent pool, in
# the same kernel, one after the other. Needs a boot device tree with such a
# pool, and counts instructions where the machine counts time in them
# (rig/run.py --icount: 32 ns of guest time each).
. "$(dirname "$0")/ktap.sh"
need_pool

ls -d /proc/device-tree/reserved-memory/*/linux,dma-default >/dev/null 2>&1 ||
	ktap_skip_all "the kernel has no global coherent pool"

# The upper half; the kernel has the lower.
base=$(hex $((pool_base + pool_size / 2)))
size=$(hex $((pool_size / 2)))
alias=$(hex $((pool_alias + pool_size / 2)))

instructions() { echo $((($1 + 16) / 32)); }

cost()
{
	load_tests
	ok_dev dap-test.0 bench 200 4096
	kernel=$(instructions $pair_ns)
	unload_tests
	load "pools=sram:$base:$size:$alias" "clients=dap-test.*" ||
		fail "cannot load"
	load_tests
	ok_dev dap-test.0 bench 200 4096
	module=$(instructions $pair_ns)
	clear=$(instructions $clear_ns)
	bytes=$(stat_of sram metadata_bytes)
	unload_all
	echo "# figure alloc_free_4k_empty kernel=$kernel module=$module instructions; memset() of a page alone takes $clear"
	echo "# figure metadata_bytes_a_page $((bytes * 100 / (size / 4096))) hundredths"
	[ "$module" -gt "$clear" ] || fail "these figures cannot be right"
}

ktap_run cost
