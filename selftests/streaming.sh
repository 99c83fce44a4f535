#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# All calls of the DMA API that are not about coherent memory work for a client as they
# did before. Each call is made for a device that is no client, and again when the device
# is a client. The results must be the same, and what is done to the caches as well, where
# that can be seen (without an MMU).
. "$(dirname "$0")/ktap.sh"
need_pool

# narrow_mask: a mask of less than 32 bits, if the kernel accepts one. It is not less than
# what the buffers need, which are below 4 GiB, so that they are not bounced.
narrow_mask()
{
	load_tests
	for narrow in 0xbfffffff 0xefffffff 0xffffffff; do
		! ram_within $(((narrow >> 16) + 1)) 65535 && do_dev dap-test.0 mask $narrow && break
	done
	unload_tests
}
usual_calls="map 1 to
map 64 from
map 1500 to
map 1500 from
map 1500 bidi
map 4096 to
map 65536 bidi
map 1500 to skip
map 1500 bidi skip
sg 1 64 to
sg 4 600 from
sg 16 4096 bidi
resource $peer 4096
resource $peer 64
limits
noncoherent 10000
pages 10000
limits
mask 0xffffffff
limits"

# With DMA_API_DEBUG or with bounce buffers, dma_need_sync() is true for all devices with DMA
# operations of their own, so the answer says nothing then.
needs_sync()
{
	if { snooped || believes_snooped; } &&
	   { [ -e $debugfs/dma-api ] || [ -e $debugfs/swiotlb ]; }; then
		echo "-"
	else
		echo "$need_sync"
	fi
}

# Does the kernel maintain caches for the test devices? Old kernels without an MMU do so
# only for devices of the device tree.
caches_are_seen_to()
{
	! with_mmu && grep -q ' arch_sync_dma_for_device$' /proc/kallsyms
}

# results DEVICE: the results of all calls, without addresses, which differ each time
results()
{
	cache_record $1 >/dev/null
	echo "$calls" | while read -r call; do
		if do_dev $1 $call; then
			phys=0
			do_result=
			read -r do_result <$tests/$1
			eval "$do_result"
			place=direct
			[ "$dma" = "$phys" ] || place=bounced
			case $call in
			noncoherent* | pages*) echo "$call: $place" ;;
			map*) echo "$call: $place need_sync=$(needs_sync)" ;;
			*) echo "$call: $do_result" ;;
			esac
		else
			echo "$call: failed $(cat $tests/$1)"
		fi
		echo "$call: $(cache_record $1)"
	done
}

# compare CALLS: the results must be the same without and with a pool
compare()
{
	calls=$1
	load_tests record_cache=1
	results dap-test.0 >"$tmp/before"
	unload_tests
	load "pools=$(pool sram)" "clients=dap-test.*" &&
		load_tests record_cache=1 || fail "cannot load"
	results dap-test.0 >"$tmp/after"
	same_as_before
	same "lines" "$(wc -l <"$tmp/before")" $((2 * $(echo "$calls" | wc -l)))
}

before_and_after()
{
	narrow_mask
	compare "$usual_calls
mask $narrow
map 1500 bidi
limits"
	same "calls that failed" "$(grep -c failed "$tmp/before")" 0
	! caches_are_seen_to || grep -qx 'map 64 from: caches=map:64:2,unmap:64:2.*' "$tmp/before" ||
		fail "nothing is known of caches"
	unload_all
}

# Attributes that not every kernel has. Where one is missing, the call fails both times.
newer_attributes()
{
	compare "map 1500 to coherent
map 1500 bidi coherent
map 1500 to lines
map 1500 from lines"
}

# A mask that the kernel refuses is refused for a client, too.
mask_that_the_kernel_refuses()
{
	bad_dev dap-test.0 mask 0xffff
	ok_dev dap-test.0 mask 0xffffffff
}

