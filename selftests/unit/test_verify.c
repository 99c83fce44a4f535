// SPDX-License-Identifier: GPL-2.0
/*
 * The check at load, on memory that pretends: two views, put together page by page,
 * so that they are one memory, another, or nearly one. Every access goes through
 * a model of the caches: the view at phys is cached, write-back, the alias is not,
 * or is after all; or there is one view only, of either kind. Lines come and go as
 * they like, and some are there before.
 *
 * Whatever the result, memory is then as it was; so it is whenever interrupts are
 * on, for who else may have it.
 */
#pragma GCC diagnostic ignored "-Wunused-parameter"	/* stand-ins have some */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <linux/types.h>
#include <linux/compiler.h>
#include <asm/barrier.h>

#include "tap.h"

/* In place of module/cache.h, and of what reads and writes memory. */
#define DAP_CACHE_H
enum dma_data_direction { DMA_BIDIRECTIONAL, DMA_TO_DEVICE, DMA_FROM_DEVICE };
static void dap_flush_cached_view(void *va, phys_addr_t phys, size_t size);
static void dap_sync_for_device(phys_addr_t phys, size_t size,
				enum dma_data_direction dir);
static bool have_cache_ops = true, can_flush = true;
#define DAP_HAVE_CACHE_OPS	have_cache_ops
#define dap_flush_is_sure()	can_flush
static u32 load(const u32 *from);
static void store(u32 *to, u32 value);
#undef READ_ONCE
#undef WRITE_ONCE
#define READ_ONCE(x)		load(&(x))
#define WRITE_ONCE(x, value)	store(&(x), value)

#include "../../module/verify.c"

#define FIRST		0x20000000
#define ALIAS		0x20400000
#define PAGES		16
#define PAGE_WORDS	(PAGE_SIZE / sizeof(u32))
#define WORDS		(PAGES * PAGE_WORDS)
#define LINE		8	/* words */
#define LONGEST_LINE	64	/* bytes, of any CPU */

/* The last takes in no lines that are only written. */
enum caching { UNCACHED, WRITE_THROUGH, WRITE_BACK, WRITE_BACK_IF_READ };

struct line {
	bool valid, dirty;
	u32 data[LINE];
};

/* Of each page of a view: what page of the memory it is. */
struct view {
	enum caching caching;
	phys_addr_t address;
	unsigned int page[PAGES];
	u32 pointers[WORDS];	/* never accessed: what the module has pointers to */
	struct line lines[WORDS / LINE];
};

static struct view phys = { .caching = WRITE_BACK, .address = FIRST };
static struct view alias = { .address = ALIAS };
/* Twice as much as the region has: the rest is others'. */
static u32 memory[2 * WORDS], before[2 * WORDS];
static unsigned int writes;	/* of memory */
static unsigned int accesses;	/* of any kind */
static bool irqs_off, unmappable;
static long read_only_from = 2 * WORDS;	/* word of memory */
static bool alone;	/* phys is the one view */
static bool is_dirty_before;	/* others' data is not in memory yet */
static bool others_write;	/* until interrupts are off */
static phys_addr_t base = FIRST;	/* of the region */
static unsigned int cached_page = PAGES;	/* of what is not cached else */
static unsigned int page_in_use;
static unsigned int unrest;	/* a line comes or goes at every so manieth access */
static const char *message, *hint;
static phys_addr_t where;	/* that is cached */

/* Where in memory is this word of a view? */
static u32 *word_of(const struct view *view, unsigned int word)
{
	return memory + view->page[word / PAGE_WORDS] * PAGE_WORDS +
	       word % PAGE_WORDS;
}

static void fetch(struct view *view, unsigned int i)
{
	if (!view->lines[i].valid)
		memcpy(view->lines[i].data, word_of(view, i * LINE),
		       sizeof(view->lines[i].data));
	view->lines[i].valid = true;
}

