/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_ATTACH_H
#define DAP_ATTACH_H

#include <linux/types.h>

struct device;

void dap_attach_init(void);
void dap_attach_exit(void);

int dap_walk_devices(void *data, int (*fn)(struct device *dev, void *data));
struct device *dap_find_device(const char *name);
bool dap_device_is_removed(struct device *dev);
bool dap_device_is_watched(const struct device *dev);
int dap_watch_device(struct device *dev);
void dap_unwatch_device(struct device *dev);

#endif /* DAP_ATTACH_H */
