#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# dkms.sh all|most|few [KERNEL-TREE KERNEL-VERSION] - tests the Debian package and make
# dkms-install. Each test takes some builds: most of them leave out what repeats others in
# another order, and few are those that may end differently on another Debian.
# check_packages.sh runs this as root in a throw-away bare Debian (rig/root.sh), which
# has the sources in "/srv/source tree", and the packages in /srv/deb and /srv/deb-next.
# With a kernel tree, the module is also cross-built for that kernel.
# Prints "ok - NAME" or "not ok - NAME" for each test, before the latter its output, and
# "end".
set -uo pipefail
which=$1
shift
{
	read -r old
	read -r new
} </rig/headers
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "/srv/source tree/dkms.conf")
log=/srv/dkms.log
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# check NAME COMMAND...
check() {
	local name=$1 rc
	shift
	echo "=== $name" >>"$log"
	# not in a condition, which would turn errexit off
	(
		set -ex
		"$@"
	) >/srv/output 2>&1
	rc=$?
	if [ $rc -eq 0 ]; then
		echo "ok - $name"
	else
		tail -n 40 /srv/output | sed 's/^/# /'
		tail -n 20 /var/lib/dkms/dma-alias-pool/*/build/make.log 2>/dev/null |
			sed 's/^/# make.log: /'
		echo "not ok - $name"
	fi
	cat /srv/output >>"$log"
}

most() { [ "$which" = few ] || check "$@"; }

all() { [ "$which" != all ] || check "$@"; }

# There is no network here. root.sh fetched the packages when it made this Debian.
install_packages() { apt-get install -y "$@"; }

from_the_tree() { make -C "/srv/source tree" "$@"; }

module_of() { find "/lib/modules/$1" -name 'dma_alias_pool*.ko*'; }

# installed KERNEL: dkms says so, there is exactly one file, depmod knows it, and it was
# built for that kernel
installed() {
	local file
	dkms status "dma-alias-pool/$version" -k "$1" | grep -q ": installed"
	file=$(module_of "$1")
	[ "$(wc -l <<<"$file")" -eq 1 ]
	case $file in "/lib/modules/$1/updates/dkms/dma_alias_pool.ko"*) ;; *) return 1 ;; esac
	grep -q '^updates/dkms/dma_alias_pool.ko' "/lib/modules/$1/modules.dep"
	modinfo -F vermagic "$file" | grep -q "^$1 "
}

not_installed() { [ -z "$(module_of "$1")" ]; }

nothing_left() {
	local left
	[ -z "$(dkms status dma-alias-pool 2>/dev/null)" ]
	left=$(find /lib/modules /var/lib/dkms /usr/src /usr/share /etc /var/lib/dpkg/info \
		-iname '*dma?alias?pool*')
	[ -z "$left" ] || {
		echo "left: $left"
		return 1
	}
}

signed_by_dkms() {
	modinfo -F signer "$(module_of "$old")" | grep -q 'DKMS module signing key'
}

modinfo_is_complete() {
	local file field
	file=$(module_of "$old")
	for field in author description license version srcversion alias; do
		[ -n "$(modinfo -F "$field" "$file")" ]
	done
	[ "$(modinfo -F version "$file")" = "$version" ]
	[ "$(modinfo -F license "$file")" = GPL ]
	[ -z "$(modinfo -F depends "$file")" ]
	modinfo -F alias "$file" | grep -q '^of:.*Cdma-alias-pool$'
	# each parameter in main.c has a description
	sed -n 's/^module_param(\([a-z_]*\),.*/\1/p' "/srv/source tree/module/main.c" |
		while read -r field; do
			modinfo -F parm "$file" | grep -q "^$field:[^(].*"
		done
}

# --- the package

package_installs() {
	install_packages "linux-headers-$old" openssl
	mkdir /srv/build
	ln -sfn /srv/deb /srv/build/deb
	grep '^apt' /srv/docs/deb | sed 's/ install / install -y /' >/srv/deb.sh
	(cd /srv && sh -ex deb.sh)
	installed "$old"
	not_installed "$new"
}

new_kernel() {
	install_packages "linux-headers-$new"
	installed "$new"
	installed "$old"
}

# debian/tests/build, as autopkgtest would run it
package_passes_its_test() { sh -ex "/srv/source tree/debian/tests/build"; }

deb_of() { echo "/srv/deb$1/dma-alias-pool-dkms_$2_all.deb"; }

# only VERSION: this version is installed, and no other is left
only() {
	local version=$1 dir
	installed "$old"
	installed "$new"
	dir=$(echo /usr/src/dma-alias-pool-*)
	[ "$dir" = "/usr/src/dma-alias-pool-$version" ]
	dir=$(dkms status dma-alias-pool | sed 's/[,:].*//' | sort -u)
	[ "$dir" = "dma-alias-pool/$version" ]
	[ "$(modinfo -F version "$(module_of "$old")")" = "$version" ]
	[ -e "/usr/share/doc/dma-alias-pool-dkms/examples/picture.py" ]
}

package_reinstalls() {
	install_packages --reinstall "$(deb_of "" "$version")"
	only "$version"
}

# The upgrade keeps what the user has changed in the configuration.
package_upgrades() {
	local config=/etc/modprobe.d/dma-alias-pool-dkms.conf
	[ "$(grep -cv '^#' $config)" -eq 0 ]
	sed -i 's/^#options/options/' $config
	install_packages "$(deb_of -next 9.9.9)"
	only 9.9.9
	grep '^options dma_alias_pool pools=' $config
}

package_downgrades() {
	install_packages --allow-downgrades "$(deb_of "" "$version")"
	only "$version"
}

