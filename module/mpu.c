// SPDX-License-Identifier: GPL-2.0
/*
 * Regions of the ARMv7-M MPU, one or two for a pool.  They make memory
 * non-cacheable for chips whose RAM has no second address, or they forbid
 * access to the cacheable view of memory that has one.  A stray access to that
 * view is a MemManage fault then: Linux stops and prints where it was
 * (arch/arm/kernel/entry-v7m.S).
 *
 * If MPU regions overlap, the one with the highest number counts.  So ours get
 * higher numbers than all of somebody else's that they overlap.
 *
 * If the kernel does not use the MPU (CONFIG_ARM_MPU), it is switched on here.
 * Privileged code then still has the default memory map behind all regions, but
 * user space has nothing.  So four background regions repeat the default memory
 * map for both (ARMv7-M Architecture Reference Manual, B3.1).  Each covers all
 * 4 GiB, with only those of its eighths enabled that it is for.
 *
 * Contexts and locking: process context.  Registers are written under a
 * spinlock with interrupts off, since a region is selected first and written
 * after that.  The pool releases what was claimed.
 */
#include <linux/bits.h>
#include <linux/io.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/spinlock.h>

#include <asm/barrier.h>
#include <asm/mpu.h>
#include <asm/v7m.h>

#include "cache.h"
#include "mpu.h"

#define DAP_ID_MMFR0		0x50

/* MPU_RASR */
#define DAP_RASR_XN		BIT(28)
#define DAP_RASR_NO_ACCESS	(0 << 24)
#define DAP_RASR_FULL_ACCESS	(3 << 24)
#define DAP_RASR_SHAREABLE	BIT(18)
#define DAP_RASR_SRD(used)	((0xff & ~(used)) << 8)
#define DAP_RASR_SIZE(order)	(((order) - 1) << 1)
#define DAP_RASR_ORDER(rasr)	(((rasr) >> 1 & 0x1f) + 1)
#define DAP_RASR_ENABLE		BIT(0)
/* TEX, C and B */
#define DAP_RASR_UNCACHED	BIT(19)
#define DAP_RASR_WRITE_THROUGH	BIT(17)
#define DAP_RASR_WRITE_BACK	(BIT(19) | BIT(17) | BIT(16))
#define DAP_RASR_DEVICE		(DAP_RASR_XN | BIT(20))
#define DAP_RASR_SHARED_DEVICE	(DAP_RASR_XN | BIT(18) | BIT(16))

#define DAP_SUBREGIONS		8

/* The registers of one region. */
struct dap_mpu_region {
	u32 rbar;
	u32 rasr;
};

/* The default memory map; memory above 0xe0000000 belongs to the system. */
static const u32 dap_background[] = {
	DAP_RASR_WRITE_THROUGH | DAP_RASR_SRD(BIT(0) | BIT(4)),
	DAP_RASR_WRITE_BACK | DAP_RASR_SRD(BIT(1) | BIT(3)),
	DAP_RASR_DEVICE | DAP_RASR_SRD(BIT(2) | BIT(6)),
	DAP_RASR_SHARED_DEVICE | DAP_RASR_SRD(BIT(5)),
};

static const struct dap_mpu_region dap_all_memory = {
	.rasr = DAP_RASR_SIZE(32),
};

static DEFINE_RAW_SPINLOCK(dap_mpu_lock);	/* also for the registers */
static unsigned long dap_ours[BITS_TO_LONGS(256)];
static unsigned int dap_nr_ours;
static bool dap_switched_on;

static u32 mpu_read(u32 offset)
{
	return readl_relaxed(BASEADDR_V7M_SCB + offset);
}

static void mpu_write(u32 value, u32 offset)
{
	writel_relaxed(value, BASEADDR_V7M_SCB + offset);
}

