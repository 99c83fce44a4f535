// SPDX-License-Identifier: GPL-2.0
/*
 * Unbind drivers, and bind them again.
 *
 * The operations of a device cannot be changed while a driver uses it, so its
 * driver is unbound for that.  Before that, the driver core unbinds all devices
 * that depend on this one (consumers of device links, such as the users of a
 * DMA controller), and it does not bind them again by itself.  So between
 * dap_rebind_begin() and dap_rebind_end(), each device that the calling task
 * unbinds is noted, and those that have lost their driver otherwise.  The
 * devices are bound again in the opposite order, so that suppliers come first.
 * If one of them is a pool's device, that pool's clients are unbound meanwhile:
 * they are bound again after it, and not when it has just gone.
 *
 * A noted device has a reference until it is bound again or removed, and no
 * longer: if the device comes from an overlay, nobody may use its nodes when
 * the overlay is removed.
 *
 * Contexts and locking: process context, may sleep.  dap_rebind_begin() and
 * dap_rebind_end() are called without any lock that a probe may take, the
 * others under dap_lock(), which protects all lists.
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

/* Where the calling task notes what it unbinds; NULL if it does not. */
static struct dap_rebind *rebind_of_task(void)
{
	struct dap_rebind *rebind;

	dap_assert_locked();
	list_for_each_entry(rebind, &dap_rebinds, node)
		if (rebind->task == current)
			return rebind;
	return NULL;
}

/**
 * dap_rebind_begin() - begin to note which devices this task unbinds
 * @rebind: not initialized.  If the task notes them already, it goes on to do so
 *          there, and nothing is noted here.
 */
void dap_rebind_begin(struct dap_rebind *rebind)
{
	INIT_LIST_HEAD(&rebind->devices);
	dap_lock();
	rebind->task = rebind_of_task() ? NULL : current;
	list_add(&rebind->node, &dap_rebinds);
	dap_unlock();
}

/**
 * dap_rebind_note() - note that a device has lost its driver
 * @dev: the device
 *
 * Context: under dap_lock().
 */
void dap_rebind_note(struct device *dev)
{
	struct dap_rebind *rebind = rebind_of_task();
	struct dap_unbound *unbound;

	if (!rebind)
		return;
	/*
	 * It may be watched by itself and by its bus, or have been bound again
	 * meanwhile, now with others that depend on it.
	 */
	list_for_each_entry(unbound, &rebind->devices, node)
		if (unbound->dev == dev) {
			list_move(&unbound->node, &rebind->devices);
			return;
		}
	/* The kernel reports the lack of memory; the device stays unbound. */
	unbound = kmalloc(sizeof(*unbound), GFP_KERNEL);
	if (!unbound)
		return;
	unbound->dev = get_device(dev);
	list_add(&unbound->node, &rebind->devices);
}

static void rebind_forget(struct dap_unbound *unbound)
{
	list_del(&unbound->node);
	put_device(unbound->dev);
	kfree(unbound);
}

/**
 * dap_rebind_forget() - do not bind a device again, as it is removed
 * @dev: the device, no matter which task has unbound it
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

/* The next device to be bound, with a reference; NULL if there is none. */
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

/* The device may be about to be removed, like all devices of an overlay. */
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
	/*
	 * device_attach() also returns 0 after a failed probe: look for a
	 * driver.
	 */
	if (device_attach(dev) < 0 || !READ_ONCE(dev->driver))
		what = "its driver did not bind again";
	if (dev != because)
		dev_warn(dev, "was unbound because of %s, and %s\n",
			 dev_name(because), what);
}

/**
 * dap_rebind_end() - bind all devices again that were unbound
 * @rebind:  the argument of dap_rebind_begin()
 * @because: the device because of which all this is done; only others are
 *           reported
 */
void dap_rebind_end(struct dap_rebind *rebind, struct device *because)
{
	struct device *dev;

	dap_lock();
	/* The task may unbind other devices from now on: do not note them. */
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
