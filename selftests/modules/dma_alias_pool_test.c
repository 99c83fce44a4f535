// SPDX-License-Identifier: GPL-2.0
/*
 * A driver that makes the calls of the DMA API that a script asks for.
 *
 * It registers platform devices dap-test.0, dap-test.1, ... (parameter devices=), and
 * drives these, device tree nodes compatible with "dma-alias-pool,test", and AMBA and
 * PCI devices whose driver_override is "dap-test".  Each device has a file
 * /sys/kernel/debug/dma_alias_pool_test/NAME.  Write a command to it, then read the
 * result, which is a line of key=value words.  If the command fails, the write fails.
 * test_commands[] lists the commands, and the comment above each do_...() explains it.
 *
 * /sys/kernel/debug/dma_alias_pool_test/control adds and removes devices: "add N",
 * "del N".
 *
 * /dev/dap_test maps buffers into user space: write "DEVICE ID", then call mmap().
 *
 * Buffers belong to this module, not to the driver's binding, so that tests can free
 * them after unbind, as some real drivers do.
 *
 * Locking: test_lock serializes all commands.
 *
 * For test kernels only: the driver reads any address that it is told to.
 */
#include <linux/amba/bus.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/dma-map-ops.h>
#include <linux/dma-mapping.h>
#include <linux/dmapool.h>
#include <linux/io.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/of.h>
#include <linux/of_device.h>
#include <linux/of_reserved_mem.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#ifdef CONFIG_CPU_V7M
#include <asm/v7m.h>
#endif

#include "../../module/cache.h"
#include "../../module/compat.h"
#include "dma_alias_pool_api.h"

#define TEST_MAX_DEVICES	16
#define TEST_MAX_BUFFERS	1100

static unsigned int devices = 2;
module_param(devices, uint, 0444);
MODULE_PARM_DESC(devices, "how many platform devices to register");

static char *fail_probe = "";
module_param(fail_probe, charp, 0644);
MODULE_PARM_DESC(fail_probe,
		 "name of a device whose probe takes 8 KiB of managed memory and fails");

static char *need = "";
module_param(need, charp, 0644);
MODULE_PARM_DESC(need, "name of a device whose probe needs 8 KiB of coherent memory");

static char *defer = "";
module_param(defer, charp, 0644);
MODULE_PARM_DESC(defer,
		 "name of a device whose probe takes 8 KiB of managed memory and is deferred");

static char *api = "";
module_param(api, charp, 0644);
MODULE_PARM_DESC(api,
		 "name of a pool, or path of a region's node, that probe asks for itself");

static bool stuck;
module_param(stuck, bool, 0444);
MODULE_PARM_DESC(stuck, "the driver cannot be unbound");

static char *leak = "";
module_param(leak, charp, 0644);
MODULE_PARM_DESC(leak, "name of a device whose buffers are kept at unbind");

static char *last_use = "";
module_param(last_use, charp, 0644);
MODULE_PARM_DESC(last_use,
		 "name of a device whose remove takes coherent memory, to quiesce it");

static bool record_cache;
module_param(record_cache, bool, 0444);
MODULE_PARM_DESC(record_cache, "keep what the kernel does to caches, for cache");

struct test_buffer {
	void *cpu;
	dma_addr_t dma;
	size_t size;
	unsigned long attrs;
	bool freed;
	bool is_mapped;		/* by "own" */
};

/* What "hold" has mapped, or allocated if there is a page. */
struct test_hold {
	void *cpu;
	struct page *page;
	dma_addr_t dma;
	size_t size;
};

struct test_dev {
	struct list_head node;
	struct device *dev;
	struct dentry *file;
	bool bound;
	bool gone;
	struct test_buffer buffer[TEST_MAX_BUFFERS];
	struct test_hold hold;
	unsigned long beyond;	/* of each buffer, mmap() and sgtable ask for so much more */
	char result[512];
};

static DEFINE_MUTEX(test_lock);		/* protects everything below */
static LIST_HEAD(test_devs);
static struct dentry *test_root;
static struct platform_device *test_pdevs[TEST_MAX_DEVICES];

static const struct {
	const char *name;
	unsigned long attrs;
} test_attrs[] = {
	{ "wc",		DMA_ATTR_WRITE_COMBINE },
	{ "contig",	DMA_ATTR_FORCE_CONTIGUOUS },
	{ "single",	DMA_ATTR_ALLOC_SINGLE_PAGES },
	{ "privileged",	DMA_ATTR_PRIVILEGED },
	{ "weak",	DMA_ATTR_WEAK_ORDERING },
	{ "nokmap",	DMA_ATTR_NO_KERNEL_MAPPING },
	{ "nowarn",	DMA_ATTR_NO_WARN },
	{ "skip",	DMA_ATTR_SKIP_CPU_SYNC },
#ifdef DMA_ATTR_REQUIRE_COHERENT
	{ "coherent",	DMA_ATTR_REQUIRE_COHERENT },
#endif
#ifdef DMA_ATTR_DEBUGGING_IGNORE_CACHELINES
	{ "lines",	DMA_ATTR_DEBUGGING_IGNORE_CACHELINES },
#endif
};

/* Return: the attribute with this name, 0 if this kernel has none */
static unsigned long attribute(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(test_attrs); i++)
		if (!strcmp(name, test_attrs[i].name))
			return test_attrs[i].attrs;
	return 0;
}

static void __printf(2, 3) result(struct test_dev *t, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vscnprintf(t->result, sizeof(t->result), fmt, args);
	va_end(args);
}

static int number(const char *word, unsigned long long *value)
{
	char *end;

	if (!word || !*word)
		return -EINVAL;
	*value = memparse(word, &end);
	return *end ? -EINVAL : 0;
}

static struct test_buffer *unused_buffer(struct test_dev *t)
{
	unsigned int i;

	for (i = 0; i < TEST_MAX_BUFFERS; i++)
		if (!t->buffer[i].cpu)
			return &t->buffer[i];
	return NULL;
}

static struct test_buffer *buffer_of(struct test_dev *t, const char *word)
{
	unsigned long long id;

	if (number(word, &id) || id >= TEST_MAX_BUFFERS || !t->buffer[id].cpu)
		return NULL;
	return &t->buffer[id];
}

static void free_buffer(struct test_dev *t, struct test_buffer *b)
{
	if (b->is_mapped) {
		dma_unmap_single(t->dev, b->dma, b->size, DMA_BIDIRECTIONAL);
		free_pages_exact(b->cpu, b->size);
	} else if (!b->freed) {
		dma_free_attrs(t->dev, b->size, b->cpu, b->dma, b->attrs);
	}
	b->cpu = NULL;
	b->freed = false;
	b->is_mapped = false;
}

static void free_all(struct test_dev *t)
{
	unsigned int i;

	for (i = 0; i < TEST_MAX_BUFFERS; i++)
		if (t->buffer[i].cpu)
			free_buffer(t, &t->buffer[i]);
}

/* Return: the physical address of memory that the DMA API returned */
static u64 phys_of(void *cpu)
{
#ifdef CONFIG_MMU
	if (is_vmalloc_addr(cpu))
		return PFN_PHYS(vmalloc_to_pfn(cpu)) + offset_in_page(cpu);
#endif
	return virt_to_phys(cpu);
}

/* alloc SIZE [atomic | gfpnowarn | ATTRIBUTE ...] */
static int do_alloc(struct test_dev *t, char *args)
{
	struct test_buffer *b = unused_buffer(t);
	char *word = strsep(&args, " ");
	gfp_t gfp = GFP_KERNEL;
	unsigned long attrs = 0;
	unsigned long long size;
	bool zero;

	if (!b)
		return -ENOSPC;
	if (number(word, &size))
		return -EINVAL;
	while ((word = strsep(&args, " "))) {
		if (!strcmp(word, "atomic"))
			gfp = GFP_ATOMIC;
		else if (!strcmp(word, "gfpnowarn"))
			gfp |= __GFP_NOWARN;
		else if (attribute(word))
			attrs |= attribute(word);
		else
			return -EINVAL;
	}

	if (gfp == GFP_ATOMIC)
		preempt_disable();
	b->cpu = dma_alloc_attrs(t->dev, size, &b->dma, gfp, attrs);
	if (gfp == GFP_ATOMIC)
		preempt_enable();
	if (!b->cpu)
		return -ENOMEM;
	b->size = size;
	b->attrs = attrs;

	/* To the end of the last page, since user space can map that. */
	zero = attrs & DMA_ATTR_NO_KERNEL_MAPPING ||
	       !memchr_inv(b->cpu, 0, PAGE_ALIGN(size));
	result(t, "id=%td cpu=0x%lx phys=0x%llx dma=0x%llx size=%llu zero=%d\n",
	       b - t->buffer, (unsigned long)b->cpu,
	       phys_of(b->cpu),
	       (u64)b->dma, size, zero);
	return 0;
}

