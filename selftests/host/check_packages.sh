#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check_packages.sh - tests the packages: DKMS on Debian 12 and 13, the Debian package,
# the module as a part of a kernel tree, Buildroot, Yocto. They are really built and
# installed, in throw-away copies of bare Debian systems and of a kernel tree; only
# Buildroot and Yocto are stand-ins (packages/recipes.sh). Logs are in
# build/check/packages. Ends "N passed, N failed".
#
# ALL=y runs all tests of DKMS, on Debian 13 as well, and builds and boots a kernel with
# the module built in. By default DKMS only installs and removes it, on Debian 12, and what
# would be built in is compiled.
#
# The tests of DKMS need root, and are skipped where root may not mount, as in some
# containers.
set -euo pipefail
tests=$(dirname "$(dirname "$(readlink -f "$0")")")
top=$(dirname "$tests")
. "$tests/rig/lib.sh"

BOARD=an385	# which has boards/an385/built-in.dtso
default_machine
logs=$top/build/check/packages
n=0 passed=0 failed=0 skipped=0

rm -rf "$logs"
mkdir -p "$logs"
work=$logs/work
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# run NAME LOG COMMAND...: its status in rc. Not to be called in a condition, see step
# in lib.sh.
run() { try_step "PACKAGE $1" "$logs/$2.log" "${@:3}"; }

# check NAME LOG COMMAND...: one test
check() {
	run "$@"
	report "$rc" "$1"
}

# checks LABEL LOG COMMAND...: a command with tests of its own. It prints "ok - NAME" or
# "not ok - NAME" for each, and "end" as its last line.
checks() {
	local line
	run "$@"
	while read -r line; do
		case $line in
		'ok - '*) report 0 "$1: ${line#ok - }" ;;
		'not ok - '*) report 1 "$1: ${line#not ok - }" ;;
		'#'*) echo "$line" ;;
		esac
	done <"$logs/$2.log"
	[ "$(tail -n 1 "$logs/$2.log")" = end ] || report 1 "$1: comes to its end"
}

# archive DIR: copy the project's own files to DIR, as a release archive has them
archive() {
	mkdir -p "$1"
	(cd "$top" && packaging/sources.sh |
		tar -c --no-recursion --verbatim-files-from -T -) | tar -x -C "$1"
}

# --- versions

versions_agree() { [ -z "$("$top/packaging/versions.sh" 2>&1 | tee /dev/stderr)" ]; }

# A wrong version in any one of these places must be found.
versions_are_compared() {
	local file tree=$work/versions
	archive "$tree"
	"$tree/packaging/versions.sh"
	for file in module/main.c selftests/modules/dma_alias_pool_test.c dkms.conf \
		    debian/changelog CHANGELOG.md COPYING \
		    packaging/buildroot/package/dma-alias-pool/dma-alias-pool.mk; do
		sed -i.old 's/0\.1\.0\|LICENSE/9.9.9/' "$tree/$file"
		if [ -z "$("$tree/packaging/versions.sh")" ]; then
			echo "a wrong $file is not found"
			return 1
		fi
		mv "$tree/$file.old" "$tree/$file"
	done
	[ -z "$("$tree/packaging/versions.sh")" ]
}

check "versions: all agree" versions versions_agree
check "versions: each is compared" versions-each versions_are_compared

# --- Debian package

need build-essential debhelper dh-dkms

deb_builds() {
	(cd "$top" && grep '^make' "$work/docs/deb" | sh -ex)
	mkdir -p "$work/deb"
	cp "$top"/build/deb/dma-alias-pool* "$work/deb/"
}