static void evict(struct view *view, unsigned int i)
{
	if (view->lines[i].dirty) {
		memcpy(word_of(view, i * LINE), view->lines[i].data,
		       sizeof(view->lines[i].data));
		writes++;
	}
	view->lines[i].valid = view->lines[i].dirty = false;
}

static struct view *view_of(const u32 *pointer, unsigned int *word)
{
	struct view *view = pointer >= phys.pointers &&
			    pointer < phys.pointers + WORDS ? &phys : &alias;

	if (pointer < view->pointers || pointer >= view->pointers + WORDS)
		fail("an access outside of the region");
	*word = pointer - view->pointers;
	page_in_use = *word / PAGE_WORDS;
	return view;
}

/* Of the first lines, which are of interest, and often in the page that is in use. */
static void caches_work(void)
{
	struct view *view = rnd(2) ? &phys : &alias;
	unsigned int page = rnd(2) ? rnd(PAGES) : page_in_use;
	unsigned int i = page * (PAGE_WORDS / LINE) + rnd(2);

	if (!unrest || rnd(unrest) || view->caching == UNCACHED)
		return;
	if (rnd(2))
		evict(view, i);
	else
		fetch(view, i);
}

static enum caching caching_of(const struct view *view, unsigned int word)
{
	return word / PAGE_WORDS == cached_page ? WRITE_BACK : view->caching;
}

static u32 load(const u32 *from)
{
	unsigned int word;
	struct view *view = view_of(from, &word);

	accesses++;
	caches_work();
	if (caching_of(view, word) == UNCACHED)
		return *word_of(view, word);
	fetch(view, word / LINE);
	return view->lines[word / LINE].data[word % LINE];
}

static void store(u32 *to, u32 value)
{
	unsigned int word;
	struct view *view = view_of(to, &word);
	struct line *line = &view->lines[word / LINE];
	enum caching caching = caching_of(view, word);

	EXPECT(irqs_off);
	accesses++;
	caches_work();
	if (caching == WRITE_BACK)
		fetch(view, word / LINE);
	if (caching >= WRITE_BACK && line->valid) {
		line->dirty = true;
	} else if (word_of(view, word) - memory < read_only_from) {
		*word_of(view, word) = value;
		writes++;
	}
	/* Write-through: a line is changed if it is there, and else does not come. */
	line->data[word % LINE] = value;
	caches_work();
}

static void dap_flush_cached_view(void *va, phys_addr_t address, size_t size)
{
	unsigned int word, end;
	struct view *view = view_of(va, &word);

	accesses++;
	EXPECT(address == view->address + word * sizeof(u32));
	EXPECT(size && word + size / sizeof(u32) <= WORDS);
	if (!can_flush)
		return;
	end = word + (size - 1) / sizeof(u32);
	for (word /= LINE; word <= end / LINE; word++)
		evict(view, word);
	caches_work();
}

/* Of whole lines in the region: what is dirty is lost. */
static void dap_sync_for_device(phys_addr_t address, size_t size,
				enum dma_data_direction dir)
{
	unsigned int word = (address - base) / sizeof(u32);
	unsigned int end = word + size / sizeof(u32);

	accesses++;
	EXPECT(alone && irqs_off && dir == DMA_FROM_DEVICE);
	EXPECT(size && !(address % LONGEST_LINE) && !(size % LONGEST_LINE));
	EXPECT(address >= base && end <= WORDS);
	for (word /= LINE; word < end / LINE; word++)
		phys.lines[word].valid = phys.lines[word].dirty = false;
	caches_work();
}

/* What was written, wherever it is. */
static void content(u32 *to)
{
	struct view *views[] = { &phys, &alias };
	unsigned int i, k;

	memcpy(to, memory, sizeof(memory));
	for (k = 0; k < 2; k++)
		for (i = 0; i < WORDS / LINE; i++)
			if (views[k]->lines[i].dirty)
				memcpy(to + (word_of(views[k], i * LINE) - memory),
				       views[k]->lines[i].data, LINE * sizeof(u32));
}

