/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Reference counts, of any thread's. Whoever takes one of what nobody has any
 * more, or drops one too many, ends the test.
 */
#ifndef DAP_UNIT_LINUX_KREF_H
#define DAP_UNIT_LINUX_KREF_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct kref {
	unsigned int count;
};

static inline void kref_wrong(const char *what)
{
	printf("# kref: %s\n", what);
	fflush(stdout);
	abort();
}

static inline void kref_init(struct kref *kref)
{
	__atomic_store_n(&kref->count, 1, __ATOMIC_RELAXED);
}

static inline unsigned int kref_read(const struct kref *kref)
{
	return __atomic_load_n(&kref->count, __ATOMIC_RELAXED);
}

static inline void kref_get(struct kref *kref)
{
	if (!__atomic_fetch_add(&kref->count, 1, __ATOMIC_RELAXED))
		kref_wrong("taken of what nobody has any more");
}

static inline bool kref_get_unless_zero(struct kref *kref)
{
	unsigned int old = kref_read(kref);

	while (old)
		if (__atomic_compare_exchange_n(&kref->count, &old, old + 1,
						false, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			return true;
	return false;
}

static inline int kref_put(struct kref *kref, void (*release)(struct kref *))
{
	unsigned int old = __atomic_fetch_sub(&kref->count, 1,
					      __ATOMIC_ACQ_REL);

	if (!old)
		kref_wrong("dropped once too often");
	if (old != 1)
		return 0;
	release(kref);
	return 1;
}

#endif /* DAP_UNIT_LINUX_KREF_H */
