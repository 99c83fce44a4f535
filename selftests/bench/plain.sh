#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The part of make bench in a kernel as products have it, without DMA_API_DEBUG: what
# an allocation and its free cost; what mapping and unmapping a buffer costs a device
# that is no client, and one that is; and what the module costs by being there. Prints
# what figures.sh says.
. "$(dirname "$0")/ktap.sh"
. "$here/figures.sh"

# when REGEX: milliseconds from the start of the kernel's clock to the first message
when()
{
	dmesg | sed -n "/$1/ s/^[^0-9]*\([0-9]*\)\.\([0-9]\{3\}\).*/\1\2/p" |
		head -n 1 | sed 's/^0*//'
}

# Nothing has come before it but what starts the test.
first_client()
{
	load_bench || fail "cannot load"
	figure first_client_ms - "$(when 'coherent DMA memory comes from pool')"
	unload_bench || fail "module in use"
}

# lap COMMAND ...: instructions that it took, as lap
lap()
{
	do_bench kernel lap
	"$@" || fail "failed: $*"
	do_bench kernel lap
	lap=$(value lap kernel)
}

# free_kib: of the kernel's memory, as free; no program is started for it, which
# would take some. What is freed with a delay has been by then.
free_kib()
{
	sleep 1
	while read -r key value unit; do
		[ "$key" != MemFree: ] || free=$value
	done </proc/meminfo
}

attach() { echo "$1" >/sys/bus/platform/devices/dma_alias_pool.0/attach; }

detach() { echo "$1" >/sys/bus/platform/devices/dma_alias_pool.0/detach; }

# lap_of_attach DEVICE: the least that it takes, as lap: now and then a tick of the
# kernel's clock falls into it, which is a tenth of it
lap_of_attach()
{
	least=
	for round in 1 2 3 4 5 6 7 8; do
		[ -z "$least" ] || detach "$1" || fail "failed: detach"
		lap attach "$1"
		[ -n "$least" ] && [ $lap -ge $least ] || least=$lap
	done
	lap=$least
}

# init_time: instructions, of 32 ns, that the module's own code took to load
init_time()
{
	dmesg | sed -n 's/.*initcall .*\[dma_alias_pool\] returned 0 after \([0-9]*\) usecs.*/\1/p' |
		while read -r us; do
			echo $((us * 125 / 4))
		done | tail -n 1
}

# Loaded a second time: what the first leaves in the kernel's caches is no part of
# it. Less what it costs to measure, and to start any program. The console is off
# meanwhile: how long a message waits for a serial line is the board's business.
being_there()
{
	step "being there"
	insmod "$here/dma_alias_pool_bench.ko" || fail "cannot load"
	echo Y >/sys/module/kernel/parameters/initcall_debug
	dmesg -n 1
	free_kib
	before=$free
	lap true
	nothing=$lap
	lap busybox true
	program=$lap
	lap insmod "$here/dma_alias_pool.ko" "pools=bench:$module_base:4M"
	loaded=$lap
	free_kib
	lap_of_attach a0000000.ethernet
	dmesg -n 7

	figure memory_kib - $((before - free))
	figure insmod - $((loaded - program))
	figure insmod_init - "$(init_time)"
	figure attach - $((lap - nothing))
	same_stat bench clients 1
	unload_bench || fail "module in use"
}

starts()
{
	load_bench || fail "cannot load"
	same_stat bench clients 2
	[ ! -d $debugfs/dma-api ] || fail "the kernel has DMA_API_DEBUG"
}

api()
{
	pairs alloc_free

	step "filling up"
	live=0
	while [ $live -lt $bench_pages ]; do
		both cost_at_fill_$live pair pair 4096 $live
		live=$((live + 64))
	done
	live=$((bench_pages - 1))
	both cost_at_fill_$live pair pair 4096 $live
}

# maps SUFFIX COHERENT
maps()
{
	step "streaming${1:+, }${1#_}"
	for size in 64 1500 4096; do
		both map_unmap_$size$1 stream stream $size
		same "coherent" "$(value coherent module)" $2
	done
}

not_coherent() { maps "" 0; }

coherent()
{
	bench_pair=snoop
	maps _coherent 1
	bench_pair=bench
}

ends() { unload_bench || fail "module in use"; }

ktap_run first_client being_there starts api not_coherent coherent ends
