// SPDX-License-Identifier: GPL-2.0
/*
 * What a client did before, where that was the kernel's direct
 * mapping (no dma_map_ops).
 *
 * The functions behind the direct mapping are not exported, and a device with
 * ops never reaches them.  Two ways lead there all the same:
 *
 * - Arithmetic: phys_to_dma(), the mask, and on noMMU ARM the exported cache
 *   operations (compat.h).  This is all the direct mapping does unless it has
 *   to bounce, and costs some 20 instructions more.  It keeps no state and does
 *   not concern DMA_API_DEBUG.
 * - A companion: a private device that was never added to anything, has the
 *   client's DMA limits and no ops, and is handed to the public DMA API.  It
 *   serves what the arithmetic cannot: bounce buffers, cache maintenance where
 *   no operation for it is exported, and questions about limits.
 *
 * Contexts: as for the DMA API, any; creating and destroying a companion sleeps.
 * Ownership: a client owns its companion; dma_range_map, dma_parms and the like
 * in it are borrowed from the device and refreshed at each bind.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "client.h"
#include "compat.h"
#include "direct.h"

struct dap_companion {
	struct device dev;
	u64 dma_mask;
};

static void dap_companion_release(struct device *dev)
{
	kfree(container_of(dev, struct dap_companion, dev));
}

/**
 * dap_companion_create() - make the stand-in of a device
 * @dev: the device
 *
 * Context: process context, may sleep.
 * Return: the companion, or NULL if there is no memory.
 */
struct device *dap_companion_create(struct device *dev)
{
	struct dap_companion *companion;

	companion = kzalloc(sizeof(*companion), GFP_KERNEL);
	if (!companion)
		return NULL;
	device_initialize(&companion->dev);
	companion->dev.release = dap_companion_release;
	companion->dev.dma_mask = &companion->dma_mask;
	/* The direct mapping's messages then name the right device. */
	if (dev_set_name(&companion->dev, "%s", dev_name(dev))) {
		put_device(&companion->dev);
		return NULL;
	}
	dap_companion_refresh(&companion->dev, dev);
	return &companion->dev;
}

/* What a driver may change at any time while it is bound. */
static void refresh_masks(struct device *companion, struct device *dev)
{
	*companion->dma_mask = dev->dma_mask ? *dev->dma_mask : 0;
	companion->coherent_dma_mask = dev->coherent_dma_mask;
}

/**
 * dap_companion_refresh() - take over the limits of a device
 * @companion: its companion
 * @dev:       the device, about to be bound: bus->dma_configure() has run
 *
 * Context: any.
 */
void dap_companion_refresh(struct device *companion, struct device *dev)
{
	refresh_masks(companion, dev);
	companion->bus_dma_limit = dev->bus_dma_limit;
	companion->dma_range_map = dev->dma_range_map;
	companion->dma_parms = dev->dma_parms;
	companion->archdata = dev->archdata;
#ifdef CONFIG_SWIOTLB
	companion->dma_io_tlb_mem = dev->dma_io_tlb_mem;
#endif
#ifdef CONFIG_DMA_CMA
	companion->cma_area = dev->cma_area;
#endif
	dap_assign_coherent(companion, dev_is_dma_coherent(dev));
	set_dev_node(companion, dev_to_node(dev));
}

/**
 * dap_companion_destroy() - let go of a companion
 * @companion: the companion, or NULL
 *
 * Context: process context, may sleep.
 */
void dap_companion_destroy(struct device *companion)
{
	if (!companion)
		return;
	/* Borrowed; the driver core frees it with a device. */
	companion->dma_range_map = NULL;
	put_device(companion);
}

static struct device *companion_of(struct device *dev)
{
	struct device *companion = dap_client_of(dev)->companion;

	refresh_masks(companion, dev);
	return companion;
}

/* Does the arithmetic give what the direct mapping would? */
static bool by_arithmetic(struct device *dev, dma_addr_t addr, size_t size)
{
	if (!DAP_HAVE_CACHE_OPS && !dev_is_dma_coherent(dev))
		return false;
	return !is_swiotlb_force_bounce(dev) &&
	       dma_capable(dev, addr, size, false);
}

