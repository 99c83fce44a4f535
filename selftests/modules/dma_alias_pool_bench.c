// SPDX-License-Identifier: GPL-2.0
/*
 * Measures two pools with the same requests, for selftests/bench.
 *
 * It registers the platform devices dap-bench-kernel and dap-bench-module; who
 * loads it sees to it that the first gets its coherent memory from the kernel's
 * own global pool and the second from a pool of dma_alias_pool.  Two more,
 * dap-snoop-*, are what the hardware keeps coherent.  Each has
 * /sys/kernel/debug/dma_alias_pool_bench/NAME: write a command, read what came
 * of it as words of the form key=value.  See the table at the end.
 *
 * Costs are instructions: it takes for granted that the machine's clock counts
 * them, BENCH_NS_PER_INSTRUCTION each.  Reading the clock is subtracted, and
 * what the timer interrupt fell into is measured again.
 *
 * For test kernels only: it takes all of the pools' memory, and its time.
 */
#include <linux/bitmap.h>
#include <linux/debugfs.h>
#include <linux/dma-mapping.h>
#include <linux/irqflags.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/platform_device.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>

/*
 * The allocator itself, a second time: the get_put command needs pools of sizes
 * that no memory is there for, and times get and put alone, without lock,
 * records and clearing.  dma_alias_pool.ko does not export its allocator, and should not.
 */
#include "../../module/alloc.c"
#include "../../module/clear.h"
#include "../../module/compat.h"

/*
 * And the pool around it, for the lock command: its lock is a stopwatch, and its
 * memory is not there to be cleared.
 */
static unsigned long stopwatch_start(void);
static void stopwatch_stop(unsigned long flags);

#undef raw_spin_lock_irqsave
#undef raw_spin_unlock_irqrestore
#define raw_spin_lock_irqsave(lock, flags)	((flags) = stopwatch_start())
#define raw_spin_unlock_irqrestore(lock, flags)	stopwatch_stop(flags)
#define dap_clear_pages(to, size)		((void)(to))
#include "../../module/pool.c"
#undef dap_clear_pages

#define BENCH_NS_PER_INSTRUCTION	32
#define BENCH_PAIRS			200
#define BENCH_POOL_PAGES		1024
#define BENCH_MAP_COLUMNS		64
#define BENCH_CLOCK_READS		5

#define BENCH_SEEDS			20
#define BENCH_FIRST_SEED		777
#define BENCH_CHURN_SEED		4242
#define BENCH_CHURN_STEPS		20000
#define BENCH_CHURN_LIVE		850
#define BENCH_MAX_REQUEST		24

#define BENCH_GET_PUT_PAIRS		2000
#define BENCH_GET_PUT_MAX_PAGES		65536
#define BENCH_GET_PUT_FILL		80

struct bench_buffer {
	void *cpu;
	dma_addr_t dma;
	u32 pages;
};

struct bench_dev {
	const char *name;
	/* the device that is served by the kernel's own pool? */
	bool kernel;
	bool coherent;
	struct platform_device *pdev;
	u32 count;
	struct bench_buffer buffer[BENCH_POOL_PAGES];
	char result[1536];
};

static DEFINE_MUTEX(bench_lock);	/* everything below */
static struct bench_dev bench_devs[] = {
	{ .name = "dap-bench-kernel", .kernel = true },
	{ .name = "dap-bench-module" },
	{ .name = "dap-snoop-kernel", .kernel = true, .coherent = true },
	{ .name = "dap-snoop-module", .coherent = true },
};

static struct dentry *bench_root;
static u32 bench_clock;			/* what read_clock() takes */
static u32 bench_seed;

static u32 bench_random(void)
{
	bench_seed = bench_seed * 1664525 + 1013904223;
	return bench_seed >> 8;
}

static u32 bench_size(void)
{
	if (bench_random() % 4)
		return 1 + bench_random() % 4;
	return 1 + bench_random() % BENCH_MAX_REQUEST;
}

/*
 * The clock of a machine may be coarser than its instructions: 40 ns to 32.
 * Several reads at equal distances fall into different parts of a tick, and
 * their sum is that much finer.
 *
 * Return: the time in ns / BENCH_CLOCK_READS
 */
static noinline u64 read_clock(void)
{
	unsigned int i;
	u64 sum = 0;

	for (i = 0; i < BENCH_CLOCK_READS; i++)
		sum += ktime_get_ns();
	return sum;
}

