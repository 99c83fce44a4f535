#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# guard=1 forbids all access to the cacheable view of a pool, by a region of the ARMv7-M
# MPU. Tests the MPU's registers, that the pool works all the same, what is refused, and
# that all is undone.
#
#   guard.sh
#   guard.sh stray read|write	a forbidden access, which stops the machine: only for
#				an emulator that expects this
. "$(dirname "$0")/ktap.sh"
need_pool 4096

# On another architecture, or with another kind of MPU, the pool works without a guard.
no_such_mpu()
{
	log_clear
	load guard=1 "pools=$(pool sram)" || fail "not loaded"
	log_has "guard=1: .* bytes at .*: $why"
	! log_since | grep -q "guarded by the MPU" || fail "it says that it does"
	[ -d $pools/sram ] || fail "no pool"
	unload
}

# The regions are normal memory, not cacheable, shareable, never executable, and nobody
# has access.
registers()
{
	load_tests || fail "no test devices"
	mpu_before
	log_clear
	load "pools=$(pool sram 0 0x200000),$(pool part 0x240000 0x20000),$(pool two 0x310000 0x3c000)" \
		clients=dap-test.0@sram guard=1 || fail "cannot load"
	for pool in sram part two; do
		log_has "DMA pool $pool: .*, guarded by the MPU"
	done
	unbind dap-test.0
	bind dap-test.0
	n=$mpu_first
	mpu_region $n $(hex $pool_base) 0x100c0029
	mpu_region $((n + 1)) $(hex $((pool_base + 0x240000))) 0x100c0021
	mpu_region $((n + 2)) $(hex $((pool_base + 0x300000))) 0x100c0323
	mpu_region $((n + 3)) $(hex $((pool_base + 0x340000))) 0x100cc01f
	mpu_was_on && wanted=${mpu_was%% *} || wanted=0x5
	same "MPU_CTRL" "$ctrl" $wanted
}

alias_works()
{
	ok_dev dap-test.0 alloc 20000
	from_pool $pool_base 0x200000 $pool_alias
	ok_dev dap-test.0 fill $id 0x5e
	ok_dev dap-test.0 check $id 0x5e
	ok_dev dap-test.0 map 1500 bidi
	if has_mmap_buffer; then
		eval "$("$here/mmap_buffer" dap-test.0 0 0 4096)"
		same "what user space sees" "$first" 0x5e5e5e5e
	fi
	ok_dev dap-test.0 free 0
}

is_undone()
{
	unbind dap-test.0
	unload || fail "module in use"
	mpu_is_as_before
}

size_that_no_region_has()
{
	log_clear
	load guard=1 "pools=$(pool odd 0x1000 0x11000)" || fail "not loaded"
	log_has "guard=1: 0x00011000 bytes at .*: it fits neither one MPU region nor two"
	mpu_is_as_before
	unload
}

# One pool more than there are free regions. Four regions describe the rest of the
# memory, or the kernel uses some itself.
no_region_is_free()
{
	all=
	n=0
	while [ $n -le $((mpu_regions - mpu_first)) ]; do
		all=$all${all:+,}$(pool p$n $((n * 0x10000)) 0x10000)
		n=$((n + 1))
	done
	log_clear
	load guard=1 "pools=$all" || fail "not loaded"
	log_has "guard=1: 0x00010000 bytes at .*: too few MPU regions are free"
	same "pools that are guarded" \
	     $(log_since | grep -c "guarded by the MPU") $((n - 1))
	mpu_look
	same "regions in use" $mpu_used $mpu_regions
	unload
	mpu_is_as_before
}

# A pool without an alias has no second view to guard.
nothing_to_guard()
{
	log_clear
	load guard=1 "pools=sram:$(hex $pool_base):64K" || fail "cannot load"
	log_has "guard=1: DMA pool sram has no alias, so no other view to guard"
	mpu_is_as_before
	unload
}

ends() { unload_tests; }

# A driver uses the bus address as if it were the CPU address.
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

[ "$1" != stray ] || ktap_run stray_$2
# on machines that have one, the module does not decide what is tested
case $RIG_BOARD in
an385 | an500) ;;
*)
	load guard=1 "pools=$(pool sram)" 2>/dev/null && unload
	for why in "the CPU has no ARMv7-M MPU" "this is no ARMv7-M kernel"; do
		! dmesg | grep -q "$why" || ktap_run no_such_mpu
	done
	;;
esac
ktap_run registers alias_works is_undone size_that_no_region_has \
	no_region_is_free nothing_to_guard ends
