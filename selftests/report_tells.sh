#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# report_tells.sh [full|few|device_tree] - report.sh tells the truth about this machine,
# and leaves everything as it was. With "full", it runs all of its selftests, too. With
# "few", what takes long is left out: runs of the selftests in one memory after the other.
# With "device_tree" it is about pools of the device tree that were refused, for which it
# needs the nodes of rig/boards/an385/bad-pools.dtso.
. "$(dirname "$0")/ktap.sh"
need_rig "changes what is mounted, and files in /tmp"
need_pool

out=/tmp/report
report=$here/report.sh
quick=-q
[ "${1:-}" != full ] || quick=

# As on a board, where the selftests do not clear the log.
unset RIG_RELAY

# reports STATUS ARGUMENT ...: run report.sh, which must end with this status
reports()
{
	reports_wanted=$1
	shift
	sh "$report" "$@" >$out 2>&1
	same "the exit status" $? $reports_wanted
}

# pretends FUNCTIONS STATUS ARGUMENT ...: as reports, with functions of the shell in the
# place of programs
pretends()
{
	pretends_to=$1
	pretends_wanted=$2
	shift 2
	sh -c "$pretends_to
. \"\$0\"" "$report" "$@" >$out 2>&1
	same "the exit status" $? $pretends_wanted
}

# what it says of a pool that is right
holds="the alias holds"
[ -n "$pool_alias" ] || holds="the pool is up"

# kit SCRIPT ...: a copy of report.sh that has no other selftests than these
kit()
{
	rm -rf /tmp/kit
	mkdir /tmp/kit
	sourced=$(sed -n 's,^\. "$here/\([a-z]*\.sh\)".*,\1,p' "$here/report.sh" "$here/ktap.sh")
	for kit_file in report.sh ktap.sh $sourced mmap_buffer dma_alias_pool.ko \
			dma_alias_pool_test.ko dma_alias_pool_board.ko "$@"; do
		[ ! -e "/tmp/kit/$kit_file" ] || continue
		[ ! -e "$here/$kit_file" ] || ln -s "$here/$kit_file" /tmp/kit/
	done
	report=/tmp/kit/report.sh
}

says() { grep -q -e "$1" $out || { fail "does not say '$1', but"; sed 's/^/#   /' $out; }; }
says_not() { ! grep -q -e "$1" $out || { fail "says '$1':"; sed 's/^/#   /' $out; }; }

not_loaded()
{
	! grep '^dma_alias_pool' /proc/modules >/dev/null || fail "modules are left"
	same "the directories of tests and reports" "$(echo /tmp/dap-*)" "$tmp"
}

good_pool()
{
	reports 0 $quick "$(pool a)"
	says '^dma-alias-pool: report of '
	says "^  kernel:  *Linux $(uname -r) "
	says "^  a:  *$((pool_size >> 10)) KiB, $((pool_size >> 10)) free, 0 clients"
	says '^  coherent  *[1-9][0-9]*  *[1-9][0-9]*  *[1-9]'
	says '^  cached  *[1-9][0-9]*  *[1-9][0-9]*  *[1-9]'
	says "^  All is right: $holds"
	if [ -n "$pool_alias" ]; then
		says 'Phys and alias are the same memory'
		says_not 'Of what has no alias'
	else
		says 'Of what has no alias'
		says_not 'Phys and alias are'
	fi
	says '^  in pool a, '
	# where it says that devices are attached, they are
	to=$(sed -n 's/^  echo NAME > //p' $out)
	same "files to write a device's name to" "$to" \
		/sys/bus/platform/drivers/dma_alias_pool/dma_alias_pool.0/attach
	if [ -z "$quick" ]; then
		says '^  coherent.sh:  *[1-9][0-9]* passed, 0 failed'
		says 'the selftests pass\.$'
	fi
	# short enough to paste
	[ "$(wc -c <$out)" -lt 12000 ] || fail "$(wc -c <$out) bytes are too long to paste"
	sed 's/^/# /' $out
	not_loaded
}

wrong_alias()
{
	if [ -z "$pool_alias" ]; then
		skip "there is no alias"
		return
	fi
	half=$(hex $((pool_size / 4)))
	reports 1 -q "a:$(hex $pool_base):$half:$(hex $((pool_alias + half)))"
	says ' is no alias of '
	says '^  NOT RIGHT:$'
	not_loaded
}

kernels_memory()
{
	ram=$(sed -n 's/^\([0-9a-f]*\)-.* : System RAM$/0x\1/p' /proc/iomem | tail -n 1)
	reports 1 -q "a:$ram:64K"
	says 'part of the kernel.s own RAM'
	not_loaded
}

