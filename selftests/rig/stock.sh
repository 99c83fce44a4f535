#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# stock.sh [--path] KVER BOARD - Debian's own kernel of series KVER, for the
# architecture that the board names.
#
# Fetches the newest generic image of the series with its modules and headers,
# and unpacks them in the cache; nothing is installed. External modules can be
# built against the result with the words in rig/make: make -C DIR M=... ARCH=x86
#
# FLAVOUR is another of its images than the generic one, as Debian calls it (16k).
#
# Out: the directory, as the last line on stdout. In it, beside the packages:
#   Makefile rig/Image rig/board.conf rig/version rig/release rig/make
# Exit status 3: the archive has no such kernel.
# --path makes nothing: it prints the directory if it is there, else fails.
#
# A kernel, once fetched, is used for good; RIG_REFRESH=1 asks the archive for a
# newer one.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"

RECIPE=1	# to be counted up with each change of what this script makes

# The suites of a release, whose tools run together. What was built for Debian 12 comes
# first: those run on what the rest of the rig needs.
RELEASES=("bookworm bookworm-security bookworm-backports"
	"trixie trixie-security trixie-backports sid" "bullseye bullseye-security")

# kernel_apt FOREIGN: apt's lists of SUITES, of another architecture or this one
# shellcheck disable=SC2086 # a list of suites
kernel_apt() { FOREIGN=$1 apt_private "stock-$KVER" deb $SUITES; }

# The compiler that the rig has. Kernels of later releases were built with
# later ones; what only those know is taken out of the configuration below.
CC=gcc-12

# --- fetching -------------------------------------------------------------

# field PACKAGE NAME: of its newest version
field() {
	apt-cache "${APT_OPTS[@]}" show --no-all-versions "$1" 2>/dev/null |
		sed -n "s/^$2: //p" | head -n 1
}

# The release (uname -r) of the series' newest kernel that has headers.
newest_release() {
	local arch=$DEBIAN${FLAVOUR:+-$FLAVOUR}
	apt-cache "${APT_OPTS[@]}" search --names-only \
		"^linux-headers-${KVER//./\\.}[.+~-].*-$arch\$" |
		awk '{ print $1 }' | grep -vE -e "-(cloud|rt)-$arch\$" |
		sed 's/^linux-headers-//' | sort -V | tail -n 1
}

# The kernel's own packages that PACKAGE needs, and it itself. A series is cut
# into more of them the newer it is.
closure() {
	local todo=("$@") name seen=" "
	while [ ${#todo[@]} -gt 0 ]; do
		name=${todo[0]}
		todo=("${todo[@]:1}")
		case $seen in *" $name "*) continue ;; esac
		seen+="$name "
		[ -n "$(field "$name" Version)" ] || continue
		echo "$name"
		# shellcheck disable=SC2207 # words
		todo+=($(field "$name" Depends | tr ',|' '\n\n' |
			sed 's/^ *//; s/[ :(].*//' |
			grep -E "^linux-(base|binary|modules|image|headers|kbuild)-$KVER" || true))
	done
}

# Sets SUITES, where there are kernels of the series.
look() {
	for SUITES in "${RELEASES[@]}"; do
		kernel_apt "$FOREIGN" >>"$log" 2>&1
		[ -z "$(newest_release)" ] || return 0
	done
	skip "Debian's own Linux $KVER: the archive has none"
}

fetch() {
	local tmp=$1 release image packages
	release=$(newest_release)
	image=linux-image-$release
	# the signed one comes days after the other
	[ -n "$(field "$image" Version)" ] || image+=-unsigned
	echo "$release" >"$tmp/release"
	field "linux-headers-$release" Version >"$tmp/version"
	cd "$tmp"
	packages=$(closure "$image" "linux-headers-$release")
	# shellcheck disable=SC2046 # a list of packages
	apt-get "${APT_OPTS[@]}" download $(grep -v '^linux-kbuild-' <<<"$packages")
	# the kernel's tools have to run here
	[ -z "$FOREIGN" ] || kernel_apt ""
	# shellcheck disable=SC2046 # a list of packages
	apt-get "${APT_OPTS[@]}" download $(grep '^linux-kbuild-' <<<"$packages")
	rm -f linux-*-dbg_*.deb
}

# --- unpacking ------------------------------------------------------------

# What a later compiler than ours was asked for.
LATER='CC_HAS_MIN_FUNCTION_ALIGNMENT CC_HAS_COUNTED_BY CC_HAS_COUNTED_BY_PTR
	CC_HAS_MULTIDIMENSIONAL_NONSTRING CC_HAS_BROKEN_COUNTED_BY_REF
	CC_HAS_ASSUME CC_HAS_MARCH_NATIVE CC_HAS_NAMED_AS CC_HAS_NAMED_AS_FIXED_SANITIZERS
	USE_X86_SEG_SUPPORT CC_HAS_ASM_GOTO_OUTPUT'

# Tools of the kernel's that do not run here, for want of libraries.
tools_that_fail() {
	local tool
	find "$OBJ/usr/lib" -path '*/linux-kbuild-*' -type f -perm /111 |
		while read -r tool; do
			if head -c 4 "$tool" | grep -q ELF &&
				ldd "$tool" 2>&1 | grep -q 'not found'; then
				echo "$tool"
			fi
		done
}

# The tools of a later release need its C library: run them with that one.
own_libraries() {
	local tools=$1 tool libs
	kernel_apt ""
	mkdir "$OBJ/libs" "$OBJ/libs.deb"
	cd "$OBJ/libs.deb"
	apt-get "${APT_OPTS[@]}" download libc6 libelf1t64 zlib1g libzstd1 libssl3t64
	for tool in *.deb; do
		dpkg-deb -x "$tool" "$OBJ/libs"
	done
	cd "$OBJ"
	rm -r "$OBJ/libs.deb"
	libs=$OUT/libs/usr/lib/x86_64-linux-gnu
	for tool in $tools; do
		mv "$tool" "$tool.bin"
		printf '#!/bin/sh\nexec %s --library-path %s %s "$@"\n' \
			"$libs/ld-linux-x86-64.so.2" "$libs" \
			"$OUT${tool#"$OBJ"}.bin" >"$tool"
		chmod +x "$tool"
	done
}

unpack() {
	local tmp=$1 deb headers tools name file
	for deb in "$tmp"/linux-*.deb; do
		echo "${deb##*/}"
		dpkg-deb -x "$deb" "$OBJ"
	done
	# newer packages have /usr/lib/modules
	[ -d "$OBJ/lib/modules" ] || ln -s usr/lib "$OBJ/lib"
	headers=usr/src/linux-headers-$RELEASE

	# they say where they expect to be
	grep -rlI --include=Makefile --include=.kernelvariables /usr/ "$OBJ"/usr/src |
		xargs sed -i "s#/usr/\(src\|lib\)/linux-#$OUT/usr/\1/linux-#g"
	tools=$(tools_that_fail)
	[ -z "$tools" ] || own_libraries "$tools"
	if ! grep -q "CC_VERSION_TEXT=\"[^ ]*$CC" "$OBJ/$headers/include/config/auto.conf"; then
		for name in $LATER; do
			for file in .config include/config/auto.conf; do
				sed -i "/^CONFIG_$name=/d" "$OBJ/$headers/$file"
			done
			sed -i "/^#define CONFIG_$name /d" \
				"$OBJ/$headers/include/generated/autoconf.h"
		done
	fi

	# Debug data for BPF needs the pahole of the kernel's own release. What
	# the kernel's structures hold stays: autoconf.h has it still.
	sed -i '/^CONFIG_DEBUG_INFO_BTF_MODULES=/d' \
		"$OBJ/$headers/include/config/auto.conf"

	mkdir "$OBJ/rig"
	printf 'modules clean:\n\t+$(MAKE) -C %s $@\n' "$OUT/$headers" >"$OBJ/Makefile"
	ln -s "$(cd "$OBJ" && ls -d boot/vmlinuz-"$RELEASE" \
		usr/lib/modules/"$RELEASE"/vmlinuz 2>/dev/null | head -n 1 |
		sed 's|^|../|')" "$OBJ/rig/Image"
	ln -s "../$headers" "$OBJ/rig/source"
	cp "$HERE/boards/$BOARD/board.conf" "$OBJ/rig/"
	cp "$tmp/version" "$tmp/release" "$OBJ/rig/"
	echo "ARCH=$ARCH CROSS_COMPILE=$CROSS_COMPILE CC=$CROSS_COMPILE$CC" >"$OBJ/rig/make"
	# the packages have no modules.dep; drop the debug symbols' place, too
	depmod -b "$OBJ" "$RELEASE"
}

