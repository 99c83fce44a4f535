// SPDX-License-Identifier: GPL-2.0
/*
 * Page-range allocator of a pool: exact, best fit, naturally aligned.
 *
 * Contract
 * --------
 * Callable in any context, but by one caller at a time: the caller holds the
 * pool's lock around every call, also around those that only read.  Nothing
 * here locks, sleeps, allocates or recurses, and the memory of the pool is
 * never touched: all state is in struct dap_alloc and in the metadata that
 * dap_alloc_init() is given.
 *
 * A request of n pages has the order k, the smaller of ceil(log2(n)) and
 * max_order.  It is placed on a multiple of 2^k pages, takes exactly n pages,
 * and fails only if there is no such place.
 *
 * A run is a maximal range of free pages.  Its class is the highest order of
 * which it can hold some request.  A request is served
 *  - from the lowest class that has a run for it;
 *  - there from the run with the least room, counted from the run's first page
 *    that is aligned to the class;
 *  - of several such runs from the one with the lowest address;
 *  - and in that run at the highest address that is aligned well.
 *
 * So runs that can hold something big are kept for big requests.  A request
 * with a limit first looks in the same way at the runs that are entirely below
 * the limit.  If none of them can hold it, it gets a place in the run that the
 * limit cuts.  The same sequence of calls always gives the same places.
 *
 * With N pages, get (with and without a limit), put and largest take O(log N),
 * check takes O(1).  In an empty and in a full pool, get and put of one page
 * touch no tree at all.
 *
 * Data structure
 * --------------
 * A run has room for cap_k pages from its first multiple of 2^k on.  It can
 * hold a request of order k if cap_k > 2^(k-1); for k = 0 it always can.  As k
 * grows, cap_k does not grow, but 2^(k-1) does.  So a run of class K can hold
 * no request of an order above K, and any request of an order below K, which
 * has no more than 2^(K-1) pages.
 *
 * Runs are kept in trees, one for each class.  The class max_order has no upper
 * end, so its runs are spread over one tree for each value of
 * ceil(log2(cap_K)).  A request of n pages, t = ceil(log2(n)), may fit into the
 * runs of tree t, and fits into all runs of higher trees.  The runs of tree t
 * have a cap_K, and so a length, of more than 2^(t-1) pages.
 *
 * Runs of a tree are ordered by (cap_K, address).  Both are in one word, the
 * key: cap_K - 1 in the upper t + 1 bits, then the number of the run's first
 * page, from its highest bit on.  Two runs of a tree are never closer than
 * 2^(t-1) pages, so the lower t - 1 bits of that number are not needed, and
 * log2(N) + 2 bits tell all keys of a tree apart.
 *
 * A tree is a trie over the bits of the key, and at the same time a heap by
 * address (a priority search tree): the root of each subtree is its run with
 * the lowest address.  Of the other runs, child[0] has those with a 0 as the
 * next bit of their key and child[1] those with a 1.  So no tree is deeper than
 * log2(N) + 2, and none needs to be balanced.
 *
 * A search for a place below a limit skips each subtree whose root is above the
 * limit.  A search for a place anywhere is the same, with the end of the pool
 * as its limit.  A search stops descending once all bits of cap_K are used up:
 * from there on, the root is the first run of its subtree.  At most one run is
 * cut by the limit, so at most one search has to go on from a run that it has
 * found.
 *
 * A run's node in its tree is in the slot of its first page.  The slots of its
 * second and of its last page hold its length.  For a run of two pages these
 * are the same slot; a run of one page is recognized by its neighbours.  A live
 * allocation has the caller's record in the slot of its first page, and its
 * length in the slot of its second one.  One byte for each page tags the first
 * and the last page of each live allocation; what lies between two allocations
 * is free.
 *
 * One run is not in the trees: the current run, which get or put touched last.
 * Memory that is freed soon after it was allocated, or allocated piece by piece
 * from one big run, only goes through that one.
 */
#include <linux/bitops.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "alloc.h"

/*
 * Most kernels that need this are built for size, where the compiler inlines
 * little.  So what get and put do every time is small and marked
 * __always_inline, and the rest is noinline to keep it out of their way.
 */

