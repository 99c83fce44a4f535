// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of module/alloc.c in user space, TAP on stdout.
 *
 * Every answer is compared with oracle.h, and every now and then validate()
 * looks into the allocator's own structures (checked.h); alloc.c is included
 * for that.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../../module/alloc.c"
#include "checked.h"
#include "sequences.h"
#include "tap.h"

/* A long step says every two seconds that it is still there. */
static void progress(const char *what, unsigned long long done,
		     unsigned long long all)
{
	static time_t last;
	time_t now = time(NULL);

	if (!last)
		last = now;
	if (now - last < 2)
		return;
	last = now;
	printf("# %s: %llu of %llu\n", what, done, all);
	fflush(stdout);
}

static void restore(struct pool *p)
{
	memcpy(&p->a, &p->saved_a, sizeof(p->a));
	memcpy(p->meta, p->saved, p->meta_size);
}

/* --- tests --- */

static const u32 extreme[] = { 1, 2, 3, 4, 5, 31, 32, 33, 63, 64, 65, 100,
	1000, 1023, 1024, 1025, 4097, 262144 };
static const u32 some_offset[] = { 0, 1, 0x2000, 0x7fffffff, 0x7ffffff9,
	0x12345677 };
static const u32 some_order[] = { DAP_ALIGN_NATURAL, 0, 1, 2, 3, 6 };

static void test_sizes(void)
{
	unsigned int i, j, k;

	for (i = 0; i < ARRAY_SIZE(extreme); i++) {
		u32 pages = extreme[i], page, n;
		struct pool *p = pool_new(pages);

		EXPECT(p->meta_size % sizeof(long) == 0);
		EXPECT(p->meta_size >= pages * (size_t)DAP_RECORD_SIZE);
		for (j = 0; j < ARRAY_SIZE(some_offset); j++) {
			bool all = pages <= 100 || !j;

			for (k = 0; all && k < ARRAY_SIZE(some_order); k++) {
				pool_reset(p, some_offset[j], some_order[k]);
				validate(p);
				step_get(p, 0, pages);
				step_get(p, pages + 1, pages);
				step_get(p, ~0U, pages);
				step_get(p, 0x80000000, ~0U);
				for (n = 1; n && n <= pages; n *= 2) {
					step_get(p, n, ~0U);
					step_get(p, n, 0);
					step_get(p, n, pages - 1);
				}
				validate(p);
				while (p->count)
					step_put(p, p->live[0]);
				validate(p);
				step_get(p, pages, pages);
				validate(p);
				step_get(p, 1, pages);
				progress("sizes", i, ARRAY_SIZE(extreme));
			}
		}
		/* Full of single pages, then every other page free, then all. */
		pool_reset(p, 5, DAP_ALIGN_NATURAL);
		for (page = 0; page < pages && pages <= 1025; page++)
			EXPECT(!step_get(p, 1, pages));
		if (pages <= 1025) {
			EXPECT(step_get(p, 1, pages) == -ENOSPC);
			EXPECT(dap_alloc_largest(&p->a) == 0);
			validate(p);
			for (page = 0; page < pages; page += 2)
				step_put(p, page);
			validate(p);
			for (page = 1; page < pages; page += 2)
				step_put(p, page);
			validate(p);
			EXPECT(p->a.cur_len == pages);
		}
		pool_free(p);
	}
}

/* The alignment of a request can be more than there are pages. */
static void test_small_and_aligned(void)
{
	struct pool *p = pool_new(3);

	pool_reset(p, 0, DAP_ALIGN_NATURAL);
	EXPECT(dap_alloc_largest(&p->a) == 3);
	EXPECT(step_get(p, 3, 3) == 0 && p->live[0] == 0);
	EXPECT(dap_alloc_largest(&p->a) == 0);
	step_put(p, 0);
	pool_reset(p, 1, DAP_ALIGN_NATURAL);
	EXPECT(dap_alloc_largest(&p->a) == 2);
	EXPECT(step_get(p, 3, 3) == -ENOSPC);
	EXPECT(step_get(p, 2, 3) == 0 && p->live[0] == 1);
	pool_reset(p, 0x7fffffff, DAP_ALIGN_NATURAL);
	EXPECT(step_get(p, 3, 3) == -ENOSPC);
	pool_reset(p, 1, 1);
	EXPECT(step_get(p, 3, 3) == -ENOSPC);
	pool_reset(p, 1, 0);
	EXPECT(step_get(p, 3, 3) == 0 && p->live[0] == 0);
	pool_free(p);
}

