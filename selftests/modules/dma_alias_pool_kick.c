// SPDX-License-Identifier: GPL-2.0
/*
 * QEMU's model of the PL080 and PL081 DMA controllers updates its interrupt line only
 * when one of its global registers is written, but not when a transfer ends, so the
 * kernel's driver would wait forever.  While this module is loaded, a thread keeps
 * writing 0 to the Sync register, which has that value after reset.
 *
 * For the emulated machine only: the module writes to whatever address it is given.
 */
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/kthread.h>
#include <linux/module.h>

#define PL080_SYNC	0x34
#define PL080_SIZE	0x1000

static ulong address;
module_param(address, ulong, 0444);
MODULE_PARM_DESC(address, "physical address of the controller");

static void __iomem *regs;
static struct task_struct *task;

static int kick(void *unused)
{
	while (!kthread_should_stop()) {
		writel(0, regs + PL080_SYNC);
		usleep_range(200, 400);
	}
	return 0;
}

static int __init kick_init(void)
{
	if (!address)
		return -EINVAL;
	regs = ioremap(address, PL080_SIZE);
	if (!regs)
		return -ENOMEM;
	task = kthread_run(kick, NULL, "kick");
	if (IS_ERR(task)) {
		iounmap(regs);
		return PTR_ERR(task);
	}
	return 0;
}
module_init(kick_init);

static void __exit kick_exit(void)
{
	kthread_stop(task);
	iounmap(regs);
}
module_exit(kick_exit);

MODULE_DESCRIPTION("Help for QEMU's PL080 DMA controllers");
MODULE_AUTHOR("The dma-alias-pool developers");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
