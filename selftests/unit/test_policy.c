// SPDX-License-Identifier: GPL-2.0
/*
 * module/policy.c as it is, with bus.c for addresses, params.c for the patterns and
 * outsider.c for who is excluded: who can be a client, who gets which pool, what comes before what,
 * what is said about it, and that all of it relies on dap_lock().
 */
#pragma GCC diagnostic ignored "-Wunused-parameter"	/* stand-ins have some */
#pragma GCC diagnostic ignored "-Wunused-function"	/* if policy.c is broken */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/err.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/types.h>

#include "tap.h"

struct iommu_domain {
	int unused;
};

struct device_node {
	struct device_node *regions[3];
	bool is_region;
	bool is_pool;
	bool is_shared;
	bool is_reusable;
	int refs;
};

/* As linux/dma-direct.h has it; an entry of no size ends the list. */
struct bus_dma_region {
	phys_addr_t cpu_start;
	dma_addr_t dma_start;
	u64 size;
};

struct device {
	const char *name;
	const struct bus_type *bus;
	const void *driver;
	u64 mask;
	u64 *dma_mask;
	u64 coherent_dma_mask;
	u64 bus_dma_limit;
	void *dma_mem;
	struct device_node *of_node;
	struct iommu_domain *domain;
	const struct bus_dma_region *dma_range_map;
	bool dma_iommu;
	bool restricted;
	bool coherent;
};

static const char *dev_name(const struct device *dev)
{
	return dev->name;
}

#define CONFIG_LOCKDEP 1
#define CONFIG_DMA_CMA 1
#define IS_ENABLED(option) option
#define KBUILD_MODNAME "dma_alias_pool"

/* In place of module/compat.h */
#define DAP_COMPAT_H
#include <linux/dma-mapping.h>

static bool dap_is_coherent(struct device *dev)
{
	return dev->coherent;
}

static bool dap_uses_dma_iommu(struct device *dev)
{
	return dev->dma_iommu;
}

static bool hidden;

static bool dap_hides_memory(void)
{
	return hidden;
}

static bool dap_has_own_memory(struct device *dev)
{
	return dev->dma_mem;
}

static bool dap_is_restricted(struct device *dev)
{
	return dev->restricted;
}

static dma_addr_t phys_to_dma(struct device *dev, phys_addr_t phys)
{
	const struct bus_dma_region *range = dev->dma_range_map;

	if (!range)
		return phys;
	for (; range->size; range++)
		if (phys >= range->cpu_start &&
		    phys - range->cpu_start < range->size)
			return range->dma_start + (phys - range->cpu_start);
	return DMA_MAPPING_ERROR;
}

/* What has been said: the last of it, and how often. */
static char said[256];
static unsigned int messages;

static void say(const char *format, va_list args)
{
	vsnprintf(said, sizeof(said), format, args);
	messages++;
}

