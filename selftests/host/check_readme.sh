#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check_readme.sh [FILE...] - do README.md and the administrator's guide show what
# really happens? The commands in the console blocks of a file are typed into "make vm",
# one after another into the same machine, and its answers must be those that the file
# shows. Ends "N passed, N failed".
#
# A console block is a fenced block without a language whose first line begins with a
# prompt. That is "an385:/root# ", which must then be the machine's prompt, or "# ".
# Commands that readers need not see, but that must be typed before a block, are in a
# comment, and must print nothing:
#   <!-- check_readme.sh types first:
#   rmmod dma_alias_pool
#   -->
#
# What differs from run to run or from kernel to kernel is not compared: time stamps of
# kernel messages, the age of allocations, offsets in functions (+0x1c/0x150), a
# buffer's addresses, and the message of newer kernels about a probe that failed. A
# kernel message that comes twice in a row counts once, as BusyBox's insmod tries twice.
#
# Addresses and prompts are those of one board: on others this is skipped. CACHE and
# DRIVER have the meaning that they have for "make vm".
set -euo pipefail
tests=$(dirname "$(dirname "$(readlink -f "$0")")")
top=$(dirname "$tests")
. "$tests/rig/lib.sh"

[ $# -gt 0 ] || set -- "${README:-$top/README.md}" "$top/Documentation/admin-guide.md"
default_machine
work=$(mktemp -d "${TMPDIR:-/tmp}/check_readme.XXXXXX")
trap 'rm -rf "$work"' EXIT
n=0 passed=0 failed=0

shown_on=$(sed -n 's/^\([a-z0-9]*\):[^ ]*# .*/\1/p' "$1" | sort -u)
if [ -n "$shown_on" ] && [ "$shown_on" != "$BOARD" ]; then
	echo "ok 1 $(basename "$1") shows $shown_on # SKIP not $BOARD"
	echo "0 passed, 0 failed"
	exit 0
fi

# report NAME WANTED GOT: a test that passes if two texts are equal; if not, it shows
# where they differ
report() {
	n=$((n + 1))
	if [ "$2" = "$3" ]; then
		passed=$((passed + 1))
		echo "ok $n $1"
	else
		failed=$((failed + 1))
		diff <(printf '%s\n' "$2") <(printf '%s\n' "$3") |
			sed -n -e 's/^< /# shown:   /p' -e 's/^> /# machine: /p' || true
		echo "not ok $n $1"
	fi
}

# extract FILE: print a line KIND, line number, prompt, text, separated by SEP, for each
# command and each line of an answer. KIND is "h" for a command in a comment, "t" for
# one in a block, "e" for a line of an answer.
SEP=$'\x1f'
extract() {
	awk -v OFS="$SEP" '
	/^<!-- check_readme\.sh types first:$/ { hidden = 1; next }
	hidden && /^-->$/ { hidden = 0; next }
	hidden { print "h", NR, "", $0; next }
	/^```/ {
		fenced = !fenced
		first = fenced && $0 == "```"
		console = 0
		next
	}
	first {
		console = match($0, /^([a-z0-9]+:[^ ]*)?# /)
		first = 0
	}
	console && match($0, /^([a-z0-9]+:[^ ]*)?# /) {
		print "t", NR, substr($0, 1, RLENGTH), substr($0, RLENGTH + 1)
		next
	}
	console { print "e", NR, "", $0 }' "$1"
}

# normal: a filter that replaces what varies, see the head of this file
normal() {
	sed -E -e 's/\+0x[0-9a-f]+\/0x[0-9a-f]+/+0xN\/0xN/g' \
		-e 's/^(0x[0-9a-f]{8} +[0-9]+ [^ ]+) +[0-9]+ /\1 AGE /' \
		-e 's/^ +[0-9]+( +[0-9]+ +[0-9]+ +[0-9]+ [^ ]+ .*\+0x)/ AGE\1/' \
		-e 's/^( +)0x[0-9a-f]+ to 0x[0-9a-f]+, (.* by .*)\+0x[0-9a-f]+ \[/\1LINES, \2+0xN [/' |
		awk '/^\[ *[0-9]+\.[0-9]+\] / {
			sub(/^\[ *[0-9]+\.[0-9]+\] /, "")
			if (/: probe with driver [^ ]+ failed with error/)
				next
			if ($0 == last)
				next
			last = $0
			print
			next
		}
		{ last = ""; print }'
}

# reply NUMBER: sets prompt, typed and said to those of the NUMBERth command on the
# console; number 0 is stty
reply() {
	awk -v wanted="$1" '
	/^[a-z0-9]+:[^ ]*# / { count++ }
	count == wanted + 1' "$work/console" >"$work/reply"
	IFS= read -r prompt <"$work/reply" || prompt=
	typed=${prompt#*# }
	prompt=${prompt%"$typed"}
	said=$(tail -n +2 "$work/reply" | normal)
}

# finish: compare the console with the command that was read last, now that all lines of
# its answer have been read
finish() {
	[ -n "$kind" ] || return 0
	count=$((count + 1))
	reply "$count"
	shown=$(printf '%s' "$shown" | normal)
	[ "$wanted_prompt" != "# " ] && [ "$kind" = t ] || wanted_prompt=$prompt
	if [ "$kind" = h ]; then
		# it must echo itself and print nothing; a test only if it did not
		[ "$command" != "$typed" ] || [ -n "$said" ] || return 0
	fi
	report "$name:$line: $command" "$wanted_prompt$command
$shown" "$prompt$typed
$said"
}

# file FILE: type all commands of FILE into one machine, and compare
file() {
	name=$(basename "$1")
	extract "$1" >"$work/wanted"
	report "$name has console blocks" yes \
		"$([ "$(grep -c '^t' "$work/wanted")" -ge 5 ] && echo yes || echo "no, or too few")"

	# at the usual 80 columns the shell would wrap long lines as they are typed
	{
		echo stty cols 1000
		grep '^[ht]' "$work/wanted" | cut -d "$SEP" -f 4-
	} | "$tests/rig/machine.sh" vm >"$work/console" 2>"$work/errors" || {
		sed 's/^/# /' "$work/errors"
		report "$name: the machine comes to its end" yes no
	}

	count=0 kind='' shown=''
	while IFS=$SEP read -r what number prompt text; do
		if [ "$what" = e ]; then
			shown+=$text$'\n'
			continue
		fi
		next_prompt=$prompt
		finish
		kind=$what line=$number shown='' wanted_prompt=$next_prompt command=$text
	done <"$work/wanted"
	finish
}

echo "KTAP version 1"
for path; do
	file "$path"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