# Memory that the device cannot address: the calls fail as without a pool, and undo what
# they have done so far.
mask_below_all_memory()
{
	unload_all
	rig_expect "(DMA|swiotlb) addr .* overflow"
	compare "streaming_mask 0xffffff
map 1500 from
sg 4 600 from
coherent_mask 0xffffff
noncoherent 10000
pages 10000
coherent_mask 0xffffffff
streaming_mask 0xffffffff"
	rig_end_expect
	# The mappings fail. If there is memory below the mask, the kernel may find some of it
	# for the others; a PC's does.
	failures=$(grep -c failed "$tmp/before")
	if [ "$(uname -m)" = x86_64 ]; then
		same "calls that failed" $failures 2
	elif ram_within 0 0xff; then
		[ $failures -ge 2 ] || fail "$failures calls failed, not 2"
	else
		same "calls that failed" $failures 4
	fi
}

noncoherent_is_not_from_the_pool()
{
	before=$(stat_of sram fallback_count)
	ok_dev dap-test.0 noncoherent 10000
	[ $((phys)) -eq $((dma)) ] || fail "phys $phys, bus $dma"
	not_from_pool
	same_stat sram fallback_count $((before + 1))
	same_stat sram live_allocs 0
}

noncoherent_works_with_a_full_pool()
{
	ok_dev dap-test.1 alloc $pool_size
	ok_dev dap-test.0 noncoherent 10000
	ok_dev dap-test.0 map 1500 bidi
	ok_dev dap-test.1 free 0
}

# Some drivers sync coherent memory as if it were a streaming mapping. Nothing must be
# done to caches then: the CPU does not cache the memory, and no RAM of the kernel is
# at its bus address.
coherent_memory_is_not_synced()
{
	unload_all
	load "pools=$(pool sram)" "clients=dap-test.*" || fail "cannot load"
	load_tests record_cache=1
	ok_dev dap-test.0 alloc 20000
	ok_dev dap-test.0 fill 0 0x5a
	cache_record dap-test.0 >/dev/null
	ok_dev dap-test.0 sync 0
	! caches_are_seen_to ||
		same "what syncs do to caches" "$(cache_record dap-test.0)" "caches=-"
	ok_dev dap-test.0 check 0 0x5a
	ok_dev dap-test.0 free 0
}

# Normal memory that a client gets instead of the pool's must have no dirty lines, which
# could be written back over what the device writes; nor clean ones (2: for the CPU, after
# a write by the device), which an uncached access may find.
fallback_is_not_in_the_cache()
{
	if with_mmu || ! do_dev dap-test.0 cache; then
		skip "nothing is done to caches, or it cannot be seen"
		return
	fi
	ok_dev dap-test.1 alloc $pool_size
	cache_record dap-test.0 >/dev/null
	ok_dev dap-test.0 alloc 10000 nokmap
	same "what the fallback does to caches" "$(cache_record dap-test.0)" \
		"caches=map:12288:0,unmap:12288:2"
	ok_dev dap-test.0 free $id
	ok_dev dap-test.1 free 0
}

# places BASE: map memory of the pool by its physical address, as who imports a dma-buf
# does, and by that of its alias, as who maps without an MMU what he has allocated. Its bus
# address has to be that of an allocation, which counts from BASE, and nothing is done to
# caches.
places()
{
	cache_record dap-test.0 >/dev/null
	for place_view in $pool_base $pool_alias; do
		for place_at in 0 12288 $((pool_size - 8192)); do
			for place_how in to from bidi "bidi skip"; do
				ok_dev dap-test.0 place $(hex $((place_view + place_at))) 8192 $place_how
				same "bus address" "$(hex $dma)" "$(hex $(($1 + place_at)))"
			done
		done
		ok_dev dap-test.0 place $place_view $pool_size
		same "bus address" "$(hex $dma)" "$(hex $1)"
	done
	! caches_are_seen_to ||
		same "what is done to caches" "$(cache_record dap-test.0)" "caches=-"
	# which must not have become so for other memory
	ok_dev dap-test.0 map 64 from
	place_caches=$(cache_record dap-test.0)
	! caches_are_seen_to || case $place_caches in
	caches=map:64:2,*,unmap:64:2) ;;
	*) fail "the kernel's memory is not synced: $place_caches" ;;
	esac
}