/* Returned in place of a first page if there is no run. */
#define DAP_NO_RUN	(~0U)

/*
 * Tags of the first and the last page of an allocation; a single page has both.
 */
#define DAP_FIRST	1
#define DAP_LAST	2

/**
 * struct dap_slot - metadata of one page
 * @child:  first page of a run in a tree: what is below it there
 * @value:  first page of a run in a tree: its key; second and last page of a
 *          run in a tree: its length; second page of a live allocation: its
 *          length
 * @record: first page of a live allocation: the caller's record
 */
struct dap_slot {
	union {
		struct {
			struct dap_slot *child[2];
			u32 value;
		};
		unsigned long record[DAP_RECORD_SIZE / sizeof(unsigned long)];
	};
};

static_assert(sizeof(struct dap_slot) == DAP_RECORD_SIZE);

/**
 * alloc_no_slot() - what stands for an empty subtree
 * @a: the allocator
 *
 * Return: a pointer behind the last slot.  It compares as higher than any slot,
 * and must not be followed.
 */
static __always_inline struct dap_slot *alloc_no_slot(const struct dap_alloc *a)
{
	return a->slot + a->pages;
}

/**
 * dap_alloc_meta_size() - size of a pool's metadata
 * @pages: size of the pool, at most 2^30
 *
 * Return: bytes that dap_alloc_init() needs, a multiple of a long
 */
size_t dap_alloc_meta_size(u32 pages)
{
	return pages * sizeof(struct dap_slot) + round_up(pages, sizeof(long));
}

/**
 * dap_alloc_init() - start with an empty pool
 * @a:         the allocator
 * @pages:     size of the pool, 1 to 2^30
 * @offset:    address of page 0 divided by the page size, modulo 2^31; requests
 *             are aligned with respect to addresses, not to the start of the
 *             pool
 * @max_order: align to at most 2^max_order pages; DAP_ALIGN_NATURAL for no such
 *             limit, 0 for single pages only
 * @meta:      dap_alloc_meta_size() bytes, long-aligned; the allocator's from
 *             now on
 */
void dap_alloc_init(struct dap_alloc *a, u32 pages, u32 offset,
		    unsigned int max_order, void *meta)
{
	unsigned int i;

	memset(a, 0, sizeof(*a));
	memset(meta, 0, dap_alloc_meta_size(pages));

	a->pages = pages;
	a->offset = offset;
	a->max_order = min_t(u32, max_order, DAP_ALIGN_NATURAL);
	a->free = pages;
	a->cur_len = pages;
	a->slot = meta;
	a->tag = (u8 *)(a->slot + pages);
	a->key_shift = 31 - fls(pages - 1);
	for (i = 0; i < ARRAY_SIZE(a->tree); i++)
		a->tree[i] = alloc_no_slot(a);
}

/**
 * alloc_run_cap() - room in a range of free pages
 * @a:     the allocator
 * @start: first page
 * @len:   number of pages
 * @order: of the alignment
 *
 * Return: number of pages from the first aligned one to the end, 0 if none is
 * aligned
 */
static __always_inline u32 alloc_run_cap(const struct dap_alloc *a, u32 start,
					 u32 len, u32 order)
{
	u32 skip = -(a->offset + start) & ((1U << order) - 1);

	return len > skip ? len - skip : 0;
}

/**
 * alloc_run_holds() - can a run hold some request of an order?
 * @a:     the allocator
 * @start: first page of the run
 * @len:   its length, not 0
 * @order: of the request
 *
 * Return: true if the class of the run is @order or higher
 */
static __always_inline bool alloc_run_holds(const struct dap_alloc *a,
					    u32 start, u32 len, u32 order)
{
	return order <= a->max_order &&
	       alloc_run_cap(a, start, len, order) > (1U << order) / 2;
}

/**
 * alloc_run_class() - the highest order of which a run can hold some request
 * @a:     the allocator
 * @start: first page of the run
 * @len:   its length, not 0
 *
 * No run can hold a request of an order above ceil(log2(len)), and each can
 * hold one of the order two below that.  So the loop makes two steps at most.
 *
 * Return: the class
 */
