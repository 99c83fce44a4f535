# SPDX-License-Identifier: GPL-2.0
#
# make            the modules, for the kernel whose build tree is KDIR
# make demo       the main job from nothing, in an emulated machine
# make check      lint, unit tests and selftests in the emulated machine; with TEST="NAME..."
#                 only these: TEST=lifetime, TEST="unit lint"
# make check-all  the same on every machine, and a minute of fuzzing
# make check-long what takes hours: a million allocations under stress, a thousand
#                 cycles of what may leak, an hour of fuzzing, mutants ...
# make mutants    breaks the module in many small ways: make check has to notice
#                 each; ONLY="NAME..." for some of them
# make bench      the module's figures beside the kernel's own pool, in build/bench
# make vm         that machine with a console
# make lint       the first part of check, static analysis with it
# make install    the modules into the running kernel's (or INSTALL_MOD_PATH)
# make board-kit  for a board with the kernel KDIR: modules, tests and a report, in one
#                 archive in build
# make dkms-install    the module for every kernel with headers, by DKMS, and
# make dkms-uninstall  gone again
# make deb        Debian packages, source and binary, in build/deb
# make in-tree    the module into the kernel source KDIR, to be built in, and
# make in-tree-remove  out of it
# make clean      what builds left here
# make distclean  and what is cached in ~/.cache/dma-alias-pool
#
# ARCH and CROSS_COMPILE are the kernel's own. KVER and BOARD name the kernel
# series and the emulated machine of demo, check and vm. CACHE=y gives that of demo and
# vm a data cache, DRIVER=DIR puts a module of yours into it. KSRC=DIR is a kernel source
# tree of yours, which demo, check, vm and bench then use.

KDIR	?= /lib/modules/$(shell uname -r)/build

all modules: kdir
	$(MAKE) -C "$(KDIR)" M="$(CURDIR)" modules

# Of the module alone: newer kernels install what was built in the same directory.
install: kdir
	$(MAKE) -C "$(KDIR)" M="$(CURDIR)/module" modules
	$(MAKE) -C "$(KDIR)" M="$(CURDIR)/module" modules_install

# Kbuild takes a path with spaces for several.
kdir:
	@case "$(CURDIR)" in *" "*) \
		echo "The kernel's build cannot do with a path that has spaces: move $(CURDIR)" >&2; \
		exit 1 ;; esac
	@test -f "$(KDIR)/Makefile" || { \
		echo "There is no kernel build tree in $(KDIR): install linux-headers of your kernel," >&2; \
		echo "or say make KDIR=<built kernel tree> ARCH=... CROSS_COMPILE=..." >&2; exit 1; }

# with the strip of the kernel's own build
board-kit: modules
	@packaging/board-kit.sh "$(KDIR)" $(if $(LLVM),$(filter \
		%/,$(LLVM))llvm-strip$(filter -%,$(LLVM)),$(CROSS_COMPILE)strip)

dkms-install:
	@packaging/dkms.sh install

dkms-uninstall:
	@packaging/dkms.sh uninstall

deb:
	@packaging/deb.sh

in-tree:
	@packaging/in-tree.sh add "$(KDIR)"

in-tree-remove:
	@packaging/in-tree.sh remove "$(KDIR)"

demo:
	@selftests/rig/machine.sh demo

vm:
	@selftests/rig/machine.sh vm

check:
	@selftests/host/check.sh

check-all:
	@selftests/host/check_all.sh

check-long:
	@selftests/host/check_long.sh

mutants:
	@selftests/host/mutants.sh $(ONLY)

bench:
	@selftests/bench/bench.sh

lint:
	@selftests/host/lint.sh
	@selftests/host/check_analysis.sh

clean:
	rm -rf build
	find . -name .git -prune -o -type f \( -name '*.o' -o -name '*.ko' \
		-o -name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' -o -name '*.o.d' \
		-o -name modules.order -o -name Module.symvers \) -exec rm -f {} +

distclean: clean
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/dma-alias-pool"

.PHONY: all modules install kdir board-kit dkms-install dkms-uninstall deb in-tree \
	in-tree-remove demo vm check check-all check-long mutants bench lint \
	clean distclean
