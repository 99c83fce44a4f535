#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# stock_endurance.sh [CYCLES] - the tests of endurance.sh, and another one: unmodified
# drivers, whose coherent memory comes from the pool, are bound and unbound.
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

# A cycle takes most of a second, so there are fewer. With or without the module, the
# number of pages that the kernel keeps for such drivers depends on how many cycles there
# were just before. It is the same after rounds of the same length, so the round before
# the first comparison is as long as the others.
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
