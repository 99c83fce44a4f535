// SPDX-License-Identifier: GPL-2.0
/*
 * Devices that are added, bound, used and removed as a fuzzer (life/life.py) or a
 * script demands, and the drivers for them.
 *
 * Each device is known by the name of its unit:
 *
 *   L0 ... L3	dap-life.0 ... dap-life.3, platform devices with a driver that can be
 *		unbound
 *   S0, S1	dap-stuck.0 and dap-stuck.1, with a driver that cannot be unbound
 *		(suppress_bind_attrs)
 *   B0, B1	dap-bare and dap-bare-child, devices on no bus
 *   X0		dap-other, on a bus on which dma_alias_pool has no notifier
 *   A0		dap-prime, a primecell (AMBA)
 *   T0		overlay-life, a node that comes and goes with a device tree overlay
 *   P0		QEMU's "edu" on PCI, which comes and goes by sysfs
 *
 * /sys/kernel/debug/dma_alias_pool_life/control takes commands.  If a command fails,
 * the write fails.
 *
 *   add UNIT, del UNIT		register the device, unregister it
 *   add B0|B1 UNIT		register it as a child of that unit, with its ops
 *   mode UNIT MODE [ARG]	what the driver's next probe does (life_modes[])
 *   keep UNIT 0|1|2		1: the driver leaves memory allocated when it goes,
 *				unless it has set other ops; 2: even then; 0: never
 *   maker UNIT [OTHER]		from now on it is used without a driver as well, by
 *				whoever has made it; they give it the ops of that unit
 *   alloc UNIT SLOT SIZE [nk]	coherent memory; nk: DMA_ATTR_NO_KERNEL_MAPPING
 *   free UNIT SLOT		free it; driver and device may be gone by then
 *   map UNIT			streaming DMA, memory that is not coherent, masks
 *   attach UNIT POOL, detach UNIT   by the in-kernel API
 *   group UNIT POOL		attach in a group of resources (devres), which is
 *				released under the driver
 *   limit UNIT ADDRESS		the last address that its bus reaches, 0 for all
 *   snoops UNIT 0|1		the kernel takes it for one that snoops the caches or not
 *   region UNIT PATH, unregion UNIT   take the first memory-region of this device
 *				tree node by the kernel's functions, and release it
 *   lock UNIT			lock the device; the event "locked" says for how long
 *   link UNIT OTHER		a device link: the unit depends on the other one
 *   takes UNIT OTHER		when it is suspended, the other one is removed
 *   channels UNIT		it registers a DMA controller, one unit at a time
 *   supply UNIT DEVICE		the same: this platform device depends on the unit
 *   chip UNIT			a chip on an I2C bus, with a driver of the kernel's, which
 *				depends on the unit; it is dropped with this module
 *   pins DEVICE		this platform device, which has a memory-region, needs pins
 *				of a controller that there is not, so no driver can be
 *				bound
 *   pins -			no device does
 *   raw POOL			attach a device that is not registered
 *   slow EVENT MS [DEVICE]	have a bus notifier sleep at this event
 *				(life_events[]), of this device or of any; with "+"
 *				after EVENT, a notifier that is called after that of
 *				dma_alias_pool
 *   slow -			nothing is slow any more, and whoever sleeps wakes up
 *
 * Reading .../state waits for deferred probes and work items, checks all memory, and
 * shows a line for each unit that has ever existed:
 *
 *   UNIT EXISTS BOUND CREATED RELEASED OPS DIFFERS CHANGED SLOT=DMA/SIZE ...
 *
 * OPS is n if the device has no ops of its own, o if it has this module's, x if it has
 * others.  DIFFERS is 1 if the device is bound and its ops are not those from the end
 * of its probe.  CHANGED counts how often this was so at the beginning of a remove.
 * Lines that begin with "!" are about something that must not happen.  They are shown
 * once.
 *
 * .../slowed counts who has begun to sleep because of "slow", .../late the devices that
 * were not released when "del" had removed them.
 *
 * A slot holds a reference to the device whose memory it has, for late frees.  This
 * module never calls the driver core with a lock held that its own callbacks take.
 *
 * For test kernels only.
 */
#include <linux/amba/bus.h>
#include <linux/atomic.h>
#include <linux/clk-provider.h>
#include <linux/clkdev.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/dmaengine.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/i2c.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/of.h>
#include <linux/of_reserved_mem.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "../../module/compat.h"
#include "dma_alias_pool_api.h"

#define LIFE_SLOTS	3
#define LIFE_WORD	32

/* In the order of life_modes[]. */
enum life_mode {
	LIFE_OK,
	LIFE_FAIL,
	LIFE_DEFER,
	LIFE_NEED,
	LIFE_API,
	LIFE_BIND,
	LIFE_REGION,
	LIFE_REGION_FAILS,
	LIFE_REGION_HOLDS,
	LIFE_WAIT,
	LIFE_CHANNELS,
	LIFE_COPY,
	LIFE_COPY_FAIL,
	LIFE_OWN,
	LIFE_NULL,
};

static const char * const life_modes[] = {
	"ok",		/* nothing */
	"fail",		/* takes 8 KiB of managed memory if it can, and fails */
	"defer",	/* the same, and is deferred */
	"need",		/* fails without 8 KiB of managed memory */
	"api",		/* attaches itself to pool ARG, is deferred without it */
	"bind",		/* binds platform device ARG, as if it had just made it */
	"region",	/* takes the memory-region of node ARG, or fails */
	"region_fails",	/* the same, and then fails for another reason */
	"region_holds",	/* the same, with 8 KiB of managed memory from there */
	"wait",		/* waits until dma_alias_pool is loaded */
	"channels",	/* registers a DMA controller; one unit at a time */
	/* the next ones do nothing if the device holds memory already */
	"copy",		/* sets the ops that unit ARG has */
	"copyfail",	/* the same, takes 8 KiB of managed memory, and fails */
	"own",		/* sets ops of this module */
	"null",		/* sets none */
};

/* In the order of the bus's events from BUS_NOTIFY_ADD_DEVICE on. */
static const char * const life_events[] = {
	"add", "del", "removed", "bind", "bound", "unbind", "unbound", "failed",
	/* not of the bus: a unit's device is freed, or locked by "lock" */
	"released", "locked",
};

#define LIFE_RELEASED	(ARRAY_SIZE(life_events) - 2)
#define LIFE_LOCKED	(ARRAY_SIZE(life_events) - 1)

/* What "slow" demands; the second row is that of EVENT+. */
static struct life_slow {
	unsigned int ms;
	char device[LIFE_WORD];		/* empty for any */
} life_slow[2][ARRAY_SIZE(life_events)];

