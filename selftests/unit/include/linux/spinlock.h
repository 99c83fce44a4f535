/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Raw spinlocks that know who holds them, and what interrupts are. Whoever uses
 * one in a wrong way ends the test.
 */
#ifndef DAP_UNIT_LINUX_SPINLOCK_H
#define DAP_UNIT_LINUX_SPINLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
	pthread_mutex_t mutex;
	unsigned long taken;	/* how often so far */
} raw_spinlock_t;

static __thread const raw_spinlock_t *raw_spin_held __attribute__((unused));
static __thread bool interrupts_off __attribute__((unused));

static inline void raw_spin_wrong(const char *what, const char *function)
{
	printf("# %s: %s\n", function, what);
	fflush(stdout);
	abort();
}

/* Of the calling thread, which has one at a time. */
static inline bool raw_spin_is_mine(const raw_spinlock_t *lock)
{
	return raw_spin_held == lock;
}

static inline void raw_spin_take(raw_spinlock_t *lock, const char *function)
{
	if (!interrupts_off)
		raw_spin_wrong("takes the lock with interrupts on", function);
	if (raw_spin_held)
		raw_spin_wrong("takes the lock twice", function);
	pthread_mutex_lock(&lock->mutex);
	raw_spin_held = lock;
	lock->taken++;
}

static inline void raw_spin_give(raw_spinlock_t *lock, const char *function)
{
	if (!raw_spin_is_mine(lock))
		raw_spin_wrong("gives back a lock that it has not", function);
	raw_spin_held = NULL;
	pthread_mutex_unlock(&lock->mutex);
}

#define raw_spin_lock_init(lock)					\
	(*(lock) = (raw_spinlock_t){ .mutex = PTHREAD_MUTEX_INITIALIZER })

#define DEFINE_RAW_SPINLOCK(name)					\
	raw_spinlock_t name = { .mutex = PTHREAD_MUTEX_INITIALIZER }

#define raw_spin_lock(lock)		raw_spin_take(lock, __func__)
#define raw_spin_unlock(lock)		raw_spin_give(lock, __func__)
#define raw_spin_lock_irq(lock)						\
	(interrupts_off = true, raw_spin_take(lock, __func__))
#define raw_spin_unlock_irq(lock)					\
	(raw_spin_give(lock, __func__), (void)(interrupts_off = false))
#define raw_spin_lock_irqsave(lock, flags)				\
	((flags) = interrupts_off, interrupts_off = true,		\
	 raw_spin_take(lock, __func__))
#define raw_spin_unlock_irqrestore(lock, flags)				\
	(raw_spin_give(lock, __func__), (void)(interrupts_off = (flags)))

#endif /* DAP_UNIT_LINUX_SPINLOCK_H */