static void calibrate(void)
{
	unsigned long flags;
	u64 start;

	local_irq_save(flags);
	start = read_clock();
	bench_clock = read_clock() - start;
	local_irq_restore(flags);
}

/* How many instructions one of @count actions took, of their total @time. */
static u32 instructions(u64 time, u32 count)
{
	u32 unit = BENCH_NS_PER_INSTRUCTION * BENCH_CLOCK_READS * count;

	return div_u64(time + unit / 2, unit);
}

/* --- requests through the DMA API */

static bool take_buffer(struct bench_dev *b, u32 pages)
{
	struct bench_buffer *buffer = &b->buffer[b->count];

	if (b->count == ARRAY_SIZE(b->buffer))
		return false;
	buffer->cpu = dma_alloc_attrs(&b->pdev->dev, pages << PAGE_SHIFT,
				      &buffer->dma, GFP_KERNEL,
				      DMA_ATTR_NO_WARN);
	if (!buffer->cpu)
		return false;
	buffer->pages = pages;
	b->count++;
	return true;
}

/* Free a buffer; the last one takes its place in the array. */
static u32 give_buffer(struct bench_dev *b, u32 i)
{
	struct bench_buffer *buffer = &b->buffer[i];
	u32 pages = buffer->pages;

	dma_free_attrs(&b->pdev->dev, pages << PAGE_SHIFT, buffer->cpu,
		       buffer->dma, DMA_ATTR_NO_WARN);
	*buffer = b->buffer[--b->count];
	return pages;
}

static void give_all(struct bench_dev *b)
{
	while (b->count)
		give_buffer(b, b->count - 1);
}

/* pair BYTES LIVE: alloc and free again, LIVE pages being in use one by one */
static int do_pair(struct bench_dev *b, u32 size, u32 live)
{
	struct device *dev = &b->pdev->dev;
	unsigned long tick;
	u64 start, time, sum = 0;
	u32 done = 0;
	dma_addr_t dma;
	void *cpu;

	give_all(b);
	while (b->count < live)
		if (!take_buffer(b, 1))
			return -ENOMEM;

	while (done < BENCH_PAIRS) {
		tick = jiffies;
		start = read_clock();
		cpu = dma_alloc_coherent(dev, size, &dma, GFP_KERNEL);
		if (!cpu)
			return -ENOMEM;
		dma_free_coherent(dev, size, cpu, dma);
		time = read_clock() - start;
		if (!time_after(jiffies, tick)) {
			sum += time - bench_clock;
			done++;
		}
		cond_resched();
	}
	give_all(b);
	sprintf(b->result, "pair=%u\n", instructions(sum, BENCH_PAIRS));
	return 0;
}

/* stream BYTES: map a buffer for both directions, and unmap it */
static int do_stream(struct bench_dev *b, u32 size, u32 unused)
{
	struct device *dev = &b->pdev->dev;
	u64 start, time, sum = 0;
	unsigned long tick;
	dma_addr_t dma;
	u32 done = 0;
	void *cpu;

	cpu = kmalloc(size, GFP_KERNEL);
	if (!cpu)
		return -ENOMEM;
	while (done < BENCH_PAIRS) {
		tick = jiffies;
		start = read_clock();
		dma = dma_map_single(dev, cpu, size, DMA_BIDIRECTIONAL);
		dma_unmap_single(dev, dma, size, DMA_BIDIRECTIONAL);
		time = read_clock() - start;
		if (!time_after(jiffies, tick)) {
			sum += time - bench_clock;
			done++;
		}
		cond_resched();
	}
	kfree(cpu);
	sprintf(b->result, "stream=%u coherent=%d\n",
		instructions(sum, BENCH_PAIRS), dap_is_coherent(dev));
	return 0;
}

/* lap: since the last one */
static int do_lap(struct bench_dev *b, u32 a0, u32 a1)
{
	static u64 last;
	u64 now = read_clock();

	sprintf(b->result, "lap=%u\n", instructions(now - last, 1));
	last = read_clock();
	return 0;
}

