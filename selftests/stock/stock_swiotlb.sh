#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Unmodified drivers on a kernel that bounces all streaming DMA. What a client's driver
# demands of its scatterlists (min_align_mask of NVMe) must be respected. Boot with
# swiotlb=65536,force.
. "$(dirname "$0")/stock.sh"

grep -q 'swiotlb=.*force' /proc/cmdline || ktap_skip_all "boot with swiotlb=65536,force"
devices="nvme ahci blk e1000e net"
disks="nvme ahci blk"

# The network interfaces are up, so their receive buffers are mapped. If these are not
# bounced, nothing was, and the other tests have shown nothing.
bounces()
{
	[ "$(cat $debugfs/swiotlb/io_tlb_used)" -gt 0 ] || fail "nothing is bounced"
}

for_each is_client $devices
for_each direct_io $disks
for_each file_system $disks
for_each traffic e1000e net

# shellcheck disable=SC2086 # words
ktap_run loads $tests bounces nothing_is_left
