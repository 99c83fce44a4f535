#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# series.sh           - print the kernel series that are tested, one a line, oldest first
# series.sh newest    - print the newest of them
# series.sh all       - print all series that the archive has, superseded ones as well
# series.sh in SUITE  - print the series that one suite has
# series.sh silent    - print the suites that have no kernel source any more
# series.sh suites    - print the suites that are looked into, for apt
# series.sh default   - print "KVER BOARD" of the machine that make check is about
#
# Tested are the series whose sources Debian's archive or the cache has. Each series of a
# Debian release counts; of the series in backports and sid, which change, only the
# newest does. The archive is asked once a day, or again with RIG_REFRESH=1. If it does not
# answer, its last answer counts.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"

STAY="bullseye bookworm trixie"
MOVE="trixie-backports sid"
# the default series; all figures in the documentation are of this one
USUAL=6.1
RECORD=$CACHE_DIR/series	# "SERIES SUITE" a line

suites() {
	local suite
	for suite in $STAY; do
		echo "$suite" "$suite-security"
	done
	echo "$MOVE"
}

ask() {
	local names
	# shellcheck disable=SC2046 # a list of suites
	apt_private series deb $(suites)
	names=$(apt-cache "${APT_OPTS[@]}" pkgnames linux-source- |
		grep -xE 'linux-source-[0-9]+\.[0-9]+') || return 0
	# shellcheck disable=SC2086 # a list of packages
	apt-cache "${APT_OPTS[@]}" madison $names |
		sed -n 's/^ *linux-source-\([0-9.]*\) .* \([a-z-]*\)\/main .* Packages$/\1 \2/p' |
		sed 's/-security$//' | sort -uV >"$RECORD.new"
}

# offered: print what the archive has, in the format of RECORD
offered() {
	local age=1440 rc
	mkdir -p "$CACHE_DIR/log"
	# not cache_lock: a script that builds a kernel holds that, and calls this one
	exec 8>"$RECORD.lock"
	flock 8
	# Many scripts may run with RIG_REFRESH=1 at once: one of them asks, and for ten
	# minutes the others take its answer.
	[ -z "${RIG_REFRESH:-}" ] || age=10
	if [ -z "$(find "$RECORD" -mmin "-$age" 2>/dev/null)" ]; then
		rm -f "$RECORD.new"
		try_step "SERIES  asking the archive" "$CACHE_DIR/log/series.log" ask 8>&-
		[ ! -s "$RECORD.new" ] || mv "$RECORD.new" "$RECORD"
	fi
	exec 8>&-
	[ ! -e "$RECORD" ] || cat "$RECORD"
}

# of SUITE...: print the series of these suites, from lines as in RECORD on stdin
of() {
	awk -v suites=" $* " 'index(suites, " " $2 " ") { print $1 }' | sort -uV
}

cached() {
	local file
	for file in "$CACHE_DIR"/src/*.current; do
		[ ! -e "$file" ] ||
			[ ! -e "$CACHE_DIR/src/linux-source-$(cat "$file")/Makefile" ] ||
			basename "$file" .current
	done | sort -V
}

series() {
	local all stay newest kept kver
	all=$(offered)
	# shellcheck disable=SC2086 # a list of suites
	stay=$(of $STAY <<<"$all")
	newest=$(tail -n 1 <<<"$stay")
	kept=$(cached)
	{
		echo "$stay"
		# shellcheck disable=SC2086 # a list of suites
		{ of $MOVE <<<"$all" && echo "$kept"; } | sort -V | tail -n 1
		# Series that are only in the cache: those older than the newest one of a
		# release, whose release is gone from the archive; or all, if the archive
		# has never answered.
		for kver in $kept; do
			[ -n "$newest" ] && [ "$(printf '%s\n' "$newest" "$kver" |
				sort -V | head -n 1)" = "$newest" ] || echo "$kver"
		done
	} | sed '/^$/d' | sort -uV
}

silent() {
	local all suite
	all=$(offered)
	# the archive did not answer: then nobody knows
	[ -n "$all" ] || return 0
	for suite in $STAY; do
		[ -n "$(of "$suite" <<<"$all")" ] || echo "$suite"
	done
	# shellcheck disable=SC2086 # a list of suites
	[ -n "$(of $MOVE <<<"$all")" ] || echo "${MOVE// / and }"
}

# has CONFIG KVER: can that source be fetched, and is arch/CONFIG in it?
has() {
	local source rc=0
	source=$("$HERE/kernel.sh" --source "$2" | tail -n 1) || rc=$?
	# status 3: the archive does not have it
	[ $rc -eq 0 ] || [ $rc -eq 3 ] || exit $rc
	[ $rc -eq 0 ] && [ -e "$source/arch/$1" ]
}

# newest_with CONFIG BOARD: print the newest series that has it, and BOARD
newest_with() {
	local kver
	for kver in $(series | tac); do
		if has "$1" "$kver"; then
			echo "$kver $2"
			return
		fi
	done
	return 1
}

# Print "KVER BOARD" of the default machine. For a source tree of the user's that has no
# MPS2 boards, it is the PC. If none of Debian's has them any more (they go from mainline
# after 7.3), it is RISC-V.
default() {
	local mps2=arm/configs/mps2_defconfig riscv=riscv/configs/nommu_virt_defconfig
	local kver board=smp
	if [ -n "${KSRC:-}" ]; then
		kver=$(series_of "$KSRC")
		[ ! -e "$KSRC/arch/$mps2" ] || board=an385
		echo "$kver $board"
		return
	fi
	if has $mps2 $USUAL; then
		echo "$USUAL an385"
		return
	fi
	newest_with $mps2 an385 || newest_with $riscv rv64 ||
		die "Debian's archive has no kernel source with arch/$mps2 or arch/$riscv"
}

case ${1:-} in
'') series ;;
newest) series | tail -n 1 ;;
all) offered | cut -d ' ' -f 1 | sort -uV ;;
in) offered | of "$2" ;;
silent | suites | default) "$1" ;;
*) die "usage: series.sh [newest|all|in SUITE|silent|suites|default]" ;;
esac
