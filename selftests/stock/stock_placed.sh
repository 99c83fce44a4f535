#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A pool in memory that the kernel itself has placed, as its node has a size and no address.
# A kernel for arm64 or RISC-V has claimed such memory at boot, for good. Boot with the
# overlay placed.dtbo, in which two pools want the memory.
. "$(dirname "$0")/stock.sh"

[ -d /proc/device-tree/reserved-memory/placed ] || ktap_skip_all "no such memory"

# The pool that comes first has the memory.
comes_up()
{
	rig_expect "dma_alias_pool dma-pool.*: .* overlaps another pool or a claimed resource"
	load || fail "the module could not be loaded"
	rig_end_expect
	set -- $pools/*
	same "number of pools" $# 1
	pool=${1##*/}
	echo "$(address_of nvme)" >"$(echo /sys/bus/platform/drivers/dma_alias_pool/dma-pool*)/attach" ||
		fail "not attached"
	start_device nvme
	is_client nvme
	works nvme
}

# It can be claimed again when it was released.
comes_up_again() { comes_up; }

nothing_is_left() { end_of nvme; }

ktap_run comes_up nothing_is_left comes_up_again nothing_is_left
