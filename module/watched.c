// SPDX-License-Identifier: GPL-2.0
/*
 * The buses that are watched: those whose devices do DMA themselves.  Devices on
 * other buses, or on none, are watched one by one: devres tells when their
 * driver is gone, or they themselves are.
 *
 * On some other buses there are devices that depend on devices of these, such as
 * a switch on SPI that a network controller is connected to (net/dsa).  The
 * driver core unbinds both together, and rebind.c has to hear of it.  I2C is such
 * a bus only where it is built in, and MDIO is none: newer kernels do not export
 * it.
 *
 * Contexts and locking: process context, also under dap_lock().  While that is
 * held, no device that is found here can go away, so putting it never frees it:
 * whoever removes it first waits for dap_lock(), in BUS_NOTIFY_REMOVED_DEVICE.
 */
#include <linux/amba/bus.h>
#include <linux/device.h>
#include <linux/i2c.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/spi/spi.h>

#include "compat.h"
#include "watched.h"

struct dap_bus {
	DAP_BUS_CONST struct bus_type *type;
	struct notifier_block nb;
};

/* Called for a device that was watched by itself. */
static dr_release_t watched_gone;

/* Those that are watched come first. */
static struct dap_bus dap_buses[] = {
	{ &platform_bus_type },
#ifdef CONFIG_ARM_AMBA
	{ &amba_bustype },
#endif
#ifdef CONFIG_PCI
	{ &pci_bus_type },
#endif
#if IS_ENABLED(CONFIG_SPI)
	{ &spi_bus_type },
#endif
#if IS_BUILTIN(CONFIG_I2C)
	{ &i2c_bus_type },
#endif
};

#define DAP_NR_WATCHED	(ARRAY_SIZE(dap_buses) - DAP_NR_OTHER_BUSES)

/**
 * dap_on_watched_bus() - is a device on a bus that is watched?
 * @dev: the device
 *
 * Return: true if it is.
 */
bool dap_on_watched_bus(const struct device *dev)
{
	unsigned int i;

	for (i = 0; i < DAP_NR_WATCHED; i++)
		if (dev->bus == dap_buses[i].type)
			return true;
	return false;
}

/**
 * dap_find_device() - look for a device on the buses that are watched
 * @name: its name, as in /sys/bus/.../devices
 *
 * Context: process context, may sleep.
 * Return: the device, with a reference, or NULL.
 */
struct device *dap_find_device(const char *name)
{
	struct device *dev = NULL;
	unsigned int i;

	for (i = 0; i < DAP_NR_WATCHED && !dev; i++)
		dev = bus_find_device_by_name(dap_buses[i].type, NULL, name);
	return dev;
}

/**
 * dap_device_is_removed() - has a device been removed from its bus?
 * @dev: the device, on a bus that is watched
 *
 * If it has not, the caller can rely on BUS_NOTIFY_REMOVED_DEVICE being handled
 * later, as that takes dap_lock().
 *
 * Context: process context, under dap_lock().
 * Return: true if it has been removed.
 */
bool dap_device_is_removed(struct device *dev)
{
	struct device *found = bus_find_device_by_name(dev->bus, NULL,
						       dev_name(dev));

	put_device(found);
	return found != dev;
}

/**
 * dap_walk_devices() - go through all devices on buses that are watched
 * @data: argument for @fn
 * @fn:   called for each device, until it returns something else than 0
 *
 * Context: process context, may sleep.
 * Return: what the last call of @fn returned.
 */
int dap_walk_devices(void *data, int (*fn)(struct device *dev, void *data))
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < DAP_NR_WATCHED && !ret; i++)
		ret = bus_for_each_dev(dap_buses[i].type, NULL, data, fn);
	return ret;
}

/**
 * dap_watch_device() - watch for the end of a device, or of its driver
 * @dev: the device, its lock held if it is on a bus; if it is on a bus that is
 *       watched, there is nothing to do
 *
 * Context: process context, may sleep.
 * Return: 0 if it is watched from now on, 1 if it was already, or -ENOMEM.
 */
int dap_watch_device(struct device *dev)
{
	void *res;

	if (dap_on_watched_bus(dev) ||
	    devres_find(dev, watched_gone, NULL, NULL))
		return 1;
	res = devres_alloc(watched_gone, 0, GFP_KERNEL);
	if (!res)
		return -ENOMEM;
	devres_add(dev, res);
	return 0;
}

/**
 * dap_unwatch_device() - undo dap_watch_device(), if there is something to undo
 * @dev: the device
 *
 * Context: process context, may sleep.
 */
void dap_unwatch_device(struct device *dev)
{
	devres_destroy(dev, watched_gone, NULL, NULL);
}

/**
 * dap_watch_buses() - begin to hear of what happens to devices
 * @notify: called for each event of each of the buses
 * @others: the same, for buses whose devices may depend on those of the former
 * @gone:   called for a device of dap_watch_device() when it, or its driver, is
 *          gone
 *
 * Context: process context, may sleep.
 */
void __init dap_watch_buses(notifier_fn_t notify, notifier_fn_t others,
			    dr_release_t gone)
{
	unsigned int i;

	watched_gone = gone;
	/*
	 * This fails only for a bus that is not registered, which has no
	 * devices.
	 */
	for (i = 0; i < ARRAY_SIZE(dap_buses); i++) {
		dap_buses[i].nb.notifier_call = i < DAP_NR_WATCHED ? notify :
								     others;
		bus_register_notifier(dap_buses[i].type, &dap_buses[i].nb);
	}
}

/**
 * dap_unwatch_buses() - undo dap_watch_buses()
 *
 * Context: process context, may sleep.
 */
void dap_unwatch_buses(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(dap_buses); i++)
		bus_unregister_notifier(dap_buses[i].type, &dap_buses[i].nb);
}
