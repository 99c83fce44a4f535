/* SPDX-License-Identifier: GPL-2.0 */
/* Devices as the module's pure parts know them: the test says what they are. */
#ifndef DAP_UNIT_LINUX_DEVICE_H
#define DAP_UNIT_LINUX_DEVICE_H

#include <sys/types.h>
#include <linux/types.h>

struct device;

int dev_err_probe(struct device *dev, int err, const char *format, ...);
void dev_err(struct device *dev, const char *format, ...);

/*
 * What dev_err_probe() does not print: being out of memory, which an allocation that
 * fails has said already.
 */
#define EPROBE_DEFER		517
#define ERR_PROBE_SAYS(err)	((err) != -ENOMEM && (err) != -EPROBE_DEFER)
void dev_info(struct device *dev, const char *format, ...);
void *dev_get_drvdata(const struct device *dev);
void put_device(struct device *dev);

struct attribute {
	const char *name;
	unsigned short mode;
};

struct attribute_group {
	struct attribute **attrs;
};

typedef void (*dr_release_t)(struct device *dev, void *res);

struct device_attribute {
	struct attribute attr;
	ssize_t (*store)(struct device *dev, struct device_attribute *attr,
			 const char *buf, size_t count);
};

#define DEVICE_ATTR_IGNORE_LOCKDEP(_name, _mode, _show, _store)	\
	struct device_attribute dev_attr_##_name = {			\
		.attr = { .name = #_name, .mode = (_mode) },		\
		.store = (_store),					\
	}

#endif /* DAP_UNIT_LINUX_DEVICE_H */
