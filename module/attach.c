// SPDX-License-Identifier: GPL-2.0
/*
 * Which device is served by which pool, and for how long.
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
 * A bound client is linked to its pool's device as a consumer.  When the pool's
 * device is unbound or removed, and that includes rmmod, the driver core
 * unbinds the clients first.
 *
 * Locking: dap_lock protects the lists and who belongs to whom.  It is taken in
 * process context only, with a device's lock held (bus notifiers) or without,
 * and no device's lock is taken under it.  Pool locks nest inside.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/amba/bus.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
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
#include "compat.h"
#include "dma_alias_pool.h"
#include "debugfs.h"
#include "direct.h"

static DEFINE_MUTEX(dap_lock);
static LIST_HEAD(dap_entries);
static LIST_HEAD(dap_buried);

/* clients=, in the order given; set once, at load. */
static struct dap_rule *dap_rules;
static unsigned int dap_nr_rules;

static void destroy_entry(struct dap_entry *entry)
{
	dap_debugfs_remove(entry);
	dap_pool_destroy(&entry->pool);
	of_node_put(entry->region_np);
	put_device(entry->dev);
	kfree(entry);
}

/* Readers of debugfs take dap_lock, and removing a file waits for them. */
static void dap_unlock(void)
{
	struct dap_entry *entry, *next;
	LIST_HEAD(buried);

	list_splice_init(&dap_buried, &buried);
	mutex_unlock(&dap_lock);

	list_for_each_entry_safe(entry, next, &buried, node)
		destroy_entry(entry);
}

static struct dap_entry *entry_of(struct dap_client *client)
{
	return container_of(client->pool, struct dap_entry, pool);
}

static struct dap_client *find_client(struct device *dev)
{
	struct dap_client *client;
	struct dap_entry *entry;

	list_for_each_entry(entry, &dap_entries, node)
		list_for_each_entry(client, &entry->clients, node)
			if (client->dev == dev)
				return client;
	return NULL;
}

/* The pool called @name; for an empty name the only one there is. */
static struct dap_entry *find_entry(const char *name)
{
	struct dap_entry *entry;

	if (!*name && list_is_singular(&dap_entries))
		return list_first_entry(&dap_entries, struct dap_entry, node);
	list_for_each_entry(entry, &dap_entries, node)
		if (*name && !strcmp(entry->pool.name, name))
			return entry;
	return NULL;
}

/*
 * Bus address of the pool's first byte for this device.  The pool is one piece
 * for the device only if its translation keeps it in one.
 */
static const char *translate(struct device *dev, struct dap_entry *entry,
			     dma_addr_t *bus)
{
	struct dap_region *region = &entry->pool.region;
	dma_addr_t end;

	*bus = entry->bus;
	if (entry->has_bus)
		return NULL;

	*bus = phys_to_dma(dev, region->phys);
	end = phys_to_dma(dev, region->phys + region->size - 1);
	if (*bus == DMA_MAPPING_ERROR || end == DMA_MAPPING_ERROR ||
	    end - *bus != region->size - 1)
		return "dma-ranges of its bus do not cover the pool in one piece";
	return NULL;
}

/* Why this device cannot be a client, or NULL. */
static const char *refusal(struct device *dev)
{
	if (!dev->dma_mask || !dev->coherent_dma_mask)
		return "it has no DMA mask";
#ifdef CONFIG_DMA_DECLARE_COHERENT
	if (dev->dma_mem)
		return "it has coherent memory of its own (shared-dma-pool)";
#endif
	if (iommu_get_domain_for_dev(dev))
		return "it is behind an IOMMU";
	return NULL;
}

static int refuse(struct device *dev, const char *pool, const char *why)
{
	dev_err(dev, "not attached to DMA pool %s: %s\n", pool, why);
	return -EINVAL;
}

/* Take over what binding has set up anew; the client may hold memory. */
static int refresh(struct dap_client *client)
{
	struct device *dev = client->dev;
	struct dap_entry *entry = entry_of(client);
	const char *why;
	dma_addr_t bus;

	why = refusal(dev) ?: translate(dev, entry, &bus);
	if (why)
		return refuse(dev, client->pool->name, why);

	if (dev->dma_ops != &client->ops)
		client->before = dev->dma_ops;
	if (!client->before && !client->companion) {
		client->companion = dap_companion_create(dev);
		if (!client->companion)
			return refuse(dev, client->pool->name, "out of memory");
	}

	/*
	 * Dropped by the driver core when the driver is unbound or its probe
	 * fails.  A driver that cannot be unbound pins the module instead.
	 */
	if (!client->in_place &&
	    !device_link_add(dev, entry->dev, DL_FLAG_AUTOREMOVE_CONSUMER))
		return refuse(dev, client->pool->name,
			      "the pool's device depends on it");

	client->bus = bus;
	client->bus_end = bus + client->pool->region.size - 1;
	strscpy(client->driver, dev->driver ? dev->driver->name : "-",
		sizeof(client->driver));
	if (client->companion)
		dap_companion_refresh(client->companion, dev);
	dap_ops_build(client);
	set_dma_ops(dev, &client->ops);
	return 0;
}

