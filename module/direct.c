// SPDX-License-Identifier: GPL-2.0
/*
 * What a client did before it was one, where that was the kernel's direct
 * mapping (no dma_map_ops).
 *
 * The functions behind the direct mapping are not exported, and a device with
 * dma_map_ops never reaches them.  There are two ways to get the same effect:
 *
 *  - Arithmetic: phys_to_dma(), the mask, and on noMMU ARM the exported cache
 *    operations (cache.h).  The direct mapping does no more than this, unless
 *    it has to bounce.  It keeps no state, and DMA_API_DEBUG need not know.
 *  - The companion (companion.c): it serves what arithmetic cannot, which is
 *    bounce buffers, cache maintenance where no operation for it is exported,
 *    and questions about limits.
 *
 * Memory of the client's own pool takes neither: it may be mapped like any other
 * (dma-buf), but its bus address is that of an allocation there, and no cache
 * has to be maintained.  Of other pools nothing is known here.
 *
 * Arithmetic comes first because it is cheap: compared to a kernel without this
 * module, a map and unmap costs some 40 more instructions with it, and some 130
 * through the companion.
 *
 * Contexts: as for the DMA API, any.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/scatterlist.h>

#include "bus.h"
#include "cache.h"
#include "companion.h"
#include "compat.h"
#include "direct.h"
#include "dma_debug.h"
#include "registry.h"

/* Can caches be maintained without the companion, or need they not be? */
static bool direct_has_cache_ops(struct device *dev)
{
	return DAP_HAVE_CACHE_OPS || dev_is_dma_coherent(dev);
}

/*
 * Has memory of a pool been mapped?  Where nobody does that, no unmap has to
 * find out whether it is such memory.
 */
static bool direct_maps_pools;

/* Does memory overlap a range, as a whole or in part? */
static __always_inline bool direct_overlaps(phys_addr_t phys, size_t size,
					    phys_addr_t base, phys_addr_t range)
{
	return phys - base + size - 1 < range + size - 1;
}

/*
 * Is the memory in the client's pool, as a whole or in part?  Without an MMU, a
 * driver can map what it has allocated by the CPU's address, which is that of
 * the alias.
 */
static __always_inline bool direct_touches_pool(struct device *dev,
						phys_addr_t phys, size_t size)
{
	const struct dap_region *region = &dap_client_of(dev)->pool->region;

	return direct_overlaps(phys, size, region->phys, region->size) ||
	       direct_overlaps(phys, size, region->alias, region->size);
}

static noinline dma_addr_t direct_map_pool(struct device *dev, phys_addr_t phys,
					   size_t size, unsigned long attrs)
{
	const struct dap_entry *entry = dap_entry_of(dap_client_of(dev));
	const struct dap_region *region = &entry->pool.region;
	phys_addr_t offset = phys - region->phys;
	dma_addr_t addr;

	if (offset >= region->size)
		offset = phys - region->alias;
	/* What lies beyond the pool's end need not be there on the bus, too. */
	if (offset >= region->size || size > region->size - offset ||
	    dap_bus_address(dev, entry, &addr) ||
	    !dap_dma_capable(dev, addr + offset, size, attrs))
		return DMA_MAPPING_ERROR;
	WRITE_ONCE(direct_maps_pools, true);
	return addr + offset;
}

static bool direct_is_pool(struct device *dev, dma_addr_t addr)
{
	return unlikely(READ_ONCE(direct_maps_pools)) &&
	       dap_bus_is_pool(dev, dap_entry_of(dap_client_of(dev)), addr);
}

/*
 * Does memory go on at 0, behind the last address of the bus?  dma_capable()
 * finds that only in RAM, by a symbol that is not exported.
 */
static __always_inline bool direct_wraps(struct device *dev, dma_addr_t addr,
					 size_t size)
{
	return dev->dma_range_map && (dma_addr_t)(addr + size - 1) < addr;
}

/**
 * dap_direct_map_phys() - map memory for a device
 * @dev:   the client
 * @phys:  address of the memory
 * @size:  bytes
 * @dir:   who writes
 * @attrs: DMA_ATTR_SKIP_CPU_SYNC, DMA_ATTR_MMIO
 *
 * Context: any.
 * Return: the bus address; or DMA_MAPPING_ERROR, also for memory that is only
 * partly in the client's pool.
 */
