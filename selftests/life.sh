#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# life.sh - runs on the emulated machine for the lifecycle fuzzer (life/life.py): loads
# the test devices, and starts the program that executes the fuzzer's commands, which
# come over the console.
here=$(cd "$(dirname "$0")" && pwd)
debugfs=/sys/kernel/debug

[ ! -e $debugfs/dma-api/all_errors ] || echo 1 >$debugfs/dma-api/all_errors
# remove the PCI device that is the fuzzer's unit P0, which adds it when it wants it
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
