#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# report.sh [-q] [NAME:BASE:SIZE[:ALIAS[:BUS]]] ... - tells whether dma-alias-pool works
# on this board, as text that can be pasted into a report: the system, its caches, the
# pools and whether their aliases hold, how fast the CPU is there, which devices could
# be clients, the selftests that are safe on a running machine, and a verdict. Takes
# two minutes; -q (quick) leaves the selftests out.
#
# Pools are given as for the module's parameter pools=. Without one, the module must be
# loaded already, and the report is about its pools. Pools that are in use stay as they
# are: no driver is unbound, no parameter changed, no module unloaded that this script
# has not loaded, even if it is interrupted. The kernel log is not cleared; the selftests
# write some hundred lines to it.
#
# Needs BusyBox or the like (see tools), debugfs, and the modules beside this script or
# the kernel's own. Exit status: 0 if all is right, 1 if something is not, 2 if there is
# nothing to report about.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/stack.sh" || exit 2
stack_holds "$here/report.sh" "$here/log.sh" "$here/insmod.sh" || {
	echo "report.sh: the shell's stack of $stack KiB is too small: $stack_advice" >&2
	exit 2
}
. "$here/log.sh"
. "$here/insmod.sh"
debugfs=/sys/kernel/debug
pools=$debugfs/dma_alias_pool
board=$debugfs/dma_alias_pool_board
pool_driver=/sys/bus/platform/drivers/dma_alias_pool
tmp=${TMPDIR:-/tmp}/dap-report.$$
# without one of these, what is said would be wrong, not only less
tools="awk basename cat cut dd dirname find grep head insmod ls mkdir printf readlink rm sed sleep sort tail tr uname
uniq wc"
# selftests that use only devices of their own, and cause no complaints in the log, each
# maybe with @ and a number of rounds: not so many that nothing else is left in the log
safe="calls.sh coherent.sh mapping.sh attach.sh@50 lifetime.sh@50"
lacking=
loaded=
stays=
wrong=
unchecked=
unverified=

# --- ends

# unload_ours: in reverse order. A kernel or a BusyBox that cannot unload anything says
# nothing about the module.
unload_ours()
{
	for module in $loaded; do
		rmmod "$module" 2>"$tmp/rmmod"
		case $? in
		0) continue ;;
		127) echo "not supported" >>"$tmp/rmmod" ;;
		esac
		if grep -q -e 'not supported' -e 'not implemented' "$tmp/rmmod"; then
			stays="$stays $module"
		else
			problem "module $module cannot be unloaded: $(cat "$tmp/rmmod")"
		fi
	done
	loaded=
}

# A signal only sets $stop, and ends a selftest that is running, since not every shell
# can leave the script from a trap at any time. checkpoint comes after each step, and
# leaves the script if there was a signal.
checkpoint() { [ -z "$stop" ] || interrupted; }

# Unload all modules, several times, since a selftest may be loading one just now.
interrupted()
{
	[ -z "$testing" ] || tried="dma_alias_pool_test dma_alias_pool"
	for try in 1 2 3 4 5; do
		left=
		for module in $tried; do
			! is_loaded "$module" || rmmod "$module" 2>/dev/null || left="$left $module"
		done
		[ -n "$left" ] || [ -n "$testing" ] || break
		sleep 1
	done
	echo "interrupted: ${left:-nothing of this} is left"
	finish 1
}

# finish STATUS
finish()
{
	rm -rf "$tmp"
	[ -z "$our_dmatest" ] || modprobe -r dmatest 2>/dev/null || echo "  dmatest stays loaded."
	[ -z "$our_debugfs" ] || umount $debugfs 2>/dev/null || echo "  debugfs stays mounted."
	exit "$1"
}

# --- printing

title() { printf '\n%s\n' "$*"; }
row() { printf '  %-14s %s\n' "$1:" "$2"; }
problem()
{
	wrong="$wrong
  $*"
	echo "  WRONG: $*"
}

quoted() { sed 's/^/  | /'; }

# line_of FILE: its contents in one line, or nothing if there is no such file
line_of() { [ ! -r "$1" ] || tr '\0\n' '  ' <"$1" | sed 's/ *$//'; }

# --- modules

is_loaded() { grep -q "^$1 " /proc/modules 2>/dev/null; }
is_there() { [ -d "/sys/module/$1" ]; }