dma_addr_t dap_direct_map_phys(struct device *dev, phys_addr_t phys,
			       size_t size, enum dma_data_direction dir,
			       unsigned long attrs)
{
	dma_addr_t addr;

	if (unlikely(direct_touches_pool(dev, phys, size)))
		return direct_map_pool(dev, phys, size, attrs);

	addr = phys_to_dma(dev, phys);
	/* Only some kernels translate the address of memory that is not RAM. */
	if (unlikely(!direct_has_cache_ops(dev) || attrs & DMA_ATTR_MMIO ||
		     dap_always_bounces(dev) ||
		     direct_wraps(dev, addr, size) ||
		     !dap_dma_capable(dev, addr, size, attrs)))
		return dap_debug_map_phys(dap_companion_of(dev), phys, size,
					  dir, attrs);

	if (!dev_is_dma_coherent(dev) && !(attrs & DMA_ATTR_SKIP_CPU_SYNC))
		dap_sync_for_device(phys, size, dir);
	return addr;
}

/* Inline: @for_device is a constant. */
static __always_inline void direct_sync_single(struct device *dev,
					       dma_addr_t addr, size_t size,
					       enum dma_data_direction dir,
					       bool for_device)
{
	dap_sync_t sync = for_device ? dma_sync_single_for_device :
				       dma_sync_single_for_cpu;
	phys_addr_t phys = dma_to_phys(dev, addr);

	if (dap_is_bounced(dap_client_of(dev)->companion, phys)) {
		sync(dap_companion_of(dev), addr, size, dir);
	} else if (!direct_has_cache_ops(dev)) {
		dap_debug_sync(dap_companion_of(dev), addr, size, dir, sync);
	} else if (!dev_is_dma_coherent(dev)) {
		if (for_device)
			dap_sync_for_device(phys, size, dir);
		else
			dap_sync_for_cpu(phys, size, dir);
	}
}

static void dap_direct_sync_single_for_cpu(struct device *dev, dma_addr_t addr,
					   size_t size,
					   enum dma_data_direction dir)
{
	direct_sync_single(dev, addr, size, dir, false);
}

static void dap_direct_sync_single_for_device(struct device *dev,
					      dma_addr_t addr, size_t size,
					      enum dma_data_direction dir)
{
	direct_sync_single(dev, addr, size, dir, true);
}

/**
 * dap_direct_unmap_phys() - undo dap_direct_map_phys()
 * @dev:   the client
 * @addr:  what it returned
 * @size:  as there
 * @dir:   as there
 * @attrs: as there
 *
 * Context: any.
 */
void dap_direct_unmap_phys(struct device *dev, dma_addr_t addr, size_t size,
			   enum dma_data_direction dir, unsigned long attrs)
{
	if (attrs & DMA_ATTR_MMIO || direct_is_pool(dev, addr))
		return;
	/* Without bounce buffers, the address need not even be translated. */
	if (IS_ENABLED(CONFIG_SWIOTLB) &&
	    dap_is_bounced(dap_client_of(dev)->companion,
			   dma_to_phys(dev, addr)))
		dma_unmap_phys(dap_companion_of(dev), addr, size, dir, attrs);
	else if (!(attrs & DMA_ATTR_SKIP_CPU_SYNC))
		dap_direct_sync_single_for_cpu(dev, addr, size, dir);
}

static void dap_direct_unmap_sg(struct device *dev, struct scatterlist *sgl,
				int nents, enum dma_data_direction dir,
				unsigned long attrs)
{
	struct scatterlist *sg;
	int i;

	for_each_sg(sgl, sg, nents, i)
		dap_direct_unmap_phys(dev, sg_dma_address(sg), sg_dma_len(sg),
				      dir, attrs);
}

static int dap_direct_map_sg(struct device *dev, struct scatterlist *sgl,
			     int nents, enum dma_data_direction dir,
			     unsigned long attrs)
{
	struct scatterlist *sg;
	int i;

	for_each_sg(sgl, sg, nents, i) {
		sg->dma_address = dap_direct_map_phys(dev, sg_phys(sg),
						      sg->length, dir, attrs);
		if (sg->dma_address == DMA_MAPPING_ERROR)
			goto err;
		sg_dma_len(sg) = sg->length;
	}
	return nents;

err:
	dap_direct_unmap_sg(dev, sgl, i, dir, attrs | DMA_ATTR_SKIP_CPU_SYNC);
	return DAP_MAP_SG_ERROR;
}

/*
 * Allocate pages of the normal allocator that the device can address.  A lower
 * zone is tried if the device cannot reach what a higher one had; if that had
 * nothing, the request fails, as in the direct mapping.  That also begins in the
 * zone that fits a device with less than 32 bits, whose limit is not exported.
 *
 * With CMA, only the kernel knows which pages come from there; some may have
 * been allocated before the device was a client.  So it allocates and frees
 * them, for the companion.
 */
