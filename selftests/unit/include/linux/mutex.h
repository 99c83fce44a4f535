/* SPDX-License-Identifier: GPL-2.0 */
/* Mutexes of one thread's, that count. Who uses one in a wrong way ends the test. */
#ifndef DAP_UNIT_LINUX_MUTEX_H
#define DAP_UNIT_LINUX_MUTEX_H

#include <linux/spinlock.h>

struct mutex {
	bool held;
	unsigned long taken;	/* how often so far */
	unsigned long asked;	/* how often somebody made sure that it is held */
};

#define DEFINE_MUTEX(name)	struct mutex name

static inline bool mutex_is_mine(struct mutex *mutex)
{
	mutex->asked++;
	return mutex->held;
}

static inline void mutex_take(struct mutex *mutex, const char *function)
{
	if (mutex->held)
		raw_spin_wrong("takes the mutex twice", function);
	mutex->held = true;
	mutex->taken++;
}

static inline void mutex_give(struct mutex *mutex, const char *function)
{
	if (!mutex->held)
		raw_spin_wrong("gives back a mutex that it has not", function);
	mutex->held = false;
}

#define mutex_lock(mutex)	mutex_take(mutex, __func__)
#define mutex_unlock(mutex)	mutex_give(mutex, __func__)

#endif /* DAP_UNIT_LINUX_MUTEX_H */