static DECLARE_WAIT_QUEUE_HEAD(life_wake);
static atomic_t life_slowed;
static atomic_t life_late;

struct life_slot {
	struct device *dev;
	void *cpu;
	dma_addr_t dma;
	size_t size;
	unsigned long attrs;
	u8 byte;
};

/**
 * struct life_unit - the device of a unit, and what has become of earlier ones
 * @name:	of the unit, as commands use it
 * @driver:	name of the driver, and of the device before the dot; NULL: on no bus
 * @bus:	the bus, if it is not the platform's
 * @id:		number of the device, after the dot
 * @plug:	allows one add or del at a time
 * @lock:	protects everything below but @released
 * @dev:	the device while it is registered
 * @mode:	what probe does
 * @arg:	the argument of @mode
 * @keep:	leave memory allocated at remove; see "keep"
 * @bound:	true from the end of probe to the beginning of remove
 * @maker:	whoever has made the device uses it, with a driver or without
 * @tidy:	the driver has set other ops, so no memory is kept unless @keep is 2
 * @taken:	is removed when this one is suspended, or NULL; see "takes"
 * @ops:	the ops at the end of probe
 * @changed:	how often the ops at remove were not @ops
 * @release:	the original release() of a device that is not this module's
 * @created:	how many devices there have been
 * @released:	how many of them have been released
 * @slot:	memory
 */
struct life_unit {
	const char *name;
	const char *driver;
	const struct bus_type *bus;
	int id;
	struct mutex plug;	/* serializes add and del */
	struct mutex lock;	/* protects what follows */
	struct device *dev;
	enum life_mode mode;
	char arg[LIFE_WORD];
	u8 keep;
	bool bound;
	bool maker;		/* used by whoever has made it */
	bool tidy;
	struct life_unit *taken;
	const struct dma_map_ops *ops;
	unsigned int changed;
	void (*release)(struct device *dev);
	unsigned int created;
	atomic_t released;
	struct life_slot slot[LIFE_SLOTS];
};

static struct bus_type life_bus = {
	.name	= "dap-bus",
};

static struct life_unit life_units[] = {
	{ "L0", "dap-life", .id = 0 },
	{ "L1", "dap-life", .id = 1 },
	{ "L2", "dap-life", .id = 2 },
	{ "L3", "dap-life", .id = 3 },
	{ "S0", "dap-stuck", .id = 0 },
	{ "S1", "dap-stuck", .id = 1 },
	{ "B0" },
	{ "B1", NULL, .id = 1 },
	{ "X0", "dap-other", &life_bus },
#ifdef CONFIG_ARM_AMBA
	{ "A0", "dap-prime", &amba_bustype },
#endif
	{ "T0", "overlay-life" },
	{ "P0", "edu" },
};

static struct dentry *life_root;

/* Lines about what must not happen, for state_show(). */
static DEFINE_MUTEX(life_findings_lock);
static char life_findings[512];

static void __printf(1, 2) finding(const char *fmt, ...)
{
	size_t used;
	va_list args;

	va_start(args, fmt);
	mutex_lock(&life_findings_lock);
	used = strlen(life_findings);
	vscnprintf(life_findings + used, sizeof(life_findings) - used, fmt,
		   args);
	mutex_unlock(&life_findings_lock);
	va_end(args);
}

/* Sleep if "slow" demands it here. */
static void take_time(struct device *dev, bool late, unsigned int event)
{
	struct life_slow *slow = &life_slow[late][event];
	unsigned int ms = READ_ONCE(slow->ms);

	if (!ms || (slow->device[0] && strcmp(slow->device, dev_name(dev))))
		return;
	atomic_inc(&life_slowed);
	wait_event_timeout(life_wake, !READ_ONCE(slow->ms), msecs_to_jiffies(ms));
}

static struct life_unit *unit_of(const char *name)
{
	unsigned int i;

	for (i = 0; name && i < ARRAY_SIZE(life_units); i++)
		if (!strcmp(name, life_units[i].name))
			return &life_units[i];
	return NULL;
}

/* --- ops of this module: memory of the page allocator */

static void *own_alloc(struct device *dev, size_t size, dma_addr_t *dma,
		       gfp_t gfp, unsigned long attrs)
{
	void *cpu = (void *)__get_free_pages(gfp | __GFP_ZERO, get_order(size));

	if (cpu)
		*dma = virt_to_phys(cpu);
	return cpu;
}

static void own_free(struct device *dev, size_t size, void *cpu,
		     dma_addr_t dma, unsigned long attrs)
{
	free_pages((unsigned long)cpu, get_order(size));
}

static const struct dma_map_ops own_ops = {
	.alloc	= own_alloc,
	.free	= own_free,
};

/* --- a DMA controller that can do nothing */

#if IS_REACHABLE(CONFIG_DMA_ENGINE)
static struct dma_chan life_channel;

static enum dma_status channel_status(struct dma_chan *chan,
				      dma_cookie_t cookie,
				      struct dma_tx_state *state)
{
	return DMA_COMPLETE;
}

static void channel_issue_pending(struct dma_chan *chan)
{
}

static struct dma_device life_controller = {
	.device_tx_status	= channel_status,
	.device_issue_pending	= channel_issue_pending,
};

static int register_channels(struct device *dev)
{
	int ret;

	if (life_controller.dev)
		return -EBUSY;
	INIT_LIST_HEAD(&life_controller.channels);
	life_channel.device = &life_controller;
	list_add(&life_channel.device_node, &life_controller.channels);
	dma_cap_set(DMA_PRIVATE, life_controller.cap_mask);
	life_controller.dev = dev;
	ret = dma_async_device_register(&life_controller);
	if (ret)
		life_controller.dev = NULL;
	return ret;
}

static void unregister_channels(struct device *dev)
{
	if (life_controller.dev == dev) {
		dma_async_device_unregister(&life_controller);
		life_controller.dev = NULL;
	}
}
#else
static int register_channels(struct device *dev)
{
	return -EOPNOTSUPP;
}

static void unregister_channels(struct device *dev)
{
}
#endif

/* --- memory */

static bool is_mapped(const struct life_slot *slot)
{
	return !(slot->attrs & DMA_ATTR_NO_KERNEL_MAPPING);
}

static void check_slot(struct life_unit *unit, struct life_slot *slot)
{
	if (slot->dev && is_mapped(slot) &&
	    memchr_inv(slot->cpu, slot->byte, PAGE_ALIGN(slot->size)))
		finding("!memory of %s %td was written to\n", unit->name,
			slot - unit->slot);
}

