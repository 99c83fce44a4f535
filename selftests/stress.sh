#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# stress.sh [OPERATIONS] - allocate and free from threads, bottom halves and interrupts on
# all processors. Meanwhile the devices are unbound and bound, attached and detached, the
# debugfs files are read, the pool goes and comes back under the drivers, and the module
# is unloaded and loaded. No memory may be given to two at a time, and all must be free
# in the end.
. "$(dirname "$0")/ktap.sh"
need_pool

wanted=${1:-20000}
counts=$debugfs/dma_alias_pool_stress
stressed=/sys/bus/platform/drivers/dap-stress
pool_driver=/sys/bus/platform/drivers/dma_alias_pool
pool_dev=/sys/bus/platform/devices/dma_alias_pool.0
names="dap-stress.0 dap-stress.1 dap-stress.2 dap-stress.3"
run=$tmp/stress
parts="binding attaching pooling reloading reading"

load_pool() { insmod "$here/dma_alias_pool.ko" "pools=$(pool sram)" 'clients=dap-stress.*'; }

count() { value_of $counts $1; }

# How many operations there were on the pool: what is allocated there is freed, too.
operations() { echo $((2 * $(count pooled))); }

# again FUNCTION: call it in the background until the test ends, and count in a file how
# often it succeeded
again()
{
	echo 0 >"$run/$1"
	(
		n=0
		while [ -e $run/go ]; do
			"$@" || continue
			n=$((n + 1))
			echo $n >"$run/$1"
		done
	) 2>/dev/null &
}

# A shell has its background jobs ignore Ctrl-C.
ktap_undo()
{
	rm -f $run/go
	wait
}

# Has each part succeeded at least once?
all_worked()
{
	for part in $parts; do
		read -r n <"$run/$part" && [ "$n" -gt 0 ] || return
	done
}

binding()
{
	[ -e $pool_dev ] || { nap 100000; return 1; }
	binding_status=1
	for name in $names; do
		echo $name >$stressed/unbind || continue
		nap 20000
		echo $name >$stressed/bind && binding_status=0
	done
	nap 500000
	return $binding_status
}

attaching()
{
	[ -e $pool_dev/attach ] || { nap 100000; return 1; }
	# it mostly holds memory: then it is not detached
	echo dap-stress.1 >$stressed/unbind || { nap 100000; return 1; }
	attaching_status=0
	echo dap-stress.1 >$pool_dev/detach || attaching_status=1
	nap 100000
	echo dap-stress.1 >$pool_dev/attach || attaching_status=1
	# that binds it, unless it was a client still
	[ -e $stressed/dap-stress.1 ] || echo dap-stress.1 >$stressed/bind
	nap 200000
	return $attaching_status
}

# The pool goes and comes back. Its clients' drivers are bound again without it, and are
# clients again when binding() has bound them once more. The pool cannot come back before
# all memory of the old one is free.
pooling()
{
	nap 1500000
	echo dma_alias_pool.0 >$pool_driver/unbind || return
	until echo dma_alias_pool.0 >$pool_driver/bind; do
		# somebody else has bound it, or the module is not loaded
		[ ! -e $pool_dev/driver ] && [ -e $pool_dev ] || return
		nap 50000
	done
}

# The module can be unloaded only in a moment when nobody holds memory, so this often
# fails.
reloading()
{
	nap 2000000
	for name in $names; do
		echo $name >$stressed/unbind
	done
	unload 2>/dev/null
	reloading_status=$?
	[ $reloading_status -ne 0 ] || load_pool
	for name in $names; do
		echo $name >$stressed/bind
	done
	return $reloading_status
}

reading()
{
	reading_status=1
	for file in $pools/sram/*; do
		# fault injection has a directory there
		[ ! -d $file ] && cat $file >/dev/null && reading_status=0
	done
	nap 300000
	return $reading_status
}

starts()
{
	mkdir $run
	load_pool || fail "cannot load"
	insmod "$here/dma_alias_pool_stress.ko" \
		base=$(hex "$pool_base") size=$(hex "$pool_size") || fail "no devices"
	[ -e $stressed/dap-stress.3 ] || fail "not bound"
}

under_load()
{
	touch $run/go
	for part in $parts; do
		again $part
	done
	last='' idle=0 late=0
	# parts that are often refused get five more minutes
	until [ "$(operations)" -ge "$wanted" ] && { all_worked || [ $late -ge 60 ]; }; do
		sleep 5
		[ "$(operations)" -lt "$wanted" ] || late=$((late + 1))
		echo "# $(operations) of $wanted operations"
		# On a slow machine the pool may have no clients for a minute: it hangs
		# only if nothing else goes on either.
		now=$(cat $counts $run/*)
		[ "$now" = "$last" ] && idle=$((idle + 1)) || idle=0
		if [ $idle -ge 12 ]; then
			fail "nothing happens for a minute"
			break
		fi
		last=$now
	done
	rm $run/go
	wait
}

no_memory_was_shared()
{
	for name in $names; do
		[ ! -e $stressed/$name ] || echo $name >$stressed/unbind
	done
	same mistakes "$(count mistakes)" 0
	allocs=$(($(count thread_allocs) + $(count bh_allocs) + $(count irq_allocs)))
	frees=$(($(count thread_frees) + $(count bh_frees)))
	same frees $frees $((allocs - $(count refused)))
	for context in thread bh irq; do
		[ "$(count ${context}_allocs)" -gt $((wanted / 50)) ] ||
			fail "$(count ${context}_allocs) allocations in context $context"
	done
	[ "$(operations)" -ge "$wanted" ] || fail "only $(operations) operations"
	echo "# $(operations) operations on the pool, 0 mistakes wanted: $(count mistakes)"
	echo "# allocations by thread $(count thread_allocs), bh $(count bh_allocs)," \
		"irq $(count irq_allocs); refused, pool full: $(count refused)"
}

each_did_its_part()
{
	for part in $parts; do
		echo "# $part: $(cat $run/$part) times"
		[ "$(cat $run/$part)" -gt 0 ] || fail "$part never worked"
	done
}

nothing_is_left()
{
	is_loaded dma_alias_pool || load_pool
	for key in live_allocs used_bytes requested_bytes bad_free_count; do
		same_stat sram $key 0
	done
	rmmod dma_alias_pool_stress || fail "the devices are in use"
	unload || fail "module in use"
	! grep -q dma_alias_pool /proc/iomem || fail "resources left"
}

ktap_run starts under_load no_memory_was_shared each_did_its_part \
	nothing_is_left
