// SPDX-License-Identifier: GPL-2.0
/*
 * A DMA engine, which copies as descriptors say that it fetches itself.
 *
 * Registers, of 32 bits, which can only be written; it answers by memory alone, since
 * a plugin of the emulator can neither answer a read nor raise an interrupt:
 *
 *	0x00 RING	bus address of the ring of descriptors
 *	0x04 COUNT	descriptors in it; the engine is reset, and begins with the first
 *	0x08 PACE	0: a bell does all at once, before the CPU's next instruction;
 *			n: over time, a line of 32 bytes each 0 to 2n-1 accesses of the
 *			CPU to memory
 *	0x0c DONE	bus address of a word that is counted up after each descriptor,
 *			or 0
 *	0x10 BELL	go on, until a descriptor is not the engine's
 *
 * A descriptor, four little-endian words:
 *
 *	SRC	bus address
 *	DST	bus address
 *	CTRL	bit 31 OWN: the engine's; bit 30 FILL: SRC is the word to write, over
 *		and over; bits 0 to 23: bytes
 *	STATUS	written last, with OWN in CTRL cleared: bit 31 DONE, bit 30 ERROR (an
 *		address that is no memory), bits 0 to 23: bytes copied
 *
 * Bus addresses are physical ones.  The engine is not coherent: all that it reads and
 * writes is memory (lines_dma_read(), lines_dma_write()), its descriptors as well: one
 * whose OWN is still in a line of the cache is not its own.
 */
#include <string.h>

#include "engine.h"
#include "lines.h"
#include "map.h"

#define OWN		(1u << 31)
#define FILL		(1u << 30)
#define DONE		(1u << 31)
#define ERROR		(1u << 30)
#define BYTES		0xffffffu

struct descriptor {
	uint32_t src;
	uint32_t dst;
	uint32_t ctrl;
	uint32_t status;
};

static uint32_t ring, count, pace, done;
static uint32_t next;		/* index of the descriptor that is, or comes, next */
static uint32_t waits;		/* accesses until the next line */
static uint32_t copied;		/* bytes of the descriptor that is being done */
static struct descriptor now;
static bool busy, fetched;
static uint64_t copies;

static bool in_memory(uint32_t addr, uint32_t len)
{
	return addr - BASE < TOTAL && len <= TOTAL - (addr - BASE);
}

static bool fetch(void)
{
	uint32_t addr = ring + next * sizeof(now);

	if (!count || !in_memory(addr, sizeof(now)))
		return false;
	lines_dma_read(addr - BASE, (uint8_t *)&now, sizeof(now));
	copied = 0;
	return now.ctrl & OWN;
}

static void tell(uint32_t status)
{
	uint32_t addr = ring + next * sizeof(now), word;

	now.ctrl &= ~OWN;
	now.status = status;
	lines_dma_write(addr - BASE + 8, (uint8_t *)&now.ctrl, 8);
	if (done && in_memory(done, 4)) {
		lines_dma_read(done - BASE, (uint8_t *)&word, 4);
		word++;
		lines_dma_write(done - BASE, (uint8_t *)&word, 4);
	}
	next = (next + 1) % count;
	copies++;
}

/* As much as is in one line of the destination.  Returns false at the end. */
static bool copy_part(void)
{
	uint32_t left = (now.ctrl & BYTES) - copied;
	uint32_t dst = now.dst + copied, src = now.src + copied;
	uint32_t len = LINE - dst % LINE, i;
	uint8_t bytes[LINE];

	if (!left) {
		tell(DONE | copied);
		return false;
	}
	if (len > left)
		len = left;
	if (!in_memory(dst, len) || (!(now.ctrl & FILL) && !in_memory(src, len))) {
		tell(DONE | ERROR | copied);
		return false;
	}
	if (now.ctrl & FILL)
		for (i = 0; i < len; i++)
			bytes[i] = now.src >> 8 * ((copied + i) % 4);
	else
		lines_dma_read(src - BASE, bytes, len);
	lines_dma_write(dst - BASE, bytes, len);
	copied += len;
	return true;
}

/* One thing at a time: a fetch, or a line. */
static void work(void)
{
	if (!fetched) {
		busy = fetch();
		fetched = busy;
	} else {
		fetched = copy_part();
	}
}

/**
 * engine_wrote_register() - software wrote to a register
 * @reg:   its offset
 * @value: what
 *
 * Return: false if there is no such register.
 */
bool engine_wrote_register(uint32_t reg, uint32_t value)
{
	switch (reg) {
	case 0x00:
		ring = value;
		break;
	case 0x04:
		count = value;
		next = 0;
		busy = false;
		fetched = false;
		break;
	case 0x08:
		pace = value;
		break;
	case 0x0c:
		done = value;
		break;
	case 0x10:
		busy = true;
		waits = 0;
		while (busy && !pace)
			work();
		break;
	default:
		return false;
	}
	return true;
}

/**
 * engine_tick() - time passes: one access of the CPU to memory
 */
void engine_tick(void)
{
	if (!busy || (pace && waits--))
		return;
	waits = pace ? lines_random(2 * pace) : 0;
	work();
}

/* Descriptors done so far. */
uint64_t engine_copies(void) { return copies; }