static __always_inline u32 alloc_run_class(const struct dap_alloc *a, u32 start,
					   u32 len)
{
	u32 order = min_t(u32, fls(len - 1), a->max_order);

	while (!alloc_run_holds(a, start, len, order))
		order--;
	return order;
}

/**
 * alloc_run_tree() - the tree that a run belongs to
 * @a:     the allocator
 * @start: first page of the run
 * @len:   its length
 * @cap:   set to its cap_K
 *
 * Return: the number of the tree
 */
static __always_inline u32 alloc_run_tree(const struct dap_alloc *a, u32 start,
					  u32 len, u32 *cap)
{
	u32 class = alloc_run_class(a, start, len);

	*cap = alloc_run_cap(a, start, len, class);
	return class < a->max_order ? class : (u32)fls(*cap - 1);
}

/**
 * alloc_insert_run() - put a run into its tree
 * @a:     the allocator
 * @start: first page of the run
 * @len:   its length
 */
static noinline void alloc_insert_run(struct dap_alloc *a, u32 start, u32 len)
{
	struct dap_slot *none = alloc_no_slot(a), *here, **link;
	struct dap_slot *slot = a->slot + start;
	u32 cap, tree = alloc_run_tree(a, start, len, &cap);
	u32 key, depth = 0;

	key = (cap - 1) << (31 - tree) | start << a->key_shift >> tree;
	if (len > 1) {
		slot[1].value = len;
		slot[len - 1].value = len;
	}
	slot->value = key;
	a->filled |= 1U << tree;

	/*
	 * Keep the heap: the run takes the place of the first one on its way
	 * that has a higher address, and that one is then inserted further down
	 * in the same way.
	 */
	link = &a->tree[tree];
	for (;;) {
		while ((here = *link) < slot) {
			link = &here->child[key >> 31];
			key <<= 1;
			depth++;
		}
		*link = slot;
		if (here == none)
			break;
		slot->child[0] = here->child[0];
		slot->child[1] = here->child[1];
		slot = here;
		key = slot->value << depth;
	}
	slot->child[0] = here;
	slot->child[1] = here;
}

/**
 * alloc_remove_run() - take a run out of its tree
 * @a:     the allocator
 * @start: first page of the run
 * @len:   its length
 */
static noinline void alloc_remove_run(struct dap_alloc *a, u32 start, u32 len)
{
	struct dap_slot *slot = a->slot + start, *left, *right, **link;
	u32 cap, tree = alloc_run_tree(a, start, len, &cap), key = slot->value;

	for (link = &a->tree[tree]; *link != slot; key <<= 1)
		link = &(*link)->child[key >> 31];

	/*
	 * Fill the hole with the lower of its two children, then the hole that
	 * leaves.
	 */
	left = slot->child[0];
	right = slot->child[1];
	while (left != right) {
		if (left < right) {
			*link = left;
			link = &left->child[0];
			swap(right, left->child[1]);
			left = *link;
		} else {
			*link = right;
			link = &right->child[1];
			swap(left, right->child[0]);
			right = *link;
		}
	}
	*link = left;
	if (a->tree[tree] == alloc_no_slot(a))
		a->filled &= ~(1U << tree);
}

/**
 * alloc_run_len_from() - length of a run in a tree, by its first page
 * @a:     the allocator
 * @start: its first page
 *
 * Return: number of pages
 */
static u32 alloc_run_len_from(const struct dap_alloc *a, u32 start)
{
	if (start + 1 == a->pages || (a->tag[start + 1] & DAP_FIRST))
		return 1;
	return a->slot[start + 1].value;
}

/**
 * alloc_run_len_to() - length of a run in a tree, by its end
 * @a:   the allocator
 * @end: the first page after it
 *
 * Return: number of pages
 */
static u32 alloc_run_len_to(const struct dap_alloc *a, u32 end)
{
	if (end == 1 || (a->tag[end - 2] & DAP_LAST))
		return 1;
	return a->slot[end - 1].value;
}

