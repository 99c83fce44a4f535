#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Pools and clients that a device tree describes: which device gets which pool, and
# which addresses. Needs the nodes of rig/boards/an385/pools.dtso, or with an MMU those
# of rig/boards/virt.
. "$(dirname "$0")/ktap.sh"

tree=/proc/device-tree
platform=/sys/bus/platform/devices
pools_driver=/sys/bus/platform/drivers/dma_alias_pool
[ -d $tree/dt-test-named ] || ktap_skip_all "no test nodes in the device tree"

# base_of REGION: its address
base_of()
{
	set -- $tree/reserved-memory/$1@*
	echo "0x${1##*@}"
}

named_base=$(base_of named)
shared_base=$(base_of shared)
named=named@${named_base#0x}

# With an MMU, none of the pools used here has an alias, but for the pool "twin".
named_alias=
shared_alias=
suits_coherent=cached
named_pool="named-pool"
shared_pool=shared-pool
if ! with_mmu; then
	set -- $tree/dma-pool@*
	named_alias=0x${1##*@}
	shared_alias=0x${2##*@}
	named_pool=${1##*@}.dma-pool
	shared_pool=${2##*@}.dma-pool
	suits_coherent=shared
fi

# When its driver is bound for the first time, nobody knows that a device will have memory
# of its own. Later, see own_memory.
will_have_its_own()
{
	load clients=dt-test-own@shared || fail "cannot load"
	log_clear
	load_tests || fail "no test module"
	log_has "dt-test-own: coherent DMA memory comes from a shared-dma-pool, not from pool shared"
	ok_dev dt-test-own alloc 4096
	not_from_pool $shared_base 0x200000
	ok_dev dt-test-own free 0
	unload_all || fail "cannot unload"
}

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
	if [ -n "$named_alias" ]; then
		log_has "DMA pool $named: 2048 KiB at $named_base, reached through its alias $named_alias"
		log_has "DMA pool placed: 64 KiB at 0x.*, which is taken to be non-cacheable"
	else
		log_has "DMA pool $named: 2048 KiB at $named_base"
		log_has "DMA pool placed: 64 KiB at 0x"
	fi
}

# in_pool DEVICE POOL: the pool serves the device, and lists it as a client
in_pool()
{
	ok_dev $1 alloc 5000
	same_stat $2 live_allocs 1
	has_client $2 $1 || fail "$1 is no client of $2"
	ok_dev $1 free 0
	same_stat $2 live_allocs 0
}

# nobodys DEVICE: it is a client of no pool
nobodys()
{
	for pool in $named shared placed; do
		! has_client $pool $1 || fail "$1 is in $pool"
	done
}

by_memory_region()
{
	in_pool dt-test-named $named
	from_pool $named_base 0x200000 $named_alias
}

# The kernel fails before it calls any notifier. What is left is freed nevertheless.
late_free_without_pins()
{
	life=$debugfs/dma_alias_pool_life/control
	insmod "$here/dma_alias_pool_life.ko" || fail "cannot load"
	if ! echo "pins -" 2>/dev/null >$life; then
		skip "no pinctrl in this kernel"
		rmmod dma_alias_pool_life
		return
	fi
	echo dt-test-named >$params/leak
	ok_dev dt-test-named alloc 5000
	unbind dt-test-named
	echo "pins dt-test-named" >$life || fail "no pins"
	bind dt-test-named
	[ ! -e $driver/dt-test-named ] || fail "bound without pins"
	ok_dev dt-test-named free 0
	echo "pins -" >$life
	rmmod dma_alias_pool_life
	[ -e $driver/dt-test-named ] || bind dt-test-named
	echo >$params/leak
	same_stat $named live_allocs 0
	same_stat $named bad_free_count 0
	has_client $named dt-test-named || fail "no client any more"
}

late_free()
{
	frees_after_failed_probe dt-test-named
	same_stat $named live_allocs 0
	same_stat $named bad_free_count 0
}

# The kernel has chosen where the region is. There is no alias, so the CPU uses the
# region itself.
placed_by_the_kernel()
{
	in_pool dt-test-placed placed
	# only the kernel knows where the region is
	from_pool $dma 1
	ok_dev dt-test-placed alloc 65536
	same zero $zero 1
	ok_dev dt-test-placed fill 0 0x99
	ok_dev dt-test-placed check 0 0x99
	ok_dev dt-test-placed free 0
}

# The node of the pool limits the alignment to 8 KiB, also for a request of 16 KiB.
limited_alignment()
{
	ok_dev dt-test-placed alloc 8192
	same "alignment of 2 pages" $((dma % 8192)) 0
	ok_dev dt-test-placed alloc 16384
	same "alignment of 4 pages" $((dma % 16384)) 8192
	ok_dev dt-test-placed free all
}

# The device is not coherent, has no memory-region, and clients= does not name it.
by_default() { in_pool dap-test.0 shared; }

by_parameter() { in_pool dap-test.1 shared; }

# The kernel can serve a coherent device, so the default pool leaves it alone.
coherent_devices_are_left_alone()
{
	nobodys dt-test-coherent
	ok_dev dt-test-coherent limits
	same coherent $coherent 1
	ok_dev dt-test-coherent alloc 4096
	not_from_pool $named_base 0x200000
	not_from_pool $shared_base 0x200000
	ok_dev dt-test-coherent free 0
}

# Whether the kernel takes this device for coherent depends on whether there are caches.
others_get_the_default_if_not_coherent()
{
	ok_dev dt-test-other limits
	if [ $coherent -eq 1 ]; then
		nobodys dt-test-other
	else
		in_pool dt-test-other shared
	fi
}

# The device's memory-region has no pool. It does not get another pool instead.
region_without_a_pool()
{
	nobodys dt-test-unserved
	log_has "dt-test-unserved: no DMA pool serves its memory-region"
}

# The pool of a region may be one of pools=, as its node does not come up.
region_of_a_parameter()
{
	unload_all
	override=$platform/$named_pool/driver_override
	echo none >$override
	load "pools=late:$named_base:0x200000${named_alias:+:$named_alias}" \
		clients=dap-test.1@late || fail "cannot load"
	load_tests
	in_pool dt-test-named late
	in_pool dap-test.1 late
	unload_all
	echo >$override
	load clients=dap-test.1@shared || fail "cannot load"
	load_tests
}

# If several pools could serve a device, its own node wins over clients=, clients= over
# the default, and the first memory-region of the node over the second.
two_pools_want_it()
{
	in_pool dt-test-both $named
	in_pool dap-test.1 shared
	unload_all
	# an @ may be part of the device's name, part of the pool's name, or separate
	# the two
	load "clients=dap-test.0@$named,dt-test@0@placed,dap-test.*@placed,dt-test-named@shared" ||
		fail "cannot load"
	load_tests
	in_pool dt-test-named $named
	in_pool dap-test.0 $named
	in_pool dap-test.1 placed
	in_pool dt-test@0 placed
	unload_all
	load clients=dap-test.1@shared || fail "cannot load"
	load_tests
}

# A driver asks for the pool of a region, by the region's node. If no pool serves the
# region, the driver's probe is deferred.
by_the_driver()
{
	unload_all
	load || fail "cannot load"
	load_tests api=/reserved-memory/$named
	in_pool dap-test.1 $named
	unload_tests
	load_tests api=/reserved-memory/nobody
	[ ! -e $driver/dap-test.1 ] || fail "bound without its pool"
	unload_all
	load clients=dap-test.1@shared || fail "cannot load"
	load_tests
}

# If there is no device that the default pool could serve, the log says so, unless
# somebody has named a client of it.
default_is_idle()
{
	idle="DMA pool shared is the default, but all devices that it could serve count as coherent"
	unload_all
	load_tests devices=0
	ok_dev dt-test-other limits
	log_clear
	load || fail "cannot load"
	same "how often it says so" "$(log_since | grep -c "$idle")" $coherent
	unload
	unbind bus:dt-test-shifted
	log_clear
	load || fail "cannot load"
	has_client shared bus:dt-test-shifted || fail "no client"
	same "how often it says so" "$(log_since | grep -c "$idle")" 0
	unload_all
	load clients=dap-test.1@shared || fail "cannot load"
	load_tests
}

# Many drivers ask the kernel for their region (of_reserved_mem_device_init()). It may be
# a region of their own node, whose pool serves them already, or of another node, and
# they may ask for it by name.
by_the_kernel()
{
	ok_dev dt-test-named region
	in_pool dt-test-named $named
	ok_dev dt-test-named unregion
	in_pool dt-test-named $named
	bad_dev dt-test-unserved region
	nobodys dt-test-unserved

	log_clear
	ok_dev dap-test.0 region /dt-test-named
	in_pool dap-test.0 $named
	log_has "dap-test.0: assigned reserved memory node $named"
	ok_dev dap-test.0 unregion
	nobodys dap-test.0
	ok_dev dap-test.0 region /dt-test-both first
	in_pool dap-test.0 $named
	bad_dev dap-test.0 region /dt-test-both second
	log_has "dap-test.0: not attached to DMA pool shared: it is a client of $named"
	ok_dev dap-test.0 unregion
	bad_dev dap-test.0 region /dt-test-both third
	# when its driver is bound again, the device is a client of the default again
	unbind dap-test.0
	bind dap-test.0
	in_pool dap-test.0 shared
	ok_dev dap-test.0 region /dt-test-both second
	ok_dev dap-test.0 unregion
	in_pool dap-test.0 shared

	ok_dev dap-test.0 region /dt-test-placed
	in_pool dap-test.0 placed
	ok_dev dap-test.0 dmam 5000
	ok_dev dap-test.0 unregion
	has_client placed dap-test.0 || fail "left with memory of the pool"
	unbind dap-test.0
	nobodys dap-test.0
	same_stat placed live_allocs 0
	bind dap-test.0
	in_pool dap-test.0 shared
}

# The driver has taken coherent memory that only this device may use. The default pool
# leaves the device alone, and an attach says why it is refused.
own_memory()
{
	unload_all
	load_tests
	load clients=dap-test.1@shared || fail "cannot load"
	unbind dap-test.1
	bind dap-test.1
	unbind dt-test-own
	log_clear
	bind dt-test-own
	nobodys dt-test-own
	log_is_quiet
	! echo dt-test-own 2>/dev/null \
		>$platform/$shared_pool/attach ||
		fail "attached"
	log_has "dt-test-own: not attached to DMA pool shared: it has coherent memory of its own"
	ok_dev dt-test-own alloc 4096
	not_from_pool $named_base 0x200000
	not_from_pool $shared_base 0x200000
	ok_dev dt-test-own free 0
	unload_all
	load clients=dap-test.1@shared || fail "cannot load"
	load_tests
}

# dma-ranges of the device's bus shift its bus addresses.
shifted_bus()
{
	in_pool bus:dt-test-shifted shared
	dma=$(hex $((dma + 0x10000000)))
	from_pool $shared_base 0x200000 $shared_alias
	ok_dev bus:dt-test-shifted map 1500 to
	ok_dev bus:dt-test-shifted map 1500 from
}

# bound_as_before DEVICE: undo of_dma_configure(). It lowers masks and limits, but never
# raises them. Newer kernels keep the ranges that it sets until the driver is unbound.
bound_as_before()
{
	ok_dev $1 bus_limit 0
	ok_dev $1 coherent_mask 0xffffffff
	ok_dev $1 streaming_mask 0xffffffff
	unbind $1
	bind $1
}

# The driver calls of_dma_configure() with another node, since that is the bus that its
# DMA goes through.
bus_of_its_driver()
{
	ok_dev dt-test-named of_dma /bus/dt-test-shifted
	if [ $ops = others ]; then
		skip "this kernel sets operations of its own then"
		unbind dt-test-named
		bind dt-test-named
		return
	fi
	ok_dev dt-test-named alloc 5000
	from_pool $(hex $((named_base - 0x10000000))) 0x200000 ${named_alias:-$named_base}
	ok_dev dt-test-named map 1500 bidi
	ok_dev dt-test-named free all
	bound_as_before dt-test-named
	ok_dev dt-test-named of_dma /blind-bus/dt-test-blind
	ok_dev dt-test-named limits
	if [ $coherent -eq 0 ]; then
		bad_dev dt-test-named alloc 5000
		log_has "dt-test-named: DMA pool $named: no 5000 bytes: dma-ranges of its bus do not cover the pool in one piece"
	fi
	ok_dev dt-test-named free all
	same_stat $named bad_free_count 0
	bound_as_before dt-test-named
	in_pool dt-test-named $named
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

# dma_need_sync() tells a client what the kernel would tell it without the module.
sync_is_needed_if_not_coherent()
{
	for dev in dt-test-named dt-test-coherent dap-test.0; do
		# old kernels take a device without a node for coherent
		[ $dev != dap-test.0 ] || with_mmu || ! kernel_serves ||
			continue
		ok_dev $dev limits
		ok_dev $dev map 1500 bidi
		[ $coherent -eq 1 ] && [ $always_sync -eq 1 ] ||
			same "need_sync of $dev" $need_sync $((1 - coherent))
	done
}

# If the pool is full, a device that is coherent in hardware gets other memory.
full_pool_and_coherent_devices()
{
	ok_dev dt-test-named limits
	ok_dev dt-test-named alloc 0x200000
	if [ $coherent -eq 1 ]; then
		ok_dev dt-test-named alloc 5000
		not_from_pool $named_base 0x200000
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

# Memory for devices that are coherent in hardware should be cached, memory for other
# devices must not be. So a pool without an alias serves one kind or the other.
mapped_for_its_clients()
{
	if ! with_mmu; then
		skip "without an MMU all clients use the alias"
		return
	fi
	in_pool dt-test-cached cached
	is_cached $cpu || fail "mapped uncached for a coherent device"
	ok_dev dt-test-cached alloc 4096
	map_result=$("$here/mmap_buffer" dt-test-cached $id 0 4096)
	eval "$map_result"
	same "type of user space's mapping" "$type" cached
	same "page mapped" "$mapped" "$phys"
	ok_dev dt-test-cached free $id

	in_pool dt-test-named $named
	! is_cached $cpu || fail "mapped cached for a device that is not coherent"
	echo dt-test-other >$platform/$shared_pool/detach
	log_clear
	! echo dt-test-other 2>/dev/null \
		>$platform/cached-pool/attach ||
		fail "attached to a cached pool"
	log_has "dt-test-other: not attached to DMA pool cached: it is not coherent in hardware"
	! echo dt-test-coherent 2>/dev/null \
		>$platform/$shared_pool/attach ||
		fail "attached to a pool that is not cached"
	log_has "dt-test-coherent: not attached to DMA pool shared: it is coherent in hardware"
	nobodys dt-test-coherent
	same_stat cached clients 1
}

# Devices cannot snoop what the CPU writes through an alias, so it is not cached for
# either kind.
alias_serves_both_kinds()
{
	if ! with_mmu; then
		skip "without an MMU all clients use the alias"
		return
	fi
	twin=$platform/48400000.twin-pool
	for device in dt-test-coherent dt-test-other; do
		echo $device >$twin/attach || fail "cannot attach $device"
		ok_dev $device alloc 5000
		from_pool 0x48000000 0x200000 0x48400000
		! is_cached $cpu || fail "mapped cached for $device"
		map_result=$("$here/mmap_buffer" $device $id 0 4096)
		eval "$map_result"
		same "type of user space's mapping" "$type" uncached
		same "page mapped" "$mapped" "$phys"
	done
	same_stat twin clients 2
	for device in dt-test-coherent dt-test-other; do
		ok_dev $device free all
		echo $device >$twin/detach || fail "cannot detach $device"
	done
}

# is_cached CPU_ADDRESS: does the kernel's page table map it as cached memory? Needs
# CONFIG_ARM_PTDUMP_DEBUGFS.
is_cached()
{
	grep '^0x' $debugfs/kernel_page_tables >"$tmp/tables" ||
		fail "no kernel_page_tables"
	while read -r range kind; do
		[ $(($1)) -ge $((${range%-*})) ] &&
			[ $(($1)) -lt $((${range#*-})) ] || continue
		case $kind in
		*MEM/CACHED/WBWA*) return 0 ;;
		*MEM/BUFFERABLE/WC* | *DEV/WC*) return 1 ;;	# the same to ARMv7
		esac
		fail "$1 is mapped $kind"
	done <"$tmp/tables"
	fail "$1 is not mapped"
}

# A scatterlist needs struct pages. These regions have some with an MMU, since they are
# part of the kernel's RAM then, but none without.
scatterlist()
{
	ok_dev dt-test-named alloc 5000
	if with_mmu; then
		buffer=$phys
		ok_dev dt-test-named sgtable $id
		same entries "$nents" 1
		same "its place" "$phys" "$buffer"
		same "its length" "$length" 8192
	else
		bad_dev dt-test-named sgtable $id
	fi
	ok_dev dt-test-named free $id
}

# It names the region of a pool, but is none: nobody else would know that it is one.
no_pool_by_override()
{
	override=$platform/dt-test-unserved/driver_override
	unbind dt-test-unserved
	echo dma_alias_pool >$override
	! echo dt-test-unserved 2>/dev/null >$pools_driver/bind ||
		fail "it is a pool"
	echo >$override
	bind dt-test-unserved
}

# clock_is_on TIMES: so often the clock of the pool "placed" has been enabled
clock_is_on() { [ "$(cat $debugfs/clk/pool-clock/clk_enable_count)" = "$1" ]; }

# They are on while the pool is up, or memory of it is held. Its node names one clock
# twice.
clocks_of_the_memory()
{
	if [ ! -d $debugfs/clk ]; then
		skip "no clocks in this kernel's debugfs"
		return
	fi
	clock_is_on 2 || fail "off while the pool is up"
	echo dt-test-placed >$params/leak
	ok_dev dt-test-placed alloc 4096
	echo placed-pool >$pools_driver/unbind || fail "cannot unbind the pool"
	clock_is_on 2 || fail "off while memory is held"
	ok_dev dt-test-placed free $id
	echo >$params/leak
	wait_for clock_is_on 0 || fail "left on"
	echo placed-pool >$pools_driver/bind || fail "cannot bind the pool"
	clock_is_on 2 || fail "off after it was bound again"
	# without the pool, it was bound again at once
	unbind dt-test-placed
	bind dt-test-placed
	in_pool dt-test-placed placed
}

# The device is attached under a driver that cannot be unbound. Memory from before goes
# back to the kernel, memory from then on comes from the pool.
in_place_with_buffers()
{
	unload_all
	load_tests stuck=1
	ok_dev dt-test-coherent alloc 5000
	old=$id
	ok_dev dt-test-coherent fill $old 0x31
	load || fail "cannot load"
	pool_device=$platform/cached-pool
	with_mmu || pool_device=$platform/${shared_alias#0x}.dma-pool
	echo dt-test-coherent >$pool_device/attach || fail "attach failed"
	ok_dev dt-test-coherent alloc 5000
	same_stat $suits_coherent live_allocs 1
	ok_dev dt-test-coherent check $old 0x31
	ok_dev dt-test-coherent free $old
	ok_dev dt-test-coherent free $id
	same_stat $suits_coherent live_allocs 0
	same_stat $suits_coherent bad_free_count 0
	unload_all || fail "module in use"
	load clients=dap-test.1@shared
	load_tests
}

# Another pool may take over a client of the default pool, unless the client holds
# memory.
default_gives_way()
{
	pool_device=$platform/named-pool
	with_mmu || pool_device=$platform/${named_alias#0x}.dma-pool
	ok_dev dap-test.0 alloc 5000
	same_stat shared live_allocs 1
	log_clear
	! echo dap-test.0 2>/dev/null >$pool_device/attach ||
		fail "attached while it held memory of the default"
	log_has "dap-test.0: not attached to DMA pool $named: it is a client of shared"
	ok_dev dap-test.0 free $id
	echo dap-test.0 >$pool_device/attach || fail "attach failed"
	in_pool dap-test.0 $named
}

ends_empty()
{
	unload_tests || fail "test module in use"
	unload || fail "module in use"
	! grep -q dma_alias_pool /proc/iomem || fail "resources left"
	[ ! -d $debugfs/clk ] || clock_is_on 0 || fail "a clock left on"
	# the same device tree works a second time
	load || fail "cannot load again"
	load_tests
	in_pool dt-test-named $named
	in_pool dap-test.1 shared
	unload_all || fail "module in use"

	load_tests
	set -- /proc/device-tree/reserved-memory/named@*
	ok_dev dap-test.0 node_refs ${1#/proc/device-tree}
	before=$refs
	load || fail "cannot load once more"
	unload || fail "module in use"
	ok_dev dap-test.0 node_refs ${1#/proc/device-tree}
	same "references on the region's node" "$refs" "$before"
	unload_tests
}

# What is done to caches for scatterlists of a device of the tree. Some kernels have
# operations of the architecture for these, and for no others.
seen_to()
{
	load_tests record_cache=1
	for dir in to from bidi; do
		cache_record dt-test-named >/dev/null
		ok_dev dt-test-named sg 2 4096 $dir
		echo "$dir $(cache_record dt-test-named)"
	done
	unload_tests
}
caches_as_before()
{
	seen_to >"$tmp/before"
	load || fail "cannot load"
	seen_to >"$tmp/after"
	unload || fail "module in use"
	same_as_before
	same "directions" "$(wc -l <"$tmp/before")" 3
	sed 's/^/# /' "$tmp/after"
}

# On a board, each load of the module by other scripts would bring up these pools, too, and
# the devices that wait for them.
others_are_skipped()
{
	same "what coherent.sh says" "$(RIG_BOARD='' DAP_POOL=$named_base:0x200000 sh "$here/coherent.sh" | tail -n 1)" \
		"1..0 # SKIP each load of the module brings the device tree's pools up, too"
}

ktap_run others_are_skipped will_have_its_own starts by_memory_region late_free late_free_without_pins placed_by_the_kernel limited_alignment by_default by_parameter \
	coherent_devices_are_left_alone \
	others_get_the_default_if_not_coherent region_without_a_pool region_of_a_parameter \
	two_pools_want_it by_the_driver by_the_kernel default_is_idle own_memory shifted_bus bus_of_its_driver blind_bus two_pools_at_once full_pool_and_coherent_devices \
	sync_is_needed_if_not_coherent mapped_for_its_clients alias_serves_both_kinds clocks_of_the_memory no_pool_by_override scatterlist in_place_with_buffers \
	default_gives_way ends_empty caches_as_before
