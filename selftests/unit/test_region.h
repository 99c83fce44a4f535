/* SPDX-License-Identifier: GPL-2.0 */
/*
 * module/region.c as it is: what is claimed, mapped and flushed, in which order,
 * and that each step that fails undoes those before it, and no other. Compiled
 * without an MMU; test_region_mmu.c has one.
 */
#pragma GCC diagnostic ignored "-Wunused-parameter"	/* stand-ins have some */
#pragma GCC diagnostic ignored "-Wunused-function"	/* if region.c is broken */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <linux/kconfig.h>
#include <linux/kernel.h>
#include <linux/sizes.h>
#include <linux/types.h>

#include "tap.h"

struct device;

/* What is called, a letter each, a capital one if it is about the alias. */
static char calls[256];
static phys_addr_t alias_base;

static void called(char what, phys_addr_t base)
{
	size_t len = strlen(calls);

	if (base == alias_base)
		what += 'A' - 'a';
	calls[len] = what;
	calls[len + 1] = '\0';
}

/* In place of module/cache.h and mpu.h */
#define DAP_CACHE_H
#define DAP_MPU_H
static void dap_flush_cached_view(void *va, phys_addr_t phys, size_t size)
{
	called('f', phys);
}

static bool has_outer_cache;

static bool dap_outer_flushes_to(phys_addr_t end)
{
	return !has_outer_cache || (unsigned long)end;
}

static void *phys_to_virt(phys_addr_t phys)
{
	return (void *)(uintptr_t)phys;
}

static bool has_memory_types;

static bool dap_can_map_uncached(void)
{
	return IS_ENABLED(CONFIG_MMU) && has_memory_types;
}

/* As a kernel for arm64, which claims what it has placed itself. */
#define CONFIG_ARM64	1

enum dap_mpu_kind { DAP_MPU_UNCACHED, DAP_MPU_NO_ACCESS };
#define DAP_MPU_REGIONS		2

static const char *mpu_refuses;

static const char *dap_mpu_claim(phys_addr_t base, phys_addr_t size,
				 enum dap_mpu_kind kind, int *numbers)
{
	called(kind == DAP_MPU_UNCACHED ? 'p' : 'g', base);
	numbers[0] = mpu_refuses ? -1 : 0;
	numbers[1] = mpu_refuses ? -1 : 7;
	return mpu_refuses;
}

/* Always called: what was not claimed is none. */
static void dap_mpu_release(const int *numbers)
{
	if (numbers[0] < 0 && numbers[1] < 0)
		return;
	EXPECT(numbers[0] == 0 && numbers[1] == 7);
	called('q', 0);
}

#define KERN_ERR	"err"
#define KERN_WARNING	"warning"

static void dev_printk(const char *level, struct device *dev,
		       const char *format, ...);

#include "../../module/region.c"

#define BASE		0x20000000
#define ALIAS		0x20400000
#define BYTES		0x400000
#define FEW		0x80000000

struct resource iomem_resource = { .end = -1 };

static const char *message, *warning;
static phys_addr_t in_ram, taken, taken_too;	/* of whom request_mem_region() fails */
static phys_addr_t owned;	/* of whom the device tree says so */
static unsigned long unmappable;	/* with one of these flags */
static unsigned long map_flags;
static int verify_result;
static char memory;

int dev_err_probe(struct device *dev, int err, const char *format, ...)
{
	if (message)
		fail("two messages for one failure: %s", format);
	if (ERR_PROBE_SAYS(err))
		message = format;
	return err;
}

void dev_err(struct device *dev, const char *format, ...)
{
	dev_err_probe(dev, 0, format);
}

static void dev_printk(const char *level, struct device *dev,
		       const char *format, ...)
{
	if (!strcmp(level, KERN_ERR)) {
		dev_err_probe(dev, 0, format);
		return;
	}
	EXPECT(!strcmp(level, KERN_WARNING) && !warning);
	warning = format;
}

int region_intersects(phys_addr_t start, size_t size, unsigned long flags,
		      unsigned long desc)
{
	EXPECT(flags == IORESOURCE_SYSTEM_RAM);
	return start == in_ram ? REGION_INTERSECTS : REGION_DISJOINT;
}

void *request_mem_region(phys_addr_t start, phys_addr_t size, const char *name)
{
	if (start == taken || start == taken_too)
		return NULL;
	EXPECT(size == BYTES);
	EXPECT(!strcmp(name, start == alias_base ? "dma_alias_pool sram alias" :
		       "dma_alias_pool sram"));
	called('c', start);
	return &memory;
}

