// SPDX-License-Identifier: GPL-2.0
/*
 * A pool: a memory region, its allocator, and the record of who holds what.
 *
 * Contexts: allocating, freeing and reading statistics work in any context, on
 * SMP and on PREEMPT_RT, and allocate no memory.  Setting a pool up and
 * destroying it are for process context.
 *
 * Locking: each pool has one raw spinlock, which is held for a bounded time
 * (see alloc.c).  Memory is cleared outside of it.
 *
 * Lifetime: while a user holds anything, there is one reference to the user and
 * one to the module for it, so that neither goes away before the last free.
 * These references are taken here.  The caller of the function that returns
 * DAP_DRAINED drops them.  registry.c decides when a pool may be destroyed.
 */
#include <linux/device.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pfn.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "clear.h"
#include "pool.h"

/* What the allocator stores for us with each live allocation. */
struct dap_record {
	struct dap_user *user;
	unsigned long caller;
	u32 size;
	u32 when;
};

/* Number of pages to search for an allocation before the lock is dropped. */
#define DAP_LOOK_PAGES	32

static_assert(sizeof(struct dap_record) <= DAP_RECORD_SIZE);

/* Not in jiffies: those of 32 bits wrap around after weeks. */
static u32 pool_now(void)
{
	return ktime_get_seconds();
}

/* Not PFN_UP(), which overflows for sizes that drivers may ask for by mistake. */
static unsigned long pool_pages(size_t size)
{
	return (size >> PAGE_SHIFT) + !!(size & ~PAGE_MASK);
}

/*
 * A pool whose address is aligned to less than its size cannot hold the largest
 * buffers that would otherwise fit.  Tell the user how to change that.
 */
static void pool_note_alignment(struct dap_pool *pool, struct device *dev)
{
	struct dap_pool_stats stats;

	dap_pool_stats(pool, &stats);
	if (stats.largest_free_bytes < stats.total_bytes)
		dev_info(dev, "DMA pool %s: no buffer above %zu KiB: align its address to %#zx, or lower max_align\n",
			 pool->name, stats.largest_free_bytes >> 10,
			 dap_pool_alignment(pool, stats.total_bytes));
}

/**
 * dap_pool_init() - claim the memory of a pool and prepare to hand it out
 * @pool:   zeroed
 * @dev:    the pool's device, for messages
 * @spec:   description of the pool
 * @verify: check how the CPU reaches the memory, see struct dap_region
 *
 * Context: process context, may sleep.
 * Return: 0 or an error that has been reported; then nothing is left behind.
 */
int dap_pool_init(struct dap_pool *pool, struct device *dev,
		  const struct dap_spec *spec, bool verify)
{
	phys_addr_t bus = spec->has_bus ? spec->bus : spec->phys;
	unsigned int max_order = DAP_ALIGN_NATURAL;
	u32 pages;
	int ret;

	if (spec->max_align) {
		/*
		 * Not is_power_of_2(): an unsigned long may have 32 bits only.
		 */
		if (spec->max_align & (spec->max_align - 1) ||
		    spec->max_align < PAGE_SIZE)
			return dev_err_probe(dev, -EINVAL,
					     "maximum alignment %#llx is no power of two of at least a page (%lu)\n",
					     spec->max_align, PAGE_SIZE);
		max_order = ilog2(spec->max_align) - PAGE_SHIFT;
	}

	strscpy(pool->name, spec->name, sizeof(pool->name));
	pool->region.phys = spec->phys;
	pool->region.size = spec->size;
	pool->region.alias = spec->alias;
	pool->region.use_mpu = spec->use_mpu;
	pool->region.guard = spec->guard;
	pool->region.verify = verify;

	ret = dap_region_claim(dev, &pool->region, pool->name, spec->no_map);
	if (ret)
		return ret;

	pages = pool->region.size >> PAGE_SHIFT;
	pool->meta = kvzalloc(dap_alloc_meta_size(pages), GFP_KERNEL);
	if (!pool->meta) {
		dap_region_release(&pool->region);
		/* dev_err_probe() does not print what is out of memory. */
		dev_err(dev, "no memory for the records of %u pages\n", pages);
		return -ENOMEM;
	}

	dap_fault_init(&pool->fault);
	raw_spin_lock_init(&pool->lock);
	dap_alloc_init(&pool->alloc, pages, bus >> PAGE_SHIFT, max_order,
		       pool->meta);
	pool->count.least_free = pages;
	pool_note_alignment(pool, dev);
	return 0;
}

