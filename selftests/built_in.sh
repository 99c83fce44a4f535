#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The module built into a kernel without loadable modules. Pools and clients come from
# the kernel's command line, and the pools are there before any driver is. Needs the
# kernel of rig/in_tree.sh and the device of boards/an385/built-in.dtso, with which
# check_packages.sh runs this.
. "$(dirname "$0")/ktap.sh"
need_pool

is_built_in || ktap_skip_all "the module is not built in"

parameters=/sys/module/dma_alias_pool/parameters

no_modules()
{
	[ ! -e /proc/modules ] || fail "the kernel has loadable modules"
}

from_the_command_line()
{
	same pools "$(cat $parameters/pools)" "sram:$DAP_POOL"
	same clients "$(cat $parameters/clients)" "dap-test.*@sram,40020000.spi@sram"
	[ -d $pools/sram ] || fail "no pool sram"
	same_stat sram total_bytes $((pool_size))
	log_has "DMA pool sram: $((pool_size / 1024)) KiB at $pool_base, reached through its alias $pool_alias"
}

# first_line REGEX: number of the first line in the kernel log that matches
first_line() { dmesg | grep -n -e "$1" | head -n 1 | cut -d : -f 1; }

# in_order REGEX ...: fail unless the kernel log has all of these, in this order
in_order()
{
	last=0
	for regex; do
		at=$(first_line "$regex")
		[ -n "$at" ] || {
			fail "the kernel log has no '$regex'"
			return
		}
		[ "$at" -gt "$last" ] || fail "'$regex' comes too early"
		last=$at
	done
}

# With initcall_debug the kernel logs its initcalls. The module's comes after the one
# that makes the devices of the device tree, and before those of the drivers, even of
# a driver that uses subsys_initcall (pl022).
before_the_drivers()
{
	in_order 'calling  of_platform_default_populate_init' \
		 'calling  dap_init+' 'calling  pl022_init' 'calling  test_init'
}

# The driver had the pool at its first probe: it was not bound a second time.
upstream_driver_is_a_client()
{
	# the device is a client before its probe, but the message about that comes
	# when the probe has succeeded
	in_order 'DMA pool sram: ' \
		 'ssp-pl022 40020000.spi: ARM PL022 driver' \
		 'ssp-pl022 40020000.spi: coherent DMA memory comes from pool sram' \
		 'probe of 40020000.spi returned 0'
	grep -q "^40020000.spi  *ssp-pl022 " $pools/sram/clients ||
		fail "it is not in the clients file"
}

test_devices_are_clients()
{
	for dev in 0 1; do
		grep -q "^dap-test.$dev  *dap-test " $pools/sram/clients ||
			fail "dap-test.$dev is no client"
	done
	same_stat sram clients 3
}

# The default pool comes up before most devices. Only a late initcall can tell that it
# has nobody to serve.
default_serves_nobody()
{
	in_order 'calling  dap_init+' 'DMA pool rest: 64 KiB' \
		 'calling  dap_probe_late' \
		 'DMA pool rest is the default, but all devices that it could serve count as coherent in hardware'
	same "how often it says so" \
	     "$(dmesg | grep -c 'DMA pool rest is the default')" 1
}

serves()
{
	for dev in dap-test.0 dap-test.1; do
		ok_dev $dev alloc 20000
		[ $((cpu)) -ge $((pool_alias)) ] &&
			[ $((cpu)) -lt $((pool_alias + pool_size)) ] ||
			fail "cpu address $cpu is not in the alias"
		same "bus address" "$(hex $dma)" \
		     "$(hex $((cpu - pool_alias + pool_base)))"
		same zero $zero 1
	done
	same_stat sram live_allocs 2
	same lines "$(grep -c ' dap-test.[01]  *' $pools/sram/allocations)" 2
}

unbinds_and_binds()
{
	unbind dap-test.0
	bind dap-test.0
	ok_dev dap-test.0 alloc 4096
	ok_dev dap-test.0 free all
	ok_dev dap-test.1 free all
	same_stat sram live_allocs 0
	same_stat sram bad_free_count 0
}

# Test scripts that load the module skip everything.
others_are_skipped()
{
	sh "$here/calls.sh" >"$tmp/others"
	same "status" $? 4
	grep -q '^1\.\.0 # SKIP the module is built into this kernel' "$tmp/others" ||
		fail "calls.sh says: $(cat "$tmp/others")"
}

ktap_run no_modules from_the_command_line before_the_drivers \
	upstream_driver_is_a_client test_devices_are_clients \
	default_serves_nobody serves \
	unbinds_and_binds others_are_skipped
