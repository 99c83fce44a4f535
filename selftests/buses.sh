#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Unmodified drivers of the kernel as clients: NVMe and virtio disks, on PCI and on the
# platform bus. The disks become clients through clients= or sysfs or, with the
# argument "default", because the default pool of the device tree serves all devices
# that are not coherent in hardware. Their queues must then be in the pool, and what
# is written to a disk must be read back. The contents of the disks are lost.
#
# Needs the disks of rig/boards/virt/qemu.args, and for "default" pools.dtso.
. "$(dirname "$0")/ktap.sh"
need_rig "overwrites the first disks that it finds"

pci=/sys/bus/pci
platform=/sys/bus/platform

# bound_to DRIVER_DIRECTORY: name of the first device that is bound to the driver
bound_to()
{
	for device in "$1"/*; do
		[ -e "$device/driver" ] || continue
		echo "${device##*/}"
		return
	done
}

nvme=$(bound_to $pci/drivers/nvme)
virtio_pci=$(bound_to $pci/drivers/virtio-pci)
virtio_mmio=
for device in $platform/drivers/virtio-mmio/*/virtio*; do
	[ -e "$device" ] || continue
	device=${device%/*}
	virtio_mmio=${device##*/}
done
[ -n "$nvme" ] && [ -n "$virtio_pci" ] && [ -n "$virtio_mmio" ] ||
	ktap_skip_all "there are not all of the disks"

# disk_of DEVICE: its block device in /dev. Disks get new numbers when their driver is
# bound again, so this looks each time.
disk_of()
{
	for disk_link in /sys/class/block/*; do
		case $(readlink -f $disk_link) in
		*"/$1/"*)
			echo /dev/${disk_link##*/}
			return
			;;
		esac
	done
}

# driver_of DEVICE: the sysfs directory of its driver
driver_of()
{
	case $1 in
	"$nvme") echo $pci/drivers/nvme ;;
	"$virtio_pci") echo $pci/drivers/virtio-pci ;;
	*) echo $platform/drivers/virtio-mmio ;;
	esac
}

unbind_device() { echo $1 >$(driver_of $1)/unbind || fail "cannot unbind $1"; }

# The device may have its driver already, since a new pool probes the devices that wait
# for it. Its disk may come later, since drivers probe in the background.
bind_device()
{
	[ -e $(driver_of $1)/$1 ] || echo $1 >$(driver_of $1)/bind ||
		fail "cannot bind $1"
	wait_for_disk $1
}

has_disk() { [ -n "$(disk_of $1)" ]; }
wait_for_disk() { wait_for has_disk $1 || fail "$1 has no disk"; }

# Have the next read come from the disk, not from the page cache.
drop_caches() { sync && echo 3 >/proc/sys/vm/drop_caches; }

# moves_data DEVICE: write 1 MiB, and read it back in several ways
moves_data()
{
	disk=$(disk_of $1)
	[ -b "$disk" ] || {
		fail "$1 has no disk"
		return
	}
	dd if=/dev/urandom of="$tmp/data" bs=64k count=16 2>/dev/null
	wanted=$(md5sum <"$tmp/data")
	dd if="$tmp/data" of=$disk bs=64k conv=fsync 2>/dev/null || fail "cannot write $disk"
	drop_caches
	same "data of $1" "$(dd if=$disk bs=64k count=16 2>/dev/null | md5sum)" "$wanted"
	drop_caches
	same "data of $1, by sectors" \
	     "$(dd if=$disk bs=512 count=2048 2>/dev/null | md5sum)" "$wanted"
	drop_caches
	# 100 KiB from the middle
	dd if="$tmp/data" bs=512 skip=777 count=200 2>/dev/null >"$tmp/part"
	dd if=$disk bs=512 skip=777 count=200 2>/dev/null >"$tmp/read"
	cmp -s "$tmp/part" "$tmp/read" || fail "another part of $disk"
	rm -f "$tmp/data" "$tmp/part" "$tmp/read"
}

# live DEVICE POOL: how many bytes of the pool it holds, "none" if it is no client
live()
{
	set -- $(grep "^$1 " $pools/$2/clients)
	echo "${3:-none}"
}

# uses DEVICE POOL: it has memory of the pool, and works
uses()
{
	[ "$(live $1 $2)" != none ] || {
		fail "$1 is no client of $2"
		return
	}
	[ $(live $1 $2) -gt 0 ] || fail "$1 has nothing in $2"
	grep -q " $1 " $pools/$2/allocations || fail "no allocation of $1"
	before=$(stat_of $2 bad_free_count)
	moves_data $1
	same_stat $2 bad_free_count $before
	same_stat $2 fallback_count 0
}

