#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Checks the bindings and overlays of dts-overlays/ on the host. The schemas must be
# valid, accept their examples, and refuse examples that were made wrong. Each overlay
# must compile and apply to its board's device tree, which comes from kernel sources;
# the result must follow the schemas and make sense (check_overlays.py).
# Prints "ok" and "not ok" lines; ends "N passed, N failed".
set -euo pipefail
tests=$(dirname "$(dirname "$(readlink -f "$0")")")
top=$(dirname "$tests")
. "$tests/rig/lib.sh"

overlays=$top/dts-overlays
build=$top/build/overlays
n=0 passed=0 failed=0 skipped=0

# Each line: OVERLAY BASE KERNEL,... [OPTION...]
# BASE is the board's device tree. KERNEL says whose tree the overlay must fit: "usual"
# is the series that make check is about, "newer" the newest later one that has the
# board. OPTIONs are for check_overlays.py.
table="
mps2-an385		mps2-an385	usual,newer	--ram 0x20000000:0x400000
mps2-an399		mps2-an399	usual,newer	--ram 0x20000000:0x400000
stm32f746-disco		stm32f746-disco	newer
stm32f769-disco		stm32f769-disco	newer
stm32f769-disco		stm32f769-disco-mb1166-reva09	newer
stm32h743i-disco	stm32h743i-disco	usual,newer
stm32h743i-disco-alias	stm32h743i-disco	usual,newer	--moves-ram
stm32h747i-disco	stm32h747i-disco	newer
stm32h750i-art-pi	stm32h750i-art-pi	usual,newer
imxrt1050-evk		imxrt1050-evk	usual,newer
jh7100-beaglev-starlight	jh7100-beaglev-starlight	newer
mpfs-icicle-kit		mpfs-icicle-kit	newer
eic7700-hifive-premier-p550	eic7700-hifive-premier-p550	newer	--ram 0x80000000:0x400000000
sipeed_maix_bit		sipeed_maix_bit	usual,newer
"
# The kernel's own build turns this warning off as well. It is wrong for overlays: it
# does not know that their nodes are merged into a node that has other children.
DTC=(dtc -@ -Wno-avoid_unnecessary_addr_size -O dtb)

need device-tree-compiler cpp dt-schema yamllint python3
source=$(usual_source)
usual=$(series_of "$source")
declare -A source_of=(["$usual"]="$source")
mapfile -t newer < <({ "$tests/rig/series.sh" && echo "$usual"; } | sort -uV |
	awk -v usual="$usual" 'after; $0 == usual { after = 1 }' | tac)

# choose_series KERNEL BOARD: sets series to the kernel series whose tree of BOARD is
# used. For "newer" that is the newest one that has the board, since kernels gain and drop
# boards; series is empty if none has it.
choose_series() {
	local rc
	series=$usual
	[ "$1" = newer ] || return 0
	for series in "${newer[@]}"; do
		rc=0
		[ -n "${source_of[$series]+known}" ] || source_of[$series]=$(
			KSRC='' "$tests/rig/kernel.sh" --source "$series" | tail -n 1) || rc=$?
		# status 3: the archive does not have that series
		[ $rc -eq 0 ] || [ $rc -eq 3 ] || exit $rc
		[ -n "${source_of[$series]}" ] || continue
		[ -z "$(find "${source_of[$series]}"/arch/{arm,riscv}/boot/dts \
			-name "$2.dts")" ] || return 0
	done
	series=
}

# skip_without_board NAME: skip a test for which there is no kernel
skip_without_board() {
	n=$((n + 1))
	skipped=$((skipped + 1))
	echo "ok $n $1 # SKIP no kernel newer than $usual has its board"
}

rm -rf "$build"
mkdir -p "$build/bindings/reserved-memory"

# --- schemas

