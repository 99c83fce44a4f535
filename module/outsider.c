// SPDX-License-Identifier: GPL-2.0
/*
 * Devices that the kernel itself may have given coherent memory.
 *
 * Such memory comes back to a client's .free when the device has become one: some
 * drivers free long after unbind (NVMe when its last file is closed).  It has to
 * go where it came from, while a bad address of any other client is an error.
 * So it is noted who was there without a pool: whatever existed when the module
 * was loaded, and whoever was bound without one since.
 *
 * All of it under dap_lock(), in process context.  No references are held: a
 * device is forgotten when it is removed.
 */
#include <linux/list.h>
#include <linux/slab.h>

#include "attach.h"
#include "outsider.h"

struct dap_outsider {
	struct list_head node;
	const struct device *dev;
};

static LIST_HEAD(dap_outsiders);

/* That there was no memory to note one: then any may be. */
static bool dap_incomplete;

static struct dap_outsider *find(const struct device *dev)
{
	struct dap_outsider *outsider;

	dap_assert_locked();
	list_for_each_entry(outsider, &dap_outsiders, node)
		if (outsider->dev == dev)
			return outsider;
	return NULL;
}

/**
 * dap_outsider_add() - note that a device is without a pool
 * @dev: the device
 */
void dap_outsider_add(const struct device *dev)
{
	struct dap_outsider *outsider;

	if (find(dev))
		return;
	outsider = kmalloc(sizeof(*outsider), GFP_KERNEL);
	if (!outsider) {
		dap_incomplete = true;
		return;
	}
	outsider->dev = dev;
	list_add(&outsider->node, &dap_outsiders);
}

/**
 * dap_outsider_is() - may a device have memory of the kernel's?
 * @dev: the device
 *
 * Return: whether it may.
 */
bool dap_outsider_is(const struct device *dev)
{
	return dap_incomplete || find(dev);
}

/**
 * dap_outsider_del() - forget a device that is gone
 * @dev: the device; need not have been noted
 */
void dap_outsider_del(const struct device *dev)
{
	struct dap_outsider *outsider = find(dev);

	if (!outsider)
		return;
	list_del(&outsider->node);
	kfree(outsider);
}

/**
 * dap_outsider_exit() - forget all of them, at unload
 */
void dap_outsider_exit(void)
{
	struct dap_outsider *outsider, *next;

	list_for_each_entry_safe(outsider, next, &dap_outsiders, node)
		kfree(outsider);
}
