// SPDX-License-Identifier: GPL-2.0
/*
 * The addresses of a pool as devices see them.
 *
 * Nothing is cached here.  The ranges of a bus are known when a device is
 * bound, but some drivers set others in their probe (of_dma_configure() with
 * another node).  The kernel's own allocators look at the ranges each time as
 * well.
 *
 * Contexts: any.  The driver core frees the ranges of a device when it is
 * unbound.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>

#include "bus.h"
#include "compat.h"

/*
 * Do the ranges of @map cover all of the memory, at consecutive bus addresses
 * from @bus on?  The memory may be spread over several ranges.
 */
static bool bus_ranges_cover(const struct bus_dma_region *map, phys_addr_t phys,
			     phys_addr_t size, dma_addr_t bus)
{
	const struct bus_dma_region *range;
	u64 done = 0, offset;

	while (map && done < size) {
		for (range = map; range->size; range++) {
			/* Huge if the range is above. */
			offset = phys + done - range->cpu_start;
			if (offset < range->size &&
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

	*addr = bus;
	/* A range may go on behind the last bus address that there is. */
	return bus != DMA_MAPPING_ERROR &&
	       (dma_addr_t)(bus + size - 1) >= bus &&
	       bus_ranges_cover(dev->dma_range_map, phys, size, bus);
}

/**
 * dap_bus_address() - bus address of the first byte of a pool for a device
 * @dev:   the device
 * @entry: the pool
 * @addr:  set to the address
 *
 * The bus must map the pool in one piece.  It may know the memory by either of
 * its addresses: device trees that describe the alias itself as memory for DMA,
 * for the kernel's own pool, list the alias.
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
	    !bus_translate_pool(dev, region->alias, region->size, addr))
		return "dma-ranges of its bus do not cover the pool in one piece";
	/* The mask is not checked: the driver may still set another one. */
	if (dev->bus_dma_limit && *addr > dev->bus_dma_limit)
		return "its bus cannot address the pool";
	return NULL;
}

/**
 * dap_bus_is_pool() - is a bus address in a pool?
 * @dev:   the device that has it
 * @entry: the pool
 * @addr:  the address
 *
 * Return: true if it is.
 */
bool dap_bus_is_pool(struct device *dev, const struct dap_entry *entry,
		     dma_addr_t addr)
{
	dma_addr_t start;

	return !dap_bus_address(dev, entry, &start) &&
	       addr - start < entry->pool.region.size;
}
