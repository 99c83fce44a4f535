// SPDX-License-Identifier: GPL-2.0
/*
 * A driver that allocates, checks and frees coherent memory as fast as it can.  Each
 * device has threads, which do so in their own context, with bottom halves disabled, and
 * in an interrupt on another processor.
 *
 * It registers platform devices dap-stress.0, dap-stress.1, ... (parameter devices=),
 * which work from probe to remove.  Each buffer must be zeroed.  A mark is written to
 * both ends of each of its pages, and must still be there when the buffer is freed, so
 * that memory which two have at the same time is noticed.
 *
 * With in_use=1, the driver cannot be unbound, and its threads do only streaming DMA.
 *
 * /sys/kernel/debug/dma_alias_pool_stress has counts since the module was loaded, as
 * "key value" lines.  Each mistake logs a line with "BUG:".
 *
 * Contexts and locking: buffers belong to one thread.  Counts are atomic.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/atomic.h>
#include <linux/bottom_half.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/string.h>

#include "../../module/compat.h"

#define STRESS_MAX_DEVICES	8
#define STRESS_THREADS		2
#define STRESS_BUFFERS		24
#define STRESS_MARK		64	/* bytes at each end of a page */

static unsigned int devices = 4;
module_param(devices, uint, 0444);
MODULE_PARM_DESC(devices, "how many platform devices to register");

static unsigned long base;
module_param(base, ulong, 0444);
MODULE_PARM_DESC(base, "bus address of the pool, to tell its memory from other");

static unsigned long size = 1;
module_param(size, ulong, 0444);
MODULE_PARM_DESC(size, "bytes of the pool");

static bool in_use;
module_param(in_use, bool, 0444);
MODULE_PARM_DESC(in_use, "only streaming DMA, by a driver that cannot be unbound");

enum stress_context { IN_THREAD, IN_BH, IN_IRQ, STRESS_CONTEXTS };

static const char * const stress_names[] = { "thread", "bh", "irq" };

static atomic_long_t stress_allocs[STRESS_CONTEXTS];
static atomic_long_t stress_frees[STRESS_CONTEXTS];
static atomic_long_t stress_streams;
static atomic_long_t stress_pooled;
static atomic_long_t stress_refused;
static atomic_long_t stress_mistakes;
static atomic_long_t stress_probes;

static struct dentry *stress_root;
static struct platform_device *stress_pdevs[STRESS_MAX_DEVICES];

struct stress_buffer {
	void *cpu;
	dma_addr_t dma;
	size_t size;
	u8 mark;
};

struct stress_worker {
	struct device *dev;
	struct task_struct *task;
	bool is_client;		/* only clients of a pool may allocate in interrupts */
	struct stress_buffer buffer[STRESS_BUFFERS];
};

struct stress_dev {
	struct stress_worker worker[STRESS_THREADS];
};

static bool from_pool(dma_addr_t dma)
{
	return dma - base < size;
}

static void mistake(struct device *dev, const struct stress_buffer *b,
		    const char *what)
{
	atomic_long_inc(&stress_mistakes);
	dev_err(dev, "BUG: %zu bytes at %pad %s\n", b->size, &b->dma, what);
}

/* Call @act for both ends of each page.  Returns whether all calls returned true. */
static bool for_ends(const struct stress_buffer *b,
		     bool (*act)(u8 *at, size_t len, u8 mark), u8 mark)
{
	size_t at, len;
	bool ok = true;

	for (at = 0; at < b->size; at += PAGE_SIZE) {
		len = min_t(size_t, b->size - at, PAGE_SIZE);
		ok &= act(b->cpu + at, min_t(size_t, len, STRESS_MARK), mark);
		if (len > STRESS_MARK)
			ok &= act(b->cpu + at + len - STRESS_MARK, STRESS_MARK,
				  mark);
	}
	return ok;
}

static bool put_mark(u8 *at, size_t len, u8 mark)
{
	memset(at, mark, len);
	return true;
}

static bool has_mark(u8 *at, size_t len, u8 mark)
{
	return !memchr_inv(at, mark, len);
}