/*
 * own SIZE: a buffer of the kernel's memory that is mapped for the device.  Some drivers
 * (ALSA's) then give it to dma_mmap_coherent(), as if it came from the DMA API.
 */
static int do_own(struct test_dev *t, char *args)
{
	struct test_buffer *b = unused_buffer(t);
	unsigned long long size;
	void *cpu;

	if (!b)
		return -ENOSPC;
	if (number(args, &size))
		return -EINVAL;
	cpu = alloc_pages_exact(size, GFP_KERNEL);
	if (!cpu)
		return -ENOMEM;
	b->dma = dma_map_single(t->dev, cpu, size, DMA_BIDIRECTIONAL);
	if (dma_mapping_error(t->dev, b->dma)) {
		free_pages_exact(cpu, size);
		return -EIO;
	}
	b->cpu = cpu;
	b->size = size;
	b->attrs = 0;
	b->is_mapped = true;
	result(t, "id=%td\n", b - t->buffer);
	return 0;
}

/* dmam SIZE: managed memory, which the driver core frees after unbind */
static int do_dmam(struct test_dev *t, char *args)
{
	unsigned long long size;
	dma_addr_t dma;
	void *cpu;

	if (number(args, &size))
		return -EINVAL;
	cpu = dmam_alloc_coherent(t->dev, size, &dma, GFP_KERNEL);
	if (!cpu)
		return -ENOMEM;
	result(t, "cpu=0x%lx dma=0x%llx size=%llu\n", (unsigned long)cpu,
	       (u64)dma, size);
	return 0;
}

/* free ID [pages] | all: with "pages", the size is rounded up to whole pages */
static int do_free(struct test_dev *t, char *args)
{
	struct test_buffer *b;

	if (args && !strcmp(args, "all")) {
		free_all(t);
		return 0;
	}
	b = buffer_of(t, strsep(&args, " "));
	if (!b)
		return -ENOENT;
	if (args)
		b->size = PAGE_ALIGN(b->size);
	free_buffer(t, b);
	return 0;
}

/* So many that a pool of 4 MiB is full now and then. */
#define CHURN_BUFFERS	192
#define CHURN_MAX_SIZE	(24 * PAGE_SIZE)

