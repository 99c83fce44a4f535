#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# dkms.sh all|few [KERNEL-TREE KERNEL-VERSION] - tests the Debian package and make
# dkms-install. Each test takes some builds: few of them are installing and removing.
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

all() { [ "$which" != all ] || check "$@"; }

# There is no network here. root.sh fetched the packages when it made this Debian.
install_packages() { apt-get install -y "$@"; }

from_the_tree() { make -C "/srv/source tree" "$@"; }

module_of() { find "/lib/modules/$1" -name 'dma_alias_pool*.ko*'; }

# installed KERNEL: dkms says so, there is exactly one file, depmod knows it, and it is
# of $version and was built for that kernel
installed() {
	local file
	dkms status "dma-alias-pool/$version" -k "$1" | grep -q ": installed"
	file=$(module_of "$1")
	[ "$(wc -l <<<"$file")" -eq 1 ]
	case $file in "/lib/modules/$1/updates/dkms/dma_alias_pool.ko"*) ;; *) return 1 ;; esac
	grep -q '^updates/dkms/dma_alias_pool.ko' "/lib/modules/$1/modules.dep"
	modinfo -F vermagic "$file" | grep -q "^$1 "
	[ "$(modinfo -F version "$file")" = "$version" ]
}

no_other_version() {
	[ "$(echo /usr/src/dma-alias-pool-*)" = "/usr/src/dma-alias-pool-$version" ]
	[ "$(dkms status dma-alias-pool | sed 's/[,:].*//' | sort -u)" = "dma-alias-pool/$version" ]
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
	sed -n 's/^module_param\(_hw\)\?(\([a-z_]*\),.*/\2/p' "/srv/source tree/module/main.c" |
		while read -r field; do
			modinfo -F parm "$file" | grep -q "^$field:[^(].*"
		done
}

# lacking KERNEL SED-EXPRESSION: make a kernel of this name, with a changed configuration
lacking() {
	local file
	not_lacking "$1"
	mkdir "/lib/modules/$1"
	cp -a "/usr/src/linux-headers-$old" "/usr/src/$1"
	ln -s "/usr/src/$1" "/lib/modules/$1/build"
	for file in .config include/config/auto.conf; do
		[ ! -e "/usr/src/$1/$file" ] || sed -i "$2" "/usr/src/$1/$file"
	done
}

not_lacking() {
	local kernel
	for kernel; do
		rm -rf "/lib/modules/$kernel" "/usr/src/$kernel"
	done
}

