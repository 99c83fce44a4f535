#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# selfcheck.sh [KVER [BOARD]] - tests the rig itself. Boots small scripts that pass, fail,
# hang, panic, complain or touch watched memory, and checks that run.py judges each
# rightly. Then tests which kernels the rig finds in different archives, and the table
# of parts.sh. The module is not needed.
# KTAP on stdout; ends "N passed, N failed". Exit status 0 if none failed.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"
unset LIMIT LIMIT_ENDS RIG_PART	# check-all's
KVER=${1:-}
BOARD=${2:-}
default_machine

need qemu-system-arm device-tree-compiler python3
KERNEL=$("$HERE/kernel.sh" "$KVER" "$BOARD")
USERLAND=$("$HERE/userland.sh")
# shellcheck source=boards/an385/board.conf
. "$KERNEL/rig/board.conf"
rig_tmp
FILES=$RIG_TMP/files
mkdir "$FILES"

# --- the scripts ----------------------------------------------------------

# guest NAME: write stdin to a script for the machine
guest() { cat >"$FILES/$1"; }

guest pass <<'X1'
echo "KTAP version 1"
echo "1..2"
echo "    1..1"
echo "    ok 1 inner"
echo "ok 1 outer $1 $2"
printf 'ok 2 odd <3> -n \\ "quoted"   spaces'
X1
guest fail <<'X1'
echo 1..2
echo "ok 1 fine"
echo "not ok 2 this one fails"
X1
guest hidden <<'X1'
echo 1..1
echo "    1..1"
echo "    not ok 1 inner failure"
echo "ok 1 outer"
X1
guest missing <<'X1'
echo 1..3
echo "ok 1 fine"
X1
guest noplan <<'X1'
echo "ok 1 fine"
X1
guest status <<'X1'
echo 1..1
echo "ok 1 fine"
exit 3
X1
guest pool <<'X1'
echo 1..1
echo "ok 1 $RIG_POOL"
X1
guest skip <<'X1'
echo 1..2
echo "ok 1 fine"
echo "ok 2 not here # SKIP no hardware"
X1
guest hang <<'X1'
echo 1..2
echo "ok 1 fine"
while :; do sleep 100; done
X1
guest warn <<'X1'
echo 1..1
echo "<4>WARNING: CPU: 0 PID: 1 at nowhere.c:1" >/dev/kmsg
echo "ok 1 fine"
X1
guest mistake <<'X1'
echo 1..1
[ 0xff -gt 1 ] || echo "ok 1 $(nothing_of_the_kind)fine"
X1
guest spins <<'X1'
echo 1..1
echo "<0>Unhandled exception: IPSR = 00000005 LR = fffffff1" >/dev/kmsg
while :; do sleep 100; done
X1
guest ends <<'X1'
echo 1..1
echo "ok 1 fine"
usleep 100000
poweroff
X1
guest another <<'X1'
. ./rig-watch.sh
echo 1..1
rig_expect 'WARNING: .* nowhere'
echo "<4>WARNING: CPU: 0 PID: 1 at nowhere.c:1" >/dev/kmsg
echo "<3>BUG: KASAN: use-after-free in nowhere" >/dev/kmsg
rig_end_expect
echo "ok 1 fine"
X1
guest expected <<'X1'
. ./rig-watch.sh
echo 1..1
rig_expect 'WARNING: .* nowhere'
echo "<4>WARNING: CPU: 0 PID: 1 at nowhere.c:1" >/dev/kmsg
echo "<4>Call trace:" >/dev/kmsg
rig_end_expect
echo "ok 1 fine"
X1
guest absent <<'X1'
. ./rig-watch.sh
echo 1..1
rig_expect 'WARNING: .* elsewhere'
echo "<4>WARNING: CPU: 0 PID: 1 at nowhere.c:1" >/dev/kmsg
rig_end_expect
echo "ok 1 fine"
X1
guest allowed <<'X1'
. ./rig-watch.sh
echo 1..2
rig_allow 'WARNING: .* nowhere'
echo "<4>WARNING: CPU: 0 PID: 1 at nowhere.c:1" >/dev/kmsg
rig_end_expect
echo "ok 1 fine"
rig_allow 'WARNING: .* elsewhere'
[ "$1" = silent ] || echo "<4>WARNING: CPU: 0 PID: 1 at nowhere.c:1" >/dev/kmsg
[ "$1" = silent ] || echo "<3>BUG: KASAN: use-after-free in nowhere" >/dev/kmsg
rig_end_expect
echo "ok 2 fine"
X1
guest stops <<'X1'
. ./rig-watch.sh
echo 1..1
rig_expect_stop last-words
echo "<0>$1" >/dev/kmsg
while :; do sleep 100; done
X1
# A data race as KCSAN prints it: both accesses, and who called them. A test on another
# processor may print lines in between.
guest race <<'X1'
for line in "BUG: KCSAN: data-race in reader / writer" "1..1" \
	"write to 0x1 of 4 bytes by task 1 on cpu 0:" " writer+0x1/0x2 $1" " a+0x1/0x2" \
	" b+0x1/0x2" " c+0x1/0x2 $2" \
	"read to 0x1 of 4 bytes by interrupt on cpu 1:" " reader+0x1/0x2" $3 \
	"====="; do
	echo "<3>$line" >/dev/kmsg
