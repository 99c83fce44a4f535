#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# machine.sh prepare|demo|vm - the emulated machine of KVER and BOARD with the module in
# it. Builds what is missing: kernel, user space, modules, initramfs.
#
#   prepare   only that; prints the words with which run.py finds it all
#   demo      boots it, and runs demo.sh
#   vm        boots it, with a console
#
# FLAVOUR names another configuration of the kernel (flavours/), maybe with words for
# QEMU; for a board with a kernel of Debian's, another of these kernels (stock.sh).
# CACHE=y gives the machine a data cache (cache.sh). DRIVER is a directory with a module
# of the user's, which is built and put into the machine.
set -euo pipefail
shopt -s inherit_errexit	# a command that fails in $(prepare) ends this script
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"

default_machine
top=$(readlink -f "$HERE/../..")
build=$top/build/$BOARD-$KVER${FLAVOUR:+-$FLAVOUR}${CACHE:+-cache}

# conf KEY: print the value that the board's board.conf has for KEY
conf() { sed -n "s/^$1=//p" "$HERE/boards/$BOARD/board.conf"; }

# find_zicbom: set emulator to a QEMU whose CPU has the instructions by which the kernel
# maintains caches, and have run.py use it
find_zicbom() {
	local rc=0
	emulator=$("$HERE/qemu.sh" riscv64 | tail -n 1) || rc=$?
	[ $rc -ne 3 ] || skip "$BOARD: no QEMU 10 for RISC-V is to be had here"
	[ $rc -eq 0 ] || exit $rc
	emulator+=/qemu-system-riscv64
	machine+=" --emulator $emulator"
}

# qemu_tree OUT: write the device tree that QEMU makes, without "dma-coherent", and with
# the changes of the board's tree.dtso. Devices of qemu.args are not in it, except the
# CPU.
qemu_tree() {
	local out=$1 program
	program=${emulator:-$(conf EMULATOR)}
	# the last one counts
	# shellcheck disable=SC2046 # words
	"${program:-qemu-system-arm}" -M "$(conf MACHINE),dumpdtb=$out.qemu" -display none \
		$(cat "$HERE/boards/$BOARD/qemu.args" "$HERE/flavours/${FLAVOUR:-}.qemu" 2>/dev/null |
			grep '^-cpu ')
	dtc -q -I dtb -O dts "$out.qemu" | grep -v 'dma-coherent;' |
		dtc -q -I dts -O dtb -o "$out" -
	rm "$out.qemu"
	change_tree "$out"
}

# kernel_tree OUT: the one that is in the kernel's source, with what tree.dtso changes
kernel_tree() {
	cp "$kernel/rig/kernel.dtb" "$1"
	change_tree "$1"
}

# change_tree FILE: as tree.dtso says, if there is one
change_tree() {
	[ -e "$build/tree.dtbo" ] || return 0
	fdtoverlay -i "$1" -o "$1.new" "$build/tree.dtbo"
	mv "$1.new" "$1"
}

# flavour_words: print the words for run.py that the flavour has for QEMU
flavour_words() {
	local file=$HERE/flavours/${FLAVOUR:-}.qemu
	# shellcheck disable=SC2046 # words
	[ ! -e "$file" ] || printf ' --qemu=%s' $(grep -v '^#' "$file")
}

# build_driver KERNEL: build the user's module in a copy of its directory. It may call
# functions of dma_alias_pool.h.
build_driver() {
	local for_whom=(ARCH=arm CROSS_COMPILE=arm-linux-gnueabi-)
	[ ! -e "$1/rig/make" ] || read -ra for_whom <"$1/rig/make"
	rm -rf "$build/driver"
	cp -aL "$DRIVER" "$build/driver"
	make -C "$1" M="$build/driver" "${for_whom[@]}" KCFLAGS="-I$top/module" \
		KBUILD_EXTRA_SYMBOLS="$build/modules/Module.symvers" modules
}

put_driver_in() { # KERNEL
	[ -n "${DRIVER:-}" ] || return 0
	[ -e "$DRIVER/Kbuild" ] || [ -e "$DRIVER/Makefile" ] ||
		die "DRIVER=$DRIVER: there is no Kbuild or Makefile of a module"
	step "DRIVER  $DRIVER" "$build/driver.log" build_driver "$1"
	find "$build/driver" -name '*.ko' -exec cp -t "$build/files" {} +
}

