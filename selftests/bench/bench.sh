#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# make bench: the module's pool beside the kernel's own global coherent pool, on
# machines whose time counts instructions. What depends on the kernel is measured in
# one as products have it (FLAVOUR=plain), the rest in the one that make check has,
# with DMA_API_DEBUG. Leaves in build/bench
#
#   bench.csv               figure,kernel_pool,module; an empty cell: there is none
#   fill.svg, size.svg      what an allocation and its free cost
#   map.svg                 who has which page after the churn
#   *.console               all that the machine said
#
# and prints the figures with what they should be. The same sources give the
# same bytes of bench.csv. Fails if a figure is missing; a goal that is missed is shown,
# no more. So is a figure of the default machine that README.md shows as more than 5 %
# less or more: other compilers make other code. With KSRC there are no goals, and README.md
# is not looked at: other kernels have other figures.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
. "$here/../rig/lib.sh"

default_machine
build=$top/build/$BOARD-$KVER
out=$top/build/bench
sizes=(64 256 1024 4096 16384 65536)

# figures: every name in the order of the table, with what the module's may be
# (- for no goal, +N for N more than the kernel's, <=NAME for no more than another
# figure of the module's), whether the kernel's pool has one as well, and the unit
figures() {
	local n figure
	cat <<-END
		alloc_free_4k_empty		<=610	both	instructions
		alloc_free_4k_second		<=520	both	instructions
		alloc_free_100k_empty		<=3150	both	instructions
		alloc_free_4k_nearly_full	<=510	both	instructions
		debug_4k_empty			<=700	both	instructions
		debug_4k_second			<=610	both	instructions
		debug_100k_empty		-	both	instructions
		debug_4k_nearly_full		<=600	both	instructions
		first_failure_kib		>=3160	both	KiB of 4096
		first_failure_kib_page		>=4060	module	KiB of 4096
		churn_failures			<=800	both	requests
		churn_failures_page		<=90	module	requests
		churn_ok			-	both	requests
	END
	for n in $(seq 0 64 960) 1023; do
		echo "cost_at_fill_$n - both instructions"
	done
	for figure in worst_get_put mean_get_put worst_get worst_put; do
		for n in "${sizes[@]}"; do
			echo "${figure}_$n - both instructions"
		done
	done
	for n in "${sizes[@]}"; do
		echo "worst_get_below_$n - module instructions"
	done
	for n in "${sizes[@]}"; do
		echo "lock_alloc_$n - module instructions"
		echo "lock_reader_$n <=lock_alloc_$n module instructions"
		for figure in next stats bucket failure user; do
			echo "lock_${figure}_$n - module instructions"
		done
	done
	for n in 64 1500 4096; do
		echo "map_unmap_$n +40 both instructions"
		echo "map_unmap_${n}_coherent +40 both instructions"
	done
	cat <<-END
		growth_worst_64_to_65536	<=2.00	both	times
		growth_below_64_to_65536	<=2.00	module	times
		metadata_bytes_per_page		<=20	both	bytes
		text_data_bytes			<=40040	module	bytes
		text_data_bytes_no_debug_fs	<=37360	module	bytes
		memory_kib			<=120	module	KiB
		insmod				-	module	instructions
		insmod_init			-	module	instructions
		attach				-	module	instructions
		first_client_ms			-	module	ms
	END
}

# figure KERNEL-OR-MODULE NAME: from the machine's lines
figure() {
	awk -v who="$1" -v name="$2" '$1 == name {
		value = who == "kernel" ? $2 : $3
		if (value != "-") print value
		exit }' "$out/figures"
}

