#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The SD controller and a network card of Microchip's PolarFire SoC, under drivers that
# nobody changed, with the pool and the bus addresses of dts-overlays/mpfs-icicle-kit.dtso:
# devices use the SoC's own alias, as the CPU does.
. "$(dirname "$0")/stock.sh"

pool=ddr
pool_base=0x8f000000
pool_size=0x1000000
alias=0xcf000000
devices=$usual

loads()
{
	load || fail "the module could not be loaded"
	grep -q "cf000000-cfffffff : dma_alias_pool $pool alias\$" /proc/iomem ||
		fail "the pool is not reached through its alias"
	for device in $devices; do
		start_device $device
	done
}

# at_alias WHAT REGISTER: the address that is there, as the device knows it
at_alias()
{
	at=$(devmem $2 32)
	[ $((at)) -ge $((alias)) ] && [ $((at)) -lt $((alias + pool_size)) ] ||
		fail "$1 at $at, not in the pool's alias"
}

rings()
{
	up mac
	at_alias "receive ring" 0x20112018	# RBQP
	at_alias "transmit ring" 0x2011201c	# TBQP
	dd if="/dev/$(node_of mmc)" of=/dev/null bs=64k count=1 iflag=direct 2>/dev/null
	at_alias "descriptor table" 0x20008258	# SRS22, where ADMA is
}

for_each is_client $devices
for_each works $devices
for_each direct_io mmc
for_each rebind_under_load $devices
for_each unbind_with_open_file mmc

# shellcheck disable=SC2086 # words
ktap_run loads rings $tests nothing_is_left
