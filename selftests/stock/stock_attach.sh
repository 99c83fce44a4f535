#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# PCI devices that are in use before there is a pool, and that are attached and detached
# through sysfs.
. "$(dirname "$0")/stock.sh"

devices=$usual
attach=/sys/bus/platform/devices/dma_alias_pool.0/attach
detach=/sys/bus/platform/devices/dma_alias_pool.0/detach

work_without()
{
	for device in $devices; do
		start_device "$device"
		works "$device"
	done
}

# NVMe frees its doorbell buffer only when the last file is closed. Here the buffer comes
# from the kernel, and is freed when the device is a client of the pool.
late_free_of_former_memory()
{
	exec 5<"/dev/$(node_of nvme)"
	unbind_device nvme || fail "unbind"
	load_pool nvme
	# the module may have had the device probed when it was loaded
	is_bound nvme || bind_device nvme || fail "bind"
	wait_ready nvme
	is_client nvme
	exec 5<&-
	works nvme
	same_stat $pool bad_free_count 0
	unbind_device nvme
	same_stat $pool live_allocs 0
	unload || fail "rmmod"
	bind_device nvme
	wait_ready nvme
}

loads_without_clients()
{
	load_pool
	same_stat $pool clients 0
}

attached()
{
	! is_disk "$1" || exec 5<"/dev/$(node_of "$1")"
	echo "$(address_of "$1")" >$attach || fail "attach"
	wait_ready "$1"
	exec 5<&-
	is_client "$1"
	works "$1"
	same_stat $pool bad_free_count 0
}

# A driver that is bound holds memory of the pool, so it has to be unbound first.
detached()
{
	log_clear
	is_disk "$1" || up "$1"
	! echo "$(address_of "$1")" 2>/dev/null >$detach || fail "detached with memory"
	log_has "$(address_of "$1"): not detached from DMA pool $pool: it holds memory of it"
	is_client "$1"
	unbind_device "$1" || fail "unbind"
	echo "$(address_of "$1")" >$detach || fail "detach"
	bind_device "$1" || fail "bind"
	wait_ready "$1"
	is_no_client "$1"
	works "$1"
}

attached_again() { attached "$1"; }

for_each attached $devices
for_each detached $devices
for_each attached_again nvme net

# shellcheck disable=SC2086 # words
ktap_run work_without late_free_of_former_memory loads_without_clients \
	$tests nothing_is_left
