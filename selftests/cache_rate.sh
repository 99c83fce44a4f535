#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Measures how often data is wrong on the machine with a cache, depending on how often
# the cache evicts, writes back or fetches a line by itself. This is for a diagram, and
# tests nothing.
#
#   cache_rate.sh [ROUNDS [SEED]]
#
# Prints lines "# rate TEST MEMORY PERIOD ROUNDS WRONG". The cache does something by
# itself after each PERIOD accesses of the CPU, or never if PERIOD is 0.
. "$(dirname "$0")/ktap.sh"
. "$here/engine.sh"
need_engine
need_pool

rounds=${1:-100}
seed=${2:-1}
periods="0 1000 300 100 30 10 3 1"

# rates MEMORY: for all tests and periods
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
