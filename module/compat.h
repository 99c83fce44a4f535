/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything that depends on the kernel being built against.
 *
 * No other file tests a kernel version, and none an architecture but cache.h,
 * clear.h and mpu.h, which are about CPUs, and region.h.  Differences are found
 * by looking at the headers of the kernel tree (probe.mk defines macros), or at
 * its configuration, but not by version number, since vendor kernels have
 * backports.
 */
#ifndef DAP_COMPAT_H
#define DAP_COMPAT_H

#ifdef DAP_HAS_CC_PLATFORM
#include <linux/cc_platform.h>
#endif
#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/mem_encrypt.h>
#include <linux/swiotlb.h>
#ifdef CONFIG_XEN_PV
#include <xen/xen.h>
#endif

/* --- the DMA API as the newest kernel has it, on older ones */

#ifndef DAP_HAS_DMA_MMIO
#define DMA_ATTR_MMIO		BIT(31)	/* never seen outside of this module */
#endif

#ifdef DAP_HAS_ALLOC_PAGES_OP
#define dap_alloc_pages		alloc_pages_op
#else
#define dap_alloc_pages		alloc_pages
#endif

/* Mapping by direct.c, in the form of the newest kernels ... */
dma_addr_t dap_direct_map_phys(struct device *dev, phys_addr_t phys,
			       size_t size, enum dma_data_direction dir,
			       unsigned long attrs);
void dap_direct_unmap_phys(struct device *dev, dma_addr_t addr, size_t size,
			   enum dma_data_direction dir, unsigned long attrs);

#ifdef DAP_HAS_MAP_PHYS
#define DAP_DIRECT_MAP_OPS						\
	.map_phys		= dap_direct_map_phys,			\
	.unmap_phys		= dap_direct_unmap_phys
#else
/* ... and in that of others, which map pages and resources. */
static inline dma_addr_t dap_compat_map_page(struct device *dev,
					     struct page *page,
					     unsigned long offset, size_t size,
					     enum dma_data_direction dir,
					     unsigned long attrs)
{
	return dap_direct_map_phys(dev, page_to_phys(page) + offset, size, dir,
				   attrs);
}

static inline dma_addr_t dap_compat_map_resource(struct device *dev,
						 phys_addr_t phys, size_t size,
						 enum dma_data_direction dir,
						 unsigned long attrs)
{
	return dap_direct_map_phys(dev, phys, size, dir, attrs | DMA_ATTR_MMIO);
}

#define DAP_DIRECT_MAP_OPS						\
	.map_page		= dap_compat_map_page,			\
	.unmap_page		= dap_direct_unmap_phys,		\
	.map_resource		= dap_compat_map_resource
#endif

#ifndef DAP_HAS_DMA_MAP_PHYS
static inline dma_addr_t dma_map_phys(struct device *dev, phys_addr_t phys,
				      size_t size, enum dma_data_direction dir,
				      unsigned long attrs)
{
	if (attrs & DMA_ATTR_MMIO)
		return dma_map_resource(dev, phys, size, dir,
					attrs & ~DMA_ATTR_MMIO);
	return dma_map_page_attrs(dev, pfn_to_page(PHYS_PFN(phys)),
				  offset_in_page(phys), size, dir, attrs);
}

static inline void dma_unmap_phys(struct device *dev, dma_addr_t addr,
				  size_t size, enum dma_data_direction dir,
				  unsigned long attrs)
{
	if (attrs & DMA_ATTR_MMIO)
		dma_unmap_resource(dev, addr, size, dir,
				   attrs & ~DMA_ATTR_MMIO);
	else
		dma_unmap_page_attrs(dev, addr, size, dir, attrs);
}
#endif

