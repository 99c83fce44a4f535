/* SPDX-License-Identifier: GPL-2.0 */
/* For module/attach.h, which declares a driver. */
#ifndef DAP_UNIT_LINUX_PLATFORM_DEVICE_H
#define DAP_UNIT_LINUX_PLATFORM_DEVICE_H

#include <linux/device.h>

struct platform_driver;

#endif /* DAP_UNIT_LINUX_PLATFORM_DEVICE_H */
