// SPDX-License-Identifier: GPL-2.0
/*
 * Pools come up with their platform device, and go with it.
 *
 * When the pool's device is unbound or removed, which includes rmmod, the
 * drivers of the clients are unbound first, while they can still get memory to
 * stop their hardware (but not at rmmod: a module that goes cannot be pinned by
 * memory).  After that the pool serves no more requests, and its clients are
 * ended.  Then their drivers are bound again, without the pool.  A driver that
 * cannot be unbound stays bound; it and whoever uses a device without a driver
 * get memory from the kernel.  As long as a client holds memory, the pool's
 * memory stays until the last free.
 *
 * Contexts and locking: process context; the driver core holds the lock of the
 * pool's device.  The lock of a client's device is taken as well, which is safe
 * since no client that has a driver is a pool, or has one below it
 * (dap_client_link()).
 */
#include <linux/debugfs.h>
#include <linux/device.h>
#include <linux/of.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "client.h"
#include "debugfs.h"
#include "entry.h"
#include "rebind.h"

static int entry_check_unique(struct device *dev, const struct dap_spec *spec)
{
	struct dap_entry *entry;

	dap_assert_locked();
	list_for_each_entry(entry, &dap_entries, node) {
		if (!strcmp(entry->pool.name, spec->name))
			return dev_err_probe(dev, -EEXIST,
					     "there is a DMA pool %s already%s\n",
					     spec->name,
					     entry->state == DAP_GONE ?
					     ": its memory is still held" :
					     "");
		if (entry->is_default && spec->is_default &&
		    entry->state != DAP_GONE)
			return dev_err_probe(dev, -EEXIST,
					     "DMA pool %s is the default already\n",
					     entry->pool.name);
	}
	return 0;
}

/**
 * dap_entry_create() - bring a pool up
 * @dev:       its platform device, being probed
 * @spec:      description of the pool
 * @region_np: device tree node of its region, or NULL; a reference is taken
 * @verify:    check how the CPU reaches the memory, see dap_region_claim()
 *
 * Context: process context, may sleep.
 * Return: the pool, or an ERR_PTR.  The error has been reported; -ENOMEM may
 * have been reported by the kernel.
 */
struct dap_entry *dap_entry_create(struct device *dev,
				   const struct dap_spec *spec,
				   struct device_node *region_np, bool verify)
{
	struct dap_entry *entry;
	int ret;

	entry = kzalloc(sizeof(*entry), GFP_KERNEL);
	if (!entry)
		return ERR_PTR(-ENOMEM);
	kref_init(&entry->ref);
	kref_init(&entry->users);
	INIT_LIST_HEAD(&entry->clients);
	entry->has_bus = spec->has_bus;
	entry->bus = spec->bus;
	entry->is_default = spec->is_default;

	/* A former pool with this memory may just have been freed. */
	dap_registry_flush(dev);
	dap_lock();
	ret = entry_check_unique(dev, spec);
	if (!ret)
		ret = dap_pool_init(&entry->pool, dev, spec, verify);
	if (ret) {
		dap_unlock();
		kfree(entry);
		return ERR_PTR(ret);
	}
	entry->dev = get_device(dev);
	entry->region_np = of_node_get(region_np);
	dap_debugfs_add(entry);
	list_add_tail(&entry->node, &dap_entries);
	dap_unlock();
	return entry;
}

/*
 * Devices that have copied operations come first, so that those that lend them
 * can end.
 */
static struct dap_client *entry_next_client(struct dap_entry *entry)
{
	struct dap_client *client, *next = NULL;

	list_for_each_entry(client, dap_clients(entry), node)
		if (client->state < DAP_LEAVING && (!next || client->lender))
			next = client;
	return next;
}

/*
 * Find the client with its device locked: no probe is running then, which may
 * turn out to be that of a driver that cannot be unbound.  Returns NULL if it is
 * no client any more.
 */
static struct dap_client *entry_lock_client(struct device *dev,
					    struct dap_entry *entry)
{
	device_lock(dev);
	dap_lock();
	return dap_client_find_in(dev, entry);
}

static void entry_unlock_client(struct device *dev)
{
	dap_unlock();
	device_unlock(dev);
}

/* Unbind the driver of a client, if that is possible, and end the client. */
static void entry_release_device(struct device *dev, struct dap_entry *entry)
{
	struct dap_client *client = entry_lock_client(dev, entry);
	/* A driver that comes from now on gets no pool, and may have to stay. */
	bool is_bound = client && dev->driver;

	/* If the module goes, it cannot be pinned: then unbind it all the same. */
	if (client && dap_device_cannot_unbind(dev) &&
	    dap_client_set_state(client, DAP_PINNED))
		is_bound = false;
	entry_unlock_client(dev);
	if (is_bound)
		device_release_driver(dev);
	client = entry_lock_client(dev, entry);
	if (client) {
		/* Its probe may have failed because it was refused memory. */
		if (client->user.refused && !dev->driver)
			dap_rebind_note(dev);
		dap_client_leave(client, dev->driver);
	}
	entry_unlock_client(dev);
}

static void entry_release_clients(struct dap_entry *entry)
{
	struct dap_client *client;
	struct device *dev;

	while ((client = entry_next_client(entry))) {
		dev = client->dev;
		/*
		 * One on no bus has no driver, but its maker may be using it.
		 * No reference is held, so it may be removed as soon as the
		 * lock is dropped.
		 */
		if (!client->has_ref) {
			dap_client_leave(client, true);
			continue;
		}
		get_device(dev);
		dap_unlock();
		entry_release_device(dev, entry);
		put_device(dev);
		dap_lock();
	}
}

/**
 * dap_entry_retire() - take a pool down with its device
 * @entry: the pool; freed when the last memory of it is freed, which may be now
 *
 * Context: process context, may sleep.
 */
void dap_entry_retire(struct dap_entry *entry)
{
	struct device *dev = entry->dev;
	struct dap_rebind rebind;

	dap_rebind_begin(&rebind);
	dap_lock();
	entry->state = DAP_GOING;
	entry_release_clients(entry);
	dap_pool_kill(&entry->pool);
	/*
	 * Memory may be held for a long time; do not hold the device as well.
	 */
	entry->state = DAP_GONE;
	entry->dev = NULL;
	dap_unlock();

	dap_entry_unuse(entry);
	dap_registry_flush(dev);
	dap_rebind_end(&rebind, dev);
	put_device(dev);
}