package_is_removed() {
	apt-get remove -y dma-alias-pool-dkms
	not_installed "$old"
	not_installed "$new"
	[ -z "$(dkms status dma-alias-pool)" ]
	grep '^options' /etc/modprobe.d/dma-alias-pool-dkms.conf
}

package_goes() {
	apt-get purge -y dma-alias-pool-dkms
	nothing_left
}

# The package is installed first, and the kernel's headers after it.
package_before_headers() {
	apt-get purge -y "linux-headers-$old" "linux-headers-$new"
	install_packages "$(deb_of "" "$version")"
	not_installed "$old"
	install_packages "linux-headers-$old"
	installed "$old"
	package_passes_its_test
	apt-get purge -y dma-alias-pool-dkms
	nothing_left
	install_packages "linux-headers-$new"
}

# As strict as lintian can be. Only on the Debian release that has the package's
# Standards-Version: check_packages.sh fetches lintian for that one alone.
lintian_finds_nothing() {
	install_packages lintian
	lintian --allow-root --display-info --pedantic --fail-on error,warning,info,pedantic \
		/srv/deb/*.changes | tee /srv/lintian
	[ ! -s /srv/lintian ]
}

check "package: installs and is built for $old" package_installs
check "package: modinfo is complete" modinfo_is_complete
check "package: signed by dkms" signed_by_dkms
most "package: a new kernel's headers have it built for $new" new_kernel
most "package: passes its autopkgtest" package_passes_its_test
all "package: again" package_reinstalls
most "package: a newer one" package_upgrades
all "package: an older one" package_downgrades
all "package: removed, it leaves its configuration" package_is_removed
check "package: purged, it leaves nothing" package_goes
all "package: before the kernel's headers" package_before_headers
if [ -n "$(ls /var/cache/apt/archives/lintian_*.deb 2>/dev/null)" ]; then
	check "package: lintian finds nothing" lintian_finds_nothing
fi

# --- make dkms-install, from a path with spaces

tree_installs() {
	apt-get purge -y "linux-headers-$new"
	from_the_tree dkms-install
	installed "$old"
	signed_by_dkms
	[ ! -e "/usr/src/dma-alias-pool-$version/selftests" ]
}

# The documentation shows how to install it, list it and remove it again.
as_documented() {
	from_the_tree dkms-uninstall
	(cd "/srv/source tree" && sh -ex /srv/docs/dkms)
	nothing_left
	from_the_tree dkms-install
	installed "$old"
}

# A second installation, where one of the kernels lacks what the module needs: that
# kernel is left out, and this is no failure.
excluded() {
	local none=/usr/src/none rc=0
	cp -a "/usr/src/linux-headers-$old" "$none"
	sed -i '/^CONFIG_\(ARCH_HAS_\)\?DMA_OPS=/d' "$none/.config"
	[ ! -e "$none/include/config/auto.conf" ] ||
		sed -i '/^CONFIG_\(ARCH_HAS_\)\?DMA_OPS=/d' "$none/include/config/auto.conf"
	mkdir /lib/modules/9.9-none
	ln -s "$none" /lib/modules/9.9-none/build
	dkms build "dma-alias-pool/$version" -k 9.9-none || rc=$?
	[ "$rc" -eq 77 ]
	from_the_tree dkms-install 2>&1 |
		grep -x 'dkms: 9.9-none has no per-device dma_map_ops: left out'
	not_installed 9.9-none
	installed "$old"
	rm -rf /lib/modules/9.9-none "$none"
}

# A module that does not compile is a failure.
broken() {
	local rc=0
	cp -a "/srv/source tree" "/srv/broken tree"
	echo '#error planted' >>"/srv/broken tree/module/main.c"
	make -C "/srv/broken tree" dkms-install || rc=$?
	rm -rf "/srv/broken tree"
	[ "$rc" -ne 0 ]
}

tree_goes() {
	from_the_tree dkms-uninstall
	nothing_left
	from_the_tree dkms-uninstall
}

# --- for another machine's kernel

# cross KERNEL-TREE KERNEL-VERSION: DKMS builds the module as the documentation shows
cross() {
	local tree=$1 kernel=$2 file target=/srv/target
	# this directory of the target has the kernel's own modules
	mkdir -p "$target/lib/modules/$kernel"
	install_packages gcc-arm-linux-gnueabi
	sed -e "s|/path/to/bsp/linux|$tree|" -e "s|/path/to/target|$target|" \
		-e "s|6\.1\.[0-9]*|$kernel|" /srv/docs/dkms-board >/srv/board.sh
	(cd "/srv/source tree" && sh -ex /srv/board.sh)
	file=/var/lib/dkms/dma-alias-pool/$version/$kernel/arm/module/dma_alias_pool.ko
	arm-linux-gnueabi-readelf -h "$file" | grep -q 'Machine: *ARM$'
	modinfo -F vermagic "$file" | grep "^$kernel .*ARMv7"
	[ -z "$(find "/var/lib/dkms/dma-alias-pool/$version/$kernel" -name '*_test*')" ]
	grep -q dma_alias_pool.ko "$target/lib/modules/$kernel/modules.dep"
	file=$(find "$target/lib/modules/$kernel" -name dma_alias_pool.ko)
	arm-linux-gnueabi-strip -g "$file"
	rm -rf "$target"
}

most "make dkms-install: from a path with spaces" tree_installs
all "make dkms-install: as packaging.md shows" as_documented
most "make dkms-install: again, leaving out a kernel that cannot use it" excluded
all "make dkms-install: a new kernel's headers have it built" new_kernel
if [ $# -eq 2 ]; then
	most "dkms build: cross, for Linux $2" cross "$1" "$2"
fi
most "make dkms-install: a module that does not build is an error" broken
most "make dkms-uninstall: leaves nothing" tree_goes
echo end
