// SPDX-License-Identifier: GPL-2.0
/*
 * The driver of pools, and the module's parameters.
 *
 * A pool is a platform device.  The device tree describes some of them, see
 * of.c.  For each entry of pools=, the module makes such a device itself, so
 * that all pools are probed in the same way.  What a pool owns does not depend
 * on its device, see registry.c.
 *
 * No device becomes a client as long as loading the module can still fail.  If
 * its init fails, the module's code is freed, even if somebody would still use
 * it.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "attach.h"
#include "client.h"
#include "compat.h"
#include "debugfs.h"
#include "entry.h"
#include "of.h"
#include "ops.h"
#include "params.h"
#include "policy.h"
#include "rmem.h"
#include "sysfs.h"
#include "waiting.h"

/*
 * pools= decides which memory devices may write to, so a locked down kernel
 * must not accept it.
 */
static char *pools;
module_param_hw(pools, charp, iomem, 0400);
MODULE_PARM_DESC(pools,
		 "NAME:BASE:SIZE[:ALIAS[:BUS]],... pools");

static char *clients;
module_param(clients, charp, 0400);
MODULE_PARM_DESC(clients,
		 "GLOB[@NAME],... devices to be served by pool NAME");

static char *max_align;
module_param(max_align, charp, 0400);
MODULE_PARM_DESC(max_align,
		 "BYTES[@NAME],... align no allocation to more (default: 0, naturally)");

static bool verify = true;
module_param(verify, bool, 0400);
MODULE_PARM_DESC(verify,
		 "check that the alias reaches the same memory, uncached (default: 1)");

static bool guard;
module_param(guard, bool, 0400);
MODULE_PARM_DESC(guard,
		 "stop at any access to a pool's cacheable view (ARMv7-M, default: 0)");

static struct dap_spec *dap_specs;	/* freed when the module is loaded */
static unsigned int dap_nr_specs;
static struct dap_rule *dap_rules;
static unsigned int dap_nr_rules;
static struct dap_align *dap_aligns;
static unsigned int dap_nr_aligns;
static struct platform_device **dap_devices;
static unsigned int dap_nr_devices;

/* Result of the last probe of a device that was made here. */
static int dap_probe_result;

/* Describe for people how the CPU reaches the memory of a pool. */
static void dap_describe_region(const struct dap_region *region, char *text,
				size_t size)
{
	int len;

	if (region->use_mpu) {
		len = snprintf(text, size,
			       ", made non-cacheable by MPU region %d",
			       region->mpu[0]);
		if (region->mpu[1] >= 0)
			snprintf(text + len, size - len, " and %d",
				 region->mpu[1]);
	} else if (region->has_alias) {
		snprintf(text, size, ", reached through its alias %pa%s%s",
			 &region->alias, verify ? "" : " (not verified)",
			 region->guard ? ", guarded by the MPU" : "");
	} else if (!IS_ENABLED(CONFIG_MMU)) {
		snprintf(text, size, ", which is taken to be non-cacheable");
	}
}

static int dap_probe_spec(struct device *dev, const struct dap_spec *spec,
			  struct device_node *region_np)
{
	const struct dap_region *region;
	struct dap_entry *entry;
	char text[96] = "";

	entry = dap_entry_create(dev, spec, region_np, verify);
	if (IS_ERR(entry))
		return PTR_ERR(entry);

	dev_set_drvdata(dev, entry);
	region = &entry->pool.region;
	dap_describe_region(region, text, sizeof(text));
	dev_info(dev, "DMA pool %s: %lu KiB at %pa%s\n", spec->name,
		 (unsigned long)(region->size >> 10), &region->phys, text);
	dap_rmem_serve(region, true);
	dap_probe_waiting(false);
	return 0;
}

/*
 * max_align= overrides the device tree, as it is easier to change.  An entry
 * with the name of the pool counts, wherever it stands, before one for all.
 */
