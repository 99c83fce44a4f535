/* SPDX-License-Identifier: GPL-2.0 */
/* The test says what happens meanwhile. */
#ifndef DAP_UNIT_LINUX_DELAY_H
#define DAP_UNIT_LINUX_DELAY_H

void usleep_range(unsigned long min, unsigned long max);

#endif /* DAP_UNIT_LINUX_DELAY_H */
