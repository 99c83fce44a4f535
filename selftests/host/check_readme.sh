#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check_readme.sh [FILE...] - does README.md show what happens, and the
# administrator's guide? The console blocks of a file are typed into "make vm", one
# after another in one machine, and what comes back must be what they show.
# Ends "N passed, N failed".
#
# A console block is a fenced block without a language whose first line begins
# with a prompt: "an385:/root# ", which must then be the machine's, or "# ".
# What has to be typed before it, and is not to be read, is in a comment:
#   <!-- check_readme.sh types first:
#   rmmod dma_alias_pool
#   -->
# and must say nothing. Not compared: the time stamps of kernel messages, the
# age of allocations, places in functions (+0x1c/0x150), where a buffer was, and what newer kernels
# say of a probe that failed. BusyBox's insmod tries twice: a kernel message that
# comes twice in a row is taken for one.
#
# Addresses and prompts are those of one board: on others this is skipped. CACHE and
# DRIVER are those of "make vm".
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

# report WHAT WANTED GOT: files or words; what differs is shown
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

# What is to be typed and shown: KIND (h typed before, t typed, e shown), line
# number, prompt, text, with SEP in between.
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

# What varies, see above. Blank lines at the end are for the eye.
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

# reply NUMBER: into prompt, typed, said: of that command (0 is stty's)
reply() {
	awk -v wanted="$1" '
	/^[a-z0-9]+:[^ ]*# / { count++ }
	count == wanted + 1' "$work/console" >"$work/reply"
	IFS= read -r prompt <"$work/reply" || prompt=
	typed=${prompt#*# }
	prompt=${prompt%"$typed"}
	said=$(tail -n +2 "$work/reply" | normal)
}

# finish: what came of the command, once all that README shows of it is known
finish() {
	[ -n "$kind" ] || return 0
	count=$((count + 1))
	reply "$count"
	shown=$(printf '%s' "$shown" | normal)
	[ "$wanted_prompt" != "# " ] && [ "$kind" = t ] || wanted_prompt=$prompt
	if [ "$kind" = h ]; then
		# of interest only if it went wrong
		[ "$command" != "$typed" ] || [ -n "$said" ] || return 0
	fi
	report "$name:$line: $command" "$wanted_prompt$command
$shown" "$prompt$typed
$said"
}

# file FILE
file() {
	name=$(basename "$1")
	extract "$1" >"$work/wanted"
	report "$name has console blocks" yes \
		"$([ "$(grep -c '^t' "$work/wanted")" -ge 5 ] && echo yes || echo "no, or too few")"

	# a terminal of the usual width would break long lines as they are typed
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