static void dap_apply_max_align(struct dap_spec *spec)
{
	bool is_named = false;
	unsigned int i;

	for (i = 0; i < dap_nr_aligns; i++) {
		const struct dap_align *align = &dap_aligns[i];

		if (*align->pool ? strcmp(align->pool, spec->name) : is_named)
			continue;
		spec->max_align = align->bytes;
		is_named = *align->pool;
	}
}

static int dap_probe(struct platform_device *pdev)
{
	const struct dap_spec *given = NULL;
	struct device_node *region_np = NULL;
	struct dap_spec spec = { };
	int ret = 0;

	/*
	 * Other devices may get here as well, by driver_override.  Nobody else
	 * would know that such a one is a pool, and it might be a client.
	 */
	if (!dap_policy_is_pool(&pdev->dev))
		return -ENODEV;
	given = dev_get_platdata(&pdev->dev);
	if (given) {
		spec = *given;
		/* Devices may name it in their memory-region all the same. */
		region_np = dap_rmem_find_node(spec.phys, spec.size);
	} else {
		ret = dap_spec_from_node(&pdev->dev, &spec, &region_np);
	}
	if (!ret) {
		dap_apply_max_align(&spec);
		spec.guard = guard && spec.alias != spec.phys;
		if (guard && !spec.guard)
			dev_warn(&pdev->dev,
				 "guard=1: DMA pool %s has no alias, so no other view to guard\n",
				 spec.name);
		ret = dap_probe_spec(&pdev->dev, &spec, region_np);
	}
	of_node_put(region_np);
	/* A pool of the device tree may be probed at the same time. */
	if (given)
		dap_probe_result = ret;
	return ret;
}

static dap_remove_t dap_remove(struct platform_device *pdev)
{
	struct dap_entry *entry = platform_get_drvdata(pdev);

	dap_rmem_serve(&entry->pool.region, false);
	dap_entry_retire(entry);
	return DAP_REMOVED;
}

static const struct of_device_id dap_of_match[] = {
	{ .compatible = "dma-alias-pool" },
	{ }
};
MODULE_DEVICE_TABLE(of, dap_of_match);

static struct platform_driver dap_pool_driver = {
	.probe	= dap_probe,
	.remove	= dap_remove,
	.driver	= {
		.name		= "dma_alias_pool",
		.of_match_table	= dap_of_match,
		.dev_groups	= dap_groups,
		.probe_type	= PROBE_FORCE_SYNCHRONOUS,
	},
};

static int __init param_report_error(const char *param, const char *text,
				     const struct dap_parse_error *err)
{
	/* Escaped, as it may contain anything. */
	pr_err("%s: %s, at character %td: \"%*pE\"\n", param, err->why,
	       err->at - text + 1, (int)strnlen(err->at, 32), err->at);
	return -EINVAL;
}

/* Upper bound for the number of entries of a list. */
static unsigned int __init param_count_entries(const char *text)
{
	unsigned int count = 1;

	while ((text = strchr(text, ','))) {
		text++;
		count++;
	}
	return count;
}

/*
 * Read a parameter that is a list of entries.  @parse reads one entry into a
 * structure of @size bytes; *list is set to the array of them.
 */
static int __init param_read_list(const char *param, const char *text,
				  void **list, unsigned int *count, size_t size,
				  int (*parse)(const char **text, void *entry,
					       struct dap_parse_error *err))
{
	struct dap_parse_error err;
	const char *at = text;
	int ret;

	*count = 0;
	if (!text || !*text)
		return 0;
	*list = kcalloc(param_count_entries(text), size, GFP_KERNEL);
	if (!*list)
		return -ENOMEM;
	while (*at) {
		ret = parse(&at, *list + *count * size, &err);
		if (ret)
			return param_report_error(param, text, &err);
		(*count)++;
	}
	return 0;
}

static int __init dap_check_aligns(void)
{
	unsigned int i;
	int ret = 0;

	dap_lock();
	for (i = 0; i < dap_nr_aligns && !ret; i++) {
		if (!*dap_aligns[i].pool || dap_entry_find(dap_aligns[i].pool))
			continue;
		pr_err("max_align: there is no pool %s\n", dap_aligns[i].pool);
		ret = -ENOENT;
	}
	dap_unlock();
	return ret;
}

