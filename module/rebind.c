// SPDX-License-Identifier: GPL-2.0
/*
 * Unbind drivers, and bind them again.
 *
 * A device cannot be given other operations while a driver uses it, so that its
 * driver is unbound for it.  The driver core then unbinds those first that depend
 * on the device (consumers of device links, such as the users of a DMA
 * controller), and does not bind them again by itself.  So whatever is unbound
 * between dap_rebind_begin() and dap_rebind_end() by the task that called these is
 * noted, and bound again in the opposite order: suppliers come first.
 *
 * A device that is noted has a reference, until it is bound again or removed.  If
 * it were kept longer, the kernel would complain of an overlay that goes meanwhile:
 * nobody may have its nodes then.
 *
 * Contexts and locking: process context, may sleep; dap_rebind_begin() and
 * dap_rebind_end() without any lock that a probe may take, the others under
 * dap_lock(), which protects all of it.
 */
#include <linux/device.h>
#include <linux/of.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "rebind.h"
#include "registry.h"

struct dap_unbound {
	struct list_head node;
	struct device *dev;
};

static LIST_HEAD(dap_rebinds);

/**
 * dap_rebind_begin() - begin to note what this task unbinds
 * @rebind: not initialized
 */
void dap_rebind_begin(struct dap_rebind *rebind)
{
	rebind->task = current;
	INIT_LIST_HEAD(&rebind->devices);
	dap_lock();
	list_add(&rebind->node, &dap_rebinds);
	dap_unlock();
}

/**
 * dap_rebind_note() - a driver was unbound
 * @dev: its device
 *
 * Context: under dap_lock().
 */
void dap_rebind_note(struct device *dev)
{
	struct dap_unbound *unbound;
	struct dap_rebind *rebind;

	dap_assert_locked();
	list_for_each_entry(rebind, &dap_rebinds, node) {
		if (rebind->task != current)
			continue;
		/* Without memory, which the kernel reports, it stays unbound. */
		unbound = kmalloc(sizeof(*unbound), GFP_KERNEL);
		if (!unbound)
			return;
		unbound->dev = get_device(dev);
		list_add(&unbound->node, &rebind->devices);
		return;
	}
}

static void rebind_forget(struct dap_unbound *unbound)
{
	list_del(&unbound->node);
	put_device(unbound->dev);
	kfree(unbound);
}

/**
 * dap_rebind_forget() - a device is removed
 * @dev: the device, whoever unbound it
 *
 * Context: under dap_lock().
 */
void dap_rebind_forget(struct device *dev)
{
	struct dap_unbound *unbound, *next;
	struct dap_rebind *rebind;

	dap_assert_locked();
	list_for_each_entry(rebind, &dap_rebinds, node)
		list_for_each_entry_safe(unbound, next, &rebind->devices, node)
			if (unbound->dev == dev)
				rebind_forget(unbound);
}

/* The device that is next, with a reference to it; NULL if there is none. */
static struct device *rebind_take_first(struct dap_rebind *rebind)
{
	struct dap_unbound *unbound;
	struct device *dev;

	unbound = list_first_entry_or_null(&rebind->devices,
					   struct dap_unbound, node);
	if (!unbound)
		return NULL;
	dev = get_device(unbound->dev);
	rebind_forget(unbound);
	return dev;
}

/* It may be on its way out, too, as with an overlay that has a pool and clients. */
static bool rebind_is_going(struct device *dev)
{
	return !device_is_registered(dev) ||
	       (dev->of_node && of_node_check_flag(dev->of_node, OF_DETACHED));
}

static void rebind_device(struct device *dev, struct device *because)
{
	const char *what = "is bound again";

	if (rebind_is_going(dev))
		return;
	/* It returns 0, too, when a probe failed: what counts is the driver. */
	if (device_attach(dev) < 0 || !READ_ONCE(dev->driver))
		what = "its driver did not bind again";
	if (dev != because)
		dev_warn(dev, "was unbound because of %s, and %s\n",
			 dev_name(because), what);
}

/**
 * dap_rebind_end() - bind again what was unbound
 * @rebind:  of dap_rebind_begin()
 * @because: the device that all of this is about: about others the log tells
 */
void dap_rebind_end(struct dap_rebind *rebind, struct device *because)
{
	struct device *dev;

	dap_lock();
	/* What is unbound from now on is not because of the caller. */
	rebind->task = NULL;
	while ((dev = rebind_take_first(rebind))) {
		dap_unlock();
		rebind_device(dev, because);
		put_device(dev);
		dap_lock();
	}
	list_del(&rebind->node);
	dap_unlock();
}
