#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# report.sh, with the selftests that it runs, on a kernel as people have it. It must find
# nothing wrong.
. "$(dirname "$0")/stock.sh"

all_is_right()
{
	sh "$here/report.sh" "$(pool $pool)" >/run/report 2>&1 || fail "its status is $?"
	for script in calls coherent attach lifetime; do
		grep -q "^  $script.sh:  *[1-9][0-9]* passed, 0 failed" /run/report ||
			fail "$script.sh"
	done
	! grep -e WRONG -e 'NOT RIGHT' /run/report >/dev/null || fail "something is wrong"
	[ -z "$failed" ] || sed 's/^/#   /' /run/report
}

nothing_is_left()
{
	! grep '^dma_alias_pool' /proc/modules >/dev/null || fail "modules are left"
	! grep -q dma_alias_pool /proc/iomem || fail "resources left"
}

ktap_run all_is_right nothing_is_left
