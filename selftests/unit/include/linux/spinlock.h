/* SPDX-License-Identifier: GPL-2.0 */
/* For struct dap_pool, which nothing in user space has one of. */
#ifndef DAP_UNIT_LINUX_SPINLOCK_H
#define DAP_UNIT_LINUX_SPINLOCK_H

typedef struct {
} raw_spinlock_t;

#endif /* DAP_UNIT_LINUX_SPINLOCK_H */