# not_placed OFFSET SIZE: memory that is only partly of the pool, or out of reach
not_placed()
{
	for place_view in $pool_base $pool_alias; do
		bad_dev dap-test.0 place $(hex $((place_view + $1))) $2 to skip
	done
}

partly_in_the_pool()
{
	not_placed $((pool_size - 4096)) 8192
	not_placed $((pool_size - 1)) 2
	not_placed -4096 8192
	not_placed -1 2
	not_placed -4096 $((pool_size + 8192))
	not_placed 0 $((pool_size + 1))
}

pool_memory_is_where_it_was_allocated()
{
	unload_all
	load "pools=$(pool sram)" "clients=dap-test.*" || fail "cannot load"
	load_tests record_cache=1
	places $pool_base
	partly_in_the_pool
	top=$((pool_base + pool_size))
	[ $((${pool_alias:-0})) -lt $top ] || [ $((pool_alias)) -ge $((0xe0000000)) ] ||
		top=$((pool_alias + pool_size))
	# a bus that has the pool somewhere else, or that knows it by its alias
	for place_by in $pool_base $pool_alias; do
		ok_dev dap-test.0 ranges $place_by 0xe0000000 $pool_size \
			0 0 $pool_base \
			$(hex $top) $(hex $top) $(hex $((0xe0000000 - top)))
		places 0xe0000000
		partly_in_the_pool
	done
}

# The same with BUS in pools=, which the device may not reach.
pool_memory_is_at_an_explicit_bus_address()
{
	unload_all
	[ -n "$pool_alias" ] && entry=$(pool sram) || entry=$(pool sram):
	load "pools=$entry:0xb0000000" clients=dap-test.* || fail "cannot load"
	load_tests record_cache=1
	places 0xb0000000
	partly_in_the_pool
	ok_dev dap-test.0 streaming_mask 0xb0000fff
	ok_dev dap-test.0 place $pool_base 4096
	same "bus address" "$(hex $dma)" 0xb0000000
	not_placed 0 4097
	not_placed 4096 4096
	ok_dev dap-test.0 streaming_mask 0xffffffff
	ok_dev dap-test.0 bus_limit 0xb0000fff
	ok_dev dap-test.0 place $pool_base 4096
	not_placed 4096 1
	ok_dev dap-test.0 bus_limit 0xafffffff
	not_placed 0 1
	ok_dev dap-test.0 bus_limit 0
}

# Bus addresses that end in the middle of the kernel's memory: what goes on behind that
# would be at bus address 0.
mapped_across_the_end_of_the_bus()
{
	ok_dev dap-test.0 limits
	if [ $bus_bits -ne 32 ]; then
		skip "the kernel has longer bus addresses"
		return
	fi
	unload_all
	load_all || fail "cannot load"
	set -- $(grep -i ' : System RAM' /proc/iomem)
	ram=$((0x${1%%-*}))
	ok_dev dap-test.0 ranges $(hex $ram) 0xff800000 0x800000
	ok_dev dap-test.0 place $(hex $((ram + 0x7ff000))) 4096 to skip
	same "bus address" "$(hex $dma)" 0xfffff000
	# the kernel warns of this once only, and has done so in mask_below_all_memory
	bad_dev dap-test.0 place $(hex $((ram + 0x7ff000))) 4097 to skip
	bad_dev dap-test.0 place $(hex $((ram + 0x7ffffe))) 3 to skip
}

# small_calls: what is bounced, and what not. A buffer that is not is mapped all the time.
small_calls()
{
	ok_dev dap-test.0 snoops 0
	ok_dev dap-test.0 hold 4096
	for small_call in "map 64 from" "map 64 bidi" "map 4096 from" "sg 4 192 from" \
			  "map 16 to" "map 16 from" "map 4096 bidi"; do
		echo 0 >$small_most
		ok_dev dap-test.0 $small_call
		small_bounced=no
		[ "$(cat $small_most)" -eq 0 ] || small_bounced=yes
		echo "$small_call: bounced=$small_bounced"
	done
	ok_dev dap-test.0 unhold
}

