/* SPDX-License-Identifier: GPL-2.0 */
/* For who has a struct device: the test says what is on which bus. */
#ifndef DAP_UNIT_LINUX_PLATFORM_DEVICE_H
#define DAP_UNIT_LINUX_PLATFORM_DEVICE_H

#include <linux/device.h>
#include <linux/kernel.h>

struct bus_type {
	const char *name;
};

extern struct bus_type platform_bus_type;

struct platform_device {
	const char *name;
	struct device dev;
};

#define to_platform_device(x)	container_of((x), struct platform_device, dev)

#endif /* DAP_UNIT_LINUX_PLATFORM_DEVICE_H */
