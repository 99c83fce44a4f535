# SPDX-License-Identifier: GPL-2.0
#
# What the test scripts share: KTAP output, loading the module, commands for the
# test devices, the kernel log. Scripts source this file. POSIX shell, since it
# also runs under BusyBox on a target.
#
# A test is a function whose name is an argument of ktap_run. It fails by calling
# fail, after which it runs on, to show more. It is skipped by calling skip and
# returning.

debugfs=/sys/kernel/debug
pools=$debugfs/dma_alias_pool
tests=$debugfs/dma_alias_pool_test
driver=/sys/bus/platform/drivers/dap-test
params=/sys/module/dma_alias_pool_test/parameters
here=$(cd "$(dirname "$0")" && pwd)
# a directory for the files of this run, which is there while tests run: as root writes
# to it, nobody else may have prepared it
tmp=${TMPDIR:-/tmp}/dap-test.$$
. "$here/stack.sh" || exit 1
. "$here/log.sh"
. "$here/insmod.sh"

# The emulated machine watches memory for forbidden accesses, and has to be told
# which complaints of the kernel a test expects. Elsewhere nobody listens.
if [ -e "$here/rig-watch.sh" ]; then
	. "$here/rig-watch.sh"
else
	rig_watch() { :; }
	rig_expect() { :; }
	rig_allow() { :; }
	rig_end_expect() { :; }
	rig_expect_stop() { :; }
	rig_expect_touch() { :; }
	rig_end_expect_touch() { :; }
	rig_module() { :; }
fi

# The memory that the tests may use: BASE:SIZE[:ALIAS]. The emulated machine sets
# RIG_POOL, a person sets DAP_POOL. The kernel must not use this memory as RAM, and
# the CPU must reach it both at BASE and at ALIAS.
: "${DAP_POOL:=$RIG_POOL}"
# Anything else could be read as memory that is somebody else's.
pool_number='(0[xX][0-9a-fA-F]+|[0-9]+)[kKmMgG]?'
[ -z "$DAP_POOL" ] || echo "$DAP_POOL" | grep -Eqx "$pool_number:$pool_number(:($pool_number)?)?" || {
	echo "Bail out! DAP_POOL=$DAP_POOL is not BASE:SIZE[:ALIAS], as 0x20000000:4M:0x20400000"
	exit 1
}
pool_base=${DAP_POOL%%:*}
pool_size=${DAP_POOL#*:}
pool_alias=
case $pool_size in
*:*)
	pool_alias=${pool_size#*:}
	pool_size=${pool_size%%:*}
	;;
esac

# hex NUMBER: in two halves if the shell calculates with 32 bits (BusyBox may, mksh does):
# there it is negative from 0x80000000 up, and printf would make 64 bits of it
if [ $((1 << 16 << 16)) -ne 0 ]; then
	shell_bits=64
	hex() { printf '0x%x' "$(($1))"; }
else
	shell_bits=32
	hex()
	{
		if [ $(($1)) -lt 0 ]; then
			printf '0x%x%04x' "$((($1) >> 16 & 0xffff))" "$((($1) & 0xffff))"
		else
			printf '0x%x' "$(($1))"
		fi
	}
fi

# overflows NUMBER: has it more than 32 bits? Found without calculating with all of it. Of
# decimal numbers, ten digits are too many.
overflows()
{
	digits=${1%[kKmMgG]}
	case $digits in
	0[xX]*)
		digits=$(echo "$digits" | sed 's/^0[xX]0*//')
		[ ${#digits} -le 8 ] || return 0
		digits=0x0$digits
		;;
	*) [ ${#digits} -le 9 ] || return 0 ;;
	esac
	case $1 in
	*[kK]) [ $((digits >> 22 & 0x3ff)) -ne 0 ] ;;
	*[mM]) [ $((digits >> 12 & 0xfffff)) -ne 0 ] ;;
	*[gG]) [ $((digits >> 2 & 0x3fffffff)) -ne 0 ] ;;
	*) false ;;
	esac
}

