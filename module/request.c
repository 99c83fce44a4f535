// SPDX-License-Identifier: GPL-2.0
/*
 * Attach and detach on demand: for somebody who writes to sysfs, and for drivers
 * that ask for a pool themselves.
 *
 * Contexts and locking: process context; a device's lock is taken before
 * dap_lock(), never under it (see attach.c).
 */
#include <linux/amba/bus.h>
#include <linux/device.h>
#include <linux/module.h>

#include "attach.h"
#include "compat.h"
#include "dma_alias_pool.h"
#include "outsider.h"

/*
 * Whom unbinding would leave half there: drivers that say so, and those of
 * primecells (pl08x) that have no .remove and register things all the same.
 */
static bool can_unbind(struct device *dev)
{
	if (dev->driver->suppress_bind_attrs)
		return false;
#ifdef CONFIG_ARM_AMBA
	if (dev->bus == &amba_bustype)
		return container_of(dev->driver, struct amba_driver,
				    drv)->remove;
#endif
	return true;
}

/*
 * Make a client of a device that somebody asks for.  *client is NULL on failure,
 * which has been reported, and if it is one of this pool already.
 */
static int admit(struct device *dev, struct dap_entry *entry,
		 struct dap_client **client)
{
	struct dap_client *old = dap_client_find(dev);
	const char *why = dap_refusal(dev);
	dma_addr_t bus;

	/* Before its driver is unbound in vain: what is known of it by now. */
	if (!why && dev->driver)
		why = dap_translate(dev, entry, &bus) ?:
		      dap_region_conflict(&entry->pool.region,
					  dap_is_coherent(dev));

	*client = NULL;
	/* What only the default gave may be taken, unless it is in use. */
	if (old && !old->excluded && dap_entry_of(old) != entry &&
	    (!old->by_default || dap_client_holds_memory(old))) {
		dev_err(dev, "not attached to DMA pool %s: it is a client of %s\n",
			entry->pool.name, old->pool->name);
		return -EBUSY;
	}
	if (why)
		return dap_refuse(dev, entry->pool.name, why);
	if (old && !old->excluded && dap_entry_of(old) == entry)
		return 0;

	if (old) {
		/* Of the pool it leaves it holds nothing, of the kernel's maybe. */
		bool clean = !old->foreign && !old->excluded;

		dap_client_drop(old);
		if (clean)
			dap_outsider_del(dev);
	}
	*client = dap_client_add(dev, entry);
	return *client ? 0 : -ENOMEM;
}

static int attach_in_place(struct dap_client *client)
{
	int ret;

	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	client->in_place = true;
	ret = dap_client_refresh(client);
	if (ret) {
		client->in_place = false;
		module_put(THIS_MODULE);
		return ret;
	}
	dap_client_announce(client);
	return 0;
}

/**
 * dap_attach_device() - make a device a client, on request
 * @entry: the pool
 * @dev:   the device; if it is bound, its driver is unbound and bound again, or
 *	   the ops are changed in place where that cannot be
 *
 * Context: process context, may sleep.
 * Return: 0; -EBUSY if another pool has it, -EINVAL if it cannot be a client,
 * -ENODEV if the pool is going, -ENOMEM.  Each has been reported.
 */
int dap_attach_device(struct dap_entry *entry, struct device *dev)
{
	struct dap_client *client = NULL;
	bool bound;
	int ret;

	/* Nobody binds or unbinds it while it is looked at. */
	device_lock(dev);
	dap_lock();
	bound = dev->driver;
	if (entry->dead || dev->driver == &dap_pool_driver.driver)
		ret = dap_refuse(dev, entry->pool.name, "that is not possible");
	else
		ret = admit(dev, entry, &client);
	if (client && bound && !can_unbind(dev)) {
		ret = attach_in_place(client);
		if (ret)
			dap_client_drop(client);
		client = NULL;
	}
	dap_unlock();
	device_unlock(dev);
	if (!client)
		return ret;

	if (bound)
		device_release_driver(dev);
	if (!dev->driver && device_attach(dev) < 0)
		dev_warn(dev, "is a client of DMA pool %s, but its driver did not bind\n",
			 entry->pool.name);

	/* What is known only when it is bound may have spoken against it. */
	dap_lock();
	client = dap_client_find(dev);
	if (!client || client->excluded || dap_entry_of(client) != entry)
		ret = -EINVAL;
	dap_unlock();
	return ret;
}

/**
 * dap_detach_device() - let a client go, on request
 * @entry: the pool
 * @dev:   the client; its driver, if any, is unbound and bound again
 *
 * It stays out until it is attached again by request.
 *
 * Context: process context, may sleep.
 * Return: 0; -ENOENT if it is no client of the pool, -EBUSY if it holds memory
 * or was attached in place.  Each has been reported.
 */
