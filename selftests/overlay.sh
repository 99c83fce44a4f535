#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Pools and clients that come and go with device tree overlays. Needs a kernel with
# CONFIG_OF_OVERLAY, booted with the region of rig/boards/an385/run-time.dtso, and the
# compiled overlays of run-time/ in overlays/ beside this script.
. "$(dirname "$0")/ktap.sh"

tree=/proc/device-tree
overlays=$debugfs/dma_alias_pool_overlay
platform=/sys/bus/platform/devices
pool_dev=20400000.dma-pool

[ -e "$here/overlays/pool.dtbo" ] || ktap_skip_all "no overlays"
[ -d $tree/reserved-memory/run-time@20000000 ] ||
	ktap_skip_all "no region in the device tree"

# An overlay has to be written in one piece, so dd does it with a large block.
apply() { dd if="$here/overlays/$1.dtbo" of=$overlays/apply bs=64k 2>/dev/null; }
remove() { echo 1 2>/dev/null >$overlays/remove; }

# nodes: list all nodes of the device tree
nodes() { (cd $tree && find . | sort); }

# clients= without the name of a pool means the one that there was at load.
another_pool_comes()
{
	half=$((pool_size / 2))
	load "pools=$(pool a $half $half)" clients=dap-test.0 || fail "cannot load"
	load_tests || fail "no test module"
	insmod "$here/dma_alias_pool_overlay.ko" || fail "no overlays here"
	rig_watch off
	apply pool || fail "not applied"
	rig_watch on
	[ -d $pools/run-time ] || fail "no pool"
	unbind dap-test.0
	bind dap-test.0
	has_client a dap-test.0 || fail "no client of the pool that there was first"
	ok_dev dap-test.0 alloc 5000
	from_pool $((pool_base + half)) $half $((pool_alias + half))
	ok_dev dap-test.0 free 0
	remove || fail "not removed"
	rmmod dma_alias_pool_overlay
	unload_all || fail "cannot unload"
}

starts()
{
	load || fail "cannot load"
	load_tests || fail "no test module"
	insmod "$here/dma_alias_pool_overlay.ko" || fail "no overlays here"
	iomem=$(cat /proc/iomem)
	nodes >"$tmp/nodes"
	! remove || fail "removed what was not there"
}

# in_pool DEVICE: the pool of the overlay serves it
in_pool()
{
	ok_dev $1 alloc 5000
	from_pool 0x20000000 0x200000 0x20400000
	same zero $zero 1
	same_stat run-time live_allocs 1
	ok_dev $1 fill 0 0x3c
	ok_dev $1 check 0 0x3c
	ok_dev $1 free 0
	same_stat run-time live_allocs 0
}

applied()
{
	log_clear
	rig_watch off
	apply pool || fail "not applied"
	rig_watch on
	[ -d $pools/run-time ] || fail "no pool"
	log_has "dma_alias_pool $pool_dev: DMA pool run-time: 2048 KiB at 0x20000000, reached through its alias 0x20400000"
	same_stat run-time total_bytes $((0x200000))
	grep -q ' : dma_alias_pool run-time$' /proc/iomem || fail "no region claimed"
	grep -q ' : dma_alias_pool run-time alias$' /proc/iomem || fail "no alias claimed"
}

serves_clients()
{
	in_pool overlay-test-first
	in_pool overlay-test-second
	same_stat run-time clients 2
}

# A device that was bound before there was a pool is a client when it is bound again. The
# log has said that it had no pool.
client_before_the_pool()
{
	log_has "overlay-test-early: no DMA pool serves its memory-region"
	! has_client run-time overlay-test-early ||
		fail "a bound device was taken over"
	unbind overlay-test-early
	bind overlay-test-early
	in_pool overlay-test-early
	same_stat run-time clients 3
}

# absent: nothing of the overlay is there
absent()
{
	[ ! -d $pools/run-time ] || fail "the pool is still there"
	for dev in $pool_dev overlay-test-early overlay-test-first \
		   overlay-test-second; do
		[ ! -e $platform/$dev ] || fail "$dev is still there"
	done
	same "claimed resources" "$(cat /proc/iomem)" "$iomem"
	nodes | cmp -s - "$tmp/nodes" || fail "nodes are left"
}

