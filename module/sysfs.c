// SPDX-License-Identifier: GPL-2.0
/*
 * The attributes of a pool's device: attach and detach, by a device's name.
 *
 * Whatever is written there ends as a name, and in an error or in request.c;
 * user space compiles and fuzzes this.
 *
 * Context: process context.  The core removes the attributes, and waits for those
 * who use them, before it removes the pool.
 */
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "attach.h"
#include "request.h"
#include "sysfs.h"

/* Of a name that no device has, characters to show. */
#define DAP_SHOWN	64

/* The name is all up to the first NUL, without white space around it. */
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
		/* Escaped: nothing is known of what is in there. */
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
static DEVICE_ATTR_WO(attach);

static ssize_t detach_store(struct device *dev, struct device_attribute *attr,
			    const char *buf, size_t count)
{
	return pool_attr_store(dev, buf, count, dap_detach_device);
}
static DEVICE_ATTR_WO(detach);

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
