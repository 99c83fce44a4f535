################################################################################
#
# dma-alias-pool
#
################################################################################

# SPDX-License-Identifier: GPL-2.0

DMA_ALIAS_POOL_VERSION = 0.1.0
# The tree that this directory is a part of. If you have copied this directory,
# set it to the path of the sources, or to a git repository and the next
# variable to git.
DMA_ALIAS_POOL_SITE = $(BR2_EXTERNAL_DMA_ALIAS_POOL_PATH)/../..
DMA_ALIAS_POOL_SITE_METHOD = local
DMA_ALIAS_POOL_LICENSE = GPL-2.0
DMA_ALIAS_POOL_LICENSE_FILES = COPYING
# The module alone, without its test modules.
DMA_ALIAS_POOL_MODULE_SUBDIRS = module
# These files are left over from builds for other kernels.
DMA_ALIAS_POOL_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS = \
	--exclude=/build --exclude='*.o' --exclude='*.ko' --exclude='*.mod' \
	--exclude='*.mod.c' --exclude='.*.cmd' --exclude=modules.order \
	--exclude=Module.symvers --exclude='*.dwo' --exclude='*.gcno' \
	--exclude='*.usyms' --exclude='*.symtypes' --exclude='*.su' --exclude='*.lst' \
	--exclude='*.ll' --exclude='*.bc' --exclude='*.i' --exclude='*.s'

# Stop if there are no sources: else Buildroot would copy all of that directory,
# which may be /.
ifeq ($(BR2_PACKAGE_DMA_ALIAS_POOL)-$(DMA_ALIAS_POOL_SITE_METHOD),y-local)
ifeq ($(wildcard $(DMA_ALIAS_POOL_SITE)/module/Kbuild),)
$(error dma-alias-pool: no sources in $(DMA_ALIAS_POOL_SITE): use packaging/buildroot of a clone as BR2_EXTERNAL, or set DMA_ALIAS_POOL_SITE)
endif
endif

# legal-info archives the same directory. It has no variable of its own for what
# to leave out.
dma-alias-pool-legal-info: RSYNC_VCS_EXCLUSIONS += \
	$(DMA_ALIAS_POOL_OVERRIDE_SRCDIR_RSYNC_EXCLUSIONS)

$(eval $(kernel-module))
$(eval $(generic-package))
