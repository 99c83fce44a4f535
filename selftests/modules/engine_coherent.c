// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of coherent memory: what the CPU writes, the engine reads, and the other way
 * round, without any call that maintains caches.  With normal memory instead, each test
 * has to fail, which proves that it can.
 *
 * The engine copies between the memory under test and the box, which is never cached.
 * Contexts and locking: see engine.h.
 */
#include <linux/dma-mapping.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "engine.h"

/* A part of the buffer, which begins and ends anywhere in a line. */
struct part {
	u8 *cpu;
	dma_addr_t dma;
	u32 length;
	u32 seed;
};

static struct part some_part(struct engine *e)
{
	struct part p;
	u32 at;

	p.length = 1 + engine_random(e, e->buffer.size);
	at = engine_random(e, e->buffer.size - p.length + 1);
	p.cpu = e->buffer.cpu + at;
	p.dma = e->buffer.dma + at;
	p.seed = engine_random(e, 0);
	return p;
}

static int round_reads(struct engine *e)
{
	struct part p = some_part(e);

	engine_put_data(p.cpu, p.length, p.seed);
	return engine_reads(e, p.dma, p.length, p.seed);
}

/* The CPU reads the memory before the engine writes it: it could be in the cache. */
static int round_reads_again(struct engine *e)
{
	struct part p = some_part(e);
	int wrong;

	engine_wrong_data(p.cpu, p.length, p.seed);
	wrong = engine_writes(e, p.dma, p.length, p.seed);
	return wrong + engine_wrong_data(p.cpu, p.length, p.seed);
}

/* The CPU writes, then the engine.  The CPU's data must not arrive in memory later. */
static int round_late(struct engine *e)
{
	struct part p = some_part(e);
	int wrong;

	engine_put_data(p.cpu, p.length, ~p.seed);
	wrong = engine_writes(e, p.dma, p.length, p.seed);
	engine_control(e, ENGINE_EVICT_ALL, 1);
	wrong += engine_reads(e, p.dma, p.length, p.seed);
	return wrong + engine_wrong_data(p.cpu, p.length, p.seed);
}

/* The CPU polls a word in the buffer, which the engine increments when it is done. */
static int round_status(struct engine *e)
{
	u32 at = engine_random(e, e->buffer.size / sizeof(__le32));
	__le32 *word = (__le32 *)e->buffer.cpu + at;
	unsigned int index, polls;
	bool seen = false;
	int wrong;

	WRITE_ONCE(*word, 0);
	engine_set_done(e, e->buffer.dma + at * sizeof(__le32));
	index = engine_submit(e, e->box_dma + ENGINE_BOX_SENT,
			      e->box_dma + ENGINE_BOX_SEEN,
			      1 + engine_random(e, SZ_4K));
	polls = engine_polls(e);
	engine_bell(e);
	while (polls-- && !seen) {
		seen = le32_to_cpu(READ_ONCE(*word)) == 1;
		cpu_relax();
	}
	wrong = engine_wait(e, index) + !seen;
	engine_set_done(e, 0);
	return wrong;
}

/*
 * Submit a descriptor that fills a part of the buffer, or copies from one half to the
 * other.  @model gets the same data at once.
 */
static unsigned int some_descriptor(struct engine *e, u8 *model)
{
	u32 half = e->buffer.size / 2;
	u32 length = 1 + engine_random(e, half / 4);
	u32 from = engine_random(e, half - length + 1);
	u32 to = engine_random(e, half - length + 1);
	u32 word;

	if (engine_random(e, 2))
		from += half;
	else
		to += half;
	if (engine_random(e, 4)) {
		memcpy(model + to, model + from, length);
		return engine_submit(e, e->buffer.dma + from,
				     e->buffer.dma + to, length);
	}
	word = engine_random(e, 256) * 0x01010101;
	memset(model + to, word, length);
	return engine_submit_fill(e, word, e->buffer.dma + to, length);
}

/*
 * Many descriptors at once, with a bell now and then.  They copy what earlier ones have
 * written.
 */
static int round_ring(struct engine *e)
{
	struct engine_memory *b = &e->buffer;
	unsigned int count = 1 + engine_random(e, ENGINE_DESCRIPTORS - 1);
	unsigned int index[ENGINE_DESCRIPTORS], i;
	u32 seed = engine_random(e, 0);
	int wrong = 0;
	u8 *model;

	model = kmalloc(b->size, GFP_KERNEL);
	if (!model)
		return -ENOMEM;
	engine_put_data(model, b->size, seed);
	engine_put_data(b->cpu, b->size, seed);
	for (i = 0; i < count; i++) {
		index[i] = some_descriptor(e, model);
		if (!engine_random(e, 8))
			engine_bell(e);
	}
	engine_bell(e);
	for (i = 0; i < count && !wrong; i++)
		wrong = engine_wait(e, index[i]);

	wrong += !!memcmp(b->cpu, model, b->size);
	wrong += engine_copy(e, b->dma, e->box_dma + ENGINE_BOX_SEEN, b->size);
	wrong += !!memcmp(e->box + ENGINE_BOX_SEEN, model, b->size);
	kfree(model);
	return wrong;
}

static int round_soak(struct engine *e)
{
	static int (* const rounds[])(struct engine *e) = {
		round_reads, round_reads_again, round_late, round_status,
		round_ring,
	};

	return rounds[engine_random(e, ARRAY_SIZE(rounds))](e);
}

/* --- with all free memory of the pool */

#define ALL_CHUNKS	64

