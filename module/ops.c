// SPDX-License-Identifier: GPL-2.0
/*
 * The dma_map_ops of a client.
 *
 * Coherent memory comes from the pool, or the request fails.  Memory of the
 * normal allocator cannot be made coherent, and a driver that got it would
 * corrupt data much later.  Only two kinds of requests may get it: those that
 * need no coherent CPU mapping, and those of clients that are coherent in
 * hardware.  Everything that does not concern coherent memory is done as before
 * the client was attached: by its former operations, or by direct.c.
 *
 * Contexts: .alloc and .free of the pool's memory work in any context and
 * allocate nothing themselves.  Memory of the normal allocator is allocated with
 * the flags of the request.  For what the device has from before it was a
 * client, the rules of dma_free_attrs() apply.
 */
#include <linux/dma-mapping.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/ratelimit.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "bus.h"
#include "cache.h"
#include "caller.h"
#include "companion.h"
#include "compat.h"
#include "direct.h"
#include "ops.h"
#include "registry.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/*
 * Does a device snoop the caches?  One that has copied operations is taken for
 * what their owner is: drivers do not copy that (remoteproc_virtio.c), and what
 * the kernel takes such a device for may be the opposite.
 */
static __always_inline bool ops_snoops(const struct dap_client *client,
				       struct device *dev)
{
	return dap_is_coherent(client->has_ref ? client->dev : dev);
}

/*
 * A driver may find out in its probe that its device does not snoop the caches,
 * or that it does (of_dma_configure() with another node), when the pool is
 * mapped for the opposite.  An alias serves both.
 */
static __always_inline bool ops_mapped_to_fit(const struct dap_client *client,
					      struct device *dev)
{
	return !IS_ENABLED(CONFIG_MMU) || client->pool->region.has_alias ||
	       client->pool->region.cached == ops_snoops(client, dev);
}

/*
 * Find out which part of the pool a device can address: the pages below the
 * returned one, or all of them if that is U32_MAX.  *@bus is set to the bus
 * address of the pool's start.  If the device can have no memory of that size
 * at all, *@why is set to the reason, otherwise to NULL.  @dev is the client's
 * device, or one that has copied its operations.
 */
static noinline u32 ops_limit_why(const struct dap_client *client,
				  struct device *dev, size_t size,
				  dma_addr_t *bus, const char **why)
{
	const struct dap_entry *entry = dap_entry_of(client);
	const struct dap_region *region = &entry->pool.region;
	u64 mask = dev->coherent_dma_mask;

	*why = dap_bus_address(dev, entry, bus);
	if (!*why && !ops_mapped_to_fit(client, dev))
		*why = dap_region_conflict(region, ops_snoops(client, dev));
	if (*why)
		return 0;
	/*
	 * The pool aligns by its bus address, or by @phys if there is no such.
	 */
	if (!entry->has_bus && (*bus - region->phys) &
			       (dap_pool_alignment(client->pool, size) - 1)) {
		*why = "its bus address would not be aligned, see max_align";
		return 0;
	}
	if (dev->bus_dma_limit)
		mask = min_not_zero(mask, dev->bus_dma_limit);
	if (mask >= *bus + region->size - 1)
		return U32_MAX;
	if (mask >= *bus)
		return (mask - *bus + 1) >> PAGE_SHIFT;
	*why = "it is beyond what the device can address";
	return 0;
}

/* The same for callers that do not want the reason. */
static noinline u32 ops_limit(const struct dap_client *client,
			      struct device *dev, size_t size, dma_addr_t *bus)
{
	const char *why;

	return ops_limit_why(client, dev, size, bus, &why);
}

/*
 * A fast check that is true for most devices: can it address all of the pool?
 */
static __always_inline bool ops_reaches_all(const struct dap_client *client,
					    struct device *dev)
{
	const struct dap_entry *entry = dap_entry_of(client);
	const struct dap_region *region = &entry->pool.region;

	return !entry->has_bus && !dev->dma_range_map && !dev->bus_dma_limit &&
	       ops_mapped_to_fit(client, dev) &&
	       phys_to_dma(dev, region->phys) == region->phys &&
	       dev->coherent_dma_mask >= region->phys + region->size - 1;
}

static const struct dma_map_ops *ops_before(const struct dap_client *client)
{
	return client->before ?: &dap_direct_ops;
}

