// SPDX-License-Identifier: GPL-2.0
/*
 * Pools and their clients, and how long they last.
 *
 * A device becomes a client when it is about to be bound to a driver
 * (BUS_NOTIFY_BIND_DRIVER: after bus->dma_configure(), before probe), so that
 * its driver's first allocation already comes from the pool.
 *
 * Lifetime
 * --------
 * A client keeps its ops across unbind, failed and deferred probes: devres
 * frees dmam_ memory after BUS_NOTIFY_DRIVER_NOT_BOUND, and some drivers free
 * even after BUS_NOTIFY_UNBOUND_DRIVER.  With the former ops such memory would
 * end up in the page allocator.  It is let go when its device is removed or its
 * pool goes away, but never while it holds memory: then it stays until its last
 * free, the pool stays with it, and the allocations pin the module.
 *
 * When the pool's device is unbound or removed, and that includes rmmod, the
 * clients' drivers are unbound first.  A device link has the driver core suspend
 * and shut down in that order, too.  It is a stateless one that lasts as long as
 * the client: one for each binding (DL_FLAG_AUTOREMOVE_CONSUMER) leaves a work
 * behind at each unbind that waits for a grace period of SRCU, and binding again
 * and again fills a small system with the kernel threads of such works.
 *
 * Locking: dap_lock protects the lists and who belongs to whom.  It is taken in
 * process context only, with a device's lock held (bus notifiers) or without,
 * and no device's lock is taken under it.  Pool locks nest inside.
 */
#include <linux/amba/bus.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/of.h>
#include <linux/of_device.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "attach.h"
#include "caller.h"
#include "compat.h"
#include "debugfs.h"
#include "direct.h"
#include "outsider.h"
#include "trace.h"

static DEFINE_MUTEX(dap_mutex);
static LIST_HEAD(dap_buried);

LIST_HEAD(dap_entries);

static void destroy_entry(struct dap_entry *entry)
{
	dap_debugfs_remove(entry);
	dap_pool_destroy(&entry->pool);
	of_node_put(entry->region_np);
	kfree(entry);
}

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
 * dap_unlock() - undo dap_lock(), and free the pools that have gone meanwhile
 *
 * Not earlier: readers of debugfs call dap_lock(), and removing a file waits for
 * them.
 *
 * Context: process context, may sleep.
 */
void dap_unlock(void)
{
	struct dap_entry *entry, *next;
	LIST_HEAD(buried);

	list_splice_init(&dap_buried, &buried);
	mutex_unlock(&dap_mutex);

	list_for_each_entry_safe(entry, next, &buried, node)
		destroy_entry(entry);
}

/**
 * dap_assert_locked() - complain if nobody has called dap_lock()
 *
 * For functions that rely on it.  Lockdep knows also who called it, but few kernels
 * have lockdep, and what is done under this lock is slow anyway.
 *
 * Context: process context.
 */
void dap_assert_locked(void)
{
	lockdep_assert_held(&dap_mutex);
	WARN_ON_ONCE(!mutex_is_locked(&dap_mutex));
}

/**
 * dap_client_find() - the client that a device is
 * @dev: the device
 *
 * Context: under dap_lock().
 * Return: the client, which may be excluded, or NULL.
 */
struct dap_client *dap_client_find(struct device *dev)
{
	struct dap_client *client;
	struct dap_entry *entry;

	dap_assert_locked();
	list_for_each_entry(entry, &dap_entries, node)
		list_for_each_entry(client, dap_clients(entry), node)
			if (client->dev == dev)
				return client;
	return NULL;
}

/**
 * dap_client_refresh() - take over what binding has set up anew
 * @client: the client; its device is about to be bound, or in use already; it
 *	    may hold memory
 *
 * Context: under dap_lock().
 * Return: 0; or -EINVAL, reported, with the device as it was.
 */
