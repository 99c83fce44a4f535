#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Device tree nodes of pools that cannot be right. The module refuses each with one
# message that says what is wrong, and the one pool that is right works all the same.
# It also refuses pools of the parameter pools= over memory that the device tree
# gives to somebody else. Needs the nodes of rig/boards/an385/bad-pools.dtso, or
# with an MMU those of rig/boards/virt.
. "$(dirname "$0")/ktap.sh"

[ -d /proc/device-tree/bad-missing ] ||
	ktap_skip_all "no test nodes in the device tree"

# device NODE: the name of its device, which begins with an address if the node has one
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

# at NODE: its address
at()
{
	at=$(region $1)
	echo 0x${at#*@}
}

# printed NUMBER: as the kernel prints a size or an address
printed() { printf '0x%08x' $(($1)); }

starts()
{
	# only the early messages say where the kernel has placed a pool of its own
	kernels=$(dmesg | grep -v -i "pool at $(at both)" |
		  sed -n 's/.*created DMA memory pool at \(0x[0-9a-f]*\), size.*/\1/p')
	iomem=$(cat /proc/iomem)
	log_clear
	load || fail "cannot load"
	log_since >"$tmp/log"
	[ -d $pools/good ] || fail "the good pool is missing"
	same pools "$(ls $pools)" good
	set -- /sys/bus/platform/drivers/dma_alias_pool/*good \
	       /sys/bus/platform/drivers/dma_alias_pool/*bad*
	same "driver's devices" "${1##*/} ${2##*/} $#" "$(device good) *bad* 2"
}

# refused DEVICE ERROR REGEX: its probe failed, with one message
refused()
{
	same "messages about $1" \
	     "$(grep "dma_alias_pool $1: " "$tmp/log" | grep -c -e "$2: $3")" 1
	same "probes of $1" \
	     "$(grep -c -e "probe of $1 failed" -e "$1: probe .* failed" \
		     "$tmp/log")" 1
}

missing() { refused bad-missing EINVAL "memory-region must be one phandle"; }
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
for_the_kernel_too() { refused bad-both EBUSY "0x.*-0x.* overlaps .*/$(region both), which is for the kernel"; }
alias_is_a_screen() { refused $(device bad-screen) EBUSY "0x.*-0x.* overlaps .*/$(region screen), which is for framebuffer"; }
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

# read_refs: set refs to what the nodes of two regions have. Not in a subshell, where a
# failure would be lost.
read_refs()
{
	ok_dev dap-test.0 node_refs "/reserved-memory/$(region disabled)"
	of_disabled=$refs
	ok_dev dap-test.0 node_refs "/reserved-memory/$(region second)"
	refs="$of_disabled $refs"
}

nothing_is_left()
{
	unload_all || fail "module in use"
	same "claimed resources" "$(cat /proc/iomem)" "$iomem"
	load_tests
	read_refs
	before=$refs
	load || fail "cannot load once more"
	unload || fail "module in use"
	read_refs
	same "references on the nodes of regions that are refused" "$refs" "$before"
	unload_tests
}

# over BASE SIZE NODE WHO: the memory is refused as the region of a pool, and as the
# alias of one, because NODE reserves it for WHO
over()
{
	for param in $1:$2 $(at second):$2:$1; do
		log_clear
		if load pools=x:$param 2>/dev/null; then
			fail "loaded with $param"
			unload
			continue
		fi
		log_has "EBUSY: $(printed $1)-.* overlaps .*/$3, which is for $4"
		same "claimed resources" "$(cat /proc/iomem)" "$iomem"
	done
}

# pools= has a pool of the device tree again: the module does not load, with neither.
pool_over_the_good_one()
{
	log_clear
	if load pools=x:$base:64K 2>/dev/null; then
		fail "loaded with the same memory twice"
		unload
	fi
	log_has "EBUSY: $(printed $base)-.* overlaps another pool"
	same "claimed resources" "$(cat /proc/iomem)" "$iomem"
}

pool_over_a_screen() { over $(at screen) 64K $(region screen) framebuffer; }
pool_over_a_part()
{
	over $(hex $(($(at screen) - 4096))) 8K $(region screen) framebuffer
	over $(hex $(($(at screen) + 61440))) 8K $(region screen) framebuffer
	over $(hex $(($(at screen) + 4096))) 4K $(region screen) framebuffer
}
pool_over_the_kernels()
{
	[ -n "$kernels" ] || fail "the kernel has no pool"
	over $kernels 64K kernels shared-dma-pool
}
pool_over_the_second_piece() { over $(at unreserved) 64K $(region pieces) vendor,pieces; }
pool_over_anothers() { over $(at named) 64K $(region named) dsp@40; }
pool_over_nobodys()
{
	for param in $(at plain):64K $(at small):64K $(at bare):64K \
		     $(hex $(($(at screen) - 4096))):4K $(hex $(($(at screen) + 65536))):4K; do
		load pools=x:$param || fail "$param refused"
		unload
	done
}

ktap_run starts missing disabled lacks_no_map unreserved alias_of_another_size \
	alias_is_itself alias_is_none for_the_kernel_too alias_is_a_screen \
	name second_default name_is_taken \
	good_one_works nothing_is_left pool_over_the_good_one pool_over_a_screen pool_over_a_part \
	pool_over_the_second_piece pool_over_the_kernels \
	pool_over_anothers pool_over_nobodys
