/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Run a table of tests, TAP on stdout. A test that fails leaves by fail() and
 * the next one goes on.
 */
#ifndef DAP_UNIT_TAP_H
#define DAP_UNIT_TAP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <linux/types.h>

#include "expect.h"

struct tap_test {
	const char *name;
	void (*run)(void);
};

static jmp_buf test_failed;
static u32 random_state;

static void fail(const char *format, ...)
{
	va_list args;

	printf("# ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
	longjmp(test_failed, 1);
}

/* The same numbers in every run of a test. */
static inline u32 rnd(u32 n)
{
	/* xorshift32 */
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	random_state ^= random_state << 5;
	return random_state % n;
}

/* Returns what main() should. */
static int tap_run(const struct tap_test *tests, size_t count)
{
	volatile int failed = 0;
	volatile unsigned int i;

	/* A broken tree may well be a circle: do not hang for ever. */
	alarm(240);

	printf("TAP version 13\n1..%zu\n", count);
	for (i = 0; i < count; i++) {
		unsigned long long before = steps;
		clock_t start = clock();

		random_state = 2463534242U + i;
		if (!setjmp(test_failed)) {
			tests[i].run();
			printf("ok %u - %d bit: %s # %llu steps, %.1f s\n",
			       i + 1, BITS_PER_LONG, tests[i].name,
			       steps - before,
			       (double)(clock() - start) / CLOCKS_PER_SEC);
		} else {
			printf("not ok %u - %d bit: %s\n", i + 1,
			       BITS_PER_LONG, tests[i].name);
			failed++;
		}
		fflush(stdout);
	}
	printf("# %d bit: %llu steps in all\n", BITS_PER_LONG, steps);
	return !!failed;
}

#endif /* DAP_UNIT_TAP_H */