# A shell with 32 bits would calculate with the lower half of a larger number, which is
# other memory. A size of 2 GiB would be negative.
too_large=
if [ $shell_bits = 32 ]; then
	for number in $pool_base $pool_size $pool_alias; do
		! overflows $number || too_large=$number
	done
fi

# plain NUMBER: in hexadecimal, without the 4M that pools= accepts and a shell cannot
# calculate with
plain()
{
	case $1 in
	*[kK]) hex $((${1%?} << 10)) ;;
	*[mM]) hex $((${1%?} << 20)) ;;
	*[gG]) hex $((${1%?} << 30)) ;;
	?*) hex "$1" ;;
	esac
}

pool_base=$(plain "$pool_base")
pool_size=$(plain "$pool_size")
pool_alias=$(plain "$pool_alias")

# The tests ask for as much as there is, aligned to as much: so the memory has to be a
# power of two, at a multiple of that. narrow_pool takes the largest such part, which is
# mostly all of it; but not more than 4 MiB, since a test device can hold 1100 pages.
narrow_pool()
{
	part=4096
	while [ $part -lt 4194304 ] && [ $((part * 2)) -le $((pool_size)) ]; do
		part=$((part * 2))
	done
	while [ $part -gt 1 ]; do
		part_at=$(((part - pool_base % part) % part))
		[ $((part_at + part)) -gt $((pool_size)) ] ||
			[ $(((pool_base - ${pool_alias:-$pool_base}) % part)) -ne 0 ] || break
		part=$((part / 2))
	done
	[ $part -ne $((pool_size)) ] || return
	pool_base=$(hex $((pool_base + part_at)))
	pool_size=$(hex $part)
	[ -z "$pool_alias" ] || pool_alias=$(hex $((pool_alias + part_at)))
	echo "# in a part of the memory: $pool_base:$pool_size${pool_alias:+:$pool_alias}"
}

fail()
{
	echo "# $*"
	failed=1
}

skip()
{
	skipped="$*"
}

# What a script has changed besides modules, and must undo in the end, or if it is
# interrupted: it may define this anew.
ktap_undo() { :; }

# What load_tests has changed, if it has.
ktap_restore()
{
	[ -z "$all_errors" ] || echo "$all_errors" >$debugfs/dma-api/all_errors
	[ -z "$drivers_are_filtered" ] || echo "$driver_filter" >$debugfs/dma-api/driver_filter
}

# unload_left: no module of ours was loaded before. Once more, since one of them may have
# memory, or be needed by the other.
unload_left()
{
	for try in 1 2 3 4 5; do
		left=$(sed -n 's/^\(dma_alias_pool[a-z_]*\) .*/\1/p' /proc/modules)
		[ -n "$left" ] || break
		[ $try -eq 1 ] || sleep 1
		for module in $left; do
			rmmod "$module" 2>/dev/null
		done
	done
}

# ktap_interrupted: Ctrl-C in the middle of a test, or nobody reads what it prints.
ktap_interrupted()
{
	trap '' INT TERM HUP QUIT PIPE
	ktap_undo
	ktap_restore
	unload_left
	rm -rf "$tmp"
	echo "Bail out! interrupted"
	exit 1
}

# need_unloaded: skip all tests if somebody else may be using the module
need_unloaded()
{
	! is_loaded dma_alias_pool ||
		ktap_skip_all "the module is loaded, and maybe in use: unload it first"
}

# ktap_run TEST ...: run these functions, and exit
ktap_run()
{
	need_unloaded
	echo "KTAP version 1"
	mkdir -p "${tmp%/*}" && mkdir -m 700 "$tmp" || {
		echo "Bail out! cannot write to ${tmp%/*}: set TMPDIR to where it can"
		exit 1
	}
	trap ktap_interrupted INT TERM HUP QUIT
	trap 'exec >/dev/null 2>&1; ktap_interrupted' PIPE
	echo "1..$#"
	ktap_n=0
	ktap_failed=0
	for ktap_test; do
		ktap_n=$((ktap_n + 1))
		failed=
		skipped=
		type "$ktap_test" >/dev/null 2>&1 || fail "there is no such test"
		"$ktap_test"
		if [ -n "$failed" ]; then
			echo "not ok $ktap_n $ktap_test"
			ktap_failed=1
		elif [ -n "$skipped" ]; then
			echo "ok $ktap_n $ktap_test # SKIP $skipped"
		else
			echo "ok $ktap_n $ktap_test"
		fi
	done
	ktap_undo
	ktap_restore
	rm -rf "$tmp"
	exit $ktap_failed
}