static void mpu_set_region(unsigned int number, u32 base, u32 rasr)
{
	mpu_write(number, PMSAv7_RNR);
	mpu_write(0, PMSAv7_RASR);
	mpu_write(base, PMSAv7_RBAR);
	mpu_write(rasr, PMSAv7_RASR);
}

/*
 * Is a region of the MPU enabled, and does it meet another one?  Both are powers
 * of two in size, at multiples of that, so one contains the other if they meet.
 */
static bool mpu_region_meets(unsigned int number,
			     const struct dap_mpu_region *other)
{
	unsigned int order;
	u32 rasr;

	mpu_write(number, PMSAv7_RNR);
	rasr = mpu_read(PMSAv7_RASR);
	order = max(DAP_RASR_ORDER(rasr), DAP_RASR_ORDER(other->rasr));
	/* in two steps, since order may be 32 */
	return (rasr & DAP_RASR_ENABLE) &&
	       !((mpu_read(PMSAv7_RBAR) ^ other->rbar) >> (order - 1) >> 1);
}

/*
 * Find the smallest region that consists of the given memory in whole eighths,
 * with all other eighths disabled.  The size of a region is a power of two, and
 * its base a multiple of that.  Returns false if there is none.
 */
static bool mpu_encode_region(u32 base, u32 size, struct dap_mpu_region *region)
{
	unsigned int order, first, count;
	u32 eighth;

	for (order = ilog2(size); order < 32; order++) {
		eighth = BIT(order) / DAP_SUBREGIONS;
		region->rbar = base & ~(BIT(order) - 1);
		if (base + size - region->rbar > BIT(order))
			continue;
		if ((base | size) & (eighth - 1))
			return false;
		first = (base - region->rbar) / eighth;
		count = size / eighth;
		region->rasr = DAP_RASR_SIZE(order) |
			       DAP_RASR_SRD((BIT(count) - 1) << first) |
			       DAP_RASR_ENABLE;
		return true;
	}
	return false;
}

/* Describe memory by one region, or else by two.  Returns how many, or 0. */
static unsigned int mpu_encode_regions(u32 base, u32 size,
				       struct dap_mpu_region *regions)
{
	u32 first;

	if (mpu_encode_region(base, size, regions))
		return 1;
	for (first = size - PAGE_SIZE; first; first -= PAGE_SIZE)
		if (mpu_encode_region(base, first, regions) &&
		    mpu_encode_region(base + first, size - first, regions + 1))
			return 2;
	return 0;
}

/*
 * Find a free region above all that meet this one and are not ours: of those
 * that overlap, the highest one decides.  Ours do not overlap, so their order
 * does not matter.  Returns a number that is too high if there is none.
 */
static unsigned int mpu_find_free(unsigned int regions,
				  const struct dap_mpu_region *region)
{
	unsigned int i, number = 0;

	for (i = 0; i < regions; i++)
		if (mpu_region_meets(i, region) && !test_bit(i, dap_ours))
			number = i + 1;
	while (number < regions && mpu_region_meets(number, &dap_all_memory))
		number++;
	return number;
}

static void mpu_set_background(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(dap_background); i++)
		mpu_set_region(i, 0, dap_background[i] | DAP_RASR_FULL_ACCESS |
				     DAP_RASR_SIZE(32) | DAP_RASR_ENABLE);
}

static void mpu_clear_background(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(dap_background); i++)
		mpu_set_region(i, 0, 0);
}

static const char *mpu_claim_region(unsigned int regions,
				    const struct dap_mpu_region *region,
				    int *claimed)
{
	bool is_on = mpu_read(MPU_CTRL) & MPU_CTRL_ENABLE;
	unsigned int number = mpu_find_free(regions,
					    is_on ? region : &dap_all_memory);

	if (!is_on) {
		/*
		 * Somebody is about to use the MPU, and does not expect it to
		 * be on.
		 */
		if (number)
			return "the MPU is off, but its regions are in use";
		number = ARRAY_SIZE(dap_background);
	}
	if (number >= regions)
		return "too few MPU regions are free";
	if (!is_on)
		mpu_set_background();

	mpu_set_region(number, region->rbar, region->rasr);
	dsb();
	if (!is_on) {
		mpu_write(MPU_CTRL_ENABLE | MPU_CTRL_PRIVDEFENA, MPU_CTRL);
		dap_switched_on = true;
	}
	dsb();
	isb();
	__set_bit(number, dap_ours);
	dap_nr_ours++;
	*claimed = number;
	return NULL;
}