/**
 * dap_pool_destroy() - give the memory of a pool back
 * @pool: dead, and without live allocations
 *
 * A free that is in progress may still call dap_pool_free() for a moment; it
 * finds @meta gone and does nothing.
 *
 * Context: process context, may sleep.
 */
void dap_pool_destroy(struct dap_pool *pool)
{
	void *meta = pool->meta;
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->lock, flags);
	memset(&pool->alloc, 0, sizeof(pool->alloc));
	pool->meta = NULL;
	raw_spin_unlock_irqrestore(&pool->lock, flags);
	kvfree(meta);
	dap_fault_exit(&pool->fault);
	dap_region_release(&pool->region);
}

/**
 * dap_pool_kill() - let all further allocations fail
 * @pool: the pool; its live allocations stay valid and can be freed
 *
 * Context: any.
 */
void dap_pool_kill(struct dap_pool *pool)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->lock, flags);
	pool->dead = true;
	raw_spin_unlock_irqrestore(&pool->lock, flags);
}

/* Out of line, since only the first allocation of a user gets here. */
static noinline bool pool_pin_user(struct dap_user *user)
{
	if (!try_module_get(THIS_MODULE)) {
		user->refused = true;
		return false;
	}
	if (!kref_get_unless_zero(&user->ref)) {
		module_put(THIS_MODULE);
		return false;
	}
	return true;
}

/*
 * The first allocation that a user holds pins the user and the module, since
 * the last free needs both.
 */
static __always_inline bool pool_hold_user(struct dap_pool *pool,
					   struct dap_user *user)
{
	lockdep_assert_held(&pool->lock);
	if (!user->held && !pool_pin_user(user))
		return false;
	user->held++;
	return true;
}

static int pool_drop_user(struct dap_pool *pool, struct dap_user *user)
{
	lockdep_assert_held(&pool->lock);
	return --user->held ? 0 : DAP_DRAINED;
}

/**
 * dap_pool_alignment() - how a request will be aligned
 * @pool: the pool
 * @size: bytes
 *
 * Return: the alignment in bytes: the lowest power of two that is not less than
 * @size, or the limit that was set for the pool (max_align).
 */
size_t dap_pool_alignment(const struct dap_pool *pool, size_t size)
{
	size = clamp(size, (size_t)1, (size_t)pool->region.size);
	return PAGE_SIZE << dap_alloc_order(&pool->alloc, pool_pages(size));
}

/* Returns the first page, or an error. */
static int pool_take_pages(struct dap_pool *pool, struct dap_user *user,
			   size_t size, u32 limit, unsigned long caller)
{
	struct dap_counters *count = &pool->count;
	struct dap_record *record;
	int page;

	lockdep_assert_held(&pool->lock);
	if (pool->dead)
		return -ENODEV;
	page = dap_alloc_get(&pool->alloc, pool_pages(size), limit);
	if (page < 0)
		return page;
	if (!pool_hold_user(pool, user)) {
		dap_alloc_put(&pool->alloc, page, pool_pages(size));
		return -ENODEV;
	}

	record = dap_alloc_record(&pool->alloc, page);
	record->user = user;
	record->caller = caller;
	record->size = size;
	record->when = pool_now();

	user->allocs++;
	user->live_bytes += size;
	if (user->peak_bytes < user->live_bytes)
		user->peak_bytes = user->live_bytes;

	count->requested_bytes += size;
	if (count->least_free > pool->alloc.free)
		count->least_free = pool->alloc.free;
	return page;
}

