// SPDX-License-Identifier: GPL-2.0
/*
 * Prove that the CPU's way to a pool's memory is the right one, before anybody
 * uses the pool: that an alias reaches the same memory, and that no cache is in
 * the way.
 *
 * With a wrong alias CPU and device work on different memory, with a cache in
 * between on different copies: silent corruption.  So each page of the region is
 * checked.  This is the one place where the CPU uses the cacheable view; no line
 * of it stays in a cache.
 *
 * Addresses may be wrong, and the memory behind them somebody's.  So nothing is
 * written through an alias before both views have been seen to hold the same, and
 * one word at a time is changed and put back at once, with interrupts off: the
 * content survives, whoever's it is.
 *
 * What is checked of an alias, in this order:
 *  1. both views read the same before anything is written;
 *  2. page by page, what is written through the alias is what phys reads, and
 *     what is written through phys is what the alias reads.  What only shows once
 *     the alias' own lines are flushed shows that the alias is cached;
 *  3. what is written to a page does not change one at a distance of a power of
 *     two, as it does where the memory is smaller than the region and repeats.
 * An address at which nothing answers cannot be checked: reading it is a bus
 * fault on most machines.
 *
 * Of memory without an alias: whether an invalidate loses what was written, which
 * is then in a cache.  Write-through caches lose nothing, and cannot be seen.
 *
 * A CPU may fetch a line at any time, and write a dirty one back.  The first gives
 * it what memory has, where everything is but the change that is being tried; the
 * second brings that to memory, too, and hides in one try that there is a cache:
 * hence one for each page.  Neither makes memory that is not cached look as if it
 * were.  An invalidate loses nothing but the change: it is of whole lines, all
 * within the region and written back just before.
 */
#include <linux/device.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/mm.h>

#include "cache.h"
#include "region.h"

/* 32-bit words compared at the start of each page before writing anything. */
#define DAP_COMPARE_WORDS	16

/* Bytes at the start of a page that are whole lines, whatever the cache. */
#define DAP_WHOLE_LINES		128

struct dap_views {
	void *phys;		/* cacheable */
	void *alias;		/* not */
	const struct dap_region *region;
};

/* How a change at one address is seen at another. */
enum dap_seen {
	DAP_UNSEEN,
	DAP_SEEN,
	DAP_SEEN_LATE,		/* when the alias was flushed, too */
};

/* What was written through the view is in memory then, and what is read is its. */
static void verify_flush(void *view, phys_addr_t at, size_t offset, size_t size)
{
	/* The writes come before the maintenance ... */
	mb();
	dap_flush_cached_view(view + offset, at + offset, size);
	/* ... and that before the reads. */
	mb();
}

static void verify_flush_phys(const struct dap_views *v, size_t offset,
			      size_t size)
{
	verify_flush(v->phys, v->region->phys, offset, size);
}

/* In this order: phys must not get again what an alias has not written back yet. */
static void verify_flush_both(const struct dap_views *v, size_t offset,
			      size_t size)
{
	verify_flush(v->alias, v->region->alias, offset, size);
	verify_flush_phys(v, offset, size);
}

static int verify_report_cached(struct device *dev, phys_addr_t at,
				const char *what_to_do)
{
	return dev_err_probe(dev, -EINVAL, "%pa is cached: %s\n", &at,
			     what_to_do);
}

static int verify_report_mismatch(struct device *dev, const struct dap_views *v,
				  size_t offset, const char *why)
{
	phys_addr_t phys = v->region->phys + offset;
	phys_addr_t alias = v->region->alias + offset;

	return dev_err_probe(dev, -EINVAL, "%pa is no alias of %pa: %s%s\n",
			     &alias, &phys, why, dap_flush_is_sure() ? "" :
			     "; or cache lines hide it, which a module cannot flush on this CPU: if you are sure of the address, load with verify=0");
}

static int verify_compare(struct device *dev, const struct dap_views *v)
{
	size_t offset;
	unsigned int i;

	for (offset = 0; offset < v->region->size; offset += PAGE_SIZE) {
		const u32 *p = v->phys + offset;
		const u32 *a = v->alias + offset;

		for (i = 0; i < DAP_COMPARE_WORDS; i++)
			if (READ_ONCE(p[i]) != READ_ONCE(a[i]))
				return verify_report_mismatch(dev, v, offset,
							      "they hold different data");
	}
	return 0;
}

/*
 * Is a change of *from, in the page at an offset, one of *to?  It is undone before
 * an interrupt could see it, or change the word itself.  What *to reads is not
 * dropped from the alias' cache at first: if there is one, that shows.
 */
