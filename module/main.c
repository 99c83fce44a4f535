// SPDX-License-Identifier: GPL-2.0
/*
 * The driver of pools, and the module's parameters.
 *
 * A pool is a platform device.  Device tree describes some, see of.c; for each
 * entry of pools= the module makes one of its own, so that there is one way
 * through probe.  What a pool owns does not hang on its device: see attach.c.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/of.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "attach.h"
#include "compat.h"
#include "debugfs.h"
#include "of.h"
#include "params.h"

/* It says what memory devices may write to: not for a kernel that is locked down. */
static char *pools;
module_param_hw(pools, charp, iomem, 0400);
MODULE_PARM_DESC(pools,
		 "NAME:BASE:SIZE[:ALIAS[:BUS]],... pools without a device tree node; numbers like 0x20000000 or 4M");

static char *clients;
module_param(clients, charp, 0400);
MODULE_PARM_DESC(clients,
		 "GLOB[@NAME],... names of devices that get their coherent memory from pool NAME");

static char *max_align;
module_param(max_align, charp, 0400);
MODULE_PARM_DESC(max_align,
		 "BYTES[@NAME],... align no allocation of a pool to more, against the DMA API's promise; 4K packs best (default: 0, natural alignment)");

static bool verify = true;
module_param(verify, bool, 0400);
MODULE_PARM_DESC(verify,
		 "check at probe that the alias reaches the same memory (default: 1)");

static bool guard;
module_param(guard, bool, 0400);
MODULE_PARM_DESC(guard,
		 "to find stray accesses: stop at any access to a pool's cacheable view, by an MPU region (ARMv7-M, default: 0)");

static struct dap_rule *dap_rules;
static struct dap_align *dap_aligns;
static unsigned int dap_nr_aligns;
static struct platform_device **dap_devices;
static unsigned int dap_nr_devices;

/* How the last probe of a device made here ended: the core does not tell. */
static int dap_probe_result;

static int dap_probe_spec(struct device *dev, const struct dap_spec *spec,
			  struct device_node *region_np)
{
	const struct dap_region *region;
	struct dap_entry *entry;

	entry = dap_entry_create(dev, spec, region_np, verify);
	if (IS_ERR(entry))
		return PTR_ERR(entry);

	dev_set_drvdata(dev, entry);
	region = &entry->pool.region;
	if (region->use_mpu)
		dev_info(dev, "DMA pool %s: %llu KiB at %pa, made non-cacheable by MPU region %d\n",
			 spec->name, (u64)region->size >> 10, &region->phys,
			 region->mpu);
	else if (region->alias == region->phys)
		dev_info(dev, "DMA pool %s: %llu KiB at %pa%s\n", spec->name,
			 (u64)region->size >> 10, &region->phys,
			 IS_ENABLED(CONFIG_MMU) ? "" :
			 ", which is taken to be non-cacheable");
	else
		dev_info(dev, "DMA pool %s: %llu KiB at %pa, reached through its alias %pa%s%s\n",
			 spec->name, (u64)region->size >> 10, &region->phys,
			 &region->alias, verify ? "" : " (not verified)",
			 region->guard ? ", guarded by the MPU" : "");
	return 0;
}

/* The parameter comes before the device tree: it is easier to change. */
static void apply_max_align(struct dap_spec *spec)
{
	unsigned int i;

	for (i = 0; i < dap_nr_aligns; i++)
		if (!*dap_aligns[i].pool ||
		    !strcmp(dap_aligns[i].pool, spec->name))
			spec->max_align = dap_aligns[i].bytes;
}

static int dap_probe(struct platform_device *pdev)
{
	const struct dap_spec *given = dev_get_platdata(&pdev->dev);
	struct device_node *region_np = NULL;
	struct dap_spec spec = { };
	int ret = 0;

	if (given)
		spec = *given;
	else
		ret = dap_spec_from_node(&pdev->dev, &spec, &region_np);
	if (!ret) {
		apply_max_align(&spec);
		spec.guard = guard && spec.alias != spec.phys;
		if (guard && !spec.guard)
			dev_warn(&pdev->dev,
				 "guard=1: DMA pool %s has no alias, so no other view to guard\n",
				 spec.name);
		ret = dap_probe_spec(&pdev->dev, &spec, region_np);
	}
	of_node_put(region_np);
	dap_probe_result = ret;
	return ret;
}

static dap_remove_t dap_remove(struct platform_device *pdev)
{
	dap_entry_retire(platform_get_drvdata(pdev));
	return DAP_REMOVED;
}

static const struct of_device_id dap_of_match[] = {
	{ .compatible = "dma-alias-pool" },
	{ }
};
MODULE_DEVICE_TABLE(of, dap_of_match);

struct platform_driver dap_pool_driver = {
	.probe	= dap_probe,
	.remove	= dap_remove,
	.driver	= {
		.name		= "dma_alias_pool",
		.of_match_table	= dap_of_match,
		.dev_groups	= dap_groups,
		.probe_type	= PROBE_FORCE_SYNCHRONOUS,
	},
};

