// SPDX-License-Identifier: GPL-2.0
/*
 * Serve of_reserved_mem_device_init() and similar functions: when a driver
 * calls one for the region of a pool, its device becomes a client.  Many
 * drivers do that in their probe, also for child devices that they make, and
 * fail without the region.
 *
 * The kernel knows all regions from boot on, and calls the operations that are
 * set for a region.  While a pool is up, ours are set for its region, no matter
 * how the pool was described, if the region belongs to a single node.
 *
 * The kernel remembers for which devices we have succeeded, until it releases
 * them.  By then, the pool may be gone (and nothing is called), or may be gone
 * and there again.  So a release has an effect only for a client that was made
 * here.
 *
 * Contexts and locking: process context.  The operations are called for a
 * device that is bound or being bound, or that is used without a driver, with or
 * without its lock held.  Nothing in the kernel prevents that the operations are
 * taken away while they run.  So a call that has begun pins the module.  A small
 * race remains: between reading rmem->ops and calling it, the kernel allocates
 * memory, and nothing can wait for a task that is there.
 */
#include <linux/device.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/of_reserved_mem.h>

#include "client.h"
#include "registry.h"
#include "request.h"
#include "rmem.h"

/* Is this exactly the region of a pool? */
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
	ret = dap_attach_result(dev, ret);
	module_put(THIS_MODULE);
	return ret;
}

/*
 * A client that holds memory stays one, and so does one that both its maker and
 * its driver may use: nobody can tell which of them this is.  Any other ends now.
 * Without a driver, on a bus, its maker says with this that they have finished,
 * and nothing is left.  Otherwise somebody may be in an operation, so the device
 * keeps them (DAP_ENDED) until its driver is gone, or on no bus until it is
 * removed.
 */
static void dap_rmem_release(struct reserved_mem *rmem, struct device *dev)
{
	struct dap_client *client;
	bool in_use;

	if (!try_module_get(THIS_MODULE))
		return;
	dap_lock();
	client = dap_client_find(dev);
	if (client && client->by_rmem && !(client->by_maker && dev->driver)) {
		in_use = dap_device_is_in_use(dev);
		if (!dap_client_is_busy(client))
			dap_client_leave(client, in_use);
		if (!in_use)
			dap_client_unbound(dev, true);
	}
	dap_unlock();
	module_put(THIS_MODULE);
}

static const struct reserved_mem_ops dap_rmem_ops = {
	.device_init	= dap_rmem_init,
	.device_release	= dap_rmem_release,
};

/**
 * dap_rmem_find_node() - find the node of a region that the kernel has reserved
 * @base: where the region begins
 * @size: bytes
 *
 * Context: process context.
 * Return: the node that is exactly this region, with a reference, or NULL.
 */
struct device_node *dap_rmem_find_node(phys_addr_t base, phys_addr_t size)
{
	struct device_node *parent = dap_find_reserved_memory();
	struct reserved_mem *rmem;
	struct device_node *np;

	for_each_child_of_node(parent, np) {
		rmem = of_reserved_mem_lookup(np);
		if (rmem && rmem->base == base && rmem->size == size)
			break;
	}
	of_node_put(parent);
	return np;
}

/**
 * dap_rmem_serve() - begin or stop serving drivers that ask for a region
 * @region: the region of a pool, which is up, or about to go
 * @serve:  begin or stop
 *
 * Nothing happens for a region that somebody else serves, or that is no
 * reserved memory of the kernel.
 *
 * Context: process context.
 */
void dap_rmem_serve(const struct dap_region *region, bool serve)
{
	struct device_node *np = dap_rmem_find_node(region->phys, region->size);
	struct reserved_mem *rmem;

	if (!np)
		return;
	rmem = of_reserved_mem_lookup(np);
	if (serve && !rmem->ops)
		WRITE_ONCE(rmem->ops, &dap_rmem_ops);
	else if (!serve && rmem->ops == &dap_rmem_ops)
		WRITE_ONCE(rmem->ops, NULL);
	of_node_put(np);
}
