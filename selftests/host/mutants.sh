#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mutants.sh [NAME...] - does make check notice when the module is broken?
#
# A mutant is one small mistake in the module (mutants/list). For each mutant, or each
# NAME, this makes the mistake in a copy of the tree and runs make check there. If that
# fails, the mutant is killed; if it passes, the mutant survives, and a test is missing.
# Before that, make check must pass on the unbroken copy, once for each state of the
# tree. A mutant that does not apply or compile, that only checkpatch or a warning catches,
# or whose test is not there, proves nothing: that is a mistake in the list, and counts as
# an error. So does a make check that fails without any test, such as for a download.
#
# FAIL_FAST=first runs only the test that the list names for a mutant. That is quick, but
# another test might kill a mutant that survives it.
#
# Prints a line for each mutant, then "mutants: N killed, N survived". Fails if a mutant
# survived or could not be tried. Logs are in build/mutants/log.
set -euo pipefail
tests=$(dirname "$(dirname "$(readlink -f "$0")")")
top=$(dirname "$tests")
. "$tests/rig/lib.sh"

build=$top/build/mutants
tree=$build/tree
logs=$build/log
killed=0 survived=0 errors=0 n=0 started=$SECONDS

need python3 rsync
mkdir -p "$tree" "$logs"

# All mutants use one copy of the tree, so that each build compiles only what changed.
copy() {
	rsync -rlp --checksum --delete --exclude=/build --exclude=/.git \
		--exclude='/.checkpatch-*' "$top/" "$tree/"
}

# state: print a digest of the copy
state() {
	(cd "$tree" && find . -path ./build -prune -o -path ./selftests/mutants -prune \
		-o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
}

# check LOG FIRST[@BOARD[-FLAVOUR]]: run make check in the copy until something fails,
# beginning with FIRST; with BOARD only the boots of that board
check() {
	# without KVER: each board has its own series
	case $2 in *@*) local -x BOARD=${2#*@} BOOTS_ONLY=y KVER='' ;; esac
	case $2 in *@*-*)
		local -x FLAVOUR=${BOARD#*-}
		BOARD=${BOARD%%-*}
		;;
	esac
	case ${FAIL_FAST:-} in first) local -x TEST=${2%@*} ;; esac
	FAIL_FAST=y FIRST=${2%@*} make -C "$tree" check >"$1" 2>&1 </dev/null
}

# unbroken FIRST: see that the unbroken copy passes on the board that FIRST names, unless
# this state of it has passed before
unbroken() {
	local board=@ log
	case $1 in *@*) board=@${1#*@} ;; esac
	log=$logs/unbroken${board%@}.log
	[ "$now" != "$(cat "$build/passed$board" 2>/dev/null)" ] || return 0
	FAIL_FAST=y step "CHECK   unbroken${board%@}" "$log" check "$log" "${board%@}"
	echo "$now" >"$build/passed$board"
}

# failed_part LOG: print the last boot that failed, or the part
failed_part() {
	sed -nE -e 's/^rig: [^ ]+ [^ ]+ ([^ ]+): .* [1-9][0-9]* failed.*/\1/p' \
		-e 's/^([a-z]+): [0-9]+ passed, [1-9][0-9]* failed.*/\1/p' "$1" | tail -n 1
}

# reason LOG: print what failed, a test or a fault that the rig found
reason() {
	local where what
	where=$(failed_part "$1")
	what=$(awk '/cut here/ || /^not ok - .* did not come to its end$/ { next }
		match($0, /not ok .*|rig: FAILED: .*|: FAILED after .*| MISS$/) {
			print (RLENGTH > 5 ? substr($0, RSTART) : $0)
			exit
		}' "$1")
	what=${what#not ok }
	echo "${where:+$where: }${what#rig: FAILED: }"
}

# list_error LOG FIRST: print why the mutant itself, or its tests, are at fault; fails if
# they are not. A figure or a text that has changed proves no test of what the code does.
list_error() {
	local part
	part=$(failed_part "$1")
	if grep -qE '[a-z]\.[ch]:[0-9:]+ (fatal )?error:|undefined!' "$1"; then
		echo "does not compile"
	elif [ "$2" != lint ] &&
		grep -qE '^(# )?not ok (- compiling without a warning|[0-9]+ sparse and W=1)' "$1"; then
		echo "has a compiler's warning"
	elif grep -qE '^not ok [0-9]+ (checkpatch|kernel-doc)' "$1"; then
		echo "has bad style"
	elif grep -qE '^[^#]*(: no such test for |nothing of .* is for )' "$1"; then
		echo "names a test that is not there"
	elif [ "$2" != "$part" ] && [[ $part =~ ^(bench|docs|analysis|readme|layers|lint)$ ]]; then
		echo "is noticed only by $part"
	elif [ -z "$(reason "$1")" ]; then
		echo "is not what make check failed for"
	else
		return 1
	fi
}

# try NAME FIRST: make the mistake NAME in the copy, run make check, and undo it
try() {
	local name=$1 log=$logs/$1.log start=$SECONDS file verdict why rc=0 beat
	n=$((n + 1))
	unbroken "$2"
	file=$("$tests/mutants/apply.py" apply "$tree" "$name")
	heartbeat "  $name" $$ &
	beat=$!
	check "$log" "$2" || rc=$?
	kill $beat 2>/dev/null
	wait $beat 2>/dev/null || true
	[ ! -t 2 ] || printf '\r\033[K' >&2
	if [ $rc -eq 0 ]; then
		verdict=SURVIVED why="see $log"
		survived=$((survived + 1))
	elif why=$(list_error "$log" "$2"); then
		verdict=ERROR why="it $why, see $log"
		errors=$((errors + 1))
	else
		verdict=killed why=$(reason "$log")
		killed=$((killed + 1))
	fi
	printf '%3d/%d %-32s %-8s %4d s  %s\n' $n $count "$name" $verdict \
		$((SECONDS - start)) "$why"
	# not with the old time: make must see that the file has changed
	cp "$build/original/${file##*/}" "$tree/$file"
}

copy
now=$(state)
rm -rf "$build/original"
cp -r "$tree/module" "$build/original"
"$tests/mutants/apply.py" check "$tree" "$@"
list=$("$tests/mutants/apply.py" list "$tree" "$@")
count=$(wc -l <<<"$list")

while read -r name first; do
	try "$name" "$first"
done <<<"$list"

echo "mutants: $killed killed, $survived survived$(
	[ $errors -eq 0 ] || echo ", $errors not tried"), $((SECONDS - started)) s"
[ $((survived + errors)) -eq 0 ]