done
echo "ok 1 fine"
X1
guest watch <<'X1'
. ./rig-watch.sh
echo 1..1
# touches count only while watching is on
devmem "$1" 32 >/dev/null
# what the caller does with its output is nothing to run.py
rig_watch on >/dev/null 2>&1
case $2 in
touch) devmem "$1" 32 1 ;;
expect)
	rig_expect_touch "$3" >/dev/null
	devmem "$1" 32 1
	devmem "$1" 32 >/dev/null
	rig_end_expect_touch
	;;
esac
rig_watch off
devmem "$1" 32 >/dev/null
echo "ok 1 fine"
X1
guest module <<'X1'
echo 1..1
echo "rig: module m 0x1000"
echo "ok 1 fine"
X1
guest peek <<'X1'
echo 1..1
echo "ok 1 read"
[ $(($(devmem "$1" 32))) = "$2" ]
X1
# Each subshell gets all functions as its arguments: here nearly as many as stack.sh lets
# through. How much of its stack is left when it begins? See build_busybox().
guest subshell <<'X1'
text=$(printf '%04000d' 0)
for i in 0 1 2 3 4 5 6 7 8 9; do
	eval "a$i() { : $text; }; b$i() { : $text; }"
done
left()
{
	read -r line </proc/self/stat
	set -- $line
	shift 27
	stack_pointer=$1
	shift 19
	echo $((stack_pointer - $1))
}
echo 1..1
left=$(left)
[ $left -ge 16384 ] || printf "not "
echo "ok 1 $left bytes are left of the stack"
X1
# What the tests do in a shell whose stack is too small for that.
cp "$(dirname "$HERE")"/{ktap,stack,log,insmod}.sh "$FILES"
guest cramped <<X1
. ./ktap.sh
echo "ok 1 runs"
# $(printf '%0180000d' 0)
X1
guest raw <<'X1'
printf 'no prefix, '
usleep 200000
echo "$RIG_BOARD $1"
exit "$1"
X1
"$HERE/initramfs.sh" "$RIG_TMP/initrd.gz" "$USERLAND" "$FILES"

# --- the checks -----------------------------------------------------------

N=0
FAILED=0

verdict() {
	N=$((N + 1))
	if [ "$1" = 0 ]; then
		echo "ok $N $2"
	else
		echo "not ok $N $2"
		sed 's/^/# /' "$RIG_TMP/out"
		FAILED=$((FAILED + 1))
	fi
}

run() {
	timeout 150 python3 -W default::ResourceWarning "$HERE/run.py" --kernel "$KERNEL" --initrd "$RIG_TMP/initrd.gz" \
		--board "$BOARD" --timeout 60 "$@" >"$RIG_TMP/out" 2>&1
}

# check NAME STATUS REGEX RUN.PY-OPTIONS...: run.py must end with STATUS and print a line
# that matches REGEX. What is typed at it comes from the file TYPED.
check() {
	local name=$1 want=$2 regex=$3 got=0 bad=0
	shift 3
	run "$@" <"${TYPED:-/dev/null}" || got=$?
	[ $got -eq "$want" ] || bad=1
	grep -Eq -- "$regex" "$RIG_TMP/out" || bad=1
	# files and pipes that were left open
	! grep -q ResourceWarning "$RIG_TMP/out" || bad=1
	echo "[exit status $got, wanted $want and /$regex/]" >>"$RIG_TMP/out"
	verdict $bad "$name"
}

echo "KTAP version 1"
check "a passing script passes" 0 ': 2 passed, 0 failed$' --run pass a b
check "its arguments arrive" 0 '^ok 1 outer a b$' --run pass a b
check "its text arrives unchanged" 0 '^ok 2 odd <3> -n \\ "quoted"   spaces$' --run pass
check "it passes with guest time counted" 0 ': 2 passed, 0 failed$' --icount --run pass
check "words for QEMU arrive" 2 'no-such-option: invalid option' --qemu=-no-such-option --run pass
check "another pool is told to the script" 0 '^ok 1 0x1:0x2:0x3$' \
	--pool 0x1:0x2:0x3 --run pool
check "a skipped test is no failure" 0 ': 1 passed, 0 failed, 1 skipped$' --run skip
check "a failing result fails" 1 ': 1 passed, 1 failed$' --run fail
check "a nested failure must be reflected" 1 'FAILED: .*inner failure.* below' --run hidden
check "missing results fail" 1 '2 of 3 results are missing' --run missing
check "a subshell has a stack, whatever its arguments" 0 ': 1 passed, 0 failed$' \
	--run subshell
check "tests do not run in a shell whose stack is too small" 1 \
	'^1..0 # SKIP .* stack of 128 KiB' --run cramped
check "a missing plan fails" 1 'no plan' --run noplan
check "a script's exit status counts" 1 'ended with status 3' --run status
check "a script that is not there fails" 1 'ended with status' --run nosuch
check "a hang is ended" 1 'FAILED: timeout: no result for' --timeout 6 --run hang
bad=0
grep -Eq '^rig: CPU 0 is at 0x[0-9a-f]+, [a-z]' "$RIG_TMP/out" || bad=1
verdict $bad "and where it stood is said"
check "a panic is seen" 1 'FAILED: the kernel panicked' --append rdinit=/bin/false --run pass
check "an exception that nothing handles ends it" 1 'FAILED: the kernel panicked' --run spins
check "a warning in the kernel log fails" 1 'FAILED: kernel: WARNING' --run warn
check "a mistake in a script fails" 1 'FAILED: script: .*bad number' --run mistake
check "and so does a command that there is not" 1 'FAILED: script: .*nothing_of_the_kind' --run mistake
check "an end without the finished line fails" 1 'ended without the finished line' --run ends
check "an expected complaint passes" 0 ': 1 passed, 0 failed$' --run expected
check "a mistake beside an expected complaint fails" 1 'FAILED: kernel: BUG: KASAN' \
	--run another