# From an archive (no git), in a path with spaces, with the leftovers of builds: the
# package must be the same to the byte.
deb_is_the_same() {
	local tree="$work/an archive" file
	archive "$tree"
	mkdir "$tree/build"
	for file in build/x.c module/main.o module/dma_alias_pool.ko \
		    module/dma_alias_pool.mod module/dma_alias_pool.mod.c \
		    module/.main.o.cmd module/modules.order selftests/modules/x.ko \
		    module/main.dwo module/main.gcno module/main.usyms \
		    Module.symvers .Module.symvers.cmd; do
		echo left >"$tree/$file"
	done
	make -C "$tree" deb
	for file in "$work"/deb/*.dsc "$work"/deb/*.tar.* "$work"/deb/*.deb; do
		cmp "$file" "$tree/build/deb/${file##*/}"
	done
}

deb_has_what_it_should() {
	local list=$work/list
	dpkg-deb -c "$work"/deb/*.deb | awk '$1 !~ /^d/ { print $6 }' |
		sed -n 's,^\./usr/src/dma-alias-pool-[^/]*/,,p' | sort >"$list.deb"
	(cd "$top" && packaging/sources.sh module dkms.conf) | grep -v README.md >"$list.wanted"
	diff "$list.wanted" "$list.deb"
	tar -tf "$work"/deb/*.tar.* | grep -v '/$' | sed 's,^[^/]*/,,' |
		LC_ALL=C sort >"$list.source"
	# dpkg-source leaves .gitignore out
	(cd "$top" && packaging/sources.sh) | grep -vx .gitignore >"$list.wanted"
	diff "$list.wanted" "$list.source"
	dpkg-deb -f "$work"/deb/*.deb Depends | grep dkms
	# files that installed documents refer to are installed as well, uncompressed
	dpkg-deb -x "$work"/deb/*.deb "$work/unpacked"
	cd "$work/unpacked/usr/share/doc/dma-alias-pool-dkms"
	ls README.md Documentation/admin-guide.md examples/picture.py \
		examples/dts-overlays/mps2-an385.dtso
	[ -z "$(find Documentation examples -name '*.gz')" ]
}

# Build the package of a later release, for the test of an upgrade: one that a distribution
# has changed.
deb_of_the_next() {
	local tree=$work/next
	archive "$tree"
	sed -i 's/0\.1\.0/9.9.9/' "$tree"/{module/main.c,dkms.conf}
	sed -i 's/0\.1\.0/9.9.9+nmu1/' "$tree/debian/changelog"
	make -C "$tree" deb
	mkdir -p "$work/deb-next"
	cp "$tree"/build/deb/*.deb "$work/deb-next/"
}

mkdir -p "$work"
python3 "$tests/rig/docs.py" write "$top" "$work/docs"
check "deb: builds" deb deb_builds
check "deb: the same from an unpacked archive with build output" deb-same deb_is_the_same
check "deb: has the module's files and no others" deb-files deb_has_what_it_should
check "deb: of the next release" deb-next deb_of_the_next

# --- Buildroot and Yocto

need rsync gcc-arm-linux-gnueabi kmod
kernel=$("$tests/rig/kernel.sh" "$KVER" "$BOARD" | tail -n 1)
source=$(readlink -f "$kernel/rig/source")
checks recipes recipes "$tests/packages/recipes.sh" "$kernel" "$work/recipes"

# --- in-tree

need git perl
in_tree_edits=(MAINTAINERS Documentation/core-api/index.rst kernel/dma/Kconfig
	kernel/dma/Makefile tools/testing/selftests/Makefile)

# in_tree_part FROM TO: copy those parts of a kernel source that make in-tree touches
in_tree_part() {
	mkdir -p "$2"
	(cd "$1" && tar -c MAINTAINERS Kbuild Documentation/ABI/testing \
		Documentation/core-api Documentation/devicetree/bindings/reserved-memory \
		include/linux/dma* kernel/dma tools/testing/selftests/Makefile \
		tools/testing/selftests/lib.mk) | tar -x -C "$2"
}

# in_tree_is_added TREE: each line was added once, at its place in sorted lists
in_tree_is_added() {
	local name
	for name in kernel/dma/Kconfig kernel/dma/Makefile \
		    Documentation/core-api/index.rst; do
		[ "$(grep -c 'alias.pool' "$1/$name")" -eq 1 ]
	done
	grep -A 1 '^TARGETS += dma_alias_pool$' "$1/tools/testing/selftests/Makefile" |
		grep -E 'TARGETS \+= (drivers/)?dma-?buf'
	[ "$(grep -c '^DMA ALIAS POOL$' "$1/MAINTAINERS")" -eq 1 ]
	sed -n '/^DMA ALIAS POOL$/,/^DMA BUFFER/p' "$1/MAINTAINERS" | sed -n 's/^F:\t//p' |
		while read -r name; do
			# shellcheck disable=SC2086 # it has a *
			ls -d "$1"/$name
		done
	awk '/^DMA ALIAS POOL$/ { ours = 1 } /^$/ && ours { getline; print; ours = 0 }' \
		"$1/MAINTAINERS" | grep '^DMA BUFFER SHARING FRAMEWORK$'
	[ -e "$1/include/linux/dma_alias_pool.h" ]
	[ -x "$1/tools/testing/selftests/dma_alias_pool/calls.sh" ]
}

# Add the module, add it again, remove it, in every kernel source that is in the cache.
# The last round ("end") does it where the edited files have no newline at their end.
in_tree_undo() {
	local current from file tree=$work/tree
	for current in "$CACHE_DIR"/src/[0-9]*.current end; do
		rm -rf "$tree"
		if [ "$current" != end ]; then
			from=$CACHE_DIR/src/linux-source-$(cat "$current")
		fi
		in_tree_part "$from" "$tree/old"
		if [ "$current" = end ]; then
			for file in "${in_tree_edits[@]}"; do
				truncate -s -1 "$tree/old/$file"
			done
		fi
		# hard links, as people copy big trees: the original must not change
		cp -al "$tree/old" "$tree/new"
		cp -a "$tree/old" "$tree/before"
		git -C "$tree/new" init -q
		git -C "$tree/new" add .
		make -C "$top" in-tree KDIR="$tree/new"
		diff -r "$tree/old" "$tree/before"
		in_tree_is_added "$tree/new"
		cp -a "$tree/new" "$tree/once"
		make -C "$top" in-tree KDIR="$tree/new"
		diff <(cd "$tree/once" && find . -type f -printf '%p %s %T@\n' | sort) \
			<(cd "$tree/new" && find . -type f -printf '%p %s %T@\n' | sort)
		# files and a line of an earlier version of the module
		: >"$tree/new/kernel/dma/dma_alias_pool/module/gone.c"
		: >"$tree/new/tools/testing/selftests/dma_alias_pool/gone.sh"
		sed -i 's/^\(M:\tThe dma-alias-pool\) .*/\1 of old/' "$tree/new/MAINTAINERS"
		make -C "$top" in-tree KDIR="$tree/new"
		diff -r "$tree/once" "$tree/new"
		make -C "$top" in-tree-remove KDIR="$tree/new"
		diff -r -x .git "$tree/before" "$tree/new"
		git -C "$tree/new" status --porcelain | tee "$tree/status"
		[ "$(grep -cv '^A ' "$tree/status")" -eq 0 ]
		[ -s "$tree/status" ]
		make -C "$top" in-tree-remove KDIR="$tree/new"
		diff -r -x .git "$tree/before" "$tree/new"
	done
}

