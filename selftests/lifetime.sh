#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# lifetime.sh [REBINDS] - memory of a pool stays valid until it is freed, whatever goes
# before that: the driver, by unbind or a failed probe, the device, the pool's own
# device. The module cannot be unloaded until then.
. "$(dirname "$0")/ktap.sh"
need_pool
rebinds=${1:-1000}

pool_driver=/sys/bus/platform/drivers/dma_alias_pool

attaches_before_probe()
{
	# the device exists before the module is loaded, its driver is bound afterwards
	load_tests || fail "no test module"
	unbind dap-test.0
	load "pools=$(pool sram)" "clients=dap-test.0" || fail "cannot load"
	bind dap-test.0
	ok_dev dap-test.0 alloc 4096
	from_pool
	ok_dev dap-test.0 free 0
	# the link has the driver core suspend and shut down in the right order
	is_consumer dap-test.0 || fail "the device is no consumer of its pool's device"
	# the link stays at unbind: deleting it would occupy a thread of the kernel
	# for some time
	unbind dap-test.0
	is_consumer dap-test.0 || fail "the link comes and goes with the driver"
	bind dap-test.0
}

# A device that was bound before the load is left alone as long as its driver is bound.
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

# If no memory is held, rmmod unbinds the clients, so that no driver uses the module's
# operations any more, and binds them again without the pool.
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

# A deferred probe takes memory each time. The kernel tries it again whenever another
# device is bound.
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
	log_has "dap-test.0: driver dap-test is gone but still holds 5001 bytes of DMA pool sram in 2 allocations, and 0 of normal memory"
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

free_after_failed_probe()
{
	frees_after_failed_probe dap-test.0
	same_stat sram live_allocs 0
	same_stat sram bad_free_count 0
}

# A client's memory that is not the pool's has to be freed by the same operations, too.
fallback_after_unbind()
{
	if ! falls_back; then
		skip "the kernel maintains no caches"
		return
	fi
	ok_dev dap-test.1 alloc $pool_size
	ok_dev dap-test.0 alloc 4096 nokmap
	same_stat sram fallback_count 1
	# it pins the module, so it has to show who has it
	same "live bytes and normal memory" \
		"$(sed -n 's/^dap-test.0 *//p' $pools/sram/clients | tr -s ' ' | cut -d ' ' -f 2,6)" "0 1"
	log_clear
	unbind dap-test.0
	log_has "dap-test.0: driver dap-test is gone but still holds 0 bytes of DMA pool sram in 0 allocations, and 1 of normal memory"
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

# Memory that a driver has left allocated is not given to anybody else, since the
# hardware may still write to it.
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
	log_has "dap-test.0: $((pool_size - 36864)) bytes at offset 0x0, from $caller"
	same "allocations named" \
	     "$(log_since | grep -c "dap-test.0: [0-9]* bytes at offset .* from $caller")" 8
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

# pool_comes_back: bind the pool's device again by sysfs, and then a client
pool_comes_back()
{
	rig_watch off
	echo dma_alias_pool.0 >$pool_driver/bind
	rig_watch on
	# the new pool has left the device alone if it was bound
	unbind dap-test.0
	bind dap-test.0
	# the module may be binding the device just now; the write to bind then fails
	# at once
	wait_for do_dev dap-test.0 limits
	ok_dev dap-test.0 alloc 4096
	from_pool
	ok_dev dap-test.0 free 0
}

no_pool() { [ ! -d $pools/sram ]; }

# A pool that was waiting for its last free goes some time after it.
nothing_is_left()
{
	wait_for no_pool || fail "debugfs directory left"
	! grep -q "dma_alias_pool" /proc/iomem || fail "resources left"
}

# A pool can also go by unbinding its device. Before that the drivers of its clients are
# unbound, and are served until they have gone.
pool_is_unbound()
{
	# it has been bound more than once
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
	# no second pool over memory that is still held
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

# The test module frees what it still holds when it is unloaded, long after unbind.
freed_after_everything_else()
{
	echo dap-test.0 >$params/leak
	ok_dev dap-test.0 alloc 4096
	unload_tests || fail "test module in use"
	same_stat sram live_allocs 0
	unload || fail "module in use"
	nothing_is_left
}

# rebind COUNT: unbind and bind dap-test.0 so many times
rebind()
{
	n=0
	while [ $n -lt $1 ]; do
		echo dap-test.0 >$driver/unbind && echo dap-test.0 >$driver/bind ||
			fail "rebind $n failed"
		n=$((n + 1))
	done
}

# loads COUNT: load and unload everything so many times
loads()
{
	n=0
	while [ $n -lt $1 ]; do
		load_all || fail "load $n failed"
		unload_all || fail "unload $n failed"
		n=$((n + 1))
	done
}

# How many threads there are.
threads()
{
	read -r _ _ _ threads_of _ </proc/loadavg
	echo ${threads_of#*/}
}

# With a thousand rebinds, a limit of 48 KiB finds a leak of 64 bytes in each. Threads
# that wait for something at each unbind must not pile up either: that would be one for
# each. On a board, others begin and end meanwhile.
many_rebinds()
{
	load_all
	tries=1
	[ -n "$RIG_RELAY" ] || tries=5
	while :; do
		before=$(threads)
		rebind $((rebinds / 5))
		after=$(threads)
		[ $((after - before)) -gt 4 ] || break
		tries=$((tries - 1))
		[ $tries -gt 0 ] || {
			fail "threads went from $before to $after"
			break
		}
	done
	leaks_nothing 48 rebind $rebinds
	same_stat sram clients 2
	same_stat sram live_allocs 0
	ok_dev dap-test.0 alloc 4096
	ok_dev dap-test.0 free 0
	unload_all
}

# pools_come_back COUNT: the pool goes and comes back so many times, with a client
pools_come_back()
{
	rig_watch off
	n=0
	while [ $n -lt $1 ]; do
		echo dma_alias_pool.0 >$pool_driver/unbind &&
			echo dma_alias_pool.0 >$pool_driver/bind || fail "round $n failed"
		unbind dap-test.0
		# the pool that came may have it bound just now
		bind dap-test.0 2>/dev/null || wait_for [ -e $driver/dap-test.0 ] ||
			fail "bind $n failed"
		n=$((n + 1))
	done
	rig_watch on
}

# The module keeps about 1 KiB of a pool until its last client is freed.
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
	deferred_probe_frees_to_the_pool free_after_unbind free_after_failed_probe \
	fallback_after_unbind \
	leak_stays_with_its_device device_is_removed \
	device_is_removed_with_memory pool_is_unbound \
	pool_is_unbound_with_memory freed_after_everything_else many_rebinds many_pools \
	many_loads