static unsigned int pool_bucket_index(size_t size)
{
	unsigned int order = size > PAGE_SIZE ? fls64(size - 1) - PAGE_SHIFT : 0;

	return min_t(unsigned int, order, DAP_BUCKETS - 1);
}

static noinline void pool_note_failure(struct dap_pool *pool,
				       struct dap_user *user, size_t size,
				       unsigned long caller, int error)
{
	struct dap_failure *failure =
		&pool->failures[pool->count.fail_count % DAP_FAILURES];

	lockdep_assert_held(&pool->lock);
	pool->count.fail_count++;
	user->failures++;
	failure->size = size;
	failure->free = (size_t)pool->alloc.free << PAGE_SHIFT;
	failure->largest = (size_t)dap_alloc_largest(&pool->alloc) << PAGE_SHIFT;
	failure->error = error;
	memcpy(failure->dev, user->name, sizeof(failure->dev));
	failure->caller = caller;
	failure->when = pool_now();
}

/**
 * dap_pool_alloc() - allocate memory from a pool
 * @pool:   the pool
 * @user:   who will hold it
 * @size:   bytes
 * @limit:  use only pages below this one, since the device cannot address the
 *          others
 * @caller: return address to be shown with the allocation
 *
 * The memory is zeroed up to the end of its last page, as user space may map
 * it.  It is aligned to the smallest power-of-two number of pages that holds
 * it, which Documentation/core-api/dma-api-howto.rst promises to drivers,
 * unless the user has limited that for the pool (max_align).
 *
 * Context: any; takes the pool's lock, and clears the memory after dropping it.
 * Return: the alias address, or an ERR_PTR: -EINVAL if @size is 0, -E2BIG if it
 * is more than the pool has, -ENOSPC if there is no room, -ENODEV if the pool
 * is going away, -ENOMEM where fault injection asks for it.  A failure has been
 * counted, but not reported.
 */
void *dap_pool_alloc(struct dap_pool *pool, struct dap_user *user, size_t size,
		     u32 limit, unsigned long caller)
{
	bool injected = dap_fault_hits(&pool->fault, size);
	unsigned long flags;
	void *cpu;
	int page;

	raw_spin_lock_irqsave(&pool->lock, flags);
	if (unlikely(injected))
		page = -ENOMEM;
	else
		page = pool_take_pages(pool, user, size, limit, caller);
	if (likely(page >= 0)) {
		pool->buckets[pool_bucket_index(size)].served++;
	} else {
		pool->buckets[pool_bucket_index(size)].failed++;
		pool_note_failure(pool, user, size, caller, page);
	}
	raw_spin_unlock_irqrestore(&pool->lock, flags);
	if (page < 0)
		return ERR_PTR(page);

	cpu = pool->region.cpu + ((size_t)page << PAGE_SHIFT);
	dap_clear_pages(cpu, (size_t)pool_pages(size) << PAGE_SHIFT);
	return cpu;
}

static int pool_give_back(struct dap_pool *pool, struct dap_user *user,
			  u32 page, size_t size)
{
	/*
	 * The page may be any one, so the record may be garbage until checked.
	 */
	struct dap_record *record = dap_alloc_record(&pool->alloc, page);
	size_t requested = record->size;
	u32 pages = PFN_UP(requested);
	int ret;

	lockdep_assert_held(&pool->lock);
	if (record->user != user ||
	    (size != requested && size != (size_t)pages << PAGE_SHIFT)) {
		ret = dap_alloc_check(&pool->alloc, page, pool_pages(size));
		if (ret)
			return ret;
		return record->user != user ? -EPERM : -EINVAL;
	}
	ret = dap_alloc_put(&pool->alloc, page, pages);
	if (ret)
		return ret;

	user->live_bytes -= requested;
	pool->count.free_count++;
	pool->count.requested_bytes -= requested;
	return pool_drop_user(pool, user);
}