static bool is_changed(void)
{
	static u32 now[2 * WORDS];

	content(now);
	return memcmp(now, before, sizeof(now));
}

static void leave_lines(struct view *view, bool dirty, unsigned int lines);

unsigned long irq_save(void)
{
	EXPECT(!irqs_off);
	irqs_off = true;
	if (others_write) {
		leave_lines(&phys, true, DAP_WHOLE_LINES / sizeof(u32) / LINE);
		content(before);
	}
	return 5;
}

void irq_restore(unsigned long flags)
{
	EXPECT(irqs_off && flags == 5);
	irqs_off = false;
	if (is_changed() || (!is_dirty_before && memcmp(memory, before, sizeof(memory))))
		fail("changed, and seen by others");
}

static unsigned int rests;

void cond_resched(void)
{
	EXPECT(!irqs_off);
	rests++;
}

int dev_err_probe(struct device *dev, int err, const char *format, ...)
{
	va_list args;

	EXPECT(!message);
	if (!ERR_PROBE_SAYS(err))
		return err;
	message = format;
	va_start(args, format);
	if (!strcmp(format, "%pa is no alias of %pa: %s%s\n")) {
		EXPECT(*va_arg(args, phys_addr_t *) - ALIAS ==
		       *va_arg(args, phys_addr_t *) - base);
		message = va_arg(args, const char *);
		hint = va_arg(args, const char *);
		EXPECT(!*hint == can_flush);
	} else if (!strcmp(format, "%pa: %s: check address and size\n")) {
		EXPECT(alone && *va_arg(args, phys_addr_t *) >= base);
		message = va_arg(args, const char *);
	} else if (!strcmp(format, "%pa is cached: %s\n")) {
		where = *va_arg(args, phys_addr_t *);
		message = va_arg(args, const char *);
	}
	va_end(args);
	return err;
}

void *memremap(phys_addr_t address, size_t size, unsigned long flags)
{
	EXPECT(!alone && address == base && size == sizeof(phys.pointers));
	return unmappable ? NULL : phys.pointers;
}

void memunmap(void *cpu)
{
	EXPECT(cpu == phys.pointers);
}

static void one_memory(void)
{
	unsigned int i;

	phys.caching = WRITE_BACK;
	alias.caching = UNCACHED;
	alone = false;
	for (i = 0; i < PAGES; i++)
		phys.page[i] = alias.page[i] = i;
}

/* Of any word the same in both halves of memory, or not. */
static void fill(bool alike)
{
	unsigned int i;

	for (i = 0; i < 2 * WORDS; i++)
		memory[i] = alike && i >= WORDS ? memory[i - WORDS] : rnd(~0U);
}

static void no_lines(void)
{
	memset(phys.lines, 0, sizeof(phys.lines));
	memset(alias.lines, 0, sizeof(alias.lines));
}

/*
 * What whoever was there before has left of each page, in lines that the check
 * uses or others: data of his that is not in memory yet, or what memory had once.
 */
static void leave_lines(struct view *view, bool dirty, unsigned int lines)
{
	unsigned int page, i, k;

	no_lines();
	for (page = 0; page < PAGES; page++) {
		i = page * (PAGE_WORDS / LINE) + rnd(lines);
		for (k = 0; k < LINE; k++)
			view->lines[i].data[k] = rnd(~0U);
		view->lines[i].valid = true;
		view->lines[i].dirty = dirty;
	}
}

/* @why: the reason, if it is to fail */
static void verify_with(bool use_mpu, const char *why)
{
	struct dap_region region = {
		.phys = base, .alias = alone ? base : ALIAS,
		.size = sizeof(phys.pointers), .has_alias = !alone,
		.cpu = alone ? phys.pointers : alias.pointers,
		.use_mpu = use_mpu,
	};
	int ret;

	content(before);
	message = NULL;
	where = 0;
	irqs_off = false;
	writes = accesses = rests = 0;

	ret = dap_verify_region(NULL, &region);
	steps++;
	if (ret != (!why ? 0 : unmappable ? -ENXIO : -EINVAL))
		fail("returned %d: %s", ret, message);
	if (!message != !why || (why && strcmp(message, why)))
		fail("said '%s'", message);
	EXPECT(!irqs_off);
	/* There may be gigabytes of it. */
	EXPECT(why || rests == (alone ? 1 : 2) * PAGES);
	if (is_changed())
		fail("memory was left changed");
}

