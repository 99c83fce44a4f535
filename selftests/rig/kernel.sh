#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kernel.sh [--path] KVER BOARD - make a kernel of series KVER for BOARD.
# kernel.sh --source KVER       - only make its source tree.
#
# Fetches Debian's newest linux-source-KVER, configures mps2_defconfig +
# kernel.config + the board's RAM base, builds Image, modules and device trees
# (with labels, for overlays) and the board's boot stub. A board may name another
# architecture than Arm, which may need DMA_ALIAS_POOL_OPS of the project's Kconfig.
# External modules can be built against the result:
# make -C DIR M=... ARCH=arm CROSS_COMPILE=arm-linux-gnueabi-
#
# Out: the directory, as the last line on stdout. In it, beside the build:
#   rig/Image rig/stub.elf rig/*.dtb rig/board.conf rig/version rig/source
# (rig/kernel.dtb is the one that board.conf calls KERNEL_DTB)
# and, if the kernel is not for Arm, rig/make with its words for make.
# --path makes nothing: it prints the directory if it is there, else fails.
#
# FLAVOUR=NAME adds flavours/NAME.config.
# Exit status 3: the archive has no such series, or the series no such board.
# A source tree, once fetched, is used for good; RIG_REFRESH=1 asks the archive
# for a newer one. The build directory's name is a digest of its inputs.
#
# KSRC=DIR is a person's own tree: it takes the place of Debian's where series KVER is
# its own, and stays as it is. What it has changed since is built again.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"

export ARCH=arm CROSS_COMPILE=arm-linux-gnueabi-
RECIPE=1	# to be counted up with each change of what this script builds
PACKAGES=(libc6-dev gcc make bc bison flex libssl-dev
	libelf-dev cpio rsync xz-utils dpkg-dev python3 perl)

usage() {
	say "usage: kernel.sh [--path] KVER BOARD | kernel.sh --source KVER"
	exit 1
}

# --- source tree ----------------------------------------------------------

# try_fetch TMP: download linux-source-$KVER with $APT_OPTS, newest version
# first; a version that a list names may be gone from the archive.
try_fetch() {
	local tmp=$1 v
	cd "$tmp"
	for v in $(apt-cache "${APT_OPTS[@]}" madison "linux-source-$KVER" |
		awk '$NF != "Sources" { print $3 }' | sort -ruV | head -n 4); do
		echo "trying linux-source-$KVER $v"
		if apt-get "${APT_OPTS[@]}" download "linux-source-$KVER=$v"; then
			echo "$v" >"$tmp/version"
			return 0
		fi
	done
	return 1
}

fetch() {
	local tmp=$1
	APT_OPTS=(-o APT::Sandbox::User=root)
	if [ -z "${RIG_REFRESH:-}" ] && try_fetch "$tmp"; then
		return 0
	fi
	# shellcheck disable=SC2046 # a list of suites
	apt_private series deb $("$HERE/series.sh" suites)
	try_fetch "$tmp"
}

in_archive() { "$HERE/series.sh" all | grep -qxF "$KVER"; }

# What the machine's own apt knows is not asked for elsewhere.
is_offered() {
	[ -n "$(apt-cache madison "linux-source-$KVER" 2>/dev/null)" ] || in_archive
}

gone() { skip "Linux $KVER: Debian's archive has no linux-source-$KVER"; }

# The tarball is inside the package: one stream, nothing kept in between.
unpack() {
	local tmp=$1
	mkdir "$tmp/tree"
	dpkg-deb --fsys-tarfile "$tmp"/linux-source-*.deb |
		tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
		tar -xJ -C "$tmp/tree" --strip-components=1
	rm "$tmp"/linux-source-*.deb
}

# Is KSRC there, and of this series?
is_own() {
	local own
	[ -n "${KSRC:-}" ] || return 1
	own=$(series_of "$KSRC") || exit
	[ "$own" = "$KVER" ]
}

# Sets SRC, VERSION and OWN, which stands for what is in the tree.
own_tree() {
	SRC=$(readlink -f "$KSRC")
	[ ! -e "$SRC/.config" ] && [ ! -d "$SRC/include/config" ] ||
		die "KSRC=$KSRC: a kernel was built in it: say make mrproper there, and build with O= instead"
	VERSION=$(make -s -C "$SRC" kernelversion)
	OWN=$(find "$SRC" -name .git -prune -o -type f -printf '%p %s %T@\n' |
		LC_ALL=C sort | sha256sum)
}

