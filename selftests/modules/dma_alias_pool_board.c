// SPDX-License-Identifier: GPL-2.0
/*
 * Tells report.sh what user space cannot find out about a board.
 *
 * Files in /sys/kernel/debug/dma_alias_pool_board/, which can only be read:
 *
 *   caches   the level 1 caches of an ARMv7-M CPU, from its registers; for other
 *	      CPUs /sys/devices/system/cpu has them
 *   mpu      the regions of the ARMv7-M MPU that are enabled
 *   rates    lines "MEMORY ACTION KIB_PER_SECOND": how fast the CPU is in cached
 *	      memory, and in coherent memory of the device dap-board, which comes
 *	      from a pool if the device is a client of one.  Takes half a second.
 *	      Or a line "none REASON"
 *   devices  lines "NAME DRIVER yes|no REMARK": all devices with a driver on buses
 *	      whose devices do DMA, whether each can be a client (or is one), and why
 *	      not, or what has to be known.  The remark may be empty
 *
 * The module changes nothing on the board, and reads only memory of its own.
 *
 * Contexts and locking: process context.  The only state is one device.  The list of
 * devices leaves out those that are being bound or unbound, since their lock is taken
 * then and their driver cannot be looked at.
 */
#include <linux/amba/bus.h>
#include <linux/debugfs.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/iommu.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#ifdef CONFIG_CPU_V7M
#include <asm/mpu.h>
#include <asm/v7m.h>
#endif

#include "../../module/compat.h"

#define BOARD_BYTES	SZ_16K
#define BOARD_NS	(50 * NSEC_PER_MSEC)

static struct platform_device *board_pdev;
static struct dentry *board_root;

/* --- rates */

static u32 board_sum;	/* uses the values that are read, so that they are read */

static void board_read(void *mem, void *other)
{
	const u32 *word = mem, *end = mem + BOARD_BYTES;
	u32 sum = 0;

	for (; word < end; word += 4)
		sum += READ_ONCE(word[0]) + READ_ONCE(word[1]) +
		       READ_ONCE(word[2]) + READ_ONCE(word[3]);
	board_sum = sum;
}

static void board_write(void *mem, void *other)
{
	u32 *word = mem, *end = mem + BOARD_BYTES;

	for (; word < end; word += 4) {
		WRITE_ONCE(word[0], 0);
		WRITE_ONCE(word[1], 0);
		WRITE_ONCE(word[2], 0);
		WRITE_ONCE(word[3], 0);
	}
}

/* Drivers copy received data out of the buffer like this. */
static void board_copy(void *mem, void *other)
{
	memcpy(other, mem, BOARD_BYTES);
}

static const struct {
	const char *name;
	void (*once)(void *mem, void *other);
} board_actions[] = {
	{ "read", board_read },
	{ "write", board_write },
	{ "copy", board_copy },
};

static void show_rates_of(struct seq_file *m, const char *what, void *mem,
			  void *other)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(board_actions); i++) {
		u64 start = ktime_get_ns(), bytes = 0, ns;

		do {
			board_actions[i].once(mem, other);
			bytes += BOARD_BYTES;
			cond_resched();
			ns = ktime_get_ns() - start;
		} while (ns < BOARD_NS);
		seq_printf(m, "%s %s %llu\n", what, board_actions[i].name,
			   div64_u64(bytes * NSEC_PER_SEC, ns) >> 10);
	}
}

