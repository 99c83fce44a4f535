// SPDX-License-Identifier: GPL-2.0
/*
 * Prove that an alias really is one, before anybody uses the pool.
 *
 * A wrong alias means that the CPU and the device work on different memory:
 * silent corruption.  So each page of the region is checked through both views.
 * This is the one place where the CPU reads the cacheable view; it never
 * writes through it, and no line of it stays in a cache.
 *
 * What is checked, in this order, so that a wrong address does least harm:
 *  1. both views read the same before anything is written;
 *  2. what is written through the alias is what phys reads, page by page;
 *  3. what is not written does not change: every page keeps a mark of its own,
 *     which fails where the memory is smaller than the region and repeats.
 * An address at which nothing answers cannot be checked: reading it is a bus
 * fault on most machines.
 */
#include <linux/device.h>
#include <linux/io.h>
#include <linux/mm.h>

#include "compat.h"
#include "region.h"

/* 32-bit words compared at the start of each page before writing anything. */
#define DAP_COMPARE_WORDS	16

struct dap_views {
	u32 *phys;		/* cacheable */
	u32 *alias;		/* not */
	size_t page_words;
	unsigned long pages;
	const struct dap_region *region;
};

static u32 mark(unsigned long page)
{
	return 0xda700000u ^ (u32)page * 0x9e3779b1u;
}

/* Make the next read through phys come from memory. */
static void drop_cached(const struct dap_views *v)
{
	/* The uncached writes come before the maintenance ... */
	mb();
	dap_flush_cached_view(v->phys, v->region->phys, v->region->size);
	/* ... and that before the reads. */
	mb();
}

static int mismatch(struct device *dev, const struct dap_views *v,
		    unsigned long page, const char *why)
{
	phys_addr_t phys = v->region->phys + ((phys_addr_t)page << PAGE_SHIFT);
	phys_addr_t alias = v->region->alias + ((phys_addr_t)page << PAGE_SHIFT);

	return dev_err_probe(dev, -EINVAL, "%pa is no alias of %pa: %s\n",
			     &alias, &phys, why);
}

static int compare_untouched(struct device *dev, const struct dap_views *v)
{
	unsigned long page;
	unsigned int i;

	drop_cached(v);
	for (page = 0; page < v->pages; page++) {
		const u32 *p = v->phys + page * v->page_words;
		const u32 *a = v->alias + page * v->page_words;

		for (i = 0; i < DAP_COMPARE_WORDS; i++)
			if (READ_ONCE(p[i]) != READ_ONCE(a[i]))
				return mismatch(dev, v, page,
						"they hold different data");
	}
	return 0;
}

/* One word in one page first: a wrong alias is then put back as it was. */
static int write_one(struct device *dev, const struct dap_views *v)
{
	u32 old = READ_ONCE(v->alias[0]);
	u32 seen;

	WRITE_ONCE(v->alias[0], ~old);
	drop_cached(v);
	seen = READ_ONCE(v->phys[0]);
	WRITE_ONCE(v->alias[0], old);
	if (seen != ~old)
		return mismatch(dev, v, 0,
				"a write to the first is not seen in the second");
	return 0;
}

/* Marks of their own in all pages; then new ones in every other page. */
static int write_all(struct device *dev, const struct dap_views *v)
{
	unsigned long page;
	u32 expect;

	for (page = 0; page < v->pages; page++)
		WRITE_ONCE(v->alias[page * v->page_words], mark(page));
	for (page = 0; page < v->pages; page += 2)
		WRITE_ONCE(v->alias[page * v->page_words], ~mark(page));
	drop_cached(v);

	for (page = 0; page < v->pages; page++) {
		expect = page & 1 ? mark(page) : ~mark(page);
		if (READ_ONCE(v->phys[page * v->page_words]) != expect)
			return mismatch(dev, v, page,
					"a write to one page changed another, or none");
	}
	return 0;
}

/**
 * dap_verify_alias() - check that both addresses of a region are one memory
 * @dev:    the pool's device, for messages
 * @region: claimed, and mapped through its alias; its contents are lost
 *
 * Context: process context, may sleep; the memory is not in use yet.
 * Return: 0, -EINVAL if the alias is none (reported, with both addresses),
 * -ENOMEM if the cacheable view cannot be mapped for the check.
 */
int dap_verify_alias(struct device *dev, const struct dap_region *region)
{
	struct dap_views v = {
		.alias = region->cpu,
		.page_words = PAGE_SIZE / sizeof(u32),
		.pages = region->size >> PAGE_SHIFT,
		.region = region,
	};
	int ret;

	v.phys = memremap(region->phys, region->size, MEMREMAP_WB);
	if (!v.phys)
		return dev_err_probe(dev, -ENOMEM,
				     "cannot map %pa to check its alias\n",
				     &region->phys);

	ret = compare_untouched(dev, &v);
	if (!ret)
		ret = write_one(dev, &v);
	if (!ret)
		ret = write_all(dev, &v);

	/* A line left behind would be stale as soon as a device writes. */
	drop_cached(&v);
	memunmap(v.phys);
	return ret;
}