# Sets SRC and VERSION.
source_tree() {
	local current=$CACHE_DIR/src/$KVER.current tmp rc
	if is_own; then
		own_tree
		return
	fi
	if [ -e "$current" ] && { [ -z "${RIG_REFRESH:-}" ] || ! is_offered; }; then
		VERSION=$(cat "$current")
		SRC=$CACHE_DIR/src/linux-source-$VERSION
		[ ! -e "$SRC/Makefile" ] || return 0
	fi
	[ "$MODE" != path ] || exit 1
	need xz-utils dpkg-dev
	is_offered || gone
	cache_lock
	mkdir -p "$CACHE_DIR/src" "$CACHE_DIR/log"
	tmp=$CACHE_DIR/src/.tmp-$KVER
	rm -rf "$tmp"
	mkdir "$tmp"
	: >"$CACHE_DIR/log/source-$KVER.log"
	try_step "SOURCE  $KVER: fetching Debian's linux-source-$KVER" \
		"$CACHE_DIR/log/source-$KVER.log" fetch "$tmp"
	if [ $rc -ne 0 ]; then
		# the machine's own lists may be old
		in_archive || gone
		exit 1
	fi
	VERSION=$(cat "$tmp/version")
	SRC=$CACHE_DIR/src/linux-source-$VERSION
	if [ ! -e "$SRC/Makefile" ]; then
		step "SOURCE  $VERSION: unpacking (about 1 min)" \
			"$CACHE_DIR/log/source-$KVER.log" unpack "$tmp"
		rm -rf "$SRC"
		mv "$tmp/tree" "$SRC"
	fi
	rm -rf "$tmp"
	echo "$VERSION" >"$current.new"
	mv "$current.new" "$current"
}

# --- build ----------------------------------------------------------------

kmake() { make -C "$SRC" O="$OBJ" -j"$JOBS" LOCALVERSION= DTC_FLAGS=-@ "$@"; }

configure() {
	local line name
	kmake "$DEFCONFIG"
	"$SRC/scripts/kconfig/merge_config.sh" -m -O "$OBJ" "$OBJ/.config" "${FRAGS[@]}"
	kmake olddefconfig
	# A symbol whose dependencies fail is dropped without a word. Of two lines
	# about one symbol the later, the board's, counts.
	cat "${FRAGS[@]}" | tac |
		awk '{ match($0, /CONFIG_[A-Z0-9_a-z]+/); k = substr($0, RSTART, RLENGTH) }
			RLENGTH > 0 && !seen[k]++' >"$OBJ/.rig-fragment"
	while read -r line; do
		case $line in
		CONFIG_*=*)
			grep -qxF "$line" "$OBJ/.config" ||
				echo "kernel.config: \"$line\" did not take effect on $VERSION"
			;;
		'# CONFIG_'*' is not set')
			name=${line#\# }
			! grep -q "^${name%% *}=" "$OBJ/.config" ||
				echo "kernel.config: \"$line\" did not take effect on $VERSION"
			;;
		esac
	done <"$OBJ/.rig-fragment" >"$OBJ/.rig-missed"
	if [ -s "$OBJ/.rig-missed" ]; then
		cat "$OBJ/.rig-missed"
		# a vendor's tree may have none of it; its tests will tell
		[ -n "${OWN:-}" ] || return 1
	fi
}

build() {
	local name dtbs=
	[ "$ARCH" != arm ] || dtbs=dtbs
	kmake "${IMAGE:=Image}" modules
	# vendors' trees have others beside, which may not be built so
	[ -z "$dtbs" ] || kmake -k $dtbs || [ -n "${OWN:-}" ]
	mkdir "$OBJ/rig"
	cp "$OBJ/arch/$ARCH/boot/$IMAGE" "$OBJ/rig/Image"
	# the device trees have moved between series
	[ -z "$dtbs" ] ||
		find "$OBJ/arch/$ARCH/boot/dts" -name 'mps2-*.dtb' -exec cp -t "$OBJ/rig" {} +
	[ -z "${KERNEL_DTB:-}" ] || {
		kmake "$KERNEL_DTB"
		cp "$OBJ/arch/$ARCH/boot/dts/$KERNEL_DTB" "$OBJ/rig/kernel.dtb"
	}
	[ "$ARCH" = arm ] || echo "ARCH=$ARCH CROSS_COMPILE=$CROSS_COMPILE" >"$OBJ/rig/make"
	cp "$HERE/boards/$BOARD/board.conf" "$OBJ/rig/"
	echo "$VERSION" >"$OBJ/rig/version"
	ln -s "$SRC" "$OBJ/rig/source"
	# where QEMU cannot start it by itself
	[ -z "${VECTORS:-}" ] ||
		"$HERE/stub.sh" "$OBJ/rig/stub.elf" "$HERE/boards/$BOARD/board.conf"
	# Module builds need headers, scripts and Module.symvers, not these.
	for name in '*.o' '*.a' '.*.o.cmd'; do
		find "$OBJ" -name "$name" -not -path "$OBJ/scripts/*" \
			-not -path "$OBJ/tools/*" -delete
	done
	# The directory moves; newer kernels write its name into this one file.
	sed -i "s|$OBJ|$OUT|g" "$OBJ/Makefile"
}