/* first_failure: KiB handed out then, sizes 1 to 24 pages, mean of all seeds */
static int do_first_failure(struct bench_dev *b, u32 a0, u32 a1)
{
	u32 seed, pages, sum = 0;

	for (seed = 0; seed < BENCH_SEEDS; seed++) {
		give_all(b);
		bench_seed = BENCH_FIRST_SEED + seed;
		for (;;) {
			pages = 1 + bench_random() % BENCH_MAX_REQUEST;
			if (!take_buffer(b, pages))
				break;
			sum += pages;
			cond_resched();
		}
	}
	give_all(b);
	sprintf(b->result, "kib=%lu\n",
		DIV_ROUND_CLOSEST(sum * (PAGE_SIZE / 1024), BENCH_SEEDS));
	return 0;
}

/* churn: allocate and free at random; what is live in the end stays */
static int do_churn(struct bench_dev *b, u32 a0, u32 a1)
{
	u32 step, pages, live = 0, ok = 0, failed = 0;

	give_all(b);
	bench_seed = BENCH_CHURN_SEED;
	for (step = 0; step < BENCH_CHURN_STEPS; step++) {
		pages = bench_size();
		if (b->count && (live > BENCH_CHURN_LIVE ||
				 bench_random() % 3 == 0)) {
			live -= give_buffer(b, bench_random() % b->count);
		} else if (take_buffer(b, pages)) {
			live += pages;
			ok++;
		} else {
			failed++;
		}
		cond_resched();
	}
	sprintf(b->result, "ok=%u failed=%u live=%u\n", ok, failed, live);
	return 0;
}

/*
 * map BASE: the live pages of a pool that starts there, as in the map file of
 * dma_alias_pool, with a minus for what a power of two takes in addition.
 */
static int do_map(struct bench_dev *b, u32 base, u32 a1)
{
	char *map = b->result;
	u32 i, page, taken;

	memset(map, '.', BENCH_POOL_PAGES);
	map[BENCH_POOL_PAGES] = '\0';
	for (i = 0; i < b->count; i++) {
		page = (b->buffer[i].dma - base) >> PAGE_SHIFT;
		taken = b->buffer[i].pages;
		if (b->kernel)
			taken = roundup_pow_of_two(taken);
		if (page >= BENCH_POOL_PAGES || taken > BENCH_POOL_PAGES - page)
			return -ERANGE;
		memset(map + page, '-', taken);
		memset(map + page, 'a', b->buffer[i].pages);
		map[page] = 'A';
	}
	/* In lines, from the last to the first. */
	for (i = BENCH_POOL_PAGES / BENCH_MAP_COLUMNS; i-- > 0;) {
		page = i * BENCH_MAP_COLUMNS;
		memmove(map + page + i, map + page, BENCH_MAP_COLUMNS);
		map[page + i + BENCH_MAP_COLUMNS] = '\n';
	}
	page = BENCH_POOL_PAGES + BENCH_POOL_PAGES / BENCH_MAP_COLUMNS;
	map[page] = '\0';
	return 0;
}

/* free: all that is live */
static int do_free(struct bench_dev *b, u32 a0, u32 a1)
{
	give_all(b);
	return 0;
}

/* --- allocators alone */

struct allocator {
	bool kernel;
	struct dap_pool *pool;		/* with lock and records, or NULL */
	struct dap_user user;
	u32 pages;
	u32 used;
	u32 limit;			/* of what is allocated next */
	bool below;			/* pairs: allocate below limits */
	unsigned long *bitmap;
	struct dap_alloc *alloc;
	void *meta;
	u32 count;
	struct {
		u16 page;
		u16 n;
	} *live;
};

/* What an allocation of n pages takes. */
static u32 taken(const struct allocator *a, u32 n)
{
	return a->kernel ? roundup_pow_of_two(n) : n;
}

static void note_live(struct allocator *a, u32 page, u32 n)
{
	a->live[a->count].page = page;
	a->live[a->count++].n = n;
	a->used += taken(a, n);
}

/* --- time under the pool's lock */

static u64 stopwatch;
static u32 held_last, held_worst;

static noinline unsigned long stopwatch_start(void)
{
	unsigned long flags;

	local_irq_save(flags);
	stopwatch = read_clock();
	return flags;
}

static noinline void stopwatch_stop(unsigned long flags)
{
	held_last = read_clock() - stopwatch - bench_clock;
	held_worst = max(held_worst, held_last);
	local_irq_restore(flags);
}

/* What dap_pool_init() would want. */
int dap_region_claim(struct device *dev, struct dap_region *region,
		     const char *name, bool no_map)
{
	return -ENODEV;
}

void dap_region_release(struct dap_region *region)
{
}

