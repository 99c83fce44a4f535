#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# clients.sh [TEST...] - what becomes of clients when their driver, their pool or the
# module goes, or another device whose DMA operations they have copied. Each test is
# about one way in which that has gone wrong in the past.
#
# Tests of default pools need the region of rig/boards/an385/run-time.dtso and the
# overlays of run-time/. The test with the kernel's own pool needs kernel-pool.dtso.
. "$(dirname "$0")/ktap.sh"
need_pool

life=$debugfs/dma_alias_pool_life
overlays=$debugfs/dma_alias_pool_overlay
platform=/sys/bus/platform/devices
life_driver=/sys/bus/platform/drivers/dap-life
other_driver=/sys/bus/dap-bus/drivers/dap-other
pool_driver=/sys/bus/platform/drivers/dma_alias_pool
pool_a=dma_alias_pool.0
pool_b=dma_alias_pool.1
pool_d=20400000.dma-pool
pool_d0=dma_alias_pool.0
# children before their parents, since these take the files of their children with them
units="B1 B0 L0 L1 L2 S0 S1 X0"

# The default pool has the first half of the memory.
quarter=$((pool_size / 4))
a_base=$((pool_base + 2 * quarter))
b_base=$((pool_base + 3 * quarter))
d_base=$pool_base
two_pools="$(pool a $((2 * quarter)) $quarter),$(pool b $((3 * quarter)) $quarter)"

# --- the devices; dma_alias_pool_life.c says what they can do

life() { echo "$*" 2>/dev/null >$life/control; }

ok_life() { life "$@" || fail "$* failed"; }

bad_life() { ! life "$@" || fail "$* did not fail"; }

# device UNIT: its name
device()
{
	case $1 in
	L*) echo dap-life.${1#L} ;;
	X0) echo dap-other ;;
	S*) echo dap-stuck.${1#S} ;;
	B0) echo dap-bare ;;
	*) echo dap-bare-child ;;
	esac
}

# unit UNIT: read what the test module knows of it into variables. The module reports
# what must not happen in lines that begin with "!", once; ends() makes them fail.
unit()
{
	exists=0 is_bound=0 created=0 released=0 ops=n differs=0 changed=0 memory=
	while read -r unit_name unit_rest; do
		case $unit_name in
		!*) findings="$findings $unit_name $unit_rest" ;;
		"$1") known $unit_rest ;;
		esac
	done <$life/state
}

# known EXISTS BOUND CREATED RELEASED OPS DIFFERS CHANGED SLOT=DMA/SIZE ...
known()
{
	exists=$1 is_bound=$2 created=$3 released=$4 ops=$5 differs=$6 changed=$7
	shift 7
	memory=" $*"
}

is_bound() { [ -e $platform/$(device $1)/driver ]; }

bound() { is_bound $1 || fail "$(device $1) has no driver"; }

not_bound() { ! is_bound $1 || fail "$(device $1) has a driver"; }

bind_life() { echo "$(device $1)" 2>/dev/null >$life_driver/bind; }
unbind_life() { echo "$(device $1)" 2>/dev/null >$life_driver/unbind; }

rebind()
{
	unbind_life $1
	bind_life $1 || fail "$(device $1) cannot be bound again"
}

is_released()
{
	unit $1
	[ $created = $released ]
}

# released UNIT: wait until nobody has a reference to its device
released()
{
	wait_for is_released $1 || fail "$(device $1) is not released"
}

# serves POOL UNIT: its coherent memory comes from the pool, and streaming DMA works
serves()
{
	has_client $1 "$(device $2)" || fail "$(device $2) is no client of $1"
	has_memory_of $1 $2 2
	ok_life free $2 2
	ok_life map $2
	same_stat $1 bad_free_count 0
}

