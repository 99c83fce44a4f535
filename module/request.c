// SPDX-License-Identifier: GPL-2.0
/*
 * Attach and detach on demand: for somebody who writes to sysfs, and for drivers
 * that ask for a pool themselves.
 *
 * Contexts and locking: process context; a device's lock is taken before
 * dap_lock(), never under it.  Who writes to sysfs keeps the pool's device from
 * being unbound; so no device is locked here whose driver could be waiting for
 * that: no pool, and none that has the pool below it.
 */
#include <linux/device.h>
#include <linux/export.h>

#include "attach.h"
#include "bus.h"
#include "client.h"
#include "compat.h"
#include "dma_alias_pool.h"
#include "outsider.h"
#include "policy.h"
#include "rebind.h"
#include "request.h"

static const char dap_not_there[] = "it is not registered";

static void request_lock_device(struct device *dev)
{
	device_lock(dev);
	dap_lock();
}

static void request_unlock_device(struct device *dev)
{
	dap_unlock();
	device_unlock(dev);
}

/* Is @dev above @below, or that itself? */
static bool request_is_above(const struct device *dev,
			     const struct device *below)
{
	while (below && below != dev)
		below = below->parent;
	return below;
}

/*
 * May a device become a client of a pool for which somebody asks?  Returns 0; 1 if
 * it is one already; or an error that has been reported.
 */
static int request_may_join(struct device *dev, struct dap_entry *entry)
{
	struct dap_client *old = dap_client_find(dev);
	const char *why = dap_policy_refusal_by(entry, dev);
	dma_addr_t addr;

	/* Before its driver is unbound in vain: what is known of it by now. */
	if (!why && dev->driver)
		why = dap_bus_address(dev, entry, &addr) ?:
		      dap_region_conflict(&entry->pool.region,
					  dap_is_coherent(dev));
	if (why)
		return dap_report_refusal(dev, entry->pool.name, why);
	if (!old)
		return 0;
	if (dap_entry_of(old) == entry && old->state < DAP_LEAVING)
		return 1;
	/* What only the default gave may be taken, unless it is in use. */
	if (!old->by_default || dap_client_is_busy(old)) {
		dev_err(dev, "not attached to DMA pool %s: it is a client of %s\n",
			entry->pool.name, old->pool->name);
		return -EBUSY;
	}
	return 0;
}

/* Where it is in use, at once: not for its next driver. */
static int request_join_in_use(struct dap_client *client)
{
	struct device *dev = client->dev;

	if (dap_client_install(client)) {
		dap_client_leave(client, false);
		return -EINVAL;
	}
	/* Of a driver that is being bound it is said when it is. */
	if (!dap_device_is_watched(dev) ||
	    dev->links.status == DL_DEV_DRIVER_BOUND)
		dap_client_announce(client);
	return 0;
}

/*
 * Make a client of a device that request_may_join(), in place of what it was.  @in_use:
 * somebody may be in one of its operations.
 */
static int request_join(struct device *dev, struct dap_entry *entry,
			bool in_use)
{
	struct dap_client *client = dap_client_find(dev);
	int ret = 0;

	if (client)
		dap_client_leave(client, in_use);
	client = dap_client_create(dev, entry);
	if (!client)
		return -EINVAL;
	if (!dap_device_is_watched(dev)) {
		/* Nobody knows what it has got by now. */
		client->foreign = true;
		ret = dap_watch_device(dev);
	} else if (dap_device_is_removed(dev)) {
		ret = dap_report_refusal(dev, entry->pool.name, dap_not_there);
	}
	if (ret)
		dap_client_leave(client, false);
	else if (dap_device_is_in_use(dev))
		ret = request_join_in_use(client);
	return ret;
}

/* What is done to a device for somebody who writes to sysfs. */
struct dap_request {
	/* Returns 0; 1 if it is as wanted; or an error that has been reported. */
	int (*may)(struct device *dev, struct dap_entry *entry);
	/* With all locks held; returns 0 or an error that has been reported. */
	int (*act)(struct device *dev, struct dap_entry *entry);
	/* What to say if its driver is not there any more. */
	const char *unbound;
};

