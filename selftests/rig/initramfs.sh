#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# initramfs.sh OUT USERLAND_DIR FILES_DIR [ROOT] - make the emulated machine's
# initramfs: BusyBox with its applets' links, guest/*, and everything in
# FILES_DIR (modules, test scripts) in /root; and what is in ROOT.
# OUT is gzip-compressed where its name ends in .gz (kernel.config has RD_GZIP).
# Needs no privilege: ownership and device nodes are only written, not made.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"

[ $# -eq 3 ] || [ $# -eq 4 ] ||
	die "usage: initramfs.sh OUT.cpio[.gz] USERLAND_DIR FILES_DIR [ROOT]"
[ -e "$2/busybox" ] || die "no busybox in $2 (userland.sh makes it)"
[ -d "$3" ] || die "no directory $3"
need python3
exec python3 "$HERE/mkcpio.py" "$1" "$2" "$HERE/guest" "$3" ${4:+"$4"}
