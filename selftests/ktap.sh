# SPDX-License-Identifier: GPL-2.0
#
# What the test scripts share: KTAP output, the module, the test devices, the
# kernel log. Sourced; POSIX shell, for BusyBox on a target as well.
#
# A test is a function named in ktap_run's arguments. It fails by calling fail
# (it goes on, to show more), and is skipped by calling skip and returning.

debugfs=/sys/kernel/debug
pools=$debugfs/dma_alias_pool
tests=$debugfs/dma_alias_pool_test
driver=/sys/bus/platform/drivers/dap-test
here=$(cd "$(dirname "$0")" && pwd)

# The emulated machine watches memory and is told of expected complaints.
if [ -e "$here/rig-watch.sh" ]; then
	. "$here/rig-watch.sh"
else
	rig_watch() { :; }
	rig_expect() { :; }
	rig_end_expect() { :; }
	rig_expect_stop() { :; }
	rig_expect_touch() { :; }
	rig_end_expect_touch() { :; }
	rig_module() { :; }
fi

# The memory that the tests may use: BASE:SIZE[:ALIAS], from the machine or a
# person. It must be outside of the kernel's RAM, and reached at both addresses.
: "${DAP_POOL:=$RIG_POOL}"
pool_base=${DAP_POOL%%:*}
pool_size=${DAP_POOL#*:}
pool_alias=
case $pool_size in
*:*)
	pool_alias=${pool_size#*:}
	pool_size=${pool_size%%:*}
	;;
esac

# plain NUMBER: 4M as pools= takes it, for the shell
plain()
{
	case $1 in
	*[kK]) echo $((${1%?} << 10)) ;;
	*[mM]) echo $((${1%?} << 20)) ;;
	*[gG]) echo $((${1%?} << 30)) ;;
	*) echo "$1" ;;
	esac
}

[ -z "$DAP_POOL" ] || pool_size=$(plain "$pool_size")

hex() { printf '0x%x' "$(($1))"; }

fail()
{
	echo "# $*"
	failed=1
}

skip()
{
	skipped="$*"
}

# ktap_run TEST ...
ktap_run()
{
	echo "KTAP version 1"
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
	exit $ktap_failed
}

# No test can run here.
ktap_skip_all()
{
	echo "KTAP version 1"
	echo "1..0 # SKIP $*"
	exit 4
}

need_pool()
{
	[ -n "$DAP_POOL" ] ||
		ktap_skip_all "set DAP_POOL=BASE:SIZE[:ALIAS] to memory that may be used"
}

# A program of the target's own C library, which is not everywhere.
has_mmap_buffer() { [ -x "$here/mmap_buffer" ]; }

is_loaded() { grep -q "^$1 " /proc/modules; }

is_built_in() { [ -d /sys/module/dma_alias_pool ] && ! is_loaded dma_alias_pool 2>/dev/null; }

# All others load the module.
[ "${0##*/}" = built_in.sh ] || ! is_built_in ||
	ktap_skip_all "the module is built into this kernel"

# Then CPU addresses are virtual ones, and the kernel can make coherent memory
# without the module.
with_mmu() { [ -e /proc/vmallocinfo ]; }

# Do the test devices snoop the caches? What a pool cannot serve, the kernel then may.
# With an MMU a kernel for RISC-V takes it so of all devices of which no device tree
# says that they don't.
snooped()
{
	case $(uname -m) in
	x86_64) ;;
	riscv64) with_mmu ;;
	*) false ;;
	esac
}

# pool NAME [OFFSET SIZE]: an entry of pools=, over all or a part of the memory
pool()
{
	echo "$1:$(hex $((pool_base + ${2:-0}))):$(hex ${3:-$pool_size})${pool_alias:+:$(hex $((pool_alias + ${2:-0})))}"
}

# Where another device's registers could be: no RAM.
peer=0x60000000
! grep -qi '^60000000-.* : System RAM' /proc/iomem || peer=0x50000000

# wait_for COMMAND ...: up to ten seconds, until it succeeds
wait_for()
{
	waited=0
	until "$@" >/dev/null 2>&1; do
		waited=$((waited + 1))
		[ $waited -lt 200 ] || return 1
		usleep 50000
	done
}

# The same value at both; what differs is shown.
# same WHAT GOT WANTED
same()
{
	[ "$2" = "$3" ] || fail "$1 is '$2', not '$3'"
}

# --- the module

# module_file FILE: in a kernel's own selftests (make in-tree) there are no modules
# beside the scripts, but where the kernel's are.
module_file()
{
	if [ -e "$1" ]; then
		echo "$1"
	else
		find "/lib/modules/$(uname -r)" -name "${1##*/}*" | head -n 1
	fi
}

if [ ! -e "$here/dma_alias_pool.ko" ]; then
	insmod()
	{
		insmod_file=$(module_file "$1")
		shift
		command insmod "${insmod_file:-/lib/modules/without}" "$@"
	}
fi

# The alias check reads the cacheable view, nothing after it may.
# load PARAMETER ...
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

# load_tests PARAMETER ...
load_tests()
{
	[ ! -e $debugfs/dma-api/all_errors ] ||
		echo 1 >$debugfs/dma-api/all_errors
	insmod "$here/dma_alias_pool_test.ko" "$@"
}

unload_tests() { rmmod dma_alias_pool_test; }

# A pool over all of the memory, called sram, for both test devices.
load_all()
{
	load "pools=$(pool sram)" "clients=dap-test.*" "$@" && load_tests
}