/* A pool that is empty, or has one hole, is served without any tree. */
static void test_current_run(void)
{
	struct pool *p = pool_new(256);
	int page;
	u32 n;

	pool_reset(p, 0, DAP_ALIGN_NATURAL);
	for (n = 1; n <= 256; n *= 2) {
		page = dap_alloc_get(&p->a, n, ~0U);
		EXPECT(page >= 0);
		EXPECT(!p->a.filled);
		EXPECT(!dap_alloc_put(&p->a, page, n));
		EXPECT(!p->a.filled);
	}
	for (n = 0; n < 256; n++)
		EXPECT(!step_get(p, 1, ~0U));
	step_put(p, 100);
	EXPECT(!p->a.filled && p->a.cur_len == 1);
	EXPECT(!step_get(p, 1, ~0U));
	EXPECT(!p->a.filled && !p->a.cur_len);
	step_put(p, 50);
	validate(p);
	pool_free(p);
}

/* A pool of single pages, of which some runs are free. */
static void only_free(struct pool *p, const u32 (*run)[2], u32 runs)
{
	u32 i, page;

	pool_reset(p, 0, DAP_ALIGN_NATURAL);
	while (!step_get(p, 1, ~0U))
		;
	for (i = 0; i < runs; i++)
		for (page = run[i][0]; page < run[i][0] + run[i][1]; page++)
			step_put(p, page);
	validate(p);
}

/* What a limit does to the choice; the oracle has its say in step_get(), too. */
static void test_cut_runs(void)
{
	static const struct {
		u32 run[3][2];		/* first page, length */
		u32 n, limit;
		u32 page;		/* what it gets, 0: nothing */
	} table[] = {
		/* The cut one is all there is, and what is left is enough. */
		{ { {8, 4} }, 2, 10, 8 },
		{ { {8, 4} }, 2, 11, 8 },
		{ { {8, 4} }, 3, 11, 8 },
		{ { {8, 4} }, 1, 9, 8 },
		/* It is not, or not where it is aligned. */
		{ { {8, 4} }, 3, 10, 0 },
		{ { {9, 4} }, 2, 11, 0 },
		{ { {9, 4} }, 1, 9, 0 },
		/* It has the least room, but the other one is whole. */
		{ { {8, 8}, {20, 2} }, 1, 21, 15 },
		{ { {8, 8}, {20, 2} }, 2, 21, 14 },
		/* Next to each other in one tree: before, and after it. */
		{ { {8, 3}, {20, 4} }, 3, 23, 8 },
		{ { {8, 4}, {20, 3} }, 3, 22, 8 },
		{ { {8, 4}, {20, 4} }, 3, 23, 8 },
		/* The best one is above, and so is the next best. */
		{ { {8, 8}, {20, 4}, {32, 3} }, 3, 20, 12 },
		{ { {8, 8}, {20, 4}, {32, 3} }, 3, 24, 20 },
		{ { {8, 8}, {20, 4}, {32, 3} }, 3, 35, 32 },
		/* Two above it have less room, the whole one has another class. */
		{ { {4, 17}, {32, 4}, {40, 4} }, 4, 33, 16 },
		{ { {4, 17}, {32, 4}, {40, 4} }, 4, 20, 16 },
		{ { {4, 17}, {32, 4}, {40, 4} }, 4, 19, 12 },
	};
	struct pool *p = pool_new(64);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		u32 page = 0;

		only_free(p, table[i].run, ARRAY_SIZE(table[i].run));
		if (!step_get(p, table[i].n, table[i].limit))
			page = p->live[p->count - 1];
		if (page != table[i].page)
			fail("no. %u: %u, not %u", i, page, table[i].page);
		validate(p);
	}
	pool_free(p);
}

/* In one state every limit, up and down, for requests of several sizes. */
static void all_limits(struct pool *p)
{
	static const u32 size[] = { 1, 2, 3, 4, 5, 8, 13, 24 };
	u32 i, k, limit;

	for (i = 0; i < 2 * (p->o.pages + 2); i++) {
		limit = i % 2 ? i / 2 : p->o.pages + 1 - i / 2;
		for (k = 0; k < ARRAY_SIZE(size); k++)
			if (!step_get(p, size[k], limit))
				step_put(p, p->live[p->count - 1]);
	}
	validate(p);
}

static void test_limits(void)
{
	u32 round, i;

	for (round = 0; round < 200; round++) {
		struct pool *p = pool_new(1 + rnd(200));

		pool_reset(p, rnd(2) * random_state & 0x3fffffff,
			   some_order[round % ARRAY_SIZE(some_order)]);
		while (!step_get(p, 1 + rnd(1 + round % 7), ~0U))
			;
		for (i = p->count * rnd(100) / 100; i; i--)
			step_put(p, p->live[rnd(p->count)]);
		validate(p);
		all_limits(p);
		pool_free(p);
		progress("limits", round, 200);
	}
}

