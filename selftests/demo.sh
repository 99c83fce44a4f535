#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Shows the module's main job: a device asks for DMA-coherent memory on a kernel that
# cannot make any, before and after insmod. Ends with an error if anything goes wrong.
. "$(dirname "$0")/ktap.sh"
need_pool
need_unloaded
if with_mmu || [ -z "$pool_alias" ]; then
	echo "demo: it needs a kernel without an MMU, and memory with an alias; report.sh tells what is right here" >&2
	exit 1
fi
# nothing stays, however it ends
trap 'ktap_restore; unload_left' EXIT
trap 'exit 1' INT TERM HUP QUIT PIPE

# show COMMAND: print it as a person would type it, and run it
show()
{
	printf '\n# %s\n' "$*"
	sh -c "$*"
}

expect()
{
	"$@" || {
		echo "demo: this should have worked: $*" >&2
		exit 1
	}
}

say() { printf '\n--- %s\n' "$*"; }

load_tests devices=1
cd "$tests" || exit 1

say "$(uname -sr), no MMU. The test device dap-test.0 is not cache-coherent:"
say "it calls dma_alloc_coherent(dev, 20000, &dma, GFP_KERNEL)"
if ! show 'echo "alloc 20000" > dap-test.0' 2>&1; then
	:
elif kernel_serves; then
	say "(An old kernel, which takes a device without a node for coherent)"
	expect show 'echo "free all" > dap-test.0'
else
	echo "demo: this kernel can do it without the module" >&2
	exit 1
fi

say "Now with a pool over RAM that the hardware shows at two addresses:"
say "$pool_base (cacheable, what devices use) and $pool_alias (not cached)"
cd "$here" || exit 1
expect show "insmod dma_alias_pool.ko pools=sram:$DAP_POOL clients=dap-test.*"
dmesg | grep ' DMA pool sram: '

say "Devices become clients when their driver is bound"
cd $driver || exit 1
expect show 'echo dap-test.0 > unbind; echo dap-test.0 > bind'
dmesg | grep 'comes from pool'

say "The same call, with what the driver got"
cd $tests || exit 1
expect show 'echo "alloc 20000" > dap-test.0; cat dap-test.0'
read -r result <dap-test.0
eval "$result"
echo
echo "CPU address (the alias)    $cpu"
echo "physical address           $(hex $((cpu - pool_alias + pool_base)))"
echo "bus address, for the DMA   $dma"
ok_dev dap-test.0 alloc 4096
ok_dev dap-test.0 alloc 100000

say "Who has the memory"
cd $pools/sram || exit 1
for file in stats clients allocations map; do
	expect show "cat $file"
done

say "What is held stays: rmmod has to wait for the last free"
show 'rmmod dma_alias_pool' 2>&1 && exit 1
cd $tests || exit 1
expect show 'echo "free all" > dap-test.0'
cd / || exit 1
expect show 'rmmod dma_alias_pool'
unload_tests
say "Done."
