#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Each memory allocation that happens on behalf of the module fails once: at load, when
# devices are bound, attached and detached, and when files are read. Also tests
# fail_alloc, which makes allocations of drivers from a pool fail. Needs a kernel with
# fault injection, and the program fail_nth beside this script.
. "$(dirname "$0")/ktap.sh"
. "$here/failslab.sh"
need_pool 256

pool_dev=/sys/bus/platform/devices/dma_alias_pool.0
[ -x "$here/fail_nth" ] || ktap_skip_all "no program fail_nth beside this script"
[ -e $failslab/require-start ] || ktap_skip_all "no failslab with a stack filter in this kernel"

autoprobe=/sys/bus/platform/drivers_autoprobe

ktap_undo()
{
	echo 1 >$autoprobe
	[ ! -e "$tmp/failslab" ] || failslab_restore "$tmp/failslab"
}

starts()
{
	failslab_save "$tmp/failslab"
	iomem=$(cat /proc/iomem)
	load_tests || fail "no test devices"
	usual_filter
}

# as_before: nothing is left of a load that failed
as_before()
{
	! is_loaded dma_alias_pool || fail "it is loaded"
	[ ! -e $pools ] || fail "its files are there"
	[ ! -e $pool_dev ] || fail "its device is there"
	same "claimed resources" "$(cat /proc/iomem)" "$iomem"
}

# each_fails WHAT UNDO HELPER_ARGUMENT ...: have fail_nth do something with its first
# allocation failing, then with its second, and so on. When there are no more
# allocations to fail, it must succeed. UNDO is called after each try, with the error
# number as its argument.
each_fails()
{
	what=$1
	undo=$2
	shift 2
	n=0 failed_cleanly=0
	while :; do
		n=$((n + 1))
		injected="" error=""
		eval "$("$here/fail_nth" $n "$@")"
		[ -n "$injected" ] || { fail "$what: no result"; break; }
		$undo $error
		[ "$injected" = 1 ] || break
		[ "$error" = 0 ] || failed_cleanly=$((failed_cleanly + 1))
		if [ -n "$failed" ]; then
			fail "$what: allocation $n, error $error"
			break
		fi
	done
	same "$what: error without a fault" "$error" 0
	[ $n -gt 1 ] || fail "$what: nothing was allocated"
	echo "# $what: $((n - 1)) faults injected, $failed_cleanly of them failed it"
}

after_load()
{
	if [ $1 -ne 0 ]; then
		as_before
	else
		# without these nobody can attach a device
		[ -e $pool_dev/attach ] && [ -e $pool_dev/detach ] ||
			fail "loaded without the files of the pool's device"
		unload || fail "loaded, but in use"
		as_before
	fi
}

loading()
{
	each_fails load after_load load "$(module_file "$here/dma_alias_pool.ko")" \
		"pools=$(pool sram) clients=dap-test.*@sram max_align=64K@sram"
}

# The records of a pool come from kvmalloc(), which uses vmalloc() if kmalloc() fails. To
# make both fail, all allocations below one function fail.
records_of_a_pool()
{
	# 64 pages: records of a larger pool would not come from a slab, and failslab
	# would not see them
	load "pools=$(pool sram 0 0x40000)" || fail "cannot load"
	filter $(address dap_pool_init) 0x400 $(address dap_region_claim) 0x800
	unload
	echo -1 >$failslab/times
	echo 100 >$failslab/probability
	log_clear
	! load "pools=$(pool sram 0 0x40000)" || fail "loaded without memory"
	echo 0 >$failslab/probability
	# not the module's own message: dev_err_probe() of newer kernels leaves out
	# those about -ENOMEM
	log_has "dma_alias_pool.0.* failed with error -12"
	as_before
	usual_filter
}

# Replace dap-test.0 by a device that was never bound. The module keeps its memory for a
# client as long as the device exists, so the old one would allocate nothing.
new_device()
{
	echo "del 0" >$tests/control
	same_stat sram clients 0
	echo "add 0" >$tests/control || fail "no device"
}