void release_mem_region(phys_addr_t start, phys_addr_t size)
{
	EXPECT(size == BYTES);
	called('r', start);
}

static bool is_placed;		/* the device tree says no address */
static bool placed_is_taken;	/* by another pool */

bool dap_is_placed(const struct device *dev)
{
	return is_placed;
}

void *__request_region(struct resource *parent, phys_addr_t start,
		       phys_addr_t size, const char *name, int flags)
{
	EXPECT(parent == &region_at_boot && start + size - 1 <= parent->end);
	EXPECT(start == taken && size == BYTES && !flags);
	EXPECT(!strcmp(name, "dma_alias_pool sram"));
	if (placed_is_taken)
		return NULL;
	called('k', start);
	return &memory;
}

void __release_region(struct resource *parent, phys_addr_t start,
		      phys_addr_t size)
{
	EXPECT(parent == &region_at_boot && size == BYTES);
	called('s', start);
}

int dap_check_owner(struct device *dev, phys_addr_t base, phys_addr_t end)
{
	EXPECT(end == base + BYTES - 1);
	if (base != owned)
		return 0;
	message = "it is somebody's";
	return -EBUSY;
}

void *memremap(phys_addr_t phys, size_t size, unsigned long flags)
{
	EXPECT(size == BYTES);
	if (unmappable & flags)
		return NULL;
	called(flags == MEMREMAP_WB ? 'b' : 'm', phys);
	map_flags = flags;
	return &memory;
}

void memunmap(void *cpu)
{
	EXPECT(cpu == &memory);
	called('u', 0);
}

int dap_verify_region(struct device *dev, const struct dap_region *region)
{
	EXPECT(!!region->cpu == (region->has_alias || !IS_ENABLED(CONFIG_MMU)));
	called('v', 0);
	if (verify_result)
		message = "it cannot be used";
	return verify_result;
}

static int clocks;	/* how many the node names; or an error */
static int clock_error;

int clk_bulk_get_all(struct device *dev, struct clk_bulk_data **clks)
{
	if (clocks > 0)
		*clks = (struct clk_bulk_data *)&memory;
	return clocks;
}

static void expect_clocks(int nr_clks, const struct clk_bulk_data *clks)
{
	EXPECT(nr_clks == clocks && clks == (struct clk_bulk_data *)&memory);
}

int clk_bulk_prepare_enable(int nr_clks, const struct clk_bulk_data *clks)
{
	expect_clocks(nr_clks, clks);
	if (!clock_error)
		called('t', 0);
	return clock_error;
}

void clk_bulk_disable_unprepare(int nr_clks, const struct clk_bulk_data *clks)
{
	expect_clocks(nr_clks, clks);
	called('w', 0);
}

void clk_bulk_put_all(int nr_clks, struct clk_bulk_data *clks)
{
	expect_clocks(nr_clks, clks);
	called('x', 0);
}

static struct dap_region region;

static void start(phys_addr_t alias)
{
	region = (struct dap_region){
		.phys = BASE, .alias = alias, .size = BYTES, .verify = true,
	};
	alias_base = alias == BASE ? ALIAS : alias;
	calls[0] = '\0';
	message = warning = NULL;
	in_ram = taken = taken_too = owned = ~(phys_addr_t)0;
	is_placed = placed_is_taken = false;
	has_memory_types = true;
	unmappable = 0;
	mpu_refuses = NULL;
	clocks = clock_error = 0;
	verify_result = 0;
	map_flags = 0;
}

/* The result, with a message if it is an error, and the calls. */
static void claims(int wanted, bool verify, const char *wanted_calls)
{
	int ret;

	region.verify = verify;
	ret = dap_region_claim(NULL, &region, "sram", true);
	steps++;
	if (ret != wanted)
		fail("returned %d, not %d", ret, wanted);
	if (!!ret != !!message)
		fail("%s", ret ? "an error without a message" : message);
	if (strcmp(calls, wanted_calls))
		fail("did %s, not %s", calls, wanted_calls);
}

static void releases(const char *wanted_calls)
{
	calls[0] = '\0';
	dap_region_release(&region);
	if (strcmp(calls, wanted_calls))
		fail("did %s, not %s", calls, wanted_calls);
}

/* Before memory is mapped uncached it is flushed; with an MMU that takes a mapping. */
#define NOMMU	!IS_ENABLED(CONFIG_MMU)

