// SPDX-License-Identifier: GPL-2.0
/*
 * Making a client of a device, and letting it go.
 *
 * A client keeps its operations across unbind, failed and deferred probes: devres
 * frees dmam_ memory after BUS_NOTIFY_DRIVER_NOT_BOUND, and some drivers free
 * even after BUS_NOTIFY_UNBOUND_DRIVER.  With the former operations such memory
 * would end up in the page allocator.  So who leaves while it holds memory stays
 * until the last free, and its pool and the module with it.
 *
 * Some drivers copy the operations of a device to others, which then call into
 * its client: those that are bound themselves have a record of it and a reference
 * (dap_client_borrow()); children without a driver get the former operations
 * before the client is freed.
 *
 * A device link has the driver core suspend and shut down client and pool in the
 * right order.  It is a stateless one that lasts as long as the client's part in
 * the pool: one for each binding (DL_FLAG_AUTOREMOVE_CONSUMER) leaves a work
 * behind at each unbind that waits for a grace period of SRCU, and binding again
 * and again fills a small system with the kernel threads of such works.
 *
 * Contexts and locking: all of it in process context and under dap_lock(); what
 * changes a device's operations with the device's lock held as well, see the
 * table in registry.c.
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

/**
 * dap_device_is_in_use() - may somebody be in an operation of a device?
 * @dev: the device, its lock held, or about to be removed
 *
 * A device that is on no bus has no driver of its own; who made it uses it.
 *
 * Return: whether somebody may.
 */
bool dap_device_is_in_use(const struct device *dev)
{
	return dev->driver || !dev->bus;
}

/**
 * dap_device_cannot_unbind() - is a device in use and cannot be taken out of use?
 * @dev: the device, its lock held
 *
 * Unbinding would leave half there: drivers that say so, and those of
 * primecells (pl08x) that have no .remove and register things all the same.
 *
 * Return: whether it is.
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
 * dap_client_create() - record a client to be
 * @dev:   the device, which is no client, or one that has ended
 * @entry: its pool
 *
 * Return: the client, in DAP_NAMED; NULL if that cannot be, which has been
 * reported.
 */
struct dap_client *dap_client_create(struct device *dev,
				     struct dap_entry *entry)
{
	struct dap_client *client = kzalloc(sizeof(*client), GFP_KERNEL);
	const char *why = NULL;

	if (!client)
		why = "out of memory";
	else if (entry->dev &&
		 !device_link_add(dev, entry->dev, DL_FLAG_STATELESS))
		why = "the pool's device depends on it";
	if (why) {
		kfree(client);
		dap_report_refusal(dev, entry->pool.name, why);
		return NULL;
	}

