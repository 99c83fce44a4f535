// SPDX-License-Identifier: GPL-2.0
/*
 * Prove that the CPU reaches the memory of a pool in the right way, before
 * anybody uses the pool: that the alias reaches the same memory, and that the
 * CPU does not cache it.
 *
 * With a wrong alias, CPU and device use different memory.  If the CPU caches
 * the memory, they use different copies.  Both mean silent corruption, so each
 * page of the region is checked.  Only here does the CPU use the cacheable
 * view, and no line of it is left in a cache.
 *
 * An address may be wrong, and the memory there may belong to somebody.  So
 * nothing is written through the alias before both views were found to hold the
 * same data.  After that, one word at a time is changed and restored at once,
 * with interrupts off, so that any data there survive.
 *
 * An alias is checked in this order:
 *  1. Both views hold the same data before anything is written.
 *  2. For each page, phys shows what was written through the alias, and the
 *     alias shows what was written through phys.  A change that shows only
 *     after the lines of the alias were flushed means that the alias is cached.
 *  3. Writing to a page does not change another page at a distance of a power
 *     of two.  That would mean that the memory is smaller than the region, and
 *     repeats.
 *
 * An address at which nothing answers cannot be checked: on most machines,
 * reading it is a bus fault.
 *
 * Memory without an alias is taken for its own alias: steps 2 and 3 show whether
 * it is memory, and does not repeat.  Then it is written to, and the cache is
 * invalidated: if the change is lost, it was in a cache.  A write-through cache
 * loses nothing, so it is not detected.
 *
 * A CPU may at any time fetch a line into its cache, or write back a dirty one.
 * If it fetches one, that has what is in memory, so only the change being tried
 * can be missing.  If it writes one back, the change gets to memory, and this
 * one try does not detect the cache; therefore each page is tried.  Neither of
 * them makes uncached memory look like cached memory.  An invalidate loses
 * nothing but the change: it affects whole lines, all within the region, that
 * were written back just before.
 */
#include <linux/device.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "cache.h"
#include "region.h"

/* Number of 32-bit words of each page to compare before anything is written. */
#define DAP_COMPARE_WORDS	16

/* Number of bytes at the start of a page that are whole lines of any cache. */
#define DAP_WHOLE_LINES		128

struct dap_views {
	void *phys;		/* cacheable */
	void *alias;		/* not cacheable */
	const struct dap_region *region;
};

/* How a change at one address is seen at another. */
enum dap_seen {
	DAP_UNSEEN,
	DAP_SEEN,
	DAP_SEEN_LATE,		/* only after the alias was flushed as well */
};

/* Write back and drop the lines of a view. */
static void verify_flush(void *view, phys_addr_t at, size_t offset, size_t size)
{
	dap_flush_cached_view(view + offset, at + offset, size);
}

static void verify_flush_phys(const struct dap_views *v, size_t offset,
			      size_t size)
{
	verify_flush(v->phys, v->region->phys, offset, size);
}

/*
 * The alias first: otherwise phys may fetch data that it has not written back.
 */
static void verify_flush_both(const struct dap_views *v, size_t offset,
			      size_t size)
{
	if (v->region->has_alias)
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

	if (!v->region->has_alias)
		return dev_err_probe(dev, -EINVAL,
				     "%pa: %s: check address and size\n",
				     &phys, why);
	return dev_err_probe(dev, -EINVAL, "%pa is no alias of %pa: %s%s\n",
			     &alias, &phys, why, dap_flush_is_sure() ? "" :
			     "; or cache lines hide it, which may not have been flushed on this CPU: if you are sure of the address, load with verify=0");
}

static int verify_compare(struct device *dev, const struct dap_views *v)
{
	size_t offset;
	unsigned int i;

	for (offset = 0; offset < v->region->size; offset += PAGE_SIZE) {
		const u32 *p = v->phys + offset;
		const u32 *a = v->alias + offset;

		/* There may be gigabytes of it. */
		cond_resched();
		for (i = 0; i < DAP_COMPARE_WORDS; i++)
			if (READ_ONCE(p[i]) != READ_ONCE(a[i]))
				return verify_report_mismatch(dev, v, offset,
							      "they hold different data");
	}
	return 0;
}