static struct page *dap_direct_alloc_pages(struct device *dev, size_t size,
					   dma_addr_t *handle,
					   enum dma_data_direction dir,
					   gfp_t gfp)
{
	static const gfp_t zones[] = { 0, GFP_DMA32, GFP_DMA };
	u64 limit = min_not_zero(dev->coherent_dma_mask, dev->bus_dma_limit);
	struct page *page;
	dma_addr_t addr;
	unsigned int i = 0;

	if (IS_ENABLED(CONFIG_DMA_CMA))
		return dap_debug_alloc_pages(dap_companion_of(dev), size,
					     handle, dir, gfp);
	if (IS_ENABLED(CONFIG_ZONE_DMA32) && limit <= DMA_BIT_MASK(32))
		i = 1;
	for (; i < ARRAY_SIZE(zones); i++) {
		if ((zones[i] == GFP_DMA32 && !IS_ENABLED(CONFIG_ZONE_DMA32)) ||
		    (zones[i] == GFP_DMA && !IS_ENABLED(CONFIG_ZONE_DMA)))
			continue;
		page = alloc_pages_node(dev_to_node(dev),
					gfp | zones[i] | __GFP_ZERO,
					get_order(size));
		if (!page)
			return NULL;
		addr = phys_to_dma(dev, page_to_phys(page));
		if (addr != DMA_MAPPING_ERROR &&
		    addr + (u64)size - 1 <= limit) {
			*handle = addr;
			return page;
		}
		__free_pages(page, get_order(size));
	}
	return NULL;
}

static void dap_direct_free_pages(struct device *dev, size_t size,
				  struct page *page, dma_addr_t handle,
				  enum dma_data_direction dir)
{
	struct device *companion, *adopter;

	if (!IS_ENABLED(CONFIG_DMA_CMA)) {
		__free_pages(page, get_order(size));
		return;
	}
	companion = dap_companion_of(dev);
	adopter = dap_debug_adopt(companion, size, page, handle, dir, 0);
	dma_free_pages(adopter ?: companion, size, page, handle, dir);
	dap_companion_destroy(adopter);
}

static int dap_direct_dma_supported(struct device *dev, u64 mask)
{
	return !dma_set_coherent_mask(dap_companion_of(dev), mask);
}

static u64 dap_direct_get_required_mask(struct device *dev)
{
	return dma_get_required_mask(dap_companion_of(dev));
}

static size_t dap_direct_max_mapping_size(struct device *dev)
{
	return dma_max_mapping_size(dap_companion_of(dev));
}

/**
 * dap_direct_alloc() - allocate coherent memory as the direct mapping does
 * @companion: companion of the device
 * @size:      bytes
 * @handle:    is set to the bus address
 * @gfp:       how to allocate
 * @attrs:     as for dma_alloc_attrs()
 *
 * Context: as dma_alloc_attrs().
 * Return: the CPU address, or NULL.
 */
void *dap_direct_alloc(struct device *companion, size_t size,
		       dma_addr_t *handle, gfp_t gfp, unsigned long attrs)
{
	return dap_debug_alloc(companion, size, handle, gfp, attrs);
}

/**
 * dap_direct_free() - free coherent memory that the direct mapping has
 * allocated
 * @companion: companion of the device that got it, before it was a client
 * @size:      bytes
 * @cpu:       CPU address
 * @handle:    bus address
 * @attrs:     as at the allocation
 *
 * The memory may come from a pool of the kernel's own, in its RAM, so only the
 * kernel can free it.  DMA_API_DEBUG believes that the device has allocated it,
 * not the companion.  In such a kernel, it is freed by another companion that
 * is made to look like the owner.
 *
 * Context: as dma_free_attrs().
 */
void dap_direct_free(struct device *companion, size_t size, void *cpu,
		     dma_addr_t handle, unsigned long attrs)
{
	struct device *adopter = dap_debug_adopt(companion, size, cpu, handle,
						DMA_NONE, attrs);

	dma_free_attrs(adopter ?: companion, size, cpu, handle, attrs);
	dap_companion_destroy(adopter);
}

/*
 * Without .alloc, .free, .mmap, .get_sgtable and .sync_sg_*: ops.c has these for
 * all clients.
 */
const struct dma_map_ops dap_direct_ops = {
	.dap_alloc_pages	= dap_direct_alloc_pages,
	.free_pages		= dap_direct_free_pages,
	DAP_DIRECT_MAP_OPS,
	.map_sg			= dap_direct_map_sg,
	.unmap_sg		= dap_direct_unmap_sg,
	.sync_single_for_cpu	= dap_direct_sync_single_for_cpu,
	.sync_single_for_device	= dap_direct_sync_single_for_device,
	.dma_supported		= dap_direct_dma_supported,
	.get_required_mask	= dap_direct_get_required_mask,
	.max_mapping_size	= dap_direct_max_mapping_size,
};
