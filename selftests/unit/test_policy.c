// SPDX-License-Identifier: GPL-2.0
/*
 * module/policy.c as it is, with params.c for the patterns: who can be a client,
 * who gets which pool, what comes before what, what is said about it, and that
 * all of it relies on dap_lock().
 */
#pragma GCC diagnostic ignored "-Wunused-parameter"	/* stand-ins have some */
#pragma GCC diagnostic ignored "-Wunused-function"	/* if policy.c is broken */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
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
	u64 mask;
	u64 *dma_mask;
	u64 coherent_dma_mask;
	u64 bus_dma_limit;
	void *dma_mem;
	struct device_node *of_node;
	struct iommu_domain *domain;
	const struct bus_dma_region *dma_range_map;
	bool dma_iommu;
	bool coherent;
	dma_addr_t bus_offset;
	phys_addr_t bus_gap;	/* from here on, bus addresses are a page higher */
	phys_addr_t bus_end;	/* what is here and above has no bus address */
};

static const char *dev_name(const struct device *dev)
{
	return dev->name;
}

#define CONFIG_DMA_DECLARE_COHERENT 1
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

static dma_addr_t phys_to_dma(struct device *dev, phys_addr_t phys)
{
	if (dev->bus_end && phys >= dev->bus_end)
		return DMA_MAPPING_ERROR;
	if (dev->bus_gap && phys >= dev->bus_gap)
		phys += PAGE_SIZE;
	return phys + dev->bus_offset;
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

#include "../../module/params.c"
#include "../../module/policy.c"

struct iommu_domain *iommu_get_domain_for_dev(struct device *dev)
{
	return dev->domain;
}

struct device_node *of_parse_phandle(const struct device_node *np,
				     const char *name, int index)
{
	EXPECT(!strcmp(name, "memory-region"));
	if (!np || index >= 3 || !np->regions[index])
		return NULL;
	np->regions[index]->refs++;
	return np->regions[index];
}

/* As many as there are, none of them left free. */
struct property *of_find_property(const struct device_node *np,
				  const char *name, int *bytes)
{
	*bytes = 0;
	EXPECT(!strcmp(name, "memory-region"));
	while (np && *bytes < 12 && np->regions[*bytes / 4])
		*bytes += 4;
	return *bytes ? (struct property *)np : NULL;
}

int of_property_read_u32_index(const struct device_node *np, const char *name,
			       u32 index, u32 *value)
{
	EXPECT(!strcmp(name, "memory-region"));
	*value = 1;
	return index < 3 && np->regions[index] ? 0 : -EOVERFLOW;
}

bool of_device_is_compatible(const struct device_node *np, const char *name)
{
	return np->is_region && !strcmp(name, "dma-alias-pool,region");
}

void of_node_put(struct device_node *np)
{
	np->refs--;
}

/* --- the lock, which dap_choose() and dap_entry_find() say that they rely on */

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

static struct device_node first_region, second_region, other_region, node;
static struct dap_entry first, second;
static struct device dev;
static struct dap_rule rules[3];

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
	dev = (struct device){
		.name = "40200000.ethernet",
		.mask = ~0U,
		.dma_mask = &dev.mask,
		.coherent_dma_mask = ~0U,
		.of_node = &node,
	};
	INIT_LIST_HEAD(&dap_entries);
	add(&first, "first", 0x20000000, &first_region);
	add(&second, "second", 0x30000000, &second_region);
	dap_policy_init(NULL, 0);
	locked = false;
}

/* The choice, with a message or none. */
static void chooses(struct dap_entry *wanted, bool wanted_by_default,
		    const char *message)
{
	struct dap_entry *entry;
	bool by_default;

	steps++;
	asserted = messages = 0;
	said[0] = '\0';
	dap_lock();
	entry = dap_choose(&dev, false, &by_default);
	dap_unlock();
	if (entry != wanted)
		fail("chose %s, not %s; said: %s",
		     entry ? entry->pool.name : "none",
		     wanted ? wanted->pool.name : "none", said);
	EXPECT(asserted);
	EXPECT(by_default == wanted_by_default);
	EXPECT(messages == !!message);
	if (message && !strstr(said, message))
		fail("said: %s, not: %s", said, message);
	EXPECT(!first_region.refs && !second_region.refs && !other_region.refs);

	messages = 0;
	dap_lock();
	EXPECT(dap_choose(&dev, true, &by_default) == wanted);
	dap_unlock();
	EXPECT(!messages);
}

static void refused(const char *reason)
{
	const char *why = dap_refusal(&dev);

	steps++;
	EXPECT(why && strstr(why, reason));
	/* Not served by who is named, nor by the default, of whom nobody hears. */
	rule(0, "*", "first");
	chooses(NULL, false, reason);
	dap_policy_init(NULL, 0);
	second.is_default = true;
	chooses(NULL, false, NULL);
}

