// SPDX-License-Identifier: GPL-2.0
/*
 * What devices call the addresses of a pool.
 *
 * Nothing of it is kept: a bus's ranges are known when a device is bound, but some
 * drivers set others in their probe (of_dma_configure() with another node), and the
 * kernel's own allocators look at them each time, too.
 *
 * Contexts: any.  The driver core frees a device's ranges when it is unbound.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>

#include "bus.h"
#include "compat.h"

/* Is it all there, at bus addresses that follow each other from @bus on? */
static bool bus_ranges_cover(const struct bus_dma_region *map, phys_addr_t phys,
			     phys_addr_t size, dma_addr_t bus)
{
	const struct bus_dma_region *range;
	u64 done = 0, offset;

	while (map && done < size) {
		for (range = map; range->size; range++) {
			offset = phys + done - range->cpu_start;
			if (phys + done >= range->cpu_start &&
			    offset < range->size &&
			    range->dma_start + offset == bus + done)
				break;
		}
		if (!range->size)
			return false;
		done += min_t(u64, range->size - offset, size - done);
	}
	return true;
}

static bool bus_translate_pool(struct device *dev, phys_addr_t phys,
			       phys_addr_t size, dma_addr_t *addr)
{
	dma_addr_t bus = phys_to_dma(dev, phys);
	dma_addr_t end = phys_to_dma(dev, phys + size - 1);

	*addr = bus;
	return bus != DMA_MAPPING_ERROR && end != DMA_MAPPING_ERROR &&
	       end >= bus && end - bus == size - 1 &&
	       bus_ranges_cover(dev->dma_range_map, phys, size, bus);
}

/**
 * dap_bus_address() - bus address of a pool's first byte for a device
 * @dev:   the device
 * @entry: the pool, one piece for the device only if its bus keeps it in one
 * @addr:  set
 *
 * A bus may know the memory by either of its addresses: those that describe the
 * alias itself as memory for DMA, for the kernel's own pool, list that one.
 *
 * Return: why there is no such address, or NULL.
 */
const char *dap_bus_address(struct device *dev, const struct dap_entry *entry,
			    dma_addr_t *addr)
{
	const struct dap_region *region = &entry->pool.region;

	*addr = entry->bus;
	if (!entry->has_bus &&
	    !bus_translate_pool(dev, region->phys, region->size, addr) &&
	    !(dev->dma_range_map &&
	      bus_translate_pool(dev, region->alias, region->size, addr)))
		return "dma-ranges of its bus do not cover the pool in one piece";
	/* Its driver may still set another mask; its bus stays what it is. */
	if (dev->bus_dma_limit && *addr > dev->bus_dma_limit)
		return "its bus cannot address the pool";
	return NULL;
}
