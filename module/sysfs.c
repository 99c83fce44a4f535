// SPDX-License-Identifier: GPL-2.0
/*
 * The attributes of a pool's device: attach and detach, to which the name of a
 * device is written.
 *
 * Any text is either the name of a device, which request.c deals with, or an
 * error.  This is compiled and fuzzed in user space.
 *
 * Context: process context.  The driver core removes the attributes before it
 * removes the pool, and waits until nobody uses them.
 */
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "request.h"
#include "sysfs.h"
#include "watched.h"

/* How many characters to show of a name that no device has. */
#define DAP_SHOWN	64

/* The name ends at the first NUL; white space around it is ignored. */
static ssize_t pool_attr_store(struct device *pool, const char *buf,
			       size_t count,
			       int (*act)(struct dap_entry *entry,
					  struct device *dev))
{
	struct device *dev;
	char *text, *name;
	int ret;

	text = kstrndup(buf, count, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	name = strim(text);
	dev = dap_find_device(name);
	if (!dev) {
		/* Escaped, as it may contain anything. */
		dev_err(pool, "there is no device %*pE\n",
			(int)strnlen(name, DAP_SHOWN), name);
		ret = -ENODEV;
	} else {
		ret = act(dev_get_drvdata(pool), dev);
		put_device(dev);
	}
	kfree(text);
	return ret ?: (ssize_t)count;
}

static ssize_t attach_store(struct device *dev, struct device_attribute *attr,
			    const char *buf, size_t count)
{
	return pool_attr_store(dev, buf, count, dap_attach_device);
}

/*
 * A write to one pool's file may unbind another pool, and wait for writes to its
 * files.  Neither waits for the other in turn, see request_carry_out(), but
 * lockdep does not tell the files apart.
 */
static DEVICE_ATTR_IGNORE_LOCKDEP(attach, 0200, NULL, attach_store);

static ssize_t detach_store(struct device *dev, struct device_attribute *attr,
			    const char *buf, size_t count)
{
	return pool_attr_store(dev, buf, count, dap_detach_device);
}
static DEVICE_ATTR_IGNORE_LOCKDEP(detach, 0200, NULL, detach_store);

static struct attribute *dap_attrs[] = {
	&dev_attr_attach.attr,
	&dev_attr_detach.attr,
	NULL
};

static const struct attribute_group dap_group = {
	.attrs	= dap_attrs,
};

const struct attribute_group *dap_groups[] = {
	&dap_group,
	NULL
};
