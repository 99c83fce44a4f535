#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# recipes.sh KERNEL-TREE WORK - tests the recipes for Buildroot and Yocto without either.
# Stand-ins (buildroot.mk and bb.py) read the recipes strictly, and run the commands that
# Buildroot and Yocto would run with the variables that the recipes set. They build the
# module for KERNEL-TREE, a kernel of rig/kernel.sh.
#
# If BUILDROOT names a checkout of Buildroot, or OE_CORE and BITBAKE checkouts of those,
# the real ones are tested as well, as far as is possible without fetching anything. A
# line of the output says which were real.
# Prints "ok - NAME" or "not ok - NAME" for each test, before the latter its output, and
# "end".
set -uo pipefail
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
kernel=$1 work=$2
release=$(cat "$kernel/include/config/kernel.release")
buildroot=$top/packaging/buildroot
layer=$top/packaging/yocto/meta-dma-alias-pool
recipe=$(echo "$layer"/recipes-kernel/dma-alias-pool/dma-alias-pool_*.bb)
cross=arm-linux-gnueabi-
python3 "$here/../rig/docs.py" write "$top" "$work/docs"
unset MAKEFLAGS MFLAGS MAKELEVEL M O

check() { # NAME COMMAND...
	local name=$1 rc
	shift
	echo "=== $name" >>"$work/recipes.log"
	# not in a condition, which would turn errexit off
	(
		set -ex
		"$@"
	) >"$work/output" 2>&1
	rc=$?
	cat "$work/output" >>"$work/recipes.log"
	if [ $rc -eq 0 ]; then
		echo "ok - $name"
	else
		tail -n 30 "$work/output" | sed 's/^/# /'
		echo "not ok - $name"
	fi
}

# is_the_module DIR: the only module in DIR is ours, built for that kernel
is_the_module() {
	local file
	file=$(find "$1" -name '*.ko')
	[ "$(basename "$file")" = dma_alias_pool.ko ]
	"${cross}readelf" -h "$file" | grep -q 'Machine: *ARM$'
	/sbin/modinfo -F vermagic "$file" | grep -q "^$release "
}

# as_shown FRAGMENT WORD DIRECTORY: the commands that the documentation shows cannot be
# run here. But the path that they have after WORD must be DIRECTORY, which is tested.
as_shown() {
	local path
	path=$(sed -n "s|.*$2[= ]/path/to/dma-alias-pool/\([^ ]*\).*|\1|p" "$1")
	[ "$top/$path" = "$3" ]
}

# --- Buildroot

buildroot_kconfig() {
	local dir=$work/kconfig answer
	mkdir -p "$dir"
	for answer in y n; do
		cat >"$dir/Config.in" <<-END
			config BR2_LINUX_KERNEL
				bool
				default $answer
		END
		# Buildroot's kconfig is an old one of the kernel's, which expanded
		# $VARIABLE; this kernel's does not
		# shellcheck disable=SC2016
		sed "s|\$BR2_EXTERNAL_DMA_ALIAS_POOL_PATH|$buildroot|" \
			"$buildroot/Config.in" >>"$dir/Config.in"
		echo BR2_PACKAGE_DMA_ALIAS_POOL=y >"$dir/$answer.config"
		# conf writes include/ to the current directory
		(cd "$dir" && CONFIG_='' KCONFIG_CONFIG="$dir/$answer.config" \
			"$kernel/scripts/kconfig/conf" --olddefconfig \
			"$dir/Config.in" 2>"$dir/err")
		[ ! -s "$dir/err" ]
	done
	grep -qx BR2_PACKAGE_DMA_ALIAS_POOL=y "$dir/y.config"
	[ "$(grep -c BR2_PACKAGE_DMA_ALIAS_POOL=y "$dir/n.config")" -eq 0 ]
	as_shown "$work/docs/buildroot" BR2_EXTERNAL "$buildroot"
	grep -qx 'name: DMA_ALIAS_POOL' "$buildroot/external.desc"
}