static u32 churn_random(u32 *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Return: 0, or an error if somebody else has written to the buffer */
static int churn_free(struct test_dev *t, struct test_buffer *b, u8 byte)
{
	int ret = memchr_inv(b->cpu, byte, b->size) ? -EBADMSG : 0;

	dma_free_coherent(t->dev, b->size, b->cpu, b->dma);
	b->cpu = NULL;
	return ret;
}

/*
 * churn COUNT SEED: random allocations and frees of all sizes.  Each buffer is filled
 * with a byte, and must still have it when it is freed.  All are freed in the end.
 */
static int do_churn(struct test_dev *t, char *args)
{
	char *word = strsep(&args, " ");
	unsigned long long count, start;
	u32 seed, allocs = 0, denied = 0;
	struct test_buffer *b, *buffers;
	unsigned int i;
	int ret = 0;

	if (number(word, &count) || number(args, &start))
		return -EINVAL;
	buffers = kcalloc(CHURN_BUFFERS, sizeof(*buffers), GFP_KERNEL);
	if (!buffers)
		return -ENOMEM;
	seed = start;
	while (count-- && !ret) {
		/* A kernel without preemption would run nothing else. */
		cond_resched();
		i = churn_random(&seed) % CHURN_BUFFERS;
		b = &buffers[i];
		if (b->cpu) {
			ret = churn_free(t, b, i);
			continue;
		}
		b->size = 1 + churn_random(&seed) % CHURN_MAX_SIZE;
		b->cpu = dma_alloc_attrs(t->dev, b->size, &b->dma, GFP_KERNEL,
					 DMA_ATTR_NO_WARN);
		if (b->cpu) {
			memset(b->cpu, i, b->size);
			allocs++;
		} else {
			denied++;
		}
	}
	for (i = 0; i < CHURN_BUFFERS; i++)
		if (buffers[i].cpu)
			ret = churn_free(t, &buffers[i], i) ?: ret;
	kfree(buffers);
	result(t, "allocs=%u denied=%u\n", allocs, denied);
	return ret;
}

/* fill ID BYTE: fill the buffer, to the end of its last page */
static int do_fill(struct test_dev *t, char *args)
{
	struct test_buffer *b = buffer_of(t, strsep(&args, " "));
	unsigned long long byte;

	if (!b || number(args, &byte))
		return -EINVAL;
	memset(b->cpu, byte, PAGE_ALIGN(b->size));
	return 0;
}

/* check ID BYTE: fail unless all of the buffer, to its last page's end, has this byte */
static int do_check(struct test_dev *t, char *args)
{
	struct test_buffer *b = buffer_of(t, strsep(&args, " "));
	unsigned long long byte;

	if (!b || number(args, &byte))
		return -EINVAL;
	return memchr_inv(b->cpu, byte, PAGE_ALIGN(b->size)) ? -EBADMSG : 0;
}

/* word ID OFFSET: read a word of the buffer */
static int do_word(struct test_dev *t, char *args)
{
	struct test_buffer *b = buffer_of(t, strsep(&args, " "));
	unsigned long long offset;

	if (!b || number(args, &offset) || offset % 4 ||
	    offset >= PAGE_ALIGN(b->size))
		return -EINVAL;
	result(t, "value=0x%x\n", READ_ONCE(*(u32 *)(b->cpu + offset)));
	return 0;
}

/* peek ADDR: read a word at a physical address, which is mapped if there is an MMU */
static int do_peek(struct test_dev *t, char *args)
{
	unsigned long long addr;
	u32 *word;

	if (number(args, &addr))
		return -EINVAL;
	if (!IS_ENABLED(CONFIG_MMU)) {
		word = (u32 *)(unsigned long)addr;
		result(t, "value=0x%x\n", READ_ONCE(*word));
		return 0;
	}
	/* With the caching that the pool has: only if the device snoops caches. */
	word = memremap(addr, sizeof(*word), dap_is_coherent(t->dev) ?
			MEMREMAP_WB : MEMREMAP_WC);
	if (!word)
		return -ENOMEM;
	result(t, "value=0x%x\n", READ_ONCE(*word));
	memunmap(word);
	return 0;
}

/* poke ADDR VALUE: write a word at a physical address; only without an MMU */
static int do_poke(struct test_dev *t, char *args)
{
	unsigned long long addr, value;

	if (number(strsep(&args, " "), &addr) || number(args, &value))
		return -EINVAL;
	if (IS_ENABLED(CONFIG_MMU))
		return -EOPNOTSUPP;
	WRITE_ONCE(*(u32 *)(unsigned long)addr, value);
	return 0;
}

static int direction(const char *word, enum dma_data_direction *dir)
{
	*dir = DMA_BIDIRECTIONAL;
	if (!word || !strcmp(word, "bidi"))
		return 0;
	*dir = DMA_TO_DEVICE;
	if (!strcmp(word, "to"))
		return 0;
	*dir = DMA_FROM_DEVICE;
	return strcmp(word, "from") ? -EINVAL : 0;
}

/*
 * A buffer for streaming DMA that shares no cache line with other data.  It is filled
 * with @byte, and the lines before and after it with ~@byte.  It is where a device
 * with 32 address bits reaches it, so that it is not bounced.
 */
static void *get_lines(size_t size, u8 byte)
{
	size_t line = dma_get_cache_alignment();
	size_t whole = line + ALIGN(size, line) + line;
	struct page *page = alloc_pages(GFP_KERNEL | GFP_DMA32 | __GFP_COMP,
					get_order(whole));

	if (!page)
		return NULL;
	memset(page_address(page), ~byte, whole);
	return memset(page_address(page) + line, byte, size);
}

static void put_lines(void *buffer)
{
	put_page(virt_to_head_page(buffer - dma_get_cache_alignment()));
}

/*
 * Has the CPU lost data that it had written before the buffer was mapped?  Data next to
 * the buffer must never be lost.  Data in the buffer must survive only if it is for the
 * device.
 */
static bool has_lost(const void *buffer, size_t size, u8 byte,
		     enum dma_data_direction dir, unsigned long attrs)
{
	size_t line = dma_get_cache_alignment();
	bool is_kept = dir == DMA_TO_DEVICE ||
		       (dir == DMA_BIDIRECTIONAL &&
			!(attrs & DMA_ATTR_SKIP_CPU_SYNC));

	return memchr_inv(buffer - line, ~byte, line) ||
	       memchr_inv(buffer + ALIGN(size, line), ~byte, line) ||
	       (is_kept && memchr_inv(buffer, byte, size));
}

/* map SIZE [to | from | bidi [ATTRIBUTE]]: map, sync in all ways, and unmap a buffer */
static int do_map(struct test_dev *t, char *args)
{
	char *size_word = strsep(&args, " ");
	char *dir_word = strsep(&args, " ");
	unsigned long attrs = args ? attribute(args) : 0;
	enum dma_data_direction dir;
	unsigned long long size;
	dma_addr_t dma;
	int ret = 0;
	void *cpu;

	if (number(size_word, &size) || !size || direction(dir_word, &dir) ||
	    (args && !attrs))
		return -EINVAL;
	cpu = get_lines(size, 0x5a);
	if (!cpu)
		return -ENOMEM;

	dma = dma_map_single_attrs(t->dev, cpu, size, dir, attrs);
	if (dma_mapping_error(t->dev, dma)) {
		ret = -EIO;
		goto out;
	}
	dma_sync_single_for_cpu(t->dev, dma, size, dir);
	dma_sync_single_for_device(t->dev, dma, size, dir);
	dma_sync_single_range_for_cpu(t->dev, dma, size / 2, size - size / 2,
				      dir);
	dma_sync_single_range_for_device(t->dev, dma, size / 2,
					 size - size / 2, dir);
	dma_unmap_single_attrs(t->dev, dma, size, dir, attrs);
	if (has_lost(cpu, size, 0x5a, dir, attrs))
		ret = -EBADMSG;
	result(t, "phys=0x%llx dma=0x%llx need_sync=%d\n",
	       (u64)virt_to_phys(cpu), (u64)dma, dma_need_sync(t->dev, dma));
out:
	put_lines(cpu);
	return ret;
}

/*
 * hold SIZE [pages]: map a buffer for the device to write, or allocate pages that are;
 * until "unhold"
 */
static int do_hold(struct test_dev *t, char *args)
{
	char *word = strsep(&args, " ");
	struct test_hold *h = &t->hold;
	unsigned long long size;

	if (number(word, &size) || !size || h->size)
		return -EINVAL;
	if (args) {
		h->page = dma_alloc_pages(t->dev, size, &h->dma,
					  DMA_FROM_DEVICE, GFP_KERNEL);
		if (!h->page)
			return -ENOMEM;
		result(t, "phys=0x%llx\n", (u64)page_to_phys(h->page));
	} else {
		h->cpu = get_lines(size, 0x5a);
		if (!h->cpu)
			return -ENOMEM;
		h->dma = dma_map_single(t->dev, h->cpu, size, DMA_FROM_DEVICE);
	}
	if (dma_mapping_error(t->dev, h->dma)) {
		put_lines(h->cpu);
		return -EIO;
	}
	h->size = size;
	return 0;
}

/* unhold: unmap or free what "hold" has */
static int do_unhold(struct test_dev *t, char *args)
{
	struct test_hold *h = &t->hold;

	if (!h->size)
		return -ENOENT;
	if (h->page) {
		dma_free_pages(t->dev, h->size, h->page, h->dma,
			       DMA_FROM_DEVICE);
	} else {
		dma_unmap_single(t->dev, h->dma, h->size, DMA_FROM_DEVICE);
		put_lines(h->cpu);
	}
	memset(h, 0, sizeof(*h));
	return 0;
}

/* beyond BYTES: a wrong size, with which drivers map their buffers elsewhere */
static int do_beyond(struct test_dev *t, char *args)
{
	return kstrtoul(args ?: "", 0, &t->beyond);
}

/* sg COUNT SIZE [to | from | bidi]: as map, for a scatterlist of COUNT buffers */
static int do_sg(struct test_dev *t, char *args)
{
	char *count_word = strsep(&args, " ");
	char *size_word = strsep(&args, " ");
	unsigned long long count, size;
	enum dma_data_direction dir;
	struct scatterlist *sg;
	struct sg_table sgt;
	int ret, i;

	if (number(count_word, &count) || number(size_word, &size) ||
	    !count || count > 64 || !size || direction(args, &dir))
		return -EINVAL;
	ret = sg_alloc_table(&sgt, count, GFP_KERNEL);
	if (ret)
		return ret;
	for_each_sgtable_sg(&sgt, sg, i) {
		void *cpu = get_lines(size, i);

		if (!cpu) {
			ret = -ENOMEM;
			goto out;
		}
		sg_set_buf(sg, cpu, size);
	}

	ret = dma_map_sgtable(t->dev, &sgt, dir, 0);
	if (ret)
		goto out;
	for_each_sgtable_dma_sg(&sgt, sg, i)
		if (sg_dma_len(sg) != size ||
		    sg_dma_address(sg) != virt_to_phys(sg_virt(sg)))
			ret = -EBADMSG;
	dma_sync_sgtable_for_cpu(t->dev, &sgt, dir);
	dma_sync_sgtable_for_device(t->dev, &sgt, dir);
	result(t, "nents=%u\n", sgt.nents);
	dma_unmap_sgtable(t->dev, &sgt, dir, 0);
	for_each_sgtable_sg(&sgt, sg, i)
		if (has_lost(sg_virt(sg), size, i, dir, 0))
			ret = -EBADMSG;
out:
	for_each_sgtable_sg(&sgt, sg, i)
		if (sg_page(sg))
			put_lines(sg_virt(sg));
	sg_free_table(&sgt);
	return ret;
}

/* resource PHYS SIZE: map registers of another device */
static int do_resource(struct test_dev *t, char *args)
{
	char *word = strsep(&args, " ");
	unsigned long long phys, size;
	dma_addr_t dma;

	if (number(word, &phys) || number(args, &size))
		return -EINVAL;
	dma = dma_map_resource(t->dev, phys, size, DMA_TO_DEVICE, 0);
	if (dma_mapping_error(t->dev, dma))
		return -EIO;
	result(t, "dma=0x%llx\n", (u64)dma);
	dma_unmap_resource(t->dev, dma, size, DMA_TO_DEVICE, 0);
	return 0;
}

/* noncoherent SIZE: dma_alloc_noncoherent(), never from the pool */
static int do_noncoherent(struct test_dev *t, char *args)
{
	unsigned long long size;
	/* DMA_API_DEBUG of 5.10 records failed calls, too, with the value from here. */
	dma_addr_t dma = DMA_MAPPING_ERROR;
	int ret = 0;
	void *cpu;

	if (number(args, &size))
		return -EINVAL;
	cpu = dma_alloc_noncoherent(t->dev, size, &dma, DMA_TO_DEVICE,
				    GFP_KERNEL);
	if (!cpu) {
		result(t, "dma=0x%llx\n", (u64)dma);
		return -ENOMEM;
	}
	/* Until 6.11, DMA_API_DEBUG complains if nobody calls dma_mapping_error(). */
	if (dma_mapping_error(t->dev, dma) || memchr_inv(cpu, 0, size))
		ret = -EBADMSG;
	dma_sync_single_for_device(t->dev, dma, size, DMA_TO_DEVICE);
	result(t, "cpu=0x%lx phys=0x%llx dma=0x%llx\n", (unsigned long)cpu,
	       (u64)virt_to_phys(cpu), (u64)dma);
	dma_free_noncoherent(t->dev, size, cpu, dma, DMA_TO_DEVICE);
	return ret;
}

/* noncontiguous SIZE: dma_alloc_noncontiguous(), never from the pool */
static int do_noncontiguous(struct test_dev *t, char *args)
{
#ifdef DAP_HAS_NONCONTIGUOUS
	unsigned long long size;
	struct sg_table *sgt;

	if (number(args, &size))
		return -EINVAL;
	sgt = dma_alloc_noncontiguous(t->dev, size, DMA_BIDIRECTIONAL,
				      GFP_KERNEL, 0);
	if (!sgt)
		return -ENOMEM;
	result(t, "nents=%u phys=0x%llx dma=0x%llx\n", sgt->nents,
	       (u64)sg_phys(sgt->sgl), (u64)sg_dma_address(sgt->sgl));
	dma_free_noncontiguous(t->dev, size, sgt, DMA_BIDIRECTIONAL);
	return 0;
#else
	return -EOPNOTSUPP;
#endif
}

/* pages SIZE: dma_alloc_pages(), never from the pool */
static int do_pages(struct test_dev *t, char *args)
{
	unsigned long long size;
	/* See do_noncoherent(). */
	dma_addr_t dma = DMA_MAPPING_ERROR;
	struct page *page;
	int ret = 0;

	if (number(args, &size))
		return -EINVAL;
	page = dma_alloc_pages(t->dev, size, &dma, DMA_FROM_DEVICE, GFP_KERNEL);
	if (!page) {
		result(t, "dma=0x%llx\n", (u64)dma);
		return -ENOMEM;
	}
	if (dma_mapping_error(t->dev, dma))
		ret = -EBADMSG;
	result(t, "phys=0x%llx dma=0x%llx\n", (u64)page_to_phys(page), (u64)dma);
	dma_free_pages(t->dev, size, page, dma, DMA_FROM_DEVICE);
	return ret;
}

/* dmapool SIZE COUNT: allocate COUNT pieces from a dma_pool, check and free them */
static int do_dmapool(struct test_dev *t, char *args)
{
	char *word = strsep(&args, " ");
	unsigned long long size, count, i;
	struct dma_pool *pool;
	dma_addr_t *dma;
	int ret = 0;
	void **cpu;

	if (number(word, &size) || number(args, &count) || !count ||
	    count > 256)
		return -EINVAL;
	cpu = kcalloc(count, sizeof(*cpu), GFP_KERNEL);
	dma = kcalloc(count, sizeof(*dma), GFP_KERNEL);
	pool = dma_pool_create("test", t->dev, size, 0, 0);
	if (!cpu || !dma || !pool) {
		ret = -ENOMEM;
		goto out;
	}
	for (i = 0; i < count; i++) {
		cpu[i] = dma_pool_zalloc(pool, GFP_KERNEL, &dma[i]);
		if (!cpu[i]) {
			ret = -ENOMEM;
			break;
		}
		memset(cpu[i], i, size);
	}
	if (!ret)
		result(t, "cpu=0x%lx phys=0x%llx dma=0x%llx\n",
		       (unsigned long)cpu[0], phys_of(cpu[0]), (u64)dma[0]);
	while (i--) {
		if (memchr_inv(cpu[i], i, size))
			ret = -EBADMSG;
		dma_pool_free(pool, cpu[i], dma[i]);
	}
out:
	dma_pool_destroy(pool);
	kfree(dma);
	kfree(cpu);
	return ret;
}

/* mask MASK: dma_set_mask_and_coherent() */
static int do_mask(struct test_dev *t, char *args)
{
	unsigned long long mask;

	if (number(args, &mask))
		return -EINVAL;
	return dma_set_mask_and_coherent(t->dev, mask);
}

/* coherent_mask MASK: set it without asking the kernel, as some drivers do */
static int do_coherent_mask(struct test_dev *t, char *args)
{
	unsigned long long mask;

	if (number(args, &mask))
		return -EINVAL;
	t->dev->coherent_dma_mask = mask;
	return 0;
}

/* streaming_mask MASK: set the mask of streaming DMA in the same way */
static int do_streaming_mask(struct test_dev *t, char *args)
{
	unsigned long long mask;

	if (number(args, &mask))
		return -EINVAL;
	*t->dev->dma_mask = mask;
	return 0;
}

/* bus_limit ADDR: the last address that the device's bus reaches; 0: no limit */
static int do_bus_limit(struct test_dev *t, char *args)
{
	unsigned long long limit;

	if (number(args, &limit))
		return -EINVAL;
	t->dev->bus_dma_limit = limit;
	return 0;
}

/* snoops 0 | 1: the device snoops the caches, or not; before it is a client */
static int do_snoops(struct test_dev *t, char *args)
{
	unsigned long long snoops;

	if (number(args, &snoops))
		return -EINVAL;
	dap_assign_coherent(t->dev, snoops);
	return dap_is_coherent(t->dev) == snoops ? 0 : -EOPNOTSUPP;
}

/*
 * of_dma PATH: of_dma_configure() with another node, as some drivers do in their probe
 * if their DMA goes through that node's bus.  "ops" tells whether that has changed the
 * device's DMA operations.
 */
static int do_of_dma(struct test_dev *t, char *args)
{
#ifdef CONFIG_OF
	const struct dma_map_ops *ops = get_dma_ops(t->dev);
	struct device_node *np = of_find_node_by_path(args);
	int ret;

	if (!np)
		return -ENOENT;
	ret = of_dma_configure(t->dev, np, true);
	of_node_put(np);
	result(t, "ops=%s\n", get_dma_ops(t->dev) == ops ? "same" : "others");
	return ret;
#else
	return -EOPNOTSUPP;
#endif
}

/*
 * ranges [CPU BUS SIZE]...: set the DMA ranges of the device to these.  The driver core
 * frees them at unbind.
 */
static int do_ranges(struct test_dev *t, char *args)
{
	unsigned long long cpu, bus, size;
	struct bus_dma_region *map;
	unsigned int n = 0;

	map = kcalloc(8, sizeof(*map), GFP_KERNEL);
	if (!map)
		return -ENOMEM;
	while (args && n < 7) {
		if (number(strsep(&args, " "), &cpu) ||
		    number(strsep(&args, " "), &bus) ||
		    number(strsep(&args, " "), &size)) {
			kfree(map);
			return -EINVAL;
		}
		map[n].cpu_start = cpu;
		map[n].dma_start = bus;
		map[n].size = size;
#ifdef DAP_RANGES_HAVE_OFFSET
		map[n].offset = cpu - bus;
#endif
		n++;
	}
	kfree(t->dev->dma_range_map);
	t->dev->dma_range_map = map;
	return 0;
}

/*
 * sync ID: sync coherent memory as if it were a streaming mapping, as u-dma-buf does.
 * Calls the ops directly, since DMA_API_DEBUG would complain.
 */
static int do_sync(struct test_dev *t, char *args)
{
	struct test_buffer *b = buffer_of(t, args);
	const struct dma_map_ops *ops = get_dma_ops(t->dev);
	struct scatterlist sg;

	if (!b || !ops)
		return -ENOENT;
	sg_init_table(&sg, 1);
	sg.length = b->size;
	sg_dma_address(&sg) = b->dma;
	sg_dma_len(&sg) = b->size;
	if (ops->sync_single_for_cpu) {
		ops->sync_single_for_cpu(t->dev, b->dma, b->size,
					 DMA_BIDIRECTIONAL);
		ops->sync_sg_for_cpu(t->dev, &sg, 1, DMA_FROM_DEVICE);
	}
	if (ops->sync_single_for_device) {
		ops->sync_single_for_device(t->dev, b->dma, b->size,
					    DMA_BIDIRECTIONAL);
		ops->sync_sg_for_device(t->dev, &sg, 1, DMA_TO_DEVICE);
	}
	return 0;
}

/* has_ops: fails unless the device has dma_map_ops of its own */
static int do_has_ops(struct test_dev *t, char *args)
{
	return t->dev->dma_ops ? 0 : -ENOENT;
}

/* node_refs PATH: how many references somebody holds to a device tree node */
static int do_node_refs(struct test_dev *t, char *args)
{
#ifdef CONFIG_OF_KOBJ
	struct device_node *np = of_find_node_by_path(args);

	if (!np)
		return -ENOENT;
	result(t, "refs=%u\n", kref_read(&np->kobj.kref) - 1);
	of_node_put(np);
	return 0;
#else
	return -EOPNOTSUPP;
#endif
}

/* Map a list with an entry for each page of @b, sync it in all ways, and unmap it. */
static int import_pages(struct test_dev *t, const struct test_buffer *b,
			struct page *page, enum dma_data_direction dir,
			unsigned long attrs)
{
	struct scatterlist *sg;
	struct sg_table sgt;
	int ret, i;

	ret = sg_alloc_table(&sgt, PAGE_ALIGN(b->size) >> PAGE_SHIFT,
			     GFP_KERNEL);
	if (ret)
		return ret;
	for_each_sgtable_sg(&sgt, sg, i)
		sg_set_page(sg, page + i, PAGE_SIZE, 0);
	ret = dma_map_sgtable(t->dev, &sgt, dir, attrs);
	if (ret)
		goto out;
	for_each_sgtable_dma_sg(&sgt, sg, i)
		if (sg_dma_len(sg) != PAGE_SIZE ||
		    sg_dma_address(sg) != b->dma + i * PAGE_SIZE) {
			result(t, "page=%d bus=0x%llx\n", i,
			       (u64)sg_dma_address(sg));
			ret = -EBADMSG;
			break;
		}
	dma_sync_sgtable_for_cpu(t->dev, &sgt, dir);
	dma_sync_sgtable_for_device(t->dev, &sgt, dir);
	dma_unmap_sgtable(t->dev, &sgt, dir, attrs);
out:
	sg_free_table(&sgt);
	return ret;
}

/*
 * sgtable ID [to | from | bidi [ATTRIBUTE]]: dma_get_sgtable() of the buffer.  With a
 * direction, its pages are mapped, as the importer of a dma-buf does.  That fails unless
 * each has the bus address that it has in the buffer.
 */
static int do_sgtable(struct test_dev *t, char *args)
{
	struct test_buffer *b = buffer_of(t, strsep(&args, " "));
	char *dir_word = strsep(&args, " ");
	unsigned long attrs = args ? attribute(args) : 0;
	enum dma_data_direction dir;
	struct sg_table sgt;
	int ret;

	if (!b)
		return -ENOENT;
	if (direction(dir_word, &dir) || (args && !attrs))
		return -EINVAL;
	ret = dma_get_sgtable_attrs(t->dev, &sgt, b->cpu, b->dma,
				    b->size + t->beyond, b->attrs);
	if (ret)
		return ret;
	result(t, "nents=%u phys=0x%llx length=%u\n", sgt.nents,
	       (u64)sg_phys(sgt.sgl), sgt.sgl->length);
	if (dir_word)
		ret = import_pages(t, b, sg_page(sgt.sgl), dir, attrs);
	sg_free_table(&sgt);
	return ret;
}

/*
 * place PHYS SIZE [to | from | bidi [ATTRIBUTE]]: map memory at a physical address, sync
 * and unmap it.  Calls the ops directly, since there may be no struct page, at which
 * DMA_API_DEBUG would look.
 */
static int do_place(struct test_dev *t, char *args)
{
	const struct dma_map_ops *ops = get_dma_ops(t->dev);
	char *phys_word = strsep(&args, " ");
	char *size_word = strsep(&args, " ");
	char *dir_word = strsep(&args, " ");
	unsigned long attrs = args ? attribute(args) : 0;
	unsigned long long phys, size;
	enum dma_data_direction dir;
	dma_addr_t dma;

	if (!ops || number(phys_word, &phys) || number(size_word, &size) ||
	    direction(dir_word, &dir) || (args && !attrs))
		return -EINVAL;
#ifdef DAP_HAS_MAP_PHYS
	dma = ops->map_phys(t->dev, phys, size, dir, attrs);
#else
	dma = ops->map_page(t->dev, pfn_to_page(PHYS_PFN(phys)),
			    offset_in_page(phys), size, dir, attrs);
#endif
	if (dma == DMA_MAPPING_ERROR)
		return -EIO;
	result(t, "dma=0x%llx\n", (u64)dma);
	if (ops->sync_single_for_cpu) {
		ops->sync_single_for_cpu(t->dev, dma, size, dir);
		ops->sync_single_for_device(t->dev, dma, size, dir);
	}
#ifdef DAP_HAS_MAP_PHYS
	ops->unmap_phys(t->dev, dma, size, dir, attrs);
#else
	ops->unmap_page(t->dev, dma, size, dir, attrs);
#endif
	return 0;
}

/* limits: what the DMA API tells a driver about its device */
static int do_limits(struct test_dev *t, char *args)
{
	/* With DMA_API_DEBUG, newer kernels say that all devices need syncs. */
	bool always_sync = IS_ENABLED(CONFIG_DMA_NEED_SYNC) &&
			   IS_ENABLED(CONFIG_DMA_API_DEBUG);

	result(t,
	       "coherent=%d always_sync=%d required_mask=0x%llx max_mapping=%zu merge=0x%lx can_mmap=%d bus_bits=%zu\n",
	       dap_is_coherent(t->dev), always_sync,
	       dma_get_required_mask(t->dev),
	       dma_max_mapping_size(t->dev), dma_get_merge_boundary(t->dev),
	       dma_can_mmap(t->dev), 8 * sizeof(dma_addr_t));
	return 0;
}

/* keep ID: free it, but remember it for "badfree ID again" */
static int do_keep(struct test_dev *t, char *args)
{
	struct test_buffer *b = buffer_of(t, args);

	if (!b)
		return -ENOENT;
	dma_free_attrs(t->dev, b->size, b->cpu, b->dma, b->attrs);
	b->freed = true;
	return 0;
}

/*
 * badfree ID middle | unaligned | size | byte | double | again | outside | DEVICE: free
 * the buffer wrongly; with a DEVICE, the buffer is freed for that device.  Calls the ops
 * directly, since DMA_API_DEBUG would complain first.
 */
static int do_badfree(struct test_dev *t, char *args)
{
	struct test_buffer *b = buffer_of(t, strsep(&args, " "));
	struct device *dev = t->dev;
	const struct dma_map_ops *ops;
	size_t size, offset = 0;
	struct test_dev *other;
	void *cpu;

	if (!b || !args)
		return -EINVAL;
	cpu = b->cpu;
	size = b->size;
	if (!strcmp(args, "middle")) {
		offset = PAGE_SIZE;
	} else if (!strcmp(args, "unaligned")) {
		offset = 64;
	} else if (!strcmp(args, "size")) {
		size += PAGE_SIZE;
	} else if (!strcmp(args, "byte")) {
		size--;
	} else if (!strcmp(args, "double")) {
		free_buffer(t, b);
	} else if (!strcmp(args, "outside")) {
		cpu = test_pdevs;
	} else if (strcmp(args, "again")) {
		dev = NULL;
		list_for_each_entry(other, &test_devs, node)
			if (!strcmp(dev_name(other->dev), args))
				dev = other->dev;
	}

	ops = dev ? get_dma_ops(dev) : NULL;
	if (!ops || !ops->free)
		return -ENODEV;
	ops->free(dev, size, cpu + offset, b->dma + offset, b->attrs);
	if (b->freed)
		memset(b, 0, sizeof(*b));
	return 0;
}

/* release: dma_alias_pool_detach() */
static int do_release(struct test_dev *t, char *args)
{
	return api_detach(t->dev);
}

/*
 * region [PATH [NAME]]: of_reserved_mem_device_init() for the device's own node, for the
 * node at PATH, or for that node's region NAME
 */
static int do_region(struct test_dev *t, char *args)
{
	char *path = strsep(&args, " ");
	struct device_node *np;
	int ret;

	if (!path)
		return of_reserved_mem_device_init(t->dev);
	np = of_find_node_by_path(path);
	ret = args ? of_reserved_mem_device_init_by_name(t->dev, np, args) :
		     of_reserved_mem_device_init_by_idx(t->dev, np, 0);
	of_node_put(np);
	return ret;
}

/* unregion: of_reserved_mem_device_release() */
static int do_unregion(struct test_dev *t, char *args)
{
	of_reserved_mem_device_release(t->dev);
	return 0;
}

/*
 * mpu NUMBER [RASR [BASE]]: read the registers of an MPU region of ARMv7-M, and the
 * control register; with RASR, set this register of the region before that, and its base
 */
static int do_mpu(struct test_dev *t, char *args)
{
#ifdef CONFIG_CPU_V7M
	char *word = strsep(&args, " ");
	char *attributes = strsep(&args, " ");
	unsigned long long region, rasr, base;

	if (number(word, &region) || (attributes && number(attributes, &rasr)) ||
	    (args && number(args, &base)))
		return -EINVAL;
	preempt_disable();
	writel(region, BASEADDR_V7M_SCB + PMSAv7_RNR);
	if (args)
		writel(base, BASEADDR_V7M_SCB + PMSAv7_RBAR);
	if (attributes)
		writel(rasr, BASEADDR_V7M_SCB + PMSAv7_RASR);
	result(t, "type=0x%x ctrl=0x%x rbar=0x%x rasr=0x%x\n",
	       readl(BASEADDR_V7M_SCB + MPU_TYPE),
	       readl(BASEADDR_V7M_SCB + MPU_CTRL),
	       readl(BASEADDR_V7M_SCB + PMSAv7_RBAR) & ~0x1f,
	       readl(BASEADDR_V7M_SCB + PMSAv7_RASR));
	preempt_enable();
	return 0;
#else
	return -EOPNOTSUPP;
#endif
}

#if DAP_HAVE_CACHE_OPS
static struct cpu_cache_fns test_real_cache;
static char test_cache_log[400];
static char test_cache_last[32];
static unsigned int test_cache_repeated;

/*
 * Add an entry to the record.  Needs no lock: these machines have one CPU, and no other
 * driver does DMA while a test runs.
 */
static void __printf(1, 2) note_cache(const char *fmt, ...)
{
	size_t len = strlen(test_cache_log);
	char *end = test_cache_log + len;
	char entry[32];
	va_list args;

	va_start(args, fmt);
	vsnprintf(entry, sizeof(entry), fmt, args);
	va_end(args);
	if (len && !strcmp(entry, test_cache_last)) {
		/* The same as the last entry: replace it by one with a count. */
		len = strrchr(test_cache_log, ',') - test_cache_log;
		end = test_cache_log + len;
		test_cache_repeated++;
		snprintf(end, sizeof(test_cache_log) - len, ",%s*%u", entry,
			 test_cache_repeated);
		return;
	}
	test_cache_repeated = 1;
	strscpy(test_cache_last, entry, sizeof(test_cache_last));
	snprintf(end, sizeof(test_cache_log) - len, ",%s", entry);
}

static void noted_map(const void *va, size_t size, int dir)
{
	note_cache("map:%zu:%d", size, dir);
	test_real_cache.dma_map_area(va, size, dir);
}

static void noted_unmap(const void *va, size_t size, int dir)
{
	note_cache("unmap:%zu:%d", size, dir);
	test_real_cache.dma_unmap_area(va, size, dir);
}

static void noted_flush(void *va, size_t size)
{
	/* Flushes in the kernel's RAM are about programs and files, not about DMA. */
	if (!virt_addr_valid(va))
		note_cache("flush:%#lx:%zu", (unsigned long)va, size);
	test_real_cache.flush_kern_dcache_area(va, size);
}

static void start_recording(void)
{
	test_real_cache = cpu_cache;
	cpu_cache.dma_map_area = noted_map;
	cpu_cache.dma_unmap_area = noted_unmap;
	cpu_cache.flush_kern_dcache_area = noted_flush;
}

static void stop_recording(void)
{
	cpu_cache = test_real_cache;
}

/*
 * cache: what the kernel has done to caches since the last call: "map" (for the device)
 * and "unmap" (for the CPU) with size and direction, "flush" of memory outside of the
 * kernel's RAM with address and size, and "*N" if it did so N times in a row.
 */
static int do_cache(struct test_dev *t, char *args)
{
	if (!record_cache)
		return -EINVAL;
	result(t, "caches=%s\n", *test_cache_log ? test_cache_log + 1 : "-");
	test_cache_log[0] = '\0';
	return 0;
}
#else
static void start_recording(void) { }
static void stop_recording(void) { }

static int do_cache(struct test_dev *t, char *args)
{
	return -EOPNOTSUPP;
}
#endif

static const struct {
	const char *name;
	int (*run)(struct test_dev *t, char *args);
	bool unbound;		/* can be used while no driver is bound */
} test_commands[] = {
	{ "alloc",	 do_alloc },
	{ "own",	 do_own },
	{ "dmam",	 do_dmam },
	{ "free",	 do_free, true },
	{ "churn",	 do_churn },
	{ "fill",	 do_fill, true },
	{ "check",	 do_check, true },
	{ "word",	 do_word, true },
	{ "peek",	 do_peek, true },
	{ "poke",	 do_poke, true },
	{ "map",	 do_map },
	{ "hold",	 do_hold },
	{ "unhold",	 do_unhold },
	{ "beyond",	 do_beyond },
	{ "sg",		 do_sg },
	{ "resource",	 do_resource },
	{ "noncoherent", do_noncoherent },
	{ "noncontiguous", do_noncontiguous },
	{ "pages",	 do_pages },
	{ "dmapool",	 do_dmapool },
	{ "mask",	 do_mask },
	{ "coherent_mask", do_coherent_mask },
	{ "streaming_mask", do_streaming_mask },
	{ "bus_limit",	 do_bus_limit },
	{ "snoops",	 do_snoops },
	{ "of_dma",	 do_of_dma },
	{ "ranges",	 do_ranges },
	{ "sync",	 do_sync },
	{ "node_refs",	 do_node_refs, true },
	{ "sgtable",	 do_sgtable },
	{ "place",	 do_place },
	{ "limits",	 do_limits },
	{ "has_ops",	 do_has_ops, true },
	{ "release",	 do_release, true },
	{ "region",	 do_region },
	{ "unregion",	 do_unregion },
	{ "keep",	 do_keep },
	{ "badfree",	 do_badfree, true },
	{ "mpu",	 do_mpu, true },
	{ "cache",	 do_cache, true },
};

static ssize_t test_write(struct file *file, const char __user *from,
			  size_t count, loff_t *pos)
{
	struct test_dev *t = file_inode(file)->i_private;
	char line[128], *args, *name;
	unsigned int i;
	int ret = -EINVAL;

	if (count >= sizeof(line))
		return -E2BIG;
	if (copy_from_user(line, from, count))
		return -EFAULT;
	line[count] = '\0';
	args = strim(line);
	name = strsep(&args, " ");

	mutex_lock(&test_lock);
	t->result[0] = '\0';
	for (i = 0; i < ARRAY_SIZE(test_commands); i++) {
		if (strcmp(name, test_commands[i].name))
			continue;
		if (t->bound || test_commands[i].unbound)
			ret = test_commands[i].run(t, args);
		else
			ret = -ENXIO;
		break;
	}
	mutex_unlock(&test_lock);
	return ret ?: count;
}

static ssize_t test_read(struct file *file, char __user *to, size_t count,
			 loff_t *pos)
{
	struct test_dev *t = file_inode(file)->i_private;
	ssize_t ret;

	mutex_lock(&test_lock);
	ret = simple_read_from_buffer(to, count, pos, t->result,
				      strlen(t->result));
	mutex_unlock(&test_lock);
	return ret;
}

static const struct file_operations test_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.read	= test_read,
	.write	= test_write,
	.llseek	= default_llseek,
};

