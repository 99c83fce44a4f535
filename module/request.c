// SPDX-License-Identifier: GPL-2.0
/*
 * Attach and detach devices on request: of somebody who writes to sysfs, or of
 * a driver that asks for a pool itself.
 *
 * Contexts and locking: process context.  A device's lock is taken before
 * dap_lock(); nobody waits for it under that.  While somebody writes to a pool's
 * sysfs files, the pool's device cannot be unbound.  A driver may be waiting for
 * just that with its device's lock held, so such devices must not be locked
 * here: pools, and devices that the pool's device depends on.
 */
#include <linux/device.h>
#include <linux/export.h>

#include "bus.h"
#include "client.h"
#include "compat.h"
#include "dma_alias_pool.h"
#include "outsider.h"
#include "policy.h"
#include "rebind.h"
#include "request.h"
#include "watched.h"

static const char dap_not_there[] = "it is not registered";
static const char dap_asked_for[] = "a driver asks for it";

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

/* Find the client that a device is; one that is leaving ends now if it can. */
static struct dap_client *request_find_client(struct device *dev)
{
	struct dap_client *client = dap_client_find(dev);

	if (client && client->state == DAP_LEAVING &&
	    dap_client_end_if_idle(client, dap_device_is_in_use(dev)))
		return NULL;
	return client;
}

static int request_report_other(struct device *dev, struct dap_entry *entry,
				const char *why, const struct dap_client *other)
{
	dev_err(dev, "not attached to DMA pool %s: %s %s\n", entry->pool.name,
		why, other->pool->name);
	return -EBUSY;
}

/*
 * May a device become a client of the pool that is asked for?  Returns 0 if so,
 * 1 if it is a client of that pool already, or an error that has been reported.
 */
static int request_may_join(struct device *dev, struct dap_entry *entry)
{
	const char *why = dap_policy_refusal_by(entry, dev);
	struct dap_client *old;
	dma_addr_t addr;

	/*
	 * It may have copied operations that nobody needs any more, or a failed
	 * probe may have left it without ours.
	 */
	if (!dap_device_is_in_use(dev))
		dap_client_unbound(dev, false);
	old = request_find_client(dev);
	/* Do not unbind its driver in vain: check what is known already. */
	if (!why && dev->driver)
		why = dap_bus_address(dev, entry, &addr) ?:
		      dap_region_conflict(&entry->pool.region,
					  dap_is_coherent(dev));
	if (why)
		return dap_report_refusal(dev, entry->pool.name, why);
	why = "it is a client of";
	if (!old) {
		old = dap_client_find_holder(dev);
		if (!old)
			return 0;
		why = "it may hold memory of";
	} else if (dap_entry_of(old) == entry && old->state < DAP_LEAVING) {
		if (!old->lender || dev->driver)
			return 1;
		/* What it has copied goes with the lender. */
		why = "it may hold memory of";
	} else if (old->by_default && !dap_client_is_busy(old)) {
		/* It may change over. */
		return 0;
	} else if (old->state == DAP_LEAVING) {
		why = "it holds memory of";
	}
	return request_report_other(dev, entry, why, old);
}

/* The device is in use: give it our operations now, not at its next bind. */
static int request_join_in_use(struct dap_client *client)
{
	struct device *dev = client->dev;

	if (dap_client_install(client)) {
		dap_client_leave(client, false);
		return -EINVAL;
	}
	/*
	 * For a device that is being bound, attach.c reports it when that is
	 * done.
	 */
	if (!dap_on_watched_bus(dev) ||
	    dev->links.status == DL_DEV_DRIVER_BOUND)
		dap_client_announce(client);
	return 0;
}

/*
 * End what a device was before.  If it cannot be a client of the new pool, or
 * its driver has got memory of the former one just now, it stays what it was.
 */