/* Can an address that the client unmaps or syncs be a bounce buffer? */
static bool may_bounce(struct device *dev)
{
	return IS_ENABLED(CONFIG_SWIOTLB) ||
	       (!DAP_HAVE_CACHE_OPS && !dev_is_dma_coherent(dev));
}

static dma_addr_t dap_direct_map_page(struct device *dev, struct page *page,
				      unsigned long offset, size_t size,
				      enum dma_data_direction dir,
				      unsigned long attrs)
{
	phys_addr_t phys = page_to_phys(page) + offset;
	dma_addr_t addr = phys_to_dma(dev, phys);

	if (unlikely(!by_arithmetic(dev, addr, size)))
		return dma_map_page_attrs(companion_of(dev), page, offset, size,
					  dir, attrs);

	if (!dev_is_dma_coherent(dev) && !(attrs & DMA_ATTR_SKIP_CPU_SYNC))
		dap_sync_for_device(phys, size, dir);
	return addr;
}

static void dap_direct_sync_single_for_cpu(struct device *dev, dma_addr_t addr,
					   size_t size,
					   enum dma_data_direction dir)
{
	if (may_bounce(dev))
		dma_sync_single_for_cpu(companion_of(dev), addr, size, dir);
	else if (!dev_is_dma_coherent(dev))
		dap_sync_for_cpu(dma_to_phys(dev, addr), size, dir);
}

static void dap_direct_sync_single_for_device(struct device *dev,
					      dma_addr_t addr, size_t size,
					      enum dma_data_direction dir)
{
	if (may_bounce(dev))
		dma_sync_single_for_device(companion_of(dev), addr, size, dir);
	else if (!dev_is_dma_coherent(dev))
		dap_sync_for_device(dma_to_phys(dev, addr), size, dir);
}

static void dap_direct_unmap_page(struct device *dev, dma_addr_t addr,
				  size_t size, enum dma_data_direction dir,
				  unsigned long attrs)
{
	if (may_bounce(dev))
		dma_unmap_page_attrs(companion_of(dev), addr, size, dir, attrs);
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
		dap_direct_unmap_page(dev, sg_dma_address(sg), sg_dma_len(sg),
				      dir, attrs);
}

static int dap_direct_map_sg(struct device *dev, struct scatterlist *sgl,
			     int nents, enum dma_data_direction dir,
			     unsigned long attrs)
{
	struct scatterlist *sg;
	int i;

	for_each_sg(sgl, sg, nents, i) {
		sg->dma_address = dap_direct_map_page(dev, sg_page(sg),
						      sg->offset, sg->length,
						      dir, attrs);
		if (sg->dma_address == DMA_MAPPING_ERROR)
			goto err;
		sg_dma_len(sg) = sg->length;
	}
	return nents;

err:
	dap_direct_unmap_sg(dev, sgl, i, dir, attrs | DMA_ATTR_SKIP_CPU_SYNC);
	return -EIO;
}

static void dap_direct_sync_sg_for_cpu(struct device *dev,
				       struct scatterlist *sgl, int nents,
				       enum dma_data_direction dir)
{
	struct scatterlist *sg;
	int i;

	for_each_sg(sgl, sg, nents, i)
		dap_direct_sync_single_for_cpu(dev, sg_dma_address(sg),
					       sg->length, dir);
}

static void dap_direct_sync_sg_for_device(struct device *dev,
					  struct scatterlist *sgl, int nents,
					  enum dma_data_direction dir)
{
	struct scatterlist *sg;
	int i;

	for_each_sg(sgl, sg, nents, i)
		dap_direct_sync_single_for_device(dev, sg_dma_address(sg),
						  sg->length, dir);
}

/* Not RAM: no translation and no cache, only the mask counts. */
static dma_addr_t dap_direct_map_resource(struct device *dev, phys_addr_t phys,
					  size_t size,
					  enum dma_data_direction dir,
					  unsigned long attrs)
{
	if (likely(dma_capable(dev, phys, size, false)))
		return phys;
	/* Fails as well, with the kernel's own words. */
	return dma_map_resource(companion_of(dev), phys, size, dir, attrs);
}