check "an expected complaint must come" 1 'did not come: .*elsewhere' --run absent
check "a complaint that is allowed may come or not" 0 ': 2 passed, 0 failed$' \
	--run allowed silent
check "a mistake beside it fails" 1 'FAILED: kernel: BUG: KASAN' --run allowed loud
check "an expected stop passes" 0 ': 1 passed, 0 failed$' --run stops last-words
check "an expected stop must come" 1 'did not stop with "last-words"' \
	--timeout 6 --run stops other-words
check "a data race in the module fails" 1 'FAILED: kernel: BUG: KCSAN' \
	--run race "[dma_alias_pool]" none
check "a complaint amid a data race fails" 1 'FAILED: kernel: Oops' \
	--run race none none Oops
check "the kernel's own data races are counted" 0 ': 1 passed, 0 failed; 1 data races' \
	--run race none "[dma_alias_pool]"
check "watching: nothing touched passes" 0 ', 0 touches$' \
	--watch "$POOL_PHYS:$POOL_SIZE" --run watch "$POOL_PHYS"
check "watching: the alias is not the watched view" 0 ', 0 touches$' \
	--watch "$POOL_PHYS:$POOL_SIZE" --run watch "$POOL_ALIAS" touch
check "watching: a planted touch fails" 1 'FAILED: watched memory touched: pc 0x' \
	--watch "$POOL_PHYS:$POOL_SIZE" --run watch "$POOL_PHYS" touch
check "watching: expected touches pass" 0 ', 2 touches \(2 expected\)$' \
	--watch "$POOL_PHYS:$POOL_SIZE" --run watch "$POOL_PHYS" expect 2
check "watching: too few touches fail" 1 'touched 2 times, expected 3' \
	--watch "$POOL_PHYS:$POOL_SIZE" --run watch "$POOL_PHYS" expect 3
check "watching: what is no number is no option" 2 'two numbers$' --watch 2g:10 --run pass
check "watching: nor one in hexadecimal without 0x" 2 'two numbers$' --watch 2f:10 --run pass
check "watching: a module that is not there is the caller's fault" 2 'nosuch\.ko' \
	--watch "$POOL_PHYS:$POOL_SIZE" --module m=nosuch.ko --run module
check "watching: never on fails" 1 'never on' --watch "$POOL_PHYS:$POOL_SIZE" --run pass
check "--cacheid makes the kernel believe in caches" 0 ': 1 passed, 0 failed$' \
	--cacheid --run peek "0x$(awk '$3 == "cacheid" { print $1 }' "$KERNEL/System.map")" 2
check "--raw passes text and status on" 1 "^no prefix, $BOARD 4\$" --raw raw 4
check "--interactive ends when nothing is typed" 0 "^$BOARD:.*# poweroff" --interactive
bad=0
run --interactive <&- || bad=1
verdict $bad "--interactive ends when stdin is closed"
# a pipe that stays open, as that of a person who types
mkfifo "$RIG_TMP/typed"
exec 8<>"$RIG_TMP/typed"
printf '%s\n' 'echo "the sum is $((40 + 2))"' 'poweroff' >&8
TYPED=$RIG_TMP/typed check "--interactive does what is typed, before all has been" 0 \
	'^the sum is 42' --interactive
exec 8>&-
cat >"$RIG_TMP/crashing" <<'X0'
#!/bin/sh
[ $(($(cat "$CRASHES") - 1)) -lt 0 ] || {
	echo $(($(cat "$CRASHES") - 1)) >"$CRASHES"
	kill -SEGV $$
}
exec qemu-system-arm "$@"
X0
chmod +x "$RIG_TMP/crashing"
export CRASHES=$RIG_TMP/crashes
echo 1 >"$CRASHES"
QEMU=$RIG_TMP/crashing check "an emulator that crashes gets another try" 0 ': 2 passed, 0 failed$' --run pass
echo 1 >"$CRASHES"
QEMU=$RIG_TMP/crashing check "one that is watched, too" 0 ', 0 touches$' \
	--watch "$POOL_PHYS:$POOL_SIZE" --run watch "$POOL_PHYS"
echo 2 >"$CRASHES"
QEMU=$RIG_TMP/crashing check "but no third one" 2 '^rig: QEMU crashed, SIGSEGV$' --run pass
cat >"$RIG_TMP/locking" <<'X0'
#!/bin/sh
case "$*" in
*-kernel*)
	echo "qemu: fatal: Lockup: can't escalate 3 to HardFault (current priority -1)" >&2
	echo "[    0.000000] Booting Linux"
	kill -ABRT $$
	;;
esac
exec qemu-system-arm "$@"
X0
chmod +x "$RIG_TMP/locking"
QEMU=$RIG_TMP/locking check "a processor that locks up gets none" 1 \
	'the machine ended without the finished line' --run pass
QEMU=/nonexistent check "a missing emulator is the rig's fault" 2 'not installed' --run pass

# A stand-in that says what it is told, once or again and again, and stays.
cat >"$RIG_TMP/saying" <<'X0'
#!/bin/sh
printf '%b' "$SAYS"
[ -z "$AGAIN" ] || exec yes "$SAYS"
exec sleep 100
X0
chmod +x "$RIG_TMP/saying"
# heard NAME STATUS REGEX TEXT RUN.PY-OPTIONS...: what run.py makes of TEXT
heard() {
	SAYS=$4 QEMU=$RIG_TMP/saying check "$1" "$2" "$3" --timeout 2 "${@:5}"
}
heard "what is no regular expression fails" 1 'FAILED: "# expect: \(": missing' \
	'1..1\n# expect: (\nok 1 fine\n' --run x