int dap_client_refresh(struct dap_client *client)
{
	struct device *dev = client->dev;
	struct dap_entry *entry = dap_entry_of(client);
	const char *why;
	dma_addr_t bus;

	dap_assert_locked();
	why = dap_refusal(dev) ?: dap_translate(dev, entry, &bus);
	if (!why)
		why = dap_region_map(&client->pool->region,
				     dap_is_coherent(dev));
	if (why)
		return dap_refuse(dev, client->pool->name, why);

	if (dev->dma_ops != &client->ops) {
		client->saved = dev->dma_ops;
		client->before = get_dma_ops(dev);
	}
	if (!client->before && !client->companion) {
		client->companion = dap_companion_create(dev);
		if (!client->companion)
			return dap_refuse(dev, client->pool->name,
					  "out of memory");
	}

	if (!client->linked &&
	    !device_link_add(dev, entry->dev, DL_FLAG_STATELESS))
		return dap_refuse(dev, client->pool->name,
			      "the pool's device depends on it");
	client->linked = true;

	client->bus = bus;
	client->bus_end = bus + client->pool->region.size - 1;
	strscpy(client->driver, dev->driver ? dev->driver->name : "-",
		sizeof(client->driver));
	if (client->companion)
		dap_companion_refresh(client->companion, dev);
	dap_ops_build(client);
	set_dma_ops(dev, &client->ops);
	dap_assign_skip_sync(dev, !client->ops.sync_single_for_cpu);
	trace_attach(client);
	return 0;
}

/**
 * dap_client_add() - record a client to be
 * @dev:   the device, which is no client
 * @entry: its pool
 *
 * Context: under dap_lock().
 * Return: the client, whose operations dap_client_refresh() sets; NULL if there
 * is no memory, reported.
 */
struct dap_client *dap_client_add(struct device *dev, struct dap_entry *entry)
{
	struct dap_client *client;

	client = kzalloc(sizeof(*client), GFP_KERNEL);
	if (!client) {
		dap_refuse(dev, entry->pool.name, "out of memory");
		return NULL;
	}
	client->dev = get_device(dev);
	client->pool = &entry->pool;
	strscpy(client->user.name, dev_name(dev), sizeof(client->user.name));
	client->foreign = dap_outsider_is(dev);
	strscpy(client->driver, "-", sizeof(client->driver));
	list_add_tail(&client->node, dap_clients(entry));
	return client;
}

/**
 * dap_client_announce() - say in the log that a device is a client, once
 * @client: the client
 */
void dap_client_announce(struct dap_client *client)
{
	if (client->announced)
		return;
	client->announced = true;
	dev_info(client->dev, "coherent DMA memory comes from pool %s\n",
		 client->pool->name);
}

/**
 * dap_client_holds_memory() - does it, of the pool or in place of the pool?
 * @client: the client
 *
 * Return: whether it does.
 */
bool dap_client_holds_memory(struct dap_client *client)
{
	struct dap_user user;

	dap_pool_user(client->pool, &client->user, &user);
	return user.held;
}

/* Nobody may be using the client: not a driver, and it holds nothing. */
static bool is_idle(struct dap_client *client)
{
	return client->excluded ||
	       (!client->dev->driver && !dap_client_holds_memory(client));
}

static void restore_ops(struct dap_client *client)
{
	if (client->dev->dma_ops != &client->ops)
		return;
	trace_detach(client);
	set_dma_ops(client->dev, client->saved);
	dap_assign_skip_sync(client->dev, false);
}

/* Where one of the devices was removed, the driver core took the link with it. */
static void remove_link(struct dap_client *client)
{
	if (client->linked)
		device_link_remove(client->dev, dap_entry_of(client)->dev);
	client->linked = false;
}

/**
 * dap_client_exclude() - let a client go, and have no policy bring it back
 * @client: holds no memory
 *
 * Context: under dap_lock().
 */
void dap_client_exclude(struct dap_client *client)
{
	dap_assert_locked();
	restore_ops(client);
	remove_link(client);
	dap_outsider_add(client->dev);
	client->excluded = true;
	client->announced = false;
}

/**
 * dap_client_drop() - forget a client
 * @client: holds no memory; freed here
 *
 * Context: under dap_lock().
 */
void dap_client_drop(struct dap_client *client)
{
	dap_assert_locked();
	restore_ops(client);
	remove_link(client);
	if (!client->gone)
		dap_outsider_add(client->dev);
	list_del(&client->node);
	dap_companion_destroy(client->companion);
	put_device(client->dev);
	kfree(client);
}

/*
 * A pool whose device is gone goes with its last client: see dap_unlock().  While
 * it is going (dap_entry_retire()) it has a device yet.
 */
static void reap_entry(struct dap_entry *entry)
{
	if (entry->dead && !entry->dev && list_empty(dap_clients(entry)))
		list_move(&entry->node, &dap_buried);
}

