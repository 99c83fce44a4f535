// SPDX-License-Identifier: GPL-2.0
/*
 * Read the description of a pool from its device tree node.
 *
 * Contexts: process context, at probe.  Nothing is claimed here, and nothing is
 * kept but a reference to the region's node.
 */
#include <linux/of.h>
#include <linux/of_reserved_mem.h>
#include <linux/platform_device.h>

#include "of.h"
#include "params.h"

/* Length of a property of a pool, or -1 if it is missing. */
static int spec_property_bytes(struct device *dev, const char *name)
{
	int bytes;

	return of_find_property(dev->of_node, name, &bytes) ? bytes : -1;
}

/*
 * A property that cannot be read is an error.  If it were ignored like a
 * missing one, the pool would be another one than described: for instance, one
 * without its alias.
 */
static int spec_bad_property(struct device *dev, const char *name,
			     const char *must)
{
	return dev_err_probe(dev, -EINVAL, "%s must be %s\n", name, must);
}

static int spec_read_flag(struct device *dev, const char *name, bool *flag)
{
	int bytes = spec_property_bytes(dev, name);

	*flag = bytes >= 0;
	if (bytes > 0)
		return spec_bad_property(dev, name, "without a value");
	return 0;
}

static int spec_read_max_align(struct device *dev, u64 *max_align)
{
	static const char name[] = "dma-alias-pool,max-alignment";
	int bytes = spec_property_bytes(dev, name);
	u32 value;

	if (bytes < 0)
		return 0;
	if (bytes != sizeof(value) ||
	    of_property_read_u32(dev->of_node, name, &value))
		return spec_bad_property(dev, name, "one number");
	*max_align = value;
	return 0;
}

/* Read the alias; *res is NULL if there is none and the CPU uses the region. */
static int spec_read_alias(struct device *dev, const struct resource **res)
{
	struct device_node *np = dev->of_node;
	int bytes = spec_property_bytes(dev, "reg");

	*res = platform_get_resource(to_platform_device(dev), IORESOURCE_MEM,
				     0);
	if (bytes < 0)
		return 0;
	if (!*res || bytes != (of_n_addr_cells(np) + of_n_size_cells(np)) *
			      sizeof(__be32))
		return spec_bad_property(dev, "reg",
					 "one range that its bus can translate");
	return 0;
}

/* Use the label, or else the name of the region (sram@20000000). */
static int spec_read_name(struct device *dev,
			  const struct device_node *region_np, char *name)
{
	const char *text = kbasename(region_np->full_name);

	if (spec_property_bytes(dev, "label") >= 0 &&
	    (of_property_count_strings(dev->of_node, "label") != 1 ||
	     of_property_read_string(dev->of_node, "label", &text)))
		return spec_bad_property(dev, "label", "one string");
	if (!dap_valid_name(text, strlen(text)))
		return dev_err_probe(dev, -EINVAL,
				     "\"%*pE\" cannot be the name of a pool: set label to 1 to %u letters or digits\n",
				     (int)strnlen(text, 64), text,
				     DAP_NAME_LEN - 1);
	strscpy(name, text, DAP_NAME_LEN);
	return 0;
}

/*
 * Is the node a child of /reserved-memory?  of_reserved_mem_lookup() compares
 * only the last part of a node's path, so it may find the memory of another
 * node.
 */
static bool spec_is_reserved_memory(const struct device_node *np)
{
	struct device_node *parent = dap_find_reserved_memory();
	bool ret = parent && np->parent == parent;

	of_node_put(parent);
	return ret;
}

/*
 * Is reg well-formed?  For an empty reg, some kernels reserve something else.
 */
static bool spec_has_whole_ranges(struct device_node *np)
{
	unsigned int cells = of_n_addr_cells(np) + of_n_size_cells(np);
	int bytes;

	if (!of_find_property(np, "reg", &bytes))
		return true;
	return cells && bytes && bytes % (cells * sizeof(__be32)) == 0;
}

static int spec_read_region(struct device *dev, struct device_node *np,
			    struct dap_spec *spec)
{
	struct reserved_mem *rmem = NULL;
	const char *why = NULL;

	if (spec_is_reserved_memory(np) && spec_has_whole_ranges(np))
		rmem = of_reserved_mem_lookup(np);
	if (!of_device_is_available(np))
		why = "disabled";
	else if (!rmem || !rmem->size)
		why = "no reserved memory of this kernel: it must be in /reserved-memory at boot";
	/* A region without this compatible is meant for somebody else. */
	else if (!dap_is_pool_region(np))
		why = "not compatible with dma-alias-pool,region";
	if (why)
		return dev_err_probe(dev, -EINVAL, "memory-region %pOF is %s\n",
				     np, why);
	spec->phys = rmem->base;
	spec->size = rmem->size;
	spec->alias = rmem->base;
	/* The kernel only looks whether no-map is there, whatever its value. */
	spec->no_map = of_find_property(np, "no-map", NULL);
	return 0;
}

static int spec_read_pool(struct device *dev,
			  const struct device_node *region_np,
			  struct dap_spec *spec)
{
	const struct resource *res;
	int ret;

	ret = spec_read_flag(dev, "dma-alias-pool,default", &spec->is_default) ?:
	      spec_read_flag(dev, "dma-alias-pool,mpu", &spec->use_mpu) ?:
	      spec_read_max_align(dev, &spec->max_align) ?:
	      spec_read_alias(dev, &res);
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

	return spec_read_name(dev, region_np, spec->name);
}

/**
 * dap_spec_from_node() - read the description of a pool from the device tree
 * @dev:       the pool's platform device, also for messages
 * @spec:      all zero; filled in
 * @region_np: set to the node of the region, with a reference for the caller
 *
 * The binding, dma-alias-pool.yaml, says what is allowed.  As nobody may have
 * checked the tree against it, anything else is refused here.
 *
 * Context: process context, may sleep.
 * Return: 0; or -EINVAL if the node cannot be used, which has been reported.
 */
int dap_spec_from_node(struct device *dev, struct dap_spec *spec,
		       struct device_node **region_np)
{
	int bytes = spec_property_bytes(dev, "memory-region");
	struct device_node *np;
	int ret;

	np = of_parse_phandle(dev->of_node, "memory-region", 0);
	if (!np || bytes != sizeof(phandle))
		ret = spec_bad_property(dev, "memory-region",
					"one phandle, of a node that there is");
	else
		ret = spec_read_region(dev, np, spec) ?:
			      spec_read_pool(dev, np, spec);
	if (ret)
		of_node_put(np);
	else
		*region_np = np;
	return ret;
}
