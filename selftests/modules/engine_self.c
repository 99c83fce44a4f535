// SPDX-License-Identifier: GPL-2.0
/*
 * Does the emulated machine behave as one with a data cache?  The tests access a page of
 * cacheable memory by the CPU and by the engine, without the DMA API.  They cause each
 * effect that the tests of coherent memory rely on, and check what the Cortex-M7's
 * cache registers do about it.
 *
 * They only work on the emulated machine.  A real cache may drop a line at any time, and
 * these tests would fail now and then.  The emulated cache has 128 sets of 4 ways.  If its
 * size is not limited, maintenance of any way affects all lines of the set.
 *
 * Each test runs with interrupts off, on a page of its own, which is zero in memory and
 * has no line in the cache at the beginning.  Changes of the MPU are undone.  Contexts
 * and locking: see engine.h.
 */
#include <linux/bits.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/string.h>

#include <asm/barrier.h>
#include <asm/mpu.h>
#include <asm/v7m.h>

#include "engine.h"

#define LINE_SIZE	32
#define LINE_WORDS	(LINE_SIZE / sizeof(u32))
#define PAGE_WORDS	(PAGE_SIZE / sizeof(u32))

/* The last set, as DCISW, DCCSW and DCCISW expect it.  The way is in bits 31 and 30. */
#define LAST_SET	(127 * LINE_SIZE)

/* MPU_RASR */
#define RASR_XN			BIT(28)
#define RASR_FULL_ACCESS	(3 << 24)
#define RASR_UNCACHED		BIT(19)		/* TEX 1, C 0, B 0 */
#define RASR_WRITE_THROUGH	BIT(17)		/* TEX 0, C 1, B 0 */
#define RASR_SIZE_4K		(11 << 1)
#define RASR_ENABLE		BIT(0)

/* The values that are written. */
#define OLD		0
#define CPU_WORD	0xc9c90001
#define ENGINE_WORD	0xdeadd0a0

struct self {
	struct engine *e;
	u32 *page;
	const char *what;	/* the first thing that was wrong */
	u32 got;
	u32 wanted;
};

static void expect(struct self *s, const char *what, u32 got, u32 wanted)
{
	if (got == wanted || s->what)
		return;
	s->what = what;
	s->got = got;
	s->wanted = wanted;
}

/* --- accesses */

static u32 cpu_reads(struct self *s, unsigned int word)
{
	return READ_ONCE(s->page[word]);
}

static void cpu_writes(struct self *s, unsigned int word, u32 value)
{
	WRITE_ONCE(s->page[word], value);
	dsb();
}

static dma_addr_t dma_of(struct self *s, unsigned int word)
{
	return virt_to_phys(&s->page[word]);
}

/* Return: the word in memory, as the engine sees it */
static u32 memory(struct self *s, unsigned int word)
{
	struct engine *e = s->e;

	expect(s, "engine_copy", engine_copy(e, dma_of(s, word),
					     e->box_dma + ENGINE_BOX_SEEN,
					     sizeof(u32)), 0);
	return READ_ONCE(*(u32 *)(e->box + ENGINE_BOX_SEEN));
}

static void engine_word(struct self *s, unsigned int word, u32 value)
{
	expect(s, "engine_fill", engine_fill(s->e, value, dma_of(s, word),
					     sizeof(u32)), 0);
}

static void evict(struct self *s, unsigned int word)
{
	engine_control(s->e, ENGINE_EVICT, dma_of(s, word));
}

static void fetch(struct self *s, unsigned int word)
{
	engine_control(s->e, ENGINE_FETCH, dma_of(s, word));
}

/* Cache maintenance by address. */
static void maintain(struct self *s, u32 reg, unsigned int word)
{
	dsb();
	writel_relaxed((u32)&s->page[word], BASEADDR_V7M_SCB + reg);
	dsb();
	isb();
}

static void maintain_page(struct self *s, u32 reg)
{
	unsigned int word;

	for (word = 0; word < PAGE_WORDS; word += LINE_WORDS)
		maintain(s, reg, word);
}

/* The page is zero in memory, and has no line in the cache. */
static void start_afresh(struct self *s)
{
	memset(s->page, OLD, PAGE_SIZE);
	maintain_page(s, V7M_SCB_DCCIMVAC);
}

