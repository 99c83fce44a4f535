// SPDX-License-Identifier: GPL-2.0
/*
 * The alias check, on memory that pretends: two views, put together page by page,
 * so that they are one memory, another, or nearly one. Every access goes through
 * a model of the caches: the view at phys is cached, write-back, the alias is not,
 * or is after all. Lines come and go as they like.
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

/* In place of module/compat.h, and of what reads and writes memory. */
#define DAP_COMPAT_H
static void dap_flush_cached_view(void *va, phys_addr_t phys, size_t size);
static u32 load(const u32 *from);
static void store(u32 *to, u32 value);
#undef READ_ONCE
#undef WRITE_ONCE
#define READ_ONCE(x)		load(&(x))
#define WRITE_ONCE(x, value)	store(&(x), value)

#include "../../module/verify.c"

#define BASE		0x20000000
#define ALIAS		0x20400000
#define PAGES		16
#define PAGE_WORDS	(PAGE_SIZE / sizeof(u32))
#define WORDS		(PAGES * PAGE_WORDS)
#define LINE		8	/* words */

enum caching { UNCACHED, WRITE_THROUGH, WRITE_BACK };

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

static struct view phys = { .caching = WRITE_BACK, .address = BASE };
static struct view alias = { .address = ALIAS };
/* Twice as much as the region has: the rest is others'. */
static u32 memory[2 * WORDS], before[2 * WORDS];
static unsigned int writes;	/* of memory */
static bool irqs_off, unmappable;
static unsigned int unrest;	/* a line comes or goes at every so manieth access */
static const char *message;

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
	return view;
}

/* Not of pages whose first lines are of no interest only. */
static void caches_work(void)
{
	struct view *view = rnd(2) ? &phys : &alias;
	unsigned int i = rnd(PAGES) * (PAGE_WORDS / LINE) + rnd(2);

	if (!unrest || rnd(unrest) || view->caching == UNCACHED)
		return;
	if (rnd(2))
		evict(view, i);
	else
		fetch(view, i);
}

static u32 load(const u32 *from)
{
	unsigned int word;
	struct view *view = view_of(from, &word);

	caches_work();
	if (view->caching == UNCACHED)
		return *word_of(view, word);
	fetch(view, word / LINE);
	return view->lines[word / LINE].data[word % LINE];
}

static void store(u32 *to, u32 value)
{
	unsigned int word;
	struct view *view = view_of(to, &word);
	struct line *line = &view->lines[word / LINE];

	EXPECT(irqs_off);
	caches_work();
	if (view->caching == WRITE_BACK) {
		fetch(view, word / LINE);
		line->dirty = true;
	} else {
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

	EXPECT(address == view->address + word * sizeof(u32));
	EXPECT(size && word + size / sizeof(u32) <= WORDS);
	end = word + (size - 1) / sizeof(u32);
	for (word /= LINE; word <= end / LINE; word++)
		evict(view, word);
}

unsigned long irq_save(void)
{
	EXPECT(!irqs_off);
	irqs_off = true;
	return 5;
}

void irq_restore(unsigned long flags)
{
	EXPECT(irqs_off && flags == 5);
	irqs_off = false;
	/* If the alias is cached, this is only known when that is flushed. */
	if (alias.caching != WRITE_BACK && memcmp(memory, before, sizeof(memory)))
		fail("changed, and seen by others");
}

int dev_err_probe(struct device *dev, int err, const char *format, ...)
{
	va_list args;

	EXPECT(!message);
	message = format;
	if (strstr(format, ", or it is still cacheable: %s")) {
		va_start(args, format);
		EXPECT(*va_arg(args, phys_addr_t *) - ALIAS ==
		       *va_arg(args, phys_addr_t *) - BASE);
		message = va_arg(args, const char *);
		va_end(args);
	}
	return err;
}

void *memremap(phys_addr_t address, size_t size, unsigned long flags)
{
	EXPECT(address == BASE && size == sizeof(phys.pointers));
	return unmappable ? NULL : phys.pointers;
}

void memunmap(void *cpu)
{
	EXPECT(cpu == phys.pointers);
}

static void one_memory(void)
{
	unsigned int i;

	alias.caching = UNCACHED;
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

/* @why: a part of the reason, if it is to fail */
static void verify(const char *why)
{
	struct dap_region region = {
		.phys = BASE, .alias = ALIAS, .size = sizeof(phys.pointers),
		.cpu = alias.pointers,
	};
	unsigned int i;
	int ret;

	memcpy(before, memory, sizeof(memory));
	memset(phys.lines, 0, sizeof(phys.lines));
	memset(alias.lines, 0, sizeof(alias.lines));
	message = NULL;
	irqs_off = false;
	writes = 0;

	ret = dap_verify_alias(NULL, &region);
	steps++;
	if (ret != (!why ? 0 : unmappable ? -ENOMEM : -EINVAL))
		fail("returned %d: %s", ret, message);
	if (!message != !why || (why && !strstr(message, why)))
		fail("said '%s'", message);
	EXPECT(!irqs_off);
	if (memcmp(memory, before, sizeof(memory)))
		fail("memory was left changed");
	for (i = 0; i < WORDS / LINE && !unrest; i++)
		EXPECT(!phys.lines[i].valid && !alias.lines[i].valid);
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
		}
	}
	unrest = 0;
	/* Each page holds what the one before would if it were changed. */
	for (i = 0; i < WORDS; i++)
		memory[i] = i / PAGE_WORDS & 1 ? ~5 : 5;
	verify(NULL);
}

/* What the CPU writes there may stay with it, or what it reads be old. */
static void alias_is_cached(void)
{
	unsigned int i, k;

	one_memory();
	for (i = WRITE_THROUGH; i <= WRITE_BACK; i++) {
		for (k = 0; k < 20; k++) {
			alias.caching = i;
			fill(false);
			verify("a write to one is not seen in the other");
		}
	}
	alias.caching = UNCACHED;
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

/* Less memory than the region says: it answers several times in both views. */
static void repeats(void)
{
	unsigned int i, period;

	one_memory();
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
	verify("cannot map");
	unmappable = false;
}

static const struct tap_test tests[] = {
	{ "a true alias", true_alias },
	{ "an alias that is cached", alias_is_cached },
	{ "other memory, with the same data", other_memory },
	{ "other memory, with other data, is not written", other_data },
	{ "one page of other memory", one_page_is_other_memory },
	{ "two pages swapped", two_pages_are_swapped },
	{ "shifted by a page", shifted },
	{ "memory smaller than the region", repeats },
	{ "a region larger than its memory", ends_in_other_memory },
	{ "phys cannot be mapped", cannot_be_mapped },
};

int main(void)
{
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