	client->dev = dev;
	/* One that is on no bus tells of its end when the last of these is gone. */
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
 * Put our operations in the place of those that the device has, whatever set them
 * since the last time.  Returns false if there is no memory for it.
 */
static bool client_set_ops(struct dap_client *client)
{
	struct device *dev = client->dev;
	const struct dma_map_ops *saved = client->saved;
	const struct dma_map_ops *before = client->before;
	struct dap_client *other;

	if (dev->dma_ops != &client->ops) {
		/* Of another client's it has what that had. */
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
	/* In place, its driver calls them as soon as it sees them. */
	smp_wmb();
	set_dma_ops(dev, &client->ops);
	dap_assign_skip_sync(dev, !client->ops.sync_single_for_cpu);
	client_note_driver(client);
	trace_attach(client);
	return true;
}

/**
 * dap_client_install() - give a device the operations of a client
 * @client: in DAP_NAMED, DAP_ATTACHED or DAP_PINNED; its device is about to be
 *	    bound, or in use already; it may hold memory
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
	/* First what can fail, and is not seen by a driver that runs. */
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
 * dap_client_is_busy() - does anybody need its operations, or other than its own?
 * @client: the client
 *
 * Return: whether it holds memory, or operations were copied from it or to it.
 */
bool dap_client_is_busy(const struct dap_client *client)
{
	return client->state == DAP_LEAVING ||
	       kref_read(&client->user.ref) > 1;
}

/* Unless its driver has set others. */
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
 * A device is to have no more of its lender's operations.  Memory that it holds
 * is the lender's, and could only come back by them.
 */
static void client_return_borrowed(struct dap_client *client)
{
	struct dap_client *lender = client->lender;
	const struct dma_map_ops *ops = lender->saved;
	bool lends = client->lends;

	client->lender = NULL;
	client->lends = false;
	/* It may hold memory of a pool that it was a client of before. */
	if (client_has_own_ops(client) && client->state < DAP_ENDED)
		ops = &client->ops;
	if (!READ_ONCE(lender->user.held))
		client_restore_ops(client->dev, lender, ops);
	if (lends)
		dap_client_put(lender);
	/* A record of nothing but this goes. */
	if (client->state < DAP_LEAVING)
		dap_client_leave(client, false);
	dap_client_put(client);
}

/* Nobody has its operations any more, and drivers that have copied them are gone. */
static void client_revoke_ops(struct dap_client *client)
{
	struct dap_client *borrower;

	while ((borrower = dap_client_search(DAP_BORROWER_OF, client)))
		client_return_borrowed(borrower);
	if (client_has_own_ops(client)) {
		trace_detach(client);
		client_restore_ops(client->dev, client, client->saved);
	}
}

/* Its last reference went, and nobody is in one of its operations. */
static void client_release_idle(struct kref *ref)
{
	struct dap_client *client = container_of(ref, struct dap_client,
						 user.ref);

	client_revoke_ops(client);
	dap_client_set_state(client, DAP_DEAD);
	dap_client_queue_reap(client);
}

/* Its last reference went, but its driver may be in one of its operations. */
static void client_release_in_use(struct kref *ref)
{
	struct dap_client *client = container_of(ref, struct dap_client,
						 user.ref);

	client_revoke_ops(client);
	dap_client_set_state(client, DAP_ENDED);
	dap_client_queue_reap(client);
}

/**
 * dap_client_leave() - end a device's part in a pool
 * @client: in DAP_NAMED, DAP_ATTACHED or DAP_PINNED
 * @in_use: somebody may be in an operation of the device
 *
 * Context: the device's lock is held, or it is removed, or its driver calls.
 * Return: true if it keeps its operations, since somebody needs them; false if
 * they are gone, and then @client is not to be used any more.
 */
bool dap_client_leave(struct dap_client *client, bool in_use)
{
	struct dap_entry *entry = dap_entry_of(client);

	dap_assert_locked();
	/* Where one of them was removed, the driver core took the link with it. */
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

/* Its last reference was dropped: dap_client_reap() may be late. */
static bool client_end_if_idle(struct dap_client *client)
{
	if (kref_read(&client->user.ref))
		return false;
	client_revoke_ops(client);
	dap_client_set_state(client, DAP_DEAD);
	return true;
}

/**
 * dap_client_keep_ops() - let a client that is leaving keep its operations
 * @client: in DAP_LEAVING; its device is about to be bound, and whatever set it up
 *	    for that may have set operations, too; not to be used any more, since
 *	    its last reference may have been dropped meanwhile
 *
 * Context: the device's lock is held.
 */
void dap_client_keep_ops(struct dap_client *client)
{
	dap_assert_locked();
	if (!client_end_if_idle(client) && !client_set_ops(client))
		dap_report_refusal(client->dev, client->pool->name, "out of memory");
}

/* A driver that has copied operations uses them. */
static void client_lend_ops(struct dap_client *client)
{
	client->lends = client->lends ||
			kref_get_unless_zero(&client->lender->user.ref);
	if (!client->lends)
		client_return_borrowed(client);
}

/* It is to be a record of what a device has copied, and of nothing else. */
static void client_become_borrower(struct dap_client *client,
				   struct dap_client *lender)
{
	if (client->lender == lender)
		return;
	if (client->lender)
		client_return_borrowed(client);
	if (client->state < DAP_LEAVING)
		dap_client_leave(client, false);
	else
		client_end_if_idle(client);
}

/**
 * dap_client_borrow() - note that a driver has copied a client's operations
 * @dev:    the driver's device
 * @lender: another client
 *
 * Until its driver is unbound, @dev counts as a client of the same pool.  It is
 * none of another any more, but for memory of that one.
 *
 * Context: the device's lock is held.
 */
void dap_client_borrow(struct device *dev, struct dap_client *lender)
{
	struct dap_client *client = dap_client_find(dev);

	if (client)
		client_become_borrower(client, lender);
	client = dap_client_find(dev);
	if (!client)
		client = dap_client_create(dev, dap_entry_of(lender));
	if (!client) {
		/* Without a record nobody knows until when: for ever. */
		kref_get(&lender->user.ref);
		return;
	}
	if (!client->lender)
		kref_get(&client->user.ref);
	client->lender = lender;
	client_note_driver(client);
	if (client->state == DAP_NAMED && dap_device_cannot_unbind(dev))
		dap_client_set_state(client, DAP_PINNED);
	client_lend_ops(client);
}

/**
 * dap_client_keep_borrowed() - see to what a device has copied, which is to be bound
 * @dev: the device
 *
 * Context: the device's lock is held.
 * Return: whether it keeps that, because of memory that can come back only so.
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

/**
 * dap_client_unbound() - a device has no driver any more
 * @dev:     the device, any
 * @removed: and will never have one again
 *
 * Context: the device's lock is held, or it is removed.
 */
void dap_client_unbound(struct device *dev, bool removed)
{
	struct dap_client *client, *copied;

	dap_assert_locked();
	/* Now, since it may be bound again before dap_client_reap() looks. */
	while ((client = dap_client_search(DAP_ENDED_OF, dev))) {
		dap_client_set_state(client, DAP_DEAD);
		dap_registry_queue_reap();
	}
	copied = dap_client_search(DAP_BORROWER_AT, dev);
	if (copied && (removed || !READ_ONCE(copied->lender->user.held))) {
		client_return_borrowed(copied);
		copied = NULL;
	} else if (copied && copied->lends) {
		/* Its memory keeps the lender, and takes the rest back. */
		copied->lends = false;
		dap_client_put(copied->lender);
	}

	client = dap_client_find(dev);
	if (client && client->state == DAP_PINNED)
		dap_client_set_state(client, DAP_ATTACHED);
	/* Some architectures clear them at unbind, some drivers set others. */
	if (copied)
		set_dma_ops(dev, &copied->lender->ops);
	else if (client && client_has_own_ops(client))
		set_dma_ops(dev, &client->ops);
}

/* A device that has no driver, and copied what its parent had. */
static int client_restore_child(struct device *dev, void *data)
{
	struct dap_client *client = data;

	client_restore_ops(dev, client, client->saved);
	return device_for_each_child(dev, data, client_restore_child);
}

static void client_free(struct dap_client *client)
{
	/* Without dap_lock(): this may be what a child waited for to be freed. */
	if (client->has_ref) {
		device_for_each_child(client->dev, client,
				      client_restore_child);
		put_device(client->dev);
	}
	dap_companion_destroy(client->companion);
	dap_entry_put(dap_entry_of(client));
	kfree(client);
}

/* Can it be freed by now?  With its device's lock held, if that is on a bus. */
static bool client_end(struct dap_client *client)
{
	const struct device *dev = client->dev;
	enum dap_client_state state = DAP_DEAD;
	bool done;

	dap_lock();
	/* One on no bus is in use until it goes, from when on there is none. */
	if (client->state != DAP_DEAD &&
	    (dev->driver || (!dev->bus && !client->has_ref)))
		state = DAP_ENDED;
	if (client->state == DAP_LEAVING)
		client_revoke_ops(client);
	if (client->state < state)
		dap_client_set_state(client, state);
	done = client->state == DAP_DEAD;
	dap_unlock();
	return done;
}

/* Who has the device's lock may be waiting for dap_client_reap(): come again. */
static bool client_try_end(struct dap_client *client)
{
	struct device *dev = client->dev;
	bool done;

	/* Of a dead one nothing changes, and who removes its device waits. */
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
 * dap_client_reap() - see to clients and pools that nobody refers to
 * @work: of dap_registry_init()
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
	dap_entries_release();
}
