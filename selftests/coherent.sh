#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Coherent allocations of clients: where they come from, how they are aligned, how many
# pages they take, that they are zeroed, and what happens when there is no room. The
# pool comes from parameters, not from the device tree.
. "$(dirname "$0")/ktap.sh"
need_pool

page=4096
pages=$((pool_size / page))

# Without the module, a kernel without an MMU has no coherent memory for devices that
# are not coherent in hardware.
without_module()
{
	load_tests || fail "no test module"
	not_served dap-test.0
	unload_tests
}

loads_quietly()
{
	log_clear
	load_all || fail "cannot load"
	log_is_quiet
	[ -d $pools/sram ] || fail "no debugfs directory"
	grep -q "dma_alias_pool sram$" /proc/iomem || fail "phys not claimed"
	[ -z "$pool_alias" ] ||
		grep -q "dma_alias_pool sram alias$" /proc/iomem ||
		fail "alias not claimed"
}

three_addresses()
{
	ok_dev dap-test.0 alloc $page
	from_pool
	ok_dev dap-test.0 free $id
}

# The API promises that the bus address and the CPU address are aligned to the size,
# rounded up to a power of two of pages.
naturally_aligned()
{
	for want in 1:1 4096:1 4097:2 8192:2 8193:4 16385:8 20480:8 102400:32 \
		    262145:128; do
		align=$((${want#*:} * page))
		[ $align -le $((pool_size)) ] || continue
		ok_dev dap-test.0 alloc $page
		odd=$id
		ok_dev dap-test.0 alloc ${want%:*}
		[ $((dma % align)) -eq 0 ] && [ $((cpu % align)) -eq 0 ] ||
			fail "$size bytes at cpu $cpu bus $dma"
		ok_dev dap-test.0 free $id
		ok_dev dap-test.0 free $odd
	done
}

# A request for 5 pages takes 5 pages, not 8.
exact()
{
	ok_dev dap-test.0 alloc 20000
	same_stat sram used_bytes 20480
	same_stat sram requested_bytes 20000
	ok_dev dap-test.0 free $id
	same_stat sram used_bytes 0
}

zeroed()
{
	ok_dev dap-test.0 alloc $((3 * page + 1))
	same zero $zero 1
	first=$cpu
	ok_dev dap-test.0 fill $id 0xa5
	ok_dev dap-test.0 check $id 0xa5
	ok_dev dap-test.0 free $id
	ok_dev dap-test.1 alloc $((3 * page + 1))
	same "place of the second" "$cpu" "$first"
	same zero $zero 1
	ok_dev dap-test.1 free $id
}

keeps_data_apart()
{
	for n in 0 1 2 3 4 5 6 7; do
		ok_dev dap-test.0 alloc $((n * 3000 + 1))
		ok_dev dap-test.0 fill $id $((n + 1))
	done
	for n in 6 4 2; do
		ok_dev dap-test.0 free $n
	done
	ok_dev dap-test.0 alloc 9000
	ok_dev dap-test.0 fill $id 0xff
	for n in 0 1 3 5 7; do
		ok_dev dap-test.0 check $n $((n + 1))
	done
	ok_dev dap-test.0 free all
	same_stat sram live_allocs 0
}

# Two devices never get the same memory.
two_clients()
{
	ok_dev dap-test.0 alloc $page
	a=$cpu
	ok_dev dap-test.1 alloc $page
	[ "$a" != "$cpu" ] || fail "both got $a"
	same_stat sram live_allocs 2
	ok_dev dap-test.0 free all
	ok_dev dap-test.1 free all
}

in_atomic_context()
{
	ok_dev dap-test.0 alloc 9000 atomic
	ok_dev dap-test.0 free $id
}

attributes()
{
	for attr in wc contig single privileged weak nokmap \
		    "wc contig single"; do
		ok_dev dap-test.0 alloc 5000 $attr
		from_pool
		ok_dev dap-test.0 free $id
	done
	same_stat sram fallback_count 0
}

managed_and_small()
{
	ok_dev dap-test.0 dmapool 48 200
	from_pool
	ok_dev dap-test.0 dmam 5000
	same_stat sram live_allocs 1
	unbind dap-test.0
	same_stat sram live_allocs 0
	bind dap-test.0
}

as_large_as_the_pool()
{
	ok_dev dap-test.0 alloc $pool_size
	same zero $zero 1
	same_stat sram free_bytes 0
	same_stat sram largest_free_bytes 0
	unserved dap-test.1 alloc 1 nowarn
	ok_dev dap-test.0 free all
}

page_by_page()
{
	n=0
	while do_dev dap-test.0 alloc 1 nowarn; do
		bus_in_pool || break
		n=$((n + 1))
	done
	same "pages handed out" $n $pages
	same_stat sram free_bytes 0
	ok_dev dap-test.0 free all
	same_stat sram largest_free_bytes $((pool_size))
}

too_large()
{
	more=$(too_much)
	log_clear
	bad_dev dap-test.0 alloc $more
	log_has "dap-test.0: DMA pool sram: no $((more)) bytes: that is more than its size; $((pool_size)) of $((pool_size)) free"
}

# Sizes near the end of the address space must not wrap round.
enormous()
{
	for size in 0xffffffff 0xfffff001 0x80000000; do
		bad_dev dap-test.0 alloc $size nowarn
	done
	same_stat sram live_allocs 0
}

of_size_zero()
{
	log_clear
	bad_dev dap-test.0 alloc 0
	log_has "dap-test.0: DMA pool sram: no 0 bytes: nothing was asked for"
}

no_room()
{
	ok_dev dap-test.0 alloc $((pool_size - page))
	before=$(stat_of sram fail_count)
	log_clear
	unserved dap-test.1 alloc 8192
	unserved_says "dap-test.1: DMA pool sram: no 8192 bytes: there is no room; $page of $((pool_size)) free, at most $page for one request"
	log_clear
	unserved dap-test.1 alloc 8192 nowarn
	log_is_quiet
	same_stat sram fail_count $((before + 2))
	ok_dev dap-test.0 free all
}

# If the pool is full, only requests without a kernel mapping may get other memory.
full_pool_falls_back_without_kernel_mapping()
{
	ok_dev dap-test.0 alloc $pool_size
	unserved dap-test.1 alloc $page nowarn
	for attr in wc contig single privileged weak; do
		unserved dap-test.1 alloc $page nowarn $attr
	done
	before=$(stat_of sram fallback_count)
	if falls_back; then
		ok_dev dap-test.1 alloc 10000 nokmap
		not_from_pool
		same_stat sram fallback_count $((before + 1))
		same_stat sram live_allocs 1
		ok_dev dap-test.1 free $id
	else
		bad_dev dap-test.1 alloc 10000 nokmap
		same_stat sram fallback_count $before
	fi
	ok_dev dap-test.0 free all
	same_stat sram bad_free_count 0
}

# reaches_half: dap-test.0 can get the lower half of the pool in one piece, and then no
# more
reaches_half()
{
	ok_dev dap-test.0 alloc $((pool_size / 2))
	same "bus address" "$(hex $dma)" "$(hex $pool_base)"
	log_clear
	unserved dap-test.0 alloc 1
	unserved_says "dap-test.0: DMA pool sram: no 1 bytes: there is no room in what the device can address; .*, mask 0x"
	ok_dev dap-test.0 free all
}

# DMA masks that reach half of the pool, all but its last page, and nothing of it.
masks()
{
	ok_dev dap-test.0 coherent_mask $(hex $((pool_base + pool_size / 2 - 1)))
	reaches_half
	some=$((pool_size / 200))
	for n in 0 1 2 3 4 5 6 7 8 9; do
		ok_dev dap-test.0 alloc $((n * some + 1))
		[ $((dma + n * some)) -lt $((pool_base + pool_size / 2)) ] ||
			fail "$dma is beyond the mask"
	done
	ok_dev dap-test.0 free all

	# all but the last byte, so not the last page
	ok_dev dap-test.0 coherent_mask $(hex $((pool_base + pool_size - 2)))
	unserved dap-test.0 alloc $pool_size nowarn
	ok_dev dap-test.0 alloc 1
	same "bus address" "$(hex $dma)" "$(hex $((pool_base + pool_size - 2 * page)))"
	ok_dev dap-test.0 coherent_mask $(hex $((pool_base + pool_size - 1)))
	ok_dev dap-test.0 free all
	ok_dev dap-test.0 alloc $pool_size
	ok_dev dap-test.0 free all

	ok_dev dap-test.0 coherent_mask $(hex $((pool_base - 1)))
	log_clear
	unserved dap-test.0 alloc 1
	unserved_says "dap-test.0: DMA pool sram: no .* bytes: it is beyond what the device can address"
	ok_dev dap-test.0 mask 0xffffffff
	ok_dev dap-test.0 alloc 1
	ok_dev dap-test.0 free all
}

# The bus may have a limit, too. The lower one of limit and mask counts.
bus_limits()
{
	ok_dev dap-test.0 bus_limit $(hex $((pool_base + pool_size / 2 - 1)))
	reaches_half
	ok_dev dap-test.0 coherent_mask $(hex $((pool_base + pool_size / 4 - 1)))
	unserved dap-test.0 alloc $((pool_size / 2)) nowarn
	ok_dev dap-test.0 alloc $((pool_size / 4))
	ok_dev dap-test.0 free all
	ok_dev dap-test.0 bus_limit 0
	ok_dev dap-test.0 mask 0xffffffff
	ok_dev dap-test.0 alloc $pool_size
	ok_dev dap-test.0 free all
}

# Devices know the pool by another address (BUS of pools=), which their mask must reach.
# That address is above all RAM, so that the kernel has memory for a mask that is too small.
explicit_bus()
{
	unload_all
	entry=$(pool sram)
	[ -n "$pool_alias" ] || entry=$entry:
	load "pools=$entry:0xb0000000" clients=dap-test.* || fail "cannot load"
	load_tests
	ok_dev dap-test.0 alloc 20480
	from_pool 0xb0000000 $pool_size "${pool_alias:-$pool_base}"
	ok_dev dap-test.0 fill $id 0x3c
	ok_dev dap-test.0 check $id 0x3c
	ok_dev dap-test.0 free $id
	ok_dev dap-test.0 coherent_mask 0xafffffff
	log_clear
	unserved dap-test.0 alloc 1
	unserved_says "dap-test.0: DMA pool sram: no .*: it is beyond what the device can address; .* bus address 0x0*b0000000, mask 0xafffffff"
	ok_dev dap-test.0 coherent_mask 0xb0000fff
	ok_dev dap-test.0 alloc 1
	same "bus address" $dma 0xb0000000
	unserved dap-test.0 alloc 1 nowarn
	ok_dev dap-test.0 free all
	unload_all
	load_all
}

statistics()
{
	unload_all
	load_all || fail "cannot load again"
	ok_dev dap-test.0 alloc 10000
	ok_dev dap-test.0 alloc 1
	ok_dev dap-test.1 alloc 4096
	ok_dev dap-test.1 free 0
	bad_dev dap-test.1 alloc $(too_much) nowarn
	for want in total_bytes:$((pool_size)) used_bytes:16384 \
		    requested_bytes:10001 peak_used_bytes:20480 \
		    free_bytes:$((pool_size - 16384)) live_allocs:2 \
		    alloc_count:3 free_count:1 fail_count:1 fallback_count:0 \
		    bad_free_count:0 clients:2; do
		same_stat sram ${want%:*} ${want#*:}
	done
	line=$(grep '^dap-test.0 ' $pools/sram/clients)
	set -- $line
	same "clients file" "$*" "dap-test.0 dap-test 10001 10001 2 0 0"
	line=$(grep '^dap-test.1 ' $pools/sram/clients)
	set -- $line
	same "clients file" "$*" "dap-test.1 dap-test 0 4096 1 1 0"
	ok_dev dap-test.0 free all
}

allocations_file()
{
	ok_dev dap-test.0 alloc 10000
	offset=$(printf '0x%08x' $((dma - pool_base)))
	set -- $(grep "^$offset " $pools/sram/allocations)
	same size "$2" 10000
	same client "$3" dap-test.0
	is_caller "$5" || fail "caller is $5"
	same lines "$(grep -c '^0x' $pools/sram/allocations)" 1
	ok_dev dap-test.0 free all
	same lines "$(grep -c '^0x' $pools/sram/allocations)" 0
}

# The file is larger than a buffer of seq_file, and is read in small pieces.
allocations_file_is_complete()
{
	n=0
	while [ $n -lt 200 ] && [ $n -lt $pages ]; do
		ok_dev dap-test.0 alloc 1
		n=$((n + 1))
	done
	same lines "$(dd if=$pools/sram/allocations bs=100 2>/dev/null |
		      grep -c '^0x')" $n
	ok_dev dap-test.0 free all
}

map_file()
{
	ok_dev dap-test.0 alloc $((3 * page))
	ok_dev dap-test.1 alloc $page
	same pages "$(tr -d '\n' <$pools/sram/map | wc -c)" $pages
	same "free pages" "$(tr -dc . <$pools/sram/map | wc -c)" $((pages - 4))
	grep -q Aaa $pools/sram/map || fail "no Aaa in the map"
	grep -q B $pools/sram/map || fail "no B in the map"
	ok_dev dap-test.0 free all
	ok_dev dap-test.1 free all
}

# max_align gives up the alignment that the API promises, to save memory, for all pools
# or for one. What is said of one counts before what is said of all, in any order.
limited_alignment()
{
	unload_all
	for limit in 4096 16384; do
		load_all max_align=$limit || fail "cannot load"
		ok_dev dap-test.0 alloc 1
		ok_dev dap-test.0 alloc 100000
		# the highest place with this alignment below the first allocation
		end=$((pool_base + pool_size - page - 25 * page))
		same "place of 25 pages" $(hex $dma) \
		     $(hex $((end / limit * limit)))
		ok_dev dap-test.0 alloc 8192
		[ $((dma % 8192)) -eq 0 ] || [ $limit -eq 4096 ] ||
			fail "2 pages at $dma"
		ok_dev dap-test.0 free all
		unload_all
	done
	half=$(hex $((pool_size / 2)))
	for limits in 4K@b 4K@b,32K 32K,4K@b; do
		load "pools=$(pool a 0 $half),$(pool b $half $half)" \
		     clients=dap-test.0@a,dap-test.1@b max_align=$limits ||
			fail "cannot load with max_align=$limits"
		load_tests
		for dev in 0 1; do
			ok_dev dap-test.$dev alloc 1
			ok_dev dap-test.$dev alloc 20480
			eval "place_$dev=$((dma % 32768))"
			ok_dev dap-test.$dev free all
		done
		same "alignment in a, max_align=$limits" $place_0 0
		[ $place_1 -ne 0 ] ||
			fail "max_align=$limits: b aligns to more than a page"
		unload_all
	done
	load_all
}

# A pool whose base is not aligned cannot serve large aligned requests. The log says so,
# unless max_align is so low that it makes no difference.
odd_base()
{
	unload_all
	half=$((pool_size / 2))
	odd=$(pool odd $page $half)
	log_clear
	load "pools=$odd" || fail "cannot load"
	log_has "DMA pool odd: no buffer above $((half / 2048)) KiB: align its address to $(hex $half), or lower max_align"
	same_stat odd largest_free_bytes $((half / 2))
	unload
	log_clear
	load "pools=$odd" max_align=16K || fail "cannot load"
	log_has "above $(((half - 3 * page) / 1024)) KiB: align its address to 0x4000,"
	unload
	log_clear
	load "pools=$odd" max_align=4K || fail "cannot load"
	same_stat odd largest_free_bytes $half
	unload
	# only the alignment of the bus address matters
	[ -n "$pool_alias" ] || odd=$odd:
	log_clear
	load "pools=$odd:0x10000000" || fail "cannot load"
	! log_since | grep 'no buffer above' || fail "BUS is aligned"
	unload
	# nothing is held, and yet there is no place for two pages
	load "pools=$(pool odd $page $((2 * page)))" "clients=dap-test.*" || fail "cannot load"
	load_tests
	# a line that is not full has an end as well
	same "its map, and the lines of it" "$(cat $pools/odd/map) $(wc -l <$pools/odd/map)" ".. 1"
	log_clear
	unserved dap-test.0 alloc $((2 * page))
	unserved_says "dap-test.0: DMA pool odd: no $((2 * page)) bytes: no place is aligned enough, see max_align"
	unload_all
	load_all
}

# Who has switched the check off is told so each time.
says_that_it_was_not_checked()
{
	if [ -z "$pool_alias" ]; then
		skip "there is no alias"
		return
	fi
	unload_all
	log_clear
	load "pools=$(pool sram)" verify=0 || fail "cannot load"
	log_has "DMA pool sram: .*, reached through its alias 0x[0-9a-f]* (not verified)"
	unload
	load_all
}

ends_empty()
{
	unload_tests || fail "test module still in use"
	same_stat sram live_allocs 0
	same_stat sram bad_free_count 0
	log_clear
	unload || fail "module still in use"
	[ ! -d $pools ] || fail "debugfs directory left"
	! grep -q dma_alias_pool /proc/iomem || fail "resources left"
	log_is_quiet
}

ktap_run without_module loads_quietly three_addresses naturally_aligned \
	exact zeroed keeps_data_apart two_clients in_atomic_context attributes \
	managed_and_small as_large_as_the_pool page_by_page too_large enormous \
	of_size_zero no_room full_pool_falls_back_without_kernel_mapping \
	masks bus_limits explicit_bus statistics allocations_file allocations_file_is_complete \
	map_file limited_alignment odd_base says_that_it_was_not_checked ends_empty