# put_in MODULE PARAMETER ...: load it; if that fails, show the kernel's messages
put_in()
{
	module=$1
	log_mark
	is_loaded "$module" || tried="$module $tried"
	shift
	if insmod "$here/$module.ko" "$@" 2>"$tmp/insmod"; then
		loaded="$module $loaded"
		return
	fi
	# all of it, since it may be the kernel's loader or its lockdown that refuses
	log_since | tail -n 20 | quoted
	quoted <"$tmp/insmod"
	return 1
}

# --- the system

show_system()
{
	title "System"
	row board "$(line_of /proc/device-tree/model)"
	row compatible "$(line_of /proc/device-tree/compatible)"
	row kernel "$(uname -srm)"
	row "command line" "$(line_of /proc/cmdline)"
	sed -n 's/^\(model name\|CPU part\|isa\|uarch\|Processor\)[	 ]*: */\1: /p' \
		/proc/cpuinfo | sort | uniq -c | while read -r count what; do
		row "${what%%:*}" "${what#*: } (x$count)"
	done
	row memory "$(sed -n 's/^MemTotal: *//p' /proc/meminfo)"
	if with_mmu; then
		row MMU yes
	else
		row MMU no
	fi
}

show_caches()
{
	title "Caches, as the CPU names them"
	if [ -r "$board/caches" ]; then
		sed 's/^/  /' "$board/caches"
	else
		found=
		for cache in /sys/devices/system/cpu/cpu0/cache/index*; do
			[ -r "$cache/size" ] || continue
			found=y
			row "level $(cat "$cache/level")" "$(cat "$cache/type"), $(cat "$cache/size"), lines of $(cat "$cache/coherency_line_size" 2>/dev/null) bytes"
		done
		[ -n "$found" ] || echo "  not known"
	fi
	if [ -r "$board/mpu" ]; then
		title "MPU"
		sed 's/^/  /' "$board/mpu"
	fi
}

# --- pools

pool_names()
{
	for pool_dir in "$pools"/*/; do
		[ ! -r "$pool_dir/stats" ] || basename "$pool_dir"
	done
}

# aliases_of POOLS: which of them have an alias: all, some or none
aliases_of()
{
	echo "$1" | tr , '\n' | awk -F : '
		$4 { with++ }
		END { print !with ? "none" : with == NR ? "all" : "some" }'
}

stat_of() { sed -n "s/^$2 //p" "$pools/$1/stats"; }

# kib_of NAME FIGURE: a shell with 32 bits cannot calculate with 2 GiB
kib_of() { awk -v figure="$2" '$1 == figure { printf "%d", $2 / 1024 }' "$pools/$1/stats"; }

# attach_files: one for each pool that is up. A shell expands no pattern behind a ">".
attach_files()
{
	for attach_file in "$pool_driver"/*/attach; do
		[ ! -e "$attach_file" ] || echo "$attach_file"
	done
}

# has_log: is there a kernel log, in which others say what they found?
has_log()
{
	dmesg >/dev/null 2>&1 && return
	echo "  left out: there is no kernel log (CONFIG_PRINTK), or no dmesg"
	return 1
}

# said_of WHAT: what the log has about it
said_of() { dmesg | grep -e "$1" | tail -n 10 | quoted; }

# A pool of the device tree that does not come up says so in the log only. The device that
# its node describes has no driver then.
show_missing()
{
	for device in $(tree_pools); do
		device=${device%/uevent}
		[ ! -e "$device/driver" ] || continue
		problem "the pool of ${device##*/} is not up"
		said_of "dma_alias_pool ${device##*/}: "
	done
	[ -z "$(pool_names)" ] || return
	problem "the module is there, and no pool is up"
	said_of dma_alias_pool
}

show_pools()
{
	title "Pools"
	for pool in $(pool_names); do
		row "$pool" "$(kib_of "$pool" total_bytes) KiB, $(kib_of "$pool" free_bytes) free, $(stat_of "$pool" clients) clients"
		dmesg | sed -n "s/.*\(DMA pool $pool: [0-9]* KiB at .*\)/    \1/p" | tail -n 1
		for count in fail_count bad_free_count; do
			value=$(stat_of "$pool" $count)
			[ "${value:-0}" = 0 ] || row "  $count" "$value"
		done
	done
	show_missing
	[ "$(cat /sys/module/dma_alias_pool/parameters/verify 2>/dev/null)" = N ] || return
	# without the check, nobody knows whether the alias holds; some of these CPUs leave
	# no choice
	if uname -m | grep -q ^riscv; then
		unverified="are up, but were not checked"
		echo "  verify=0: whether the alias holds was not checked. That is right only where the CPU"
		echo "  cannot flush its caches, see porting.md."
	else
		problem "verify=0: whether the alias holds was not checked. Load the module without it"
	fi
}

