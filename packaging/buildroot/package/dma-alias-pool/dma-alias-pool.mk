# SPDX-License-Identifier: GPL-2.0
################################################################################
#
# dma-alias-pool
#
################################################################################

DMA_ALIAS_POOL_VERSION = 0.1.0
# the sources that this directory is a part of
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

$(eval $(kernel-module))
$(eval $(generic-package))