/*
 * Clean all lines of the cache, write a word, so that nothing else is dirty, and write
 * @reg for all sets and ways.  If @reg invalidates, everything that is written meanwhile
 * is lost, so the loops keep their variables in registers.  A carry ends the loop over
 * the ways of a set, a borrow the loop over the sets.
 */
static noinline void write_and_maintain_all(struct self *s, u32 value, u32 reg)
{
	void __iomem *clean = BASEADDR_V7M_SCB + V7M_SCB_DCCSW;
	void __iomem *op = BASEADDR_V7M_SCB + reg;
	u32 line;

	asm volatile("	dsb\n"
		     "	mov	%[line], %[last]\n"
		     "1:	str	%[line], [%[clean]]\n"
		     "	adds	%[line], %[line], #0x40000000\n"
		     "	bcc	1b\n"
		     "	subs	%[line], %[line], #32\n"
		     "	bcs	1b\n"
		     "	dsb\n"
		     "	str	%[value], [%[word]]\n"
		     "	dsb\n"
		     "	mov	%[line], %[last]\n"
		     "2:	str	%[line], [%[op]]\n"
		     "	adds	%[line], %[line], #0x40000000\n"
		     "	bcc	2b\n"
		     "	subs	%[line], %[line], #32\n"
		     "	bcs	2b\n"
		     "	dsb\n"
		     "	isb\n"
		     : [line] "=&r" (line)
		     : [last] "r" (LAST_SET), [clean] "r" (clean),
		       [word] "r" (s->page), [value] "r" (value), [op] "r" (op)
		     : "cc", "memory");
}

/* --- effects */

static void stale_read(struct self *s)
{
	expect(s, "first_read", cpu_reads(s, 0), OLD);
	engine_word(s, 0, ENGINE_WORD);
	expect(s, "memory", memory(s, 0), ENGINE_WORD);
	expect(s, "read", cpu_reads(s, 0), OLD);
	evict(s, 0);
	expect(s, "read_after_eviction", cpu_reads(s, 0), ENGINE_WORD);
}

/* The CPU writes, then the engine, and then the CPU's write arrives in memory. */
static void late_write_back(struct self *s)
{
	cpu_writes(s, 0, CPU_WORD);
	expect(s, "memory_before", memory(s, 0), OLD);
	engine_word(s, 0, ENGINE_WORD);
	expect(s, "memory", memory(s, 0), ENGINE_WORD);
	evict(s, 0);
	expect(s, "memory_after_eviction", memory(s, 0), CPU_WORD);
	expect(s, "read", cpu_reads(s, 0), CPU_WORD);
}

/* Invalidating a dirty line loses what the CPU wrote. */
static void lost_write(struct self *s)
{
	cpu_writes(s, 0, CPU_WORD);
	expect(s, "read_before", cpu_reads(s, 0), CPU_WORD);
	maintain(s, V7M_SCB_DCIMVAC, 0);
	expect(s, "read", cpu_reads(s, 0), OLD);
	expect(s, "memory", memory(s, 0), OLD);
}

/*
 * A dirty line of another word hides from the CPU what the engine writes, and overwrites
 * it when it is written back.
 */
static void hidden_dma_write(struct self *s)
{
	cpu_writes(s, 0, CPU_WORD);
	engine_word(s, 1, ENGINE_WORD);
	expect(s, "read", cpu_reads(s, 1), OLD);
	expect(s, "memory", memory(s, 1), ENGINE_WORD);
	maintain(s, V7M_SCB_DCCIMVAC, 0);
	expect(s, "memory_after_cleaning", memory(s, 1), OLD);
	expect(s, "own_word", memory(s, 0), CPU_WORD);
	/* The next line is not affected. */
	engine_word(s, LINE_WORDS, ENGINE_WORD);
	expect(s, "read_of_next", cpu_reads(s, LINE_WORDS), ENGINE_WORD);
}

/* Even the CPU's first read is stale, since the cache had fetched the line by itself. */
static void speculative_fetch(struct self *s)
{
	fetch(s, 0);
	engine_word(s, 0, ENGINE_WORD);
	engine_word(s, LINE_WORDS, ENGINE_WORD);
	expect(s, "read", cpu_reads(s, 0), OLD);
	expect(s, "read_of_next", cpu_reads(s, LINE_WORDS), ENGINE_WORD);
	maintain(s, V7M_SCB_DCIMVAC, 0);
	expect(s, "read_after_invalidation", cpu_reads(s, 0), ENGINE_WORD);
}