# ktap_skip_all REASON: no test of this script can run here
ktap_skip_all()
{
	echo "KTAP version 1"
	echo "1..0 # SKIP $*"
	exit 4
}

# need_rig WHAT: skip all tests but in the emulated machine, since they do WHAT
need_rig()
{
	[ -n "$RIG_BOARD" ] || ktap_skip_all "only in the emulated machine: this $*"
}

# need_pool [KIB]: skip all tests if they cannot have a pool over so much memory
need_pool()
{
	[ -n "$DAP_POOL" ] ||
		ktap_skip_all "set DAP_POOL=BASE:SIZE[:ALIAS] to memory that may be used"
	[ $((pool_size)) -ge 0 ] || too_large=$pool_size
	[ -z "$too_large" ] ||
		ktap_skip_all "this shell calculates with 32 bits, and $too_large is too much for it: take one with 64"
	narrow_pool
	[ $((pool_size)) -ge $((${1:-128} * 1024)) ] ||
		ktap_skip_all "${1:-128} KiB are needed, at a multiple of that"
	# two shifts, since not every shell has 64 bits
	[ $(((pool_base + pool_size - 1) / 65536 / 65536)) -eq 0 ] ||
		ktap_skip_all "the test devices have 32 address bits"
	# without an MMU there is no such file, and no other size
	page_kib=$(sed -n 's/^KernelPageSize: *\([0-9]*\) kB$/\1/p' /proc/self/smaps 2>/dev/null | head -n 1)
	[ "${page_kib:-4}" = 4 ] ||
		ktap_skip_all "they reckon with pages of 4 KiB, not $page_kib"
	[ -n "$RIG_BOARD" ] || [ -z "$(tree_pools)" ] ||
		ktap_skip_all "each load of the module brings the device tree's pools up, too"
}

# This program needs a C library on the target, so not every target has it.
has_mmap_buffer() { [ -x "$here/mmap_buffer" ]; }

is_loaded() { grep -q "^$1 " /proc/modules; }

is_built_in() { [ -d /sys/module/dma_alias_pool ] && ! is_loaded dma_alias_pool 2>/dev/null; }

# All scripts but one load the module, which is impossible if it is built in.
[ "${0##*/}" = built_in.sh ] || ! is_built_in ||
	ktap_skip_all "the module is built into this kernel"

stack_holds "$0" "$here/ktap.sh" "$here/log.sh" "$here/insmod.sh" ||
	ktap_skip_all "the shell's stack of $stack KiB is too small for these tests: $stack_advice"

# Do the test devices snoop the caches? If so, the kernel serves the requests that a pool
# cannot serve. With an MMU, a kernel for RISC-V believes so of every device, unless a
# device tree says that it does not.
snooped()
{
	case $(uname -m) in
	x86_64) ;;
	riscv64) with_mmu ;;
	*) false ;;
	esac
}

# too_much: more than the pool has. Where devices snoop the caches, it is also more than the
# kernel has in one piece, which may be more than a small pool.
too_much()
{
	if snooped; then
		echo 0x80000000
	else
		hex $((pool_size + 1))
	fi
}

# pool NAME [OFFSET SIZE]: prints an entry for pools=, over all of the memory that
# the tests may use, or over a part of it. What is beyond is somebody else's: then it is
# no entry, and the test fails.
pool()
{
	if [ $((${2:-0} + ${3:-$pool_size})) -gt $((pool_size)) ]; then
		echo "# no memory for pool $1: set need_pool to what this script needs" >&2
		echo "$1:beyond"
		return
	fi
	echo "$1:$(hex $((pool_base + ${2:-0}))):$(hex ${3:-$pool_size})${pool_alias:+:$(hex $((pool_alias + ${2:-0})))}"
}

