// SPDX-License-Identifier: GPL-2.0
/*
 * The registry of pools and clients: the lock that protects them, finding them,
 * their references and states.  Nothing here makes decisions or changes a
 * device.  The files that do so call this one, and it calls none of them.
 *
 * References
 * ----------
 * A pool (struct dap_entry) is used by its device until that is removed, and by
 * each client that has not ended.  As long as it has users, everything that it
 * consists of is there, from the region to the debugfs files.  The structure
 * itself lasts until the last client is freed (ref).
 *
 * References to a client (struct dap_user.ref) are held by
 *  - the client's membership in the pool, from dap_client_create() to
 *    dap_client_leave();
 *  - the memory that it holds, one reference for all of it: from the first live
 *    allocation to the last free (pool.c takes this reference, ops.c drops it);
 *  - each bound driver of another device that has copied its operations
 *    (lends), and the operations that its own driver has copied from another
 *    client (lender).
 * A client without references is not freed before those that have copied its
 * operations when it had ended (DAP_FOLLOWER_OF).
 *
 * The last reference may be dropped in any context.  Then the client or the
 * pool is put in a list, and a work sees to it: dap_client_reap() in client.c.
 *
 * States
 * ------
 * enum dap_client_state says what the states mean.  Only dap_client_set_state()
 * changes a state, under dap_lock().  These are the changes, with the reason
 * for each, and whether the lock of the device has to be held as well:
 *
 * from		to		device lock	reason
 * NAMED		ATTACHED	yes		its device is being bound
 * NAMED		PINNED		yes [1]		the same, or attached in place, or
 *						used without a driver
 * NAMED		DEAD		no		it does not become a client
 *						after all
 * none		ENDED, or	yes		its driver has copied operations
 *		DEAD at unload			of a client that ends
 * ATTACHED	ATTACHED	yes		bound again
 * ATTACHED	PINNED		yes [1]		bound again, to another driver, or
 *						used without one from now on
 * PINNED		PINNED		yes		bound, though used without a driver;
 *						or bound again, to be tested
 *						(DEBUG_TEST_DRIVER_REMOVE)
 * PINNED		ATTACHED	yes [1]		its driver is gone, or did not
 *						bind, or it is not used without one
 *						any more
 * ATTACHED,	LEAVING		yes [2]		its pool or device is removed,
 * PINNED,					or it is detached; but it holds
 * NAMED						memory, or operations were
 *						copied from it or to it
 * ATTACHED,	ENDED		yes [1]		the same, nothing is held or
 * PINNED						copied, but it may be in use
 * ATTACHED,	DEAD		yes [1][2]	the same, and it is not in use
 * PINNED
 * LEAVING	ENDED		yes [1]		nothing is held or copied any
 *						more, but it may be in use
 * LEAVING	DEAD		yes [1][2]	the same, and it is not in use
 * ENDED		DEAD		yes [1][2]	its driver is gone, or it is not
 *						used any more
 *
 *  [1] not if the device's own driver asks for it, or whoever made it: they know
 *      whether they use the device
 *  [2] not if the device has been removed: nobody can bind it any more
 *
 * The operations of a device change only together with the state, and only
 * while no driver runs.  The exception is a driver that is running and gets them
 * on the way to PINNED (in place).  From then on its device has operations of
 * some client until it is unbound: in ENDED, they stay.
 *
 * PINNED, LEAVING and ENDED have a reference to the module, so that its code
 * stays; memory that is held has another one.  Nobody waits for a state.  When
 * a pool or a device is removed, dap_registry_flush() waits until clients are
 * freed, so that afterwards nothing refers to it, except for memory that is
 * still held.
 *
 * Locking: dap_lock() protects the lists and everything above.  It is taken in
 * process context only, with or without a device's lock held.  Nobody waits for
 * a device's lock under it: client_settle() only tries.  Pool locks nest
 * inside of it.
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/of.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "compat.h"
#include "registry.h"

static DEFINE_MUTEX(dap_mutex);

LIST_HEAD(dap_entries);

/* The clients in DAP_ENDED and DAP_DEAD. */
static LIST_HEAD(dap_ended);

/* Set once loading the module cannot fail any more. */
bool dap_registry_is_open;

/*
 * Not a queue of the system: our works bind drivers, and a driver's probe may
 * flush the system's queues.
 */
struct workqueue_struct *dap_wq;