/* Limits messages, since drivers may repeat a request that fails. */
static DEFINE_RATELIMIT_STATE(dap_ratelimit, DEFAULT_RATELIMIT_INTERVAL,
			      DEFAULT_RATELIMIT_BURST);

static noinline void ops_report_failure(struct dap_client *client,
					struct device *dev, size_t size,
					int error)
{
	struct dap_pool *pool = client->pool;
	struct dap_pool_stats stats;
	const char *why;
	dma_addr_t bus;
	u32 limit;

	if (!__ratelimit(&dap_ratelimit))
		return;
	limit = ops_limit_why(client, dev, size, &bus, &why);
	dap_pool_stats(pool, &stats);
	if (error == -EINVAL)
		why = "nothing was asked for";
	else if (error == -E2BIG)
		why = "that is more than its size";
	else if (error == -ENODEV)
		why = "it is gone";
	else if (error == -ENOMEM)
		why = "fail_alloc in debugfs demands it";
	else if (!why && limit < pool->region.size >> PAGE_SHIFT)
		why = "there is no room in what the device can address";
	else if (!why && stats.free_bytes == stats.total_bytes &&
		 stats.largest_free_bytes < size)
		why = "no place is aligned enough, see max_align";
	else if (!why)
		why = "there is no room";

	dev_err(dev, "DMA pool %s: no %zu bytes: %s; %zu of %zu free, at most %zu for one request; alignment %#zx, bus address %pad, mask %#llx, bus limit %#llx\n",
		pool->name, size, why, stats.free_bytes, stats.total_bytes,
		stats.largest_free_bytes, dap_pool_alignment(pool, size), &bus,
		dev->coherent_dma_mask, (u64)dev->bus_dma_limit);
}

/*
 * A client has freed the last memory that it held: drop the reference to it,
 * and the one to the module.  This must be the very last thing that is done, as
 * after that, the code of the module may go away.  So the call of module_put()
 * has to be compiled to a jump; "make lint" checks that.
 */
static __always_inline void ops_put_drained(struct dap_client *client)
{
	dap_client_put(client);
	module_put(THIS_MODULE);
}

/*
 * Can a request be served with normal memory?  If the CPU does not touch the
 * memory, it still has been cleared by the CPU, and only a kernel that
 * maintains caches makes sure that this has reached memory.
 */
static bool ops_may_be_cached(const struct dap_client *client,
			      struct device *dev, unsigned long attrs)
{
	return ops_snoops(client, dev) ||
	       ((attrs & DMA_ATTR_NO_KERNEL_MAPPING) && dap_knows_coherence());
}

/*
 * Allocate normal memory for a request that can be served with it.  Nothing of
 * it is in the cache: no line is written back over what the device writes, and
 * none is found by user space, which gets another mapping of it.
 */
static noinline void *ops_alloc_fallback(struct dap_client *client,
					 struct device *dev, size_t size,
					 dma_addr_t *handle, gfp_t gfp)
{
	struct page *page;

	if (!client->ops.dap_alloc_pages || !size)
		return NULL;
	/* The caller reports a failure, unless that is not wanted. */
	gfp |= __GFP_NOWARN;

	/*
	 * Only these operations can free the memory: the client must keep them
	 * until then.
	 */
	if (!dap_pool_hold_fallback(client->pool, &client->user))
		return NULL;

	size = PAGE_ALIGN(size);
	page = client->ops.dap_alloc_pages(dev, size, handle, DMA_BIDIRECTIONAL,
				       gfp);
	if (!page) {
		if (dap_pool_drop_fallback(client->pool, &client->user) ==
		    DAP_DRAINED)
			ops_put_drained(client);
		return NULL;
	}
	/* The first writes the lines back and may keep them, the second drops them. */
	if (client->ops.sync_single_for_device)
		client->ops.sync_single_for_device(dev, *handle, size,
						   DMA_BIDIRECTIONAL);
	if (client->ops.sync_single_for_cpu)
		client->ops.sync_single_for_cpu(dev, *handle, size,
						DMA_FROM_DEVICE);
	if (DAP_COHERENT_IN_ARCHDATA && !client->ops.sync_single_for_device &&
	    !dap_is_coherent(dev)) {
		/* Without a node, the kernel takes it for coherent. */
		dap_sync_for_device(page_to_phys(page), size,
				    DMA_BIDIRECTIONAL);
		dap_sync_for_cpu(page_to_phys(page), size, DMA_FROM_DEVICE);
	}
	/* The mark by which .free recognizes such memory. */
	set_page_private(page, (unsigned long)client);
	return page_address(page);
}

