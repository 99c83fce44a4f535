// SPDX-License-Identifier: GPL-2.0
/*
 * Keep DMA_API_DEBUG content with what companions do.
 *
 * DMA_API_DEBUG records each mapping and each allocation with its device.  A
 * client and its companion are two devices to it: it would complain that the
 * same memory is mapped twice, that something is synced which was never mapped,
 * or that memory is freed by a device that did not allocate it.  As the direct
 * mapping keeps no state of its own, a mapping of the companion can be undone
 * at once without any effect on the hardware.  So each call leaves nothing
 * behind in its records.
 *
 * Bounce buffers do have state and stay mapped by the companion: for these, the
 * complaints about overlapping mappings are wrong.
 *
 * Contexts: as for the DMA API, any.
 */
#include <linux/device.h>
#include <linux/dma-map-ops.h>

#include "cache.h"
#include "companion.h"
#include "dma_debug.h"

#if !DAP_HAVE_CACHE_OPS		/* otherwise no companion syncs */
/**
 * dap_debug_sync() - have a companion sync memory that is not bounced
 * @companion: the companion
 * @addr: bus address
 * @size: bytes
 * @dir:  who writes
 * @sync: does it
 *
 * The memory is mapped meanwhile, but for the records only: where that is has
 * no part in what is synced.  Whole cache lines are mapped, since the kernel may
 * bounce what could be a smaller kmalloc() buffer.
 *
 * Context: any.
 */
void dap_debug_sync(struct device *companion, dma_addr_t addr, size_t size,
		    enum dma_data_direction dir, dap_sync_t sync)
{
	phys_addr_t phys = dma_to_phys(companion, addr);
	size_t line = dma_get_cache_alignment();
	phys_addr_t start = ALIGN_DOWN(phys, line);
	size_t lines = ALIGN(phys + size, line) - start;
	dma_addr_t record = dma_map_phys(companion, start, lines, dir,
					 DMA_ATTR_SKIP_CPU_SYNC);
	/* DMA_API_DEBUG wants to see that each mapping is checked so. */
	bool failed = dma_mapping_error(companion, record);

	sync(companion, addr, size, dir);
	if (!failed)
		dma_unmap_phys(companion, record, lines, dir,
			       DMA_ATTR_SKIP_CPU_SYNC);
}
#endif

/**
 * dap_debug_map_phys() - have a companion map memory
 * @companion: the companion
 * @phys:      address of the memory
 * @size:      bytes
 * @dir:       who writes
 * @attrs:     DMA_ATTR_SKIP_CPU_SYNC, DMA_ATTR_MMIO
 *
 * Unless that takes a bounce buffer, the mapping is gone from the records when
 * this returns.
 *
 * Context: any.
 * Return: the bus address or DMA_MAPPING_ERROR.
 */
dma_addr_t dap_debug_map_phys(struct device *companion, phys_addr_t phys,
			      size_t size, enum dma_data_direction dir,
			      unsigned long attrs)
{
	dma_addr_t addr;

	addr = dma_map_phys(companion, phys, size, dir,
			    attrs | DMA_ATTR_SKIP_CPU_SYNC);
	if (dma_mapping_error(companion, addr))
		return DMA_MAPPING_ERROR;
	if (attrs & DMA_ATTR_MMIO) {
		dma_unmap_phys(companion, addr, size, dir, attrs);
		return addr;
	}
	if (!(attrs & DMA_ATTR_SKIP_CPU_SYNC))
		dma_sync_single_for_device(companion, addr, size, dir);
	if (!dap_is_bounced(companion, dma_to_phys(companion, addr)))
		dma_unmap_phys(companion, addr, size, dir,
			       DMA_ATTR_SKIP_CPU_SYNC);
	return addr;
}

/* Memory that somebody else has allocated: its CPU address, or the pages. */
struct dap_adopted {
	void *memory;
	dma_addr_t handle;
};

static void *debug_alloc_adopted(struct device *dev, size_t size,
				 dma_addr_t *handle, gfp_t gfp,
				 unsigned long attrs)
{
	const struct dap_adopted *adopted = dev_get_drvdata(dev);

	*handle = adopted->handle;
	return adopted->memory;
}

static void debug_free_nothing(struct device *dev, size_t size, void *cpu,
			       dma_addr_t handle, unsigned long attrs)
{
}

#ifdef CONFIG_DMA_CMA
static struct page *debug_alloc_adopted_pages(struct device *dev, size_t size,
					      dma_addr_t *handle,
					      enum dma_data_direction dir,
					      gfp_t gfp)
{
	return debug_alloc_adopted(dev, size, handle, gfp, 0);
}

