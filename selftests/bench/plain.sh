#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The part of make bench about streaming DMA, in a kernel without DMA_API_DEBUG:
# what mapping and unmapping a buffer costs a device that is no client, and one
# that is. Wants a machine whose time counts instructions (rig/run.py --icount).
#
# Prints, for bench.sh, "# figure NAME NO-CLIENT CLIENT", in KTAP.
. "$(dirname "$0")/ktap.sh"
need_pool

bench=$debugfs/dma_alias_pool_bench

# stream DEVICE SIZE: what it costs
stream()
{
	echo "stream $2" 2>/dev/null >"$bench/$1" || {
		fail "$1 cannot"
		return
	}
	sed -n 's/^stream=\([0-9]*\).*/\1/p' "$bench/$1"
}

# costs SUFFIX PREFIX COHERENT
costs()
{
	for size in 64 1500 4096; do
		echo "# figure map_unmap_$size$1 $(stream $2-kernel $size)" \
			"$(stream $2-module $size)"
		same "coherent of $2-module" \
		     "$(sed -n 's/.*coherent=//p' $bench/$2-module)" $3
	done
}

starts()
{
	load "pools=bench:$pool_base:$pool_size:$pool_alias" \
	     clients=dap-*-module || fail "cannot load"
	insmod "$here/dma_alias_pool_bench.ko" || fail "cannot load"
	same_stat bench clients 2
	[ ! -d $debugfs/dma-api ] || fail "the kernel has DMA_API_DEBUG"
}

not_coherent() { costs "" dap-bench 0; }
coherent() { costs _coherent dap-snoop 1; }

ends()
{
	rmmod dma_alias_pool_bench
	unload || fail "module in use"
}

ktap_run starts not_coherent coherent ends