static struct test_dev *find_test_dev(struct device *dev)
{
	struct test_dev *t;

	list_for_each_entry(t, &test_devs, node)
		if (t->dev == dev)
			return t;
	return NULL;
}

static struct test_dev *make_test_dev(struct device *dev)
{
	struct test_dev *t = kvzalloc(sizeof(*t), GFP_KERNEL);

	if (!t)
		return NULL;
	t->dev = get_device(dev);
	t->file = debugfs_create_file(dev_name(dev), 0600, test_root, t,
				      &test_fops);
	list_add_tail(&t->node, &test_devs);
	return t;
}

/* An open /dev/dap_test: the buffer that mmap() maps, and the result for read(). */
struct test_map {
	struct test_dev *t;
	struct test_buffer *b;
	char result[64];
};

static int map_open(struct inode *inode, struct file *file)
{
	struct test_map *map = kzalloc(sizeof(*map), GFP_KERNEL);

	file->private_data = map;
	return map ? 0 : -ENOMEM;
}

static int map_release(struct inode *inode, struct file *file)
{
	kfree(file->private_data);
	return 0;
}

static ssize_t map_write(struct file *file, const char __user *from,
			 size_t count, loff_t *pos)
{
	struct test_map *map = file->private_data;
	char line[64], *args, *name;
	struct test_dev *t;
	int ret = -ENODEV;

	if (count >= sizeof(line))
		return -E2BIG;
	if (copy_from_user(line, from, count))
		return -EFAULT;
	line[count] = '\0';
	args = strim(line);
	name = strsep(&args, " ");

	mutex_lock(&test_lock);
	list_for_each_entry(t, &test_devs, node) {
		if (strcmp(dev_name(t->dev), name))
			continue;
		map->t = t;
		map->b = buffer_of(t, args);
		ret = map->b ? count : -ENOENT;
		break;
	}
	mutex_unlock(&test_lock);
	return ret;
}