static void free_slot(struct life_unit *unit, struct life_slot *slot)
{
	struct device *dev = slot->dev;

	check_slot(unit, slot);
	slot->dev = NULL;
	dma_free_attrs(dev, slot->size, slot->cpu, slot->dma, slot->attrs);
	put_device(dev);
}

static struct life_slot *slot_of(struct life_unit *unit, const char *word)
{
	unsigned int i;

	if (!word || kstrtouint(word, 0, &i) || i >= LIFE_SLOTS)
		return NULL;
	return &unit->slot[i];
}

/* The caller holds the unit's lock, here and for the next function. */
static bool holds_memory(struct life_unit *unit, struct device *dev)
{
	unsigned int i;

	for (i = 0; i < LIFE_SLOTS; i++)
		if (unit->slot[i].dev == dev)
			return true;
	return false;
}

static int alloc_slot(struct life_unit *unit, struct life_slot *slot,
		      size_t size, unsigned long attrs)
{
	static u8 byte;

	if (slot->dev)
		return -EEXIST;
	if (!unit->dev || (unit->driver && !unit->bound && !unit->maker))
		return -ENXIO;
	slot->cpu = dma_alloc_attrs(unit->dev, size, &slot->dma, GFP_KERNEL,
				    attrs | DMA_ATTR_NO_WARN);
	if (!slot->cpu)
		return -ENOMEM;
	slot->dev = get_device(unit->dev);
	slot->size = size;
	slot->attrs = attrs;
	byte = byte % 255 + 1;
	slot->byte = byte;
	if (!is_mapped(slot))
		return 0;
	if (memchr_inv(slot->cpu, 0, PAGE_ALIGN(size)))
		finding("!memory of %s %td is not zero\n", unit->name,
			slot - unit->slot);
	memset(slot->cpu, slot->byte, PAGE_ALIGN(size));
	return 0;
}

/* --- the drivers */

/* As drivers do for a device with several regions, or for a child. */
static int take_region(struct device *dev, const char *path)
{
	struct device_node *np = of_find_node_by_path(path);
	int ret = of_reserved_mem_device_init_by_idx(dev, np, 0);

	of_node_put(np);
	return ret;
}

static void copy_ops(struct device *dev, struct life_unit *from)
{
	struct device *other;

	mutex_lock(&from->lock);
	other = get_device(from->dev);
	mutex_unlock(&from->lock);
	if (other)
		set_dma_ops(dev, get_dma_ops(other));
	put_device(other);
}

static int bind_device(const char *name)
{
	struct device *dev = bus_find_device_by_name(&platform_bus_type, NULL,
						     name);
	int ret = dev ? device_attach(dev) : -ENODEV;

	put_device(dev);
	return min(ret, 0);
}

struct failed_probe {
	struct device *dev;
	const struct dma_map_ops *ops;
};

/* The driver core calls it before all else that the probe has set up is released. */
static void probe_undone(void *data)
{
	struct failed_probe *failed = data;

	/* there may be those of another client now, its own */
	if (failed->ops && !failed->dev->dma_ops)
		finding("!a failed probe of %s lost its operations\n",
			dev_name(failed->dev));
}

static void watch_failed_probe(struct device *dev)
{
	struct failed_probe *failed = devm_kzalloc(dev, sizeof(*failed),
						   GFP_KERNEL);

	if (!failed)
		return;
	failed->dev = dev;
	failed->ops = dev->dma_ops;
	devm_add_action(dev, probe_undone, failed);
}

/*
 * As request_module() does for a module that needs dma_alias_pool, which nobody can use
 * before its init function has returned.
 */
static int wait_until_loaded(void)
{
	unsigned long end = jiffies + 30 * HZ;

	while (!symbol_get(dma_alias_pool_attach)) {
		if (time_after(jiffies, end))
			return -ETIMEDOUT;
		msleep(20);
	}
	symbol_put(dma_alias_pool_attach);
	return 0;
}

static int probe_as_told(struct device *dev)
{
	struct life_unit *unit = dev_get_platdata(dev);
	enum life_mode mode;
	char arg[LIFE_WORD];
	dma_addr_t dma;
	bool has = true;
	int ret = 0;

	if (!unit)
		return -ENODEV;
	mutex_lock(&unit->lock);
	mode = unit->mode;
	/* memory of the present ops could not be freed by other ones */
	if (mode >= LIFE_COPY && holds_memory(unit, dev))
		mode = LIFE_OK;
	strscpy(arg, unit->arg, sizeof(arg));
	mutex_unlock(&unit->lock);

	if (mode == LIFE_FAIL || mode == LIFE_DEFER || mode == LIFE_NEED)
		has = dmam_alloc_attrs(dev, SZ_8K, &dma, GFP_KERNEL,
				       DMA_ATTR_NO_WARN);
	switch (mode) {
	case LIFE_FAIL:
		return -ENXIO;
	case LIFE_DEFER:
		return -EPROBE_DEFER;
	case LIFE_API:
		ret = api_attach(dev, arg);
		break;
	case LIFE_BIND:
		ret = bind_device(arg);
		break;
	case LIFE_REGION:
	case LIFE_REGION_FAILS:
	case LIFE_REGION_HOLDS:
		ret = take_region(dev, arg);
		if (mode == LIFE_REGION_HOLDS)
			dmam_alloc_attrs(dev, SZ_8K, &dma, GFP_KERNEL,
					 DMA_ATTR_NO_WARN);
		if (!ret && mode != LIFE_REGION)
			ret = -ENXIO;
		break;
	case LIFE_WAIT:
		ret = wait_until_loaded();
		break;
	case LIFE_CHANNELS:
		ret = register_channels(dev);
		break;
	case LIFE_COPY:
	case LIFE_COPY_FAIL:
		if (unit_of(arg) && unit_of(arg) != unit)
			copy_ops(dev, unit_of(arg));
		if (mode == LIFE_COPY)
			break;
		dmam_alloc_attrs(dev, SZ_8K, &dma, GFP_KERNEL,
				 DMA_ATTR_NO_WARN);
		return -ENXIO;
	case LIFE_OWN:
		set_dma_ops(dev, &own_ops);
		break;
	case LIFE_NULL:
		set_dma_ops(dev, NULL);
		break;
	default:
		break;
	}
	if (!has)
		return -ENOMEM;
	if (ret)
		return ret;

	mutex_lock(&unit->lock);
	unit->bound = true;
	unit->tidy = mode >= LIFE_COPY;
	unit->ops = dev->dma_ops;
	mutex_unlock(&unit->lock);
	return 0;
}

static int probe(struct device *dev)
{
	int ret = probe_as_told(dev);

	if (ret)
		watch_failed_probe(dev);
	return ret;
}

