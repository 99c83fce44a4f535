#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Checks the sources without running them, by checkpatch --strict, gcc's W=1, sparse,
# kernel-doc, shellcheck and pyflakes. And some rules of this project: only compat.h knows
# kernel versions, functions are short, all files name their licence, all places agree on
# the module's version.
# KTAP output; ends "lint: N passed, N failed".
set -euo pipefail
tests=$(dirname "$(dirname "$(readlink -f "$0")")")
top=$(dirname "$tests")
. "$tests/rig/lib.sh"

default_machine
build=$top/build/lint
n=0 passed=0 failed=0

need perl python3 pyflakes3 shellcheck sparse
kernel=$("$tests/rig/kernel.sh" "$KVER" "$BOARD" | tail -n 1)
# the kernel whose checkpatch is used: each version of it complains of other things
source=$(usual_source)
mkdir -p "$build"
cd "$top"
# by find, since an unpacked archive has no git
sources=$(find module selftests Documentation -name '*.[ch]' -not -name '*.mod.c' | sort)
scripts=$({
	find selftests packaging debian tools .ci -name '*.sh' -o -path '*/guest/*' -type f
	grep -rlIE '^#!/bin/(ba)?sh' selftests packaging debian tools .ci
} | sort -u)

echo "KTAP version 1"
echo "1..14"

