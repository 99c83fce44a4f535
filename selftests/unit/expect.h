/* SPDX-License-Identifier: GPL-2.0 */
/*
 * EXPECT() of the unit tests and the fuzz targets. Each program has a fail() of
 * its own (tap.h, fuzz.h), which says what is wrong and does not return.
 */
#ifndef DAP_UNIT_EXPECT_H
#define DAP_UNIT_EXPECT_H

#include <linux/compiler.h>

/* Calls whose outcome has been checked, for people. */
static unsigned long long steps;

static __printf(1, 2) __noreturn void fail(const char *format, ...);

#define EXPECT(cond)							\
	do {								\
		if (!(cond))						\
			fail("%s:%d: not true: %s", __FILE__, __LINE__, \
			     #cond);					\
	} while (0)

#endif /* DAP_UNIT_EXPECT_H */
