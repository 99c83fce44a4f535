/* SPDX-License-Identifier: GPL-2.0 */
/* Of raw spinlocks only, see spinlock.h. */
#ifndef DAP_UNIT_LINUX_LOCKDEP_H
#define DAP_UNIT_LINUX_LOCKDEP_H

#include <linux/spinlock.h>

#define lockdep_assert_held(lock)					\
	(raw_spin_is_mine(lock) ? (void)0 :				\
	 raw_spin_wrong("is called without the lock", __func__))

#endif /* DAP_UNIT_LINUX_LOCKDEP_H */