static void debug_free_no_pages(struct device *dev, size_t size,
				struct page *page, dma_addr_t handle,
				enum dma_data_direction dir)
{
}
#endif

/*
 * What companions have for a moment: DMA_API_DEBUG sees them allocate what is
 * there already, or free what stays.
 */
static const struct dma_map_ops debug_ops = {
	.alloc		 = debug_alloc_adopted,
	.free		 = debug_free_nothing,
#ifdef CONFIG_DMA_CMA
	.dap_alloc_pages = debug_alloc_adopted_pages,
	.free_pages	 = debug_free_no_pages,
#endif
};

#ifdef CONFIG_DMA_CMA
/**
 * dap_debug_alloc_pages() - allocate pages for the device of a companion
 * @companion: the companion
 * @size:      bytes
 * @handle:    is set to the bus address
 * @dir:       who writes
 * @gfp:       how to allocate
 *
 * As dap_debug_alloc().
 *
 * Context: as dma_alloc_pages(), with interrupts on.
 * Return: the first of the pages, or NULL.
 */
struct page *dap_debug_alloc_pages(struct device *companion, size_t size,
				   dma_addr_t *handle,
				   enum dma_data_direction dir, gfp_t gfp)
{
	struct device *dev;
	struct page *page;

	dev = dap_companion_create(companion, dev_name(companion), gfp);
	if (!dev)
		return NULL;
	/* 5.10 records failed allocations as well, unless the handle is this. */
	*handle = DMA_MAPPING_ERROR;
	page = dma_alloc_pages(dev, size, handle, dir, gfp);
	if (page) {
		/* Older kernels want to see this. */
		dma_mapping_error(dev, *handle);
		set_dma_ops(dev, &debug_ops);
		dma_free_pages(dev, size, page, *handle, dir);
		set_dma_ops(dev, NULL);
	}
	dap_companion_destroy(dev);
	return page;
}
#endif

/**
 * dap_debug_alloc() - allocate coherent memory for the device of a companion
 * @companion: the companion
 * @size:      bytes
 * @handle:    is set to the bus address
 * @gfp:       how to allocate
 * @attrs:     as for dma_alloc_attrs()
 *
 * The device is going to be recorded as the owner.  So another companion
 * allocates the memory, and frees it, but not really.
 *
 * Context: as dma_alloc_attrs(), with interrupts on.
 * Return: the CPU address, or NULL.
 */
void *dap_debug_alloc(struct device *companion, size_t size,
		      dma_addr_t *handle, gfp_t gfp, unsigned long attrs)
{
	struct device *dev;
	void *cpu;

	dev = dap_companion_create(companion, dev_name(companion), gfp);
	if (!dev)
		return NULL;
	cpu = dma_alloc_attrs(dev, size, handle, gfp, attrs);
	if (cpu) {
		set_dma_ops(dev, &debug_ops);
		dma_free_attrs(dev, size, cpu, *handle, attrs);
		set_dma_ops(dev, NULL);
	}
	dap_companion_destroy(dev);
	return cpu;
}

/**
 * dap_debug_adopt() - make a device that looks like the owner of memory
 * @companion: companion of the device that has really allocated the memory
 * @size:      bytes
 * @memory:    CPU address, or the pages
 * @handle:    bus address
 * @dir:       who writes to the pages; DMA_NONE for coherent memory
 * @attrs:     as at the allocation
 *
 * To DMA_API_DEBUG, the new device allocates the memory: it has operations for
 * a moment that return what is there already.
 *
 * Context: any.
 * Return: another companion, which may free the memory, and which the caller
 * has to destroy; NULL if there is no memory for one.
 */
struct device *dap_debug_adopt(struct device *companion, size_t size,
			       void *memory, dma_addr_t handle,
			       enum dma_data_direction dir, unsigned long attrs)
{
	struct dap_adopted adopted = { memory, handle };
	struct device *dev;

	dev = dap_companion_create(companion, dev_name(companion), GFP_ATOMIC);
	if (!dev)
		return NULL;
	dev_set_drvdata(dev, &adopted);
	set_dma_ops(dev, &debug_ops);
	if (!IS_ENABLED(CONFIG_DMA_CMA) || dir == DMA_NONE) {
		dma_alloc_attrs(dev, size, &handle, GFP_ATOMIC, attrs);
	} else {
		dma_alloc_pages(dev, size, &handle, dir, GFP_ATOMIC);
		/* Older kernels want to see this. */
		dma_mapping_error(dev, handle);
	}
	set_dma_ops(dev, NULL);
	dev_set_drvdata(dev, NULL);
	return dev;
}