/*
 * Pages of the normal allocator, as low as the device needs them.  The same
 * zones in the same order as the direct mapping tries them.
 */
static struct page *dap_direct_alloc_pages(struct device *dev, size_t size,
					   dma_addr_t *handle,
					   enum dma_data_direction dir,
					   gfp_t gfp)
{
	static const gfp_t zones[] = { 0, GFP_DMA32, GFP_DMA };
	u64 limit = min_not_zero(dev->coherent_dma_mask, dev->bus_dma_limit);
	struct page *page;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(zones); i++) {
		if ((zones[i] == GFP_DMA32 && !IS_ENABLED(CONFIG_ZONE_DMA32)) ||
		    (zones[i] == GFP_DMA && !IS_ENABLED(CONFIG_ZONE_DMA)))
			continue;
		page = alloc_pages_node(dev_to_node(dev),
					gfp | zones[i] | __GFP_ZERO,
					get_order(size));
		if (!page)
			continue;
		*handle = phys_to_dma(dev, page_to_phys(page));
		if (*handle != DMA_MAPPING_ERROR &&
		    *handle + size - 1 <= limit)
			return page;
		__free_pages(page, get_order(size));
	}
	return NULL;
}

static void dap_direct_free_pages(struct device *dev, size_t size,
				  struct page *page, dma_addr_t handle,
				  enum dma_data_direction dir)
{
	__free_pages(page, get_order(size));
}

static int dap_direct_dma_supported(struct device *dev, u64 mask)
{
	return !dma_set_coherent_mask(companion_of(dev), mask);
}

static u64 dap_direct_get_required_mask(struct device *dev)
{
	return dma_get_required_mask(companion_of(dev));
}

static size_t dap_direct_max_mapping_size(struct device *dev)
{
	return dma_max_mapping_size(companion_of(dev));
}

/**
 * dap_direct_free() - free coherent memory that the direct mapping gave
 * @companion: of the device that got it before it was a client
 * @size:   bytes
 * @cpu:    CPU address
 * @handle: bus address
 * @attrs:  as at the allocation
 *
 * DMA_API_DEBUG knows the allocation as the device's, not its companion's, and
 * would complain; in such a kernel plain pages are freed for what they are.
 *
 * Context: as dma_free_attrs().
 */
void dap_direct_free(struct device *companion, size_t size, void *cpu,
		     dma_addr_t handle, unsigned long attrs)
{
	if (IS_ENABLED(CONFIG_DMA_API_DEBUG) && !IS_ENABLED(CONFIG_DMA_CMA) &&
	    !(attrs & DMA_ATTR_NO_KERNEL_MAPPING) && virt_addr_valid(cpu))
		__free_pages(virt_to_page(cpu), get_order(size));
	else
		dma_free_attrs(companion, size, cpu, handle, attrs);
}

/* .alloc, .free, .mmap and .get_sgtable are always ops.c's. */
const struct dma_map_ops dap_direct_ops = {
	.alloc_pages		= dap_direct_alloc_pages,
	.free_pages		= dap_direct_free_pages,
	.map_page		= dap_direct_map_page,
	.unmap_page		= dap_direct_unmap_page,
	.map_sg			= dap_direct_map_sg,
	.unmap_sg		= dap_direct_unmap_sg,
	.map_resource		= dap_direct_map_resource,
	.sync_single_for_cpu	= dap_direct_sync_single_for_cpu,
	.sync_single_for_device	= dap_direct_sync_single_for_device,
	.sync_sg_for_cpu	= dap_direct_sync_sg_for_cpu,
	.sync_sg_for_device	= dap_direct_sync_sg_for_device,
	.dma_supported		= dap_direct_dma_supported,
	.get_required_mask	= dap_direct_get_required_mask,
	.max_mapping_size	= dap_direct_max_mapping_size,
};