static void driver_goes(struct device *dev)
{
	struct life_unit *unit = dev_get_platdata(dev);
	unsigned int i;

	mutex_lock(&unit->lock);
	unit->changed += dev->dma_ops != unit->ops;
	unregister_channels(dev);
	/* first, since managed memory would be freed only after remove() */
	if (!unit->maker)
		of_reserved_mem_device_release(dev);
	for (i = 0; i < LIFE_SLOTS; i++)
		if (unit->slot[i].dev == dev && unit->keep <= unit->tidy)
			free_slot(unit, &unit->slot[i]);
	/* copied ops stay, as drivers leave them */
	if (dev->dma_ops == &own_ops)
		set_dma_ops(dev, NULL);
	unit->bound = false;
	unit->tidy = false;
	mutex_unlock(&unit->lock);
}

static int life_probe(struct platform_device *pdev)
{
	return probe(&pdev->dev);
}

static dap_remove_t life_remove(struct platform_device *pdev)
{
	driver_goes(&pdev->dev);
	return DAP_REMOVED;
}

static int do_del(struct life_unit *unit, char *args);

/* Removing what has gone already is no error here. */
static int life_suspend(struct device *dev)
{
	struct life_unit *unit = dev_get_platdata(dev);

	if (unit && unit->taken) {
		/* those that wait for this device do so by now */
		msleep(200);
		do_del(unit->taken, NULL);
	}
	return 0;
}

static const struct dev_pm_ops life_pm_ops = { .suspend = life_suspend };

static const struct of_device_id life_of_ids[] = {
	{ .compatible = "dma-alias-pool,life" },
	{ }
};

static struct platform_driver life_drivers[] = {
	{
		.probe	= life_probe,
		.remove	= life_remove,
		.driver	= {
			.name = "dap-life",
			.of_match_table = life_of_ids,
			.pm = &life_pm_ops,
		},
	}, {
		.probe	= life_probe,
		.remove	= life_remove,
		.driver	= { .name = "dap-stuck", .suppress_bind_attrs = true },
	},
};

#ifdef CONFIG_PCI
static int life_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	return probe(&pdev->dev);
}

static void life_pci_remove(struct pci_dev *pdev)
{
	driver_goes(&pdev->dev);
}

static const struct pci_device_id life_pci_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};

static struct pci_driver life_pci_driver = {
	.name		= "dap-life-pci",
	.id_table	= life_pci_ids,
	.probe		= life_pci_probe,
	.remove		= life_pci_remove,
};

static bool is_on_pci(struct device *dev)
{
	return dev->bus == &pci_bus_type &&
	       pci_match_id(life_pci_ids, to_pci_dev(dev));
}
#else
static bool is_on_pci(struct device *dev)
{
	return false;
}
#endif

#ifdef CONFIG_ARM_AMBA
#define LIFE_PERIPHID	0xda9

static int life_amba_probe(struct amba_device *adev, const struct amba_id *id)
{
	return probe(&adev->dev);
}

static void life_amba_remove(struct amba_device *adev)
{
	driver_goes(&adev->dev);
}

static const struct amba_id life_amba_ids[] = {
	{ LIFE_PERIPHID, ~0 },
	{ }
};

static struct amba_driver life_amba_driver = {
	.drv		= { .name = "dap-prime" },
	.id_table	= life_amba_ids,
	.probe		= life_amba_probe,
	.remove		= life_amba_remove,
};

static struct clk_hw *life_clock;
static struct clk_lookup *life_clock_name;

/* The bus demands a clock of each device. */
static int register_amba(void)
{
	int ret;

	life_clock = clk_hw_register_fixed_rate(NULL, "dap-prime", NULL, 0,
						1000000);
	if (IS_ERR(life_clock))
		return PTR_ERR(life_clock);
	life_clock_name = clkdev_hw_create(life_clock, "apb_pclk", "dap-prime");
	ret = life_clock_name ? amba_driver_register(&life_amba_driver) :
				-ENOMEM;
	if (!ret)
		return 0;
	if (life_clock_name)
		clkdev_drop(life_clock_name);
	clk_hw_unregister_fixed_rate(life_clock);
	return ret;
}

static void unregister_amba(void)
{
	amba_driver_unregister(&life_amba_driver);
	clkdev_drop(life_clock_name);
	clk_hw_unregister_fixed_rate(life_clock);
}

/* It becomes the unit's in adopt(). */
static int add_amba(const struct life_unit *unit)
{
	/*
	 * No addresses of this machine, since nobody accesses the device.  Each has its
	 * own, as it keeps them until its release(), and its successor may come earlier.
	 */
	static struct resource space = {
		.end = U32_MAX,
		.flags = IORESOURCE_MEM,
	};
	struct amba_device *adev = amba_device_alloc(unit->driver,
						     unit->created * SZ_4K,
						     SZ_4K);
	int ret;

	if (!adev)
		return -ENOMEM;
	adev->periphid = LIFE_PERIPHID;
	adev->dev.coherent_dma_mask = DMA_BIT_MASK(32);
	ret = amba_device_add(adev, &space);
	if (ret)
		amba_device_put(adev);
	return ret;
}

static bool is_on_amba(const struct device *dev)
{
	return dev->bus == &amba_bustype &&
	       !strcmp(dev_name(dev), life_amba_driver.drv.name);
}
#else
static int register_amba(void)
{
	return 0;
}

static void unregister_amba(void)
{
}

static int add_amba(const struct life_unit *unit)
{
	return -ENODEV;
}

static bool is_on_amba(const struct device *dev)
{
	return false;
}
#endif

static int other_remove(struct device *dev)
{
	driver_goes(dev);
	return 0;
}

static struct device_driver other_driver = {
	.name	= "dap-other",
	.bus	= &life_bus,
	.probe	= probe,
	.remove	= other_remove,
};

/* --- devices */

static void life_release(struct device *dev)
{
	struct life_unit *unit = dev_get_platdata(dev);

	take_time(dev, false, LIFE_RELEASED);
	atomic_inc(&unit->released);
	kfree(to_platform_device(dev));
}

static int init_bare(struct device *dev, const char *name)
{
	device_initialize(dev);
	dev->dma_mask = &dev->coherent_dma_mask;
	dev->coherent_dma_mask = DMA_BIT_MASK(32);
	return dev_set_name(dev, "%s", name);
}

static bool is_platform(const struct life_unit *unit)
{
	return unit->driver && !unit->bus;
}

