/* SPDX-License-Identifier: GPL-2.0 */
/* The test says how late it is. */
#ifndef DAP_UNIT_LINUX_JIFFIES_H
#define DAP_UNIT_LINUX_JIFFIES_H

extern unsigned long jiffies;

#endif /* DAP_UNIT_LINUX_JIFFIES_H */
