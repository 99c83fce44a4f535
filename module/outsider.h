/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_OUTSIDER_H
#define DAP_OUTSIDER_H

#include <linux/types.h>

struct device;

void dap_outsider_add(const struct device *dev);
int dap_outsider_exclude(const struct device *dev);
void dap_outsider_admit(const struct device *dev);
bool dap_outsider_is_excluded(const struct device *dev);
bool dap_outsider_is_noted(const struct device *dev);
void dap_outsider_del(const struct device *dev);
void dap_outsider_exit(void);

#endif /* DAP_OUTSIDER_H */
