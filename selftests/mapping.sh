#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Coherent memory mapped into user space (dma_mmap_coherent) and as a scatterlist
# (dma_get_sgtable). User space gets the alias, never the cacheable view, and nothing
# beyond the buffer.
. "$(dirname "$0")/ktap.sh"
need_pool
has_mmap_buffer || ktap_skip_all "no program mmap_buffer here"

page=4096

# map ARGUMENT ...: run mmap_buffer, whose output becomes variables
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

# RISC-V without Svpbmt maps all memory in the same way.
maps_one_way() { [ "$(uname -m)" = riscv64 ] && ! grep -q svpbmt /proc/cpuinfo; }

# is_page NUMBER: fail unless this page of the buffer was mapped, with the right caching
# for the device: an alias is not cached, whatever the device. Without an MMU, only the
# address can be compared.
is_page()
{
	if with_mmu; then
		same "page mapped" "$mapped" "$(hex $((buffer + $1 * page)))"
		suits=uncached
		[ -n "$pool_alias" ] || [ $coherent -eq 0 ] || suits=cached
		! maps_one_way || suits=cached
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

# If the size is not a multiple of the page size, the rest of the last page is zeroed.
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

# A driver says that its buffer is larger than what there is.
beyond_the_pool()
{
	ok_dev dap-test.0 beyond $pool_size
	! map dap-test.0 0 0 $page || fail "mapped as a buffer beyond the pool"
	bad_dev dap-test.0 sgtable 0
	ok_dev dap-test.0 beyond 0
	map dap-test.0 0 0 $page || fail "mmap: $map_result"
}

# Mapping memory that is not the pool's. Cached pages of the kernel must not be mapped
# for a device that does not snoop.
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

# Sets $how to what the DMA API makes of memory that is not from it.
map_own()
{
	ok_dev dap-test.1 own $((2 * page))
	type='' nents=''
	map dap-test.1 $id 0 $((2 * page))
	how="mmap: $map_status $type"
	do_dev dap-test.1 sgtable $id
	how="$how, scatterlist: $? $nents"
	ok_dev dap-test.1 free $id
}

# What the device could do before, it can do as a client.
own_memory()
{
	unload_all
	load_tests || fail "cannot load"
	map_own
	before=$how
	echo "# $before"
	unload_tests
	load_all || fail "cannot load"
	map_own
	same "memory that is not from the DMA API" "$how" "$before"
}

# A scatterlist needs struct pages for the memory. All kernels have them for reserved
# memory that they know (arm64 shows it as "reserved"), and some for holes.
has_pages() { snooped || grep -qi "^ *${pool_base#0x}-.* : Reserved" /proc/iomem; }

scatterlist()
{
	ok_dev dap-test.0 alloc $page
	log_clear
	buffer=$dma
	if do_dev dap-test.0 sgtable 0; then
		# a board may have them without saying so
		has_pages || [ -z "$RIG_BOARD" ] || fail "sgtable did not fail"
		same "scatterlist" "$nents $(hex $phys) $length" "1 $(hex $buffer) $page"
	else
		! has_pages || fail "sgtable failed"
		log_has "dap-test.0: no scatterlist for memory of DMA pool sram"
	fi
	ok_dev dap-test.0 free 0
}

# imports BASE: map a list of a buffer, as for a dma-buf. Each page has to be where the
# buffer is, in a pool that the device has at this bus address.
imports()
{
	ok_dev dap-test.0 alloc $((5 * page))
	from_pool $1 $pool_size "${pool_alias:-$pool_base}"
	# DMA_API_DEBUG complains of other directions without "skip", as the allocation
	# is a mapping of the memory, too
	for import_how in to "to skip" "from skip" "bidi skip"; do
		ok_dev dap-test.0 sgtable $id $import_how
	done
	ok_dev dap-test.0 free $id
}

imported_scatterlist()
{
	if ! has_pages; then
		skip "there are no struct pages"
		return
	fi
	imports $pool_base
	ok_dev dap-test.0 ranges $pool_base 0xe0000000 $pool_size
	imports 0xe0000000
	[ -z "$pool_alias" ] || {
		ok_dev dap-test.0 ranges $pool_alias 0xe0000000 $pool_size
		imports 0xe0000000
	}
	unload_all
	# by BUS of pools=
	[ -n "$pool_alias" ] && entry=$(pool sram) || entry=$(pool sram):
	load "pools=$entry:0xb0000000" clients=dap-test.* && load_tests ||
		fail "cannot load"
	imports 0xb0000000
}

ends_empty()
{
	same_stat sram live_allocs 0
	unload_all || fail "module in use"
}

ktap_run starts whole_buffer written_by_user_space written_by_the_kernel \
	last_page beyond_the_buffer beyond_the_pool fallback own_memory scatterlist imported_scatterlist ends_empty