# The tree has leftovers of another build, which must not get into Buildroot's copy.
buildroot_build() {
	local tree=$work/tree
	mkdir -p "$tree"
	(cd "$top" && packaging/sources.sh | tar -c --no-recursion -T -) | tar -x -C "$tree"
	: >"$tree/module/left.o"
	mkdir -p "$tree/build"
	: >"$tree/build/left.c"
	make -f "$here/buildroot.mk" LINUX_DIR="$kernel" \
		LINUX_MAKE_FLAGS="ARCH=arm CROSS_COMPILE=$cross" \
		BR2_EXTERNAL_DMA_ALIAS_POOL_PATH="$tree/packaging/buildroot" \
		BUILD_DIR="$work/buildroot" TARGET_DIR="$work/target"
	is_the_module "$work/target/lib/modules/$release"
}

# The recipe takes the tree around it as the sources. Where only its directory was copied
# there are none: it must say so, and not take what happens to be there.
buildroot_copied() {
	local dir=$work/copied/external/tree
	mkdir -p "$dir"
	cp -a "$buildroot"/. "$dir/"
	stub() {
		make -n -f "$here/buildroot.mk" BR2_EXTERNAL_DMA_ALIAS_POOL_PATH="$dir" \
			BUILD_DIR="$work/buildroot" dma-alias-pool-legal-info "$@"
	}
	[ "$(stub BR2_PACKAGE_DMA_ALIAS_POOL=y 2>&1 | grep -c 'no sources in .*: use packaging/buildroot of a clone')" -eq 1 ]
	# a configuration without the package must not fail
	stub >/dev/null
	stub BR2_PACKAGE_DMA_ALIAS_POOL=y DMA_ALIAS_POOL_SITE="$top" >/dev/null
}

buildroot_legal_info() {
	make -f "$here/buildroot.mk" BR2_EXTERNAL_DMA_ALIAS_POOL_PATH="$work/tree/packaging/buildroot" \
		BR2_PACKAGE_DMA_ALIAS_POOL=y BUILD_DIR="$work/buildroot" dma-alias-pool-legal-info
	[ -e "$work/buildroot/legal-info/module/Kbuild" ]
	[ ! -e "$work/buildroot/legal-info/build" ]
}

# --- Yocto

bb() { python3 "$here/bb.py" "$@"; }

value() { sed -n "s/^$1=//p" "$work/bb"; }

yocto_layer() {
	bb "$layer/conf/layer.conf" LAYERDIR="$layer" BBPATH=/poky BBFILES= >"$work/bb"
	value BBPATH | grep -qx "/poky:$layer"
	# the layer's BBFILES finds the recipe
	[ "$(echo $(value BBFILES))" = "$recipe" ]
	[ -n "$(value LAYERSERIES_COMPAT_dma-alias-pool)" ]
	as_shown "$work/docs/yocto" add-layer "$layer"
	# yocto-check-layer demands these
	for word in maintainer patch @; do
		grep -qi "$word" "$layer/README.md"
	done
	[ -s "$top/SECURITY.md" ]
	grep -q "IMAGE_INSTALL:append = \" kernel-module-$(basename "${recipe%_*}")\"" \
		"$work/docs/yocto"
}

# The configuration that the documentation shows for an image names the module as its
# file is called.
yocto_loads() {
	bb "$work/docs/yocto-modules" >"$work/bb"
	[ "$(echo $(value KERNEL_MODULE_AUTOLOAD))" = dma_alias_pool ]
	[ "$(echo $(value KERNEL_MODULE_PROBECONF))" = dma_alias_pool ]
	value module_conf_dma_alias_pool | grep '^options dma_alias_pool pools='
	grep -q '+= dma_alias_pool.o$' "$top/module/Kbuild"
}

