// SPDX-License-Identifier: GPL-2.0
/*
 * Claim a memory region for a pool, and map it for the CPU.  An alias is always
 * mapped uncached.  Memory without an alias is mapped in the way that its first
 * user needs.
 *
 * Contexts: process context; dap_region_conflict() in any.
 *
 * Ownership: the pool owns what is claimed here, not the pool's device.  As
 * memory of the pool may still be held when the device is gone, nothing is
 * devm-managed.
 */
#include <linux/clk.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/mm.h>

#include "cache.h"
#include "region.h"

/* Not by their ends, which are 0 if they end with the last address. */
static bool region_overlaps(phys_addr_t a, phys_addr_t b, phys_addr_t size)
{
	return a - b < size || b - a < size;
}

/*
 * Without an MMU, the kernel clears and flushes memory at this address itself.
 * It does so up to the end, which is 0 after the last address: then memset() of
 * 32-bit RISC-V clears 128 bytes, and ARM flushes one cache line.
 */
static bool region_end_is_usable(phys_addr_t end)
{
	return dap_outer_flushes_to(end) &&
	       (IS_ENABLED(CONFIG_MMU) || (unsigned long)end);
}

static int region_check_range(struct device *dev, const char *what,
			      phys_addr_t base, phys_addr_t size)
{
	if (!base || !PAGE_ALIGNED(base))
		return dev_err_probe(dev, -EINVAL,
				     "%s %pa is zero or not a multiple of the page size (%lu)\n",
				     what, &base, PAGE_SIZE);

	if (base + size - 1 < base || base + size - 1 > iomem_resource.end ||
	    !region_end_is_usable(base + size))
		return dev_err_probe(dev, -EINVAL,
				     "%s %pa plus size %pa reaches the last address\n",
				     what, &base, &size);
	return 0;
}

static int region_check(struct device *dev, const struct dap_region *r)
{
	int ret;

	if (!r->size || !PAGE_ALIGNED(r->size))
		return dev_err_probe(dev, -EINVAL,
				     "%s %pa is zero or not a multiple of the page size (%lu)\n",
				     "size", &r->size, PAGE_SIZE);
	if (r->size > SZ_2G)
		return dev_err_probe(dev, -EINVAL,
				     "size %pa is more than 2 GiB\n", &r->size);

	ret = region_check_range(dev, "base", r->phys, r->size);
	if (ret || r->alias == r->phys)
		return ret;

	ret = region_check_range(dev, "alias", r->alias, r->size);
	if (ret)
		return ret;
	if (region_overlaps(r->phys, r->alias, r->size))
		return dev_err_probe(dev, -EINVAL,
				     "alias %pa overlaps the region at %pa itself\n",
				     &r->alias, &r->phys);
	return 0;
}

/*
 * A kernel for arm64 or RISC-V claims the memory that it has placed itself, for
 * good (reserve_memblock_reserved_regions()), so no driver can claim it.  Which
 * pool has it is kept here.
 */
static struct resource region_at_boot = {
	.name = "dma_alias_pool",
	.end = (resource_size_t)-1,
	.flags = IORESOURCE_MEM,
};

static bool region_request(struct device *dev, struct dap_region *region,
			   phys_addr_t base, const char *name)
{
	if (request_mem_region(base, region->size, name))
		return true;
	if (base != region->phys || !dap_is_placed(dev))
		return false;
	region->at_boot = __request_region(&region_at_boot, base, region->size,
					   name, 0);
	return region->at_boot;
}

static void region_release(const struct dap_region *region, phys_addr_t base,
			   phys_addr_t size)
{
	if (DAP_PLACED_IS_CLAIMED && region->at_boot && base == region->phys)
		__release_region(&region_at_boot, base, size);
	else
		release_mem_region(base, size);
}

/*
 * Ask whether this is memory of the kernel before memremap() and
 * request_mem_region() do: both fail then, the first one with a WARN, the
 * second one without saying why.  Other owners may not have claimed their
 * memory, so the device tree is asked as well.
 */
