#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Proves that memory of a pool is coherent, on a machine whose data cache has all the
# effects that make memory incoherent, and whose DMA engine does not see the cache.
# In memory of a pool, the CPU and the engine find what the other one wrote. In normal
# memory, the same tests must fail, or they would prove nothing. Streaming DMA must
# work for a client of the pool as it does for other devices.
#
#   cache.sh [SEED [PERIOD]]
#   cache.sh cached-alias [SEED [PERIOD]]	the machine's alias is cached after all
#
# SEED decides everything that is random. After each PERIOD accesses of the CPU the
# cache evicts, writes back or fetches a line by itself; this is called the adversary.
# The lines "# TEST MEMORY ROUNDS WRONG" in the output are for a table.
. "$(dirname "$0")/ktap.sh"
. "$here/engine.sh"
need_engine
need_pool

cached_alias=
if [ "$1" = cached-alias ]; then
	cached_alias=y
	shift
fi
seed=${1:-1}
period=${2:-20}
pace=4
rounds=50
attach=/sys/bus/platform/devices/dma_alias_pool.0

coherent="reads reads_again late status ring soak"
streaming="single skip page sync offsets sg pages noncoherent"

# run TEST MEMORY ROUNDS PERIOD PACE [BASE SIZE]: run a test of the engine's driver,
# print a line of the table, and set $runs and $wrong
run()
{
	run_test=$1 run_memory=$2 run_rounds=$3 run_period=$4 run_pace=$5
	shift 5
	runs=0 wrong=none
	ok_engine run $run_test $run_memory $run_rounds $run_period $seed \
		  $run_pace "$@"
	same "rounds of $run_test" $runs $run_rounds
	echo "# $run_test $run_memory $runs $wrong"
}

# all_right TEST MEMORY ROUNDS PERIOD PACE: no round may go wrong
all_right()
{
	run "$@"
	same "wrong rounds of '$* seed $seed'" $wrong 0
}

# right_in_all_ways TEST MEMORY: with and without the adversary, and with an engine that
# does its work at once and one that takes its time
right_in_all_ways()
{
	for run_ways in "0 0" "0 $pace" "$period 0" "$period $pace"; do
		all_right $1 $2 $rounds $run_ways
	done
}

# goes_wrong TEST: it must fail in normal memory, or passing would mean nothing
goes_wrong()
{
	run $1 normal $rounds 0 $pace
	[ $wrong != 0 ] || fail "no wrong round, seed $seed"
	run $1 normal $rounds $period $pace
	[ $wrong != 0 ] || fail "no wrong round, seed $seed, period $period"
}

# cannot RUN ...: the test cannot run, since there is no coherent memory
cannot()
{
	! do_engine run "$@" || fail "run $* works"
	same "error of run $*" "$do_result" error=12
}

check_held()
{
	ok_engine hold check
	same "wrong bytes of what is held" $wrong 0
}

# load_pool PARAMETER ...: load the module, and bind the engine's driver again
load_pool()
{
	load "pools=$(pool sram)" "$@" || fail "cannot load"
	unbind_engine
	bind_engine
}

starts()
{
	load_engine || fail "cannot load the engine's driver"
	cannot reads pool 1 0 $seed 0
	cannot status pool 1 0 $seed 0
}

becomes_a_client()
{
	load_pool clients=$engine
	has_client sram $engine || fail "it is no client"
}

# Tests run while the driver holds other memory, and do not damage it.
memory_is_held_meanwhile()
{
	ok_engine hold take 10000 $seed
	for run_again in 1 2 3; do
		all_right soak pool $rounds $period $pace
		check_held
	done
	ok_engine hold free
	same_stat sram live_allocs 0
}

# Memory without a kernel mapping comes from elsewhere if the pool is full, since the CPU
# does not access it. The engine must still find what it has written there.
fallback()
{
	for run_period in 0 $period; do
		before=$(stat_of sram fallback_count)
		all_right nokmap pool 20 $run_period $pace
		same_stat sram fallback_count $((before + 20))
	done
	all_right nokmap_read pool 20 0 $pace
	same_stat sram live_allocs 0
}

all_of_the_pool()
{
	all_right whole pool 1 0 0
	all_right whole pool 1 $period 0
	same_stat sram peak_used_bytes $((pool_size))
	same_stat sram live_allocs 0
}

