// SPDX-License-Identifier: GPL-2.0
/*
 * module/pool.c as it is, each function: what it does, that it takes the pool's
 * lock as often as it should, holds it around all that needs it (spinlock.h,
 * locked_*() here) and nothing else, leaves lock and interrupts as they were, and
 * that who holds something has one reference to the user and one to the module.
 * Last, threads at once; the Makefile builds that for the thread sanitizer, too.
 */
#pragma GCC diagnostic ignored "-Wunused-parameter"	/* stand-ins have some */
#pragma GCC diagnostic ignored "-Wunused-function"	/* if pool.c is broken */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <linux/err.h>
#include <linux/lockdep.h>
#include <linux/types.h>

#include "tap.h"

struct device {
	const char *name;
};

static const char *dev_name(const struct device *dev)
{
	return dev->name;
}

/* --- the allocator, which is for who holds the lock */

#include "../../module/alloc.c"
#include "../../module/pool.h"

static struct dap_pool pool;

static int locked_get(struct dap_alloc *a, unsigned long n, u32 limit)
{
	lockdep_assert_held(&pool.lock);
	return dap_alloc_get(a, n, limit);
}

static int locked_check(const struct dap_alloc *a, u32 page,
			unsigned long n)
{
	lockdep_assert_held(&pool.lock);
	return dap_alloc_check(a, page, n);
}

static int locked_put(struct dap_alloc *a, u32 page, unsigned long n)
{
	lockdep_assert_held(&pool.lock);
	return dap_alloc_put(a, page, n);
}

static void *locked_record(struct dap_alloc *a, u32 page)
{
	lockdep_assert_held(&pool.lock);
	return dap_alloc_record(a, page);
}

static bool locked_next(const struct dap_alloc *a, u32 from, u32 to, u32 *page,
			u32 *n)
{
	lockdep_assert_held(&pool.lock);
	return dap_alloc_next(a, from, to, page, n);
}

static u32 locked_largest(const struct dap_alloc *a)
{
	lockdep_assert_held(&pool.lock);
	return dap_alloc_largest(a);
}

#define dap_alloc_get		locked_get
#define dap_alloc_check		locked_check
#define dap_alloc_put		locked_put
#define dap_alloc_record	locked_record
#define dap_alloc_next		locked_next
#define dap_alloc_largest	locked_largest

/* --- memory and region */

static size_t cleared;		/* bytes, by all calls so far */

/* In place of module/clear.h */
#define DAP_CLEAR_H
static inline void dap_clear_pages(void *to, size_t size)
{
	if (raw_spin_is_mine(&pool.lock))
		raw_spin_wrong("clears memory under the lock", __func__);
	memset(to, 0, size);
	__atomic_fetch_add(&cleared, size, __ATOMIC_RELAXED);
}

static bool no_memory;
static unsigned int metas;	/* that are allocated */

static void *kvzalloc(size_t size, unsigned int gfp)
{
	void *meta = no_memory ? NULL : calloc(1, size);

	metas += !!meta;
	return meta;
}

static void kvfree(const void *meta)
{
	metas -= !!meta;
	free((void *)meta);
}

#include "../../module/pool.c"

#define PAGES		1000
#define BYTES		(PAGES * PAGE_SIZE)
/* On 64 bit, a number of pages that is 3 if it is cut to 32 bits. */
#define FAR_TOO_BIG	((size_t)(BITS_PER_LONG == 64 ? ((1ULL << 32) + 3) << PAGE_SHIFT : BYTES + 2))
/* Looks at a whole pool, each with the lock of its own */
#define LOOKS		DIV_ROUND_UP(PAGES, DAP_LOOK_PAGES)
#define ANYWHERE	(~0U)
#define CALLER		0x1234

static time64_t seconds;

time64_t ktime_get_seconds(void)
{
	return seconds;
}
static int claim_result;
static unsigned int claims;	/* that are not released */
static struct dap_region claimed;
static unsigned int messages;

int dap_region_claim(struct device *dev, struct dap_region *region,
		     const char *name, bool no_map)
{
	if (claim_result)
		return claim_result;
	claims++;
	region->cpu = aligned_alloc(PAGE_SIZE, region->size);
	memset(region->cpu, 0xa5, region->size);
	claimed = *region;
	EXPECT(!strcmp(name, "sram"));
	EXPECT(no_map && region->verify);
	return 0;
}

void dap_region_release(struct dap_region *region)
{
	claims--;
	free(region->cpu);
}

int dev_err_probe(struct device *dev, int err, const char *format, ...)
{
	if (ERR_PROBE_SAYS(err))
		messages++;
	return err;
}

void dev_err(struct device *dev, const char *format, ...)
{
	messages++;
}

/* The largest buffer, and what would allow one of the whole pool; or nothing */
static size_t noted_kib, noted_align;

