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
 * client's device.  Not found are devices without a parent, those that were left
 * below a device that has been removed, which is a mistake of which the kernel
 * warns, and those that have been removed themselves: these must free what they
 * got before that, unless it is the pool's, which keeps the client.
 *
 * A driver that runs keeps our operations, even when its device is no client any
 * more (DAP_ENDED), or they were copied from one that is none (client_follow()).
 * The DMA core reads dma_ops and calls what it finds there, and the operation
 * finds its client there once more.  If somebody changed it in between, the
 * operation would take something else for a client.  So all that changes under a
 * driver is one client for another or for none, and, in dap_ops_end(), where
 * memory comes from.  A driver runs from its probe on until it is unbound, or
 * until what a failed probe has set up is released.
 *
 * A device link makes the driver core suspend and shut down client and pool in
 * the right order (see dap_client_link() for who has none).  It is a stateless
 * link that lasts as long as the membership in the pool.  A link for each
 * binding (DL_FLAG_AUTOREMOVE_CONSUMER) would leave a work at each unbind that
 * waits for a grace period of SRCU; binding again and again would fill a small
 * system with the kernel threads of such works.
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
 * dap_device_is_in_use() - may the device's driver be in a DMA operation?
 * @dev: the device, its lock held, or about to be removed
 *
 * A device that is on no bus has no driver of its own; whoever made it uses it.
 * Whether the maker of another device uses it does not count here, see
 * dap_client.by_maker.
 *
 * Return: true if one may be running.
 */
bool dap_device_is_in_use(const struct device *dev)
{
	return dev->driver || !dev->bus;
}

/* Why a request is refused, if it may succeed when it is made again. */
const char *const dap_no_memory = "out of memory";

/* Is it a channel of a DMA controller, as the kernel's dmaengine makes them? */
static int client_is_channel(struct device *child, void *data)
{
	return child->class && !strcmp(child->class->name, "dma");
}

/**
 * dap_device_cannot_unbind() - is a device in use, with no way to stop that?
 * @dev: the device, its lock held
 *
 * Some drivers say that they must not be unbound.  Drivers of primecells
 * without .remove (pl08x) do not say so, but they would leave behind what they
 * have registered.  So do some of DMA controllers (stm32-dma, stm32-mdma); and
 * the users of any such controller keep its channels when it goes, unless the
 * kernel happens to have device links for them (drivers/dma/dmaengine.c, "called
 * while %d clients hold a reference").
 *
 * Return: true if the device is in use and has to stay so.
 */
bool dap_device_cannot_unbind(struct device *dev)
{
	if (!dev->driver)
		return !dev->bus;
	if (dev->driver->suppress_bind_attrs)
		return true;
	if (IS_ENABLED(CONFIG_DMA_ENGINE) &&
	    device_for_each_child(dev, NULL, client_is_channel))
		return true;
#ifdef CONFIG_ARM_AMBA
	if (dev->bus == &amba_bustype)
		return !container_of(dev->driver, struct amba_driver,
				     drv)->remove;
#endif
	return false;
}

/*
 * May a pool's device depend on this device?  It does so on those above it, and
 * on suppliers of any of these.  A supplier comes before the probe of the pool's
 * device, so the list is looked at without the lock of the driver core.
 */
static bool client_may_be_supplier(const struct device *dev,
				   const struct device *pool_dev)
{
	for (; pool_dev; pool_dev = pool_dev->parent)
		if (pool_dev == dev || !list_empty(&pool_dev->links.suppliers))
			return true;
	return false;
}