# If memory is missing, the device is bound without the pool, or not at all.
after_bind()
{
	has_client sram dap-test.0 || without=$((without + 1))
	[ ! -e $driver/dap-test.0 ] || unbind dap-test.0
	same_stat sram live_allocs 0
	new_device
}

binding()
{
	echo 0 >$autoprobe
	new_device
	without=0
	each_fails bind after_bind write $driver/bind dap-test.0
	[ $without -gt 0 ] || fail "no fault kept it from the pool"
	echo "# bind: $without of them kept it from the pool"
	echo 1 >$autoprobe
	bind dap-test.0
	ok_dev dap-test.0 alloc 4096
	from_pool
	ok_dev dap-test.0 free all
}

# After a request the device must have its driver, with the pool or without it.
after_request()
{
	[ -e $driver/dap-test.1 ] || bind dap-test.1
	[ -e $driver/dap-test.1 ] || fail "not bound again"
	ok_dev dap-test.1 alloc 4096
	ok_dev dap-test.1 free all
	same_stat sram live_allocs 0
}

after_attach()
{
	after_request
	! has_client sram dap-test.1 ||
		echo dap-test.1 >$pool_dev/detach || fail "not detached"
}

after_detach()
{
	after_request
	has_client sram dap-test.1 ||
		echo dap-test.1 >$pool_dev/attach || fail "not attached"
}

# The driver core says neither that it has no memory for a device link, nor that there is
# another reason.
attaching()
{
	log_clear
	each_fails attach after_attach write $pool_dev/attach dap-test.1
	! log_since | grep -q "the pool's device depends on it\$" ||
		fail "the log calls a lack of memory a dependency"
}

detaching()
{
	echo dap-test.1 >$pool_dev/attach || fail "not attached"
	each_fails detach after_detach write $pool_dev/detach dap-test.1
}

nothing() { :; }

reading()
{
	ok_dev dap-test.0 alloc 4096
	for file in stats clients allocations map requests failures peak; do
		each_fails "read $file" nothing read $pools/sram/$file
	done
	ok_dev dap-test.0 free all
}

# --- allocations from the pool

# refused_of_30 N: with fail_alloc as it is set, N of 30 requests fail. Then it is turned
# off.
refused_of_30()
{
	n=1 refusals=0
	while [ $n -le 30 ]; do
		do_dev dap-test.0 alloc 4096 && from_pool ||
			refusals=$((refusals + 1))
		n=$((n + 1))
	done
	echo 0 >$knobs/probability
	same "requests of 30 that failed" $refusals $1
}

fail_alloc()
{
	knobs=$pools/sram/fail_alloc
	[ -d $knobs ] || fail "no files for it"
	echo 0 >$knobs/verbose
	echo -1 >$knobs/times
	echo 3 >$knobs/interval
	before=$(stat_of sram fail_count)
	ok_dev dap-test.0 alloc 4096
	echo 100 >$knobs/probability
	log_clear
	refused_of_30 10
	same_stat sram fail_count $((before + 10))
	same_stat sram fallback_count 0
	log_has "dap-test.0: DMA pool sram: no 4096 bytes: fail_alloc in debugfs demands it"
	set -- $(sed -n 2p $pools/sram/failures)
	same "in failures" "$2 $5 $6" "4096 dap-test.0 -12"
	ok_dev dap-test.0 free all
	ok_dev dap-test.0 alloc 4096
	ok_dev dap-test.0 free all
	echo "# fail_alloc: $refusals faults injected"
}

as_documented()
{
	if [ ! -e "$here/docs/fail-alloc" ]; then
		skip "the documentation is not here"
		return
	fi
	(cd $pools/sram && sh "$here/docs/fail-alloc") || fail "docs/fail-alloc"
	refused_of_30 3
	ok_dev dap-test.0 free all
}

# If a probe gets no memory and fails, nothing is left of it.
fails_a_probe()
{
	unbind dap-test.0
	echo dap-test.0 >/sys/module/dma_alias_pool_test/parameters/need
	echo 1 >$knobs/interval
	echo 1 >$knobs/times
	echo 100 >$knobs/probability
	bind dap-test.0
	[ ! -e $driver/dap-test.0 ] || fail "bound without memory"
	same_stat sram live_allocs 0
	bind dap-test.0
	[ -e $driver/dap-test.0 ] || fail "not bound when there is memory"
	unbind dap-test.0
	echo >/sys/module/dma_alias_pool_test/parameters/need
	echo 0 >$knobs/probability
}

