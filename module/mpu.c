// SPDX-License-Identifier: GPL-2.0
/*
 * Regions of the ARMv7-M MPU: one that makes memory non-cacheable, for chips whose
 * RAM has no second address, or one that nobody may access, over the cacheable
 * view of memory that has.  A stray access there is a MemManage fault, with which
 * Linux stops and says where it was (arch/arm/kernel/entry-v7m.S).
 *
 * Of two MPU regions the one with the higher number decides, so that ours goes
 * above all that somebody else has set up.  Where the kernel does not use the MPU
 * (CONFIG_ARM_MPU), it is switched on here.  Privileged code then has the default
 * memory map behind all regions, but user space has nothing: the regions below
 * say for both what the default map says (ARMv7-M Architecture Reference Manual,
 * B3.1), each for its eighths of all 4 GiB.
 *
 * Contexts and locking: process context; registers are written under a spinlock
 * with interrupts off, since a region is selected first and set then.  What was
 * claimed is released with the pool.
 */
#include <linux/bits.h>
#include <linux/device.h>
#include <linux/io.h>
#include <linux/log2.h>
#include <linux/spinlock.h>

#include <asm/barrier.h>
#include <asm/mpu.h>
#include <asm/v7m.h>

#include "compat.h"
#include "mpu.h"

#define DAP_ID_MMFR0		0x50

/* MPU_RASR */
#define DAP_RASR_XN		BIT(28)
#define DAP_RASR_NO_ACCESS	(0 << 24)
#define DAP_RASR_FULL_ACCESS	(3 << 24)
#define DAP_RASR_SHAREABLE	BIT(18)
#define DAP_RASR_SRD(used)	((0xff & ~(used)) << 8)
#define DAP_RASR_SIZE(order)	(((order) - 1) << 1)
#define DAP_RASR_ENABLE		BIT(0)
/* TEX, C and B */
#define DAP_RASR_UNCACHED	BIT(19)
#define DAP_RASR_WRITE_THROUGH	BIT(17)
#define DAP_RASR_WRITE_BACK	(BIT(19) | BIT(17) | BIT(16))
#define DAP_RASR_DEVICE		(DAP_RASR_XN | BIT(20))
#define DAP_RASR_SHARED_DEVICE	(DAP_RASR_XN | BIT(18) | BIT(16))

#define DAP_SUBREGIONS		8

/* What asks for a region, for messages, and what it is for. */
static const struct {
	const char *name;
	u32 rasr;
} dap_kinds[] = {
	[DAP_MPU_UNCACHED] = {
		"dma-alias-pool,mpu",
		DAP_RASR_UNCACHED | DAP_RASR_SHAREABLE | DAP_RASR_XN |
		DAP_RASR_FULL_ACCESS,
	},
	[DAP_MPU_NO_ACCESS] = {
		"guard=1",
		DAP_RASR_UNCACHED | DAP_RASR_SHAREABLE | DAP_RASR_XN |
		DAP_RASR_NO_ACCESS,
	},
};

/* The default memory map; what is above 0xe0000000 belongs to the system. */
static const u32 dap_background[] = {
	DAP_RASR_WRITE_THROUGH | DAP_RASR_SRD(BIT(0) | BIT(4)),
	DAP_RASR_WRITE_BACK | DAP_RASR_SRD(BIT(1) | BIT(3)),
	DAP_RASR_DEVICE | DAP_RASR_SRD(BIT(2) | BIT(6)),
	DAP_RASR_SHARED_DEVICE | DAP_RASR_SRD(BIT(5)),
};

static DEFINE_RAW_SPINLOCK(dap_mpu_lock);	/* the registers and these */
static unsigned long dap_ours[BITS_TO_LONGS(256)];
static unsigned int dap_nr_ours;
static bool dap_switched_on;

static u32 read_register(u32 offset)
{
	return readl_relaxed(BASEADDR_V7M_SCB + offset);
}

static void write_register(u32 value, u32 offset)
{
	writel_relaxed(value, BASEADDR_V7M_SCB + offset);
}

static void set_region(unsigned int number, u32 base, u32 rasr)
{
	write_register(number, PMSAv7_RNR);
	write_register(0, PMSAv7_RASR);
	write_register(base, PMSAv7_RBAR);
	write_register(rasr, PMSAv7_RASR);
}

static bool is_enabled(unsigned int number)
{
	write_register(number, PMSAv7_RNR);
	return read_register(PMSAv7_RASR) & DAP_RASR_ENABLE;
}

/*
 * The smallest block of a power of two that has the memory in whole eighths of
 * it; the others are left out.  Returns its size and them for MPU_RASR, or 0 if
 * there is none.
 */
