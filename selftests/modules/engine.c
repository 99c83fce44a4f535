// SPDX-License-Identifier: GPL-2.0
/*
 * A driver for a DMA engine that does not see the CPU's caches, and tests that compare
 * what the CPU and the engine see of each other's data.  Drives device tree nodes
 * compatible with "dma-alias-pool,engine", which an emulated machine with a data cache
 * has.  Their reg property has the registers, and memory that is never cached.
 *
 * Each file in /sys/kernel/debug/dma_alias_pool_engine/ takes commands.  The result is
 * read from the same file, as a line of key=value words.  If a command fails, the write
 * fails.
 *
 *   run        TEST MEMORY ROUNDS PERIOD SEED PACE [BASE SIZE]
 *		Run a test of engine_coherent.c or engine_streaming.c.  If MEMORY is
 *		"pool", the test uses coherent memory, where the engine's ring is as
 *		well.  If it is "normal", it uses memory that the CPU caches, so that
 *		tests of coherent memory must go wrong; for streaming tests only the
 *		ring is elsewhere then.  After each PERIOD accesses of the CPU (0:
 *		never) the cache does something by itself: this is the adversary.
 *		The engine moves a line after each PACE accesses (0: all at once).
 *		Result: "runs=N wrong=N"
 *   self	NAME: run a test of engine_self.c.  Result: "ok=1", or what was seen
 *   adversary	PERIOD SEED: let the adversary work between runs, too
 *   hold	take SIZE SEED | map SIZE SEED | check | free: hold coherent memory, or
 *		a streaming mapping, with data that "check" has the CPU and the engine
 *		compare.  Result of "check": "wrong=N".  The memory belongs to this
 *		module, not to the driver's binding, and can be freed after unbind.
 *
 * Contexts and locking: process context.  One lock protects everything, so the engine
 * has one user at a time, and its driver is not unbound meanwhile.
 */
#include <linux/cache.h>
#include <linux/debugfs.h>
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/io.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/of.h>
#include <linux/platform_device.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "../../module/compat.h"
#include "engine.h"

static bool stuck;
module_param(stuck, bool, 0444);
MODULE_PARM_DESC(stuck, "the driver cannot be unbound");

static DEFINE_MUTEX(engine_lock);	/* protects everything here */
static struct engine the_engine;
static u32 background_period;		/* of the adversary, between runs */

/* --- run */

static const struct engine_test *find_test(const char *name)
{
	static const struct engine_test * const tables[] = {
		engine_coherent_tests, engine_streaming_tests,
	};
	const struct engine_test *t;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tables); i++)
		for (t = tables[i]; t->name; t++)
			if (!strcmp(t->name, name))
				return t;
	return NULL;
}

static enum engine_where ring_where(const struct engine_test *t,
				    enum engine_where where)
{
	if (t->flags & ENGINE_TAKES_ALL)
		return ENGINE_BOX;
	if (where == ENGINE_NORMAL && !(t->flags & ENGINE_TESTS_RING))
		return ENGINE_BOX;
	return where;
}

