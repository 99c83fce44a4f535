#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Coherent memory in user space (dma_mmap_coherent) and as a scatterlist
# (dma_get_sgtable): the alias is mapped, never the cacheable view; what is
# beyond the buffer is not.
. "$(dirname "$0")/ktap.sh"
need_pool
has_mmap_buffer || ktap_skip_all "no program mmap_buffer here"

page=4096

# map ARGUMENT ...: variables from what mmap_buffer prints, its exit status
map()
{
	map_result=$("$here/mmap_buffer" "$@")
	map_status=$?
	eval "$map_result"
	return $map_status
}

starts()
{
	load_all || fail "cannot load"
	ok_dev dap-test.0 alloc $((5 * page))
	buffer=$cpu
	! with_mmu || buffer=$phys
	ok_dev dap-test.0 limits
	ok_dev dap-test.0 fill 0 0x11
}

# is_page NUMBER: what was mapped is this page of the buffer, in the way that
# suits the device. Without an MMU it is where the buffer is, and nothing else
# can be said.
is_page()
{
	if with_mmu; then
		same "page mapped" "$mapped" "$(hex $((buffer + $1 * page)))"
		suits=uncached
		[ $coherent -eq 0 ] || suits=cached
		same "type of mapping" "$type" $suits
	else
		same address "$(hex $addr)" "$(hex $((buffer + $1 * page)))"
	fi
}

whole_buffer()
{
	map dap-test.0 0 0 $((5 * page)) || fail "mmap: $map_result"
	same "first word" "$first" 0x11111111
	is_page 0
}

written_by_user_space()
{
	map dap-test.0 0 0 $page 0 0xcafe0001 || fail "mmap: $map_result"
	ok_dev dap-test.0 word 0 0
	same "what the kernel sees" "$value" 0xcafe0001
	ok_dev dap-test.0 peek $buffer
	same "what the kernel sees" "$value" 0xcafe0001
	map dap-test.0 0 2 $page 3 0xcafe0002 || fail "mmap: $map_result"
	is_page 2
	ok_dev dap-test.0 word 0 $((2 * page + 12))
	same "what the kernel sees" "$value" 0xcafe0002
	ok_dev dap-test.0 peek $(hex $((buffer + 2 * page + 12)))
	same "what the kernel sees" "$value" 0xcafe0002
}

written_by_the_kernel()
{
	ok_dev dap-test.0 fill 0 0x77
	map dap-test.0 0 4 $page || fail "mmap: $map_result"
	same "first word" "$first" 0x77777777
	is_page 4
}

# The last page of a size that is no multiple of a page is whole, and zeroed.
last_page()
{
	ok_dev dap-test.1 alloc $((page + 1))
	map dap-test.1 0 1 $page || fail "mmap: $map_result"
	same "first word" "$first" 0x0
	ok_dev dap-test.1 free 0
}

beyond_the_buffer()
{
	for range in "0 6" "1 5" "4 2" "5 1" "6 1" "1000 1" "0x7ffff 1"; do
		set -- $range
		! map dap-test.0 0 $1 $(($2 * page)) ||
			fail "mapped $2 pages from page $1"
	done
	same_stat sram live_allocs 1
}

# Of memory that was not the pool's, too: never of pages of the kernel's that are
# cached, to be shared with a device that does not snoop.
fallback()
{
	ok_dev dap-test.0 free 0
	if ! falls_back; then
		skip "the kernel maintains no caches"
		return
	fi
	ok_dev dap-test.0 alloc $pool_size
	ok_dev dap-test.1 alloc $((2 * page)) nokmap
	same_stat sram fallback_count 1
	! map dap-test.1 0 0 $((3 * page)) || fail "mapped too much"
	if with_mmu || snooped; then
		map dap-test.1 0 0 $((2 * page)) || fail "mmap: $map_result"
	else
		! map dap-test.1 0 0 $((2 * page)) || fail "cached pages mapped"
	fi
	ok_dev dap-test.1 free 0
	ok_dev dap-test.0 free 0
}

# Where there are no struct pages for it, there can be no scatterlist. Some kernels
# have them for holes, too, and all for memory that they know and leave alone.
scatterlist()
{
	ok_dev dap-test.0 alloc $page
	log_clear
	if snooped || grep -q "^${pool_base#0x}-.* : Reserved" /proc/iomem; then
		buffer=$dma
		ok_dev dap-test.0 sgtable 0
		same "scatterlist" "$nents $(hex $phys) $length" "1 $(hex $buffer) $page"
	else
		bad_dev dap-test.0 sgtable 0
		log_has "dap-test.0: no scatterlist for memory of DMA pool sram"
	fi
	ok_dev dap-test.0 free 0
}

ends_empty()
{
	same_stat sram live_allocs 0
	unload_all || fail "module in use"
}

ktap_run starts whole_buffer written_by_user_space written_by_the_kernel \
	last_page beyond_the_buffer fallback scatterlist ends_empty
