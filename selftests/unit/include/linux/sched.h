/* SPDX-License-Identifier: GPL-2.0 */
/* The test counts how often the CPU is given up. */
#ifndef DAP_UNIT_LINUX_SCHED_H
#define DAP_UNIT_LINUX_SCHED_H

void cond_resched(void);

#endif /* DAP_UNIT_LINUX_SCHED_H */