/* --- maintenance, which must not affect the next line */

static void check_cleaned(struct self *s)
{
	expect(s, "memory", memory(s, 0), CPU_WORD);
	/* The line is still in the cache, and clean. */
	engine_word(s, 0, ENGINE_WORD);
	expect(s, "read", cpu_reads(s, 0), CPU_WORD);
	evict(s, 0);
	expect(s, "memory_after_eviction", memory(s, 0), ENGINE_WORD);
}

static void clean_by(struct self *s, u32 reg)
{
	cpu_writes(s, 0, CPU_WORD);
	cpu_writes(s, LINE_WORDS, CPU_WORD);
	maintain(s, reg, LINE_WORDS - 1);
	expect(s, "memory_of_next", memory(s, LINE_WORDS), OLD);
	check_cleaned(s);
}

static void clean(struct self *s)
{
	clean_by(s, V7M_SCB_DCCMVAC);
}

static void clean_to_unification(struct self *s)
{
	clean_by(s, V7M_SCB_DCCMVAU);
}

static void invalidate(struct self *s)
{
	cpu_writes(s, 0, CPU_WORD);
	cpu_writes(s, LINE_WORDS, CPU_WORD);
	engine_word(s, 0, ENGINE_WORD);
	maintain(s, V7M_SCB_DCIMVAC, LINE_WORDS - 1);
	expect(s, "read", cpu_reads(s, 0), ENGINE_WORD);
	expect(s, "memory", memory(s, 0), ENGINE_WORD);
	expect(s, "read_of_next", cpu_reads(s, LINE_WORDS), CPU_WORD);
	expect(s, "memory_of_next", memory(s, LINE_WORDS), OLD);
}

static void check_cleaned_and_gone(struct self *s)
{
	expect(s, "memory", memory(s, 0), CPU_WORD);
	engine_word(s, 0, ENGINE_WORD);
	expect(s, "read", cpu_reads(s, 0), ENGINE_WORD);
}

static void clean_invalidate(struct self *s)
{
	cpu_writes(s, 0, CPU_WORD);
	cpu_writes(s, LINE_WORDS, CPU_WORD);
	maintain(s, V7M_SCB_DCCIMVAC, LINE_WORDS - 1);
	expect(s, "memory_of_next", memory(s, LINE_WORDS), OLD);
	check_cleaned_and_gone(s);
}

static void clean_set_way(struct self *s)
{
	write_and_maintain_all(s, CPU_WORD, V7M_SCB_DCCSW);
	check_cleaned(s);
}

static void invalidate_set_way(struct self *s)
{
	write_and_maintain_all(s, CPU_WORD, V7M_SCB_DCISW);
	expect(s, "read", cpu_reads(s, 0), OLD);
	expect(s, "memory", memory(s, 0), OLD);
}

static void clean_invalidate_set_way(struct self *s)
{
	write_and_maintain_all(s, CPU_WORD, V7M_SCB_DCCISW);
	check_cleaned_and_gone(s);
}

/* --- the MPU */

struct mpu {
	u32 ctrl;
	u32 number;
	u32 base;
	u32 attributes;
};

static u32 mpu_read(u32 reg)
{
	return readl_relaxed(BASEADDR_V7M_SCB + reg);
}

static void mpu_write(u32 value, u32 reg)
{
	writel_relaxed(value, BASEADDR_V7M_SCB + reg);
}

static void mpu_set(const struct mpu *mpu)
{
	dsb();
	mpu_write(mpu->number, PMSAv7_RNR);
	mpu_write(0, PMSAv7_RASR);
	mpu_write(mpu->base, PMSAv7_RBAR);
	mpu_write(mpu->attributes, PMSAv7_RASR);
	mpu_write(mpu->ctrl, MPU_CTRL);
	dsb();
	isb();
}

/*
 * Give the page other attributes, by the region with the highest number, which wins
 * against all others.  Returns the old registers, for mpu_undo(); until then no user
 * space may run.
 */