static int add_device(struct life_unit *unit, struct life_unit *parent)
{
	/* Without the platform bus, only its dev is used. */
	struct platform_device *pdev = kzalloc(sizeof(*pdev), GFP_KERNEL);
	struct device *dev;
	int ret;

	if (!pdev)
		return -ENOMEM;
	dev = &pdev->dev;
	dev->platform_data = unit;
	dev->release = life_release;
	mutex_lock(&unit->lock);
	unit->created++;
	unit->dev = dev;
	mutex_unlock(&unit->lock);
	if (is_platform(unit)) {
		pdev->name = unit->driver;
		pdev->id = unit->id;
		ret = platform_device_register(pdev);
	} else {
		dev->bus = (typeof(dev->bus))unit->bus;
		ret = init_bare(dev, unit->driver ?: unit->id ?
				"dap-bare-child" : "dap-bare");
		if (parent) {
			dev->parent = parent->dev;
			copy_ops(dev, parent);
		}
		ret = ret ?: device_add(dev);
	}
	if (ret) {
		mutex_lock(&unit->lock);
		unit->dev = NULL;
		mutex_unlock(&unit->lock);
		put_device(dev);
	}
	return ret;
}

static void remove_device(struct life_unit *unit)
{
	unsigned int created = unit->created;
	struct device *dev;

	mutex_lock(&unit->lock);
	dev = unit->dev;
	/* a driver that is bound needs unit->dev until it is unbound */
	if (!unit->driver)
		unit->dev = NULL;
	mutex_unlock(&unit->lock);

	if (!unit->driver) {
		device_unregister(dev);
		goto out;
	}
	/* unit->dev must stay valid until it is cleared below */
	get_device(dev);
	if (is_platform(unit))
		platform_device_unregister(to_platform_device(dev));
	else
		device_unregister(dev);
	mutex_lock(&unit->lock);
	unit->dev = NULL;
	mutex_unlock(&unit->lock);
	put_device(dev);
out:
	if (atomic_read(&unit->released) < created)
		atomic_inc(&life_late);
}

/* --- commands */

static int do_add(struct life_unit *unit, char *args)
{
	int ret;

	mutex_lock(&unit->plug);
	if (unit->dev)
		ret = -EEXIST;
	else if (unit == unit_of("A0"))
		ret = add_amba(unit);
	else
		ret = add_device(unit, unit_of(args));
	mutex_unlock(&unit->plug);
	return ret;
}

static int do_del(struct life_unit *unit, char *args)
{
	int ret = 0;

	mutex_lock(&unit->plug);
	if (unit->dev)
		remove_device(unit);
	else
		ret = -ENODEV;
	mutex_unlock(&unit->plug);
	return ret;
}

static int do_takes(struct life_unit *unit, char *args)
{
	unit->taken = unit_of(args);
	return unit->taken ? 0 : -EINVAL;
}

static int do_mode(struct life_unit *unit, char *args)
{
	char *word = strsep(&args, " ");
	int mode = match_string(life_modes, ARRAY_SIZE(life_modes), word ?: "");

	if (mode < 0)
		return mode;
	mutex_lock(&unit->lock);
	unit->mode = mode;
	strscpy(unit->arg, args ?: "", sizeof(unit->arg));
	mutex_unlock(&unit->lock);
	return 0;
}

static int do_keep(struct life_unit *unit, char *args)
{
	mutex_lock(&unit->lock);
	unit->keep = args ? *args - '0' : 0;
	mutex_unlock(&unit->lock);
	return 0;
}

static int do_alloc(struct life_unit *unit, char *args)
{
	struct life_slot *slot = slot_of(unit, strsep(&args, " "));
	char *word = strsep(&args, " ");
	unsigned int size;
	int ret;

	if (!slot || !word || kstrtouint(word, 0, &size))
		return -EINVAL;
	mutex_lock(&unit->lock);
	ret = alloc_slot(unit, slot, size,
			 args ? DMA_ATTR_NO_KERNEL_MAPPING : 0);
	mutex_unlock(&unit->lock);
	return ret;
}

static int do_maker(struct life_unit *unit, char *args)
{
	mutex_lock(&unit->lock);
	unit->maker = true;
	mutex_unlock(&unit->lock);
	if (args && unit->dev && unit_of(args))
		copy_ops(unit->dev, unit_of(args));
	return 0;
}

static int do_channels(struct life_unit *unit, char *args)
{
	int ret = -ENODEV;

	mutex_lock(&unit->lock);
	if (unit->bound)
		ret = register_channels(unit->dev);
	mutex_unlock(&unit->lock);
	return ret;
}

static int do_snoops(struct life_unit *unit, char *args)
{
	bool snoops;
	int ret;

	if (!args || kstrtobool(args, &snoops))
		return -EINVAL;
	mutex_lock(&unit->lock);
	ret = unit->dev ? 0 : -ENODEV;
	if (!ret)
		dap_assign_coherent(unit->dev, snoops);
	mutex_unlock(&unit->lock);
	return ret;
}

static int do_free(struct life_unit *unit, char *args)
{
	struct life_slot *slot = slot_of(unit, args);
	int ret = -ENOENT;

	if (!slot)
		return -EINVAL;
	mutex_lock(&unit->lock);
	if (slot->dev) {
		free_slot(unit, slot);
		ret = 0;
	}
	mutex_unlock(&unit->lock);
	return ret;
}

/* The calls that a client's ops pass on to the kernel. */
static int map(struct device *dev, void *cpu)
{
	/* 5.10 with DMA_API_DEBUG records failed calls, too, with the value from here */
	dma_addr_t dma = DMA_MAPPING_ERROR;
	void *pages;
	int ret;

	ret = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(32));
	pages = dma_alloc_noncoherent(dev, SZ_4K, &dma, DMA_TO_DEVICE,
				      GFP_KERNEL);
	/* DMA_API_DEBUG complains if nobody calls dma_mapping_error() */
	if (pages && !dma_mapping_error(dev, dma))
		dma_free_noncoherent(dev, SZ_4K, pages, dma, DMA_TO_DEVICE);
	dma = dma_map_single(dev, cpu, SZ_1K, DMA_BIDIRECTIONAL);
	if (dma_mapping_error(dev, dma))
		return -EIO;
	dma_unmap_single(dev, dma, SZ_1K, DMA_BIDIRECTIONAL);
	return pages ? ret : -ENOMEM;
}

static int do_map(struct life_unit *unit, char *args)
{
	void *cpu = kmalloc(SZ_1K, GFP_KERNEL);
	int ret = 0;

	if (!cpu)
		return -ENOMEM;
	memset(cpu, 0x5a, SZ_1K);
	mutex_lock(&unit->lock);
	if (!unit->dev || (unit->driver && !unit->bound && !unit->maker))
		ret = -ENXIO;
	else if (unit->dev->dma_ops == &own_ops)
		ret = -EOPNOTSUPP;
	else
		ret = map(unit->dev, cpu);
	mutex_unlock(&unit->lock);
	if (memchr_inv(cpu, 0x5a, SZ_1K))
		finding("!a buffer that %s had mapped has changed\n",
			unit->name);
	kfree(cpu);
	return ret;
}