/**
 * dap_client_link() - make a device depend on the device of a pool
 * @dev:    the device
 * @entry:  the pool
 * @linked: set to whether there is a link to undo, by device_link_remove()
 *
 * A device on no bus is left alone: it has no driver that could be unbound or
 * suspended, and a work of the driver core drops the link's reference to it,
 * after whoever made the device may be gone.
 *
 * A new link moves the device to the end of the order of suspend and shutdown,
 * see device_reorder_to_tail(), as a deferred probe does.  But those who use a
 * device that is bound were added after it, and mostly have no links to it
 * (sound cards and their DMA controller): they have to be suspended before it.
 * So it is left where it is, unless the pool's device depends on others, which
 * may then be needed for the memory.  One that is not bound yet has its link all
 * the same: it keeps the pool's device from depending on its client later.
 *
 * Context: process context, may sleep; under dap_lock(), unless the pool's
 * device stays bound for another reason.
 * Return: NULL; or why that is not possible, for dap_report_refusal().  The
 * driver core does not tell one reason from the other.
 */
const char *dap_client_link(struct device *dev, const struct dap_entry *entry,
			    bool *linked)
{
	*linked = entry->dev && dev->bus &&
		  (dev->links.status != DL_DEV_DRIVER_BOUND ||
		   client_may_be_supplier(dev, entry->dev));
	if (!*linked || device_link_add(dev, entry->dev, DL_FLAG_STATELESS))
		return NULL;
	return "the pool's device depends on it, or out of memory";
}

/**
 * dap_client_create() - make the record of a client
 * @dev:        the device, which is no client, or one that has ended; or the
 *              caller ends it next
 * @entry:      the pool
 * @by_default: it is the default pool, for which nobody has asked
 *
 * Return: the client, in DAP_NAMED; or NULL after an error.  That has been
 * reported, unless @by_default: the default pool is tried for all devices, also
 * for those that its own device depends on.
 */
struct dap_client *dap_client_create(struct device *dev,
				     struct dap_entry *entry, bool by_default)
{
	struct dap_client *client = kzalloc(sizeof(*client), GFP_KERNEL);
	const struct dap_client *ended;
	const char *why;

	why = client ? dap_client_link(dev, entry, &client->linked) :
		       dap_no_memory;
	if (why) {
		kfree(client);
		if (!by_default)
			dap_report_refusal(dev, entry->pool.name, why);
		return NULL;
	}

	client->dev = dev;
	client->by_default = by_default;
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
	ended = dap_client_search(DAP_ENDED_OF, dev);
	client->foreign = dap_outsider_is_noted(dev) || ended;
	/* Its maker has not given the former pool back yet. */
	client->by_maker = ended && ended->by_maker;
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
 * Save whatever operations somebody has set since the last time, and get what
 * stands in for none.  Returns false if there is no memory for that.
 */
static bool client_save_ops(struct dap_client *client)
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
	return true;
}

/* Replace the operations of the device by ours, after client_save_ops(). */
static void client_replace_ops(struct dap_client *client)
{
	struct device *dev = client->dev;

	dap_ops_build(client);
	/* A driver that is running may call them as soon as it sees them. */
	smp_wmb();
	dap_set_ops(dev, &client->ops);
	dap_assign_skip_sync(dev, !client->ops.sync_single_for_cpu);
	client_note_driver(client);
	trace_attach(client);
}

/*
 * Save the operations of the device, and replace them.  Returns false, and
 * changes nothing, if there is no memory for that.
 */
static bool client_set_ops(struct dap_client *client)
{
	if (!client_save_ops(client))
		return false;
	client_replace_ops(client);
	return true;
}

/**
 * dap_client_find_holder() - whose memory may a device hold?
 * @dev: the device
 *
 * Memory that it has got by operations that it has copied is in the name of
 * their owner, and can be freed by these operations only.
 *
 * Return: the client of another device whose operations it has, if that holds
 * memory; else NULL.
 */
struct dap_client *dap_client_find_holder(const struct device *dev)
{
	struct dap_client *owner = dap_client_search(DAP_OWNER_OF,
						     dev->dma_ops);

	return owner && owner->dev != dev && READ_ONCE(owner->user.held) ?
	       owner : NULL;
}

/**
 * dap_client_prepare() - get all that a client needs to be installed
 * @client: in DAP_NAMED, DAP_ATTACHED or DAP_PINNED; its device may be the client
 *          of another pool still
 *
 * Context: the device's lock is held, or its driver or maker calls.
 * Return: NULL; or why it cannot be installed.
 */
