#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Device tree nodes that cannot be right: each is refused with one message that
# says what is wrong; the one that is right works all the same. Needs the nodes
# of rig/boards/an385/bad-pools.dtso.
. "$(dirname "$0")/ktap.sh"

[ -d /proc/device-tree/bad-missing ] ||
	ktap_skip_all "no test nodes in the device tree"

starts()
{
	iomem=$(cat /proc/iomem)
	log_clear
	load || fail "cannot load"
	dmesg >/tmp/log
	[ -d $pools/good ] || fail "the good pool is missing"
	same pools "$(ls $pools)" good
	set -- /sys/bus/platform/drivers/dma_alias_pool/*good \
	       /sys/bus/platform/drivers/dma_alias_pool/*bad*
	same "driver's devices" "${1##*/} ${2##*/} $#" "20400000.good *bad* 2"
}

# refused DEVICE ERROR REGEX
refused()
{
	same "messages about $1" \
	     "$(grep "dma_alias_pool $1: " /tmp/log | grep -c -e "$2: $3")" 1
	same "probes of $1" \
	     "$(grep -c "probe of $1 failed" /tmp/log)" 1
}

missing() { refused bad-missing EINVAL "memory-region is missing"; }
disabled() { refused bad-disabled EINVAL "memory-region .*disabled@20100000 is disabled"; }
lacks_no_map() { refused bad-mapped EBUSY "0x[0-9a-f]*0000-0x[0-9a-f]*ffff is part of the kernel's own RAM: its reserved-memory node lacks no-map"; }
unreserved() { refused bad-unreserved EINVAL "memory-region .*unreserved@20300000 is no reserved memory of this kernel"; }
alias_of_another_size() { refused 20400000.bad-size EINVAL "the alias .* has not the size 0x00100000 of memory-region"; }
alias_is_itself() { refused 20000000.bad-itself EINVAL "the alias .* is the region itself"; }
alias_is_none() { refused 20500000.bad-alias EINVAL "0x20500000 is no alias of 0x20200000"; }
name() { refused bad-label EINVAL "\.\./evil cannot be the name of a pool"; }
second_default() { refused 20600000.bad-default EEXIST "DMA pool good is the default already"; }
name_is_taken() { refused 20600000.bad-name EEXIST "there is a DMA pool good already"; }

good_one_works()
{
	load_tests
	ok_dev dap-test.0 alloc 0x100000
	[ $((cpu)) -eq $((0x20400000)) ] || fail "not from the pool: $cpu"
	ok_dev dap-test.0 free 0
}

nothing_is_left()
{
	unload_all || fail "module in use"
	same "claimed resources" "$(cat /proc/iomem)" "$iomem"
}

ktap_run starts missing disabled lacks_no_map unreserved alias_of_another_size \
	alias_is_itself alias_is_none name second_default name_is_taken \
	good_one_works nothing_is_left
