// SPDX-License-Identifier: GPL-2.0
/*
 * module/mpu.c as it is, with an ARMv7-M MPU that is made here: what its registers
 * say of each address (Architecture Reference Manual, B3.5), against a naive
 * account of what can be said.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/kernel.h>
#include <linux/types.h>

#include "tap.h"

#define NUMBER		16
#define DSB		do { } while (0)

static struct {
	u32 type, ctrl, rnr, mmfr0;
	u32 rbar[NUMBER], rasr[NUMBER];
} mpu;

/* In place of what a kernel for ARMv7-M has */
#define DAP_CACHE_H
#define CONFIG_CPU_V7M	1
#define dsb()		DSB
#define isb()		DSB

static unsigned int flushes;

static u32 readl_relaxed(u32 offset)
{
	switch (offset) {
	case 0x50:	return mpu.mmfr0;
	case 0x90:	return mpu.type;
	case 0x94:	return mpu.ctrl;
	case 0x9c:	return mpu.rbar[mpu.rnr] | mpu.rnr;
	case 0xa0:	return mpu.rasr[mpu.rnr];
	}
	fail("reads 0x%x", offset);
}

static void writel_relaxed(u32 value, u32 offset)
{
	switch (offset) {
	case 0x94:
		mpu.ctrl = value;
		return;
	case 0x98:
		if (value >= ((mpu.type >> 8) & 0xff))
			fail("region %u", value);
		mpu.rnr = value;
		return;
	case 0x9c:
		mpu.rbar[mpu.rnr] = value & ~0x1f;
		return;
	case 0xa0:
		mpu.rasr[mpu.rnr] = value;
		return;
	}
	fail("writes 0x%x", offset);
}

static void *phys_to_virt(phys_addr_t phys)
{
	return (void *)(uintptr_t)phys;
}

static void dap_flush_cached_view(void *va, phys_addr_t phys, size_t size)
{
	(void)va, (void)phys, (void)size;
	flushes++;
}

#include "../../module/mpu.c"

#define SRAM		0x20000000u
#define PAGE		0x1000u

enum { DEFAULT, BACKGROUND, NORMAL, NO_ACCESS, OTHER };

/* The region that decides about an address, negative if there is none. */
static int region_of(u32 address)
{
	int i;

	for (i = NUMBER - 1; i >= 0; i--) {
		u32 rasr = mpu.rasr[i], order = ((rasr >> 1) & 0x1f) + 1;
		u64 size = 1ULL << order;

		if (!(rasr & 1))
			continue;
		EXPECT(order >= 8 && !(mpu.rbar[i] & (size - 1)));
		if (address - mpu.rbar[i] >= size)
			continue;
		if (rasr & (0x100 << ((address - mpu.rbar[i]) / (size / 8))))
			continue;
		return i;
	}
	return -1;
}

static int kind_of(u32 address)
{
	int i = mpu.ctrl & 1 ? region_of(address) : -1;

	if (i < 0)
		return DEFAULT;
	switch (mpu.rasr[i] & ~0xff3f) {
	case 0x130c0000:
		return NORMAL;
	case 0x100c0000:
		return NO_ACCESS;
	}
	return i < 4 ? BACKGROUND : OTHER;
}

static void start(unsigned int regions)
{
	memset(&mpu, 0, sizeof(mpu));
	mpu.mmfr0 = MMFR0_PMSAv7;
	mpu.type = regions << 8;
	flushes = 0;
	raw_spin_lock_init(&dap_mpu_lock);
}

/* By all ways there are. */
static bool naive_one(u64 base, u64 size)
{
	u64 block;

	for (block = PAGE; block <= 1ULL << 31; block *= 2)
		if (base / block == (base + size - 1) / block &&
		    !(base % (block / 8)) && !(size % (block / 8)))
			return true;
	return false;
}

static bool naive_two(u64 base, u64 size)
{
	u64 first;

	for (first = PAGE; first < size; first += PAGE)
		if (naive_one(base, first) &&
		    naive_one(base + first, size - first))
			return true;
	return false;
}

static const char *claim_it(u32 base, u32 size, int *numbers)
{
	steps++;
	return dap_mpu_claim(base, size, DAP_MPU_UNCACHED, numbers);
}

static void check_size(u32 base, u32 size)
{
	bool one = naive_one(base, size), two = naive_two(base, size);
	typeof(mpu) before;
	int numbers[2];
	const char *why;
	u32 at;

	start(8);
	before = mpu;
	why = claim_it(base, size, numbers);
	if (!why != (one || two))
		fail("0x%x bytes at 0x%x: %s", size, base, why ?: "claimed");
	if (why) {
		EXPECT(strstr(why, "neither one MPU region nor two"));
		EXPECT(numbers[0] < 0 && numbers[1] < 0 && !flushes);
		EXPECT(!memcmp(&mpu, &before, sizeof(mpu)));
		return;
	}
	EXPECT(numbers[0] == 4 && numbers[1] == (one ? -1 : 5));
	EXPECT(flushes == 2);
	for (at = base - 2 * PAGE; at != base + size + 2 * PAGE; at += PAGE / 2) {
		int wanted = at - base < size ? NORMAL :
			     at < 0xe0000000 ? BACKGROUND : DEFAULT;

		if (kind_of(at) != wanted)
			fail("0x%x bytes at 0x%x: wrong at 0x%x", size, base, at);
	}
	dap_mpu_release(numbers);
	mpu.rnr = before.rnr;
	EXPECT(!memcmp(&mpu, &before, sizeof(mpu)));
}

