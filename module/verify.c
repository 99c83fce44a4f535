// SPDX-License-Identifier: GPL-2.0
/*
 * Prove that an alias really is one, before anybody uses the pool.
 *
 * A wrong alias means that the CPU and the device work on different memory:
 * silent corruption.  So each page of the region is checked through both views.
 * This is the one place where the CPU uses the cacheable view; no line of it
 * stays in a cache.
 *
 * Addresses may be wrong, and the memory behind them somebody's.  So nothing is
 * written before both views have been seen to hold the same, and then one word at
 * a time is changed and put back at once: the content survives, whoever's it is.
 *
 * What is checked, in this order:
 *  1. both views read the same before anything is written;
 *  2. page by page, what is written through the alias is what phys reads, and
 *     what is written through phys is what the alias reads, which it is not where
 *     the alias is cached after all, if only for reading;
 *  3. what is written to a page does not change one at a distance of a power of
 *     two, as it does where the memory is smaller than the region and repeats.
 * An address at which nothing answers cannot be checked: reading it is a bus
 * fault on most machines.
 */
#include <linux/device.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/mm.h>

#include "compat.h"
#include "region.h"

/* 32-bit words compared at the start of each page before writing anything. */
#define DAP_COMPARE_WORDS	16

struct dap_views {
	void *phys;		/* cacheable */
	void *alias;		/* not */
	const struct dap_region *region;
};

/* What was written through phys is in memory then, and what is read comes from it. */
static void drop_cached(const struct dap_views *v, size_t offset, size_t size)
{
	/* The uncached writes come before the maintenance ... */
	mb();
	dap_flush_cached_view(v->phys + offset, v->region->phys + offset, size);
	/* ... and that before the reads. */
	mb();
}

static int mismatch(struct device *dev, const struct dap_views *v,
		    size_t offset, const char *why)
{
	phys_addr_t phys = v->region->phys + offset;
	phys_addr_t alias = v->region->alias + offset;

	return dev_err_probe(dev, -EINVAL, "%pa is no alias of %pa, or it is still cacheable: %s\n",
			     &alias, &phys, why);
}

static int compare_untouched(struct device *dev, const struct dap_views *v)
{
	size_t offset;
	unsigned int i;

	for (offset = 0; offset < v->region->size; offset += PAGE_SIZE) {
		const u32 *p = v->phys + offset;
		const u32 *a = v->alias + offset;

		for (i = 0; i < DAP_COMPARE_WORDS; i++)
			if (READ_ONCE(p[i]) != READ_ONCE(a[i]))
				return mismatch(dev, v, offset,
						"they hold different data");
	}
	return 0;
}

/*
 * Is a change of *from, in the page at an offset, one of *to?  It is undone before
 * an interrupt could see it, or change the word itself.  What *to reads is not
 * dropped before: if a cache has it, that shows.
 */
static bool shows(const struct dap_views *v, size_t offset, u32 *from, u32 *to)
{
	unsigned long flags;
	bool seen = false;
	u32 old;

	local_irq_save(flags);
	old = READ_ONCE(*from);
	if (READ_ONCE(*to) == old) {
		WRITE_ONCE(*from, ~old);
		drop_cached(v, offset, sizeof(old));
		seen = READ_ONCE(*to) == ~old;
		WRITE_ONCE(*from, old);
		drop_cached(v, offset, sizeof(old));
	}
	local_irq_restore(flags);
	return seen;
}

static int change_pages(struct device *dev, const struct dap_views *v)
{
	size_t offset;

	for (offset = 0; offset < v->region->size; offset += PAGE_SIZE) {
		void *phys = v->phys + offset;
		void *alias = v->alias + offset;

		if (!shows(v, offset, alias, phys) ||
		    !shows(v, offset, phys, alias))
			return mismatch(dev, v, offset,
					"a write to one is not seen in the other");
		/* Without its lowest bit: 0 for each power of two. */
		if (offset && shows(v, offset, alias,
				    v->alias + (offset & (offset - 1))))
			return mismatch(dev, v, offset,
					"a write to it changed another page");
	}
	return 0;
}

/**
 * dap_verify_alias() - check that both addresses of a region are one memory
 * @dev:    the pool's device, for messages
 * @region: claimed, and mapped through its alias
 *
 * Context: process context, may sleep; the memory is not in use yet.
 * Return: 0, -EINVAL if the alias is none (reported, with both addresses),
 * -ENOMEM if the cacheable view cannot be mapped for the check.
 */
int dap_verify_alias(struct device *dev, const struct dap_region *region)
{
	struct dap_views v = {
		.alias = region->cpu,
		.region = region,
	};
	int ret;

	v.phys = memremap(region->phys, region->size, MEMREMAP_WB);
	if (!v.phys)
		return dev_err_probe(dev, -ENOMEM,
				     "cannot map %pa to check its alias\n",
				     &region->phys);

	drop_cached(&v, 0, region->size);
	ret = compare_untouched(dev, &v) ?: change_pages(dev, &v);

	/* A line left behind would be stale as soon as a device writes ... */
	drop_cached(&v, 0, region->size);
	/* ... or be written back later, of an alias that is cached. */
	dap_flush_cached_view(v.alias, region->alias, region->size);
	memunmap(v.phys);
	return ret;
}
