#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# stub.sh OUT CONF... - build the boot stub of a board whose kernel QEMU cannot start by
# itself. It is linked to the address of the vector table; this and other addresses come
# from the files CONF, which are like board.conf.
set -euo pipefail
out=$1
shift
for conf; do
	# shellcheck source=boards/an385/board.conf
	. "$conf"
done
exec "${CROSS_COMPILE:-arm-linux-gnueabi-}gcc" -nostdlib -static -no-pie -mthumb \
	-mcpu=cortex-m3 -Wl,--build-id=none,-Ttext="$VECTORS" -Wl,-e,start \
	-DSTACK="$STACK" -DUART="$UART" -DDTB_ADDR="$DTB_ADDR" \
	-DIMAGE_ADDR="$IMAGE_ADDR" -o "$out" \
	"$(dirname "$(readlink -f "$0")")/boards/stub.S"
