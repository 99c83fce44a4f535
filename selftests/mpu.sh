#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Pools without an alias, which the module makes non-cacheable by the ARMv7-M MPU
# (dma-alias-pool,mpu). Tests the MPU's registers, that user space goes on working, what
# is refused, and that all is undone, whether the kernel uses the MPU itself or not.
# Needs rig/boards/an385/mpu-pools.dtso.
. "$(dirname "$0")/ktap.sh"

[ -d /proc/device-tree/whole-pool ] || ktap_skip_all "no test nodes in the device tree"
load_tests
mpu_look
unload_tests
[ $mpu_regions -ge 8 ] || ktap_skip_all "the MPU has $mpu_regions regions, these tests need 8"

pools_driver=/sys/bus/platform/drivers/dma_alias_pool
pool_of() { echo $pools_driver/$1-pool; }

starts()
{
	load_tests record_cache=1
	mpu_before
	log_clear
	load clients=dap-test.0@whole,dap-test.1@part || fail "cannot load"
	log_has "DMA pool whole: 1024 KiB at 0x20000000, made non-cacheable by MPU region"
	for dev in dap-test.0 dap-test.1; do
		unbind $dev
		bind $dev
	done
}

# number_of POOL: the number of its MPU region, from the log
number_of()
{
	dmesg | sed -n "s/.*DMA pool $1: .* by MPU region \([0-9]*\)$/\1/p" |
		tail -n 1
}

# Regions with lower numbers than those of pools describe the rest of the memory. If the
# kernel does not use the MPU, the module sets them to the default memory map, with
# access for user space.
background()
{
	ok_dev dap-test.0 mpu 0
	if mpu_was_on; then
		same "MPU_CTRL" "$ctrl" "${mpu_was%% *}"
		skip "the kernel uses the MPU itself"
		return
	fi
	same "MPU_CTRL" "$ctrl" 0x5
	mpu_region 0 0x0 0x302ee3f
	mpu_region 1 0x0 0x30bf53f
	mpu_region 2 0x0 0x1310bb3f
	mpu_region 3 0x0 0x1305df3f
}

# 1 MiB in one region: normal memory, not cacheable, shareable, never executable, with
# no subregion disabled.
power_of_two() { mpu_region "$(number_of whole)" 0x20000000 0x130c0027; }

# A region of 512 KiB, of which the upper six of eight subregions are enabled.
three_quarters()
{
	mpu_region "$(number_of part)" 0x20200000 0x130c0325
	ok_dev dap-test.1 alloc 0x20000
	[ $((dma)) -ge $((0x20220000)) ] && [ $((dma)) -lt $((0x20280000)) ] ||
		fail "$dma is not in the pool"
	ok_dev dap-test.1 fill $id 0x11
	ok_dev dap-test.1 check $id 0x11
	ok_dev dap-test.1 free $id
}

is_used()
{
	ok_dev dap-test.0 alloc 20000
	[ $((dma)) -ge $((0x20000000)) ] && [ $((dma)) -lt $((0x20100000)) ] ||
		fail "$dma is not in the pool"
	same "cpu address" "$cpu" "$dma"
	ok_dev dap-test.0 fill $id 0x5e
	ok_dev dap-test.0 check $id 0x5e
	if has_mmap_buffer; then
		eval "$("$here/mmap_buffer" dap-test.0 $id 0 4096)"
		same "what user space sees" "$first" 0x5e5e5e5e
	fi
	ok_dev dap-test.0 free $id
}

# There is one pool more than free regions. When another pool goes, it gets its region.
no_region_is_free()
{
	if [ $mpu_regions -ne 8 ]; then
		skip "the MPU has more than 8 regions"
		return
	fi
	[ ! -e $(pool_of late) ] || fail "a fifth pool with 8 regions"
	log_has "late-pool: dma-alias-pool,mpu: 0x00008000 bytes at 0x202a0000: too few MPU regions are free"
	number=$(number_of small-a)
	echo small-a-pool >$pools_driver/unbind
	mpu_region $number 0x0 0x0
	ok_dev dap-test.0 cache
	echo late-pool >$pools_driver/bind || fail "no region for it when one is free"
	mpu_region $number 0x202a0000 0x130c001d
	# What must have been done to caches: flushes of the whole pool, one as for any
	# pool, one before and one after the MPU region is set. Then the flushes of the
	# check, page by page, for what shows in memory and for what an invalidate loses, as
	# far as the record goes.
	ok_dev dap-test.0 cache
	checked=
	for at in 0 1 2 3 4 5 6 7; do
		checked="$checked,flush:0x202a${at}000:4*$((at ? 6 : 3))"
	done
	for at in 0x202a0000 0x202a1000; do
		checked=$checked,flush:$at:128,map:128:2,flush:$at:128
	done
	case $caches in
	"flush:0x202a0000:32768*3$checked",*) ;;
	*) fail "done to caches: $caches" ;;
	esac
}

refused()
{
	log_has "odd-pool: dma-alias-pool,mpu: 0x00011000 bytes at 0x20301000: it fits neither one MPU region nor two"
	log_has "both-pool: error -EINVAL: dma-alias-pool,mpu is for memory without an alias"
	[ ! -e $(pool_of odd) ] || fail "odd-pool is there"
}

# The region with the highest number decides. If somebody else's region that covers some
# of the pool is above all free ones, the pool is refused. One elsewhere is no matter.
above_all_others()
{
	last=$((mpu_regions - 1))
	echo small-b-pool >$pools_driver/unbind
	echo late-pool >$pools_driver/unbind
	mpu_region $last 0x0 0x0
	ok_dev dap-test.0 mpu $last 0x130c0009 0x202a4000
	! echo late-pool 2>/dev/null >$pools_driver/bind ||
		fail "a region below somebody else's"
	ok_dev dap-test.0 mpu $last 0x130c0009 0x202a8000
	echo late-pool >$pools_driver/bind || fail "somebody else's region is elsewhere"
	[ $mpu_regions -ne 8 ] || same "its region" "$(number_of late)" 6
	ok_dev dap-test.0 mpu $last 0x0 0x0
}

# 0x3c000 bytes at 0x20110000 fit no single region, but two of them: six of eight
# subregions of 32 KiB, and six of eight of 8 KiB.
two_regions()
{
	if [ ! -e $(pool_of two) ]; then
		# only one region is free, and it must stay free
		mpu_look
		before=$mpu_now
		! echo two-pool 2>/dev/null >$pools_driver/bind ||
			fail "two regions, and one is free"
		log_has "two-pool: dma-alias-pool,mpu: 0x0003c000 bytes at 0x20110000: too few MPU regions are free"
		mpu_look
		same "the MPU" "$mpu_now" "$before"
		echo late-pool >$pools_driver/unbind
		echo two-pool >$pools_driver/bind || fail "none of two regions"
	fi
	set -- $(dmesg | sed -n 's/.*DMA pool two: .* by MPU region \([0-9]*\) and \([0-9]*\)$/\1 \2/p' | tail -n 1)
	mpu_region $1 0x20100000 0x130c0323
	mpu_region $2 0x20140000 0x130cc01f
	echo two-pool >$pools_driver/unbind
	mpu_region $1 0x0 0x0
	mpu_region $2 0x0 0x0
}

is_undone()
{
	unbind dap-test.0
	unbind dap-test.1
	unload || fail "module in use"
	mpu_is_as_before
	! grep -q dma_alias_pool /proc/iomem || fail "resources left"
	unload_tests
}

ktap_run starts background power_of_two three_quarters is_used refused \
	no_region_is_free above_all_others two_regions is_undone