static LLIST_HEAD(dap_idle_clients);
static LLIST_HEAD(dap_idle_entries);
static struct work_struct dap_reap_work;

/**
 * dap_lock() - lock all pools and clients
 *
 * Context: process context, may sleep; until dap_unlock().
 */
void dap_lock(void)
{
	mutex_lock(&dap_mutex);
}

/**
 * dap_unlock() - undo dap_lock()
 */
void dap_unlock(void)
{
	mutex_unlock(&dap_mutex);
}

#ifdef CONFIG_LOCKDEP
/**
 * dap_assert_locked() - complain if dap_lock() is not held
 *
 * Does nothing in a kernel without lockdep.
 *
 * Context: process context.
 */
void dap_assert_locked(void)
{
	lockdep_assert_held(&dap_mutex);
}
#endif

/**
 * dap_registry_init() - prepare for pools and clients
 * @reap: function of the work that frees clients, see dap_clients_take_idle()
 *
 * Context: process context, may sleep.
 * Return: 0 or -ENOMEM.
 */
int __init dap_registry_init(work_func_t reap)
{
	dap_wq = alloc_workqueue("dma_alias_pool", WQ_UNBOUND, 0);
	if (!dap_wq)
		return -ENOMEM;
	INIT_WORK(&dap_reap_work, reap);
	return 0;
}

/**
 * dap_registry_exit() - undo dap_registry_init()
 *
 * All pools must be gone, and no client may have references.  This waits for a
 * driver that is being bound, as it may have copied operations.
 *
 * Context: process context, may sleep.
 */
void dap_registry_exit(void)
{
	dap_registry_flush(NULL);
	while (!list_empty(&dap_ended)) {
		usleep_range(1000, 2000);
		dap_registry_flush(NULL);
	}
	destroy_workqueue(dap_wq);
}

/**
 * dap_registry_set_open() - allow or forbid that devices become clients
 * @open: true at load, when nothing can fail any more; false at unload
 *
 * Context: process context, may sleep.
 */
void dap_registry_set_open(bool open)
{
	dap_lock();
	dap_registry_is_open = open;
	dap_unlock();
}

/**
 * dap_entry_find() - find a pool by its name
 * @name: the name; empty for the only pool that is up
 *
 * Context: under dap_lock().
 * Return: the pool, or NULL.
 */
struct dap_entry *dap_entry_find(const char *name)
{
	struct dap_entry *entry, *found = NULL;

	dap_assert_locked();
	list_for_each_entry(entry, &dap_entries, node) {
		if (*name && strcmp(entry->pool.name, name))
			continue;
		/* One that is gone may hold memory yet. */
		if (!*name && entry->state != DAP_UP)
			continue;
		if (found)
			return NULL;
		found = entry;
	}
	return found;
}

/**
 * dap_entry_find_by_node() - find the pool of a region
 * @region: device tree node of the region, or NULL
 *
 * An earlier pool of the same region may still be in the list, until the last
 * memory of it is freed.
 *
 * Context: under dap_lock().
 * Return: the latest pool of the region, or NULL.
 */
struct dap_entry *dap_entry_find_by_node(const struct device_node *region)
{
	struct dap_entry *entry, *found = NULL;

	dap_assert_locked();
	list_for_each_entry(entry, &dap_entries, node)
		if (region && entry->region_np == region)
			found = entry;
	return found;
}

static void registry_queue_entry(struct kref *users)
{
	llist_add(&container_of(users, struct dap_entry, users)->idle,
		  &dap_idle_entries);
	dap_registry_queue_reap();
}

/**
 * dap_entry_unuse() - stop using the memory of a pool
 * @entry: the pool; if this was the last user, a work releases the region
 *
 * Context: any.
 */
void dap_entry_unuse(struct dap_entry *entry)
{
	kref_put(&entry->users, registry_queue_entry);
}

static void registry_free_entry(struct kref *ref)
{
	kfree(container_of(ref, struct dap_entry, ref));
}

/**
 * dap_entry_put() - drop a reference to a pool
 * @entry: the pool; freed if this was the last reference
 *
 * Context: any.
 */
void dap_entry_put(struct dap_entry *entry)
{
	kref_put(&entry->ref, registry_free_entry);
}

/**
 * dap_entries_release() - release all pools that have no users any more
 *
 * To be called by the work that dap_registry_init() was given, after it has
 * freed clients.
 *
 * Context: process context, may sleep; not under dap_lock().
 */