/* Let go of a client whose time is over, and of its pool with it. */
static void release_if_idle(struct dap_client *client)
{
	struct dap_entry *entry = dap_entry_of(client);

	if (client->user.leaving && is_idle(client)) {
		dap_client_drop(client);
		reap_entry(entry);
	}
}

/* One that was waiting for its last free and was not looked at in this visit. */
static struct device *find_drained(unsigned long visit)
{
	struct dap_client *client;
	struct dap_entry *entry;

	list_for_each_entry(entry, &dap_entries, node) {
		list_for_each_entry(client, dap_clients(entry), node) {
			if (client->visit == visit || !client->user.leaving ||
			    dap_client_holds_memory(client))
				continue;
			client->visit = visit;
			return get_device(client->dev);
		}
	}
	return NULL;
}

static void dap_reap(struct work_struct *work)
{
	static unsigned long visit;
	struct dap_client *client;
	struct device *dev;

	visit++;
	dap_lock();
	while ((dev = find_drained(visit))) {
		dap_unlock();
		/* The last free may be a probe's that fails: let that end. */
		device_lock(dev);
		dap_lock();
		client = dap_client_find(dev);
		if (client)
			release_if_idle(client);
		dap_unlock();
		device_unlock(dev);
		put_device(dev);
		dap_lock();
	}
	dap_unlock();
}

static DECLARE_WORK(dap_reap_work, dap_reap);

/**
 * dap_client_drained() - a client that was waiting for its last free had it
 *
 * Context: any.
 */
void dap_client_drained(void)
{
	schedule_work(&dap_reap_work);
}

static void before_probe(struct device *dev)
{
	struct dap_client *client;
	struct dap_entry *entry;
	bool by_default;

	if (dev->driver == &dap_pool_driver.driver)
		return;

	dap_lock();
	client = dap_client_find(dev);
	if (!client) {
		entry = dap_choose(dev, false, &by_default);
		if (entry)
			client = dap_client_add(dev, entry);
		if (!client) {
			dap_outsider_add(dev);
			goto out;
		}
		client->by_default = by_default;
	}
	if (client->excluded)
		goto out;
	entry = dap_entry_of(client);
	/* Of a pool that is gone it keeps what it must: nobody uses it yet. */
	if ((entry->dead || dap_client_refresh(client)) &&
	    !dap_client_holds_memory(client)) {
		dap_client_drop(client);
		reap_entry(entry);
	}
out:
	dap_unlock();
}

/* Not before: a default pool tries many devices that turn out not to be there. */
static void after_probe(struct device *dev)
{
	struct dap_client *client;

	dap_lock();
	client = dap_client_find(dev);
	if (client && !client->excluded)
		dap_client_announce(client);
	dap_unlock();
}

/* Leaked memory to be named in the log, of one client. */
#define DAP_REPORTED_LEAKS	8

/* What a driver left behind, and who allocated it: nobody else will tell. */
static void report_leaks(struct dap_client *client, const struct dap_user *user)
{
	struct dap_pool *pool = client->pool;
	char name[DAP_CALLER_LEN];
	struct dap_live live;
	u32 page, shown = 0;

	dev_warn(client->dev,
		 "driver %s is gone but still holds %zu bytes of DMA pool %s in %u allocations: kept, the device may be using them\n",
		 client->driver, user->live_bytes, pool->name,
		 user->live_allocs);
	for (page = 0; shown < DAP_REPORTED_LEAKS &&
	     dap_pool_next(pool, page, &live); page = live.page + live.pages) {
		if (live.user != &client->user)
			continue;
		shown++;
		dev_warn(client->dev, "%u bytes at offset %#llx, from %s\n",
			 live.size, (u64)live.page << PAGE_SHIFT,
			 dap_caller_name(live.caller, name));
	}
	if (user->live_allocs > shown)
		dev_warn(client->dev, "and %u more, see allocations in debugfs\n",
			 user->live_allocs - shown);
}

static void after_unbind(struct device *dev)
{
	struct dap_client *client;
	struct dap_user user;

	dap_lock();
	client = dap_client_find(dev);
	if (!client)
		goto out;

	dap_pool_user(client->pool, &client->user, &user);
	if (user.live_allocs)
		report_leaks(client, &user);
	/* What it borrowed has just been freed. */
	if (client->companion)
		dap_companion_refresh(client->companion, dev);
	/* Some architectures clear the ops at unbind. */
	if (user.held)
		set_dma_ops(dev, &client->ops);
	if (client->in_place) {
		client->in_place = false;
		module_put(THIS_MODULE);
	}
	release_if_idle(client);
out:
	dap_unlock();
}

