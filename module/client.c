// SPDX-License-Identifier: GPL-2.0
/*
 * How a device becomes a client, and how it ceases to be one.
 *
 * A client keeps its operations across unbind and across failed and deferred
 * probes: devres frees dmam_ memory after BUS_NOTIFY_DRIVER_NOT_BOUND, and some
 * drivers free even after BUS_NOTIFY_UNBOUND_DRIVER.  With the former
 * operations, memory of the pool would then be given to the page allocator.  So
 * a client that is to go while it holds memory stays until the last free, and
 * with it the pool and the module.
 *
 * Some drivers copy the operations of a device to other devices, which then
 * call into the client of the first one.  A device that is bound itself is
 * recorded as a borrower, and has a reference to the lender
 * (dap_client_borrow()).  Devices without a driver may have them as well, mostly
 * children, and nobody tells of those.  So before a client is freed, all devices
 * on the watched buses are looked at, and all that are below them or below the
 * client's device.  Not found are devices without a parent, and those that were
 * left below a device that has been removed, which is a mistake of which the
 * kernel warns.
 *
 * A driver that runs keeps our operations, even when its device is no client any
 * more (DAP_ENDED).  The DMA core reads dma_ops and calls what it finds there,
 * and the operation finds its client there once more.  If somebody changed it
 * in between, the operation would take something else for a client.  So all
 * that changes under a driver is one client for another, and, in dap_ops_end(),
 * where memory comes from.
 *
 * A device link makes the driver core suspend and shut down client and pool in
 * the right order.  It is a stateless link that lasts as long as the membership
 * in the pool.  A link for each binding (DL_FLAG_AUTOREMOVE_CONSUMER) would
 * leave a work at each unbind that waits for a grace period of SRCU; binding
 * again and again would fill a small system with the kernel threads of such
 * works.
 *
 * Contexts and locking: process context, under dap_lock().  Whatever changes
 * the operations of a device needs the device's lock as well, see the table in
 * registry.c.
 */
#include <linux/amba/bus.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "bus.h"
#include "client.h"
#include "companion.h"
#include "compat.h"
#include "ops.h"
#include "outsider.h"
#include "policy.h"
#include "trace.h"
#include "watched.h"

/**
 * dap_device_is_in_use() - may an operation of a device be running?
 * @dev: the device, its lock held, or about to be removed
 *
 * A device that is on no bus has no driver of its own; whoever made it uses it.
 *
 * Return: true if one may be running.
 */
bool dap_device_is_in_use(const struct device *dev)
{
	return dev->driver || !dev->bus;
}

/**
 * dap_device_cannot_unbind() - is a device in use, with no way to stop that?
 * @dev: the device, its lock held
 *
 * Some drivers say that they must not be unbound.  Drivers of primecells
 * without .remove (pl08x) do not say so, but they would leave behind what they
 * have registered.
 *
 * Return: true if the device is in use and has to stay so.
 */
bool dap_device_cannot_unbind(struct device *dev)
{
	if (!dev->driver)
		return !dev->bus;
	if (dev->driver->suppress_bind_attrs)
		return true;
#ifdef CONFIG_ARM_AMBA
	if (dev->bus == &amba_bustype)
		return !container_of(dev->driver, struct amba_driver,
				     drv)->remove;
#endif
	return false;
}

/**
 * dap_client_link() - make a device depend on the device of a pool
 * @dev:   the device
 * @entry: the pool
 *
 * This is undone by device_link_remove(), once for each call.
 *
 * Context: process context, may sleep; under dap_lock(), unless the pool's
 * device stays bound for another reason.
 * Return: NULL; or why that is not possible, for dap_report_refusal().  The
 * driver core does not tell one reason from the other.
 */
const char *dap_client_link(struct device *dev, const struct dap_entry *entry)
{
	if (!entry->dev || device_link_add(dev, entry->dev, DL_FLAG_STATELESS))
		return NULL;
	return "the pool's device depends on it, or out of memory";
}

/**
 * dap_client_create() - make the record of a client
 * @dev:   the device, which is no client, or one that has ended; or the caller
 *         ends it next
 * @entry: the pool
 *
 * Return: the client, in DAP_NAMED; or NULL after an error, which has been
 * reported.
 */
struct dap_client *dap_client_create(struct device *dev,
				     struct dap_entry *entry)
{
	struct dap_client *client = kzalloc(sizeof(*client), GFP_KERNEL);
	const char *why;

	why = client ? dap_client_link(dev, entry) : "out of memory";
	if (why) {
		kfree(client);
		dap_report_refusal(dev, entry->pool.name, why);
		return NULL;
	}

