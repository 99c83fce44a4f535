#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# series.sh           - the kernel series that are tested, one a line, oldest first:
#                       those that Debian's archive has the sources of
# series.sh newest    - the newest of them
# series.sh all       - whatever the archive has, superseded ones, too
# series.sh in SUITE  - those that one suite has
# series.sh silent    - suites that have none any more
# series.sh suites    - the suites that are looked into, for apt
# series.sh default   - "KVER BOARD" of the machine that make check is about
#
# A release's series stay; of the suites that move only the newest of all counts.
# Sources that are in the cache need no archive. It is asked once a day, with
# RIG_REFRESH=1 again, and what it said last counts while it does not answer.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"

STAY="bullseye bookworm trixie"
MOVE="trixie-backports sid"
# the series that all figures are of
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

# What the archive offers, as in RECORD.
offered() {
	local age=1440 rc
	mkdir -p "$CACHE_DIR/log"
	# its own lock: who makes a kernel has the other
	exec 8>"$RECORD.lock"
	flock 8
	# one refresh, by however many scripts
	[ -z "${RIG_REFRESH:-}" ] || age=10
	if [ -z "$(find "$RECORD" -mmin "-$age" 2>/dev/null)" ]; then
		rm -f "$RECORD.new"
		try_step "SERIES  asking the archive" "$CACHE_DIR/log/series.log" ask 8>&-
		[ ! -s "$RECORD.new" ] || mv "$RECORD.new" "$RECORD"
	fi
	exec 8>&-
	[ ! -e "$RECORD" ] || cat "$RECORD"
}

# of SUITE...: from lines as in RECORD
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
		# of a release that is gone, or of all of them
		for kver in $kept; do
			[ -n "$newest" ] && [ "$(printf '%s\n' "$newest" "$kver" |
				sort -V | head -n 1)" = "$newest" ] || echo "$kver"
		done
	} | sed '/^$/d' | sort -uV
}

silent() {
	local all suite
	all=$(offered)
	# nobody can tell then
	[ -n "$all" ] || return 0
	for suite in $STAY; do
		[ -n "$(of "$suite" <<<"$all")" ] || echo "$suite"
	done
	# shellcheck disable=SC2086 # a list of suites
	[ -n "$(of $MOVE <<<"$all")" ] || echo "${MOVE// / and }"
}

# has_mps2 KVER: is its source to be had, and has it the boards?
has_mps2() {
	local source rc=0
	source=$("$HERE/kernel.sh" --source "$1" | tail -n 1) || rc=$?
	# 3: the archive does not have it
	[ $rc -eq 0 ] || [ $rc -eq 3 ] || exit $rc
	[ $rc -eq 0 ] && [ -e "$source/arch/arm/configs/mps2_defconfig" ]
}

# Of a tree of one's own the PC will do where it has no such boards.
default() {
	local kver board=smp
	if [ -n "${KSRC:-}" ]; then
		kver=$(series_of "$KSRC")
		[ ! -e "$KSRC/arch/arm/configs/mps2_defconfig" ] || board=an385
		echo "$kver $board"
		return
	fi
	if has_mps2 $USUAL; then
		echo "$USUAL an385"
		return
	fi
	for kver in $(series | tac); do
		if has_mps2 "$kver"; then
			echo "$kver an385"
			return
		fi
	done
	# which other machine takes over is for this line to say
	die "no kernel series is to be had that has mps2_defconfig"
}

case ${1:-} in
'') series ;;
newest) series | tail -n 1 ;;
all) offered | cut -d ' ' -f 1 | sort -uV ;;
in) offered | of "$2" ;;
silent | suites | default) "$1" ;;
*) die "usage: series.sh [newest|all|in SUITE|silent|suites|default]" ;;
esac