int dap_detach_device(struct dap_entry *entry, struct device *dev)
{
	struct dap_client *client;
	const char *why = NULL;
	bool bound;
	int ret = 0;

	dap_lock();
	client = dap_client_find(dev);
	if (!client || client->excluded || dap_entry_of(client) != entry) {
		why = "it is no client of it";
		ret = -ENOENT;
	} else if (dap_client_holds_memory(client)) {
		why = "it holds memory of it";
		ret = -EBUSY;
	} else if (client->in_place) {
		why = "its driver cannot be unbound";
		ret = -EBUSY;
	}
	bound = dev->driver;
	dap_unlock();
	if (ret) {
		dev_err(dev, "not detached from DMA pool %s: %s\n",
			entry->pool.name, why);
		return ret;
	}

	if (bound)
		device_release_driver(dev);

	device_lock(dev);
	dap_lock();
	client = dap_client_find(dev);
	if (client && !dev->driver && !dap_client_holds_memory(client)) {
		dap_client_exclude(client);
	} else if (client) {
		dev_err(dev, "not detached from DMA pool %s: its driver still holds memory\n",
			entry->pool.name);
		ret = -EBUSY;
	}
	dap_unlock();
	device_unlock(dev);

	if (bound && device_attach(dev) < 0)
		dev_warn(dev, "its driver did not bind without DMA pool %s\n",
			 entry->pool.name);
	return ret;
}

/* On behalf of the device's own driver, which holds its lock if it is probing. */
static int attach_driver(struct device *dev, struct dap_entry *entry)
{
	struct dap_client *client;
	int ret;

	ret = admit(dev, entry, &client);
	if (!client || !dev->driver)
		return ret;	/* if it is not bound, the rest follows then */
	if (dap_client_refresh(client)) {
		dap_client_drop(client);
		return -EINVAL;
	}
	dap_client_announce(client);
	return 0;
}

/**
 * dma_alias_pool_attach() - get a device's coherent memory from a pool
 * @dev:  the device: being probed, before its first use of the DMA API, or not
 *	  bound
 * @pool: name of the pool, NULL for the only one there is
 *
 * Needs no undoing: the device keeps its pool until it is removed, the pool
 * goes, or dma_alias_pool_detach().
 *
 * Context: process context, may sleep.
 * Return: 0; -EPROBE_DEFER if there is no such pool yet; -EBUSY if another pool
 * has the device; -EINVAL if it cannot be a client; -ENOMEM.
 */
int dma_alias_pool_attach(struct device *dev, const char *pool)
{
	struct dap_entry *entry;
	int ret = -EPROBE_DEFER;

	dap_lock();
	entry = dap_entry_find(pool ?: "");
	if (entry && !entry->dead)
		ret = attach_driver(dev, entry);
	dap_unlock();
	return ret;
}
EXPORT_SYMBOL_GPL(dma_alias_pool_attach);

/**
 * dma_alias_pool_attach_node() - get a device's coherent memory from the pool of
 * a region
 * @dev:    as for dma_alias_pool_attach()
 * @region: device tree node of the pool's region, as in memory-region
 *
 * Context: process context, may sleep.
 * Return: as dma_alias_pool_attach().
 */
int dma_alias_pool_attach_node(struct device *dev, struct device_node *region)
{
	struct dap_entry *entry;
	int ret = -EPROBE_DEFER;

	dap_lock();
	list_for_each_entry(entry, &dap_entries, node) {
		if (region && entry->region_np == region && !entry->dead) {
			ret = attach_driver(dev, entry);
			break;
		}
	}
	dap_unlock();
	return ret;
}
EXPORT_SYMBOL_GPL(dma_alias_pool_attach_node);

/**
 * dma_alias_pool_detach() - have a device use what it used before
 * @dev: the device: its driver uses the DMA API no more, or it is not bound
 *
 * Context: process context, may sleep.
 * Return: 0; -ENOENT if it is no client; -EBUSY if it holds memory of its pool
 * or was attached in place.
 */
int dma_alias_pool_detach(struct device *dev)
{
	struct dap_client *client;
	int ret = 0;

	dap_lock();
	client = dap_client_find(dev);
	if (!client || client->excluded)
		ret = -ENOENT;
	else if (dap_client_holds_memory(client) || client->in_place)
		ret = -EBUSY;
	else
		dap_client_exclude(client);
	dap_unlock();
	return ret;
}
EXPORT_SYMBOL_GPL(dma_alias_pool_detach);
