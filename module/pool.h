/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_POOL_H
#define DAP_POOL_H

#include <linux/kref.h>
#include <linux/mm.h>
#include <linux/spinlock.h>
#include <linux/types.h>

#include "alloc.h"
#include "fault.h"
#include "region.h"

struct device;

/**
 * struct dap_spec - description of a pool
 * @has_bus:    @bus was given; otherwise each device's own translation is used
 * @no_map:     false for a device tree region that lacks no-map
 * @is_default: serves each device that qualifies, not only those that were
 *              named
 * @use_mpu:    an MPU region makes the memory non-cacheable
 * @guard:      where there is an alias, an MPU region forbids any access at
 *              @phys
 * @name:       name for people, debugfs and clients=
 * @phys:       base of the region
 * @size:       bytes
 * @alias:      the non-cacheable address of the region; @phys if there is none
 * @bus:        address of the region as devices see it, valid if @has_bus
 * @max_align:  align no allocation to more bytes; 0 for no such limit
 */
struct dap_spec {
	bool has_bus;
	bool no_map;
	bool is_default;
	bool use_mpu;
	bool guard;
	char name[DAP_NAME_LEN];
	phys_addr_t phys;
	phys_addr_t size;
	phys_addr_t alias;
	dma_addr_t bus;
	u64 max_align;
};

/* Room for a device name as files show it, with the terminating NUL. */
#define DAP_DEV_NAME_LEN	48

/**
 * struct dap_user - what one user of a pool holds; protected by the pool's lock
 * @ref:         references to the user.  The caller decides who has one, except
 *               that what the user holds has one as well.
 * @held:        number of allocations that the user holds: of the pool, and of
 *               the normal allocator instead of the pool.  While it is not 0,
 *               there is one reference to the user and one to the module.
 * @refused:     it got no memory because the module is being unloaded
 * @fallbacks:   how many of @held are of the normal allocator
 * @live_bytes:  bytes asked for in those of the pool
 * @peak_bytes:  the most that @live_bytes has been
 * @allocs:      allocations so far
 * @failures:    requests that could not be served
 * @bad_frees:   frees that were refused
 * @name:        name of the device, of fixed length so that it is copied
 *               quickly under the lock
 */
struct dap_user {
	struct kref ref;
	u32 held;
	bool refused;
	u32 fallbacks;
	size_t live_bytes;
	size_t peak_bytes;
	unsigned long allocs;
	unsigned long failures;
	unsigned long bad_frees;
	char name[DAP_DEV_NAME_LEN];
};

/*
 * Requests are counted by their size, rounded up to a power of two pages, from
 * 1 page to 2 GiB.  The last bucket is for requests that no pool could serve.
 */
#define DAP_BUCKETS	(32 - PAGE_SHIFT + 1)

struct dap_bucket {
	unsigned long served;
	unsigned long failed;
};

/* Number of failed requests that are remembered. */
#define DAP_FAILURES	8

/**
 * struct dap_failure - a request that a pool could not serve
 * @size:    bytes asked for
 * @free:    bytes that were free
 * @largest: the largest request that could have been served
 * @error:   why, as dap_pool_alloc() returned it
 * @dev:     name of the device
 * @caller:  who called the DMA API
 * @when:    time in seconds, see dap_pool_age()
 */
struct dap_failure {
	size_t size;
	size_t free;
	size_t largest;
	int error;
	char dev[DAP_DEV_NAME_LEN];
	unsigned long caller;
	u32 when;
};

/* Figures of the stats file, except for those that the allocator keeps. */
struct dap_counters {
	size_t requested_bytes;
	u32 least_free;			/* pages */
	unsigned long free_count;
	unsigned long fail_count;
	unsigned long fallback_count;
	unsigned long bad_free_count;
};

