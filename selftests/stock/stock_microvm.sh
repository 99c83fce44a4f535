#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Unmodified drivers of devices on the platform bus: virtio-mmio devices of QEMU's microvm,
# which ACPI describes.
. "$(dirname "$0")/stock.sh"

devices="mmio_blk mmio_net"

finds_devices()
{
	modprobe virtio_mmio
	find_mmio
	[ -e /run/mmio_net ] && [ -e /run/mmio_blk ] || fail "not all devices are there"
}

for_each is_client $devices
for_each works $devices
for_each direct_io mmio_blk
for_each rebind_under_load $devices
for_each unbind_with_open_file mmio_blk

# shellcheck disable=SC2086 # words
ktap_run finds_devices loads $tests nothing_is_left
