#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The check at load finds out whether the CPU caches the alias. On a machine with a
# data cache.
#
#   cacheability.sh uncached|wt|wb	the machine's alias is not cached, cached and
#					written through, cached and written back
#   cacheability.sh mpu		with the pools of cache-mpu.dtso
. "$(dirname "$0")/ktap.sh"
. "$here/engine.sh"
need_engine
need_pool

kind=$1
marks="0x12345678 0x9abcdef0 0xfadedbad"

# Write a few words through the cacheable view, so that not all of it is zero.
mark()
{
	load_tests || fail "cannot load the test devices"
	at=$pool_base
	for value in $marks; do
		ok_dev dap-test.0 poke $(hex $at) $value
		at=$((at + pool_size / 4 + 36))
	done
}

# The check has not changed the words that mark() wrote.
kept_marks()
{
	at=$pool_base
	for wanted in $marks; do
		ok_dev dap-test.0 peek $(hex $at)
		same "the word at $(hex $at)" "$value" $wanted
		at=$((at + pool_size / 4 + 36))
	done
}

# refused REGEX PARAMETER ...: the module does not load, says why, and changes nothing
refused()
{
	why=$1
	shift
	mark
	log_clear
	! load "$@" || fail "was accepted"
	log_has "$why"
	! grep -q dma_alias_pool /proc/iomem || fail "something is claimed"
	kept_marks
	unload_tests
}

cached_alias_is_refused()
{
	refused "$pool_alias is cached: make it non-cacheable" "pools=$(pool sram)"
}

# A wrong address of the alias is not reported as a cached alias.
wrong_alias_is_refused()
{
	elsewhere=$(hex $((pool_base + pool_size / 2)))
	half=$(hex $((pool_size / 2)))
	refused "$elsewhere is no alias of $pool_base" \
		"pools=sram:$pool_base:$half:$elsewhere"
}

uncached_alias_is_accepted()
{
	mark
	load "pools=$(pool sram)" || fail "was refused"
	kept_marks
	unload_all
}

without_alias_is_refused()
{
	refused "$pool_base is cached: " "pools=sram:$pool_base:$(hex $pool_size)"
}

unless_it_is_not_checked()
{
	load "pools=sram:$pool_base:$(hex $pool_size)" verify=0 || fail "was refused"
	unload
}

mpu_is_accepted()
{
	mark
	load "clients=dap-test.*@mpu" || fail "cannot load"
	[ -d $pools/mpu ] || fail "there is no pool"
	# marks were in dirty lines of the cache, and must now be in memory
	kept_marks
	unload_all
}

# The cache is full of dirty lines of the pool when the module is loaded. The tests run
# with and without the adversary (see cache.sh).
mpu_memory_is_coherent()
{
	load_engine || fail "cannot load the engine's driver"
	ok_engine run dirty normal 1 0 1 0 $(hex $pool_base) $((pool_size))
	load "clients=$engine@mpu" || fail "cannot load"
	unbind_engine
	bind_engine
	for name in whole reads reads_again late status soak; do
		for period in 0 20; do
			[ $name = whole ] && rounds=1 || rounds=50
			ok_engine run $name pool $rounds $period 1 4
			same "wrong rounds of $name, period $period" $wrong 0
			echo "# $name pool $runs $wrong"
		done
	done
	unload_engine
	unload || fail "module in use"
}

case $kind in
uncached)
	ktap_run uncached_alias_is_accepted wrong_alias_is_refused \
		without_alias_is_refused unless_it_is_not_checked
	;;
wt | wb)
	ktap_run cached_alias_is_refused
	;;
mpu)
	ktap_run mpu_is_accepted mpu_memory_is_coherent
	;;
*)
	ktap_skip_all "no such case: $kind"
	;;
esac
