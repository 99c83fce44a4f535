#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# guard=1: nobody may access the cacheable view of a pool, by a region of the
# ARMv7-M MPU: what the registers say, that the pool works all the same, what is
# refused, and that all is undone. Last of all, where an emulator is told to expect
# it, a stray access, with which the machine stops.
#
# guard.sh [stray read|write]
. "$(dirname "$0")/ktap.sh"
need_pool

mpu() { ok_dev dap-test.0 mpu "$1"; }

is_off()
{
	mpu 0
	same "MPU_CTRL" "$ctrl" 0x0
	for n in 0 1 2 3 4 5 6 7; do
		mpu $n
		same "region $n" "$rbar $rasr" "0x0 0x0"
	done
}

# Another architecture, or an MPU of another kind.
no_such_mpu()
{
	log_clear
	! load guard=1 "pools=$(pool sram)" || fail "loaded"
	log_has "error -EOPNOTSUPP: guard=1: $why"
	! grep -q dma_alias_pool /proc/iomem || fail "resources left"
}

# Normal, not cacheable, shareable, never executed, and no access for anybody.
registers()
{
	load_tests || fail "no test devices"
	is_off
	load "pools=$(pool sram 0 0x200000),$(pool part 0x240000 0x20000)" \
		clients=dap-test.0@sram guard=1 || fail "cannot load"
	unbind dap-test.0
	bind dap-test.0
	mpu 4
	same "region of the whole" "$rbar $rasr" "$(hex $pool_base) 0x100c0029"
	mpu 5
	same "region of a part" "$rbar $rasr" "$(hex $((pool_base + 0x240000))) 0x100c0021"
	same "MPU_CTRL" "$ctrl" 0x5
}

alias_works()
{
	ok_dev dap-test.0 alloc 20000
	from_pool $pool_base 0x200000 $pool_alias
	ok_dev dap-test.0 fill $id 0x5e
	ok_dev dap-test.0 check $id 0x5e
	ok_dev dap-test.0 map 1500 bidi
	eval "$("$here/mmap_buffer" dap-test.0 0 0 4096)"
	same "what user space sees" "$first" 0x5e5e5e5e
	ok_dev dap-test.0 free 0
}

is_undone()
{
	unbind dap-test.0
	unload || fail "module in use"
	is_off
}

# refused REGEX PARAMETER ...
refused()
{
	regex=$1
	shift
	log_clear
	! load guard=1 "$@" || fail "loaded with $*"
	log_has "$regex"
	! grep -q dma_alias_pool /proc/iomem || fail "resources left"
	is_off
}

size_that_no_region_has()
{
	refused "error -EINVAL: guard=1: 0x00011000 bytes at .* are not whole eighths" \
		"pools=$(pool odd 0x1000 0x11000)"
}

# Four of the eight describe the rest of the memory.
no_region_is_free()
{
	all=
	for n in 0 1 2 3 4; do
		all=$all${all:+,}$(pool p$n $((n * 0x10000)) 0x10000)
	done
	mpu 0
	if [ $((type >> 8 & 255)) -ne 8 ]; then
		skip "the MPU has more than 8 regions"
		return
	fi
	refused "error -EBUSY: guard=1: none of the 8 MPU regions is free" "pools=$all"
}

# A pool without an alias has no other view.
nothing_to_guard()
{
	log_clear
	load guard=1 "pools=sram:$(hex $pool_base):64K" || fail "cannot load"
	log_has "guard=1: DMA pool sram has no alias, so no other view to guard"
	is_off
	unload
}

ends() { unload_tests; }

# A driver that dereferences what is not its CPU address.
stray()
{
	load_all guard=1 || fail "cannot load"
	ok_dev dap-test.0 alloc 4096
	rig_expect_stop "PC is at $([ $1 = read ] && echo do_peek || echo do_poke)"
	if [ $1 = read ]; then
		do_dev dap-test.0 peek $dma
	else
		do_dev dap-test.0 poke $dma 1
	fi
	fail "a stray $1 went unnoticed"
}
stray_read() { stray read; }
stray_write() { stray write; }

load guard=1 "pools=$(pool sram)" 2>/dev/null && unload
for why in "the CPU has no ARMv7-M MPU" "this is no ARMv7-M kernel"; do
	! dmesg | grep -q "$why" || ktap_run no_such_mpu
done
[ "$1" != stray ] || ktap_run stray_$2
ktap_run registers alias_works is_undone size_that_no_region_has \
	no_region_is_free nothing_to_guard ends
