// SPDX-License-Identifier: GPL-2.0
/*
 * What happens to devices without a pool when a pool comes up.
 *
 * Those that have no driver and are to be clients are probed.  A device whose
 * probe is running at that moment is not looked at, and not probed again if
 * that probe fails.  If a default pool has no use for any of the devices, that
 * is reported.
 *
 * Contexts and locking: a work does all this, since the caller that brings up a
 * pool holds the lock of the pool's device.  No lock is held while a device is
 * probed.
 */
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/init.h>
#include <linux/jiffies.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "policy.h"
#include "waiting.h"
#include "watched.h"

/*
 * Is it a device without a driver that would get a pool?  Its probe may have
 * failed for lack of memory.  What a probe sets up, and frees again, must not be
 * looked at meanwhile (dma_range_map), so the device's lock is needed.
 */
static bool waiting_for_pool(struct device *dev)
{
	bool ret = false;

	if (READ_ONCE(dev->driver))
		return false;
	device_lock(dev);
	dap_lock();
	if (!dev->driver && !dap_client_find(dev))
		ret = !IS_ERR_OR_NULL(dap_policy_choose(dev, true) ?:
				      dap_policy_choose_default(dev));
	dap_unlock();
	device_unlock(dev);
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

/*
 * Called for each device: sets *found if a default pool could serve the device.
 * Returns true if it really would, since the device is not coherent.
 */
static int waiting_is_left_alone(struct device *dev, void *found)
{
	if (!dev->driver || dap_client_find(dev) || dap_policy_refusal(dev))
		return false;
	*(bool *)found = true;
	return !dap_is_coherent(dev);
}

/* A default pool without clients, of which that has not been said yet. */
static struct dap_entry *waiting_find_unused(void)
{
	struct dap_entry *entry;

	if (!dap_devices_are_there || !dap_registry_is_open)
		return NULL;
	list_for_each_entry(entry, &dap_entries, node)
		if (entry->is_default && !entry->reported_unused &&
		    entry->state == DAP_UP && list_empty(dap_clients(entry)))
			return entry;
	return NULL;
}

/*
 * On a machine without caches, a default pool serves nobody.  As that looks
 * like a fault, report it once.  @unused is the pool that had no clients before
 * all devices were tried: a later one has not been tried with them.
 */
static void waiting_report_unused(struct dap_entry *unused)
{
	bool found = false;

	dap_lock();
	if (unused && waiting_find_unused() == unused &&
	    !dap_walk_devices(&found, waiting_is_left_alone) && found) {
		unused->reported_unused = true;
		dev_info(unused->dev,
			 "DMA pool %s is the default, but all devices that it could serve count as coherent in hardware: name those that use it\n",
			 unused->pool.name);
	}
	dap_unlock();
}

/*
 * Most drivers of a noMMU system are built in.  If they need coherent memory,
 * their probes have failed by the time this module is loaded.
 */
static void waiting_work(struct work_struct *work)
{
	struct dap_entry *unused;

	dap_lock();
	unused = waiting_find_unused();
	dap_unlock();
	dap_walk_devices(NULL, waiting_probe_device);
	waiting_report_unused(unused);
}

static DECLARE_WORK(dap_probe_work, waiting_work);

/**
 * dap_probe_waiting() - probe the devices that were waiting for a pool
 * @wait: wait until that is done.  But not for long: a probe may load a module
 *        that needs this one, and nobody can use this one before it is loaded.
 *
 * Context: any; if @wait, process context outside of any probe.
 */
void dap_probe_waiting(bool wait)
{
	unsigned long end = jiffies + 5 * HZ;

	queue_work(dap_wq, &dap_probe_work);
	while (wait && work_busy(&dap_probe_work) && time_before(jiffies, end))
		usleep_range(1000, 2000);
}

/**
 * dap_waiting_exit() - stop probing devices
 *
 * Context: process context, may sleep; all pools have been retired.
 */
void dap_waiting_exit(void)
{
	cancel_work_sync(&dap_probe_work);
}

#ifndef MODULE
/*
 * If this is built in, it runs before the devices are there.  By now they all
 * are.
 */
static int __init dap_probe_late(void)
{
	dap_devices_are_there = true;
	if (dap_registry_is_open)
		dap_probe_waiting(true);
	return 0;
}
late_initcall_sync(dap_probe_late);
#endif