void dap_entries_release(void)
{
	struct dap_entry *entry, *next;

	llist_for_each_entry_safe(entry, next,
				  llist_del_all(&dap_idle_entries), idle) {
		/* Not under the lock: this waits for readers, which take it. */
		debugfs_remove(entry->dir);
		dap_lock();
		/* Its name and its memory can be had again at the same time. */
		dap_pool_destroy(&entry->pool);
		list_del(&entry->node);
		dap_unlock();
		of_node_put(entry->region_np);
		dap_entry_put(entry);
	}
}

static bool registry_client_matches(const struct dap_client *client,
				    enum dap_client_what what,
				    const void *whose)
{
	if (what == DAP_BORROWER_OF || what == DAP_FOLLOWER_OF)
		return client->lender == whose;
	if (what == DAP_OWNER_OF)
		return &client->ops == whose;
	if ((what == DAP_BORROWER_AT && !client->lender) ||
	    (what >= DAP_ENDED_OF && client->state != DAP_ENDED) ||
	    (what == DAP_FORMER_OF && client->by_maker))
		return false;
	return client->dev == whose;
}

/**
 * dap_client_search() - look for a client
 * @what:  what to look for
 * @whose: the device, the client or the operations, depending on @what
 *
 * Context: under dap_lock().
 * Return: the first one found, or NULL.
 */
struct dap_client *dap_client_search(enum dap_client_what what,
				     const void *whose)
{
	struct dap_client *client;
	struct dap_entry *entry;

	dap_assert_locked();
	if (what >= DAP_OWNER_OF)
		list_for_each_entry(client, &dap_ended, node)
			if (registry_client_matches(client, what, whose))
				return client;
	if (what > DAP_OWNER_OF)
		return NULL;
	list_for_each_entry(entry, &dap_entries, node)
		list_for_each_entry(client, dap_clients(entry), node)
			if (registry_client_matches(client, what, whose))
				return client;
	return NULL;
}

/**
 * dap_client_find_in() - the client of a pool that a device is
 * @dev:   the device
 * @entry: the pool
 *
 * Context: under dap_lock().
 * Return: the client, or NULL if it is none, or leaving.
 */
struct dap_client *dap_client_find_in(const struct device *dev,
				      const struct dap_entry *entry)
{
	struct dap_client *client = dap_client_find(dev);

	return client && dap_entry_of(client) == entry &&
	       client->state < DAP_LEAVING ? client : NULL;
}

/* The table at the top of this file, without the locks. */
static const u8 dap_next_states[] = {
	[DAP_NAMED]	= BIT(DAP_ATTACHED) | BIT(DAP_PINNED) |
			  BIT(DAP_LEAVING) | BIT(DAP_DEAD),
	[DAP_ATTACHED]	= BIT(DAP_ATTACHED) | BIT(DAP_PINNED) |
			  BIT(DAP_LEAVING) | BIT(DAP_ENDED) | BIT(DAP_DEAD),
	[DAP_PINNED]	= BIT(DAP_ATTACHED) | BIT(DAP_PINNED) |
			  BIT(DAP_LEAVING) | BIT(DAP_ENDED) | BIT(DAP_DEAD),
	[DAP_LEAVING]	= BIT(DAP_ENDED) | BIT(DAP_DEAD),
	[DAP_ENDED]	= BIT(DAP_DEAD),
	[DAP_DEAD]	= 0,
};

static bool registry_pins_module(enum dap_client_state state)
{
	return state >= DAP_PINNED && state < DAP_DEAD;
}

/**
 * dap_client_hold_device() - get the reference to its device that a client has
 * not had so far
 * @client: the client, of a device on no bus that is being removed, or is still
 *          there
 *
 * If the device is being freed already, the client has no device any more.
 *
 * Context: under dap_lock(), which the end of such a device waits for.
 */
void dap_client_hold_device(struct dap_client *client)
{
	dap_assert_locked();
	client->has_ref = kobject_get_unless_zero(&client->dev->kobj);
	if (!client->has_ref)
		client->dev = NULL;
}

/**
 * dap_client_set_state() - change the state of a client
 * @client: the client
 * @state:  the new state, which the table at the top of this file must allow
 *
 * Context: under dap_lock().
 * Return: false if nothing was changed, since the module is being unloaded and
 * cannot be pinned.
 */