# next_tree: a source tree of the next release
next_tree() {
	rm -rf "/srv/next tree"
	cp -a "/srv/source tree" "/srv/next tree"
	sed -i 's/0\.1\.0/9.9.9/' "/srv/next tree/"{dkms.conf,module/main.c}
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

# debian/tests/build, as autopkgtest would run it, with a kernel that cannot use the module
package_passes_its_test() {
	lacking 9.9-barriers '$aCONFIG_ARM=y'
	bash -ex "/srv/source tree/debian/tests/build"
	not_lacking 9.9-barriers
}

deb_of() { echo "/srv/deb$1/dma-alias-pool-dkms_$2_all.deb"; }

# only VERSION: this version is installed, and no other is left
only() {
	local version=$1
	installed "$old"
	installed "$new"
	no_other_version
	[ -e "/usr/share/doc/dma-alias-pool-dkms/examples/picture.py" ]
}

# What the package installed is not for make, of whichever version the tree is.
package_is_not_for_make() {
	local target
	next_tree
	for target in dkms-install dkms-uninstall; do
		if make -C "/srv/next tree" $target >/srv/said 2>&1; then return 1; fi
		cat /srv/said
		grep "dkms: /usr/src/dma-alias-pool-$version is of the package" /srv/said
	done
	installed "$old"
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
	install_packages "$(deb_of -next 9.9.9+nmu1)"
	only 9.9.9
	bash -ex "/srv/source tree/debian/tests/build"
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
check "package: is not for make dkms-install" package_is_not_for_make
check "package: signed by dkms" signed_by_dkms
all "package: a new kernel's headers have it built for $new" new_kernel
all "package: passes its autopkgtest" package_passes_its_test
all "package: again" package_reinstalls
all "package: a newer one" package_upgrades
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

# What lies in /usr/src, and was not put there by make dkms-install, is somebody's work.
work_of_others_stays() {
	local work=/usr/src/dma-alias-pool-1-work clone=/usr/src/dma-alias-pool-$version tree
	mkdir $work
	touch $work/mine.c
	cp -a "/srv/source tree" $clone
	for tree in "/srv/source tree" $clone; do
		if make -C "$tree" dkms-install >/srv/said 2>&1; then return 1; fi
		cat /srv/said
		grep "dkms: $clone is there, and not of make dkms-install" /srv/said
		make -C "$tree" dkms-uninstall
	done
	[ -e $work/mine.c ]
	diff -r --no-dereference "/srv/source tree" $clone
	rm -r $work $clone
}

# The documentation shows how to install it, list it and remove it again.
as_documented() {
	from_the_tree dkms-uninstall
	(cd "/srv/source tree" && sh -ex /srv/docs/dkms)
	nothing_left
	from_the_tree dkms-install
	installed "$old"
}

# A second installation, where some of the kernels lack what the module needs: they are
# left out, and this is no failure. module/Kbuild refuses to be built for them.
excluded() {
	local kernel rc lacking=(9.9-ops 9.9-barriers 9.9-modules 5.9-old)
	lacking 9.9-ops '/^CONFIG_\(ARCH_HAS_\)\?DMA_OPS=/d'
	lacking 9.9-barriers '$aCONFIG_ARM=y'
	lacking 9.9-modules '/^CONFIG_MODULES=/d'
	lacking 5.9-old ''
	from_the_tree dkms-install >/srv/said 2>&1
	cat /srv/said
	for kernel in "${lacking[@]}"; do
		rc=0
		dkms build "dma-alias-pool/$version" -k "$kernel" || rc=$?
		[ "$rc" -eq 77 ]
		grep -x "dkms: $kernel lacks what the module needs: left out" /srv/said
		not_installed "$kernel"
	done
	installed "$old"
	not_lacking "${lacking[@]}"
}

# A module that does not compile is a failure, and the one that was there stays.
broken() {
	local rc=0
	next_tree
	echo '#error planted' >>"/srv/next tree/module/main.c"
	make -C "/srv/next tree" dkms-install >/srv/said 2>&1 || rc=$?
	cat /srv/said
	[ "$rc" -ne 0 ]
	grep "^dkms: .* does not build for .*$old" /srv/said
	grep planted /srv/said
	installed "$old"
}

# Where it does not build for the first kernel, the others get it, whatever version they
# had, and only that one stays. The end is a failure that names the kernel.
one_is_broken() {
	local broken=/lib/modules/5.10-broken version=9.9.9 rc=0
	mkdir -p $broken/build/include
	echo '$(error planted)' >$broken/build/Makefile
	next_tree
	make -C "/srv/next tree" dkms-install >/srv/said 2>&1 || rc=$?
	rm -rf $broken
	cat /srv/said
	[ "$rc" -ne 0 ]
	grep '^dkms: .* does not build for 5.10-broken' /srv/said
	installed "$old"
	no_other_version
}

# An older version takes the place of a newer one.
goes_back() {
	from_the_tree dkms-install
	installed "$old"
	no_other_version
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

check "make dkms-install: what others have in /usr/src stays" work_of_others_stays
check "make dkms-install: from a path with spaces" tree_installs
all "make dkms-install: as packaging.md shows" as_documented
all "make dkms-install: again, leaving out a kernel that cannot use it" excluded
all "make dkms-install: a new kernel's headers have it built" new_kernel
if [ $# -eq 2 ]; then
	all "dkms build: cross, for Linux $2" cross "$1" "$2"
fi
all "make dkms-install: a module that does not build is an error, and changes nothing" broken
all "make dkms-install: a kernel for which it does not build keeps it from no other" \
	one_is_broken
all "make dkms-install: an older version" goes_back
check "make dkms-uninstall: leaves nothing" tree_goes
echo end
