#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# stock.sh [--path] KVER BOARD - fetch Debian's own kernel of series KVER, for the
# architecture of BOARD.
#
# Fetches the newest generic kernel of the series with its modules and headers, and
# unpacks the packages in the cache; nothing is installed. External modules can be built
# against the result with the words in rig/make: make -C DIR M=... ARCH=x86
#
# FLAVOUR names another kernel than the generic one, as Debian names it (16k).
#
# Prints the directory as the last line on stdout. In it, beside the unpacked packages:
#   Makefile rig/Image rig/board.conf rig/version rig/release rig/make
# Exit status 3: the archive has no such kernel.
# --path fetches nothing: it prints the directory if it is there, else fails.
#
# A kernel that was fetched is used forever; RIG_REFRESH=1 asks the archive for a newer
# one.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"

RECIPE=1	# count this up when what this script makes changes

# Each line has the suites of one Debian release, from which packages may be mixed.
# Debian 12 comes first: the tools in its kernels' packages run on the release that the
# rest of the rig needs.
RELEASES=("bookworm bookworm-security bookworm-backports"
	"trixie trixie-security trixie-backports sid" "bullseye bullseye-security")

# kernel_apt FOREIGN: set up apt with the suites in SUITES, for the architecture FOREIGN;
# if that is empty, for this machine's
# shellcheck disable=SC2086 # a list of suites
kernel_apt() { FOREIGN=$1 apt_private "stock-$KVER" deb $SUITES; }

# The compiler that the rig has. Kernels of later releases were built with later ones:
# unpack() takes out of their configuration what only those know.
CC=gcc-12

# --- fetching -------------------------------------------------------------

# field PACKAGE NAME: print a field of the newest version of PACKAGE
field() {
	apt-cache "${APT_OPTS[@]}" show --no-all-versions "$1" 2>/dev/null |
		sed -n "s/^$2: //p" | head -n 1
}

# Print the release (uname -r) of the newest kernel of the series that has headers.
newest_release() {
	local arch=$DEBIAN${FLAVOUR:+-$FLAVOUR}
	apt-cache "${APT_OPTS[@]}" search --names-only \
		"^linux-headers-${KVER//./\\.}[.+~-].*-$arch\$" |
		awk '{ print $1 }' | grep -vE -e "-(cloud|rt)-$arch\$" |
		sed 's/^linux-headers-//' | sort -V | tail -n 1
}

# closure PACKAGE...: print these packages, and all packages of the kernel that they depend
# on. The newer a series is, the more packages it is split into.
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

# Sets SUITES to the first release's that have a kernel of the series.
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
	# the signed package appears days after the unsigned one
	[ -n "$(field "$image" Version)" ] || image+=-unsigned
	echo "$release" >"$tmp/release"
	field "linux-headers-$release" Version >"$tmp/version"
	cd "$tmp"
	packages=$(closure "$image" "linux-headers-$release")
	# shellcheck disable=SC2046 # a list of packages
	apt-get "${APT_OPTS[@]}" download $(grep -v '^linux-kbuild-' <<<"$packages")
	# the kernel's build tools must be those for this machine
	[ -z "$FOREIGN" ] || kernel_apt ""
	# shellcheck disable=SC2046 # a list of packages
	apt-get "${APT_OPTS[@]}" download $(grep '^linux-kbuild-' <<<"$packages")
	rm -f linux-*-dbg_*.deb
}

# --- unpacking ------------------------------------------------------------

# Options of the kernel that need a later compiler than ours.
LATER='CC_HAS_MIN_FUNCTION_ALIGNMENT CC_HAS_COUNTED_BY CC_HAS_COUNTED_BY_PTR
	CC_HAS_MULTIDIMENSIONAL_NONSTRING CC_HAS_BROKEN_COUNTED_BY_REF
	CC_HAS_ASSUME CC_HAS_MARCH_NATIVE CC_HAS_NAMED_AS CC_HAS_NAMED_AS_FIXED_SANITIZERS
	USE_X86_SEG_SUPPORT CC_HAS_ASM_GOTO_OUTPUT'

# Print the kernel's build tools that do not run here because a library is missing.
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

# own_libraries TOOLS: tools of a later release need its C library. Unpack that, and put
# a script in place of each tool, which runs the tool with that library.
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

	# these files name the directories where the packages would be installed
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

	# Modules are built without BTF, which would need the pahole of the kernel's own
	# release. This is only changed for make: autoconf.h still has the option, which
	# decides what is in the kernel's structures.
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
	# the packages have no modules.dep
	depmod -b "$OBJ" "$RELEASE"
}

MODE=build
[ "${1:-}" != --path ] || { MODE=path && shift; }
KVER=${1:-}
BOARD=${2:-}
[ -n "$KVER" ] && [ -n "$BOARD" ] || die "usage: stock.sh [--path] KVER BOARD"
need_board "$BOARD"
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
	before=$OUT
	cache_lock
	[ ! -e "$current" ] || OUT=$(cat "$current")
	# unless somebody else has fetched it meanwhile
	if [ "$OUT" = "$before" ]; then
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
fi
# the board may have been changed since the kernel was fetched
cmp -s "$HERE/boards/$BOARD/board.conf" "$OUT/rig/board.conf" ||
	cp "$HERE/boards/$BOARD/board.conf" "$OUT/rig/"
echo "$OUT"
