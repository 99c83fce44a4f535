# SPDX-License-Identifier: GPL-2.0
#
# Where the modules are, and what else comes up with the first of them. Scripts source this
# file, after they have set $here to the directory that they are in. POSIX shell.

# tree_pools: the devices that stand for pools of the device tree
tree_pools() { grep -ls '^OF_COMPATIBLE_[0-9]*=dma-alias-pool$' /sys/bus/platform/devices/*/uevent; }

# module_file FILE: if the tests are part of a kernel tree (make in-tree), the modules
# are not beside the scripts, but where the other modules of the kernel are.
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