/**
 * alloc_set_current() - make a run the current one
 * @a:     the allocator
 * @start: first page of the run, which is in no tree
 * @len:   its length; 0 to have no current run
 *
 * The run that was the current one, if any, goes into its tree.
 */
static __always_inline void alloc_set_current(struct dap_alloc *a, u32 start,
					      u32 len)
{
	if (a->cur_len)
		alloc_insert_run(a, a->cur_start, a->cur_len);
	a->cur_start = start;
	a->cur_len = len;
}

/**
 * alloc_take_run() - take a free run out of its tree, or from being the current
 * one
 * @a:     the allocator
 * @start: its first page
 *
 * Return: its length
 */
static __always_inline u32 alloc_take_run(struct dap_alloc *a, u32 start)
{
	u32 len = a->cur_len;

	if (len && start == a->cur_start) {
		a->cur_len = 0;
	} else {
		len = alloc_run_len_from(a, start);
		alloc_remove_run(a, start, len);
	}
	return len;
}

/**
 * alloc_first_fit() - find the first run of a tree that will do
 * @a:    the allocator
 * @tree: number of the tree
 * @key:  the lowest key that will do
 * @end:  slot of the first page that is too high for a run's start
 *
 * Return: slot of the run's first page, NULL if there is none
 */
static struct dap_slot *alloc_first_fit(const struct dap_alloc *a, u32 tree,
					u32 key, const struct dap_slot *end)
{
	struct dap_slot *slot = a->tree[tree], *first = NULL, *above = NULL;
	u32 least = ~key, cap_bits = 1U << tree, cap_bits_above = 0, bits;

	/*
	 * Go down the way of @key.  Keys in subtrees that branch off to the
	 * right are all high enough; the last of these subtrees has the lowest
	 * ones.
	 */
	for (bits = key; bits && slot < end; bits <<= 1) {
		if (slot->value - key < least) {
			least = slot->value - key;
			first = slot;
		}
		cap_bits >>= 1;
		if (!(bits >> 31) && slot->child[1] < end) {
			above = slot->child[1];
			cap_bits_above = cap_bits;
		}
		slot = slot->child[bits >> 31];
	}
	if (slot >= end && above) {
		slot = above;
		cap_bits = cap_bits_above;
	}
	/*
	 * Go down to the lowest key of a subtree where all keys are high
	 * enough.
	 */
	while (slot < end) {
		if (slot->value - key < least) {
			least = slot->value - key;
			first = slot;
		}
		if (!cap_bits)
			break;
		cap_bits >>= 1;
		slot = slot->child[slot->child[0] >= end];
	}
	return first;
}

/**
 * alloc_best_fit() - find the best run
 * @a:     the allocator
 * @n:     pages wanted
 * @order: of the request
 *
 * Return: first page of the run, DAP_NO_RUN if there is none
 */
static noinline u32 alloc_best_fit(const struct dap_alloc *a, u32 n, u32 order)
{
	u32 cur = a->cur_start;
	u32 cur_cap = alloc_run_cap(a, cur, a->cur_len, order);
	u32 tree = fls(n - 1), filled = a->filled >> tree << tree;
	struct dap_slot *best = NULL;
	u32 start, class, cap;

	if (filled & (1U << tree)) {
		best = alloc_first_fit(a, tree, (n - 1) << (31 - tree),
				       alloc_no_slot(a));
		filled &= filled - 1;
	}
	if (!best && filled) {
		tree = __ffs(filled);
		best = alloc_first_fit(a, tree, 0, alloc_no_slot(a));
	}
	if (!best)
		return cur_cap >= n ? cur : DAP_NO_RUN;

	start = best - a->slot;
	if (cur_cap < n)
		return start;

	/*
	 * Take the one of the two that is first by class, room and address.  If
	 * the class of the current run is lower, so is its room when counted
	 * for the other's class.
	 */
	class = min(tree, a->max_order);
	if (alloc_run_holds(a, cur, a->cur_len, class + 1))
		return start;
	cur_cap = alloc_run_cap(a, cur, a->cur_len, class);
	cap = (best->value >> (31 - tree)) + 1;
	if (cur_cap != cap)
		return cur_cap < cap ? cur : start;
	return min(cur, start);
}

