#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Everything that is not coherent memory does for a client what it did before:
# each call is made on a device that is no client, then on the same one as a
# client, and must give the same. dap-test.0 and dap-test.1 take part.
. "$(dirname "$0")/ktap.sh"
need_pool

usual_calls="map 1 to
map 64 from
map 1500 to
map 1500 from
map 1500 bidi
map 4096 to
map 65536 bidi
map 1500 to skip
map 1500 bidi skip
sg 1 64 to
sg 4 600 from
sg 16 4096 bidi
resource 0x40004000 4096
resource 0x60000000 64
limits
noncoherent 10000
pages 10000
mask 0xbfffffff
map 1500 bidi
limits
mask 0xffffffff
limits"

# A kernel with DMA_API_DEBUG has it say yes for any operations of a device's own.
needs_sync()
{
	if snooped && [ -e $debugfs/dma-api ]; then
		echo "-"
	else
		echo "$need_sync"
	fi
}

# results DEVICE: of all calls, without what is another buffer's place
results()
{
	echo "$calls" | while read -r call; do
		if do_dev $1 $call; then
			phys=0
			do_result=
			read -r do_result <$tests/$1
			eval "$do_result"
			case $call in
			noncoherent* | pages*) echo "$call: shift=$((dma - phys))" ;;
			map*) echo "$call: shift=$((dma - phys)) need_sync=$(needs_sync)" ;;
			*) echo "$call: $do_result" ;;
			esac
		else
			echo "$call: failed"
		fi
	done
}

# compare CALLS
compare()
{
	calls=$1
	load_tests
	results dap-test.0 >/tmp/before
	unload_tests
	load_all || fail "cannot load"
	results dap-test.0 >/tmp/after
	diff /tmp/before /tmp/after >/tmp/diff || {
		fail "not the same as a client:"
		sed 's/^/# /' /tmp/diff
	}
	same "lines" "$(wc -l </tmp/before)" "$(echo "$calls" | wc -l)"
}

before_and_after()
{
	compare "$usual_calls"
	same "calls that failed" "$(grep -c failed /tmp/before)" 0
	unload_all
}

# Attributes that not every kernel has: where one is missing, both times.
newer_attributes()
{
	compare "map 1500 to coherent
map 1500 bidi coherent
map 1500 to lines
map 1500 from lines"
}

# It must fail as it does without the module.
mask_that_the_kernel_refuses()
{
	bad_dev dap-test.0 mask 0xffff
	ok_dev dap-test.0 mask 0xffffffff
}

noncoherent_is_not_from_the_pool()
{
	before=$(stat_of sram fallback_count)
	ok_dev dap-test.0 noncoherent 10000
	[ $((phys)) -eq $((dma)) ] || fail "phys $phys, bus $dma"
	not_from_pool
	same_stat sram fallback_count $((before + 1))
	same_stat sram live_allocs 0
}

noncoherent_works_with_a_full_pool()
{
	ok_dev dap-test.1 alloc $pool_size
	ok_dev dap-test.0 noncoherent 10000
	ok_dev dap-test.0 map 1500 bidi
	ok_dev dap-test.1 free 0
}

ends_empty()
{
	same_stat sram bad_free_count 0
	unload_all || fail "module in use"
}

ktap_run before_and_after newer_attributes mask_that_the_kernel_refuses \
	noncoherent_is_not_from_the_pool noncoherent_works_with_a_full_pool \
	ends_empty
