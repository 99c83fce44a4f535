// SPDX-License-Identifier: GPL-2.0
/*
 * Does the machine do what one with a data cache does?  Bare accesses to a page of
 * cacheable memory, the engine at its other end, and no DMA API between: each effect
 * that the tests of coherent memory rely on is caused on purpose, and seen; and so
 * is what the Cortex-M7's registers do about it.
 *
 * That is for the emulated machine: with a true cache a line may go at any time,
 * and these tests would fail now and then.  Its cache has 4 ways of 128 sets, or
 * takes all lines of a set for its ways.
 *
 * Each test runs with interrupts off, on a page that nobody else has, and starts
 * with zeroes in memory and no line of it anywhere.  What is written to the MPU is
 * put back.  Contexts and locking: see engine.h.
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

/* As DCISW and its like want it: the last set; the way is in the two highest bits. */
#define LAST_SET	(127 * LINE_SIZE)

/* MPU_RASR */
#define RASR_XN			BIT(28)
#define RASR_FULL_ACCESS	(3 << 24)
#define RASR_UNCACHED		BIT(19)		/* TEX 1, C 0, B 0 */
#define RASR_WRITE_THROUGH	BIT(17)		/* TEX 0, C 1, B 0 */
#define RASR_SIZE_4K		(11 << 1)
#define RASR_ENABLE		BIT(0)

/* What is written, so that it is known again. */
#define OLD		0
#define CPU_WORD	0xc9c90001
#define ENGINE_WORD	0xdeadd0a0

struct self {
	struct engine *e;
	u32 *page;
	const char *what;	/* the first thing that was not as it should be */
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

/* What memory has. */
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

/* Zeroes in memory, and no line of the page. */
static void start_afresh(struct self *s)
{
	memset(s->page, OLD, PAGE_SIZE);
	maintain_page(s, V7M_SCB_DCCIMVAC);
}

/*
 * All lines of the cache are cleaned; a word is written, and is the only thing that
 * is dirty; then @reg is written for all sets and ways.  Invalidation would lose
 * whatever anybody else writes between: so there are only registers here.  A carry
 * ends the ways of a set, a borrow the sets.
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

/* What the CPU wrote before comes to memory later, over what the engine wrote. */
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

/* What is invalidated was never written. */
static void lost_write(struct self *s)
{
	cpu_writes(s, 0, CPU_WORD);
	expect(s, "read_before", cpu_reads(s, 0), CPU_WORD);
	maintain(s, V7M_SCB_DCIMVAC, 0);
	expect(s, "read", cpu_reads(s, 0), OLD);
	expect(s, "memory", memory(s, 0), OLD);
}

/* The line of another word hides what the engine writes, and undoes it then. */
static void hidden_dma_write(struct self *s)
{
	cpu_writes(s, 0, CPU_WORD);
	engine_word(s, 1, ENGINE_WORD);
	expect(s, "read", cpu_reads(s, 1), OLD);
	expect(s, "memory", memory(s, 1), ENGINE_WORD);
	maintain(s, V7M_SCB_DCCIMVAC, 0);
	expect(s, "memory_after_cleaning", memory(s, 1), OLD);
	expect(s, "own_word", memory(s, 0), CPU_WORD);
	/* Another line is another matter. */
	engine_word(s, LINE_WORDS, ENGINE_WORD);
	expect(s, "read_of_next", cpu_reads(s, LINE_WORDS), ENGINE_WORD);
}

/* The CPU's first read is stale: it was fetched before, by nobody's wish. */
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

/* --- maintenance; each leaves the next line alone */

static void check_cleaned(struct self *s)
{
	expect(s, "memory", memory(s, 0), CPU_WORD);
	/* And the line is there yet, clean. */
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
 * The page has other attributes, by the region that wins against all others.
 * Returns what there was, for mpu_set(); no user space runs until then.
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
	/* As before it. */
	start_afresh(s);
	cpu_writes(s, 0, CPU_WORD);
	expect(s, "memory_when_undone", memory(s, 0), OLD);
}

/* A store is in memory at once; a load can be stale. */
static void write_through(struct self *s)
{
	struct mpu old = mpu_page(s, RASR_WRITE_THROUGH);

	cpu_reads(s, 0);
	cpu_writes(s, 0, CPU_WORD);
	expect(s, "memory", memory(s, 0), CPU_WORD);
	engine_word(s, 0, ENGINE_WORD);
	expect(s, "read", cpu_reads(s, 0), CPU_WORD);
	/* Nothing is dirty: the line goes without a trace. */
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

/* --- the adversary: effects that nobody asks for */

#define ADVERSARY_PERIOD	2
#define ADVERSARY_TRIES		2000

/* The CPU does something that is not about the page. */
static void pass_time(struct self *s)
{
	unsigned int i;

	for (i = 0; i < 1000; i++)
		READ_ONCE(*(u32 *)(s->e->box + ENGINE_BOX_SENT));
}

/* Is one of the page's words in memory that value? */
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

/* In how many of the page's lines. */
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
 * With the lines there, and no dirty one, before the adversary comes.  A few may have
 * had to go for what this code itself uses.
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
	/* Room in each set, so that no line has to go for another. */
	engine_control(s->e, ENGINE_EVICT_ALL, 1);
	start_afresh(s);
	test(s);
	/* Nothing is left that could come to memory when it is somebody else's. */
	maintain_page(s, V7M_SCB_DCCIMVAC);
	local_irq_restore(flags);
}

/* "ok=1", or what was seen instead, to @result; the adversary is off. */
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
