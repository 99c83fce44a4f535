/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The allocator side by side with the oracle: steps that do the same to both
 * and compare, and validate(), which looks into the allocator's own structures.
 *
 * Who includes this includes alloc.c before, and says in fail() what becomes of
 * a mismatch; it must not return.
 */
#ifndef DAP_UNIT_CHECKED_H
#define DAP_UNIT_CHECKED_H

#include <stdio.h>
#include <stdlib.h>

#include "expect.h"
#include "oracle.h"

/* --- a pool: the allocator, the oracle, and what the records should say --- */

struct pool {
	struct dap_alloc a;
	struct oracle o;
	void *meta;
	size_t meta_size;
	u32 *live;		/* first pages, in no order */
	u32 *where;		/* page's index in live[] */
	u32 count;
	u32 *mark;		/* what the record of a page was filled with */
	struct dap_alloc saved_a;
	void *saved;
};

static u32 next_mark;

static void *need(void *p)
{
	if (!p) {
		perror("malloc");
		exit(2);
	}
	return p;
}

static struct pool *pool_new(u32 pages)
{
	struct pool *p = need(calloc(1, sizeof(*p)));

	p->o.pages = pages;
	p->o.map = need(malloc(pages));
	p->o.len = need(malloc(pages * sizeof(u32)));
	p->live = need(malloc(pages * sizeof(u32)));
	p->where = need(malloc(pages * sizeof(u32)));
	p->mark = need(malloc(pages * sizeof(u32)));
	p->meta_size = dap_alloc_meta_size(pages);
	/* To the byte, so that the address sanitizer sees what is beyond. */
	p->meta = need(malloc(p->meta_size));
	p->saved = need(malloc(p->meta_size));
	return p;
}

static void pool_free(struct pool *p)
{
	free(p->o.map);
	free(p->o.len);
	free(p->live);
	free(p->where);
	free(p->mark);
	free(p->meta);
	free(p->saved);
	free(p);
}

static void pool_reset(struct pool *p, u32 offset, u32 max_order)
{
	memset(&p->a, 0x5a, sizeof(p->a));
	memset(p->meta, 0xa5, p->meta_size);
	dap_alloc_init(&p->a, p->o.pages, offset, max_order, p->meta);
	memset(p->o.map, FREE, p->o.pages);
	p->o.offset = offset;
	p->o.max_order = max_order;
	p->o.free = p->o.pages;
	p->count = 0;
}

/* Padding and record bytes count too: nothing at all may change. */
static void snapshot(struct pool *p)
{
	memcpy(&p->saved_a, &p->a, sizeof(p->a));
	memcpy(p->saved, p->meta, p->meta_size);
}

static bool unchanged(const struct pool *p)
{
	return !memcmp(&p->saved_a, &p->a, sizeof(p->a)) &&
	       !memcmp(p->saved, p->meta, p->meta_size);
}

/* --- what must be true between any two calls --- */

/* By class, those of the highest class by size. */
static u32 tree_of(const struct pool *p, u32 class, u32 room)
{
	u32 tree = class;

	while (class == p->o.max_order && room > 1U << tree)
		tree++;
	return tree;
}

/* A run and what is below it, at a depth where all keys begin with prefix. */
static u32 validate_runs(const struct pool *p, const struct dap_slot *slot,
			 u32 tree, u32 depth, u32 prefix)
{
	const struct dap_alloc *a = &p->a;
	u32 start = slot - a->slot, end, class, room, count = 1, i;

	EXPECT(slot >= a->slot && start < a->pages);
	EXPECT(p->o.map[start] == FREE);
	EXPECT(!start || p->o.map[start - 1] != FREE);
	EXPECT(!a->cur_len || a->cur_start != start);
	end = oracle_run_end(&p->o, start);
	class = oracle_class(&p->o, start, end);
	room = oracle_room(&p->o, start, end, class);
	EXPECT(tree_of(p, class, room) == tree);
	EXPECT((slot->value >> (31 - tree)) + 1 == room);
	EXPECT((u64)slot->value >> (32 - depth) == prefix);
	EXPECT(depth <= (u32)fls(a->pages - 1) + 2);

	for (i = 0; i < 2; i++) {
		if (slot->child[i] == alloc_no_slot(a))
			continue;
		EXPECT(slot->child[i] > slot);
		count += validate_runs(p, slot->child[i], tree, depth + 1,
				       prefix << 1 | i);
	}
	return count;
}

static void validate_records(struct pool *p, u32 page)
{
	u32 *record = dap_alloc_record(&p->a, page);
	size_t i;

	EXPECT((uintptr_t)record % sizeof(long) == 0);
	for (i = 0; i < DAP_RECORD_SIZE / sizeof(u32); i++)
		EXPECT(record[i] == p->mark[page] + i);
}

