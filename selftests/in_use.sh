#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# in_use.sh [ROUNDS] - drivers that cannot be unbound do streaming DMA on all processors,
# while their devices become clients of a pool in place and the pool goes, again and
# again. At any moment, one of them is on its way into a DMA operation.
. "$(dirname "$0")/ktap.sh"
need_pool

rounds=${1:-40}
counts=$debugfs/dma_alias_pool_stress
pool_driver=/sys/bus/platform/drivers/dma_alias_pool
pool_dev=/sys/bus/platform/devices/dma_alias_pool.0
names="dap-stress.0 dap-stress.1 dap-stress.2 dap-stress.3"

count() { value_of $counts $1; }

starts()
{
	insmod "$here/dma_alias_pool.ko" "pools=$(pool sram)" || fail "cannot load"
	insmod "$here/dma_alias_pool_stress.ko" in_use=1 || fail "no devices"
	for name in $names; do
		[ -e /sys/bus/platform/devices/$name/driver ] || fail "$name is not bound"
	done
}

pool_comes_and_goes()
{
	before=$(count streams)
	n=0
	while [ $n -lt "$rounds" ]; do
		for name in $names; do
			echo $name >$pool_dev/attach || fail "$name is not attached"
		done
		echo dma_alias_pool.0 >$pool_driver/unbind || fail "the pool does not go"
		echo dma_alias_pool.0 >$pool_driver/bind || fail "the pool does not come back"
		n=$((n + 1))
		[ $((n % 10)) -ne 0 ] || echo "# $n of $rounds rounds, $(count streams) mappings"
	done
	[ "$(count streams)" -gt "$before" ] || fail "nothing was mapped meanwhile"
	same mistakes "$(count mistakes)" 0
	same refused "$(count refused)" 0
}

nothing_is_left()
{
	! unload 2>/dev/null || fail "unloaded under drivers"
	rmmod dma_alias_pool_stress || fail "the devices are in use"
	wait_for unload || fail "module in use"
	! grep -q dma_alias_pool /proc/iomem || fail "resources left"
}

ktap_run starts pool_comes_and_goes nothing_is_left