static void take(struct device *dev, struct stress_buffer *b, gfp_t gfp,
		 enum stress_context context)
{
	b->cpu = dma_alloc_attrs(dev, b->size, &b->dma, gfp | __GFP_NOWARN,
				 DMA_ATTR_NO_WARN);
	atomic_long_inc(&stress_allocs[context]);
	if (!b->cpu) {
		atomic_long_inc(&stress_refused);
		return;
	}
	if (from_pool(b->dma))
		atomic_long_inc(&stress_pooled);
	if (!for_ends(b, has_mark, 0))
		mistake(dev, b, "is not zeroed");
	for_ends(b, put_mark, b->mark);
}

static void give(struct device *dev, struct stress_buffer *b,
		 enum stress_context context)
{
	if (!for_ends(b, has_mark, b->mark))
		mistake(dev, b, "was changed by another");
	dma_free_attrs(dev, b->size, b->cpu, b->dma, 0);
	b->cpu = NULL;
	atomic_long_inc(&stress_frees[context]);
}

struct stress_request {
	struct device *dev;
	struct stress_buffer *buffer;
};

static void take_in_irq(void *data)
{
	struct stress_request *r = data;

	take(r->dev, r->buffer, GFP_ATOMIC, IN_IRQ);
}

static void take_elsewhere(struct device *dev, struct stress_buffer *b)
{
	struct stress_request r = { dev, b };
	unsigned int other;

	other = cpumask_next(raw_smp_processor_id(), cpu_online_mask);
	if (other >= nr_cpu_ids)
		other = cpumask_first(cpu_online_mask);
	smp_call_function_single(other, take_in_irq, &r, true);
}

/* Mostly a page or less, at most 16 pages. */
static size_t some_size(u32 random)
{
	size_t max = random & 0x70 ? PAGE_SIZE : PAGE_SIZE << (random & 0xf) % 5;

	return 1 + (random >> 8) % max;
}

static void step(struct stress_worker *w)
{
	u32 random = get_random_u32();
	struct stress_buffer *b = &w->buffer[random % STRESS_BUFFERS];
	enum stress_context context = (random >> 16) % STRESS_CONTEXTS;

	/* Memory cannot be freed with interrupts off. */
	if (context == IN_IRQ && (b->cpu || !w->is_client))
		context = IN_THREAD;
	if (context == IN_BH && !w->is_client)
		context = IN_THREAD;
	if (!b->cpu) {
		b->size = some_size(get_random_u32());
		b->mark = random >> 24 | 1;
	}

	if (context == IN_BH)
		local_bh_disable();
	if (b->cpu)
		give(w->dev, b, context);
	else if (context == IN_IRQ)
		take_elsewhere(w->dev, b);
	else
		take(w->dev, b, context == IN_BH ? GFP_ATOMIC : GFP_KERNEL,
		     context);
	if (context == IN_BH)
		local_bh_enable();
}

/* Map memory, which must have the same contents whatever becomes of the device. */
static void stream(struct stress_worker *w)
{
	u8 *cpu = kmalloc(SZ_1K, GFP_KERNEL);
	dma_addr_t dma;

	if (!cpu)
		return;
	memset(cpu, 1, SZ_1K);
	dma = dma_map_single(w->dev, cpu, SZ_1K, DMA_BIDIRECTIONAL);
	if (dma_mapping_error(w->dev, dma)) {
		atomic_long_inc(&stress_refused);
	} else {
		dma_sync_single_for_cpu(w->dev, dma, SZ_1K, DMA_BIDIRECTIONAL);
		dma_sync_single_for_device(w->dev, dma, SZ_1K, DMA_BIDIRECTIONAL);
		dma_unmap_single(w->dev, dma, SZ_1K, DMA_BIDIRECTIONAL);
		atomic_long_inc(&stress_streams);
	}
	if (memchr_inv(cpu, 1, SZ_1K)) {
		atomic_long_inc(&stress_mistakes);
		dev_err(w->dev, "BUG: mapped memory was changed\n");
	}
	kfree(cpu);
}

static int stress_thread(void *data)
{
	struct stress_worker *w = data;
	unsigned int i;

	while (!kthread_should_stop()) {
		if (!in_use) {
			step(w);
			cond_resched();
			continue;
		}
		for (i = 0; i < 20; i++)
			stream(w);
		/* Those who attach and detach meanwhile need the processors, too. */
		usleep_range(1000, 2000);
	}
	for (i = 0; i < STRESS_BUFFERS; i++)
		if (w->buffer[i].cpu)
			give(w->dev, &w->buffer[i], IN_THREAD);
	return 0;
}