void dev_info(struct device *dev, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	EXPECT(strstr(format, "no buffer above %zu KiB") &&
	       !strcmp(va_arg(args, const char *), "sram"));
	noted_kib = va_arg(args, size_t);
	noted_align = va_arg(args, size_t);
	va_end(args);
}

/* --- the module */

static int module_refs;
static bool module_goes;

bool module_is_live(struct module *module)
{
	return !module_goes;
}

bool try_module_get(struct module *module)
{
	if (module_goes)
		return false;
	__atomic_fetch_add(&module_refs, 1, __ATOMIC_RELAXED);
	return true;
}

void module_put(struct module *module)
{
	__atomic_fetch_sub(&module_refs, 1, __ATOMIC_RELAXED);
}

/* --- calls, with interrupts on and off by turns */

static unsigned long taken_before;
static bool off_before;

static void before(void)
{
	static unsigned int turn;

	interrupts_off = off_before = turn++ & 1;
	taken_before = pool.lock.taken;
}

static void after(const char *call, unsigned long times)
{
	steps++;
	if (raw_spin_is_mine(&pool.lock))
		fail("%s: the lock is held", call);
	if (interrupts_off != off_before)
		fail("%s: interrupts are %s", call, off_before ? "on" : "off");
	if (pool.lock.taken - taken_before != times)
		fail("%s: takes the lock %lu times, not %lu", call,
		     pool.lock.taken - taken_before, times);
	interrupts_off = false;
}

/* TAKES(0, call;): the call takes the lock so often */
#define TAKES(times, call)						\
	do {								\
		before();						\
		call							\
		after(#call, times);					\
	} while (0)

static const struct dap_spec spec = {
	.name = "sram",
	.phys = 0x20000000,
	.size = BYTES,
	.alias = 0x20400000,
	.no_map = true,
};

static struct dap_user first, second;

/* Users are somebody's, who has a reference. */
static void start_with(const struct dap_spec *s)
{
	memset(&pool, 0, sizeof(pool));
	first = (struct dap_user){ .name = "first" };
	second = (struct dap_user){ .name = "second" };
	kref_init(&first.ref);
	kref_init(&second.ref);
	claims = metas = module_refs = 0;
	module_goes = false;
	no_memory = false;
	claim_result = 0;
	noted_kib = noted_align = 0;
	seconds = 100;
	cleared = 0;
	EXPECT(!dap_pool_init(&pool, NULL, s, true));
}

static void start(void)
{
	start_with(&spec);
}

/* One to each user that holds something, and one to the module for it. */
static void check_refs(void)
{
	EXPECT(module_refs == !!first.held + !!second.held);
	EXPECT(kref_read(&first.ref) == 1U + !!first.held);
	EXPECT(kref_read(&second.ref) == 1U + !!second.held);
}

static void end(void)
{
	EXPECT(!module_refs);
	check_refs();
	EXPECT(pool.alloc.free == pool.region.size >> PAGE_SHIFT);
	dap_pool_destroy(&pool);
	EXPECT(!claims && !metas);
}

static void *alloc(struct dap_user *user, size_t size)
{
	void *cpu;

	TAKES(1, cpu = dap_pool_alloc(&pool, user, size, ANYWHERE, CALLER););
	check_refs();
	return cpu;
}

static void never_released(struct kref *ref)
{
	kref_wrong("that was not the last reference to a user");
}

/* What it is told of the last: that it has to drop both references. */
static void drained(struct dap_user *user)
{
	kref_put(&user->ref, never_released);
	module_put(THIS_MODULE);
}

/* 0 for a good free, whether it is the last one or not; that is looked at here. */
static int settle(struct dap_user *user, bool held, int ret)
{
	EXPECT((ret == DAP_DRAINED) == (held && !user->held));
	if (ret == DAP_DRAINED)
		drained(user);
	check_refs();
	return ret == DAP_DRAINED ? 0 : ret;
}

static int give_back(struct dap_user *user, void *cpu, size_t size)
{
	bool held = user->held;
	int ret;

	TAKES(1, ret = dap_pool_free(&pool, user, cpu, size););
	return settle(user, held, ret);
}

static int let_go(struct dap_user *user)
{
	bool held = user->held;
	int ret;

	TAKES(1, ret = dap_pool_drop_fallback(&pool, user););
	return settle(user, held, ret);
}

static bool hold_more(struct dap_user *user)
{
	bool ret;

	TAKES(1, ret = dap_pool_hold_fallback(&pool, user););
	check_refs();
	return ret;
}

static struct dap_pool_stats stats(void)
{
	struct dap_pool_stats s;

	TAKES(1, dap_pool_stats(&pool, &s););
	return s;
}

static struct dap_user figures(const struct dap_user *user)
{
	struct dap_user copy;

	TAKES(1, dap_pool_user_stats(&pool, user, &copy););
	return copy;
}

/* --- tests */

static void set_up(void)
{
	static const u64 wrong[] = { 1, PAGE_SIZE / 2, 3 * PAGE_SIZE,
				     (1ULL << 40) + PAGE_SIZE };
	struct dap_spec s = spec;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		s.max_align = wrong[i];
		messages = 0;
		EXPECT(dap_pool_init(&pool, NULL, &s, true) == -EINVAL);
		EXPECT(messages == 1 && !claims && !metas);
	}

	claim_result = -EBUSY;
	EXPECT(dap_pool_init(&pool, NULL, &spec, true) == -EBUSY);
	EXPECT(!claims && !metas);

	claim_result = 0;
	no_memory = true;
	messages = 0;
	EXPECT(dap_pool_init(&pool, NULL, &spec, true) == -ENOMEM);
	EXPECT(messages == 1 && !claims && !metas);

	start();
	EXPECT(claims == 1 && metas == 1);
	EXPECT(claimed.phys == spec.phys && claimed.alias == spec.alias);
	EXPECT(claimed.size == BYTES && !claimed.use_mpu);
	EXPECT(!strcmp(pool.name, "sram"));
	end();
}