	client->dev = dev;
	/*
	 * A device on no bus is known to be gone when its last reference is
	 * dropped, so none is held here.
	 */
	client->has_ref = dev->bus;
	if (client->has_ref)
		get_device(dev);
	kref_get(&entry->ref);
	kref_get(&entry->users);
	client->pool = &entry->pool;
	kref_init(&client->user.ref);
	strscpy(client->user.name, dev_name(dev), sizeof(client->user.name));
	client->foreign = dap_outsider_is_noted(dev) ||
			  dap_client_search(DAP_ENDED_OF, dev);
	list_add_tail(&client->node, dap_clients(entry));
	return client;
}

static void client_note_driver(struct dap_client *client)
{
	if (client->dev->driver)
		strscpy(client->driver, client->dev->driver->name,
			sizeof(client->driver));
}

/*
 * Replace the operations of the device by ours, and save whatever somebody has
 * set since the last time.  Returns false if there is no memory for that.
 */
static bool client_set_ops(struct dap_client *client)
{
	struct device *dev = client->dev;
	const struct dma_map_ops *saved = client->saved;
	const struct dma_map_ops *before = client->before;
	struct dap_client *other;

	if (dev->dma_ops != &client->ops) {
		/*
		 * If these are of another client, take what was there before
		 * that.
		 */
		other = dap_client_search(DAP_OWNER_OF, dev->dma_ops);
		saved = other ? other->saved : dev->dma_ops;
		before = other ? other->before : get_dma_ops(dev);
	}
	if (!before && !client->companion) {
		client->companion = dap_companion_create(dev, client->user.name,
							 GFP_KERNEL);
		if (!client->companion)
			return false;
	}
	client->saved = saved;
	client->before = before;
	dap_ops_build(client);
	/* A driver that is running may call them as soon as it sees them. */
	smp_wmb();
	set_dma_ops(dev, &client->ops);
	dap_assign_skip_sync(dev, !client->ops.sync_single_for_cpu);
	client_note_driver(client);
	trace_attach(client);
	return true;
}

/**
 * dap_client_install() - give a device our operations
 * @client: in DAP_NAMED, DAP_ATTACHED or DAP_PINNED; its device is about to be
 *          bound, or in use already, and may hold memory
 *
 * Context: the device's lock is held, or its driver calls.
 * Return: 0; or -EINVAL, reported, with the device as it was.
 */
int dap_client_install(struct dap_client *client)
{
	struct dap_entry *entry = dap_entry_of(client);
	enum dap_client_state state = DAP_ATTACHED;
	struct device *dev = client->dev;
	const char *why;
	dma_addr_t addr;

	dap_assert_locked();
	if (dap_device_cannot_unbind(dev))
		state = DAP_PINNED;
	why = dap_policy_refusal(dev) ?: dap_bus_address(dev, entry, &addr);
	if (!why)
		why = dap_region_map(&client->pool->region,
				     dap_is_coherent(dev));
	/*
	 * The state comes first: this can fail, and a running driver does not
	 * see it.
	 */
	if (!why && !dap_client_set_state(client, state))
		why = "the module is being unloaded";
	if (!why && !client_set_ops(client))
		why = "out of memory";
	if (why)
		return dap_report_refusal(dev, client->pool->name, why);
	return 0;
}

/**
 * dap_client_announce() - say in the log that a device is a client
 * @client: the client
 */
void dap_client_announce(struct dap_client *client)
{
	dev_info(client->dev, "coherent DMA memory comes from pool %s\n",
		 client->pool->name);
}

static bool client_has_own_ops(const struct dap_client *client)
{
	return client->ops.alloc;
}

/**
 * dap_client_is_busy() - does a client hold memory, or has somebody copied
 * operations?
 * @client: the client
 *
 * Return: true if it holds memory, or if operations were copied from it or to
 * it.
 */
bool dap_client_is_busy(const struct dap_client *client)
{
	return client->state == DAP_LEAVING ||
	       kref_read(&client->user.ref) > 1;
}

/*
 * Give the device other operations, unless its driver has replaced ours
 * already.
 */
static void client_restore_ops(struct device *dev,
			       const struct dap_client *client,
			       const struct dma_map_ops *ops)
{
	if (dev->dma_ops != &client->ops)
		return;
	set_dma_ops(dev, ops);
	dap_assign_skip_sync(dev, false);
}

/*
 * Take the copied operations away from a device, and end its record as a
 * borrower.  If the lender holds memory, some of it may be the borrower's and
 * could come back only by these operations, so the device keeps them.
 */