/* Return: the time under the lock, 0 if there was no room */
static u32 locked_get(struct allocator *a, u32 n, bool *done)
{
	void *cpu = dap_pool_alloc(a->pool, &a->user, n << PAGE_SHIFT,
				   a->limit, _RET_IP_);

	*done = !IS_ERR(cpu);
	if (!*done)
		return 0;
	note_live(a, dap_pool_offset(a->pool, cpu) >> PAGE_SHIFT, n);
	return held_last;
}

/* On the stack, with a reference of its own: it never goes by one. */
static void user_gone(struct kref *ref)
{
}

static u32 locked_put(struct allocator *a, u32 page, u32 n)
{
	void *cpu = a->pool->region.cpu + ((size_t)page << PAGE_SHIFT);
	int ret = dap_pool_free(a->pool, &a->user, cpu, n << PAGE_SHIFT);

	WARN_ON_ONCE(ret < 0);
	if (ret == DAP_DRAINED) {
		kref_put(&a->user.ref, user_gone);
		module_put(THIS_MODULE);
	}
	return held_last;
}

/* Return: the time, @done: whether there was room */
static noinline u32 timed_get(struct allocator *a, u32 n, bool *done)
{
	u32 order = order_base_2(n);
	unsigned long flags;
	u64 start, end;
	int page;

	if (a->pool)
		return locked_get(a, n, done);
	local_irq_save(flags);
	start = read_clock();
	if (a->kernel)
		page = bitmap_find_free_region(a->bitmap, a->pages, order);
	else
		page = dap_alloc_get(a->alloc, n, a->limit);
	end = read_clock();
	local_irq_restore(flags);

	*done = page >= 0;
	if (*done)
		note_live(a, page, n);
	return end - start - bench_clock;
}

/* Allocate below a random limit, often a low one; if that fails, anywhere. */
static u32 timed_get_below(struct allocator *a, u32 n)
{
	bool done;
	u32 time;

	a->limit = bench_random() % a->pages >> bench_random() % 8;
	time = timed_get(a, n, &done);
	a->limit = U32_MAX;
	if (!done)
		timed_get(a, n, &done);
	return time;
}

static noinline u32 timed_put(struct allocator *a, u32 i)
{
	u32 page = a->live[i].page, n = a->live[i].n;
	u32 order = order_base_2(n);
	unsigned long flags;
	u64 start, end;

	a->used -= taken(a, n);
	a->live[i] = a->live[--a->count];
	if (a->pool)
		return locked_put(a, page, n);

	local_irq_save(flags);
	if (a->kernel) {
		start = read_clock();
		bitmap_release_region(a->bitmap, page, order);
		end = read_clock();
	} else {
		start = read_clock();
		dap_alloc_put(a->alloc, page, n);
		end = read_clock();
	}
	local_irq_restore(flags);
	return end - start - bench_clock;
}

/* Single pages, every other one free. */
static void pattern_every_other(struct allocator *a)
{
	u32 i, half = a->pages / 2;
	bool done;

	if (a->kernel) {
		/* The same state; to find each page would take minutes. */
		for (i = 0; i < half; i++) {
			__set_bit(2 * i, a->bitmap);
			a->live[i].page = 2 * i;
			a->live[i].n = 1;
		}
	} else {
		for (i = 0; i < a->pages; i++)
			timed_get(a, 1, &done);
		/* They lie in a row. */
		for (i = 0; i < half; i++) {
			if (a->pool)
				locked_put(a, a->live[2 * i].page, 1);
			else
				dap_alloc_put(a->alloc, a->live[2 * i].page, 1);
			a->live[i] = a->live[2 * i + 1];
		}
	}
	a->count = half;
	a->used = half;
}

/* Filled to the first failure, then some given back. */
static void pattern_random(struct allocator *a)
{
	bool done = true;

	while (done) {
		timed_get(a, bench_size(), &done);
		cond_resched();
	}
	while (a->used * 100ULL > a->pages * BENCH_GET_PUT_FILL)
		timed_put(a, bench_random() % a->count);
}

struct cost {
	u32 worst;
	u64 sum;
};

static void count_cost(struct cost *cost, u32 time)
{
	cost->worst = max(cost->worst, time);
	cost->sum += time;
}

/* The longest that each reader has held the lock. */
struct readers {
	u32 next;
	u32 stats;
	u32 bucket;
	u32 failure;
	u32 user;
};