/* The driver has changed its ops itself, which does not count as DIFFERS. */
static void remember_ops(struct life_unit *unit)
{
	if (unit->bound)
		unit->ops = unit->dev->dma_ops;
}

/*
 * Ask as one has to: as the driver, which the unit's lock keeps from being unbound
 * meanwhile, or else with the device's lock held.
 */
static int ask(struct life_unit *unit, const char *pool,
	       int (*call)(struct device *dev, const char *pool))
{
	struct device *dev;
	bool has_driver;
	int ret = -ENODEV;

	mutex_lock(&unit->lock);
	dev = get_device(unit->dev);
	has_driver = unit->bound || !unit->driver;
	if (dev && !has_driver) {
		mutex_unlock(&unit->lock);
		device_lock(dev);
		mutex_lock(&unit->lock);
	}
	if (dev && unit->dev == dev)
		ret = call(dev, pool);
	if (!ret)
		remember_ops(unit);
	mutex_unlock(&unit->lock);
	if (dev && !has_driver)
		device_unlock(dev);
	put_device(dev);
	return ret;
}

static int do_attach(struct life_unit *unit, char *args)
{
	return ask(unit, args, api_attach);
}

/* As the drivers of components do when another one of them goes. */
static int call_group(struct device *dev, const char *pool)
{
	void *group = devres_open_group(dev, NULL, GFP_KERNEL);
	int ret = group ? api_attach(dev, pool) : -ENOMEM;

	if (group)
		devres_release_group(dev, group);
	return ret;
}

static int do_group(struct life_unit *unit, char *args)
{
	return ask(unit, args, call_group);
}

static int call_detach(struct device *dev, const char *unused)
{
	return api_detach(dev);
}

static int do_detach(struct life_unit *unit, char *args)
{
	return ask(unit, NULL, call_detach);
}

static int do_lock(struct life_unit *unit, char *args)
{
	struct device *dev;

	mutex_lock(&unit->lock);
	dev = get_device(unit->dev);
	mutex_unlock(&unit->lock);
	if (!dev)
		return -ENODEV;
	device_lock(dev);
	take_time(dev, false, LIFE_LOCKED);
	device_unlock(dev);
	put_device(dev);
	return 0;
}

static int do_limit(struct life_unit *unit, char *args)
{
	int ret = -ENODEV;

	mutex_lock(&unit->lock);
	if (unit->dev)
		ret = kstrtou64(args ?: "", 0, &unit->dev->bus_dma_limit);
	mutex_unlock(&unit->lock);
	return ret;
}

static int do_region(struct life_unit *unit, char *args)
{
	int ret = -ENODEV;

	mutex_lock(&unit->lock);
	if (unit->dev && args)
		ret = take_region(unit->dev, args);
	mutex_unlock(&unit->lock);
	return ret;
}

static int do_unregion(struct life_unit *unit, char *args)
{
	int ret = -ENODEV;

	mutex_lock(&unit->lock);
	if (unit->dev) {
		of_reserved_mem_device_release(unit->dev);
		ret = 0;
	}
	mutex_unlock(&unit->lock);
	return ret;
}

/* The link is managed, and goes when one of the devices is removed. */
static int do_link(struct life_unit *unit, char *args)
{
	struct life_unit *other = unit_of(args);
	int ret = -ENODEV;

	if (!other || other == unit)
		return -EINVAL;
	mutex_lock(&unit->plug);
	mutex_lock_nested(&other->plug, SINGLE_DEPTH_NESTING);
	if (unit->dev && other->dev)
		ret = device_link_add(unit->dev, other->dev, 0) ? 0 : -EINVAL;
	mutex_unlock(&other->plug);
	mutex_unlock(&unit->plug);
	return ret;
}

/* The same for a device that is no unit, such as a pool's. */
static int do_supply(struct life_unit *unit, char *args)
{
	struct device *dev = bus_find_device_by_name(&platform_bus_type, NULL,
						     args ?: "");
	int ret = -ENODEV;

	mutex_lock(&unit->plug);
	if (dev && unit->dev)
		ret = device_link_add(dev, unit->dev, 0) ? 0 : -EINVAL;
	mutex_unlock(&unit->plug);
	put_device(dev);
	return ret;
}

/* --- a chip on a bus on which nothing does DMA */

/* As net/dsa does: a switch on I2C depends on the controller that it is behind. */
#if IS_BUILTIN(CONFIG_I2C)
static struct i2c_client *life_chip;

static int no_transfer(struct i2c_adapter *adapter, struct i2c_msg *msgs, int num)
{
	return -EIO;
}

static u32 no_functions(struct i2c_adapter *adapter)
{
	return 0;
}

static const struct i2c_algorithm life_algorithm = {
	.master_xfer	= no_transfer,
	.functionality	= no_functions,
};

static struct i2c_adapter life_i2c = {
	.owner	= THIS_MODULE,
	.name	= "dap-i2c",
	.algo	= &life_algorithm,
};

static int do_chip(struct life_unit *unit, char *args)
{
	struct i2c_client *chip;
	int ret;

	if (life_chip)
		return -EBUSY;
	ret = i2c_add_adapter(&life_i2c);
	if (ret)
		return ret;
	chip = i2c_new_dummy_device(&life_i2c, 0x10);
	if (IS_ERR(chip)) {
		i2c_del_adapter(&life_i2c);
		return PTR_ERR(chip);
	}
	life_chip = chip;
	mutex_lock(&unit->plug);
	if (!unit->dev || !device_link_add(&chip->dev, unit->dev, 0))
		ret = -ENODEV;
	mutex_unlock(&unit->plug);
	return ret;
}

static void drop_chip(void)
{
	if (!life_chip)
		return;
	i2c_unregister_device(life_chip);
	i2c_del_adapter(&life_i2c);
}
#else
static int do_chip(struct life_unit *unit, char *args)
{
	return -ENODEV;
}

static void drop_chip(void) { }
#endif

static const struct {
	const char *name;
	int (*run)(struct life_unit *unit, char *args);
} life_commands[] = {
	{ "add",	do_add },
	{ "del",	do_del },
	{ "mode",	do_mode },
	{ "keep",	do_keep },
	{ "maker",	do_maker },
	{ "alloc",	do_alloc },
	{ "snoops",	do_snoops },
	{ "free",	do_free },
	{ "map",	do_map },
	{ "attach",	do_attach },
	{ "detach",	do_detach },
	{ "group",	do_group },
	{ "lock",	do_lock },
	{ "limit",	do_limit },
	{ "region",	do_region },
	{ "unregion",	do_unregion },
	{ "link",	do_link },
	{ "takes",	do_takes },
	{ "supply",	do_supply },
	{ "chip",	do_chip },
	{ "channels",	do_channels },
};

