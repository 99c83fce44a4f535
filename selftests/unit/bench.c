// SPDX-License-Identifier: GPL-2.0
/*
 * Figures of module/alloc.c in user space, "key value" lines on stdout.
 *
 * Costs are machine instructions, exactly: a child does the work, its parent
 * lets it go through every single allocation and free instruction by
 * instruction and counts. "pair" is one dap_alloc_get() with one
 * dap_alloc_put(), not necessarily of the same pages.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../module/alloc.c"
#include "sequences.h"

#define PAIRS	40

static struct dap_alloc a;
static u32 *live, *len, count;

/* What is measured: free entry put_index, if any, then allocate get_n pages. */
static u32 put_index, get_n, get_limit;
static int got;			/* the first page, or an error */

/* Shared between child and parent. */
static volatile struct {
	int done;
	unsigned long instructions;
} *shared;

static void *need(void *p)
{
	if (!p || p == MAP_FAILED) {
		perror("memory");
		exit(2);
	}
	return p;
}

static noinline void put_get(void)
{
	dap_alloc_put(&a, live[put_index], len[put_index]);
	got = dap_alloc_get(&a, get_n, ~0U);
}

static noinline void get_put(void)
{
	got = dap_alloc_get(&a, get_n, ~0U);
	dap_alloc_put(&a, got, get_n);
}

static noinline void get_below(void)
{
	got = dap_alloc_get(&a, get_n, get_limit);
}

static noinline void nothing(void)
{
	asm volatile("" ::: "memory");
}

/* In the child: the parent counts from the signal until done is set. */
static unsigned long measure_raw(void (*op)(void))
{
	shared->done = 0;
	kill(getpid(), SIGUSR1);
	op();
	shared->done = 1;
	return shared->instructions;
}

static unsigned long measure(void (*op)(void))
{
	static unsigned long overhead;

	if (!overhead)
		overhead = measure_raw(nothing);
	return measure_raw(op) - overhead;
}

static void step_through(pid_t child)
{
	int status;

	for (;;) {
		if (waitpid(child, &status, 0) < 0 || !WIFSTOPPED(status))
			break;
		if (WSTOPSIG(status) != SIGUSR1) {
			ptrace(PTRACE_CONT, child, NULL, 0);
			continue;
		}
		shared->instructions = 0;
		while (!shared->done) {
			if (ptrace(PTRACE_SINGLESTEP, child, NULL, 0) < 0 ||
			    waitpid(child, &status, 0) < 0 ||
			    !WIFSTOPPED(status))
				return;
			shared->instructions++;
		}
		ptrace(PTRACE_CONT, child, NULL, 0);
	}
}

static void take(u32 n)
{
	int page = dap_alloc_get(&a, n, ~0U);

	if (page < 0)
		return;
	live[count] = page;
	len[count++] = n;
}

static void give(u32 i)
{
	dap_alloc_put(&a, live[i], len[i]);
	live[i] = live[--count];
	len[i] = len[count];
}

static u32 churn_size(void)
{
	return seq_random() % 4 ? 1 + seq_random() % 4 : 1 + seq_random() % 24;
}

static void fill_to(u32 pages, u32 percent)
{
	u32 failed = 0;

	while (pages - a.free < pages / 100.0 * percent && failed < 100) {
		u32 before = count;

		take(churn_size());
		failed += count == before;
	}
}

/* Put a random one, get one of the size that next_size() says. */
static void report_moves(const char *name, u32 pages, u32 (*next_size)(void))
{
	unsigned long sum = 0, worst = 0, cost;
	u32 i;

	for (i = 0; i < PAIRS && count; i++) {
		put_index = seq_random() % count;
		get_n = next_size();
		cost = measure(put_get);
		sum += cost;
		worst = max(worst, cost);
		live[put_index] = live[--count];
		len[put_index] = len[count];
		if (got >= 0) {
			live[count] = got;
			len[count++] = get_n;
		}
		if (i % 4 == 0)
			fill_to(pages, 80);
	}
	printf("%s.pair_%s_%u_mean %lu\n%s.pair_%s_%u_worst %lu\n",
	       FLAVOUR, name, pages, sum / PAIRS, FLAVOUR, name, pages, worst);
	fflush(stdout);
}

/* With a random limit, rather low; what it got goes back. */
static void report_below(const char *name, u32 pages, u32 (*next_size)(void))
{
	unsigned long worst = 0;
	u32 i;

	for (i = 0; i < PAIRS; i++) {
		get_n = next_size();
		get_limit = seq_random() % pages >> seq_random() % 8;
		worst = max(worst, measure(get_below));
		if (got >= 0)
			dap_alloc_put(&a, got, get_n);
	}
	printf("%s.get_below_%s_%u_worst %lu\n", FLAVOUR, name, pages, worst);
	fflush(stdout);
}