/**
 * alloc_best_fit_below() - find the best run for a place below a limit
 * @a:     the allocator
 * @n:     pages wanted
 * @order: of the request
 * @limit: the first page that is too high
 *
 * Runs that are entirely below the limit come first.  The run that is cut by
 * the limit is used only if none of them can hold the request.
 *
 * Return: first page of the run, DAP_NO_RUN if there is none
 */
static noinline u32 alloc_best_fit_below(struct dap_alloc *a, u32 n, u32 order,
					 u32 limit)
{
	u32 cut = DAP_NO_RUN, tree = fls(n - 1), start, key;
	u32 key_n = (n - 1) << (31 - tree), filled;
	const struct dap_slot *slot;

	a->sweeps++;
	alloc_set_current(a, 0, 0);

	for (filled = a->filled >> tree << tree; filled; filled &= filled - 1) {
		key = filled & (1U << tree) ? key_n : 0;
		while ((slot = alloc_first_fit(a, __ffs(filled), key,
					       a->slot + limit))) {
			start = slot - a->slot;
			if (alloc_run_len_from(a, start) <= limit - start)
				return start;
			if (alloc_run_cap(a, start, limit - start, order) >= n)
				cut = start;
			key = slot->value + 1;
		}
	}
	return cut;
}

/**
 * alloc_last_place() - the last aligned place in a range
 * @a:     the allocator
 * @end:   end of the range
 * @n:     pages wanted
 * @order: of the request
 *
 * Return: its first page.  If there is no place it is before the range's start,
 * when compared as a signed number.
 */
static __always_inline u32 alloc_last_place(const struct dap_alloc *a, u32 end,
					    u32 n, u32 order)
{
	u32 first = a->offset + end - n;

	return (first & (~0U << order)) - a->offset;
}

/**
 * dap_alloc_get() - allocate pages
 * @a:     the allocator
 * @n:     how many
 * @limit: allocate below this page of the pool only; the size of the pool or
 *         more for no limit
 *
 * Return: the first page, -EINVAL (no pages wanted), -E2BIG (more than the pool
 * has) or -ENOSPC (no room now, or none below @limit)
 */
int dap_alloc_get(struct dap_alloc *a, unsigned long n, u32 limit)
{
	u32 tree = 0, order = 0, start, end, first;

	if (n - 1 >= a->pages)
		return n ? -E2BIG : -EINVAL;

	/* One page has order 0, and most requests are for one. */
	if (unlikely(n > 1)) {
		tree = fls(n - 1);
		order = dap_alloc_order(a, n);
	}
	if (limit >= a->pages && !(a->filled >> tree)) {
		/* Often the current run is the only candidate. */
		start = a->cur_start;
		end = start + a->cur_len;
		first = alloc_last_place(a, end, n, order);
		if ((s32)first < (s32)start)
			return -ENOSPC;
		a->cur_len = 0;
	} else {
		if (limit >= a->pages)
			start = alloc_best_fit(a, n, order);
		else
			start = alloc_best_fit_below(a, n, order, limit);
		if (start == DAP_NO_RUN)
			return -ENOSPC;
		end = start + alloc_take_run(a, start);
		first = alloc_last_place(a, min(end, limit), n, order);
	}

	/* What is left of the run stays free. */
	if (first + n < end)
		alloc_set_current(a, first + n, end - (first + n));
	if (start < first)
		alloc_set_current(a, start, first - start);

	if (likely(n == 1)) {
		a->tag[first] = DAP_FIRST | DAP_LAST;
	} else {
		a->tag[first] = DAP_FIRST;
		a->tag[first + n - 1] = DAP_LAST;
		a->slot[first + 1].value = n;
	}
	a->free -= n;
	return first;
}

/**
 * alloc_live_len() - length of a live allocation
 * @a: the allocator
 * @page: its first page
 *
 * Return: number of pages
 */
static __always_inline u32 alloc_live_len(const struct dap_alloc *a, u32 page)
{
	return a->tag[page] & DAP_LAST ? 1 : a->slot[page + 1].value;
}