static void client_return_borrowed(struct dap_client *client)
{
	struct dap_client *lender = client->lender;
	const struct dma_map_ops *ops = lender->saved;
	bool lends = client->lends;

	client->lender = NULL;
	client->lends = false;
	/*
	 * It may still hold memory of the pool that it was a client of before.
	 */
	if (client_has_own_ops(client) && client->state < DAP_ENDED)
		ops = &client->ops;
	if (!READ_ONCE(lender->user.held))
		client_restore_ops(client->dev, lender, ops);
	if (lends)
		dap_client_put(lender);
	/* If it was only a borrower, its record goes as well. */
	if (client->state < DAP_LEAVING)
		dap_client_leave(client, false);
	dap_client_put(client);
}

/*
 * End a client: all that have copied its operations lose them, and so does its
 * device in DAP_DEAD.  In DAP_ENDED, its driver may be running in one, so it
 * keeps them, but no memory of the pool comes from them any more.
 */
static void client_end_in(struct dap_client *client,
			  enum dap_client_state state)
{
	/* The device may be gone before the last memory of it. */
	bool had_ops = client_has_own_ops(client) && client->dev;
	struct dap_client *borrower;

	while ((borrower = dap_client_search(DAP_BORROWER_OF, client)))
		client_return_borrowed(borrower);
	if (had_ops && client->state < DAP_ENDED)
		trace_detach(client);
	if (had_ops && state == DAP_DEAD)
		client_restore_ops(client->dev, client, client->saved);
	else if (had_ops)
		dap_ops_end(client);
	dap_client_set_state(client, state);
}

/* The last reference was dropped, and none of its operations can be running. */
static void client_release_idle(struct kref *ref)
{
	struct dap_client *client = container_of(ref, struct dap_client,
						 user.ref);

	client_end_in(client, DAP_DEAD);
	dap_client_queue_reap(client);
}

/* The last reference was dropped, but an operation may still be running. */
static void client_release_in_use(struct kref *ref)
{
	struct dap_client *client = container_of(ref, struct dap_client,
						 user.ref);

	client_end_in(client, DAP_ENDED);
	dap_client_queue_reap(client);
}

/**
 * dap_client_leave() - end the membership of a device in a pool
 * @client: in DAP_NAMED, DAP_ATTACHED or DAP_PINNED
 * @in_use: an operation of the device may be running
 *
 * Context: the device's lock is held, or the device is removed, or its driver
 * calls.
 * Return: true if the device keeps its operations, since somebody needs them;
 * false if they are gone, and then @client must not be used any more.
 */
bool dap_client_leave(struct dap_client *client, bool in_use)
{
	struct dap_entry *entry = dap_entry_of(client);

	dap_assert_locked();
	/*
	 * If one of the two devices was removed, the driver core removed the
	 * link.
	 */
	if (entry->dev)
		device_link_remove(client->dev, entry->dev);
	if (!client_has_own_ops(client))
		in_use = false;
	if (kref_put(&client->user.ref,
		     in_use ? client_release_in_use : client_release_idle))
		return false;
	dap_client_set_state(client, DAP_LEAVING);
	return true;
}

/*
 * End a client that is leaving and whose last reference was dropped, without
 * waiting for dap_client_reap().  Returns false if it still has references.
 */
static bool client_end_if_idle(struct dap_client *client)
{
	if (kref_read(&client->user.ref))
		return false;
	client_end_in(client, DAP_DEAD);
	return true;
}

/**
 * dap_client_keep_ops() - let a client that is leaving keep its operations
 * @client: in DAP_LEAVING, its device is about to be bound.  Its last reference
 *          may have been dropped meanwhile, so it must not be used after this
 *          call.
 *
 * Setting up the device for its driver may have given it other operations.
 *
 * Context: the device's lock is held.
 */
void dap_client_keep_ops(struct dap_client *client)
{
	dap_assert_locked();
	if (!client_end_if_idle(client) && !client_set_ops(client))
		dap_report_refusal(client->dev, client->pool->name, "out of memory");
}

/* The driver of a borrower is bound: get a reference to the lender for it. */
static void client_lend_ops(struct dap_client *client)
{
	client->lends = client->lends ||
			kref_get_unless_zero(&client->lender->user.ref);
	if (!client->lends)
		client_return_borrowed(client);
}

/*
 * Get the record of a device as a borrower, with a reference for that.  The
 * device must be nothing else from now on, but may hold memory of what it was.
 * Returns NULL without memory.
 */