no_pool()
{
	reports 2
	says 'say which memory'
	reports 2 -h
	says 'NAME:BASE:SIZE'
	not_loaded
}

# The module is there, and its pool has gone.
no_pool_is_up()
{
	load "pools=$(pool sram)" || fail "cannot load"
	echo dma_alias_pool.0 >/sys/bus/platform/drivers/dma_alias_pool/unbind
	for given in "" "$(pool a)"; do
		reports 1 -q $given
		says 'WRONG: the module is there, and no pool is up'
		says '^  | .*DMA pool sram: '
		says '^  NOT RIGHT:$'
	done
	unload || fail "cannot unload"
	not_loaded
}

# A pool that serves not even the device that is there for it. Pools that others made may
# be for other devices.
pool_serves_nobody()
{
	nobody='echo() { [ "$*" = dap-board ] || command echo "$@"; }'
	pretends "$nobody" 1 -q "$(pool a)"
	says 'WRONG: pool a takes no device'
	not_loaded
	load "pools=$(pool sram)" || fail "cannot load"
	pretends "$nobody" 0 -q
	says 'pool sram takes no device'
	unload || fail "cannot unload"
	not_loaded
}

# If the module is loaded already, its pools, clients and memory stay as they were, and a
# pool given as an argument is ignored.
in_use()
{
	load_all || fail "cannot load"
	ok_dev dap-test.0 alloc 20000
	bad_dev dap-test.0 alloc $(too_much) nowarn
	# without the figures that change since report.sh takes memory itself
	grep '^live\|^clients\|^bad\|^fail_count' $pools/sram/stats >/tmp/before
	reports 0 "$(pool b)"
	says 'loaded already: its own pools are looked at'
	says '^    fail_count:  *1$'
	says '^  dap-test.0 (pool sram)'
	says 'All is right: the pools that are in use hold'
	grep '^live\|^clients\|^bad\|^fail_count' $pools/sram/stats >/tmp/after
	cmp -s /tmp/before /tmp/after || fail "the pool changed: $(cat /tmp/before /tmp/after)"
	has_client sram dap-test.0 || fail "dap-test.0 is no client any more"
	ok_dev dap-test.0 free all
	unload_all || fail "cannot unload"
	not_loaded
}

# A pool that was not checked is wrong, but not where nobody can check it.
not_verified()
{
	load "pools=$(pool sram)" verify=0 || fail "cannot load"
	machine="uname() { [ \"\$1\" != -m ] && command uname \"\$@\" || echo"
	pretends "$machine armv7l; }" 1 -q
	says 'was not checked. Load the module without it$'
	pretends "$machine riscv64; }" 0 -q
	says 'All is right: the pools that are in use are up, but were not checked;'
	unload || fail "cannot unload"
	not_loaded
}

# With an MMU, that device must not be one of the report's.
first_client_decides()
{
	if ! with_mmu; then
		skip "no MMU"
		return
	fi
	load "pools=sram:$(hex $pool_base):$(hex $pool_size)" || fail "cannot load"
	reports 0 -q
	says 'not measured: the first device of pool sram decides'
	same_stat sram alloc_count 0
	unload
	not_loaded
}

# Somebody else may have made the directory for temporary files, with links in it to files
# that root would overwrite.
directory_is_anothers()
{
	# the shell that makes it becomes report.sh, so the number is right
	sh -c 'mkdir /tmp/dap-report.$$; exec sh "$0" -q "$1"' "$here/report.sh" "$(pool a)" \
		>$out 2>&1
	same "the exit status" $? 2
	rmdir /tmp/dap-report.* || fail "the directory was used"
	not_loaded
}

has_begun() { ls -d /tmp/dap-report.*; }

# Not every BusyBox has awk, without which half of the report would be missing.
no_awk()
{
	pretends 'type() { [ "$1" != awk ]; }' 2 -q "$(pool a)"
	says '^report.sh: needs what is not here: awk$'
	not_loaded
}

# There is nowhere to write to.
read_only()
{
	export TMPDIR=/proc/sys
	reports 2 -q "$(pool a)"
	unset TMPDIR
	says 'report.sh: needs to write to /proc/sys: set TMPDIR'
	not_loaded
}

# What does not fit would look as if a test had ended early.
no_room()
{
	pretends 'dd() { return 1; }' 2 -q "$(pool a)"
	says 'report.sh: needs room for 256 KiB in /tmp: set TMPDIR'
	! has_begun 2>/dev/null || fail "its directory is left"
	not_loaded
}