static void stop_workers(struct stress_dev *s)
{
	unsigned int i;

	for (i = 0; i < STRESS_THREADS; i++)
		if (s->worker[i].task)
			kthread_stop(s->worker[i].task);
}

static int stress_probe(struct platform_device *pdev)
{
	struct stress_buffer b = { .size = 1 };
	struct device *dev = &pdev->dev;
	struct task_struct *task;
	struct stress_dev *s;
	unsigned int i;
	int ret;

	ret = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(32));
	if (ret)
		return ret;
	s = devm_kzalloc(dev, sizeof(*s), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	take(dev, &b, GFP_KERNEL, IN_THREAD);
	if (!b.cpu)
		return -ENOMEM;
	b.mark = 0;
	give(dev, &b, IN_THREAD);

	for (i = 0; i < STRESS_THREADS; i++) {
		s->worker[i].dev = dev;
		s->worker[i].is_client = from_pool(b.dma);
		task = kthread_run(stress_thread, &s->worker[i], "%s/%u",
				   dev_name(dev), i);
		if (IS_ERR(task)) {
			stop_workers(s);
			return PTR_ERR(task);
		}
		s->worker[i].task = task;
	}
	platform_set_drvdata(pdev, s);
	atomic_long_inc(&stress_probes);
	return 0;
}

static dap_remove_t stress_remove(struct platform_device *pdev)
{
	stop_workers(platform_get_drvdata(pdev));
	return DAP_REMOVED;
}

static struct platform_driver stress_driver = {
	.probe	= stress_probe,
	.remove	= stress_remove,
	.driver	= { .name = "dap-stress" },
};

static int stress_show(struct seq_file *s, void *unused)
{
	unsigned int i;

	for (i = 0; i < STRESS_CONTEXTS; i++) {
		seq_printf(s, "%s_allocs %ld\n", stress_names[i],
			   atomic_long_read(&stress_allocs[i]));
		seq_printf(s, "%s_frees %ld\n", stress_names[i],
			   atomic_long_read(&stress_frees[i]));
	}
	seq_printf(s, "streams %ld\n", atomic_long_read(&stress_streams));
	seq_printf(s, "pooled %ld\n", atomic_long_read(&stress_pooled));
	seq_printf(s, "refused %ld\n", atomic_long_read(&stress_refused));
	seq_printf(s, "probes %ld\n", atomic_long_read(&stress_probes));
	seq_printf(s, "mistakes %ld\n", atomic_long_read(&stress_mistakes));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stress);

static void remove_devices(void)
{
	unsigned int i;

	for (i = 0; i < STRESS_MAX_DEVICES; i++)
		platform_device_unregister(stress_pdevs[i]);
}

static int __init stress_init(void)
{
	struct platform_device_info info = {
		.name = "dap-stress",
		.dma_mask = DMA_BIT_MASK(32),
	};
	struct platform_device *pdev;
	int ret;

	if (devices > STRESS_MAX_DEVICES)
		return -EINVAL;
	stress_driver.driver.suppress_bind_attrs = in_use;
	ret = platform_driver_register(&stress_driver);
	if (ret)
		return ret;
	for (info.id = 0; info.id < devices; info.id++) {
		pdev = platform_device_register_full(&info);
		if (IS_ERR(pdev)) {
			remove_devices();
			platform_driver_unregister(&stress_driver);
			return PTR_ERR(pdev);
		}
		stress_pdevs[info.id] = pdev;
	}
	stress_root = debugfs_create_file("dma_alias_pool_stress", 0400, NULL,
					  NULL, &stress_fops);
	return 0;
}

static void __exit stress_exit(void)
{
	debugfs_remove(stress_root);
	remove_devices();
	platform_driver_unregister(&stress_driver);
}

module_init(stress_init);
module_exit(stress_exit);

MODULE_DESCRIPTION("Load on the DMA API, for dma_alias_pool's tests");
MODULE_AUTHOR("The dma-alias-pool developers");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
