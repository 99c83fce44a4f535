#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What a device calls the pool's addresses when its driver sets other ranges of
# its bus in its probe than those that it was bound with, as of_dma_configure()
# does with another node.
. "$(dirname "$0")/ktap.sh"
need_pool

page=4096
end=$((pool_base + pool_size))
high=0xe0000000
alias=${pool_alias:-$pool_base}

# ranges CPU BUS SIZE...: these, and all else as it is
ranges()
{
	ok_dev dap-test.0 ranges 0 0 $pool_base \
		$(hex $end) $(hex $end) $(hex $((high - end))) "$@"
}

starts() { load_all || fail "cannot load"; }

# What it holds by then is freed, and what it gets is translated anew.
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
	# another client's are what they were
	ok_dev dap-test.1 alloc 5000
	from_pool
	ok_dev dap-test.1 free $id
}

# What a mask cuts off is counted from there.
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

# A bus that has the alias for memory, as for the kernel's own pool.
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

# no_memory SIZE REGEX
no_memory()
{
	log_clear
	unserved dap-test.0 alloc $1
	unserved_says "dap-test.0: DMA pool sram: no $1 bytes: $2"
}

# A buffer of two pages would begin at an odd one, for the device.
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

# Nor is the kernel's memory within reach then.
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

# The driver core takes the ranges away with the driver.
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