# ram_within FIRST LAST: is there RAM between them? In units of 64 KiB, since not every
# shell can calculate with addresses.
ram_within()
{
	sed -n 's/^\([0-9a-fA-F]*\)-\([0-9a-fA-F]*\) : System RAM.*/\1 \2/p' /proc/iomem | (
		while read -r ram_start ram_end; do
			[ $((0x0${ram_start%????})) -gt $(($2)) ] ||
				[ $((0x0${ram_end%????})) -lt $(($1)) ] || exit 0
		done
		exit 1
	)
}

is_ram() { ram_within $(($1 >> 16)) $(($1 >> 16)); }

# An address where another device's registers could be, since there is no RAM.
for peer in 0x60000000 0x50000000 0x40000000 0x30000000 0x70000000 0x10000000; do
	is_ram $peer || break
done

# nap MICROSECONDS: only BusyBox has usleep
nap() { usleep $1 2>/dev/null || sleep $((($1 + 999999) / 1000000)); }

# wait_for COMMAND ...: up to ten seconds, until it succeeds
wait_for()
{
	waited=0
	until "$@" >/dev/null 2>&1; do
		waited=$((waited + 1))
		[ $waited -lt 200 ] || return 1
		usleep 50000 2>/dev/null || {
			sleep 1
			waited=$((waited + 19))
		}
	done
}

# error_of FILE VALUE: the message about the write, empty if it succeeds. It is not the
# shell's: not each of them says which error it was.
error_of() { (echo "$2" | LC_ALL=C cat >"$1") 2>&1; }

# same WHAT GOT WANTED: fail unless both values are the same
same()
{
	[ "$2" = "$3" ] || fail "$1 is '$2', not '$3'"
}

# same_as_before: what was found out of a client, $tmp/after, must be what was found out
# before it was one, $tmp/before
same_as_before()
{
	diff "$tmp/before" "$tmp/after" >"$tmp/diff" || {
		fail "not the same as a client:"
		sed 's/^/# /' "$tmp/diff"
	}
}

# How the module names the test device's function that has allocated memory, as a pattern
# for grep. Without symbols it shows a number that says nothing, or "(____ptrval____)";
# without frame pointers, as on a PC, "-" where it cannot know.
caller=do_alloc+
[ "$(uname -m)" != x86_64 ] || caller='[-d]'
[ -e /proc/kallsyms ] || caller='[(0-9a-f]'

# is_caller NAME: not by "case", in which BusyBox's hush knows no patterns of variables
is_caller() { echo "$1" | grep -q "^$caller"; }

# --- the module

# load PARAMETER ...: insert the module. Only its check of the alias may access the
# cacheable view, so the watch is off until insmod returns.
load()
{
	rig_watch off
	insmod "$here/dma_alias_pool.ko" "$@"
	load_status=$?
	[ $load_status -ne 0 ] || rig_module dma_alias_pool
	rig_watch on
	return $load_status
}

unload() { rmmod dma_alias_pool; }

# load_tests PARAMETER ...: insert the module with the test devices. DMA_API_DEBUG
# reports only the first error unless all_errors is set. Then a board's log would be full
# of those of other drivers.
all_errors=
drivers_are_filtered=
load_tests()
{
	if [ -e $debugfs/dma-api/all_errors ]; then
		: "${all_errors:=$(cat $debugfs/dma-api/all_errors)}"
		if [ -z "$RIG_BOARD$drivers_are_filtered" ]; then
			driver_filter=$(cat $debugfs/dma-api/driver_filter)
			echo dap-test >$debugfs/dma-api/driver_filter
			drivers_are_filtered=y
		fi
		echo 1 >$debugfs/dma-api/all_errors
	fi
	insmod "$here/dma_alias_pool_test.ko" "$@" || return
	! is_misnamed || caller='[a-z]'
}

