#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Tests the emulated data cache itself, without dma_alias_pool, since the proof in
# cache.sh relies on it. Each effect of a cache is caused on purpose and must be seen,
# and the cache and MPU registers of the Cortex-M7 must do what they are for.
. "$(dirname "$0")/ktap.sh"
. "$here/engine.sh"
need_engine

names="stale_read late_write_back lost_write hidden_dma_write speculative_fetch
clean clean_to_unification invalidate clean_invalidate
clean_set_way invalidate_set_way clean_invalidate_set_way
write_through mpu_uncached adversary"

# self NAME: run a test of the engine's driver, which says what it saw if it fails
self()
{
	ok_engine self "$1"
	same "$1" "$do_result" ok=1
}

knows_no_other() { ! do_engine self nothing || fail "it has run nothing"; }

load_engine || ktap_skip_all "the engine's driver cannot be loaded"
for name in $names; do
	eval "$name() { self $name; }"
done
# shellcheck disable=SC2086 # words
ktap_run $names knows_no_other