# yocto_build [UNPACKDIR=...]: do what do_unpack, do_compile and do_install of
# module.bbclass do
yocto_build() {
	local dir=$work/yocto$# word file search bp s source
	bp=$(basename "${recipe%.bb}" | tr _ -)
	source=$(readlink -f "$kernel/rig/source")
	bb "$recipe" THISDIR="$(dirname "$recipe")" BP="$bp" WORKDIR="$dir" "$@" \
		FILESPATH= FILESEXTRAPATHS= STAGING_KERNEL_DIR="$source" \
		STAGING_KERNEL_BUILDDIR="$kernel" EXTRA_OEMAKE="KERNEL_SRC=$source" \
		>"$work/bb"
	[ "$(value inherit)" = module ]
	s=$(value S)
	rm -rf "$dir"
	search=$(value FILESEXTRAPATHS:prepend)
	[ -n "$search" ] || search=$(value FILESEXTRAPATHS)
	for word in $(value SRC_URI); do
		file=${word#file://}
		mkdir -p "${s%/*}/${file#*;subdir=}"
		cp -a "${search%:}/${file%%;*}" "${s%/*}/${file#*;subdir=}/"
	done
	word=$(value LIC_FILES_CHKSUM)
	file=${word#file://}
	echo "${file#*;md5=}  $s/${file%%;*}" | md5sum -c -

	# shellcheck disable=SC2046 # words
	set -- $(value EXTRA_OEMAKE) O="$kernel" ARCH=arm CROSS_COMPILE=$cross \
		CC="${cross}gcc" LD="${cross}ld" AR="${cross}ar" \
		OBJCOPY="${cross}objcopy" STRIP="${cross}strip"
	cd "$s"
	make "$@" "$(value MAKE_TARGETS)"
	make "$@" DEPMOD=echo MODLIB="$dir/image/lib/modules/$release" modules_install
	is_the_module "$dir/image"
	[ -e "$s/$(value MODULES_MODULE_SYMVERS_LOCATION)/Module.symvers" ]
}

yocto_build_new() { yocto_build UNPACKDIR="$work/yocto1/sources"; }

# bb.py refuses what bitbake would refuse.
bad_recipe() {
	sed 's/^S = .*/S = "unterminated/' "$recipe" >"$work/bad.bb"
	# errexit does not look at "!"
	! bb "$work/bad.bb" || return 1
	# shellcheck disable=SC2016 # bitbake's
	echo 'X = "${NOT_SET}"' >"$work/bad.bb"
	! bb "$work/bad.bb"
}

# --- the real ones

# Buildroot would fetch and build some tools: here it uses this machine's. It does not
# build the module, for which it would have to build a kernel.
real_buildroot() {
	local out=$work/real-buildroot
	mkdir -p "$out"
	printf '%s\n' BR2_arm=y BR2_cortex_a7=y BR2_LINUX_KERNEL=y \
		BR2_PACKAGE_DMA_ALIAS_POOL=y >"$out.defconfig"
	local make=(make -C "$BUILDROOT" O="$out" BR2_EXTERNAL="$buildroot")
	"${make[@]}" BR2_DEFCONFIG="$out.defconfig" defconfig
	grep -x BR2_PACKAGE_DMA_ALIAS_POOL=y "$out/.config"
	"${make[@]}" dma-alias-pool-legal-info BR2_TAR_HOST_DEPENDENCY= \
		BR2_GZIP_HOST_DEPENDENCY= BR2_XZCAT_HOST_DEPENDENCY= \
		BR2_LZIP_HOST_DEPENDENCY= TAR="$(command -v tar)" | tee "$out.said"
	grep -F 'COPYING: OK (sha256:' "$out.said"
	[ -z "$(find "$out/build" -maxdepth 2 -name build -type d ! -path "$out/build")" ]
	tar -tf "$out"/legal-info/sources/dma-alias-pool-*/*.tar.gz >"$out.list"
	grep '/module/Kbuild$' "$out.list"
	[ "$(grep -c '\.ko$\|\.o$\|^[^/]*/build/' "$out.list")" -eq 0 ]
}

real_check_package() {
	# shellcheck disable=SC2046 # words
	(cd "$buildroot" && /usr/bin/python3 "$BUILDROOT/utils/check-package" -b \
		$(find . -type f)) 2>&1 | tee "$work/check-package"
	grep '^0 warnings generated' "$work/check-package"
}

# Runs this one recipe, and none that it depends on: the configuration says where the
# kernel and its compiler are. do_install is not run, as it needs pseudo, which Yocto
# would have to build.
real_yocto() {
	local dir=$work/real-yocto source
	source=$(readlink -f "$kernel/rig/source")
	mkdir -p "$dir/conf"
	# takes the place of Yocto's own sanity.conf, which would check this machine
	touch "$dir/conf/sanity.conf"
	printf '%s\n' 'BBPATH = "${TOPDIR}"' 'BBFILES ?= ""' "BBLAYERS = \"$OE_CORE/meta\"" \
		>"$dir/conf/bblayers.conf"
	cat >"$dir/conf/local.conf" <<-END
		MACHINE = "qemuarm"
		DISTRO = "nodistro"
		INHERIT:remove = "sanity"
		BB_NO_NETWORK = "1"
		BBMASK = "/meta/recipes-(?!kernel/linux/)"
		STAGING_KERNEL_DIR:forcevariable = "$source"
		STAGING_KERNEL_BUILDDIR:forcevariable = "$kernel"
		KERNEL_VERSION:forcevariable = "$release"
		KERNEL_CC:forcevariable = "${cross}gcc"
		TARGET_PREFIX:forcevariable = "$cross"
		HOSTTOOLS += "$(printf "$cross%s " gcc ld ld.bfd ar as nm objcopy objdump strip)"
		do_make_scripts[noexec] = "1"
		do_prepare_recipe_sysroot[noexec] = "1"
	END
	cat "$work/docs/yocto-modules" >>"$dir/conf/local.conf"
	cd "$dir"
	export BUILDDIR=$dir BBPATH=$dir LC_ALL=en_US.UTF-8
	export PATH=$BITBAKE/bin:$OE_CORE/scripts:/usr/bin:/bin:/usr/sbin:/sbin
	bitbake-layers add-layer "$layer"
	grep -F "$layer" conf/bblayers.conf
	bitbake -b "$recipe" -c populate_lic
	bitbake -b "$recipe" -c compile
	is_the_module tmp/work
}

mkdir -p "$work"
if [ -n "${BUILDROOT:-}" ]; then
	name="Buildroot $(sed -n 's/^export BR2_VERSION := //p' "$BUILDROOT/Makefile")"
	check "buildroot: $name takes the recipe, its licence and its sources" real_buildroot
	check "buildroot: check-package of $name finds nothing" real_check_package
else
	echo "# Buildroot is a stand-in: BUILDROOT= names a checkout"
fi
if [ -n "${OE_CORE:-}" ] && [ -n "${BITBAKE:-}" ]; then
	name="Yocto $(sed -n 's/^LAYERSERIES_CORENAMES = "\(.*\)"/\1/p' "$OE_CORE/meta/conf/layer.conf")"
	name="$name, bitbake $(sed -n 's/^__version__ = "\(.*\)"/\1/p' "$BITBAKE/lib/bb/__init__.py")"
	check "yocto: $name takes the layer, and builds the module" real_yocto
else
	echo "# Yocto is a stand-in: OE_CORE= and BITBAKE= name checkouts"
fi
check "buildroot: Config.in" buildroot_kconfig
check "buildroot: the recipe builds and installs the module" buildroot_build
check "buildroot: a copy of the recipe says what it lacks" buildroot_copied
check "buildroot: legal-info has the sources and nothing else" buildroot_legal_info
check "yocto: layer.conf" yocto_layer
check "yocto: pools are loaded from an image as packaging.md shows" yocto_loads
check "yocto: the recipe builds and installs the module" yocto_build
check "yocto: ... where UNPACKDIR is not WORKDIR" yocto_build_new
check "yocto: what is not bitbake's language is found" bad_recipe
echo end
