#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# endurance.sh [CYCLES] - loads, bindings and attachments leak nothing, whether they
# succeed or fail. Each test repeats one kind of them CYCLES (1000) times, and compares
# free memory, slab objects and the lists in /proc and /sys before and after. Some
# cycles come before that, to fill caches.
#
# With 400 cycles, or 100 without an MMU, a leak of one object in 10 cycles is found.
# Slab counts are exact only if no processor keeps slabs of its own, so the kernel must
# be booted with slub_debug=F.
#
# Other scripts source this file, and put the names of their own tests into $more_tests.
. "$(dirname "$0")/ktap.sh"
need_pool

cycles=${1:-1000}
batch=50
half=$(hex $((pool_size / 2)))
pool_a=$(pool a 0 $half)
pool_b=$(pool b $half $half)
overlapping=$(pool b 0 $half)
no_alias=${pool_alias:+:$(hex $((pool_alias + pool_size / 2)))}
pool_driver=/sys/bus/platform/drivers/dma_alias_pool
pool_dev=/sys/bus/platform/devices/dma_alias_pool.0

[ -r /proc/slabinfo ] || ktap_skip_all "the kernel has no /proc/slabinfo"
[ "$(cat /sys/kernel/slab/kmalloc-64/sanity_checks)" = 1 ] ||
	ktap_skip_all "slab counts are not exact: boot with slub_debug=F"

# Memory is not watched here, so the rig need not know where modules are. To tell it
# would take longer than to load them.
rig_module() { :; }

# --- counting