heard "nor as last words" 1 'FAILED: "# expect-stop: \(": missing' \
	'1..1\n# expect-stop: (\nmore\n' --run x

# one result a second, in more seconds than the timeout has
cat >"$RIG_TMP/slow" <<'X0'
#!/bin/sh
printf '1..7\n'
for n in 1 2 3 4 5 6 7; do
	sleep 1
	printf 'ok %d\n' $n
done
printf '%b' "$SAYS"
exec sleep 100
X0
chmod +x "$RIG_TMP/slow"
SAYS='rig: finished status=0\n' QEMU=$RIG_TMP/slow check "a timeout is from result to result" \
	0 ': 7 passed, 0 failed$' --timeout 6 --run x
SAYS='more\n' QEMU=$RIG_TMP/slow check "and from the last one to the end" \
	1 'FAILED: timeout: no end for 6' --timeout 6 --run x

AGAIN=y heard "who says too much is ended" 1 'FAILED: it says more than' \
	"$(printf %10000d 0)" --timeout 60 --run x
heard "--raw sees a panic before other lines" 1 'FAILED: the kernel panicked' \
	'---[ end Kernel panic - not syncing ]---\nmore\n' --raw x
bad=0
AGAIN=y SAYS="Kernel panic - not syncing $(printf %10000d 0)" QEMU=$RIG_TMP/saying \
	timeout 60 "$HERE/../life/life.py" --kernel "$KERNEL" --initrd "$RIG_TMP/initrd.gz" \
	--board "$BOARD" >"$RIG_TMP/out" 2>&1 || bad=$?
grep -q "^not ok 1 .*: hang" "$RIG_TMP/out" && [ $bad -eq 1 ] && bad=0 || bad=1
verdict $bad "the fuzzer gives up a machine whose panic does not end"

# Files that QEMU maps as memory, by a stand-in that looks at them and may stay.
cat >"$RIG_TMP/mapping" <<'X0'
#!/bin/sh
for word; do
	case $word in [abc]=*) eval "${word%%=*}=\${word#*=}" ;; esac
done
[ "$a" = "$b" ] && [ "$a" != "$c" ] && [ $(stat -c %s "$a") -eq 1048576 ] &&
	echo "one file"
dirname "$a" >"$PLACE"
[ -z "$STAYS" ] || exec sleep 100
echo "rig: finished status=0"
X0
chmod +x "$RIG_TMP/mapping"
export PLACE=$RIG_TMP/place
files=(--qemu "a=@ram:1@ b=@ram:1@ c=@disk:1@")
is_gone() { [ -s "$PLACE" ] && [ ! -e "$(cat "$PLACE")" ]; }
QEMU=$RIG_TMP/mapping check "memory at two addresses is one file" 0 '^one file$' "${files[@]}" --raw x
is_gone && bad=0 || bad=1
verdict $bad "which is gone afterwards"

# interrupted NAME [COMMAND]: Ctrl-C while the stand-in stays, then COMMAND
interrupted() {
	local bad pid
	rm "$PLACE"
	STAYS=y QEMU=$RIG_TMP/mapping python3 "$HERE/run.py" --kernel "$KERNEL" --initrd \
		"$RIG_TMP/initrd.gz" --board "$BOARD" "${files[@]}" --raw x \
		>"$RIG_TMP/out" 2>&1 &
	pid=$!
	until [ -s "$PLACE" ] || ! kill -0 $pid 2>/dev/null; do sleep 0.1; done
	kill -INT $pid
	[ -z "${2:-}" ] || $2
	wait $pid || true
	is_gone && bad=0 || bad=1
	verdict $bad "$1"
}
again() { while kill -INT $pid 2>/dev/null; do :; done; }
interrupted "and after Ctrl-C"
# so many that it is amid them when the next signal comes
files+=(--qemu "$(printf '@disk:0@ %.0s' {1..1000})")
interrupted "and after Ctrl-C again and again" again

# The names of a module's functions, also if its sections have an address before it is
# loaded, as from the linker script of Linux 6.18.
named() {
	arm-linux-gnueabi-as -o "$RIG_TMP/names.o" - <<-X0
		.type near, %function
		.type far, %function
		near: .space 16
		far: .space 16
		.size near, 16
		.size far, 16
	X0
	arm-linux-gnueabi-ld -r -T /dev/stdin -o "$RIG_TMP/names.ko" "$RIG_TMP/names.o" \
		<<<"SECTIONS { .text $1 : { *(.text) } }"
	PYTHONPATH=$HERE python3 - "$RIG_TMP/names.ko" <<-X0
		import sys
		from symbols import Symbols
		names = Symbols("/dev/null", {"names": sys.argv[1]}, "arm-linux-gnueabi-nm")
		names.module("names", 0x1000, ".text")
		print(names.name(0x1004), names.name(0x1014), names.name(0x1020))
	X0
}
for at in 0 0xdc; do
	bad=0
	named $at >"$RIG_TMP/out" 2>&1 || bad=1
	grep -qxF 'near+0x4 [names] far+0x4 [names] None' "$RIG_TMP/out" || bad=1
	verdict $bad "names of functions, with the section at $at"
done