static int rates_show(struct seq_file *m, void *unused)
{
	struct device *dev = &board_pdev->dev;
	void *cached, *other, *coherent;
	dma_addr_t dma;

	cached = kmalloc(BOARD_BYTES, GFP_KERNEL);
	other = kmalloc(BOARD_BYTES, GFP_KERNEL);
	coherent = dma_alloc_coherent(dev, BOARD_BYTES, &dma, GFP_KERNEL);
	if (cached && other && coherent) {
		memset(cached, 0, BOARD_BYTES);
		show_rates_of(m, "coherent", coherent, other);
		show_rates_of(m, "cached", cached, other);
	} else {
		seq_printf(m, "none %s\n", coherent ?
			   "the kernel has no two pieces of 16 KiB left" :
			   "a device of 32 address bits gets no 16 KiB of it");
	}
	if (coherent)
		dma_free_coherent(dev, BOARD_BYTES, coherent, dma);
	kfree(other);
	kfree(cached);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(rates);

/* --- devices */

static const char *remark(struct device *dev)
{
	/* as dap_policy_refusal() */
	if (!dev->dma_mask || !dev->coherent_dma_mask)
		return "no does no DMA";
	if (dap_has_own_memory(dev) || dap_is_restricted(dev))
		return "no has memory of its own in the device tree";
	if (iommu_get_domain_for_dev(dev) || dap_uses_dma_iommu(dev))
		return "no is behind an IOMMU";
	if (dap_hides_memory())
		return "no memory is encrypted, or has other addresses (Xen PV)";
	if (dap_is_coherent(dev))
		return "yes coherent in hardware, so it needs none";
	if (dev->driver->suppress_bind_attrs)
		return "yes at boot or while it runs, then for good";
	return "yes ";
}

static int show_device(struct device *dev, void *m)
{
	if (dev == &board_pdev->dev || !device_trylock(dev))
		return 0;
	if (dev->driver && strcmp(dev->driver->name, "dma_alias_pool"))
		seq_printf(m, "%s %s %s\n", dev_name(dev), dev->driver->name,
			   remark(dev));
	device_unlock(dev);
	return 0;
}

static int devices_show(struct seq_file *m, void *unused)
{
	bus_for_each_dev(&platform_bus_type, NULL, m, show_device);
#ifdef CONFIG_ARM_AMBA
	bus_for_each_dev(&amba_bustype, NULL, m, show_device);
#endif
#ifdef CONFIG_PCI
	bus_for_each_dev(&pci_bus_type, NULL, m, show_device);
#endif
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(devices);

/* --- ARMv7-M */

#ifdef CONFIG_CPU_V7M
static u32 board_scb(unsigned int offset)
{
	return readl(BASEADDR_V7M_SCB + offset);
}

static int caches_show(struct seq_file *m, void *unused)
{
	static const char * const name[] = { "data", "instructions" };
	u32 level1 = board_scb(V7M_SCB_CLIDR) & 7, ccr = board_scb(V7M_SCB_CCR);
	u32 ccsidr, line, ways, sets;
	unsigned int i;

	if (!level1)
		seq_puts(m, "none\n");
	for (i = 0; i < 2; i++) {
		/* 1: instructions, 2: data, 3: both, 4: one for both */
		if (!(level1 & (i ? 1 : 6)))
			continue;
		preempt_disable();
		writel(i, BASEADDR_V7M_SCB + V7M_SCB_CSSELR);
		mb();	/* CSSELR decides which cache CCSIDR describes */
		ccsidr = board_scb(V7M_SCB_CCSIDR);
		preempt_enable();
		line = 16 << (ccsidr & 7);
		ways = ((ccsidr >> 3) & 0x3ff) + 1;
		sets = ((ccsidr >> 13) & 0x7fff) + 1;
		seq_printf(m, "%s: %u KiB, %u ways, lines of %u bytes, %s\n",
			   name[i], line * ways * sets >> 10, ways, line,
			   ccr & (i ? V7M_SCB_CCR_IC : V7M_SCB_CCR_DC) ? "on" : "off");
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(caches);

/* What TEX, C and B of RASR mean. */
static const char *mpu_memory(u32 rasr)
{
	u32 tex = (rasr >> 19) & 7, cb = (rasr >> 16) & 3;

	switch (tex << 2 | cb) {
	case 0:		return "strongly ordered";
	case 1:		return "device";
	case 2:		return "cached, written through";
	case 3:		return "cached, written back";
	case 4:		return "not cached";
	case 7:		return "cached, written back, allocated by writes";
	case 8:		return "device, not shared";
	}
	return tex & 4 ? "cached by another rule outside" : "reserved";
}

static int mpu_show(struct seq_file *m, void *unused)
{
	unsigned int i, number = (board_scb(MPU_TYPE) >> MPUIR_DREGION) & 0xff;
	u32 rbar, rasr;

	/* ARMv8-M's regions have another format. */
	if ((readl(BASEADDR_V7M_SCB + 0x50) & 0xf0) != 0x30)
		number = 0;
	seq_printf(m, "%u regions, %s\n", number,
		   board_scb(MPU_CTRL) & MPU_CTRL_ENABLE ? "on" : "off");
	for (i = 0; i < number; i++) {
		preempt_disable();
		writel(i, BASEADDR_V7M_SCB + PMSAv7_RNR);
		rbar = board_scb(PMSAv7_RBAR) & ~0x1f;
		rasr = board_scb(PMSAv7_RASR);
		preempt_enable();
		if (!(rasr & 1))
			continue;
		seq_printf(m, "%u: 0x%08x, %llu bytes, %s%s%s\n", i, rbar,
			   2ULL << ((rasr >> 1) & 31), mpu_memory(rasr),
			   (rasr >> 24) & 7 ? "" : ", no access",
			   rasr & 0xff00 ? ", in part" : "");
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(mpu);
#endif

/* --- the device */

static int board_probe(struct platform_device *pdev)
{
	return dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(32));
}

static struct platform_driver board_driver = {
	.probe = board_probe,
	.driver.name = "dap-board",
};

static int __init board_init(void)
{
	int ret = platform_driver_register(&board_driver);

	if (ret)
		return ret;
	board_pdev = platform_device_register_simple("dap-board",
						     PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(board_pdev)) {
		platform_driver_unregister(&board_driver);
		return PTR_ERR(board_pdev);
	}

	board_root = debugfs_create_dir("dma_alias_pool_board", NULL);
	debugfs_create_file("rates", 0400, board_root, NULL, &rates_fops);
	debugfs_create_file("devices", 0400, board_root, NULL, &devices_fops);
#ifdef CONFIG_CPU_V7M
	debugfs_create_file("caches", 0400, board_root, NULL, &caches_fops);
	debugfs_create_file("mpu", 0400, board_root, NULL, &mpu_fops);
#endif
	return 0;
}
module_init(board_init);

static void __exit board_exit(void)
{
	debugfs_remove(board_root);
	platform_device_unregister(board_pdev);
	platform_driver_unregister(&board_driver);
}
module_exit(board_exit);

MODULE_DESCRIPTION("What a report of a board needs from the kernel");
MODULE_AUTHOR("The dma-alias-pool developers");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
