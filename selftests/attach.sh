#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# attach.sh [ROUNDS] - clients that come and go at run time: through sysfs, with a driver
# or without one, and under a driver that cannot be unbound; devices that had been
# waiting for a pool; and drivers that ask for their pool themselves.
. "$(dirname "$0")/ktap.sh"
need_pool
rounds=${1:-200}

half=$(hex $((pool_size / 2)))
two_pools="$(pool a 0 $half),$(pool b $half $half)"
pool_a=/sys/bus/platform/devices/dma_alias_pool.0
pool_b=/sys/bus/platform/devices/dma_alias_pool.1

attach() { echo "$2" 2>/dev/null >"$1/attach"; }
detach() { echo "$2" 2>/dev/null >"$1/detach"; }

# served_by POOL DEVICE: the device's memory comes from this pool
served_by()
{
	ok_dev "$2" alloc 4096
	same_stat "$1" live_allocs 1
	ok_dev "$2" free $id
}

starts()
{
	load_tests || fail "no test module"
	load "pools=$two_pools" || fail "cannot load"
	not_served dap-test.0
	set -- $(ls -l $pool_a/attach)
	# ls may mark what has more than a mode
	same "mode of attach" "${1%[.+]}" "--w-------"
	set -- $(ls -l $pool_a/detach)
	same "mode of detach" "${1%[.+]}" "--w-------"
}

bound_device()
{
	attach $pool_a dap-test.0 || fail "attach failed"
	[ -e $driver/dap-test.0 ] || fail "not bound again"
	served_by a dap-test.0
	not_served dap-test.1
}

unbound_device()
{
	unbind dap-test.1
	attach $pool_b dap-test.1 || fail "attach failed"
	[ -e $driver/dap-test.1 ] || fail "not bound"
	served_by b dap-test.1
	# without a driver it depends on the pool all the same, until it is detached
	unbind dap-test.1
	detach $pool_b dap-test.1 || fail "detach failed"
	! is_consumer dap-test.1 ${pool_b##*/} || fail "still linked to the pool's device"
	attach $pool_b dap-test.1 || fail "attach failed"
	served_by b dap-test.1
}

# Attaching a client once more does no harm, and white space around its name is
# ignored.
again_and_with_white_space()
{
	printf 'dap-test.0' >$pool_a/attach || fail "without a newline"
	echo "  dap-test.0  " >$pool_a/attach || fail "with blanks"
	same_stat a clients 1
	served_by a dap-test.0
}

unknown_device()
{
	for name in nobody "" dma_alias_pool ../dap-test.0; do
		log_clear
		! attach $pool_a "$name" || fail "attached '$name'"
		! detach $pool_a "$name" || fail "detached '$name'"
		log_has "there is no device $name"
	done
}

# Names that no person would type. Whatever is written, the message about it is one
# short line of printable characters. A NUL ends the name.
odd_names()
{
	set -- "%s%n%p" '%s%n%p' \
	       '\033[2Jx\r\ny\177\233' '\\e\[2Jx\\r\\ny\\177\\233' \
	       '\nok 1 nobody\001' 'ok 1 nobody\\001'
	while [ $# -gt 0 ]; do
		log_clear
		printf '%b' "$1" >"$tmp/odd"
		! dd if="$tmp/odd" of=$pool_a/attach 2>/dev/null || fail "attached '$1'"
		log_has "dma_alias_pool.0: there is no device $2\$"
		shift 2
	done
	for size in 4095 4096 10000; do
		log_clear
		! dd if=/dev/zero bs=$size count=1 2>/dev/null | tr '\000' n |
			dd of=$pool_a/attach bs=$size 2>/dev/null ||
			fail "attached a name of $size"
		log_has "there is no device n\{64\}\$"
	done
	printf 'dap-test.0\000nobody' >$pool_a/attach || fail "with a NUL"
	same_stat a clients 1
	echo "# $((3 + 3 + 1)) odd writes"
}

# The device of a pool cannot be a client.
pool_itself()
{
	log_clear
	! attach $pool_a dma_alias_pool.0 || fail "attached to itself"
	! attach $pool_a dma_alias_pool.1 || fail "attached another pool"
	log_has "not attached to DMA pool a"
	[ -d $pools/b ] || fail "the other pool is gone"
}

client_of_another_pool()
{
	log_clear
	! attach $pool_b dap-test.0 || fail "stolen"
	log_has "dap-test.0: not attached to DMA pool b: it is a client of a"
	! detach $pool_b dap-test.0 || fail "detached by another pool"
	log_has "dap-test.0: not detached from DMA pool b: it is no client of it"
	served_by a dap-test.0
}

detach_is_refused_while_memory_is_held()
{
	ok_dev dap-test.0 alloc 4096
	log_clear
	case $(error_of $pool_a/detach dap-test.0) in
	*busy*) ;;
	"") fail "detached with memory" ;;
	*) fail "another error than EBUSY" ;;
	esac
	log_has "dap-test.0: not detached from DMA pool a: it holds memory of it"
	ok_dev dap-test.0 check 0 0
	ok_dev dap-test.0 free 0
}