# What kernels say of mistakes without a warning's trace; and what a warning that is
# expected must not hide.
complaints() {
	PYTHONPATH=$HERE python3 - <<-'X0'
		from klog import COMPLAINT, MISTAKE
		both = """resource: Trying to free nonexistent resource <0000000020000000-00000000203fffff>
		BUG kmalloc-64 (Tainted: G           O      ): Object already free
		kobject (0x1): tried to init an initialized object, something is seriously wrong.
		WARNING: inconsistent lock state
		WARNING: possible irq lock inversion dependency detected
		WARNING: suspicious RCU usage
		list_del corruption. prev->next should be ffff, but was fffe
		sysfs: cannot create duplicate filename '/a'
		DMA-API: dap-life dap-life.0: device driver tries to free DMA memory it has not allocated
		OF: ERROR: Bad of_node_put() on /dma-pool
		OF: ERROR: memory leak before free overlay changeset,  /overlay"""
		one = """debugfs: Directory 'sram' with parent 'dma_alias_pool' already present!
		debugfs: File 'peak' in directory 'sram' already present!
		debugfs: 'sram' already exists in 'dma_alias_pool'
		Error: Driver 'dma_alias_pool' is already registered, aborting...
		genirq: Flags mismatch irq 3. 00000080 (a) vs. 00000000 (b)
		** 12 printk messages dropped **
		kmemleak: Kernel memory leak detector disabled
		WARNING: CPU: 0 PID: 1 at kernel/dma/mapping.c:1 f+0x1/0x2
		WARNING: kernel/dma/mapping.c:1 at f+0x1/0x2"""
		for text in (both + "\n" + one).split("\n"):
		    if not COMPLAINT.search(text) or (text in both) != bool(MISTAKE.search(text)):
		        print(text)
	X0
}
bad=0
complaints >"$RIG_TMP/out" 2>&1 || bad=1
[ ! -s "$RIG_TMP/out" ] || bad=1
verdict $bad "what a kernel complains of"

# Where no QEMU can have a data cache, the check of it is skipped by name, and does not
# fail.
bad=0
XDG_CACHE_HOME=$RIG_TMP/cache OLDEST_QEMU=1000 "$HERE/../host/check_cache.sh" \
	>"$RIG_TMP/out" 2>&1 </dev/null || bad=1
grep -q "^ok - the machine with a cache # SKIP " "$RIG_TMP/out" || bad=1
verdict $bad "no emulator for the machine with a cache: skipped"

# --- kernels that Debian's archive has or does not have. A directory takes the place of
# the archive.

# offer SUITE SERIES...: let the archive's SUITE have kernel sources of these series only
offer() {
	local kver dir
	dir=$RIG_TMP/apt/archive/dists/$1/main/binary-$(dpkg --print-architecture)
	mkdir -p "$dir"
	for kver in "${@:2}"; do
		printf '%s\n' "Package: linux-source-$kver" "Version: $kver.1-1" \
			"Architecture: all" "Filename: none.deb" "Size: 1" \
			"SHA256: $(printf '%064d' 0)" ""
	done >"$dir/Packages"
}

# archive "SUITE SERIES..." ...: make an archive that has only these, and empty the cache.
# The machine's own suite is bookworm.
archive() {
	local line
	rm -rf "$RIG_TMP/apt" "$RIG_TMP/cache"
	mkdir -p "$RIG_TMP"/apt/{lists/partial,cache/archives/partial,empty} "$RIG_TMP/cache"
	for line in bookworm "$@"; do
		# shellcheck disable=SC2086 # words
		offer $line
	done
	echo "deb [trusted=yes] file:$RIG_TMP/apt/archive bookworm main" >"$RIG_TMP/apt/sources"
	cat >"$RIG_TMP/apt/conf" <<-X0
	Dir::Etc::SourceList "$RIG_TMP/apt/sources";
	Dir::Etc::SourceParts "$RIG_TMP/apt/empty";
	Dir::State::Lists "$RIG_TMP/apt/lists";
	Dir::Cache "$RIG_TMP/apt/cache";
	Acquire::AllowInsecureRepositories "true";
	APT::Sandbox::User "root";
	X0
	with_archive apt-get -q update >"$RIG_TMP/out" 2>&1
}

# with_archive COMMAND...: run COMMAND with that archive and that cache
with_archive() {
	env -u RIG_REFRESH -u KSRC APT_CONFIG="$RIG_TMP/apt/conf" \
		XDG_CACHE_HOME="$RIG_TMP/cache" "$@"
}

# keep KVER [FILE]: put a source tree of this series into the cache, in which there is FILE
keep() {
	local src=$RIG_TMP/cache/dma-alias-pool/src dir
	dir=$src/linux-source-$1.1-1
	mkdir -p "$dir/$(dirname "${2:-.}")"
	touch "$dir/Makefile" ${2:+"$dir/$2"}
	echo "$1.1-1" >"$src/$1.current"
}

# says NAME STATUS LINES COMMAND...: with that archive COMMAND must end with STATUS and
# print LINES on stdout
says() {
	local got=0 bad=0
	with_archive "${@:4}" >"$RIG_TMP/said" 2>"$RIG_TMP/out" </dev/null || got=$?
	[ $got -eq "$2" ] && [ "$(cat "$RIG_TMP/said")" = "$3" ] || bad=1
	{ cat "$RIG_TMP/said" && echo "[exit status $got, wanted $2]"; } >>"$RIG_TMP/out"
	verdict $bad "$1"
}

# printed NAME LINE: the command before must have printed LINE, on stdout or stderr
printed() {
	local bad=0
	grep -qxF -- "$2" "$RIG_TMP/out" || bad=1
	verdict $bad "$1"
}