/**
 * dap_pool_free() - free memory of a pool
 * @pool: the pool
 * @user: who holds it
 * @cpu:  the address that dap_pool_alloc() returned; dap_pool_contains() must
 *        be true
 * @size: bytes, as allocated.  The same rounded up to whole pages is accepted
 *        as well: some drivers remember only that, and it does no harm.
 *
 * Context: any.
 * Return: 0; or DAP_DRAINED if @user holds nothing any more, and then the
 * caller has to drop a reference to the user and after that one to the module;
 * or an error for a free that cannot be right, which has changed nothing:
 * -ENOENT if no allocation starts at @cpu, -EINVAL if @size is wrong, -EPERM if
 * somebody else holds it.
 */
int dap_pool_free(struct dap_pool *pool, struct dap_user *user, void *cpu,
		  size_t size)
{
	size_t offset = dap_pool_offset(pool, cpu);
	unsigned long flags;
	int ret;

	if (offset & ~PAGE_MASK)
		return -ENOENT;

	raw_spin_lock_irqsave(&pool->lock, flags);
	ret = likely(pool->meta) ?
	      pool_give_back(pool, user, offset >> PAGE_SHIFT, size) : -ENOENT;
	raw_spin_unlock_irqrestore(&pool->lock, flags);
	return ret;
}

/**
 * dap_pool_age() - how long ago was that?
 * @when: the time, as recorded in a struct dap_failure
 *
 * Return: seconds.
 */
u32 dap_pool_age(u32 when)
{
	return pool_now() - when;
}

/**
 * dap_pool_next_live() - find the next live allocation of a pool
 * @pool: the pool
 * @from: first page to look at
 * @live: set to the first allocation that starts there or later
 *
 * The lock is dropped between two calls, so an allocation that is made or freed
 * meanwhile may or may not be seen.
 *
 * Context: any.
 * Return: true if there is one.
 */
bool dap_pool_next_live(struct dap_pool *pool, u32 from, struct dap_live *live)
{
	u32 pages = pool->region.size >> PAGE_SHIFT;
	struct dap_record *record;
	unsigned long flags;
	bool found = false;

	for (; !found && from < pages; from += DAP_LOOK_PAGES) {
		raw_spin_lock_irqsave(&pool->lock, flags);
		found = dap_alloc_next(&pool->alloc, from,
				       from + DAP_LOOK_PAGES,
				       &live->page, &live->pages);
		if (found) {
			record = dap_alloc_record(&pool->alloc, live->page);
			live->user = record->user;
			live->size = record->size;
			live->caller = record->caller;
			live->age = dap_pool_age(record->when);
			/* The user may be gone once the lock is dropped. */
			memcpy(live->dev, record->user->name,
			       sizeof(live->dev));
		}
		raw_spin_unlock_irqrestore(&pool->lock, flags);
	}
	return found;
}

/**
 * dap_pool_stats() - read the statistics of a pool
 * @pool:  the pool
 * @stats: filled in, all figures of the same moment
 *
 * Context: any.
 */
void dap_pool_stats(struct dap_pool *pool, struct dap_pool_stats *stats)
{
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&pool->lock, flags);
	stats->total_bytes = pool->region.size;
	stats->free_bytes = (size_t)pool->alloc.free << PAGE_SHIFT;
	stats->peak_used_bytes = stats->total_bytes -
				 ((size_t)pool->count.least_free << PAGE_SHIFT);
	stats->largest_free_bytes =
		(size_t)dap_alloc_largest(&pool->alloc) << PAGE_SHIFT;
	stats->sweeps = pool->alloc.sweeps;
	stats->count = pool->count;
	stats->alloc_count = 0;
	for (i = 0; i < DAP_BUCKETS; i++)
		stats->alloc_count += pool->buckets[i].served;
	raw_spin_unlock_irqrestore(&pool->lock, flags);
}

/**
 * dap_pool_reset_peak() - set the peak to what is used now
 * @pool: the pool
 *
 * Context: any.
 */
void dap_pool_reset_peak(struct dap_pool *pool)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->lock, flags);
	pool->count.least_free = pool->alloc.free;
	raw_spin_unlock_irqrestore(&pool->lock, flags);
}