# has_memory_of POOL UNIT SLOT: allocate memory, which must be the pool's
has_memory_of()
{
	if ! life alloc $2 $3 5000; then
		fail "$(device $2) gets no memory"
		return
	fi
	unit $2
	dma=${memory##* $3=}
	dma=0x${dma%%/*}
	case $1 in
	a) bus_in_pool $a_base $quarter ;;
	b) bus_in_pool $b_base $quarter ;;
	d | run-time) bus_in_pool $d_base $((2 * quarter)) ;;
	esac || fail "memory of $(device $2) is at $dma, not in pool $1"
}

ops_are()
{
	unit $1
	[ $ops = $2 ]
}

# has_ops UNIT n|x: wait until the device has no DMA operations of its own (n), or has
# some that are not the test module's (x)
has_ops() { wait_for ops_are $1 $2 || fail "ops of $(device $1): $ops, not $2"; }

# kernel_serves_only UNIT: it is no client, and gets memory only where the kernel can
# make it
kernel_serves_only()
{
	for pool in a b d; do
		[ ! -d $pools/$pool ] || no_client $pool "$(device $1)" ||
			fail "$(device $1) is a client of $pool"
	done
	if ! kernel_serves; then
		fails_life memory alloc $1 2 5000
		return
	fi
	ok_life alloc $1 2 5000
	unit $1
	dma=${memory##* 2=}
	dma=0x${dma%%/*}
	not_from_pool
	ok_life free $1 2
}

# --- pools

attach() { echo "$2" 2>/dev/null >$platform/$1/attach; }
detach() { echo "$2" 2>/dev/null >$platform/$1/detach; }

# fails attach|detach POOL_DEVICE DEVICE ERROR: the write fails with this error
fails()
{
	fails_error=$(error_of $platform/$2/$1 $3)
	case $fails_error in
	*"$4"*) ;;
	"") fail "$1 of $3 did not fail" ;;
	*) fail "$1 of $3: not '$4' but: $fails_error" ;;
	esac
}

bind_pool()
{
	rig_watch off
	bind_failed=
	echo $1 2>/dev/null >$pool_driver/bind || bind_failed=y
	rig_watch on
	[ -z "$bind_failed" ]
}

# is_gone POOL: has the pool disappeared? It does when its device is gone and all of its
# memory is free.
is_gone() { [ ! -d $pools/$1 ]; }

unbind_pool() { echo $1 2>/dev/null >$pool_driver/unbind; }

# Only a device tree can describe a default pool.
with_overlays() { [ -d /proc/device-tree/reserved-memory/run-time@20000000 ]; }

# An overlay has to be written in one piece, so dd does it with a large block.
apply_overlay()
{
	dd if="$here/overlays/$1.dtbo" of=$overlays/apply bs=64k 2>/dev/null
}

add_default()
{
	insmod "$here/dma_alias_pool_overlay.ko"
	rig_watch off
	apply_overlay default || fail "no default pool"
	rig_watch on
}

# starts_region [UNIT...]: as starts, with a pool over a region that the device tree
# reserves. The pool has no clients until a driver asks for the region.
region_node=/region-user
starts_region()
{
	insmod "$here/dma_alias_pool_life.ko" || fail "no test module"
	bad_life_of_region "before there is a module"
	load "pools=$(pool d 0 $((2 * quarter))),$(pool a $((2 * quarter)) $quarter)" ||
		fail "cannot load"
	for unit; do
		ok_life add $unit
	done
	log_clear
}

# bad_life_of_region WHEN: a driver that asks for the region fails
bad_life_of_region()
{
	life add L2
	! life region L2 $region_node || fail "there is a region $1"
	life del L2
}

# starts CLIENTS [UNIT...]: load the module with two pools, and add these units
starts()
{
	insmod "$here/dma_alias_pool_life.ko" || fail "no test module"
	load "pools=$two_pools" ${1:+clients=$1} || fail "cannot load"
	shift
	for unit; do
		ok_life add $unit
	done
	log_clear
}

nothing_is_left()
{
	[ ! -d $pools ] || fail "debugfs directory left"
	! grep -q dma_alias_pool /proc/iomem || fail "resources left"
}

# unloaded: the module can be unloaded, since nobody uses it
unloaded()
{
	wait_for unload || fail "the module is in use"
	nothing_is_left
}

ends()
{
	for unit in $units; do
		for slot in 0 1 2; do
			life free $unit $slot
		done
		life del $unit
	done
	! is_loaded dma_alias_pool || unloaded
	! is_loaded dma_alias_pool_overlay || rmmod dma_alias_pool_overlay
	for unit in $units; do
		released $unit
	done
	[ -z "$findings" ] || fail "$findings"
	findings=
	rmmod dma_alias_pool_life || fail "the test module is in use"
}

# begins COMMAND ...: run it in the background; in_time waits for its end. A call of
# fail there only sets a variable of the background shell, so in_time repeats it here.
# If "life slow EVENT MS" came before, the command sleeps for so many milliseconds when
# it has come to that event, or until in_time is called: is_slowed waits for it to begin.
begins()
{
	rm -f "$tmp/status"
	{ failed=; "$@"; echo "failed=$failed" >"$tmp/status"; } &
}

in_time()
{
	ok_life slow -
	if ! wait_for [ -s "$tmp/status" ]; then
		fail "$* does not come to an end"
	elif grep -q failed=1 "$tmp/status"; then
		fail "$* failed"
	fi
}

is_slowed() { wait_for has_slowed || fail "nothing comes to the slow event"; }

has_slowed()
{
	read -r slowed <$life/slowed
	[ "$slowed" -gt 0 ]
}

# --- tests

# The pool is gone, and the client's last memory is freed while a driver is bound that
# may be executing the client's DMA operations. These must not go under it.
freed_while_bound_again()
{
	starts dap-life.0@a L0
	ok_life keep L0 1
	has_memory_of a L0 0
	unbind_pool $pool_a
	log_has "dap-life.0: driver dap-life is gone but still holds 5000 bytes of DMA pool a"
	is_bound L0 || bind_life L0
	bound L0
	! unload 2>/dev/null || fail "unloaded with memory held"
	ok_life free L0 0
	# the driver's next memory comes from the kernel
	wait_for is_gone a || fail "the pool stays"
	kernel_serves_only L0
	! unload 2>/dev/null || fail "unloaded under a driver"
	bound L0
	unbind_life L0
	unloaded
	bind_life L0
	kernel_serves_only L0
	ends
}

# A device that holds memory of a pool that is gone is bound several times. When the
# last memory is free, the pool can come back.
bound_with_memory_of_a_dead_pool()
{
	starts dap-life.0@a L0
	ok_life keep L0 1
	has_memory_of a L0 0
	has_memory_of a L0 1
	unbind_pool $pool_a
	is_bound L0 || bind_life L0
	rebind L0
	bound L0
	snooped || bad_life alloc L0 2 5000
	fails attach $pool_b dap-life.0 busy
	log_has "dap-life.0: not attached to DMA pool b: it holds memory of a"
	! bind_pool $pool_a || fail "two pools in one memory"
	ok_life free L0 0
	rebind L0
	same_stat a live_allocs 1
	same_stat a bad_free_count 0
	unbind_life L0
	ok_life free L0 1
	wait_for is_gone a
	bind_pool $pool_a || fail "the pool does not come back"
	wait_for is_bound L0 || bind_life L0
	serves a L0
	ends
}

# A pool may take over a client of the default pool. The client's DMA operations must
# not change while its driver is bound.
default_client_is_taken_over()
{
	if ! with_overlays; then
		skip "no overlays"
		return
	fi
	insmod "$here/dma_alias_pool_life.ko" || fail "no test module"
	add_default
	load "pools=$two_pools" || fail "cannot load"
	ok_life add L0
	serves d L0
	attach $pool_a dap-life.0 || fail "attach failed"
	serves a L0
	no_client d dap-life.0 || fail "a client of both"
	unit L0
	same "ops changed under the driver" $differs$changed 00
	rebind L0
	serves a L0
	unit L0
	same "ops changed under the driver" $differs$changed 00
	# a client that holds memory cannot be taken over
	ok_life add L1
	has_memory_of d L1 0
	fails attach $pool_a dap-life.1 busy
	ok_life free L1 0
	# nor can one whose driver asks for a pool that it cannot have
	ok_life supply L1 $pool_b
	bad_life attach L1 b
	serves d L1
	# nor one that somebody has asked to be where it is
	attach $pool_d dap-life.1 || fail "attach failed"
	fails attach $pool_a dap-life.1 busy
	serves d L1
	# at unload, the client of the first pool that goes does not become a client
	# of the pools that go after it
	has_client a dap-life.0 || fail "no client of a"
	log_clear
	unloaded
	! log_since | grep -q "coherent DMA memory comes from pool" ||
		fail "a client for a moment"
	bound L0
	ends
}

pool_refused()
{
	for to in $pool_a $pool_b; do
		log_clear
		fails attach $to $1 "Invalid argument"
		log_has "$1: not attached to DMA pool"
	done
}

# The device of a pool cannot be a client. The attach must be refused without taking
# that device's lock: whoever holds the lock may be waiting for the attach to end.
pool_as_a_client()
{
	starts ""
	begins pool_refused $pool_a
	in_time "attach of a pool"
	begins pool_refused $pool_b
	in_time "attach of a pool"
	unbind_pool $pool_b
	fails attach $pool_a $pool_b "Invalid argument"
	bind_pool $pool_b || fail "pool b does not come back"
	n=0
	while [ $n -lt 5 ]; do
		for pool in $pool_a $pool_b; do
			ok_life slow unbind 200
			begins unbind_pool $pool
			is_slowed
			attach $pool_a $pool && fail "attached"
			attach $pool_b $pool && fail "attached"
			in_time "unbinding a pool's device"
			bind_pool $pool || fail "$pool does not come back"
		done
		n=$((n + 1))
	done
	ends
}

# The platform data of a device that somebody else has made describes no pool.
data_of_another_driver()
{
	starts "" L0
	unbind_life L0
	echo dma_alias_pool >$platform/dap-life.0/driver_override
	log_clear
	! bind_pool dap-life.0 || fail "it is a pool"
	! dmesg | grep "dma_alias_pool dap-life.0: " || fail "that is no failure"
	not_bound L0
	echo >$platform/dap-life.0/driver_override
	bind_life L0
	kernel_serves_only L0
	ends
}

# One such device was a client when its driver was bound, the other one was attached
# under its driver.
drivers_that_cannot_be_unbound()
{
	starts dap-stuck.0@a S0
	serves a S0
	bound S0
	ok_life add S1
	kernel_serves_only S1
	attach $pool_a dap-stuck.1 || fail "attach failed"
	serves a S1
	! unload 2>/dev/null || fail "unloaded"
	for stuck in dap-stuck.0 dap-stuck.1; do
		log_clear
		fails detach $pool_a $stuck busy
		log_has "$stuck: not detached from DMA pool a: its driver cannot be unbound"
	done
	serves a S0
	serves a S1
	unbind_pool $pool_a
	for unit in S0 S1; do
		bound $unit
		kernel_serves_only $unit
		# a driver that runs keeps them, since it may be calling them, whoever
		# says that they have finished
		bad_life detach $unit
		has_ops $unit x
	done
	unit S0
	same "ops changed under the driver" $differs 0
	! unload 2>/dev/null || fail "unloaded under drivers"
	bind_pool $pool_a || fail "the pool does not come back"
	attach $pool_a dap-stuck.1 || fail "attach failed"
	serves a S1
	ok_life del S0
	ok_life del S1
	unloaded
	ends

	# as long as no driver is bound to such a device, the module can be unloaded
	starts dap-stuck.0@a
	ok_life mode S0 fail
	ok_life add S0
	not_bound S0
	has_client a dap-stuck.0 || fail "no client"
	unloaded
	ok_life mode S0 ok
	ends
}

# An attach that comes while the device is being removed must not make a client of it,
# since nobody would let that client go.
attached_while_removed()
{
	starts ""
	for event in del unbind unbound removed removed+; do
		ok_life add L0
		ok_life slow $event 300
		begins life del L0
		is_slowed
		attach $pool_a dap-life.0
		in_time "removal in $event"
		same_stat a clients 0
		released L0
	done
	# the in-kernel API does not look the device up by its name, so it comes further
	for event in del removed removed+; do
		ok_life add L0
		unbind_life L0
		ok_life slow $event 300
		begins life del L0
		is_slowed
		life attach L0 a
		in_time "removal in $event"
		same_stat a clients 0
		released L0
	done
	ends
}

# The module must not keep a reference to a removed device until its work item runs.
# Here the work item is busy with another device. When an overlay is removed, nobody
# may have a reference to its nodes, or the kernel complains.
removed_while_busy()
{
	if ! with_overlays; then
		skip "no overlays"
		return
	fi
	starts dap-life.0@a L0
	load_tests || fail "no test module"
	insmod "$here/dma_alias_pool_overlay.ko" || fail "no overlays here"
	ok_life keep L0 1
	has_memory_of a L0 0
	ok_life del L0
	apply_overlay late || fail "not applied"
	attach $pool_a overlay-test-late || fail "attach failed"
	ok_dev overlay-test-late alloc 5000
	ok_dev overlay-test-late free 0
	has_client a overlay-test-late || fail "no client"
	log_clear
	ok_life slow released 10000
	ok_life free L0 0
	is_slowed
	echo 1 >$overlays/remove || fail "not removed"
	! log_since | grep 'OF: ERROR' || fail "somebody has its node"
	ok_life slow -
	unload_tests
	ends
}

# A client holds the last memory of a default pool whose device is gone, first without
# and then with a driver.
default_pool_dies()
{
	if ! with_overlays; then
		skip "no overlays"
		return
	fi
	insmod "$here/dma_alias_pool_life.ko" || fail "no test module"
	add_default
	load || fail "cannot load"
	ok_life add L0
	ok_life keep L0 1
	has_memory_of d L0 0
	unbind_pool $pool_d
	! bind_pool $pool_d || fail "two pools in one memory"
	ok_life add L1
	kernel_serves_only L1
	ok_life del L0
	same_stat d clients 1
	ok_life free L0 0
	released L0
	wait_for is_gone d
	bind_pool $pool_d || fail "the pool does not come back"
	rebind L1
	serves d L1
	ok_life keep L1 1
	has_memory_of d L1 0
	unbind_pool $pool_d
	is_bound L1 || bind_life L1
	ok_life free L1 0
	wait_for is_gone d
	bind_pool $pool_d || fail "the pool does not come back"
	rebind L1
	serves d L1
	ends
}

# If the driver does not bind again after an attach or detach, the write fails, even
# though the attach or detach itself has succeeded.
probe_fails_at_attach()
{
	starts "" L0
	ok_life mode L0 fail
	fails attach $pool_a dap-life.0 "No such device or address"
	log_has "dap-life.0: is a client of DMA pool a, but its driver did not bind"
	not_bound L0
	has_client a dap-life.0 || fail "no client"
	ok_life mode L0 ok
	bind_life L0
	serves a L0
	log_clear
	ok_life mode L0 fail
	fails detach $pool_a dap-life.0 "No such device or address"
	log_has "dap-life.0: its driver did not bind without DMA pool a"
	not_bound L0
	no_client a dap-life.0 || fail "still a client"
	ok_life mode L0 ok
	bind_life L0
	kernel_serves_only L0
	ends
}

# The driver copies the DMA operations of another device (the lender) to its own device
# (the borrower), as some drivers do for children.
copied_operations()
{
	starts dap-life.0@a L0
	ok_life mode L1 copy L0
	ok_life add L1
	serves a L1
	serves a L0
	# its pool serves it already, and no other pool gets it
	attach $pool_a dap-life.1 || fail "attach failed"
	serves a L1
	! attach $pool_b dap-life.1 || fail "attached to another pool"
	serves a L1
	serves a L0
	rebind L1
	serves a L1
	rebind L0
	serves a L0
	ends
}

copied_before_attach()
{
	starts dap-life.0@a L0
	ok_life mode S0 copy L0
	ok_life add S0
	serves a S0
	attach $pool_a dap-stuck.0
	serves a S0
	fails detach $pool_a dap-life.0 busy
	serves a S0
	! unload 2>/dev/null || fail "unloaded under a driver"
	ok_life del S0
	detach $pool_a dap-life.0 || fail "detach failed"
	ends
}

# The lender goes, by its pool or by itself. What it has lent stays valid for as long as
# the borrower uses it.
lender_goes()
{
	starts dap-life.0@a L0
	ok_life mode L1 copy L0
	ok_life add L1
	serves a L1
	unbind_pool $pool_a
	for unit in L0 L1; do
		bound $unit
		kernel_serves_only $unit
	done
	bind_pool $pool_a || fail "the pool does not come back"
	rebind L0
	rebind L1
	serves a L1
	ok_life del L0
	serves a L1
	has_memory_of a L1 0
	! unload 2>/dev/null || fail "unloaded with memory held"
	ok_life free L1 0
	unbind_life L1
	released L0
	ok_life add L0
	bind_life L1
	serves a L1
	unloaded
	for unit in L0 L1; do
		bound $unit
		kernel_serves_only $unit
	done
	ends
}

# The borrower holds memory when its driver goes. Only the copied operations can free
# this memory, so they must stay until then.
borrower_leaves_memory()
{
	starts dap-life.0@a L0
	ok_life mode L1 copy L0
	ok_life add L1
	ok_life keep L1 2
	has_memory_of a L1 0
	unbind_life L1
	fails detach $pool_a dap-life.0 busy
	ok_life mode L1 ok
	bind_life L1
	has_memory_of a L1 1
	ok_life free L1 0
	unbind_life L1
	bind_life L1
	ok_life free L1 1
	# a driver is bound that may still use the copied operations
	fails detach $pool_a dap-life.0 busy
	unbind_life L1
	same_stat a bad_free_count 0
	no_client a dap-life.1 || fail "a client for ever"
	detach $pool_a dap-life.0 || fail "detach failed"
	has_ops L1 n

	# the same if no driver is bound afterwards
	attach $pool_a dap-life.0 || fail "attach failed"
	ok_life mode L1 copy L0
	bind_life L1
	has_memory_of a L1 0
	unbind_life L1
	ok_life free L1 0
	detach $pool_a dap-life.0 || fail "detach failed"
	has_ops L1 n
	bind_life L1
	kernel_serves_only L1
	ends
}

borrower_with_memory_is_removed()
{
	starts dap-life.0@a L0
	ok_life mode L1 copy L0
	ok_life add L1
	ok_life keep L1 2
	has_memory_of a L1 0
	ok_life del L1
	ok_life free L1 0
	released L1
	same_stat a bad_free_count 0
	detach $pool_a dap-life.0 || fail "detach failed"

	# the same if the lender and the pool go first
	attach $pool_a dap-life.0 || fail "attach failed"
	ok_life add L1
	has_memory_of a L1 0
	unbind_pool $pool_a
	bound L1
	unbind_life L1
	ok_life del L0
	! unload 2>/dev/null || fail "unloaded with memory held"
	ok_life free L1 0
	wait_for is_gone a || fail "the pool stays"
	released L0
	has_ops L1 n
	ends
}

# The lender still holds memory of a pool that is gone. Its operations are then copied.
lender_has_no_pool()
{
	starts dap-life.0@a L0
	ok_life keep L0 1
	has_memory_of a L0 0
	unbind_pool $pool_a
	ok_life mode L1 copy L0
	ok_life add L1
	has_ops L1 x
	! is_consumer dap-life.1 || fail "linked to a pool that is gone"
	ok_life free L0 0
	! unload 2>/dev/null || fail "unloaded under a driver"
	ok_life mode L1 ok
	rebind L1
	wait_for is_gone a || fail "the pool stays"
	has_ops L0 x
	for unit in L0 L1; do
		kernel_serves_only $unit
		rebind $unit
		has_ops $unit n
		kernel_serves_only $unit
	done
	ends
}

# The probe copies operations, takes managed memory by them, and fails. The driver core
# then frees this memory, which must go back to where it came from.
probe_copies_and_fails()
{
	starts dap-life.0@a,dap-life.1@b L0
	for id in 1 2; do
		ok_life mode L$id copyfail L0
		ok_life add L$id
		not_bound L$id
		same_stat a live_allocs 0
		same_stat a bad_free_count 0
		same_stat b bad_free_count 0
	done
	ok_life mode L1 ok
	bind_life L1
	serves b L1
	detach $pool_a dap-life.0 || fail "detach failed"
	has_ops L2 n
	ok_life mode L2 ok
	bind_life L2
	kernel_serves_only L2
	ends
}

# The borrower is a client of another pool by itself. As long as it has copied
# operations, it is a client of the lender's pool only.
borrower_has_a_pool()
{
	starts dap-life.0@a,dap-life.1@b L0
	ok_life mode L1 copy L0
	ok_life add L1
	ok_life keep L1 2
	serves a L1
	no_client b dap-life.1 || fail "a client of both"
	has_memory_of a L1 0
	unbind_life L1
	fails detach $pool_a dap-life.1 busy
	ok_life mode L1 ok
	bind_life L1
	has_memory_of a L1 1
	unbind_life L1
	ok_life free L1 0
	ok_life free L1 1
	bind_life L1
	serves b L1

	# the lender goes with its pool: the borrower keeps no operations, and returns
	# to its own pool
	ok_life mode L1 copy L0
	rebind L1
	has_memory_of a L1 0
	unbind_life L1
	ok_life free L1 0
	unbind_pool $pool_a
	wait_for is_gone a || fail "the pool stays"
	has_ops L1 n
	ok_life mode L1 ok
	bind_life L1
	serves b L1
	ends
}

# The lender's pool goes while the borrower is bound. In a second round it is the
# borrower's own pool that goes.
borrower_and_pools_go()
{
	starts dap-life.0@a,dap-life.1@b L0
	ok_life mode L1 copy L0
	ok_life add L1
	ok_life mode L1 ok
	unbind_pool $pool_a
	log_has "dap-life.1: was unbound because of $pool_a, and is bound again"
	wait_for is_gone a || fail "the pool stays"
	serves b L1
	bind_pool $pool_a || fail "the pool does not come back"
	rebind L0
	ok_life mode L1 copy L0
	rebind L1
	unbind_pool $pool_b
	wait_for is_gone b || fail "the pool stays"
	serves a L1
	unit L1
	same "ops changed under the driver" $differs$changed 00
	fails detach $pool_a dap-life.0 busy
	unbind_life L1
	detach $pool_a dap-life.0 || fail "detach failed"
	has_ops L1 n
	ends
}

# Devices without a driver, which have their parent's operations: a child, and a child of
# that child.
children()
{
	starts dap-life.0@a L0
	ok_life add B0 L0
	ok_life add B1 B0
	for unit in B0 B1; do
		has_memory_of a $unit 0
		fails detach $pool_a dap-life.0 busy
		ok_life free $unit 0
	done
	detach $pool_a dap-life.0 || fail "detach failed"
	has_ops B0 n
	has_ops B1 n
	ok_life del B1
	ok_life del B0

	# a child that is a client itself
	attach $pool_a dap-life.0 || fail "attach failed"
	ok_life add B0 L0
	ok_life attach B0 b
	serves b B0
	detach $pool_a dap-life.0 || fail "detach failed"
	serves b B0
	ok_life detach B0
	has_ops B0 n
	ok_life del B0
	ends
}

# A child without a driver, of a device whose driver has copied another's operations.
# These are of a device that is not above the child.
child_of_a_borrower()
{
	starts dap-life.0@a L0
	ok_life mode L1 copy L0
	ok_life add L1
	ok_life add B0 L1
	has_memory_of a B0 0
	ok_life free B0 0
	unbind_pool $pool_a
	wait_for is_gone a || fail "the pool stays"
	has_ops B0 n
	ok_life map B0
	unbind_life L1
	ok_life mode L1 ok

	# the driver that has copied them is gone before the lender
	bind_pool $pool_a || fail "the pool does not come back"
	rebind L0
	ok_life mode L1 copy L0
	bind_life L1
	ok_life del B0
	ok_life add B0 L1
	unbind_life L1
	ok_life map B0
	detach $pool_a dap-life.0 || fail "detach failed"
	wait_for ops_are B0 n || fail "the child keeps the operations"
	ok_life map B0
	ok_life del B0
	ends
}

# A child that has memory by its parent's operations asks for another pool.
child_with_memory_of_its_parent()
{
	starts dap-life.0@a L0
	ok_life add B0 L0
	has_memory_of a B0 0
	bad_life attach B0 b
	log_has "dap-bare: not attached to DMA pool b: it may hold memory of a"
	no_client b dap-bare || fail "a client after all"
	ok_life free B0 0
	same_stat a live_allocs 0
	ok_life attach B0 b
	serves b B0
	ok_life del B0
	ends
}

# A child asks for a pool when its parent is a client no more, but has not been freed.
# That takes a while, as the device of another client is freed before.
child_of_the_dead()
{
	starts "dap-life.0@a,dap-life.1@a" L0 L1
	ok_life add B0 L0
	ok_life keep L1 1
	has_memory_of a L1 0
	ok_life del L1
	ok_life slow released 10000
	begins ok_life free L1 0
	is_slowed
	ok_life detach L0
	ok_life attach B0 b
	ok_life map B0
	in_time "freeing memory"
	serves b B0
	ok_life detach B0
	has_ops B0 n
	ok_life map B0
	ok_life del B0
	ends
}

# A client that is about to be freed is used once more: another driver copies its
# operations, or its own driver is bound again.
used_while_it_goes()
{
	starts dap-life.0@a L0
	ok_life keep L0 1
	has_memory_of a L0 0
	unbind_pool $pool_a
	bound L0
	ok_life slow unbind 10000
	begins unbind_life L0
	is_slowed
	ok_life free L0 0
	ok_life mode L1 copy L0
	ok_life add L1
	in_time "unbinding a device"
	wait_for is_gone a || fail "the pool stays"
	has_ops L1 x
	kernel_serves_only L1
	has_ops L0 n

	bind_pool $pool_a || fail "the pool does not come back"
	bind_life L0
	has_memory_of a L0 0
	unbind_pool $pool_a
	unbind_life L0
	ok_life slow bind 10000
	begins bind_life L0
	is_slowed
	ok_life free L0 0
	nap 100000 # for the module's work item to begin
	in_time "binding a device"
	wait_for is_gone a || fail "the pool stays"
	unit L0
	same "ops changed under the driver" $differs 0
	has_ops L0 n
	ends
}

# While a client of a dead pool is being freed, a probe that holds the client's device
# lock binds the pool's device again. Neither may wait for the other forever.
probe_binds_the_pool()
{
	starts dap-life.0@a L0
	ok_life keep L0 1
	has_memory_of a L0 0
	unbind_pool $pool_a
	unbind_life L0
	ok_life mode L0 bind $pool_a
	ok_life slow bind 10000
	# the check of the alias accesses the cacheable view
	rig_watch off
	begins bind_life L0
	is_slowed
	ok_life free L0 0
	nap 100000 # for the module's work item to begin
	in_time "binding a pool's device in a probe"
	rig_watch on
	ok_life mode L0 ok
	is_bound L0 || bind_life L0
	unbind_life L0
	# the probe may have come before the dead pool was freed, and failed
	[ -e $platform/$pool_a/driver ] ||
		wait_for bind_pool $pool_a || fail "the pool does not come back"
	bind_life L0
	serves a L0
	ends
}

# Sysfs cannot find a device that is on no bus, so only the in-kernel API can attach it.
device_on_no_bus()
{
	starts "" B0
	ok_life attach B0 a
	serves a B0
	! unload 2>/dev/null || fail "unloaded"
	bad_life attach B0 b
	has_memory_of a B0 0
	bad_life detach B0
	ok_life free B0 0
	ok_life detach B0
	bad_life detach B0
	same_stat a clients 0
	unloaded

	load "pools=$two_pools" || fail "cannot load"
	ok_life attach B0 b
	has_memory_of b B0 0
	ok_life free B0 0
	ok_life del B0
	released B0
	same_stat b clients 0
	log_clear
	bad_life raw a
	log_has "dap-raw: not attached to DMA pool a: it is not registered"
	same_stat a clients 0
	ok_life add B0
	ok_life limit B0 4095
	bad_life attach B0 a
	log_has "dap-bare: not attached to DMA pool a: its bus cannot address the pool"
	same_stat a clients 0
	ok_life limit B0 0
	ok_life attach B0 a
	unbind_pool $pool_a
	kernel_serves_only B0
	! unload 2>/dev/null || fail "unloaded under its user"
	ok_life del B0
	released B0
	unloaded
	ends
}

# The pool of a device on no bus goes, and may come back: the device can be given back all
# the same.
given_back_after_its_pool()
{
	starts "" B0
	ok_life attach B0 a
	unbind_pool $pool_a
	ok_life detach B0
	bad_life detach B0
	unloaded

	load "pools=$two_pools" || fail "cannot load"
	ok_life attach B0 a
	has_memory_of a B0 0
	unbind_pool $pool_a
	bad_life detach B0
	ok_life free B0 0
	wait_for bind_pool $pool_a || fail "the pool does not come back"
	ok_life attach B0 b
	serves b B0
	has_memory_of b B0 0
	bad_life detach B0
	ok_life free B0 0
	ok_life detach B0
	kernel_serves_only B0
	unloaded
	ends
}

# The module does not hear of a driver on this bus, so an attachment could not wait for one.
attached_on_another_bus()
{
	starts "" X0
	echo dap-other >$other_driver/unbind
	log_clear
	bad_life attach X0 a
	log_has "dap-other: not attached to DMA pool a: its driver has to ask, on this bus"
	same_stat a clients 0
	echo dap-other >$other_driver/bind
	kernel_serves_only X0
	ok_life del X0
	released X0
	unloaded
	ends
}

# The lender is freed first: what the borrower holds can still come back.
lender_on_no_bus_goes()
{
	starts "" B0
	ok_life attach B0 a
	ok_life mode L1 copy B0
	ok_life add L1
	serves a L1
	has_memory_of a L1 0
	ok_life del B0
	ok_life free L1 0
	same_stat a live_allocs 0
	same_stat a bad_free_count 0
	ok_life del L1
	released L1
	released B0
	same_stat a clients 0
	unloaded
	ends
}

# orphan_goes: remove B1, whose parent was removed before it. That is a mistake, of which
# older kernels with CONFIG_PM warn.
orphan_goes()
{
	rig_allow "sysfs group 'power' not found for kobject 'dap-bare-child'"
	ok_life del B1
	rig_end_expect
}

# A child that has copied the operations of its parent, which is on no bus, and is no
# client any more, by its own will or since it was removed.
child_on_no_bus()
{
	for unit_ends in "detach B0" "del B0"; do
		starts "" B0
		ok_life attach B0 a
		ok_life add B1 B0
		ok_life $unit_ends
		has_ops B1 n
		same_stat a clients 0
		unloaded
		has_ops B1 n
		kernel_serves_only B1
		if [ "$unit_ends" = "del B0" ]; then
			orphan_goes
		else
			ok_life del B1
			ok_life del B0
		fi
		released B0
		ends
	done
}

# A child has the operations of its parent's client, which has ended with its pool, since
# the parent's driver is still bound. A driver copies them, then the child gets a pool.
child_of_the_ended()
{
	starts "" S0
	attach $pool_a dap-stuck.0 || fail "attach failed"
	ok_life add B1 S0
	unbind_pool $pool_a
	has_ops B1 x
	kernel_serves_only B1
	ok_life mode L1 copy B1
	ok_life add L1
	has_ops L1 x
	kernel_serves_only L1
	ok_life attach B1 b
	serves b B1
	ok_life del S0
	serves b B1
	ok_life detach B1
	has_ops B1 n
	kernel_serves_only B1
	orphan_goes
	ends
}

# A request that failed leaves nothing behind that needs the module.
refused_on_no_bus()
{
	starts "" B0
	ok_life limit B0 4095
	bad_life attach B0 a
	unloaded
	ok_life del B0
	released B0
	ends
}

# A driver on such a bus has left memory, and the one that is bound next asks for no pool. So
# nobody would tell when that one goes.
late_free_on_another_bus()
{
	starts ""
	for last in free ask detach; do
		ok_life mode X0 api a
		ok_life add X0
		has_memory_of a X0 0
		ok_life keep X0 1
		echo dap-other >$other_driver/unbind
		ok_life mode X0 ok
		echo dap-other >$other_driver/bind
		# arm64 before 6.12 has taken the operations away, without telling anybody
		has_ops X0 x
		ok_life free X0 0
		case $last in
		ask)
			wait_for life attach X0 a || fail "cannot ask"
			serves a X0
			has_memory_of a X0 1
			echo dap-other >$other_driver/unbind
			has_ops X0 x
			ok_life free X0 1
			echo dap-other >$other_driver/bind
			;;
		detach) wait_for life detach X0 || fail "cannot be detached" ;;
		esac
		kernel_serves_only X0
		ok_life del X0
		released X0
	done
	unloaded
	ends
}

# What releases a device may be code of the module that removes it, and is unloaded next.
# This test comes first: once the kernel has a worker for the links, that mostly is in time.
released_at_once()
{
	starts dap-life.*@a L0 L1
	ok_life del L0
	unbind_life L1
	ok_life del L1
	ok_life mode X0 api a
	ok_life add X0
	ok_life del X0
	same "late releases" "$(cat $life/late)" 0
	ends
}

# The driver gets its region by of_reserved_mem_device_init(), and its probe fails
# without one. When it goes, it releases the region before its memory is freed.
region_of_a_driver()
{
	with_overlays || { skip "no region in the device tree"; return; }
	starts_region
	ok_life mode L0 region $region_node
	ok_life add L0
	log_has "dap-life.0: assigned reserved memory node run-time@20000000"
	log_has "dap-life.0: coherent DMA memory comes from pool d"
	serves d L0
	has_memory_of d L0 0
	unbind_life L0
	same_stat d clients 0
	same_stat d live_allocs 0
	bind_life L0
	serves d L0

	# memory that it leaves allocated stays, and does not disturb the next probe
	ok_life keep L0 1
	has_memory_of d L0 0
	rebind L0
	serves d L0
	ok_life free L0 0
	rebind L0
	serves d L0

	# sysfs cannot detach it: its driver would only ask for the region again
	log_clear
	fails detach $pool_b dap-life.0 "No such file"
	log_has "dap-life.0: not detached from DMA pool a: it is no client of it"
	fails detach $pool_d0 dap-life.0 busy
	log_has "dap-life.0: not detached from DMA pool d: a driver asks for it"
	ok_life unregion L0
	kernel_serves_only L0
	ok_life region L0 $region_node
	serves d L0
	# its driver detaches it by the API, and then releases the region all the same
	ok_life detach L0
	ok_life unregion L0
	unbind_life L0

	bind_life L0
	serves d L0
	log_clear
	unbind_pool $pool_d0
	not_bound L0
	log_has "dap-life.0: was unbound because of $pool_d0, and its driver did not bind again"
	bad_life_of_region "without its pool"
	bind_pool $pool_d0 || fail "the pool does not come back"
	bind_life L0
	serves d L0
	unloaded
	not_bound L0
	bad_life_of_region "without the module"
	ends
}

# said_idle COUNT: how often the log says that the default pool has nobody to serve
said_idle()
{
	same "how often that is said" \
	     "$(log_since | grep -c 'DMA pool d is the default, but all devices that it could serve count as coherent in hardware: name those')" $1
}

# This kernel takes all devices of the machine for coherent, so a default pool has nobody
# to serve. The log says that once.
default_serves_nobody()
{
	with_overlays || { skip "no default pool"; return; }
	insmod "$here/dma_alias_pool_life.ko" || fail "no test module"
	add_default
	log_clear
	load "pools=$two_pools" || fail "cannot load"
	said_idle 1
	unbind_pool $pool_b
	bind_pool $pool_b || fail "a pool does not come back"
	unloaded
	said_idle 1

	# a device could be served if its driver were unbound: no message
	ok_life add L0
	log_clear
	load || fail "cannot load"
	kernel_serves || said_idle 0
	unloaded
	# somebody has named a client: no message
	unbind_life L0
	log_clear
	load clients=dap-life.0@d || fail "cannot load"
	serves d L0
	said_idle 0
	ends
}

# A probe that fails when it already has the region, and a driver that cannot be unbound.
region_at_probe()
{
	with_overlays || { skip "no region in the device tree"; return; }
	starts_region
	ok_life mode L0 region_fails $region_node
	ok_life add L0
	not_bound L0
	wait_stat d clients 0
	ok_life mode L0 ok
	bind_life L0
	no_client d dap-life.0 || fail "still a client"

	# the driver core frees managed memory when all have heard of the failure
	unbind_life L0
	ok_life mode L0 region_holds $region_node
	bind_life L0 2>/dev/null
	not_bound L0
	wait_stat d clients 0
	ok_life mode L0 ok
	bind_life L0
	no_client d dap-life.0 || fail "a client of what its driver never asked for"

	ok_life mode S0 region $region_node
	ok_life add S0
	serves d S0
	! unload 2>/dev/null || fail "unloaded"
	ok_life unregion S0
	kernel_serves_only S0
	ok_life del S0
	same_stat d clients 0
	ends
}

# A child device that a driver has made is on no bus. It gets the region without a probe.
region_of_a_child()
{
	with_overlays || { skip "no region in the device tree"; return; }
	starts_region B0
	ok_life region B0 $region_node
	serves d B0
	ok_life unregion B0
	kernel_serves_only B0
	same_stat d clients 0
	stays_loaded
	ok_life region B0 $region_node
	serves d B0
	has_memory_of d B0 0
	ok_life unregion B0
	serves d B0
	ok_life free B0 0
	ok_life del B0
	released B0
	same_stat d clients 0

	# it has the operations of its parent, which is a client of that pool and holds
	# memory of it (remoteproc of Linux 5.10)
	ok_life add L0
	attach $pool_d0 dap-life.0 || fail "attach failed"
	has_memory_of d L0 0
	ok_life add B0 L0
	ok_life region B0 $region_node
	has_memory_of d B0 0
	ok_life free B0 0
	ok_life unregion B0
	# but not when that is no client any more, and only has memory to free
	ok_life keep L0 1
	ok_life del L0
	fails_life "busy" region B0 $region_node
	log_has "dap-bare: not attached to DMA pool d: it may hold memory of d"
	ok_life free L0 0
	ok_life keep L0 0
	ok_life del B0
	released B0
	released L0
	same_stat d clients 0

	# the pool goes and comes back: the child has lost its claim to the region, so
	# that releasing it does not end a later attach
	ok_life add B0
	ok_life region B0 $region_node
	unbind_pool $pool_d0
	kernel_serves_only B0
	bad_life region B0 $region_node
	bind_pool $pool_d0 || fail "the pool does not come back"
	ok_life attach B0 d
	ok_life unregion B0
	serves d B0
	ok_life del B0
	released B0

	# the driver releases the region when the pool is gone
	ok_life add B0
	ok_life region B0 $region_node
	serves d B0
	unbind_pool $pool_d0
	ok_life unregion B0
	ok_life del B0
	released B0
	unloaded
	ends
}

# adds_unprobed UNIT: add it, so that nobody hears of it
adds_unprobed()
{
	echo 0 >/sys/bus/platform/drivers_autoprobe
	ok_life add $1
	echo 1 >/sys/bus/platform/drivers_autoprobe
}

# A child on a bus may have no driver, and get its memory all the same. If it gets a
# driver, that may come and go.
child_without_a_driver()
{
	# the first client decides how a pool is mapped
	starts dap-life.3@a L3
	ok_life maker L0
	ok_life mode L0 fail
	adds_unprobed L0
	not_bound L0
	! kernel_serves || ok_life alloc L0 1 5000
	ok_life attach L0 a
	log_has "dap-life.0: coherent DMA memory comes from pool a"
	! kernel_serves || ok_life free L0 1
	serves a L0
	has_memory_of a L0 0
	! bind_life L0 || fail "bound"
	serves a L0
	ok_life mode L0 ok
	bind_life L0 || fail "not bound"
	serves a L0
	ok_life free L0 0
	unbind_life L0
	serves a L0
	ok_life detach L0
	kernel_serves_only L0
	ok_life attach L0 a
	serves a L0
	ok_life del L0
	released L0
	ends
}

# A borrower is bound again while the lender holds memory, and copies the same once more.
borrower_copies_again()
{
	starts dap-life.0@a L0
	ok_life mode L1 copy L0
	ok_life add L1
	has_memory_of a L0 0
	log_clear
	rebind L1
	! log_since | grep -q "has set other DMA operations" ||
		fail "the log says that these are not the pool's"
	ok_life free L0 0
	ends
}

# A driver that asks for the pool in its probe does so again when it is detached.
detached_and_asks_again()
{
	starts "" L0
	ok_life mode L0 api a
	rebind L0
	serves a L0
	fails detach $pool_a dap-life.0 busy
	log_has "dap-life.0: not detached from DMA pool a: a driver asks for it"
	serves a L0
	ok_life mode L0 ok
	detach $pool_a dap-life.0 || fail "detach failed"
	kernel_serves_only L0
	ends
}

# Somebody has named it for the pool already, and no driver was there to be bound. Whoever
# made it may be using it at any time: it keeps its operations until they say that they
# have finished, or it is removed, whatever becomes of the pool and of drivers.
child_named_before()
{
	starts dap-life.3@a L3
	ok_life maker L0
	adds_unprobed L0
	echo none >$platform/dap-life.0/driver_override
	attach $pool_a dap-life.0 || fail "attach failed"
	log_clear
	ok_life attach L0 a
	log_has "dap-life.0: coherent DMA memory comes from pool a"
	serves a L0
	stays_loaded
	fails detach $pool_a dap-life.0 busy
	log_has "dap-life.0: not detached from DMA pool a: a driver asks for it"
	serves a L0
	log_clear
	pool_leaves_it L0
	! log_since | grep -q "dap-life.0: was unbound" ||
		fail "somebody tried to bind it"
	ok_life detach L0
	has_ops L0 n
	bad_life detach L0

	# it holds memory when the pool goes
	bind_pool $pool_a || fail "the pool does not come back"
	rebind L3
	ok_life attach L0 a
	has_memory_of a L0 0
	unbind_pool $pool_a
	has_client a dap-life.0 || fail "no client"
	ok_life free L0 0
	wait_for is_gone a || fail "the pool stays"
	has_ops L0 x
	kernel_serves_only L0
	stays_loaded
	ok_life del L0
	released L0
	unloaded
	ends
}

# starts_child CLIENTS UNIT: as starts(), and L0 gets pool a, which whoever has made it
# uses without a driver
starts_child()
{
	starts $1 $2
	ok_life maker L0
	ok_life mode L0 fail
	adds_unprobed L0
	ok_life attach L0 a
}

# ends_given_back UNIT: its maker may be in an operation until they say that they have
# finished. Then nothing of it is left.
ends_given_back()
{
	has_ops $1 x
	stays_loaded
	ok_life detach $1
	has_ops $1 n
	unloaded
	ends
}

# A driver gives a child other operations, and loses them: those that its maker may be in
# are there again, also if that could not be at once.
child_that_copied_for_longer()
{
	starts_child dap-life.1@b L1
	ok_life keep L1 1
	ok_life mode L0 copy L1
	bind_life L0 || fail "not bound"
	has_memory_of b L1 0
	unbind_life L0
	has_client b dap-life.0 || fail "no client"
	ok_life free L1 0
	ok_life mode L0 ok
	bind_life L0 || fail "not bound"
	no_client b dap-life.0 || fail "still a client"
	has_ops L0 x
	kernel_serves_only L0
	unbind_life L0
	ends_given_back L0
}

# The operations that its driver copies are of no use any more.
child_that_copies_from_one_that_ended()
{
	starts_child dap-stuck.0@b,dap-life.1@a S0
	unbind_pool $pool_b
	has_ops S0 x
	ok_life mode L0 copy S0
	log_clear
	bind_life L0 || fail "not bound"
	log_has "dap-life.0: coherent DMA memory comes from pool a"
	serves a L0
	unbind_life L0
	serves a L0
	ok_life detach L0

	# what its probe has got by them is freed by its own
	ok_life mode L1 copyfail S0
	adds_unprobed L1
	ok_life snoops L1 1
	! bind_life L1 || fail "bound"
	has_client a dap-life.1 || fail "no client"
	same_stat a bad_free_count 0
	ends
}

# What its driver has copied ends with the driver, though what its maker has does not.
child_that_ended_and_copies()
{
	# the first client decides how a pool is mapped
	starts_child dap-stuck.0@b,dap-life.1@a "S0 L1"
	unbind_pool $pool_b
	unbind_pool $pool_a
	ok_life mode L0 copy S0
	bind_life L0 || fail "not bound"
	ok_life del S0
	unbind_life L0
	released S0
	ends_given_back L0
}

# A driver has copied operations of a client that has ended. Nothing changes under it: it
# keeps them, and so the client stays, until it is unbound.
copied_from_one_that_has_ended()
{
	starts dap-stuck.0@b S0
	unbind_pool $pool_b
	has_ops S0 x
	ok_life mode L1 copy S0
	ok_life add L1
	has_ops L1 x
	unbind_life L1
	has_ops L1 n
	bind_life L1
	keeps_copied

	# it copies them later than in its probe
	bind_pool $pool_b
	ok_life add S0
	serves b S0
	ok_life mode L1 ok
	bind_life L1
	kernel_serves_only L1
	ok_life maker L1 S0
	unbind_pool $pool_b
	keeps_copied
	ends
}

# They were copied in a probe, and their client has ended before that.
copied_before_it_ends()
{
	starts dap-life.0@a L0
	ok_life mode L1 copy L0
	adds_unprobed L1
	ok_life slow bound 10000 dap-life.1
	begins bind_life L1
	is_slowed
	ok_life del L0
	nap 100000 # for the module's work item to begin
	unit L1
	same "operations under a probe" $ops x
	in_time "binding a device"
	has_ops L1 x
	kernel_serves_only L1
	unbind_life L1
	has_ops L1 n
	released L0
	ends
}

# L1 has those of S0, which goes
keeps_copied()
{
	has_ops L1 x
	kernel_serves_only L1
	ok_life del S0
	kernel_serves_only L1
	has_ops L1 x
	! unload 2>/dev/null || fail "unloaded under a driver"
	unit S0
	[ $created != $released ] || fail "dap-stuck.0 is released"
	unbind_life L1
	has_ops L1 n
	released S0
}

# Its maker gives it operations of a client without telling anybody. What it holds is in
# the client's name then, so it can get no pool of its own.
child_that_got_operations()
{
	starts dap-life.0@b,dap-life.1@a L1
	ok_life keep L0 1
	adds_unprobed L0
	ok_life maker L0 L1
	has_memory_of a L0 0
	log_clear
	bind_life L0 || fail "not bound"
	log_has "dap-life.0: not attached to DMA pool b: it may hold memory of another device"
	has_client a dap-life.0 || fail "no client"
	ok_life free L0 0
	same_stat a bad_free_count 0
	rebind L0
	serves b L0

	# so it is if it had a pool itself, which has gone
	adds_unprobed L2
	ok_life attach L2 b
	unbind_pool $pool_b
	ok_life maker L2 L1
	has_memory_of a L1 0
	bind_pool $pool_b || fail "the pool does not come back"
	fails_life "busy" attach L2 b
	log_has "dap-life.2: not attached to DMA pool b: it may hold memory of a"
	ok_life free L1 0
	# with an MMU, a pool without an alias is mapped when a client is bound
	rebind L0
	ok_life attach L2 b
	serves b L2
	ok_life detach L2
	ends
}

# Its maker has asked for the pool that it had by default: from then on nobody can give
# it another one.
child_of_the_default_pool()
{
	with_overlays || { skip "no default pool"; return; }
	insmod "$here/dma_alias_pool_life.ko" || fail "no test module"
	add_default
	load "pools=$two_pools" || fail "cannot load"
	ok_life add L0
	serves d L0
	unbind_life L0
	ok_life maker L0
	ok_life attach L0 d
	log_clear
	fails attach $pool_a dap-life.0 busy
	ok_life mode L0 api a
	! bind_life L0 2>/dev/null || fail "bound"
	[ "$(log_since | grep -c "dap-life.0: not attached to DMA pool a: it is a client of d")" = 2 ] ||
		fail "not both are refused"
	serves d L0
	stays_loaded
	ok_life detach L0
	bind_life L0
	serves a L0
	ends
}

stays_loaded()
{
	! unload 2>/dev/null || fail "unloaded while somebody may be in an operation"
}

# pool_leaves_it UNIT: pool a goes, and the device keeps the operations
pool_leaves_it()
{
	unbind_pool $pool_a
	has_ops $1 x
	kernel_serves_only $1
	stays_loaded
}

# It was a client that had a driver, before it is used without one.
child_that_had_a_driver()
{
	starts dap-life.0@a L0
	unbind_life L0
	ok_life maker L0
	ok_life attach L0 a
	serves a L0
	stays_loaded
	# a driver may come and go, and be refused
	bind_life L0 || fail "not bound"
	stays_loaded
	unbind_life L0
	ok_life mode L0 fail
	! bind_life L0 || fail "bound"
	serves a L0
	stays_loaded
	pool_leaves_it L0
	! bind_life L0 || fail "bound"
	stays_loaded
	ok_life detach L0
	unloaded
	ends
}

# With a driver there are two who use it: one of them cannot end it for the other, and the
# driver is unbound and bound again with the pool. What the maker has asked for holds for
# the pool that comes next.
child_with_a_driver()
{
	starts_child dap-life.3@a L3
	ok_life mode L0 ok
	bind_life L0 || fail "not bound"
	fails_life "busy" detach L0
	serves a L0
	log_clear
	pool_leaves_it L0
	log_has "dap-life.0: was unbound because of $pool_a, and is bound again"
	bound L0
	fails_life "busy" detach L0
	bind_pool $pool_a || fail "the pool does not come back"
	attach $pool_a dap-life.0 || fail "attach failed"
	serves a L0
	stays_loaded
	fails detach $pool_a dap-life.0 busy
	unbind_life L0
	serves a L0
	stays_loaded
	# operations of its own go with the driver
	ok_life mode L0 own
	bind_life L0 || fail "not bound"
	has_ops L0 o
	unbind_life L0
	serves a L0
	ok_life mode L0 ok
	pool_leaves_it L0
	ok_life detach L0
	has_ops L0 n
	unloaded
	ends
}

# fails_life ERROR WORD...: the test module cannot do it, for this reason
fails_life()
{
	fails_why=$1
	shift
	fails_error=$({ echo "$*" >$life/control; } 2>&1)
	case $fails_error in
	*"$fails_why"*) ;;
	*) fail "$*: not '$fails_why' but: '$fails_error'" ;;
	esac
}

# Its driver had copied the operations of another device, and some of the memory that this
# one holds may be its own: it has these until all of it is free. They would then be taken
# away while the maker is in one.
child_with_copied_operations()
{
	starts dap-life.1@a L1
	ok_life keep L1 1
	ok_life maker L0
	ok_life mode L0 copy L1
	ok_life add L0
	has_memory_of a L1 0
	unbind_life L0
	has_client a dap-life.0 || fail "no client"
	fails_life "busy" attach L0 a
	log_has "dap-life.0: not attached to DMA pool a: it may hold memory of a"
	ok_life free L1 0
	ok_life attach L0 a
	serves a L0
	ok_life detach L0
	ends
}

# Its driver copies the operations of another device, so that it is a client by these only.
# Whoever made it may still be running in those that it had.
child_that_copies()
{
	starts_child dap-life.1@a L1
	ok_life mode L0 copy L1
	bind_life L0 || fail "not bound"
	unbind_life L0
	no_client a dap-life.0 || fail "still a client"
	# its maker may be in one of these
	ends_given_back L0
}

# With an MMU, a pool without an alias serves nobody before its first client, who decides
# how it is mapped. What the device gets meanwhile is the kernel's.
child_of_a_pool_without_clients()
{
	if ! with_mmu || [ -n "$pool_alias" ]; then
		skip "each pool can be mapped at once"
		return
	fi
	starts ""
	ok_life maker L0
	ok_life mode L0 fail
	adds_unprobed L0
	ok_life alloc L0 0 5000
	ok_life attach L0 a
	ok_life alloc L0 1 5000
	same_stat a live_allocs 0
	ok_life mode L0 ok
	bind_life L0 || fail "not bound"
	serves a L0
	ok_life free L0 0
	ok_life free L0 1
	same_stat a bad_free_count 0
	ends
}

# The same with the region: only what its own driver has asked for goes with it.
region_without_a_driver()
{
	with_overlays || { skip "no region in the device tree"; return; }
	starts_region
	ok_life maker L0
	ok_life mode L0 defer
	ok_life add L0
	ok_life region L0 $region_node
	serves d L0
	! bind_life L0 || fail "bound"
	serves d L0
	ok_life mode L0 ok
	bind_life L0 || fail "not bound"
	serves d L0
	# its driver releases what it has taken, and so does its maker
	ok_life region L0 $region_node
	ok_life unregion L0
	serves d L0
	unbind_life L0
	serves d L0
	ok_life region L0 $region_node
	ok_life unregion L0
	kernel_serves_only L0
	same_stat d clients 0
	has_ops L0 n
	ok_life region L0 $region_node
	serves d L0
	stays_loaded
	# it has lost its claim to the region with the pool: the release is late
	unbind_pool $pool_d0
	bind_pool $pool_d0 || fail "the pool does not come back"
	ok_life attach L0 d
	ok_life unregion L0
	serves d L0
	stays_loaded
	ok_life detach L0
	ok_life region L0 $region_node
	has_memory_of d L0 0
	ok_life unregion L0
	serves d L0
	ok_life free L0 0
	unloaded
	ends
}

# Drivers that copy operations do not copy whether the device snoops the caches. What the
# kernel takes it for then may be wrong: normal memory would be cached.
borrower_snoops_as_its_owner()
{
	if snooped || believes_snooped; then
		skip "all devices snoop"
		return
	fi
	starts dap-life.0@a L0
	ok_life mode L1 copy L0
	ok_life add L1
	ok_life snoops L1 1
	serves a L1
	ok_life alloc L0 0 $((quarter))
	before=$(stat_of a fallback_count)
	bad_life alloc L1 1 5000
	same_stat a fallback_count $before
	ok_life free L0 0
	serves a L1
	ok_life del L1
	ends
}

# One pool is up, and another one has gone, of which somebody holds memory: the first one
# is the only one there is.
only_pool_that_is_up()
{
	starts dap-life.3@b L0 L3
	attach $pool_a dap-life.0 || fail "attach failed"
	ok_life keep L0 1
	has_memory_of a L0 0
	unbind_pool $pool_a
	ok_life maker L1
	ok_life mode L1 fail
	ok_life add L1
	ok_life attach L1 ""
	serves b L1
	ok_life free L0 0
	ends
}

# The module has no notifier on this bus. It hears of the device when its driver asks for
# the region, and of the driver's end through devres.
region_on_another_bus()
{
	with_overlays || { skip "no region in the device tree"; return; }
	starts_region
	ok_life mode X0 region $region_node
	ok_life add X0
	log_has "dap-other: coherent DMA memory comes from pool d"
	serves d X0
	has_memory_of d X0 0
	echo dap-other >$other_driver/unbind
	same_stat d clients 0
	same_stat d live_allocs 0
	echo dap-other >$other_driver/bind
	serves d X0
	ok_life unregion X0
	kernel_serves_only X0
	same_stat d clients 0
	! unload 2>/dev/null || fail "unloaded"
	ok_life region X0 $region_node
	serves d X0
	ok_life region X0 $region_node
	ok_life unregion X0
	kernel_serves_only X0
	ok_life del X0
	released X0

	ok_life mode X0 region_fails $region_node
	ok_life add X0
	same_stat d clients 0
	ok_life mode X0 region $region_node
	echo dap-other >$other_driver/bind
	serves d X0
	unbind_pool $pool_d0
	is_gone d || fail "there is still a pool"
	ends
}

# The device is a client for another reason. Releasing the region does not change that.
region_of_a_client()
{
	with_overlays || { skip "no region in the device tree"; return; }
	starts_region L0 B0
	attach $pool_d0 dap-life.0 || fail "attach failed"
	ok_life region L0 $region_node
	serves d L0
	ok_life unregion L0
	serves d L0
	rebind L0
	serves d L0
	ok_life attach B0 a
	log_clear
	bad_life region B0 $region_node
	log_has "dap-bare: not attached to DMA pool d: it is a client of a"
	serves a B0
	ends
}

# The pool comes and goes with an overlay.
region_of_an_overlay()
{
	with_overlays || { skip "no region in the device tree"; return; }
	starts "" L0 B0
	insmod "$here/dma_alias_pool_overlay.ko"
	bad_life region B0 $region_node
	rig_watch off
	apply_overlay pool || fail "not applied"
	rig_watch on
	ok_life mode L0 region $region_node
	rebind L0
	serves run-time L0
	ok_life region B0 /dma-pool@20400000
	serves run-time B0
	has_memory_of run-time B0 0
	echo 1 2>/dev/null >$overlays/remove || fail "not removed"
	not_bound L0
	bad_life region B0 $region_node
	same_stat run-time clients 1
	ok_life free B0 0
	wait_for is_gone run-time || fail "the pool stays"
	ok_life del B0
	released B0
	ends
}

# A driver that sets DMA operations of its own overrides the pool. The log must not say
# that its memory comes from the pool.
probe_sets_operations()
{
	starts dap-life.0@a
	ok_life mode L0 own
	ok_life add L0
	log_has "dap-life.0: its driver has set other DMA operations.* DMA pool a\$"
	! log_since | grep -q "dap-life.0: coherent DMA memory comes from pool" ||
		fail "the log says that its memory comes from the pool"
	ok_life mode L0 ok
	log_clear
	rebind L0
	log_has "dap-life.0: coherent DMA memory comes from pool a"
	serves a L0
	# if it does without the pool, it keeps them
	ok_life mode L0 own
	rebind L0
	ok_life detach L0
	has_ops L0 o
	ends
}

has_dma_engines() { [ -d /sys/class/dma ]; }

# A DMA controller's channels may be in use by anybody, of whom the kernel need not know:
# its driver is not unbound for a pool's sake, neither one that was there before the device
# became a client, nor one that came then. Who unbinds it by hand knows.
dma_controller()
{
	starts dap-life.0@a
	if ! has_dma_engines; then
		skip "the kernel has no DMA engines"
		ends
		return
	fi
	ok_life mode L0 channels
	ok_life add L0
	bound L0
	serves a L0
	! unload 2>/dev/null || fail "unloaded"
	fails detach $pool_a dap-life.0 busy
	log_has "dap-life.0: not detached from DMA pool a: its driver cannot be unbound"
	unbind_pool $pool_a
	is_bound L0 || fail "unbound with its pool"
	unbind_life L0
	# the pool binds it again, and there can be only one controller
	ok_life mode L0 ok
	bind_pool $pool_a || fail "the pool does not come back"

	# it registers them later than its probe
	ok_life add L1
	attach $pool_b dap-life.1 || fail "attach failed"
	ok_life channels L1
	unloaded
	load "pools=$two_pools" || fail "cannot load"
	attach $pool_b dap-life.1 || fail "attach failed"
	ok_life channels L1
	fails detach $pool_b dap-life.1 busy
	log_has "dap-life.1: not detached from DMA pool b: its driver cannot be unbound"
	serves b L1
	unbind_pool $pool_b
	is_bound L1 || fail "unbound with its pool"
	kernel_serves_only L1
	bind_pool $pool_b || fail "the pool does not come back"
	ok_life del L1

	ok_life mode L1 channels
	ok_life add L1
	log_clear
	echo dap-life.1 >$platform/$pool_b/attach || fail "not attached"
	unit L1
	same "changed in place" $differs 1
	serves b L1
	! unload 2>/dev/null || fail "unloaded"
	unbind_life L1
	unloaded
	ends
}

# Its pool goes while its probe runs: whether it can be unbound is known afterwards.
controller_is_bound_while_its_pool_goes()
{
	starts dap-life.0@a L0
	ok_life mode L0 channels
	unbind_life L0
	if ! has_dma_engines; then
		skip "the kernel has no DMA engines"
		ends
		return
	fi
	ok_life slow bound 10000 dap-life.0
	begins bind_life L0
	is_slowed
	unbind_pool $pool_a &
	nap 300000
	in_time "binding"
	wait
	wait_for is_gone a || fail "the pool stays"
	bound L0
	! log_since | grep "dap-life.0: was unbound" || fail "unbound with its pool"
	unbind_life L0
	ends
}

# failed_load PARAMETER ...: the load fails, and has not bound anything
failed_load()
{
	log_clear
	! load "$@" 2>/dev/null || fail "$* did not fail"
	! is_loaded dma_alias_pool || fail "the module is there"
	! log_since | grep -q "coherent DMA memory comes from pool" ||
		fail "there were clients"
	not_bound L0
	nothing_is_left
}

# Devices that wait for a pool must not be probed before the load can fail no more.
load_fails()
{
	insmod "$here/dma_alias_pool_life.ko" || fail "no test module"
	! with_overlays || add_default
	ok_life add L0
	unbind_life L0
	failed_load "pools=$two_pools" "clients=dap-life.0@a,dap-test.0@nope"
	failed_load "pools=$(pool a $((2 * quarter)) $quarter),$(pool b $((2 * quarter)) $quarter)" \
		"clients=dap-life.0@a"
	! with_overlays || failed_load clients=dap-life.1@nope
	ends
}

# For devices of the device tree, some kernels set the DMA operations at each bind, and
# clear them at unbind. Needs the nodes of pools.dtso.
device_of_the_tree()
{
	set -- /proc/device-tree/reserved-memory/named@*
	if [ ! -d "$1" ]; then
		skip "no test nodes in the device tree"
		return
	fi
	tree_pool=${1##*/}
	set -- $platform/*.dma-pool $platform/named-pool
	[ -e $1 ] || shift
	tree_device=${1##*/}
	load || fail "cannot load"
	load_tests leak=dt-test-named || fail "no test module"
	for size in 4096 20000 5000; do
		ok_dev dt-test-named alloc $size
	done
	ok_dev dt-test-named fill 1 0x6b
	same_stat $tree_pool live_allocs 3
	unbind_pool $tree_device
	[ -e $driver/dt-test-named ] || bind dt-test-named
	ok_dev dt-test-named check 1 0x6b
	ok_dev dt-test-named free 0
	unbind dt-test-named
	bind dt-test-named
	ok_dev dt-test-named check 1 0x6b
	ok_dev dt-test-named free 1
	same_stat $tree_pool bad_free_count 0
	unbind dt-test-named
	ok_dev dt-test-named free 2
	wait_for is_gone $tree_pool || fail "the pool stays"
	bind dt-test-named
	unload_tests
	unloaded
}