/* What no one has left lines of has none then, which could be stale one day. */
static void has_no_lines(void)
{
	unsigned int i;

	for (i = 0; i < WORDS / LINE; i++) {
		EXPECT(!phys.lines[i].dirty && !alias.lines[i].dirty);
		EXPECT(unrest || (!phys.lines[i].valid && !alias.lines[i].valid));
	}
}

static void verify(const char *why)
{
	verify_with(false, why);
	has_no_lines();
	no_lines();
}

static void true_alias(void)
{
	u8 bytes[] = { 0, 0xff, 0xa5 };
	unsigned int i;

	one_memory();
	for (unrest = 0; unrest < 4; unrest++) {
		for (i = 0; i < 3; i++) {
			memset(memory, bytes[i], sizeof(memory));
			verify(NULL);
		}
		for (i = 0; i < 20; i++) {
			fill(false);
			verify(NULL);
			leave_lines(&phys, i & 1, PAGE_WORDS / LINE);
			verify(NULL);
		}
	}
	unrest = 0;
	/* Each page holds what the one before would if it were changed. */
	for (i = 0; i < WORDS; i++)
		memory[i] = i / PAGE_WORDS & 1 ? ~5 : 5;
	verify(NULL);
}

static const char alias_cached[] =
	"make it non-cacheable in the MPU or by the address map";

/*
 * What the CPU writes there may stay with it, or what it reads be old, also from
 * before.
 */
static void alias_is_cached(void)
{
	unsigned int caching, i;

	for (caching = WRITE_THROUGH; caching <= WRITE_BACK_IF_READ; caching++) {
		for (unrest = 0; unrest < 4; unrest++) {
			for (i = 0; i < 20; i++) {
				one_memory();
				alias.caching = caching;
				fill(false);
				if (i % 3)
					leave_lines(&alias, i % 3 == 2 &&
						    caching != WRITE_THROUGH,
						    i & 1 ? 1 : PAGE_WORDS / LINE);
				verify(alias_cached);
				EXPECT(where >= ALIAS && !(where % PAGE_SIZE));
				EXPECT(unrest || where == ALIAS);
			}
		}
	}
	unrest = 0;
}

/* Of both mistakes it is the worse one that counts. */
static void cached_and_no_alias(void)
{
	unsigned int caching, i;

	for (caching = WRITE_THROUGH; caching <= WRITE_BACK_IF_READ; caching++) {
		one_memory();
		alias.caching = caching;
		for (i = 0; i < PAGES; i++)
			alias.page[i] = PAGES + i;
		fill(true);
		verify("a write to one is not seen in the other");
		fill(false);
		verify("they hold different data");
		EXPECT(!writes);
	}
}

static void other_memory(void)
{
	unsigned int i;

	one_memory();
	for (i = 0; i < PAGES; i++)
		alias.page[i] = PAGES + i;
	fill(true);
	verify("a write to one is not seen in the other");
	/* nor do the other pages have to be tried */
	EXPECT(writes == 2);
}

static void other_data(void)
{
	unsigned int i;

	one_memory();
	for (i = 0; i < PAGES; i++)
		alias.page[i] = PAGES + i;
	fill(false);
	verify("they hold different data");
	/* not even for a moment */
	EXPECT(!writes);
	/* nor if only the last page differs, in a word behind the first */
	fill(true);
	memory[(2 * PAGES - 1) * PAGE_WORDS + 15]++;
	verify("they hold different data");
	EXPECT(!writes);
}

static void one_page_is_other_memory(void)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		one_memory();
		alias.page[i] = PAGES + i;
		fill(true);
		verify("a write to one is not seen in the other");
	}
}

