# SPDX-License-Identifier: GPL-2.0
#
# What the parts of make bench in the emulated machines share: two devices do the
# same, one with the kernel's own global coherent pool (boards/an385/bench.dtso),
# one with a pool of the module, both of 1024 pages. Sourced after ktap.sh; wants a
# machine whose time counts instructions (rig/run.py --icount).
#
# Prints, for bench.sh, "# step WHAT" and "# figure NAME KERNEL MODULE" ("-": there
# is none), in KTAP.
bench=$debugfs/dma_alias_pool_bench
bench_pages=1024

# The kernel's pool has all of the aliased SSRAM. The other SSRAM of the board
# holds what started the kernel, and nothing after that. It is at 0, too, which
# is no place for a pool. Neither has struct pages, which would make DMA_API_DEBUG
# look at one of them more closely.
kernel_base=$pool_base
module_base=0x00400000

ls -d /proc/device-tree/reserved-memory/*/linux,dma-default >/dev/null 2>&1 ||
	ktap_skip_all "the kernel has no global coherent pool"
case $RIG_BOARD in
an385 | an500) ;;
*) ktap_skip_all "no memory is known on this board" ;;
esac

step() { echo "# step $*"; }

figure() { echo "# figure $1 $2 $3"; }

# Of the two pairs of devices: bench, or snoop, which the hardware keeps coherent.
bench_pair=bench

# value KEY kernel|module: of what it said last, - if it said nothing
value()
{
	tr ' ' '\n' <"$bench/dap-$bench_pair-$2" | sed -n "s/^$1=//p" | grep . || echo -
}

# do_bench kernel|module COMMAND ...
do_bench()
{
	bench_who=$1
	shift
	echo "$*" 2>/dev/null >"$bench/dap-$bench_pair-$bench_who" ||
		fail "$bench_who: cannot do: $*"
}

# both NAME KEY COMMAND ...: a figure of both
both()
{
	both_name=$1
	both_key=$2
	shift 2
	do_bench kernel "$@"
	do_bench module "$@"
	again "$both_name" "$both_key"
}

# again NAME KEY: another figure from the last command
again() { figure "$1" "$(value "$2" kernel)" "$(value "$2" module)"; }

load_bench()
{
	load "pools=bench:$module_base:4M" "clients=dap-*-module" "$@" &&
		insmod "$here/dma_alias_pool_bench.ko"
}

unload_bench()
{
	rmmod dma_alias_pool_bench
	unload
}

# pairs PREFIX: what a buffer costs that is freed at once
pairs()
{
	step "one buffer"
	both $1_4k_empty pair pair 4096 0
	both $1_4k_second pair pair 4096 1
	both $1_100k_empty pair pair 102400 0
	both $1_4k_nearly_full pair pair 4096 $((bench_pages - 1))
}