static void worst(u32 *so_far)
{
	*so_far = max(*so_far, held_worst);
	held_worst = 0;
}

/* All readers but for the one that takes longest to try. */
static void read_figures(struct allocator *a, struct readers *r)
{
	struct dap_pool_stats stats;
	struct dap_failure failure;
	struct dap_user user;
	unsigned int i;

	held_worst = 0;
	dap_pool_stats(a->pool, &stats);
	worst(&r->stats);
	for (i = 0; i < DAP_BUCKETS; i++)
		dap_pool_bucket(a->pool, i);
	worst(&r->bucket);
	for (i = 0; i < DAP_FAILURES; i++)
		dap_pool_failure(a->pool, i, &failure);
	worst(&r->failure);
	dap_pool_user_stats(a->pool, &a->user, &user);
	worst(&r->user);
}

/* Look for the next allocation from each page of a range. */
static void read_pages(struct allocator *a, u32 from, u32 to,
		       struct readers *r)
{
	struct dap_live live;

	held_worst = 0;
	for (; from < to; from++) {
		dap_pool_next_live(a->pool, from, &live);
		cond_resched();
	}
	worst(&r->next);
}

/* Free a random allocation, then make one of a size of the pattern. */
static void get_put_pairs(struct allocator *a, bool single, struct cost *get,
			  struct cost *put, struct cost *pair,
			  struct readers *readers)
{
	u32 i, n, count, get_time, put_time, tries;
	bool done;

	for (i = 0; i < BENCH_GET_PUT_PAIRS; i++) {
		count = a->count;
		if (!count)
			break;
		put_time = timed_put(a, bench_random() % count);
		n = single ? 1 : bench_size();
		get_time = a->below ? timed_get_below(a, n) :
				      timed_get(a, n, &done);
		count_cost(put, put_time);
		count_cost(get, get_time);
		count_cost(pair, put_time + get_time);
		if (a->pool)
			read_figures(a, readers);

		/* What failed is missing: keep it as full as it was. */
		for (tries = 0; tries < 4 && !single &&
		     a->used * 100ULL < a->pages * BENCH_GET_PUT_FILL; tries++)
			timed_get(a, bench_size(), &done);
		cond_resched();
	}
}

static void empty(struct allocator *a, u32 max_order)
{
	a->count = 0;
	a->used = 0;
	a->limit = U32_MAX;
	if (a->kernel)
		bitmap_zero(a->bitmap, a->pages);
	else
		dap_alloc_init(a->alloc, a->pages, 0, max_order, a->meta);
}

static void free_allocator(struct allocator *a)
{
	kvfree(a->meta);
	if (!a->pool)
		kfree(a->alloc);
	kfree(a->pool);
	bitmap_free(a->bitmap);
	kvfree(a->live);
}

/* Return: 0 or an error, and nothing is left to be freed then */
static int make_allocator(struct allocator *a, bool locked)
{
	if (a->pages < BENCH_MAX_REQUEST || a->pages > BENCH_GET_PUT_MAX_PAGES)
		return -EINVAL;

	a->live = kvcalloc(a->pages, sizeof(*a->live), GFP_KERNEL);
	a->bitmap = bitmap_zalloc(a->pages, GFP_KERNEL);
	a->meta = kvzalloc(dap_alloc_meta_size(a->pages), GFP_KERNEL);
	if (locked) {
		a->pool = kzalloc(sizeof(*a->pool), GFP_KERNEL);
		a->alloc = a->pool ? &a->pool->alloc : NULL;
	} else {
		a->alloc = kzalloc(sizeof(*a->alloc), GFP_KERNEL);
	}
	if (!a->live || !a->bitmap || !a->alloc || !a->meta) {
		free_allocator(a);
		return -ENOMEM;
	}
	if (locked) {
		a->pool->meta = a->meta;
		a->pool->region.size = (phys_addr_t)a->pages << PAGE_SHIFT;
	}
	return 0;
}

/* Both patterns, the second one stays. */
static void both_patterns(struct allocator *a, struct cost *get,
			  struct cost *put, struct cost *pair,
			  struct readers *readers)
{
	bench_seed = 1;
	empty(a, DAP_ALIGN_NATURAL);
	pattern_every_other(a);
	get_put_pairs(a, true, get, put, pair, readers);
	if (a->pool) {
		read_pages(a, 0, a->pages, readers);
		while (a->count)
			timed_put(a, a->count - 1);
	}
	empty(a, DAP_ALIGN_NATURAL);
	pattern_random(a);
	get_put_pairs(a, false, get, put, pair, readers);
}