/**
 * struct dap_pool - reserved memory that is handed out to devices
 * @name:     see struct dap_spec
 * @lock:     protects all that follows but @region and @fault.  It is raw,
 *            since drivers allocate in atomic context, and it is held for a
 *            bounded time only.
 * @dead:     no more allocations, the pool's device is gone
 * @meta:     memory that @alloc works in
 * @count:    statistics
 * @region:   the memory; the CPU uses @region.cpu only
 * @alloc:    which pages are free
 * @fault:    which allocations are to fail, for tests
 * @buckets:  numbers of requests by size
 * @failures: the last failed requests; entry @count.fail_count % DAP_FAILURES
 *            is the next to be written
 */
struct dap_pool {
	char name[DAP_NAME_LEN];
	raw_spinlock_t lock;
	bool dead;
	void *meta;
	struct dap_counters count;
	struct dap_region region;
	struct dap_alloc alloc;
	struct dap_fault fault;
	struct dap_bucket buckets[DAP_BUCKETS];
	struct dap_failure failures[DAP_FAILURES];
};

/**
 * struct dap_live - a copy of the record of one live allocation
 * @page:   first page, counted from the start of the pool
 * @pages:  length in pages
 * @size:   bytes asked for
 * @dev:    name of the device that holds it
 * @user:   the holder; only to be compared, since it may be freed already
 * @caller: who called the DMA API
 * @age:    seconds since it was allocated
 */
struct dap_live {
	u32 page;
	u32 pages;
	u32 size;
	char dev[DAP_DEV_NAME_LEN];
	const struct dap_user *user;
	unsigned long caller;
	u32 age;
};

/* Returned by dap_pool_free() if the user holds nothing any more. */
#define DAP_DRAINED	1

/* Everything that the stats file shows, all of the same moment. */
struct dap_pool_stats {
	size_t total_bytes;
	size_t free_bytes;
	size_t largest_free_bytes;
	size_t peak_used_bytes;
	unsigned long sweeps;
	unsigned long alloc_count;
	struct dap_counters count;
};

int dap_pool_init(struct dap_pool *pool, struct device *dev,
		  const struct dap_spec *spec, bool verify);
void dap_pool_destroy(struct dap_pool *pool);
void dap_pool_kill(struct dap_pool *pool);

void *dap_pool_alloc(struct dap_pool *pool, struct dap_user *user, size_t size,
		     u32 limit, unsigned long caller);
int dap_pool_free(struct dap_pool *pool, struct dap_user *user, void *cpu,
		  size_t size);
bool dap_pool_next_live(struct dap_pool *pool, u32 from, struct dap_live *live);
void dap_pool_stats(struct dap_pool *pool, struct dap_pool_stats *stats);
void dap_pool_reset_peak(struct dap_pool *pool);
struct dap_bucket dap_pool_bucket(struct dap_pool *pool, unsigned int i);
bool dap_pool_failure(struct dap_pool *pool, unsigned int back,
		      struct dap_failure *failure);
void dap_pool_user_stats(struct dap_pool *pool, const struct dap_user *user,
			 struct dap_user *copy);
bool __must_check dap_pool_hold_fallback(struct dap_pool *pool,
					 struct dap_user *user);
int __must_check dap_pool_drop_fallback(struct dap_pool *pool,
					struct dap_user *user);
void dap_pool_count_fallback(struct dap_pool *pool);
u32 dap_pool_age(u32 when);
size_t dap_pool_alignment(const struct dap_pool *pool, size_t size);
bool dap_pool_count_bad_free(struct dap_pool *pool, struct dap_user *user);

/*
 * Offset of an address in the pool, in bytes; dap_pool_contains() must be true.
 */
static inline size_t dap_pool_offset(const struct dap_pool *pool,
				     const void *cpu)
{
	return cpu - pool->region.cpu;
}

static inline bool dap_pool_contains(const struct dap_pool *pool,
				     const void *cpu)
{
	return (uintptr_t)cpu - (uintptr_t)pool->region.cpu < pool->region.size;
}

#endif /* DAP_POOL_H */
