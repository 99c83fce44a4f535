#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Clients at the end of something: their driver's, their pool's, the module's, and
# of what they have in common with other devices. One test for each way in which
# that has gone wrong. clients.sh [TEST...]
#
# Default pools need the region of rig/boards/an385/run-time.dtso and the overlays
# of run-time/; the test of the kernel's own pool that of kernel-pool.dtso.
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
units="L0 L1 L2 S0 S1 B0 B1 X0"

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

# What is known of a unit, in variables; what must not be is told in the end.
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

# Nobody has a reference to its device.
released()
{
	wait_for is_released $1 || fail "$(device $1) is not released"
}

# serves POOL UNIT: gives it memory, and the kernel serves it else
serves()
{
	has_client $1 "$(device $2)" || fail "$(device $2) is no client of $1"
	has_memory_of $1 $2 2
	ok_life free $2 2
	ok_life map $2
	same_stat $1 bad_free_count 0
}

# has_memory_of POOL UNIT SLOT: as of now
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

# has_ops UNIT n|x: none of its own, others; once what is freed later is freed
has_ops() { wait_for ops_are $1 $2 || fail "ops of $(device $1): $ops, not $2"; }

# No pool does: what it has it has from the kernel.
kernel_serves_only()
{
	for pool in a b d; do
		[ ! -d $pools/$pool ] || no_client $pool "$(device $1)" ||
			fail "$(device $1) is a client of $pool"
	done
	if ! kernel_serves; then
		bad_life alloc $1 2 5000
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

# error_of FILE VALUE: what a write to it fails with, if it does
error_of() { (echo "$2" >"$1") 2>&1; }

# fails ATTACH|DETACH POOL_DEVICE DEVICE ERROR
fails()
{
	case $(error_of $platform/$2/$1 $3) in
	*"$4"*) ;;
	"") fail "$1 of $3 did not fail" ;;
	*) fail "$1 of $3: not '$4' but: $(error_of $platform/$2/$1 $3)" ;;
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

# A pool whose device is gone, and all that was held of it.
is_gone() { [ ! -d $pools/$1 ]; }

unbind_pool() { echo $1 2>/dev/null >$pool_driver/unbind; }

# Default pools are of device tree.
with_overlays() { [ -d /proc/device-tree/reserved-memory/run-time@20000000 ]; }

# The write is the request, so it must be one.
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

# The same pool by a parameter, over the region of the device tree, for nobody.
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

# bad_life_of_region WHEN: who asks for the region fails
bad_life_of_region()
{
	life add L2
	! life region L2 $region_node || fail "there is a region $1"
	life del L2
}

# starts CLIENTS [UNIT...]: the pools are there, and these units
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

# Nobody keeps it.
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
	[ -z "$findings" ] || fail "$findings"
	findings=
	! is_loaded dma_alias_pool || unloaded
	! is_loaded dma_alias_pool_overlay || rmmod dma_alias_pool_overlay
	for unit in $units; do
		released $unit
	done
	rmmod dma_alias_pool_life || fail "the test module is in use"
}

# begins COMMAND ...: in the background; in_time waits for it
begins()
{
	rm -f /tmp/status
	{ "$@"; echo $? >/tmp/status; } &
}

in_time() { wait_for [ -s /tmp/status ] || fail "$* does not come to an end"; }

# --- tests

# The last free is while a driver is bound that may be in the client's operations.
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
	# What it has then is the kernel's.
	wait_for is_gone a
	kernel_serves_only L0
	! unload 2>/dev/null || fail "unloaded under a driver"
	bound L0
	unbind_life L0
	unloaded
	bind_life L0
	kernel_serves_only L0
	ends
}

# More than once, and the pool comes back in the end.
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

# What only the default gave may be taken over, but not under a driver.
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
	# one that holds memory is not to be had
	ok_life add L1
	has_memory_of d L1 0
	fails attach $pool_a dap-life.1 busy
	ok_life free L1 0
	# of all pools that go at unload, the next one does not get it
	has_client a dap-life.0 || fail "no client of a"
	log_clear
	unloaded
	! dmesg | grep -q "coherent DMA memory comes from pool" ||
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
		[ $to = $pool_a ] || [ -d $pools/a ] || break
	done
}

