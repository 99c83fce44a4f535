# SPDX-License-Identifier: GPL-2.0
#
# make            builds the modules for the kernel whose build tree is KDIR
# make demo       shows the module at work in an emulated machine; builds all it needs
# make check      runs lint, unit tests and selftests in the emulated machine; with
#                 TEST="NAME..." only these: TEST=lifetime, TEST="unit lint"
# make check-all  runs that, what differs on other machines and kernels, the packages, and
#                 a minute of fuzzing
# make check-long runs all on every machine, and what takes hours: a million allocations
#                 under stress, a thousand cycles of what may leak, an hour of fuzzing,
#                 mutants ...
# make mutants    breaks the module in many small ways, and sees that make check notices
#                 each; ONLY="NAME..." for some of them
# make bench      measures the module and the kernel's own pool, in build/bench
# make vm         boots the emulated machine with a console
# make lint       runs the first part of check, and static analysis
# make install    installs the module for the kernel KDIR (below INSTALL_MOD_PATH)
# make board-kit  makes an archive in build for a board with the kernel KDIR: the
#                 modules, tests and a report
# make dkms-install    installs the module by DKMS for every kernel with headers
# make dkms-uninstall  removes that again
# make deb        builds Debian packages, source and binary, in build/deb
# make in-tree    adds the module to the kernel source KDIR, to be built in
# make in-tree-remove  takes it out again
# make clean      removes what builds left in this tree
# make distclean  also removes the cache, ~/.cache/dma-alias-pool
#
# ARCH, CROSS_COMPILE, LLVM, O and KBUILD_OUTPUT have the same meaning as for the kernel: where
# KDIR is a source, O=DIR is its build (below KDIR, if DIR is no absolute path). KVER and
# BOARD choose the kernel series and the emulated machine for demo, check, vm and bench;
# KSRC=DIR uses a kernel source tree of yours there. For demo and vm, CACHE=y gives the
# machine a data cache, and DRIVER=DIR puts a module of yours into it.

KDIR	?= /lib/modules/$(shell uname -r)/build

all modules: kdir
	$(MAKE) -C "$(KDIR)" M="$(CURDIR)" modules

# Builds and installs module/ alone, without the test modules: newer kernels install all
# modules of the directory that was built. The kernel's build runs in KDIR, where a
# relative path would mean another directory.
install: kdir
	$(MAKE) -C "$(KDIR)" M="$(CURDIR)/module" modules
	$(MAKE) -C "$(KDIR)" M="$(CURDIR)/module" modules_install \
		$(if $(INSTALL_MOD_PATH),INSTALL_MOD_PATH="$(abspath $(INSTALL_MOD_PATH))")

# What was built for one kernel is of no use for another. The kernel's build does not see
# that: with two builds of one source its commands are the same, and another kernel's
# headers may be older than our objects. Another kernel may even come to the same path.
built_for = $(realpath $(KDIR)) $(O) $(KBUILD_OUTPUT) $(ARCH) $(CROSS_COMPILE) $(LLVM) \
	$(shell { cd "$(KDIR)" && cd "$(or $(O),$(KBUILD_OUTPUT),.)" && \
		cat include/generated/autoconf.h include/config/kernel.release \
			Module.symvers | cksum; } 2>/dev/null)
# Only where our modules are built: a kernel's own build may be below this directory.
objects = -type f \( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' \
	-o -name '.*.cmd' -o -name '*.o.d' -o -name modules.order -o -name Module.symvers \
	-o -name '*.dwo' -o -name '*.gcno' -o -name '*.usyms' -o -name '*.symtypes' -o -name '*.su' \
	-o -name '*.lst' -o -name '*.ll' -o -name '*.bc' -o -name '*.i' -o -name '*.s' \) -exec rm -f {} +
remove_objects = find . -maxdepth 1 $(objects) && find module selftests $(objects)

# Refuse a path with spaces, which the kernel's build takes for several paths, and remove
# what was built for another kernel.
kdir:
	@case "$(CURDIR)" in *" "*) \
		echo "The kernel's build cannot do with a path that has spaces: move $(CURDIR)" >&2; \
		exit 1 ;; esac
	@test -f "$(KDIR)/Makefile" || { \
		echo "There is no kernel build tree in $(KDIR): install linux-headers of your kernel," >&2; \
		echo "or say make KDIR=<built kernel tree> ARCH=... CROSS_COMPILE=..." >&2; exit 1; }
	@built_for="$(built_for)"; test "$$(cat build/built_for 2>/dev/null)" = "$$built_for" || { \
		$(remove_objects) && mkdir -p build && echo "$$built_for" >build/built_for; }

# The script gets the strip program that the kernel's build would use. CROSS_COMPILE may be
# several words, as "ccache arm-linux-gnueabi-".
board-kit: modules
	@packaging/board-kit.sh $(if $(LLVM),$(filter \
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
	$(remove_objects)

distclean: clean
	@bash -euc '. selftests/rig/lib.sh; remove_cache'

# Two targets that build modules would write to the same files. The kernel's build is as
# parallel as -j says.
.NOTPARALLEL:

.PHONY: all modules install kdir board-kit dkms-install dkms-uninstall deb in-tree \
	in-tree-remove demo vm check check-all check-long mutants bench lint \
	clean distclean