static void report_again(const char *name, u32 pages, u32 n)
{
	unsigned long cost = 0;
	u32 i;

	get_n = n;
	for (i = 0; i < 3; i++)
		cost = measure(get_put);
	printf("%s.pair_%s_%u %lu\n", FLAVOUR, name, pages, cost);
	fflush(stdout);
}

static u32 one(void)
{
	return 1;
}

static u32 two(void)
{
	return 2;
}

/* Now from a hole of one page, now from the one big run. */
static u32 one_or_many(void)
{
	static u32 turn;

	return turn++ % 2 ? 1 : 3;
}

static void costs(u32 pages, void *meta)
{
	u32 i;

	count = 0;
	seq_state = 1;
	dap_alloc_init(&a, pages, 0, DAP_ALIGN_NATURAL, meta);
	report_again("empty", pages, 1);
	report_again("empty_natural", pages, 5);

	for (i = 0; i < pages; i++)
		take(1);
	give(seq_random() % count);
	report_again("full", pages, 1);

	count = 0;
	dap_alloc_init(&a, pages, 0, DAP_ALIGN_NATURAL, meta);
	for (i = 0; i < pages; i++)
		take(1);
	/* live[] is in the order of the pages: leave every other one */
	for (i = 0; i < pages / 2; i++) {
		dap_alloc_put(&a, live[2 * i], 1);
		live[i] = live[2 * i + 1];
	}
	count = pages / 2;
	report_again("every_other_again", pages, 1);
	report_moves("every_other", pages, one);
	report_below("every_other", pages, one);

	count = 0;
	dap_alloc_init(&a, pages, 0, DAP_ALIGN_NATURAL, meta);
	for (i = 0; i < pages / 2; i++)
		take(2);
	for (i = 0; i < pages / 4; i++) {
		dap_alloc_put(&a, live[2 * i], 2);
		live[i] = live[2 * i + 1];
	}
	count = pages / 4;
	report_moves("every_other_two", pages, two);
	report_below("every_other_two", pages, two);

	count = 0;
	dap_alloc_init(&a, pages, 0, DAP_ALIGN_NATURAL, meta);
	fill_to(pages, 80);
	for (i = 0; i < 4 * pages; i++) {
		if (count)
			give(seq_random() % count);
		fill_to(pages, 80);
	}
	report_again("random_again", pages, 1);
	report_moves("random", pages, churn_size);
	report_below("random", pages, churn_size);

	count = 0;
	dap_alloc_init(&a, pages, 0, DAP_ALIGN_NATURAL, meta);
	for (i = 0; i < 4; i++)
		take(1 + i % 2);
	report_moves("nearly_empty", pages, one_or_many);
}

static void child(void *meta, u32 max_pages)
{
	static const u32 sizes[] = { 64, 1024, 65536, 262144 };
	unsigned int i;

	live = need(malloc(max_pages * sizeof(*live)));
	len = need(malloc(max_pages * sizeof(*len)));
	if (ptrace(PTRACE_TRACEME, 0, NULL, 0) < 0) {
		printf("# no instruction counts: ptrace is not allowed here\n");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		costs(sizes[i], meta);
}

int main(void)
{
	const u32 max_pages = 262144;
	void *meta = need(malloc(dap_alloc_meta_size(max_pages)));
	pid_t pid;

	printf("%s.first_failure_natural_kib %.1f\n", FLAVOUR,
	       seq_first_failure(&a, meta, DAP_ALIGN_NATURAL));
	printf("%s.churn_natural_failures %u\n", FLAVOUR,
	       seq_churn(&a, meta, DAP_ALIGN_NATURAL));
	printf("%s.first_failure_page_kib %.1f\n", FLAVOUR,
	       seq_first_failure(&a, meta, 0));
	printf("%s.churn_page_failures %u\n", FLAVOUR,
	       seq_churn(&a, meta, 0));
	printf("%s.struct_bytes %zu\n", FLAVOUR, sizeof(struct dap_alloc));
	printf("%s.slot_bytes %zu\n", FLAVOUR, sizeof(struct dap_slot));
	printf("%s.meta_bytes_1024 %zu\n", FLAVOUR, dap_alloc_meta_size(1024));
	printf("%s.meta_bytes_65536 %zu\n", FLAVOUR,
	       dap_alloc_meta_size(65536));
	fflush(stdout);

	shared = need(mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	pid = fork();
	if (!pid) {
		child(meta, max_pages);
		return 0;
	}
	step_through(pid);
	return 0;
}