static void with_alias(void)
{
	start(ALIAS);
	claims(0, true, NOMMU ? "cCfMv" : "cCbfuMv");
	EXPECT(map_flags == MEMREMAP_WC);
	EXPECT(region.cpu == &memory && region.has_alias && !region.cached);
	EXPECT(region.mpu[0] < 0 && region.mpu[1] < 0);
	releases("uRr");

	start(ALIAS);
	claims(0, false, NOMMU ? "cCfM" : "cCbfuM");
	releases("uRr");
}

static void without_alias(void)
{
	start(BASE);
	claims(0, true, NOMMU ? "cfmv" : "cv");
	EXPECT(!region.has_alias && !!region.cpu == NOMMU);
	EXPECT(region.mpu[0] < 0 && region.mpu[1] < 0);
	releases(NOMMU ? "ur" : "r");

	start(BASE);
	claims(0, false, NOMMU ? "cfm" : "c");
	releases(NOMMU ? "ur" : "r");

	/* mapped by the first client, where it is not before */
	start(BASE);
	claims(0, true, NOMMU ? "cfmv" : "cv");
	EXPECT(!dap_region_map(&region, false));
	EXPECT(!strcmp(calls, NOMMU ? "cfmv" : "cvbfum"));
	releases("ur");

	/* Neither is what is dirty left to who comes after. */
	start(BASE);
	claims(0, true, NOMMU ? "cfmv" : "cv");
	EXPECT(!dap_region_map(&region, true));
	EXPECT(!strcmp(calls, NOMMU ? "cfmv" : "cvb"));
	releases(NOMMU ? "ur" : "fur");

	start(BASE);
	claims(0, true, NOMMU ? "cfmv" : "cv");
	unmappable = NOMMU ? 0 : MEMREMAP_WB;
	EXPECT(!!dap_region_map(&region, true) == !NOMMU);
	releases(NOMMU ? "ur" : "r");
}

static void with_mpu(void)
{
	start(BASE);
	region.use_mpu = true;
	claims(0, true, NOMMU ? "cfmpv" : "cpv");
	releases(NOMMU ? "qur" : "qr");

	start(BASE);
	region.use_mpu = true;
	claims(0, false, NOMMU ? "cfmp" : "cp");
	releases(NOMMU ? "qur" : "qr");
}

/* The kernel has claimed the memory itself, where it has placed it, and no other. */
static void placed(void)
{
	start(BASE);
	taken = BASE;
	is_placed = true;
	claims(0, true, NOMMU ? "kfmv" : "kv");
	releases(NOMMU ? "us" : "s");

	start(BASE);
	taken = BASE;
	is_placed = true;
	owned = BASE;
	claims(-EBUSY, true, "ks");

	start(BASE);
	taken = BASE;
	is_placed = placed_is_taken = true;
	claims(-EBUSY, true, "");

	start(ALIAS);
	taken = ALIAS;
	is_placed = true;
	claims(-EBUSY, true, "cr");

	/* its alias is somebody's: it is released as it was claimed */
	start(ALIAS);
	taken = BASE;
	taken_too = ALIAS;
	is_placed = true;
	claims(-EBUSY, true, "ks");

	/* some kernels have not claimed it */
	start(BASE);
	is_placed = true;
	claims(0, true, NOMMU ? "cfmv" : "cv");
	releases(NOMMU ? "ur" : "r");
}

static void failures(void)
{
	start(ALIAS);
	in_ram = BASE;
	claims(-EBUSY, true, "");
	start(ALIAS);
	taken = BASE;
	claims(-EBUSY, true, "");
	start(ALIAS);
	owned = BASE;
	claims(-EBUSY, true, "cr");
	start(ALIAS);
	in_ram = ALIAS;
	claims(-EBUSY, true, "cr");
	start(ALIAS);
	taken = ALIAS;
	claims(-EBUSY, true, "cr");
	start(ALIAS);
	owned = ALIAS;
	claims(-EBUSY, true, "cCRr");
	start(ALIAS);
	unmappable = MEMREMAP_WC;
	claims(-ENXIO, true, NOMMU ? "cCfRr" : "cCbfuRr");
	if (!NOMMU) {
		start(ALIAS);
		unmappable = MEMREMAP_WB;
		claims(-ENXIO, true, "cCRr");
	}
	start(ALIAS);
	verify_result = -EINVAL;
	claims(-EINVAL, true, NOMMU ? "cCfMvuRr" : "cCbfuMvuRr");

	start(BASE);
	verify_result = -EINVAL;
	claims(-EINVAL, true, NOMMU ? "cfmvur" : "cvr");
	start(BASE);
	region.use_mpu = true;
	verify_result = -EINVAL;
	claims(-EINVAL, true, NOMMU ? "cfmpvqur" : "cpvqr");

	/* Of an MPU's region that was not asked for yet there is none to undo. */
	start(ALIAS);
	region.guard = true;
	verify_result = -EINVAL;
	claims(-EINVAL, true, NOMMU ? "cCfMvuRr" : "cCbfuMvuRr");
	EXPECT(region.mpu[0] < 0 && region.mpu[1] < 0);
	start(ALIAS);
	region.guard = true;
	unmappable = MEMREMAP_WC;
	claims(-ENXIO, true, NOMMU ? "cCfRr" : "cCbfuRr");

	start(BASE);
	region.use_mpu = true;
	mpu_refuses = "it cannot";
	claims(-EOPNOTSUPP, true, NOMMU ? "cfmpur" : "cpr");
	EXPECT(!warning);
}