boards=arch/arm/configs/mps2_defconfig
riscv=arch/riscv/configs/nommu_virt_defconfig
machine='. "$0/lib.sh"; default_machine; echo "$KVER $BOARD"'
archive bullseye "bookworm 6.1 6.12" "trixie 6.12" "trixie-backports 7.5" "sid 7.4 7.6"
says "kernels: those of releases, and the newest of those that move" 0 \
	$'6.1\n6.12\n7.6' "$HERE/series.sh"
says "kernels: a release without any is named" 0 bullseye "$HERE/series.sh" silent
says "kernels: one that is gone is skipped" 3 "" "$HERE/kernel.sh" 5.10 an385
printed "kernels: that is said" "rig: skipped: Linux 5.10: Debian's archive has no linux-source-5.10, it has 6.1 6.12 7.4 7.5 7.6"
says "kernels: one of Debian's own builds, too" 3 "" "$HERE/stock.sh" 5.10 pc
offer bookworm 6.6
with_archive apt-get -q update >"$RIG_TMP/out" 2>&1
offer bookworm 6.1 6.12
says "kernels: one that only old lists have" 3 "" "$HERE/kernel.sh" --source 6.6
keep 5.10
says "kernels: one that is gone, but in the cache, counts" 0 $'5.10\n6.1\n6.12\n7.6' \
	"$HERE/series.sh"
keep 7.5
says "kernels: not one that is superseded" 0 $'5.10\n6.1\n6.12\n7.6' "$HERE/series.sh"
offer sid 7.9
says "kernels: the archive is asked once a day" 0 7.6 "$HERE/series.sh" newest
mv "$RIG_TMP/apt/archive" "$RIG_TMP/apt/gone"
rm -r "$RIG_TMP/cache/dma-alias-pool/apt"
touch -d "2 days ago" "$RIG_TMP/cache/dma-alias-pool/series"
says "kernels: what it said counts while it does not answer" 0 7.6 "$HERE/series.sh" newest
rm "$RIG_TMP/cache/dma-alias-pool/series"
says "kernels: without an archive the cache is enough" 0 $'5.10\n7.5' "$HERE/series.sh"

archive "trixie 6.12" "sid 7.6"
keep 6.12 $boards
keep 7.6
says "kernels: the newest with the boards takes the place of 6.1" 0 "6.12 an385" \
	"$HERE/series.sh" default
keep 6.1 $boards
says "kernels: 6.1 in the cache needs no archive" 0 "6.1 an385" "$HERE/series.sh" default
says "kernels: one without the boards is skipped" 3 "" "$HERE/kernel.sh" 7.6 an385
printed "kernels: that is said, too" "rig: skipped: Linux 7.6.1-1 for an385: it has no mps2_defconfig"
archive "trixie 6.12"
keep 6.12 $riscv
says "kernels: RISC-V, if none has the boards any more" 0 "6.12 rv64" \
	"$HERE/series.sh" default
says "kernels: make check takes that" 0 "6.12 rv64" \
	env -u KVER -u BOARD bash -euc "$machine" "$HERE"
says "kernels: a board has its own series" 0 "6.12 smp" \
	env -u KVER BOARD=smp bash -euc "$machine" "$HERE"
says "kernels: the user's comes first" 0 "6.6 smp" \
	env KVER=6.6 BOARD=smp bash -euc "$machine" "$HERE"
says "kernels: no board of that name" 1 "" \
	env -u KVER BOARD=an386 bash -euc "$machine" "$HERE"
printed "kernels: that is said as well" \
	"rig: there is no BOARD=an386, but $(cd "$HERE/boards" && echo */ | tr -d /)"
archive "trixie 6.12"
keep 6.12
says "kernels: one machine there must be" 1 "" "$HERE/series.sh" default
printed "kernels: what it would need" "rig: Debian's archive has no kernel source with $boards or $riscv"
says "kernels: Debian's own are not for every machine" 1 "" \
	env BOARD=an385 KVER=6.12 "$HERE/../host/check_stock.sh"
printed "kernels: and which those are is said" \
	"rig: BOARD=an385 has no kernel of Debian's, BOARD=pc and BOARD=arm64 have"

# --- a kernel of the user's

own=$RIG_TMP/own
mkdir "$own"
touch "$own/Kbuild"
printf 'VERSION = 6\nPATCHLEVEL = 6\n' >"$own/Makefile"
says "own kernel: not of another series" 1 "" \
	env KSRC="$own" KVER=6.1 BOARD=an385 "$HERE/machine.sh" prepare
printed "own kernel: that is said" \
	"rig: KSRC=$own is Linux 6.6, so it cannot be KVER=6.1: leave KVER out"
says "own kernel: not on a machine with Debian's" 1 "" \
	env KSRC="$own" KVER=6.6 BOARD=pc "$HERE/../host/check_stock.sh"
printed "own kernel: that is said, too" \
	"rig: BOARD=pc has kernels of Debian's only: leave BOARD out, or KSRC"
says "own kernel: a part of a larger check has others" 0 "6.1 pc" \
	env RIG_PART=y KSRC="$own" KVER=6.1 BOARD=pc bash -euc "$machine" "$HERE"
says "own kernel: on a board that has its own series" 0 "6.6 rv64" \
	env -u KVER KSRC="$own" BOARD=rv64 bash -euc "$machine" "$HERE"

# --- scripts for a target, run here, as far as they come without the module