#ifdef CONFIG_MMU
/* Is this the page table entry that remap_pfn_range() makes with @prot? */
static bool is_mapped_as(pte_t pte, pgprot_t prot)
{
	return pte_val(pte) ==
	       pte_val(pte_mkspecial(pfn_pte(pte_pfn(pte), prot)));
}

struct test_pte {
	struct test_map *map;
	pgprot_t prot;		/* what user space asked for */
};

static int describe_pte(pte_t *pte, unsigned long addr, void *data)
{
	struct test_pte *asked = data;
	const char *type = "other";

	if (is_mapped_as(*pte, asked->prot))
		type = "cached";
	else if (is_mapped_as(*pte, pgprot_dmacoherent(asked->prot)))
		type = "uncached";
	snprintf(asked->map->result, sizeof(asked->map->result),
		 "mapped=0x%llx type=%s\n", (u64)PFN_PHYS(pte_pfn(*pte)),
		 type);
	return 0;
}
#endif

static int map_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct test_map *map = file->private_data;
#ifdef CONFIG_MMU
	struct test_pte asked = { .map = map, .prot = vma->vm_page_prot };
#endif
	int ret;

	if (!map->b)
		return -ENODEV;
	ret = dma_mmap_attrs(map->t->dev, vma, map->b->cpu, map->b->dma,
			     map->b->size + map->t->beyond, map->b->attrs);