/* What is aligned: the bus address, if it is given, and up to max_align. */
static void alignment(void)
{
	struct dap_spec s = spec;
	void *cpu;

	s.bus = 0x40000000 + 5 * PAGE_SIZE;
	s.has_bus = true;
	start_with(&s);
	cpu = alloc(&first, 5 * PAGE_SIZE);
	EXPECT((dap_pool_offset(&pool, cpu) + s.bus) % (8 * PAGE_SIZE) == 0);
	EXPECT(!give_back(&first, cpu, 5 * PAGE_SIZE));
	end();

	/* At the highest place that is aligned to that and no more. */
	s = spec;
	s.size = 15 * PAGE_SIZE;
	s.max_align = 2 * PAGE_SIZE;
	start_with(&s);
	cpu = alloc(&first, 5 * PAGE_SIZE);
	EXPECT(dap_pool_offset(&pool, cpu) == 10 * PAGE_SIZE);
	EXPECT(!give_back(&first, cpu, 5 * PAGE_SIZE));
	end();
}

static u32 largest_served(u32 pages)
{
	void *cpu;

	while (pages) {
		cpu = alloc(&first, pages * PAGE_SIZE);
		if (!IS_ERR(cpu)) {
			EXPECT(!give_back(&first, cpu, pages * PAGE_SIZE));
			break;
		}
		pages--;
	}
	return pages;
}

/* What the place of a pool costs is said when it comes up; it is only that. */
static void place(void)
{
	struct dap_spec s = spec;
	unsigned int i, order;
	u32 pages, largest;

	s.has_bus = true;
	for (i = 0; i < 32; i++) {
		for (pages = 1; pages < 34; pages++) {
			for (order = 0; order < 7; order++) {
				s.bus = 0x20000000 + i * PAGE_SIZE;
				s.size = pages * PAGE_SIZE;
				s.max_align = order < 6 ? PAGE_SIZE << order : 0;
				start_with(&s);
				largest = largest_served(pages);
				EXPECT(noted_kib == (largest < pages ?
						     largest * PAGE_SIZE >> 10 :
						     0));
				end();
				if (!noted_kib)
					continue;
				EXPECT(s.bus % noted_align);
				EXPECT(noted_align < 2 * s.size);
				EXPECT(!s.max_align ||
				       noted_align <= s.max_align);
				s.bus = 0x20000000 + 3 * noted_align;
				start_with(&s);
				EXPECT(!noted_kib);
				end();
			}
		}
	}
}

static void allocations(void)
{
	static const struct {
		size_t size;
		u32 pages;
	} table[] = {
		{ 1, 1 }, { PAGE_SIZE - 1, 1 }, { PAGE_SIZE, 1 },
		{ PAGE_SIZE + 1, 2 }, { 3 * PAGE_SIZE, 3 },
		{ BYTES - 1, PAGES }, { BYTES, PAGES },
	};
	unsigned int i;
	size_t k;
	u8 *cpu;

	start();
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		memset(pool.region.cpu, 0xa5, BYTES);
		cleared = 0;
		cpu = alloc(&first, table[i].size);
		EXPECT(!IS_ERR(cpu));
		EXPECT(cleared == table[i].pages * PAGE_SIZE);
		for (k = 0; k < table[i].pages * PAGE_SIZE; k++)
			EXPECT(!cpu[k]);
		EXPECT(stats().free_bytes ==
		       (PAGES - table[i].pages) * PAGE_SIZE);
		EXPECT(!give_back(&first, cpu, table[i].size));
		EXPECT(stats().free_bytes == BYTES);
	}
	end();
}

