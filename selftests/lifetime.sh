#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Nothing goes away while somebody holds memory of it: unbind, failed probes,
# removed devices, the pool's own unbind, rmmod. lifetime.sh [REBINDS]
. "$(dirname "$0")/ktap.sh"
need_pool
rebinds=${1:-1000}

params=/sys/module/dma_alias_pool_test/parameters
pool_driver=/sys/bus/platform/drivers/dma_alias_pool

attaches_before_probe()
{
	# The device exists before the module does, its driver is bound after.
	load_tests || fail "no test module"
	unbind dap-test.0
	load "pools=$(pool sram)" "clients=dap-test.0" || fail "cannot load"
	bind dap-test.0
	ok_dev dap-test.0 alloc 4096
	from_pool
	ok_dev dap-test.0 free 0
	# So that the driver core suspends and shuts down in order.
	is_consumer dap-test.0 || fail "the device is no consumer of its pool's device"
	# To take the link away costs the kernel a thread for some time.
	unbind dap-test.0
	is_consumer dap-test.0 || fail "the link comes and goes with the driver"
	bind dap-test.0
}

# It was bound before the load: it is not touched while its driver uses it.
leaves_bound_devices_alone()
{
	not_served dap-test.1
	! has_client sram dap-test.1 || fail "it is a client"
	unbind dap-test.1
	bind dap-test.1
	! has_client sram dap-test.1 ||
		fail "a client that clients= does not name"
	unload_tests
	unload
}

rmmod_is_refused_while_memory_is_held()
{
	load_all
	ok_dev dap-test.0 alloc 4096
	! unload 2>/dev/null || fail "unloaded with memory allocated"
	ok_dev dap-test.0 fill 0 0x77
	ok_dev dap-test.0 check 0 0x77
	same_stat sram live_allocs 1
	ok_dev dap-test.0 free 0
	unload || fail "still refused after the last free"
	is_loaded dma_alias_pool && fail "still there"
}

# Without memory held, rmmod unbinds the clients: nothing may use ops that are
# gone. Then they are bound again, without the pool.
rmmod_binds_clients_again()
{
	[ -e $driver/dap-test.0 ] || fail "dap-test.0 is not bound again"
	log_has "dap-test.0: was unbound because of dma_alias_pool.0, and is bound again"
	! is_consumer dap-test.0 || fail "dap-test.0 is linked to a pool that is gone"
	not_served dap-test.0
	ok_dev dap-test.0 map 1500 to
	unload_tests
}

failed_probe_frees_to_the_pool()
{
	load_all
	unbind dap-test.0
	before=$(stat_of sram free_count)
	echo dap-test.0 >$params/fail_probe
	bind dap-test.0
	[ ! -e $driver/dap-test.0 ] || fail "the probe did not fail"
	same_stat sram free_count $((before + 1))
	same_stat sram live_allocs 0
	same_stat sram bad_free_count 0
	bind dap-test.0
	same_stat sram live_allocs 0
	echo >$params/fail_probe
	bind dap-test.0
	ok_dev dap-test.0 alloc 4096
	ok_dev dap-test.0 free all
}

tried_again() { [ "$(stat_of sram alloc_count)" -gt $before ]; }

# It takes memory each time, and is tried again whenever another device is bound.
deferred_probe_frees_to_the_pool()
{
	echo dap-test.1 >$params/defer
	echo "del 1" >$tests/control
	echo "add 1" >$tests/control
	[ ! -e $driver/dap-test.1 ] || fail "bound"
	before=$(stat_of sram alloc_count)
	unbind dap-test.0
	bind dap-test.0
	wait_for tried_again || fail "not tried again"
	wait_stat sram live_allocs 0
	same_stat sram bad_free_count 0
	echo >$params/defer
	unbind dap-test.0
	bind dap-test.0
	wait_for do_dev dap-test.1 limits
	[ -e $driver/dap-test.1 ] || fail "not bound in the end"
	ok_dev dap-test.1 alloc 4096
	from_pool
	ok_dev dap-test.1 free 0
}

