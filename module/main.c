// SPDX-License-Identifier: GPL-2.0
/*
 * The driver of pools, and where their descriptions come from.
 *
 * A pool is a platform device.  Device tree describes some; for each entry of
 * pools= the module makes one of its own, so that there is one way through
 * probe.  What a pool owns does not hang on its device: see attach.c.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/of.h>
#include <linux/of_reserved_mem.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "attach.h"
#include "compat.h"
#include "debugfs.h"
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

/* Length of a property of a pool's node, or -1 without it. */
static int property_bytes(struct device *dev, const char *name)
{
	int bytes;

	return of_find_property(dev->of_node, name, &bytes) ? bytes : -1;
}

/*
 * What is there and cannot be read must not pass for what is not there: a pool
 * whose alias is gone that way would be another one.
 */
static int bad_property(struct device *dev, const char *name, const char *must)
{
	return dev_err_probe(dev, -EINVAL, "%s must be %s\n", name, must);
}

static int read_flag(struct device *dev, const char *name, bool *flag)
{
	int bytes = property_bytes(dev, name);

	*flag = bytes >= 0;
	if (bytes > 0)
		return bad_property(dev, name, "without a value");
	return 0;
}

static int read_max_align(struct device *dev, u64 *max_align)
{
	static const char name[] = "dma-alias-pool,max-alignment";
	int bytes = property_bytes(dev, name);
	u32 value;

	if (bytes < 0)
		return 0;
	if (bytes != sizeof(value) ||
	    of_property_read_u32(dev->of_node, name, &value))
		return bad_property(dev, name, "one number");
	*max_align = value;
	return 0;
}

/* The alias, or NULL: then the region is what the CPU uses. */
static int read_alias(struct device *dev, const struct resource **res)
{
	struct device_node *np = dev->of_node;
	int bytes = property_bytes(dev, "reg");

	*res = platform_get_resource(to_platform_device(dev), IORESOURCE_MEM,
				     0);
	if (bytes < 0)
		return 0;
	if (!*res || bytes != (of_n_addr_cells(np) + of_n_size_cells(np)) *
			      sizeof(__be32))
		return bad_property(dev, "reg",
				    "one range that its bus can translate");
	return 0;
}

/* A label is shorter than sram@20000000, which is at least unique. */
static int read_name(struct device *dev, const struct device_node *region_np,
		     char *name)
{
	const char *text = kbasename(region_np->full_name);

	if (property_bytes(dev, "label") >= 0 &&
	    (of_property_count_strings(dev->of_node, "label") != 1 ||
	     of_property_read_string(dev->of_node, "label", &text)))
		return bad_property(dev, "label", "one string");
	if (!dap_valid_name(text, strlen(text)))
		return dev_err_probe(dev, -EINVAL,
				     "\"%*pE\" cannot be the name of a pool: set label to 1 to %u letters or digits\n",
				     (int)strnlen(text, 64), text,
				     DAP_NAME_LEN - 1);
	strscpy(name, text, DAP_NAME_LEN);
	return 0;
}

/* The kernel looks reserved memory up by the last part of a node's path. */
static bool is_reserved_memory(const struct device_node *np)
{
	struct device_node *parent = of_find_node_by_path("/reserved-memory");
	bool ret = parent && np->parent == parent;

	of_node_put(parent);
	return ret;
}

/* Some kernels reserve what follows a reg that is empty. */
static bool has_whole_ranges(struct device_node *np)
{
	unsigned int cells = of_n_addr_cells(np) + of_n_size_cells(np);
	int bytes;

	if (!of_find_property(np, "reg", &bytes))
		return true;
	return cells && bytes && bytes % (cells * sizeof(__be32)) == 0;
}

static int read_region(struct device *dev, struct device_node *np,
		       struct dap_spec *spec)
{
	struct reserved_mem *rmem = NULL;

	if (!of_device_is_available(np))
		return dev_err_probe(dev, -EINVAL,
				     "memory-region %pOF is disabled\n", np);
	if (is_reserved_memory(np) && has_whole_ranges(np))
		rmem = of_reserved_mem_lookup(np);
	if (!rmem || !rmem->size)
		return dev_err_probe(dev, -EINVAL,
				     "memory-region %pOF is no reserved memory of this kernel: it must be in /reserved-memory at boot\n",
				     np);
	/* The kernel would give others' memory to others. */
	if (!of_device_is_compatible(np, "dma-alias-pool,region"))
		return dev_err_probe(dev, -EINVAL,
				     "memory-region %pOF is not compatible with dma-alias-pool,region\n",
				     np);
	spec->phys = rmem->base;
	spec->size = rmem->size;
	spec->alias = rmem->base;
	/* As the kernel has read it, whatever its value. */
	spec->no_map = of_find_property(np, "no-map", NULL);
	return 0;
}

static int read_pool(struct device *dev, const struct device_node *region_np,
		     struct dap_spec *spec)
{
	const struct resource *res;
	int ret;

	ret = read_flag(dev, "dma-alias-pool,default", &spec->is_default) ?:
	      read_flag(dev, "dma-alias-pool,mpu", &spec->use_mpu) ?:
	      read_max_align(dev, &spec->max_align) ?:
	      read_alias(dev, &res);
	if (ret)
		return ret;

	if (res && resource_size(res) != spec->size)
		return dev_err_probe(dev, -EINVAL,
				     "the alias %pR has not the size %pa of memory-region %pOF\n",
				     res, &spec->size, region_np);
	if (res && res->start == spec->phys)
		return dev_err_probe(dev, -EINVAL,
				     "the alias %pR is the region itself: leave reg out if that is not cacheable\n",
				     res);
	if (res)
		spec->alias = res->start;
	if (spec->use_mpu && res)
		return dev_err_probe(dev, -EINVAL,
				     "dma-alias-pool,mpu is for memory without an alias, but there is reg\n");

	return read_name(dev, region_np, spec->name);
}

/* Region and flags of a device tree node into @spec and @region_np. */
static int spec_from_node(struct device *dev, struct dap_spec *spec,
			  struct device_node **region_np)
{
	int bytes = property_bytes(dev, "memory-region");
	struct device_node *np;
	int ret;

	if (bytes < 0)
		return dev_err_probe(dev, -EINVAL,
				     "memory-region is missing\n");
	np = of_parse_phandle(dev->of_node, "memory-region", 0);
	if (!np || bytes != sizeof(phandle))
		ret = bad_property(dev, "memory-region",
				   "one phandle, of a node that there is");
	else
		ret = read_region(dev, np, spec) ?: read_pool(dev, np, spec);
	if (ret)
		of_node_put(np);
	else
		*region_np = np;
	return ret;
}

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
		ret = spec_from_node(&pdev->dev, &spec, &region_np);
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