#ifdef CONFIG_MMU
	if (!ret)
		ret = apply_to_page_range(vma->vm_mm, vma->vm_start, PAGE_SIZE,
					  describe_pte, &asked);
#endif
	return ret;
}

/* With an MMU, tells which memory the first page is, and how it is cached. */
static ssize_t map_read(struct file *file, char __user *to, size_t count,
			loff_t *pos)
{
	struct test_map *map = file->private_data;

	return simple_read_from_buffer(to, count, pos, map->result,
				       strlen(map->result));
}

#ifndef CONFIG_MMU
/* Without an MMU, user space uses the buffer at its own address. */
static unsigned long map_unmapped_area(struct file *file, unsigned long addr,
				       unsigned long len, unsigned long pgoff,
				       unsigned long flags)
{
	struct test_map *map = file->private_data;

	if (!map->b)
		return -ENODEV;
	return (unsigned long)map->b->cpu + (pgoff << PAGE_SHIFT);
}

static unsigned int map_capabilities(struct file *file)
{
	return NOMMU_MAP_DIRECT | NOMMU_MAP_READ | NOMMU_MAP_WRITE;
}
#endif

static const struct file_operations map_fops = {
	.owner			= THIS_MODULE,
	.open			= map_open,
	.release		= map_release,
	.read			= map_read,
	.write			= map_write,
	.mmap			= map_mmap,
#ifndef CONFIG_MMU
	.get_unmapped_area	= map_unmapped_area,
	.mmap_capabilities	= map_capabilities,
#endif
	.llseek			= noop_llseek,
};

