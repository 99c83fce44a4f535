#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# board-kit.sh KERNEL_BUILD STRIP - make an archive for a board that runs the kernel built
# in KERNEL_BUILD: the module, the test modules, and those test scripts that need only a
# shell and debugfs. On the board "sh report.sh NAME:BASE:SIZE:ALIAS" tests whether the
# module works there. The caller has built the modules; the program STRIP strips them.
#
# Writes build/dma-alias-pool-kit-RELEASE.tar.gz
set -euo pipefail
top=$(dirname "$(dirname "$(readlink -f "$0")")")
. "$top/selftests/rig/lib.sh"

[ $# -eq 2 ] || die "usage: board-kit.sh KERNEL_BUILD STRIP"
kernel=$(readlink -f "$1")
release=$(cat "$kernel/include/config/kernel.release")
name=dma-alias-pool-kit-$release
rig_tmp
cd "$top"

# The scripts that run on a target are those that source ktap.sh, and the two files that
# they source.
scripts=(selftests/report.sh selftests/ktap.sh selftests/failslab.sh)
while read -r script; do
	scripts+=("$script")
done < <(grep -l '^\. "$(dirname "$0")/ktap.sh"$' selftests/*.sh)
mkdir "$RIG_TMP/$name"
cp "${scripts[@]}" module/dma_alias_pool.ko selftests/modules/dma_alias_pool_test.ko \
	selftests/modules/dma_alias_pool_board.ko COPYING "$RIG_TMP/$name/"
"$2" -g "$RIG_TMP/$name"/*.ko
cat >"$RIG_TMP/$name/README" <<END
dma-alias-pool for Linux $release. On the board, as root, in this directory:

  sh report.sh NAME:BASE:SIZE:ALIAS

NAME is yours to choose, BASE and SIZE are RAM that the kernel does not use, ALIAS is
where the CPU reaches it without a cache, as in sram:0x20000000:4M:0x20400000. It
takes two minutes, changes nothing, and ends with a verdict.
END
mkdir -p build
tar -C "$RIG_TMP" --owner=0 --group=0 --sort=name -czf "build/$name.tar.gz" "$name"
echo "build/$name.tar.gz ($(du -k "build/$name.tar.gz" | cut -f 1) KiB): unpack it on the board, and say sh report.sh"