# A vendor's tree may have no documentation, bindings or tests.
in_tree_of_a_bare_tree() {
	local tree=$work/bare
	mkdir -p "$tree/kernel" "$tree/include/linux"
	cp -a "$source/kernel/dma" "$tree/kernel/"
	cp -a "$source/Kbuild" "$tree/"
	cp -a "$tree" "$tree.before"
	make -C "$top" in-tree KDIR="$tree"
	(cd "$tree" && ls) | diff <(printf '%s\n' Kbuild include kernel) -
	make -C "$top" in-tree-remove KDIR="$tree"
	diff -r "$tree.before" "$tree"
}

# A directory that is no kernel source is refused.
in_tree_says_no() {
	local rc=0
	make -C "$top" in-tree KDIR="$work" >"$work/no" 2>&1 || rc=$?
	[ $rc -ne 0 ]
	grep 'there is no kernel source' "$work/no"
	# as Ubuntu's packages of headers are
	mkdir -p "$work/headers/kernel/dma"
	touch "$work/headers/Kbuild" "$work/headers/kernel/dma"/{Kconfig,Makefile}
	make -C "$top" in-tree KDIR="$work/headers" >"$work/no" 2>&1 && return 1
	grep 'there is no kernel source in .* (no kernel/dma/mapping.c)' "$work/no"
	[ ! -s "$work/headers/kernel/dma/Kconfig" ]
}

