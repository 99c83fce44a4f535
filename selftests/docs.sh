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

# With a test device in the place of the one that is shown: it is attached, and detached.
examples_of_the_files()
{
	load "pools=$(pool sram)" && load_tests || fail "cannot load"
	sed -e 's/40200000.ethernet/dap-test.1/' -e 's/smsc911x/dap-test/' "$here/docs/abi" >"$tmp/abi"
	same "commands" "$(grep -c ' attach$\| detach$\| .*bind$' "$tmp/abi")" 4
	log_clear
	sh -e "$tmp/abi" || fail "docs/abi"
	log_has "dap-test.1: coherent DMA memory comes from pool sram"
	! has_client sram dap-test.1 || fail "not detached"
	[ -e $driver/dap-test.1 ] || fail "not bound again"
	unload_all
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
	examples_of_the_files selftests_by_hand
