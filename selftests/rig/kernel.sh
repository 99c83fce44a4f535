#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# kernel.sh [--path] KVER BOARD - build a kernel of series KVER for BOARD.
# kernel.sh --source KVER       - only fetch its source tree.
#
# Fetches Debian's newest linux-source-KVER, configures it with mps2_defconfig (or the
# board's DEFCONFIG), kernel.config and the board's RAM base, and builds Image, modules,
# device trees (with labels, for overlays) and the board's boot stub. A board can have
# another architecture than Arm, which may need DMA_ALIAS_POOL_OPS of the project's
# Kconfig. External modules can be built against the result:
# make -C DIR M=... ARCH=arm CROSS_COMPILE=arm-linux-gnueabi-
#
# Prints the build directory, or with --source the source tree, as the last line on
# stdout. In the build directory there are also:
#   rig/Image rig/stub.elf rig/*.dtb rig/board.conf rig/version rig/source
#   rig/kernel.dtb, the device tree that the board's KERNEL_DTB names
# and, if the kernel is not for Arm, rig/make with the words that make needs.
# --path builds nothing: it prints the directory if it is there, else fails.
#
# FLAVOUR=NAME adds flavours/NAME.config.
# Exit status 3: the archive has no such series, or the series has no such board.
# A source tree that was fetched is used forever; RIG_REFRESH=1 asks the archive for a
# newer one. The name of the build directory has a digest of all that goes into it.
#
# KSRC=DIR is a source tree of the user's. It is used in place of Debian's if its series
# is KVER. Nothing is written into it, and when it changes, the kernel is built again.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"

export ARCH=arm CROSS_COMPILE=arm-linux-gnueabi-
RECIPE=1	# count this up when what this script builds changes
PACKAGES=(libc6-dev gcc make bc bison flex libssl-dev
	libelf-dev cpio rsync xz-utils dpkg-dev python3 perl)

usage() {
	say "usage: kernel.sh [--path] KVER BOARD | kernel.sh --source KVER"
	exit 1
}

# --- source tree ----------------------------------------------------------

# try_fetch TMP: download linux-source-$KVER with $APT_OPTS. Tries the newest version
# first; the archive may no longer have a version that apt's lists name.
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

# fetch TMP: with the machine's own apt, or else with one that knows all suites
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

# is_offered: can $KVER be fetched? If the machine's own apt knows it, that is enough.
is_offered() {
	[ -n "$(apt-cache madison "linux-source-$KVER" 2>/dev/null)" ] || in_archive
}

gone() { skip "Linux $KVER: Debian's archive has no linux-source-$KVER, it has $("$HERE/series.sh" all | paste -sd ' ')"; }

# The sources are a tarball inside the package. Unpack it without writing it to disk.
unpack() {
	local tmp=$1
	mkdir "$tmp/tree"
	dpkg-deb --fsys-tarfile "$tmp"/linux-source-*.deb |
		tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
		tar -xJ -C "$tmp/tree" --strip-components=1
	rm "$tmp"/linux-source-*.deb
}

# is_own: is there a KSRC, and is it of the series $KVER?
is_own() {
	local own
	[ -n "${KSRC:-}" ] || return 1
	own=$(series_of "$KSRC") || exit
	[ "$own" = "$KVER" ]
}

# Sets SRC and VERSION, and OWN to a digest of the tree's files and their times.
own_tree() {
	SRC=$(readlink -f "$KSRC")
	[ ! -e "$SRC/.config" ] && [ ! -d "$SRC/include/config" ] ||
		die "KSRC=$KSRC: a kernel was built in it: say make mrproper there, and build with O= instead"
	VERSION=$(make -s -C "$SRC" kernelversion)
	OWN=$(find "$SRC" -name .git -prune -o -type f -printf '%p %s %T@\n' |
		LC_ALL=C sort | sha256sum)
}

# Sets SRC and VERSION, and fetches the source tree if it is not there.
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
		# is_offered may have trusted lists that are older than the archive
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

# nice: machines that boot at the same time keep their time
kmake() { nice make -C "$SRC" O="$OBJ" -j"$JOBS" LOCALVERSION= DTC_FLAGS=-@ "$@"; }