static void after_removal(struct device *dev)
{
	struct dap_client *client;

	dap_lock();
	dap_outsider_del(dev);
	client = dap_client_find(dev);
	if (client) {
		client->gone = true;
		dap_pool_user_leaves(client->pool, &client->user);
		release_if_idle(client);
	}
	dap_unlock();
}

static int dap_bus_notify(struct notifier_block *nb, unsigned long action,
			  void *data)
{
	switch (action) {
	case BUS_NOTIFY_BIND_DRIVER:
		before_probe(data);
		break;
	case BUS_NOTIFY_BOUND_DRIVER:
		after_probe(data);
		break;
	case BUS_NOTIFY_UNBOUND_DRIVER:
		after_unbind(data);
		break;
	case BUS_NOTIFY_REMOVED_DEVICE:
		after_removal(data);
		break;
	}
	return NOTIFY_DONE;
}

/* The buses whose devices do DMA in their own name. */
static struct dap_bus {
	DAP_BUS_CONST struct bus_type *type;
	struct notifier_block nb;
} dap_buses[] = {
	{ &platform_bus_type, { .notifier_call = dap_bus_notify } },
#ifdef CONFIG_ARM_AMBA
	{ &amba_bustype, { .notifier_call = dap_bus_notify } },
#endif
#ifdef CONFIG_PCI
	{ &pci_bus_type, { .notifier_call = dap_bus_notify } },
#endif
};

/* Does it wait for a pool, without a driver for want of memory, maybe? */
static bool waits(struct device *dev)
{
	bool by_default, ret;

	/* A pool that failed does not want one. */
	if (of_match_device(dap_pool_driver.driver.of_match_table, dev))
		return false;

	dap_lock();
	ret = !dev->driver && !dap_client_find(dev) &&
	      dap_choose(dev, true, &by_default);
	dap_unlock();
	return ret;
}

static int probe_again(struct device *dev, void *unused)
{
	if (waits(dev) && device_attach(dev) < 0)
		dev_dbg(dev, "did not bind with a DMA pool either\n");
	return 0;
}

/*
 * Most noMMU drivers are built in: where they need coherent memory, their probes
 * have failed by the time the module is loaded.
 */
static void dap_probe_waiting(struct work_struct *work)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(dap_buses); i++)
		bus_for_each_dev(dap_buses[i].type, NULL, NULL, probe_again);
}

static DECLARE_WORK(dap_probe_work, dap_probe_waiting);

/**
 * dap_attach_settle() - wait until the devices that new pools serve are probed
 *
 * Context: process context, may sleep; not from a probe.
 */
void dap_attach_settle(void)
{
	flush_work(&dap_probe_work);
}

/**
 * dap_find_device() - look for a device by its name, on all buses
 * @name: as in /sys/bus/.../devices
 *
 * Context: process context, may sleep.
 * Return: the device, with a reference, or NULL.
 */
struct device *dap_find_device(const char *name)
{
	struct device *dev = NULL;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(dap_buses) && !dev; i++)
		dev = bus_find_device_by_name(dap_buses[i].type, NULL, name);
	return dev;
}

static int note_outsider(struct device *dev, void *unused)
{
	dap_outsider_add(dev);
	return 0;
}

static void unregister_notifiers(unsigned int count)
{
	while (count--)
		bus_unregister_notifier(dap_buses[count].type,
					&dap_buses[count].nb);
}

/**
 * dap_attach_init() - begin to watch devices being bound
 *
 * Context: process context, may sleep.
 * Return: 0 or an error.
 */
int dap_attach_init(void)
{
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(dap_buses); i++) {
		ret = bus_register_notifier(dap_buses[i].type, &dap_buses[i].nb);
		if (ret) {
			unregister_notifiers(i);
			return ret;
		}
	}
	/* Who comes from now on is seen by the notifiers. */
	dap_lock();
	for (i = 0; i < ARRAY_SIZE(dap_buses); i++)
		bus_for_each_dev(dap_buses[i].type, NULL, NULL, note_outsider);
	dap_unlock();
	return 0;
}

