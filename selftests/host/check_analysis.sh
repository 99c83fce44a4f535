#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What programs find that read the sources without running them, beside those of
# lint.sh: the kernel's own Coccinelle scripts, clang's static analyzer, gcc's
# -fanalyzer. On the code of the kernel modules with the flags of the kernel of
# KVER and BOARD, and on what user space can compile, as unit/ does.
# What is known to be no fault is in rig/analysis_silenced.txt, with the reasons.
# KTAP output; ends "N passed, N failed".
#
# Not smatch: Debian has no package of it, in no suite.
set -euo pipefail
tests=$(dirname "$(dirname "$(readlink -f "$0")")")
top=$(dirname "$tests")
. "$tests/rig/lib.sh"

default_machine
build=$top/build/$BOARD-$KVER/modules
reports=$top/build/analysis/$BOARD-$KVER
n=0 passed=0 failed=0

need coccinelle clang gcc python3
# Coccinelle loads the library of Debian's Python, but does not depend on it
need "libpython$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
kernel=$("$tests/rig/kernel.sh" "$KVER" "$BOARD" | tail -n 1)
# whose scripts they are
source=$(usual_source)
"$tests/rig/modules.sh" "$kernel" "$build"
rm -rf "$reports"
mkdir -p "$reports"

# at_once NAME COMMAND...: as many as there are processors; what it says goes to
# a file called NAME, and to NAME.failed if it did not end well
at_once() {
	local name=$1
	shift
	while [ "$(jobs -rp | wc -l)" -ge "$JOBS" ]; do
		wait -n || true
	done
	{ "$@" >"$reports/$name" 2>&1 || : >"$reports/$name.failed"; } &
}

# --- the code of the modules, as the kernel's build compiled it

# words_of FILE.o.cmd: sets words to what compiled FILE.o
words_of() {
	eval "words=($(sed -n '1s/^[^=]*:= //p' "$1"))"
}

# What others than gcc need to know of its words: where headers are, what is
# defined, and the machine. Sets flags.
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

# The user space side of it knows malloc() and free() without analysis.h.
clang="clang --analyze --analyzer-output text -w"
# As it comes, gcc gives up half-way in the larger files, without a word.
gcc="-fanalyzer --param analyzer-bb-explosion-factor=35 -Wanalyzer-too-complex -c -o /dev/null"

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

# What the kernel's coccicheck does, but for all scripts at once.
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

# --- what user space can compile, with the flags of the unit tests

unit_reads() {
	make -s -C "$tests/unit" analyse KSRC="$source" FILE="$1" ANALYSER="$2"
}

# --- all of it

# Not in what is compiled for this machine: mpu.c, with an MMU.
files=()
for file in "$build"/module/*.c "$build"/selftests/modules/*.c; do
	case $file in *.mod.c) continue ;; esac
	[ ! -e "${file%/*}/.$(basename "$file" .c).o.cmd" ] || files+=("${file#"$build/"}")
done
[ ${#files[@]} -ge 18 ] || die "only ${#files[@]} files were compiled in $build"
mkdir -p "$reports/source"
(cd "$build" && cp --parents module/*.h "${files[@]}" "$reports/source")

# Left out, for want of an OCaml compiler (435 MB) for them:
# badzero: a NULL that is written as 0 is what sparse finds, in lint.sh
# check_bq27xxx_data: is about the data of one driver of the kernel's
mapfile -t scripts < <(find "$source/scripts/coccinelle" -name '*.cocci' |
	grep -v -e /badzero.cocci -e /check_bq27xxx_data.cocci | sort)
[ ${#scripts[@]} -ge 50 ] || die "only ${#scripts[@]} scripts in $source/scripts/coccinelle"

say "  READ    ${#files[@]} files, by ${#scripts[@]} scripts of Coccinelle, clang and gcc (about 45 s)"
# Not alloc.c and params.c by way of their tests: there are too many paths in
# these. verify.c only is a whole with its test, whose cache is too much for gcc; as
# a part of the module gcc reads it, too.
for file in module/alloc.c module/params.c selftests/unit/test_verify.c; do
	at_once "clang-unit%${file//\//%}" unit_reads "$top/$file" \
		"$clang -Xclang -analyzer-opt-analyze-headers"
	[ "$file" = selftests/unit/test_verify.c ] ||
		at_once "gcc-unit%${file//\//%}" unit_reads "$top/$file" "gcc -O1 $gcc"
done
for file in "${files[@]}"; do
	command=$build/${file%/*}/.$(basename "$file" .c).o.cmd
	at_once "clang%${file//\//%}" clang_reads "$command" "$build/$file"
	# which is alloc.c once more, with more paths through it than gcc can go
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

# found PROGRAM TEST
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