/* The module is pinned by each user that holds something. */
static void module_is_pinned(void)
{
	void *a, *b, *c;

	start();
	a = alloc(&first, 1);
	EXPECT(module_refs == 1);
	b = alloc(&first, 1);
	EXPECT(module_refs == 1);
	c = alloc(&second, 1);
	EXPECT(module_refs == 2);
	EXPECT(hold_more(&second));
	EXPECT(module_refs == 2);
	EXPECT(!give_back(&second, c, 1));
	EXPECT(module_refs == 2 && figures(&second).held == 1);
	EXPECT(!let_go(&second));
	EXPECT(module_refs == 1 && figures(&second).held == 0);
	EXPECT(!give_back(&first, a, 1));
	EXPECT(module_refs == 1);

	module_goes = true;
	EXPECT(alloc(&second, 1) == ERR_PTR(-ENODEV));
	EXPECT(!hold_more(&second));
	EXPECT(figures(&second).held == 0);
	EXPECT(stats().free_bytes == BYTES - PAGE_SIZE);
	/* who pins it already may go on */
	EXPECT(!give_back(&first, alloc(&first, 1), 1));
	EXPECT(hold_more(&first));
	EXPECT(!let_go(&first));

	EXPECT(!give_back(&first, b, 1));
	EXPECT(module_refs == 0);
	end();
}

static void user_figures(void)
{
	struct dap_user user;
	void *a, *b;

	start();
	a = alloc(&first, 100);
	b = alloc(&first, 5000);
	user = figures(&first);
	EXPECT(user.live_bytes == 5100 && user.peak_bytes == 5100);
	EXPECT(!user.fallbacks && user.held == 2 && user.allocs == 2);
	EXPECT(!give_back(&first, b, 5000));
	EXPECT(alloc(&first, 0) == ERR_PTR(-EINVAL));
	user = figures(&first);
	EXPECT(user.live_bytes == 100 && user.peak_bytes == 5100);
	EXPECT(!user.fallbacks && user.held == 1 && user.allocs == 2);
	EXPECT(user.failures == 1);
	EXPECT(figures(&second).failures == 0);
	EXPECT(hold_more(&first) && hold_more(&first) && !let_go(&first));
	user = figures(&first);
	EXPECT(user.fallbacks == 1 && user.held == 2 && user.allocs == 2);
	EXPECT(!let_go(&first) && !figures(&first).fallbacks);
	EXPECT(!give_back(&first, a, 100));
	end();
}

static void pool_figures(void)
{
	struct dap_pool_stats s;
	void *a, *b;

	start();
	a = alloc(&first, 100);
	b = alloc(&second, 5000);
	EXPECT(!give_back(&first, a, 100));
	s = stats();
	EXPECT(s.total_bytes == BYTES);
	EXPECT(s.free_bytes == BYTES - 2 * PAGE_SIZE);
	EXPECT(s.peak_used_bytes == 3 * PAGE_SIZE);
	EXPECT(s.largest_free_bytes == 996 * PAGE_SIZE);
	EXPECT(s.count.requested_bytes == 5000);
	EXPECT(s.alloc_count == 2 && s.count.free_count == 1);
	EXPECT(!s.count.fail_count && !s.count.fallback_count &&
	       !s.count.bad_free_count && !s.sweeps);

	TAKES(1, dap_pool_reset_peak(&pool););
	EXPECT(stats().peak_used_bytes == 2 * PAGE_SIZE);
	TAKES(1, dap_pool_count_fallback(&pool););
	EXPECT(stats().count.fallback_count == 1);
	TAKES(1, a = dap_pool_alloc(&pool, &first, 1, 10, CALLER););
	EXPECT(dap_pool_offset(&pool, a) < 10 * PAGE_SIZE);
	EXPECT(stats().sweeps == 1);
	EXPECT(!give_back(&first, a, 1));
	EXPECT(!give_back(&second, b, 5000));
	EXPECT(stats().peak_used_bytes == 3 * PAGE_SIZE);
	end();
}

