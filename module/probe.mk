# SPDX-License-Identifier: GPL-2.0
#
# Look at the headers of the kernel being built against, for compat.h: vendor
# kernels backport, so their version says little.
#
# dap-has: -DNAME if FILE (of the kernel tree) has a line that matches REGEX.
#	   $(call dap-has,NAME,FILE,REGEX)
dap-has = $(shell grep -Eqs '$(3)' '$(srctree)/$(2)' && echo -D$(1))

dap-include := include/linux
dap-probes := \
  $(call dap-has,DAP_HAS_ALLOC_PAGES_OP,$(dap-include)/dma-map-ops.h,[*]alloc_pages_op) \
  $(call dap-has,DAP_HAS_MAP_PHYS,$(dap-include)/dma-map-ops.h,[*]map_phys) \
  $(call dap-has,DAP_MAP_SG_RETURNS_ERRNO,$(dap-include)/dma-map-ops.h,map_sg should return a negative error code) \
  $(call dap-has,DAP_HAS_DMA_MAP_PHYS,$(dap-include)/dma-mapping.h,dma_addr_t dma_map_phys) \
  $(call dap-has,DAP_HAS_NONCONTIGUOUS,$(dap-include)/dma-mapping.h,dma_alloc_noncontiguous) \
  $(call dap-has,DAP_HAS_DMA_MMIO,$(dap-include)/dma-mapping.h,define DMA_ATTR_MMIO) \
  $(call dap-has,DAP_HAS_FORCE_BOUNCE,$(dap-include)/swiotlb.h,bool is_swiotlb_force_bounce) \
  $(call dap-has,DAP_HAS_CC_PLATFORM,$(dap-include)/cc_platform.h,bool cc_platform_has) \
  $(call dap-has,DAP_HAS_RESTRICTED_POOL,$(dap-include)/swiotlb.h,bool is_swiotlb_for_alloc) \
  $(call dap-has,DAP_HAS_IS_SWIOTLB_BUFFER,$(dap-include)/swiotlb.h,inline bool is_swiotlb_buffer.struct device) \
  $(call dap-has,DAP_HAS_FIND_IO_TLB_POOL,$(dap-include)/swiotlb.h,inline .*swiotlb_find_pool) \
  $(call dap-has,DAP_DMA_CAPABLE_HAS_ATTRS,$(dap-include)/dma-direct.h,bool is_ram.* unsigned long attrs) \
  $(call dap-has,DAP_RANGES_HAVE_OFFSET,$(dap-include)/dma-direct.h,^[[:space:]]+u64[[:space:]]+offset;) \
  $(call dap-has,DAP_HAS_CONST_BUS,$(dap-include)/device/bus.h,bus_register_notifier.const struct bus_type) \
  $(call dap-has,DAP_HAS_DMA_IOMMU,$(dap-include)/device.h,dma_iommu) \
  $(call dap-has,DAP_HAS_DEV_FLAGS,$(dap-include)/device.h,accessors.dma_coherent) \
  $(call dap-has,DAP_HAS_LINK_WAIT,$(dap-include)/device.h,void device_link_wait_removal) \
  $(call dap-has,DAP_HAS_IO_TLB_MEM,$(dap-include)/device.h,dma_io_tlb_mem;) \
  $(call dap-has,DAP_OVERLAY_HAS_BASE,$(dap-include)/of.h,struct device_node [*]target_base) \
  $(call dap-has,DAP_REMOVE_RETURNS_INT,$(dap-include)/platform_device.h,int .[*]remove) \
  $(call dap-has,DAP_ARCHDATA_COHERENT,arch/$(SRCARCH)/include/asm/device.h,dma_coherent) \
  $(call dap-has,DAP_ARCHDATA_OPS_SETUP,arch/$(SRCARCH)/include/asm/device.h,dma_ops_setup) \
  $(call dap-has,DAP_HAS_ZICBOM,arch/$(SRCARCH)/include/asm/hwcap.h,RISCV_ISA_EXT_ZICBOM) \
  $(call dap-has,DAP_THEAD_CMO_BY_VA,arch/$(SRCARCH)/include/asm/errata_list.h,ERRATA_THEAD_CMO[[:space:]]) \
  $(call dap-has,DAP_HAS_ASM_CPUFEATURE,arch/$(SRCARCH)/include/asm/cpufeature.h,struct riscv_isainfo)
