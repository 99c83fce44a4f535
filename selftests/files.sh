#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The debugfs files requests, failures and peak. (coherent.sh has stats, clients,
# allocations and map.) For all files: who may read and write them, how large they get,
# and that neither they nor the kernel log show an address of the kernel.
. "$(dirname "$0")/ktap.sh"
need_pool 256

device=/sys/bus/platform/devices/dma_alias_pool.0
own_params=/sys/module/dma_alias_pool/parameters

# line FILE FIRST_WORD: the line that begins with this word, with single blanks
line()
{
	while read -r words; do
		set -- "$1" "$2" $words
		if [ "$3" = "$2" ]; then
			shift 2
			echo "$*"
			return
		fi
	done <$pools/sram/$1
}

starts()
{
	load_all || fail "cannot load"
	same "lines of requests" "$(wc -l <$pools/sram/requests)" 1
	same "lines of failures" "$(wc -l <$pools/sram/failures)" 1
	same peak "$(cat $pools/sram/peak)" 0
}

# mode FILE WANTED: mode and owner of a file or directory
mode()
{
	same "mode of $1" "$(stat -c "%A %u:%g" $1)" "$2 0:0"
}

# Looks at all files that there are, so that a new one is not forgotten.
modes()
{
	if [ -z "$debugfs_mode" ]; then
		skip "no program stat here"
		return
	fi
	found=
	for file in $pools/sram/*; do
		# fail_alloc is a directory of the kernel's
		[ ! -f $file ] || found="$found ${file##*/}"
	done
	same "files of a pool" "$found" \
	     " allocations clients failures map peak requests stats"
	for file in $pools/sram/*; do
		case $file in
		*/fail_alloc) ;;
		*/peak) mode $file -rw------- ;;
		*) mode $file -r-------- ;;
		esac
	done
	# only the mode of debugfs itself keeps other users out; on a board it is somebody's
	# choice
	[ -z "$RIG_BOARD" ] || mode $debugfs drwx------
	mode $pools drwxr-xr-x
	mode $pools/sram drwxr-xr-x
	for file in attach detach; do
		mode $device/$file --w-------
	done
	same parameters "$(echo $(ls $own_params))" "clients guard max_align pools verify"
	for file in $own_params/*; do
		mode $file -r--------
	done
}

debugfs_mode=$(stat -c %a $debugfs 2>/dev/null)
ktap_undo() { [ -z "$debugfs_mode" ] || chmod $debugfs_mode $debugfs; }

# Another user cannot read or write the files even if debugfs itself is open to all.
another_user()
{
	if ! (as_nobody true) 2>/dev/null; then
		skip "no setuidgid here"
		return
	fi
	chmod 755 $debugfs
	same "what nobody may read" "$(as_nobody cat $debugfs/../../module/dma_alias_pool/refcnt)" \
	     "$(cat /sys/module/dma_alias_pool/refcnt)"
	same "files that nobody sees" "$(as_nobody ls -p $pools/sram | grep -vc /)" 7
	for file in $pools/sram/* $own_params/* $device/attach $device/detach; do
		[ -f $file ] || continue
		! as_nobody cat $file >/dev/null 2>&1 ||
			fail "nobody can read $file"
		! as_nobody sh -c "echo dap-test.0 >$file" 2>/dev/null ||
			fail "nobody can write $file"
	done
	ktap_undo
}

as_nobody() { setuidgid 65534 "$@"; }

# Requests are counted by their size, rounded up to a power of two of pages.
sizes_of_requests()
{
	for size in 1 4096 4097 8192 8193 16384 16385; do
		ok_dev dap-test.0 alloc $size
	done
	same "1 page" "$(line requests 4096)" "4096 2 0"
	same "2 pages" "$(line requests 8192)" "8192 2 0"
	same "4 pages" "$(line requests 16384)" "16384 2 0"
	same "8 pages" "$(line requests 32768)" "32768 1 0"
	same lines "$(wc -l <$pools/sram/requests)" 5
	ok_dev dap-test.0 free all
	same "after free" "$(line requests 4096)" "4096 2 0"
	bad_dev dap-test.0 alloc 0xffffffff nowarn
	same "too large" "$(line requests 4294967296)$(line requests more)" \
	     "more 0 1"
}

# The file has the last eight failures, the most recent one first.
last_failures()
{
	ok_dev dap-test.1 alloc $((pool_size - 12288))
	n=1
	while [ $n -le 10 ]; do
		unserved dap-test.0 alloc $((8192 + n)) nowarn
		n=$((n + 1))
	done
	same "failures kept" "$(sed 1d $pools/sram/failures | grep -c "$caller")" 8
	set -- $(sed -n 2p $pools/sram/failures)
	same "last one" "$2 $3 $4 $5 $6" "8202 12288 8192 dap-test.0 -28"
	is_caller "$7" || fail "caller is $7"
	set -- $(sed -n 9p $pools/sram/failures)
	same "oldest one" "$2" 8195
	same "16 KiB that failed" "$(line requests 16384)" "16384 2 10"
	ok_dev dap-test.1 free 0
}

peak()
{
	same peak "$(cat $pools/sram/peak)" $((pool_size - 12288))
	ok_dev dap-test.0 alloc 20480
	# not even root can write the other files
	for file in stats clients allocations map requests failures; do
		(echo 0 >$pools/sram/$file) 2>/dev/null && fail "$file was written"
	done
	same "peak as before" "$(cat $pools/sram/peak)" $((pool_size - 12288))
	echo 0 >$pools/sram/peak
	same "peak after reset" "$(cat $pools/sram/peak)" 20480
	same_stat sram peak_used_bytes 20480
	ok_dev dap-test.0 free 0
	same "peak after free" "$(cat $pools/sram/peak)" 20480
	echo >$pools/sram/peak
	same "peak of nothing" "$(cat $pools/sram/peak)" 0
}

# The pool's number of pages limits how long the files get. No line is longer than this.
line_max=200

# size FILE MAX: fail if the file is longer
size()
{
	bytes=$(wc -c <$pools/sram/$1)
	echo "# $1: $bytes bytes, at most $2"
	[ $bytes -le $2 ] || fail "$1 is too long"
}

sizes()
{
	unload_all || fail "module in use"
	pages=64
	load "pools=$(pool sram 0 $((pages * 4096)))" "clients=dap-test.*" &&
		load_tests || fail "cannot load"
	n=0
	while [ $n -lt $pages ]; do
		ok_dev dap-test.$((n % 2)) alloc 4096
		n=$((n + 1))
	done
	unserved dap-test.0 alloc 4096 nowarn
	size allocations $(((pages + 1) * line_max))
	size map $((pages + pages / 64))
	size clients $((3 * line_max))
	size failures $((9 * line_max))
	size requests $((21 * line_max))
	size stats 4096
	size peak 11
	n=0
	while [ $n -lt 20 ]; do
		unserved dap-test.0 alloc $((8192 + n)) nowarn
		n=$((n + 1))
	done
	size failures $((9 * line_max))
}

# Print all that files and log show.
shown()
{
	for file in $pools/sram/* $own_params/* $device/*; do
		[ ! -f $file ] || cat $file 2>/dev/null
	done
	log_since | grep -e "dma_alias_pool" -e "dap-test" | grep -v -e "rig: "
}

# The range of addresses where the kernel has its code, data and modules: all of its RAM
# without an MMU, its virtual addresses otherwise. Masks are outside of it and may be shown.
kernel_range()
{
	from=0xbf000000
	to=0xffffffff
	if ! with_mmu; then
		ram=$(grep -i ' : System RAM' /proc/iomem | head -n 1)
		ram=${ram%% *}
		from=0x${ram%-*}
		to=0x${ram#*-}
	fi
	echo "# kernel addresses: $from to $to"
}

# is_pool_address ADDRESS BASE: may be shown, also where the kernel has the same virtual ones
is_pool_address()
{
	[ -n "$2" ] && [ $(($1)) -ge $(($2)) ] && [ $(($1)) -le $(($2 + pool_size)) ]
}

# Print the words of stdin that could be addresses in this range.
kernel_addresses()
{
	if with_mmu && uname -m | grep -q 64; then
		# all are in the upper half, and the shell cannot compare such numbers
		grep -owE '(0x)?ffff[0-9a-f]{12}' | sed 's/^0x//; s/^/0x/' | sort -u
		return
	fi
	for word in $(grep -owE '(0x)?(0{8})?[0-9a-f]{8}' | sed 's/^0x//' | sort -u); do
		[ $((0x$word)) -lt $((from)) ] || [ $((0x$word)) -ge $((to)) ] ||
			is_pool_address 0x$word $pool_base ||
			is_pool_address 0x$word "$pool_alias" || echo 0x$word
	done
}

# The log repeats only the beginning of a long name that somebody writes.
long_names()
{
	name=$(printf '%064d' 0)
	log_clear
	! echo ${name}more >$device/attach 2>/dev/null || fail "attached"
	log_has "there is no device $name\$"
}

# Callers are shown as symbols. When their module is gone, the kernel knows no symbol any
# more, but they are still in failures. They are then hashed to some word, which must
# not be an address of the module's code.
no_addresses()
{
	kernel_range
	code=$(cat /sys/module/dma_alias_pool_test/sections/.text)
	same "what is found of $code" "$(echo "at $code, ${code#0x}" | kernel_addresses)" \
	     "$code"
	unserved dap-test.0 alloc 8192
	echo dap-test.0 >/sys/module/dma_alias_pool_test/parameters/leak
	unbind dap-test.0
	unserved_says "DMA pool sram: no 8192 bytes: there is no room"
	log_has "dap-test.0: 4096 bytes at offset .*, from $caller"
	same "addresses shown" "$(shown | kernel_addresses)" ""
	[ "$caller" != do_alloc+ ] || same "callers that are known" "$(grep -c ' do_alloc+0x[0-9a-f]*/0x[0-9a-f]* \[dma_alias_pool_test\]$' $pools/sram/failures)" 8
	unload_tests
	from=$code
	to=$((code + 65536))
	same "addresses shown without the module" "$(shown | kernel_addresses)" ""
	sed -n 2p $pools/sram/failures | sed 's/^/# /'
	[ "$caller" = '[-d]' ] || [ "$caller" = '[a-z]' ] ||
		same "callers that are not known" "$(grep -cE ' (\(_*ptrval_*\)|[0-9a-f]{8,16})$' $pools/sram/failures)" 8
}

ends() { unload || fail "module in use"; }

ktap_run starts modes another_user sizes_of_requests last_failures peak sizes \
	long_names no_addresses ends
