#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# userland.sh - make the emulated machine's user space, from Debian packages
# alone: uClibc-ng and BusyBox as static ARM FDPIC ELF, a format in which one
# copy of a program's text serves all its processes although there is no MMU.
#
# In: uclibc.config and busybox.frag beside this file, Debian's uclibc-source,
#   its busybox source package, its ARM compilers, its kernel's headers.
# Out: a directory, as the last line on stdout, which holds
#   busybox         the program, with busybox.config
#   guest/          the programs made from guest/*.c
#   bin/fdpic-gcc   a compiler for ordinary C programs on that machine
#   sysroot/        what that compiler links with
# --path makes nothing: it prints the directory if it is there, else fails.
# The directory's name is a digest of the inputs: a second run only prints it.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"
. "$HERE/busybox.sh"

RECIPE=2	# to be counted up with each change of what this script builds
SUITE=bookworm
CROSS=arm-linux-gnueabi-
UCLIBC=/usr/src/uClibc-ng-1.0.35.tar.xz
PACKAGES=(uclibc-source gcc-arm-linux-gnueabi gcc-arm-none-eabi gcc libc6-dev
	make rsync bzip2 xz-utils python3)

# -mfdpic alone is not enough: this compiler wants to be told to make
# position-independent code, and the assembler to mark it as FDPIC.
TARGET="-mcpu=cortex-m3 -mthumb -msoft-float -mfdpic -fPIE -Wa,--fdpic \
-ffunction-sections -fdata-sections -fno-stack-protector \
-fno-asynchronous-unwind-tables -fno-unwind-tables -fno-exceptions"

# --- parts ----------------------------------------------------------------

build_uclibc() {
	mkdir "$TMP/uclibc"
	tar xf $UCLIBC -C "$TMP/uclibc" --strip-components=1
	make -C "$KERNEL" O="$TMP/headers" ARCH=arm INSTALL_HDR_PATH="$S" headers_install
	sed -e "s|@HEADERS@|$S/include|; s|@CROSS@|$CROSS|; s|@CFLAGS@|$TARGET|" \
		"$HERE/uclibc.config" >"$TMP/uclibc/.config"
	cd "$TMP/uclibc"
	# the answers run out of a pipe that make closes early
	(set +o pipefail; yes "" | make ARCH=arm oldconfig)
	make ARCH=arm -j"$JOBS"
	make ARCH=arm PREFIX="$S" install_dev
	cp lib/crtreloc.o "$S/lib/"
}