static struct miscdevice map_device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "dap_test",
	.fops	= &map_fops,
	.mode	= 0600,
};

static void drop_test_dev(struct test_dev *t)
{
	debugfs_remove(t->file);
	free_all(t);
	list_del(&t->node);
	put_device(t->dev);
	kvfree(t);
}

static void drop_test_devs(void)
{
	struct test_dev *t, *next;

	list_for_each_entry_safe(t, next, &test_devs, node)
		drop_test_dev(t);
}

static bool holds_something(const struct test_dev *t)
{
	unsigned int i;

	for (i = 0; i < TEST_MAX_BUFFERS; i++)
		if (t->buffer[i].cpu)
			return true;
	return false;
}

/*
 * Forget a device that is gone, unless it still has buffers for a test to free.  Such a
 * device is forgotten when there is a new one of its name, if its buffers are free by
 * then.  The debugfs file must be removed without the lock that its operations take.
 */
static void drop_gone(const char *name)
{
	struct test_dev *t, *found = NULL;

	mutex_lock(&test_lock);
	list_for_each_entry(t, &test_devs, node)
		if (t->gone && !strcmp(dev_name(t->dev), name) &&
		    !holds_something(t))
			found = t;
	if (found)
		list_del_init(&found->node);
	mutex_unlock(&test_lock);
	if (found)
		drop_test_dev(found);
}

static int test_bus_notify(struct notifier_block *nb, unsigned long action,
			   void *data)
{
	struct device *dev = data;
	struct test_dev *t;

	if (action != BUS_NOTIFY_REMOVED_DEVICE)
		return NOTIFY_DONE;
	mutex_lock(&test_lock);
	t = find_test_dev(dev);
	if (t)
		t->gone = true;
	mutex_unlock(&test_lock);
	if (t)
		drop_gone(dev_name(dev));
	return NOTIFY_DONE;
}

static struct notifier_block test_bus_nb = { .notifier_call = test_bus_notify };

static int ask_for_pool(struct device *dev)
{
	struct device_node *region;
	char name[64];
	int ret;

	if (sysfs_streq(api, ""))
		return 0;
	strscpy(name, api, sizeof(name));
	if (*name != '/')
		return api_attach(dev, strim(name));
	region = of_find_node_by_path(strim(name));
	ret = api_attach_node(dev, region);
	of_node_put(region);
	return ret;
}

static void take_own_memory(struct device *dev)
{
	struct device_node *region = of_parse_phandle(dev->of_node,
						      "memory-region", 0);

	if (of_device_is_compatible(region, "shared-dma-pool") &&
	    of_reserved_mem_device_init(dev))
		dev_err(dev, "cannot take its own memory\n");
	of_node_put(region);
}