static int region_claim_window(struct device *dev, struct dap_region *region,
			       phys_addr_t base, const char *name, bool no_map)
{
	phys_addr_t end = base + region->size - 1;
	int ret;

	if (region_intersects(base, region->size, IORESOURCE_SYSTEM_RAM,
			      IORES_DESC_NONE) != REGION_DISJOINT)
		return dev_err_probe(dev, -EBUSY,
				     "%pa-%pa is part of the kernel's own RAM: %s\n",
				     &base, &end, no_map ?
				     "reserve it at boot (reserved-memory with no-map, or mem=)" :
				     "its reserved-memory node lacks no-map");

	if (!region_request(dev, region, base, name))
		return dev_err_probe(dev, -EBUSY,
				     "%pa-%pa overlaps another pool or a claimed resource, see /proc/iomem\n",
				     &base, &end);

	ret = dap_check_owner(dev, base, end);
	if (ret)
		region_release(region, base, region->size);
	return ret;
}

/*
 * Claim MPU regions for the memory at @phys.  The pool cannot do without
 * DAP_MPU_UNCACHED; DAP_MPU_NO_ACCESS is a debugging aid only.
 */
static int region_claim_mpu(struct device *dev, struct dap_region *r,
			    enum dap_mpu_kind kind)
{
	bool needed = kind == DAP_MPU_UNCACHED;
	const char *why = dap_mpu_claim(r->phys, r->size, kind, r->mpu);

	if (!why)
		return 0;
	dev_printk(needed ? KERN_ERR : KERN_WARNING, dev,
		   "%s: %pa bytes at %pa: %s\n",
		   needed ? "dma-alias-pool,mpu" : "guard=1", &r->size,
		   &r->phys, why);
	return -EOPNOTSUPP;
}

/*
 * Is memory to be mapped cached for a device?  Devices snoop the caches by the
 * address that they use, and miss lines that a cache holds of another address.
 * So an alias is never mapped cached.
 */
static bool region_wants_cached(const struct dap_region *region, bool coherent)
{
	return IS_ENABLED(CONFIG_MMU) && coherent && !region->has_alias;
}

/*
 * Is memory cached or not as the address map has it, whatever a mapping of it
 * was asked for?
 */
static bool region_has_one_mapping(const struct dap_region *region)
{
	return IS_ENABLED(CONFIG_MMU) && !region->has_alias &&
	       !dap_can_map_uncached();
}

/*
 * Boot firmware, or who used the memory last, may have left lines of it in the
 * cache.  They must not be written back later, over what a device has written.
 * Without an MMU there is a cacheable view for that anyway.  With one, none
 * stays.
 */
static bool region_flush(const struct dap_region *region)
{
	void *view = IS_ENABLED(CONFIG_MMU) ?
		     memremap(region->phys, region->size, MEMREMAP_WB) :
		     phys_to_virt(region->phys);

	if (!view)
		return false;
	dap_flush_cached_view(view, region->phys, region->size);
	if (IS_ENABLED(CONFIG_MMU))
		memunmap(view);
	return true;
}

/**
 * dap_region_conflict() - can a device use a region in the way it is mapped?
 * @region:   the region
 * @coherent: the device is coherent in hardware
 *
 * Context: any; under dap_lock(), or for a client, as long as it is one: then
 *          the region stays mapped as it is.
 * Return: why not, or NULL if it can.
 */
const char *dap_region_conflict(const struct dap_region *region, bool coherent)
{
	bool cached = region_wants_cached(region, coherent);

	if (!cached && region->verify && region_has_one_mapping(region))
		return "this CPU cannot map memory uncached: give the pool its ALIAS";
	if (!region->cpu || region->cached == cached)
		return NULL;
	if (cached)
		return "it is coherent in hardware, the pool is mapped uncached: use another";
	return "it is not coherent in hardware, the pool is mapped cached: use another";
}

/**
 * dap_region_map() - map a region for a device that will use it
 * @region:   the region, claimed
 * @coherent: the device is coherent in hardware
 *
 * An alias serves all devices, and so does all memory of a system without an
 * MMU.  With an MMU and without an alias, the first client decides whether the
 * memory is mapped cached or not, since it must not be mapped both ways.
 *
 * Context: process context, may sleep; one caller at a time.
 * Return: why it cannot be mapped for such a device, or NULL.
 */
const char *dap_region_map(struct dap_region *region, bool coherent)
{
	bool cached = region_wants_cached(region, coherent);
	const char *why = dap_region_conflict(region, coherent);

	if (why || region->cpu)
		return why;
	region->cached = cached;
	if (cached || region_has_one_mapping(region) || region_flush(region))
		region->cpu = memremap(region->alias, region->size,
				       cached ? MEMREMAP_WB : MEMREMAP_WC);
	return region->cpu ? NULL : "the pool cannot be mapped";
}

/*
 * RAM on the chip may have clocks.  Those that nobody asks for are turned off by
 * the kernel, once it has booted (clk_disable_unused()).
 */
