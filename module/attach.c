// SPDX-License-Identifier: GPL-2.0
/*
 * Watch devices being bound, unbound and removed, and act on it.
 *
 * A device becomes a client when it is about to be bound to a driver
 * (BUS_NOTIFY_BIND_DRIVER: after bus->dma_configure(), before probe), so that
 * the driver's first allocation already comes from the pool.  From then on,
 * nothing changes for the driver until it is unbound.
 *
 * Devices on other buses are not watched.  A driver may ask for a pool for such
 * a device (dma_alias_pool_attach()), and devres tells when the device or its
 * driver goes.
 *
 * Contexts and locking: process context.  The driver core calls the notifiers
 * with the device's lock held, except for BUS_NOTIFY_REMOVED_DEVICE, after
 * which nobody can bind the device any more.
 */
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/module.h>

#include "attach.h"
#include "caller.h"
#include "client.h"
#include "compat.h"
#include "outsider.h"
#include "policy.h"
#include "rebind.h"
#include "watched.h"

/* Get the client of a device; make one if the device is to get a pool. */
static struct dap_client *attach_find_or_choose(struct device *dev)
{
	struct dap_client *client = dap_client_find(dev);
	struct dap_entry *entry;
	bool by_default;

	if (client)
		return client;
	entry = dap_policy_choose(dev, false);
	by_default = !entry;
	if (by_default)
		entry = dap_policy_choose_default(dev);
	return IS_ERR_OR_NULL(entry) ? NULL :
	       dap_client_create(dev, entry, by_default);
}

static void attach_before_probe(struct device *dev)
{
	struct dap_client *client;

	dap_lock();
	if (dap_client_begin_probe(dev))
		goto out;
	client = dap_client_find(dev);
	if (client && client->state == DAP_LEAVING)
		dap_client_keep_ops(client);

	client = attach_find_or_choose(dev);
	/*
	 * While the module is being unloaded, pools that are still up give no
	 * memory either.
	 */
	if (client && client->state != DAP_LEAVING &&
	    (!dap_registry_is_open || dap_entry_of(client)->state != DAP_UP ||
	     dap_client_install(client)) &&
	    dap_client_leave(client, false))
		dap_client_keep_ops(client);
	if (!dap_client_find(dev))
		dap_outsider_add(dev);
out:
	dap_unlock();
}

/*
 * Report a client only after its probe: with a default pool, many devices are
 * tried that turn out not to be there, and a probe may set other operations.
 */
static void attach_after_probe(struct device *dev, bool failed)
{
	struct dap_client *client, *owner;

	dap_lock();
	client = dap_client_find(dev);
	owner = dap_client_search(DAP_OWNER_OF, dev->dma_ops);
	/* Instead of those of a client that has ended, it may have its own. */
	if (owner && owner->state >= DAP_ENDED &&
	    owner != dap_client_search(DAP_ENDED_OF, dev)) {
		dap_client_borrow(dev, owner);
		owner = dap_client_search(DAP_OWNER_OF, dev->dma_ops);
	}
	if (!failed && client && owner == client && client->state < DAP_LEAVING)
		dap_client_announce(client);
	else if (!failed && client && owner != client &&
		 (!owner || client->lender != owner))
		dev_warn(dev, "its driver has set other DMA operations than those of DMA pool %s\n",
			 client->pool->name);
	if (owner && owner != client && owner->state < DAP_ENDED)
		dap_client_borrow(dev, owner);
	/*
	 * What its driver has registered tells whether it can be unbound.  If
	 * the module is being unloaded, that is about to happen.
	 */
	if (failed)
		dap_client_probe_failed(dev);
	else if (client && client->state == DAP_ATTACHED &&
		 dap_device_cannot_unbind(dev))
		dap_client_set_state(client, DAP_PINNED);
	dap_unlock();
}

/* How many leaked allocations of one client are reported one by one. */
#define DAP_REPORTED_LEAKS	8

/* Report what a driver left in a pool, and who allocated it: nobody else will. */
static void attach_report_leaks(struct dap_client *client)
{
	struct dap_pool *pool = client->pool;
	char name[DAP_CALLER_LEN];
	struct dap_user user;
	struct dap_live live;
	u32 page, left, shown = 0;

	dap_pool_user_stats(pool, &client->user, &user);
	if (!user.held)
		return;
	left = user.held - user.fallbacks;
	dev_warn(client->dev,
		 "driver %s is gone but still holds %zu bytes of DMA pool %s in %u allocations, and %u of normal memory\n",
		 client->driver, user.live_bytes, pool->name, left,
		 user.fallbacks);
	for (page = 0; shown < DAP_REPORTED_LEAKS &&
	     dap_pool_next_live(pool, page, &live);
	     page = live.page + live.pages) {
		if (live.user != &client->user)
			continue;
		shown++;
		dev_warn(client->dev, "%u bytes at offset %#x, from %s\n",
			 live.size, live.page << PAGE_SHIFT,
			 dap_caller_name(live.caller, name));
	}
	if (left > shown)
		dev_warn(client->dev, "and %u more, see allocations in debugfs\n",
			 left - shown);
}

