// SPDX-License-Identifier: GPL-2.0
/*
 * The ground floor of the module's upper half: pools and clients, the lock over
 * them, how they are found, their references and states.  Nothing here decides
 * or changes a device; it is called by all that does, and calls none of it.
 *
 * References
 * ----------
 * The users of a pool (struct dap_entry) are its device until that is removed, and
 * each client that has not ended: as long as there are any, there is all that it
 * is made of, from the region to the debugfs files.  The structure itself lasts
 * until its last client is freed (ref).
 *
 * A client belongs to (struct dap_user.ref)
 *  - its part in the pool, from dap_client_create() to dap_client_leave();
 *  - the memory it holds, all of it together: from the first allocation that is
 *    live to the last free (pool.c takes this one, ops.c drops it);
 *  - each driver that is bound and has copied its operations (lends), and what its
 *    device's own driver has copied from another client (lender).
 * When the last of them is dropped, which may be in any context, client or pool go
 * to a list that a work sees to: dap_client_reap() in client.c.
 *
 * States
 * ------
 * enum dap_client_state says what they mean.  Only dap_client_set_state() changes
 * one, under dap_lock(); what else has to be held, and what makes it change:
 *
 * from		to		device lock	because
 * NAMED	ATTACHED	yes		its device is being bound
 * NAMED	PINNED		yes [1]		the same, or attached in place
 * NAMED	DEAD		no		it does not become one after all
 * ATTACHED	ATTACHED	yes		bound again
 * ATTACHED	PINNED		yes		bound again, to another driver
 * PINNED	ATTACHED	yes		its driver is gone, or did not bind
 * ATTACHED,	LEAVING		yes [2]		pool or device goes, or it is
 * PINNED,					detached, but holds memory, or drivers
 * NAMED					have copied operations of it, or to it
 * ATTACHED,	ENDED		yes [1]		the same, and nobody needs it, but its
 * PINNED					driver is bound
 * ATTACHED,	DEAD		yes [2]		the same, and no driver is
 * PINNED
 * LEAVING	ENDED		yes		nobody needs it any more, but its
 *						driver is bound
 * LEAVING	DEAD		yes [2]		the same, and no driver is
 * ENDED	DEAD		yes [2]		its driver is gone
 *
 * [1] not on behalf of the device's own driver, which says when
 * [2] not if the device is removed: nobody binds it any more
 *
 * Operations of a device change only with a state, and only without a driver
 * that runs; with one they are put in its way to PINNED (in place), and taken
 * away on the way to ENDED.  Then a call may be on its way in them, so that the
 * client stays.  PINNED, LEAVING and ENDED have a reference on the module, so that
 * its code stays as well; who holds memory has one besides.  Nobody waits for a
 * state; who waits for clients to be freed (dap_registry_flush()) is a pool that
 * goes, and a device that is removed: nothing refers to it afterwards but memory it
 * holds.
 *
 * Locking: dap_lock() protects the lists and all of this.  It is taken in process
 * context only, with a device's lock held or without, and no device's lock is
 * taken under it.  Pool locks nest inside.
 */
#include <linux/debugfs.h>
#include <linux/device.h>
#include <linux/init.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/of.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "registry.h"

static DEFINE_MUTEX(dap_mutex);

LIST_HEAD(dap_entries);

/* Clients in DAP_ENDED. */
static LIST_HEAD(dap_ended);

/* Not before it is certain that the module stays. */
bool dap_registry_is_open;

/*
 * A queue of its own: works of the module bind drivers, and a driver's probe may
 * flush the system's queues.
 */
struct workqueue_struct *dap_wq;

static LLIST_HEAD(dap_idle_clients);
static LLIST_HEAD(dap_idle_entries);
static struct work_struct dap_reap_work;

/**
 * dap_lock() - keep pools and their clients as they are
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
 * dap_assert_locked() - complain if the caller has not called dap_lock()
 *
 * For functions that rely on it; where there is no lockdep, it does nothing.
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
 * @reap: the work that frees clients, of dap_clients_take_idle()
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
 * All pools are gone, and with them all clients.
 *
 * Context: process context, may sleep.
 */
void dap_registry_exit(void)
{
	dap_registry_flush();
	destroy_workqueue(dap_wq);
}

/**
 * dap_registry_set_open() - may devices become clients?
 * @open: from now on they may, when nothing can fail any more at load; or they may
 *	  not, at unload
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
 * dap_entry_find() - the pool of a name
 * @name: the name; empty for the only pool there is
 *
 * Context: under dap_lock().
 * Return: the pool, or NULL.
 */
struct dap_entry *dap_entry_find(const char *name)
{
	struct dap_entry *entry;

	dap_assert_locked();
	if (!*name && list_is_singular(&dap_entries))
		return list_first_entry(&dap_entries, struct dap_entry, node);
	list_for_each_entry(entry, &dap_entries, node)
		if (*name && !strcmp(entry->pool.name, name))
			return entry;
	return NULL;
}

