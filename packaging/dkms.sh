#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# dkms.sh install|uninstall - install the module with DKMS: copy its sources to /usr/src,
# and build it for every installed kernel whose headers are there. Or undo that. What else
# lies in /usr/src is somebody's work, whatever its name: only directories that were made
# here are removed, which have a file that says so.
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
mark=.made-by-make-dkms-install

# status WHAT: "NAME/VERSION, KERNEL, ..." or "NAME/VERSION: added", a line each. DKMS 2.8
# (Debian 11) has "NAME, VERSION".
status() { dkms status "$1" | sed "s|^$name, \([^,:]*\)|$name/\1|"; }

# the versions that DKMS has, as NAME/VERSION
versions() {
	status "$name" | sed 's/[,:].*//' | sort -u
}

# Removes the sources that were made here, of all versions that DKMS does not have.
remove_sources() {
	local dir left
	left=$(versions)
	for dir in /usr/src/"$name"-[0-9]*; do
		[ -e "$dir/$mark" ] || continue
		grep -qxF "$name/${dir#"/usr/src/$name-"}" <<<"$left" || rm -rf "$dir"
	done
}

uninstall() {
	local dir
	for dir in $(versions); do
		dkms remove "$dir" --all
	done
	remove_sources
}

# A kernel keeps the version that it has until the new one is installed for it. Only the
# same version has to go before, as DKMS cannot have two of it.
install() {
	local file kernel found='' failed=''
	[ ! -e "$source" ] || [ -e "$source/$mark" ] || die "$source is there, and not of" \
		"make dkms-install: move it away, or say dkms install $name/$version to use it"
	[ -z "$(versions | grep -xF "$name/$version")" ] ||
		dkms remove "$name/$version" --all
	remove_sources
	mkdir -p "$source"
	touch "$source/$mark"
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
	remove_left
	remove_sources
	[ -n "$found" ] || say "dkms: no kernel has its headers installed (Debian: linux-headers-$(uname -r)); added only"
	[ -z "$failed" ] || die "the module does not build for$failed, see above"
}

# Removes other versions also for kernels that are not here (any more). Only one that
# failed keeps what it has.
remove_left() {
	local dir kernel keeps
	for dir in $(versions | grep -vxF "$name/$version"); do
		keeps=''
		for kernel in $(status "$dir" | sed -n 's/^[^,]*, \([^,]*\),.*/\1/p'); do
			if [[ " $failed " = *" $kernel "* ]]; then
				keeps=y
			else
				dkms remove "$dir" -k "$kernel"
			fi
		done
		# one that was only added
		[ -n "$keeps" ] || [ -z "$(status "$dir")" ] || dkms remove "$dir" --all
	done
}

# build KERNEL: adds it to failed if that fails
build() {
	local rc=0 dir
	# by force, as the version that is there may be newer
	dkms install --force "$name/$version" -k "$1" || rc=$?
	case $rc in
	0)
		# DKMS would go on building an older one for new kernels
		for dir in $(versions | grep -vxF "$name/$version"); do
			dkms remove "$dir" -k "$1"
		done
		;;
	77 | 9) # DKMS 2.8 has the latter
		say "dkms: $1 lacks what the module needs: left out"
		;;
	*)
		# why, if DKMS got as far as to make: the next build overwrites it
		tail -n 20 "/var/lib/dkms/$name/$version/build/make.log" >&2 2>/dev/null || true
		failed+=" $1"
		;;
	esac
}

case ${1:-} in
install | uninstall) ;;
*) die "usage: dkms.sh install|uninstall" ;;
esac
[ "$(id -u)" -eq 0 ] || die "needs root"
command -v dkms >/dev/null || need dkms
for conf in /usr/src/"$name"-*/dkms.conf; do
	if dpkg-query -S "$conf" >/dev/null 2>&1; then
		die "${conf%/*} is of the package $name-dkms: remove that first"
	fi
done
"$1"