/* get_put PAGES: of a pool with so many, in instructions */
static int do_get_put(struct bench_dev *b, u32 pages, u32 a1)
{
	struct allocator a = { .kernel = b->kernel, .pages = pages };
	struct cost get = {}, put = {}, pair = {};
	int ret;

	ret = make_allocator(&a, false);
	if (ret)
		return ret;
	both_patterns(&a, &get, &put, &pair, NULL);
	sprintf(b->result, "worst=%u mean=%u worst_get=%u worst_put=%u\n",
		instructions(pair.worst, 1),
		instructions(pair.sum, 2 * BENCH_GET_PUT_PAIRS),
		instructions(get.worst, 1), instructions(put.worst, 1));
	free_allocator(&a);
	return 0;
}

/* below PAGES: the worst get below a limit, of a pool with so many */
static int do_below(struct bench_dev *b, u32 pages, u32 a1)
{
	struct allocator a = { .pages = pages, .below = true };
	struct cost get = {}, put = {}, pair = {};
	int ret;

	if (b->kernel)
		return -EINVAL;
	ret = make_allocator(&a, false);
	if (ret)
		return ret;
	both_patterns(&a, &get, &put, &pair, NULL);
	sprintf(b->result, "worst_get_below=%u\n", instructions(get.worst, 1));
	free_allocator(&a);
	return 0;
}

/*
 * What dap_pool_next_live() may look at for longest: no allocation, one whose first
 * page is the last of those, and the same after the end of another.
 */
static void read_gaps(struct allocator *a, struct readers *r)
{
	u32 gap = min_t(u32, DAP_LOOK_PAGES - 2, a->pages - 4);
	u32 high = a->pages - min_t(u32, a->pages, 2 * DAP_LOOK_PAGES);
	bool done;

	empty(a, 0);
	read_pages(a, 0, sizeof(long), r);
	timed_get(a, 1, &done);
	read_pages(a, high, a->pages, r);
	timed_get(a, gap, &done);
	timed_get(a, 2, &done);
	timed_put(a, 1);
	read_pages(a, high, a->pages, r);
	while (a->count)
		timed_put(a, a->count - 1);
}

/* lock PAGES: for how long who holds the lock of a pool with so many */
static int do_lock(struct bench_dev *b, u32 pages, u32 a1)
{
	struct allocator a = {
		.pages = pages,
		/* as long as a name can be */
		.user.name = "0123456789abcdef0123456789abcdef0123456789abcde",
	};
	struct cost get = {}, put = {}, pair = {};
	struct readers r = {};
	unsigned int i;
	bool done;
	int ret;

	if (b->kernel)
		return -EINVAL;
	kref_init(&a.user.ref);
	ret = make_allocator(&a, true);
	if (ret)
		return ret;
	empty(&a, DAP_ALIGN_NATURAL);
	for (i = 0; i < DAP_FAILURES; i++)
		timed_get(&a, pages + 1, &done);
	both_patterns(&a, &get, &put, &pair, &r);
	read_pages(&a, 0, pages, &r);
	while (a.count)
		timed_put(&a, a.count - 1);
	read_gaps(&a, &r);
	sprintf(b->result,
		"get=%u put=%u next=%u stats=%u bucket=%u failure=%u user=%u\n",
		instructions(get.worst, 1), instructions(put.worst, 1),
		instructions(r.next, 1), instructions(r.stats, 1),
		instructions(r.bucket, 1), instructions(r.failure, 1),
		instructions(r.user, 1));
	free_allocator(&a);
	return 0;
}

/* --- commands, one file for each device */

static const struct {
	const char *name;
	unsigned int args;
	int (*run)(struct bench_dev *b, u32 a0, u32 a1);
} bench_commands[] = {
	{ "pair",		2, do_pair },
	{ "stream",		1, do_stream },
	{ "lap",		0, do_lap },
	{ "first_failure",	0, do_first_failure },
	{ "churn",		0, do_churn },
	{ "map",		1, do_map },
	{ "free",		0, do_free },
	{ "get_put",		1, do_get_put },
	{ "below",		1, do_below },
	{ "lock",		1, do_lock },
};

