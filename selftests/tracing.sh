#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The tracepoints dma_alias_pool:*, as trace-cmd and perf use them.
. "$(dirname "$0")/ktap.sh"
need_pool

tracing=/sys/kernel/tracing
[ -e $tracing/trace ] || mount -t tracefs trace $tracing 2>/dev/null
[ -e $tracing/trace ] || ktap_skip_all "the kernel has no tracing"

# traced COUNT REGEX: fail unless that many lines of the trace match
traced()
{
	same "events '$2'" "$(grep -c -e "$2" $tracing/trace)" $1
}

clear_trace() { echo >$tracing/trace; }

starts()
{
	load "pools=$(pool sram)" clients=dap-test.* || fail "cannot load"
	for event in alloc free failure fallback attach detach; do
		[ -d $tracing/events/dma_alias_pool/$event ] ||
			fail "no event $event"
	done
	clear_trace
	echo 1 >$tracing/events/dma_alias_pool/enable
	load_tests
}

# The commands that the documentation shows, but for the tool that draws a picture, which
# does not run on the target.
as_documented()
{
	if [ ! -e "$here/docs/trace" ]; then
		skip "the documentation is not here"
		return
	fi
	grep -v '^tools/' "$here/docs/picture" >"$tmp/picture.sh"
	for shown in "$here/docs/trace" "$tmp/picture.sh"; do
		echo 0 >$tracing/events/dma_alias_pool/enable
		rm -f "$tmp/trace"
		(cd "$tmp" && sh "$shown") >"$tmp/printed" || fail "$shown"
		[ ! -e "$tmp/trace" ] || cat "$tmp/trace" >>"$tmp/printed"
		same "enabled" "$(cat $tracing/events/dma_alias_pool/enable)" 1
		grep -q "attach: client=dap-test.0 pool=sram" "$tmp/printed" ||
			fail "$shown shows no event"
	done
}

attach_and_detach()
{
	traced 1 "attach: client=dap-test.0 pool=sram bus=$pool_base"
	traced 1 "attach: client=dap-test.1 pool=sram bus=$pool_base"
	clear_trace
	echo dap-test.1 >/sys/bus/platform/devices/dma_alias_pool.0/detach
	traced 1 "detach: client=dap-test.1 pool=sram"
	echo dap-test.1 >/sys/bus/platform/devices/dma_alias_pool.0/attach
	traced 1 "attach: client=dap-test.1 pool=sram"
}

alloc_and_free()
{
	clear_trace
	ok_dev dap-test.0 alloc 20000
	traced 1 "alloc: client=dap-test.0 pool=sram size=20000 bus=$dma"
	traced 0 "free: "
	ok_dev dap-test.0 free 0
	traced 1 "free: client=dap-test.0 pool=sram size=20000 bus=$dma"
	traced 1 "alloc: "
}

# A free that is refused has no event.
refused_free()
{
	ok_dev dap-test.0 alloc 20000
	clear_trace
	rig_expect "dap-test.0: DMA pool sram: bad free .*another size"
	ok_dev dap-test.0 badfree 0 byte
	rig_end_expect
	traced 0 "free: "
	ok_dev dap-test.0 free 0
	traced 1 "free: client=dap-test.0 pool=sram size=20000"
}

failure()
{
	clear_trace
	bad_dev dap-test.0 alloc $((pool_size + 1)) nowarn
	traced 1 "failure: client=dap-test.0 pool=sram size=$((pool_size + 1)) error=-7"
	ok_dev dap-test.1 alloc $pool_size
	unserved dap-test.0 alloc 1 nowarn
	traced 1 "failure: client=dap-test.0 pool=sram size=1 error=-28"
}

fallback()
{
	clear_trace
	ok_dev dap-test.0 alloc 8192 nokmap
	traced 1 "failure: client=dap-test.0"
	traced 1 "fallback: client=dap-test.0 pool=sram size=8192 bus=$dma"
	ok_dev dap-test.0 free 0
	traced 1 "free: client=dap-test.0 pool=sram size=8192 bus=$dma"
	clear_trace
	ok_dev dap-test.0 noncoherent 100
	traced 1 "fallback: client=dap-test.0"
	ok_dev dap-test.1 free 0
}

# What a device had before it became a client is none of the pool's.
memory_of_before()
{
	unload_all
	load_tests stuck=1
	load "pools=$(pool sram)" || fail "cannot load"
	if do_dev dap-test.0 alloc 5000; then
		before=$id
		echo dap-test.0 >/sys/bus/platform/devices/dma_alias_pool.0/attach
		echo 1 >$tracing/events/dma_alias_pool/enable
		clear_trace
		ok_dev dap-test.0 free $before
		traced 0 "free: "
		ok_dev dap-test.0 alloc 5000
		ok_dev dap-test.0 free $id
		traced 1 "free: client=dap-test.0 pool=sram size=5000"
	else
		skip "the kernel serves no device by itself"
	fi
	unload_tests
	unload
	load_all || fail "cannot load"
}

ends()
{
	echo 0 >$tracing/events/dma_alias_pool/enable
	unload_all || fail "module in use"
	[ ! -d $tracing/events/dma_alias_pool ] || fail "events left"
}

ktap_run starts as_documented attach_and_detach alloc_and_free refused_free failure \
	fallback memory_of_before ends