struct all {
	struct engine_memory chunk[ALL_CHUNKS];
	unsigned int count;
};

static void put_all(struct engine *e, struct all *all)
{
	while (all->count--)
		engine_put(e, &all->chunk[all->count]);
	kfree(all);
}

/* Take the largest pieces first, and go on until not a page is left. */
static struct all *get_all(struct engine *e)
{
	struct engine_memory *m;
	size_t size = SZ_16M;
	struct all *all;

	all = kzalloc(sizeof(*all), GFP_KERNEL);
	if (!all)
		return NULL;
	while (size >= PAGE_SIZE && all->count < ALL_CHUNKS) {
		m = &all->chunk[all->count];
		m->cpu = dma_alloc_attrs(e->dev, size, &m->dma,
					 GFP_KERNEL | __GFP_NOWARN,
					 DMA_ATTR_NO_WARN);
		if (m->cpu) {
			m->size = size;
			m->where = ENGINE_POOL;
			all->count++;
		} else {
			size /= 2;
		}
	}
	if (all->count && all->count < ALL_CHUNKS)
		return all;
	put_all(e, all);
	return NULL;
}

static int not_zero_for_engine(struct engine *e, dma_addr_t src, u32 length)
{
	int wrong = engine_copy(e, src, e->box_dma + ENGINE_BOX_SEEN, length);

	return wrong + !!memchr_inv(e->box + ENGINE_BOX_SEEN, 0, length);
}

/*
 * All of the pool is zero.  The engine then writes to all of it, and after that the cache
 * writes back all that is dirty: if somebody has left lines of the pool in the cache,
 * they now overwrite the engine's data.
 */
static int round_whole(struct engine *e)
{
	struct all *all = get_all(e);
	u32 seed = engine_random(e, 0);
	struct engine_memory *m, *end;
	int wrong = 0;
	size_t at;

	if (!all)
		return -ENOMEM;
	end = &all->chunk[all->count];
	for (m = all->chunk; m < end; m++) {
		for (at = 0; at < m->size; at += PAGE_SIZE) {
			wrong += !!memchr_inv(m->cpu + at, 0, PAGE_SIZE);
			wrong += not_zero_for_engine(e, m->dma + at, PAGE_SIZE);
			wrong += engine_writes(e, m->dma + at, PAGE_SIZE,
					       seed + m->dma + at);
		}
	}
	engine_control(e, ENGINE_EVICT_ALL, 1);
	for (m = all->chunk; m < end; m++)
		for (at = 0; at < m->size; at += PAGE_SIZE)
			wrong += engine_wrong_data(m->cpu + at, PAGE_SIZE,
						   seed + m->dma + at);
	put_all(e, all);
	return wrong;
}

/*
 * The pool is full, so memory without a kernel mapping comes from elsewhere.  Only the
 * engine accesses it, or, if the CPU @reads it, finds by that whether something of it was
 * in the cache.
 */
static int without_mapping(struct engine *e, bool reads)
{
	u32 length = 1 + engine_random(e, 9000), seed = engine_random(e, 0);
	struct all *all = get_all(e);
	int wrong = -ENOMEM;
	dma_addr_t dma;
	void *cookie;

	if (!all)
		return -ENOMEM;
	cookie = dma_alloc_attrs(e->dev, length, &dma, GFP_KERNEL,
				 DMA_ATTR_NO_KERNEL_MAPPING);
	if (cookie) {
		wrong = not_zero_for_engine(e, dma, length);
		wrong += engine_writes(e, dma, length, seed);
		if (engine_random(e, 2))
			engine_control(e, ENGINE_EVICT_ALL, 1);
		wrong += engine_reads(e, dma, length, seed);
		if (reads)
			wrong += engine_wrong_data(cookie, length, seed);
		dma_free_attrs(e->dev, length, cookie, dma,
			       DMA_ATTR_NO_KERNEL_MAPPING);
	}
	put_all(e, all);
	return wrong;
}

static int round_nokmap(struct engine *e)
{
	return without_mapping(e, false);
}

/*
 * User space maps such memory uncached, and some hardware looks into the cache even then.
 * Not with the adversary, which puts there what it likes.
 */
static int round_nokmap_read(struct engine *e)
{
	return without_mapping(e, true);
}

/* Leave dirty lines in the cache, as firmware may. */
static int round_dirty(struct engine *e)
{
	engine_put_data((void *)e->range, e->range_size, engine_random(e, 0));
	return 0;
}

const struct engine_test engine_coherent_tests[] = {
	{ "reads",	 round_reads,	    ENGINE_NEEDS_BUFFER },
	{ "reads_again", round_reads_again, ENGINE_NEEDS_BUFFER },
	{ "late",	 round_late,	    ENGINE_NEEDS_BUFFER },
	{ "status",	 round_status,	    ENGINE_NEEDS_BUFFER },
	{ "ring",	 round_ring,	    ENGINE_NEEDS_BUFFER | ENGINE_TESTS_RING },
	{ "soak",	 round_soak,	    ENGINE_NEEDS_BUFFER | ENGINE_TESTS_RING },
	{ "nokmap",	 round_nokmap,	    ENGINE_NEEDS_POOL },
	{ "nokmap_read", round_nokmap_read, ENGINE_NEEDS_POOL },
	{ "whole",	 round_whole,	    ENGINE_NEEDS_POOL | ENGINE_TAKES_ALL },
	{ "dirty",	 round_dirty,	    ENGINE_NEEDS_RANGE },
	{ }
};