# Nobody takes its lock, which somebody may have who waits for the attach.
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
			usleep 50000
			attach $pool_a $pool && fail "attached"
			attach $pool_b $pool && fail "attached"
			in_time "unbinding a pool's device"
			ok_life slow -
			bind_pool $pool || fail "$pool does not come back"
		done
		n=$((n + 1))
	done
	ends
}

# One was bound with its pool, the other was attached in place.
drivers_that_cannot_be_unbound()
{
	starts dap-stuck.0@a S0
	serves a S0
	bound S0
	load_ops_of S1
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
		unit $unit
		same "ops of $unit" $ops $ops_before
	done
	! unload 2>/dev/null || fail "unloaded under drivers"
	bind_pool $pool_a || fail "the pool does not come back"
	attach $pool_a dap-stuck.1 || fail "attach failed"
	serves a S1
	ok_life del S0
	ok_life del S1
	unloaded
	ends

	# while it is not bound, nothing is in its way
	starts dap-stuck.0@a
	ok_life mode S0 fail
	ok_life add S0
	not_bound S0
	has_client a dap-stuck.0 || fail "no client"
	unloaded
	ok_life mode S0 ok
	ends
}

# load_ops_of UNIT: those that a device has which no pool serves
load_ops_of()
{
	ok_life add $1
	kernel_serves_only $1
	unit $1
	ops_before=$ops
}

# Nobody who comes late makes a client of what is gone.
attached_while_removed()
{
	starts ""
	for event in del unbind unbound removed removed+; do
		ok_life add L0
		ok_life slow $event 300
		begins life del L0
		usleep 100000
		attach $pool_a dap-life.0
		in_time "removal in $event"
		ok_life slow -
		same_stat a clients 0
		released L0
	done
	# by a driver's way, which need not find it by its name
	for event in del removed removed+; do
		ok_life add L0
		unbind_life L0
		ok_life slow $event 300
		begins life del L0
		usleep 100000
		life attach L0 a
		in_time "removal in $event"
		ok_life slow -
		same_stat a clients 0
		released L0
	done
	ends
}

# A device that is gone is not kept until the module gets round to it: the node of
# an overlay has to be free when that is removed, or the kernel complains.
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
	ok_life slow released 1000
	ok_life free L0 0
	usleep 100000
	echo 1 >$overlays/remove || fail "not removed"
	! dmesg | grep 'OF: ERROR' || fail "somebody has its node"
	ok_life slow -
	unload_tests
	ends
}

# Its memory is the last that is left of it, first without and then with a driver.
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

# The write tells of what it has done to a device, not only of what it was for.
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

# A driver that sets another device's operations, as some do for their children.
copied_operations()
{
	starts dap-life.0@a L0
	ok_life mode L1 copy L0
	ok_life add L1
	serves a L1
	serves a L0
	# it is served already, and is no part of another pool
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

# What was lent lasts for as long as it is used.
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

# Its memory can come back only by what it has copied, also when its driver is gone.
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
	# it is not done with it yet
	fails detach $pool_a dap-life.0 busy
	unbind_life L1
	same_stat a bad_free_count 0
	no_client a dap-life.1 || fail "a client for ever"
	detach $pool_a dap-life.0 || fail "detach failed"
	has_ops L1 n

	# nobody binds it again
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

	# its lender and their pool go first
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

# Its pool has gone before it lends; it has memory, and then a borrower.
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
	for unit in L0 L1; do
		has_ops $unit n
		kernel_serves_only $unit
	done
	ends
}

# Among what its devres frees then is what it got by them.
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

# As long as it has another's operations, it is a client of that one's pool only.
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

	# it has none when the lender has gone
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

# The lender's pool goes while it is bound; then that which it had before.
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

# What has no driver, but its parent's operations; and what has that for a parent.
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

	# one that is a client itself
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

# Who waits to be freed is not what another driver may copy, nor bound again.
used_while_it_goes()
{
	starts dap-life.0@a L0
	ok_life keep L0 1
	has_memory_of a L0 0
	unbind_pool $pool_a
	bound L0
	ok_life slow unbind 500
	begins unbind_life L0
	wait_for [ ! -e $platform/dap-life.0/driver ]
	ok_life free L0 0
	ok_life mode L1 copy L0
	ok_life add L1
	in_time "unbinding a device"
	ok_life slow -
	wait_for is_gone a || fail "the pool stays"
	has_ops L1 n
	has_ops L0 n

	bind_pool $pool_a || fail "the pool does not come back"
	bind_life L0
	has_memory_of a L0 0
	unbind_pool $pool_a
	unbind_life L0
	ok_life slow bind 500
	begins bind_life L0
	usleep 100000
	ok_life free L0 0
	# or it was too late for that
	late=
	! is_bound L0 || late=y
	in_time "binding a device"
	ok_life slow -
	wait_for is_gone a || fail "the pool stays"
	unit L0
	[ -n "$late" ] || same "ops changed under the driver" $differs 0
	has_ops L0 n
	ends
}

