#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# qemu.sh [--path] [arm|riscv64] - a QEMU that is new enough (10): the machine's own,
# or that of its Debian release's backports, unpacked beside it. For Arm (as without a
# word) its plugins see what is stored; for RISC-V its CPU has Zicbom, the instructions
# that a kernel needs for devices that do not snoop the caches.
#
# Out: a directory, as the last line on stdout, which holds
#   qemu-system-arm   starts it (or qemu-system-riscv64)
#   qemu-plugin.h     for Arm: from its source package, since no other has it
# --path makes nothing: it prints the directory if it is there, else fails.
# OLDEST_QEMU: of which version at least (10).
# Exit status 3: the archive has none that is new enough, or does not give it away;
# what needs one can say that it was skipped.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"

RECIPE=1	# to be counted up with each change of what this script makes
OLDEST=${OLDEST_QEMU:-10}
MODE=build
if [ "${1:-}" = --path ]; then
	MODE=path
	shift
fi
# the first package is the one whose version counts
case ${1:-arm} in
arm)
	PROGRAM=qemu-system-arm
	PACKAGES=(qemu-system-arm qemu-system-common qemu-system-data)
	NAME=qemu
	;;
riscv64)
	PROGRAM=qemu-system-riscv64
	PACKAGES=(qemu-system-riscv qemu-system-common qemu-system-data)
	NAME=qemu-riscv64
	;;
*) die "usage: qemu.sh [--path] [arm|riscv64]" ;;
esac
log=$CACHE_DIR/log/$NAME.log

# Debian's version, without epoch, or the program's own: is it new enough?
is_new() { [ "${1%%.*}" -ge "$OLDEST" ] 2>/dev/null; }

own_version() {
	"$PROGRAM" --version 2>/dev/null |
		sed -n 's/^QEMU emulator version \([0-9.]*\).*/\1/p'
}

suites() {
	local name
	name=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
	[ -n "$name" ] || name=sid
	echo "$name"
	[ "$name" = sid ] || echo "$name-backports"
}

# newest PACKAGE: its version
newest() {
	apt-cache "${APT_OPTS[@]}" madison "$1" |
		awk '$NF == "Packages" { print $3 }' | sort -Vr | sed -n 1p
}

# Sets VERSION, of the newest that is offered.
look() {
	# shellcheck disable=SC2046 # a list of suites
	apt_private qemu deb $(suites) >>"$log" 2>&1
	VERSION=$(newest "${PACKAGES[0]}")
	is_new "${VERSION#*:}" || {
		say "  QEMU    the archive has none of version $OLDEST or newer, but ${VERSION:-none}"
		exit 3
	}
}

unpack() {
	local tmp=$1 deb
	cd "$tmp"
	apt-get "${APT_OPTS[@]}" download "${PACKAGES[@]/%/=$VERSION}"
	# RISC-V's firmware, which is from another source
	[ "$PROGRAM" != qemu-system-riscv64 ] ||
		apt-get "${APT_OPTS[@]}" download "opensbi=$(newest opensbi)"
	for deb in ./*.deb; do
		dpkg-deb -f "$deb" Depends | tr ',' '\n' |
			sed 's/ *\([^ (:|]*\).*/\1/' | grep -v '^qemu-\|^opensbi$' >>depends || true
		dpkg-deb -x "$deb" root
		rm "$deb"
	done
	cat >"$PROGRAM" <<-'RUN'
	#!/bin/sh
	here=$(dirname "$(readlink -f "$0")")/root/usr
	QEMU_MODULE_DIR=$(dirname "$here"/lib/*/qemu/.)
	export QEMU_MODULE_DIR
	exec "$here/bin/${0##*/}" -L "$here/share/qemu" "$@"
	RUN
	chmod +x "$PROGRAM"
}

# header DIR: of the same version's source, of which nothing else is wanted
header() {
	local tmp=$1
	# shellcheck disable=SC2046 # a list of suites
	apt_private qemu-source deb-src $(suites)
	mkdir "$tmp/source"
	cd "$tmp/source"
	apt-get "${APT_OPTS[@]}" source --download-only --tar-only --only-source "qemu=$VERSION"
	tar -xJf qemu_*.orig.tar.xz --wildcards --strip-components=3 \
		'*/include/qemu/qemu-plugin.h'
	mv qemu-plugin.h ..
	cd ..
	rm -r source
}

# or_skip STEP...: what cannot be fetched cannot be had. Not in a condition, see step.
or_skip() {
	local rc
	try_step "$@"
	[ $rc -eq 0 ] || exit 3
}

cache_lock
mkdir -p "$CACHE_DIR/log"
: >"$log"
current=$CACHE_DIR/$NAME.$RECIPE.current
own=$(own_version)
if [ -e "$current" ] && [ -z "${RIG_REFRESH:-}" ]; then
	dir=$CACHE_DIR/$(cat "$current")
	if [ -e "$dir/$PROGRAM" ]; then
		echo "$dir"
		exit 0
	fi
fi
[ "$MODE" != path ] || exit 1

need xz-utils dpkg-dev
tmp=$CACHE_DIR/.tmp-qemu
rm -rf "$tmp"
mkdir "$tmp"
if is_new "${own:-0}"; then
	# shellcheck disable=SC2016 # dpkg-query's
	VERSION=$(dpkg-query -W -f '${source:Version}' "${PACKAGES[0]}")
	ln -s "$(command -v "$PROGRAM")" "$tmp/$PROGRAM"
else
	look
	or_skip "QEMU    fetching $VERSION" "$log" unpack "$tmp"
	# shellcheck disable=SC2046 # a list of packages
	need $(cat "$tmp/depends")
	own=${VERSION#*:}
fi
[ "$PROGRAM" != qemu-system-arm ] ||
	or_skip "QEMU    fetching its plugin header" "$log" header "$tmp"
"$tmp/$PROGRAM" --version >>"$log" 2>&1 || die "QEMU $own does not start, see $log"
rm -rf "${CACHE_DIR:?}/$NAME-$own"
mv "$tmp" "$CACHE_DIR/$NAME-$own"
echo "$NAME-$own" >"$current"
echo "$CACHE_DIR/$NAME-$own"
