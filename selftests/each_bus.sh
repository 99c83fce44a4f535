#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The test driver drives AMBA and PCI devices that have no driver otherwise;
# driver_override binds it to them. They become clients by parameter, by sysfs before and
# after they are bound, and, with the argument "default", by the default pool of the
# device tree (rig/boards/virt/pools.dtso).
. "$(dirname "$0")/ktap.sh"

# unbound_on BUS: the first device of the bus that has no driver
unbound_on()
{
	for device in /sys/bus/$1/devices/*; do
		[ -e "$device" ] && [ ! -e "$device/driver" ] || continue
		# kept for another driver, as for vfio-pci
		case $(cat "$device/driver_override" 2>/dev/null) in "" | "(null)") ;; *) continue ;; esac
		# a bridge does no DMA
		case $(cat "$device/class" 2>/dev/null) in 0x06*) continue ;; esac
		echo "${device##*/}"
		return
	done
}

amba=$(unbound_on amba)
pci=$(unbound_on pci)
[ -n "$amba" ] || [ -n "$pci" ] ||
	ktap_skip_all "no device on AMBA or PCI is without a driver"

# on BUS DEVICE: sets $bus and $device for the functions below; skips and fails if there
# is no device
on()
{
	bus=/sys/bus/$1
	device=$2
	[ -n "$device" ] && return
	skip "no device on $1 is without a driver"
	return 1
}

# override [DRIVER]: only this driver may bind to the devices; none: as usual
override()
{
	for device in $amba $pci; do
		for file in /sys/bus/*/devices/$device/driver_override; do
			echo "$1" >$file
		done
	done
}

ktap_undo() { override; }

start()
{
	load_tests || fail "no test module"
	override dap-test
}

bind_it() { echo $device 2>/dev/null >$bus/drivers/dap-test/bind; }
unbind_it() { echo $device 2>/dev/null >$bus/drivers/dap-test/unbind; }

# served_by POOL: the device's memory comes from this pool, and streaming DMA works
served_by()
{
	ok_dev $device alloc 5000
	[ $1 != sram ] || from_pool
	same_stat $1 live_allocs 1
	has_client $1 $device || fail "$device is no client"
	ok_dev $device fill 0 0x5c
	ok_dev $device check 0 0x5c
	ok_dev $device free 0
	ok_dev $device map 1500 bidi
	ok_dev $device sg 4 600 from
}

by_parameter()
{
	load "pools=$(pool sram)" "clients=$device" || fail "cannot load"
	bind_it
	served_by sram
	same_stat sram clients 1
	n=0
	while [ $n -lt 50 ]; do
		unbind_it
		bind_it || fail "did not bind"
		n=$((n + 1))
	done
	served_by sram
	unbind_it
	unload || fail "module in use"
}

by_sysfs()
{
	load "pools=$(pool sram)" || fail "cannot load"
	control=/sys/bus/platform/devices/dma_alias_pool.0
	bind_it
	not_served $device
	echo $device >$control/attach || fail "cannot attach a bound device"
	[ -e $bus/drivers/dap-test/$device ] || fail "not bound again"
	served_by sram
	ok_dev $device alloc 1
	log_clear
	! echo $device 2>/dev/null >$control/detach ||
		fail "detached with memory"
	log_has "$device: not detached from DMA pool sram: it holds memory of it"
	ok_dev $device free 0
	echo $device >$control/detach || fail "cannot detach"
	not_served $device
	unbind_it
	echo $device >$control/attach || fail "cannot attach an unbound device"
	[ -e $bus/drivers/dap-test/$device ] || bind_it
	served_by sram
	unbind_it
	unload || fail "module in use"
}

# A device that waits for a default pool is bound when there is one.
by_default()
{
	[ ! -e $bus/drivers/dap-test/$device ] || unbind_it
	load || fail "cannot load"
	bind_it
	served_by shared
	unbind_it
	unload || fail "module in use"
}

amba_by_parameter() { ! on amba "$amba" || by_parameter; }
amba_by_sysfs() { ! on amba "$amba" || by_sysfs; }
amba_by_default() { ! on amba "$amba" || by_default; }
pci_by_parameter() { ! on pci "$pci" || by_parameter; }
pci_by_sysfs() { ! on pci "$pci" || by_sysfs; }
pci_by_default() { ! on pci "$pci" || by_default; }

ends()
{
	override
	unload_tests || fail "test module in use"
}

if [ "$1" = default ]; then
	ktap_run start amba_by_default pci_by_default ends
fi
need_pool
ktap_run start amba_by_parameter amba_by_sysfs pci_by_parameter pci_by_sysfs \
	ends