check "in-tree: added twice, and removed without a trace" in_tree in_tree_undo
check "in-tree: what a vendor's tree has no place for is left out" in_tree-bare \
	in_tree_of_a_bare_tree
check "in-tree: says what is wrong with KDIR" in_tree-no in_tree_says_no

built_in() { # KERNEL USERLAND
	# shellcheck source=../rig/boards/an385/board.conf
	. "$tests/rig/boards/$BOARD/board.conf"
	mkdir -p "$work/files"
	cp "$tests"/{built_in,calls,ktap,stack,log,insmod}.sh "$work/files/"
	"$tests/rig/initramfs.sh" "$work/built_in.cpio" "$2" "$work/files"
	dtc -q -@ -I dts -O dtb -o "$work/built-in.dtbo" \
		"$tests/rig/boards/$BOARD/built-in.dtso"
	"$tests/rig/run.py" --board "$BOARD" --kernel "$1" \
		--initrd "$work/built_in.cpio" --overlay "$work/built-in.dtbo" \
		--append "initcall_debug dma_alias_pool.pools=sram:$POOL_PHYS:$POOL_SIZE:$POOL_ALIAS dma_alias_pool.clients=dap-test.*@sram,40020000.spi@sram" \
		--log "$logs/built_in.console" --run built_in.sh
}

# The module compiles without a warning for a kernel without loadable modules.
compiles_built_in() {
	local dir=kernel/dma/dma_alias_pool
	local make=(make -C "$in_tree/../src" O="$in_tree" -j"$JOBS" LOCALVERSION=
		ARCH=arm CROSS_COMPILE=arm-linux-gnueabi-)
	rm -rf "${in_tree:?}/$dir"
	"${make[@]}" prepare
	"${make[@]}" W=1 $dir/ 2>&1 | tee "$work/built-in.log"
	no_warnings "$work/built-in.log"
	test -e "$in_tree/$dir/module/built-in.a"
}

need python3 perl rsync qemu-system-arm device-tree-compiler
userland=$("$tests/rig/userland.sh" | tail -n 1)
mode=--source
[ -z "${ALL:-}" ] || mode=
# until the end of its tests, or another run would replace it meanwhile
mkdir -p "$CACHE_DIR/in-tree"
exec 8>"$CACHE_DIR/in-tree/lock"
flock -n 8 || {
	say "  IN-TREE another run uses the tree, waiting for it"
	flock 8
}
if ! in_tree=$(IN_TREE_LOCKED=y "$tests/rig/in_tree.sh" $mode "$KVER" "$BOARD"); then
	report 1 "in-tree: a kernel with the module built in"
elif [ -n "$mode" ]; then
	check "in-tree: built in, W=1" built_in-compiled compiles_built_in
else
	run "built-in kernel: boot" built_in built_in "$in_tree" "$userland"
	while read -r line; do
		case $line in
		'ok '[0-9]*) report 0 "in-tree: ${line#ok * }" ;;
		'not ok '[0-9]*) report 1 "in-tree: ${line#not ok * }" ;;
		esac
	done < <(grep -E '^(not )?ok [0-9]' "$logs/built_in.log")
	report "$rc" "in-tree: the kernel boots with the module built in, and is well"