/* After the last look at the other view, and gone before the memory is. */
static void with_guard(void)
{
	start(ALIAS);
	region.guard = true;
	claims(0, true, NOMMU ? "cCfMvg" : "cCbfuMvg");
	EXPECT(region.guard && !warning);
	releases("quRr");

	/* It is there for debugging: the pool works without. */
	start(ALIAS);
	region.guard = true;
	mpu_refuses = "it cannot";
	claims(0, true, NOMMU ? "cCfMvg" : "cCbfuMvg");
	EXPECT(!region.guard && warning);
	releases("uRr");
}

/* On before anything is accessed or flushed, off after. */
static void with_clocks(void)
{
	start(ALIAS);
	clocks = 2;
	claims(0, true, NOMMU ? "ctCfMv" : "ctCbfuMv");
	releases("uwxRr");

	start(ALIAS);
	clocks = 1;
	taken = ALIAS;
	claims(-EBUSY, true, "ctwxr");

	start(ALIAS);
	clocks = -ENOENT;
	claims(-ENOENT, true, "cr");

	/* they come later: that is no failure */
	start(ALIAS);
	clocks = -EPROBE_DEFER;
	EXPECT(dap_region_claim(NULL, &region, "sram", true) == -EPROBE_DEFER);
	EXPECT(!message && !strcmp(calls, "cr"));

	start(ALIAS);
	clocks = 2;
	clock_error = -EIO;
	claims(-EIO, true, "cxr");
}

static void check_ranges(void)
{
	const struct {
		phys_addr_t phys, size, alias;
		bool good;
	} table[] = {
		{ BASE, BYTES, BASE + BYTES, true },
		{ BASE, BYTES, BASE - BYTES, true },
		{ BASE, BYTES, BASE + BYTES - PAGE_SIZE, false },
		{ BASE, BYTES, BASE - BYTES + PAGE_SIZE, false },
		{ BASE, 0, ALIAS, false },
		{ BASE, BYTES + 1, ALIAS, false },
		{ BASE, BYTES - 1, ALIAS, false },
		{ BASE, BYTES - 1, BASE, false },
		{ BASE + 1, BYTES, ALIAS, false },
		{ BASE, BYTES, ALIAS + 1, false },
		{ 0, BYTES, ALIAS, false },
		{ BASE, BYTES, 0, false },
		{ BASE, (phys_addr_t)SZ_2G + PAGE_SIZE, BASE, false },
		{ -(phys_addr_t)BYTES, BYTES, ALIAS, !NOMMU && !has_outer_cache },
		{ -(phys_addr_t)BYTES + PAGE_SIZE, BYTES, ALIAS, false },
		{ BASE, BYTES, -(phys_addr_t)BYTES, !NOMMU && !has_outer_cache },
		{ BASE, BYTES, -(phys_addr_t)BYTES + PAGE_SIZE, false },
		/* one of them ends with the last address */
		{ -(phys_addr_t)BYTES, BYTES,
		  -(phys_addr_t)BYTES - PAGE_SIZE, false },
		{ -(phys_addr_t)BYTES - PAGE_SIZE, BYTES,
		  -(phys_addr_t)BYTES, false },
	};
	unsigned int i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		start(table[i].alias);
		region.phys = table[i].phys;
		region.size = table[i].size;
		if (table[i].good)
			claims(0, false, NOMMU ? "cCfM" : "cCbfuM");
		else
			claims(-EINVAL, false, "");
	}
}

/* The driver of an outer cache does not flush what ends with the last address. */
static void ranges(void)
{
	check_ranges();
	has_outer_cache = true;
	check_ranges();
	has_outer_cache = false;
}