# --- how fast the CPU is

# has_alias NAME: as the log says
has_alias()
{
	dmesg | grep "DMA pool $1: [0-9]* KiB at " | tail -n 1 |
		grep -q 'reached through its alias'
}

# is_checked NAME: with an MMU, memory is mapped as its devices need it. Without one, and
# without an alias, only a kernel for ARM can find out whether the CPU caches it.
is_checked()
{
	with_mmu || has_alias "$1" || uname -m | grep -q ^arm
}

# is_undecided NAME: with an MMU, the first client decides how a pool without an alias is
# mapped: has it had one?
is_undecided()
{
	with_mmu && [ "$(stat_of "$1" clients)" = 0 ] &&
		[ "$(stat_of "$1" alloc_count)" = 0 ] && ! has_alias "$1"
}

show_rates()
{
	[ -n "$(pool_names)" ] || return
	title "What the CPU gets done, KiB a second"
	# a pool that somebody set up is for other devices
	[ -n "$given" ] || for pool in $(pool_names); do
		! is_undecided "$pool" || {
			echo "  not measured: the first device of pool $pool decides how it is mapped"
			return
		}
	done
	log_mark
	device=$(attach_files | head -n 1)
	# dap-board is a device of the board module, so it may become a client
	[ -z "$device" ] || echo dap-board 2>/dev/null >"$device"
	client=$(grep -ls '^dap-board ' "$pools"/*/clients)
	if [ -z "$client" ]; then
		# a pool that somebody set up may be for other devices
		refused="pool $(pool_names | head -n 1) takes no device of ours"
		[ "$(pool_names | wc -l)" -eq 1 ] || refused="the pool of ${device%/attach} takes no device of ours"
		if [ -n "$given" ]; then problem "$refused"; else echo "  $refused"; fi
		log_since | quoted
		return
	fi
	client=${client%/clients}
	echo "  in pool ${client##*/}, and in cached memory of the kernel"
	cat "$board/rates" >"$tmp/rates"
	if grep -q '^none ' "$tmp/rates"; then
		sed -n 's/^none /  not measured: /p' "$tmp/rates"
		log_since | quoted
		return
	fi
	printf '  %-10s %12s %12s %12s\n' "" read write copy
	for memory in coherent cached; do
		# shellcheck disable=SC2046 # three words
		printf '  %-10s %12s %12s %12s\n' $memory \
			$(sed -n "s/^$memory [a-z]* //p" "$tmp/rates")
	done
	slow=$(sed -n 's/^coherent read //p' "$tmp/rates")
	fast=$(sed -n 's/^cached read //p' "$tmp/rates")
	if [ $((slow * 5)) -ge $((fast * 4)) ]; then
		echo "  Reading is as fast in both: either the CPU has no cache, or it is off,"
		if is_checked "${client##*/}"; then
			echo "  or the pool's memory is cached (the check at load would have found that)."
		else
			echo "  or the pool's memory is cached, which nobody can check here without an alias."
			[ -z "$given" ] || unchecked=", maybe cached"
		fi
	fi
}

# --- devices

show_devices()
{
	title "Clients"
	cat "$pools"/*/clients 2>/dev/null >"$tmp/clients"
	awk 'FILENAME == ARGV[1] { client[$1]; next }
		!($1 in client)' "$tmp/clients" "$board/devices" >"$tmp/devices"
	for pool in $(pool_names); do
		sed -n "1d; /^dap-board /d; s/^\([^ ]*\) .*/  \1 (pool $pool)/p" "$pools/$pool/clients"
	done
	title "Devices with a driver that a pool could have"
	attach_files | sed 's/^/  echo NAME > /'
	sed -n 's/^\([^ ]*\) \([^ ]*\) yes $/  \1 (\2)/p
		s/^\([^ ]*\) \([^ ]*\) yes \(..*\)$/  \1 (\2): \3/p' "$tmp/devices"
	title "Devices that it could not"
	sed -n 's/^\([^ ]*\) \([^ ]*\) no \(.*\)$/\3: \1/p' "$tmp/devices" | sort |
		awk -F ': ' '
		$1 != last { if (last) print ""; printf "  %s:\n   ", $1; last = $1; width = 0 }
		{
			if (width > 64) { printf "\n   "; width = 0 }
			printf " %s", $2
			width += length($2) + 1
		}
		END { if (last) print "" }'
}

# --- selftests