static void raw_release(struct device *dev)
{
	kfree(dev);
}

/* A device that is not registered: no notifier would hear of its end. */
static int do_raw(const char *pool)
{
	struct device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	int ret;

	if (!dev)
		return -ENOMEM;
	ret = init_bare(dev, "dap-raw");
	dev->release = raw_release;
	ret = ret ?: api_attach(dev, pool);
	put_device(dev);
	return ret;
}

/* --- pins that nobody has */

#if IS_ENABLED(CONFIG_PINCTRL) && defined(DAP_ADD_PROPERTY_IS_EXPORTED)
static DEFINE_MUTEX(life_pins_lock);
static struct device_node *life_pins_node;

/* A property that was removed stays with its node, so each is a new one. */
static int add_pins(struct device_node *np, u32 phandle)
{
	struct {
		struct property property;
		__be32 value;
	} *pins = kzalloc(sizeof(*pins), GFP_KERNEL);

	if (!pins)
		return -ENOMEM;
	pins->value = cpu_to_be32(phandle);
	pins->property.name = "pinctrl-0";
	pins->property.value = &pins->value;
	pins->property.length = sizeof(pins->value);
	return of_add_property(np, &pins->property);
}

/* The node of its memory-region is not below a pin controller. */
static int need_pins(struct device_node *np)
{
	struct device_node *region = of_parse_phandle(np, "memory-region", 0);
	int ret = -ENODEV;

	if (region)
		ret = add_pins(np, region->phandle);
	if (!ret)
		life_pins_node = of_node_get(np);
	of_node_put(region);
	return ret;
}

static void need_no_pins(void)
{
	if (!life_pins_node)
		return;
	of_remove_property(life_pins_node,
			   of_find_property(life_pins_node, "pinctrl-0", NULL));
	of_node_put(life_pins_node);
	life_pins_node = NULL;
}

static int do_pins(const char *name)
{
	struct device *dev;
	int ret = 0;

	mutex_lock(&life_pins_lock);
	need_no_pins();
	if (strcmp(name, "-")) {
		dev = bus_find_device_by_name(&platform_bus_type, NULL, name);
		ret = dev ? need_pins(dev->of_node) : -ENODEV;
		put_device(dev);
	}
	mutex_unlock(&life_pins_lock);
	return ret;
}
#else
static void need_no_pins(void)
{
}

static int do_pins(const char *name)
{
	return -EOPNOTSUPP;
}
#endif

/* --- a bus that takes its time */

static int do_slow(char *word, char *args)
{
	size_t len = strlen(word);
	bool late = len && word[len - 1] == '+';
	char *time = strsep(&args, " ");
	struct life_slow *slow;
	unsigned int ms;
	int event;

	if (!strcmp(word, "-")) {
		for (event = 0; event < ARRAY_SIZE(life_events); event++) {
			WRITE_ONCE(life_slow[false][event].ms, 0);
			WRITE_ONCE(life_slow[true][event].ms, 0);
		}
		wake_up_all(&life_wake);
		return 0;
	}
	if (late)
		word[len - 1] = '\0';
	event = match_string(life_events, ARRAY_SIZE(life_events), word);
	if (event < 0 || !time || kstrtouint(time, 0, &ms) || ms > 60000)
		return -EINVAL;
	slow = &life_slow[late][event];
	if (strscpy(slow->device, args ?: "", sizeof(slow->device)) < 0)
		return -EINVAL;
	atomic_set(&life_slowed, 0);
	WRITE_ONCE(slow->ms, ms);
	return 0;
}

static int event_index(unsigned long action)
{
	switch (action) {
	case BUS_NOTIFY_ADD_DEVICE:
		return 0;
	case BUS_NOTIFY_DEL_DEVICE:
		return 1;
	case BUS_NOTIFY_REMOVED_DEVICE:
		return 2;
	case BUS_NOTIFY_BIND_DRIVER:
		return 3;
	case BUS_NOTIFY_BOUND_DRIVER:
		return 4;
	case BUS_NOTIFY_UNBIND_DRIVER:
		return 5;
	case BUS_NOTIFY_UNBOUND_DRIVER:
		return 6;
	case BUS_NOTIFY_DRIVER_NOT_BOUND:
		return 7;
	}
	return -1;
}

static void life_adopted_release(struct device *dev)
{
	struct life_unit *unit = dev_get_platdata(dev);

	atomic_inc(&unit->released);
	/* the original release() would free it */
	dev->platform_data = NULL;
	unit->release(dev);
}

static struct life_unit *adopted_unit(struct device *dev)
{
	if (of_match_node(life_of_ids, dev->of_node))
		return unit_of("T0");
	if (is_on_amba(dev))
		return unit_of("A0");
	return is_on_pci(dev) ? unit_of("P0") : NULL;
}

/* Make a device that is not this module's the device of a unit. */
static void adopt(struct life_unit *unit, struct device *dev)
{
	mutex_lock(&unit->lock);
	unit->created++;
	unit->release = dev->release;
	dev->release = life_adopted_release;
	dev->platform_data = unit;
	unit->dev = dev;
	mutex_unlock(&unit->lock);
}

static void forget(struct life_unit *unit)
{
	mutex_lock(&unit->lock);
	unit->dev = NULL;
	mutex_unlock(&unit->lock);
}

static int life_notify(struct notifier_block *nb, unsigned long action,
		       void *data)
{
	int event = event_index(action);
	struct life_unit *unit = NULL;
	struct device *dev = data;

	if (!nb->priority && action == BUS_NOTIFY_ADD_DEVICE)
		unit = adopted_unit(dev);
	if (unit)
		adopt(unit, dev);
	if (!nb->priority && action == BUS_NOTIFY_REMOVED_DEVICE &&
	    dev->release == life_adopted_release)
		forget(dev_get_platdata(dev));
	if (event >= 0)
		take_time(dev, nb->priority < 0, event);
	return NOTIFY_DONE;
}

static struct {
	DAP_BUS_CONST struct bus_type *bus;
	struct notifier_block nb;
} life_nbs[] = {
	{ &platform_bus_type, { .notifier_call = life_notify } },
	{ &platform_bus_type, { .notifier_call = life_notify, .priority = -1 } },
#ifdef CONFIG_ARM_AMBA
	{ &amba_bustype, { .notifier_call = life_notify } },
#endif
#ifdef CONFIG_PCI
	{ &pci_bus_type, { .notifier_call = life_notify } },
#endif
};