static struct page *ops_fallback_page(struct dap_client *client, void *cpu)
{
	struct page *page;

	if (!PAGE_ALIGNED(cpu) || !virt_addr_valid(cpu))
		return NULL;
	page = virt_to_page(cpu);
	return page_private(page) == (unsigned long)client ? page : NULL;
}

/* Free memory that the device got before it was a client. */
static void ops_free_foreign(struct dap_client *client, struct device *dev,
			     size_t size, void *cpu, dma_addr_t handle,
			     unsigned long attrs)
{
	if (client->before)
		client->before->free(dev, size, cpu, handle, attrs);
	else
		dap_direct_free(dap_companion_of(dev), size, cpu, handle,
				attrs);
}

/* Allocate for a client that has ended: memory that is freed as above. */
static void *dap_ops_alloc_foreign(struct device *dev, size_t size,
				   dma_addr_t *handle, gfp_t gfp,
				   unsigned long attrs)
{
	struct dap_client *client = dap_client_of(dev);
	const struct dma_map_ops *before = client->before;

	/* Pairs with dap_ops_end(): our .free must see @foreign. */
	smp_rmb();
	if (!before)
		return dap_direct_alloc(dap_companion_of(dev), size, handle,
					gfp, attrs);
	return before->alloc ? before->alloc(dev, size, handle, gfp, attrs) :
			       NULL;
}

static int ops_mmap_foreign(struct dap_client *client, struct device *dev,
			    struct vm_area_struct *vma, void *cpu,
			    dma_addr_t handle, size_t size, unsigned long attrs)
{
	const struct dma_map_ops *before = client->before;

	if (!before)
		return dma_mmap_attrs(dap_companion_of(dev), vma, cpu, handle,
				      size, attrs);
	if (!before->mmap)
		return -ENXIO;
	return before->mmap(dev, vma, cpu, handle, size, attrs);
}

static int ops_get_sgtable_foreign(struct dap_client *client,
				   struct device *dev, struct sg_table *sgt,
				   void *cpu, dma_addr_t handle, size_t size,
				   unsigned long attrs)
{
	const struct dma_map_ops *before = client->before;

	if (!before)
		return dma_get_sgtable_attrs(dap_companion_of(dev), sgt, cpu,
					     handle, size, attrs);
	if (!before->get_sgtable)
		return -ENXIO;
	return before->get_sgtable(dev, sgt, cpu, handle, size, attrs);
}

/* Freed, and the device has got it before it became a client. */
#define OPS_FREED_FOREIGN	2

/*
 * Free memory that is not in the pool.  Returns as dap_pool_free(), -ERANGE for
 * memory of others, or OPS_FREED_FOREIGN.
 */
static int ops_free_outside(struct dap_client *client, struct device *dev,
			    size_t size, void *cpu, dma_addr_t handle,
			    unsigned long attrs)
{
	struct page *page = ops_fallback_page(client, cpu);

	if (page) {
		set_page_private(page, 0);
		client->ops.free_pages(dev, PAGE_ALIGN(size), page,
				       handle, DMA_BIDIRECTIONAL);
		return dap_pool_drop_fallback(client->pool, &client->user);
	}
	/* Operations that only refuse (dma_dummy_ops) have no .free. */
	if (!client->foreign || (client->before && !client->before->free))
		return -ERANGE;
	ops_free_foreign(client, dev, size, cpu, handle, attrs);
	return OPS_FREED_FOREIGN;
}