# Where slabs are less aligned than what caches need, the kernel bounces small buffers
# (DMA_BOUNCE_UNALIGNED_KMALLOC) of devices that do not snoop: those that are small when
# they are mapped, not those of which a small part is synced.
small_buffers()
{
	# not there before Linux 6.6, or where no RAM is out of a device's reach
	small_most=$debugfs/swiotlb/io_tlb_used_hiwater
	if [ ! -e $small_most ] || ! do_dev dap-test.0 snoops 0; then
		skip "no bounce buffers, or no device that does not snoop"
		return
	fi
	unload_all
	log_clear
	load_tests
	small_calls >"$tmp/before"
	unload_tests
	load "pools=$(pool sram)" "clients=dap-test.*" && load_tests || fail "cannot load"
	small_calls >"$tmp/after"
	same_as_before
	! log_since | dma_api_errors || fail "DMA_API_DEBUG complains"
	grep -q yes "$tmp/before" || skip "nothing is bounced here"
}

# client_snoops 0|1: the device does so or not when it becomes a client of a pool without
# an alias
client_snoops()
{
	unload_all
	load_tests
	ok_dev dap-test.0 snoops $1
	unbind dap-test.0
	load "pools=sram:$pool_base:$pool_size" clients=dap-test.0 || fail "cannot load"
	bind dap-test.0
}

# A driver may find out in its probe that its device does not snoop the caches, and the
# kernel looks at that at each request.
snoops_no_more()
{
	if ! with_mmu || ! do_dev dap-test.0 snoops 0 || ! do_dev dap-test.0 snoops 1; then
		skip "no device could be of either kind"
		return
	fi
	client_snoops 1
	ok_dev dap-test.0 alloc 4096
	same_stat sram live_allocs 1
	ok_dev dap-test.0 free all
	ok_dev dap-test.0 snoops 0
	log_clear
	bad_dev dap-test.0 alloc 4096
	# which of the two depends on the CPU
	log_has "no 4096 bytes: \(it is not coherent in hardware, the pool is mapped cached: use another\|this CPU cannot map memory uncached: give the pool its ALIAS\)"
	ok_dev dap-test.0 snoops 1
	ok_dev dap-test.0 alloc 4096
	same_stat sram live_allocs 1
	ok_dev dap-test.0 free all
}

# The opposite. Where a cache could hold what the device writes, the CPU would not see it
# in memory that is mapped uncached. The kernel's memory is right for such a device.
snoops_from_now_on()
{
	if ! with_mmu || ! do_dev dap-test.0 snoops 0; then
		skip "all devices snoop"
		return
	fi
	log_clear
	client_snoops 0
	if ! has_client sram dap-test.0; then
		log_has "this CPU cannot map memory uncached"
		skip "this CPU cannot map memory uncached"
		return
	fi
	ok_dev dap-test.0 alloc 4096
	same_stat sram live_allocs 1
	ok_dev dap-test.0 free all
	ok_dev dap-test.0 snoops 1
	ok_dev dap-test.0 alloc 4096
	not_from_pool
	same_stat sram live_allocs 0
	same_stat sram fallback_count 1
	ok_dev dap-test.0 free all
	ok_dev dap-test.0 snoops 0
}

ends_empty()
{
	same_stat sram bad_free_count 0
	[ ! -e $debugfs/dma-api/dump ] || ! grep '^dap-test' $debugfs/dma-api/dump ||
		fail "DMA_API_DEBUG knows of something that is mapped yet"
	unload_all || fail "module in use"
}

ktap_run before_and_after newer_attributes mask_that_the_kernel_refuses \
	mask_below_all_memory \
	noncoherent_is_not_from_the_pool noncoherent_works_with_a_full_pool \
	fallback_is_not_in_the_cache coherent_memory_is_not_synced \
	pool_memory_is_where_it_was_allocated \
	pool_memory_is_at_an_explicit_bus_address \
	mapped_across_the_end_of_the_bus small_buffers snoops_no_more snoops_from_now_on ends_empty