need mksh
mkdir "$RIG_TMP/target"
cp "$HERE"/../{ktap,stack,log,insmod}.sh "$RIG_TMP/target/"
cat >"$RIG_TMP/target/pool.sh" <<'X0'
. "$(dirname "$0")/ktap.sh"
need_pool
pool a
pool b 0x10000 0x1000
X0
memory=0x9f000000:4M:0xdf000000
for shell in sh mksh; do	# mksh calculates with 32 bits
	says "target: addresses with 32 bits, $shell" 0 \
		$'a:0x9f000000:0x400000:0xdf000000\nb:0x9f010000:0x1000:0xdf010000' \
		env DAP_POOL=$memory $shell "$RIG_TMP/target/pool.sh"
done
while read -r memory number; do
	says "target: more than 32 bits, $memory" 4 \
		$'KTAP version 1\n'"1..0 # SKIP this shell calculates with 32 bits, and $number is too much for it: take one with 64" \
		env DAP_POOL="$memory" mksh "$RIG_TMP/target/pool.sh"
done <<-'X0'
	0x880000000:4M 0x880000000
	0xc0000000:4M:0xc000000000 0xc000000000
	0x40000000:0x80000000 0x80000000
	4G:4M 4G
X0
says "target: addresses in other ways of writing" 0 \
	$'a:0xc0000000:0x400000:0xd0000000\nb:0xc0010000:0x1000:0xd0010000' \
	env DAP_POOL=3221225472:4M:0x0D0000000 sh "$RIG_TMP/target/pool.sh"
for memory in a:0x20000000:4M 0x20000000 0x20000000:4MB 0x20000000:4M:0x20400000:0x0; do
	says "target: DAP_POOL=$memory" 1 \
		"Bail out! DAP_POOL=$memory is not BASE:SIZE[:ALIAS], as 0x20000000:4M:0x20400000" \
		env DAP_POOL=$memory sh "$RIG_TMP/target/pool.sh"
done
says "target: an empty ALIAS" 0 $'a:0x20000000:0x400000\nb:0x20010000:0x1000' \
	env DAP_POOL=512M:4M: sh "$RIG_TMP/target/pool.sh"
cp "$HERE/../demo.sh" "$RIG_TMP/target/"
says "target: no demo with an MMU" 1 "" \
	env DAP_POOL=0x9f000000:4M:0xdf000000 sh "$RIG_TMP/target/demo.sh"
printed "target: that is said" \
	"demo: it needs a kernel without an MMU, and memory with an alias; report.sh tells what is right here"

# --- the mirror