/* Can the device reach these addresses? */
static inline bool dap_dma_capable(struct device *dev, dma_addr_t addr,
				   size_t size, unsigned long attrs)
{
#ifdef DAP_DMA_CAPABLE_HAS_ATTRS
#ifdef CONFIG_ARCH_HAS_FORCE_DMA_UNENCRYPTED
	/*
	 * dma_capable() would call force_dma_unencrypted(), which is not
	 * exported.  Where memory is encrypted, leave the mapping to the
	 * companion.
	 */
	if (cc_platform_has(CC_ATTR_MEM_ENCRYPT))
		return false;
	attrs |= DMA_ATTR_CC_SHARED;
#endif
	return dma_capable(dev, addr, size, false, attrs);
#else
	return dma_capable(dev, addr, size, false);
#endif
}

/* Older kernels would take an errno from .map_sg for a number of entries. */
#ifdef DAP_MAP_SG_RETURNS_ERRNO
#define DAP_MAP_SG_ERROR	(-EIO)
#else
#define DAP_MAP_SG_ERROR	0
#endif

/* --- what a device is */

#ifdef DAP_HAS_CONST_BUS
#define DAP_BUS_CONST		const
#else
#define DAP_BUS_CONST
#endif

/* The flag is there only if the architecture has devices of both kinds. */
#if defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_DEVICE) || \
	defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_CPU) || \
	defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_CPU_ALL)
#define DAP_DEVICE_COHERENT	1
#else
#define DAP_DEVICE_COHERENT	0
#endif

/*
 * Does the kernel know which devices snoop the caches?  A kernel that has
 * nothing to maintain caches with assumes that all devices do.  With an MMU
 * that is true.  Without one it is only unknown (noMMU RISC-V).
 */
static inline bool dap_knows_coherence(void)
{
	return DAP_DEVICE_COHERENT || IS_ENABLED(CONFIG_MMU) ||
	       IS_ENABLED(CONFIG_ARM);
}

/*
 * Kernels in which no device has the flag may have one in archdata, which only
 * ARM uses.  If a kernel has both, the one in archdata may be unused.
 */
#if defined(DAP_ARCHDATA_COHERENT) && !DAP_DEVICE_COHERENT
#define DAP_COHERENT_IN_ARCHDATA	1
#else
#define DAP_COHERENT_IN_ARCHDATA	0
#endif

/*
 * Does the device snoop the caches?  If that is unknown, the answer is no:
 * somebody who does not need a pool does not set one up.
 */
static inline bool dap_is_coherent(struct device *dev)
{
	if (!dap_knows_coherence())
		return false;
#if DAP_COHERENT_IN_ARCHDATA
	return dev->archdata.dma_coherent;
#else
	return dev_is_dma_coherent(dev);
#endif
}

static inline void dap_assign_coherent(struct device *dev, bool coherent)
{
#if defined(DAP_HAS_DEV_FLAGS)
	dev_assign_dma_coherent(dev, coherent);
#elif DAP_DEVICE_COHERENT
	dev->dma_coherent = coherent;
#endif
}

/*
 * May the memory at what the kernel calls a physical address be something else
 * for a device?
 */
static inline bool dap_hides_memory(void)
{
#ifdef CONFIG_XEN_PV
	if (xen_pv_domain())
		return true;
#endif
#ifdef DAP_HAS_CC_PLATFORM
	return cc_platform_has(CC_ATTR_MEM_ENCRYPT);
#else
	return mem_encrypt_active();
#endif
}

/* Has the device a shared-dma-pool, which the kernel asks before any operations? */
static inline bool dap_has_own_memory(struct device *dev)
{
#ifdef CONFIG_DMA_DECLARE_COHERENT
	return dev->dma_mem;
#else
	return false;
#endif
}

/* Can the device reach nothing but its restricted-dma-pool? */
static inline bool dap_is_restricted(struct device *dev)
{
#ifdef DAP_HAS_RESTRICTED_POOL
	return is_swiotlb_for_alloc(dev);
#else
	return false;
#endif
}

/* Does the device use an IOMMU without having any dma_map_ops? */
static inline bool dap_uses_dma_iommu(struct device *dev)
{
#if defined(DAP_HAS_DEV_FLAGS)
	return dev_dma_iommu(dev);
#elif defined(DAP_HAS_DMA_IOMMU) && defined(CONFIG_IOMMU_DMA)
	return dev->dma_iommu;
#else
	return false;
#endif
}