static void refused_frees(void)
{
	struct dap_user before_user;
	struct dap_pool_stats s;
	u8 *a, *b;

	start();
	a = alloc(&first, 3 * PAGE_SIZE);
	b = alloc(&second, PAGE_SIZE);
	before_user = figures(&first);

	TAKES(0, EXPECT(dap_pool_free(&pool, &first, a + 1, 1) == -ENOENT););
	EXPECT(give_back(&first, a, BYTES + 1) == -EINVAL);
	EXPECT(give_back(&first, a, SIZE_MAX) == -EINVAL);
	EXPECT(give_back(&first, a, FAR_TOO_BIG) == -EINVAL);
	EXPECT(give_back(&first, a + PAGE_SIZE, 2 * PAGE_SIZE) == -ENOENT);
	EXPECT(give_back(&first, a, 2 * PAGE_SIZE) == -EINVAL);
	EXPECT(give_back(&first, a, 4 * PAGE_SIZE) == -EINVAL);
	EXPECT(give_back(&second, a, 3 * PAGE_SIZE) == -EPERM);
	EXPECT(give_back(&second, a, PAGE_SIZE) == -EINVAL);
	EXPECT(give_back(&first, pool.region.cpu, 1) == -ENOENT);

	s = stats();
	EXPECT(s.free_bytes == BYTES - 4 * PAGE_SIZE);
	EXPECT(s.count.free_count == 0);
	EXPECT(s.count.requested_bytes == 4 * PAGE_SIZE);
	EXPECT(!memcmp(&before_user, &first, sizeof(first)));
	EXPECT(module_refs == 2);

	EXPECT(!give_back(&first, a, 3 * PAGE_SIZE));
	EXPECT(give_back(&first, a, 3 * PAGE_SIZE) == -ENOENT);
	EXPECT(!give_back(&second, b, PAGE_SIZE));

	TAKES(1, EXPECT(dap_pool_count_bad_free(&pool, &first)););
	TAKES(1, EXPECT(!dap_pool_count_bad_free(&pool, &first)););
	TAKES(1, EXPECT(dap_pool_count_bad_free(&pool, &second)););
	EXPECT(stats().count.bad_free_count == 3);
	EXPECT(figures(&first).bad_frees == 2);
	end();
}

/* A free that names another size than the request may be meant for something else. */
static void sizes_of_frees(void)
{
	static const struct {
		size_t size, freed;
		bool right;
	} sizes[] = {
		{ 100, 100, true }, { 100, PAGE_SIZE, true },
		{ 100, 99, false }, { 100, 101, false }, { 100, 4000, false },
		{ 100, 0, false },
		{ PAGE_SIZE, 100, false }, { PAGE_SIZE, PAGE_SIZE - 1, false },
		{ 5000, 2 * PAGE_SIZE, true }, { 5000, PAGE_SIZE, false },
		{ 5000, 4999, false }, { 5000, 2 * PAGE_SIZE - 1, false },
		{ PAGE_SIZE + 1, 2 * PAGE_SIZE, true },
	};
	unsigned int i;
	void *a;

	start();
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		a = alloc(&first, sizes[i].size);
		if (!sizes[i].right) {
			EXPECT(give_back(&first, a, sizes[i].freed) == -EINVAL);
			EXPECT(give_back(&second, a, sizes[i].size) == -EPERM);
			EXPECT(figures(&first).live_bytes == sizes[i].size);
			EXPECT(!give_back(&first, a, sizes[i].size));
		} else {
			EXPECT(!give_back(&first, a, sizes[i].freed));
		}
		EXPECT(stats().free_bytes == BYTES && !figures(&first).live_bytes);
		/* Whatever was in the record. */
		EXPECT(give_back(&first, a, sizes[i].freed ?: 1) == -ENOENT);
	}
	end();
}

static void alignments(void)
{
	start();
	EXPECT(dap_pool_alignment(&pool, 1) == PAGE_SIZE);
	EXPECT(dap_pool_alignment(&pool, PAGE_SIZE) == PAGE_SIZE);
	EXPECT(dap_pool_alignment(&pool, PAGE_SIZE + 1) == 2 * PAGE_SIZE);
	EXPECT(dap_pool_alignment(&pool, 5 * PAGE_SIZE) == 8 * PAGE_SIZE);
	/* Of what is no request, something that can be computed with. */
	EXPECT(dap_pool_alignment(&pool, 0) == PAGE_SIZE);
	EXPECT(dap_pool_alignment(&pool, SIZE_MAX) >= BYTES / 2);
	pool.alloc.max_order = 1;
	EXPECT(dap_pool_alignment(&pool, 5 * PAGE_SIZE) == 2 * PAGE_SIZE);
	end();
}

/* Whoever makes it has to drop both, which pool.c does not. */
static void last_free(void)
{
	void *a, *b;

	start();
	a = alloc(&first, 1);
	b = alloc(&first, 1);
	EXPECT(hold_more(&first));
	EXPECT(kref_read(&first.ref) == 2 && module_refs == 1);
	TAKES(1, EXPECT(dap_pool_free(&pool, &first, a, 1) == 0););
	TAKES(1, EXPECT(dap_pool_drop_fallback(&pool, &first) == 0););
	TAKES(1, EXPECT(dap_pool_free(&pool, &first, b, 1) == DAP_DRAINED););
	EXPECT(kref_read(&first.ref) == 2 && module_refs == 1);
	drained(&first);

	EXPECT(hold_more(&first));
	TAKES(1, EXPECT(dap_pool_drop_fallback(&pool, &first) == DAP_DRAINED););
	EXPECT(kref_read(&first.ref) == 2 && module_refs == 1);
	/* Before that is done, it may hold something again: for itself. */
	TAKES(1, a = dap_pool_alloc(&pool, &first, 1, ANYWHERE, CALLER););
	EXPECT(kref_read(&first.ref) == 3 && module_refs == 2);
	drained(&first);
	check_refs();
	EXPECT(!give_back(&first, a, 1));

	/* A request that fails is nothing that anybody held. */
	EXPECT(alloc(&first, 0) == ERR_PTR(-EINVAL));
	EXPECT(alloc(&first, BYTES + 1) == ERR_PTR(-E2BIG));
	EXPECT(alloc(&first, SIZE_MAX) == ERR_PTR(-E2BIG));
	EXPECT(alloc(&first, FAR_TOO_BIG) == ERR_PTR(-E2BIG));
	a = alloc(&second, BYTES);
	EXPECT(alloc(&first, 1) == ERR_PTR(-ENOSPC));
	EXPECT(!give_back(&second, a, BYTES));
	end();
}