static void attach_unbound(struct device *dev)
{
	struct dap_client *client;

	if (dev->bus)
		dap_rebind_note(dev);
	client = dap_client_find(dev);
	if (client)
		attach_report_leaks(client);
	/* After the client had ended, its driver got memory from the kernel. */
	if (dap_on_watched_bus(dev) && dap_client_search(DAP_ENDED_OF, dev))
		dap_outsider_add(dev);
	/* One on no bus is gone itself. */
	dap_client_unbound(dev, !dev->bus);
}

static void attach_after_unbind(struct device *dev)
{
	dap_lock();
	attach_unbound(dev);
	dap_unlock();
}

static void attach_after_removal(struct device *dev)
{
	struct dap_client *client;

	dap_lock();
	dap_client_unbound(dev, true);
	dap_outsider_del(dev);
	dap_rebind_forget(dev);
	client = dap_client_find(dev);
	if (client && client->state < DAP_LEAVING)
		dap_client_leave(client, false);
	dap_unlock();
	/*
	 * The device may come from an overlay, which must have no users to be
	 * removed.
	 */
	dap_registry_flush(dev);
}

static int attach_bus_notify(struct notifier_block *nb, unsigned long action,
			     void *data)
{
	switch (action) {
	case BUS_NOTIFY_BIND_DRIVER:
		attach_before_probe(data);
		break;
	case BUS_NOTIFY_BOUND_DRIVER:
		attach_after_probe(data, false);
		break;
	case BUS_NOTIFY_DRIVER_NOT_BOUND:
		attach_after_probe(data, true);
		break;
	case BUS_NOTIFY_UNBOUND_DRIVER:
		attach_after_unbind(data);
		break;
	case BUS_NOTIFY_REMOVED_DEVICE:
		attach_after_removal(data);
		break;
	}
	return NOTIFY_DONE;
}

/*
 * Devices on other buses may depend on those that are watched: then they are
 * unbound together.
 */
static int attach_others_notify(struct notifier_block *nb, unsigned long action,
				void *data)
{
	if (action != BUS_NOTIFY_UNBOUND_DRIVER &&
	    action != BUS_NOTIFY_REMOVED_DEVICE)
		return NOTIFY_DONE;
	dap_lock();
	if (action == BUS_NOTIFY_UNBOUND_DRIVER)
		dap_rebind_note(data);
	else
		dap_rebind_forget(data);
	dap_unlock();
	return NOTIFY_DONE;
}

/*
 * A device that is not watched, or its driver, is gone; unless its driver has
 * only released a group of resources, as components do.  All of it is one step:
 * in between, whoever takes the pool down would find a client that is not in
 * use any more.
 */
static void attach_unwatched_gone(struct device *dev, void *unused)
{
	struct dap_client *client;

	if (dev->links.status == DL_DEV_DRIVER_BOUND &&
	    dap_watch_device(dev) >= 0)
		return;

	/* The client may have been the last to pin the module. */
	__module_get(THIS_MODULE);
	dap_lock();
	attach_unbound(dev);
	client = dap_client_find(dev);
	/*
	 * If it holds memory, keep the device, so that the memory can be freed.
	 * If the device is being freed already, the memory is lost.
	 */
	if (client && (client->state == DAP_LEAVING ||
		       dap_client_leave(client, false)) && !client->has_ref)
		dap_client_hold_device(client);
	dap_unlock();
	/*
	 * A client that ended has a reference to the device until then, and the
	 * code that releases the device may be a module that goes next.
	 */
	dap_registry_flush(dev);
	/* Nothing may follow, see ops_put_drained(). */
	module_put(THIS_MODULE);
}

static int __init attach_note_outsider(struct device *dev, void *unused)
{
	dap_outsider_add(dev);
	return 0;
}

/**
 * dap_attach_init() - begin to watch devices
 *
 * Context: process context, may sleep.
 */
void __init dap_attach_init(void)
{
	dap_watch_buses(attach_bus_notify,
			DAP_NR_OTHER_BUSES ? attach_others_notify : NULL,
			attach_unwatched_gone);
	/* The notifiers see those that are added from now on. */
	dap_lock();
	dap_walk_devices(NULL, attach_note_outsider);
	dap_unlock();
}

/**
 * dap_attach_exit() - undo dap_attach_init()
 *
 * All pools must be gone, and no memory may be held.  Otherwise the module
 * could not be unloaded.
 *
 * Context: process context, may sleep.
 */
void dap_attach_exit(void)
{
	dap_unwatch_buses();
	dap_outsider_exit();
}