static void __printf(1, 2) pr_err(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

void __printf(2, 3) dev_err(struct device *dev, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

void __printf(2, 3) dev_warn(struct device *dev, const char *format, ...);
void dev_warn(struct device *dev, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

static bool no_memory;
static int allocated;

static void *kzalloc(size_t size, unsigned int gfp)
{
	void *p = no_memory ? NULL : calloc(1, size);

	allocated += !!p;
	return p;
}

void kfree(const void *p)
{
	allocated--;
	free((void *)p);
}

bool of_property_read_bool(const struct device_node *np, const char *name);

#include "../../module/bus.c"
#include "../../module/outsider.c"
#include "../../module/params.c"
#include "../../module/policy.c"

struct iommu_domain *iommu_get_domain_for_dev(struct device *dev)
{
	return dev->domain;
}

/* Free entries before the last one are phandles of 0. */
static int nr_regions(const struct device_node *np)
{
	int nr = np ? ARRAY_SIZE(np->regions) : 0;

	while (nr && !np->regions[nr - 1])
		nr--;
	return nr;
}

int of_phandle_iterator_init(struct of_phandle_iterator *it,
			     const struct device_node *np, const char *list,
			     const char *cells, int nr_cells)
{
	EXPECT(!strcmp(list, "memory-region"));
	EXPECT(!cells && !nr_cells);
	*it = (struct of_phandle_iterator){ .parent = np };
	return 0;
}

/* The reference to a node is the iterator's, until it comes to the next one. */
int of_phandle_iterator_next(struct of_phandle_iterator *it)
{
	if (it->node)
		of_node_put(it->node);
	it->node = NULL;
	if (it->next >= nr_regions(it->parent))
		return -ENOENT;
	it->node = it->parent->regions[it->next++];
	it->phandle = !!it->node;
	if (it->node)
		it->node->refs++;
	return 0;
}

struct property *of_find_property(const struct device_node *np,
				  const char *name, int *bytes)
{
	EXPECT(!strcmp(name, "memory-region"));
	*bytes = 4 * nr_regions(np);
	return *bytes ? (struct property *)np : NULL;
}

bool dap_is_pool_region(const struct device_node *np)
{
	return np && np->is_region;
}

bool of_device_is_compatible(const struct device_node *np, const char *name)
{
	return np && ((np->is_shared && !strcmp(name, "shared-dma-pool")) ||
		      (np->is_pool && !strcmp(name, "dma-alias-pool")));
}

bool of_property_read_bool(const struct device_node *np, const char *name)
{
	EXPECT(!strcmp(name, "reusable"));
	return np->is_reusable;
}

void of_node_put(struct device_node *np)
{
	np->refs--;
}

/* --- the lock, which whoever looks at pools says that it relies on */

static bool locked;
static unsigned int asserted;

void dap_lock(void)
{
	EXPECT(!locked);
	locked = true;
}

void dap_unlock(void)
{
	EXPECT(locked);
	locked = false;
}

void dap_assert_locked(void)
{
	if (!locked)
		fail("the lock is not held");
	asserted++;
}

/* --- two pools, one device */

LIST_HEAD(dap_entries);
bool dap_registry_is_open;
struct bus_type platform_bus_type;
static struct bus_type other_bus;

/* As registry.c has it, and test_registry.c looks at. */
struct dap_entry *dap_entry_find(const char *name)
{
	struct dap_entry *entry, *found = NULL;
	unsigned int count = 0;

	dap_assert_locked();
	list_for_each_entry(entry, &dap_entries, node) {
		count++;
		if (!*name || !strcmp(entry->pool.name, name))
			found = entry;
	}
	return *name || count == 1 ? found : NULL;
}

struct dap_entry *dap_entry_find_by_node(const struct device_node *region)
{
	struct dap_entry *entry, *found = NULL;

	dap_assert_locked();
	list_for_each_entry(entry, &dap_entries, node)
		if (region && entry->region_np == region)
			found = entry;
	return found;
}

static struct device_node first_region, second_region, other_region, node;
static struct dap_entry first, second;
static struct platform_device platform_device;
static struct dap_rule rules[3];

#define dev	platform_device.dev

/* Instead of a pool: nobody named one, or it is to have none. */
#define NOBODY	NULL
#define NONE	((struct dap_entry *)ERR_PTR(-ENOENT))

static void add(struct dap_entry *entry, const char *name, phys_addr_t phys,
		struct device_node *region)
{
	memset(entry, 0, sizeof(*entry));
	strscpy(entry->pool.name, name, sizeof(entry->pool.name));
	entry->pool.region.phys = phys;
	entry->pool.region.size = 0x400000;
	entry->region_np = region;
	list_add_tail(&entry->node, &dap_entries);
}

static void rule(unsigned int i, const char *glob, const char *pool)
{
	strscpy(rules[i].glob, glob, sizeof(rules[i].glob));
	strscpy(rules[i].pool, pool, sizeof(rules[i].pool));
	dap_policy_init(rules, i + 1);
}

static void start(void)
{
	memset(&node, 0, sizeof(node));
	first_region = second_region = (struct device_node){ .is_region = true };
	other_region = (struct device_node){ .is_region = false };
	platform_device.name = "ethernet";
	dev = (struct device){
		.name = "40200000.ethernet",
		.bus = &platform_bus_type,
		.driver = &dev,
		.mask = ~0U,
		.dma_mask = &dev.mask,
		.coherent_dma_mask = ~0U,
		.of_node = &node,
	};
	no_memory = dap_incomplete = false;
	dap_registry_is_open = true;
	INIT_LIST_HEAD(&dap_entries);
	add(&first, "first", 0x20000000, &first_region);
	add(&second, "second", 0x30000000, &second_region);
	dap_policy_init(NULL, 0);
	locked = false;
	dap_lock();
	dap_outsider_del(&dev);
	dap_unlock();
}

static const char *name_of(const struct dap_entry *entry)
{
	if (entry == NOBODY)
		return "what nobody named";
	return entry == NONE ? "none" : entry->pool.name;
}

/*
 * The choice, with a message or none. @by_default: only the default decides, since
 * nobody named one; else it is not asked.
 */
static void chooses(struct dap_entry *wanted, bool by_default,
		    const char *message)
{
	struct dap_entry *named, *entry;

	steps++;
	asserted = messages = 0;
	said[0] = '\0';
	dap_lock();
	named = dap_policy_choose(&dev, false);
	EXPECT(asserted);
	asserted = 0;
	entry = dap_policy_choose_default(&dev);
	EXPECT(asserted);
	dap_unlock();
	if (!by_default)
		entry = named;
	else if (named != NOBODY)
		fail("%s was named, not left to the default; said: %s",
		     name_of(named), said);
	if (entry != wanted)
		fail("chose %s, not %s; said: %s", name_of(entry),
		     name_of(wanted), said);
	EXPECT(messages == !!message);
	if (message && !strstr(said, message))
		fail("said: %s, not: %s", said, message);
	EXPECT(!first_region.refs && !second_region.refs && !other_region.refs);

	messages = 0;
	dap_lock();
	EXPECT(dap_policy_choose(&dev, true) == named);
	dap_unlock();
	EXPECT(!messages);
}

/* Why the first pool would not have it, for who asks for that pool. */
static const char *refusal_by_first(void)
{
	const char *why;

	asserted = 0;
	dap_lock();
	why = dap_policy_refusal_by(&first, &dev);
	dap_unlock();
	EXPECT(asserted);
	return why;
}

static void refused(const char *reason)
{
	const char *why = dap_policy_refusal(&dev);

	steps++;
	EXPECT(why && strstr(why, reason));
	why = refusal_by_first();
	EXPECT(why && strstr(why, reason));
	/* Not served by who is named, nor by the default, of whom nobody hears. */
	rule(0, "*", "first");
	chooses(NONE, false, reason);
	dap_policy_init(NULL, 0);
	second.is_default = true;
	chooses(NULL, true, NULL);
}

static void refusals(void)
{
	static struct iommu_domain domain;

	start();
	EXPECT(!dap_policy_refusal(&dev) && !refusal_by_first());
	dev.dma_mask = NULL;
	refused("it has no DMA mask");
	start();
	dev.coherent_dma_mask = 0;
	refused("it has no DMA mask");
	start();
	dev.dma_mem = &dev;
	refused("coherent memory of its own");
	start();
	dev.domain = &domain;
	refused("it is behind an IOMMU");
	start();
	dev.dma_iommu = true;
	refused("it is behind an IOMMU");
	start();
	dev.restricted = true;
	refused("it reaches its restricted-dma-pool only");
	start();
	hidden = true;
	refused("memory is encrypted, or has other addresses (Xen PV)");
	hidden = false;
}

static const struct bus_dma_region whole[] = {
	{ 0x20200000, 0x20200000, 0x400000 },
	{ 0x20000000, 0x20000000, 0x200000 },
	{ }
}, with_hole[] = {
	{ 0x20000000, 0x20000000, 0x100000 },
	{ 0x20101000, 0x20101000, 0x2ff000 },
	{ }
}, with_shift[] = {
	{ 0x20000000, 0x20000000, 0x100000 },
	{ 0x20100000, 0x30100000, 0x100000 },
	{ 0x20200000, 0x20200000, 0x200000 },
	{ }
}, alias_only[] = {
	{ 0x20400000, 0x20000000, 0x400000 },
	{ }
}, both[] = {
	{ 0x20000000, 0x20000000, 0x800000 },
	{ }
}, half_of_alias[] = {
	{ 0x20400000, 0x20000000, 0x200000 },
	{ }
};

/* The bus of the device translates these addresses alone. */
static void has_range(phys_addr_t phys, dma_addr_t bus, u64 size)
{
	static struct bus_dma_region map[2];

	map[0] = (struct bus_dma_region){ phys, bus, size };
	dev.dma_range_map = map;
}

static void translation(void)
{
	dma_addr_t bus = 0;

	start();
	EXPECT(!dap_bus_address(&dev, &first, &bus) && bus == 0x20000000);
	has_range(0x1f000000, 0x1f000000, 0x1000000);
	EXPECT(dap_bus_address(&dev, &first, &bus));
	has_range(0x20000000, 0x21000000, 0x400000 - 1);
	EXPECT(dap_bus_address(&dev, &first, &bus));
	has_range(0x20000000, 0x21000000, 0x400000);
	EXPECT(!dap_bus_address(&dev, &first, &bus) && bus == 0x21000000);
	/* up to the last bus address there is, and beyond */
	has_range(0x20000000, DMA_MAPPING_ERROR - 0x3fffff, 0x400000);
	EXPECT(!dap_bus_address(&dev, &first, &bus) &&
	       bus == DMA_MAPPING_ERROR - 0x3fffff);
	has_range(0x20000000, DMA_MAPPING_ERROR - 0x3fffff + PAGE_SIZE, 0x400000);
	EXPECT(dap_bus_address(&dev, &first, &bus));

	/* its ends fit, but there is a hole, or another address, in the middle */
	start();
	dev.dma_range_map = whole;
	EXPECT(!dap_bus_address(&dev, &first, &bus) && bus == 0x20000000);
	dev.dma_range_map = with_hole;
	EXPECT(dap_bus_address(&dev, &first, &bus));
	dev.dma_range_map = with_shift;
	EXPECT(dap_bus_address(&dev, &first, &bus));
	dev.dma_range_map = NULL;

	/* Its bus knows the alias alone, or both: then the region comes first. */
	start();
	first.pool.region.alias = 0x20400000;
	dev.dma_range_map = alias_only;
	EXPECT(!dap_bus_address(&dev, &first, &bus) && bus == 0x20000000);
	dev.dma_range_map = both;
	EXPECT(!dap_bus_address(&dev, &first, &bus) && bus == 0x20000000);
	dev.dma_range_map = half_of_alias;
	EXPECT(dap_bus_address(&dev, &first, &bus));
	dev.dma_range_map = NULL;
	EXPECT(!dap_bus_address(&dev, &first, &bus) && bus == 0x20000000);

	start();
	first.has_bus = true;
	first.bus = 0x50000000;
	has_range(0, 0, 1);
	EXPECT(!dap_bus_address(&dev, &first, &bus) && bus == 0x50000000);
	dev.bus_dma_limit = 0x50000000;
	EXPECT(!dap_bus_address(&dev, &first, &bus));
	dev.bus_dma_limit = 0x50000000 - 1;
	EXPECT(dap_bus_address(&dev, &first, &bus));
	second.is_default = first.is_default = true;
	dev.dma_range_map = NULL;
	dev.bus_dma_limit = 0x10000000;
	chooses(NULL, true, NULL);
	dev.bus_dma_limit = 0x30000000;
	chooses(&second, true, NULL);
}

static bool is_pool_itself(void)
{
	const char *why = dap_policy_refusal(&dev);

	return why && !strcmp(why, "it is a pool itself");
}

/* Not a pool, whatever names it or would take it, nor what may be one some day. */
static void pools_themselves(void)
{
	start();
	platform_device.name = "dma_alias_pool";
	EXPECT(is_pool_itself());
	rule(0, "*", "first");
	second.is_default = true;
	node.regions[0] = &first_region;
	chooses(NONE, false, NULL);
	start();
	first.is_default = true;
	platform_device.name = "dma_alias_pool";
	chooses(NONE, false, NULL);
	/* on another bus, a name says nothing, nor is there one */
	dev.bus = &other_bus;
	EXPECT(!dap_policy_refusal(&dev));
	chooses(&first, true, NULL);
	dev.bus = NULL;
	EXPECT(!dap_policy_refusal(&dev));

	start();
	node.is_pool = true;
	EXPECT(is_pool_itself());
	rule(0, "*", "first");
	chooses(NONE, false, NULL);
	dev.bus = &other_bus;
	chooses(NONE, false, NULL);
	/* without any node */
	start();
	dev.of_node = NULL;
	EXPECT(!dap_policy_refusal(&dev));
}

/* Who was detached stays so, whatever names a pool, until it is asked back. */
static void excluded(void)
{
	start();
	second.is_default = true;
	rule(0, "*", "first");
	dap_lock();
	EXPECT(!dap_outsider_is_excluded(&dev));
	dap_outsider_add(&dev);
	EXPECT(!dap_outsider_is_excluded(&dev) && dap_outsider_is_noted(&dev));
	dap_unlock();
	chooses(&first, false, NULL);

	dap_lock();
	EXPECT(!dap_outsider_exclude(&dev));
	EXPECT(dap_outsider_is_excluded(&dev) && dap_outsider_is_noted(&dev));
	dap_unlock();
	chooses(NONE, false, NULL);
	node.regions[0] = &first_region;
	chooses(NONE, false, NULL);
	/* That is about policy: who asks for it can have it. */
	EXPECT(!refusal_by_first());

	dap_lock();
	dap_outsider_admit(&dev);
	EXPECT(!dap_outsider_is_excluded(&dev) && dap_outsider_is_noted(&dev));
	dap_unlock();
	chooses(&first, false, NULL);

	/* A device that is gone does not leave that to the next one there. */
	dap_lock();
	EXPECT(!dap_outsider_exclude(&dev));
	dap_outsider_del(&dev);
	EXPECT(!dap_outsider_is_excluded(&dev) && !dap_outsider_is_noted(&dev));
	dap_outsider_admit(&dev);
	EXPECT(!dap_outsider_is_noted(&dev));
	dap_unlock();
	chooses(&first, false, NULL);
}

/* Who is without a pool; where nobody knows, it may be anybody. */
static void outsiders(void)
{
	static struct device others[3];

	start();
	EXPECT(!allocated);
	asserted = 0;
	dap_lock();
	EXPECT(!dap_outsider_is_noted(&others[0]));
	dap_outsider_add(&others[0]);
	dap_outsider_add(&others[0]);
	dap_outsider_add(&others[1]);
	EXPECT(allocated == 2);
	EXPECT(!dap_outsider_exclude(&others[1]) && allocated == 2);
	EXPECT(dap_outsider_is_noted(&others[0]) && dap_outsider_is_noted(&others[1]));
	EXPECT(!dap_outsider_is_noted(&others[2]));
	EXPECT(!dap_outsider_is_excluded(&others[0]));
	dap_outsider_add(&others[1]);
	EXPECT(dap_outsider_is_excluded(&others[1]));
	dap_outsider_del(&others[0]);
	dap_outsider_del(&others[2]);
	EXPECT(!dap_outsider_is_noted(&others[0]) && dap_outsider_is_noted(&others[1]));
	EXPECT(allocated == 1);

	no_memory = true;
	EXPECT(!dap_outsider_exclude(&others[1]));
	EXPECT(!dap_incomplete);
	EXPECT(dap_outsider_exclude(&others[2]) == -ENOMEM);
	EXPECT(dap_outsider_is_noted(&others[0]) && dap_outsider_is_noted(&others[2]));
	EXPECT(!dap_outsider_is_excluded(&others[2]));
	no_memory = false;
	EXPECT(!dap_outsider_exclude(&others[2]));
	EXPECT(dap_outsider_is_excluded(&others[2]) && allocated == 2);
	dap_unlock();
	EXPECT(asserted > 15);

	/* At unload, without a lock: nobody is left. */
	dap_outsider_exit();
	EXPECT(!allocated);
	INIT_LIST_HEAD(&dap_outsiders);
}

/* From the end of the load to the beginning of the unload. */
static void closed(void)
{
	start();
	second.is_default = true;
	dap_registry_is_open = false;
	chooses(NONE, false, NULL);
	rule(0, "*", "first");
	chooses(NONE, false, NULL);
	node.regions[0] = &first_region;
	chooses(NONE, false, NULL);
	EXPECT(refusal_by_first());
	dap_registry_is_open = true;
	chooses(&first, false, NULL);
	EXPECT(!refusal_by_first());
}

/* memory-region, then clients=, then the default. */
static void precedence(void)
{
	start();
	chooses(NOBODY, false, NULL);
	chooses(NULL, true, NULL);
	second.is_default = true;
	chooses(NOBODY, false, NULL);
	chooses(&second, true, NULL);
	rule(0, "40200000.*", "first");
	chooses(&first, false, NULL);
	node.regions[0] = &second_region;
	chooses(&second, false, NULL);

	/* the first rule that matches, the first region that has a pool */
	start();
	rule(0, "spi*", "second");
	rule(1, "*.ethernet", "first");
	rule(2, "*", "second");
	chooses(&first, false, NULL);
	node.regions[0] = &other_region;
	node.regions[1] = &first_region;
	node.regions[2] = &second_region;
	chooses(&first, false, NULL);
	node.regions[0] = NULL;
	chooses(&first, false, NULL);

	/* a region that is none of ours says nothing */
	start();
	second.is_default = true;
	node.regions[0] = &other_region;
	chooses(&second, true, NULL);
}

/* Who was promised a pool that there is not gets no other. */
static void named_in_vain(void)
{
	start();
	second.is_default = true;
	list_del(&first.node);
	node.regions[0] = &first_region;
	chooses(NONE, false, "no DMA pool serves its memory-region");
	rule(0, "*", "second");
	chooses(NONE, false, "no DMA pool serves its memory-region");

	start();
	second.is_default = true;
	rule(0, "*", "third");
	rule(1, "*", "second");
	chooses(NONE, false, "there is no DMA pool third for clients=*");
}

static void default_pool(void)
{
	start();
	first.is_default = true;
	dev.coherent = true;
	chooses(NULL, true, NULL);
	rule(0, "*", "first");
	chooses(&first, false, NULL);

	start();
	first.is_default = true;
	has_range(0x1f000000, 0x1f000000, 0x1000000);
	chooses(NULL, true, NULL);

	/* The driver core has dropped the ranges, but not the limit that they give. */
	start();
	first.is_default = true;
	dev.bus_dma_limit = 0xfffffff;
	chooses(NULL, true, NULL);
	dev.driver = NULL;
	chooses(&first, true, NULL);
}

/* An area of CMA that the device's driver will ask for, as any of its regions. */
static void area_of_its_own(void)
{
	static struct device_node plain;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		start();
		first.is_default = true;
		/* the second region comes after an empty entry */
		node.regions[0] = &plain;
		node.regions[i] = &other_region;
		other_region.is_shared = true;
		chooses(&first, true, NULL);
		other_region.is_reusable = true;
		chooses(NULL, true, NULL);
		other_region.is_shared = false;
		chooses(&first, true, NULL);
		other_region.is_shared = true;
		rule(0, "*", "first");
		chooses(&first, false, NULL);
	}
}

/* Nobody joins a pool that is on its way out. */
static void dead_pool(void)
{
	static const enum dap_entry_state states[] = { DAP_GOING, DAP_GONE };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		start();
		first.is_default = true;
		first.state = states[i];
		chooses(NULL, true, NULL);
		EXPECT(refusal_by_first() &&
		       !strcmp(refusal_by_first(), "the pool is gone"));
		node.regions[0] = &first_region;
		chooses(NONE, false, "the pool is gone");
		node.regions[0] = NULL;
		rule(0, "*", "first");
		chooses(NONE, false, "the pool is gone");
	}
	start();
	dap_registry_is_open = false;
	EXPECT(refusal_by_first() &&
	       !strcmp(refusal_by_first(),
		       "the module is being loaded or unloaded"));
}

static void checks(int wanted, const char *message)
{
	steps++;
	messages = 0;
	EXPECT(dap_policy_resolve() == wanted);
	EXPECT(!locked);
	EXPECT(messages == !!message);
	if (message && !strstr(said, message))
		fail("said: %s, not: %s", said, message);
}

static void rules_name_pools(void)
{
	start();
	checks(0, NULL);
	rule(0, "a@first", "");
	rule(1, "b@second", "");
	checks(0, NULL);
	rule(2, "c@third", "");
	checks(-ENOENT, "clients=c@third: there is no such pool");
	rule(1, "b", "");
	checks(-ENOENT, "clients=b: there are several pools");
	list_del(&second.node);
	rule(0, "a@first", "");
	checks(0, NULL);
	list_del(&first.node);
	rule(0, "a", "");
	checks(-ENOENT, "clients=a: there is no pool");
}

/* What is read as GLOB and NAME; or refused, without NAME. */
static void splits(const char *text, const char *glob, const char *pool)
{
	rule(0, text, "");
	checks(glob ? 0 : -ENOENT, glob ? NULL : "there is no such pool");
	if (glob && (strcmp(rules[0].glob, glob) ||
		     strcmp(rules[0].pool, pool)))
		fail("%s: %s and %s", text, rules[0].glob, rules[0].pool);
}

/* Whose is an @, the device's or the pool's? */
static void at_signs(void)
{
	start();
	strscpy(second.pool.name, "pool@30000000", sizeof(second.pool.name));
	splits("spi*@first", "spi*", "first");
	splits("a@pool@30000000", "a", "pool@30000000");
	splits("soc:dma@0@first", "soc:dma@0", "first");
	splits("soc@0:dma@0@pool@30000000", "soc@0:dma@0", "pool@30000000");
	splits("dma@*@first", "dma@*", "first");
	splits("a@first@first", "a@first", "first");
	splits("a@@first", "a@", "first");
	splits("a@0", NULL, NULL);
	splits("a@first@0", NULL, NULL);
	splits("a@firs", NULL, NULL);
	splits("a@*@0", NULL, NULL);
	/* the first that is a pool's, if there are several */
	strscpy(first.pool.name, "30000000", sizeof(first.pool.name));
	splits("a@pool@30000000", "a", "pool@30000000");
	splits("a@30000000", "a", "30000000");

	/* what no pool can be called */
	list_del(&second.node);
	splits("dma-controller@*", "dma-controller@*", "30000000");
	splits("soc@0:dma", "soc@0:dma", "30000000");
	splits("soc@?", "soc@?", "30000000");
	splits("spi0", "spi0", "30000000");
	chooses(NOBODY, false, NULL);
	splits("*@30000000", "*", "30000000");
	chooses(&first, false, NULL);
}

static const struct tap_test tests[] = {
	{ "who can be no client", refusals },
	{ "an area of CMA", area_of_its_own },
	{ "bus addresses", translation },
	{ "pools themselves", pools_themselves },
	{ "who was excluded", excluded },
	{ "who is without a pool", outsiders },
	{ "while nobody can become a client", closed },
	{ "what comes before what", precedence },
	{ "named in vain", named_in_vain },
	{ "the default", default_pool },
	{ "a pool that is gone", dead_pool },
	{ "each rule names a pool", rules_name_pools },
	{ "an @ of the device or of the pool", at_signs },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