static struct dap_client *client_get_borrower(struct device *dev,
					      struct dap_client *lender)
{
	struct dap_client *client = dap_client_find(dev);

	if (client && client->lender == lender)
		return client;
	if (client && client->lender) {
		client_return_borrowed(client);
		client = dap_client_find(dev);
	}
	if (client && client->state < DAP_LEAVING) {
		dap_client_leave(client, false);
		client = dap_client_find(dev);
	}
	/* What it holds may be freed at any time. */
	if (client && !kref_get_unless_zero(&client->user.ref)) {
		client_end_in(client, DAP_DEAD);
		client = NULL;
	}
	if (!client) {
		client = dap_client_create(dev, dap_entry_of(lender));
		if (client)
			kref_get(&client->user.ref);
	}
	if (client)
		client->lender = lender;
	return client;
}

/**
 * dap_client_borrow() - note that a driver has copied the operations of a
 * client
 * @dev:    the driver's device
 * @lender: the other client, whose operations they are
 *
 * Until its driver is unbound, @dev counts as a client of the lender's pool.
 * It stops being a client of any other pool, except for memory of that one that
 * it holds.
 *
 * Context: the device's lock is held.
 */
void dap_client_borrow(struct device *dev, struct dap_client *lender)
{
	struct dap_client *client;

	/*
	 * They were copied from a device whose client has ended, or from a
	 * child of it; or they are its own, which it keeps while it is bound.
	 */
	if (lender->state >= DAP_ENDED) {
		if (lender->dev != dev)
			client_restore_ops(dev, lender, lender->saved);
		return;
	}
	/*
	 * While a pool goes, a lender must not become one that cannot end: the
	 * module may be about to go.  Memory that is held prevents that.
	 */
	if (dap_entry_of(lender)->state == DAP_GOING &&
	    !READ_ONCE(lender->user.held)) {
		client_restore_ops(dev, lender, lender->saved);
		return;
	}
	client = client_get_borrower(dev, lender);
	if (!client) {
		/*
		 * Without a record nobody would ever drop the reference: keep
		 * it forever.  If the lender waits to be freed, it cannot lend.
		 */
		if (!kref_get_unless_zero(&lender->user.ref))
			client_restore_ops(dev, lender, lender->saved);
		return;
	}
	client_note_driver(client);
	if (client->state == DAP_NAMED && dap_device_cannot_unbind(dev))
		dap_client_set_state(client, DAP_PINNED);
	client_lend_ops(client);
}

/**
 * dap_client_keep_borrowed() - decide about copied operations of a device
 * @dev: the device, which is about to be bound
 *
 * Operations that were copied for the last driver are taken away, unless the
 * lender holds memory that can come back only by them.
 *
 * Context: the device's lock is held.
 * Return: true if the device keeps them.
 */
bool dap_client_keep_borrowed(struct device *dev)
{
	struct dap_client *client = dap_client_search(DAP_BORROWER_AT, dev);

	if (!client)
		return false;
	if (!READ_ONCE(client->lender->user.held)) {
		client_return_borrowed(client);
		return false;
	}
	set_dma_ops(dev, &client->lender->ops);
	client_lend_ops(client);
	return client->lends;
}

/* Some architectures clear dma_ops at unbind, some drivers replace them. */
static void client_renew_ops(const struct dap_client *client)
{
	if (client->lender)
		set_dma_ops(client->dev, &client->lender->ops);
	else if (client_has_own_ops(client))
		set_dma_ops(client->dev, &client->ops);
}

static bool client_holds_memory(const struct dap_client *client)
{
	return READ_ONCE(client->user.held) ||
	       (client->lender && READ_ONCE(client->lender->user.held));
}

/*
 * After a failed probe, ARM with an MMU and arm64 clear dma_ops when the last
 * notifier has been called.  What the device holds can be freed by ours only,
 * so set them once more when the driver core is done with the device.
 */
static void client_renew_all_ops(void)
{
	struct dap_client *client;
	struct dap_entry *entry;
	bool again = false;

	if (!IS_ENABLED(CONFIG_ARCH_HAS_TEARDOWN_DMA_OPS))
		return;
	dap_lock();
	list_for_each_entry(entry, &dap_entries, node) {
		list_for_each_entry(client, dap_clients(entry), node) {
			if (!client->has_ref || !client_holds_memory(client) ||
			    client->dev->links.status == DL_DEV_DRIVER_BOUND)
				continue;
			if (!device_trylock(client->dev)) {
				again = true;
				continue;
			}
			if (!client->dev->driver)
				client_renew_ops(client);
			device_unlock(client->dev);
		}
	}
	dap_unlock();
	if (again) {
		usleep_range(1000, 2000);
		dap_registry_queue_reap();
	}
}