static void two_pages_are_swapped(void)
{
	unsigned int i, j;

	memset(memory, 0, sizeof(memory));
	for (i = 0; i < PAGES; i++) {
		for (j = i + 1; j < PAGES; j++) {
			one_memory();
			alias.page[i] = j;
			alias.page[j] = i;
			verify("a write to one is not seen in the other");
		}
	}
}

static void shifted(void)
{
	unsigned int i;

	one_memory();
	memset(memory, 0, sizeof(memory));
	for (i = 0; i < PAGES; i++)
		alias.page[i] = (i + 1) % PAGES;
	verify("a write to one is not seen in the other");
}

/* Less memory than the region says: it answers several times in all views. */
static void repeats_in_views(void)
{
	unsigned int i, period;

	for (period = 1; period < PAGES; period *= 2) {
		for (i = 0; i < PAGES; i++)
			phys.page[i] = alias.page[i] = i % period;
		fill(false);
		verify("a write to it changed another page");
		memset(memory, 0, sizeof(memory));
		verify("a write to it changed another page");
	}
	/* three quarters of a power of two, of which the last answers twice */
	for (i = 0; i < PAGES; i++)
		phys.page[i] = alias.page[i] = i < 12 ? i : i - 4;
	verify("a write to it changed another page");
}

static void repeats(void)
{
	one_memory();
	repeats_in_views();
}

/*
 * The same in a region that does not begin where the memory does. If that is three
 * quarters of a power of two, of which the last answers twice, only addresses tell
 * what is the same.
 */
static void repeats_behind_others(void)
{
	unsigned int quarter = PAGES / 2, first, i;

	one_memory();
	base = phys.address = FIRST + PAGE_SIZE;
	repeats_in_views();
	for (first = quarter + 1; first <= 2 * quarter; first++) {
		base = phys.address = FIRST + first * PAGE_SIZE;
		for (i = 0; i < PAGES; i++)
			phys.page[i] = alias.page[i] =
				first + i < 3 * quarter ? i : i - quarter;
		verify("a write to it changed another page");
	}
	base = phys.address = FIRST;
}

/*
 * Nothing in the region tells that the end of it is somebody's: as long as it does
 * not get used, nobody loses anything.
 */
static void ends_in_other_memory(void)
{
	unsigned int i;

	one_memory();
	for (i = PAGES / 2; i < PAGES; i++)
		phys.page[i] = alias.page[i] = PAGES + i;
	fill(false);
	verify(NULL);
}

static void cannot_be_mapped(void)
{
	one_memory();
	unmappable = true;
	verify("cannot map %pa to check its alias\n");
	unmappable = false;
}

static const char no_alias[] =
	"give its alias, make it non-cacheable in the MPU (dma-alias-pool,mpu) or by the address map";

static void one_view(enum caching caching)
{
	one_memory();
	alone = true;
	phys.caching = caching;
}

/* Write-through caches lose nothing. */
static void uncached_without_alias(void)
{
	unsigned int caching, i;

	for (caching = UNCACHED; caching <= WRITE_THROUGH; caching++) {
		one_view(caching);
		for (unrest = 0; unrest < 4; unrest++) {
			for (i = 0; i < 20; i++) {
				fill(false);
				verify(NULL);
				verify_with(true, NULL);
				no_lines();
			}
		}
		unrest = 0;
		no_lines();
		memset(memory, 0, sizeof(memory));
		verify(NULL);
	}
}

static void cached_without_alias(void)
{
	unsigned int caching, i;

	for (caching = WRITE_BACK; caching <= WRITE_BACK_IF_READ; caching++) {
		one_view(caching);
		for (unrest = 0; unrest < 4; unrest++) {
			for (i = 0; i < 20; i++) {
				fill(false);
				verify(no_alias);
				EXPECT(where >= base && !(where % PAGE_SIZE));
				EXPECT(unrest || where == base);
				verify_with(true, "the MPU region does not take effect");
				no_lines();
			}
		}
		unrest = 0;
	}
}

