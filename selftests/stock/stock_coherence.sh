#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Unmodified drivers of devices of which some snoop the caches and some don't, by the
# device tree (rig/boards/rv64/coherent.dtso): whom the default pool serves, and what
# becomes of both kinds with a pool that has no alias.
. "$(dirname "$0")/stock.sh"

pool=tree
snooping="nvme blk e1000e net"
others=mmio_blk
devices="$snooping $others"
tree_pool=/sys/bus/platform/devices/406400000.dma-pool
plain_pool=/sys/bus/platform/devices/dma_alias_pool.0

default_serves_what_does_not_snoop()
{
	load || fail "cannot load"
	for device in $devices; do
		start_device $device
	done
	for device in $snooping; do
		is_no_client $device
		works $device
	done
	for device in $others; do
		is_client $device
		works $device
	done
}

# Through the alias, which is right for both kinds.
snooping_device_by_its_name()
{
	echo "$(address_of nvme)" >$tree_pool/attach || fail "attach"
	wait_ready nvme
	is_client nvme
	works nvme
	is_client mmio_blk
	works mmio_blk
}

# only_first FIRST SECOND WHY: a pool without an alias serves the kind of device that
# comes first, and not the other
only_first()
{
	pool=plain
	# what they hold of a pool goes first
	unbind_all $devices
	unload || fail "rmmod"
	load "pools=$pool:$pool_base:$pool_size" || fail "cannot load"
	# the default pool would have it
	unbind_all $1 $2
	echo "$(address_of $1)" >$plain_pool/attach || fail "attach of $1"
	wait_ready $1
	is_client $1
	works $1
	log_clear
	! echo "$(address_of $2)" 2>/dev/null >$plain_pool/attach ||
		fail "$2 attached"
	log_has "$(address_of $2): not attached to DMA pool plain: $3: use another"
	is_no_client $2
	start_device $2
	works $2
}

pool_without_alias_is_not_cached_for()
{
	only_first mmio_blk nvme \
		   "it is coherent in hardware, the pool is mapped uncached"
}

pool_without_alias_is_cached_for()
{
	only_first nvme mmio_blk \
		   "it is not coherent in hardware, the pool is mapped cached"
}

# shellcheck disable=SC2086 # words
ktap_run default_serves_what_does_not_snoop snooping_device_by_its_name \
	pool_without_alias_is_not_cached_for pool_without_alias_is_cached_for \
	nothing_is_left