# compile_overlays FILE.dtso...: compile overlays for run.py --overlay
compile_overlays() {
	local overlay compiled
	for overlay; do
		[ -e "$overlay" ] || continue
		compiled=$build/$(basename "$overlay" .dtso).dtbo
		# -q: bad-pools.dtso is full of mistakes on purpose
		dtc -q -@ -I dts -O dtb -o "$compiled.new" "$overlay"
		# in one piece, as another boot may be reading it
		mv "$compiled.new" "$compiled"
	done
}

# Sets tree unless the kernel's device tree is the board's as it is. It is the tree in the
# board's directory, or the kernel's with changes, or the one that QEMU makes. QEMU says
# that all devices are coherent, which is taken out: such devices need no pool.
find_tree() {
	if [ -e "$HERE/boards/$BOARD/$BOARD.dts" ]; then
		tree=$build/$BOARD.dtb
		dtc -q -@ -I dts -O dtb -o "$tree" "$HERE/boards/$BOARD/$BOARD.dts"
	elif [ -e "$kernel/rig/kernel.dtb" ]; then
		tree=$build/$BOARD.dtb
		step "DTB     $BOARD" "$build/dtb.log" kernel_tree "$tree"
	elif grep -q ^DTB= "$HERE/boards/$BOARD/board.conf" &&
		[ -e "$HERE/boards/$BOARD/qemu.args" ]; then
		tree=$build/$BOARD.dtb
		step "DTB     $BOARD" "$build/dtb.log" qemu_tree "$tree"
	fi
}