static int request_change_over(struct device *dev, struct dap_client *client,
			       struct dap_client *old, bool in_use)
{
	struct dap_entry *entry = dap_entry_of(client);
	const char *why = dap_device_is_in_use(dev) ?
			  dap_client_prepare(client) : NULL;

	if (why)
		return dap_report_refusal(dev, entry->pool.name, why);
	if (!dap_client_leave_idle(old, in_use))
		return request_report_other(dev, entry, "it holds memory of",
					    old);
	client->foreign |= in_use;
	return 0;
}

/*
 * Make a client of a device for which request_may_join() returned 0, and end
 * what it was before.  @in_use: one of its operations may be running.
 */
static int request_join(struct device *dev, struct dap_entry *entry,
			bool in_use)
{
	struct dap_client *old = dap_client_find(dev), *client;
	int ret = 0;
	bool is_new;

	if (dap_on_watched_bus(dev) && dap_device_is_removed(dev))
		return dap_report_refusal(dev, entry->pool.name, dap_not_there);
	client = dap_client_create(dev, entry, false);
	if (!client)
		return -EINVAL;
	if (old)
		ret = request_change_over(dev, client, old, in_use);
	/* It may have got memory already, which nobody has watched. */
	client->foreign |= !dap_on_watched_bus(dev);
	/* It may be watched already, as the client of a former pool. */
	if (!ret)
		ret = dap_watch_device(dev);
	is_new = !ret;
	if (ret < 0) {
		dap_client_leave(client, false);
		return ret;
	}
	if (!dap_device_is_in_use(dev))
		return 0;
	ret = request_join_in_use(client);
	if (ret && is_new)
		dap_unwatch_device(dev);
	return ret;
}

/* What to do with a device for somebody who writes to sysfs. */
struct dap_request {
	/*
	 * May it be done?  Returns 0 if so, 1 if it is done already, or an
	 * error.
	 */
	int (*may)(struct device *dev, struct dap_entry *entry);
	/* Do it, with all locks held.  Returns 0 or an error. */
	int (*act)(struct device *dev, struct dap_entry *entry);
	/* Report that it is refused, and why. */
	int (*refuse)(struct device *dev, const char *pool, const char *why);
	/* What to report if the driver could not be bound again. */
	const char *unbound;
};

/*
 * Carry out a request.  If the device is bound, its driver is unbound
 * meanwhile, if that is possible.  Returns what @request->may() and act()
 * return; errors are reported.
 *
 * The driver core unbinds all that depends on the device.  If that included the
 * pool's device, it would wait for us.  Another pool's device may be unbound,
 * which waits for the requests of that pool; so these must not unbind this
 * pool's in turn.  Both would need a circle of dependencies, so a link that
 * lasts as long as all this excludes them, where the pool's device has any.
 */
static int request_carry_out(const struct dap_request *request,
			     struct device *dev, struct dap_entry *entry)
{
	struct dap_rebind rebind;
	bool was_bound = false, linked;
	const char *why;
	int ret;