# run LABEL SCRIPT FIGURES [RUN.PY-ARGUMENT...]: boot the machine as FLAVOUR has
# it, follow, and collect its figures
run() {
	local label=$1 script=$2 figures=$3 words build
	shift 3
	words=$("$here/../rig/machine.sh" prepare)
	build=$top/build/$BOARD-$KVER${FLAVOUR:+-$FLAVOUR}
	rm -rf "$out/files"
	cp -a "$build/files" "$out/files"
	cp "$here/figures.sh" "$out/files/"
	cp "$here/$script" "$out/files/$label.sh"
	step "INITRD  $label" "$out/steps.log" "$here/../rig/initramfs.sh" \
		"$out/initramfs.cpio" "$userland" "$out/files"
	say "  BOOT    $BOARD, Linux $KVER${FLAVOUR:+ $FLAVOUR}: $label"
	# shellcheck disable=SC2086 # words
	"$here/../rig/run.py" $words --initrd "$out/initramfs.cpio" --icount \
		"$@" --timeout 600 --label "$label" \
		--log "$out/$label.console" --run "$label.sh" |
		while read -r line; do
			echo "$line" >>"$out/$label.log"
			case $line in
			"# step "*) say "  BENCH   ${line#"# step "}" ;;
			esac
		done || {
		cat "$out/$label.log"
		die "the run failed"
	}
	sed -n 's/^# figure //p' "$out/$label.log" >>"$figures"
}