const char *dap_client_prepare(struct dap_client *client)
{
	struct device *dev = client->dev;
	const char *why;
	dma_addr_t addr;

	dap_assert_locked();
	why = dap_policy_refusal(dev) ?:
	      dap_bus_address(dev, dap_entry_of(client), &addr) ?:
	      (dap_client_find_holder(dev) ?
	       "it may hold memory of another device" :
	       NULL) ?:
	      dap_region_map(&client->pool->region, dap_is_coherent(dev));
	if (!why && !client_save_ops(client))
		why = dap_no_memory;
	return why;
}

/**
 * dap_client_install() - give a device our operations
 * @client: in DAP_NAMED, DAP_ATTACHED or DAP_PINNED; its device is about to be
 *          bound, or in use already, and may hold memory
 *
 * Context: the device's lock is held, or its driver or maker calls.
 * Return: 0; or -EINVAL, with the device as it was.  The error has been
 *         reported, unless the device is a client by default only.
 */
int dap_client_install(struct dap_client *client)
{
	const char *why = dap_client_prepare(client);
	enum dap_client_state state = DAP_ATTACHED;
	struct device *dev = client->dev;

	if (client->by_maker || dap_device_cannot_unbind(dev))
		state = DAP_PINNED;
	/*
	 * The state comes first: this can fail, and a running driver does not
	 * see it.
	 */
	if (!why && !dap_client_set_state(client, state))
		why = "the module is being unloaded";
	if (why)
		return client->by_default ? -EINVAL :
		       dap_report_refusal(dev, client->pool->name, why);
	client_replace_ops(client);
	return 0;
}

/**
 * dap_client_announce() - say in the log that a device is a client
 * @client: the client
 *
 * A driver takes a shared-dma-pool in its probe, when its device is a client
 * already.
 */
