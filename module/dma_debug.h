/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a kernel with DMA_API_DEBUG has to be told.  The contract is at the top
 * of dma_debug.c.  In any other kernel, nothing of this is left.
 */
#ifndef DAP_DMA_DEBUG_H
#define DAP_DMA_DEBUG_H

#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>

#include "compat.h"

/* dma_sync_single_for_device() or dma_sync_single_for_cpu() */
typedef void (*dap_sync_t)(struct device *dev, dma_addr_t addr, size_t size,
			   enum dma_data_direction dir);

#ifdef CONFIG_DMA_API_DEBUG
dma_addr_t dap_debug_map_phys(struct device *companion, phys_addr_t phys,
			      size_t size, enum dma_data_direction dir,
			      unsigned long attrs);
void dap_debug_sync(struct device *companion, dma_addr_t addr, size_t size,
		    enum dma_data_direction dir, dap_sync_t sync);
void *dap_debug_alloc(struct device *companion, size_t size,
		      dma_addr_t *handle, gfp_t gfp, unsigned long attrs);
struct page *dap_debug_alloc_pages(struct device *companion, size_t size,
				   dma_addr_t *handle,
				   enum dma_data_direction dir, gfp_t gfp);
struct device *dap_debug_adopt(struct device *companion, size_t size,
			       void *memory, dma_addr_t handle,
			       enum dma_data_direction dir,
			       unsigned long attrs);
#else
static inline dma_addr_t dap_debug_map_phys(struct device *companion,
					    phys_addr_t phys, size_t size,
					    enum dma_data_direction dir,
					    unsigned long attrs)
{
	return dma_map_phys(companion, phys, size, dir, attrs);
}

static inline void dap_debug_sync(struct device *companion, dma_addr_t addr,
				  size_t size, enum dma_data_direction dir,
				  dap_sync_t sync)
{
	sync(companion, addr, size, dir);
}

static inline void *dap_debug_alloc(struct device *companion, size_t size,
				    dma_addr_t *handle, gfp_t gfp,
				    unsigned long attrs)
{
	return dma_alloc_attrs(companion, size, handle, gfp, attrs);
}

static inline struct page *dap_debug_alloc_pages(struct device *companion,
						 size_t size,
						 dma_addr_t *handle,
						 enum dma_data_direction dir,
						 gfp_t gfp)
{
	return dma_alloc_pages(companion, size, handle, dir, gfp);
}

static inline struct device *dap_debug_adopt(struct device *companion,
					     size_t size, void *memory,
					     dma_addr_t handle,
					     enum dma_data_direction dir,
					     unsigned long attrs)
{
	return NULL;
}
#endif

#endif /* DAP_DMA_DEBUG_H */