static void note_released(struct kref *ref)
{
}

/* Nobody refers to it any more: there is nobody to free what it would get. */
static void user_is_gone(void)
{
	struct dap_pool_stats s;

	start();
	EXPECT(kref_put(&first.ref, note_released));
	TAKES(1, EXPECT(!dap_pool_hold_fallback(&pool, &first)););
	TAKES(1, EXPECT(dap_pool_alloc(&pool, &first, 1, ANYWHERE, CALLER) ==
			ERR_PTR(-ENODEV)););
	EXPECT(!module_refs && !kref_read(&first.ref));
	EXPECT(!first.held && !first.fallbacks && !first.allocs);
	s = stats();
	EXPECT(s.free_bytes == BYTES && s.largest_free_bytes == BYTES);
	EXPECT(!s.alloc_count && !s.count.requested_bytes);
	EXPECT(!s.peak_used_bytes);
	EXPECT(s.count.fail_count == 1);
	kref_init(&first.ref);
	/* and others are served */
	EXPECT(!give_back(&second, alloc(&second, BYTES), BYTES));
	end();
}

static void dead(void)
{
	void *a;

	start();
	a = alloc(&first, 1);
	TAKES(1, dap_pool_kill(&pool););
	EXPECT(alloc(&first, 1) == ERR_PTR(-ENODEV));
	EXPECT(alloc(&second, 1) == ERR_PTR(-ENODEV));
	/* nor anything else, but by who holds something yet */
	EXPECT(!hold_more(&second));
	EXPECT(hold_more(&first));
	EXPECT(!give_back(&first, a, 1));
	EXPECT(hold_more(&first));
	EXPECT(!let_go(&first));
	EXPECT(!let_go(&first));
	EXPECT(!hold_more(&first));
	end();
}

/* Calls that are late find an empty pool, and nothing that was freed. */
static void destroyed(void)
{
	struct dap_failure failure;
	struct dap_live live;
	struct dap_user user;
	void *a;

	start();
	a = alloc(&first, 5000);
	TAKES(1, dap_pool_kill(&pool););
	EXPECT(!give_back(&first, a, 5000));
	TAKES(1, dap_pool_destroy(&pool););
	EXPECT(!claims && !metas);

	EXPECT(give_back(&first, a, 5000) == -ENOENT);
	EXPECT(give_back(&second, a, 5000) == -ENOENT);
	EXPECT(give_back(&first, a, 1) == -ENOENT);
	EXPECT(alloc(&first, 1) == ERR_PTR(-ENODEV));
	EXPECT(alloc(&second, BYTES) == ERR_PTR(-ENODEV));
	EXPECT(alloc(&second, BYTES + 1) == ERR_PTR(-ENODEV));
	EXPECT(!hold_more(&first));
	TAKES(1, EXPECT(dap_pool_count_bad_free(&pool, &first)););
	TAKES(LOOKS, EXPECT(!dap_pool_next_live(&pool, 0, &live)););
	EXPECT(!stats().free_bytes && !stats().largest_free_bytes);
	TAKES(1, EXPECT(dap_pool_failure(&pool, 1, &failure)););
	EXPECT(failure.error == -ENODEV && !failure.free && !failure.largest);
	user = figures(&first);
	EXPECT(user.allocs == 1 && user.failures == 1 && !user.held);
	EXPECT(!module_refs);
	check_refs();
}

static void buckets(void)
{
	static const struct {
		size_t size;
		unsigned int bucket;
	} table[] = {
		{ 0, 0 }, { 1, 0 }, { PAGE_SIZE, 0 }, { PAGE_SIZE + 1, 1 },
		{ 2 * PAGE_SIZE, 1 }, { 2 * PAGE_SIZE + 1, 2 },
		{ 512 * PAGE_SIZE, 9 }, { 512 * PAGE_SIZE + 1, 10 },
		{ 2 * BYTES, 11 }, { 1UL << 31, 19 },
		{ (1UL << 31) + 1, 20 }, { ~0UL, 20 },
	};
	struct dap_bucket bucket;
	unsigned int i;
	void *cpu;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		start();
		cpu = alloc(&first, table[i].size);
		if (!IS_ERR(cpu))
			EXPECT(!give_back(&first, cpu, table[i].size));
		TAKES(1, bucket = dap_pool_bucket(&pool, table[i].bucket););
		if (bucket.served != !IS_ERR(cpu) || bucket.failed != IS_ERR(cpu))
			fail("%zu bytes: bucket %u has %lu and %lu", table[i].size,
			     table[i].bucket, bucket.served, bucket.failed);
		end();
	}
}

