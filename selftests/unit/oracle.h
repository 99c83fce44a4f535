/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A naive page allocator to hold alloc.c against: a byte per page, and brute
 * force over all free runs. It shares no code with alloc.c.
 */
#ifndef DAP_UNIT_ORACLE_H
#define DAP_UNIT_ORACLE_H

#include <errno.h>
#include <string.h>
#include <linux/types.h>

enum { FREE, BODY, HEAD };

struct oracle {
	u32 pages;
	u32 offset;
	u32 max_order;
	u32 free;
	unsigned char *map;	/* FREE, BODY or HEAD */
	u32 *len;		/* of the allocation, at its HEAD */
};

/* The order of a request of n pages. */
static u32 oracle_order(const struct oracle *o, u32 n)
{
	u32 order = 0;

	while ((1ULL << order) < n && order < o->max_order)
		order++;
	return order;
}

/* Pages of [s, e) from the first one on that is aligned to 2^order pages. */
static u32 oracle_room(const struct oracle *o, u32 s, u32 e, u32 order)
{
	u64 mask = (1ULL << order) - 1;

	while (s < e && (((u64)o->offset + s) & mask))
		s++;
	return e - s;
}

/* The highest order of which [s, e) can hold the smallest request. */
static u32 oracle_class(const struct oracle *o, u32 s, u32 e)
{
	u32 order, class = 0;

	for (order = 1; order <= o->max_order; order++) {
		u64 smallest = (1ULL << (order - 1)) + 1;

		if (smallest > e - s)
			break;
		if (oracle_room(o, s, e, order) >= smallest)
			class = order;
	}
	return class;
}

static u32 oracle_run_end(const struct oracle *o, u32 s)
{
	while (s < o->pages && o->map[s] == FREE)
		s++;
	return s;
}

/* The best of all places: the contract of dap_alloc_get(), word by word. */
static int oracle_get(const struct oracle *o, u32 n, u32 limit, u32 *page)
{
	u32 best_class = ~0U, best_room = 0, best_end = 0;
	u32 order, s, e;

	if (!n)
		return -EINVAL;
	if (n > o->pages)
		return -E2BIG;

	order = oracle_order(o, n);
	for (s = 0; s < o->pages && s < limit; s = e) {
		u32 class, room;

		if (o->map[s] != FREE) {
			e = s + o->len[s];
			continue;
		}
		e = oracle_run_end(o, s);
		if (e > limit) {
			/* Cut: only if there is nothing else. */
			class = ~0U - 1;
			room = 0;
			if (oracle_room(o, s, limit, order) < n)
				continue;
		} else {
			if (e - s < n || oracle_room(o, s, e, order) < n)
				continue;
			class = oracle_class(o, s, e);
			room = oracle_room(o, s, e, class);
		}
		if (class < best_class ||
		    (class == best_class && room < best_room)) {
			best_class = class;
			best_room = room;
			best_end = e < limit ? e : limit;
		}
	}
	if (!best_end)
		return -ENOSPC;

	*page = best_end - n;
	while (((u64)o->offset + *page) % (1ULL << order))
		--*page;
	return 0;
}

/* The largest request that would succeed, by trying. */
static u32 oracle_largest(const struct oracle *o)
{
	u32 n, page;

	for (n = o->free; n; n--)
		if (!oracle_get(o, n, ~0U, &page))
			break;
	return n;
}

static int oracle_check(const struct oracle *o, u32 page, u32 n)
{
	if (page >= o->pages)
		return -ERANGE;
	if (o->map[page] != HEAD)
		return -ENOENT;
	return o->len[page] == n ? 0 : -EINVAL;
}

static void oracle_take(struct oracle *o, u32 page, u32 n)
{
	memset(o->map + page, BODY, n);
	o->map[page] = HEAD;
	o->len[page] = n;
	o->free -= n;
}

static void oracle_give(struct oracle *o, u32 page)
{
	memset(o->map + page, FREE, o->len[page]);
	o->free += o->len[page];
}

#endif /* DAP_UNIT_ORACLE_H */
