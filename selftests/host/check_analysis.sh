#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Static analysis, beside that of lint.sh: the kernel's own Coccinelle scripts, clang's
# static analyzer and gcc's -fanalyzer. They read the kernel modules with the flags of
# the kernel of KVER and BOARD, and some files with the flags of the unit tests in
# unit/, which compile them for user space.
# False reports are listed in rig/analysis_silenced.txt, each with the reason.
# KTAP output; ends "N passed, N failed".
#
# smatch is not used: Debian has no package of it.
set -euo pipefail
tests=$(dirname "$(dirname "$(readlink -f "$0")")")
top=$(dirname "$tests")
. "$tests/rig/lib.sh"

default_machine
build=$top/build/$BOARD-$KVER/modules
reports=$top/build/analysis/$BOARD-$KVER
n=0 passed=0 failed=0

need coccinelle clang gcc python3
# Coccinelle loads the library of Debian's Python, but its package does not say so
need "libpython$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
kernel=$("$tests/rig/kernel.sh" "$KVER" "$BOARD" | tail -n 1)
# the kernel whose Coccinelle scripts are used
source=$(usual_source)
"$tests/rig/modules.sh" "$kernel" "$build"
rm -rf "$reports"
mkdir -p "$reports"

# at_once NAME COMMAND...: run COMMAND in the background, with at most as many others as
# there are processors. Its output goes to the file NAME in $reports. If it fails,
# NAME.failed is made as well.
at_once() {
	local name=$1
	shift
	while [ "$(jobs -rp | wc -l)" -ge "$JOBS" ]; do
		wait -n || true
	done
	set -m	# a process group of its own, so that all of it can be ended
	{ "$@" >"$reports/$name" 2>&1 || : >"$reports/$name.failed"; } &
	set +m
}

stop_all() {
	local job
	for job in $(jobs -rp); do
		kill -- -"$job" 2>/dev/null || true
	done
}
trap stop_all EXIT
trap 'exit 130' INT TERM

# --- the code of the modules, as the kernel's build compiled it

# words_of FILE.o.cmd: sets words to the command that compiled FILE.o
words_of() {
	eval "words=($(sed -n '1s/^[^=]*:= //p' "$1"))"
}

# flags_of FILE.o.cmd: sets flags to those words of that command that other programs
# than gcc understand and need: where headers are, what is defined, the machine.
flags_of() {
	local words i
	words_of "$1"
	flags=()
	for ((i = 1; i < ${#words[@]}; i++)); do
		case ${words[i]} in
		-mno-fdpic) ;;
		-[IDU]* | -nostdinc | -std=* | -O* | -m* | -fshort-wchar | -f*signed-char)
			flags+=("${words[i]}") ;;
		-include | -isystem)
			flags+=("${words[i]}" "${words[++i]}") ;;
		esac
	done
}

# For user space clang knows malloc() and free() by itself. For the modules analysis.h
# tells it of the kernel's functions, see clang_reads().
clang="clang --analyze --analyzer-output text -w"
# With its default limits gcc gives up half-way in the larger files, and does not say so.
gcc="-fanalyzer --param analyzer-bb-explosion-factor=120 -Wanalyzer-too-complex -c -o /dev/null"

clang_reads() {
	local flags
	flags_of "$1"
	cd "$kernel"
	# shellcheck disable=SC2086 # words
	$clang --target=arm-linux-gnueabi \
		-Xclang -analyzer-config -Xclang unix.DynamicMemoryModeling:Optimistic=true \
		"${flags[@]}" -include "$tests/rig/analysis.h" "$2"
}

gcc_reads() {
	local words
	words_of "$1"
	cd "$kernel"
	# shellcheck disable=SC2086 # words
	"${words[@]/#-Wp,-MMD,*/-DDAP_ANALYSIS}" -include "$tests/rig/analysis.h" $gcc
}