/* A CPU with fewer addresses than phys_addr_t has */
static void few_addresses(void)
{
	static const struct {
		phys_addr_t phys, alias;
		bool good;
	} table[] = {
		{ BASE, FEW - BYTES, true },
		{ FEW - BYTES, ALIAS, true },
		{ BASE, FEW - BYTES + PAGE_SIZE, false },
		{ FEW - BYTES + PAGE_SIZE, ALIAS, false },
		{ BASE, FEW, false },
		{ FEW, ALIAS, false },
	};
	unsigned int i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		start(table[i].alias);
		iomem_resource.end = FEW - 1;
		region.phys = table[i].phys;
		if (table[i].good)
			claims(0, false, NOMMU ? "cCfM" : "cCbfuM");
		else
			claims(-EINVAL, false, "");
		iomem_resource.end = -1;
	}
}

/* An alias is not cached, whoever comes, and none is refused. */
static void mappings_of_alias(void)
{
	unsigned int i;

	start(ALIAS);
	claims(0, true, NOMMU ? "cCfMv" : "cCbfuMv");
	EXPECT(map_flags == MEMREMAP_WC);
	map_flags = 0;
	for (i = 0; i < 4; i++) {
		EXPECT(!dap_region_conflict(&region, i & 1));
		EXPECT(!dap_region_map(&region, i & 1));
		EXPECT(!map_flags && !region.cached);
	}
	releases("uRr");
}

/* The first client decides, but where there is no choice. */
static void mappings(void)
{
	unsigned int first, then;

	for (first = 0; first < 2; first++) {
		for (then = 0; then < 2; then++) {
			start(BASE);
			region.use_mpu = false;
			EXPECT(!dap_region_conflict(&region, then));
			EXPECT(!dap_region_map(&region, first));
			EXPECT(map_flags == (first && !NOMMU ? MEMREMAP_WB :
					     MEMREMAP_WC));
			map_flags = 0;
			if (NOMMU || first == then) {
				EXPECT(!dap_region_conflict(&region, then));
				EXPECT(!dap_region_map(&region, then));
			} else {
				EXPECT(dap_region_conflict(&region, then));
				EXPECT(dap_region_map(&region, then));
			}
			EXPECT(!map_flags);
		}
	}
	start(BASE);
	unmappable = MEMREMAP_WC;
	EXPECT(dap_region_map(&region, false));
	EXPECT(!region.cpu);
}

static bool wants_alias(const char *why)
{
	return why && strstr(why, "ALIAS");
}

/*
 * What such a CPU maps is cached, or the address map says otherwise, for which
 * somebody has to stand. Then there is nothing to flush, and on some nothing can be.
 */
static void no_memory_types(void)
{
	if (NOMMU)
		return;
	start(BASE);
	has_memory_types = false;
	claims(0, true, "cv");
	EXPECT(wants_alias(dap_region_conflict(&region, false)));
	EXPECT(wants_alias(dap_region_map(&region, false)));
	EXPECT(!region.cpu);
	EXPECT(!dap_region_conflict(&region, true));
	EXPECT(!dap_region_map(&region, true) && region.cached);
	EXPECT(wants_alias(dap_region_conflict(&region, false)));
	EXPECT(!strcmp(calls, "cvb"));
	releases("ur");

	start(BASE);
	has_memory_types = false;
	claims(0, false, "c");
	EXPECT(!dap_region_conflict(&region, false));
	EXPECT(!dap_region_map(&region, false) && !region.cached);
	EXPECT(!strcmp(calls, "cm"));
	EXPECT(dap_region_conflict(&region, true));
	releases("ur");

	start(ALIAS);
	has_memory_types = false;
	claims(0, true, "cCbfuMv");
	EXPECT(!dap_region_map(&region, false));
	releases("uRr");
}

static const struct tap_test tests[] = {
	{ "a region with an alias", with_alias },
	{ "a region without an alias", without_alias },
	{ "a region for the MPU", with_mpu },
	{ "a guard over the other view", with_guard },
	{ "clocks of the memory", with_clocks },
	{ "memory that the kernel has placed", placed },
	{ "each step may fail", failures },
	{ "addresses and sizes", ranges },
	{ "a CPU with fewer addresses", few_addresses },
	{ "cached or not", mappings },
	{ "an alias is never cached", mappings_of_alias },
	{ "a CPU that maps all memory cached", no_memory_types },
};

int main(void)
{
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
