#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# How often memory goes wrong on the machine with a cache, by how often lines are
# evicted, written back and fetched by themselves: for a picture, and no test.
#
#   cache_rate.sh [ROUNDS [SEED]]
#
# Prints "# rate TEST MEMORY PERIOD ROUNDS WRONG": PERIOD accesses of the CPU are
# between two events, 0: there are none.
. "$(dirname "$0")/ktap.sh"
. "$here/engine.sh"
need_engine
need_pool

rounds=${1:-100}
seed=${2:-1}
periods="0 1000 300 100 30 10 3 1"

# rates MEMORY
rates()
{
	for rate_test in reads reads_again late status soak; do
		for rate_period in $periods; do
			ok_engine run $rate_test $1 $rounds $rate_period $seed 4
			same rounds $runs $rounds
			echo "# rate $rate_test $1 $rate_period $runs $wrong"
		done
	done
}

normal_memory()
{
	load_engine || fail "cannot load the engine's driver"
	rates normal
}

pool_memory()
{
	load "pools=$(pool sram)" clients=$engine || fail "cannot load"
	unbind_engine
	bind_engine
	rates pool
	unload_engine
	unload
}

ktap_run normal_memory pool_memory