# The kernel has a default pool of its own (linux,dma-default), as in kernel-pool.dtso.
# Devices that hold memory of it become clients.
memory_of_the_kernels_pool()
{
	if [ ! -d /proc/device-tree/reserved-memory/kernel-pool ]; then
		skip "the kernel has no pool"
		return
	fi
	insmod "$here/dma_alias_pool_life.ko" || fail "no test module"
	ok_life add S0
	ok_life alloc S0 0 20000
	load "pools=$two_pools" clients=dap-life.0@a,dap-stuck.1@a ||
		fail "cannot load"
	attach $pool_a dap-stuck.0 || fail "attach failed"
	serves a S0
	ok_life free S0 0
	serves a S0
	ok_life add S1
	serves a S1
	unbind_pool $pool_a
	# without a pool they get memory of the kernel, and hold it when another pool
	# gets them
	for unit in S0 S1; do
		ok_life alloc $unit 0 20000
		ok_life free $unit 0
		ok_life alloc $unit 0 20000
		attach $pool_b $(device $unit) || fail "attach failed"
		serves b $unit
		ok_life free $unit 0
		serves b $unit
	done
	bind_pool $pool_a || fail "the pool does not come back"
	ok_life keep L0 1
	ok_life add L0
	has_memory_of a L0 0
	unbind_pool $pool_a
	ok_life free L0 0
	wait_for is_gone a || fail "the pool stays"
	ok_life alloc L0 0 20000
	unbind_life L0
	attach $pool_b dap-life.0 || fail "attach failed"
	serves b L0
	ok_life free L0 0
	serves b L0
	ends
}

