#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# versions.sh - do all files that name the module's version agree with module/main.c, and
# all checksums of the licence with COPYING? Prints a line for each that does not.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
buildroot=packaging/buildroot/package/dma-alias-pool
yocto=packaging/yocto/meta-dma-alias-pool/recipes-kernel/dma-alias-pool

# same FILE FOUND WANTED: complain about FILE if FOUND is not WANTED
same() {
	[ "$2" = "$3" ] || echo "$1 has '$2', not '$3'"
}

version=$(sed -n 's/^MODULE_VERSION("\(.*\)");$/\1/p' module/main.c)
[ -n "$version" ] || echo "module/main.c has no MODULE_VERSION"

for file in selftests/modules/dma_alias_pool_*.c; do
	# what a build has left
	[[ $file != *.mod.c ]] || continue
	same "$file" "$(sed -n 's/^MODULE_VERSION("\(.*\)");$/\1/p' "$file")" "$version"
done
same dkms.conf "$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' dkms.conf)" "$version"
same debian/changelog \
	"$(sed -n '1s/^dma-alias-pool (\(.*\)) .*/\1/p' debian/changelog)" "$version"
same CHANGELOG.md "$(sed -n 's/^## \([^ ]*\).*/\1/p' CHANGELOG.md | head -n 1)" \
	"$version"
same "$buildroot/dma-alias-pool.mk" \
	"$(sed -n 's/^DMA_ALIAS_POOL_VERSION = //p' $buildroot/dma-alias-pool.mk)" \
	"$version"
same "$yocto" "$(cd "$yocto" && echo *.bb)" "dma-alias-pool_$version.bb"

same "$buildroot/dma-alias-pool.hash" \
	"$(sed -n 's/^sha256  \(.*\)  COPYING$/\1/p' $buildroot/dma-alias-pool.hash)" \
	"$(sha256sum <COPYING | cut -d ' ' -f 1)"
same "$yocto/dma-alias-pool_$version.bb" \
	"$(sed -n 's/^LIC_FILES_CHKSUM = .*;md5=\(.*\)"$/\1/p' "$yocto"/*.bb)" \
	"$(md5sum <COPYING | cut -d ' ' -f 1)"