/* Its driver is unbound for it, if that can be.  Returns as request->may() does. */
static int request_carry_out(const struct dap_request *request,
			     struct device *dev, struct dap_entry *entry)
{
	struct dap_rebind rebind;
	bool was_bound = false;
	int ret;

	dap_rebind_begin(&rebind);
	/* While the lock is not held, somebody may bind it again. */
	for (;;) {
		request_lock_device(dev);
		ret = request->may(dev, entry);
		if (!dev->driver)
			break;
		was_bound = true;
		if (ret || dap_device_cannot_unbind(dev))
			break;
		request_unlock_device(dev);
		device_release_driver(dev);
	}
	if (!ret)
		ret = request->act(dev, entry);
	request_unlock_device(dev);
	dap_rebind_end(&rebind, dev);

	if (ret || !was_bound || READ_ONCE(dev->driver))
		return ret;
	dev_err(dev, request->unbound, entry->pool.name);
	return -ENXIO;
}

static int request_attach(struct device *dev, struct dap_entry *entry)
{
	return request_join(dev, entry, dap_device_is_in_use(dev));
}

/**
 * dap_attach_device() - make a device a client, on request
 * @entry: the pool, whose device stays bound meanwhile
 * @dev:   the device; if it is bound, its driver is unbound and bound again, or
 *	   the ops are changed in place where that cannot be
 *
 * Context: process context, may sleep.
 * Return: 0; -EBUSY if another pool has it, -EINVAL if it cannot be a client,
 * -ENXIO if it is one, but its driver did not bind again, -ENOMEM.  Each has been
 * reported.
 */
int dap_attach_device(struct dap_entry *entry, struct device *dev)
{
	static const struct dap_request request = {
		request_may_join, request_attach,
		"is a client of DMA pool %s, but its driver did not bind\n",
	};
	const char *why = dap_policy_refusal(dev);
	struct dap_client *client;
	int ret;

	if (request_is_above(dev, entry->dev))
		why = "the pool's device depends on it";
	if (why)
		return dap_report_refusal(dev, entry->pool.name, why);

	/* What it held of a pool that is gone may have been freed just now. */
	dap_registry_flush();
	ret = request_carry_out(&request, dev, entry);
	if (ret > 0)
		return 0;
	if (!ret && !READ_ONCE(dev->driver) && device_attach(dev) < 0)
		dev_dbg(dev, "has no driver\n");

	/* What is known only when it is bound may have spoken against it. */
	dap_lock();
	client = dap_client_find(dev);
	if (!ret && (!client || dap_entry_of(client) != entry))
		ret = -EINVAL;
	/* Who asked in vain has not changed that it is to have no pool. */
	if (!ret || ret == -ENXIO)
		dap_outsider_admit(dev);
	dap_unlock();
	return ret;
}

static int request_may_detach(struct device *dev, struct dap_entry *entry)
{
	struct dap_client *client = dap_client_find(dev);
	const char *why;
	int ret = -EBUSY;

	if (!client || dap_entry_of(client) != entry ||
	    client->state >= DAP_LEAVING) {
		why = "it is no client of it";
		ret = -ENOENT;
	} else if (client->state == DAP_PINNED) {
		why = "its driver cannot be unbound";
	} else if (client->by_rmem && dev->driver) {
		why = "its driver asks for it";
	} else if (READ_ONCE(client->user.held)) {
		why = "it holds memory of it";
	} else if (dap_client_is_busy(client)) {
		why = "operations were copied from it, or to it";
	} else {
		return 0;
	}
	dev_err(dev, "not detached from DMA pool %s: %s\n", entry->pool.name,
		why);
	return ret;
}

/* And have no policy bring it back. */
static int request_exclude(struct device *dev, struct dap_entry *entry)
{
	int ret = dap_outsider_exclude(dev);

	if (ret)
		return ret;
	dap_client_leave(dap_client_find(dev), false);
	return 0;
}