/* One try may see nothing. */
static void one_page_is_cached(void)
{
	unsigned int i;

	one_view(UNCACHED);
	fill(false);
	for (i = 0; i < PAGES; i++) {
		cached_page = i;
		verify(no_alias);
		EXPECT(where == base + i * PAGE_SIZE);
	}
	cached_page = PAGES;
}

/* Others' data in what is invalidated, as region.c does not leave it there. */
static void others_lines_survive(void)
{
	unsigned int i;

	one_view(WRITE_BACK);
	for (i = 0; i < 50; i++) {
		fill(false);
		leave_lines(&phys, true, DAP_WHOLE_LINES / sizeof(u32) / LINE);
		is_dirty_before = true;
		others_write = i & 1;
		verify_with(false, no_alias);
		is_dirty_before = others_write = false;
	}
	no_lines();
}

static void repeats_without_alias(void)
{
	one_view(UNCACHED);
	repeats_in_views();
	have_cache_ops = false;
	repeats_in_views();
	have_cache_ops = true;
}

/* What holds nothing, in all of the region or at its end. */
static void no_memory(void)
{
	one_view(UNCACHED);
	fill(false);
	read_only_from = 0;
	verify("a write to it is lost");
	EXPECT(!writes);
	read_only_from = WORDS - PAGE_WORDS;
	verify("a write to it is lost");
	read_only_from = 2 * WORDS;
}

static void caches_cannot_be_maintained(void)
{
	one_view(WRITE_BACK);
	fill(false);
	have_cache_ops = false;
	verify(NULL);
	have_cache_ops = true;
}

/* With an MMU, before the first client */
static void not_mapped(void)
{
	struct dap_region region = {
		.phys = base, .alias = base, .size = sizeof(phys.pointers),
	};

	one_view(UNCACHED);
	accesses = 0;
	EXPECT(!dap_verify_region(NULL, &region) && !accesses);
}

/* With stale lines a true alias looks like none; without a cache nothing does. */
static void caches_cannot_be_flushed(void)
{
	unsigned int i;

	can_flush = false;
	for (i = 0; i < 20; i++) {
		one_memory();
		fill(false);
		leave_lines(&phys, i & 1, 1);
		is_dirty_before = i & 1;
		hint = NULL;
		verify_with(false, "they hold different data");
		EXPECT(strstr(hint, "verify=0") && !writes);
		no_lines();
		verify_with(false, "a write to one is not seen in the other");
		no_lines();
		is_dirty_before = false;
		phys.caching = UNCACHED;
		verify_with(false, NULL);
	}
	can_flush = true;
}

static const struct tap_test tests[] = {
	{ "a true alias", true_alias },
	{ "an alias that is cached", alias_is_cached },
	{ "what is cached and no alias", cached_and_no_alias },
	{ "other memory, with the same data", other_memory },
	{ "other memory, with other data, is not written", other_data },
	{ "one page of other memory", one_page_is_other_memory },
	{ "two pages swapped", two_pages_are_swapped },
	{ "shifted by a page", shifted },
	{ "memory smaller than the region", repeats },
	{ "memory smaller than the region, which begins later", repeats_behind_others },
	{ "a region larger than its memory", ends_in_other_memory },
	{ "phys cannot be mapped", cannot_be_mapped },
	{ "no alias, and not cached", uncached_without_alias },
	{ "no alias, but cached", cached_without_alias },
	{ "no alias, and one page is cached", one_page_is_cached },
	{ "what is dirty beside the word survives", others_lines_survive },
	{ "no alias, and memory smaller than the region", repeats_without_alias },
	{ "no alias, and no memory", no_memory },
	{ "no alias, and not mapped", not_mapped },
	{ "caches cannot be maintained", caches_cannot_be_maintained },
	{ "caches cannot be flushed", caches_cannot_be_flushed },
};

int main(void)
{
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