static struct mpu mpu_page(struct self *s, u32 attributes)
{
	struct mpu old, new;

	old.number = (mpu_read(MPU_TYPE) >> MPUIR_DREGION & 0xff) - 1;
	mpu_write(old.number, PMSAv7_RNR);
	old.ctrl = mpu_read(MPU_CTRL);
	old.base = mpu_read(PMSAv7_RBAR) & ~(LINE_SIZE - 1);
	old.attributes = mpu_read(PMSAv7_RASR);
	expect(s, "attributes_of_last_region", old.attributes & RASR_ENABLE, 0);

	new.number = old.number;
	new.ctrl = old.ctrl | MPU_CTRL_ENABLE | MPU_CTRL_PRIVDEFENA;
	new.base = (u32)s->page;
	new.attributes = attributes | RASR_XN | RASR_FULL_ACCESS |
			 RASR_SIZE_4K | RASR_ENABLE;
	mpu_set(&new);
	return old;
}

static void mpu_undo(struct self *s, const struct mpu *old)
{
	maintain_page(s, V7M_SCB_DCCIMVAC);
	mpu_set(old);
	/* The cache must work as before. */
	start_afresh(s);
	cpu_writes(s, 0, CPU_WORD);
	expect(s, "memory_when_undone", memory(s, 0), OLD);
}

/* What the CPU writes is in memory at once, but what it reads can be stale. */
static void write_through(struct self *s)
{
	struct mpu old = mpu_page(s, RASR_WRITE_THROUGH);

	cpu_reads(s, 0);
	cpu_writes(s, 0, CPU_WORD);
	expect(s, "memory", memory(s, 0), CPU_WORD);
	engine_word(s, 0, ENGINE_WORD);
	expect(s, "read", cpu_reads(s, 0), CPU_WORD);
	/* The line is clean, so nothing is written back. */
	evict(s, 0);
	expect(s, "memory_after_eviction", memory(s, 0), ENGINE_WORD);
	expect(s, "read_after_eviction", cpu_reads(s, 0), ENGINE_WORD);
	fetch(s, LINE_WORDS);
	engine_word(s, LINE_WORDS, ENGINE_WORD);
	expect(s, "read_after_fetch", cpu_reads(s, LINE_WORDS), OLD);
	mpu_undo(s, &old);
}

static void mpu_uncached(struct self *s)
{
	struct mpu old = mpu_page(s, RASR_UNCACHED);

	cpu_reads(s, 0);
	cpu_writes(s, 0, CPU_WORD);
	expect(s, "memory", memory(s, 0), CPU_WORD);
	engine_word(s, 0, ENGINE_WORD);
	expect(s, "read", cpu_reads(s, 0), ENGINE_WORD);
	evict(s, 0);
	expect(s, "memory_after_eviction", memory(s, 0), ENGINE_WORD);
	fetch(s, 0);
	engine_word(s, 0, CPU_WORD);
	expect(s, "read_after_fetch", cpu_reads(s, 0), CPU_WORD);
	mpu_undo(s, &old);
}

/* --- the adversary: the cache does something by itself */

#define ADVERSARY_PERIOD	2
#define ADVERSARY_TRIES		2000

/* The CPU makes accesses outside of the page. */
static void pass_time(struct self *s)
{
	unsigned int i;

	for (i = 0; i < 1000; i++)
		READ_ONCE(*(u32 *)(s->e->box + ENGINE_BOX_SENT));
}

/* Has memory this value in one of the page's lines? */
static bool in_memory(struct self *s, u32 value)
{
	struct engine *e = s->e;
	u32 *seen = e->box + ENGINE_BOX_SEEN;
	unsigned int i;

	expect(s, "engine_copy", engine_copy(e, dma_of(s, 0),
					     e->box_dma + ENGINE_BOX_SEEN,
					     PAGE_SIZE), 0);
	for (i = 0; i < PAGE_WORDS; i += LINE_WORDS)
		if (READ_ONCE(seen[i]) == value)
			return true;
	return false;
}

/* In how many of the page's lines does the CPU see this value? */
static unsigned int cpu_sees(struct self *s, u32 value)
{
	unsigned int i, count = 0;

	for (i = 0; i < PAGE_WORDS; i += LINE_WORDS)
		count += cpu_reads(s, i) == value;
	return count;
}