static void test_bad_puts(void)
{
	static const u32 sizes[] = { 1, 2, 5, 33, 64, 100 };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct pool *p = pool_new(sizes[i]);

		pool_reset(p, 3, DAP_ALIGN_NATURAL);
		all_bad_puts(p);
		for (j = 0; j < 60; j++) {
			if (rnd(3))
				step_get(p, 1 + rnd(6), ~0U);
			else if (p->count)
				step_put(p, p->live[rnd(p->count)]);
			if (j % 10 == 9)
				all_bad_puts(p);
		}
		/* Twice, and after the place has been given to another. */
		if (p->count) {
			u32 page = p->live[0], n = p->o.len[page];

			step_put(p, page);
			snapshot(p);
			EXPECT(dap_alloc_put(&p->a, page, n) == -ENOENT);
			EXPECT(unchanged(p));
		}
		validate(p);
		pool_free(p);
	}
}

/* Every sequence of calls up to a depth. */
static void exhaust(struct pool *p, u32 depth)
{
	u32 n, i, live[8], len[8], count = p->count;
	struct pool saved = *p;
	unsigned char map[8], meta[512];
	u32 mark[8], where[8];
	bool limits = p->o.pages <= 4 || depth >= 3;

	if (steps % 32 == 0 || depth > 2)
		validate(p);
	if (steps % 512 == 0)
		all_bad_puts(p);
	if (!depth)
		return;

	memcpy(live, p->live, sizeof(u32) * p->o.pages);
	memcpy(where, p->where, sizeof(u32) * p->o.pages);
	memcpy(mark, p->mark, sizeof(u32) * p->o.pages);
	memcpy(len, p->o.len, sizeof(u32) * p->o.pages);
	memcpy(map, p->o.map, p->o.pages);
	memcpy(meta, p->meta, p->meta_size);

#define UNDO() do {							\
		*p = saved;						\
		memcpy(p->live, live, sizeof(u32) * p->o.pages);	\
		memcpy(p->where, where, sizeof(u32) * p->o.pages);	\
		memcpy(p->mark, mark, sizeof(u32) * p->o.pages);	\
		memcpy(p->o.len, len, sizeof(u32) * p->o.pages);	\
		memcpy(p->o.map, map, p->o.pages);			\
		memcpy(p->meta, meta, p->meta_size);			\
	} while (0)

	for (n = 1; n <= p->o.pages; n++) {
		/* A failure changes nothing, so what follows is known. */
		if (!step_get(p, n, ~0U)) {
			exhaust(p, depth - 1);
			UNDO();
		}
		for (i = n; limits && i < p->o.pages; i += depth) {
			if (!step_get(p, n, i)) {
				exhaust(p, depth - 1);
				UNDO();
			}
		}
	}
	for (i = 0; i < count; i++) {
		step_put(p, live[i]);
		exhaust(p, depth - 1);
		UNDO();
	}
#undef UNDO
}

static void test_exhaustive(void)
{
	/* pages - 1; natural alignment, other alignments */
	static const u32 deep[8][2] = { {9, 8}, {9, 8}, {8, 7}, {7, 6},
		{6, 6}, {6, 5}, {6, 5}, {6, 4} };
	u32 pages, offset, order;

	for (pages = 1; pages <= 8; pages++) {
		struct pool *p = pool_new(pages);

		for (order = 0; order <= 4; order++) {
			u32 max = order == 4 ? DAP_ALIGN_NATURAL : order;

			for (offset = 0; offset < (4U << (pages > 4));
			     offset += 1 + (order != 4)) {
				u32 depth = deep[pages - 1][order != 4 ||
							    offset > 1];

				pool_reset(p, offset, max);
				exhaust(p, depth);
				progress("exhaustive: pages", pages, 8);
			}
		}
		pool_free(p);
	}
}

/* Sizes as drivers ask for them, or as they would hurt. */
static u32 random_size(u32 mix, u32 pages)
{
	u32 bits;

	switch (mix % 5) {
	case 0:	/* mostly small */
		return rnd(4) ? 1 + rnd(4) : 1 + rnd(24);
	case 1:	/* all sizes alike, up to a quarter of the pool */
		return 1 + rnd(pages / 4 + 1);
	case 2:	/* powers of two, and next to them */
		for (bits = 0; (2U << bits) < pages && rnd(3); bits++)
			;
		return max((1U << bits) + rnd(3), 2U) - 1;
	case 3:	/* single pages and a few big ones */
		return rnd(30) ? 1 : 1 + rnd(pages);
	default: /* any size of magnitude */
		for (bits = 0; (2U << bits) < pages; bits++)
			;
		return 1 + rnd(1U << rnd(bits + 1));
	}
}