	/* Another device may have its name by now. */
	dap_lock();
	why = dap_device_is_removed(dev) ? dap_not_there :
					   dap_client_link(dev, entry, &linked);
	dap_unlock();
	if (why) {
		request->refuse(dev, entry->pool.name, why);
		return -EINVAL;
	}
	dap_rebind_begin(&rebind);
	/* Somebody may bind it again while the lock is not held. */
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
	/* If the device was removed, the driver core removed the link. */
	if (linked)
		device_link_remove(dev, entry->dev);

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
 * dap_attach_device() - make a device a client, on request of sysfs
 * @entry: the pool, whose device stays bound meanwhile
 * @dev:   the device.  If it is bound, its driver is unbound and bound again;
 *         or if that is not possible, its operations are changed in place.
 *
 * Context: process context, may sleep.
 * Return: 0; or an error that has been reported: -EBUSY if it is a client of
 * another pool, or may hold memory of one, -EINVAL if it cannot be a client, or
 * without memory, -ENXIO if it is one now, but its driver did not bind again.
 */
int dap_attach_device(struct dap_entry *entry, struct device *dev)
{
	static const struct dap_request request = {
		.may	= request_may_join,
		.act	= request_attach,
		.refuse	= dap_report_refusal,
		.unbound = "is a client of DMA pool %s, but its driver did not bind\n",
	};
	const char *why = dap_policy_refusal(dev);
	struct dap_client *client;
	int ret;

	if (why)
		return dap_report_refusal(dev, entry->pool.name, why);

	/* It may have freed its last memory of a former pool just now. */
	dap_registry_flush(dev);
	ret = request_carry_out(&request, dev, entry);
	if (!ret && !READ_ONCE(dev->driver) && device_attach(dev) < 0)
		dev_dbg(dev, "has no driver\n");

	/*
	 * Something that is only known when it is bound may have prevented it.
	 */
	dap_lock();
	client = dap_client_find_in(dev, entry);
	if (!client && ret >= 0)
		ret = -EINVAL;
	/* A request that failed does not change that the device is excluded. */
	if (ret >= 0 || ret == -ENXIO) {
		dap_outsider_admit(dev);
		/* If it was one by default, it is one by request from now on. */
		if (client)
			client->by_default = false;
	}
	dap_unlock();
	return min(ret, 0);
}

static int request_refuse_detach(struct device *dev, const char *pool,
				 const char *why)
{
	dev_err(dev, "not detached from DMA pool %s: %s\n", pool, why);
	return -EBUSY;
}

static int request_may_detach(struct device *dev, struct dap_entry *entry)
{
	struct dap_client *client = dap_client_find_in(dev, entry);
	const char *why;
	int ret = -EBUSY;

	if (!client) {
		why = "it is no client of it";
		ret = -ENOENT;
	} else if (client->by_maker || (client->by_rmem && dev->driver)) {
		why = dap_asked_for;
	} else if (READ_ONCE(client->user.held)) {
		why = "it holds memory of it";
	} else if (dap_client_is_busy(client)) {
		why = "operations were copied from it, or to it";
	} else {
		return 0;
	}
	request_refuse_detach(dev, entry->pool.name, why);
	return ret;
}

/* Detach a device, and exclude it from what would bring it back. */
static int request_exclude(struct device *dev, struct dap_entry *entry)
{
	int ret;

	if (dev->driver)
		return request_refuse_detach(dev, entry->pool.name,
					     "its driver cannot be unbound");
	ret = dap_outsider_exclude(dev);
	if (ret)
		return ret;
	dap_client_leave(dap_client_find(dev), false);
	return 0;
}

/**
 * dap_detach_device() - make a device no client any more, on request of sysfs
 * @entry: the pool, whose device stays bound meanwhile
 * @dev:   the device; if it is bound, its driver is unbound and bound again
 *
 * The device does not get a pool again until somebody asks for one.
 *
 * Context: process context, may sleep.
 * Return: 0; or an error that has been reported: -ENOENT if it is no client of
 * the pool, -EBUSY if it holds memory, a driver has copied operations from it or
 * for it, its driver cannot be unbound, or a driver asks for the pool, -EINVAL if
 * it is removed, or the pool's device depends on it, -ENXIO if it is no client
 * any more, but its driver did not bind again, -ENOMEM.
 */
int dap_detach_device(struct dap_entry *entry, struct device *dev)
{
	static const struct dap_request request = {
		.may	= request_may_detach,
		.act	= request_exclude,
		.refuse	= request_refuse_detach,
		.unbound = "its driver did not bind without DMA pool %s\n",
	};
	int ret;

	/* Its operations may have been copied by a probe that has just failed. */
	dap_registry_flush(dev);
	/* Do not lock a device that is no client: it could be any. */
	dap_lock();
	ret = request_may_detach(dev, entry);
	dap_unlock();
	ret = ret ?: request_carry_out(&request, dev, entry);
	if (ret)
		return ret;
	/* When it was bound again, its driver may have asked for it again. */
	dap_lock();
	if (dap_client_find_in(dev, entry))
		ret = request_refuse_detach(dev, entry->pool.name,
					    dap_asked_for);
	dap_unlock();
	return ret;
}

/*
 * Whoever asks may use the device without a driver of its own, as drivers do
 * with children that they make: from now on, and no matter what becomes of a
 * driver.  What cannot be now may be possible when it is bound: it has its
 * ranges then.  That also decides how a pool without an alias is mapped.
 */
static int request_serve_unbound(struct dap_client *client)
{
	bool serve = client->state == DAP_NAMED && client->pool->region.cpu;
	const char *why = serve ? dap_client_prepare(client) : NULL;

	if (why == dap_no_memory)
		return -ENOMEM;
	if (client->state == DAP_ATTACHED &&
	    !dap_client_set_state(client, DAP_PINNED))
		return -EPROBE_DEFER;
	client->by_maker = true;
	/* A driver that wants another pool cannot take this one from them. */
	client->by_default = false;
	/* It may have memory already, or get some before it is served. */
	client->foreign = true;
	if (!serve || why)
		return 0;
	if (dap_client_install(client))
		return -EPROBE_DEFER;
	dap_client_announce(client);
	return 0;
}

/**
 * dap_attach_driver() - make a device a client, on request of its own driver
 * @dev:   as for dma_alias_pool_attach(); its lock is held if it is being
 *         probed
 * @entry: the pool, or NULL if there is none
 *
 * Context: process context, may sleep; under dap_lock().
 * Return: what dap_attach_result() needs once the lock is released: as
 * dma_alias_pool_attach(), or 1 if it is a client already.
 */
int dap_attach_driver(struct device *dev, struct dap_entry *entry)
{
	struct dap_client *client, *holder;
	const char *why = NULL;
	int ret, error;

	/*
	 * Not by dev_err_probe(): the kernel keeps the reason until the device
	 * leaves its list of deferred probes, which one that sysfs binds, or
	 * that is not being probed, never enters.
	 */
	if (!entry || entry->state != DAP_UP || !dap_registry_is_open)
		return -EPROBE_DEFER;
	if (!device_is_registered(dev))
		why = dap_not_there;
	else if (dev->bus && !dev->driver && !dap_on_watched_bus(dev))
		why = "its driver has to ask, on this bus";
	if (why)
		return dap_report_refusal(dev, entry->pool.name, why);
	/* One on no bus with copied operations: they serve it already. */
	holder = dev->bus || dap_client_find(dev) ? NULL :
						    dap_client_find_holder(dev);
	if (holder && dap_entry_of(holder) == entry &&
	    holder->state < DAP_LEAVING)
		return 1;
	ret = request_may_join(dev, entry) ?: request_join(dev, entry, false);
	if (ret < 0)
		return ret;
	/* One from before may have no operations yet, or only for its driver. */
	client = dap_client_find(dev);
	error = dev->driver ? 0 : request_serve_unbound(client);
	if (!error)
		dap_outsider_admit(dev);
	else if (!ret)
		dap_client_leave(client, false);
	return error ?: ret;
}

/*
 * Nobody hears of the end of such a device from now on, and its module may be
 * unloaded, so drop all references to it now.
 */
static void request_forget_unwatched(const struct device *dev)
{
	if (!dap_on_watched_bus(dev))
		dap_registry_flush(dev);
}

/**
 * dap_attach_result() - finish what dap_attach_driver() did
 * @dev: the device
 * @ret: what dap_attach_driver() returned
 *
 * Context: process context, may sleep; not under dap_lock().
 * Return: as dma_alias_pool_attach().
 */
int dap_attach_result(const struct device *dev, int ret)
{
	if (ret < 0)
		request_forget_unwatched(dev);
	return min(ret, 0);
}

/**
 * dma_alias_pool_attach() - let a device get its coherent memory from a pool
 * @dev:  the device, either being probed and before its first use of the DMA
 *        API, or not bound, or on no bus at all, such as a child that a driver
 *        makes for its DMA.  It needs a DMA mask.  It is served at once, unless
 *        it is on a bus and not bound, and what a driver sets up may change
 *        whether it can be served: if it cannot address the pool now, or if
 *        there is an MMU, and the pool has no alias and was not used before.
 *        Then it is served when it is bound.
 * @pool: name of the pool, NULL for the only one there is
 *
 * Whoever asks for a device without being its driver, while a driver may be
 * bound to it, holds its lock: device_lock().
 *
 * This need not be undone: the device keeps its pool until it is removed, the
 * pool goes, or dma_alias_pool_detach() is called.  A device on another bus
 * than platform, AMBA or PCI keeps it until its driver is unbound.  A device
 * that is not bound, or on no bus, prevents this module from being unloaded
 * once it was served, also when its pool has gone, until it is detached or
 * removed: the caller may be using it at any time.
 *
 * Context: process context, may sleep.
 * Return: 0; -EPROBE_DEFER if there is no such pool yet; -EBUSY if the device
 * is a client of another pool, or has copied operations of a device that holds
 * memory, of which some may be its own; -EINVAL if it cannot be a client;
 * -ENOMEM.
 */
int dma_alias_pool_attach(struct device *dev, const char *pool)
{
	int ret;

	dap_lock();
	ret = dap_attach_driver(dev, dap_entry_find(pool ?: ""));
	dap_unlock();
	return dap_attach_result(dev, ret);
}
EXPORT_SYMBOL_GPL(dma_alias_pool_attach);

/**
 * dma_alias_pool_attach_node() - let a device get its coherent memory from the
 * pool of a region
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
	return dap_attach_result(dev, ret);
}
EXPORT_SYMBOL_GPL(dma_alias_pool_attach_node);

/* Does something go on that needs a client? */
static bool request_is_needed(const struct dap_client *client)
{
	return dap_client_is_busy(client) ||
	       (client->state == DAP_PINNED && !client->by_maker);
}

/*
 * What is left of a client whose pool has gone is ended here as well, if its
 * maker had asked, or on a bus that is not watched: nobody else can do that.
 */
static int request_detach(struct device *dev)
{
	struct dap_client *client = request_find_client(dev);
	struct dap_client *any = client ?:
				 dap_client_search(DAP_ENDED_OF, dev);

	if (!any || (!client && !any->by_maker && dap_on_watched_bus(dev)))
		return -ENOENT;
	/* With a driver there are two who use it, and this is only one. */
	if ((client && request_is_needed(client)) ||
	    (any->by_maker && dev->driver))
		return -EBUSY;
	if (!dap_on_watched_bus(dev))
		dap_unwatch_device(dev);
	else if (dap_outsider_exclude(dev))
		return -ENOMEM;
	/* In this order: it may have other operations by now. */
	if (client)
		dap_client_leave(client, false);
	dap_client_unbound(dev, true);
	return 0;
}

/**
 * dma_alias_pool_detach() - let a device use the DMA API as it did before
 * @dev: the device; either its driver does not use the DMA API any more, or it
 *       is not bound
 *
 * Context: process context, may sleep.
 * Return: 0; -ENOENT if it is no client, and nothing is left of one that the
 * caller has to give back; -EBUSY if it holds memory of its pool, its driver
 * cannot be unbound, operations were copied from it or to it, or it has a driver
 * and was attached for somebody else before that came; -ENOMEM.
 */
int dma_alias_pool_detach(struct device *dev)
{
	int ret;

	dap_lock();
	ret = request_detach(dev);
	dap_unlock();
	request_forget_unwatched(dev);
	return ret;
}
EXPORT_SYMBOL_GPL(dma_alias_pool_detach);