# coccinelle_reads SCRIPT: what the kernel's "make coccicheck" does for one script. By
# itself that would run the scripts one after another.
coccinelle_reads() {
	local flags options i
	flags_of "$build/module/.main.o.cmd"
	for i in "${!flags[@]}"; do
		case ${flags[i]} in
		-I*) flags[i]="-I ${flags[i]#-I}" ;;
		-include) flags[i]="--include ${flags[i + 1]}" ;;
		*) flags[i]= ;;
		esac
	done
	options=$(sed -n 's/^.*Options://p' "$1")
	cd "$kernel"
	# shellcheck disable=SC2068,SC2086 # words
	spatch -D report --no-show-diff --very-quiet --cocci-file "$1" $options \
		${flags[@]} --dir "$reports/source"
}

# --- files that user space can compile, with the flags of the unit tests

unit_reads() {
	make -s -C "$tests/unit" analyse KSRC="$source" FILE="$1" ANALYSER="$2"
}

# --- all of it

# The files that were compiled for this machine: not all are, mpu.c needs a kernel
# without an MMU.
files=()
for file in "$build"/module/*.c "$build"/selftests/modules/*.c; do
	case $file in *.mod.c) continue ;; esac
	[ ! -e "${file%/*}/.$(basename "$file" .c).o.cmd" ] || files+=("${file#"$build/"}")
done
[ ${#files[@]} -ge 18 ] || die "only ${#files[@]} files were compiled in $build"
mkdir -p "$reports/source"
(cd "$build" && cp --parents module/*.h "${files[@]}" "$reports/source")

# These two scripts need an OCaml compiler (435 MB), and are left out:
# badzero finds a NULL that is written as 0, which sparse finds as well (lint.sh);
# check_bq27xxx_data is about one of the kernel's drivers.
mapfile -t scripts < <(find "$source/scripts/coccinelle" -name '*.cocci' |
	grep -v -e /badzero.cocci -e /check_bq27xxx_data.cocci | sort)
[ ${#scripts[@]} -ge 50 ] || die "only ${#scripts[@]} scripts in $source/scripts/coccinelle"

say "  READ    ${#files[@]} files, by ${#scripts[@]} scripts of Coccinelle, clang and gcc (about 45 s)"
# alloc.c and params.c are read by themselves: together with their tests they have too
# many paths. verify.c cannot be compiled without its test. The test's model of a cache
# is too much for gcc, which reads verify.c only as a part of the module, below.
for file in module/alloc.c module/params.c selftests/unit/test_verify.c; do
	at_once "clang-unit%${file//\//%}" unit_reads "$top/$file" \
		"$clang -Xclang -analyzer-opt-analyze-headers"
	[ "$file" = selftests/unit/test_verify.c ] ||
		at_once "gcc-unit%${file//\//%}" unit_reads "$top/$file" "gcc -O1 $gcc"
done
for file in "${files[@]}"; do
	command=$build/${file%/*}/.$(basename "$file" .c).o.cmd
	at_once "clang%${file//\//%}" clang_reads "$command" "$build/$file"
	# this module includes alloc.c once more, with too many paths for gcc
	[ "$file" = selftests/modules/dma_alias_pool_bench.c ] ||
		at_once "gcc%${file//\//%}" gcc_reads "$command"
done
for script in "${scripts[@]}"; do
	script=${script#"$source/scripts/"}
	at_once "coccinelle%${script//\//%}" coccinelle_reads "$source/scripts/$script"
done
(cd "$reports/source" && spatch --parse-c "${files[@]}") >"$reports/parsed" 2>&1 ||
	echo "it ended with $?" >>"$reports/parsed"
wait

# found PROGRAM TEST: a test that passes if PROGRAM has reported nothing new
found() {
	report_found "$2" < <(python3 "$tests/rig/analysis.py" "$reports" "$build" \
		"$tests/rig/analysis_silenced.txt" "$1" 2>&1)
}

echo "KTAP version 1"
echo "1..7"
report_found "Coccinelle can read the sources" < <(
	grep -aq "^NB total files = ${#files[@]}; perfect = ${#files[@]};" "$reports/parsed" ||
		grep -aE '^BAD|^NB|ended with' "$reports/parsed")
found coccinelle "the kernel's scripts for Coccinelle"
found clang "clang --analyze"
found clang-unit "clang --analyze, in user space"
found gcc "gcc -fanalyzer"
found gcc-unit "gcc -fanalyzer, in user space"
found silenced "what is silenced is still there"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
