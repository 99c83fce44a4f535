#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Does the watch on memory work? The test module accesses the cacheable view on purpose,
# and the machine must notice. Otherwise the other tests would prove nothing when no
# access is reported. Only where the machine watches memory (rig/run.py --watch).
. "$(dirname "$0")/ktap.sh"
need_pool

grep -q 'rig\.watch' /proc/cmdline || ktap_skip_all "this machine does not watch"

client_does_not_touch_it()
{
	load_all || fail "cannot load"
	rig_module dma_alias_pool_test
	ok_dev dap-test.0 alloc $pool_size
	ok_dev dap-test.0 fill 0 0x81
	ok_dev dap-test.0 check 0 0x81
	ok_dev dap-test.0 free 0
}

planted_touch_is_seen()
{
	for offset in 0 4 0x1000 $((pool_size - 4)); do
		rig_expect_touch 1
		ok_dev dap-test.0 peek $(hex $((pool_base + offset)))
		rig_end_expect_touch
	done
}

alias_is_not_watched()
{
	rig_expect_touch 0
	ok_dev dap-test.0 peek $pool_alias
	rig_end_expect_touch
}

ends()
{
	unload_all || fail "module in use"
}

ktap_run client_does_not_touch_it planted_touch_is_seen alias_is_not_watched \
	ends