/*
 * Drop the clients of a pool that hold nothing and have no driver.  Returns one
 * that has: whether a driver is there is nothing that dap_lock() keeps, so it is
 * looked at once.
 */
static struct device *drop_unbound(struct dap_entry *entry)
{
	struct dap_client *client, *next;

	list_for_each_entry_safe(client, next, dap_clients(entry), node) {
		if (READ_ONCE(client->dev->driver) && !client->in_place &&
		    !client->excluded)
			return get_device(client->dev);
		dap_pool_user_leaves(client->pool, &client->user);
		if (!client->in_place && !dap_client_holds_memory(client))
			dap_client_drop(client);
	}
	return NULL;
}

/*
 * Unbind the drivers of all clients of a pool that has gone, or goes, and drop
 * those that hold nothing.  dap_lock() is given up meanwhile: a device that is just
 * being bound or unbound is waited for.
 */
static void release_clients(struct dap_entry *entry)
{
	struct device *bound;

	while ((bound = drop_unbound(entry))) {
		dap_unlock();
		device_release_driver(bound);
		put_device(bound);
		dap_lock();
	}
}

/**
 * dap_attach_exit() - undo dap_attach_init()
 *
 * All pools have been retired, and no memory is held: the module could not be
 * unloaded otherwise.
 *
 * Context: process context, may sleep.
 */
void dap_attach_exit(void)
{
	struct dap_entry *entry;

	/* Clients that were bound again after their pool had gone. */
	dap_lock();
	while ((entry = list_first_entry_or_null(&dap_entries, struct dap_entry,
						 node))) {
		release_clients(entry);
		if (WARN_ON(!list_empty(dap_clients(entry))))
			break;
		reap_entry(entry);
	}
	dap_unlock();
	unregister_notifiers(ARRAY_SIZE(dap_buses));
	cancel_work_sync(&dap_probe_work);
	flush_work(&dap_reap_work);
	/*
	 * A last free drops its module reference with interrupts off: let it
	 * leave that section before the code goes away.
	 */
	synchronize_rcu();
	dap_outsider_exit();
}

static int check_unique(struct device *dev, const struct dap_spec *spec)
{
	struct dap_entry *entry;

	dap_assert_locked();
	list_for_each_entry(entry, &dap_entries, node) {
		if (!strcmp(entry->pool.name, spec->name))
			return dev_err_probe(dev, -EEXIST,
					     "there is a DMA pool %s already\n",
					     spec->name);
		if (entry->is_default && spec->is_default)
			return dev_err_probe(dev, -EEXIST,
					     "DMA pool %s is the default already\n",
					     entry->pool.name);
	}
	return 0;
}

/**
 * dap_entry_create() - bring a pool up
 * @dev:       its platform device, being probed
 * @spec:      what it is made of
 * @region_np: node of its region, or NULL; a reference is taken
 * @verify:    check that the alias is one
 *
 * Context: process context, may sleep.
 * Return: the pool, or an ERR_PTR that has been reported, here or by the kernel's
 * own allocator.
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
	INIT_LIST_HEAD(&entry->clients);
	entry->has_bus = spec->has_bus;
	entry->bus = spec->bus;
	entry->is_default = spec->is_default;

	dap_lock();
	ret = check_unique(dev, spec);
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
	schedule_work(&dap_probe_work);
	return entry;
}

/**
 * dap_entry_retire() - take a pool down with its device
 * @entry: the pool; freed here, or later, when the last memory of it is freed
 *
 * Context: process context, may sleep.
 */
void dap_entry_retire(struct dap_entry *entry)
{
	struct dap_client *client;

	dap_lock();
	/* Nobody joins from now on, but those who leave may need memory for it. */
	entry->dead = true;
	release_clients(entry);
	dap_pool_kill(&entry->pool);
	list_for_each_entry(client, dap_clients(entry), node)
		remove_link(client);
	/* Memory may be held for long yet, its device tree node need not be. */
	put_device(entry->dev);
	entry->dev = NULL;
	reap_entry(entry);
	dap_unlock();
}

/**
 * dap_entry_exists() - is there a pool of this name?
 * @name: the name
 *
 * Context: process context, may sleep.
 * Return: whether there is.
 */
bool dap_entry_exists(const char *name)
{
	bool found;

	dap_lock();
	found = dap_entry_find(name);
	dap_unlock();
	return found;
}
