#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What can be said without running anything: checkpatch --strict, gcc's W=1,
# sparse, shellcheck, kernel-doc, that only compat.h knows kernel versions, and
# that all places agree on the module's own.
# KTAP output; the last line counts.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/..")
. "$here/rig/lib.sh"

KVER=${KVER:-6.1}
BOARD=${BOARD:-an385}
build=$top/build/lint
n=0 passed=0 failed=0

need perl python3 shellcheck sparse
kernel=$("$here/rig/kernel.sh" "$KVER" "$BOARD" | tail -n 1)
source=$(readlink -f "$kernel/source")
mkdir -p "$build"
cd "$top"
# no git needed: an unpacked archive is checked as well
sources=$(find module selftests -name '*.[ch]' -not -name '*.mod.c' | sort)
scripts=$(find selftests packaging .ci -name '*.sh' -o -path '*/guest/*' -type f \
	-o -path '.ci/run' | sort)

echo "KTAP version 1"
echo "1..7"

# Kernel code only: the unit tests are user space, and say so.
# trace.h: the style of tracepoints is one that checkpatch does not know.
# CONST_STRUCT: each client has ops of its own (struct dap_client), by design.
# CAMELCASE: the kernel's names of the MPU's registers.
style() {
	local file
	for file in $sources; do
		case $file in
		selftests/unit/* | selftests/rig/* | selftests/mmap_buffer.c | \
			module/trace.h) continue ;;
		esac
		perl "$source/scripts/checkpatch.pl" --strict --no-tree \
			--no-summary --quiet --terse --color=never \
			--ignore CONST_STRUCT,CAMELCASE -f "$file" 2>&1 || true
	# without git, or without its repository
	done | sed -e "/^find: '/d" -e '/value \$root in/d' -e '/git: not found$/d'
	rm -f .checkpatch-camelcase.*	# what it remembers
}
report_found "checkpatch --strict" < <(style)

# A fresh build, since only what is compiled is checked.
rm -rf "$build/modules"
"$here/rig/modules.sh" "$kernel" "$build/modules" W=1 C=2
report_found "sparse and W=1" < <(grep -E 'warning:|error:' "$build/modules/build.log")

documentation() {
	local file
	for file in module/*.[ch]; do
		perl "$source/scripts/kernel-doc" -none "$file" 2>&1 |
			grep -v 'no structured comments found'
	done
}
report_found "kernel-doc" < <(documentation)

# shellcheck disable=SC2086 # words
report_found "kernel versions only in compat.h" < <(
	grep -nE 'LINUX_VERSION_CODE|KERNEL_VERSION\(' $sources |
		grep -v '^module/compat\.h:')

# SC1091: what is sourced is found at run time. SC3043: BusyBox has local.
# SC3003, SC3057: and more of bash. SC2034, SC2154: results of the test devices
# become variables (do_dev in ktap.sh). SC2046: words are wanted apart.
# shellcheck disable=SC2046,SC2086 # words
report_found "shellcheck" < <(
	shellcheck -S warning -f gcc \
		-e SC1091,SC3003,SC3043,SC3057,SC2034,SC2046,SC2154 \
		$(grep -lE '^#!/bin/(ba)?sh|shell=(ba)?sh' $scripts) 2>&1)

licences() {
	local file
	for file in $sources $scripts Makefile Kbuild Kconfig dkms.conf \
		    module/Kbuild selftests/Kbuild debian/rules \
		    dts-overlays/*.yaml dts-overlays/*.dtso \
		    $(find packaging -name '*.mk' -o -name '*.bb' -o -name '*.conf' \
			-o -name Config.in); do
		head -n 5 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0' ||
			echo "$file: no SPDX-License-Identifier in its first lines"
	done
}
report_found "licence tags" < <(licences)

report_found "versions agree" < <("$top/packaging/versions.sh" 2>&1)

echo "lint: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