free_after_unbind()
{
	echo dap-test.0 >$params/leak
	ok_dev dap-test.0 alloc 5000
	ok_dev dap-test.0 alloc 1
	log_clear
	unbind dap-test.0
	log_has "dap-test.0: driver dap-test is gone but still holds 5001 bytes of DMA pool sram in 2 allocations"
	same_stat sram live_allocs 2
	! unload 2>/dev/null || fail "unloaded with leaked memory"
	ok_dev dap-test.0 fill 0 0x5c
	ok_dev dap-test.0 check 0 0x5c
	ok_dev dap-test.0 free 0
	same_stat sram live_allocs 1
	bind dap-test.0
	ok_dev dap-test.0 free 1
	same_stat sram live_allocs 0
	same_stat sram bad_free_count 0
}

# Memory of the normal allocator, too, has to come back through the same ops.
fallback_after_unbind()
{
	if ! falls_back; then
		skip "the kernel maintains no caches"
		return
	fi
	ok_dev dap-test.1 alloc $pool_size
	ok_dev dap-test.0 alloc 4096 nokmap
	same_stat sram fallback_count 1
	unbind dap-test.0
	ok_dev dap-test.1 free 0
	same_stat sram live_allocs 0
	! unload 2>/dev/null || fail "unloaded with a fallback's memory held"
	echo "del 0" >$tests/control
	same_stat sram clients 2
	ok_dev dap-test.0 free 0
	wait_stat sram clients 1
	same_stat sram bad_free_count 0
	echo >$params/leak
	unload_all || fail "module in use"
	load_all
	echo dap-test.0 >$params/leak
}

# Leaked memory is not given out again: the hardware may still write to it.
leak_stays_with_its_device()
{
	ok_dev dap-test.0 alloc $((pool_size - 36864))
	leaks=0
	while [ $leaks -lt 9 ]; do
		ok_dev dap-test.0 alloc 1
		leaks=$((leaks + 1))
	done
	log_clear
	unbind dap-test.0
	log_has "dap-test.0: driver dap-test is gone but still holds $((pool_size - 36864 + 9)) bytes of DMA pool sram in 10 allocations"
	log_has "dap-test.0: $((pool_size - 36864)) bytes at offset 0x0, from do_alloc"
	same "allocations named" \
	     "$(dmesg | grep -c 'dap-test.0: [0-9]* bytes at offset .* from do_alloc')" 8
	log_has "dap-test.0: and 2 more, see allocations in debugfs"
	unserved dap-test.1 alloc 1 nowarn
	bind dap-test.0
	unserved dap-test.0 alloc 1 nowarn
	ok_dev dap-test.0 free all
	ok_dev dap-test.0 alloc 1
	ok_dev dap-test.0 free 0
	echo >$params/leak
}

device_is_removed()
{
	same_stat sram clients 2
	echo "del 1" >$tests/control
	same_stat sram clients 1
	echo "add 1" >$tests/control
	same_stat sram clients 2
}

device_is_removed_with_memory()
{
	echo "add 2" >$tests/control
	echo dap-test.2 >$params/leak
	ok_dev dap-test.2 alloc 4096
	echo "del 2" >$tests/control
	same_stat sram live_allocs 1
	same_stat sram clients 3
	! unload 2>/dev/null || fail "unloaded with leaked memory"
	ok_dev dap-test.2 free 0
	wait_stat sram live_allocs 0
	wait_stat sram clients 2
	echo >$params/leak
}

# As a person would bind it again, by sysfs; then the clients.
pool_comes_back()
{
	rig_watch off
	echo dma_alias_pool.0 >$pool_driver/bind
	rig_watch on
	# A device that is bound is left alone.
	unbind dap-test.0
	bind dap-test.0
	# The module may be at it already, and bind does not wait for that.
	wait_for do_dev dap-test.0 limits
	ok_dev dap-test.0 alloc 4096
	from_pool
	ok_dev dap-test.0 free 0
}

no_pool() { [ ! -d $pools/sram ]; }

# What was waiting for a last free goes some time after it.
nothing_is_left()
{
	wait_for no_pool || fail "debugfs directory left"
	! grep -q "dma_alias_pool" /proc/iomem || fail "resources left"
}

