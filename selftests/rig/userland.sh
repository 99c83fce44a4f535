#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# userland.sh - build the emulated machine's user space, from Debian packages alone:
# uClibc-ng and BusyBox. Programs are static ARM FDPIC ELF files: in this format all
# processes of a program share one copy of its code, although there is no MMU.
#
# Reads uclibc.config and busybox.frag beside this file, Debian's uclibc-source, its
# busybox source package, its ARM compilers, and its kernel's headers.
# Prints a directory as the last line on stdout, in which there are
#   busybox         the program, with busybox.config
#   guest/          the programs made from guest/*.c
#   bin/fdpic-gcc   a compiler for ordinary C programs on that machine
#   sysroot/        the libraries that this compiler links with
# --path builds nothing: it prints the directory if it is there, else fails.
# The directory's name is a digest of all that goes into it: a second run only prints it.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"
. "$HERE/busybox.sh"

RECIPE=3	# count this up when what this script builds changes
SUITE=bookworm
CROSS=arm-linux-gnueabi-
UCLIBC=/usr/src/uClibc-ng-1.0.35.tar.xz
PACKAGES=(uclibc-source gcc-arm-linux-gnueabi gcc-arm-none-eabi gcc libc6-dev
	make rsync bzip2 xz-utils python3)

# With -mfdpic alone this compiler does not make position-independent code (-fPIE does
# that), and the assembler does not mark its output as FDPIC (-Wa,--fdpic).
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
	# no pipefail: "yes" is killed by SIGPIPE when make has all its answers
	(set +o pipefail; yes "" | make ARCH=arm oldconfig)
	make ARCH=arm -j"$JOBS"
	make ARCH=arm PREFIX="$S" install_dev
	cp lib/crtreloc.o "$S/lib/"
}

# libgcc for Thumb-2 is that of the bare-metal compiler. The linker refuses to mix its
# objects with FDPIC objects. So byte 7 of each object, which names the ABI, is set to 65,
# ARM FDPIC.
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

# The linker can read and write the FDPIC format but has no linker script for it. The
# script here defines start and end of the list of places that crtreloc.o relocates.
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
	# Symbols that are missing. uClibc leaves the first out of a static FDPIC build.
	# libgcc's divisions refer to the unwinder for C++ exceptions. The real unwinder
	# cannot be used: it is not position-independent, and on a machine with an MMU
	# the code cannot be relocated.
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
	cat "$HERE/busybox.sh" "$HERE/uclibc.config" "$HERE/busybox.frag" "$HERE"/guest/*.c
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