# dirty_before PARAMETER ...: load the module while the cache is full of dirty lines of
# the pool's cacheable view
dirty_before()
{
	unload
	run dirty normal 1 0 0 $(hex $pool_base) $((pool_size))
	load_pool clients=$engine "$@"
	all_right whole pool 1 0 0
	all_right soak pool $rounds $period $pace
}

dirty_lines_of_firmware() { dirty_before; }
dirty_lines_and_no_check() { dirty_before verify=0; }

# With guard=1 the cache cannot hold a line of the cacheable view, and nothing needs one.
guarded()
{
	unload
	load_pool clients=$engine guard=1
	all_right soak pool $rounds $period $pace
	all_right whole pool 1 $period 0
	all_right single pool $rounds $period $pace
}

# The driver stays bound and gets memory of the pool from then on. A streaming mapping
# from before the attach stays right.
attached_in_place()
{
	unload_engine
	unload
	load_engine stuck=1
	load "pools=$(pool sram)" || fail "cannot load"
	ok_engine adversary $period $seed
	cannot reads pool 1 $period $seed $pace
	all_right single normal $rounds $period $pace
	ok_engine hold map 3000 $seed
	check_held
	echo $engine >$attach/attach || fail "cannot attach"
	check_held
	all_right soak pool $rounds $period $pace
	all_right single pool $rounds $period $pace
	check_held
	ok_engine hold free
	ok_engine adversary 0 $seed
}

detached()
{
	unload_engine
	load_engine
	has_client sram $engine || fail "it is no client any more"
	ok_engine adversary $period $seed
	echo $engine >$attach/detach || fail "cannot detach"
	cannot reads pool 1 $period $seed $pace
	all_right single normal $rounds $period $pace
	echo $engine >$attach/attach || fail "cannot attach again"
	all_right soak pool $rounds $period $pace
	ok_engine adversary 0 $seed
}

# Memory that is freed after its driver has gone is handed out again, zeroed.
late_free()
{
	ok_engine adversary $period $seed
	ok_engine hold take 30000 $seed
	check_held
	unbind_engine
	same_stat sram live_allocs 1
	ok_engine hold free
	same_stat sram live_allocs 0
	same_stat sram bad_free_count 0
	bind_engine
	all_right whole pool 1 $period 0
	ok_engine adversary 0 $seed
}

ends_empty()
{
	unload_engine || fail "the engine's driver is in use"
	same_stat sram live_allocs 0
	same_stat sram bad_free_count 0
	[ ! -e $debugfs/dma-api/dump ] || ! grep "$engine" $debugfs/dma-api/dump ||
		fail "DMA_API_DEBUG knows of something that is mapped yet"
	unload || fail "module in use"
}

# --- an alias that the CPU caches

is_refused()
{
	load_engine || fail "cannot load the engine's driver"
	log_clear
	! load "pools=$(pool sram)" clients=$engine 2>/dev/null ||
		fail "loaded all the same"
	log_has "$pool_alias is cached: make it non-cacheable"
}

goes_wrong_if_not_checked()
{
	load_pool clients=$engine verify=0
	for name in reads_again late soak; do
		run $name pool $rounds 0 $pace
		[ $wrong != 0 ] || fail "no wrong round of $name, seed $seed"
	done
}

# --- a function for each test of the engine's driver

controls='' proofs='' others='' clients=''
for name in $coherent; do
	eval "normal_$name() { goes_wrong $name; }"
	eval "pool_$name() { right_in_all_ways $name pool; }"
	controls="$controls normal_$name" proofs="$proofs pool_$name"
done
for name in $streaming; do
	eval "no_client_$name() { right_in_all_ways $name normal; }"
	eval "client_$name() { right_in_all_ways $name pool; }"
	others="$others no_client_$name" clients="$clients client_$name"
done

echo "# seed $seed, period $period"
[ -z "$cached_alias" ] || ktap_run is_refused goes_wrong_if_not_checked
# shellcheck disable=SC2086 # words
ktap_run starts $controls $others becomes_a_client $proofs $clients \
	memory_is_held_meanwhile fallback all_of_the_pool \
	dirty_lines_of_firmware dirty_lines_and_no_check guarded \
	attached_in_place detached late_free ends_empty