static u32 encode(u32 base, u32 size, u32 *block)
{
	unsigned int order, first, count;
	u32 eighth;

	for (order = ilog2(size); order < 32; order++) {
		eighth = BIT(order) / DAP_SUBREGIONS;
		*block = base & ~(BIT(order) - 1);
		if (base + size - *block > BIT(order))
			continue;
		if ((base | size) & (eighth - 1))
			return 0;
		first = (base - *block) / eighth;
		count = size / eighth;
		return DAP_RASR_SIZE(order) |
		       DAP_RASR_SRD((BIT(count) - 1) << first) |
		       DAP_RASR_ENABLE;
	}
	return 0;
}

/* A region above all that are not ours; ours do not overlap. */
static int find_number(unsigned int regions)
{
	unsigned int i, number = 0;

	for (i = 0; i < regions; i++)
		if (is_enabled(i) && !test_bit(i, dap_ours))
			number = i + 1;
	while (number < regions && is_enabled(number))
		number++;
	return number < regions ? number : -EBUSY;
}

static void set_background(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(dap_background); i++)
		set_region(i, 0, dap_background[i] | DAP_RASR_FULL_ACCESS |
				 DAP_RASR_SIZE(32) | DAP_RASR_ENABLE);
}

static void clear_background(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(dap_background); i++)
		set_region(i, 0, 0);
}

static int claim(unsigned int regions, u32 block, u32 rasr)
{
	bool is_on = read_register(MPU_CTRL) & MPU_CTRL_ENABLE;
	int number = find_number(regions);

	if (!is_on) {
		/* Somebody has prepared something, and will not expect this. */
		if (number)
			return -EEXIST;
		number = ARRAY_SIZE(dap_background);
		if (number >= regions)
			return -EBUSY;
		set_background();
	}
	if (number < 0)
		return number;

	set_region(number, block, rasr);
	dsb();
	if (!is_on) {
		write_register(MPU_CTRL_ENABLE | MPU_CTRL_PRIVDEFENA, MPU_CTRL);
		dap_switched_on = true;
	}
	dsb();
	isb();
	__set_bit(number, dap_ours);
	dap_nr_ours++;
	return number;
}

/**
 * dap_mpu_claim() - have the MPU treat memory in another way
 * @dev:  the pool's device, for messages
 * @base: of the memory, which nobody uses
 * @size: bytes
 * @kind: in which
 *
 * Context: process context.
 * Return: the number of the MPU region, for dap_mpu_release(); or an error that
 * has been reported: -EOPNOTSUPP without such an MPU, -EINVAL for memory that is
 * not whole eighths of a power of two, -EBUSY if no region is free, -EEXIST if
 * somebody has prepared an MPU that is off.
 */
int dap_mpu_claim(struct device *dev, phys_addr_t base, phys_addr_t size,
		  enum dap_mpu_kind kind)
{
	const char *what = dap_kinds[kind].name;
	unsigned int regions = (read_register(MPU_TYPE) & MPUIR_DREGION_SZMASK) >>
			       MPUIR_DREGION;
	unsigned long flags;
	u32 rasr, block;
	int number;

	if ((read_register(DAP_ID_MMFR0) & MMFR0_PMSA) != MMFR0_PMSAv7 ||
	    !regions)
		return dev_err_probe(dev, -EOPNOTSUPP,
				     "%s: the CPU has no ARMv7-M MPU\n",
				     what);
	rasr = encode(base, size, &block);
	if (!rasr)
		return dev_err_probe(dev, -EINVAL,
				     "%s: %pa bytes at %pa are not whole eighths of an aligned power of two\n",
				     what, &size, &base);

	/* Nothing dirty may be left, and nothing at all once it is uncached. */
	dap_flush_cached_view(phys_to_virt(base), base, size);
	raw_spin_lock_irqsave(&dap_mpu_lock, flags);
	number = claim(regions, block, rasr | dap_kinds[kind].rasr);
	raw_spin_unlock_irqrestore(&dap_mpu_lock, flags);
	if (number == -EEXIST)
		return dev_err_probe(dev, number,
				     "%s: the MPU is off, but its regions are in use\n",
				     what);
	if (number < 0)
		return dev_err_probe(dev, number,
				     "%s: none of the %u MPU regions is free\n",
				     what, regions);
	if (kind == DAP_MPU_UNCACHED)
		dap_flush_cached_view(phys_to_virt(base), base, size);
	return number;
}

/**
 * dap_mpu_release() - undo dap_mpu_claim()
 * @number: what it returned
 *
 * The MPU is switched off with the last region if it was switched on here.
 *
 * Context: process context.
 */
void dap_mpu_release(int number)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&dap_mpu_lock, flags);
	dsb();
	set_region(number, 0, 0);
	__clear_bit(number, dap_ours);
	if (!--dap_nr_ours && dap_switched_on) {
		write_register(0, MPU_CTRL);
		dsb();
		isb();
		clear_background();
		dap_switched_on = false;
	}
	dsb();
	isb();
	raw_spin_unlock_irqrestore(&dap_mpu_lock, flags);
}
