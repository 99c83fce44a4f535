#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Frees that no driver should do. None of them changes anything in the pool. All are
# counted, and the first one of each device prints a warning that names the device
# and the one that holds the memory.
. "$(dirname "$0")/ktap.sh"
need_pool

# All that a bad free must not change: everything but the number of bad frees, and
# the age of the allocations.
state()
{
	grep -v bad_free_count $pools/sram/stats
	cut -c -46 $pools/sram/allocations	# not the age
	cat $pools/sram/map
}

# bad_free DEVICE KIND REGEX: the first bad free of a device, which warns, and a second
# one, which does not
bad_free()
{
	load_all || fail "cannot load"
	ok_dev dap-test.0 alloc 20000
	ok_dev dap-test.0 alloc 4096
	ok_dev dap-test.1 alloc 4096
	ok_dev dap-test.0 fill 0 0x3c
	state >"$tmp/before"
	log_clear
	rig_expect "$3"
	ok_dev dap-test.0 badfree 0 $2
	rig_end_expect
	log_has "$3"
	state >"$tmp/after"
	cmp -s "$tmp/before" "$tmp/after" || fail "the pool has changed"
	same_stat sram bad_free_count 1

	# no second warning, but it counts
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

not_in_the_pool() { bad_free dap-test.0 outside "dap-test.0: DMA pool sram: bad free of .* bytes at bus address 0x.*not in the pool"; }
# A new device may get the address of an old one that was removed, which the kernel may
# have served. The module must not take it for the old device.
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

middle() { bad_free dap-test.0 middle "dap-test.0: DMA pool sram: bad free .*no allocation starts there"; }
unaligned() { bad_free dap-test.0 unaligned "dap-test.0: DMA pool sram: bad free .*no allocation starts there"; }
wrong_size() { bad_free dap-test.0 size "dap-test.0: DMA pool sram: bad free .*another size"; }
wrong_byte() { bad_free dap-test.0 byte "dap-test.0: DMA pool sram: bad free .*another size"; }

knows_memory() { with_mmu && [ -e $debugfs/dma-api ]; }

# Some drivers round the size up to whole pages when they free. That is harmless.
size_in_whole_pages()
{
	load_all
	ok_dev dap-test.0 alloc 100
	ok_dev dap-test.0 alloc 5000
	# with an MMU, DMA_API_DEBUG knows this memory and complains, but only once
	! knows_memory || rig_expect "DMA-API: .* with different size"
	ok_dev dap-test.0 free 0 pages
	ok_dev dap-test.0 free 1 pages
	! knows_memory || rig_end_expect
	same_stat sram live_allocs 0
	same_stat sram requested_bytes 0
	same_stat sram bad_free_count 0
	unload_all
}

of_another_client() { bad_free dap-test.1 dap-test.1 "dap-test.1: DMA pool sram: bad free .*belongs to dap-test.0"; }

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

# A driver frees a buffer twice, and another device got its memory in between.
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
