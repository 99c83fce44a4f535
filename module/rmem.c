// SPDX-License-Identifier: GPL-2.0
/*
 * What of_reserved_mem_device_init() and its like do with a region of ours: make
 * a client of the device.  Many drivers call one of them in their probe, also for
 * children that they make, and fail without the region.
 *
 * The kernel knows regions from boot on, and calls the operations that one has.
 * It has ours as long as its pool is up, however that was described, if the region
 * is all of one node.  The kernel notes for which devices we said yes until they are
 * released, and that may be when the pool is gone (nothing is called then) or there
 * again: so a release is believed only of a client that came this way.
 *
 * Contexts and locking: process context; the operations are called for a device
 * whose driver is bound, or being so, or that is on no bus, with its lock held or
 * not.  Nothing in the kernel protects them from being taken away: who has begun
 * to call them may be here when the module is to go, so that they hold it; but
 * between its look whether there are any and its call the kernel allocates memory,
 * and nobody can wait for who is there.
 */
#include <linux/device.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/of_reserved_mem.h>

#include "client.h"
#include "registry.h"
#include "request.h"
#include "rmem.h"

/* Is the kernel's region all of ours? */
static bool rmem_is_region(const struct reserved_mem *rmem,
			   const struct dap_region *region)
{
	return rmem->base == region->phys && rmem->size == region->size;
}

static int dap_rmem_init(struct reserved_mem *rmem, struct device *dev)
{
	struct dap_entry *entry, *found = NULL;
	int ret;

	if (!try_module_get(THIS_MODULE))
		return -EINVAL;
	dap_lock();
	list_for_each_entry(entry, &dap_entries, node)
		if (rmem_is_region(rmem, &entry->pool.region))
			found = entry;
	ret = dap_attach_driver(dev, found);
	if (!ret)
		dap_client_find(dev)->by_rmem = true;
	dap_unlock();
	module_put(THIS_MODULE);
	return min(ret, 0);
}

/* Who holds memory stays a client until its driver is gone (attach.c). */
static void dap_rmem_release(struct reserved_mem *rmem, struct device *dev)
{
	struct dap_client *client;

	if (!try_module_get(THIS_MODULE))
		return;
	dap_lock();
	client = dap_client_find(dev);
	if (client && client->by_rmem && !dap_client_is_busy(client))
		dap_client_leave(client, dap_device_is_in_use(dev));
	dap_unlock();
	module_put(THIS_MODULE);
}

static const struct reserved_mem_ops dap_rmem_ops = {
	.device_init	= dap_rmem_init,
	.device_release	= dap_rmem_release,
};

/**
 * dap_rmem_serve() - have drivers get a region of ours, or not any more
 * @region: the region of a pool that is up; of one that is to go, before it does
 * @serve:  which of both
 *
 * A region that somebody else serves, or that is none of the kernel's, stays as
 * it is.
 *
 * Context: process context.
 */
void dap_rmem_serve(const struct dap_region *region, bool serve)
{
	struct device_node *parent = of_find_node_by_path("/reserved-memory");
	struct reserved_mem *rmem;
	struct device_node *np;

	for_each_child_of_node(parent, np) {
		rmem = of_reserved_mem_lookup(np);
		if (!rmem || !rmem_is_region(rmem, region))
			continue;
		if (serve && !rmem->ops)
			WRITE_ONCE(rmem->ops, &dap_rmem_ops);
		else if (!serve && rmem->ops == &dap_rmem_ops)
			WRITE_ONCE(rmem->ops, NULL);
	}
	of_node_put(parent);
}