# Take three samples, of which snapshot() uses the smallest values. Memory that waits for
# RCU, a work item or the end of a process is in some samples only, a leak is in all.
# Nothing else may run between the shrinking of the caches and the sample.
sample()
{
	vmallocinfo=
	! with_mmu || vmallocinfo=/proc/vmallocinfo
	for sample_n in 1 2 3; do
		# twice, since the first time spares what was used recently
		echo 3 >/proc/sys/vm/drop_caches
		echo 3 >/proc/sys/vm/drop_caches
		for sample_cache in /sys/kernel/slab/*; do
			[ -L $sample_cache ] || echo 1 >$sample_cache/shrink
		done
		sleep 1
		cat /proc/loadavg /proc/meminfo /proc/zoneinfo $vmallocinfo \
			/proc/slabinfo >$tmp/sample.$sample_n
	done
}

# Print lines "KIND NAME NUMBER". KIND is kib, objects (of a slab cache, or areas in
# vmallocinfo) or count. The line about threads comes first, since compare() needs it
# for the others. Each processor's list of free pages is added to MemFree. The slab cache
# vmap_area is left out, since it also counts gaps that the kernel reuses at some time.
snapshot()
{
	sample
	awk '
	function least(what, n) {
		if (!(what in value)) order[++names] = what
		if (!(what in value) || n < value[what]) value[what] = n
	}
	function end_of_sample() {
		least("kib free", -free)
		if (areas) least("objects vmallocinfo", areas)
		free = areas = in_slabs = 0
	}
	FNR == 1 {
		if (NR > 1) end_of_sample()
		split($4, running, "/")
		least("count threads", running[2])
		next
	}
	/^MemFree:/ { free += $2 }
	$1 == "count:" { free += $2 * 4 }
	/^(Slab|SUnreclaim|KernelStack|PageTables|VmallocUsed|Percpu):/ {
		least("kib " substr($1, 1, length($1) - 1), $2)
	}
	/^0x/ && !/unpurged/ { areas++ }
	in_slabs && $1 != "vmap_area" { least("objects " $1, $2) }
	/^# name/ { in_slabs = 1 }
	END {
		end_of_sample()
		value["kib free"] = -value["kib free"]
		for (i = 1; i <= names; i++) print order[i], value[order[i]]
	}' $tmp/sample.1 $tmp/sample.2 $tmp/sample.3
	for snapshot_file in iomem modules; do
		echo count $snapshot_file $(wc -l </proc/$snapshot_file)
	done
	echo count devices $(find /sys/devices -type d | wc -l)
	echo count debugfs $(find $debugfs | wc -l)
}

# How much the figures differ by themselves: slab pages are only partly used, and the
# kernel keeps as many workers as have ever been waiting at once, each of which has some
# KiB and objects.
idle_kib=96
idle_objects=4
! with_mmu || {
	idle_kib=192
	idle_objects=16
}

# compare BEFORE AFTER CYCLES: print the figures as diagnostics, and a line "grew ..." for
# each that grew too much. One page in 25 cycles is allowed: small leaks show in the
# numbers of objects.
compare()
{
	awk -v cycles=$3 -v idle_kib=$idle_kib -v idle_objects=$idle_objects \
		-v more_threads=$more_threads '
	function grew(what) { print "grew " what " from " old " to " $3 }
	NR == FNR { before[$1 " " $2] = $3; next }
	{
		old = before[$1 " " $2] + 0
		more = $3 - old
	}
	$2 == "threads" {
		text = text ", threads " old " -> " $3
		if (more > more_threads) grew("threads")
		threads = more > 0 ? more : 0
		next
	}
	$1 == "kib" {
		text = text ", " $2 " " old " -> " $3
		if (($2 == "free" ? -more : more) > idle_kib + 32 * threads + cycles * 16 / 100)
			grew($2 " KiB")
	}
	$1 == "objects" {
		sum_old += old
		sum += $3
		if (more > most) { most = more; who = " in " $2 }
		if (more > idle_objects + threads + cycles / 20) grew("objects of " $2)
	}
	$1 == "count" {
		counts = counts ", " $2 " " old " -> " $3
		if (more) grew("the lines of " $2)
	}
	END {
		print "# " cycles " cycles" text " KiB"
		print "# slab objects " sum_old " -> " sum ", at most +" most + 0 who counts
	}' $1 $2
}

# in_batches COMMAND COUNT: run COMMAND N for each N below COUNT. A shell's own memory
# grows, without an MMU for as long as it lives, so each batch has a shell of its own.
in_batches()
{
	batch_from=0
	while [ $batch_from -lt $2 ]; do
		batch_to=$((batch_from + batch))
		[ $batch_to -le $2 ] || batch_to=$2
		sh "$0" $cycles $1 $batch_from $batch_to ||
			fail "$1 failed between $batch_from and $batch_to"
		[ -z "$failed" ] || return
		batch_from=$batch_to
	done
}

# one_batch COMMAND FROM TO: this is what each of the shells of in_batches does
one_batch()
{
	failed=
	batch_n=$2
	while [ $batch_n -lt $3 ]; do
		$1 $batch_n
		[ -z "$failed" ] || exit 1
		batch_n=$((batch_n + 1))
	done
	exit 0
}

# endures COMMAND [CYCLES [BEFORE]]: fail if CYCLES runs of COMMAND leak something.
# COMMAND calls fail if it goes wrong. It first runs BEFORE times without comparing.
#
# The kernel sometimes takes memory for itself, with an MMU 200 KiB in one of hundreds of
# rounds. So if a round grew, another one is compared with its end, and only three
# rounds in a row that grow are a leak.
endures()
{
	endures_cycles=${2:-$cycles}
	# where clients go, a worker for each of them waits to delete its device link
	case $1 in
	bind_cycle | failing_probe_cycle) more_threads=8 ;;
	*) more_threads=128 ;;
	esac
	in_batches $1 ${3:-$((20 + endures_cycles / 20))}
	# kfree_rcu() may begin up to five seconds later; memory that still waits for
	# it in the first snapshot would hide a leak
	sleep 5
	snapshot >$tmp/before
	for endures_round in 1 2 3; do
		in_batches $1 $endures_cycles
		[ -z "$failed" ] || return
		# memory may only be freed late, so look again before it counts
		for endures_try in 1 2 3 4; do
			snapshot >$tmp/after
			compare $tmp/before $tmp/after $endures_cycles >$tmp/compared
			grep -q '^grew' $tmp/compared || break
		done
		grep '^#' $tmp/compared
		grep -q '^grew' $tmp/compared || break
		mv $tmp/after $tmp/before
	done
	while read -r endures_word endures_rest; do
		[ $endures_word != grew ] || fail "grew: $endures_rest"
	done <$tmp/compared
}

# --- the module

# The devices go before the module in every other cycle, otherwise the module unbinds
# them.
load_cycle()
{
	load "pools=$pool_a,$pool_b" \
		"clients=dap-test.0@a,dap-test.1@b" && load_tests ||
		fail "load $1 failed"
	ok_dev dap-test.0 alloc 20000
	ok_dev dap-test.1 alloc 4096
	ok_dev dap-test.0 free all
	ok_dev dap-test.1 free all
	if [ $(($1 % 2)) = 0 ]; then
		unload_all
	else
		unload && unload_tests
	fi || fail "unload $1 failed"
}

# The load fails in turn at parsing pools=, at the first pool's alias if there is one, at
# the second pool, and at clients= when both pools are there.
failing_load_cycle()
{
	case $(($1 % 4)) in
	0) set -- pools=x:$pool_base:4MB ;;
	1) set -- pools=x:$pool_base:$half$no_alias clients=x@y ;;
	2) set -- "pools=$pool_a,$overlapping" ;;
	3) set -- "pools=$pool_a,$pool_b" clients=x@y ;;
	esac
	! load "$@" 2>/dev/null || fail "loaded with $*"
}

loads() { endures load_cycle; }
failing_loads() { endures failing_load_cycle; }

# --- bindings

starts()
{
	load_all || fail "cannot load"
	echo dap-test.0 >$params/need
}

# The probe takes 8 KiB of managed memory (need=), the driver frees the other buffer.
bind_cycle()
{
	unbind dap-test.0 && bind dap-test.0 || fail "bind $1 failed"
	ok_dev dap-test.0 alloc 12288
}

binds()
{
	endures bind_cycle
	unbind dap-test.0
	same_stat sram live_allocs 0
	bind dap-test.0
}

# The probe takes memory of the pool, and fails.
failing_probe_cycle()
{
	! bind dap-test.1 || fail "the probe $1 did not fail"
}

failing_probes()
{
	unbind dap-test.1
	echo dap-test.1 >$params/fail_probe
	endures failing_probe_cycle
	same_stat sram clients 2
	echo >$params/fail_probe
	bind dap-test.1 || fail "cannot be bound any more"
}

# A client's device is removed, and another one of that name comes.
device_cycle()
{
	echo "del 1" >$tests/control && echo "add 1" >$tests/control || fail "not removed, or not added"
}

devices_come_and_go()
{
	endures device_cycle
	same_stat sram clients 2
}

# Some of the requests are refused. The device is removed in the end, since a reference
# too many shows only then.
attach_cycle()
{
	if [ $(($1 % 4)) = 0 ]; then
		ok_dev dap-test.1 alloc 4096
		! echo dap-test.1 2>/dev/null >$pool_dev/detach ||
			fail "detached with memory"
		ok_dev dap-test.1 free all
		! echo dap-test.9 2>/dev/null >$pool_dev/attach ||
			fail "attached what is not there"
	fi
	echo dap-test.1 >$pool_dev/detach || fail "detach $1 failed"
	echo dap-test.1 >$pool_dev/attach || fail "attach $1 failed"
	device_cycle
}

attachments()
{
	endures attach_cycle
	same_stat sram clients 2
	same_stat sram bad_free_count 0
}

ends() { unload_all || fail "module in use"; }

[ $# -ne 4 ] || one_batch "$2" "$3" "$4"

# shellcheck disable=SC2086 # words
ktap_run loads failing_loads starts binds failing_probes devices_come_and_go \
	attachments ends $more_tests
