// SPDX-License-Identifier: GPL-2.0
/*
 * Devices that wait for a pool, when one comes up.
 *
 * Those without a driver that are to be clients are probed.  Those that a default pool
 * leaves alone, all of them, are worth a word.  One whose probe is running just then
 * is not looked at, and not probed again if that fails.
 *
 * Contexts and locking: in a work, since who brings up a pool holds the lock of its
 * device.  No lock is held while a device is probed.
 */
#include <linux/device.h>
#include <linux/init.h>
#include <linux/workqueue.h>

#include "attach.h"
#include "compat.h"
#include "policy.h"
#include "waiting.h"

/* Does it wait for a pool, without a driver for want of memory, maybe? */
static bool waiting_for_pool(struct device *dev)
{
	bool ret = false;

	dap_lock();
	if (!dev->driver && !dap_client_find(dev))
		ret = !IS_ERR_OR_NULL(dap_policy_choose(dev, true) ?:
				      dap_policy_choose_default(dev));
	dap_unlock();
	return ret;
}

static int waiting_probe_device(struct device *dev, void *unused)
{
	if (waiting_for_pool(dev) && device_attach(dev) < 0)
		dev_dbg(dev, "did not bind with a DMA pool either\n");
	return 0;
}

#ifdef MODULE
#define dap_devices_are_there	true
#else
static bool dap_devices_are_there;
#endif

/* Is it one that a default pool could serve?  And would, if it were not coherent. */
static int waiting_is_left_alone(struct device *dev, void *found)
{
	if (!dev->driver || dap_client_find(dev) || dap_policy_refusal(dev))
		return 0;
	*(bool *)found = true;
	return !dap_is_coherent(dev);
}

/* Where a machine has no caches it serves nobody: say so once, it looks like a fault. */
static void waiting_report_idle(struct dap_entry *entry)
{
	bool found = false;

	if (!dap_devices_are_there || !dap_registry_is_open ||
	    !entry->is_default || entry->is_idle || entry->state != DAP_UP ||
	    !list_empty(dap_clients(entry)))
		return;
	if (dap_walk_devices(&found, waiting_is_left_alone) || !found)
		return;
	entry->is_idle = true;
	dev_info(entry->dev,
		 "DMA pool %s is the default, but all devices that it could serve count as coherent in hardware: name those that are to use it\n",
		 entry->pool.name);
}

/*
 * Most noMMU drivers are built in: where they need coherent memory, their probes
 * have failed by the time the module is loaded.
 */
static void waiting_work(struct work_struct *work)
{
	struct dap_entry *entry;

	dap_walk_devices(NULL, waiting_probe_device);
	dap_lock();
	list_for_each_entry(entry, &dap_entries, node)
		waiting_report_idle(entry);
	dap_unlock();
}

static DECLARE_WORK(dap_probe_work, waiting_work);

/**
 * dap_probe_waiting() - probe the devices that were waiting for a pool
 * @wait: until they are
 *
 * In a work, since who brings up a pool holds the lock of its device.
 *
 * Context: any; to wait, process context, not from a probe.
 */
void dap_probe_waiting(bool wait)
{
	queue_work(dap_wq, &dap_probe_work);
	if (wait)
		flush_work(&dap_probe_work);
}

/**
 * dap_waiting_exit() - probe nobody any more
 *
 * Context: process context, may sleep; all pools have been retired.
 */
void dap_waiting_exit(void)
{
	cancel_work_sync(&dap_probe_work);
}

#ifndef MODULE
/* Built in, it comes before the devices, and all of them before this. */
static int __init dap_probe_late(void)
{
	dap_devices_are_there = true;
	if (dap_registry_is_open)
		dap_probe_waiting(true);
	return 0;
}
late_initcall_sync(dap_probe_late);
#endif
