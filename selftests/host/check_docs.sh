#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check_docs.sh [TREE] - does the documentation say what the sources do? Each log
# message, debugfs file, key, parameter and property of the sources must be documented,
# and each documented one must exist. Also checked are kernel-doc, links, paths and
# commands. Nothing is booted: check_readme.sh does that with the console blocks.
# The checks themselves are in rig/docs.py. Ends "N passed, N failed".
set -euo pipefail
tests=$(dirname "$(dirname "$(readlink -f "$0")")")
tree=$(readlink -f "${1:-$tests/..}")
. "$tests/rig/lib.sh"

n=0 passed=0 failed=0

need perl python3 device-tree-compiler
# always of this series, whatever KVER is: later kernels have other tools
source=$(usual_source)

# check CHECK NAME: the test passes if docs.py prints nothing, and ends well
check() {
	local found
	found=$(python3 "$tests/rig/docs.py" "$1" "$tree" "$source" 2>&1) ||
		found+=$'\n'"$1 did not come to its end"
	report_found "$2" <<<"$found"
}

echo "KTAP version 1"
echo "1..13"
check functions "every function that others call has kernel-doc"
check kernel_doc "kernel-doc builds without warnings"
check log_messages "every log message is in the administrator's guide"
check debugfs "every debugfs file, key and column is in the ABI"
check sysfs "every sysfs attribute is in the ABI"
check tracepoints "every tracepoint and field is in the ABI"
check abi_format "the ABI files are in the kernel's format"
check parameters "every module parameter is explained"
check properties "every device tree property is explained"
check paths "every path that is named exists"
check links "links lead somewhere"
check fragments "everything else that is shown is done by a test"
check commands "make targets, scripts and device trees that are shown are right"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
