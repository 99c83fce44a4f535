// SPDX-License-Identifier: GPL-2.0
/*
 * Decides which pool a device gets, and which devices can have none.
 *
 * This only makes decisions; others act on them.
 *
 * Contexts and locking: process context, under dap_lock(), except for what reads
 * only the device (dap_policy_refusal(), dap_report_refusal()) and what loading
 * the module calls (dap_policy_init(), and dap_policy_resolve(), which takes the
 * lock).
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/init.h>
#include <linux/iommu.h>
#include <linux/of.h>
#include <linux/platform_device.h>

#include "bus.h"
#include "compat.h"
#include "outsider.h"
#include "policy.h"

/* The entries of clients=, in their order; set once, at load. */
static struct dap_rule *dap_rules;
static unsigned int dap_nr_rules;

/**
 * dap_policy_init() - set the entries of clients=
 * @rules:    the entries, which are used until the module is unloaded
 * @nr_rules: their number
 */
void __init dap_policy_init(struct dap_rule *rules, unsigned int nr_rules)
{
	dap_rules = rules;
	dap_nr_rules = nr_rules;
}

/**
 * dap_policy_is_pool() - is a device one that the driver of pools is for?
 * @dev: the device
 *
 * Return: true if it is.
 */
bool dap_policy_is_pool(const struct device *dev)
{
	return of_device_is_compatible(dev->of_node, "dma-alias-pool") ||
	       (dev->bus == &platform_bus_type &&
		!strcmp(to_platform_device(dev)->name, "dma_alias_pool"));
}

/**
 * dap_policy_refusal() - why can a device not be a client of any pool?
 * @dev: the device
 *
 * Return: the reason, to follow "not attached to DMA pool NAME: ", or NULL if
 * it can.
 */
const char *dap_policy_refusal(struct device *dev)
{
	if (dap_policy_is_pool(dev))
		return "it is a pool itself";
	if (!dev->dma_mask || !dev->coherent_dma_mask)
		return "it has no DMA mask";
	if (dap_has_own_memory(dev))
		return "it has coherent memory of its own (shared-dma-pool)";
	if (iommu_get_domain_for_dev(dev) || dap_uses_dma_iommu(dev))
		return "it is behind an IOMMU";
	if (dap_is_restricted(dev))
		return "it reaches its restricted-dma-pool only";
	if (dap_hides_memory())
		return "memory is encrypted, or has other addresses (Xen PV)";
	return NULL;
}

/**
 * dap_policy_refusal_by() - why can a device not be a client of this pool?
 * @entry: the pool
 * @dev:   the device
 *
 * Context: under dap_lock().
 * Return: as dap_policy_refusal().
 */
const char *dap_policy_refusal_by(const struct dap_entry *entry,
				  struct device *dev)
{
	dap_assert_locked();
	if (entry->state != DAP_UP)
		return "the pool is gone";
	if (!dap_registry_is_open)
		return "the module is being loaded or unloaded";
	return dap_policy_refusal(dev);
}

/**
 * dap_report_refusal() - report that a device does not become a client
 * @dev:  the device
 * @pool: name of the pool
 * @why:  the reason
 *
 * Return: -EINVAL.
 */
int dap_report_refusal(struct device *dev, const char *pool, const char *why)
{
	dev_err(dev, "not attached to DMA pool %s: %s\n", pool, why);
	return -EINVAL;
}

/*
 * Find the pool of the first memory-region of a device that has one.  *named is
 * set to whether the device has named a region of a pool at all, *broken to
 * whether its property cannot be read, so that it may have named one.
 */
static struct dap_entry *policy_find_by_node(const struct device_node *np,
					     bool *named, bool *broken)
{
	struct dap_entry *found = NULL;
	struct of_phandle_iterator it;
	int bytes, err;

	*named = false;
	*broken = false;
	if (!of_find_property(np, "memory-region", &bytes))
		return NULL;
	*broken = !bytes || bytes % sizeof(it.phandle);
	of_for_each_phandle(&it, err, np, "memory-region", NULL, 0) {
		/*
		 * A phandle of 0 is no error: it stands for an entry without a
		 * region.
		 */
		*broken |= !it.node && it.phandle;
		/*
		 * Naming the pool instead of its region is wrong, but the
		 * intent is clear.
		 */
		*named |= dap_is_pool_region(it.node) ||
			  of_device_is_compatible(it.node, "dma-alias-pool");
		found = dap_entry_find_by_node(it.node);
		if (found) {
			of_node_put(it.node);
			break;
		}
	}
	return found;
}

/**
 * dap_policy_choose() - find the pool that was named for a device that has none
 * yet
 * @dev:   the device
 * @quiet: do not report why it cannot have that pool
 *
 * What the device's own node says comes before clients=.  For the default pool,
 * which comes last, see dap_policy_choose_default().
 *
 * Return: the pool; NULL if nobody named one; ERR_PTR(-ENOENT) if the device is
 * to have none, or cannot have the one that was named.
 */
