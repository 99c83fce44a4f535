#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Pools and clients that a device tree describes: who gets which pool, with
# which addresses. Needs the nodes of rig/boards/an385/pools.dtso.
. "$(dirname "$0")/ktap.sh"

tree=/proc/device-tree
[ -d $tree/dt-test-named ] || ktap_skip_all "no test nodes in the device tree"

named=named@20000000

starts()
{
	log_clear
	load clients=dap-test.1@shared || fail "cannot load"
	load_tests || fail "no test module"
	for pool in $named shared placed; do
		[ -d $pools/$pool ] || fail "no pool $pool"
	done
	same_stat $named total_bytes $((0x200000))
	same_stat shared total_bytes $((0x200000))
	same_stat placed total_bytes 65536
	log_has "DMA pool $named: 2048 KiB at 0x20000000, reached through its alias 0x20400000"
	log_has "DMA pool placed: 64 KiB at 0x.*, which is taken to be non-cacheable"
}

# in_pool DEVICE POOL: serves a request, and knows the client
in_pool()
{
	ok_dev $1 alloc 5000
	same_stat $2 live_allocs 1
	grep -q "^$1 " $pools/$2/clients || fail "$1 is no client of $2"
	ok_dev $1 free 0
	same_stat $2 live_allocs 0
}

# nobodys DEVICE: is in no pool
nobodys()
{
	for pool in $named shared placed; do
		! grep -q "^$1 " $pools/$pool/clients || fail "$1 is in $pool"
	done
}

by_memory_region()
{
	in_pool dt-test-named $named
	same "cpu address" $(($cpu)) $((0x20400000 + dma - 0x20000000))
}

# No alias: the region itself is what the CPU uses.
placed_by_the_kernel()
{
	in_pool dt-test-placed placed
	same "cpu address" $(($cpu)) $(($dma))
	ok_dev dt-test-placed alloc 65536
	same zero $zero 1
	ok_dev dt-test-placed fill 0 0x99
	ok_dev dt-test-placed check 0 0x99
	ok_dev dt-test-placed free 0
}

# As its node says: 8 KiB, where 16 would be natural.
limited_alignment()
{
	ok_dev dt-test-placed alloc 8192
	same "alignment of 2 pages" $((dma % 8192)) 0
	ok_dev dt-test-placed alloc 16384
	same "alignment of 4 pages" $((dma % 16384)) 8192
	ok_dev dt-test-placed free all
}

# It is not coherent, names nothing, and clients= does not name it.
by_default() { in_pool dap-test.0 shared; }

by_parameter() { in_pool dap-test.1 shared; }

# The kernel can serve it: the default pool leaves it alone, without a word.
coherent_devices_are_left_alone()
{
	nobodys dt-test-coherent
	ok_dev dt-test-coherent limits
	same coherent $coherent 1
	ok_dev dt-test-coherent alloc 4096
	[ $((cpu)) -ge $((0x21000000)) ] || fail "not the kernel's: $cpu"
	ok_dev dt-test-coherent free 0
}

# What the kernel thinks of it depends on whether there are caches.
others_get_the_default_if_not_coherent()
{
	ok_dev dt-test-other limits
	if [ $coherent -eq 1 ]; then
		nobodys dt-test-other
	else
		in_pool dt-test-other shared
	fi
}

# It asked for a pool that is not there: not for another one.
region_without_a_pool()
{
	nobodys dt-test-unserved
	log_has "dt-test-unserved: no DMA pool serves its memory-region"
}

# The device's own view, through dma-ranges.
shifted_bus()
{
	in_pool bus:dt-test-shifted shared
	same "bus address" $((dma - 0x10000000)) $((cpu - 0x20400000))
	ok_dev bus:dt-test-shifted map 1500 to
	ok_dev bus:dt-test-shifted map 1500 from
}

blind_bus()
{
	nobodys blind-bus:dt-test-blind
	log_has "blind-bus:dt-test-blind: not attached to DMA pool $named: dma-ranges of its bus do not cover the pool"
}

two_pools_at_once()
{
	ok_dev dt-test-named alloc 0x200000
	same_stat $named free_bytes 0
	ok_dev dap-test.0 alloc 0x200000
	bad_dev dap-test.0 alloc 1 nowarn
	ok_dev dt-test-named fill 0 0x11
	ok_dev dap-test.0 fill 0 0x22
	ok_dev dt-test-named check 0 0x11
	ok_dev dt-test-named free 0
	ok_dev dap-test.0 check 0 0x22
	ok_dev dap-test.0 free 0
}

# What a client is told about syncing is what the kernel would tell it.
sync_is_needed_if_not_coherent()
{
	for dev in dt-test-named dt-test-coherent dap-test.0; do
		ok_dev $dev limits
		ok_dev $dev map 1500 bidi
		same "need_sync of $dev" $need_sync $((1 - coherent))
	done
}

# A device that the hardware keeps coherent may use any memory.
full_pool_and_coherent_devices()
{
	ok_dev dt-test-named limits
	ok_dev dt-test-named alloc 0x200000
	if [ $coherent -eq 1 ]; then
		ok_dev dt-test-named alloc 5000
		[ $((cpu)) -ge $((0x21000000)) ] || fail "in the pool: $cpu"
		same zero $zero 1
		same_stat $named fallback_count 1
		ok_dev dt-test-named free 1
	else
		bad_dev dt-test-named alloc 1 nowarn
		same_stat $named fallback_count 0
	fi
	ok_dev dt-test-named free 0
	same_stat $named bad_free_count 0
}

# Attached under a bound driver: what it has from before goes back to where it
# came from, what it gets from then on is the pool's.
in_place_with_buffers()
{
	unload_all
	load_tests stuck=1
	ok_dev dt-test-coherent alloc 5000
	old=$id
	ok_dev dt-test-coherent fill $old 0x31
	load || fail "cannot load"
	echo dt-test-coherent >/sys/bus/platform/devices/20600000.dma-pool/attach ||
		fail "attach failed"
	ok_dev dt-test-coherent alloc 5000
	same_stat shared live_allocs 1
	ok_dev dt-test-coherent check $old 0x31
	ok_dev dt-test-coherent free $old
	ok_dev dt-test-coherent free $id
	same_stat shared live_allocs 0
	same_stat shared bad_free_count 0
	unload_all || fail "module in use"
	load clients=dap-test.1@shared
	load_tests
}

ends_empty()
{
	unload_tests || fail "test module in use"
	unload || fail "module in use"
	! grep -q dma_alias_pool /proc/iomem || fail "resources left"
	# And again, from the same device tree.
	load || fail "cannot load again"
	load_tests
	in_pool dt-test-named $named
	in_pool dap-test.1 shared
	unload_all || fail "module in use"
}

ktap_run starts by_memory_region placed_by_the_kernel limited_alignment by_default by_parameter \
	coherent_devices_are_left_alone \
	others_get_the_default_if_not_coherent region_without_a_pool \
	shifted_bus blind_bus two_pools_at_once full_pool_and_coherent_devices \
	sync_is_needed_if_not_coherent in_place_with_buffers ends_empty