is_absent() { (failed=; absent; [ -z "$failed" ]); }

removed()
{
	log_clear
	remove || fail "not removed"
	absent
	# the kernel would complain if somebody still held a reference to a node
	log_is_quiet
	! remove || fail "removed what was not there"
}

again()
{
	applied
	serves_clients
	removed
}

# The overlay is removed, and with it the pool and a device that holds memory of it.
removed_with_memory()
{
	applied
	echo overlay-test-first >$params/leak
	ok_dev overlay-test-first alloc 5000
	ok_dev overlay-test-second alloc 4096
	log_clear
	# The device stays while it holds memory, and keeps a reference to its node.
	# The kernel complains, and never frees the node.
	rig_expect "OF: ERROR: memory leak, expected refcount 1 instead of .*overlay-test-first"
	remove || fail "not removed"
	rig_end_expect
	echo >$params/leak
	log_has "overlay-test-first: driver dap-test is gone but still holds 5000 bytes of DMA pool run-time in 1 allocations"
	[ ! -e $platform/$pool_dev ] || fail "the pool's device is still there"
	same_stat run-time live_allocs 1
	same_stat run-time clients 1
	grep -q ' : dma_alias_pool run-time$' /proc/iomem || fail "memory was released"
	! unload 2>/dev/null || fail "unloaded with memory held"
	ok_dev overlay-test-first fill 0 0x77
	ok_dev overlay-test-first check 0 0x77
}

# While memory is held, there can be no second pool over it, and no new client of the
# pool that is gone.
applied_while_held()
{
	log_clear
	apply pool || fail "not applied"
	log_has "dma_alias_pool $pool_dev: error -EEXIST: there is a DMA pool run-time already"
	same_stat run-time clients 1
	bad_dev overlay-test-second free 0
	remove || fail "not removed"
	ok_dev overlay-test-first check 0 0x77
}

last_free()
{
	# now the kernel complains about the nodes that are freed late
	rig_expect "OF: ERROR: memory leak before free overlay changeset,"
	ok_dev overlay-test-first free 0
	wait_for is_absent
	absent
	# the test module drops its reference to the old device when there is a new one
	# of that name
	rig_watch off
	apply pool || fail "not applied"
	rig_watch on
	remove || fail "not removed"
	# 5.10 complains while it prints another message, so this one comes with its
	# next tick
	nap 100000
	rig_end_expect
	absent
}

many_times()
{
	n=0
	while [ $n -lt 20 ]; do
		rig_watch off
		apply pool || fail "apply $n failed"
		rig_watch on
		ok_dev overlay-test-first alloc 4096
		remove || fail "remove $n failed"
		n=$((n + 1))
	done
	absent
}

# A region that comes with an overlay is refused: it has to be reserved at boot.
late_region()
{
	log_clear
	apply late || fail "not applied"
	log_has "dma_alias_pool 20600000.dma-pool: error -EINVAL: memory-region /reserved-memory/late@20200000 is no reserved memory of this kernel: it must be in /reserved-memory at boot"
	log_has "overlay-test-late: no DMA pool serves its memory-region"
	[ ! -d $pools/late ] || fail "there is a pool"
	remove || fail "not removed"
	absent
}

# The module is unloaded and loaded while the overlay stays.
module_goes()
{
	applied
	unload || fail "module in use"
	[ -e $driver/overlay-test-first ] || fail "not bound again"
	log_clear
	load || fail "cannot load"
	[ -d $pools/run-time ] || fail "no pool"
	unbind overlay-test-first
	bind overlay-test-first
	in_pool overlay-test-first
	removed
}

nothing_is_left()
{
	rmmod dma_alias_pool_overlay || fail "overlay module in use"
	unload_all || fail "module in use"
	same "claimed resources" "$(cat /proc/iomem)" "$iomem"
}

ktap_run another_pool_comes starts applied serves_clients client_before_the_pool removed again \
	removed_with_memory applied_while_held last_free again many_times \
	late_region module_goes nothing_is_left
