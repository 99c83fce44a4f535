/* SPDX-License-Identifier: GPL-2.0 */
/* For code that only reports: the test says what becomes of it. */
#ifndef DAP_UNIT_LINUX_DEVICE_H
#define DAP_UNIT_LINUX_DEVICE_H

struct device;

int dev_err_probe(struct device *dev, int err, const char *format, ...);

#endif /* DAP_UNIT_LINUX_DEVICE_H */