next_load_works()
{
	unload || fail "module in use"
	as_before
	load "pools=$(pool sram)" clients=dap-test.* || fail "cannot load"
	unbind dap-test.0
	bind dap-test.0
	ok_dev dap-test.0 alloc $pool_size
	from_pool
	ok_dev dap-test.0 free all
	unload_all || fail "in use"
}

with_a_pool()
{
	load "pools=$(pool sram)" clients=dap-test.0 || fail "cannot load"
}

life=$debugfs/dma_alias_pool_life
life_driver=/sys/bus/platform/drivers/dap-life

unbound_device()
{
	echo "add L0" >$life/control || fail "no device"
	[ ! -e $life_driver/dap-life.0 ] || fail "bound"
}

# What is said to be served gets the pool's memory; what is refused is no client.
after_api()
{
	if [ "$1" = 0 ]; then
		echo "alloc L0 0 4096" >$life/control || fail "served, and gets no memory"
		same_stat sram live_allocs 1
		echo "free L0 0" >$life/control
		echo "detach L0" >$life/control || fail "not detached"
	fi
	! has_client sram dap-life.0 || fail "refused, and a client"
	echo "del L0" >$life/control
	unbound_device
}

# A driver asks for a device that it has made, and that has no driver.
asking_for_a_child()
{
	insmod "$here/dma_alias_pool_life.ko" || fail "no devices without a driver"
	load "pools=$(pool sram)" clients=dap-life.3 || fail "cannot load"
	# the first client decides how a pool is mapped
	echo "add L3" >$life/control
	echo "maker L0" >$life/control
	echo 0 >$autoprobe
	unbound_device
	each_fails ask after_api write $life/control "attach L0 sram"
	echo 1 >$autoprobe
	for unit in L0 L3; do
		echo "del $unit" >$life/control || fail "del $unit"
	done
	unload || fail "module in use"
	rmmod dma_alias_pool_life || fail "the test devices stay"
}

# The device that has copied the operations gets memory by them, and the module stays, also
# if it is not listed. The other device works as before.
after_copy()
{
	[ -e $life_driver/dap-life.1 ] || fail "a fault keeps it from its driver"
	if ! has_client sram dap-life.1; then
		unlisted=$((unlisted + 1))
		! unload 2>/dev/null || fail "unloaded under a driver that has its operations"
	fi
	for unit in L1 L0; do
		echo "alloc $unit 0 4096" >$life/control || fail "$unit gets no memory"
		same_stat sram live_allocs 1
		echo "free $unit 0" >$life/control || fail "$unit cannot free"
	done
	echo dap-life.1 >$life_driver/unbind
	same_stat sram live_allocs 0
}

# Without memory for a record as a borrower, the pool's list of clients lacks a driver that
# has copied operations. They stay as long as it has them, and nothing stays after it.
copying()
{
	insmod "$here/dma_alias_pool_life.ko" || fail "no devices that copy"
	load "pools=$(pool sram)" clients=dap-life.0 || fail "cannot load"
	for step in "add L0" "add L1" "mode L1 copy L0"; do
		echo "$step" >$life/control || fail "$step"
	done
	echo dap-life.1 >$life_driver/unbind
	unlisted=0
	each_fails copy after_copy write $life_driver/bind dap-life.1
	[ $unlisted -gt 0 ] || fail "no fault kept it from the list of clients"
	echo "# copy: $unlisted of them kept it from the list of clients"
	for step in "del L1" "del L0"; do
		echo "$step" >$life/control || fail "$step"
	done
	unload || fail "module in use"
	rmmod dma_alias_pool_life || fail "the test devices stay"
}

ktap_run starts loading records_of_a_pool with_a_pool binding attaching detaching \
	reading fail_alloc as_documented fails_a_probe next_load_works asking_for_a_child \
	copying
