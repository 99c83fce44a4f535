#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Devices behind an IOMMU cannot be clients. They are refused, the log says why, and they
# go on working. Boot with intel_iommu=on.
. "$(dirname "$0")/stock.sh"

devices="nvme ahci e1000e"

has_iommu()
{
	[ -n "$(ls /sys/class/iommu 2>/dev/null)" ] || fail "there is no IOMMU"
	for device in $devices; do
		[ -e "$(sysfs_of "$device")/iommu_group" ] ||
			fail "$device is not behind it"
	done
}

loads()
{
	log_clear
	start_all
}

refused()
{
	log_has "$(address_of "$1"): not attached to DMA pool $pool: it is behind an IOMMU"
	is_no_client "$1"
}

refused_on_request()
{
	log_clear
	! echo "$(address_of nvme)" 2>/dev/null >/sys/bus/platform/devices/dma_alias_pool.0/attach ||
		fail "attached"
	refused nvme
	works nvme
}

nothing_is_left()
{
	same_stat $pool clients 0
	same_stat $pool alloc_count 0
	# shellcheck disable=SC2086 # words
	end_of $devices
}

for_each refused $devices
for_each works $devices

# shellcheck disable=SC2086 # words
ktap_run has_iommu loads $tests refused_on_request nothing_is_left