# run_selftests BASE:SIZE[:ALIAS]: in this memory
run_selftests()
{
	title "Selftests, in the memory of the first pool"
	unload_ours
	if is_loaded dma_alias_pool; then
		echo "  left out: they load the module themselves, and it is still there"
		return
	fi
	has_log || return
	testing=y
	for safe_test in $safe; do
		script=${safe_test%@*}
		rounds=${safe_test#"$script"}
		[ -e "$here/$script" ] || continue
		DAP_POOL=$1 TMPDIR=$tmp sh "$here/$script" ${rounds#@} >"$tmp/$script" 2>&1 &
		child=$!
		wait $child
		status=$?
		checkpoint
		child=
		passed=$(grep '^ok ' "$tmp/$script" | grep -vc ' # SKIP')
		failed=$(grep -c '^not ok' "$tmp/$script")
		skipped=$(sed -n 's/^1\.\.0 # SKIP/, skipped:/p; s/^ok [0-9]* [a-z_]* # SKIP/, one skipped:/p' "$tmp/$script" | tr -d '\n')
		row "$script" "$passed passed, $failed failed$skipped"
		[ "$passed" -eq 0 ] || what="$holds, the selftests pass"
		# show the last lines of a test that did not even begin, or did not end
		planned=$(sed -n 's/^1\.\.\([0-9][0-9]*\).*/\1/p' "$tmp/$script" | head -n 1)
		if [ -z "$planned" ]; then
			tail -n 5 "$tmp/$script" | sed 's/^/  | /'
			problem "$script did not run"
		elif [ "$(grep -c -e '^ok ' -e '^not ok' "$tmp/$script")" -ne "$planned" ]; then
			tail -n 5 "$tmp/$script" | sed 's/^/  | /'
			problem "$script ended early (status $status), see dmesg"
		elif [ "$failed" -gt 0 ]; then
			# show each test that failed, and why
			awk '/^#/ { why = why "  | " $0 "\n" }
				/^ok/ { why = "" }
				/^not ok/ { printf "%s  | %s\n", why, $0; why = "" }' "$tmp/$script"
			problem "$script failed"
		fi
	done
	grep -h '^# in a part of the memory' "$tmp"/*.sh | sort -u | sed 's/^#/ /'
	testing=
	# what a selftest that ended early has left
	for module in dma_alias_pool dma_alias_pool_test; do
		! is_loaded $module || loaded="$module $loaded"
	done
}

# --- dmatest

dmatest=/sys/module/dmatest/parameters

# dmatest_copies N: copy N times, set $result to dmatest's summary, release the channel.
# Fails for a channel that dmatest does not take, as it cannot copy memory.
dmatest_copies()
{
	log_mark
	result=
	echo "$1" >$dmatest/iterations
	echo "$name" 2>/dev/null >$dmatest/channel || return
	echo 1 >$dmatest/run
	cat $dmatest/wait >/dev/null
	echo 0 >$dmatest/run
	# reading it sets it back
	cat $dmatest/channel >/dev/null
	result=$(log_since | sed -n "s/.*dmatest: $name.*summary/summary/p")
}

# Copy by a channel whose controller is a client, so that its descriptors are in the pool.
show_dmatest()
{
	title "DMA engine (dmatest)"
	has_log || return
	[ -e $dmatest ] || ! modprobe dmatest 2>/dev/null || our_dmatest=y
	if [ ! -e $dmatest ]; then
		echo "  the kernel has no CONFIG_DMATEST, or no channel"
		return
	fi
	if [ "$(cat $dmatest/run)" != N ]; then
		echo "  somebody else's is running"
		return
	fi
	for channel in /sys/class/dma/*; do
		[ -e "$channel/in_use" ] && [ "$(cat "$channel/in_use")" = 0 ] || continue
		controller=$(basename "$(readlink -f "$channel/device")")
		grep -qs "^$controller " "$pools"/*/clients || continue
		name=$(basename "$channel")
		before="$(cat $dmatest/iterations) $(cat $dmatest/timeout)"
		echo 500 >$dmatest/timeout
		# first once, so as not to wait a hundred times for one that does not work
		copies=y
		dmatest_copies 1 || copies=
		case $result in *" 0 failures"*) dmatest_copies 100 ;; esac
		echo "${before% *}" >$dmatest/iterations
		echo "${before#* }" >$dmatest/timeout
		[ -n "$copies" ] || continue
		row "$name" "${result:-no summary, see dmesg}"
		case $result in
		*" 0 failures"*) ;;
		*) problem "dmatest on $name, whose descriptors are in a pool" ;;
		esac
		return
	done
	echo "  no free channel that copies memory, of a controller that is a client"
}

