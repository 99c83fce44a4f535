#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# deb.sh - build Debian's source and binary package of the module in build/deb, from a
# clone or an unpacked archive. The tree itself is not changed. The same sources always
# give the same packages, also if there is build output among them.
set -euo pipefail
top=$(dirname "$(dirname "$(readlink -f "$0")")")
. "$top/selftests/rig/lib.sh"

need build-essential debhelper
# a package of its own since Debian 12
command -v dh_dkms >/dev/null || {
	if apt-cache show dh-dkms >/dev/null 2>&1; then need dh-dkms; else need dkms; fi
}
rig_tmp
umask 022
cd "$top"
version=$(dpkg-parsechangelog -S Version)
stamp=$(dpkg-parsechangelog -S Timestamp)
out=$top/build/deb
tree=$RIG_TMP/dma-alias-pool-$version

mkdir "$tree"
packaging/sources.sh | tar -c --no-recursion --verbatim-files-from -T - | tar -x -C "$tree"
chmod -R u=rwX,go=rX "$tree"
find "$tree" -exec touch -h -d "@$stamp" {} +

build() {
	cd "$tree"
	dpkg-buildpackage -us -uc
}
mkdir -p "$out"
rm -f "$out"/dma-alias-pool*
: >"$out/build.log"
step "DEB     dma-alias-pool $version" "$out/build.log" build
find "$RIG_TMP" -maxdepth 1 -type f -exec cp -t "$out" {} +
(cd "$out" && ls -- dma-alias-pool*)