# Whoever has a device's lock may wait for what its client's end waits for.
probe_binds_the_pool()
{
	starts dap-life.0@a L0
	ok_life keep L0 1
	has_memory_of a L0 0
	unbind_pool $pool_a
	unbind_life L0
	ok_life mode L0 bind $pool_a
	ok_life slow bind 500
	# the alias is checked then
	rig_watch off
	begins bind_life L0
	usleep 100000
	ok_life free L0 0
	in_time "binding a pool's device in a probe"
	rig_watch on
	ok_life slow -
	ok_life mode L0 ok
	is_bound L0 || bind_life L0
	unbind_life L0
	# if it was too late for that
	[ -e $platform/$pool_a/driver ] ||
		wait_for bind_pool $pool_a || fail "the pool does not come back"
	bind_life L0
	serves a L0
	ends
}

# Only the kernel's own interface can ask for one that is on no bus.
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

# Its driver has the region by of_reserved_mem_device_init(), and fails without; it
# releases it before its memory is free.
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

	# what it leaves behind stays where it is, and in nobody's way
	ok_life keep L0 1
	has_memory_of d L0 0
	rebind L0
	serves d L0
	ok_life free L0 0
	rebind L0
	serves d L0

	# it would only ask again
	log_clear
	fails detach $pool_b dap-life.0 "No such file"
	log_has "dap-life.0: not detached from DMA pool a: it is no client of it"
	fails detach $pool_d0 dap-life.0 busy
	log_has "dap-life.0: not detached from DMA pool d: its driver asks for it"
	ok_life unregion L0
	kernel_serves_only L0
	ok_life region L0 $region_node
	serves d L0
	# in use, and no more of the pool's: one that is detached by its driver
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
	     "$(dmesg | grep -c 'DMA pool d is the default, but all devices that it could serve count as coherent in hardware: name those')" $1
}

# All devices that the machine has were bound when it knew of no caches: to the
# kernel they are coherent, and a default pool leaves them alone. It says so, once.
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

	# one could be served, but is in use: then it would not be true
	ok_life add L0
	log_clear
	load || fail "cannot load"
	kernel_serves || said_idle 0
	unloaded
	# who has named one knows
	unbind_life L0
	log_clear
	load clients=dap-life.0@d || fail "cannot load"
	serves d L0
	said_idle 0
	ends
}