# --- the verdict

verdict()
{
	title "Verdict"
	[ -z "$stays" ] || echo "  Still loaded:$stays. There is no rmmod, or
  this kernel cannot unload modules (CONFIG_MODULE_UNLOAD)."
	if [ -n "$wrong" ]; then
		echo "  NOT RIGHT:$wrong"
		echo "  What messages mean: the administrator's guide. No alias: porting.md."
		finish 1
	fi
	echo "  All is right: $what."
	finish 0
}

# --- the report

quick=
[ "${1:-}" != -q ] || { quick=y; shift; }
case ${1:-} in -*)
	sed -n '3,18s/^# \{0,1\}//p' "$0"
	exit 2
	;;
esac
for tool in $tools; do
	type $tool >/dev/null 2>&1 || lacking="$lacking $tool"
done
[ -z "$lacking" ] || { echo "report.sh: needs what is not here:$lacking"; exit 2; }
# not every BusyBox has id
grep -q '^Uid:[^0-9]*[0-9][0-9]*[^0-9][^0-9]*0[^0-9]' /proc/self/status || { echo "report.sh: needs root"; exit 2; }
child='' testing='' tried='' stop='' our_dmatest='' our_debugfs=''
trap 'stop=y; [ -z "$child" ] || kill "$child"' INT TERM HUP QUIT
# nobody reads this any more
trap 'stop=y; exec >/dev/null 2>&1; [ -z "$child" ] || kill "$child"' PIPE
mkdir -p "${tmp%/*}" && mkdir -m 700 "$tmp" || {
	echo "report.sh: needs to write to ${tmp%/*}: set TMPDIR to where it can"
	exit 2
}
# without it, what a selftest says would be cut off, and look like a fault
dd if=/dev/zero of="$tmp/room" bs=1024 count=256 2>/dev/null || {
	echo "report.sh: needs room for 256 KiB in ${tmp%/*}: set TMPDIR to where it is"
	finish 2
}
rm "$tmp/room"
if ! grep -q " $debugfs debugfs " /proc/mounts; then
	mount -t debugfs none $debugfs 2>/dev/null || {
		echo "report.sh: debugfs cannot be mounted: is there /sys, and CONFIG_DEBUG_FS?"
		finish 2
	}
	our_debugfs=y
fi

echo "dma-alias-pool: report of $(uname -n), $(uname -r)"
show_system
checkpoint
given=
for pool; do
	given=$given${given:+,}$pool
done
aliases=$(aliases_of "$given")
if is_there dma_alias_pool; then
	[ -z "$given" ] || echo "
The module is loaded already: its own pools are looked at, not $given."
	given=
elif [ -n "$given" ]; then
	[ -z "$(tree_pools)" ] || {
		echo "report.sh: the device tree has pools, which would come up too, for devices in use:
load the module (modprobe or insmod), and run this without pools"
		finish 2
	}
	title "Loading the module with pools=$given"
	if put_in dma_alias_pool "pools=$given"; then
		echo "  It takes them."
		[ "$aliases" = none ] ||
			echo "  Phys and alias are the same memory, in both directions, and not cached."
		[ "$aliases" = all ] ||
			echo "  Of what has no alias, only an ARM kernel without an MMU checks that it is not cached."
	else
		problem "the module does not take the pool, for the reason that the kernel log has"
	fi
	checkpoint
else
	echo "report.sh: say which memory (NAME:BASE:SIZE:ALIAS), or load the module first"
	finish 2
fi
is_there dma_alias_pool_board || put_in dma_alias_pool_board ||
	problem "dma_alias_pool_board.ko cannot be loaded: is it of this kernel?"
checkpoint
show_caches
if is_there dma_alias_pool; then
	for step in show_pools show_rates show_devices show_dmatest; do
		$step
		checkpoint
	done
fi
what="the pools that are in use ${unverified:-hold}; no selftests were run beside them"
if [ -n "$given" ] && [ -z "$wrong" ]; then
	holds="the alias holds"
	[ "$aliases" = all ] || holds="the pool is up$unchecked"
	what=$holds
	if [ -z "$quick" ]; then
		# BASE:SIZE:ALIAS of the first pool, without NAME and BUS
		first=${given%%,*}
		first=${first#*:}
		case $first in *:*:*:*) first=${first%:*} ;; esac
		what="$holds; no selftests were run"
		run_selftests "$first"
	fi
fi
checkpoint
unload_ours
# nothing comes between the verdict and its end
trap '' INT TERM HUP QUIT PIPE
verdict
