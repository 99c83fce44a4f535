/* SPDX-License-Identifier: GPL-2.0 */
/* The test says how late it is. */
#ifndef DAP_UNIT_LINUX_TIMEKEEPING_H
#define DAP_UNIT_LINUX_TIMEKEEPING_H

#include <linux/types.h>

typedef s64 time64_t;

time64_t ktime_get_seconds(void);

#endif /* DAP_UNIT_LINUX_TIMEKEEPING_H */
