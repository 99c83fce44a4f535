# SPDX-License-Identifier: GPL-2.0
#
# A stand-in for Buildroot, with as much of it as the module's recipe needs: packages
# with local sources, and the kernel-module infrastructure, which does the same as
# Buildroot's package/pkg-kernel-module.mk. Builds the module in BUILD_DIR and installs
# it in TARGET_DIR. Other variables that the caller sets:
# BR2_EXTERNAL_DMA_ALIAS_POOL_PATH, LINUX_DIR, LINUX_MAKE_FLAGS.

kernel-module = KERNEL_MODULES += $(pkg)
generic-package = PACKAGES += $(pkg)
# a package is named like the directory of its .mk file, as in Buildroot
pkg = $(notdir $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST)))))

.DEFAULT_GOAL := all
include $(BR2_EXTERNAL_DMA_ALIAS_POOL_PATH)/external.mk

P := DMA_ALIAS_POOL
D := $(BUILD_DIR)/dma-alias-pool-$($(P)_VERSION)

ifneq ($(KERNEL_MODULES) $(PACKAGES),dma-alias-pool dma-alias-pool)
$(error not one kernel-module and one generic-package: $(KERNEL_MODULES), $(PACKAGES))
endif
ifneq ($($(P)_SITE_METHOD),local)
$(error only local sources are known here)
endif

RSYNC_VCS_EXCLUSIONS = --exclude .git

all:
	mkdir -p "$(D)"
	rsync -a --delete --exclude=.git $($(P)_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS) \
		$($(P)_SITE)/ $(D)/
	test ! -e $(D)/module/left.o
	cd $(BR2_EXTERNAL_DMA_ALIAS_POOL_PATH)/package/dma-alias-pool && \
		sed -n 's/^sha256  //p' dma-alias-pool.hash | (cd $(D) && sha256sum -c -)
	test -e $(D)/$($(P)_LICENSE_FILES)
	grep -Fqx 'CONFIG_MODULES=y' $(LINUX_DIR)/.config
	$(foreach d,$($(P)_MODULE_SUBDIRS),$(MAKE) -C $(LINUX_DIR) \
		$(LINUX_MAKE_FLAGS) PWD=$(D)/$(d) M=$(D)/$(d) modules &&) true
	$(foreach d,$($(P)_MODULE_SUBDIRS),$(MAKE) -C $(LINUX_DIR) \
		$(LINUX_MAKE_FLAGS) INSTALL_MOD_PATH=$(TARGET_DIR) DEPMOD=true \
		PWD=$(D)/$(d) M=$(D)/$(d) modules_install &&) true

# For a package with local sources, legal-info archives their directory.
dma-alias-pool-legal-info:
	mkdir -p "$(BUILD_DIR)/legal-info"
	rsync -a $(RSYNC_VCS_EXCLUSIONS) $($(P)_SITE)/ $(BUILD_DIR)/legal-info/