# libgcc for Thumb-2 comes from the bare-metal compiler. Byte 7 of an object
# names its ABI: 65 is ARM FDPIC, and the linker takes no other beside ours.
restamp_libgcc() {
	local o
	mkdir "$TMP/libgcc"
	cd "$TMP/libgcc"
	${CROSS}ar x "$(arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb -print-libgcc-file-name)"
	for o in *.o; do
		printf '\101' | dd of="$o" bs=1 seek=7 conv=notrunc status=none
	done
	rm -f "$S/lib/libgcc.a"
	${CROSS}ar rcs "$S/lib/libgcc.a" ./*.o
}

# The linker reads and writes the FDPIC format but has no linker script for
# it, so nothing defines the ends of the list that crtreloc.o works through.
write_wrapper() {
	cat >"$S/lib/fdpic.ld" <<-'LD'
	SECTIONS
	{
		.rofixup : { __ROFIXUP_LIST__ = .; *(.rofixup) __ROFIXUP_END__ = .; }
	}
	INSERT AFTER .rodata;
	LD
	cat >"$NEW/bin/fdpic-gcc" <<-WRAPPER
	#!/bin/bash
	# SPDX-License-Identifier: GPL-2.0
	# fdpic-gcc - gcc for C programs of the emulated machine (made by userland.sh).
	# Compiles, links with -r, or links a static program; STACK is its stack size.
	S=\$(dirname "\$(readlink -f "\$0")")/../sysroot
	FORMAT="-Wl,-b,elf32-littlearm-fdpic -Wl,--oformat,elf32-littlearm-fdpic"
	C="$TARGET -U_FORTIFY_SOURCE -nostdinc -isystem \$S/include
	 -isystem $(${CROSS}gcc -print-file-name=include)
	 -isystem $(${CROSS}gcc -print-file-name=include-fixed)"
	args=()
	for a in "\$@"; do
	  case \$a in
	  -r|-Wl,-r) exec ${CROSS}gcc -nostdlib \$FORMAT "\$@" ;;
	  -c|-S|-E|-M|-MM) exec ${CROSS}gcc \$C "\$@" ;;
	  --version|-v|-dump*|-print-*) exec ${CROSS}gcc "\$@" ;;
	  # all of these are in, or have no part in, the one static libc.a
	  -static|-pie|-lm|-lresolv|-lcrypt|-lrt) ;;
	  *) args+=("\$a") ;;
	  esac
	done
	exec ${CROSS}gcc \$C -nostdlib -static -no-pie \$FORMAT \\
	  -Wl,-z,max-page-size=4096,-z,noseparate-code,-z,norelro,-z,noexecstack \\
	  -Wl,-z,stack-size=\${STACK:-0x10000},--build-id=none,--gc-sections \\
	  -Wl,--no-enum-size-warning \\
	  "\$S/lib/crt1.o" "\$S/lib/crti.o" "\$S/lib/crtreloc.o" "\$S/lib/missing.o" \\
	  "\${args[@]}" -Wl,--start-group "\$S/lib/libc.a" "\$S/lib/libgcc.a" -Wl,--end-group \\
	  "\$S/lib/crtn.o" -Wl,-T,"\$S/lib/fdpic.ld"
	WRAPPER
	chmod +x "$NEW/bin/fdpic-gcc"
	link_tools fdpic-
	# The one symbol that this uClibc leaves out of a static FDPIC build. And
	# what libgcc's divisions name for the sake of C++: its real unwinder is
	# not position-independent, and with an MMU nobody can relocate text.
	cat >"$TMP/missing.c" <<-'C'
	unsigned long _dl_pagesize = 4096;
	void __aeabi_unwind_cpp_pr0(void) { }
	void __aeabi_unwind_cpp_pr1(void) { }
	void __aeabi_unwind_cpp_pr2(void) { }
	C
	"$NEW/bin/fdpic-gcc" -Os -c "$TMP/missing.c" -o "$S/lib/missing.o"
}

# --- main -----------------------------------------------------------------

[ "${1:-}" = --path ] || need "${PACKAGES[@]}"
[ -e $UCLIBC ] || die "uclibc-source here does not hold $UCLIBC"
KEY=$({
	echo "$RECIPE" "$SUITE" "$UCLIBC" "$TARGET"
	${CROSS}gcc -dumpfullversion
	arm-none-eabi-gcc -dumpfullversion
	cat "$HERE/uclibc.config" "$HERE/busybox.frag" "$HERE"/guest/*.c
} | sha256sum | cut -c 1-12)
OUT=$CACHE_DIR/userland/$KEY

if [ ! -e "$OUT/busybox" ]; then
	[ "${1:-}" != --path ] || exit 1
	KERNEL=$(usual_source)
	cache_lock
	if [ ! -e "$OUT/busybox" ]; then
		begin_userland userland
		step "LIBC    uClibc-ng: building (about 1 min)" "$LOG" build_uclibc
		step "LIBC    libgcc for FDPIC" "$LOG" restamp_libgcc
		step "LIBC    the compiler wrapper" "$LOG" write_wrapper
		step "BUSYBOX building (about 1 min)" "$LOG" \
			build_busybox "$HERE/busybox.frag"
		step "BUSYBOX and what goes with it" "$LOG" \
			build_guest fdpic-gcc "$HERE"/guest/*.c
		end_userland "$OUT"
	fi
fi
echo "$OUT"