# The one that is measured need not be the first by name.
several_pools()
{
	quarter=$((pool_size / 4))
	reports 0 -q "$(pool z 0 $quarter)" "$(pool a $quarter $quarter),$(pool m $((2 * quarter)) $quarter)"
	says "^  All is right: $holds"
	says '^  in pool z, '
	same "files to write to" "$(grep -c '^  echo NAME > ' $out)" 3
	not_loaded
}

# Not all pools need have an alias.
which_have_an_alias()
{
	eval "$(sed -n '/^aliases_of()/,/^}/p' "$report")"
	same "all" "$(aliases_of a:1M:2M:0x30000000,b:4M:1M:0x5:0x6)" all
	same "some" "$(aliases_of a:1M:2M:0x30000000,b:4M:1M::0x6)" some
	same "none" "$(aliases_of a:1M:2M,b:4M:1M::0x6)" none
}

# A kernel without CONFIG_PRINTK
no_log()
{
	kit calls.sh
	pretends 'dmesg() { return 1; }' 0 "$(pool a)"
	says 'left out: there is no kernel log'
	says "All is right: $holds; no selftests were run"
	report=$here/report.sh
	not_loaded
}

# Each load of the module would bring up the device tree's pools, too, which take devices
# that are in use.
pools_of_the_device_tree()
{
	pretends 'grep() {
		case $* in
		*OF_COMPATIBLE*) echo /sys/bus/platform/devices/dma_alias_pool.0/uevent ;;
		*) command grep "$@" ;;
		esac
	}' 2 "$(pool a)"
	says 'report.sh: the device tree has pools'
	says_not 'It takes them'
	not_loaded
}

# The kernel's own memory is short, or a device cannot have any of the pool's.
not_measured()
{
	for reason in "the kernel has no two pieces of 16 KiB left" "no 16 KiB of it"; do
		pretends "cat() { case \$* in */rates) echo 'none $reason' ;; *) command cat \"\$@\" ;; esac; }" \
			0 -q "$(pool a)"
		says "^  not measured: $reason"
		not_loaded
	done
}

# What was skipped did not pass.
skipped_is_not_passed()
{
	kit
	cat >/tmp/kit/calls.sh <<END
echo "1..3"
echo "ok 1 one"
echo "ok 2 two # SKIP no time"
echo "ok 3 three"
END
	reports 0 "$(pool a)"
	says '^  calls.sh:  *2 passed, 0 failed, one skipped: no time'
	report=$here/report.sh
	not_loaded
}

# A selftest that the kernel kills in the middle, as it does after an oops, has not passed.
# What it had loaded does not stay.
selftest_ends_early()
{
	kit
	cat >/tmp/kit/calls.sh <<END
echo "1..3"
echo "ok 1 one"
insmod "$here/dma_alias_pool.ko" pools=$(pool a) && insmod "$here/dma_alias_pool_test.ko"
kill -9 \$\$
END
	reports 1 "$(pool a)"
	says '^  calls.sh:  *1 passed, 0 failed'
	says 'WRONG: calls.sh ended early (status 137)'
	says_not 'All is right'
	report=$here/report.sh
	not_loaded
}

# Not each channel of a client can copy: those are passed over.
channel_that_cannot_copy()
{
	eval "$(sed -n '/^dmatest_copies()/,/^}/p' "$report")"
	dmatest=$tmp
	name=chan0
	result="summary of another"
	mkdir "$tmp/channel"
	! dmatest_copies 1 || fail "it copies"
	same "summary" "$result" ""
	[ ! -e "$tmp/run" ] || fail "started"
	rmdir "$tmp/channel"
	rm "$tmp/iterations"
}