static void dap_remove_devices(void)
{
	while (dap_nr_devices)
		platform_device_unregister(dap_devices[--dap_nr_devices]);
	kfree(dap_devices);
	dap_devices = NULL;
}

/* If one of the pools of pools= fails, loading the module fails. */
static int __init dap_add_devices(void)
{
	unsigned int i;

	if (!dap_nr_specs)
		return 0;
	dap_devices = kcalloc(dap_nr_specs, sizeof(*dap_devices), GFP_KERNEL);
	if (!dap_devices)
		return -ENOMEM;

	for (i = 0; i < dap_nr_specs; i++) {
		struct platform_device *pdev;

		dap_probe_result = 0;
		pdev = platform_device_register_data(NULL, "dma_alias_pool", i,
						     &dap_specs[i],
						     sizeof(dap_specs[i]));
		if (IS_ERR(pdev))
			return PTR_ERR(pdev);
		dap_devices[dap_nr_devices++] = pdev;
		if (dap_probe_result)
			return dap_probe_result;
		/*
		 * The driver core did not call the probe, or has undone it for
		 * want of memory, and says neither.
		 */
		if (!pdev->dev.driver) {
			dev_err(&pdev->dev, "not bound: no memory, or drivers_autoprobe is 0\n");
			return -ENODEV;
		}
	}
	return 0;
}

static int __init dap_init(void)
{
	int ret;

	ret = param_read_list("pools", pools, (void **)&dap_specs, &dap_nr_specs,
			      sizeof(*dap_specs), dap_parse_pool);
	if (!ret)
		ret = param_read_list("clients", clients, (void **)&dap_rules,
				      &dap_nr_rules, sizeof(*dap_rules),
				      dap_parse_rule);
	if (!ret)
		ret = param_read_list("max_align", max_align, (void **)&dap_aligns,
				      &dap_nr_aligns, sizeof(*dap_aligns),
				      dap_parse_align);
	if (ret)
		goto err_lists;

	ret = dap_registry_init(dap_client_reap);
	if (ret)
		goto err_lists;
	dap_ops_calibrate();
	dap_debugfs_init();
	dap_policy_init(dap_rules, dap_nr_rules);
	ret = platform_driver_register(&dap_pool_driver);
	if (ret)
		goto err_registry;

	ret = dap_add_devices();
	if (!ret)
		ret = dap_policy_resolve();
	if (!ret)
		ret = dap_check_aligns();
	if (ret)
		goto err_devices;

	kfree(dap_specs);
	dap_attach_init();
	dap_registry_set_open(true);
	dap_probe_waiting(true);
	return 0;

err_devices:
	dap_remove_devices();
	platform_driver_unregister(&dap_pool_driver);
err_registry:
	dap_registry_exit();
	dap_debugfs_exit();
err_lists:
	kfree(dap_aligns);
	kfree(dap_rules);
	kfree(dap_specs);
	return ret;
}

static void __exit dap_exit(void)
{
	dap_registry_set_open(false);
	dap_remove_devices();
	platform_driver_unregister(&dap_pool_driver);
#ifdef CONFIG_MODULE_UNLOAD
	/* attach_unwatched_gone() may still be in what is freed below. */
	while (module_refcount(THIS_MODULE) >= 0)
		usleep_range(1000, 2000);
#endif
	dap_waiting_exit();
	dap_attach_exit();
	dap_registry_exit();
	dap_debugfs_exit();
	/*
	 * Code that has just dropped a reference to the module may still be
	 * running, with interrupts off: wait for it.
	 */
	synchronize_rcu();
	kfree(dap_aligns);
	kfree(dap_rules);
}

/* If built in, run before the drivers that need it. */
subsys_initcall(dap_init);
module_exit(dap_exit);

MODULE_DESCRIPTION("DMA-coherent memory from a aliased region");
MODULE_AUTHOR("The dma-alias-pool developers");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
