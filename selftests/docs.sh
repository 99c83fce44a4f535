#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Does what the documentation shows for this board, from the files that rig/docs.py has
# extracted (docs/*): the module loads with all parameters, and the selftests run by
# hand.
. "$(dirname "$0")/ktap.sh"

[ -e "$here/docs/parameters" ] || ktap_skip_all "the documentation is not here"
[ $((pool_base)) -eq $((0x20000000)) ] && [ $((pool_alias)) -eq $((0x20400000)) ] ||
	ktap_skip_all "it shows other addresses"

# loads PARAMETER ...
loads()
{
	load "$@" || {
		fail "this does not load: $*"
		return
	}
	unload
}

each_parameter_loads()
{
	while read -r line; do
		set -- $line
		case $line in
		*pools=sram:$pool_base:* | pools=) loads "$@" ;;
		# memory of another board: here, nothing may be at this address
		*pools=*) loads "$@" verify=0 ;;
		*) loads "pools=$(pool sram)" "$@" ;;
		esac
	done <"$here/docs/parameters"
}

# The parameters of a modprobe configuration file, and of the kernel's command line.
in_a_file_and_on_the_command_line()
{
	for file in "$here/docs/modprobe-conf" "$here/docs/command-line"; do
		set -- $(sed -e 's/^options dma_alias_pool //' \
			     -e 's/dma_alias_pool\.//g' "$file")
		same "parameters of $file" $# 2
		loads "$@"
	done
}

typed_by_hand()
{
	cd "$here" || return
	sh docs/insmod || fail "docs/insmod"
	is_loaded dma_alias_pool || fail "not loaded"
	unload
}

selftests_by_hand()
{
	cd "$here" || return
	# as a person types it, without what run.py does
	RIG_RELAY='' sh docs/selftest >"$tmp/selftest" || fail "docs/selftest"
	while read -r line; do
		grep -q -x "$line" "$tmp/selftest" || fail "no line '$line', the last is" \
			"$(grep -e '^ok' -e '^not ok' "$tmp/selftest" | tail -n 1)"
	done <docs/results
}

ktap_run each_parameter_loads in_a_file_and_on_the_command_line typed_by_hand \
	selftests_by_hand