MODE=build
[ "${1:-}" != --path ] || { MODE=path && shift; }
KVER=${1:-}
BOARD=${2:-}
[ -n "$KVER" ] && [ -n "$BOARD" ] || die "usage: stock.sh [--path] KVER BOARD"
[ -e "$HERE/boards/$BOARD/board.conf" ] || die "unknown board $BOARD"
PATH=$PATH:/usr/sbin:/sbin
# shellcheck source=boards/pc/board.conf
. "$HERE/boards/$BOARD/board.conf"
FOREIGN=$DEBIAN
[ "$DEBIAN" != "$(dpkg --print-architecture)" ] || FOREIGN=

name=$KVER-$BOARD${FLAVOUR:+-$FLAVOUR}
current=$CACHE_DIR/kernel/$name.current
OUT=
[ ! -e "$current" ] || OUT=$(cat "$current")
if [ ! -e "$OUT/rig/Image" ] || [ -n "${RIG_REFRESH:-}" ] ||
	[ "${OUT##*-r}" != "$RECIPE" ]; then
	[ "$MODE" != path ] || exit 1
	need dpkg-dev kmod make xz-utils zstd libelf-dev \
		"$CC${FOREIGN:+-${CROSS_COMPILE%-}}"
	cache_lock
	tmp=$CACHE_DIR/kernel/.tmp-$name
	log=$CACHE_DIR/log/stock-$name.log
	rm -rf "$tmp"
	mkdir -p "$tmp/deb" "$tmp/tree" "$CACHE_DIR/log"
	: >"$log"
	look
	step "STOCK   $KVER: fetching Debian's $DEBIAN kernel (about 150 MB)" "$log" fetch "$tmp/deb"
	RELEASE=$(cat "$tmp/deb/release")
	OBJ=$tmp/tree
	OUT=$CACHE_DIR/kernel/$name-$(cat "$tmp/deb/version")-r$RECIPE
	step "STOCK   $KVER: unpacking $RELEASE" "$log" unpack "$tmp/deb"
	rm -rf "$OUT"
	mv "$OBJ" "$OUT"
	rm -rf "$tmp"
	echo "$OUT" >"$current"
fi
# the machine may have been changed since
cmp -s "$HERE/boards/$BOARD/board.conf" "$OUT/rig/board.conf" ||
	cp "$HERE/boards/$BOARD/board.conf" "$OUT/rig/"
echo "$OUT"