static int test_bind(struct device *dev)
{
	struct test_dev *t;
	dma_addr_t dma;
	int ret;

	ret = ask_for_pool(dev);
	if (ret)
		return ret;
	/* The driver never releases this memory, so the device has it at the next probe. */
	if (!dap_has_own_memory(dev))
		take_own_memory(dev);

	drop_gone(dev_name(dev));
	mutex_lock(&test_lock);
	t = find_test_dev(dev) ?: make_test_dev(dev);
	if (!t) {
		ret = -ENOMEM;
	} else if (sysfs_streq(fail_probe, dev_name(dev))) {
		/* The driver core frees this memory when the probe has failed. */
		ret = dmam_alloc_coherent(dev, SZ_8K, &dma, GFP_KERNEL) ?
		      -ENXIO : -ENOMEM;
	} else if (sysfs_streq(defer, dev_name(dev))) {
		ret = dmam_alloc_coherent(dev, SZ_8K, &dma, GFP_KERNEL) ?
		      -EPROBE_DEFER : -ENOMEM;
	} else if (sysfs_streq(need, dev_name(dev)) &&
		   !dmam_alloc_coherent(dev, SZ_8K, &dma, GFP_KERNEL)) {
		ret = -ENOMEM;
	} else {
		t->bound = true;
	}
	mutex_unlock(&test_lock);
	return ret;
}

/* Some drivers stop their device by a last command in coherent memory. */
static void use_memory(struct device *dev)
{
	dma_addr_t dma;
	void *cpu;

	cpu = dma_alloc_coherent(dev, PAGE_SIZE, &dma, GFP_KERNEL);
	dev_info(dev, "remove: %s memory\n", cpu ? "has" : "has no");
	if (cpu)
		dma_free_coherent(dev, PAGE_SIZE, cpu, dma);
}

static void test_unbind(struct device *dev)
{
	struct test_dev *t;

	mutex_lock(&test_lock);
	t = find_test_dev(dev);
	t->bound = false;
	if (sysfs_streq(last_use, dev_name(dev)))
		use_memory(dev);
	if (!sysfs_streq(leak, dev_name(dev)))
		free_all(t);
	mutex_unlock(&test_lock);
}

static int test_probe(struct platform_device *pdev)
{
	return test_bind(&pdev->dev);
}

static dap_remove_t test_remove(struct platform_device *pdev)
{
	test_unbind(&pdev->dev);
	return DAP_REMOVED;
}

static const struct of_device_id test_of_match[] = {
	{ .compatible = "dma-alias-pool,test" },
	{ }
};
MODULE_DEVICE_TABLE(of, test_of_match);

static struct platform_driver test_driver = {
	.probe	= test_probe,
	.remove	= test_remove,
	.driver	= {
		.name		= "dap-test",
		.of_match_table	= test_of_match,
	},
};

#ifdef CONFIG_ARM_AMBA
static int test_amba_probe(struct amba_device *adev, const struct amba_id *id)
{
	return test_bind(&adev->dev);
}

static void test_amba_remove(struct amba_device *adev)
{
	test_unbind(&adev->dev);
}

static const struct amba_id test_amba_ids[] = { { } };

static struct amba_driver test_amba_driver = {
	.drv		= { .name = "dap-test" },
	.probe		= test_amba_probe,
	.remove		= test_amba_remove,
	.id_table	= test_amba_ids,
};

static int register_amba(void)
{
	return amba_driver_register(&test_amba_driver);
}

static void unregister_amba(void)
{
	amba_driver_unregister(&test_amba_driver);
}
#else
static int register_amba(void)
{
	return 0;
}

static void unregister_amba(void)
{
}
#endif

static int test_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	return test_bind(&pdev->dev);
}

static void test_pci_remove(struct pci_dev *pdev)
{
	test_unbind(&pdev->dev);
}

static const struct pci_device_id test_pci_ids[] = { { } };

static struct pci_driver test_pci_driver = {
	.name		= "dap-test",
	.probe		= test_pci_probe,
	.remove		= test_pci_remove,
	.id_table	= test_pci_ids,
};

static int register_drivers(void)
{
	int ret;

	ret = platform_driver_register(&test_driver);
	if (ret)
		return ret;
	ret = register_amba();
	if (ret)
		goto err_platform;
	ret = pci_register_driver(&test_pci_driver);
	if (ret)
		goto err_amba;
	return 0;

err_amba:
	unregister_amba();
err_platform:
	platform_driver_unregister(&test_driver);
	return ret;
}

static void unregister_drivers(void)
{
	pci_unregister_driver(&test_pci_driver);
	unregister_amba();
	platform_driver_unregister(&test_driver);
}

static void remove_device(unsigned int id)
{
	platform_device_unregister(test_pdevs[id]);
	test_pdevs[id] = NULL;
}

static void remove_devices(void)
{
	unsigned int i;

	for (i = 0; i < TEST_MAX_DEVICES; i++)
		remove_device(i);
}

static int add_device(unsigned int id)
{
	struct platform_device_info info = {
		.name		= "dap-test",
		.id		= id,
		.dma_mask	= DMA_BIT_MASK(32),
	};
	struct platform_device *pdev = platform_device_register_full(&info);

	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	test_pdevs[id] = pdev;
	return 0;
}

/* "add N" registers dap-test.N, "del N" unregisters it. */
static ssize_t control_write(struct file *file, const char __user *from,
			     size_t count, loff_t *pos)
{
	unsigned int id;
	char line[16];
	int ret = 0;

	if (count >= sizeof(line))
		return -E2BIG;
	if (copy_from_user(line, from, count))
		return -EFAULT;
	line[count] = '\0';

	if (kstrtouint(strim(line + min_t(size_t, count, 4)), 0, &id) ||
	    id >= TEST_MAX_DEVICES)
		return -EINVAL;
	if (!strncmp(line, "add ", 4) && !test_pdevs[id])
		ret = add_device(id);
	else if (!strncmp(line, "del ", 4) && test_pdevs[id])
		remove_device(id);
	else
		ret = -EINVAL;
	return ret ?: count;
}

static const struct file_operations control_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= control_write,
	.llseek	= noop_llseek,
};

static int __init test_init(void)
{
	unsigned int i;
	int ret;

	if (devices > TEST_MAX_DEVICES)
		return -EINVAL;
	test_root = debugfs_create_dir("dma_alias_pool_test", NULL);
	debugfs_create_file("control", 0200, test_root, NULL, &control_fops);
	ret = misc_register(&map_device);
	if (ret)
		goto err;
	test_driver.driver.suppress_bind_attrs = stuck;
	ret = bus_register_notifier(&platform_bus_type, &test_bus_nb);
	if (ret)
		goto err_misc;
	ret = register_drivers();
	if (ret)
		goto err_notifier;
	for (i = 0; i < devices && !ret; i++)
		ret = add_device(i);
	if (!ret) {
		if (record_cache)
			start_recording();
		return 0;
	}

	remove_devices();
	unregister_drivers();
	drop_test_devs();
err_notifier:
	bus_unregister_notifier(&platform_bus_type, &test_bus_nb);
err_misc:
	misc_deregister(&map_device);
err:
	debugfs_remove(test_root);
	return ret;
}

/*
 * Warn if somebody still has a reference to a device.  dma_alias_pool drops its own some
 * time after the last free.
 */
static void check_references(struct device *dev)
{
	unsigned int i;

	for (i = 0; i < 50 && kref_read(&dev->kobj.kref) > 1; i++)
		msleep(20);
	WARN(kref_read(&dev->kobj.kref) > 1, "%s: %u references are left\n",
	     dev_name(dev), kref_read(&dev->kobj.kref) - 1);
	put_device(dev);
}

static void __exit test_exit(void)
{
	struct device *devs[TEST_MAX_DEVICES];
	unsigned int i;

	if (record_cache)
		stop_recording();
	for (i = 0; i < TEST_MAX_DEVICES; i++)
		devs[i] = test_pdevs[i] ? get_device(&test_pdevs[i]->dev) : NULL;
	/* Buffers that are left are freed last, when driver and device are gone. */
	unregister_drivers();
	remove_devices();
	bus_unregister_notifier(&platform_bus_type, &test_bus_nb);
	drop_test_devs();
	for (i = 0; i < TEST_MAX_DEVICES; i++)
		if (devs[i])
			check_references(devs[i]);
	misc_deregister(&map_device);
	debugfs_remove(test_root);
}

module_init(test_init);
module_exit(test_exit);

MODULE_DESCRIPTION("Drives the DMA API on behalf of the dma-alias-pool selftests");
MODULE_AUTHOR("The dma-alias-pool developers");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