# A detached device has no pool until somebody attaches it again. Then its clients=
# entry counts again, too.
detached_and_attached()
{
	starts dap-life.0@a L0
	detach $pool_a dap-life.0 || fail "detach failed"
	rebind L0
	kernel_serves_only L0
	attach $pool_a dap-life.0 || fail "attach failed"
	unbind_pool $pool_a
	bind_pool $pool_a || fail "the pool does not come back"
	rebind L0
	serves a L0
	ends
}

# What has a pool by operations that its driver has copied is asked for: it gets a pool of
# its own when its driver does not do so any more.
detached_and_asked_for_as_it_copies()
{
	starts "dap-life.*@a" L0 L1
	for how in "attach $pool_a dap-life.1" "ok_life attach L1 a"; do
		detach $pool_a dap-life.1 || fail "detach failed"
		ok_life mode L1 copy L0
		rebind L1
		has_client a dap-life.1 || fail "no client"
		$how || fail "$how failed"
		ok_life mode L1 ok
		rebind L1
		serves a L1
		log_has "dap-life.1: coherent DMA memory comes from pool a"
		log_clear
	done
	ends
}

# An attach that is refused leaves a detached device detached. One that succeeds makes
# clients= count again, even if the driver does not bind or the pool goes at once.
attached_in_vain()
{
	starts dap-life.?@b L0 L1
	detach $pool_b dap-life.0 || fail "detach failed"
	ok_life mode L0 copy L1
	fails attach $pool_a dap-life.0 "Invalid argument"
	ok_life mode L0 ok
	rebind L0
	kernel_serves_only L0
	unbind_life L0
	ok_life limit L0 4095
	fails attach $pool_a dap-life.0 "Invalid argument"
	ok_life limit L0 0
	rebind L0
	kernel_serves_only L0

	ok_life mode L0 fail
	fails attach $pool_a dap-life.0 "No such device or address"
	ok_life mode L0 ok
	unbind_pool $pool_a
	bind_life L0
	serves b L0
	ends

	starts dap-life.?@b L0
	detach $pool_b dap-life.0 || fail "detach failed"
	ok_life attach L0 a
	unbind_pool $pool_a
	serves b L0
	ends
}