/**
 * dap_pool_bucket() - how many requests of a size were there?
 * @pool: the pool
 * @i:    which size, below DAP_BUCKETS: requests of up to 1 << @i pages
 *
 * Context: any.
 * Return: how many were served, and how many failed.
 */
struct dap_bucket dap_pool_bucket(struct dap_pool *pool, unsigned int i)
{
	struct dap_bucket bucket;
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->lock, flags);
	bucket = pool->buckets[i];
	raw_spin_unlock_irqrestore(&pool->lock, flags);
	return bucket;
}

/**
 * dap_pool_failure() - read one of the last failures
 * @pool:    the pool
 * @back:    0 for the last one, 1 for the one before, and so on; below
 *           DAP_FAILURES
 * @failure: filled in
 *
 * Context: any.
 * Return: false if there were not that many.
 */
bool dap_pool_failure(struct dap_pool *pool, unsigned int back,
		      struct dap_failure *failure)
{
	unsigned long count, flags;

	raw_spin_lock_irqsave(&pool->lock, flags);
	count = pool->count.fail_count;
	if (back < count)
		*failure = pool->failures[(count - 1 - back) % DAP_FAILURES];
	raw_spin_unlock_irqrestore(&pool->lock, flags);
	return back < count;
}

/**
 * dap_pool_user_stats() - read the figures of one user of a pool
 * @pool: the pool
 * @user: the user
 * @copy: filled in, all figures of the same moment
 *
 * Context: any.
 */
void dap_pool_user_stats(struct dap_pool *pool, const struct dap_user *user,
			 struct dap_user *copy)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->lock, flags);
	*copy = *user;
	raw_spin_unlock_irqrestore(&pool->lock, flags);
}

/**
 * dap_pool_hold_fallback() - a user gets memory from elsewhere instead of from
 * the pool
 * @pool: the pool
 * @user: the user
 *
 * The memory must come back the same way, so it counts as held.
 *
 * Context: any.
 * Return: false if the module is being unloaded; also if the pool is dead and
 * the user holds nothing, since the user may be gone then.
 */
bool dap_pool_hold_fallback(struct dap_pool *pool, struct dap_user *user)
{
	unsigned long flags;
	bool ret;

	raw_spin_lock_irqsave(&pool->lock, flags);
	ret = (!pool->dead || user->held) && pool_hold_user(pool, user);
	if (ret)
		user->fallbacks++;
	raw_spin_unlock_irqrestore(&pool->lock, flags);
	return ret;
}

/**
 * dap_pool_drop_fallback() - undo dap_pool_hold_fallback()
 * @pool: the pool
 * @user: the user
 *
 * Context: any.
 * Return: 0, or DAP_DRAINED as in dap_pool_free().
 */
int dap_pool_drop_fallback(struct dap_pool *pool, struct dap_user *user)
{
	unsigned long flags;
	int ret;

	raw_spin_lock_irqsave(&pool->lock, flags);
	user->fallbacks--;
	ret = pool_drop_user(pool, user);
	raw_spin_unlock_irqrestore(&pool->lock, flags);
	return ret;
}

/**
 * dap_pool_count_fallback() - count a request served by the normal allocator
 * @pool: the pool that did not serve it
 *
 * Context: any.
 */
void dap_pool_count_fallback(struct dap_pool *pool)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->lock, flags);
	pool->count.fallback_count++;
	raw_spin_unlock_irqrestore(&pool->lock, flags);
}

/**
 * dap_pool_count_bad_free() - count a free that was refused
 * @pool: the pool
 * @user: who tried
 *
 * Context: any.
 * Return: true if it was the first one of this user.
 */
bool dap_pool_count_bad_free(struct dap_pool *pool, struct dap_user *user)
{
	unsigned long flags;
	bool first;

	raw_spin_lock_irqsave(&pool->lock, flags);
	pool->count.bad_free_count++;
	first = !user->bad_frees++;
	raw_spin_unlock_irqrestore(&pool->lock, flags);
	return first;
}
