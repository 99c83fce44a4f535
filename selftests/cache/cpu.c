// SPDX-License-Identifier: GPL-2.0
/*
 * The CPU's registers for cache control: the cache maintenance registers of an ARMv7-M
 * system control block, and the MPU as far as it decides which pages are cached.
 *
 * The emulator has these registers as well, but there they do nothing.  The plugin tells
 * this file what software writes to them.
 *
 * A plugin cannot change what software reads.  That matters for one register: CTR says
 * how long a cache line is, and the emulator's reads as 0, "no caches".  So when the
 * cache is switched on, early in the kernel's start, this file finds the kernel's reads
 * of CTR in RAM, and replaces them by instructions that load the value of a Cortex-M7.
 * If other code reads CTR later, a message says so.
 *
 * Sources: ARMv7-M Architecture Reference Manual (DDI 0403), B2.2 (maintenance),
 * B3.5 (MPU, and tables of TEX, C, B and S); Cortex-M7 TRM (DDI 0489), chapter 5:
 * shareable memory is not cached.
 */
#include <stdio.h>
#include <string.h>

#include "cpu.h"
#include "map.h"

#define CTR		0x8303c003u	/* lines of 32 bytes, as on a Cortex-M7 */
#define CCR_DC		(1u << 16)
#define REGIONS		16u

static uint8_t *code;		/* the machine's RAM */
static bool on;
static enum attr alias_attr;
static uint32_t patched;

static struct {
	uint32_t ctrl;
	uint32_t number;
	uint32_t base[REGIONS];
	uint32_t attr[REGIONS];
} mpu;

/* --- the kernel's reads of CTR */

/* Write a movw, or with @top a movt, of 16 bits of @value as two half words. */
static void encode_mov(uint16_t *to, uint32_t reg, uint32_t value, bool top)
{
	to[0] = (top ? 0xf2c0 : 0xf240) | (value >> 11 & 1) << 10 | value >> 12;
	to[1] = (value >> 8 & 7) << 12 | reg << 8 | (value & 0xff);
}

/*
 * Are these the instructions with which a compiler loads CTR, at 0xe000ed7c, to a
 * register?  There are two ways: movw, movt and ldr; or mov.w of 0xe000e000 and ldr.w
 * with an offset.
 */
static bool reads_ctr(const uint16_t *h, uint32_t reg, bool *has_third)
{
	*has_third = h[0] == 0xf64e;
	if (*has_third)
		return h[1] == (0x507c | reg << 8) && h[2] == 0xf2ce &&
		       h[3] == reg << 8 && h[4] == (0x6800 | reg << 3 | reg);
	return h[0] == 0xf04f && h[1] == (0x20e0 | reg << 8) &&
	       h[2] == (0xf8d0 | reg) && h[3] == (0x0d7c | reg << 12);
}

static void patch_kernel(void)
{
	uint32_t at, reg;
	bool has_third;
	uint16_t *h;

	for (at = 0; at < BOX - 10; at += 2) {
		h = (uint16_t *)(code + at);
		if (h[0] != 0xf64e && h[0] != 0xf04f)
			continue;
		for (reg = 0; reg < 8; reg++) {
			if (!reads_ctr(h, reg, &has_third))
				continue;
			encode_mov(h, reg, CTR & 0xffff, false);
			encode_mov(h + 2, reg, CTR >> 16, true);
			if (has_third)
				h[4] = 0xbf00;	/* nop */
			patched++;
			break;
		}
	}
}

/* --- which pages are cached */

/* How a region of the MPU is cached, from its register RASR. */
static enum attr attr_of_region(uint32_t rasr)
{
	uint32_t tex = rasr >> 19 & 7, cb = rasr >> 16 & 3;
	bool shareable = rasr >> 18 & 1;

	/* With the top bit of TEX set, C and B are the policy of the inner cache: ours. */
	if (tex & 4) {
		static const enum attr inner[] = {
			UNCACHED, WRITE_BACK, WRITE_THROUGH, WRITE_BACK
		};

		return shareable ? UNCACHED : inner[cb];
	}
	if (shareable || !(cb & 2))
		return UNCACHED;
	return tex == 0 && cb == 2 ? WRITE_THROUGH : WRITE_BACK;
}

static bool region_has(uint32_t n, uint32_t addr)
{
	uint32_t rasr = mpu.attr[n];
	uint32_t bits = (rasr >> 1 & 31) + 1;
	uint32_t mask = bits < 32 ? (1u << bits) - 1 : UINT32_MAX;

	if (!(rasr & 1) || (addr & ~mask) != (mpu.base[n] & ~mask))
		return false;
	/* each eighth of the region has a bit that disables it */
	return bits < 8 || !(rasr >> (8 + ((addr & mask) >> (bits - 3))) & 1);
}