bool dap_client_set_state(struct dap_client *client,
			  enum dap_client_state state)
{
	enum dap_client_state old = client->state;

	dap_assert_locked();
	/* Checked only in kernels that are built to find mistakes. */
	if (IS_ENABLED(CONFIG_LOCKDEP))
		WARN_ON(!(dap_next_states[old] & BIT(state)));
	if (registry_pins_module(state) && !registry_pins_module(old)) {
		/*
		 * In all states but DAP_PINNED, somebody else has a reference
		 * already.
		 */
		if (state != DAP_PINNED)
			__module_get(THIS_MODULE);
		else if (!try_module_get(THIS_MODULE))
			return false;
	}
	if (state >= DAP_ENDED && old < DAP_ENDED) {
		list_move(&client->node, &dap_ended);
		dap_entry_unuse(dap_entry_of(client));
	}
	if (state == DAP_DEAD && !client->has_ref && client->dev)
		dap_client_hold_device(client);
	client->state = state;
	if (registry_pins_module(old) && !registry_pins_module(state))
		module_put(THIS_MODULE);
	return true;
}

/**
 * dap_client_add_ended() - begin with a client that has ended
 * @client: the new client, which nobody knows
 *
 * It never uses the pool, which may be gone, but has a reference to the
 * structure.
 *
 * Context: under dap_lock().
 * Return: true if it is in DAP_ENDED; false if it is in DAP_DEAD, since the
 * module is being unloaded and cannot be pinned.
 */
bool dap_client_add_ended(struct dap_client *client)
{
	dap_assert_locked();
	client->state = try_module_get(THIS_MODULE) ? DAP_ENDED : DAP_DEAD;
	/* Those that the device was itself are found before this one. */
	list_add_tail(&client->node, &dap_ended);
	return client->state == DAP_ENDED;
}

/**
 * dap_registry_queue_reap() - start the work that frees clients and pools
 *
 * Context: any.
 */
void dap_registry_queue_reap(void)
{
	queue_work(dap_wq, &dap_reap_work);
}

/**
 * dap_client_add_idle() - add a client to the list of those without references
 * @client: the client; dap_client_reap() looks at it when it runs next
 *
 * Context: any.
 */
void dap_client_add_idle(struct dap_client *client)
{
	llist_add(&client->idle, &dap_idle_clients);
}

/**
 * dap_client_queue_reap() - have a client freed as soon as possible
 * @client: its last reference was just dropped
 *
 * Context: any.
 */
void dap_client_queue_reap(struct dap_client *client)
{
	dap_client_add_idle(client);
	dap_registry_queue_reap();
}

static void registry_release_client(struct kref *ref)
{
	struct dap_client *client = container_of(ref, struct dap_client,
						 user.ref);

	dap_client_queue_reap(client);
}

/**
 * dap_client_put() - drop a reference to a client
 * @client: the client; if this was the last reference, a work frees it
 *
 * Context: any.
 */
void dap_client_put(struct dap_client *client)
{
	kref_put(&client->user.ref, registry_release_client);
}

/**
 * dap_clients_take_idle() - take all clients off the list of those without
 * references
 *
 * Context: any.
 * Return: the list, linked by their idle members.
 */
struct llist_node *dap_clients_take_idle(void)
{
	return llist_del_all(&dap_idle_clients);
}

/**
 * dap_registry_flush() - wait until everything without references is freed
 * @dev: the device because of which, or NULL
 *
 * This does not wait for a client whose device's lock is taken, as the holder
 * of that lock may be the one who waits here.  It does wait for device links
 * that were removed: until then they refer to their devices, and what releases
 * a device may be code of a module that is unloaded next.
 *
 * But not while @dev is suspended, with the rest of the system: a removed link
 * is freed when nobody goes through the links of any device, as those do who
 * wait for the consumers of one.  They may be waiting for the driver that is
 * calling here.
 *
 * Called by the work itself, it returns at once.  That happens when the work
 * drops the last reference to a device, and thereby removes others.  Before
 * dap_registry_init(), or if that was not reached, it has nothing to wait for:
 * a driver that is built in as well may ask for a pool then.
 *
 * Context: process context, may sleep; not under dap_lock().
 */
void dap_registry_flush(const struct device *dev)
{
	if (!dap_wq || current_work() == &dap_reap_work)
		return;
	flush_work(&dap_reap_work);
	if (!dev || !dev->power.is_prepared)
		dap_wait_for_links();
}
