#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Unmodified drivers of a stock kernel get all of their coherent memory from a pool. They
# must work, also when they are unbound and bound under load.
. "$(dirname "$0")/stock.sh"

devices=$usual
disks=$usual_disks

rings()
{
	ring nvme 0 0x28	# ASQ
	ring nvme 0 0x30	# ACQ
	case $disks in *ahci*)
		ring ahci 5 0x100	# PxCLB
		ring ahci 5 0x108	# PxFB
		;;
	esac
	ring blk 4 0x20		# queue_desc of the last queue
	ring net 4 0x20
	up e1000e
	ring e1000e 0 0x2800	# RDBA
	ring e1000e 0 0x3800	# TDBA
}

for_each is_client $devices
for_each file_system $disks
for_each direct_io $disks
for_each traffic e1000e net
for_each rebind_under_load $devices
for_each unbind_with_open_file $disks

# shellcheck disable=SC2086 # words
ktap_run loads rings $tests nothing_is_left