compiler() {
	"${CROSS_COMPILE}gcc" -dumpfullversion 2>/dev/null || echo none
}

MODE=build
case ${1:-} in
--path) MODE=path && shift ;;
--source) MODE=source && shift ;;
esac
KVER=${1:-}
BOARD=${2:-}
[ -n "$KVER" ] || usage

if [ "$MODE" = source ]; then
	source_tree
	echo "$SRC"
	exit 0
fi

[ -n "$BOARD" ] || usage
[ -e "$HERE/boards/$BOARD/board.conf" ] ||
	die "unknown board $BOARD (there are: $(cd "$HERE/boards" && echo */ | tr -d /))"
# shellcheck source=boards/an385/board.conf
. "$HERE/boards/$BOARD/board.conf"

case $ARCH in
arm) PACKAGES+=(gcc-arm-linux-gnueabi) ;;
riscv) PACKAGES+=(gcc-riscv64-linux-gnu) ;;
esac
[ "$MODE" = path ] || need "${PACKAGES[@]}"
source_tree

case ${DEFCONFIG:=mps2_defconfig} in *_defconfig)
	[ -e "$SRC/arch/$ARCH/configs/$DEFCONFIG" ] ||
		skip "Linux $VERSION for $BOARD: it has no $DEFCONFIG"
	;;
esac

CONFDIR=$CACHE_DIR/kernel
BOARDFRAG=$HERE/boards/$BOARD/kernel.config
FRAGS=("$HERE/kernel.config")
[ ! -e "$BOARDFRAG" ] || FRAGS+=("$BOARDFRAG")
[ -z "${FLAVOUR:-}" ] || FRAGS+=("$HERE/flavours/$FLAVOUR.config")
# what a vendor's tree would have, read after the tree's own, which stays as it is
KCONFIG=
! grep -qs '^CONFIG_DMA_ALIAS_POOL' "$BOARDFRAG" || KCONFIG=$(readlink -f "$HERE/../../Kconfig")
KEY=$({
	echo "$RECIPE" "$VERSION" "$(compiler)" "$CROSS_COMPILE" ${OWN:+"$OWN"}
	cat "$HERE/boards/$BOARD/board.conf" "$HERE/boards/stub.S" "${FRAGS[@]}"
	[ -z "$KCONFIG" ] || cat "$KCONFIG"
} | sha256sum | cut -c 1-12)
name=$KVER-$BOARD${OWN:+-own${FLAVOUR:+.$FLAVOUR}}
OUT=$CONFDIR/$name-$KEY

if [ ! -e "$OUT/rig/Image" ]; then
	[ "$MODE" != path ] || exit 1
	cache_lock
	# another make may have made it while this one waited
	if [ ! -e "$OUT/rig/Image" ]; then
		OBJ=$CONFDIR/.tmp-$KVER-$BOARD
		LOG=$CACHE_DIR/log/kernel-$KVER-$BOARD.log
		rm -rf "$OBJ"
		mkdir -p "$OBJ" "$CACHE_DIR/log"
		: >"$LOG"
		if [ -n "${DRAM_BASE:-}" ]; then
			printf 'CONFIG_DRAM_BASE=%s\nCONFIG_DRAM_SIZE=%s\n' \
				"$DRAM_BASE" "$DRAM_SIZE" >"$OBJ/.rig-dram"
			FRAGS+=("$OBJ/.rig-dram")
		fi
		if [ -n "$KCONFIG" ]; then
			cat "$SRC/Kconfig" "$KCONFIG" >"$OBJ/.rig-Kconfig"
			export KBUILD_KCONFIG=$OBJ/.rig-Kconfig
		fi
		step "KERNEL  $KVER $BOARD: configuring $VERSION" "$LOG" configure
		step "KERNEL  $KVER $BOARD: building (about ${MINUTES:-3} min)" "$LOG" build
		rm -rf "$OUT"
		# of the same tree, as it was
		[ -z "${OWN:-}" ] || rm -rf "$CONFDIR/$name"-*
		mv "$OBJ" "$OUT"
	fi
fi
echo "$OUT"