# Drivers that are unbound because the module or the pool goes are bound again. If one
# does not bind, the log says so.
bound_again()
{
	starts dap-life.?@a L0 L1
	ok_life mode L1 fail
	unbind_pool $pool_a
	bound L0
	not_bound L1
	log_has "dap-life.0: was unbound because of $pool_a, and is bound again"
	log_has "dap-life.1: was unbound because of $pool_a, and its driver did not bind again"
	ok_life mode L1 ok
	bind_pool $pool_a || fail "the pool does not come back"
	rebind L0
	bind_life L1
	serves a L1
	ok_life mode L0 fail
	log_clear
	unloaded
	bound L1
	not_bound L0
	log_has "dap-life.0: was unbound because of $pool_a, and its driver did not bind again"
	log_has "dap-life.1: was unbound because of $pool_a, and is bound again"
	ends
}

# A device that is bound while its pool is going does not become a client.
bound_while_the_pool_goes()
{
	starts dap-life.?@a L0 L1
	unbind_life L1
	log_clear
	ok_life slow unbind 10000 dap-life.0
	begins unbind_pool $pool_a
	is_slowed
	bind_life L1
	ok_life add L2
	in_time "unbinding a pool's device"
	! log_since | grep -q "coherent DMA memory comes from pool" ||
		fail "a client of a pool that goes"
	kernel_serves_only L1
	kernel_serves_only L2
	ends
}

