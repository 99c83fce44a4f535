/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The lines of a data cache, and the memory behind it.  The contract is at the top
 * of lines.c.
 */
#ifndef LINES_H
#define LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINE		32u
#define PAGE		4096u
#define WAYS		4u

/* How the CPU treats a page. */
enum attr {
	UNCACHED,
	WRITE_THROUGH,
	WRITE_BACK,
};

enum state {
	INVALID,
	CLEAN,
	DIRTY,
};

/* What may be done to a line, by maintenance or by the hardware itself. */
enum op {
	OP_CLEAN,
	OP_INVALIDATE,
	OP_CLEAN_INVALIDATE,
};

/* What goes wrong in a driver that does too little. */
enum fault {
	STALE_READ,	/* the CPU read what its cache had, not what a device wrote */
	STALE_DMA,	/* a device read what memory had, not what the CPU wrote */
	OVERWRITTEN,	/* what a device wrote was overwritten by a line written back */
};

/**
 * struct lines_setup - a machine's memory; all are offsets from its base, in bytes
 * @size:	all of it
 * @view:	where two pieces of it, of @pool bytes, are one memory ...
 * @alias:	... that the CPU reaches at two places
 * @pool:	bytes; 0: there is no such memory
 * @sets:	of WAYS lines each that the cache has room for; 0: for all
 * @seed:	of whatever happens at random
 * @fault:	called for each fault: where it is, and who has stored (STALE_DMA,
 *		OVERWRITTEN) or loaded it; or NULL
 * @evicted:	called before a line goes for want of room; or NULL
 */
struct lines_setup {
	uint32_t size;
	uint32_t view;
	uint32_t alias;
	uint32_t pool;
	uint32_t sets;
	uint32_t seed;
	void (*fault)(enum fault what, uint32_t at, uint32_t pc);
	void (*evicted)(uint32_t line);
};

/* What has happened. */
struct lines_count {
	uint64_t loads;
	uint64_t stores;
	uint64_t unseen;	/* lines with stores that nobody told of */
	uint64_t fills;
	uint64_t fetches;	/* fills that nobody asked for */
	uint64_t write_backs;
	uint64_t drops;
	uint64_t evictions;	/* for want of room */
	uint64_t ops[3];	/* maintenance, by enum op */
	uint64_t lost;		/* dirty lines that were invalidated */
	uint64_t mixed;		/* uncached accesses to what a line holds as well */
	uint64_t dma_read;	/* bytes */
	uint64_t dma_written;
	uint64_t faults[3];	/* by enum fault */
};

extern struct lines_count lines_count;

bool lines_init(const struct lines_setup *setup, uint8_t *seen);
void lines_on(void);
void lines_set_attr(uint32_t page, enum attr attr);

void lines_loaded(uint32_t at, uint32_t len, uint32_t pc);
void lines_stored(uint32_t at, uint32_t len, uint32_t pc);
void lines_maintain(uint32_t at, enum op op);
void lines_maintain_way(uint32_t set, uint32_t way, enum op op);

void lines_dma_read(uint32_t at, uint8_t *to, uint32_t len);
void lines_dma_write(uint32_t at, const uint8_t *from, uint32_t len);

void lines_evict(uint32_t at);
void lines_evict_all(void);
void lines_fetch(uint32_t at);
void lines_set_seed(uint32_t seed);
void lines_set_period(uint32_t period);
uint32_t lines_random(uint32_t below);
void lines_tick(void);

/* To look inside. */
enum state lines_state(uint32_t line);
const uint8_t *lines_memory(uint32_t line);
void lines_settle_all(void);

#endif /* LINES_H */