unload_all()
{
	unload_tests
	unload
}

# stat_of POOL KEY
stat_of()
{
	while read -r stat_key stat_value; do
		if [ "$stat_key" = "$2" ]; then
			echo "$stat_value"
			return
		fi
	done <"$pools/$1/stats"
	fail "no $2 in the stats of $1"
}

# same_stat POOL KEY WANTED
same_stat()
{
	same "$2 of $1" "$(stat_of "$1" "$2")" "$3"
}

stat_is() { [ "$(stat_of "$1" "$2")" = "$3" ]; }

# Once what the kernel still does has been done: wait_stat POOL KEY WANTED
wait_stat() { wait_for stat_is "$@" || same_stat "$@"; }

# has_client POOL DEVICE
has_client() { grep -q "^$2 " "$pools/$1/clients"; }

# A client goes some time after the last that needed its operations did.
# no_client POOL DEVICE
is_no_client() { ! has_client "$@"; }
no_client() { wait_for is_no_client "$@"; }

# --- the test devices

# Have a device do something; key=value words of the result become variables.
# do_dev DEVICE COMMAND ...
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

# Are the last result's addresses (cpu, dma, with an MMU phys) in the pool, and
# one memory? from_pool [BASE SIZE [ALIAS]]: of another pool than usual
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

# bus_in_pool [BASE SIZE]: is the last result's bus address?
bus_in_pool()
{
	offset=$((dma - ${1:-$pool_base}))
	[ $offset -ge 0 ] && [ $offset -lt $((${2:-$pool_size})) ]
}

# not_from_pool [BASE SIZE]: the last result's bus address
not_from_pool() { ! bus_in_pool "$@" || fail "$dma is in the pool"; }

# A request that the pool cannot serve: unserved DEVICE COMMAND ...
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

# unserved_says REGEX: the log of the last such request, if it failed
unserved_says() { snooped || log_has "$1"; }

# Without an MMU a kernel for RISC-V believes that every device snoops: it has no
# other kind.
believes_snooped() { ! with_mmu && [ "$(uname -m)" = riscv64 ]; }

# Is a request that wants no kernel mapping served by normal memory when the pool is
# full? Its clearing leaves dirty lines, which such a kernel would leave there.
falls_back() { ! believes_snooped; }

# Does the kernel give coherent memory to test devices that are no clients? Without
# an MMU old ones do, that knew devices only by their nodes.
kernel_serves()
{
	with_mmu || believes_snooped ||
		grep -q ' arm_nommu_dma_alloc$' /proc/kallsyms
}

# A device that is no client: the kernel serves it as it can.
not_served()
{
	if kernel_serves; then
		ok_dev $1 alloc 4096
		not_from_pool
		ok_dev $1 free $id
	else
		bad_dev $1 alloc 4096 nowarn
	fi
}

# is_consumer DEVICE [POOL_DEVICE]: has the driver core a link between them?
is_consumer()
{
	[ -e /sys/bus/platform/devices/$1/supplier:platform:${2:-dma_alias_pool.0} ]
}

bind() { echo "$1" 2>/dev/null >$driver/bind; }
unbind() { echo "$1" 2>/dev/null >$driver/unbind; }

# --- the MPU of ARMv7-M

# All of its registers, as mpu_now; mpu_regions are how many regions it has, mpu_used
# those up to the last that is in use.
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

# As the kernel has it: off and empty, or in use (CONFIG_ARM_MPU). mpu_first is then
# the first region for a pool.
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

# mpu_region NUMBER RBAR RASR
mpu_region()
{
	ok_dev dap-test.0 mpu $1
	same "base of region $1" "$rbar" $2
	same "attributes of region $1" "$rasr" $3
}

# --- the kernel's memory

# The shells that run tests do not give back all that they no longer use: what
# processes have counts as free. Without an MMU /proc/maps lists it, once for all of
# them. (The sizes in /proc/PID/statm are off by GiB there at times.) Free are also the
# pages that are kept for one processor: since 6.7 these may be MiBs, more or fewer as
# it goes.
mem_free()
{
	sleep 1		# what is freed with a delay
	free=0
	for kib in $(sed -n 's/^\(MemFree\|AnonPages\): *\([0-9]*\) .*/\2/p' /proc/meminfo); do
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

# What leaks does so each time; caches fill only once.
# leaks_nothing KIB COMMAND ...: it takes less than KIB of memory, or did so
# only in its first rounds
leaks_nothing()
{
	limit=$1
	shift
	# Then memory that is free waits to be used after that, and nothing may leak.
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

log_clear() { dmesg -c >/dev/null; }

# log_has REGEX
log_has()
{
	dmesg | grep -q -e "$1" || {
		fail "the kernel log has no '$1' but:"
		dmesg | grep -v '# ' | sed 's/^/#   /'
	}
}

log_is_quiet()
{
	# What is about binding is always the module's own information.
	if dmesg | grep -v -e ': coherent DMA memory comes from pool ' \
			   -e ': DMA pool .* KiB at ' -e ': DMA pool .*: no buffer above ' -e 'rig: ' -e '# ' \
			   -e 'ok [0-9]' -e 'KTAP version' -e '1\.\.[0-9]' >/dev/null; then
		fail "the kernel log is not quiet:"
		dmesg | grep -v '# ' | sed 's/^/#   /'
	fi
}