# What the next driver of a borrower finds are copied operations, if what the lender holds
# may be the borrower's. It gets no other pool then, and none is tried.
borrower_is_bound_again()
{
	starts dap-life.0@a,dap-life.1@b L0
	ok_life alloc L0 0 4096
	ok_life mode L1 copy L0
	ok_life add L1
	has_client a dap-life.1 || fail "no client by what it has copied"
	unbind_life L1
	ok_life mode L1 ok
	log_clear
	bind_life L1
	has_client a dap-life.1 || fail "no client any more"
	serves a L1
	! log_since | grep "not attached" || fail "another pool is tried"
	log_clear
	ok_life free L0 0
	rebind L1
	serves b L1
	ends
}

# A driver that cannot be unbound copies the operations of a client whose pool is going:
# that does not keep client and pool.
copied_as_its_pool_goes()
{
	starts dap-life.0@a L0
	ok_life mode S0 copy L0
	ok_life slow unbind 10000 dap-life.0
	begins unbind_pool $pool_a
	is_slowed
	ok_life add S0
	in_time "unbinding a pool's device"
	wait_for [ ! -d $pools/a ] || fail "the pool stays for copied operations"
	kernel_serves_only S0
	ends
}

# While the driver core still sees to a probe that has failed, its driver, which cannot
# be unbound, keeps the module no more.
failed_probe_pins_nothing()
{
	starts dap-stuck.0@a
	ok_life mode S0 api b
	unbind_pool $pool_b
	ok_life slow failed+ 10000 dap-stuck.0
	begins ok_life add S0
	is_slowed
	has_client a dap-stuck.0 || fail "no client"
	same "references to the module" "$(cat /sys/module/dma_alias_pool/refcnt)" 0
	in_time "adding a device"
	ends
}

