#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A real DMA controller as a client. Its driver, the kernel's pl08xdmac, keeps the
# descriptors of its transfers in coherent memory, from where the controller fetches
# them by itself. The kernel's dmatest has it copy data, and compares the copies. Only
# for machines with a PL081.
#
#   real_dma.sh            all of this
#   real_dma.sh wrong-bus  the pool has a bus address at which the controller does not
#                          find the memory, so it must not copy anything
. "$(dirname "$0")/ktap.sh"
need_pool

for node in /sys/bus/amba/devices/*; do
	grep -q 'arm,pl081' "$node/of_node/compatible" 2>/dev/null || continue
	controller=${node##*/}
done
[ -n "$controller" ] || ktap_skip_all "this machine has no PL081"
dmatest=/sys/module/dmatest/parameters
[ -d $dmatest ] || ktap_skip_all "the kernel has no dmatest"

attach=/sys/bus/platform/devices/dma_alias_pool.0/attach
channel=dma0chan0

# copies N [SIZE]: have dmatest copy N times, and set $tests and $failures to what it says
copies()
{
	# the parameters must be set before the channel
	echo $1 >$dmatest/iterations
	echo ${2:-0} >$dmatest/transfer_size
	echo $timeout >$dmatest/timeout
	# QEMU's model copies wrongly between different widths
	echo 2 >$dmatest/alignment
	echo $channel >$dmatest/channel
	log_clear
	echo 1 >$dmatest/run
	cat $dmatest/wait >/dev/null
	tests=none
	failures=none
	eval "$(log_since | sed -n 's/.*dmatest: .*summary \([0-9]*\) tests, \([0-9]*\) failures.*/tests=\1 failures=\2/p')"
	echo 0 >$dmatest/run
}

# live: how many bytes of the pool the controller holds
live()
{
	while read -r name driver bytes rest; do
		[ "$name" != $controller ] || echo $bytes
	done <$pools/sram/clients
}

# word OFFSET: read a word of the pool through the alias
word() { devmem $(hex $((pool_alias + $1))) 32; }

starts()
{
	load "pools=sram:$pool_base:$pool_size:$pool_alias${bus:+:$bus}" ||
		fail "cannot load"
	# QEMU's controller needs help with its interrupts, a real one does not
	[ -z "$RIG_BOARD" ] ||
		insmod "$here/dma_alias_pool_kick.ko" \
			address=0x${controller%%.*} || fail "no help for QEMU"
}

attaches_a_bound_driver()
{
	[ -e /sys/bus/amba/devices/$controller/driver ] ||
		fail "$controller has no driver"
	same "live bytes" "$(live)" ""
	log_clear
	echo $controller >$attach || fail "cannot attach"
	log_has "$controller: coherent DMA memory comes from pool sram"
	same "live bytes" "$(live)" 0
}

copies_well()
{
	timeout=2000
	copies 1000
	same tests $tests 1000
	same failures $failures 0
}

# The driver takes memory for its descriptors at the first transfer, and keeps it.
descriptors_are_in_the_pool()
{
	[ "$(live)" -gt 0 ] || fail "$(cat $pools/sram/clients)"
	same "live bytes" "$(live)" "$(stat_of sram requested_bytes)"
	same_stat sram fail_count 0
	same_stat sram fallback_count 0
	grep -q " $controller .* dma_pool_alloc+" $pools/sram/allocations ||
		fail "not the descriptors': $(cat $pools/sram/allocations)"
	echo "# $(grep "^$controller " $pools/sram/clients)"
}

# Copying 12 KiB byte by byte takes four descriptors. The third word of each is the bus
# address of the next one, which the controller has followed.
descriptors_are_chained()
{
	timeout=2000
	copies 1 12288
	same failures $failures 0
	page=$(sed -n 's/^\(0x[0-9a-f]*\) .*dma_pool_alloc.*/\1/p' \
	       $pools/sram/allocations)
	for i in 0 1 2; do
		same "link $i" $(($(word $((page + 16 * i + 8))) & ~3)) \
		     $((pool_base + page + 16 * (i + 1)))
	done
	same "last link" $(($(word $((page + 16 * 3 + 8))))) 0
}

cannot_be_unloaded()
{
	! unload 2>/dev/null || fail "it was"
	log_clear
	! echo $controller 2>/dev/null >${attach%attach}detach ||
		fail "detached under its driver"
	log_has "$controller: not detached from DMA pool sram: its driver cannot be unbound"
	[ "$(live)" -gt 0 ] || fail "$(cat $pools/sram/clients)"
	timeout=2000
	copies 10
	same failures $failures 0
}

# report STATUS: run report.sh, which must leave the channel and dmatest's parameters as
# they were
report()
{
	rig_watch off
	sh "$here/report.sh" >"$tmp/report" 2>&1
	same "the exit status" $? $1
	rig_watch on
	same "in use" "$(cat /sys/class/dma/$channel/in_use)" 0
	same iterations "$(cat $dmatest/iterations)" "$iterations"
	same timeout "$(cat $dmatest/timeout)" "$timeout"
}

report_says() { grep -q -e "$1" "$tmp/report" || fail "no '$1' in: $(cat "$tmp/report")"; }

report_tests_the_channel()
{
	iterations=10
	timeout=2000
	copies $iterations
	report 0
	report_says "^  $channel: *summary 100 tests, 0 failures"
}

# A channel that does not work is named after one try, so that nobody has to wait.
report_names_the_channel()
{
	iterations=2
	report 1
	report_says "^  $channel: *summary 1 tests, 1 failures"
	report_says 'dmatest on dma0chan0, whose descriptors are in a pool'
}

does_not_copy()
{
	timeout=100
	copies 2 12288
	same tests $tests 2
	same failures $failures 2
}

if [ "$1" = wrong-bus ]; then
	# on another machine the controller might read and write anything
	[ "$RIG_BOARD" = an505 ] || ktap_skip_all "only for the an505"
	bus=$pool_alias
	ktap_run starts attaches_a_bound_driver does_not_copy \
		descriptors_are_in_the_pool report_names_the_channel
fi
bus=
ktap_run starts attaches_a_bound_driver copies_well \
	descriptors_are_in_the_pool descriptors_are_chained cannot_be_unloaded \
	report_tests_the_channel