# Checks kernel code only. Programs for user space are left out, except for the plugin
# in cache/, which may use user space's types. trace.h is left out since checkpatch
# does not know the style of tracepoints. Ignored everywhere:
# CONST_STRUCT: dma_map_ops are not const here, each client has its own by design.
# CAMELCASE: the kernel's names of the MPU's registers.
style() {
	local file ignore
	for file in $sources; do
		case $file in
		selftests/unit/* | selftests/rig/* | selftests/helpers/mmap_buffer.c | \
			selftests/helpers/life.c | \
			selftests/cache/tell.c | module/trace.h) continue ;;
		esac
		ignore=CONST_STRUCT,CAMELCASE
		case $file in
		selftests/cache/*) ignore+=,PREFER_KERNEL_TYPES,BIT_MACRO,ASSIGN_IN_IF,TRAILING_STATEMENTS ;;
		esac
		# from there, as it leaves a cache where it is started
		(cd "$build" && perl "$source/scripts/checkpatch.pl" --strict --no-tree \
			--no-summary --quiet --terse --color=never \
			--ignore "$ignore" -f "$top/$file" 2>&1) || true
	# what checkpatch says where there is no git, or no repository
	done | sed -e "s|^$top/||" -e "/^find: '/d" -e '/value \$root in/d' -e '/git: not found$/d'
}
report_found "checkpatch --strict" < <(style)

# A fresh build, since only what is compiled is checked.
rm -rf "$build/modules"
"$tests/rig/modules.sh" "$kernel" "$build/modules" C=2
report_found "sparse and W=1" < <(grep -E -e 'warning:|error:' \
	-e "$MODPOST_WARNING" "$build/modules/build.log")

cross=arm-linux-gnueabi-
[ ! -e "$kernel/rig/make" ] || cross=$(sed 's/.*CROSS_COMPILE=//' "$kernel/rig/make")

# last_put FILE FUNCTION: after module_put() the module's code may be gone. So the
# compiler must have made a jump of the call, and the function runs no instruction after
# it.
last_put() {
	local puts
	set +e	# see report_found
	puts=$("${cross}objdump" -dr "$build/modules/module/$1" |
		sed -n "/<$2>:\$/,/^\$/p" | grep -B 1 'module_put$')
	[ -n "$puts" ] || {
		echo "$2() does not call module_put()"
		return
	}
	grep -v -e module_put -e '^--' <<<"$puts" |
		grep -vE '\s(b|b\.w|b\.n|jmp)\s' | sed 's/^/it is called by: /'
}
report_found "a last free leaves the module by a jump" < <(
	last_put ops.o dap_ops_free 2>&1
	last_put attach.o attach_unwatched_gone 2>&1)

# A kernel with CONFIG_DEBUG_KOBJECT_RELEASE calls a device's release() late.
report_found "no code of the module is called after it is gone" < <(
	grep -nE '(->|\.dev\.)release\s*=|call_rcu\(|INIT_DELAYED_WORK' module/*.c)

# It prints nothing for -ENOMEM and -EPROBE_DEFER. What a variable has is not known.
# shellcheck disable=SC2016 # perl's
report_found "dev_err_probe() prints its message" < <(
	perl -0777 -ne 'print "$ARGV: dev_err_probe(..., $1, ...)\n"
		while /dev_err_probe\(\s*\w[^,()]*,\s*+(?!-E(?!NOMEM\b|PROBE_DEFER\b)\w+,)([^,]+),/g' module/*.c)

# If it did, its size would differ from one place to another.
report_found "the module does not tell where it was built" < <(
	strings -a "$build/modules/module/dma_alias_pool.ko" | grep -F "$build/modules" || true)

# A function begins with a line that has text in the first column, then a "{" there, and
# ends with a "}" there.
report_found "no function has more than 60 lines" < <(
	awk 'FNR == 1 { inside = 0 }
		/^[a-z].*\(/ && !/;$/ { start = FNR; name = $0 }
		/^{/ { inside = 1 }
		/^}/ && inside {
			if (FNR - start >= 60)
				print FILENAME ":" start ": " FNR - start + 1 " lines: " name
			inside = 0
		}' module/*.c module/*.h)

documentation() {
	local file
	set +e	# see report_found: grep fails for each file without a complaint
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

# Not wanted of shellcheck:
# SC1091: sourced files are found at run time only.
# SC3003, SC3043, SC3057: BusyBox's sh has $'...', local and ${x:y:z}.
# SC2034, SC2154: do_dev in ktap.sh sets variables by name.
# SC2046: the words of an unquoted $(...) are meant to be split.
# Wanted beside its warnings:
# SC2251: "! command" never ends a script with errexit, so such a check cannot fail.
check_scripts() {
	local shells
	shells=$(grep -lE '^#!/bin/(ba)?sh|shell=(ba)?sh' $scripts)
	set +e	# see report_found
	# shellcheck disable=SC2086 # words
	shellcheck -S warning -f gcc \
		-e SC1091,SC3003,SC3043,SC3057,SC2034,SC2046,SC2154 $shells 2>&1
	# shellcheck disable=SC2046,SC2086 # words
	shellcheck -S info -i SC2251 -f gcc $(grep -l '^set -e' $shells) 2>&1
}
report_found "shellcheck" < <(check_scripts)

# BusyBox's hush, the shell without an MMU, knows no patterns of variables in "case".
# shellcheck disable=SC2016,SC2086 # perl's; words
report_found "case patterns of unquoted variables" < <(
	perl -ne 'print "$ARGV:$.: $_"
			if !$goes_on && /^\s*(case .* in )?[^\s"\x27()]*\$[^\s"\x27()]*\)(\s|$)/;
		$goes_on = /\\$/;
		close ARGV if eof' $(grep -lE '^#!/bin/sh' $scripts))

# A test that ktap_run is not told of proves nothing. Names may be put together (stray_$2).
uncalled() {
	local file name
	set +e	# see report_found
	for file in $(grep -l 'ktap_run ' selftests/*.sh selftests/*/*.sh); do
		for name in $(sed -n 's/^\([a-z_0-9]*\)().*/\1/p' "$file"); do
			grep -qF "${name%%_*}_\$" "$file" ||
				[ "$(cat "$file" selftests/ktap.sh | grep -v '^[[:space:]]*#' |
					grep -cw "$name")" -gt 1 ] ||
				echo "$file: nothing calls $name()"
		done
	done
}
report_found "every function of a test script is called" < <(uncalled)

# The last one would take the place of the others, and is run as often as it is named.
report_found "functions of scripts that are there twice" < <(for file in $scripts; do
	sed -n "s|^\([a-z_0-9]*\)().*|$file: there is another \1()|p" "$file" | sort | uniq -d
done)

report_found "pyflakes" < <(find selftests tools -name '*.py' | sort | xargs pyflakes3 2>&1)

licences() {
	local file
	for file in $sources $scripts Makefile Kbuild Kconfig dkms.conf \
		    module/Kbuild selftests/modules/Kbuild debian/rules \
		    dts-overlays/*.yaml dts-overlays/*.dtso \
		    $(find packaging -name '*.mk' -o -name '*.bb' -o -name '*.conf' \
			-o -name Config.in); do
		head -n 7 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0' ||
			echo "$file: no SPDX-License-Identifier in its first lines"
	done
}
report_found "licence tags" < <(licences)

report_found "versions agree" < <("$top/packaging/versions.sh" 2>&1)

echo "lint: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
