#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What each call of the DMA API does for a client: one test for each kind of call.
# coherent.sh, streaming.sh, mapping.sh and bad_free.sh test the details.
. "$(dirname "$0")/ktap.sh"
need_pool

page=4096

starts()
{
	load_all || fail "cannot load"
	same_stat sram clients 2
}

# fill_up: dap-test.1 takes all of the pool
fill_up()
{
	ok_dev dap-test.1 alloc $pool_size
	same_stat sram free_bytes 0
}

# Is the client coherent in hardware? Then it gets normal memory if the pool is full.
is_coherent()
{
	ok_dev dap-test.0 limits
	[ $coherent -eq 1 ]
}

# dma_alloc_coherent, dma_alloc_attrs, dmam_*, dma_pool_*
coherent_memory()
{
	ok_dev dap-test.0 alloc 5000
	from_pool
	same zero $zero 1
	ok_dev dap-test.0 free 0
	for call in "dmam 5000" "dmapool 48 100"; do
		ok_dev dap-test.0 $call
		from_pool
	done
	same_stat sram live_allocs 1
	unbind dap-test.0
	same_stat sram live_allocs 0
	bind dap-test.0
	same_stat sram fallback_count 0
}

# DMA_ATTR_WRITE_COMBINE, FORCE_CONTIGUOUS, ALLOC_SINGLE_PAGES, PRIVILEGED,
# WEAK_ORDERING
attributes_that_the_pool_satisfies()
{
	for attr in wc contig single privileged weak; do
		ok_dev dap-test.0 alloc $page $attr
		from_pool
		ok_dev dap-test.0 free 0
	done
	fill_up
	is_coherent || for attr in wc contig single privileged weak; do
		bad_dev dap-test.0 alloc $page nowarn $attr
	done
	ok_dev dap-test.1 free 0
}

# DMA_ATTR_NO_WARN, __GFP_NOWARN
no_warning_is_wanted()
{
	more=$(too_much)
	for attr in nowarn gfpnowarn; do
		before=$(stat_of sram fail_count)
		log_clear
		bad_dev dap-test.0 alloc $more $attr
		log_is_quiet
		same_stat sram fail_count $((before + 1))
	done
	bad_dev dap-test.0 alloc $more
	log_has "dap-test.0: DMA pool sram: no .* bytes: "
}

# DMA_ATTR_NO_KERNEL_MAPPING
no_kernel_mapping()
{
	ok_dev dap-test.0 alloc $page nokmap
	from_pool
	ok_dev dap-test.0 free 0
	fill_up
	before=$(stat_of sram fallback_count)
	if falls_back; then
		ok_dev dap-test.0 alloc $page nokmap
		not_from_pool
		same_stat sram fallback_count $((before + 1))
		ok_dev dap-test.0 free 0
	else
		bad_dev dap-test.0 alloc $page nokmap
		same_stat sram fallback_count $before
	fi
	ok_dev dap-test.1 free 0
	same_stat sram bad_free_count 0
}

# dma_alloc_noncoherent, dma_alloc_pages, dma_alloc_noncontiguous
normal_memory()
{
	for call in noncoherent pages noncontiguous; do
		# 5.10 has no such call
		[ $call != noncontiguous ] || case $(error_of $tests/dap-test.0 "$call 10000") in
		*"not supported"*) continue ;;
		esac
		before=$(stat_of sram fallback_count)
		ok_dev dap-test.0 $call 10000
		not_from_pool
		same "bus address" $dma $phys
		same_stat sram fallback_count $((before + 1))
	done
	fill_up
	ok_dev dap-test.0 noncoherent 10000
	ok_dev dap-test.0 pages 10000
	ok_dev dap-test.1 free 0
	same_stat sram live_allocs 0
	same_stat sram bad_free_count 0
}

