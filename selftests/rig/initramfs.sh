#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# initramfs.sh OUT USERLAND_DIR FILES_DIR [ROOT] - make the emulated machine's initramfs:
# BusyBox with links for its applets, guest/*, the files in FILES_DIR (modules, test
# scripts) in /root, and the files in ROOT, if given, on top of /.
# If OUT ends in .gz, it is compressed (kernel.config has RD_GZIP).
# Needs no privilege: owners and device nodes are only written to the archive.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"

[ $# -eq 3 ] || [ $# -eq 4 ] ||
	die "usage: initramfs.sh OUT.cpio[.gz] USERLAND_DIR FILES_DIR [ROOT]"
[ -e "$2/busybox" ] || die "no busybox in $2 (userland.sh makes it)"
[ -d "$3" ] || die "no directory $3"
need python3
exec python3 "$HERE/mkcpio.py" "$1" "$2" "$HERE/guest" "$3" ${4:+"$4"}
