#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Frees that no driver should do: each changes nothing in the pool, is counted,
# and warns once for each device, naming it and the one that holds the memory.
. "$(dirname "$0")/ktap.sh"
need_pool

# What a bad free must leave as it was; the count of them is not part of it.
state()
{
	grep -v bad_free_count $pools/sram/stats
	cut -c -46 $pools/sram/allocations	# not the age
	cat $pools/sram/map
}

# A first bad free of a device, which warns: bad DEVICE KIND REGEX
bad()
{
	load_all || fail "cannot load"
	ok_dev dap-test.0 alloc 20000
	ok_dev dap-test.0 alloc 4096
	ok_dev dap-test.1 alloc 4096
	ok_dev dap-test.0 fill 0 0x3c
	state >/tmp/before
	log_clear
	rig_expect "$3"
	ok_dev dap-test.0 badfree 0 $2
	rig_end_expect
	log_has "$3"
	state >/tmp/after
	cmp -s /tmp/before /tmp/after || fail "the pool has changed"
	same_stat sram bad_free_count 1

	# Once is enough, but each counts.
	log_clear
	ok_dev dap-test.0 badfree 0 $2
	log_is_quiet
	same_stat sram bad_free_count 2

	ok_dev dap-test.0 check 0 0x3c
	ok_dev dap-test.0 free all
	ok_dev dap-test.1 free all
	same_stat sram live_allocs 0
	unload_all || fail "cannot unload"
}

not_in_the_pool() { bad dap-test.0 outside "dap-test.0: DMA pool sram: bad free .*not in the pool"; }
# It has the place of a device that the kernel could have served, maybe.
new_device_at_an_old_place()
{
	load_tests
	load "pools=$(pool sram)" "clients=dap-test.*" || fail "cannot load"
	echo "del 0" >$tests/control
	echo "add 0" >$tests/control
	ok_dev dap-test.0 alloc 4096
	rig_expect "dap-test.0: DMA pool sram: bad free .*not in the pool"
	ok_dev dap-test.0 badfree 0 outside
	rig_end_expect
	same_stat sram bad_free_count 1
	ok_dev dap-test.0 free 0
	unload_all || fail "cannot unload"
}

middle() { bad dap-test.0 middle "dap-test.0: DMA pool sram: bad free .*no allocation starts there"; }
unaligned() { bad dap-test.0 unaligned "dap-test.0: DMA pool sram: bad free .*no allocation starts there"; }
wrong_size() { bad dap-test.0 size "dap-test.0: DMA pool sram: bad free .*another size"; }
wrong_byte() { bad dap-test.0 byte "dap-test.0: DMA pool sram: bad free .*another size"; }

# Harmless, and some drivers do.
size_in_whole_pages()
{
	load_all
	ok_dev dap-test.0 alloc 100
	ok_dev dap-test.0 alloc 5000
	# DMA_API_DEBUG knows memory that the kernel has a map of, and says it once
	! with_mmu || rig_expect "DMA-API: .* with different size"
	ok_dev dap-test.0 free 0 pages
	ok_dev dap-test.0 free 1 pages
	! with_mmu || rig_end_expect
	same_stat sram live_allocs 0
	same_stat sram requested_bytes 0
	same_stat sram bad_free_count 0
	unload_all
}

of_another_client() { bad dap-test.1 dap-test.1 "dap-test.1: DMA pool sram: bad free .*belongs to dap-test.0"; }

double()
{
	load_all
	ok_dev dap-test.0 alloc 4096
	ok_dev dap-test.0 alloc 4096
	rig_expect "dap-test.0: DMA pool sram: bad free .*no allocation starts there"
	ok_dev dap-test.0 badfree 0 double
	rig_end_expect
	same_stat sram bad_free_count 1
	same_stat sram free_count 1
	same_stat sram live_allocs 1
	ok_dev dap-test.0 free 1
	unload_all
}

# The same address, allocated again by somebody else meanwhile.
double_after_reuse()
{
	load_all
	ok_dev dap-test.0 alloc 4096
	first=$cpu
	rig_expect "dap-test.0: DMA pool sram: bad free .*belongs to dap-test.1"
	ok_dev dap-test.0 keep 0
	ok_dev dap-test.1 alloc 4096
	same "place" "$cpu" "$first"
	ok_dev dap-test.1 fill 0 0x42
	ok_dev dap-test.0 badfree 0 again
	rig_end_expect
	ok_dev dap-test.1 check 0 0x42
	same_stat sram live_allocs 1
	same_stat sram bad_free_count 1
	ok_dev dap-test.1 free 0
	unload_all
}

ktap_run not_in_the_pool new_device_at_an_old_place middle unaligned wrong_size \
	wrong_byte size_in_whole_pages of_another_client double double_after_reuse
