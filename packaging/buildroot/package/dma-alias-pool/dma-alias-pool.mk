################################################################################
#
# dma-alias-pool
#
################################################################################

# SPDX-License-Identifier: GPL-2.0

DMA_ALIAS_POOL_VERSION = 0.1.0
# The sources that this directory is a part of. In a copy of the directory, set
# this to where they are (or a git repository, and the next to git).
DMA_ALIAS_POOL_SITE = $(BR2_EXTERNAL_DMA_ALIAS_POOL_PATH)/../..
DMA_ALIAS_POOL_SITE_METHOD = local
DMA_ALIAS_POOL_LICENSE = GPL-2.0
DMA_ALIAS_POOL_LICENSE_FILES = COPYING
# not the test modules
DMA_ALIAS_POOL_MODULE_SUBDIRS = module
# what builds for other kernels left there
DMA_ALIAS_POOL_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS = \
	--exclude=/build --exclude='*.o' --exclude='*.ko' --exclude='*.mod' \
	--exclude='*.mod.c' --exclude='.*.cmd' --exclude=modules.order \
	--exclude=Module.symvers

# Else all of a wrong directory, maybe /, would be copied.
ifeq ($(BR2_PACKAGE_DMA_ALIAS_POOL)-$(DMA_ALIAS_POOL_SITE_METHOD),y-local)
ifeq ($(wildcard $(DMA_ALIAS_POOL_SITE)/module/Kbuild),)
$(error dma-alias-pool: no sources in $(DMA_ALIAS_POOL_SITE): use packaging/buildroot of a clone as BR2_EXTERNAL, or set DMA_ALIAS_POOL_SITE)
endif
endif

# What legal-info archives is the same directory, for which it has no setting.
dma-alias-pool-legal-info: RSYNC_VCS_EXCLUSIONS += \
	$(DMA_ALIAS_POOL_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS)

$(eval $(kernel-module))
$(eval $(generic-package))