# Our schemas refer to these three. In 6.1 they are part of the kernel's bindings, later
# of dt-schema.
bindings=$source/Documentation/devicetree/bindings
cp "$overlays"/*.yaml "$build/bindings/"
cp "$bindings"/reserved-memory/{reserved-memory,shared-dma-pool,memory-region}.yaml \
	"$build/bindings/reserved-memory/"

schemas() {
	set +e	# here and below: see report_found
	cd "$build/bindings"
	dt-doc-validate -u "$build/bindings" ./*.yaml 2>&1 ||
		echo "dt-doc-validate: status $?"
	yamllint -f parsable -c "$bindings/.yamllint" ./*.yaml 2>&1
	dt-mk-schema -j -o "$build/schema.json" . 2>&1 ||
		echo "dt-mk-schema: status $?"
}
report_found "schemas" < <(schemas)

# Prints complaints. dt-validate's exit status does not say whether there are any.
validate() { dt-validate -s "$build/schema.json" "$@" 2>&1; }

# example NAME: write the examples of NAME.yaml to example-NAME.dts and .dtb
example() {
	local out=$build/example-$1
	dt-extract-example "$overlays/$1.yaml" >"$out.dts"
	"${DTC[@]}" -I dts -o "$out.dtb" "$out.dts" 2>&1
}
examples() {
	local matched
	set +e
	example "$1"
	validate "$build/example-$1.dtb"
	# a schema that matches no node would find no mistake either
	matched=$(validate -M "$build/example-$1.dtb" |
		grep -c "/schemas/$1.yaml#") || true
	[ "$matched" -ge "$2" ] ||
		echo "$1.yaml was held against $matched nodes"
}
report_found "examples of dma-alias-pool,region.yaml" < <(examples dma-alias-pool,region 2)
report_found "examples of dma-alias-pool.yaml" < <(examples dma-alias-pool 3)

# refuses NAME YAML SED REGEX: change YAML's examples with SED; the schemas must complain
refuses() {
	local out=$build/bad-${1// /-}
	set +e
	sed -e "$3" "$build/example-$2.dts" >"$out.dts"
	! cmp -s "$out.dts" "$build/example-$2.dts" || echo "sed changed nothing"
	"${DTC[@]}" -q -I dts -o "$out.dtb" "$out.dts"
	validate "$out.dtb" >"$out.log"
	grep -q -e "$4" "$out.log" || {
		echo "no complaint like $4, but:"
		cat "$out.log"
	}
}
while IFS='|' read -r name yaml change regex; do
	report_found "schema refuses $name" < <(refuses "$name" "$yaml" "$change" "$regex")
done <<'END'
a region without no-map|dma-alias-pool,region|/no-map;/d|'no-map' is a required property
a reusable region|dma-alias-pool,region|s/no-map;/& reusable;/|('reusable' was unexpected)
a region of two pieces|dma-alias-pool,region|s/<0x20000000 0x400000>/& , <0x30000000 0x1000>/|reg: .*is too long
a region with reg and size|dma-alias-pool,region|s/reg = .*;/& size = <0x1000>;/|More than one condition true in oneOf\|valid under each of
a region of no size|dma-alias-pool,region|/size = <0x80000>;/d|placed: .*oneOf
an unknown property of a region|dma-alias-pool,region|s/no-map;/& label = "x";/|('label' was unexpected)
a pool without memory-region|dma-alias-pool|/memory-region = <&sram>;/d|'memory-region' is a required property
a pool with two regions|dma-alias-pool|0,/memory-region = <&sram>;/s//memory-region = <\&sram>, <\&sram>;/|memory-region: .*is too long
a pool with two aliases|dma-alias-pool|s/<0x20400000 0x400000>/& , <0x20800000 0x400000>/|reg: .*is too long
a bad label|dma-alias-pool|s/label = "sram"/label = "..\/x"/|label:0: '../x' does not match
a long label|dma-alias-pool|s/label = "sram"/label = "a234567890123456789012345678901x"/|label:0: .* does not match
a default that is no boolean|dma-alias-pool|s/pool,default;/pool,default = <1>;/|dma-alias-pool,default: .*is not of type 'boolean'
an alias and the MPU|dma-alias-pool|s/pool,default;/pool,mpu;/|reg: False schema does not allow
an alignment that is no power of two|dma-alias-pool|s/<0x1000>/<12288>/|max-alignment:0:0: 12288 is not one of
an alignment of less than a page|dma-alias-pool|s/<0x1000>/<2048>/|max-alignment:0:0: 2048 is not one of
an unknown property of a pool|dma-alias-pool|s/label = "sram";/& no-map;/|'no-map' .*\(unexpected\|does not match any\)
END

# --- overlays

# base NAME SERIES OUT: compile the board's own device tree
base() {
	local source file
	source=${source_of[$2]}
	file=$(find "$source"/arch/{arm,riscv}/boot/dts -name "$1.dts")
	[ -n "$file" ] || {
		echo "Linux $2 has no $1.dts"
		return
	}
	cpp -nostdinc -undef -D__DTS__ -x assembler-with-cpp \
		-I "$source/include" "$file" -o "$3.dts" 2>&1
	dtc -q -@ -I dts -O dtb -o "$3" "$3.dts" 2>&1
}

# compile FILE OUT: prints warnings as well
compile() { "${DTC[@]}" -I dts -o "$2" "$1" 2>&1; }

described() {
	local file=$overlays/$1.dtso
	sed '/\*\//q' "$file" | tr -d '\n*\t' | tr -s ' ' >"$build/header"
	grep -q 'Has not been tried on hardware\.' "$build/header" ||
		echo "its header does not say that it has not been tried"
	grep -q 'Boot firmware ' "$build/header" ||
		echo "its header does not say what boot firmware must do"
}

# hold TREE: hold TREE against the schemas. Their complaints go to TREE.said; which
# schema was used on which node goes to TREE.matched.
hold() {
	local matches=': matched on schema\|^	http:'
	[ -e "$1.said" ] && return
	validate -M "$1" >"$1.log"
	grep -e "$matches" "$1.log" >"$1.matched" || true
	grep -v -e "$matches" "$1.log" | sed "s|$1||" | sort >"$1.said" || true
}

# new_complaints BASE MERGED: print complaints about MERGED that there are not about BASE.
# What is wrong with the board's tree itself does not matter here.
new_complaints() {
	hold "$1"
	hold "$2"
	comm -13 "$1.said" "$2.said"
	all_matched "$2"
}

# all_matched TREE: was each region and each pool held against its schema?
all_matched() {
	local matched ours
	matched=$(grep -c '/schemas/dma-alias-pool' "$1.matched") || true
	ours=$(dtc -q -I dtb -O dts "$1" |
		grep -cE 'compatible = "dma-alias-pool(,region)?";') || true
	[ "$matched" -eq "$ours" ] ||
		echo "of $ours nodes of ours $matched were held against a schema"
}

apply() { # OVERLAY BASE SERIES OPTION...
	local name=$1 tree=$build/$2-$3.dtb merged=$build/$1-on-$2-$3.dtb series=$3
	set +e
	[ -e "$tree" ] || base "$2" "$3" "$tree"
	shift 3
	fdtoverlay -i "$tree" -o "$merged" "$build/$name.dtbo" 2>&1 || return 0
	[ -e "$merged" ] || return 0
	new_complaints "$tree" "$merged"
	python3 "$tests/host/check_overlays.py" --source "${source_of[$series]}" "$@" \
		"$tree" "$merged" 2>&1
}

for file in "$overlays"/*.dtso; do
	name=$(basename "$file" .dtso)
	report_found "$name compiles" < <(
		set +e
		compile "$file" "$build/$name.dtbo"
		described "$name"
		grep -q "^$name	" <<<"$table" || echo "has no base to be applied to"
	)
done
while read -r name tree kernels options; do
	[ -n "$name" ] || continue
	for kernel in ${kernels//,/ }; do
		choose_series "$kernel" "$tree"
		if [ -z "$series" ]; then
			skip_without_board "$name on $tree"
			continue
		fi
		# shellcheck disable=SC2086 # words
		report_found "$name on $tree of Linux $series" < <(
			apply "$name" "$tree" "$series" $options)
	done
done <<<"$table"

as_documented() {
	local dir=$build/as-documented
	set +e
	mkdir -p "$dir"
	python3 "$tests/rig/docs.py" write "$top" "$dir/docs" 2>&1
	ln -sfn "$overlays" "$dir/dts-overlays"
	base mps2-an385 "$usual" "$dir/board.dtb"
	(cd "$dir" && sed 's/\bX\./mps2-an385./g' docs/overlay | sh -e) 2>&1
	cmp "$dir/new.dtb" "$build/mps2-an385-on-mps2-an385-$usual.dtb" 2>&1
}
report_found "an overlay is applied as README.md shows" < <(as_documented)

# The pools that the selftests describe follow the schemas, too.
for file in "$tests"/rig/boards/an385/pools.dtso "$tests"/rig/boards/an500/pools.dtso; do
	board=$(basename "$(dirname "$file")")
	tree=mps2-an385
	[ "$board" = an385 ] || tree=mps2-an399
	report_found "selftest's pools of $board" < <(
		set +e
		dtc -q -@ -I dts -O dtb -o "$build/pools-$board.dtbo" "$file" 2>&1
		fdtoverlay -i "$build/$tree-$usual.dtb" -o "$build/pools-$board.dtb" \
			"$build/pools-$board.dtbo" 2>&1
		hold "$build/pools-$board.dtb"
		# only complaints of our schemas: the test's buses are not like real ones
		grep -B 1 'From schema: .*/dma-alias-pool' "$build/pools-$board.dtb.log"
		all_matched "$build/pools-$board.dtb"
	)
