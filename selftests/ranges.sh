#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A driver may change the DMA ranges of its device after the device has become a client,
# by of_dma_configure() with another node. The bus addresses of its memory then have to
# follow the new ranges.
. "$(dirname "$0")/ktap.sh"
need_pool

page=4096
end=$((pool_base + pool_size))
high=0xe0000000
alias=${pool_alias:-$pool_base}

# ranges CPU BUS SIZE...: set these ranges, and map all memory outside of the pool as it is
ranges()
{
	ok_dev dap-test.0 ranges 0 0 $pool_base \
		$(hex $end) $(hex $end) $(hex $((high - end))) "$@"
}

starts() { load_all || fail "cannot load"; }

# Memory from before the change can be freed, and new memory has new bus addresses.
other_addresses()
{
	ok_dev dap-test.0 alloc 5000
	from_pool
	before=$id
	ranges $pool_base $high $pool_size
	ok_dev dap-test.0 alloc 20000
	from_pool $high $pool_size $alias
	after=$id
	ok_dev dap-test.0 fill $after 0x3c
	ok_dev dap-test.0 sync $after
	ok_dev dap-test.0 map 1500 bidi
	ok_dev dap-test.0 check $after 0x3c
	ok_dev dap-test.0 free $before
	ok_dev dap-test.0 free $after
	same_stat sram bad_free_count 0
	# another client's addresses have not changed
	ok_dev dap-test.1 alloc 5000
	from_pool
	ok_dev dap-test.1 free $id
}

# The mask counts for the new bus addresses.
a_mask()
{
	ranges $pool_base $high $pool_size
	ok_dev dap-test.0 coherent_mask $(hex $((high + page - 1)))
	ok_dev dap-test.0 alloc 1
	same "bus address" "$(hex $dma)" "$(hex $high)"
	unserved dap-test.0 alloc 1 nowarn
	ok_dev dap-test.0 free 0
	ok_dev dap-test.0 coherent_mask 0xffffffff
}

# The ranges of this bus contain the alias instead of the region, as for a pool of the
# kernel.
alias_in_the_ranges()
{
	if [ $((alias)) -eq $((pool_base)) ]; then
		skip "there is no alias"
		return
	fi
	ok_dev dap-test.0 ranges $alias $pool_base $pool_size
	ok_dev dap-test.0 alloc 5000
	from_pool
	ok_dev dap-test.0 free 0
}

# no_memory SIZE REGEX: the request fails, with this reason in the log
no_memory()
{
	log_clear
	unserved dap-test.0 alloc $1
	unserved_says "dap-test.0: DMA pool sram: no $1 bytes: $2"
}

# The ranges shift bus addresses by one page, so a buffer of two pages is not aligned for
# the device.
misaligned()
{
	ranges $pool_base $(hex $((high + page))) $pool_size
	no_memory $((2 * page)) "its bus address would not be aligned, see max_align; .*alignment $(hex $((2 * page)))"
	no_memory $((pool_size)) "its bus address would not be aligned"
	ok_dev dap-test.0 alloc $page
	from_pool $(hex $((high + page))) $pool_size $alias
	ok_dev dap-test.0 free 0
	ranges $pool_base $(hex $((high + 2 * page))) $pool_size
	ok_dev dap-test.0 alloc $((2 * page))
	from_pool $(hex $((high + 2 * page))) $pool_size $alias
	ok_dev dap-test.0 free 0
}

# The ranges do not cover the pool. The kernel's memory is out of reach as well.
out_of_reach()
{
	for map in "$pool_base $high $((pool_size / 2))" \
		   "$pool_base $pool_base $((pool_size / 2))" ""; do
		ok_dev dap-test.0 ranges $map
		log_clear
		bad_dev dap-test.0 alloc 5000
		log_has "dap-test.0: DMA pool sram: no 5000 bytes: dma-ranges of its bus do not cover the pool in one piece"
	done
}

# At unbind the driver core deletes the ranges.
bound_again()
{
	ranges $pool_base $high $pool_size
	ok_dev dap-test.0 alloc 5000
	unbind dap-test.0
	bind dap-test.0
	ok_dev dap-test.0 alloc 5000
	from_pool
	ok_dev dap-test.0 map 1500 bidi
	ok_dev dap-test.0 free all
}

ends_empty()
{
	same_stat sram live_allocs 0
	unload_all || fail "module in use"
}

ktap_run starts other_addresses a_mask alias_in_the_ranges misaligned \
	out_of_reach bound_again ends_empty