# While the module unbinds and binds one device, somebody unbinds another. The module
# must not bind that one again.
unbound_by_others()
{
	starts "" L0 L1
	ok_life slow unbind 10000 dap-life.0
	begins attach $pool_a dap-life.0
	is_slowed
	unbind_life L1
	in_time "attach"
	serves a L0
	not_bound L1
	ends
}

# L1 depends on L0 by a device link. When L0 is unbound, the driver core unbinds L1
# first, and the module has to bind both again.
consumers()
{
	starts "" L0 L1
	ok_life link L1 L0
	attach $pool_a dap-life.0 || fail "attach failed"
	serves a L0
	bound L1
	log_has "dap-life.1: was unbound because of dap-life.0, and is bound again"
	log_clear
	ok_life mode L1 fail
	detach $pool_a dap-life.0 || fail "detach failed"
	bound L0
	not_bound L1
	log_has "dap-life.1: was unbound because of dap-life.0, and its driver did not bind again"
	ok_life mode L1 ok
	bind_life L1
	attach $pool_b dap-life.0 || fail "attach failed"
	log_clear
	unbind_pool $pool_b
	bound L0
	bound L1
	log_has "dap-life.1: was unbound because of $pool_b, and is bound again"
	ends
}

# Also one on another bus, such as a switch on I2C behind a network controller.
consumer_on_another_bus()
{
	starts "" L0
	if ! [ -d /sys/bus/i2c ]; then
		skip "the kernel has no I2C built in"
		ends
		return
	fi
	ok_life chip L0
	chip=$(echo /sys/bus/i2c/drivers/dummy/*-0010)
	[ -e "$chip" ] || fail "there is no chip"
	for request in attach detach attach; do
		log_clear
		$request $pool_a dap-life.0 || fail "$request failed"
		[ -e "$chip" ] || fail "after $request, it is not bound"
		log_has "dummy ${chip##*/}: was unbound because of dap-life.0, and is bound again"
	done
	log_clear
	unloaded
	[ -e "$chip" ] || fail "when the module is gone, it is not bound"
	log_has "dummy ${chip##*/}: was unbound because of $pool_a, and is bound again"
	bound L0
	ends
}

# A device is probed for the pool while the module is loaded. That probe loads another
# module, which needs this one and waits until it is loaded.
probe_waits_for_the_module()
{
	insmod "$here/dma_alias_pool_life.ko" || fail "no test module"
	ok_life add L0
	unbind_life L0
	ok_life mode L0 wait
	load "pools=$two_pools" clients=dap-life.0@a || fail "cannot load"
	wait_for is_bound L0 || fail "the probe does not come to an end"
	serves a L0
	ends
}

# Somebody is doing something with a device when a pool comes for it. The device gets the
# pool afterwards, and nothing else waits for that.
locked_as_the_module_comes()
{
	insmod "$here/dma_alias_pool_life.ko" || fail "no test module"
	ok_life add L0
	unbind_life L0
	ok_life slow locked 60000 dap-life.0
	begins ok_life lock L0
	is_slowed
	load "pools=$two_pools" clients=dap-life.0@a || fail "cannot load"
	not_bound L0
	in_time "lock"
	wait_for is_bound L0 || fail "it was not probed for the pool"
	serves a L0
	ends
}