/* dap_alloc_check(), inlined into the free, which must be fast. */
static __always_inline int alloc_check_live(const struct dap_alloc *a, u32 page,
					    unsigned long n)
{
	if (page >= a->pages)
		return -ERANGE;
	if (!(a->tag[page] & DAP_FIRST))
		return -ENOENT;
	if (alloc_live_len(a, page) != n)
		return -EINVAL;
	return 0;
}

/**
 * dap_alloc_check() - is this exactly one live allocation?
 * @a:    the allocator
 * @page: first page
 * @n:    number of pages
 *
 * Return: 0, -ERANGE (@page is not within the pool), -ENOENT (no live allocation
 * starts there) or -EINVAL (one does, but has another length)
 */
int dap_alloc_check(const struct dap_alloc *a, u32 page, unsigned long n)
{
	return alloc_check_live(a, page, n);
}

/**
 * dap_alloc_put() - free an allocation
 * @a:    the allocator
 * @page: its first page
 * @n:    its length
 *
 * Return: as dap_alloc_check(); nothing has changed unless it is 0
 */
int dap_alloc_put(struct dap_alloc *a, u32 page, unsigned long n)
{
	u32 start = page, end = page + n;
	u8 *tag;
	int ret;

	ret = alloc_check_live(a, page, n);
	if (ret)
		return ret;

	tag = a->tag + page;
	tag[0] = 0;
	tag[n - 1] = 0;
	a->free += n;

	/* Merge it with the free runs before and after it. */
	if (page && !(tag[-1] & DAP_LAST)) {
		if (a->cur_len && a->cur_start + a->cur_len == page) {
			start = a->cur_start;
			a->cur_len = 0;
		} else {
			start = page - alloc_run_len_to(a, page);
			alloc_remove_run(a, start, page - start);
		}
	}
	if (end < a->pages && !(tag[n] & DAP_FIRST))
		end += alloc_take_run(a, end);
	alloc_set_current(a, start, end - start);
	return 0;
}

/**
 * dap_alloc_next() - find the next live allocation
 * @a:    the allocator
 * @from: page to start looking at
 * @to:   page to stop before, for callers that must not look for long
 * @page: set to the first page of the first allocation that starts in this
 *        range
 * @n:    set to its length
 *
 * Return: true if there is one
 */
bool dap_alloc_next(const struct dap_alloc *a, u32 from, u32 to, u32 *page,
		    u32 *n)
{
	u8 *tag;

	to = min(to, a->pages);
	while (from < to) {
		tag = memchr_inv(a->tag + from, 0, to - from);
		if (!tag)
			break;
		from = tag - a->tag;
		if (*tag & DAP_FIRST) {
			*page = from;
			*n = alloc_live_len(a, from);
			return true;
		}
		/* This was the last page of one. */
		from++;
	}
	return false;
}

/**
 * dap_alloc_largest() - the largest request that would not fail now
 * @a: the allocator
 *
 * The longest run may be longer than that if it is not aligned well.  In a run
 * of the highest class K, what is beyond 2^K pages is of no use: a request that
 * large would need class K + 1.
 *
 * Return: number of pages, 0 if none are free
 */
u32 dap_alloc_largest(const struct dap_alloc *a)
{
	u32 tree = 0, cap = 0, cur_tree, cur_cap;
	const struct dap_slot *slot;

	if (a->filled) {
		tree = __fls(a->filled);
		/* The largest key is in child[1], if there is such a child. */
		for (slot = a->tree[tree]; slot != alloc_no_slot(a);
		     slot = slot->child[slot->child[1] != alloc_no_slot(a)])
			cap = max(cap, (slot->value >> (31 - tree)) + 1);
	}
	if (a->cur_len) {
		cur_tree = alloc_run_tree(a, a->cur_start, a->cur_len,
					  &cur_cap);
		if (cur_tree > tree || (cur_tree == tree && cur_cap > cap)) {
			tree = cur_tree;
			cap = cur_cap;
		}
	}
	return tree < a->max_order ? min(cap, 1U << tree) : cap;
}
