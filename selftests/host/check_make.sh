#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check_make.sh [KVER...] - does each target that the Makefile's head names do what it
# says? Runs them in a fresh copy of the tree, with kernels of the series KVER (by
# default the oldest and the newest that there are). Targets that take long or change
# this machine are not run here; the table "elsewhere" names the tests that run them.
# Ends "N passed, N failed".
set -euo pipefail
tests=$(dirname "$(dirname "$(readlink -f "$0")")")
top=$(dirname "$tests")
. "$tests/rig/lib.sh"
unset LIMIT LIMIT_ENDS	# check-all's: what is typed below is done whole

# shellcheck disable=SC2046 # words
[ $# -gt 0 ] || set -- $("$tests/rig/series.sh" | sed -n '1p; $p' | uniq)
export BOARD=an385
logs=$top/build/check/make
n=0 passed=0 failed=0 skipped=0

need rsync git kmod gcc-arm-linux-gnueabi
rm -rf "$logs"
mkdir -p "$logs"
rig_tmp

# check NAME COMMAND...: one test. Not to be called in a condition, see step in lib.sh.
check() {
	local rc
	try_step "MAKE    $1" "$logs/$((n + 1)).log" "${@:2}"
	report $rc "$1"
}

# target TARGET [WORD...]: make TARGET in the copy of the tree, for $kernel
target() {
	make -C "$tree" KDIR="$kernel" ARCH=arm CROSS_COMPILE=arm-linux-gnueabi- "$@"
}

copy() { # DIR
	rm -rf "$1"
	mkdir -p "$1"
	(cd "$top" && packaging/sources.sh |
		tar -c --no-recursion --verbatim-files-from -T -) | tar -x -C "$1"
}

# Is the copy as it was before anything was built in it?
is_clean() {
	diff -r --no-dereference "$RIG_TMP/pristine" "$tree"
}

# --- tests that are run once for each kernel

# as_shown FRAGMENT [SED-EXPRESSION]: run, in the copy, the commands that the
# documentation shows; SED-EXPRESSION puts real paths into them
as_shown() {
	(cd "$tree" && sed "${2:-}" "$RIG_TMP/$1" | sh -ex)
}

all() {
	as_shown docs/build "s|/path/to/bsp/linux|$kernel|"
	rm "$tree/module/dma_alias_pool.ko"
	as_shown docs/build-bsp "s|/path/to/bsp/linux|$kernel|"
	test -e "$tree/module/dma_alias_pool.ko"
	test -e "$tree/selftests/modules/dma_alias_pool_test.ko"
}

# make install installs the module and no test module, for the release of that kernel.
# Test modules of an earlier build must not come along. A relative path is meant from
# where make runs, not from the kernel's directory.
install() {
	local root release files
	release=$(cat "$kernel/include/config/kernel.release")
	for root in "$RIG_TMP/root" ./rootfs; do
		rm -rf "$root"
		target install INSTALL_MOD_PATH="$root"
		cd "$tree"
		files=$(cd "$root/lib/modules" && find . -name '*.ko*')
		echo "$files"
		[[ "$files" = ./$release/*/dma_alias_pool.ko ]]
		modinfo -F vermagic "$root/lib/modules/$files" | grep -F "$release "
	done
	rm -rf rootfs
}

# Both at once do not get into each other's way.
install_after_all() {
	target clean
	target -j4 all install INSTALL_MOD_PATH="$RIG_TMP/both"
	test -e "$tree/selftests/modules/dma_alias_pool_test.ko"
	install
	# building again still makes the test modules as well
	target
	test -e "$tree/selftests/modules/dma_alias_pool_test.ko"
}

clean() {
	target clean
	is_clean
}

in_tree() {
	local kernel=$RIG_TMP/kernel source
	source=$(readlink -f "$("$tests/rig/kernel.sh" --source "$KVER" | tail -n 1)")
	rm -rf "$kernel"
	mkdir -p "$kernel/kernel"
	cp -a "$source/kernel/dma" "$kernel/kernel/"
	cp -a "$source/Kbuild" "$kernel/"
	target in-tree
	test -e "$kernel/kernel/dma/dma_alias_pool/module/main.c"
	target in-tree-remove
	as_shown docs/in-tree "s|/path/to/linux|$kernel|"
	diff -r "$source/kernel/dma" "$kernel/kernel/dma"
}

demo() {
	make -C "$tree" demo | tee "$RIG_TMP/demo"
	grep 'coherent DMA memory comes from pool' "$RIG_TMP/demo"
}

vm() {
	echo 'uname -s' | make -C "$tree" vm | tee "$RIG_TMP/vm"
	grep -x Linux "$RIG_TMP/vm"
}

# kselftest's "make install" installs all that a target needs, the programs' compiler does
# not get at the modules, and sources.sh takes none of what it built for a source file.
kselftest() {
	local dir=$RIG_TMP/kselftest file
	target
	cp "$tree/module/dma_alias_pool.ko" "$RIG_TMP/"
	make -C "$tree/selftests" install KSRC="$kernel/source" KDIR="$kernel" ARCH=arm \
		CROSS_COMPILE=arm-linux-gnueabi- INSTALL_PATH="$dir" \
		USERCC="$("$tests/rig/userland.sh" | tail -n 1)/bin/fdpic-gcc"
	cmp "$RIG_TMP/dma_alias_pool.ko" "$dir/dma_alias_pool.ko"
	for file in {coherent,ktap,stack,log,insmod}.sh dma_alias_pool.ko mmap_buffer fail_nth life; do
		test -f "$dir/$file"
	done
	(cd "$tree" && packaging/sources.sh) | diff <(cd "$RIG_TMP/pristine" && find . -type f -o -type l |
		sed 's,^\./,,' | LC_ALL=C sort) -
}

# The kit works on a machine that has nothing else but the test script.
board_kit() {
	local dir=$RIG_TMP/kit release words
	release=$(cat "$kernel/include/config/kernel.release")
	as_shown docs/board-kit "s|/path/to/bsp/linux|$kernel|; s|6\.1\.192|$release|"
	mkdir -p "$dir"
	tar -C "$dir" --strip-components=1 -xzf "$tree/build/dma-alias-pool-kit-$release.tar.gz"
	test "$(du -sk "$dir" | cut -f 1)" -lt 1000
	# all scripts that porting.md says to run, and all that they need
	grep '^| `' "$dir/porting.md" | grep -o '`[a-z_]*\.sh`' | tr -d '`' >"$RIG_TMP/needed"
	grep -oh '$here/[a-z_]*\.\(ko\|sh\)' "$dir"/*.sh | cut -d / -f 2 >>"$RIG_TMP/needed"
	(cd "$dir" && sort -u "$RIG_TMP/needed" | xargs ls -l)
	words=$("$tests/rig/machine.sh" prepare)
	"$tests/rig/initramfs.sh" "$RIG_TMP/kit.cpio" "$("$tests/rig/userland.sh" | tail -n 1)" "$dir"
	# shellcheck disable=SC2086 # words
	"$tests/rig/run.py" $words --initrd "$RIG_TMP/kit.cpio" --timeout 400 \
		--run report_tells.sh full
}

# The compiler has a word before its name, as with ccache, and KDIR is a source whose build
# is elsewhere: all of this is as for the kernel.
board_kit_elsewhere() {
	local kit
	kit=$tree/build/dma-alias-pool-kit-$(cat "$kernel/include/config/kernel.release").tar.gz
	rm -f "$kit"
	target board-kit KDIR="$(readlink -f "$kernel/rig/source")" O="$kernel" \
		CROSS_COMPILE="env arm-linux-gnueabi-"
	test -s "$kit"
}

by_kernel=(all install install_after_all kselftest board_kit board_kit_elsewhere in_tree demo
	vm clean)

# --- tests that are run once

# distclean removes the cache, so it gets a cache of its own.
distclean() {
	mkdir -p "$RIG_TMP/cache/dma-alias-pool/kernel" "$tree/build"
	XDG_CACHE_HOME=$RIG_TMP/cache make -C "$tree" distclean
	[ ! -e "$RIG_TMP/cache/dma-alias-pool" ]
	is_clean
}

# Nor does it empty a directory that may be for more than the cache.
spares_what_a_link_names() {
	mkdir -p "$RIG_TMP/shared" "$RIG_TMP/linked"
	touch "$RIG_TMP/shared/file"
	ln -sfn ../shared "$RIG_TMP/linked/dma-alias-pool"
	fails "remove .*/shared yourself, and the link" \
		env XDG_CACHE_HOME="$RIG_TMP/linked" make -C "$tree" distclean
	[ -e "$RIG_TMP/shared/file" ]
}

# Nor does it remove the sources.
spares_the_sources() {
	local to=$RIG_TMP/big/dma-alias-pool
	mkdir "$RIG_TMP/big"
	cp -a "$RIG_TMP/pristine" "$to"
	fails "the cache would be $to, where the sources are" \
		env XDG_CACHE_HOME="$RIG_TMP/big" make -C "$to" distclean
	diff -r --no-dereference "$RIG_TMP/pristine" "$to"
}

# Services have neither HOME nor XDG_CACHE_HOME.
without_home() {
	fails "usage: board-kit.sh" env -u HOME -u XDG_CACHE_HOME "$tree/packaging/board-kit.sh"
}

# fails REGEX COMMAND...: the command fails, and says something that matches REGEX
fails() {
	! "${@:2}" >"$RIG_TMP/said" 2>&1 || return 1
	cat "$RIG_TMP/said"
	grep -q -- "$1" "$RIG_TMP/said"
}

# ends_as_shown COMMAND...: the last line that it prints is in the guide for developers,
# which does not say how many tests there are
ends_as_shown() {
	"$@" | tee "$RIG_TMP/said"
	grep -qF "\`$(tail -n 1 "$RIG_TMP/said" | sed 's/^[1-9][0-9]* /... /')\`" \
		"$tree/Documentation/developing.md"
}

# Does what the guide for developers shows, in a clone.
developing() (
	unset KVER BOARD
	tree=$RIG_TMP/clone
	copy "$tree"
	git -C "$tree" init -q
	git -C "$tree" add -A
	git -C "$tree" -c user.name=test -c user.email=test@localhost commit -qm test
	ends_as_shown as_shown docs/develop-run
	fails "not ok 1 says_where_from" as_shown docs/develop-test
	ends_as_shown as_shown docs/develop-change
	fails "not ok .* every log message is in the administrator's guide" as_shown docs/develop-others
	as_shown docs/develop-undo
	test -z "$(git -C "$tree" status --short)"
	as_shown docs/one-test
)

# From the same source, and built before the modules were: nothing of those is left.
another_kernel() (
	local series one other
	tree=$RIG_TMP/clone
	copy "$tree"
	series=$(usual_series)
	one=$("$tests/rig/kernel.sh" "$series" an385 | tail -n 1)
	other=$("$tests/rig/kernel.sh" "$series" an500 | tail -n 1)
	target KDIR="$one"
	target KDIR="$other"
	mv "$tree/module/dma_alias_pool.ko" "$RIG_TMP/of_other.ko"
	make -C "$tree" clean
	target KDIR="$other"
	cmp "$RIG_TMP/of_other.ko" "$tree/module/dma_alias_pool.ko"
)

# Of kernels, only what they are told by: nothing is built of them here.
kernels_of_others() (
	local below
	tree=$RIG_TMP/clone
	copy "$tree"
	below=$tree/linux
	mkdir -p "$below/include/generated" "$below/drivers"
	touch "$below/Makefile" "$below/vmlinux.o" "$below/Module.symvers" \
		"$below/drivers/.built-in.a.cmd" "$below/drivers/a.ko"
	make -C "$tree" kdir KDIR="$below"
	touch "$tree/module/main.o"
	make -C "$tree" kdir KDIR="$below"
	[ -e "$tree/module/main.o" ]
	# another one at the same path
	echo "#define CONFIG_SMP 1" >"$below/include/generated/autoconf.h"
	make -C "$tree" kdir KDIR="$below"
	[ ! -e "$tree/module/main.o" ]
	touch "$tree/module/main.o"
	make -C "$tree" kdir KDIR="$below" O=out
	[ ! -e "$tree/module/main.o" ]
	make -C "$tree" clean
	# and what is built below this directory stays
	[ "$(find "$below" -type f | wc -l)" -eq 6 ]
)

says_no_to_spaces() {
	local to="$RIG_TMP/a tree"
	cp -a "$RIG_TMP/pristine" "$to"
	make -C "$to" KDIR="$kernel" 2>"$RIG_TMP/said" && return 1
	grep "cannot do with a path that has spaces: move .*/a tree" "$RIG_TMP/said"
	make -C "$to" demo 2>"$RIG_TMP/said" && return 1
	grep "cannot do with a path that has spaces: move .*/a tree" "$RIG_TMP/said"
	XDG_CACHE_HOME="$RIG_TMP/a cache" make -C "$RIG_TMP/pristine" demo 2>"$RIG_TMP/said" && return 1
	grep "spaces: set XDG_CACHE_HOME to another than .*/a cache" "$RIG_TMP/said"
}

# Targets for which there is no test above, and the script that runs each, or the script
# that it stands for. check-long, which takes hours, is run by people only.
declare -A elsewhere=(
	[check]=host/check_all.sh [check-all]=../.ci/run [check-long]=""
	[mutants]=host/check_long.sh [bench]=host/check.sh [lint]=host/check.sh
	[deb]=host/check_packages.sh
	[dkms-install]=packages/dkms.sh [dkms-uninstall]=packages/dkms.sh
)

# has_a_test TARGET: there is a test of this name above, or "elsewhere" names a script
# that really runs it
has_a_test() {
	local scripts script
	case " ${by_kernel[*]} distclean in_tree_remove " in
	*" ${1//-/_} "*) return ;;
	esac
	test -n "${elsewhere[$1]+known}"
	scripts=$(make -C "$tree" -n "$1" | grep -E '^(selftests|packaging)/')
	echo "$scripts"
	for script in $scripts; do
		[[ $script != */* ]] || test -x "$tree/$script"
	done
	script=${scripts%% *}
	script=${script%%$'\n'*}
	[ -z "${elsewhere[$1]}" ] ||
		grep -E "make.* $1\b|${script##*/}" "$tests/${elsewhere[$1]}"
}

echo "KTAP version 1"
python3 "$tests/rig/docs.py" write "$top" "$RIG_TMP/docs"
copy "$RIG_TMP/pristine"
tree=$RIG_TMP/tree
copy "$tree"
# Each target of the Makefile's head. "make" alone is called "all".
while read -r name; do
	check "$name has a test" has_a_test "$name"
done < <(sed -n -e 's/^# make   .*/all/p' -e 's/^# make \([a-z-]*\) .*/\1/p' "$tree/Makefile")
# And each target that README.md tells people to try.
while read -r _ name _; do
	check "README.md: make $name" has_a_test "$name"
done <"$RIG_TMP/docs/try"
for KVER; do
	export KVER
	rc=0
	kernel=$("$tests/rig/kernel.sh" "$KVER" "$BOARD" | tail -n 1) || rc=$?
	if [ $rc -eq 3 ]; then
		skipped=$((skipped + 1))
		continue
	fi
	[ $rc -eq 0 ] || exit $rc
	for name in "${by_kernel[@]}"; do
		check "$KVER: ${name//_/-}" "$name"
	done
done
check "the guide for developers" developing
check "another kernel" another_kernel
check "kernels of others" kernels_of_others
check "a path with spaces" says_no_to_spaces
check "distclean" distclean
check "distclean of a cache that is a link" spares_what_a_link_names
check "distclean of a cache that is around the sources" spares_the_sources
check "no HOME" without_home

print_counts $passed $failed $skipped
[ "$failed" -eq 0 ]
