#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# board-kit.sh STRIP... - make an archive for a board that runs the kernel for which the
# modules in this tree were built: the module, test modules, and those test scripts that
# need no more than these, a shell and debugfs. On the board "sh report.sh NAME:BASE:SIZE:ALIAS"
# tests whether the module works there. The command STRIP strips the modules.
#
# Writes build/dma-alias-pool-kit-RELEASE.tar.gz
set -euo pipefail
top=$(dirname "$(dirname "$(readlink -f "$0")")")
. "$top/selftests/rig/lib.sh"

[ $# -gt 0 ] || die "usage: board-kit.sh STRIP..."
cd "$top"
# Not from the kernel's directory: with O= its build is elsewhere. Nor by modinfo: whoever
# only builds for another machine may not have it.
release=$(LC_ALL=C grep -a -o -m 1 'vermagic=[^ ]*' module/dma_alias_pool.ko)
release=${release#vermagic=}
name=dma-alias-pool-kit-$release
rig_tmp

mkdir "$RIG_TMP/$name"
cp module/dma_alias_pool.ko \
	selftests/modules/dma_alias_pool_{test,board,life,overlay,stress}.ko \
	selftests/{report,ktap,stack,log,insmod,failslab}.sh \
	COPYING Documentation/{admin-guide,porting}.md "$RIG_TMP/$name/"
"$@" -g "$RIG_TMP/$name"/*.ko
# The scripts that run on a target are those that source ktap.sh. What else they need they
# call $here/FILE. They may need each other: so all go in, and those that lack something
# go out again, until none does.
grep -l '^\. "$(dirname "$0")/ktap.sh"$' selftests/*.sh | xargs cp -t "$RIG_TMP/$name"
while lacking=$(
	cd "$RIG_TMP/$name"
	grep -o '$here/[a-z_]*\.\(ko\|sh\)' ./*.sh |
		while IFS=: read -r script file; do
			[ -e "${file##*/}" ] || echo "$script"
		done | sort -u
) && [ -n "$lacking" ]; do
	(cd "$RIG_TMP/$name" && xargs rm <<<"$lacking")
done
cat >"$RIG_TMP/$name/README" <<END
dma-alias-pool for Linux $release. On the board, as root, in this directory:

  sh report.sh NAME:BASE:SIZE:ALIAS

NAME is yours to choose, BASE and SIZE are RAM that the kernel does not use, ALIAS is
where the CPU reaches it without a cache, as in sram:0x20000000:4M:0x20400000. What
is in that memory is lost. It takes two minutes, leaves all drivers as they are, and
ends with a verdict; admin-guide.md says what messages mean, porting.md what to do.
END
mkdir -p build
tar -C "$RIG_TMP" --owner=0 --group=0 --sort=name -czf "build/$name.tar.gz" "$name"
echo "build/$name.tar.gz ($(du -k "build/$name.tar.gz" | cut -f 1) KiB): unpack it on the board, and say sh report.sh"