# start_from_another: if there is a kernel of the same source for a similar machine, its
# objects are the start, and make builds again what the options that differ affect. For
# another flavour that is little; for RAM at another address it is nearly all, but for the
# programs of the build itself.
start_from_another() {
	local from
	for from in "$CONFDIR/$KVER-$BOARD"-* "$CONFDIR/$KVER"-*; do
		[ "$(cat "$from/rig/objects" 2>/dev/null)" = "$OBJECTS" ] || continue
		echo "starting from $from"
		cp -a "$from/." "$OBJ/"
		rm -r "$OBJ/rig"
		return
	done
}

configure() {
	local line name
	kmake "$DEFCONFIG"
	"$SRC/scripts/kconfig/merge_config.sh" -m -O "$OBJ" "$OBJ/.config" "${FRAGS[@]}"
	kmake olddefconfig
	# olddefconfig silently drops symbols whose dependencies are off: check that all
	# lines of the fragments took effect. Of two lines about the same symbol the
	# later counts, which is the board's.
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
		# In a user's tree this is no error, as it may lack some symbols. If one
		# of them matters, a test will fail.
		[ -n "${OWN:-}" ] || return 1
	fi
}

build() {
	local name dtbs=
	[ "$ARCH" != arm ] || dtbs=dtbs
	kmake "${IMAGE:=Image}" modules
	# a user's tree may have device trees that do not build, which do not matter
	[ -z "$dtbs" ] || kmake -k $dtbs || [ -n "${OWN:-}" ]
	mkdir "$OBJ/rig"
	cp "$OBJ/arch/$ARCH/boot/$IMAGE" "$OBJ/rig/Image"
	# in some series the device trees are in a directory of their own
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
	# the board needs a stub if QEMU cannot start its kernel by itself
	[ -z "${VECTORS:-}" ] ||
		"$HERE/stub.sh" "$OBJ/rig/stub.elf" "$HERE/boards/$BOARD/board.conf"
	# builds of modules do not need these; start_from_another() does
	if [ -n "${DRAM_BASE:-}" ] && [ -z "${FLAVOUR:-}${OWN:-}" ]; then
		echo "$OBJECTS" >"$OBJ/rig/objects"
	else
		for name in '*.o' '*.a' '.*.o.cmd'; do
			find "$OBJ" -name "$name" -not -path "$OBJ/scripts/*" \
				-not -path "$OBJ/tools/*" -delete
		done
	fi
	# Newer kernels write the name of the build directory to this file. The directory
	# will be renamed.
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
need_board "$BOARD"
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
# If the board needs an option of the project's Kconfig, that is appended to a copy of the
# tree's. The tree itself is not changed.
KCONFIG=
! grep -qs '^CONFIG_DMA_ALIAS_POOL' "$BOARDFRAG" || KCONFIG=$(readlink -f "$HERE/../../Kconfig")
KEY=$({
	echo "$RECIPE" "$VERSION" "$(compiler)" "$CROSS_COMPILE" ${OWN:+"$OWN"}
	# which tests it is for makes no other kernel
	grep -v -e '^#' -e '^CHECK=' "$HERE/boards/$BOARD/board.conf"
	cat "$HERE/boards/stub.S" "${FRAGS[@]}"
	[ -z "$KCONFIG" ] || cat "$KCONFIG"
} | sha256sum | cut -c 1-12)
# what objects must have in common to be used again
OBJECTS="$VERSION $(compiler) $CROSS_COMPILE"
name=$KVER-$BOARD${OWN:+-own${FLAVOUR:+.$FLAVOUR}}
OUT=$CONFDIR/$name-$KEY

if [ ! -e "$OUT/rig/Image" ]; then
	[ "$MODE" != path ] || exit 1
	cache_lock
	# another script may have built it while this one waited for the lock
	if [ ! -e "$OUT/rig/Image" ]; then
		OBJ=$CONFDIR/.tmp-$KVER-$BOARD
		LOG=$CACHE_DIR/log/kernel-$KVER-$BOARD.log
		rm -rf "$OBJ"
		mkdir -p "$OBJ" "$CACHE_DIR/log"
		: >"$LOG"
		if [ -n "${DRAM_BASE:-}" ]; then
			start_from_another >>"$LOG"
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
		# older builds of the user's tree
		[ -z "${OWN:-}" ] || rm -rf "$CONFDIR/$name"-*
		mv "$OBJ" "$OUT"
	fi
fi
echo "$OUT"