# A detached device stays without a pool, also when its driver is bound again.
detached()
{
	detach $pool_a dap-test.0 || fail "detach failed"
	[ -e $driver/dap-test.0 ] || fail "not bound again"
	no_client a dap-test.0 || fail "still a client"
	! is_consumer dap-test.0 ${pool_a##*/} || fail "still linked to the pool's device"
	not_served dap-test.0
	ok_dev dap-test.0 map 1500 to
	unbind dap-test.0
	bind dap-test.0
	not_served dap-test.0
	same_stat a clients 0
}

attached_again()
{
	attach $pool_b dap-test.0 || fail "attach to another pool failed"
	served_by b dap-test.0
	detach $pool_b dap-test.0 || fail "detach failed"
	attach $pool_a dap-test.0 || fail "attach failed"
	served_by a dap-test.0
	is_consumer dap-test.0 ${pool_a##*/} || fail "not linked to the pool's device"
	! is_consumer dap-test.0 ${pool_b##*/} || fail "linked to the pool that it left"
	same_stat b clients 1
}

# A device that was detached does not become a client again because of clients=.
detach_beats_the_parameter()
{
	unload_all
	load_all || fail "cannot load"
	detach $pool_a dap-test.0 || fail "detach failed"
	unbind dap-test.0
	bind dap-test.0
	not_served dap-test.0
	ok_dev dap-test.1 alloc 4096
	ok_dev dap-test.1 free 0
	echo "del 0" >$tests/control
	echo "add 0" >$tests/control
	ok_dev dap-test.0 alloc 4096
	ok_dev dap-test.0 free 0
	unload_all || fail "module in use"
}

attach_and_detach()
{
	n=0
	while [ $n -lt $1 ]; do
		attach $pool_a dap-test.0 || fail "attach $n failed"
		detach $pool_a dap-test.0 || fail "detach $n failed"
		n=$((n + 1))
	done
}

many_times()
{
	load_tests
	load "pools=$two_pools"
	leaks_nothing 64 attach_and_detach $rounds
	same_stat a clients 0
	# the pool goes without touching a device that was detached from it
	[ -e $driver/dap-test.0 ] || fail "not bound"
	unload || fail "module in use"
	[ -e $driver/dap-test.0 ] || fail "unbound with a pool that it had left"
	unload_tests
}

# A device whose probe failed because there was no pool yet is probed again when there
# is one.
waiting_device()
{
	if kernel_serves; then
		skip "on this kernel no probe fails for want of coherent memory"
		return
	fi
	load_tests need=dap-test.0
	[ ! -e $driver/dap-test.0 ] || fail "bound without memory"
	load "pools=$two_pools" "clients=dap-test.0@b" || fail "cannot load"
	[ -e $driver/dap-test.0 ] || fail "not probed again"
	same_stat b used_bytes 8192
	# the other device has a driver, so the module leaves it alone
	not_served dap-test.1
	unload_tests
	same_stat b used_bytes 0
	unload
}

# The device holds memory of the kernel when it becomes a client. That memory goes
# back to the kernel, not to the pool.
memory_from_before()
{
	if ! kernel_serves; then
		skip "the kernel has no memory for it"
		return
	fi
	load_tests leak=dap-test.0
	ok_dev dap-test.0 alloc 20000
	not_from_pool
	ok_dev dap-test.0 fill 0 0x3d
	unbind dap-test.0
	load "pools=$two_pools" clients=dap-test.0@a || fail "cannot load"
	bind dap-test.0
	ok_dev dap-test.0 alloc 4096
	same_stat a live_allocs 1
	ok_dev dap-test.0 check 0 0x3d
	ok_dev dap-test.0 free 0
	same_stat a live_allocs 1
	ok_dev dap-test.0 free 1
	same_stat a bad_free_count 0
	unload_all || fail "module in use"
}

# A driver asks for its pool in its probe, which is deferred while there is no such
# pool.
by_the_driver()
{
	load "pools=$two_pools" || fail "cannot load"
	load_tests api=b
	served_by b dap-test.0
	served_by b dap-test.1
	same_stat a clients 0
	ok_dev dap-test.0 alloc 4096
	bad_dev dap-test.0 release
	ok_dev dap-test.0 free 0
	ok_dev dap-test.0 release
	bad_dev dap-test.0 release
	not_served dap-test.0
	echo a >/sys/module/dma_alias_pool_test/parameters/api
	log_clear
	unbind dap-test.1
	bind dap-test.1
	[ ! -e $driver/dap-test.1 ] || fail "bound, though another pool has it"
	log_has "dap-test.1: not attached to DMA pool a: it is a client of b"
	unbind dap-test.0
	bind dap-test.0
	served_by a dap-test.0
	echo nope >/sys/module/dma_alias_pool_test/parameters/api
	unbind dap-test.0
	bind dap-test.0
	[ ! -e $driver/dap-test.0 ] || fail "bound without its pool"
	unload_all || fail "module in use"
}

# A driver that cannot be unbound gets the pool's DMA operations while it is running.
# As long as it does, the module must stay.
in_place()
{
	load_tests stuck=1
	load "pools=$two_pools" || fail "cannot load"
	not_served dap-test.0
	ok_dev dap-test.0 map 1500 bidi
	# memory from before the attach must go back to the kernel
	if kernel_serves; then
		ok_dev dap-test.0 alloc 5000
		old=$id
		ok_dev dap-test.0 fill $old 0x31
	fi
	attach $pool_a dap-test.0 || fail "attach failed"
	if kernel_serves; then
		served_by a dap-test.0
		ok_dev dap-test.0 check $old 0x31
		ok_dev dap-test.0 free $old
		same_stat a bad_free_count 0
	fi
	served_by a dap-test.0
	ok_dev dap-test.0 map 1500 bidi
	log_clear
	! detach $pool_a dap-test.0 || fail "detached"
	log_has "dap-test.0: not detached from DMA pool a: its driver cannot be unbound"
	! unload 2>/dev/null || fail "unloaded"
	served_by a dap-test.0
	unload_tests
	unload || fail "still in use"
	! grep -q dma_alias_pool /proc/iomem || fail "resources left"
}

# Pages from before the attach may come from CMA, and must go back there: who is next
# gets the same again.
in_place_with_pages()
{
	load_tests stuck=1
	load "pools=$two_pools" || fail "cannot load"
	log_clear
	ok_dev dap-test.1 hold 65536 pages
	pages_at=$phys
	ok_dev dap-test.1 unhold
	ok_dev dap-test.0 hold 65536 pages
	attach $pool_a dap-test.0 || fail "attach failed"
	ok_dev dap-test.0 unhold
	# others may take what is free on a board
	if [ -n "$RIG_BOARD" ] && value_of /proc/meminfo CmaTotal: >/dev/null; then
		ok_dev dap-test.1 hold 65536 pages
		same "pages of CMA" $phys $pages_at
		ok_dev dap-test.1 unhold
	fi
	ok_dev dap-test.0 hold 65536 pages
	ok_dev dap-test.0 unhold
	! log_since | dma_api_errors || fail "DMA_API_DEBUG complains"
	unload_tests
	unload || fail "still in use"
}

# The tests would unload it, and unbind whose memory is the pool's.
module_in_use_is_left_alone()
{
	load_all || fail "cannot load"
	for script in attach lifetime; do
		same "what $script.sh says" "$(sh "$here/$script.sh" | tail -n 1)" \
			"1..0 # SKIP the module is loaded, and maybe in use: unload it first"
	done
	has_client sram dap-test.0 || fail "the client is gone"
	unload_all
}

# Nor is a machine for anybody's experiments.
machine_in_use_is_left_alone()
{
	for script in buses report_tells; do
		[ -e "$here/$script.sh" ] || continue
		case $(RIG_BOARD='' sh "$here/$script.sh" | tail -n 1) in
		"1..0 # SKIP only in the emulated machine: "*) ;;
		*) fail "$script.sh does not skip" ;;
		esac
	done
}

# Ctrl-C, which reaches the tests as a signal, leaves nothing behind.
interrupted()
{
	# the second test has no end
	sh -c '. "$0"
		all_is_loaded() { load_all; }
		waits() { while :; do nap 100000; done; }
		ktap_run all_is_loaded waits' "$here/ktap.sh" >"$tmp/interrupted" &
	interrupted_pid=$!
	# not while it loads the module: run.py may be about to answer it
	wait_for grep -q '^ok 1 ' "$tmp/interrupted" || fail "does not begin"
	kill -TERM $interrupted_pid
	wait $interrupted_pid
	same "the exit status" $? 1
	same "its last line" "$(tail -n 1 "$tmp/interrupted")" "Bail out! interrupted"
	! grep '^dma_alias_pool' /proc/modules >/dev/null || fail "modules are left"
	same "its directories" "$(echo "${tmp%/*}"/dap-test.*)" "$tmp"
}

# The same if nobody reads what they print any more, as with "| head".
unread()
{
	sh "$here/calls.sh" 2>&1 | head -n 3 >"$tmp/unread"
	grep -q '^1\.\.' "$tmp/unread" || fail "does not begin"
	! grep '^dma_alias_pool' /proc/modules >/dev/null || fail "modules are left"
	same "its directories" "$(echo "${tmp%/*}"/dap-test.*)" "$tmp"
}

ktap_run starts bound_device unbound_device again_and_with_white_space \
	unknown_device odd_names pool_itself client_of_another_pool \
	detach_is_refused_while_memory_is_held detached attached_again \
	detach_beats_the_parameter many_times waiting_device memory_from_before by_the_driver in_place \
	in_place_with_pages module_in_use_is_left_alone machine_in_use_is_left_alone interrupted \
	unread