/**
 * dap_entry_find_by_node() - the pool of a region
 * @region: device tree node of the region, or NULL
 *
 * Context: under dap_lock().
 * Return: the pool, or NULL; the latest of them, where an earlier one is gone.
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
 * dap_entry_unuse() - have no need of a pool's memory any more
 * @entry: the pool; its region is released with the last user, not here
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
 * @entry: the pool; freed here with the last one
 *
 * Context: any.
 */
void dap_entry_put(struct dap_entry *entry)
{
	kref_put(&entry->ref, registry_free_entry);
}

/**
 * dap_entries_release() - release all pools that nobody uses any more
 *
 * Context: process context, may sleep; not under dap_lock(); the work that
 * dap_registry_init() was given, after it has seen to clients.
 */
void dap_entries_release(void)
{
	struct dap_entry *entry, *next;

	llist_for_each_entry_safe(entry, next,
				  llist_del_all(&dap_idle_entries), idle) {
		dap_lock();
		list_del(&entry->node);
		dap_unlock();
		/* Waits for readers, who take the lock. */
		debugfs_remove(entry->dir);
		dap_pool_destroy(&entry->pool);
		of_node_put(entry->region_np);
		dap_entry_put(entry);
	}
}

static bool registry_client_matches(const struct dap_client *client,
				    enum dap_client_what what,
				    const void *whose)
{
	switch (what) {
	case DAP_BORROWER_AT:
		return client->dev == whose && client->lender;
	case DAP_BORROWER_OF:
		return client->lender == whose;
	case DAP_OWNER_OF:
		return &client->ops == whose;
	default:
		return client->dev == whose;
	}
}

/**
 * dap_client_search() - look for a client
 * @what:  what is sought
 * @whose: the device, the client or the operations, see there
 *
 * Context: under dap_lock().
 * Return: the first that is found, or NULL.
 */
struct dap_client *dap_client_search(enum dap_client_what what,
				     const void *whose)
{
	struct dap_client *client;
	struct dap_entry *entry;

	dap_assert_locked();
	if (what == DAP_ENDED_OF) {
		list_for_each_entry(client, &dap_ended, node)
			if (client->dev == whose)
				return client;
		return NULL;
	}
	list_for_each_entry(entry, &dap_entries, node)
		list_for_each_entry(client, dap_clients(entry), node)
			if (registry_client_matches(client, what, whose))
				return client;
	return NULL;
}

/* As the table above says. */
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
 * dap_client_set_state() - change the state of a client
 * @client: the client
 * @state:  the new one, which must be possible after that it has
 *
 * Context: under dap_lock().
 * Return: false if it stays as it was: the module is being unloaded, and cannot
 * be pinned.
 */
bool dap_client_set_state(struct dap_client *client,
			  enum dap_client_state state)
{
	enum dap_client_state old = client->state;

	dap_assert_locked();
	/* A kernel that looks for mistakes looks for this one, too. */
	if (IS_ENABLED(CONFIG_LOCKDEP))
		WARN_ON(!(dap_next_states[old] & BIT(state)));
	if (registry_pins_module(state) && !registry_pins_module(old)) {
		/* Unless pinned, somebody has one already. */
		if (state != DAP_PINNED)
			__module_get(THIS_MODULE);
		else if (!try_module_get(THIS_MODULE))
			return false;
	}
	if (state >= DAP_ENDED) {
		list_del(&client->node);
		if (old < DAP_ENDED)
			dap_entry_unuse(dap_entry_of(client));
		if (state == DAP_ENDED)
			list_add(&client->node, &dap_ended);
	}
	client->state = state;
	if (registry_pins_module(old) && !registry_pins_module(state))
		module_put(THIS_MODULE);
	return true;
}

/**
 * dap_registry_queue_reap() - have dap_client_reap() look at what has no references
 *
 * Context: any.
 */
void dap_registry_queue_reap(void)
{
	queue_work(dap_wq, &dap_reap_work);
}

/**
 * dap_client_add_idle() - add a client to those that dap_client_reap() looks at next
 * @client: taken from dap_clients_take_idle(), and cannot be freed yet
 *
 * Context: any.
 */
void dap_client_add_idle(struct dap_client *client)
{
	llist_add(&client->idle, &dap_idle_clients);
}

/**
 * dap_client_queue_reap() - have a client freed, as soon as that can be
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
 * @client: the client; to be freed with the last one, not here
 *
 * Context: any.
 */
void dap_client_put(struct dap_client *client)
{
	kref_put(&client->user.ref, registry_release_client);
}

/**
 * dap_clients_take_idle() - take all clients that were queued
 *
 * Context: any.
 * Return: the list of their idle members.
 */
struct llist_node *dap_clients_take_idle(void)
{
	return llist_del_all(&dap_idle_clients);
}

/**
 * dap_registry_flush() - wait until what nobody refers to is freed
 *
 * Except for clients whose device's lock is taken: who has it may be waiting, too.
 *
 * Context: process context, may sleep; not under dap_lock(). In the work itself, when
 * the last reference to a device had others removed, there is nothing to wait for.
 */
void dap_registry_flush(void)
{
	if (current_work() != &dap_reap_work)
		flush_work(&dap_reap_work);
}
