#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# As stock_drivers.sh, with devices that can only address 32 bits, and with USB, whose
# driver takes coherent memory in many small pieces.
. "$(dirname "$0")/stock.sh"

devices="usb sdhci e1000"
disks="usb sdhci"

# trace-cmd shows what a driver does to the pool when it is unbound and bound.
traced()
{
	address=$(address_of sdhci)
	mount -t tracefs trace /sys/kernel/tracing 2>/dev/null
	# the command of the guide, for another device
	sed "s/0000:00:08\.0/$address/" "$here/docs/trace-cmd" >"$tmp/traced.sh"
	(cd "$tmp" && sh -e traced.sh) >"$tmp/report" 2>"$tmp/record" ||
		fail "trace-cmd: $(tail -n 1 "$tmp/record")"
	wait_ready sdhci
	grep "client=$address" "$tmp/report" | head -n 4 | sed 's/^/# /'
	for event in attach alloc free; do
		grep -q " $event: .*client=$address pool=$pool" "$tmp/report" || {
			fail "no $event in the report"
			tail -n 20 "$tmp/report" | sed 's/^/# /'
		}
	done
}

# perf shows the same.
counted()
{
	perf record -q -a -e 'dma_alias_pool:*' -o "$tmp/perf.data" sh -c "
		touch '$tmp/counting'
		until [ -e '$tmp/enough' ]; do sleep 1; done" &
	perf=$!
	wait_for test -e "$tmp/counting" || fail "perf does not start"
	unbind_device sdhci
	bind_device sdhci
	wait_ready sdhci
	touch "$tmp/enough"
	wait $perf
	perf script -i "$tmp/perf.data" >"$tmp/report" 2>"$tmp/errors" ||
		fail "perf script: $(head -n 2 "$tmp/errors")"
	grep 'dma_alias_pool:' "$tmp/report" | head -n 4 | sed 's/^/# /'
	for event in attach alloc free; do
		grep -q "dma_alias_pool:$event: .*client=$(address_of sdhci)" \
			"$tmp/report" || fail "no $event in perf's report"
	done
}

for_each is_client $devices
for_each works $devices
for_each direct_io $disks
for_each rebind_under_load $devices
for_each unbind_with_open_file $disks

# shellcheck disable=SC2086 # words
ktap_run loads $tests traced counted nothing_is_left
