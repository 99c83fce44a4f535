// SPDX-License-Identifier: GPL-2.0
/*
 * Companions: private devices that stand in for clients.
 *
 * The functions behind the kernel's direct mapping are not exported, and a
 * device with dma_map_ops never reaches them.  A companion does: it was never
 * added to any bus, has no dma_map_ops and the same DMA limits as its client,
 * and is handed to the public DMA API in the client's place.  See direct.c for
 * when it is needed.
 *
 * Contexts: dap_companion_of() runs in any context, the others as they say.
 *
 * Ownership: a client owns its companion.  dma_range_map, dma_parms and the
 * like still belong to the client's device, which may replace or free them.  So
 * they are copied again each time the companion is used, and never freed with
 * it.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/slab.h>

#include "companion.h"
#include "compat.h"
#include "registry.h"

struct dap_companion {
	struct device dev;
	u64 dma_mask;
};

/* Copy all DMA limits of the device, as they are now. */
static void companion_refresh(struct device *companion, struct device *dev)
{
	*companion->dma_mask = dev->dma_mask ? *dev->dma_mask : 0;
	companion->coherent_dma_mask = dev->coherent_dma_mask;
	companion->bus_dma_limit = dev->bus_dma_limit;
	companion->dma_range_map = dev->dma_range_map;
	companion->dma_parms = dev->dma_parms;
	companion->archdata = dev->archdata;
#if defined(CONFIG_SWIOTLB) && defined(DAP_HAS_IO_TLB_MEM)
	companion->dma_io_tlb_mem = dev->dma_io_tlb_mem;
#endif
#ifdef CONFIG_DMA_CMA
	companion->cma_area = dev->cma_area;
#endif
	dap_assign_coherent(companion, dev_is_dma_coherent(dev));
	set_dev_node(companion, dev_to_node(dev));
}

/**
 * dap_companion_create() - make the companion of a device
 * @dev:  the device
 * @name: name of the companion; the device's own, so that the kernel's messages
 *	  name the right device.  It must live as long as the companion.
 * @gfp:  how to allocate
 *
 * Context: as @gfp allows.
 * Return: the companion, or NULL if there is no memory.
 */
struct device *dap_companion_create(struct device *dev, const char *name,
				    gfp_t gfp)
{
	struct dap_companion *companion = kzalloc(sizeof(*companion), gfp);

	if (!companion)
		return NULL;
	device_initialize(&companion->dev);
	companion->dev.init_name = name;
	companion->dev.dma_mask = &companion->dma_mask;
	companion_refresh(&companion->dev, dev);
	return &companion->dev;
}

/**
 * dap_companion_destroy() - free a companion
 * @companion: the companion, or NULL
 *
 * Nobody can find a companion and take a reference to it, so it is freed here
 * and not by a release().  A kernel with CONFIG_DEBUG_KOBJECT_RELEASE calls
 * that seconds later, when this module may be gone.
 *
 * Context: any.
 */
void dap_companion_destroy(struct device *companion)
{
	if (companion)
		kfree(container_of(companion, struct dap_companion, dev));
}

/**
 * dap_companion_of() - get the companion of a client, ready to be used
 * @dev: the client
 *
 * Context: any.
 * Return: the companion.
 */
struct device *dap_companion_of(struct device *dev)
{
	struct device *companion = dap_client_of(dev)->companion;

	companion_refresh(companion, dev);
	return companion;
}