/*
 * Does a change of *@from, in the page at @offset, show in *@to?  The change is
 * undone before any interrupt could see it, or change the word itself.  At
 * first, the lines of the alias are not flushed, which makes the difference if
 * it is cached.
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

/*
 * Does a change of the page at @offset show in one at a distance of a power of
 * two?  That one is @offset, or its address, without the lowest bit: the bits of
 * the address tell which pages are the same, and the region may begin anywhere.
 */
static bool verify_repeats(const struct dap_views *v, size_t offset)
{
	phys_addr_t start = v->region->phys, at = start + offset;
	size_t other = offset & (offset - 1);
	u32 *word = v->alias + offset;

	if (!offset)
		return false;
	at &= at - 1;
	return verify_change_shows(v, offset, word, v->alias + other) ||
	       (at >= start && at - start != other &&
		verify_change_shows(v, offset, word, v->alias + (at - start)));
}

static int verify_change_pages(struct device *dev, const struct dap_views *v)
{
	enum dap_seen seen;
	size_t offset;

	for (offset = 0; offset < v->region->size; offset += PAGE_SIZE) {
		void *phys = v->phys + offset;
		void *alias = v->alias + offset;

		cond_resched();
		seen = verify_change_shows(v, offset, alias, phys);
		if (seen == DAP_SEEN && v->region->has_alias)
			seen = verify_change_shows(v, offset, phys, alias);
		if (seen == DAP_SEEN_LATE)
			return verify_report_cached(dev, v->region->alias + offset,
						    "make it non-cacheable in the MPU or by the address map");
		if (!seen)
			return verify_report_mismatch(dev, v, offset,
						      v->region->has_alias ?
						      "a write to one is not seen in the other" :
						      "a write to it is lost");
		if (verify_repeats(v, offset))
			return verify_report_mismatch(dev, v, offset,
						      "a write to it changed another page");
	}
	return 0;
}

/* Does an invalidate lose what was written to the page at @offset? */
static bool verify_write_is_lost(const struct dap_region *region, size_t offset)
{
	u32 *word = region->cpu + offset;
	unsigned long flags;
	bool lost;
	u32 old;

	local_irq_save(flags);
	verify_flush(region->cpu, region->phys, offset, DAP_WHOLE_LINES);
	/* Read first: some caches fetch no line for a write. */
	old = READ_ONCE(*word);
	WRITE_ONCE(*word, ~old);
	/* The write leaves the store buffer before the invalidate ... */
	mb();
	dap_sync_for_device(region->phys + offset, DAP_WHOLE_LINES,
			    DMA_FROM_DEVICE);
	/* ... which is complete before the word is read. */
	mb();
	lost = READ_ONCE(*word) != ~old;
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
 * dap_verify_region() - check how the CPU reaches a region
 * @dev:    the pool's device, for messages
 * @region: claimed, mapped, and with its MPU region set up if it is to have one
 *
 * Whether the CPU caches a region without an alias can be checked only if the
 * caches can be maintained (DAP_HAVE_CACHE_OPS), which is never possible with an
 * MMU.  With one, such a region is not mapped yet, and nothing is checked.
 *
 * Context: process context, may sleep; the memory is not in use yet.
 * Return: 0; -EINVAL if the alias is none, if the CPU caches the memory, or if
 * there is none (reported with the addresses); -ENXIO if the cacheable view
 * cannot be mapped for the check (reported).
 */
int dap_verify_region(struct device *dev, const struct dap_region *region)
{
	struct dap_views v = {
		.phys = region->cpu,
		.alias = region->cpu,
		.region = region,
	};
	int ret;

	if (!region->cpu)
		return 0;
	/* Lines from before were flushed when it was mapped. */
	if (!region->has_alias) {
		ret = verify_change_pages(dev, &v) ?:
		      verify_uncached(dev, region);
		verify_flush_phys(&v, 0, region->size);
		return ret;
	}

	v.phys = memremap(region->phys, region->size, MEMREMAP_WB);
	if (!v.phys)
		return dev_err_probe(dev, -ENXIO,
				     "cannot map %pa to check its alias\n",
				     &region->phys);

	/* Old lines of a cached alias must not look like different memory. */
	verify_flush_both(&v, 0, region->size);
	ret = verify_compare(dev, &v) ?: verify_change_pages(dev, &v);
	/* A line left in a cache would be stale once somebody else writes. */
	verify_flush_both(&v, 0, region->size);
	memunmap(v.phys);
	return ret;
}