static void *dap_ops_alloc(struct device *dev, size_t size, dma_addr_t *handle,
			   gfp_t gfp, unsigned long attrs)
{
	struct dap_client *client = dap_client_of(dev);
	struct dap_pool *pool = client->pool;
	u32 limit = U32_MAX;
	void *cpu;

	/* Only the device of dap_ops_calibrate() has none. */
	if (unlikely(!pool)) {
		dap_caller_sample(__builtin_frame_address(0));
		return NULL;
	}

	if (likely(ops_reaches_all(client, dev)))
		*handle = pool->region.phys;
	else
		limit = ops_limit(client, dev, size, handle);
	cpu = dap_pool_alloc(pool, &client->user, size, limit,
			     dap_caller(__builtin_frame_address(0)));
	if (!IS_ERR(cpu)) {
		*handle += dap_pool_offset(pool, cpu);
		trace_alloc(dev, pool->name, size, *handle);
		return cpu;
	}
	trace_failure(dev, pool->name, size, PTR_ERR(cpu));

	/* A failure by fault injection must be one. */
	if (PTR_ERR(cpu) != -ENOMEM && ops_may_be_cached(client, dev, attrs)) {
		void *fallback = ops_alloc_fallback(client, dev, size, handle,
						    gfp);

		if (fallback)
			return fallback;
	}

	if (!(attrs & DMA_ATTR_NO_WARN) && !(gfp & __GFP_NOWARN))
		ops_report_failure(client, dev, size, PTR_ERR(cpu));
	return NULL;
}

static noinline void ops_report_bad_free(struct dap_client *client,
					 struct device *dev, size_t size,
					 void *cpu, dma_addr_t handle,
					 int error)
{
	struct dap_pool *pool = client->pool;
	struct dap_live live;
	const char *what, *who = "";
	char at[40];

	if (!dap_pool_count_bad_free(pool, &client->user))
		return;

	if (error == -ERANGE)
		snprintf(at, sizeof(at), "bus address %pad", &handle);
	else
		snprintf(at, sizeof(at), "offset %#zx",
			 dap_pool_offset(pool, cpu));
	switch (error) {
	case -ENOENT:
		what = "no allocation starts there (freed twice?)";
		break;
	case -EINVAL:
		what = "the allocation there has another size";
		break;
	case -EPERM:
		what = "it belongs to ";
		if (dap_pool_next_live(pool,
				       dap_pool_offset(pool, cpu) >> PAGE_SHIFT,
				       &live))
			who = live.dev;
		break;
	default:
		what = "it is not in the pool";
	}
	dev_WARN(dev,
		 "DMA pool %s: bad free of %zu bytes at %s: %s%s; ignored, more by this device are only counted\n",
		 pool->name, size, at, what, who);
}

static void dap_ops_free(struct device *dev, size_t size, void *cpu,
			 dma_addr_t handle, unsigned long attrs)
{
	struct dap_client *client = dap_client_of(dev);
	struct dap_entry *entry = dap_entry_of(client);
	struct dap_pool *pool = &entry->pool;
	bool traced = trace_free_enabled();
	int ret;

	/* After the free, the client and the pool may be gone. */
	if (traced)
		kref_get(&entry->ref);
	if (likely(dap_pool_contains(pool, cpu)))
		ret = dap_pool_free(pool, &client->user, cpu, size);
	else
		ret = ops_free_outside(client, dev, size, cpu, handle, attrs);

	if (unlikely(ret < 0))
		ops_report_bad_free(client, dev, size, cpu, handle, ret);
	if (traced) {
		if (ret >= 0 && ret != OPS_FREED_FOREIGN)
			trace_free(dev, pool->name, size, handle);
		dap_entry_put(entry);
	}
	if (ret == DAP_DRAINED)
		ops_put_drained(client);
}

/* Physical address of memory that .alloc returned; for the pool, its alias. */
static phys_addr_t ops_cpu_to_phys(struct dap_client *client, void *cpu)
{
	struct dap_pool *pool = client->pool;

	if (dap_pool_contains(pool, cpu))
		return pool->region.alias + dap_pool_offset(pool, cpu);
	return page_to_phys(virt_to_page(cpu));
}

static bool ops_is_ours(struct dap_client *client, void *cpu, size_t size)
{
	struct dap_pool *pool = client->pool;

	if (dap_pool_contains(pool, cpu))
		return PAGE_ALIGN(size) <= pool->region.size -
					   dap_pool_offset(pool, cpu);
	return ops_fallback_page(client, cpu);
}

/*
 * Drivers also map what they have not allocated with the DMA API (ALSA: pages
 * of the kernel for which it has called dma_map_single()).  That is done as
 * before.
 *
 * User space gets the alias, never the cacheable view.  On noMMU,
 * remap_pfn_range() only accepts a vma that starts at the pfn, so the driver
 * has to implement get_unmapped_area().
 */