/* A client to be; its ops are set by refresh(). */
static struct dap_client *add_client(struct device *dev,
				     struct dap_entry *entry)
{
	struct dap_client *client;

	client = kzalloc(sizeof(*client), GFP_KERNEL);
	if (!client) {
		refuse(dev, entry->pool.name, "out of memory");
		return NULL;
	}
	client->dev = get_device(dev);
	client->pool = &entry->pool;
	client->user.dev = dev;
	strscpy(client->driver, "-", sizeof(client->driver));
	list_add_tail(&client->node, &entry->clients);
	return client;
}

static void announce(struct dap_client *client)
{
	if (client->announced)
		return;
	client->announced = true;
	dev_info(client->dev, "coherent DMA memory comes from pool %s\n",
		 client->pool->name);
}

static bool holds_memory(struct dap_client *client)
{
	struct dap_user user;

	dap_pool_user(client->pool, &client->user, &user);
	return user.held;
}

/* Nobody may be using the client: not a driver, and it holds nothing. */
static bool is_idle(struct dap_client *client)
{
	return client->excluded ||
	       (!client->dev->driver && !holds_memory(client));
}

static void restore_ops(struct dap_client *client)
{
	if (client->dev->dma_ops == &client->ops)
		set_dma_ops(client->dev, client->before);
}

/* It goes, and no policy brings it back. */
static void exclude(struct dap_client *client)
{
	restore_ops(client);
	client->excluded = true;
	client->announced = false;
}

static void detach(struct dap_client *client)
{
	restore_ops(client);
	list_del(&client->node);
	dap_companion_destroy(client->companion);
	put_device(client->dev);
	kfree(client);
}

/* A pool whose device is gone goes with its last client: see dap_unlock(). */
static void reap_entry(struct dap_entry *entry)
{
	if (entry->dead && list_empty(&entry->clients))
		list_move(&entry->node, &dap_buried);
}

