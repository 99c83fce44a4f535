#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# life.sh - the guest's side of the lifecycle fuzzer (life/life.py): the test
# devices, and a program that does what the console says.
here=$(cd "$(dirname "$0")" && pwd)
debugfs=/sys/kernel/debug

[ ! -e $debugfs/dma-api/all_errors ] || echo 1 >$debugfs/dma-api/all_errors
# what is to be P0 comes when it is told to
for device in /sys/bus/pci/devices/*; do
	[ "$(cat "$device/vendor" "$device/device" 2>/dev/null | tr '\n' :)" != 0x1234:0x11e8: ] ||
		echo 1 >"$device/remove"
done
. "$here/failslab.sh"
[ ! -e $failslab/require-start ] || usual_filter
insmod "$here/dma_alias_pool_life.ko" || exit
[ ! -e "$here/overlays" ] || insmod "$here/dma_alias_pool_overlay.ko" || exit
"$here/life" </dev/console || exit
[ ! -e "$here/overlays" ] || rmmod dma_alias_pool_overlay || exit
rmmod dma_alias_pool_life
