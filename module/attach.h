/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_ATTACH_H
#define DAP_ATTACH_H

struct device;

void dap_attach_init(void);
void dap_attach_exit(void);

int dap_watch_device(struct device *dev);
void dap_unwatch_device(struct device *dev);

#endif /* DAP_ATTACH_H */