need gnuplot-nox python3
mkdir -p "$out"
rm -f "$out"/*.{csv,svg,dat,console,log} "$out"/figures

[ -e "$here/../rig/boards/$BOARD/bench.dtso" ] ||
	die "no bench.dtso for the board $BOARD"
userland=$("$here/../rig/userland.sh" | tail -n 1)
run bench guest.sh "$out/figures" --overlay "$build/bench.dtbo"
# The smallest board whose CPU has cache operations; the memory is where it is on
# the other.
BOARD=an500 FLAVOUR=plain run plain plain.sh "$out/figures" --overlay "$build/bench.dtbo"

# --- what the machine cannot know

# without_debug_fs: the module for such a kernel (v7-M has no tracepoints in any),
# whose headers stay for the next time
without_debug_fs() {
	local kernel
	kernel=$("$here/../rig/kernel.sh" "$KVER" "$BOARD" | tail -n 1)
	if [ "$(cat "$out/no_debug_fs/of" 2>/dev/null)" != "$kernel" ]; then
		rm -rf "$out/no_debug_fs"
		"$here/../rig/configured.sh" "$kernel" "$out/no_debug_fs" EXPERT=y DEBUG_FS=n
		echo "$kernel" >"$out/no_debug_fs/of"
	fi
	"$here/../rig/modules.sh" "$out/no_debug_fs" "$out/no_debug_fs/modules" \
		KBUILD_MODPOST_WARN=1 M="$out/no_debug_fs/modules/module"
}

text_data() { # NAME MODULES
	echo "$1 - $(arm-linux-gnueabi-size "$2/module/dma_alias_pool.ko" |
		awk 'NR == 2 { print $1 + $2 }')" >>"$out/figures"
}

growth() { # KERNEL-OR-MODULE FIGURE: from the smallest to the largest pool
	awk -v a="$(figure "$1" "$2_64")" -v b="$(figure "$1" "$2_65536")" \
		'BEGIN { if (a > 0 && b > 0) printf "%.2f\n", b / a; else print "-" }'
}
{
	echo "growth_worst_64_to_65536 $(growth kernel worst_get_put)" \
		"$(growth module worst_get_put)"
	echo "growth_below_64_to_65536 - $(growth module worst_get_below)"
} >"$out/growth"
cat "$out/growth" >>"$out/figures"
rm "$out/growth"
step "MODULE  without debugfs" "$out/no_debug_fs.log" without_debug_fs
text_data text_data_bytes "$build/modules"
text_data text_data_bytes_no_debug_fs "$out/no_debug_fs/modules"

# --- the table

missing=0 missed=0
rule=$(printf '%.0s-' {1..78})
printf '\n%-28s %11s %11s %-13s %s\n%s\n' figure kernel_pool module unit goal "$rule"
echo figure,kernel_pool,module >"$out/bench.csv"
while read -r name goal who unit; do
	kernel=$(figure kernel "$name") module=$(figure module "$name")
	verdict=
	[ -z "${KSRC:-}" ] || goal=-
	if [ "$goal" != - ]; then
		case $goal in
		+*) bound="<=$((kernel + ${goal#+}))" ;;
		'<='[a-z]*) bound="<=$(figure module "${goal#<=}")" ;;
		*) bound=$goal ;;
		esac
		verdict=$(awk -v goal="$bound" -v value="$module" 'BEGIN {
			bound = substr(goal, 3) + 0
			ok = value != "" && (goal ~ /^</ ? value + 0 <= bound : value + 0 >= bound)
			print (ok ? "pass" : "MISS") }')
		[ "$verdict" = pass ] || missed=$((missed + 1))
		verdict="$(printf '%-7s ' "$goal")$verdict"
	fi
	if [ -z "$module" ] || { [ $who = both ] && [ -z "$kernel" ]; }; then
		missing=$((missing + 1))
		verdict="figure is missing"
	fi
	printf '%-28s %11s %11s %-13s %s\n' "$name" "$kernel" "$module" "$unit" \
		"$verdict" | sed 's/ *$//'
	echo "$name,$kernel,$module" >>"$out/bench.csv"
done < <(figures)
echo "$rule"

shown() {
	[ -n "${KSRC:-}" ] || ! is_default || "$here/shown.py" "$top/README.md" "$out/bench.csv" ||
		echo "its figures could not all be compared"
}
while read -r wrong; do
	missed=$((missed + 1))
	echo "README.md: $wrong MISS"
done < <(shown)

# --- pictures

# cost against fill and against size, cells by name
awk -F, '$1 ~ /^cost_at_fill_/ { sub(/.*_/, "", $1); print $1, $2, $3 }' \
	"$out/bench.csv" >"$out/fill.dat"
for n in "${sizes[@]}"; do
	awk -F, -v n="$n" '
		$1 == "worst_get_put_" n { worst = $2 " " $3 }
		$1 == "mean_get_put_" n { mean = $2 " " $3 }
		END { print n, worst, mean }' "$out/bench.csv"
done >"$out/size.dat"

# who X1 X2 ROW KIND: an allocation's part in a row of the map, from X1 up to X2;
# kinds: 1 asked for, 2 lost to rounding
sed -n 's/^# map //p' "$out/bench.log" | awk '
	function flush() {
		if (kind) print who, start, x, row, kind
		kind = 0
	}
	$1 != who { who = $1; row = 0 }
	{
		for (x = 0; x < length($2); x++) {
			c = substr($2, x + 1, 1)
			now = c == "." ? 0 : c == "-" ? 2 : 1
			if (now != kind || c ~ /[A-Z]/) { flush(); start = x; kind = now }
		}
		flush()
		row++
	}' >"$out/map.dat"

pages() { # CHARACTERS WHO: how many of them are in a map
	sed -n "s/^# map $2 //p" "$out/bench.log" | tr -cd "$1" | wc -c
}
draw() {
	cd "$out"
	gnuplot -c "$here/fill.gp"
	gnuplot -c "$here/size.gp"
	gnuplot -c "$here/map.gp" \
		"$(pages A-Za-z kernel)" "$(pages - kernel)" "$(figure kernel churn_failures)" \
		"$(pages A-Za-z module)" 0 "$(figure module churn_failures)"
}
if [ $missing -eq 0 ]; then
	step "PLOT    fill.svg size.svg map.svg" "$out/steps.log" draw
fi

[ $missing -eq 0 ] || die "$missing figures are missing; the consoles: $out/*.console"
echo "$missed goals missed. In ${out#"$top"/}: bench.csv, fill.svg, size.svg, map.svg"