/* Returns how many rounds had something wrong, or an errno. */
static int run_rounds(struct engine *e, const struct engine_test *t,
		      unsigned int rounds)
{
	int ret, wrong = 0;

	while (rounds--) {
		ret = t->round(e);
		if (ret < 0)
			return ret;
		wrong += ret > 0;
		if (signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return wrong;
}

static int run_test(struct engine *e, const struct engine_test *t,
		    enum engine_where where, unsigned int rounds,
		    unsigned int period, unsigned int seed)
{
	int ret;

	/* The random number generator would be stuck at 0. */
	e->random = (seed * 2654435761u) | 1;
	ret = engine_start(e, ring_where(t, where));
	if (ret)
		return ret;
	if (t->flags & ENGINE_NEEDS_BUFFER)
		ret = engine_get(e, &e->buffer, ENGINE_BUFFER_SIZE, where);
	if (!ret) {
		engine_adversary(e, period, seed);
		ret = run_rounds(e, t, rounds);
		engine_adversary(e, background_period, seed);
		if (t->flags & ENGINE_NEEDS_BUFFER)
			engine_put(e, &e->buffer);
	}
	engine_stop(e);
	return ret;
}

static int do_run(char *args, char *result, size_t size)
{
	unsigned int rounds, period, seed;
	struct engine *e = &the_engine;
	const struct engine_test *t;
	enum engine_where where;
	char name[16], memory[8];
	int words, ret;

	words = sscanf(args, "%15s %7s %u %u %u %u %li %li", name, memory,
		       &rounds, &period, &seed, &e->pace, &e->range,
		       &e->range_size);
	if (!e->dev)
		return -ENODEV;
	t = words >= 6 ? find_test(name) : NULL;
	if (!t || words != (t->flags & ENGINE_NEEDS_RANGE ? 8 : 6))
		return -EINVAL;
	if (!strcmp(memory, "pool"))
		where = ENGINE_POOL;
	else if (!strcmp(memory, "normal") && !(t->flags & ENGINE_NEEDS_POOL))
		where = ENGINE_NORMAL;
	else
		return -EINVAL;
	ret = run_test(e, t, where, rounds, period, seed);
	if (ret < 0)
		return ret;
	scnprintf(result, size, "runs=%u wrong=%d\n", rounds, ret);
	return 0;
}

/* --- self */

static int do_self(char *args, char *result, size_t size)
{
	struct engine *e = &the_engine;
	int ret;

	if (!IS_ENABLED(CONFIG_CPU_V7M))
		return -EOPNOTSUPP;
	if (!e->dev)
		return -ENODEV;
	engine_adversary(e, 0, 1);
	ret = engine_self(e, args, result, size);
	engine_adversary(e, background_period, 1);
	return ret;
}

/* --- adversary */

static int do_adversary(char *args, char *result, size_t size)
{
	unsigned int period, seed;

	if (sscanf(args, "%u %u", &period, &seed) != 2)
		return -EINVAL;
	if (!the_engine.dev)
		return -ENODEV;
	background_period = period;
	engine_adversary(&the_engine, period, seed);
	return 0;
}

/* --- hold */

static struct {
	struct device *dev;	/* a reference, or NULL: nothing is held */
	struct engine_memory memory;
	u32 seed;
} held;

/* Returns an errno, and then nothing is held. */
static int take(struct engine *e, unsigned int size, u32 seed)
{
	int ret;

	ret = engine_get(e, &held.memory, size, ENGINE_POOL);
	if (!ret)
		engine_put_data(held.memory.cpu, size, seed);
	return ret;
}

static int map(struct engine *e, unsigned int size, u32 seed)
{
	struct engine_memory *m = &held.memory;
	int ret;

	ret = engine_get(e, m, ALIGN(size, L1_CACHE_BYTES), ENGINE_NORMAL);
	if (ret)
		return ret;
	engine_put_data(m->cpu, m->size, seed);
	m->dma = dma_map_single(e->dev, m->cpu, m->size, DMA_BIDIRECTIONAL);
	if (!dma_mapping_error(e->dev, m->dma))
		return 0;
	engine_put(e, m);
	return -EIO;
}

static int hold(struct engine *e, const char *how, unsigned int size, u32 seed)
{
	int ret = -EINVAL;

	if (!e->dev)
		return -ENODEV;
	if (held.dev)
		return -EBUSY;
	if (!size || size > ENGINE_MAX_LENGTH)
		return -EINVAL;
	if (!strcmp(how, "take"))
		ret = take(e, size, seed);
	else if (!strcmp(how, "map"))
		ret = map(e, size, seed);
	if (ret)
		return ret;
	held.dev = get_device(e->dev);
	held.seed = seed;
	return 0;
}

/*
 * Returns how much is wrong, or an errno.  The engine and then the CPU write new data,
 * which the next check expects.
 */
static int check_held(struct engine *e)
{
	struct engine_memory *m = &held.memory;
	bool mapped = m->where == ENGINE_NORMAL;
	int ret, wrong = 0;

	if (!e->dev || e->dev != held.dev)
		return -ENODEV;
	e->pace = 0;
	ret = engine_start(e, ENGINE_BOX);
	if (ret)
		return ret;
	if (!mapped)
		wrong = engine_wrong_data(m->cpu, m->size, held.seed);
	wrong += engine_reads(e, m->dma, m->size, held.seed);
	held.seed++;
	wrong += engine_writes(e, m->dma, m->size, held.seed);
	if (mapped)
		dma_sync_single_for_cpu(e->dev, m->dma, m->size,
					DMA_BIDIRECTIONAL);
	wrong += engine_wrong_data(m->cpu, m->size, held.seed);
	held.seed++;
	engine_put_data(m->cpu, m->size, held.seed);
	if (mapped)
		dma_sync_single_for_device(e->dev, m->dma, m->size,
					   DMA_BIDIRECTIONAL);
	engine_stop(e);
	return wrong;
}

static void free_held(void)
{
	struct engine_memory *m = &held.memory;

	if (m->where == ENGINE_POOL) {
		dma_free_coherent(held.dev, m->size, m->cpu, m->dma);
	} else {
		dma_unmap_single(held.dev, m->dma, m->size, DMA_BIDIRECTIONAL);
		kfree(m->cpu);
	}
	put_device(held.dev);
	held.dev = NULL;
}

static int do_hold(char *args, char *result, size_t size)
{
	unsigned int bytes, seed;
	char how[8];
	int wrong;

	if (sscanf(args, "%7s %u %u", how, &bytes, &seed) == 3)
		return hold(&the_engine, how, bytes, seed);
	if (!held.dev)
		return -ENOENT;
	if (!strcmp(args, "free")) {
		free_held();
		return 0;
	}
	if (strcmp(args, "check"))
		return -EINVAL;
	wrong = check_held(&the_engine);
	if (wrong < 0)
		return wrong;
	scnprintf(result, size, "wrong=%d\n", wrong);
	return 0;
}

/* --- the files */

struct engine_file {
	const char *name;
	int (*act)(char *args, char *result, size_t size);
	char result[128];
};

static struct engine_file engine_files[] = {
	{ "run", do_run },
	{ "self", do_self },
	{ "adversary", do_adversary },
	{ "hold", do_hold },
};

static struct dentry *engine_root;

static ssize_t engine_file_write(struct file *file, const char __user *from,
				 size_t count, loff_t *pos)
{
	struct engine_file *f = file->private_data;
	char line[128];
	int ret;

	if (count >= sizeof(line))
		return -E2BIG;
	if (copy_from_user(line, from, count))
		return -EFAULT;
	line[count] = '\0';

	mutex_lock(&engine_lock);
	f->result[0] = '\0';
	ret = f->act(strim(line), f->result, sizeof(f->result));
	if (ret)
		scnprintf(f->result, sizeof(f->result), "error=%d\n", -ret);
	mutex_unlock(&engine_lock);
	return ret ?: count;
}

static ssize_t engine_file_read(struct file *file, char __user *to,
				size_t count, loff_t *pos)
{
	struct engine_file *f = file->private_data;
	ssize_t ret;

	mutex_lock(&engine_lock);
	ret = simple_read_from_buffer(to, count, pos, f->result,
				      strlen(f->result));
	mutex_unlock(&engine_lock);
	return ret;
}

static const struct file_operations engine_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.read	= engine_file_read,
	.write	= engine_file_write,
	.llseek	= default_llseek,
};

/* --- the driver */

/* Needs no cleanup at remove, since each command leaves the engine idle. */
static int engine_probe(struct platform_device *pdev)
{
	struct device *dev = &pdev->dev;
	struct engine *e = &the_engine;
	struct resource *box;
	void __iomem *regs;
	void *cpu;
	int ret;

	regs = devm_platform_ioremap_resource(pdev, 0);
	if (IS_ERR(regs))
		return PTR_ERR(regs);
	box = platform_get_resource(pdev, IORESOURCE_MEM, 1);
	if (!box || resource_size(box) < ENGINE_BOX_SIZE)
		return -EINVAL;
	cpu = devm_memremap(dev, box->start, ENGINE_BOX_SIZE, MEMREMAP_WC);
	if (IS_ERR(cpu))
		return PTR_ERR(cpu);
	ret = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(32));
	if (ret)
		return ret;

	mutex_lock(&engine_lock);
	if (e->dev) {
		ret = -EBUSY;
	} else {
		e->dev = dev;
		e->regs = regs;
		e->box = cpu;
		/* The engine's bus addresses are the CPU's physical ones. */
		e->box_dma = box->start;
	}
	mutex_unlock(&engine_lock);
	return ret;
}