/**
 * dap_detach_device() - let a client go, on request
 * @entry: the pool, whose device stays bound meanwhile
 * @dev:   the client; its driver, if any, is unbound and bound again
 *
 * It stays out until it is attached again by request.
 *
 * Context: process context, may sleep.
 * Return: 0; -ENOENT if it is no client of the pool, -EBUSY if it holds memory,
 * or its driver cannot be unbound; -ENXIO if it is no client any more, but its
 * driver did not bind again; -ENOMEM.  Each has been reported.
 */
int dap_detach_device(struct dap_entry *entry, struct device *dev)
{
	static const struct dap_request request = {
		request_may_detach, request_exclude,
		"its driver did not bind without DMA pool %s\n",
	};
	int ret;

	/* Of what is no client nothing is locked. */
	dap_lock();
	ret = request_may_detach(dev, entry);
	dap_unlock();
	return ret ?: request_carry_out(&request, dev, entry);
}

/**
 * dap_attach_driver() - make a device a client, on behalf of its own driver
 * @dev:   as for dma_alias_pool_attach(); its lock is held if it is being probed
 * @entry: the pool, or NULL if there is none
 *
 * Context: process context, may sleep; under dap_lock().
 * Return: as dma_alias_pool_attach(), or 1 if it is one already.
 */
int dap_attach_driver(struct device *dev, struct dap_entry *entry)
{
	const char *why = NULL;
	int ret;

	if (!entry || entry->state != DAP_UP || !dap_registry_is_open)
		return -EPROBE_DEFER;
	if (!device_is_registered(dev))
		why = dap_not_there;
	else if (dev->bus && !dev->driver && !dap_device_is_watched(dev))
		why = "its driver has to ask, on this bus";
	if (why)
		return dap_report_refusal(dev, entry->pool.name, why);
	ret = request_may_join(dev, entry) ?: request_join(dev, entry, false);
	if (!ret)
		dap_outsider_admit(dev);
	return ret;
}

/**
 * dma_alias_pool_attach() - get a device's coherent memory from a pool
 * @dev:  the device: being probed, before its first use of the DMA API, or not
 *	  bound; or on no bus at all, as a child that a driver makes for its DMA
 * @pool: name of the pool, NULL for the only one there is
 *
 * Needs no undoing: the device keeps its pool until it is removed, the pool
 * goes, or dma_alias_pool_detach().  One that is on a bus other than platform,
 * AMBA and PCI keeps it until its driver is unbound; one that is on no bus keeps
 * this module from being unloaded.
 *
 * Context: process context, may sleep.
 * Return: 0; -EPROBE_DEFER if there is no such pool yet; -EBUSY if another pool
 * has the device; -EINVAL if it cannot be a client; -ENOMEM.
 */
int dma_alias_pool_attach(struct device *dev, const char *pool)
{
	int ret;

	dap_lock();
	ret = dap_attach_driver(dev, dap_entry_find(pool ?: ""));
	dap_unlock();
	return min(ret, 0);
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
	int ret;

	dap_lock();
	ret = dap_attach_driver(dev, dap_entry_find_by_node(region));
	dap_unlock();
	return min(ret, 0);
}
EXPORT_SYMBOL_GPL(dma_alias_pool_attach_node);

/**
 * dma_alias_pool_detach() - have a device use what it used before
 * @dev: the device: its driver uses the DMA API no more, or it is not bound
 *
 * Context: process context, may sleep.
 * Return: 0; -ENOENT if it is no client; -EBUSY if it holds memory of its pool,
 * its driver cannot be unbound, or operations were copied from or to it; -ENOMEM.
 */
int dma_alias_pool_detach(struct device *dev)
{
	struct dap_client *client;
	int ret = 0;

	dap_lock();
	client = dap_client_find(dev);
	if (!client) {
		ret = -ENOENT;
	} else if (dap_client_is_busy(client) ||
		   (client->state == DAP_PINNED && dev->bus)) {
		ret = -EBUSY;
	} else if (dap_device_is_watched(dev)) {
		ret = request_exclude(dev, dap_entry_of(client));
	} else {
		dap_unwatch_device(dev);
		dap_client_leave(client, false);
	}
	dap_unlock();
	return ret;
}
EXPORT_SYMBOL_GPL(dma_alias_pool_detach);