static int dap_ops_mmap(struct device *dev, struct vm_area_struct *vma,
			void *cpu, dma_addr_t handle, size_t size,
			unsigned long attrs)
{
	struct dap_client *client = dap_client_of(dev);
	unsigned long count = PAGE_ALIGN(size) >> PAGE_SHIFT;
	unsigned long pages = vma_pages(vma);
	bool cached = ops_snoops(client, dev);

	if (!ops_is_ours(client, cpu, size)) {
		if (dap_pool_contains(client->pool, cpu))
			return -ENXIO;
		return ops_mmap_foreign(client, dev, vma, cpu, handle, size,
					attrs);
	}
	if (vma->vm_pgoff >= count || pages > count - vma->vm_pgoff)
		return -ENXIO;

	/*
	 * The same as the kernel mapping, which suits all clients of the pool.
	 */
	if (IS_ENABLED(CONFIG_MMU) && dap_pool_contains(client->pool, cpu))
		cached = client->pool->region.cached;
	if (!cached) {
		/* Pages of the kernel may have no mapping that is not cached */
		if (!dap_can_map_uncached() &&
		    !dap_pool_contains(client->pool, cpu))
			return -ENXIO;
#ifdef CONFIG_MMU
		vma->vm_page_prot = pgprot_dmacoherent(vma->vm_page_prot);
#endif
	}
	return remap_pfn_range(vma, vma->vm_start,
			       PHYS_PFN(ops_cpu_to_phys(client, cpu)) +
			       vma->vm_pgoff,
			       pages << PAGE_SHIFT, vma->vm_page_prot);
}

/*
 * A scatterlist needs a struct page.  Regions of noMMU outside of the memory
 * map have none, and code that looks at an invented one would crash.
 */
static int dap_ops_get_sgtable(struct device *dev, struct sg_table *sgt,
			       void *cpu, dma_addr_t handle, size_t size,
			       unsigned long attrs)
{
	struct dap_client *client = dap_client_of(dev);
	struct dap_pool *pool = client->pool;
	phys_addr_t phys;
	int ret;

	if (!ops_is_ours(client, cpu, size)) {
		if (dap_pool_contains(pool, cpu))
			return -ENXIO;
		return ops_get_sgtable_foreign(client, dev, sgt, cpu, handle,
					       size, attrs);
	}

	if (dap_pool_contains(pool, cpu))
		phys = pool->region.phys + dap_pool_offset(pool, cpu);
	else
		phys = ops_cpu_to_phys(client, cpu);
	if (!pfn_valid(PHYS_PFN(phys)) ||
	    !pfn_valid(PHYS_PFN(phys + size - 1))) {
		if (__ratelimit(&dap_ratelimit))
			dev_err(dev, "no scatterlist for memory of DMA pool %s: it has no struct pages\n",
				pool->name);
		return -ENXIO;
	}

	ret = sg_alloc_table(sgt, 1, GFP_KERNEL);
	if (!ret)
		sg_set_page(sgt->sgl, pfn_to_page(PHYS_PFN(phys)),
			    PAGE_ALIGN(size), 0);
	return ret;
}

static struct page *dap_ops_alloc_pages(struct device *dev, size_t size,
					dma_addr_t *handle,
					enum dma_data_direction dir, gfp_t gfp)
{
	struct dap_client *client = dap_client_of(dev);
	struct page *page;

	page = ops_before(client)->dap_alloc_pages(dev, size, handle, dir, gfp);
	if (page) {
		dap_pool_count_fallback(client->pool);
		trace_fallback(dev, client->pool->name, size, *handle);
	}
	return page;
}

/*
 * Find the operations for cache maintenance at a bus address.  Memory of a pool
 * needs none and may have no address to do it at, but drivers ask for it all
 * the same: NULL.
 */
static noinline const struct dma_map_ops *ops_to_sync(struct device *dev,
						      dma_addr_t addr)
{
	struct dap_client *client = dap_client_of(dev);

	if (dap_bus_is_pool(dev, dap_entry_of(client), addr))
		return NULL;
	return ops_before(client);
}

static void dap_ops_sync_single_for_cpu(struct device *dev, dma_addr_t addr,
					size_t size,
					enum dma_data_direction dir)
{
	const struct dma_map_ops *ops = ops_to_sync(dev, addr);

	if (ops)
		ops->sync_single_for_cpu(dev, addr, size, dir);
}