static dap_remove_t engine_remove(struct platform_device *pdev)
{
	mutex_lock(&engine_lock);
	the_engine.dev = NULL;
	mutex_unlock(&engine_lock);
	return DAP_REMOVED;
}

static const struct of_device_id engine_of_match[] = {
	{ .compatible = "dma-alias-pool,engine" },
	{ }
};
MODULE_DEVICE_TABLE(of, engine_of_match);

static struct platform_driver engine_driver = {
	.probe	= engine_probe,
	.remove	= engine_remove,
	.driver	= {
		.name		= "dap-engine",
		.of_match_table	= engine_of_match,
	},
};

static int __init engine_init(void)
{
	unsigned int i;
	int ret;

	engine_driver.driver.suppress_bind_attrs = stuck;
	ret = platform_driver_register(&engine_driver);
	if (ret)
		return ret;
	engine_root = debugfs_create_dir("dma_alias_pool_engine", NULL);
	for (i = 0; i < ARRAY_SIZE(engine_files); i++)
		debugfs_create_file(engine_files[i].name, 0600, engine_root,
				    &engine_files[i], &engine_fops);
	return 0;
}

static void __exit engine_exit(void)
{
	debugfs_remove(engine_root);
	platform_driver_unregister(&engine_driver);
	if (held.dev)
		free_held();
}

module_init(engine_init);
module_exit(engine_exit);

MODULE_DESCRIPTION("Tests dma_alias_pool with a device that sees no caches");
MODULE_AUTHOR("The dma-alias-pool developers");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