static void write_page(struct self *s, u32 value)
{
	unsigned int i;

	for (i = 0; i < PAGE_WORDS; i += LINE_WORDS)
		cpu_writes(s, i, value);
}

static void engine_page(struct self *s, u32 value)
{
	expect(s, "engine_fill", engine_fill(s->e, value, dma_of(s, 0),
					     PAGE_SIZE), 0);
}

static bool writes_back(struct self *s)
{
	unsigned int tries = ADVERSARY_TRIES;

	write_page(s, CPU_WORD);
	while (tries--) {
		if (in_memory(s, CPU_WORD))
			return true;
		pass_time(s);
	}
	return false;
}

/*
 * Does the adversary drop lines?  Before it starts, the lines of the page are in the
 * cache and clean, but for a few that lines of this code and its data have replaced.
 */
static bool drops(struct self *s)
{
	unsigned int half = PAGE_WORDS / LINE_WORDS / 2;
	unsigned int tries = ADVERSARY_TRIES;

	start_afresh(s);
	cpu_sees(s, ENGINE_WORD);
	engine_page(s, ENGINE_WORD);
	expect(s, "most_stay", cpu_sees(s, OLD) > half, true);
	engine_adversary(s->e, ADVERSARY_PERIOD, 1);
	while (tries--) {
		if (cpu_sees(s, ENGINE_WORD) > half)
			return true;
		pass_time(s);
	}
	return false;
}

static bool fetches(struct self *s)
{
	unsigned int tries = ADVERSARY_TRIES;

	while (tries--) {
		start_afresh(s);
		pass_time(s);
		engine_page(s, ENGINE_WORD);
		if (cpu_sees(s, OLD))
			return true;
	}
	return false;
}

static void adversary(struct self *s)
{
	expect(s, "drops", drops(s), true);
	expect(s, "writes_back", writes_back(s), true);
	expect(s, "fetches", fetches(s), true);
	engine_adversary(s->e, 0, 1);
}

static const struct {
	const char *name;
	void (*run)(struct self *s);
} self_tests[] = {
	{ "stale_read",			stale_read },
	{ "late_write_back",		late_write_back },
	{ "lost_write",			lost_write },
	{ "hidden_dma_write",		hidden_dma_write },
	{ "speculative_fetch",		speculative_fetch },
	{ "clean",			clean },
	{ "clean_to_unification",	clean_to_unification },
	{ "invalidate",			invalidate },
	{ "clean_invalidate",		clean_invalidate },
	{ "clean_set_way",		clean_set_way },
	{ "invalidate_set_way",		invalidate_set_way },
	{ "clean_invalidate_set_way",	clean_invalidate_set_way },
	{ "write_through",		write_through },
	{ "mpu_uncached",		mpu_uncached },
	{ "adversary",			adversary },
};

static void run(struct self *s, void (*test)(struct self *s))
{
	unsigned long flags;

	local_irq_save(flags);
	/* Empty the cache, so that no line has to make room for another. */
	engine_control(s->e, ENGINE_EVICT_ALL, 1);
	start_afresh(s);
	test(s);
	/* No line may be written back later, when somebody else has the page. */
	maintain_page(s, V7M_SCB_DCCIMVAC);
	local_irq_restore(flags);
}

/* Writes "ok=1", or what was wrong, to @result.  The adversary is off. */
int engine_self(struct engine *e, const char *name, char *result, size_t size)
{
	struct self s = { .e = e };
	unsigned int i;
	int ret;

	for (i = 0; strcmp(name, self_tests[i].name);)
		if (++i == ARRAY_SIZE(self_tests))
			return -ENOENT;
	s.page = (u32 *)__get_free_page(GFP_KERNEL);
	if (!s.page)
		return -ENOMEM;
	e->pace = 0;
	ret = engine_start(e, ENGINE_BOX);
	if (!ret) {
		run(&s, self_tests[i].run);
		engine_stop(e);
		if (s.what)
			scnprintf(result, size,
				  "ok=0 what=%s got=0x%x wanted=0x%x\n",
				  s.what, s.got, s.wanted);
		else
			scnprintf(result, size, "ok=1\n");
	}
	free_page((unsigned long)s.page);
	return ret;
}