static enum dap_seen verify_change_shows(const struct dap_views *v,
					 size_t offset, u32 *from, u32 *to)
{
	enum dap_seen seen = DAP_UNSEEN;
	unsigned long flags;
	u32 old;

	local_irq_save(flags);
	old = READ_ONCE(*from);
	if (READ_ONCE(*to) == old) {
		WRITE_ONCE(*from, ~old);
		verify_flush_phys(v, offset, sizeof(old));
		if (READ_ONCE(*to) == ~old)
			seen = DAP_SEEN;
		verify_flush_both(v, offset, sizeof(old));
		if (!seen && READ_ONCE(*to) == ~old)
			seen = DAP_SEEN_LATE;
		WRITE_ONCE(*from, old);
		verify_flush_both(v, offset, sizeof(old));
	}
	local_irq_restore(flags);
	return seen;
}

static int verify_change_pages(struct device *dev, const struct dap_views *v)
{
	enum dap_seen seen;
	size_t offset;

	for (offset = 0; offset < v->region->size; offset += PAGE_SIZE) {
		void *phys = v->phys + offset;
		void *alias = v->alias + offset;

		seen = verify_change_shows(v, offset, alias, phys);
		if (seen == DAP_SEEN)
			seen = verify_change_shows(v, offset, phys, alias);
		if (seen == DAP_SEEN_LATE)
			return verify_report_cached(dev, v->region->alias + offset,
						    "make it non-cacheable in the MPU or by the address map");
		if (!seen)
			return verify_report_mismatch(dev, v, offset,
						      "a write to one is not seen in the other");
		/* Without its lowest bit: 0 for each power of two. */
		if (offset &&
		    verify_change_shows(v, offset, alias,
					v->alias + (offset & (offset - 1))))
			return verify_report_mismatch(dev, v, offset,
						      "a write to it changed another page");
	}
	return 0;
}

static int verify_alias(struct device *dev, const struct dap_region *region)
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

	/* What is old in a cached alias must not look like other memory. */
	verify_flush_both(&v, 0, region->size);
	ret = verify_compare(dev, &v) ?: verify_change_pages(dev, &v);
	/* A line left behind would be stale as soon as somebody else writes. */
	verify_flush_both(&v, 0, region->size);
	memunmap(v.phys);
	return ret;
}

/*
 * Does an invalidate lose what was written to the page at an offset?  Only what
 * could be read before can be lost: this may be no memory at all.
 */
static bool verify_write_is_lost(const struct dap_region *region, size_t offset)
{
	u32 *word = region->cpu + offset;
	unsigned long flags;
	bool lost;
	u32 old;

	local_irq_save(flags);
	verify_flush(region->cpu, region->phys, offset, DAP_WHOLE_LINES);
	/* Read first: not each cache takes in what is only written. */
	old = READ_ONCE(*word);
	WRITE_ONCE(*word, ~old);
	/* It has left the store buffer before the invalidate ... */
	mb();
	lost = READ_ONCE(*word) == ~old;
	dap_sync_for_device(region->phys + offset, DAP_WHOLE_LINES,
			    DMA_FROM_DEVICE);
	/* ... which comes before it is read again. */
	mb();
	lost = lost && READ_ONCE(*word) != ~old;
	WRITE_ONCE(*word, old);
	verify_flush(region->cpu, region->phys, offset, DAP_WHOLE_LINES);
	local_irq_restore(flags);
	return lost;
}

static int verify_uncached(struct device *dev, const struct dap_region *region)
{
	size_t offset;

	if (!DAP_HAVE_CACHE_OPS)
		return 0;
	for (offset = 0; offset < region->size; offset += PAGE_SIZE)
		if (verify_write_is_lost(region, offset))
			return verify_report_cached(dev, region->phys + offset,
						    region->use_mpu ?
						    "the MPU region does not take effect" :
						    "give its alias, make it non-cacheable in the MPU (dma-alias-pool,mpu) or by the address map");
	return 0;
}

/**
 * dap_verify_region() - check the way in which the CPU will reach a region
 * @dev:    the pool's device, for messages
 * @region: claimed, mapped, and seen to by the MPU if it is to be
 *
 * Of a region without an alias there is something to see only where the caches
 * can be maintained (DAP_HAVE_CACHE_OPS), which is never so with an MMU.
 *
 * Context: process context, may sleep; the memory is not in use yet.
 * Return: 0, -EINVAL if the alias is none or what the CPU uses is cached (reported,
 * with the addresses), -ENOMEM if the cacheable view cannot be mapped for the check.
 */
int dap_verify_region(struct device *dev, const struct dap_region *region)
{
	return region->has_alias ? verify_alias(dev, region) :
				   verify_uncached(dev, region);
}
