#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# stock_endurance.sh [CYCLES] - as endurance.sh, and with drivers that nobody
# changed, bound and unbound with all of their coherent memory from the pool.
. "$(dirname "$0")/stock.sh"

rebind_cycle()
{
	for device in $devices; do
		unbind_device "$device" || fail "unbind $device"
		bind_device "$device" || fail "bind $device"
		wait_ready "$device"
	done
}

devices="nvme blk net"

starts_drivers() { start_all; }

# These take most of a second each. How many pages the kernel keeps for such drivers
# depends on how many cycles there were just before, also without the module, but
# does not grow from one such round to the next: compare after rounds of one length.
driver_binds()
{
	driver_cycles=$((10 + cycles / 10))
	endures rebind_cycle $driver_cycles $driver_cycles
	for device in $devices; do
		is_client "$device"
	done
}

nothing_is_left_of_drivers() { nothing_is_left; }

more_tests="starts_drivers driver_binds nothing_is_left_of_drivers"
. "$(dirname "$0")/endurance.sh"
