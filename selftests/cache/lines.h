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

/* How the CPU caches a page. */
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

/* Cache maintenance. */
enum op {
	OP_CLEAN,
	OP_INVALIDATE,
	OP_CLEAN_INVALIDATE,
};

/* What goes wrong if a driver forgets cache maintenance. */
enum fault {
	STALE_READ,	/* the CPU read an old value of its cache, a device wrote a newer */
	STALE_DMA,	/* a device read an old value of memory, the CPU wrote a newer */
	OVERWRITTEN,	/* a line was written back over what a device wrote */
};

/**
 * struct lines_setup - a machine's memory; places are byte offsets from its base
 * @size:	bytes of all memory
 * @view:	where the CPU reaches the pool's memory, cacheable
 * @alias:	where the CPU reaches the same memory a second time
 * @pool:	bytes of the pool; 0: no memory has two addresses
 * @sets:	how many sets of WAYS lines the cache has; 0: it has room for all lines
 * @seed:	decides all that is random
 * @fault:	called for each fault, with the place and the PC of the instruction that
 *		loaded from there (STALE_READ) or stored there last; or NULL
 * @evicted:	called before a line is evicted because its set is full; or NULL
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
	uint64_t unseen;	/* lines with stores of which no callback told */
	uint64_t fills;
	uint64_t fetches;	/* fills without an access: speculative ones */
	uint64_t write_backs;	/* by the adversary or a test */
	uint64_t drops;		/* by the adversary or a test */
	uint64_t evictions;	/* because a set was full */
	uint64_t ops[3];	/* maintenance, by enum op */
	uint64_t lost;		/* dirty lines that were invalidated */
	uint64_t mixed;		/* uncached accesses to an address that a line holds */
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

/* For the test of this file, which looks inside. */
enum state lines_state(uint32_t line);
const uint8_t *lines_memory(uint32_t line);
void lines_settle_all(void);

#endif /* LINES_H */
