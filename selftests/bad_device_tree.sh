#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Device tree nodes that cannot be right: each is refused with one message that
# says what is wrong; the one that is right works all the same. Needs the nodes
# of rig/boards/an385/bad-pools.dtso, or of virt's where there is an MMU.
. "$(dirname "$0")/ktap.sh"

[ -d /proc/device-tree/bad-missing ] ||
	ktap_skip_all "no test nodes in the device tree"

# device NODE: its name, which begins with its address if it has one
device()
{
	set -- /sys/bus/platform/devices/*$1
	echo "${1##*/}"
}

# region NODE: name@address
region()
{
	set -- /proc/device-tree/reserved-memory/$1@* /proc/device-tree/$1@*
	[ -d "$1" ] || shift
	echo "${1##*/}"
}

# as the kernel prints a size or an address
printed() { printf '0x%08x' $(($1)); }

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
	same "driver's devices" "${1##*/} ${2##*/} $#" "$(device good) *bad* 2"
}

# refused DEVICE ERROR REGEX
refused()
{
	same "messages about $1" \
	     "$(grep "dma_alias_pool $1: " /tmp/log | grep -c -e "$2: $3")" 1
	same "probes of $1" \
	     "$(grep -c -e "probe of $1 failed" -e "$1: probe .* failed" \
		     /tmp/log)" 1
}

missing() { refused bad-missing EINVAL "memory-region is missing"; }
disabled() { refused bad-disabled EINVAL "memory-region .*$(region disabled) is disabled"; }
lacks_no_map() { refused bad-mapped EBUSY "0x[0-9a-f]*0000-0x[0-9a-f]*ffff is part of the kernel's own RAM: its reserved-memory node lacks no-map"; }
unreserved() { refused bad-unreserved EINVAL "memory-region .*$(region unreserved) is no reserved memory of this kernel"; }
alias_of_another_size()
{
	refused $(device bad-size) EINVAL \
		"the alias .* has not the size $(printed $(stat_of good total_bytes)) of memory-region"
}
alias_is_itself() { refused $(device bad-itself) EINVAL "the alias .* is the region itself"; }
alias_is_none()
{
	alias=$(device bad-alias)
	second=$(region second)
	refused $alias EINVAL "$(printed 0x${alias%.*}) is no alias of $(printed 0x${second#*@})"
}
name() { refused bad-label EINVAL "\"\.\./evil\" cannot be the name of a pool"; }
second_default() { refused $(device bad-default) EEXIST "DMA pool good is the default already"; }
name_is_taken() { refused $(device bad-name) EEXIST "there is a DMA pool good already"; }

good_one_works()
{
	load_tests
	size=$(stat_of good total_bytes)
	base=$(region good)
	base=0x${base#*@}
	alias=$(device good)
	[ "$alias" != good ] && alias=0x${alias%.*} || alias=
	ok_dev dap-test.0 alloc $size
	same "bus address" "$(hex $dma)" "$(hex $base)"
	from_pool $base $size $alias
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