static int region_enable_clocks(struct device *dev, struct dap_region *region)
{
	int ret = clk_bulk_get_all(dev, &region->clocks);

	if (ret > 0) {
		region->nr_clocks = ret;
		ret = clk_bulk_prepare_enable(ret, region->clocks);
		if (ret) {
			clk_bulk_put_all(region->nr_clocks, region->clocks);
			region->nr_clocks = 0;
		}
	}
	/* For a clock that comes later, the pool is probed again. */
	if (ret && ret != -EPROBE_DEFER)
		dev_err(dev, "the memory's clocks cannot be turned on: %pe\n",
			ERR_PTR(ret));
	return ret;
}

static void region_disable_clocks(struct dap_region *region)
{
	if (!region->nr_clocks)
		return;
	clk_bulk_disable_unprepare(region->nr_clocks, region->clocks);
	clk_bulk_put_all(region->nr_clocks, region->clocks);
}

/*
 * Do all but the first step of dap_region_claim().  If this fails, the caller
 * releases the region.
 */
static int region_set_up(struct device *dev, struct dap_region *region)
{
	const char *why = NULL;
	int ret;

	ret = region_enable_clocks(dev, region);
	if (ret)
		return ret;

	if (region->alias != region->phys) {
		ret = region_claim_window(dev, region, region->alias,
					  region->alias_name, true);
		if (ret)
			return ret;
		region->has_alias = true;
	}

	if (region->has_alias || !IS_ENABLED(CONFIG_MMU))
		why = dap_region_map(region, false);
	if (why)
		return dev_err_probe(dev, -ENXIO, "%pa: %s\n", &region->alias,
				     why);

	if (region->use_mpu)
		ret = region_claim_mpu(dev, region, DAP_MPU_UNCACHED);
	if (!ret && region->verify)
		ret = dap_verify_region(dev, region);
	if (ret)
		return ret;
	/* The check above was the last to use the cacheable view. */
	if (region->guard)
		region->guard = !region_claim_mpu(dev, region,
						  DAP_MPU_NO_ACCESS);
	return 0;
}

/**
 * dap_region_claim() - claim a region and map its alias
 * @dev:    the pool's device, for messages
 * @region: phys, alias, size, verify, use_mpu and guard are filled in; the rest
 *          is set here
 * @name:   the pool's name, shown in /proc/iomem
 * @no_map: false if a device tree node describes the region without no-map
 *
 * Context: process context, may sleep.
 * Return: 0; or an error, which has been reported, and then nothing is claimed:
 * -EINVAL for addresses that cannot be right (unaligned, overflow, no alias of
 * each other, memory that is cached), -EBUSY for memory that belongs to
 * somebody else, -EOPNOTSUPP if the MPU cannot do what is needed, -ENXIO for
 * memory that cannot be mapped; or what the clocks of @dev's node say, of which
 * -EPROBE_DEFER is not reported.
 */
int dap_region_claim(struct device *dev, struct dap_region *region,
		     const char *name, bool no_map)
{
	int ret;

	ret = region_check(dev, region);
	if (ret)
		return ret;

	memset(region->mpu, -1, sizeof(region->mpu));
	snprintf(region->phys_name, sizeof(region->phys_name),
		 "dma_alias_pool %s", name);
	snprintf(region->alias_name, sizeof(region->alias_name),
		 "dma_alias_pool %s alias", name);
	ret = region_claim_window(dev, region, region->phys,
				  region->phys_name, no_map);
	if (ret)
		return ret;
	ret = region_set_up(dev, region);
	if (ret)
		dap_region_release(region);
	return ret;
}

/**
 * dap_region_release() - undo dap_region_claim()
 * @region: the region, of which nobody holds memory any more.  No address is in
 *          it from now on.
 *
 * Context: process context, may sleep.
 */
void dap_region_release(struct dap_region *region)
{
	phys_addr_t size = region->size;

	dap_mpu_release(region->mpu);
	/* Clients that have ended go on asking what is in it: nothing. */
	region->size = 0;
	if (region->cpu) {
		/* Who comes next may map it uncached, and not flush it first */
		if (IS_ENABLED(CONFIG_MMU) && region->cached &&
		    !region_has_one_mapping(region))
			dap_flush_cached_view(region->cpu, region->phys, size);
		memunmap(region->cpu);
	}
	region_disable_clocks(region);
	if (region->has_alias)
		release_mem_region(region->alias, size);
	region_release(region, region->phys, size);
}