static void mpu_release_region(int number)
{
	dsb();
	mpu_set_region(number, 0, 0);
	__clear_bit(number, dap_ours);
	if (!--dap_nr_ours && dap_switched_on) {
		mpu_write(0, MPU_CTRL);
		dsb();
		isb();
		mpu_clear_background();
		dap_switched_on = false;
	}
	dsb();
	isb();
}

/**
 * dap_mpu_claim() - set up MPU regions for memory
 * @base:    base of the memory, which nobody uses
 * @size:    bytes
 * @kind:    what the regions are for
 * @numbers: set to the numbers of the MPU regions, for dap_mpu_release();
 *           negative where there is none
 *
 * Context: process context.
 * Return: NULL; or why that is not possible, and then nothing was done.
 */
const char *dap_mpu_claim(phys_addr_t base, phys_addr_t size,
			  enum dap_mpu_kind kind, int numbers[DAP_MPU_REGIONS])
{
	unsigned int regions = (mpu_read(MPU_TYPE) & MPUIR_DREGION_SZMASK) >>
			       MPUIR_DREGION;
	struct dap_mpu_region wanted[DAP_MPU_REGIONS];
	const char *why = NULL;
	unsigned long flags;
	unsigned int i, n;

	numbers[0] = -1;
	numbers[1] = -1;
	if ((mpu_read(DAP_ID_MMFR0) & MMFR0_PMSA) != MMFR0_PMSAv7 ||
	    !regions)
		return "the CPU has no ARMv7-M MPU";
	n = mpu_encode_regions(base, size, wanted);
	if (!n)
		return "it fits neither one MPU region nor two";

	/*
	 * Drop the cache lines of the memory now, so that nothing dirty is
	 * left, and again once it is uncached, so that nothing is left at all.
	 */
	dap_flush_cached_view(phys_to_virt(base), base, size);
	raw_spin_lock_irqsave(&dap_mpu_lock, flags);
	for (i = 0; i < n && !why; i++) {
		wanted[i].rasr |= DAP_RASR_UNCACHED | DAP_RASR_SHAREABLE |
				  DAP_RASR_XN | (kind == DAP_MPU_UNCACHED ?
						 DAP_RASR_FULL_ACCESS :
						 DAP_RASR_NO_ACCESS);
		why = mpu_claim_region(regions, &wanted[i], &numbers[i]);
	}
	if (why && numbers[0] >= 0)
		mpu_release_region(numbers[0]);
	raw_spin_unlock_irqrestore(&dap_mpu_lock, flags);
	if (why)
		numbers[0] = -1;
	else if (kind == DAP_MPU_UNCACHED)
		dap_flush_cached_view(phys_to_virt(base), base, size);
	return why;
}

/**
 * dap_mpu_release() - undo dap_mpu_claim()
 * @numbers: as set by it
 *
 * If the MPU was switched on here, it is switched off with the last region.
 *
 * Context: process context.
 */
void dap_mpu_release(const int numbers[DAP_MPU_REGIONS])
{
	unsigned long flags;
	unsigned int i;

	raw_spin_lock_irqsave(&dap_mpu_lock, flags);
	for (i = 0; i < DAP_MPU_REGIONS; i++)
		if (numbers[i] >= 0)
			mpu_release_region(numbers[i]);
	raw_spin_unlock_irqrestore(&dap_mpu_lock, flags);
}