done

# Do the checks find an overlay that is wrong?
# finds NAME OVERLAY BASE SED REGEX: change OVERLAY with SED, and apply it to BASE;
# check_overlays.py must print something that matches REGEX
finds() {
	local out=$build/wrong-${1// /-}
	set +e
	sed -e "$4" "$overlays/$2.dtso" >"$out.dtso"
	! cmp -s "$out.dtso" "$overlays/$2.dtso" || echo "sed changed nothing"
	dtc -q -@ -I dts -O dtb -o "$out.dtbo" "$out.dtso" 2>&1
	fdtoverlay -i "$build/$3-$series.dtb" -o "$out.dtb" "$out.dtbo" 2>&1
	python3 "$tests/host/check_overlays.py" --source "${source_of[$series]}" \
		"$build/$3-$series.dtb" "$out.dtb" >"$out.log" 2>&1
	grep -q -e "$5" "$out.log" || {
		echo "no complaint like $5, but:"
		cat "$out.log"
	}
}
while IFS='|' read -r name overlay tree change regex; do
	choose_series newer "$tree"
	if [ -z "$series" ]; then
		skip_without_board "finds $name"
		continue
	fi
	report_found "finds $name" < <(finds "$name" "$overlay" "$tree" "$change" "$regex")
done <<'END'
a region outside of RAM|stm32f746-disco|stm32f746-disco|s/0xc0700000/0xc0800000/|is not in the board's RAM
a region in the middle of RAM|stm32f746-disco|stm32f746-disco|s/0xc0700000/0xc0600000/|is not at the end of the RAM
a region across the end of RAM|stm32f746-disco|stm32f746-disco|s/<0xc0700000 0x100000>/<0xc0600000 0x400000>/|partly in RAM
a region that no MPU region fits|stm32f746-disco|stm32f746-disco|s/<0xc0700000 0x100000>/<0xc0740000 0xc0000>/|is no MPU region
a region that is reserved already|jh7100-beaglev-starlight|jh7100-beaglev-starlight|s/0xf9000000/0xfa000000/|overlaps /reserved-memory/dma-reserved
an alias that is reserved already|jh7100-beaglev-starlight|jh7100-beaglev-starlight|s/0x79000000/0x7a000000/|overlaps /reserved-memory/linux,dma
an alias of another size|jh7100-beaglev-starlight|jh7100-beaglev-starlight|s/0x79000000 0x0 0x1000000/0x79000000 0x0 0x800000/|has not the size
an alias over a device|mps2-an385|mps2-an385|s/<0x20400000 0x400000>/<0x40000000 0x400000>/|overlaps /soc/apb@40000000
RAM that is moved|stm32h743i-disco-alias|stm32h743i-disco|s/without the MPU/without an MPU/|/memory@d0000000: reg is changed
a client that does no DMA|stm32h743i-disco|stm32h743i-disco|s/&sdmmc1 {/\&rtc {/|rtc@58004000 is not known to allocate
a client without a DMA engine|stm32f746-disco|stm32f746-disco|s/&usbotg_hs {/\&usbotg_fs {/|usb@50000000 is not known to allocate
a changed device|stm32h743i-disco|stm32h743i-disco|s/&mac {/& status = "okay";/|ethernet@40028000: status is changed
clients that are all disabled|stm32h743i-disco|stm32h743i-disco|/^&sdmmc1/,$d|all clients are disabled
RAM that a bus no longer reaches|mpfs-icicle-kit|mpfs-icicle-kit|s/<0x0 0x90000000 0x0 0x90000000 0x0 0x30000000>/<0x0 0x90000000 0x0 0x90000000 0x0 0x20000000>/|RAM at 0xb0000000 is out of its reach
a bus address that is wrong|mpfs-icicle-kit|mpfs-icicle-kit|s/0xcf000000 0x0 0x8f000000/0xce000000 0x0 0x8f000000/|neither itself nor an alias
coherence of others|mpfs-icicle-kit|mpfs-icicle-kit|s/^&mac1 {/\&mac0 { dma-noncoherent; }; &/|ethernet@20110000: dma-noncoherent is changed
too much memory|stm32f746-disco|stm32f746-disco|s/<0xc0700000 0x100000>/<0xc0400000 0x400000>/|bytes of RAM are reserved
END

print_counts $passed $failed $skipped
[ "$failed" -eq 0 ]