void dap_client_announce(struct dap_client *client)
{
	dev_info(client->dev, "coherent DMA memory comes from %s %s\n",
		 dap_has_own_memory(client->dev) ?
		 "a shared-dma-pool, not from pool" : "pool",
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
 * Whose operations is a device to have?  Those of its lender if it has one, or
 * its own; or of a client that has ended while its driver or maker may be in an
 * operation.
 */
static struct dap_client *client_find_owner(const struct device *dev)
{
	struct dap_client *client = dap_client_find(dev);

	if (!client || !(client->lender || client_has_own_ops(client)))
		client = dap_client_search(DAP_ENDED_OF, dev);
	return client && client->lender ? client->lender : client;
}

/*
 * Take the operations of a client away from a device, unless its driver has
 * replaced them already.  A device that had copied them, and is a client itself,
 * gets its own: these may have to free what the copied ones have allocated.
 */
static void client_restore_ops(struct device *dev,
			       const struct dap_client *client)
{
	const struct dma_map_ops *ops = client->saved;
	struct dap_client *owner;

	if (dev->dma_ops != &client->ops)
		return;
	owner = client_find_owner(dev);
	if (owner && owner != client) {
		owner->foreign = true;
		ops = &owner->ops;
		/* A driver that is running may free by them at once. */
		smp_wmb();
	}
	set_dma_ops(dev, ops);
	dap_assign_skip_sync(dev, false);
}

/*
 * Take the copied operations away from a device.  If the lender holds memory,
 * some of it may be the borrower's and could come back only by these operations,
 * so the device keeps them.
 */
static void client_take_copied(const struct dap_client *client,
			       const struct dap_client *lender)
{
	if (!READ_ONCE(lender->user.held))
		client_restore_ops(client->dev, lender);
}

/* The same, and end its record as a borrower. */
static void client_return_borrowed(struct dap_client *client)
{
	struct dap_client *lender = client->lender;
	bool lends = client->lends;

	client->lender = NULL;
	client->lends = false;
	client_take_copied(client, lender);
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

	/* Its maker may be in an operation at any time, whatever its driver does. */
	if (client->by_maker && had_ops)
		state = DAP_ENDED;
	while ((borrower = dap_client_search(DAP_BORROWER_OF, client)))
		client_return_borrowed(borrower);
	if (had_ops && client->state < DAP_ENDED)
		trace_detach(client);
	/* Whoever has copied them may have them for longer. */
	if (had_ops)
		dap_ops_end(client);
	if (had_ops && state == DAP_DEAD)
		client_restore_ops(client->dev, client);
	dap_client_set_state(client, state);
	if (state != DAP_DEAD || !client->lender)
		return;
	client_take_copied(client, client->lender);
	/* By what else could it free? */
	if (DAP_OPS_ARE_TORN_DOWN && !client->dev->dma_ops &&
	    !dap_client_find(client->dev) &&
	    READ_ONCE(client->lender->user.held))
		dap_set_ops(client->dev, &client->lender->ops);
}

/*
 * The last reference was dropped.  @in_use: an operation of the device may be
 * running, which is one of ours only if it has ours.
 */
static void client_release(struct dap_client *client, bool in_use)
{
	client_end_in(client, in_use && client_has_own_ops(client) ?
			      DAP_ENDED : DAP_DEAD);
	dap_client_queue_reap(client);
}

/* If one of the two devices was removed, the driver core removed the link. */
static void client_unlink(const struct dap_client *client)
{
	struct dap_entry *entry = dap_entry_of(client);

	if (client->linked)
		device_link_remove(client->dev, entry->dev);
}

/**
 * dap_client_leave_idle() - end the membership of a device, unless it is busy
 * @client: in DAP_NAMED, DAP_ATTACHED or DAP_PINNED
 * @in_use: an operation of the device may be running
 *
 * Memory may be allocated at any time, also between dap_client_is_busy() and
 * dap_client_leave().
 *
 * Context: as dap_client_leave().
 * Return: true if it has ended, and then @client must not be used any more;
 * false if it is busy, and then it is as before.
 */
bool dap_client_leave_idle(struct dap_client *client, bool in_use)
{
	dap_assert_locked();
	if (!refcount_dec_if_one(&client->user.ref.refcount))
		return false;
	client_unlink(client);
	client_release(client, in_use);
	return true;
}

/**
 * dap_client_leave() - end the membership of a device in a pool
 * @client: in DAP_NAMED, DAP_ATTACHED or DAP_PINNED
 * @in_use: an operation of the device may be running
 *
 * Context: the device's lock is held, or the device is removed, or its driver
 * or maker calls.
 * Return: true if it is still a client, which somebody needs; false if it has
 * ended, and then @client must not be used any more.
 */
bool dap_client_leave(struct dap_client *client, bool in_use)
{
	dap_assert_locked();
	client_unlink(client);
	if (refcount_dec_and_test(&client->user.ref.refcount)) {
		client_release(client, in_use);
		return false;
	}
	dap_client_set_state(client, DAP_LEAVING);
	return true;
}

/**
 * dap_client_end_if_idle() - end a client that is leaving, without waiting for
 * dap_client_reap()
 * @client: in DAP_LEAVING
 * @in_use: one of its operations may be running
 *
 * Return: false if it still has references; true if not, and then it must not
 * be used any more.
 */
bool dap_client_end_if_idle(struct dap_client *client, bool in_use)
{
	dap_assert_locked();
	if (kref_read(&client->user.ref))
		return false;
	client_end_in(client, in_use ? DAP_ENDED : DAP_DEAD);
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
	device_lock_assert(client->dev);
	if (!dap_client_end_if_idle(client, false) && !client_set_ops(client))
		dap_report_refusal(client->dev, client->pool->name, dap_no_memory);
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
		client = dap_client_create(dev, dap_entry_of(lender), false);
		if (client)
			kref_get(&client->user.ref);
	}
	if (client)
		client->lender = lender;
	return client;
}

/*
 * A driver has copied operations of a client that has ended or is about to.  Its
 * device keeps them until it is unbound, or has those of the client that it is
 * itself now.  As its driver may be in one of them, this record keeps the lender
 * and the module until the driver is unbound.
 */
static void client_follow(struct device *dev, struct dap_client *lender)
{
	struct dap_client *follower, *owner = client_find_owner(dev);
	bool stays;

	/* There is no way to go on without. */
	follower = kzalloc(sizeof(*follower), GFP_KERNEL | __GFP_NOFAIL);
	follower->dev = get_device(dev);
	follower->has_ref = true;
	follower->lender = lender;
	follower->pool = lender->pool;
	kref_get(&dap_entry_of(lender)->ref);
	stays = dap_client_add_ended(follower);
	/* If the module is being unloaded, they cannot stay. */
	if (!stays || (owner && owner->state < DAP_ENDED))
		client_restore_ops(dev, lender);
	dap_client_queue_reap(follower);
}

/*
 * Get a reference to a lender for the driver of a borrower.  Not if it has ended;
 * and while a pool goes, a lender must not become one that cannot end: the module
 * may be about to go.  Memory that is held prevents that.
 */
static bool client_lend(struct dap_client *lender)
{
	return (dap_entry_of(lender)->state != DAP_GOING ||
		READ_ONCE(lender->user.held)) &&
	       kref_get_unless_zero(&lender->user.ref);
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
	struct dap_client *client = dap_client_search(DAP_BORROWER_AT, dev);

	device_lock_assert(dev);
	/* It was set for other operations, by a driver that set its mask first. */
	dap_assign_skip_sync(dev, false);
	/* It may have kept them since its last driver. */
	if (!client || client->lender != lender || !client->lends) {
		client = NULL;
		if (client_lend(lender)) {
			client = client_get_borrower(dev, lender);
			if (!client)
				dap_client_put(lender);
		}
	}
	if (!client) {
		client_follow(dev, lender);
		return;
	}
	client->lends = true;
	client_note_driver(client);
	/* The module may be about to go, and would unbind it. */
	if (client->state == DAP_NAMED && dap_device_cannot_unbind(dev) &&
	    !dap_client_set_state(client, DAP_PINNED))
		client_return_borrowed(client);
}

/*
 * Some architectures clear dma_ops at unbind, some drivers replace them.  Those
 * of another device that holds memory stay: some of it may be this device's.
 */
static void client_renew_ops(struct device *dev)
{
	struct dap_client *owner = client_find_owner(dev);

	if (owner && !dap_client_find_holder(dev))
		dap_set_ops(dev, &owner->ops);
}

/* The driver is gone: no operation of a client that has ended is running. */
static void client_end_former(const struct device *dev, bool unused)
{
	struct dap_client *client;

	while ((client = dap_client_search(unused ? DAP_ENDED_OF : DAP_FORMER_OF,
					   dev))) {
		client->by_maker = false;
		client_end_in(client, DAP_DEAD);
		dap_registry_queue_reap();
	}
}

/*
 * A driver is gone, and with it the pool that it asked for itself, unless the
 * device still holds memory.
 */
static void client_end_claim(struct dap_client *client)
{
	if (client->by_rmem && !client->by_maker &&
	    !dap_client_is_busy(client))
		dap_client_leave(client, false);
}

/**
 * dap_client_begin_probe() - end what the last driver of a device has left
 * @dev: the device, which is about to be bound
 *
 * Operations that were copied for the last driver are taken away, unless the
 * lender holds memory that can come back only by them.
 *
 * Context: the device's lock is held.
 * Return: true if the device keeps copied operations.
 */
bool dap_client_begin_probe(struct device *dev)
{
	struct dap_client *client;

	device_lock_assert(dev);
	client_end_former(dev, false);
	client = dap_client_search(DAP_BORROWER_AT, dev);
	if (client && READ_ONCE(client->lender->user.held) &&
	    (client->lends ||
	     kref_get_unless_zero(&client->lender->user.ref))) {
		client->lends = true;
		dap_set_ops(dev, &client->lender->ops);
		return true;
	}
	if (client)
		client_return_borrowed(client);
	client = dap_client_find(dev);
	if (client)
		client_end_claim(client);
	return false;
}

static void client_unpin(struct dap_client *client)
{
	if (client->state == DAP_PINNED && !client->by_maker)
		dap_client_set_state(client, DAP_ATTACHED);
}

/**
 * dap_client_probe_failed() - a device was not bound
 * @dev: the device
 *
 * The driver core tells this before it releases what the probe has set up.  Until
 * then, interrupts and threads of the driver may use the operations, so
 * dap_client_reap() sees to these later.
 *
 * Context: the device's lock is held.
 */
void dap_client_probe_failed(const struct device *dev)
{
	struct dap_client *client = dap_client_find(dev);

	if (client) {
		client_unpin(client);
		client->unsettled = true;
	}
	dap_registry_queue_reap();
}

/**
 * dap_client_unbound() - a device has no driver any more
 * @dev:    any device, client or not
 * @unused: whoever made it does not use it either, since it is removed, or they
 *          say so
 *
 * Context: the device's lock is held, or the device is not used any more.
 */
void dap_client_unbound(struct device *dev, bool unused)
{
	struct dap_client *client, *copied;

	dap_assert_locked();
	/*
	 * Not later: it may be bound again before dap_client_reap() looks at
	 * it.
	 */
	client_end_former(dev, unused);
	copied = dap_client_search(DAP_BORROWER_AT, dev);
	if (copied && (unused || !READ_ONCE(copied->lender->user.held))) {
		client_return_borrowed(copied);
	} else if (copied && copied->lends) {
		/*
		 * The memory that the lender holds keeps it alive.  When it is
		 * freed, it takes the copied operations back.
		 */
		copied->lends = false;
		dap_client_put(copied->lender);
	}

	client_renew_ops(dev);
	client = dap_client_find(dev);
	if (!client)
		return;
	if (unused)
		client->by_maker = false;
	client_unpin(client);
	/* If devres tells it, the architecture has not cleared dma_ops yet. */
	client->unsettled = DAP_OPS_ARE_TORN_DOWN && dev->driver;
	if (client->unsettled)
		dap_registry_queue_reap();
	client_end_claim(client);
}

/*
 * See to a client for which it was too early before, when the driver core is done
 * with the device.  arm64 before 6.12 has cleared dma_ops then, though what the
 * device holds can be freed by ours only.  This comes too late for memory that is
 * freed just then, and not at all if the kernel fails before it calls any
 * notifier.  Sets *again if the device is in use.  Returns true if the client has
 * ended.
 */
static bool client_settle(struct dap_client *client, bool *again)
{
	struct device *dev = client->dev;

	if (!client->unsettled || !client->has_ref)
		return false;
	if (!device_trylock(dev)) {
		*again = true;
		return false;
	}
	client->unsettled = false;
	if (!dev->driver) {
		dap_client_unbound(dev, false);
	} else if (DAP_OPS_ARE_TORN_DOWN && !dev->dma_ops &&
		   !dap_on_watched_bus(dev) && READ_ONCE(client->user.held)) {
		/* Nobody has told that it was bound, or will tell of its end. */
		if (dap_watch_device(dev) < 0) {
			client->unsettled = true;
			*again = true;
		}
		client->foreign = true;
		/* The driver that is running may free by them at once. */
		smp_wmb();
		dap_set_ops(dev, &client->ops);
		dap_assign_skip_sync(dev, !client->ops.sync_single_for_cpu);
	}
	device_unlock(dev);
	return client->state >= DAP_ENDED;
}

static void client_settle_all(bool *again)
{
	struct dap_client *client;
	struct dap_entry *entry;

	dap_lock();
restart:
	list_for_each_entry(entry, &dap_entries, node)
		list_for_each_entry(client, dap_clients(entry), node)
			/* It may have ended others as well. */
			if (client_settle(client, again))
				goto restart;
	dap_unlock();
}

struct client_copies {
	struct dap_client *client;
	bool restored;	/* somebody else may have copied them before that */
	bool locked;	/* they may be those of a driver soon */
};

/*
 * Take copied operations away from a device without a driver, and from those
 * below it.  A driver that is bound keeps them; nobody had told that it has them.
 */
static int client_restore_copied(struct device *dev, void *data)
{
	struct client_copies *copies = data;
	struct dap_client *client = copies->client;

	if (READ_ONCE(dev->dma_ops) != &client->ops)
		goto out;
	if (!device_trylock(dev)) {
		copies->locked = true;
		goto out;
	}
	dap_lock();
	if (!dev->driver) {
		client_restore_ops(dev, client);
		copies->restored = true;
	} else if (dev->dma_ops == &client->ops &&
		   !dap_client_search(DAP_FOLLOWER_OF, client)) {
		client_follow(dev, client);
	}
	dap_unlock();
	device_unlock(dev);
out:
	return device_for_each_child(dev, data, client_restore_copied);
}

/* May anybody without a record still have the operations of a dead client? */
static bool client_has_copies(struct dap_client *client)
{
	struct client_copies copies = { .client = client };

	if (!client_has_own_ops(client))
		return false;
	do {
		copies.restored = false;
		dap_walk_devices(&copies, client_restore_copied);
		if (client->has_ref)
			client_restore_copied(client->dev, &copies);
	} while (copies.restored);
	return copies.locked;
}

/* Returns false if somebody has operations of the client by now. */
static bool client_free(struct dap_client *client)
{
	bool followed;

	dap_lock();
	followed = dap_client_search(DAP_FOLLOWER_OF, client);
	if (!followed)
		list_del(&client->node);
	dap_unlock();
	if (followed)
		return false;
	/*
	 * Not under dap_lock(): dropping the last reference to a device may
	 * remove others.
	 */
	if (client->has_ref)
		put_device(client->dev);
	dap_companion_destroy(client->companion);
	dap_entry_put(dap_entry_of(client));
	kfree(client);
	return true;
}

/*
 * End a client that nobody refers to, as far as that is possible now.  Called
 * with the lock of its device held, if that is on a bus.  Returns true if the
 * client can be freed.  Sets *again if there was no memory.
 */
static bool client_end(struct dap_client *client, bool *again)
{
	enum dap_client_state state = DAP_DEAD;
	struct device *dev;
	bool done;

	dap_lock();
	dev = client->dev;
	if (client->state != DAP_DEAD && dev &&
	    (dev->driver || (client->by_maker && client_has_own_ops(client))))
		state = DAP_ENDED;
	/*
	 * Another driver may be bound than the one because of which it was
	 * watched.
	 */
	if (state == DAP_ENDED && dev->driver && dap_watch_device(dev) < 0)
		*again = true;
	else if (client->state < state)
		client_end_in(client, state);
	done = client->state == DAP_DEAD;
	dap_unlock();
	return done;
}

/*
 * Do not wait for the device's lock: its holder may be waiting for
 * dap_client_reap().  Sets *again instead.
 */
static bool client_try_end(struct dap_client *client, bool *again)
{
	struct device *dev = client->dev;
	bool done;

	/*
	 * A dead client does not change, and removing its device waits for us.
	 */
	if (!client->has_ref || READ_ONCE(client->state) == DAP_DEAD)
		return client_end(client, again);
	if (!device_trylock(dev)) {
		*again = true;
		return false;
	}
	done = client_end(client, again);
	device_unlock(dev);
	return done;
}

/* Returns true if the client was freed.  Sets *again if it has to be tried again. */
static bool client_try_free(struct dap_client *client, bool *again)
{
	if (!client_try_end(client, again))
		return false;
	if (client_has_copies(client)) {
		*again = true;
		return false;
	}
	return client_free(client);
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
	bool again, freed;

	do {
		again = false;
		freed = false;
		client_settle_all(&again);
		llist_for_each_entry_safe(client, next, dap_clients_take_idle(),
					  idle) {
			if (client_try_free(client, &again))
				freed = true;
			else
				dap_client_add_idle(client);
		}
	} while (freed);	/* others may have waited for them */
	dap_entries_release();
	if (again) {
		usleep_range(1000, 2000);
		dap_registry_queue_reap();
	}
}
