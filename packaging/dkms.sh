#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# dkms.sh install|uninstall - install the module with DKMS: copy its sources to /usr/src,
# and build it for every installed kernel whose headers are there. Or undo that.
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

# Removes all versions: DKMS would go on building an older one for new kernels.
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
		# the link "build" is made by packages of headers, or by "make
		# modules_install" of a kernel
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