/**
 * dap_client_unbound() - a device has no driver any more
 * @dev:     any device, client or not
 * @removed: the device is removed, so it will never have a driver again
 *
 * Context: the device's lock is held, or the device is removed.
 */
void dap_client_unbound(struct device *dev, bool removed)
{
	struct dap_client *client, *copied;

	dap_assert_locked();
	/*
	 * Not later: it may be bound again before dap_client_reap() looks at
	 * it.
	 */
	while ((client = dap_client_search(DAP_ENDED_OF, dev))) {
		client_end_in(client, DAP_DEAD);
		dap_registry_queue_reap();
	}
	copied = dap_client_search(DAP_BORROWER_AT, dev);
	if (copied && (removed || !READ_ONCE(copied->lender->user.held))) {
		client_return_borrowed(copied);
		copied = NULL;
	} else if (copied && copied->lends) {
		/*
		 * The memory that the lender holds keeps it alive.  When it is
		 * freed, it takes the copied operations back.
		 */
		copied->lends = false;
		dap_client_put(copied->lender);
	}

	client = dap_client_find(dev);
	if (client && client->state == DAP_PINNED)
		dap_client_set_state(client, DAP_ATTACHED);
	if (!client)
		return;
	client_renew_ops(client);
	if (IS_ENABLED(CONFIG_ARCH_HAS_TEARDOWN_DMA_OPS) &&
	    client_holds_memory(client))
		dap_registry_queue_reap();
}

/*
 * Take copied operations away from a device without a driver, and from those
 * below it.
 */
static int client_restore_copied(struct device *dev, void *data)
{
	struct dap_client *client = data;

	if (READ_ONCE(dev->dma_ops) == &client->ops) {
		dap_lock();
		client_restore_ops(dev, client, client->saved);
		dap_unlock();
	}
	return device_for_each_child(dev, data, client_restore_copied);
}

static void client_free(struct dap_client *client)
{
	/*
	 * Not under dap_lock(): dropping the last reference to a device may
	 * remove others.
	 */
	if (client_has_own_ops(client)) {
		dap_walk_devices(client, client_restore_copied);
		if (client->has_ref)
			client_restore_copied(client->dev, client);
	}
	if (client->has_ref)
		put_device(client->dev);
	dap_lock();
	list_del(&client->node);
	dap_unlock();
	dap_companion_destroy(client->companion);
	dap_entry_put(dap_entry_of(client));
	kfree(client);
}

/*
 * End a client that nobody refers to, as far as that is possible now.  Called
 * with the lock of its device held, if that is on a bus.  Returns true if the
 * client can be freed.
 */
static bool client_end(struct dap_client *client)
{
	enum dap_client_state state = DAP_DEAD;
	const struct device *dev;
	bool done;

	dap_lock();
	dev = client->dev;
	/* A device on no bus counts as in use until it is removed (has_ref). */
	if (client->state != DAP_DEAD && dev &&
	    (dev->driver || (!dev->bus && !client->has_ref)))
		state = DAP_ENDED;
	if (client->state < state)
		client_end_in(client, state);
	done = client->state == DAP_DEAD;
	dap_unlock();
	return done;
}

/*
 * Do not wait for the device's lock: its holder may be waiting for
 * dap_client_reap().  Come again instead.
 */
static bool client_try_end(struct dap_client *client)
{
	struct device *dev = client->dev;
	bool done;

	/*
	 * A dead client does not change, and removing its device waits for us.
	 */
	if (!client->has_ref || READ_ONCE(client->state) == DAP_DEAD)
		return client_end(client);
	if (!device_trylock(dev)) {
		usleep_range(1000, 2000);
		dap_registry_queue_reap();
		return false;
	}
	done = client_end(client);
	device_unlock(dev);
	return done;
}

/**
 * dap_client_reap() - free clients and pools that nobody refers to, and see to
 * the operations of devices without a driver
 * @work: the work of dap_registry_init()
 *
 * Context: process context, may sleep.
 */
void dap_client_reap(struct work_struct *work)
{
	struct dap_client *client, *next;

	llist_for_each_entry_safe(client, next, dap_clients_take_idle(), idle) {
		if (client_try_end(client))
			client_free(client);
		else
			dap_client_add_idle(client);
	}
	client_renew_all_ops();
	dap_entries_release();
}
