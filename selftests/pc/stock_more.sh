#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# As stock_drivers.sh, with devices that address 32 bits only, and with USB,
# whose driver has coherent memory in many small pieces.
. "$(dirname "$0")/stock.sh"

devices="usb sdhci e1000"
disks="usb sdhci"

loads()
{
	# shellcheck disable=SC2086 # words
	load_pool $devices
	for device in $devices; do
		start_device "$device"
	done
}

nothing_is_left()
{
	# shellcheck disable=SC2086 # words
	end_of $devices
}

for_each is_client $devices
for_each works $devices
for_each direct_io $disks
for_each rebind_under_load $devices
for_each unbind_with_open_file $disks

# shellcheck disable=SC2086 # words
ktap_run loads $tests nothing_is_left