/* How the board caches a page that no region of the MPU covers. */
static enum attr attr_by_default(uint32_t at)
{
	if (at >= ALIAS)
		return alias_attr;
	return at >= BOX && at < VIEW ? UNCACHED : WRITE_BACK;
}

static enum attr attr_at(uint32_t at)
{
	enum attr attr = attr_by_default(at);
	int n;

	/* The MPU cannot make a page cached that the board does not cache. */
	if (!(mpu.ctrl & 1) || attr == UNCACHED)
		return attr;
	for (n = REGIONS - 1; n >= 0; n--)
		if (region_has(n, BASE + at))
			return attr_of_region(mpu.attr[n]);
	return attr;
}

static void set_attrs(void)
{
	uint32_t at;

	for (at = 0; at < TOTAL; at += PAGE)
		lines_set_attr(at / PAGE, attr_at(at));
}

/* --- registers */

static void switch_on(void)
{
	if (on)
		return;
	patch_kernel();
	lines_on();
	on = true;
}

static void write_mpu(uint32_t reg, uint32_t value)
{
	uint32_t n;

	switch (reg) {
	case 0x94:
		mpu.ctrl = value;
		break;
	case 0x98:
		mpu.number = value % REGIONS;
		return;
	/* RBAR and RASR, and three aliases of each */
	case 0x9c: case 0xa4: case 0xac: case 0xb4:
		if (value & 0x10)
			mpu.number = value & 0xf;
		mpu.base[mpu.number] = value & ~0x1fu;
		break;
	case 0xa0: case 0xa8: case 0xb0: case 0xb8:
		n = mpu.number;
		mpu.attr[n] = value;
		if ((value & 1) && (value >> 1 & 31) < 11 &&
		    mpu.base[n] - BASE < TOTAL)
			fprintf(stderr, "cache: MPU: less than a page, not modelled: 0x%x\n",
				mpu.base[n]);
		break;
	default:
		return;
	}
	set_attrs();
}

static void maintain(uint32_t addr, enum op op)
{
	if (on && addr - BASE < TOTAL)
		lines_maintain(addr - BASE, op);
}

/* The register's value names a set, of 128, and a way, of four. */
static void maintain_way(uint32_t value, enum op op)
{
	if (on)
		lines_maintain_way(value >> 5 & 127, value >> 30, op);
}

/**
 * cpu_wrote_register() - tell that software wrote to the system control space
 * @addr:  address of the register
 * @value: what was written
 */
void cpu_wrote_register(uint32_t addr, uint32_t value)
{
	switch (addr - SYSTEM_SPACE) {
	case 0xd14:
		if (value & CCR_DC)
			switch_on();
		else if (on)
			fprintf(stderr, "cache: off is not modelled\n");
		break;
	case 0xf5c: maintain(value, OP_INVALIDATE); break;
	case 0xf60: maintain_way(value, OP_INVALIDATE); break;
	case 0xf64: /* clean to the point of unification: here that is memory */
	case 0xf68: maintain(value, OP_CLEAN); break;
	case 0xf6c: maintain_way(value, OP_CLEAN); break;
	case 0xf70: maintain(value, OP_CLEAN_INVALIDATE); break;
	case 0xf74: maintain_way(value, OP_CLEAN_INVALIDATE); break;
	default:
		if (addr - SYSTEM_SPACE - 0xd00 < 0x100)
			write_mpu(addr - SYSTEM_SPACE - 0xd00, value);
	}
}

/**
 * cpu_read_register() - tell that software read from the system control space
 * @addr: address of the register
 * @pc:   address of the instruction
 */
void cpu_read_register(uint32_t addr, uint32_t pc)
{
	static uint32_t told;

	if (!on || addr != SYSTEM_SPACE + 0xd7c || told == pc)
		return;
	told = pc;
	fprintf(stderr, "cache: CTR is read at 0x%x, and says that there is none\n",
		pc);
}

bool cpu_is_on(void) { return on; }

/* How many of the kernel's reads of CTR were replaced. */
uint32_t cpu_patched(void) { return patched; }

/**
 * cpu_init() - reset the CPU
 * @ram:   the machine's RAM, where the kernel will be
 * @alias: how the board caches the pool's alias
 */
void cpu_init(uint8_t *ram, enum attr alias)
{
	code = ram;
	alias_attr = alias;
	set_attrs();
}