static int parse_failed(const char *param, const char *text,
			const struct dap_parse_error *err)
{
	/* Escaped: nothing is known of what is in there. */
	pr_err("%s: %s, at character %td: \"%*pE\"\n", param, err->why,
	       err->at - text + 1, (int)strnlen(err->at, 32), err->at);
	return -EINVAL;
}

/* Entries of a list, for an upper bound of how many there are to parse. */
static unsigned int count_entries(const char *text)
{
	unsigned int count = 1;

	while ((text = strchr(text, ','))) {
		text++;
		count++;
	}
	return count;
}

/*
 * Read a parameter that is a list into an array of what @parse makes of its
 * entries, @size bytes each.
 */
static int read_list(const char *param, const char *text, void **list,
		     unsigned int *count, size_t size,
		     int (*parse)(const char **text, void *entry,
				  struct dap_parse_error *err))
{
	struct dap_parse_error err;
	const char *at = text;
	int ret;

	*count = 0;
	if (!text || !*text)
		return 0;
	*list = kcalloc(count_entries(text), size, GFP_KERNEL);
	if (!*list)
		return -ENOMEM;
	while (*at) {
		ret = parse(&at, *list + *count * size, &err);
		if (ret)
			return parse_failed(param, text, &err);
		(*count)++;
	}
	return 0;
}

static int parse_pool(const char **text, void *entry,
		      struct dap_parse_error *err)
{
	return dap_parse_pool(text, entry, err);
}

static int parse_rule(const char **text, void *entry,
		      struct dap_parse_error *err)
{
	return dap_parse_rule(text, entry, err);
}

static int parse_align(const char **text, void *entry,
		       struct dap_parse_error *err)
{
	return dap_parse_align(text, entry, err);
}

static int check_aligns(void)
{
	unsigned int i;

	for (i = 0; i < dap_nr_aligns; i++) {
		if (!*dap_aligns[i].pool ||
		    dap_entry_exists(dap_aligns[i].pool))
			continue;
		pr_err("max_align: there is no pool %s\n", dap_aligns[i].pool);
		return -ENOENT;
	}
	return 0;
}

static void remove_devices(void)
{
	while (dap_nr_devices)
		platform_device_unregister(dap_devices[--dap_nr_devices]);
	kfree(dap_devices);
	dap_devices = NULL;
}

/* A pool of pools= that does not come up fails the load, and undoes the rest. */
static int add_devices(const struct dap_spec *specs, unsigned int count)
{
	unsigned int i;

	if (!count)
		return 0;
	dap_devices = kcalloc(count, sizeof(*dap_devices), GFP_KERNEL);
	if (!dap_devices)
		return -ENOMEM;

	for (i = 0; i < count; i++) {
		struct platform_device *pdev;

		dap_probe_result = -ENODEV;
		pdev = platform_device_register_data(NULL, "dma_alias_pool", i,
						     &specs[i],
						     sizeof(specs[i]));
		if (IS_ERR(pdev))
			return PTR_ERR(pdev);
		dap_devices[dap_nr_devices++] = pdev;
		if (dap_probe_result)
			return dap_probe_result;
	}
	return 0;
}

static int __init dap_init(void)
{
	struct dap_spec *specs = NULL;
	unsigned int nr_specs, nr_rules;
	int ret;

	ret = read_list("pools", pools, (void **)&specs, &nr_specs,
			sizeof(*specs), parse_pool);
	if (!ret)
		ret = read_list("clients", clients, (void **)&dap_rules,
				&nr_rules, sizeof(*dap_rules), parse_rule);
	if (!ret)
		ret = read_list("max_align", max_align, (void **)&dap_aligns,
				&dap_nr_aligns, sizeof(*dap_aligns),
				parse_align);
	if (ret)
		goto err_lists;

	dap_ops_calibrate();
	dap_debugfs_init();
	dap_policy_init(dap_rules, nr_rules);
	ret = dap_attach_init();
	if (ret)
		goto err_debugfs;

	ret = platform_driver_register(&dap_pool_driver);
	if (ret)
		goto err_attach;

	ret = add_devices(specs, nr_specs);
	if (!ret)
		ret = dap_policy_check();
	if (!ret)
		ret = check_aligns();
	if (ret)
		goto err_devices;

	kfree(specs);
	dap_attach_settle();
	return 0;

err_devices:
	remove_devices();
	platform_driver_unregister(&dap_pool_driver);
err_attach:
	dap_attach_exit();
err_debugfs:
	dap_debugfs_exit();
err_lists:
	kfree(dap_aligns);
	kfree(dap_rules);
	kfree(specs);
	return ret;
}

static void __exit dap_exit(void)
{
	remove_devices();
	platform_driver_unregister(&dap_pool_driver);
	dap_attach_exit();
	dap_debugfs_exit();
	kfree(dap_aligns);
	kfree(dap_rules);
}

/* Built in, before the drivers that need it; as a module it is the same. */
subsys_initcall(dap_init);
module_exit(dap_exit);

MODULE_DESCRIPTION("DMA-coherent memory from a hardware-aliased reserved region");
MODULE_AUTHOR("The dma-alias-pool developers");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
