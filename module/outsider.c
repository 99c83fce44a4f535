// SPDX-License-Identifier: GPL-2.0
/*
 * Devices without a pool: those that the kernel itself may have given coherent
 * memory, and those that somebody wants to be without.
 *
 * Memory of the kernel's comes back to a client's .free when the device has become one: some
 * drivers free long after unbind (NVMe when its last file is closed).  It has to
 * go where it came from, while a bad address of any other client is an error.
 * So it is noted who was there without a pool: whatever existed when the module
 * was loaded, and whoever was bound without one since.
 *
 * All of it under dap_lock(), in process context.  No references are held: a
 * device is forgotten when it is removed.  So who adds one has to know that it is
 * not removed yet.
 */
#include <linux/list.h>
#include <linux/slab.h>

#include "outsider.h"
#include "registry.h"

struct dap_outsider {
	struct list_head node;
	const struct device *dev;
	bool excluded;		/* until somebody asks for a pool for it */
};

static LIST_HEAD(dap_outsiders);

/* That there was no memory to note one: then any may be. */
static bool dap_incomplete;

static struct dap_outsider *outsider_find(const struct device *dev)
{
	struct dap_outsider *outsider;

	dap_assert_locked();
	list_for_each_entry(outsider, &dap_outsiders, node)
		if (outsider->dev == dev)
			return outsider;
	return NULL;
}

static struct dap_outsider *outsider_find_or_add(const struct device *dev)
{
	struct dap_outsider *outsider = outsider_find(dev);

	if (outsider)
		return outsider;
	outsider = kzalloc(sizeof(*outsider), GFP_KERNEL);
	if (!outsider) {
		dap_incomplete = true;
		return NULL;
	}
	outsider->dev = dev;
	list_add(&outsider->node, &dap_outsiders);
	return outsider;
}

/**
 * dap_outsider_add() - note that a device is without a pool
 * @dev: the device
 */
void dap_outsider_add(const struct device *dev)
{
	outsider_find_or_add(dev);
}

/**
 * dap_outsider_exclude() - have no policy give a device a pool
 * @dev: the device
 *
 * Return: 0 or -ENOMEM.
 */
int dap_outsider_exclude(const struct device *dev)
{
	struct dap_outsider *outsider = outsider_find_or_add(dev);

	if (!outsider)
		return -ENOMEM;
	outsider->excluded = true;
	return 0;
}

/**
 * dap_outsider_admit() - undo dap_outsider_exclude()
 * @dev: the device
 */
void dap_outsider_admit(const struct device *dev)
{
	struct dap_outsider *outsider = outsider_find(dev);

	if (outsider)
		outsider->excluded = false;
}

/**
 * dap_outsider_is_excluded() - is no policy to give a device a pool?
 * @dev: the device
 *
 * Return: whether it is so.
 */
bool dap_outsider_is_excluded(const struct device *dev)
{
	struct dap_outsider *outsider = outsider_find(dev);

	return outsider && outsider->excluded;
}

/**
 * dap_outsider_is_noted() - may a device have memory of the kernel's?
 * @dev: the device
 *
 * Return: whether it may.
 */
bool dap_outsider_is_noted(const struct device *dev)
{
	return dap_incomplete || outsider_find(dev);
}

/**
 * dap_outsider_del() - forget a device that is gone
 * @dev: the device; need not have been noted
 */
void dap_outsider_del(const struct device *dev)
{
	struct dap_outsider *outsider = outsider_find(dev);

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
