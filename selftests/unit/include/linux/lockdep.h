/* SPDX-License-Identifier: GPL-2.0 */
/* Of raw spinlocks and mutexes, see spinlock.h and mutex.h. */
#ifndef DAP_UNIT_LINUX_LOCKDEP_H
#define DAP_UNIT_LINUX_LOCKDEP_H

#include <linux/mutex.h>
#include <linux/spinlock.h>

#define lock_is_mine(lock)						\
	_Generic(lock, struct mutex *: mutex_is_mine,			\
		 raw_spinlock_t *: raw_spin_is_mine)(lock)

#define lockdep_assert_held(lock)					\
	(lock_is_mine(lock) ? (void)0 :					\
	 raw_spin_wrong("is called without the lock", __func__))

#endif /* DAP_UNIT_LINUX_LOCKDEP_H */