# mirror NAME LINE FILE: with sources of apt in FILE, which is on stdin, and no lists, as
# before the first "apt-get update", this is the line for Debian 12
mirror() {
	rm -rf "$RIG_TMP"/apt/sources* "$RIG_TMP"/apt/lists/*
	cat >"$RIG_TMP/apt/$3"
	sed -i "s,^Dir::Etc::SourceList .*,Dir::Etc::SourceList \"$RIG_TMP/apt/$3\";," "$RIG_TMP/apt/conf"
	says "$1" 0 "$2" bash -euc '. "$0/lib.sh"; apt_source_line deb bookworm' "$HERE"
}
mirror "mirror: its key is not that of others" "deb http://one.invalid/debian/ bookworm main" \
	sources.list <<-'X0'
	deb http://one.invalid/debian bookworm main
	deb [arch=all signed-by=/usr/share/keyrings/two.gpg] http://two.invalid/ stable main
X0
mirror "mirror: its key" \
	"deb [signed-by=/usr/share/keyrings/one.gpg] http://one.invalid/debian/ bookworm main" \
	sources.list <<-'X0'
	# two lines
	deb [signed-by=/usr/share/keyrings/one.gpg] http://one.invalid/debian bookworm main
X0
mirror "mirror: a file of paragraphs" "deb http://one.invalid/debian/ bookworm main" \
	a.sources <<-'X0'
	Types: deb
	URIs: http://one.invalid/debian
	Suites: bookworm
	Components: main

	Types: deb
	URIs: http://two.invalid/
	Suites: stable
	Components: main
	Signed-By: /usr/share/keyrings/two.gpg
X0
printf '# ours\nhttp://one.invalid/debian\tpriority:1\nhttp://two.invalid/debian\n' >"$RIG_TMP/mirrors"
mirror "mirror: a list of mirrors" "deb http://one.invalid/debian bookworm main" \
	sources.list <<X0
deb mirror+file:$RIG_TMP/mirrors bookworm main
X0

# --- packages

# To install what is missing must not remove what the user has. Only root installs it.
if [ "$(id -u)" -eq 0 ]; then
	mkdir "$RIG_TMP/fake"
	cat >"$RIG_TMP/fake/apt-get" <<-X0
		#!/bin/sh
		echo "\$*" >>"$RIG_TMP/asked"
	X0
	chmod +x "$RIG_TMP/fake/apt-get"
	bad=0
	PATH=$RIG_TMP/fake:$PATH XDG_CACHE_HOME=$RIG_TMP/cache \
		bash -euc '. "$0/lib.sh"; need no-such-package' "$HERE" >"$RIG_TMP/out" 2>&1 || bad=1
	cat "$RIG_TMP/asked" >>"$RIG_TMP/out"
	grep '^install .*no-such-package' "$RIG_TMP/asked" | grep -q -e --no-remove || bad=1
	verdict $bad "packages: installing them removes no other"
fi

# --- the table of parts.sh

# parts NAME STATUS COMMAND...: a check with a part for each COMMAND, named part1, part2
# and so on, of which AT_ONCE run at a time, must end with STATUS
parts() {
	local got=0 bad=0
	# shellcheck disable=SC2016 # the other shell's
	bash -euo pipefail -c 'tests=$1/.. top=$2 i=0
		. "$1/lib.sh"
		. "$1/parts.sh"
		at_once=${AT_ONCE:-1}
		shift 2
		for part; do check "part$((++i))" bash -c ". $tests/rig/lib.sh; $part"; done
		finish_parts' - "$HERE" "$RIG_TMP/parts" "${@:3}" >"$RIG_TMP/out" 2>&1 || got=$?
	[ $got -eq "$2" ] || bad=1
	# how long it took differs from run to run
	sed -i 's/  *\([0-9]\)/ \1/g; s/ 0:0[0-9] min$/ 0:00 min/' "$RIG_TMP/out"
	verdict $bad "$1"
}

parts "parts: what is skipped does not fail" 0 "echo 5 passed, 0 failed, 19 skipped" \
	"skip it is gone"
printed "parts: tests that were skipped are counted" "part1 5 passed 0 failed 19 skipped 0:00 min"
printed "parts: a part that was skipped is counted" "part2 0 passed 0 failed 1 skipped 0:00 min"
printed "parts: and named" "part2: skipped: it is gone"
printed "parts: in the sum as well" "5 passed, 0 failed, 20 skipped"
parts "parts: only who says so is skipped" 1 "echo 5 passed, 0 failed; exit 3"
printed "parts: all others fail" "5 passed, 1 failed"
parts "parts: without counts nothing is well" 1 "echo 5 passed"
parts "parts: a boot that failed" 1 "echo '  | last words'
	echo 'rig: the whole console is here'
	echo 0 passed, 1 failed"
printed "parts: has its last words at the end" "      | last words"

LIMIT=0 parts "parts: what would take too long is skipped" 0 "echo 0 passed, 1 failed"
printed "parts: and why" "part1: skipped: no time is left, LIMIT=0 minutes"

# late_boots NAME: of three boots, the first one takes all the time that there is
late_boots() {
	local bad=0
	# shellcheck disable=SC2016 # the other shell's
	LIMIT=1 bash -euo pipefail -c 'logs=$2
		. "$1/lib.sh"
		. "$1/boots.sh"
		boots_at_once=1
		boot() {
			echo "{ \"passed\": 5, \"failed\": 0, \"skipped\": 3 }" >"$logs/$1.json"
			echo "booted $1" >"$logs/$1.log"
			exec true
		}
		add() { echo "added $*"; LIMIT_ENDS=0; }
		run_boots one two three
		echo end' - "$HERE" "$RIG_TMP/parts" >"$RIG_TMP/out" 2>&1 || bad=1
	verdict $bad "$1"
}
late_boots "boots: no time left is no failure"
printed "boots: what was in time counts" "added one 5 0 3"
printed "boots: what was not is skipped" "added skipped 0 0 2"
printed "boots: what follows is done" "end"

# The first one would wait for ever for the second, if that did not run beside it.
met="[ -e $PLACE ] || for ((;;)); do sleep 0.1; [ ! -e $PLACE ] || break; done"
rm -f "$PLACE"
AT_ONCE=2 parts "parts: two at once" 0 "$met; echo 5 passed, 0 failed" \
	"touch $PLACE; echo 7 passed, 0 failed" "echo 2 passed, 0 failed"
printed "parts: each line says whose it is" "part1: 5 passed, 0 failed"
printed "parts: the table has both" "part2 7 passed 0 failed 0 skipped 0:00 min"
printed "parts: and so has the sum" "14 passed, 0 failed"
AT_ONCE=2 parts "parts: two that end at the same time" 0 "echo 1 passed, 0 failed" \
	"echo 1 passed, 0 failed" "echo 1 passed, 0 failed" "echo 1 passed, 0 failed"
printed "parts: are both counted" "4 passed, 0 failed"
AT_ONCE=2 parts "parts: what fails beside others fails" 1 "sleep 1; exit 1" \
	"echo 5 passed, 0 failed"
printed "parts: and is counted" "5 passed, 1 failed"
# the second signal is as make sends it
AT_ONCE=2 parts "parts: it is ended with the others" 143 \
	"echo \$\$ >$PLACE; sleep 100" \
	"sleep 1; main=\$(cut -d ' ' -f 4 /proc/\$PPID/stat); kill \$main; sleep 0.25; kill \$main"
sleep 1
# if it was not waited for, it is there without a command line
grep -qs . "/proc/$(cat "$PLACE")/cmdline" && bad=1 || bad=0
verdict $bad "parts: all of it"
# head reads no more when the signal comes, and bash has something to say of it
rm -f "$PLACE"
# shellcheck disable=SC2016 # the other shell's
HERE=$HERE top=$RIG_TMP/parts setsid bash -euo pipefail -c 'tests=$HERE/..
	. "$HERE/lib.sh"
	. "$HERE/parts.sh"
	at_once=2
	check part1 bash -c "echo \$\$ >$PLACE; sleep 100"
	check part2 bash -c "sleep 1; kill -- -$$"
	finish_parts' 2>&1 | head -n 2 >"$RIG_TMP/out" || true
sleep 1
grep -qs . "/proc/$(cat "$PLACE")/cmdline" && bad=1 || bad=0
verdict $bad "parts: all of it, also when nobody reads what it says"

echo "1..$N"
echo "$((N - FAILED)) passed, $FAILED failed"
[ $FAILED -eq 0 ]