static void all_sizes(void)
{
	u32 base, size;

	for (base = 2; base < 50; base++)
		for (size = 1; size < 70; size++)
			check_size(SRAM + base * PAGE, size * PAGE);
	for (size = 0x40000; size <= 0x180000; size += 0x8000)
		check_size(SRAM + 0x10000, size);
}

/* Real ones, that no single region fits. */
static void real_sizes(void)
{
	check_size(0x20010000, 0x3c000);
	EXPECT(naive_two(0x20010000, 0x3c000) && !naive_one(0x20010000, 0x3c000));
	check_size(0x30000000, 0x48000);
	EXPECT(naive_two(0x30000000, 0x48000) && !naive_one(0x30000000, 0x48000));
	/* the whole of an eighth of all, and its end */
	check_size(0x80000000, 0x20000000);
	check_size(0xdff00000, 0x100000);
	check_size(0xd0009000, 0x11000);
}

/* Two are had both or not at all. */
static void not_enough(void)
{
	int numbers[5][2];
	unsigned int i;
	typeof(mpu) before;

	start(8);
	for (i = 0; i < 3; i++)
		EXPECT(!claim_it(SRAM + i * 0x10000, 0x10000, numbers[i]));
	before = mpu;
	EXPECT(strstr(claim_it(0x30000000, 0x48000, numbers[3]), "too few"));
	EXPECT(numbers[3][0] < 0 && numbers[3][1] < 0);
	mpu.rnr = before.rnr;
	EXPECT(!memcmp(&mpu, &before, sizeof(mpu)));
	EXPECT(!claim_it(0x30000000, 0x8000, numbers[3]));
	EXPECT(numbers[3][0] == 7);
	EXPECT(strstr(claim_it(0x38000000, 0x8000, numbers[4]), "too few"));
	for (i = 0; i < 4; i++)
		dap_mpu_release(numbers[i]);
	EXPECT(!mpu.ctrl && !mpu.rasr[0] && !mpu.rasr[7]);

	/* of the first of two, that the MPU is on is undone as well */
	start(5);
	EXPECT(strstr(claim_it(0x30000000, 0x48000, numbers[0]), "too few"));
	EXPECT(!mpu.ctrl && !mpu.rasr[0] && !mpu.rasr[4]);
	start(4);
	EXPECT(strstr(claim_it(SRAM, 0x8000, numbers[0]), "too few"));
	EXPECT(!mpu.ctrl && !mpu.rasr[0]);
}

/*
 * A kernel that uses the MPU itself: above those of its regions that meet ours, and
 * no background.
 */
static void with_a_kernels(void)
{
	int one[2], two[2];

	start(16);
	mpu.ctrl = 5;
	mpu.rasr[0] = 0x1304003f;
	mpu.rbar[2] = SRAM;
	mpu.rasr[2] = 0x030f002f;
	EXPECT(!claim_it(SRAM, 0x8000, one));
	EXPECT(one[0] == 3 && one[1] < 0);
	EXPECT(!dap_mpu_claim(0x30000000, 0x48000, DAP_MPU_NO_ACCESS, two));
	EXPECT(two[0] == 1 && two[1] == 4);
	EXPECT(kind_of(0x30000000) == NO_ACCESS);
	EXPECT(kind_of(0x30047fff) == NO_ACCESS);
	EXPECT(kind_of(0x30048000) == BACKGROUND);
	EXPECT(flushes == 3);
	dap_mpu_release(one);
	dap_mpu_release(two);
	EXPECT(mpu.ctrl == 5 && mpu.rasr[2] == 0x030f002f && !mpu.rasr[1] &&
	       !mpu.rasr[3] && !mpu.rasr[4]);
}

/* The highest region: that of somebody else next to ours, within it, and around it. */
static void highest_region(void)
{
	static const struct {
		u32 base, order;
		bool meets;
	} cases[] = {
		{ SRAM + 0x8000, 15, false },
		{ SRAM - 0x8000, 15, false },
		{ SRAM ^ 0x80000000, 31, false },
		{ SRAM, 15, true },
		{ SRAM + 0x7fe0, 5, true },
		{ 0, 31, true },
		{ 0, 32, true },
	};
	int numbers[2];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		start(8);
		mpu.ctrl = 5;
		mpu.rbar[7] = cases[i].base & ~(u32)((1ULL << cases[i].order) - 1);
		mpu.rasr[7] = (cases[i].order - 1) << 1 | 1;
		EXPECT(!claim_it(SRAM, 0x8000, numbers) == !cases[i].meets);
		EXPECT(numbers[0] == (cases[i].meets ? -1 : 0));
		steps++;
	}
}

static void not_for_us(void)
{
	int numbers[2];

	start(8);
	mpu.rasr[3] = 0x11;
	EXPECT(strstr(claim_it(SRAM, 0x8000, numbers), "in use"));
	EXPECT(numbers[0] < 0 && mpu.rasr[3] == 0x11 && !mpu.ctrl);
	start(0);
	EXPECT(strstr(claim_it(SRAM, 0x8000, numbers), "no ARMv7-M MPU"));
	start(8);
	mpu.mmfr0 = 4 << 4;
	EXPECT(strstr(claim_it(SRAM, 0x8000, numbers), "no ARMv7-M MPU"));
	EXPECT(numbers[0] < 0 && numbers[1] < 0);
}

static const struct tap_test tests[] = {
	{ "all small sizes", all_sizes },
	{ "real sizes", real_sizes },
	{ "too few regions", not_enough },
	{ "a kernel that uses the MPU", with_a_kernels },
	{ "somebody's highest region", highest_region },
	{ "an MPU that cannot be used", not_for_us },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
