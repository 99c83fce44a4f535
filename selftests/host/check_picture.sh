#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check_picture.sh - does tools/picture.py draw what the module's debugfs files and
# tracepoints say, and refuse anything else? Ends "N passed, N failed".
set -euo pipefail
tests=$(dirname "$(dirname "$(readlink -f "$0")")")
. "$tests/rig/lib.sh"
need python3
rig_tmp
n=0 passed=0 failed=0

picture() { "$tests/../tools/picture.py" "$@" >"$RIG_TMP/svg" 2>"$RIG_TMP/err"; }

# drawn TITLE...: the picture is well-formed XML, and has exactly these tool tips
drawn() {
	python3 - "$RIG_TMP/svg" "$@" <<-'END'
	import sys
	import xml.etree.ElementTree as tree
	titles = [t.text for t in tree.parse(sys.argv[1]).iter("{http://www.w3.org/2000/svg}title")]
	if sorted(titles) != sorted(sys.argv[2:]):
	    sys.exit(f"drawn: {titles}")
	END
}

# says WORDS: the picture has this text
says() { grep -q ">$1<" "$RIG_TMP/svg"; }

# refused WORDS: picture.py failed, and said so
refused() { ! picture "$RIG_TMP/in" && grep -q "$1" "$RIG_TMP/err"; }

dots() { printf "%0.s." $(seq "$1"); }

# A map of 130 pages. One allocation goes over the end of a line, one is of another
# client, and one page has no client that is known ("?").
{
	echo "$(dots 62)Aa"
	echo "a$(dots 61)B?"
	echo ".C"
} >"$RIG_TMP/in"
set +e
picture "$RIG_TMP/in" && drawn "3 pages" "3 pages" "1 pages" "1 pages" "1 pages" &&
	says "$RIG_TMP/in: 6 of 130 pages in use" && says "client c"
report $? "map"

picture "$RIG_TMP/in" "$RIG_TMP/in" && [ "$(grep -c 'pages in use' "$RIG_TMP/svg")" -eq 2 ]
report $? "two maps"

cat >"$RIG_TMP/in" <<-END
	offset           size client                        age_s caller
	0x003c0000     100000 eth0                              0 <do_alloc>+0xb7/0x150
	0x003ff000       4096 lcd                              12 -
END
picture "$RIG_TMP/in" && drawn "eth0: 100000 bytes, <do_alloc>+0xb7/0x150" \
	"lcd: 4096 bytes, -" && says "$RIG_TMP/in: 26 of 1024 pages in use"
report $? "allocations"

picture --page-size 65536 "$RIG_TMP/in" && says "$RIG_TMP/in: 3 of 64 pages in use"
report $? "allocations of a kernel with pages of 64 KiB"

cat >"$RIG_TMP/in" <<-END
	# tracer: nop
	 insmod-1 [000] ..... 1.000000: alloc: client=eth0 pool=a size=8192 bus=0x20000000
	 insmod-1 [000] ..... 1.500000: dma_alias_pool:alloc: client=lcd pool=b size=1 bus=0x30002000
	 insmod-1 [000] 1.600000:    dma_alias_pool:alloc: client=perf pool=b size=2 bus=0x30004000
	 insmod-1 [000] ..... 1.700000: failure: client=lcd pool=a size=40960000 error=-28
	 insmod-1 [000] ..... 2.000000: free: client=eth0 pool=a size=8192 bus=0x20000000
END
picture "$RIG_TMP/in" && drawn "eth0: 8192 bytes at 0x20000000" \
	"lcd: no room for 40960000 bytes" "lcd: 1 bytes at 0x30002000" \
	"perf: 2 bytes at 0x30004000" &&
	says "$RIG_TMP/in: pool a, 1.000000 s, 8 KiB from bus address 0x20000000, 1 failures"
report $? "trace"

# lcd gets the memory before the free of eth0 is recorded.
cat >"$RIG_TMP/late" <<-END
	 sh-1 [000] ..... 1.000000: alloc: client=eth0 pool=a size=4096 bus=0x20000000
	 sh-2 [001] ..... 2.000000: alloc: client=lcd pool=a size=8192 bus=0x20000000
	 sh-1 [000] ..... 2.000001: free: client=eth0 pool=a size=4096 bus=0x20000000
	 sh-2 [001] ..... 3.000000: failure: client=lcd pool=a size=40960000 error=-28
END
picture "$RIG_TMP/late" && drawn "eth0: 4096 bytes at 0x20000000" \
	"lcd: 8192 bytes at 0x20000000" "lcd: no room for 40960000 bytes" &&
	[ "$(grep -c 'width="470.00"' "$RIG_TMP/svg")" -eq 2 ]
report $? "a free that is recorded late"

python3 "$tests/rig/docs.py" write "$tests/.." "$RIG_TMP/docs"
mv "$RIG_TMP/in" "$RIG_TMP/trace"
(cd "$RIG_TMP" && grep '^tools/' docs/picture | sed "s|^|$tests/../|" | sh -e) &&
	cp "$RIG_TMP/trace.svg" "$RIG_TMP/svg" && says "trace: pool a, 1.000000 s, 8 KiB from bus address 0x20000000, 1 failures"
report $? "trace, as README.md shows"

: >"$RIG_TMP/in"
refused "it is empty"
report $? "empty file"
for words in "nonsense" "..a.." "total_bytes 4194304"; do
	echo "$words" >"$RIG_TMP/in"
	refused "neither a map, nor allocations, nor a trace"
	report $? "refuses '$words'"
done
rm "$RIG_TMP/in"
refused "No such file"
report $? "no file"

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