# dma_alloc_pages, of more than the kernel's page allocator has in one piece
pages_of_cma()
{
	cma=$(sed -n 's/^CmaFree: *\([0-9]*\) kB$/\1/p' /proc/meminfo)
	if [ "${cma:-0}" -lt 12288 ]; then
		skip "no CMA"
		return
	fi
	# on a board, what is free may be for certain devices, and others take of it
	if [ -z "$RIG_BOARD" ] && ! do_dev dap-test.0 pages 0x500000; then
		skip "no CMA for this device"
		return
	fi
	# more than there is at one time; what the kernel counts as free says less, since it may
	# keep what was freed for the next who wants some
	round=0
	while [ $round -le $((cma / 5120)) ]; do
		ok_dev dap-test.0 pages 0x500000
		not_from_pool
		round=$((round + 1))
	done
}

# dma_map_*, dma_unmap_*, dma_sync_*, DMA_ATTR_SKIP_CPU_SYNC, limits
streaming()
{
	for dir in to from bidi; do
		for size in 1 64 1500 $page 65536; do
			ok_dev dap-test.0 map $size $dir
			# some kernels bounce what is smaller than a line of the cache
			[ $size -lt 1500 ] && [ -e $debugfs/swiotlb ] ||
				same "bus address" $dma $phys
			ok_dev dap-test.0 map $size $dir skip
		done
		ok_dev dap-test.0 sg 16 1500 $dir
	done
	ok_dev dap-test.0 resource $peer 64
	same "bus address" $dma $peer
	ok_dev dap-test.0 limits
	ok_dev dap-test.0 mask 0xffffffff
	same_stat sram alloc_count "$(stat_of sram free_count)"
}

# dma_mmap_coherent
into_user_space()
{
	if ! has_mmap_buffer; then
		skip "no program mmap_buffer here"
		return
	fi
	ok_dev dap-test.0 alloc $((2 * page))
	ok_dev dap-test.0 fill 0 0x42
	eval "$("$here/mmap_buffer" dap-test.0 0 1 $page)"
	same "first word" "$first" 0x42424242
	! "$here/mmap_buffer" dap-test.0 0 1 $((2 * page)) >/dev/null ||
		fail "mapped more than there is"
	ok_dev dap-test.0 free 0
}

# dma_get_sgtable
scatterlist()
{
	ok_dev dap-test.0 alloc $page
	buffer=$dma
	log_clear
	if do_dev dap-test.0 sgtable 0; then
		same "its place" "$phys" "$buffer"
	else
		log_has "dap-test.0: no scatterlist for memory of DMA pool sram"
	fi
	ok_dev dap-test.0 free 0
}

# dma_free_*: memory of the pool goes back to the pool, other memory to where it came
# from
free()
{
	unload_all
	load_tests stuck=1
	# memory of the kernel, on kernels that can make it
	do_dev dap-test.0 alloc $page nowarn
	load "pools=$(pool sram)" || fail "cannot load"
	echo dap-test.0 >/sys/bus/platform/devices/dma_alias_pool.0/attach ||
		fail "attach failed"
	ok_dev dap-test.0 alloc $page
	from_pool
	ok_dev dap-test.0 free all
	same_stat sram live_allocs 0
	same_stat sram free_count 1
	same_stat sram bad_free_count 0
	unload_all || fail "module in use"
}

# DMA_API_DEBUG reports all errors, not just the first one: load_tests() in ktap.sh has
# told it so. It counts those of all drivers.
no_complaints()
{
	if [ ! -e $debugfs/dma-api/error_count ]; then
		skip "no DMA_API_DEBUG"
		return
	fi
	[ "$(errors_so_far)" -le "$errors" ] || {
		fail "errors seen by DMA_API_DEBUG, at first $errors, now $(errors_so_far):"
		dmesg | dma_api_errors | tail -n 5 | sed 's/^/# /'
	}
}

# errors_so_far: of the test devices. In the emulated machine nobody else may make any.
errors_so_far()
{
	if [ -n "$RIG_BOARD" ]; then
		cat $debugfs/dma-api/error_count
	else
		dmesg | dma_api_errors | grep -c .
	fi
}

errors=$(errors_so_far 2>/dev/null)
ktap_run starts coherent_memory attributes_that_the_pool_satisfies \
	no_warning_is_wanted no_kernel_mapping normal_memory pages_of_cma streaming \
	into_user_space scatterlist free no_complaints