static void dap_ops_sync_single_for_device(struct device *dev, dma_addr_t addr,
					   size_t size,
					   enum dma_data_direction dir)
{
	const struct dma_map_ops *ops = ops_to_sync(dev, addr);

	if (ops)
		ops->sync_single_for_device(dev, addr, size, dir);
}

/*
 * Entry by entry, since some may be in the pool.  On ARM without an MMU before
 * Linux 5.15, .sync_single_for_cpu does not do what .sync_sg_for_cpu does.
 */
static void dap_ops_sync_sg_for_cpu(struct device *dev, struct scatterlist *sgl,
				    int nents, enum dma_data_direction dir)
{
	const struct dma_map_ops *ops;
	struct scatterlist *sg;
	int i;

	for_each_sg(sgl, sg, nents, i) {
		ops = ops_to_sync(dev, sg_dma_address(sg));
		if (ops && ops->sync_sg_for_cpu)
			ops->sync_sg_for_cpu(dev, sg, 1, dir);
		else if (ops)
			ops->sync_single_for_cpu(dev, sg_dma_address(sg),
						 sg->length, dir);
	}
}

static void dap_ops_sync_sg_for_device(struct device *dev,
				       struct scatterlist *sgl, int nents,
				       enum dma_data_direction dir)
{
	struct scatterlist *sg;
	int i;

	for_each_sg(sgl, sg, nents, i)
		dap_ops_sync_single_for_device(dev, sg_dma_address(sg),
					       sg->length, dir);
}

/**
 * dap_ops_build() - make the operations of a client
 * @client: @before, @pool and @dev are set
 *
 * Context: process context.  The device may be in use: memory that the last
 * driver left may be freed, and whoever made it may use it without a driver.
 */
void dap_ops_build(struct dap_client *client)
{
	struct dma_map_ops ops = *ops_before(client);

	ops.alloc = dap_ops_alloc;
	ops.free = dap_ops_free;
	ops.mmap = dap_ops_mmap;
	ops.get_sgtable = dap_ops_get_sgtable;
	if (ops.dap_alloc_pages)
		ops.dap_alloc_pages = dap_ops_alloc_pages;
	if (ops.sync_single_for_cpu) {
		ops.sync_single_for_cpu = dap_ops_sync_single_for_cpu;
		ops.sync_sg_for_cpu = dap_ops_sync_sg_for_cpu;
	}
	if (ops.sync_single_for_device) {
		ops.sync_single_for_device = dap_ops_sync_single_for_device;
		ops.sync_sg_for_device = dap_ops_sync_sg_for_device;
	}

	/* dma_need_sync() takes their presence for the need to sync. */
	if (!client->before && !IS_ENABLED(CONFIG_SWIOTLB) &&
	    dev_is_dma_coherent(client->dev)) {
		ops.sync_single_for_cpu = NULL;
		ops.sync_single_for_device = NULL;
		ops.sync_sg_for_cpu = NULL;
		ops.sync_sg_for_device = NULL;
	}

	/*
	 * At once, so that .free is always there: memory that the last driver
	 * left may be freed meanwhile.
	 */
	client->ops = ops;
}

/**
 * dap_ops_end() - let the operations of a client be those from before
 * @client: holds no memory of the pool, and will never again.  Its operations
 *          may be running.
 *
 * They stay those of a client, but coherent memory comes from where it came
 * from before.
 *
 * Context: process context.
 */
void dap_ops_end(struct dap_client *client)
{
	client->foreign = true;
	/* Pairs with dap_ops_alloc_foreign(). */
	smp_wmb();
	WRITE_ONCE(client->ops.alloc, dap_ops_alloc_foreign);
	WRITE_ONCE(client->ops.dap_alloc_pages,
		   ops_before(client)->dap_alloc_pages);
}

/**
 * dap_ops_calibrate() - prepare for recording who called dma_alloc_attrs()
 *
 * If this fails, allocations are recorded without a caller.
 *
 * Context: process context, may sleep; at load.
 */
void __init dap_ops_calibrate(void)
{
	struct dap_client *nobody = kzalloc(sizeof(*nobody), GFP_KERNEL);

	if (!nobody)
		return;
	nobody->ops.alloc = dap_ops_alloc;
	dap_caller_calibrate(&nobody->ops);
	kfree(nobody);
}