/* --- the files */

static ssize_t control_write(struct file *file, const char __user *from,
			     size_t count, loff_t *pos)
{
	char line[80], *args, *name;
	struct life_unit *unit;
	unsigned int i;
	int ret = -EINVAL;

	if (count >= sizeof(line))
		return -E2BIG;
	if (copy_from_user(line, from, count))
		return -EFAULT;
	line[count] = '\0';
	args = strim(line);
	name = strsep(&args, " ");
	if (!strcmp(name, "raw") && args)
		return do_raw(args) ?: count;
	if (!strcmp(name, "pins") && args)
		return do_pins(args) ?: count;
	if (!strcmp(name, "slow") && args) {
		name = strsep(&args, " ");
		return do_slow(name, args) ?: count;
	}
	unit = unit_of(strsep(&args, " "));
	if (!unit)
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(life_commands); i++)
		if (!strcmp(name, life_commands[i].name))
			ret = life_commands[i].run(unit, args);
	return ret ?: count;
}

static const struct file_operations control_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= control_write,
	.llseek	= noop_llseek,
};

/*
 * Wait for the queue of schedule_work(), and for deferred probes.  New kernels have
 * another name for that queue.
 */
static void flush_kernel(void)
{
#ifdef DAP_HAS_PERCPU_WQ
	struct workqueue_struct *wq = READ_ONCE(system_percpu_wq);
#else
	struct workqueue_struct *wq = READ_ONCE(system_wq);
#endif

	/* flush_workqueue() may be a macro that makes clang warn about system queues */
#ifdef flush_workqueue
	__flush_workqueue(wq);
#else
	flush_workqueue(wq);
#endif
	wait_for_device_probe();
}

static char ops_letter(struct device *dev)
{
	if (!dev || !dev->dma_ops)
		return 'n';
	return dev->dma_ops == &own_ops ? 'o' : 'x';
}

static void show_unit(struct seq_file *s, struct life_unit *unit)
{
	struct life_slot *slot;
	struct device *dev;
	bool held = false;

	mutex_lock(&unit->lock);
	dev = unit->dev;
	for (slot = unit->slot; slot < unit->slot + LIFE_SLOTS; slot++)
		held |= !!slot->dev;
	if (unit->created || held) {
		seq_printf(s, "%s %d %d %u %d %c %d %u", unit->name, !!dev,
			   dev && READ_ONCE(dev->driver), unit->created,
			   atomic_read(&unit->released), ops_letter(dev),
			   dev && unit->bound && dev->dma_ops != unit->ops,
			   unit->changed);
		for (slot = unit->slot; slot < unit->slot + LIFE_SLOTS; slot++) {
			if (!slot->dev)
				continue;
			check_slot(unit, slot);
			seq_printf(s, " %td=%llx/%zu", slot - unit->slot,
				   (u64)slot->dma, slot->size);
		}
		seq_puts(s, "\n");
	}
	mutex_unlock(&unit->lock);
}

static int state_show(struct seq_file *s, void *unused)
{
	unsigned int i;

	/* twice: a deferred probe makes work, and work may trigger a deferred probe */
	flush_kernel();
	flush_kernel();
	for (i = 0; i < ARRAY_SIZE(life_units); i++)
		show_unit(s, &life_units[i]);
	mutex_lock(&life_findings_lock);
	seq_puts(s, life_findings);
	life_findings[0] = '\0';
	mutex_unlock(&life_findings_lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(state);

static int __init life_init(void)
{
	struct life_unit *unit;
	unsigned int i;
	int ret;

	for (unit = life_units; unit < life_units + ARRAY_SIZE(life_units); unit++) {
		mutex_init(&unit->plug);
		mutex_init(&unit->lock);
	}
	ret = bus_register(&life_bus);
	if (ret)
		return ret;
	ret = driver_register(&other_driver);
	if (ret)
		goto err_bus;
	for (i = 0; i < ARRAY_SIZE(life_drivers); i++) {
		ret = platform_driver_register(&life_drivers[i]);
		if (ret)
			goto err_drivers;
	}
	ret = register_amba();
	if (ret)
		goto err_drivers;
	for (i = 0; i < ARRAY_SIZE(life_nbs); i++)
		bus_register_notifier(life_nbs[i].bus, &life_nbs[i].nb);
#ifdef CONFIG_PCI
	ret = pci_register_driver(&life_pci_driver);
	WARN(ret, "no driver on PCI: %d\n", ret);
#endif
	life_root = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("control", 0200, life_root, NULL, &control_fops);
	debugfs_create_file("state", 0400, life_root, NULL, &state_fops);
	debugfs_create_atomic_t("slowed", 0400, life_root, &life_slowed);
	debugfs_create_atomic_t("late", 0400, life_root, &life_late);
	return 0;

err_drivers:
	while (i--)
		platform_driver_unregister(&life_drivers[i]);
	driver_unregister(&other_driver);
err_bus:
	bus_unregister(&life_bus);
	return ret;
}
module_init(life_init);

static void drop_unit(struct life_unit *unit)
{
	unsigned int i;

	if (unit->dev)
		remove_device(unit);
	for (i = 0; i < LIFE_SLOTS; i++)
		if (unit->slot[i].dev)
			free_slot(unit, &unit->slot[i]);
	/* release() is code of this module, so wait until it has run */
	for (i = 0; i < 100 && atomic_read(&unit->released) < unit->created; i++)
		msleep(20);
	WARN(atomic_read(&unit->released) < unit->created,
	     "%s is not released\n", unit->name);
}

static void __exit life_exit(void)
{
	unsigned int i;

	debugfs_remove_recursive(life_root);
	need_no_pins();
	drop_chip();
	for (i = 0; i < ARRAY_SIZE(life_units); i++)
		drop_unit(&life_units[i]);
	for (i = 0; i < ARRAY_SIZE(life_nbs); i++)
		bus_unregister_notifier(life_nbs[i].bus, &life_nbs[i].nb);
#ifdef CONFIG_PCI
	pci_unregister_driver(&life_pci_driver);
#endif
	unregister_amba();
	for (i = 0; i < ARRAY_SIZE(life_drivers); i++)
		platform_driver_unregister(&life_drivers[i]);
	driver_unregister(&other_driver);
	bus_unregister(&life_bus);
}
module_exit(life_exit);

MODULE_DESCRIPTION("Devices whose lives a fuzzer of dma-alias-pool directs");
MODULE_AUTHOR("The dma-alias-pool developers");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
