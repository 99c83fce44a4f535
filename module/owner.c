// SPDX-License-Identifier: GPL-2.0
/*
 * Does memory that is described in /reserved-memory belong to somebody?
 *
 * It is ours if the node is compatible with dma-alias-pool,region, unless the
 * kernel has given it to a driver of its own as well.  It is free if the node
 * is compatible with nothing, and no enabled device names it.  In all other
 * cases it belongs to somebody, whether it is in use by now or not.
 *
 * The kernel knows where it has placed reserved memory, so it is asked.  But it
 * remembers only one range of a node that may have more, so reg is read as
 * well.
 */
#include <linux/device.h>
#include <linux/of.h>
#include <linux/of_address.h>
#include <linux/of_reserved_mem.h>

#include "region.h"

/**
 * dap_find_reserved_memory() - find the node that has all regions below it
 *
 * Context: process context.
 * Return: the node with a reference, or NULL.
 */
struct device_node *dap_find_reserved_memory(void)
{
	return of_find_node_by_path("/reserved-memory");
}

/**
 * dap_is_pool_region() - is a node the region of a pool?
 * @np: the node, or NULL
 *
 * Context: any.
 * Return: true if it says so.
 */
bool dap_is_pool_region(const struct device_node *np)
{
	return of_device_is_compatible(np, "dma-alias-pool,region");
}

/* Find an enabled device that names the region; returned with a reference. */
static struct device_node *owner_find_device(const struct device_node *region)
{
	struct device_node *np;
	u32 phandle;
	int i;

	for_each_node_with_property(np, "memory-region") {
		if (!of_device_is_available(np))
			continue;
		for (i = 0; !of_property_read_u32_index(np, "memory-region", i,
							&phandle); i++)
			if (phandle && phandle == region->phandle)
				return np;
	}
	return NULL;
}

/*
 * Does the memory of a node overlap?  It is described by reg, or placed by the
 * kernel.
 */
static bool owner_node_overlaps(struct device_node *np,
				const struct reserved_mem *rmem,
				phys_addr_t base, phys_addr_t end)
{
	struct resource res;
	int i;

	for (i = 0; !of_address_to_resource(np, i, &res); i++)
		/* Boot loaders fill in, or leave empty, what is for them. */
		if (resource_size(&res) && res.start <= end && res.end >= base)
			return true;
	return rmem && rmem->size && rmem->base <= end &&
	       rmem->base + rmem->size - 1 >= base;
}

static int owner_check_node(struct device *dev, phys_addr_t base,
			    phys_addr_t end, struct device_node *np)
{
	const struct reserved_mem *rmem = of_reserved_mem_lookup(np);
	struct device_node *user = NULL;
	const char *who;
	int ret = 0;

	if (!of_device_is_available(np) ||
	    !owner_node_overlaps(np, rmem, base, end))
		return 0;

	if (of_property_read_string(np, "compatible", &who)) {
		user = owner_find_device(np);
		who = user ? user->full_name : NULL;
	} else if (dap_is_pool_region(np)) {
		who = rmem && rmem->ops ? "the kernel" : NULL;
	}
	if (who)
		ret = dev_err_probe(dev, -EBUSY,
				    "%pa-%pa overlaps %pOF, which is for %s\n",
				    &base, &end, np, who);
	of_node_put(user);
	return ret;
}

#if DAP_PLACED_IS_CLAIMED
/**
 * dap_is_placed() - has the kernel placed the memory of a pool?
 * @dev: the pool's device
 *
 * Context: process context.
 * Return: true if the device tree says no address of it.
 */
bool dap_is_placed(const struct device *dev)
{
	struct device_node *np = of_parse_phandle(dev->of_node, "memory-region",
						  0);
	bool ret = np && !of_find_property(np, "reg", NULL);

	of_node_put(np);
	return ret;
}
#endif

/**
 * dap_check_owner() - does the device tree give memory to somebody else?
 * @dev:  the pool's device, for messages
 * @base: the first address of the memory
 * @end:  the last one
 *
 * Context: process context, may sleep; the memory is claimed, so no other pool
 * has it.
 * Return: 0, or -EBUSY if any of it belongs to somebody else (reported).
 */
int dap_check_owner(struct device *dev, phys_addr_t base, phys_addr_t end)
{
	struct device_node *parent = dap_find_reserved_memory();
	struct device_node *np;
	int ret = 0;

	for_each_child_of_node(parent, np) {
		ret = owner_check_node(dev, base, end, np);
		if (ret) {
			of_node_put(np);
			break;
		}
	}
	of_node_put(parent);
	return ret;
}
