# SPDX-License-Identifier: GPL-2.0
SUMMARY = "DMA-coherent memory from a hardware-aliased region"
DESCRIPTION = "A kernel module that serves dma_alloc_coherent() of chosen devices \
from a reserved region of RAM that the hardware shows at a second, non-cacheable \
address: for noMMU systems with caches."
SECTION = "kernel/modules"
LICENSE = "GPL-2.0-only"
LIC_FILES_CHKSUM = "file://COPYING;md5=b234ee4d69f5fce4486a80fdaf4a4263"

# The sources are the tree that this layer is a part of.
FILESEXTRAPATHS:prepend := "${THISDIR}/../../../../..:"
SRC_URI = "file://module;subdir=${BP} file://COPYING;subdir=${BP}"

# Sources are unpacked in UNPACKDIR since styhead, in WORKDIR by older releases.
S = "${@d.getVar('UNPACKDIR') or d.getVar('WORKDIR')}/${BP}"

inherit module

EXTRA_OEMAKE += "-C ${STAGING_KERNEL_DIR} M=${S}/module"
MAKE_TARGETS = "modules"
MODULES_MODULE_SYMVERS_LOCATION = "module"