# Of a device on another bus one hears when its resources are released. A driver may do that
# with some of them and go on, as those of components do.
group_on_another_bus()
{
	starts "" X0
	ok_life group X0 a
	serves a X0
	has_memory_of a X0 0
	ok_life group X0 a
	serves a X0
	log_clear
	ok_life free X0 0
	echo dap-other >$other_driver/unbind
	! log_since | grep -q "is gone but still holds" || fail "it has given back all before"
	wait_stat a clients 0
	echo dap-other >$other_driver/bind
	kernel_serves_only X0
	unloaded
	ends
}

# A consumer is bound again with its supplier, when its own pool is still there but gives
# no memory any more.
consumer_at_unload()
{
	starts dap-life.0@b,dap-life.1@a L0 L1
	ok_life link L1 L0
	ok_life mode L1 need
	unloaded
	bound L0
	if kernel_serves; then
		bound L1
	else
		not_bound L1
	fi
	ends
}

# A module that is being unloaded gives no memory any more. Whose probe fails for that is
# tried again without it.
probed_at_unload()
{
	starts dap-life.0@a L0
	unbind_life L0
	ok_life mode L0 need
	ok_life slow bind+ 10000 dap-life.0
	begins bind_life L0
	is_slowed
	unload &
	wait_for grep -q "^dma_alias_pool .*Unloading" /proc/modules ||
		fail "it is not being unloaded"
	in_time "binding a device"
	wait
	! is_loaded dma_alias_pool || fail "the module is in use"
	nothing_is_left
	if kernel_serves; then
		log_has "dap-life.0: was unbound because of dma_alias_pool.0, and is bound again"
		bound L0
	else
		log_has "dap-life.0: was unbound because of dma_alias_pool.0, and its driver did not bind again"
		not_bound L0
	fi
	ends
}

# A consumer is removed before the module has bound it again. The module must let it go
# at once. The consumer is unbound first.
consumer_is_removed()
{
	starts "" L0 L1
	ok_life link L1 L0
	ok_life slow unbind 10000 dap-life.0
	begins attach $pool_a dap-life.0
	is_slowed
	ok_life del L1
	released L1
	not_bound L0
	in_time "attach"
	bound L0
	serves a L0
	ends
}

# refused_as_supplier UNIT...: none of these can be attached to the first pool, whose
# device depends on it, and all is as before. Their next probes are to fail, so that
# nobody can have bound them again.
refused_as_supplier()
{
	for unit; do
		ok_life mode $unit fail
	done
	for unit; do
		log_clear
		fails attach $pool_a $(device $unit) "Invalid argument"
		log_has "$(device $unit): not attached to DMA pool a: the pool's device depends on it"
	done
	for unit; do
		bound $unit
		! is_consumer $(device $unit) $pool_a || fail "$(device $unit) is linked"
		ok_life mode $unit ok
	done
	[ -e $pool_driver/$pool_a ] || fail "the pool was unbound"
}

# The pool's device depends on a device, or on one that depends on it or is below it. To
# unbind that device would unbind the pool's, which waits for the end of the attach.
supplier_of_the_pool()
{
	starts "" L0 L1 L2
	ok_life supply L0 $pool_a
	begins refused_as_supplier L0
	in_time "attach of a supplier"
	ok_life link L0 L1
	ok_life add B1 L2
	ok_life supply B1 $pool_a
	begins refused_as_supplier L1 L2
	in_time "attach of a supplier's supplier"
	ends
}

# A client must not become what its pool depends on: then to detach it would wait as
# well.
client_as_a_supplier()
{
	starts "" L0 L1
	attach $pool_a dap-life.0 || fail "attach failed"
	ok_life link L1 L0
	bad_life supply L0 $pool_a
	bad_life supply L1 $pool_a
	detach $pool_a dap-life.0 || fail "detach failed"
	bound L0
	ok_life supply L1 $pool_a
	refused_as_supplier L0
	ends
}

# Each of two pools depends on a device that is to be attached to the other one. One of
# the requests unbinds a pool, and the other one would unbind the pool that the first one
# was written to: each would wait for the end of the other.
suppliers_of_each_others_pool()
{
	starts dap-life.3@a L0 L1 L2 L3
	serves a L3
	ok_life supply L0 $pool_a
	ok_life supply L1 $pool_b
	ok_life slow unbind 10000 $pool_a
	begins attach $pool_b dap-life.0
	is_slowed
	fails attach $pool_a dap-life.1 "Invalid argument"
	bound L1
	# pool a is probed again
	rig_watch off
	in_time "attach"
	rig_watch on
	serves b L0
	log_has "$pool_a: was unbound because of dap-life.0, and is bound again"
	# and so is its client, after it
	log_has "dap-life.3: was unbound because of dap-life.0, and is bound again"
	serves a L3
	attach $pool_a dap-life.2 || fail "attach failed"
	serves a L2
	ends
}

bind_while_unbinding()
{
	ok_life slow unbind 10000 dap-life.1
	begins unloaded
	is_slowed
	# as soon as it is unbound, if that has not to wait for L1
	bind_life L0
	in_time "unload"
}

# At unload, who has copied operations goes before who lends them. Otherwise somebody
# could bind the lender again meanwhile, and its operations would outlive the module.
lender_is_bound_at_unload()
{
	starts dap-life.0@a L0
	ok_life mode L1 copy L0
	ok_life add L1
	serves a L1
	bind_while_unbinding
	for unit in L0 L1; do
		bound $unit
		kernel_serves_only $unit
	done
	ends
}

# suspends UNIT...: their devices are suspended in this order, and resumed. The kernel
# stops there if pm_test says "devices".
suspends()
{
	log_clear
	echo freeze >/sys/power/state || fail "no suspend"
	suspended=
	for unit in $(log_since | sed -n 's/.* \(dap-[a-z]*\.[0-9]\): .*calling platform_pm_suspend.*/\1/p'); do
		case $unit in
		dap-life.*) suspended="$suspended L${unit#*.}" ;;
		*) suspended="$suspended S${unit#*.}" ;;
		esac
	done
	same "order of suspend" "$suspended" " $*"
}

# While a device is suspended, a driver may remove others. Who then waits until their links
# are gone waits for devices that are being suspended, and these for that driver.
removed_in_suspend()
{
	if [ ! -e /sys/devices/platform/power/async ] || [ -z "$RIG_BOARD" ]; then
		skip "no CONFIG_PM_ADVANCED_DEBUG, or a board whose other devices would be suspended"
		return
	fi
	echo devices >/sys/power/pm_test
	echo 0 >/sys/module/suspend/parameters/pm_test_delay
	starts "" L0 L1
	for unit in 0 1; do
		attach $pool_a dap-life.$unit || fail "attach failed"
	done
	ok_life takes L0 L1
	for waits in $pool_a dap-life.0; do
		echo enabled >$platform/$waits/power/async || fail "$waits is not suspended with others"
	done
	echo freeze >/sys/power/state || fail "no suspend"
	released L1
	serves a L0
	same_stat a clients 1
	echo none >/sys/power/pm_test
	ends
}

# Those who use a device are mostly added after it, and have no link to it that could
# tell the kernel. They must go on being suspended before it when it becomes a client
# while it is bound, and when it does not become one. One that is bound for the pool moves
# behind them: see the limits in Documentation/coherence.md.
order_of_suspend()
{
	if [ ! -e /sys/power/pm_test ] || [ -z "$RIG_BOARD" ]; then
		skip "no CONFIG_PM_DEBUG, or a board whose other devices would be suspended"
		return
	fi
	echo devices >/sys/power/pm_test
	echo 1 >/sys/power/pm_print_times
	echo 0 >/sys/module/suspend/parameters/pm_test_delay
	starts "" S0 S1 L0 L1 L2
	suspends L2 L1 L0 S1 S0
	attach $pool_a dap-stuck.0 || fail "attach failed"
	serves a S0
	suspends L2 L1 L0 S1 S0
	ok_life limit L0 1
	fails attach $pool_a dap-life.0 "Invalid argument"
	suspends L2 L1 L0 S1 S0
	ok_life limit L0 0
	ok_life attach L1 a
	serves a L1
	suspends L2 L1 L0 S1 S0
	attach $pool_a dap-life.0 || fail "attach failed"
	serves a L0
	suspends L0 L2 L1 S1 S0
	# what the pool's device depends on may be needed for the memory
	ok_life supply L2 $pool_b
	attach $pool_b dap-stuck.1 || fail "attach failed"
	serves b S1
	suspends S1 L0 L2 L1 S0
	echo 0 >/sys/power/pm_print_times
	echo none >/sys/power/pm_test
	ends
}

[ $# -gt 0 ] || set -- released_at_once freed_while_bound_again \
	bound_with_memory_of_a_dead_pool default_client_is_taken_over \
	pool_as_a_client drivers_that_cannot_be_unbound attached_while_removed \
	removed_while_busy default_pool_dies probe_fails_at_attach copied_operations \
	copied_before_attach lender_goes borrower_leaves_memory \
	borrower_with_memory_is_removed borrower_copies_again lender_has_no_pool lender_is_bound_at_unload \
	probe_copies_and_fails borrower_has_a_pool borrower_and_pools_go \
	children child_of_a_borrower child_with_memory_of_its_parent \
	child_of_the_dead used_while_it_goes probe_binds_the_pool device_on_no_bus \
	given_back_after_its_pool \
	attached_on_another_bus group_on_another_bus lender_on_no_bus_goes child_on_no_bus child_of_the_ended refused_on_no_bus \
	late_free_on_another_bus \
	region_of_a_driver region_at_probe region_of_a_child \
	child_without_a_driver child_named_before child_that_had_a_driver child_that_copies child_with_a_driver \
	child_with_copied_operations child_that_copied_for_longer child_that_copies_from_one_that_ended \
	child_that_ended_and_copies \
	copied_from_one_that_has_ended copied_before_it_ends \
	child_that_got_operations \
	child_of_the_default_pool child_of_a_pool_without_clients region_without_a_driver borrower_snoops_as_its_owner \
	only_pool_that_is_up \
	region_on_another_bus region_of_a_client region_of_an_overlay \
	default_serves_nobody probe_sets_operations dma_controller \
	controller_is_bound_while_its_pool_goes load_fails detached_and_attached detached_and_asked_for_as_it_copies \
	detached_and_asks_again attached_in_vain bound_again \
	bound_while_the_pool_goes borrower_is_bound_again copied_as_its_pool_goes failed_probe_pins_nothing unbound_by_others consumers consumer_at_unload probed_at_unload \
	consumer_is_removed supplier_of_the_pool client_as_a_supplier \
	suppliers_of_each_others_pool consumer_on_another_bus \
	probe_waits_for_the_module locked_as_the_module_comes order_of_suspend removed_in_suspend data_of_another_driver device_of_the_tree memory_of_the_kernels_pool
ktap_run "$@"
