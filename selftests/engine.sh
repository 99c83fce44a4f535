# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# What the tests share that need the machine with a data cache and a DMA engine that
# does not see that cache. They source this after ktap.sh. POSIX shell, for BusyBox.

engine=40030000.dma-engine
engine_driver=/sys/bus/platform/drivers/dap-engine
engine_files=$debugfs/dma_alias_pool_engine

need_engine()
{
	[ -e /sys/bus/platform/devices/$engine ] ||
		ktap_skip_all "this machine has no DMA engine that sees memory alone"
}

# load_engine PARAMETER ...: insert the module with the engine's driver
load_engine() { insmod "$here/dma_alias_pool_engine.ko" "$@"; }

unload_engine() { rmmod dma_alias_pool_engine; }

bind_engine() { echo $engine >$engine_driver/bind; }
unbind_engine() { echo $engine >$engine_driver/unbind; }

# do_engine FILE COMMAND ...: write a command to one of the driver's files. The result is
# a line of key=value words, which become variables of the shell.
do_engine()
{
	do_file=$engine_files/$1
	shift
	do_status=0
	do_result=
	echo "$*" 2>/dev/null >"$do_file" || do_status=1
	read -r do_result <"$do_file"
	eval "$do_result"
	return $do_status
}

ok_engine() { do_engine "$@" || fail "$* failed: $do_result"; }
