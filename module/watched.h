/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_WATCHED_H
#define DAP_WATCHED_H

#include <linux/device.h>
#include <linux/notifier.h>

bool dap_on_watched_bus(const struct device *dev);
struct device *dap_find_device(const char *name);
bool dap_device_is_removed(struct device *dev);
int dap_walk_devices(void *data, int (*fn)(struct device *dev, void *data));
int __must_check dap_watch_device(struct device *dev);
void dap_unwatch_device(struct device *dev);

/*
 * How many buses are watched only for devices that depend on others.  They are
 * the last ones in dap_buses[].
 */
#define DAP_NR_OTHER_BUSES	(IS_ENABLED(CONFIG_SPI) + IS_BUILTIN(CONFIG_I2C))

void dap_watch_buses(notifier_fn_t notify, notifier_fn_t others,
		     dr_release_t gone);
void dap_unwatch_buses(void);

#endif /* DAP_WATCHED_H */