# Without an MMU and without an alias, only ARM knows whether memory is cached.
nobody_checks()
{
	eval "$(sed -n '/^has_alias()/,/^}/p; /^is_checked()/,/^}/p' "$report")"
	for checks in "armv7l y" "riscv64 n"; do
		uname() { echo ${checks% *}; }
		dmesg() { echo "DMA pool a: 4 KiB at 0x1"; }
		checked=n
		with_mmu && checks="${checks% *} y"
		! is_checked a || checked=y
		same "checked on ${checks% *}" $checked ${checks#* }
		dmesg() { echo "DMA pool a: 4 KiB at 0x1, reached through its alias 0x2"; }
		is_checked a || fail "the alias was checked"
	done
	unset -f uname dmesg
}

# A signal comes early, or in the middle of the report.
interrupted()
{
	for interrupted_after in 0 1 2; do
		sh "$here/report.sh" "$(pool a)" >$out 2>&1 &
		interrupted_pid=$!
		wait_for has_begun || fail "does not begin"
		sleep $interrupted_after
		kill -TERM $interrupted_pid
		wait $interrupted_pid
		same "the exit status" $? 1
		says '^interrupted: nothing of this is left'
		not_loaded
	done
}

# interrupts SIGNAL: sends it to the report when that has the module loaded
interrupts()
{
	wait_for has_begun
	wait_for is_loaded dma_alias_pool
	interrupted_dir=$(has_begun)
	kill -$1 ${interrupted_dir##*.}
}

# By a key. What runs in the background ignores these signals.
interrupted_by_key()
{
	for signal in INT QUIT; do
		interrupts $signal &
		reports 1 "$(pool a)"
		says '^interrupted: nothing of this is left'
		not_loaded
	done
}

# Who reads the report goes away: at once, with the module loaded, or at the end.
nobody_reads()
{
	for last_line in System Pools Verdict; do
		sh "$here/report.sh" -q "$(pool a)" 2>&1 | sed "/^$last_line\$/q" >$out
		says "^$last_line\$"
		not_loaded
	done
}

# BASE and ALIAS may have units, too, and one argument may have several pools. The
# selftests get the memory of the first.
as_pools_takes_them()
{
	kit calls.sh
	half=$((pool_size / 2))
	reports 0 "a:$((pool_base >> 20))M:$((pool_size >> 20))M${pool_alias:+:$((pool_alias >> 20))M}"
	says '^  calls.sh:  *[1-9][0-9]* passed, 0 failed'
	reports 0 "$(pool a 0 $half),$(pool b $half $half)"
	says "^  b:  *$((half >> 10)) KiB"
	says '^  calls.sh:  *[1-9][0-9]* passed, 0 failed'
	not_loaded
}

# works_in OFFSET SIZE: report.sh has nothing against this part of the memory
works_in()
{
	kit coherent.sh
	[ -n "$quick" ] || report=$here/report.sh
	reports 0 "$(pool a $1 $2)"
	says '^  coherent.sh:  *[1-9][0-9]* passed, 0 failed'
	says 'the selftests pass\.$'
	not_loaded
}

# no power of two, and not at a multiple of its size
odd_pool() { works_in $((pool_size / 4)) $((pool_size / 4 * 3)); }
small_pool() { works_in 0 131072; }

pool_too_small_for_the_selftests()
{
	kit coherent.sh
	reports 0 "$(pool a 4096 131072)"
	says '^  coherent.sh:  *0 passed, 0 failed, skipped: 128 KiB are needed'
	says "All is right: $holds; no selftests were run"
	not_loaded
}

# part_is OFFSET SIZE WANTED [SHIFT]: which part of the memory the tests take, where the
# alias is SHIFT further away
part_is()
{
	same "part of $1 $2 $4" "$(
		pool_base=$((0x20000000 + $1))
		pool_size=$2
		pool_alias=$((0x40000000 + $1 + ${4:-0}))
		narrow_pool >/dev/null
		echo $(($pool_base)) $(($pool_size)) $(($pool_alias - ${4:-0}))
	)" "$((0x20000000 + ${3% *})) $((${3#* })) $((0x40000000 + ${3% *}))"
}

part_of_the_memory()
{
	part_is 0 0x400000 "0 0x400000"
	part_is 0x100000 0x300000 "0x200000 0x200000"
	part_is 0 0x300000 "0 0x200000"
	part_is 0x1000 0x400000 "0x200000 0x200000"
	part_is 0x1000 0x1000 "0x1000 0x1000"
	# the alias is less aligned
	part_is 0 0x400000 "0 0x100000" 0x100000
	part_is 0x80000 0x400000 "0x100000 0x100000" 0x100000
}

# The log is the board's: what was in it is in it afterwards, and what others write to it
# says nothing about the module.
log_of_others()
{
	kit calls.sh coherent.sh
	echo "report_tells.sh: from before" >/dev/kmsg
	while :; do
		echo "eth0: link up" >/dev/kmsg
		nap 100000
	done &
	others=$!
	reports 0 "$(pool a)"
	kill $others
	says '^  calls.sh:  *[1-9][0-9]* passed, 0 failed'
	says '^  coherent.sh:  *[1-9][0-9]* passed, 0 failed'
	dmesg | grep -q 'report_tells.sh: from before' || fail "the log was cleared"
	dmesg | grep -q 'eth0: link up' || fail "nobody wrote"
	not_loaded
}

# Selftests load the module anew, so they are left out where no module can be unloaded. A
# module that is in use is another matter.
modules_stay()
{
	kit calls.sh
	for why in 'echo "rmmod: Function not implemented" >&2; return 1' \
		   'echo "rmmod: Module unloading is not supported" >&2; return 1' 'return 127'; do
		pretends "rmmod() { $why; }" 0 "$(pool a)"
		says 'left out: they load the module themselves'
		says 'this kernel cannot unload modules'
		says "All is right: $holds; no selftests were run"
		rmmod dma_alias_pool_board
		unload
		not_loaded
	done
	pretends 'rmmod() { echo "rmmod: Resource temporarily unavailable" >&2; return 1; }' 1 \
		"$(pool a)"
	says 'left out: they load the module themselves'
	says 'dma_alias_pool cannot be unloaded: .*temporarily'
	# both modules are there now
	reports 0 -q
	says 'All is right: the pools that are in use hold'
	rmmod dma_alias_pool_board
	unload
	not_loaded
}

# Whoever refuses the module, the reason is shown: what the kernel has said since, or if it
# is not known since when, the end of its log.
why_it_is_refused()
{
	long=$(printf '%1100s' "" | tr ' ' a)
	reports 1 -q "$long:$(pool a)"
	says '^  | .*string parameter too long'
	refused='insmod() { echo "insmod: Operation not permitted" >&2; return 1; }'
	pretends "$refused
		dmesg() { echo 'Lockdown: insmod: unsigned module loading is restricted'; }" \
		1 -q "$(pool a)"
	says '^  | Lockdown: insmod: unsigned'
	says '^  | insmod: Operation not permitted'
	not_loaded
}

# What is mounted or loaded for the report is so no longer.
nothing_else_stays()
{
	umount $debugfs || fail "debugfs is in use"
	reports 0 -q "$(pool a)"
	says '^  coherent  *[1-9]'
	! grep -q " $debugfs " /proc/mounts || fail "debugfs is mounted"
	pretends 'mount() { return 1; }' 2 -q "$(pool a)"
	says 'debugfs cannot be mounted'
	mount -t debugfs none $debugfs
	[ -e /sys/module/dmatest ] || {
		pretends 'modprobe() { echo "# modprobe $*"; }' 0 -q "$(pool a)"
		says '^# modprobe dmatest$'
		says '^# modprobe -r dmatest$'
	}
	not_loaded
}

without_root()
{
	mount -t sysfs none /proc/sys/kernel
	reports 0 -q "$(pool a)"
	umount /proc/sys/kernel
	not_loaded
	if ! setuidgid 0 true 2>/dev/null; then
		skip "no setuidgid here"
		return
	fi
	for user in 65534 1000; do
		setuidgid $user sh "$report" -q "$(pool a)" >$out 2>&1
		same "the exit status of $user" $? 2
		says 'needs root'
	done
	not_loaded
}

# Not every board has BusyBox.
without_usleep()
{
	usleep() { return 127; }
	(sleep 2; echo >/tmp/late) &
	wait_for [ -e /tmp/late ] || fail "not waited for"
	wait $!
	unset -f usleep
	rm /tmp/late
}

# One node is right, and many are not, each in its own way.
refused_by_device_tree()
{
	load || fail "cannot load"
	reports 1 -q
	says '^  good:  *[1-9][0-9]* KiB'
	says 'WRONG: the pool of [^ ]*bad-alias is not up'
	says_not 'the pool of [^ ]*good is not up'
	says '^  | .* is no alias of '
	unload || fail "cannot unload"
	not_loaded
}

if [ "${1:-}" = device_tree ]; then
	[ -d /proc/device-tree/bad-missing ] || ktap_skip_all "no test nodes in the device tree"
	ktap_run refused_by_device_tree
fi
long="as_pools_takes_them odd_pool small_pool log_of_others"
[ "${1:-}" != few ] || long=
ktap_run good_pool wrong_alias kernels_memory no_pool no_pool_is_up pool_serves_nobody \
	in_use not_verified first_client_decides directory_is_anothers no_awk read_only no_room several_pools which_have_an_alias no_log pools_of_the_device_tree not_measured \
	skipped_is_not_passed selftest_ends_early channel_that_cannot_copy nobody_checks interrupted interrupted_by_key nobody_reads $long \
	pool_too_small_for_the_selftests part_of_the_memory modules_stay \
	why_it_is_refused nothing_else_stays without_root without_usleep