static void dap_reap(struct work_struct *work)
{
	struct dap_client *client, *next_client;
	struct dap_entry *entry, *next_entry;

	mutex_lock(&dap_lock);
	list_for_each_entry_safe(entry, next_entry, &dap_entries, node) {
		list_for_each_entry_safe(client, next_client, &entry->clients,
					 node)
			if (client->user.leaving && is_idle(client))
				detach(client);
		reap_entry(entry);
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

/*
 * The pool of the first memory-region of a device that has one; *named tells
 * whether the device asked for one at all.
 */
static struct dap_entry *entry_of_node(const struct device_node *np,
				       bool *named)
{
	struct dap_entry *entry, *found = NULL;
	struct device_node *region;
	int i;

	*named = false;
	for (i = 0; !found; i++) {
		region = of_parse_phandle(np, "memory-region", i);
		if (!region)
			break;
		*named |= of_device_is_compatible(region,
						  "dma-alias-pool,region");
		list_for_each_entry(entry, &dap_entries, node)
			if (entry->region_np == region)
				found = entry;
		of_node_put(region);
	}
	return found;
}

/*
 * The pool of a device that has none yet: what its own node says comes before
 * the parameter, and that before the default.  Only the default leaves a
 * device alone without a word.
 */
static struct dap_entry *choose(struct device *dev, bool quiet)
{
	const char *why = refusal(dev);
	struct dap_entry *entry;
	unsigned int i;
	bool named;

	entry = entry_of_node(dev->of_node, &named);
	if (entry)
		goto found;
	if (named) {
		if (!quiet)
			dev_warn(dev, "no DMA pool serves its memory-region\n");
		return NULL;
	}

	for (i = 0; i < dap_nr_rules; i++) {
		if (!dap_glob_match(dap_rules[i].glob, dev_name(dev)))
			continue;
		entry = find_entry(dap_rules[i].pool);
		if (entry)
			goto found;
		if (!quiet)
			dev_warn(dev, "no DMA pool %s for clients=%s\n",
				 dap_rules[i].pool, dap_rules[i].glob);
		return NULL;
	}

	list_for_each_entry(entry, &dap_entries, node) {
		dma_addr_t bus;

		if (entry->is_default && !entry->dead && !why &&
		    !dev_is_dma_coherent(dev) && !translate(dev, entry, &bus))
			return entry;
	}
	return NULL;

found:
	if (entry->dead)
		why = "the pool is gone";
	if (!why)
		return entry;
	if (!quiet)
		refuse(dev, entry->pool.name, why);
	return NULL;
}

static void before_probe(struct device *dev)
{
	struct dap_client *client;
	struct dap_entry *entry;

	if (dev->driver == &dap_pool_driver.driver)
		return;

	mutex_lock(&dap_lock);
	client = find_client(dev);
	if (!client) {
		entry = choose(dev, false);
		if (entry)
			client = add_client(dev, entry);
		if (!client)
			goto out;
	}
	if (client->excluded || entry_of(client)->dead)
		goto out;
	if (!refresh(client))
		announce(client);
	else if (!holds_memory(client))
		detach(client);
out:
	dap_unlock();
}

/* Let go of a client whose time is over, and of its pool with it. */
static void release_if_idle(struct dap_client *client)
{
	struct dap_entry *entry = entry_of(client);

	if (client->user.leaving && is_idle(client)) {
		detach(client);
		reap_entry(entry);
	}
}

static void after_unbind(struct device *dev)
{
	struct dap_client *client;
	struct dap_user user;

	mutex_lock(&dap_lock);
	client = find_client(dev);
	if (!client)
		goto out;

	dap_pool_user(client->pool, &client->user, &user);
	if (user.live_allocs)
		dev_warn(dev,
			 "driver %s is gone but still holds %zu bytes of DMA pool %s in %u allocations: kept, the device may be using them\n",
			 client->driver, user.live_bytes, client->pool->name,
			 user.live_allocs);
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

	mutex_lock(&dap_lock);
	client = find_client(dev);
	if (client) {
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
	struct bus_type *bus;
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
	bool ret;

	/* A pool that failed does not want one. */
	if (of_match_device(dap_pool_driver.driver.of_match_table, dev))
		return false;

	mutex_lock(&dap_lock);
	ret = !dev->driver && !find_client(dev) && choose(dev, true);
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
		bus_for_each_dev(dap_buses[i].bus, NULL, NULL, probe_again);
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
		dev = bus_find_device_by_name(dap_buses[i].bus, NULL, name);
	return dev;
}

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
	struct dap_client *old = find_client(dev);
	const char *why = refusal(dev);

	*client = NULL;
	if (old && !old->excluded && entry_of(old) != entry) {
		dev_err(dev, "not attached to DMA pool %s: it is a client of %s\n",
			entry->pool.name, old->pool->name);
		return -EBUSY;
	}
	if (why)
		return refuse(dev, entry->pool.name, why);
	if (old && !old->excluded)
		return 0;

	if (old)
		detach(old);
	*client = add_client(dev, entry);
	return *client ? 0 : -ENOMEM;
}

static int attach_in_place(struct dap_client *client)
{
	int ret;

	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	client->in_place = true;
	client->foreign = true;
	ret = refresh(client);
	if (ret) {
		client->in_place = false;
		module_put(THIS_MODULE);
		return ret;
	}
	announce(client);
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
	mutex_lock(&dap_lock);
	bound = dev->driver;
	if (entry->dead || dev->driver == &dap_pool_driver.driver)
		ret = refuse(dev, entry->pool.name, "that is not possible");
	else
		ret = admit(dev, entry, &client);
	if (client && bound && !can_unbind(dev)) {
		ret = attach_in_place(client);
		if (ret)
			detach(client);
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
	return 0;
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

	mutex_lock(&dap_lock);
	client = find_client(dev);
	if (!client || client->excluded || entry_of(client) != entry) {
		why = "it is no client of it";
		ret = -ENOENT;
	} else if (holds_memory(client)) {
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
	mutex_lock(&dap_lock);
	client = find_client(dev);
	if (client && !dev->driver && !holds_memory(client)) {
		exclude(client);
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
	if (refresh(client)) {
		detach(client);
		return -EINVAL;
	}
	announce(client);
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

	mutex_lock(&dap_lock);
	entry = find_entry(pool ?: "");
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

	mutex_lock(&dap_lock);
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

	mutex_lock(&dap_lock);
	client = find_client(dev);
	if (!client || client->excluded)
		ret = -ENOENT;
	else if (holds_memory(client) || client->in_place)
		ret = -EBUSY;
	else
		exclude(client);
	dap_unlock();
	return ret;
}
EXPORT_SYMBOL_GPL(dma_alias_pool_detach);

static void unregister_notifiers(unsigned int count)
{
	while (count--)
		bus_unregister_notifier(dap_buses[count].bus,
					&dap_buses[count].nb);
}

/**
 * dap_attach_init() - begin to watch devices being bound
 * @rules:    entries of clients=, used until dap_attach_exit()
 * @nr_rules: their number
 *
 * Context: process context, may sleep.
 * Return: 0 or an error.
 */
int dap_attach_init(struct dap_rule *rules, unsigned int nr_rules)
{
	unsigned int i;
	int ret;

	dap_rules = rules;
	dap_nr_rules = nr_rules;
	for (i = 0; i < ARRAY_SIZE(dap_buses); i++) {
		ret = bus_register_notifier(dap_buses[i].bus, &dap_buses[i].nb);
		if (ret) {
			unregister_notifiers(i);
			return ret;
		}
	}
	return 0;
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
	unregister_notifiers(ARRAY_SIZE(dap_buses));
	cancel_work_sync(&dap_probe_work);
	flush_work(&dap_reap_work);
	/*
	 * A last free drops its module reference with interrupts off: let it
	 * leave that section before the code goes away.
	 */
	synchronize_rcu();
	WARN_ON(!list_empty(&dap_entries));
}

static int check_unique(struct device *dev, const struct dap_spec *spec)
{
	struct dap_entry *entry;

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
 * Return: the pool, or an ERR_PTR that has been reported.
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

	mutex_lock(&dap_lock);
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

/* A client that was bound again while the pool's device was being unbound. */
static struct device *first_bound(struct dap_entry *entry)
{
	struct dap_client *client;

	list_for_each_entry(client, &entry->clients, node)
		if (client->dev->driver && !client->in_place &&
		    !client->excluded)
			return get_device(client->dev);
	return NULL;
}

/**
 * dap_entry_retire() - take a pool down with its device
 * @entry: the pool; freed here, or later, when the last memory of it is freed
 *
 * Context: process context, may sleep.
 */
void dap_entry_retire(struct dap_entry *entry)
{
	struct dap_client *client, *next;
	struct device *bound;

	dap_pool_kill(&entry->pool);

	mutex_lock(&dap_lock);
	entry->dead = true;
	while ((bound = first_bound(entry))) {
		dap_unlock();
		device_release_driver(bound);
		put_device(bound);
		mutex_lock(&dap_lock);
	}
	list_for_each_entry_safe(client, next, &entry->clients, node) {
		dap_pool_user_leaves(client->pool, &client->user);
		if (is_idle(client))
			detach(client);
	}
	reap_entry(entry);
	dap_unlock();
}

/**
 * dap_rules_check() - does each entry of clients= name a pool?
 *
 * Context: process context, may sleep; after the pools were made.
 * Return: 0, or -ENOENT, reported.
 */
int dap_rules_check(void)
{
	unsigned int i;
	int ret = 0;

	mutex_lock(&dap_lock);
	for (i = 0; i < dap_nr_rules && !ret; i++) {
		if (find_entry(dap_rules[i].pool))
			continue;
		ret = -ENOENT;
		if (*dap_rules[i].pool)
			pr_err("clients=%s@%s: there is no such pool\n",
			       dap_rules[i].glob, dap_rules[i].pool);
		else if (list_empty(&dap_entries))
			pr_err("clients=%s: there is no pool, add pools= or a device tree node\n",
			       dap_rules[i].glob);
		else
			pr_err("clients=%s: there are several pools, add @NAME\n",
			       dap_rules[i].glob);
	}
	dap_unlock();
	return ret;
}

/**
 * dap_entry_exists() - is there a pool of this name?
 * @name: the name
 *
 * Context: process context, may sleep.
 */
bool dap_entry_exists(const char *name)
{
	bool found;

	mutex_lock(&dap_lock);
	found = find_entry(name);
	dap_unlock();
	return found;
}

/**
 * dap_clients_lock() - keep the clients of all pools as they are
 *
 * Context: process context, may sleep; until dap_clients_unlock().
 */
void dap_clients_lock(void)
{
	mutex_lock(&dap_lock);
}

/**
 * dap_clients_unlock() - undo dap_clients_lock()
 */
void dap_clients_unlock(void)
{
	dap_unlock();
}