static void failures(void)
{
	struct dap_failure failure;
	unsigned int i, k;
	void *held;

	start();
	TAKES(1, EXPECT(!dap_pool_failure(&pool, 0, &failure)););
	held = alloc(&second, 600 * PAGE_SIZE);
	for (i = 1; i <= 2 * DAP_FAILURES + 3; i++) {
		seconds = i;
		EXPECT(alloc(&first, 600 * PAGE_SIZE + i) == ERR_PTR(-ENOSPC));
		for (k = 0; k < DAP_FAILURES; k++) {
			bool there;

			TAKES(1, there = dap_pool_failure(&pool, k, &failure););
			EXPECT(there == (k < i));
			if (!there)
				continue;
			EXPECT(failure.size == 600 * PAGE_SIZE + i - k);
			EXPECT(failure.when == i - k);
			EXPECT(failure.error == -ENOSPC);
			EXPECT(failure.free == 400 * PAGE_SIZE);
			EXPECT(failure.largest == 232 * PAGE_SIZE);
			EXPECT(failure.caller == CALLER);
			EXPECT(!strcmp(failure.dev, "first"));
		}
	}
	EXPECT(stats().count.fail_count == 2 * DAP_FAILURES + 3);
	EXPECT(alloc(&first, BYTES + 1) == ERR_PTR(-E2BIG));
	TAKES(1, EXPECT(dap_pool_failure(&pool, 0, &failure)););
	EXPECT(failure.error == -E2BIG);
	EXPECT(!give_back(&second, held, 600 * PAGE_SIZE));
	end();
}

/* One after the other, with the lock free for others in between. */
static void walk(void)
{
	void *low, *high;
	struct dap_live live;
	bool found;

	start();
	TAKES(LOOKS, found = dap_pool_next_live(&pool, 0, &live););
	EXPECT(!found);

	high = alloc(&first, 1);
	seconds += 7;
	TAKES(1, low = dap_pool_alloc(&pool, &second, 5000, 8, 0x5678););
	seconds += 5;
	TAKES(1, found = dap_pool_next_live(&pool, 0, &live););
	EXPECT(found && live.page == 6 && live.pages == 2);
	EXPECT(low == pool.region.cpu + 6 * PAGE_SIZE);
	EXPECT(live.size == 5000 && live.caller == 0x5678 && live.age == 5);
	EXPECT(live.user == &second && !strcmp(live.dev, "second"));
	TAKES(LOOKS, found = dap_pool_next_live(&pool, 7, &live););
	EXPECT(found && live.page == PAGES - 1 && live.pages == 1);
	EXPECT(high == pool.region.cpu + (PAGES - 1) * PAGE_SIZE);
	EXPECT(live.size == 1 && live.caller == CALLER && live.age == 12);
	EXPECT(live.user == &first && !strcmp(live.dev, "first"));
	TAKES(0, found = dap_pool_next_live(&pool, PAGES, &live););
	EXPECT(!found);
	EXPECT(!give_back(&first, high, 1));
	EXPECT(!give_back(&second, low, 5000));
	end();
}

/* --- at once: nobody finds what another one has not finished */

#define ROUNDS		20000

/* A free, whose reference is dropped if it is the last one. */
static int thread_gave(struct dap_user *user, int ret)
{
	if (ret != DAP_DRAINED)
		return ret;
	drained(user);
	return 0;
}

static int thread_free(struct dap_user *user, void *cpu, size_t size)
{
	return thread_gave(user, dap_pool_free(&pool, user, cpu, size));
}