# One whose probe fails after it had the region, and one that cannot be unbound.
region_at_probe()
{
	with_overlays || { skip "no region in the device tree"; return; }
	starts_region
	ok_life mode L0 region_fails $region_node
	ok_life add L0
	not_bound L0
	same_stat d clients 0
	ok_life mode L0 ok
	bind_life L0
	no_client d dap-life.0 || fail "still a client"

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

# A child that a driver has made is on no bus, and is served at once.
region_of_a_child()
{
	with_overlays || { skip "no region in the device tree"; return; }
	starts_region B0
	ok_life region B0 $region_node
	serves d B0
	ok_life unregion B0
	kernel_serves_only B0
	same_stat d clients 0
	ok_life region B0 $region_node
	serves d B0
	has_memory_of d B0 0
	ok_life unregion B0
	serves d B0
	ok_life free B0 0
	ok_life del B0
	released B0
	same_stat d clients 0

	# the pool goes, and comes back: what was true then is not now
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

	# and the same, with a driver that asks the kernel after the pool is gone
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

# On a bus of which nothing is heard, its driver tells, and devres of its end.
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

# A client already, for another reason: it is not for the region that it is one.
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

# The pool is the device tree's, and goes with its overlay.
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
	wait_for is_gone run-time
	ok_life del B0
	released B0
	ends
}

# What it has set is what counts, and the log knows it.
probe_sets_operations()
{
	starts dap-life.0@a
	ok_life mode L0 own
	ok_life add L0
	log_has "dap-life.0: its driver has set other DMA operations.* DMA pool a\$"
	! dmesg | grep -q "dap-life.0: coherent DMA memory comes from pool" ||
		fail "the log says that its memory comes from the pool"
	ok_life mode L0 ok
	log_clear
	rebind L0
	log_has "dap-life.0: coherent DMA memory comes from pool a"
	serves a L0
	ends
}

# failed_load PARAMETER ...
failed_load()
{
	log_clear
	! load "$@" 2>/dev/null || fail "$* did not fail"
	! is_loaded dma_alias_pool || fail "the module is there"
	! dmesg | grep -q "coherent DMA memory comes from pool" ||
		fail "there were clients"
	not_bound L0
	nothing_is_left
}

# Who waits for a pool is not probed until the module is certain to stay.
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

# Binding sets operations up anew for a device of the tree, on some kernels, and
# unbinding clears them. It needs the nodes of pools.dtso.
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

# Memory of the default pool in RAM that the kernel itself has (linux,dma-default),
# as in kernel-pool.dtso.
memory_of_the_kernels_pool()
{
	if [ ! -d /proc/device-tree/reserved-memory/kernel-pool ]; then
		skip "the kernel has no pool"
		return
	fi
	insmod "$here/dma_alias_pool_life.ko" || fail "no test module"
	ok_life add S0
	ok_life alloc S0 0 20000 || return
	load "pools=$two_pools" clients=dap-life.0@a,dap-stuck.1@a ||
		fail "cannot load"
	attach $pool_a dap-stuck.0 || fail "attach failed"
	serves a S0
	ok_life free S0 0
	serves a S0
	ok_life add S1
	serves a S1
	unbind_pool $pool_a
	# what they get then may come back to another pool
	for unit in S0 S1; do
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

# What was detached is to have no pool, until somebody asks for one for it.
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

# Who tries and fails changes nothing of that.
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

# rmmod and the pool's end unbind drivers: they come back, or the log says so.
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

# Whoever is bound meanwhile does without.
bound_while_the_pool_goes()
{
	starts dap-life.?@a L0 L1
	unbind_life L1
	log_clear
	ok_life slow unbind 500
	begins unbind_pool $pool_a
	wait_for [ ! -e $platform/dap-life.0/driver ]
	ok_life slow -
	bind_life L1
	ok_life add L2
	in_time "unbinding a pool's device"
	! dmesg | grep -q "coherent DMA memory comes from pool" ||
		fail "a client of a pool that goes"
	kernel_serves_only L1
	kernel_serves_only L2
	ends
}

# What somebody else unbinds meanwhile stays as that left it.
unbound_by_others()
{
	starts "" L0 L1
	ok_life slow unbind 500
	begins attach $pool_a dap-life.0
	usleep 100000
	ok_life slow -
	unbind_life L1
	in_time "attach"
	serves a L0
	not_bound L1
	ends
}

# Who depends on a device is unbound with it by the driver core.
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

# What is to be bound again may go before that, and then is gone: it does not wait
# for its turn. Both are unbound, the consumer first, and each takes its time.
consumer_is_removed()
{
	starts "" L0 L1
	ok_life link L1 L0
	ok_life slow unbind 1000
	begins attach $pool_a dap-life.0
	wait_for [ ! -e $platform/dap-life.0/driver ]
	ok_life del L1
	released L1
	not_bound L0
	in_time "attach"
	bound L0
	serves a L0
	ends
}

[ $# -gt 0 ] || set -- freed_while_bound_again \
	bound_with_memory_of_a_dead_pool default_client_is_taken_over \
	pool_as_a_client drivers_that_cannot_be_unbound attached_while_removed \
	removed_while_busy default_pool_dies probe_fails_at_attach copied_operations \
	copied_before_attach lender_goes borrower_leaves_memory \
	borrower_with_memory_is_removed lender_has_no_pool \
	probe_copies_and_fails borrower_has_a_pool borrower_and_pools_go \
	children used_while_it_goes probe_binds_the_pool device_on_no_bus \
	lender_on_no_bus_goes refused_on_no_bus \
	region_of_a_driver region_at_probe region_of_a_child \
	region_on_another_bus region_of_a_client region_of_an_overlay \
	default_serves_nobody probe_sets_operations load_fails detached_and_attached attached_in_vain bound_again \
	bound_while_the_pool_goes unbound_by_others consumers \
	consumer_is_removed device_of_the_tree memory_of_the_kernels_pool
ktap_run "$@"
