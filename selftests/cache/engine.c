// SPDX-License-Identifier: GPL-2.0
/*
 * A DMA engine.  It fetches descriptors from a ring in memory, and copies what they say.
 *
 * Its registers have 32 bits and can only be written, as a plugin of the emulator can
 * neither answer a read nor raise an interrupt.  The engine reports by writing to memory.
 *
 *	0x00 RING	bus address of the ring of descriptors
 *	0x04 COUNT	how many descriptors the ring has; a write resets the engine, which
 *			will begin with the first
 *	0x08 PACE	0: the engine does all its work at once, before the CPU's next
 *			instruction; n: it copies a line of 32 bytes after every 0 to 2n-1
 *			accesses of the CPU to memory
 *	0x0c DONE	bus address of a word that the engine increments after each
 *			descriptor, or 0
 *	0x10 BELL	a write of anything starts the engine, which works until it finds a
 *			descriptor without OWN
 *
 * A descriptor, four little-endian words:
 *
 *	SRC	bus address
 *	DST	bus address
 *	CTRL	bit 31 OWN: the descriptor is the engine's, the driver must not touch it;
 *		bit 30 FILL: SRC is a word that the engine writes over and over; bits 0
 *		to 23: how many bytes
 *	STATUS	the engine writes this last, and clears OWN in CTRL: bit 31 DONE, bit 30
 *		ERROR (an address where there is no memory), bits 0 to 23: bytes copied
 *
 * Bus addresses are physical addresses.  The engine is not coherent: it reads and writes
 * memory and does not look into the cache (lines_dma_read(), lines_dma_write()).  That
 * is so for descriptors as well: if OWN is still in a dirty line of the cache, the
 * engine does not see it.
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
static uint32_t next;		/* index of the descriptor in work, or of the next one */
static uint32_t waits;		/* accesses of the CPU until the next line is copied */
static uint32_t copied;		/* bytes copied of the descriptor in work */
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

/* Copy one line of the destination.  Return: false if the descriptor is done. */
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

/* Do one step: fetch a descriptor, or copy a line. */
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
 * engine_wrote_register() - tell that software wrote to a register
 * @reg:   offset of the register
 * @value: what was written
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
 * engine_tick() - tell that the CPU has done one more access to memory
 */
void engine_tick(void)
{
	if (!busy || (pace && waits--))
		return;
	waits = pace ? lines_random(2 * pace) : 0;
	work();
}

/* How many descriptors were done so far. */
uint64_t engine_copies(void) { return copies; }