# collect_files KERNEL: build the modules, and put them into $build/files, with the scripts
# and what the documentation shows
collect_files() {
	mkdir -p "$build"
	"$HERE/modules.sh" "$1" "$build/modules"
	rm -rf "$build/files"
	mkdir -p "$build/files"
	cp "$build"/modules/{module,selftests/modules}/*.ko "$top"/selftests/*.sh "$build/files/"
	python3 "$HERE/docs.py" write "$top" "$build/files/docs"
}

# prepare for a board with one of Debian's own kernels (stock.sh). Its user space and its
# drivers come from Debian as well.
prepare_stock() {
	local kernel tree='' cross
	cross=$(conf CROSS_COMPILE)
	if [ -n "$cross" ]; then
		need python3 qemu-system-arm device-tree-compiler \
			"gcc-${cross%-}" "libc6-dev-$(conf DEBIAN)-cross"
	else
		need python3 qemu-system-x86 gcc libc6-dev
	fi
	kernel=$("$HERE/stock.sh" "$KVER" "$BOARD" | tail -n 1)
	collect_files "$kernel"
	cp "$top"/selftests/stock/*.sh "$build/files/"
	cp "$top/debian/tests/load" "$build/files/autopkgtest_load"
	step "HELPER  odirect" "$build/helper.log" "${cross}gcc" -static -O2 -Wall -Wextra \
		-o "$build/files/odirect" "$top/selftests/stock/odirect.c"
	step "INITRD  $BOARD $KVER" "$build/initramfs.log" "$HERE/stock_initramfs.sh" \
		"$build/initramfs.cpio.gz" "$kernel" "$build/files"
	compile_overlays "$HERE/boards/$BOARD"/*.dtso
	find_tree
	echo "--board $BOARD --kernel $kernel --initrd $build/initramfs.cpio.gz${tree:+ --dtb $tree}"
}

prepare() {
	local kernel userland compile overlay tree='' root='' machine module emulator=''
	local overlays=()
	if grep -qx KERNEL=stock "$HERE/boards/$BOARD/board.conf"; then
		prepare_stock
		return
	fi
	need python3
	kernel=$("$HERE/kernel.sh" "$KVER" "$BOARD" | tail -n 1)
	machine="--kernel $kernel"
	case $(conf ARCH):$(sed -n 's/^CONFIG_MMU=//p' "$kernel/.config") in
	x86:*)
		need qemu-system-x86
		userland=$("$HERE/stock_userland.sh" | tail -n 1)
		compile="gcc -static"
		;;
	riscv:*)
		need qemu-system-misc device-tree-compiler
		userland=$("$HERE/riscv_userland.sh" | tail -n 1)
		compile=$userland/bin/riscv-gcc
		! grep -q '^CONFIG_RISCV_ISA_ZICBOM=y' "$kernel/.config" || find_zicbom
		;;
	*:y)
		# The next one's BusyBox would do, but without an MMU each subshell is a
		# new program that reads all functions again: three times as slow.
		need qemu-system-arm device-tree-compiler gcc-arm-linux-gnueabi \
			libc6-dev-armel-cross
		userland=$("$HERE/stock_userland.sh" armel | tail -n 1)
		compile="arm-linux-gnueabi-gcc -static"
		;;
	*)
		need qemu-system-arm device-tree-compiler
		userland=$("$HERE/userland.sh" | tail -n 1)
		compile=$userland/bin/fdpic-gcc
		;;
	esac
	collect_files "$kernel"
	# shellcheck disable=SC2086 # words
	step "HELPER  mmap_buffer" "$build/helper.log" $compile \
		-Os -Wall -Wextra -o "$build/files/mmap_buffer" \
		"$top/selftests/helpers/mmap_buffer.c"
	# shellcheck disable=SC2086 # words
	step "HELPER  life" "$build/helper.log" $compile -Os -Wall -Wextra \
		-o "$build/files/life" "$top/selftests/helpers/life.c"
	if grep -q '^CONFIG_FAULT_INJECTION=y' "$kernel/.config"; then
		# shellcheck disable=SC2086 # words
		step "HELPER  fail_nth" "$build/helper.log" $compile -Os -Wall \
			-Wextra -o "$build/files/fail_nth" "$top/selftests/helpers/fail_nth.c"
	fi
	# this kernel has drivers of real devices, which stock/ tests
	if grep -q '^CONFIG_\(E1000E\|MACB\)=y' "$kernel/.config"; then
		cp "$top"/selftests/stock/*.sh "$build/files/"
		# shellcheck disable=SC2086 # words
		step "HELPER  odirect" "$build/helper.log" $compile -Os -Wall \
			-Wextra -DCHUNK=0x20000 -o "$build/files/odirect" "$top/selftests/stock/odirect.c"
	fi
	put_driver_in "$kernel"
	mapfile -t overlays < <(find "$HERE/boards/$BOARD" -maxdepth 1 -name "*.dtso" ! -name "cache*.dtso")
	if [ -n "${CACHE:-}" ]; then
		root=$build/root
		mkdir -p "$root/sbin"
		cp "$top/selftests/cache/insmod" "$root/sbin/"
		step "HELPER  tell" "$build/helper.log" "$compile" -Os -Wall -Wextra \
			-o "$root/sbin/tell" "$top/selftests/cache/tell.c"
		machine=$("$HERE/cache.sh" "$kernel" "$BOARD" "$build/machine" | tail -n 1)
		overlays=("$HERE/boards/$BOARD"/cache*.dtso)
	fi
	# the project's own for that device tree
	overlays+=("$top/dts-overlays/$(basename "$(conf KERNEL_DTB)" .dtb).dtso")
	compile_overlays "${overlays[@]}"
	# These overlays are applied and removed in the guest. They have no symbols (-@), as
	# the kernel cannot remove symbols again.
	for overlay in "$HERE/boards/$BOARD"/run-time/*.dtso; do
		[ -e "$overlay" ] || continue
		mkdir -p "$build/files/overlays"
		dtc -q -I dts -O dtb \
			-o "$build/files/overlays/$(basename "$overlay" .dtso).dtbo" \
			"$overlay"
	done
	# trees with one mistake in each, for boards like the default one
	if [ -z "${CACHE:-}" ] &&
		grep -q '^DRAM_BASE=' "$HERE/boards/$BOARD/board.conf"; then
		mkdir -p "$build/files/overlays"
		python3 "$HERE/broken_trees.py" "$HERE/boards/$BOARD/board.conf" "$build"
		mv "$build/broken" "$build/files/overlays/"
	fi
	find_tree
	step "INITRD  $BOARD" "$build/initramfs.log" "$HERE/initramfs.sh" \
		"$build/initramfs.cpio" "$userland" "$build/files" ${root:+"$root"}
	if [ -n "${CACHE:-}" ]; then
		machine+=" --overlay $build/cache.dtbo"
		for module in "$build"/modules/{module,selftests/modules}/*.ko "$build"/driver/*.ko; do
			[ ! -e "$module" ] ||
				machine+=" --module $(basename "$module" .ko | tr - _)=$module"
		done
	fi
	echo "--board $BOARD $machine --initrd $build/initramfs.cpio${tree:+ --dtb $tree}$(flavour_words)"
}

mode=${1:-}
case $mode in
prepare)
	prepare
	;;
demo | vm)
	words=$(prepare)
	if [ "$mode" = demo ]; then
		say "  BOOT    $BOARD, Linux $KVER"
		# shellcheck disable=SC2086 # words
		exec "$HERE/run.py" $words --icount --raw demo.sh
	fi
	# shellcheck disable=SC2086 # words
	exec "$HERE/run.py" $words --interactive
	;;
*)
	die "usage: machine.sh prepare|demo|vm"
	;;
esac