/*
 * Newer kernels skip syncs that a device does not need.  They decide that when
 * the driver sets a mask, which may have been before the device became a
 * client, or never.
 */
static inline void dap_assign_skip_sync(struct device *dev, bool skip)
{
#ifdef CONFIG_DMA_NEED_SYNC
#ifdef DAP_HAS_DEV_FLAGS
	dev_assign_dma_skip_sync(dev, skip);
#else
	dev->dma_skip_sync = skip;
#endif
#endif
}

/* --- bounce buffers */

static inline bool dap_always_bounces(struct device *dev)
{
#ifdef DAP_HAS_FORCE_BOUNCE
	return is_swiotlb_force_bounce(dev);
#else
	return IS_ENABLED(CONFIG_SWIOTLB);	/* unknown */
#endif
}

#ifdef CONFIG_SWIOTLB_DYNAMIC
/* As swiotlb_find_pool(), half of which is not exported. */
static inline bool dap_is_in_pools(const struct list_head *pools,
				   phys_addr_t phys)
{
	const struct io_tlb_pool *pool;

	list_for_each_entry_rcu(pool, pools, node)
		if (phys >= pool->start && phys < pool->end)
			return true;
	return false;
}

static inline bool dap_is_bounced_dynamically(struct device *dev,
					      phys_addr_t phys)
{
	bool found;

	smp_rmb();	/* as there */
	if (!READ_ONCE(dev->dma_uses_io_tlb))
		return false;
	rcu_read_lock();
	found = dap_is_in_pools(&dev->dma_io_tlb_mem->pools, phys) ||
		dap_is_in_pools(&dev->dma_io_tlb_pools, phys);
	rcu_read_unlock();
	return found;
}
#endif

/* May this address be in a bounce buffer of @dev?  If that is unknown, yes. */
static inline bool dap_is_bounced(struct device *dev, phys_addr_t phys)
{
#if !defined(CONFIG_SWIOTLB)
	return false;
#elif defined(CONFIG_SWIOTLB_DYNAMIC)
	return dap_is_bounced_dynamically(dev, phys);
#elif defined(DAP_HAS_IS_SWIOTLB_BUFFER)
	/* If there are both, only this one looks at the address. */
	return is_swiotlb_buffer(dev, phys);
#elif defined(DAP_HAS_FIND_IO_TLB_POOL)
	return swiotlb_find_pool(dev, phys);
#else
	return true;
#endif
}

/* --- the driver core */

/*
 * Wait until no device link that was removed refers to its devices.  Old kernels
 * cannot do that.
 */
static inline void dap_wait_for_links(void)
{
#ifdef DAP_HAS_LINK_WAIT
	device_link_wait_removal();
#endif
}

/*
 * Some architectures clear dma_ops at unbind, and after failed probes without
 * any notifier, also with memory left that can be freed by ours only.  ARM with
 * an MMU does not if it believes that it has not set them.  arm64 before 6.12 does.
 */
#if !defined(CONFIG_ARCH_HAS_TEARDOWN_DMA_OPS)
#define DAP_OPS_ARE_TORN_DOWN	0
#elif defined(DAP_ARCHDATA_OPS_SETUP)
#define DAP_OPS_ARE_TORN_DOWN	0
#define DAP_KEEP_OPS		1
#else
#define DAP_OPS_ARE_TORN_DOWN	1
#endif

static inline void dap_set_ops(struct device *dev,
			       const struct dma_map_ops *ops)
{
	set_dma_ops(dev, ops);
#ifdef DAP_KEEP_OPS
	dev->archdata.dma_ops_setup = false;
#endif
}

/*
 * The return type of .remove of a platform driver, and the value for success.
 */
#ifdef DAP_REMOVE_RETURNS_INT
#define dap_remove_t		int
#define DAP_REMOVED		0
#else
#define dap_remove_t		void
#define DAP_REMOVED
#endif

#endif /* DAP_COMPAT_H */