static void validate(struct pool *p)
{
	struct dap_alloc *a = &p->a;
	u32 s, e, k, page, n, next = 0, free_pages = 0, live = 0;
	u32 runs = 0, filed = 0;
	bool current_seen = false;

	EXPECT(a->pages == p->o.pages && a->offset == p->o.offset);
	for (s = 0; s < p->o.pages; s = e) {
		if (p->o.map[s] == FREE) {
			e = oracle_run_end(&p->o, s);
			free_pages += e - s;
			for (k = s; k < e; k++)
				EXPECT(!a->tag[k]);
			if (a->cur_len && a->cur_start == s) {
				EXPECT(a->cur_len == e - s);
				current_seen = true;
				continue;
			}
			runs++;
			EXPECT(alloc_run_len_from(a, s) == e - s);
			EXPECT(alloc_run_len_to(a, e) == e - s);
			continue;
		}

		EXPECT(p->o.map[s] == HEAD);
		live++;
		e = s + p->o.len[s];
		EXPECT(dap_alloc_next(a, next, ~0U, &page, &n));
		EXPECT(page == s && n == e - s);
		EXPECT(dap_alloc_next(a, s, s + 1, &page, &n) && page == s);
		EXPECT(!dap_alloc_next(a, next, s, &page, &n));
		EXPECT(dap_alloc_check(a, s, e - s) == 0);
		next = s + 1;
		for (k = s; k < e; k++)
			EXPECT(a->tag[k] == (k == s) * DAP_FIRST +
					    (k == e - 1) * DAP_LAST);
		validate_records(p, s);
	}
	EXPECT(!dap_alloc_next(a, next, ~0U, &page, &n));
	EXPECT(!dap_alloc_next(a, p->o.pages, ~0U, &page, &n));
	EXPECT(!dap_alloc_next(a, ~0U, ~0U, &page, &n));
	EXPECT(current_seen == !!a->cur_len);
	EXPECT(live == p->count);
	EXPECT(free_pages == p->o.free);
	EXPECT(a->free == free_pages);

	for (k = 0; k <= DAP_ALIGN_NATURAL; k++) {
		bool empty = a->tree[k] == alloc_no_slot(a);

		EXPECT(empty == !(a->filled & (1U << k)));
		if (!empty)
			filed += validate_runs(p, a->tree[k], k, 0, 0);
	}
	EXPECT(filed == runs);

	/* The naive way is slow: on big pools see that it is a limit. */
	n = dap_alloc_largest(a);
	if (p->o.pages <= 200) {
		EXPECT(n == oracle_largest(&p->o));
	} else {
		EXPECT(!n || !oracle_get(&p->o, n, ~0U, &page));
		EXPECT(oracle_get(&p->o, n + 1, ~0U, &page));
	}
}

/* --- single steps, compared with the oracle --- */

static int step_get(struct pool *p, u32 n, u32 limit)
{
	u32 best, sweeps = p->a.sweeps, *record;
	int page, wanted;
	size_t i;

	steps++;
	wanted = oracle_get(&p->o, n, limit, &best);
	if (!wanted)
		wanted = best;
	page = dap_alloc_get(&p->a, n, limit);
	if (page != wanted)
		fail("get %u below %u: %d, not %d (%u+%u, order %u)", n, limit,
		     page, wanted, p->o.offset, p->o.pages, p->o.max_order);
	EXPECT(page == -EINVAL || page == -E2BIG ||
	       p->a.sweeps - sweeps == (limit < p->o.pages));
	if (page < 0)
		return page;

	oracle_take(&p->o, page, n);
	p->where[page] = p->count;
	p->live[p->count++] = page;
	p->mark[page] = next_mark += 16;
	record = dap_alloc_record(&p->a, page);
	for (i = 0; i < DAP_RECORD_SIZE / sizeof(u32); i++)
		record[i] = p->mark[page] + i;
	EXPECT(p->a.free == p->o.free);
	return 0;
}

static void step_put(struct pool *p, u32 page)
{
	u32 i = p->where[page];

	steps++;
	validate_records(p, page);
	EXPECT(dap_alloc_put(&p->a, page, p->o.len[page]) == 0);
	oracle_give(&p->o, page);
	p->live[i] = p->live[--p->count];
	p->where[p->live[i]] = i;
	EXPECT(p->a.free == p->o.free);
}

/* A free that may be good or bad: the bad ones must leave no trace. */
static void step_bad_put(struct pool *p, u32 page, u32 n)
{
	int wanted = oracle_check(&p->o, page, n);
	int ret = dap_alloc_check(&p->a, page, n);

	if (ret != wanted)
		fail("check %u+%u: %d, should be %d", page, n, ret, wanted);
	if (!ret)
		return;
	steps++;
	EXPECT(dap_alloc_put(&p->a, page, n) == ret);
}

/* All frees there are, and some beyond; the good ones are not done. */
static void all_bad_puts(struct pool *p)
{
	u32 page, n;

	snapshot(p);
	for (page = 0; page <= p->o.pages; page++) {
		for (n = 0; n <= p->o.pages - page + 1; n++)
			step_bad_put(p, page, n);
		step_bad_put(p, page, ~0U);
		step_bad_put(p, page, 0 - page);
	}
	step_bad_put(p, ~0U, 1);
	step_bad_put(p, ~0U, 2);
	step_bad_put(p, 0x80000000, 1);
	EXPECT(unchanged(p));
}

#endif /* DAP_UNIT_CHECKED_H */