fi

# The kernel's own script finds the module's maintainers, in the source that the
# built-in kernel was made of.
maintainer_is_found() {
	local get=(perl scripts/get_maintainer.pl --no-git --no-git-fallback --no-rolestats)
	cd "$in_tree/../src"
	for file in kernel/dma/dma_alias_pool/module/main.c include/linux/dma_alias_pool.h; do
		"${get[@]}" -f $file | grep '^The dma-alias-pool developers <'
	done
	# and the checks of device trees know the beginning of our properties' names
	grep -x '  "^dma-alias-pool,\.\*":' \
		Documentation/devicetree/bindings/vendor-prefixes.yaml
}

# The guide is built with the kernel's documentation, without a complaint about it, and
# has what the last of the included files ends with.
guide_is_built() {
	local dir=core-api/dma-alias-pool obj=$work/guide last
	mkdir -p "$obj"
	make -C "$in_tree/../src" O="$obj" SPHINXDIRS=$dir htmldocs 2>&1 |
		tee "$obj/said"
	[ "$(grep -cE "$dir/.*(WARNING|ERROR)" "$obj/said")" -eq 0 ]
	last=$(grep '^#' "$in_tree/../src/Documentation/$dir/porting.md" | tail -n 1)
	grep -F "$last" "$obj/Documentation/output/$dir/index.html"
}

kselftest_installs() {
	local dir=$work/kselftest
	(
		export O=$dir/build CC=$userland/bin/fdpic-gcc
		cd "$in_tree/../src"
		sed "s|/path/to/target|$dir/installed|; s|\$| CC=$CC|" \
			"$work/docs/in-tree-tests" | sh -ex
	)
	grep -x dma_alias_pool:coherent.sh "$dir/installed/kselftest-list.txt"
	test -x "$dir/installed/dma_alias_pool/mmap_buffer"
	[ -z "$(find "$dir/installed" -name '*.ko')" ]
}

# The modules compile without a warning as a part of the kernel tree. There is no
# vmlinux, so undefined symbols are not found here.
in_tree_modules() {
	local obj=$work/in-tree-m name=kernel/dma/dma_alias_pool
	local make=(make -C "$in_tree/../src" O="$obj" -j"$JOBS" LOCALVERSION=
		ARCH=arm CROSS_COMPILE=arm-linux-gnueabi-)
	local root=$work/in-tree-root/lib/modules
	root+=/$(cat "$kernel/include/config/kernel.release")
	mkdir -p "$obj" "$root"
	cp "$kernel/.config" "$obj/.config"
	"$in_tree/../src/scripts/config" --file "$obj/.config" \
		--module DMA_ALIAS_POOL --module DMA_ALIAS_POOL_TEST
	"${make[@]}" olddefconfig modules_prepare
	"${make[@]}" W=1 KBUILD_MODPOST_WARN=1 $name/module/dma_alias_pool.ko \
		$name/selftests/modules/dma_alias_pool_{test,kick,overlay,stress,life,board,engine}.ko \
		2>&1 | tee "$obj/said"
	no_warnings "$obj/said"
	find "$obj/$name" -name '*.ko' -exec cp -t "$root" {} +
}

# The tests that kselftest installed find the modules that the kernel tree built.
in_tree_modules_are_tested() {
	"$tests/rig/initramfs.sh" "$work/in_tree-m.cpio" "$userland" \
		"$work/kselftest/installed/dma_alias_pool" "$work/in-tree-root"
	"$tests/rig/run.py" --board "$BOARD" --kernel "$kernel" \
		--initrd "$work/in_tree-m.cpio" --log "$logs/in_tree-m.console" --run calls.sh
}