# Without an MMU, a module may get the memory of the kernel's init functions, which is
# free. The kernel goes on naming what is there after these.
is_misnamed()
{
	! with_mmu && [ "$caller" = do_alloc+ ] || return
	init_end=$(sed -n 's/^\([0-9a-f]*\) . _einittext$/0x\1/p' /proc/kallsyms)
	init_at=$(sed -n 's/^\([0-9a-f]*\) . _sinittext$/0x\1/p' /proc/kallsyms)
	set -- $(sed -n 's/^dma_alias_pool_test \([0-9]*\) .* \(0x[0-9a-f]*\).*/\1 \2/p' /proc/modules)
	[ $# = 2 ] && [ $(($2)) -lt $((init_end)) ] && [ $(($2 + $1)) -gt $((init_at)) ]
}

# dma_api_errors: what DMA_API_DEBUG says about the test devices
dma_api_errors() { grep 'DMA-API: .*dap-test'; }

unload_tests() { rmmod dma_alias_pool_test; }

# load_all PARAMETER ...: a pool named sram over all of the memory, and both test
# devices as its clients
load_all()
{
	load "pools=$(pool sram)" "clients=dap-test.*" "$@" && load_tests
}

unload_all()
{
	unload_tests
	unload
}

# value_of FILE KEY: the value in a file of "KEY VALUE" lines; fails if there is none
value_of()
{
	while read -r value_key value_found; do
		if [ "$value_key" = "$2" ]; then
			echo "$value_found"
			return
		fi
	done <"$1"
	return 1
}

# stat_of POOL KEY
stat_of()
{
	value_of "$pools/$1/stats" "$2" || fail "no $2 in the stats of $1"
}

# same_stat POOL KEY WANTED
same_stat()
{
	same "$2 of $1" "$(stat_of "$1" "$2")" "$3"
}

stat_is() { [ "$(stat_of "$1" "$2")" = "$3" ]; }

# wait_stat POOL KEY WANTED: as same_stat, but waits for work that the kernel has put
# off
wait_stat() { wait_for stat_is "$@" || same_stat "$@"; }

# has_client POOL DEVICE
has_client() { grep -q "^$2 " "$pools/$1/clients"; }

# no_client POOL DEVICE: wait until it is no client. A client lives on until nothing
# needs its DMA operations any more, and then a work item frees it.
lacks_client() { ! has_client "$@"; }
no_client() { wait_for lacks_client "$@"; }

# --- the test devices

# do_dev DEVICE COMMAND ...: have a test device do something. The result is a line of
# key=value words, which become variables of the shell.
do_dev()
{
	do_file=$tests/$1
	shift
	echo "$*" 2>/dev/null >"$do_file" || return
	read -r do_result <"$do_file" || return 0
	eval "$do_result"
}

ok_dev() { do_dev "$@" || fail "$* failed"; }

bad_dev() { ! do_dev "$@" || fail "$* did not fail"; }

# from_pool [BASE SIZE [ALIAS]]: fail unless the addresses in the last result (cpu,
# dma, and with an MMU phys) are in the pool, and mean the same memory. The
# arguments describe the pool; without them it covers all of the memory.
from_pool()
{
	if [ $# -eq 0 ]; then
		from_pool $pool_base $pool_size $pool_alias
		return
	fi
	bus_in_pool $1 $2 ||
		fail "bus address $dma is not in the pool at $1"
	if with_mmu; then
		same "memory at cpu address $cpu" "$(hex $phys)" \
		     "$(hex $((${3:-$1} + offset)))"
		[ "$(hex $cpu)" != "$(hex $phys)" ] ||
			fail "cpu address $cpu is no virtual one"
	else
		same "cpu address" "$(hex $cpu)" "$(hex $((${3:-$1} + offset)))"
	fi
}

# bus_in_pool [BASE SIZE]: is the bus address of the last result in the pool?
bus_in_pool()
{
	offset=$((dma - ${1:-$pool_base}))
	[ $offset -ge 0 ] && [ $offset -lt $((${2:-$pool_size})) ]
}

# not_from_pool [BASE SIZE]: fail if the bus address of the last result is in the pool
not_from_pool() { ! bus_in_pool "$@" || fail "$dma is in the pool"; }

# unserved DEVICE COMMAND ...: a request that the pool cannot serve fails, except where
# the kernel may serve it from other memory
unserved()
{
	if ! snooped; then
		bad_dev "$@"
		return
	fi
	ok_dev "$@"
	not_from_pool
	ok_dev "$1" free $id
}

# unserved_says REGEX: what the log says if the last such request failed
unserved_says() { snooped || log_has "$1"; }

# Without an MMU, a kernel for RISC-V takes every device for one that snoops, because
# it cannot support any other.
believes_snooped() { ! with_mmu && [ "$(uname -m)" = riscv64 ]; }

# When the pool is full, does a request without a kernel mapping get normal memory?
# Clearing that memory leaves dirty cache lines. A kernel that takes all devices for
# snooping ones would not write them back, so there the module refuses.
falls_back() { ! believes_snooped; }

# Does the kernel give coherent memory to test devices that are no clients? Without
# an MMU, kernels before 5.15 do: they take a device without a device tree node for
# coherent. So do those of which the device tree has memory for all devices.
kernel_serves()
{
	with_mmu || believes_snooped || nommu_serves ||
		ls /proc/device-tree/reserved-memory/*/linux,dma-default >/dev/null 2>&1
}

nommu_serves()
{
	if [ -e /proc/kallsyms ]; then
		grep -q ' arm_nommu_dma_alloc$' /proc/kallsyms
	else
		uname -r | grep -q -e '^[1-4]\.' -e '^5\.[0-9]\.' -e '^5\.1[0-4]\.'
	fi
}

# not_served DEVICE: no pool serves it, so it gets memory only where the kernel can
# make it
not_served()
{
	if kernel_serves; then
		ok_dev $1 alloc 4096
		not_from_pool
		ok_dev $1 free $id
	else
		# it has a driver: that is not why
		ok_dev $1 limits
		bad_dev $1 alloc 4096 nowarn
	fi
}

# is_consumer DEVICE [POOL_DEVICE]: is there a device link between them?
is_consumer()
{
	[ -e /sys/bus/platform/devices/$1/supplier:platform:${2:-dma_alias_pool.0} ]
}

bind() { echo "$1" 2>/dev/null >$driver/bind; }
unbind() { echo "$1" 2>/dev/null >$driver/unbind; }

# frees_after_failed_probe DEVICE: the last driver has left memory, the next one does not
# bind, and then the memory is freed. On some architectures the kernel takes the device's
# operations away when a probe has failed, and it is a moment until it has them again.
frees_after_failed_probe()
{
	echo $1 >$params/leak
	ok_dev $1 alloc 5000
	unbind $1
	echo $1 >$params/fail_probe
	bind $1
	[ ! -e $driver/$1 ] || fail "the probe did not fail"
	echo >$params/fail_probe
	wait_for do_dev $1 has_ops || fail "$1 has no operations"
	ok_dev $1 free 0
	bind $1
	[ -e $driver/$1 ] || fail "$1 does not bind"
}

# --- the MPU of ARMv7-M

# Read all registers of the MPU into mpu_now. mpu_regions is the number of regions,
# mpu_used the number of the last one in use plus one.
mpu_look()
{
	mpu_n=0
	mpu_used=0
	ok_dev dap-test.0 mpu 0
	mpu_now=$ctrl
	mpu_regions=$((type >> 8 & 255))
	while [ $mpu_n -lt $mpu_regions ]; do
		ok_dev dap-test.0 mpu $mpu_n
		mpu_now="$mpu_now $mpu_n:$rbar:$rasr"
		mpu_n=$((mpu_n + 1))
		[ $((rasr & 1)) -eq 0 ] || mpu_used=$mpu_n
	done
}

# Remember the MPU as the kernel left it: off and empty, or in use (CONFIG_ARM_MPU).
# mpu_first is the first region that the module will use for a pool: if the MPU is
# off, the module needs four regions for the rest of the address space.
mpu_before()
{
	mpu_look
	mpu_was=$mpu_now
	mpu_first=$mpu_used
	mpu_was_on && return
	same "regions in use while the MPU is off" $mpu_used 0
	mpu_first=4
}

mpu_was_on() { [ "${mpu_was%% *}" != 0x0 ]; }

mpu_is_as_before()
{
	mpu_look
	same "the MPU" "$mpu_now" "$mpu_was"
}

# mpu_region NUMBER RBAR RASR: fail unless the region has these registers
mpu_region()
{
	ok_dev dap-test.0 mpu $1
	same "base of region $1" "$rbar" $2
	same "attributes of region $1" "$rasr" $3
}

# cache_record DEVICE: what has been done to caches since the last call; the test
# module was loaded with record_cache=1
cache_record()
{
	caches=
	do_dev $1 cache 2>/dev/null
	echo "caches=$caches"
}

# --- the kernel's memory

# mem_free: free memory in KiB. The shells that run the tests do not return all the
# memory that they no longer use, so what processes have is counted as free, and so are
# files in memory: on a board the log's grow with each line. Without an MMU, /proc/maps
# lists the mappings of all processes. (The sizes in /proc/PID/statm are wrong by GiB there
# at times.) The pages that the kernel keeps for one processor are free as well: since 6.7
# these may be MiBs.
mem_free()
{
	sleep 1		# the kernel frees some memory with a delay
	free=0
	for kib in $(sed -n 's/^\(MemFree\|Buffers\|Cached\|AnonPages\): *\([0-9]*\) .*/\2/p' /proc/meminfo); do
		free=$((free + kib))
	done
	for pages in $(sed -n 's/^ *count: *\([0-9]*\)$/\1/p' /proc/zoneinfo); do
		free=$((free + pages * 4))
	done
	with_mmu || free=$(cat /proc/maps | {
		while read -r range rest; do
			free=$((free + ((0x${range#*-} - 0x${range%-*}) >> 10)))
		done
		echo $free
	})
	echo $free
}

# leaks_nothing KIB COMMAND ...: fail if each of six rounds of the command takes KIB of
# memory or more. A leak takes memory in each round, a cache only in the first ones.
leaks_nothing()
{
	limit=$1
	shift
	# kmemleak finds leaks by itself, and delays the freeing of memory so much
	# that the figures mean nothing.
	if [ -e $debugfs/kmemleak ]; then
		"$@"
		return
	fi
	rounds=
	for round in 1 2 3 4 5 6; do
		free_before=$(mem_free)
		"$@"
		free_after=$(mem_free)
		[ $((free_before - free_after)) -ge $limit ] || return
		rounds="$rounds $free_before-$free_after"
	done
	fail "$*: free memory went down each time:$rounds KiB"
}

# --- the kernel log

# The log of the emulated machine has what the tests say as well, and nothing that anybody
# else would miss: there it is cleared, and each line counts. On a board others write to it
# meanwhile, whose lines say nothing about the module.
if [ -n "$RIG_RELAY" ]; then
	log_clear() { dmesg -c >/dev/null; }
	log_is_marked() { :; }
	log_since() { dmesg; }
	log_counts=.
else
	log_clear() { log_mark; }
	log_counts='dma_alias_pool|dap-test|DMA pool|WARNING: |BUG: |Oops|DMA-API: |page allocation failure'
fi

# log_has REGEX
log_has()
{
	log_since | grep -v '# ' | grep -q -e "$1" || {
		fail "the kernel log has no '$1' but:"
		log_since | grep -v '# ' | sed 's/^/#   /'
	}
}

log_is_quiet()
{
	# without a mark, these may be lines from before
	log_is_marked || return 0
	# These messages of the module about pools and clients are allowed.
	if log_since | grep -E -e "$log_counts" |
		grep -v -e ': coherent DMA memory comes from pool ' \
			-e ': DMA pool .* KiB at ' -e ': DMA pool .*: no buffer above ' -e 'rig: ' -e '# ' \
			-e 'ok [0-9]' -e 'KTAP version' -e '1\.\.[0-9]' >/dev/null; then
		fail "the kernel log is not quiet:"
		log_since | grep -v '# ' | sed 's/^/#   /'
	fi
}