static u32 random_limit(u32 pages, u32 limits)
{
	if (!limits || rnd(limits))
		return rnd(2) ? pages : ~0U;
	return rnd(pages + 2);
}

/*
 * Fill levels come in waves: mostly get until the wave's fill level is
 * reached, then mostly put.
 */
static void random_run(struct pool *p, u32 count, u32 mix, u32 limits,
		       u32 every)
{
	u32 level = 0, i;

	for (i = 0; i < count; i++) {
		bool want_get;

		if (i % 512 == 0)
			level = rnd(p->o.pages + p->o.pages / 8 + 1);
		want_get = p->o.pages - p->o.free < level ? rnd(4) : !rnd(4);

		if (!p->count || want_get)
			step_get(p, random_size(mix, p->o.pages),
				 random_limit(p->o.pages, limits));
		else
			step_put(p, p->live[rnd(p->count)]);

		if (i % 16 == 0)
			step_bad_put(p, rnd(p->o.pages + 2), rnd(6));
		if (i % every == 0) {
			u32 page = rnd(p->o.pages + 2);
			u32 n = rnd(4) ? rnd(6) : random_state;

			validate(p);
			snapshot(p);
			step_bad_put(p, page, n);
			EXPECT(unchanged(p));
		}
	}
	validate(p);
	while (p->count)
		step_put(p, p->live[rnd(p->count)]);
	validate(p);
	EXPECT(p->o.free == p->o.pages);
}

static void random_pools(const char *name, u32 rounds, u32 from, u32 to,
			 u32 count, u32 every)
{
	u32 round;

	for (round = 0; round < rounds; round++) {
		struct pool *p = pool_new(from + rnd(to - from + 1));
		u32 order = some_order[rnd(2) * rnd(ARRAY_SIZE(some_order))];

		pool_reset(p, rnd(2) ? random_state & 0x7fffffff : rnd(3),
			   order);
		random_run(p, count, round, round % 3 ? 0 : 1 + rnd(8), every);
		pool_free(p);
		progress(name, round, rounds);
	}
}

static void test_random_tiny(void)
{
	random_pools("random, tiny pools", 1000, 1, 24, 6000, 16);
}

static void test_random_words(void)
{
	random_pools("random, one to four words", 600, 25, 130, 2000, 32);
}

static void test_random_medium(void)
{
	random_pools("random, medium pools", 100, 131, 1500, 2500, 100);
}

static void test_random_large(void)
{
	random_pools("random, large pools", 5, 20000, 70000, 2000, 500);
	random_pools("random, huge pool", 1, 262144, 262144, 300, 100);
}

/* Same history, same answers, also from other garbage and after a restore. */
static void test_same_history(void)
{
	struct pool *p = pool_new(200);
	u32 first[400], i, n, page, round;

	for (round = 0; round < 2; round++) {
		pool_reset(p, 7, DAP_ALIGN_NATURAL);
		random_state = 99;
		for (i = 0; i < 400; i++) {
			if (i == 200)
				snapshot(p);
			n = 1 + rnd(9);
			page = ~0U;
			if (rnd(3) || !dap_alloc_next(&p->a, rnd(200), ~0U, &page,
						      &n))
				page = dap_alloc_get(&p->a, n, ~0U);
			else
				EXPECT(!dap_alloc_put(&p->a, page, n));
			if (!round)
				first[i] = page;
			EXPECT(first[i] == page);
		}
		restore(p);
		EXPECT(unchanged(p));
	}
	pool_free(p);
}

static void test_policy(void)
{
	struct pool *p = pool_new(SEQ_PAGES);

	EXPECT(seq_first_failure(&p->a, p->meta, DAP_ALIGN_NATURAL) >= 3160);
	EXPECT(seq_churn(&p->a, p->meta, DAP_ALIGN_NATURAL) <= 800);
	EXPECT(seq_first_failure(&p->a, p->meta, 0) >= 4060);
	EXPECT(seq_churn(&p->a, p->meta, 0) <= 90);
	pool_free(p);
}

static const struct tap_test tests[] = {
	{ "extreme pool sizes", test_sizes },
	{ "alignment beyond the pool's size", test_small_and_aligned },
	{ "empty and full pools touch no tree", test_current_run },
	{ "runs that are cut by a limit", test_cut_runs },
	{ "all limits in many states", test_limits },
	{ "bad frees change nothing", test_bad_puts },
	{ "same history, same answers", test_same_history },
	{ "placement reaches the targets", test_policy },
	{ "random, huge and large pools", test_random_large },
	{ "random, medium pools", test_random_medium },
	{ "random, pools of one to four words", test_random_words },
	{ "random, tiny pools", test_random_tiny },
	{ "all sequences on 1 to 8 pages", test_exhaustive },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
