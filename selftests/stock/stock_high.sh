#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A pool above 4 GiB. Devices that can address it use it. The others get memory of the
# normal allocator, since the devices here are coherent in hardware. Boot with more than
# 3 GiB, and a pool above 4 GiB.
. "$(dirname "$0")/stock.sh"

wide="nvme ahci blk net e1000e"
narrow="e1000 sdhci"

loads()
{
	# shellcheck disable=SC2086 # words
	load_pool $wide $narrow
	for device in $wide; do
		start_device "$device"
	done
	same_stat $pool fallback_count 0
}

# falls_back DEVICE: it is a client without memory of the pool, and works
falls_back()
{
	before=$(stat_of $pool fallback_count)
	start_device "$1"
	is_disk "$1" || up "$1"
	grep -q "^$(address_of "$1") *$(driver_of "$1") " "$pools/$pool/clients" ||
		fail "$1 is no client"
	same "live bytes of $1" "$(live_bytes_of "$1")" 0
	[ "$(stat_of $pool fallback_count)" -gt "$before" ] ||
		fail "$1 did not fall back"
	works "$1"
}

narrow_comes_and_goes()
{
	for device in $narrow; do
		for round in 1 2 3; do
			unbind_device "$device"
			bind_device "$device"
			wait_ready "$device"
		done
		works "$device"
	done
}

nothing_is_left()
{
	# shellcheck disable=SC2086 # words
	end_of $wide $narrow
}

for_each is_client $wide
for_each works $wide
for_each falls_back $narrow

# shellcheck disable=SC2086 # words
ktap_run loads $tests narrow_comes_and_goes nothing_is_left
