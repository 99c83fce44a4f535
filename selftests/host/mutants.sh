#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# mutants.sh [NAME...] - does make check notice when the module is broken?
#
# Breaks a copy of the tree in one small way after the other, all of those in
# mutants/list or the named ones, and runs make check there, which has to fail.
# What survives shows a missing test. First the copy as it is has to pass, once
# for each state of the tree. It is an error of the list, not a test that failed,
# if a mutant does not apply, does not compile, or is caught by its style.
#
# FAIL_FAST=first runs only what the list names as the first thing to run: quick,
# and who survives that may be killed by something else.
#
# Prints a line for each, and "mutants: N killed, N survived", and fails if one
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

# One copy for all, so that each build starts from the one before.
copy() {
	rsync -rlp --checksum --delete --exclude=/build --exclude=/.git \
		--exclude='/.checkpatch-*' "$top/" "$tree/"
}

state() {
	(cd "$tree" && find . -path ./build -prune -o -path ./selftests/mutants -prune \
		-o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum)
}

# check LOG FIRST[@BOARD]: make check in the copy, until something fails; on
# another board its boots
check() {
	case $2 in *@*) local -x BOARD=${2#*@} BOOTS_ONLY=y ;; esac
	case ${FAIL_FAST:-} in first) local -x TEST=${2%@*} ;; esac
	FAIL_FAST=y FIRST=${2%@*} make -C "$tree" check >"$1" 2>&1 </dev/null
}

# unbroken FIRST: does it pass as it is, on the board that FIRST names?
unbroken() {
	local board=@ log
	case $1 in *@*) board=@${1#*@} ;; esac
	log=$logs/unbroken${board%@}.log
	[ "$now" != "$(cat "$build/passed$board" 2>/dev/null)" ] || return 0
	FAIL_FAST=y step "CHECK   unbroken${board%@}" "$log" check "$log" "${board%@}"
	echo "$now" >"$build/passed$board"
}

# What failed, from the log of a check: the test, or the fault that no test has.
reason() {
	local where what
	# the last words of a boot, or of a part
	where=$(sed -nE -e 's/^rig: [^ ]+ [^ ]+ ([^ ]+): .* [1-9][0-9]* failed.*/\1/p' \
		-e 's/^([a-z]+): [0-9]+ passed, [1-9][0-9]* failed.*/\1/p' "$1" | tail -n 1)
	what=$(awk '/cut here/ { next }
		match($0, /not ok .*|rig: FAILED: .*|: FAILED after .*| MISS$/) {
			print (RLENGTH > 5 ? substr($0, RSTART) : $0)
			exit
		}' "$1")
	what=${what#not ok }
	echo "${where:+$where: }${what#rig: FAILED: }"
}

# Nothing of the sort may be what kills a mutant.
list_error() {
	if grep -qE '[a-z]\.[ch]:[0-9:]+ (fatal )?error:|undefined!' "$1"; then
		echo "does not compile"
	elif grep -qE '^ *W=1 .*FAILED' "$1"; then
		echo "has a compiler's warning"
	elif grep -qE '^not ok [0-9]+ (checkpatch|kernel-doc)' "$1"; then
		echo "has bad style"
	else
		return 1
	fi
}

# try NAME FIRST
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
	elif why=$(list_error "$log"); then
		verdict=ERROR why="$why, see $log"
		errors=$((errors + 1))
	else
		verdict=killed why=$(reason "$log")
		killed=$((killed + 1))
	fi
	printf '%3d/%d %-32s %-8s %4d s  %s\n' $n $count "$name" $verdict \
		$((SECONDS - start)) "$why"
	# with a time of now: what is built follows times
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