# rmmod is not the only way to take a pool away.
# The clients' drivers come first, and are served until they have gone.
pool_is_unbound()
{
	# bound more often than once
	unbind dap-test.0
	bind dap-test.0
	echo dap-test.0 >$params/last_use
	log_clear
	echo dma_alias_pool.0 >$pool_driver/unbind
	log_has "dap-test.0: remove: has memory"
	echo >$params/last_use
	[ -e $driver/dap-test.0 ] || fail "dap-test.0 is not bound again"
	not_served dap-test.0
	! is_consumer dap-test.0 || fail "dap-test.0 is linked to a pool that is gone"
	nothing_is_left
	pool_comes_back
	unbind dap-test.1
	bind dap-test.1
}

pool_is_unbound_with_memory()
{
	echo dap-test.0 >$params/leak
	ok_dev dap-test.0 alloc 4096
	log_clear
	echo dma_alias_pool.0 >$pool_driver/unbind
	log_has "dap-test.0: driver dap-test is gone but still holds"
	same_stat sram live_allocs 1
	grep -q "dma_alias_pool sram" /proc/iomem || fail "memory was released"
	! unload 2>/dev/null || fail "unloaded with leaked memory"
	! is_consumer dap-test.0 || fail "dap-test.0 is linked to a pool that is gone"
	# Its memory stays taken, so there is no second pool over it.
	log_clear
	! echo dma_alias_pool.0 2>/dev/null >$pool_driver/bind ||
		fail "a second pool on the same memory"
	log_has "there is a DMA pool sram already: its memory is still held"
	log_clear
	unserved dap-test.0 alloc 4096
	unserved_says "dap-test.0: DMA pool sram: no 4096 bytes: it is gone"
	ok_dev dap-test.0 check 0 0
	ok_dev dap-test.0 free 0
	echo >$params/leak
	unbind dap-test.0
	nothing_is_left
	pool_comes_back
}

# What the test module still holds is freed when it goes, long after unbind.
freed_after_everything_else()
{
	echo dap-test.0 >$params/leak
	ok_dev dap-test.0 alloc 4096
	unload_tests || fail "test module in use"
	same_stat sram live_allocs 0
	unload || fail "module in use"
	nothing_is_left
}

# rebind COUNT
rebind()
{
	n=0
	while [ $n -lt $1 ]; do
		echo dap-test.0 >$driver/unbind
		echo dap-test.0 >$driver/bind
		n=$((n + 1))
	done
}

# loads COUNT
loads()
{
	n=0
	while [ $n -lt $1 ]; do
		load_all || fail "load $n failed"
		unload_all || fail "unload $n failed"
		n=$((n + 1))
	done
}

threads()
{
	read -r _ _ _ threads_of _ </proc/loadavg
	echo ${threads_of#*/}
}

# 64 KiB would be 64 bytes a time, of a thousand. What the kernel leaves for later
# at each unbind may not pile up either, as threads that wait.
many_rebinds()
{
	load_all
	before=$(threads)
	rebind $((rebinds / 5))
	after=$(threads)
	[ $((after - before)) -le 4 ] || fail "threads went from $before to $after"
	leaks_nothing 64 rebind $rebinds
	same_stat sram clients 2
	same_stat sram live_allocs 0
	ok_dev dap-test.0 alloc 4096
	ok_dev dap-test.0 free 0
	unload_all
}

# pools_come_back COUNT: and have a client each time
pools_come_back()
{
	rig_watch off
	n=0
	while [ $n -lt $1 ]; do
		echo dma_alias_pool.0 >$pool_driver/unbind
		echo dma_alias_pool.0 >$pool_driver/bind
		unbind dap-test.0
		bind dap-test.0
		n=$((n + 1))
	done
	rig_watch on
}

# What there is of a pool until its last client is freed is about 1 KiB.
many_pools()
{
	load_all
	leaks_nothing 64 pools_come_back $((rebinds / 10))
	unload_all
}

many_loads()
{
	# the records of a pool are 17 KiB
	leaks_nothing 160 loads 20
}

ktap_run attaches_before_probe leaves_bound_devices_alone \
	rmmod_is_refused_while_memory_is_held rmmod_binds_clients_again \
	failed_probe_frees_to_the_pool \
	deferred_probe_frees_to_the_pool free_after_unbind \
	fallback_after_unbind \
	leak_stays_with_its_device device_is_removed \
	device_is_removed_with_memory pool_is_unbound \
	pool_is_unbound_with_memory freed_after_everything_else many_rebinds many_pools \
	many_loads
