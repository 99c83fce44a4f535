// SPDX-License-Identifier: GPL-2.0
/*
 * Devices without a pool: those that may have got coherent memory from the
 * kernel, and those that somebody wants to have no pool.
 *
 * When such a device becomes a client later, it may give memory of the kernel
 * to our .free.  Some drivers free long after unbind: NVMe when its last file
 * is closed.  That memory has to go back to where it came from, whereas any
 * other client that frees an unknown address makes a mistake.  So devices
 * without a pool are noted: all that exist when the module is loaded, and all
 * that are bound without a pool later.
 *
 * Contexts and locking: process context, under dap_lock().  No references are
 * held: a device is forgotten when it is removed.  So a caller that adds one
 * must be sure that it has not been removed yet.
 */
#include <linux/list.h>
#include <linux/slab.h>

#include "outsider.h"
#include "registry.h"

struct dap_outsider {
	struct list_head node;
	const struct device *dev;
	bool excluded;		/* no pool, until somebody asks for one */
};

static LIST_HEAD(dap_outsiders);

/* One could not be noted for lack of memory: then any device may be one. */
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
 * dap_outsider_exclude() - let a device have no pool until somebody asks for
 * one
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
 * dap_outsider_is_excluded() - was dap_outsider_exclude() called for a device?
 * @dev: the device
 *
 * Return: true if so.
 */
bool dap_outsider_is_excluded(const struct device *dev)
{
	struct dap_outsider *outsider = outsider_find(dev);

	return outsider && outsider->excluded;
}

/**
 * dap_outsider_is_noted() - may a device hold memory of the kernel?
 * @dev: the device
 *
 * Return: true if it may.
 */
bool dap_outsider_is_noted(const struct device *dev)
{
	return dap_incomplete || outsider_find(dev);
}

/**
 * dap_outsider_del() - forget a device that is removed
 * @dev: the device, noted or not
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
 * dap_outsider_exit() - forget all devices, at unload
 */
void dap_outsider_exit(void)
{
	struct dap_outsider *outsider, *next;

	list_for_each_entry_safe(outsider, next, &dap_outsiders, node)
		kfree(outsider);
}