static int run_command(struct bench_dev *b, char *line)
{
	char *name = strsep(&line, " ");
	u32 arg[2] = {};
	unsigned int i, args = 0;

	while (line) {
		if (args == ARRAY_SIZE(arg) ||
		    kstrtou32(strsep(&line, " "), 0, &arg[args++]))
			return -EINVAL;
	}
	for (i = 0; i < ARRAY_SIZE(bench_commands); i++)
		if (!strcmp(name, bench_commands[i].name) &&
		    args == bench_commands[i].args)
			return bench_commands[i].run(b, arg[0], arg[1]);
	return -EINVAL;
}

static ssize_t bench_write(struct file *file, const char __user *from,
			   size_t count, loff_t *pos)
{
	struct bench_dev *b = file_inode(file)->i_private;
	char line[64];
	int ret;

	if (count >= sizeof(line))
		return -E2BIG;
	if (copy_from_user(line, from, count))
		return -EFAULT;
	line[count] = '\0';

	mutex_lock(&bench_lock);
	b->result[0] = '\0';
	ret = run_command(b, strim(line));
	mutex_unlock(&bench_lock);
	return ret ?: count;
}

static ssize_t bench_read(struct file *file, char __user *to, size_t count,
			  loff_t *pos)
{
	struct bench_dev *b = file_inode(file)->i_private;
	ssize_t ret;

	mutex_lock(&bench_lock);
	ret = simple_read_from_buffer(to, count, pos, b->result,
				      strlen(b->result));
	mutex_unlock(&bench_lock);
	return ret;
}

static const struct file_operations bench_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.read	= bench_read,
	.write	= bench_write,
	.llseek	= default_llseek,
};

static int bench_probe(struct platform_device *pdev)
{
	struct bench_dev *b;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bench_devs); i++) {
		b = &bench_devs[i];
		if (strcmp(b->name, dev_name(&pdev->dev)))
			continue;
		b->pdev = pdev;
		debugfs_create_file(b->name, 0600, bench_root, b, &bench_fops);
		return 0;
	}
	return -ENODEV;
}

static const struct platform_device_id bench_ids[] = {
	{ "dap-bench-kernel" },
	{ "dap-bench-module" },
	{ "dap-snoop-kernel" },
	{ "dap-snoop-module" },
	{ }
};

static struct platform_driver bench_driver = {
	.probe		= bench_probe,
	.id_table	= bench_ids,
	.driver		= {
		.name			= "dap-bench",
		.suppress_bind_attrs	= true,	/* bound until the exit */
	},
};

static struct platform_device *bench_pdevs[ARRAY_SIZE(bench_devs)];

static void bench_undo(void)
{
	unsigned int i;

	/* Waits for who is in its files. */
	debugfs_remove(bench_root);
	for (i = 0; i < ARRAY_SIZE(bench_pdevs); i++) {
		give_all(&bench_devs[i]);
		if (!IS_ERR(bench_pdevs[i]))
			platform_device_unregister(bench_pdevs[i]);
	}
	platform_driver_unregister(&bench_driver);
}

static struct platform_device *bench_add(const struct bench_dev *b)
{
	struct platform_device *pdev;
	int ret;

	pdev = platform_device_alloc(b->name, PLATFORM_DEVID_NONE);
	if (!pdev)
		return ERR_PTR(-ENOMEM);
	dap_assign_coherent(&pdev->dev, b->coherent);
	ret = platform_device_add(pdev);
	if (ret) {
		platform_device_put(pdev);
		return ERR_PTR(ret);
	}
	return pdev;
}

static int __init bench_init(void)
{
	unsigned int i;
	int ret;

	calibrate();
	bench_root = debugfs_create_dir("dma_alias_pool_bench", NULL);
	ret = platform_driver_register(&bench_driver);
	if (ret) {
		debugfs_remove(bench_root);
		return ret;
	}
	for (i = 0; i < ARRAY_SIZE(bench_devs); i++) {
		bench_pdevs[i] = bench_add(&bench_devs[i]);
		if (IS_ERR(bench_pdevs[i]))
			ret = PTR_ERR(bench_pdevs[i]);
	}
	if (ret)
		bench_undo();
	return ret;
}

static void __exit bench_exit(void)
{
	bench_undo();
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("Measures DMA pools for the dma-alias-pool benchmark");
MODULE_AUTHOR("The dma-alias-pool developers");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
