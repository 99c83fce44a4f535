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

driver_binds()
{
	# a second each
	endures rebind_cycle $((cycles / 10))
	for device in $devices; do
		is_client "$device"
	done
}

nothing_is_left_of_drivers() { nothing_is_left; }

more_tests="starts_drivers driver_binds nothing_is_left_of_drivers"
. "$(dirname "$0")/endurance.sh"
