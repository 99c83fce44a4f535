/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Page-range allocator of a pool: keeps track of which pages are free, nothing
 * else.
 *
 * The contract is at the top of alloc.c.
 */
#ifndef DMA_ALIAS_POOL_ALLOC_H
#define DMA_ALIAS_POOL_ALLOC_H

#include <linux/bitops.h>
#include <linux/kernel.h>
#include <linux/types.h>

/* max_order of a pool that aligns each request to its own size. */
#define DAP_ALIGN_NATURAL	30

/* Size of the storage for the caller that goes with a live allocation. */
#define DAP_RECORD_SIZE		(BITS_PER_LONG == 64 ? 24 : 16)

struct dap_slot;

/**
 * struct dap_alloc - the state of one pool's pages
 * @pages:     size of the pool
 * @offset:    address of page 0, in pages, modulo 2^31
 * @max_order: no request is aligned to more than 2^max_order pages
 * @free:      number of free pages
 * @cur_start: first page of the current run
 * @cur_len:   its length, 0 if there is no current run
 * @sweeps:    number of requests with a limit, for statistics
 * @filled:    one bit for each tree that is not empty
 * @key_shift: shift that puts the number of a run's first page at its place in
 *             a key
 * @slot:      one for each page
 * @tag:       one for each page: does a live allocation start or end here?
 * @tree:      the trees of free runs
 *
 * @free and @sweeps may be read by anybody, the rest belongs to alloc.c.
 */
struct dap_alloc {
	u32 pages;
	u32 offset;
	u32 max_order;
	u32 free;
	u32 cur_start;
	u32 cur_len;
	u32 sweeps;
	u32 filled;
	u32 key_shift;
	struct dap_slot *slot;
	u8 *tag;
	struct dap_slot *tree[DAP_ALIGN_NATURAL + 1];
};

size_t dap_alloc_meta_size(u32 pages);
void dap_alloc_init(struct dap_alloc *a, u32 pages, u32 offset,
		    unsigned int max_order, void *meta);

/* The order of a request of @n pages, 1 to the size of the pool. */
static inline u32 dap_alloc_order(const struct dap_alloc *a, u32 n)
{
	return min_t(u32, fls(n - 1), a->max_order);
}

int dap_alloc_get(struct dap_alloc *a, unsigned long n, u32 limit);
int dap_alloc_check(const struct dap_alloc *a, u32 page, unsigned long n);
int dap_alloc_put(struct dap_alloc *a, u32 page, unsigned long n);

/**
 * dap_alloc_record() - the caller's storage that goes with an allocation
 * @a:    the allocator
 * @page: first page of a live allocation, not checked
 *
 * The allocator does not touch the storage between dap_alloc_get() and
 * dap_alloc_put().
 *
 * Return: DAP_RECORD_SIZE bytes, long-aligned, with undefined content after
 * dap_alloc_get()
 */
static inline void *dap_alloc_record(struct dap_alloc *a, u32 page)
{
	return (u8 *)a->slot + (size_t)page * DAP_RECORD_SIZE;
}

bool dap_alloc_next(const struct dap_alloc *a, u32 from, u32 to, u32 *page,
		    u32 *n);
u32 dap_alloc_largest(const struct dap_alloc *a);

#endif /* DMA_ALIAS_POOL_ALLOC_H */