# queues_are_in_the_pool BASE SIZE: NVMe's registers at 0x28 and 0x30 hold the bus
# addresses of its admin queues, as the driver has set them.
queues_are_in_the_pool()
{
	bar=$(sed -n '1s/ .*//p' $pci/devices/$nvme/resource)
	for register in 0x28 0x30; do
		dma=$(devmem $(hex $((bar + register))) 32)
		offset=$((dma - $1))
		[ $offset -ge 0 ] && [ $offset -lt $(($2)) ] ||
			fail "queue at $dma is not in the pool"
	done
}

without_the_module()
{
	for device in $nvme $virtio_pci $virtio_mmio; do
		moves_data $device
	done
}

by_parameter()
{
	for device in $nvme $virtio_pci $virtio_mmio; do
		unbind_device $device
	done
	load "pools=$(pool sram)" "clients=${nvme%.*}.*,$virtio_mmio" ||
		fail "cannot load"
	for device in $nvme $virtio_pci $virtio_mmio; do
		bind_device $device
	done
	uses $nvme sram
	queues_are_in_the_pool $pool_base $pool_size
	uses $virtio_mmio sram
	same "what $virtio_pci holds" "$(live $virtio_pci sram)" none
	moves_data $virtio_pci
	same_stat sram clients 2
}

# Attaching a device that has a driver unbinds the driver and binds it again.
by_sysfs()
{
	echo $virtio_pci >$platform/devices/dma_alias_pool.0/attach ||
		fail "attach failed"
	wait_for_disk $virtio_pci
	uses $virtio_pci sram
	same_stat sram clients 3
}

bound_again()
{
	round=0
	while [ $round -lt 3 ]; do
		for device in $nvme $virtio_pci $virtio_mmio; do
			unbind_device $device
			same "what $device holds" "$(live $device sram)" 0
			bind_device $device
			uses $device sram
		done
		round=$((round + 1))
	done
	same_stat sram clients 3
}

# All disks at once, with several requests in flight.
together()
{
	dd if=/dev/urandom of="$tmp/data" bs=64k count=64 2>/dev/null
	wanted=$(md5sum <"$tmp/data")
	for device in $nvme $virtio_pci $virtio_mmio; do
		dd if="$tmp/data" of=$(disk_of $device) bs=4k conv=fsync 2>/dev/null &
	done
	wait
	drop_caches
	for device in $nvme $virtio_pci $virtio_mmio; do
		dd if=$(disk_of $device) of="$tmp/$device" bs=4k count=1024 2>/dev/null &
	done
	wait
	for device in $nvme $virtio_pci $virtio_mmio; do
		same "data of $device" "$(md5sum <"$tmp/$device")" "$wanted"
		rm -f "$tmp/$device"
	done
}

# A device that holds memory of the pool cannot be detached, nor the module unloaded.
detached()
{
	log_clear
	! echo $nvme 2>/dev/null >$platform/devices/dma_alias_pool.0/detach ||
		fail "detached with its queues in the pool"
	log_has "$nvme: not detached from DMA pool sram: it holds memory of it"
	! unload 2>/dev/null || fail "unloaded"
	uses $nvme sram
	unbind_device $nvme
	echo $nvme >$platform/devices/dma_alias_pool.0/detach ||
		fail "detach failed"
	bind_device $nvme
	same "what $nvme holds" "$(live $nvme sram)" none
	moves_data $nvme
	same_stat sram clients 2
}

ends_empty()
{
	for device in $virtio_pci $virtio_mmio; do
		unbind_device $device
	done
	same_stat sram live_allocs 0
	same_stat sram bad_free_count 0
	unload || fail "module in use"
	! grep -q dma_alias_pool /proc/iomem || fail "resources left"
	for device in $virtio_pci $virtio_mmio; do
		bind_device $device
	done
	without_the_module
}

# --- with a default pool

by_default()
{
	for device in $nvme $virtio_pci $virtio_mmio; do
		unbind_device $device
	done
	load || fail "cannot load"
	for device in $nvme $virtio_pci $virtio_mmio; do
		bind_device $device
		uses $device shared
	done
	set -- /proc/device-tree/reserved-memory/shared@*
	queues_are_in_the_pool 0x${1##*@} 0x200000
}

default_ends_empty()
{
	for device in $nvme $virtio_pci $virtio_mmio; do
		unbind_device $device
	done
	same_stat shared live_allocs 0
	same_stat shared bad_free_count 0
	unload || fail "module in use"
	for device in $nvme $virtio_pci $virtio_mmio; do
		bind_device $device
	done
	without_the_module
}

if [ "$1" = default ]; then
	ktap_run without_the_module by_default default_ends_empty
fi
need_pool
ktap_run without_the_module by_parameter by_sysfs bound_again together detached \
	ends_empty
