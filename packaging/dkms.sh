#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# dkms.sh install|uninstall - the module by DKMS: its sources in /usr/src, built
# for every installed kernel that has its headers; or all of that gone again.
set -euo pipefail
top=$(dirname "$(dirname "$(readlink -f "$0")")")
. "$top/selftests/rig/lib.sh"
PATH=$PATH:/usr/sbin:/sbin	# dkms, and the depmod that it calls

die() {
	say "dkms: $*"
	exit 1
}

cd "$top"
name=$(sed -n 's/^PACKAGE_NAME="\(.*\)"/\1/p' dkms.conf)
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
source=/usr/src/$name-$version

# Every version, so that an older one does not stay for new kernels.
uninstall() {
	local dir
	# "NAME/VERSION, KERNEL, ..." or "NAME/VERSION: added"
	for dir in $(dkms status "$name" | sed 's/[,:].*//' | sort -u); do
		dkms remove "$dir" --all
	done
	for dir in /usr/src/"$name"-[0-9]*; do
		[ ! -e "$dir" ] || rm -rf "$dir"
	done
}

install() {
	local file kernel found=
	while read -r file; do
		mkdir -p "$source/$(dirname "$file")"
		cp "$file" "$source/$file"
	done < <(packaging/sources.sh dkms.conf COPYING module)
	chmod -R u=rwX,go=rX "$source"
	dkms add "$name/$version"
	for kernel in /lib/modules/*; do
		# what headers packages make, or a person who built the kernel
		[ -e "$kernel/build/Makefile" ] || continue
		build "$(basename "$kernel")"
		found=y
	done
	[ -n "$found" ] || say "dkms: no kernel has its headers installed (Debian: linux-headers-$(uname -r)); added only"
}

build() {
	local rc=0
	dkms install "$name/$version" -k "$1" || rc=$?
	case $rc in
	0) ;;
	77) say "dkms: $1 has no per-device dma_map_ops: left out" ;;
	*) die "the module does not build for $1, see above" ;;
	esac
}

case ${1:-} in
install | uninstall) ;;
*) die "usage: dkms.sh install|uninstall" ;;
esac
[ "$(id -u)" -eq 0 ] || die "needs root"
command -v dkms >/dev/null || need dkms
if dpkg-query -S "$source/dkms.conf" >/dev/null 2>&1; then
	die "$source is of the package $name-dkms: remove that first"
fi
uninstall
[ "$1" = uninstall ] || install