static void *client(void *arg)
{
	struct dap_user *user = arg;
	struct dap_user copy;
	struct dap_pool_stats s;
	struct dap_live live;
	u8 *cpu[8] = { NULL };
	size_t size[8];
	u32 random = (u32)(user - &first) + 1;
	unsigned int i, k;

	for (i = 0; i < ROUNDS; i++) {
		random = random * 1664525 + 1013904223;
		k = random >> 29;
		if (cpu[k]) {
			if (cpu[k][0] != k + 1)
				return "memory was written by somebody else";
			if (thread_free(user, cpu[k], size[k]))
				return "a good free was refused";
			cpu[k] = NULL;
		} else {
			size[k] = (random >> 8) % (60 * PAGE_SIZE) + 1;
			cpu[k] = dap_pool_alloc(&pool, user, size[k],
						random & 0x100 ? ANYWHERE : 700,
						CALLER);
			if (IS_ERR(cpu[k]))
				cpu[k] = NULL;
			else
				cpu[k][0] = k + 1;
		}
		if (i % 64)
			continue;
		dap_pool_stats(&pool, &s);
		if (s.alloc_count - s.count.free_count > 16)
			return "more is allocated than there could be";
		dap_pool_user_stats(&pool, user, &copy);
		if (dap_pool_next_live(&pool, random >> 24, &live) && !live.size)
			return "an allocation of no bytes is live";
		dap_pool_reset_peak(&pool);
		dap_pool_count_fallback(&pool);
		dap_pool_count_bad_free(&pool, user);
		if (!dap_pool_hold_fallback(&pool, user) ||
		    thread_gave(user, dap_pool_drop_fallback(&pool, user)))
			return "cannot hold the module";
		dap_pool_bucket(&pool, random >> 29);
	}
	for (k = 0; k < 8; k++)
		if (cpu[k] && thread_free(user, cpu[k], size[k]))
			return "a good free was refused at the end";
	return NULL;
}

static void at_once(void)
{
	pthread_t thread[2];
	void *what[2];
	unsigned int i;

	start();
	EXPECT(!pthread_create(&thread[0], NULL, client, &first));
	EXPECT(!pthread_create(&thread[1], NULL, client, &second));
	for (i = 0; i < 2; i++)
		pthread_join(thread[i], &what[i]);
	for (i = 0; i < 2; i++)
		if (what[i])
			fail("%s", (char *)what[i]);
	EXPECT(stats().alloc_count == stats().count.free_count);
	EXPECT(stats().count.fallback_count == 2 * ((ROUNDS + 63) / 64));
	printf("# %d bit: %lu allocations, %lu failed, by two threads\n",
	       BITS_PER_LONG, stats().alloc_count,
	       stats().count.fail_count);
	end();
}

/* --- who is late: a pool that is destroyed under calls of who held the last */

static void *stale;		/* freed long ago */
static bool gone;

static void *late(void *arg)
{
	struct dap_user *user = arg;
	unsigned int after = 0;
	struct dap_pool_stats s;
	struct dap_live live;

	/* Some more, when all of it is gone. */
	while (after < 100) {
		after += __atomic_load_n(&gone, __ATOMIC_RELAXED);
		if (dap_pool_free(&pool, user, stale, PAGE_SIZE) != -ENOENT)
			return "a late free was good for something";
		if (dap_pool_alloc(&pool, user, 1, ANYWHERE, CALLER) !=
		    ERR_PTR(-ENODEV))
			return "a dead pool gave memory";
		if (dap_pool_hold_fallback(&pool, user))
			return "a dead pool can be held";
		dap_pool_count_bad_free(&pool, user);
		dap_pool_stats(&pool, &s);
		if (dap_pool_next_live(&pool, 0, &live))
			return "there is an allocation in a dead pool";
	}
	return NULL;
}

static void destroyed_at_once(void)
{
	pthread_t thread[2];
	void *what[2];
	unsigned int i, round;

	for (round = 0; round < 50; round++) {
		start();
		stale = alloc(&first, PAGE_SIZE);
		EXPECT(!give_back(&first, stale, PAGE_SIZE));
		TAKES(1, dap_pool_kill(&pool););
		gone = false;
		EXPECT(!pthread_create(&thread[0], NULL, late, &first));
		EXPECT(!pthread_create(&thread[1], NULL, late, &second));
		usleep(100);
		dap_pool_destroy(&pool);
		__atomic_store_n(&gone, true, __ATOMIC_RELAXED);
		for (i = 0; i < 2; i++)
			pthread_join(thread[i], &what[i]);
		for (i = 0; i < 2; i++)
			if (what[i])
				fail("%s", (char *)what[i]);
		EXPECT(!claims && !metas);
		check_refs();
		steps++;
	}
}

static const struct tap_test tests[] = {
#ifndef ONLY_THREADS
	{ "set-up, and what may fail in it", set_up },
	{ "alignment", alignment },
	{ "what the place of a pool costs", place },
	{ "allocations are whole clear pages", allocations },
	{ "the module is pinned by who holds memory", module_is_pinned },
	{ "figures of a user", user_figures },
	{ "figures of a pool", pool_figures },
	{ "frees that are refused change nothing", refused_frees },
	{ "frees of another size", sizes_of_frees },
	{ "alignments", alignments },
	{ "the last free", last_free },
	{ "a user that is gone", user_is_gone },
	{ "a pool that is gone", dead },
	{ "a pool that was destroyed", destroyed },
	{ "requests by size", buckets },
	{ "the last failures", failures },
	{ "a walk over live allocations", walk },
#endif
	{ "two threads at once", at_once },
	{ "destroyed with two threads at it", destroyed_at_once },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