static void refusals(void)
{
	static struct iommu_domain domain;

	start();
	EXPECT(!dap_refusal(&dev));
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
};

static void translation(void)
{
	dma_addr_t bus = 0;

	start();
	EXPECT(!dap_translate(&dev, &first, &bus) && bus == 0x20000000);
	dev.bus_offset = 0x1000000;
	EXPECT(!dap_translate(&dev, &first, &bus) && bus == 0x21000000);
	dev.bus_end = 0x20000000;
	EXPECT(dap_translate(&dev, &first, &bus));
	dev.bus_end = 0x20400000 - 1;
	EXPECT(dap_translate(&dev, &first, &bus));
	dev.bus_end = 0x20400000;
	EXPECT(!dap_translate(&dev, &first, &bus));

	/* in two pieces */
	start();
	dev.bus_gap = 0x20400000;
	EXPECT(!dap_translate(&dev, &first, &bus) && bus == 0x20000000);
	dev.bus_gap -= PAGE_SIZE;
	EXPECT(dap_translate(&dev, &first, &bus));

	/* its ends fit, but there is a hole, or another address, in the middle */
	start();
	dev.dma_range_map = whole;
	EXPECT(!dap_translate(&dev, &first, &bus) && bus == 0x20000000);
	dev.dma_range_map = with_hole;
	EXPECT(dap_translate(&dev, &first, &bus));
	dev.dma_range_map = with_shift;
	EXPECT(dap_translate(&dev, &first, &bus));
	dev.dma_range_map = NULL;

	start();
	first.has_bus = true;
	first.bus = 0x50000000;
	dev.bus_end = 1;
	EXPECT(!dap_translate(&dev, &first, &bus) && bus == 0x50000000);
	dev.bus_dma_limit = 0x50000000;
	EXPECT(!dap_translate(&dev, &first, &bus));
	dev.bus_dma_limit = 0x50000000 - 1;
	EXPECT(dap_translate(&dev, &first, &bus));
	second.is_default = first.is_default = true;
	dev.bus_end = 0;
	dev.bus_dma_limit = 0x10000000;
	chooses(NULL, false, NULL);
	dev.bus_dma_limit = 0x30000000;
	chooses(&second, true, NULL);
}

static void names(void)
{
	start();
	dap_lock();
	EXPECT(dap_entry_find("first") == &first);
	EXPECT(dap_entry_find("second") == &second);
	EXPECT(!dap_entry_find("third"));
	EXPECT(!dap_entry_find(""));
	list_del(&first.node);
	EXPECT(dap_entry_find("") == &second);
	list_del(&second.node);
	EXPECT(!dap_entry_find(""));
	dap_unlock();
}

/* memory-region, then clients=, then the default. */
static void precedence(void)
{
	start();
	chooses(NULL, false, NULL);
	second.is_default = true;
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
	chooses(NULL, false, "no DMA pool serves its memory-region");
	rule(0, "*", "second");
	chooses(NULL, false, "no DMA pool serves its memory-region");

	start();
	second.is_default = true;
	rule(0, "*", "third");
	rule(1, "*", "second");
	chooses(NULL, false, "there is no DMA pool third for clients=*");
	rule(0, "*", "");
	chooses(NULL, false, "there is no DMA pool for clients=*");
}

static void default_pool(void)
{
	start();
	first.is_default = true;
	dev.coherent = true;
	chooses(NULL, false, NULL);
	rule(0, "*", "first");
	chooses(&first, false, NULL);

	start();
	first.is_default = true;
	dev.bus_end = 0x20000000;
	chooses(NULL, false, NULL);
}

static void dead_pool(void)
{
	start();
	first.is_default = first.dead = true;
	chooses(NULL, false, NULL);
	node.regions[0] = &first_region;
	chooses(NULL, false, "the pool is gone");
}

static void checks(int wanted, const char *message)
{
	steps++;
	messages = 0;
	EXPECT(dap_policy_check() == wanted);
	EXPECT(!locked);
	EXPECT(messages == !!message);
	if (message && !strstr(said, message))
		fail("said: %s, not: %s", said, message);
}

static void rules_name_pools(void)
{
	start();
	checks(0, NULL);
	rule(0, "a", "first");
	rule(1, "b", "second");
	checks(0, NULL);
	rule(2, "c", "third");
	checks(-ENOENT, "clients=c@third: there is no such pool");
	rule(1, "b", "");
	checks(-ENOENT, "clients=b: there are several pools");
	list_del(&second.node);
	checks(0, NULL);
	list_del(&first.node);
	rule(0, "a", "");
	checks(-ENOENT, "clients=a: there is no pool");
}

static const struct tap_test tests[] = {
	{ "who can be no client", refusals },
	{ "bus addresses", translation },
	{ "pools by name", names },
	{ "what comes before what", precedence },
	{ "named in vain", named_in_vain },
	{ "the default", default_pool },
	{ "a pool that is gone", dead_pool },
	{ "each rule names a pool", rules_name_pools },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