# So does the report of the board.
in_tree_report() {
	# shellcheck source=../rig/boards/an385/board.conf
	. "$tests/rig/boards/$BOARD/board.conf"
	"$tests/rig/run.py" --board "$BOARD" --kernel "$kernel" \
		--initrd "$work/in_tree-m.cpio" --log "$logs/in_tree-report.console" \
		--raw report.sh "a:$POOL_PHYS:$POOL_SIZE:$POOL_ALIAS" | tee "$work/in_tree-report"
	grep 'All is right: the alias holds' "$work/in_tree-report"
}

if [ -n "$in_tree" ]; then
	check "in-tree: get_maintainer finds us" maintainer maintainer_is_found
	need python3-sphinx
	check "in-tree: the guide is built" guide guide_is_built
	check "in-tree: kselftest builds and installs the tests" kselftest \
		kselftest_installs
	check "in-tree: as modules, W=1" in_tree-m in_tree_modules
	check "in-tree: the tests run with the kernel's modules" in_tree-m-boot \
		in_tree_modules_are_tested
	check "in-tree: the report loads the kernel's modules" in_tree-report in_tree_report
fi

# DMA_ALIAS_POOL needs DMA operations per device. In a configuration where nothing else
# selects them it is off, and DMA_ALIAS_POOL_OPS makes it possible.
has_operations() { # ARCH DEFCONFIG
	local obj=$work/operations-$1
	local config=("$in_tree/../src/scripts/config" --file "$obj/.config")
	local make=(make -C "$in_tree/../src" O="$obj" ARCH="$1" CROSS_COMPILE=)
	mkdir -p "$obj"
	"${make[@]}" "$2"
	"${config[@]}" --disable VDPA_MENU --disable IOMMU_SUPPORT --disable XEN \
		--enable DMA_ALIAS_POOL
	"${make[@]}" olddefconfig
	[ "$(grep -c '^CONFIG_DMA_ALIAS_POOL=\|^CONFIG_DMA_OPS=' "$obj/.config")" -eq 0 ]
	"${config[@]}" --enable DMA_ALIAS_POOL_OPS --enable DMA_ALIAS_POOL
	"${make[@]}" olddefconfig >"$obj/said" 2>&1
	cat "$obj/said"
	[ "$(grep -ci 'warning\|unmet\|recursive' "$obj/said")" -eq 0 ]
	grep -qx CONFIG_DMA_OPS=y "$obj/.config"
	grep -qx CONFIG_DMA_ALIAS_POOL=y "$obj/.config"
}
if [ -n "$in_tree" ]; then
	check "in-tree: DMA operations per device on RISC-V" ops-riscv \
		has_operations riscv nommu_virt_defconfig
	check "in-tree: DMA operations per device on arm64" ops-arm64 \
		has_operations arm64 allnoconfig
fi
exec 8>&-

# --- DKMS, and the package on bare systems

# dkms_on LABEL SUITE PKG...
dkms_on() {
	local label=$1 suite=$2 which=few root work_here=$work/$2
	[ -z "${ALL:-}" ] || which=all
	shift 2
	if ! unshare --mount --pid --net --fork true 2>/dev/null; then
		n=$((n + 1)) skipped=$((skipped + 1))
		echo "ok $n $label # SKIP needs root, and to be allowed to mount"
		return
	fi
	root=$("$tests/rig/root.sh" make "$suite" "$@" | tail -n 1)
	archive "$work_here/source tree"
	cp -a "$work/deb" "$work/deb-next" "$work/docs" "$work_here/"
	checks "$label" "$suite" "$tests/rig/root.sh" run "$root" "$work_here" \
		--bind "$kernel" --bind "$source" \
		"/srv/source tree/selftests/packages/dkms.sh" $which "$kernel" \
		"$(cat "$kernel/include/config/kernel.release")"
	rm -rf "$work_here"
}

dkms_on "Debian 12" bookworm dkms openssl gcc-arm-linux-gnueabi
[ -z "${ALL:-}" ] ||
	dkms_on "Debian 13" trixie dkms openssl gcc-arm-linux-gnueabi lintian

print_counts "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