struct dap_entry *dap_policy_choose(struct device *dev, bool quiet)
{
	struct dap_entry *entry;
	bool named, broken;
	const char *why;
	unsigned int i;

	dap_assert_locked();
	if (!dap_registry_is_open || dap_policy_is_pool(dev) ||
	    dap_outsider_is_excluded(dev))
		return ERR_PTR(-ENOENT);
	entry = policy_find_by_node(dev->of_node, &named, &broken);
	if (entry)
		goto found;
	if (broken && !quiet)
		dev_warn(dev, "memory-region is no list of phandles\n");
	if (named) {
		if (!quiet)
			dev_warn(dev, "no DMA pool serves its memory-region\n");
		return ERR_PTR(-ENOENT);
	}

	for (i = 0; i < dap_nr_rules; i++)
		if (dap_glob_match(dap_rules[i].glob, dev_name(dev)))
			break;
	if (i == dap_nr_rules)
		return NULL;
	entry = dap_entry_find(dap_rules[i].pool);
	if (!entry) {
		if (!quiet)
			dev_warn(dev, "there is no DMA pool %s for clients=%s\n",
				 dap_rules[i].pool, dap_rules[i].glob);
		return ERR_PTR(-ENOENT);
	}

found:
	why = dap_policy_refusal_by(entry, dev);
	if (!why)
		return entry;
	if (!quiet)
		dap_report_refusal(dev, entry->pool.name, why);
	return ERR_PTR(-ENOENT);
}

/*
 * Is an area of CMA there for this device?  The driver asks for it only in its
 * probe, and our operations would come before it.
 */
static bool policy_has_cma_area(const struct device_node *np)
{
	struct of_phandle_iterator it;
	int err;

	if (!IS_ENABLED(CONFIG_DMA_CMA))
		return false;
	of_for_each_phandle(&it, err, np, "memory-region", NULL, 0)
		if (of_device_is_compatible(it.node, "shared-dma-pool") &&
		    of_property_read_bool(it.node, "reusable")) {
			of_node_put(it.node);
			return true;
		}
	return false;
}

/**
 * dap_policy_choose_default() - find the default pool for a device for which
 * none was named
 * @dev: the device
 *
 * If the device does not qualify, that is not reported.  As long as it has no
 * driver, only part of what its bus can address is known: then its bus is asked
 * when it is bound.
 *
 * Return: the pool, or NULL.
 */
struct dap_entry *dap_policy_choose_default(struct device *dev)
{
	struct dap_entry *entry;
	dma_addr_t addr;

	dap_assert_locked();
	list_for_each_entry(entry, &dap_entries, node)
		if (entry->is_default && entry->state == DAP_UP &&
		    !dap_policy_refusal(dev) && !dap_is_coherent(dev) &&
		    !policy_has_cma_area(dev->of_node) &&
		    (!dev->driver || !dap_bus_address(dev, entry, &addr)))
			return entry;
	return NULL;
}

/*
 * Split an entry of clients= at the "@" before the name of a pool.  Names of
 * devices (soc:dma@0) and of pools (sram@20000000) may have an "@" as well, so
 * this is the first "@" after which the name of an existing pool follows.  If
 * there is none, and the text after the last "@" could be the name of a pool,
 * the entry is a mistake.
 *
 * Returns false for a mistake.
 */
static bool __init policy_split_rule(struct dap_rule *rule)
{
	char *name = rule->glob, *last = NULL;

	while ((name = strchr(name, '@'))) {
		last = ++name;
		if (dap_entry_find(name)) {
			strscpy(rule->pool, name, sizeof(rule->pool));
			name[-1] = '\0';
			return true;
		}
	}
	return !last || !dap_valid_name(last, strlen(last));
}

/**
 * dap_policy_resolve() - find the pool of each entry of clients=
 *
 * Splits each entry into the name of the device and that of its pool.  An entry
 * without a pool gets the name of the only one there is.
 *
 * Context: process context, may sleep; after the pools were made.
 * Return: 0, or -ENOENT, reported.
 */
int __init dap_policy_resolve(void)
{
	struct dap_rule *rule;
	struct dap_entry *entry;
	const char *why;
	int ret = 0;

	dap_lock();
	for (rule = dap_rules; rule < dap_rules + dap_nr_rules; rule++) {
		bool valid = policy_split_rule(rule);

		entry = valid ? dap_entry_find(rule->pool) : NULL;
		if (entry) {
			/* The only one now may not be the only one for long. */
			strscpy(rule->pool, entry->pool.name,
				sizeof(rule->pool));
			continue;
		}
		if (!valid)
			why = "there is no such pool (a device name with @ needs @NAME after it)";
		else if (list_empty(&dap_entries))
			why = "there is no pool, add pools= or a device tree node";
		else
			why = "there are several pools, add @NAME";
		pr_err("clients=%s: %s\n", rule->glob, why);
		ret = -ENOENT;
		break;
	}
	dap_unlock();
	return ret;
}
