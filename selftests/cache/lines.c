// SPDX-License-Identifier: GPL-2.0
/*
 * The lines of a data cache, and the memory behind it.
 *
 * An emulator without caches has one value at each address.  With a cache there are
 * three, which may differ:
 *
 *	seen	what the CPU sees; this is the emulator's RAM and belongs to the caller
 *	memory	what memory holds, which is what devices see
 *	held	what the cache holds, of lines that it has
 *
 * This file keeps memory and held, and copies one of them to seen whenever the CPU is
 * to see something else.  At any time, for each line:
 *
 *	in a page that is not cached	seen equals memory.  The cache may still have the
 *					line from before the page's attributes changed;
 *					the CPU does not see that.
 *	in a cached page		seen equals held, or memory if the cache does not
 *					have the line
 *
 * Callbacks tell of each load and store of the CPU after it was done to seen.  QEMU does
 * not tell of some stores, as of an exception's frame.  Such a store makes seen differ
 * from what it should equal: settle() finds that before anything else happens to the
 * line.  Such a store must not go to memory that is also in use at its other address.
 *
 * Lines are filled by loads, by stores (in write-back pages), and by the adversary.
 * That stands for what hardware may do by itself to any line at any time: write it
 * back, evict it, fetch it.  It acts at random, from a seed, so that a run can be
 * repeated, and prefers lines that devices or maintenance have used lately, where it
 * does most harm.
 *
 * This follows the Cortex-M7: a store to a write-through page fills no line; an access
 * to an uncached page does not look into the cache; a set has four ways, and the one
 * that is evicted is random.  Not modelled: the instruction cache, ECC, a store buffer,
 * more than one CPU.
 *
 * Contexts: one thread.  A "line" is a number: the line's offset divided by LINE.
 */
#include <stdlib.h>
#include <string.h>

#include "lines.h"

#define FOCUS	4096u		/* lines that the adversary remembers */
#define NOBODY	UINT32_MAX	/* a way that is free */

struct lines_count lines_count;

static struct lines_setup s;
static bool on;
static uint8_t *seen;		/* what the CPU sees */
static uint8_t *memory;		/* what memory holds */
static uint8_t *held;		/* what the cache holds, of lines that it has */
static uint8_t *states;		/* enum state of each line */
static uint8_t *hidden;		/* bool: a device wrote to memory while the cache had it */
static uint8_t *attrs;		/* enum attr of each page */
static uint32_t *ways;		/* which lines each set has */
static uint32_t *stored_by;	/* PC of the last store to each line */

static uint64_t rng = 1;
static uint32_t period, countdown;
static uint32_t focus[FOCUS];
static uint32_t focus_next, focus_used;

/* --- where things are */

static uint8_t *seen_of(uint32_t line) { return seen + line * LINE; }

static uint8_t *held_of(uint32_t line) { return held + line * LINE; }

/* The line at the other address of the same memory; the line itself if there is none. */
static uint32_t twin(uint32_t line)
{
	uint32_t at = line * LINE;

	if (at - s.view < s.pool)
		at += s.alias - s.view;
	else if (at - s.alias < s.pool)
		at -= s.alias - s.view;
	return at / LINE;
}

static uint8_t *memory_of(uint32_t line)
{
	uint32_t at = line * LINE;

	if (at - s.alias < s.pool)
		at -= s.alias - s.view;
	return memory + at;
}

static enum attr attr_of(uint32_t line) { return attrs[line * LINE / PAGE]; }

static uint32_t lines(void) { return s.size / LINE; }

/* What seen must equal, unless the CPU has stored to it since. */
static uint8_t *source_of(uint32_t line)
{
	if (attr_of(line) == UNCACHED || states[line] == INVALID)
		return memory_of(line);
	return held_of(line);
}

static uint32_t *ways_of(uint32_t line)
{
	return &ways[line % s.sets * WAYS];
}

/* --- what can happen to a line */

static void show(uint32_t line)
{
	memcpy(seen_of(line), source_of(line), LINE);
}

/* Memory was written: the CPU sees the new value at each address that no line hides. */
static void memory_changed(uint32_t line)
{
	show(line);
	if (twin(line) != line)
		show(twin(line));
}

static void write_back(uint32_t line)
{
	if (hidden[line] && memcmp(memory_of(line), held_of(line), LINE)) {
		lines_count.faults[OVERWRITTEN]++;
		if (s.fault)
			s.fault(OVERWRITTEN, line * LINE, stored_by[line]);
	}
	hidden[line] = false;
	states[line] = CLEAN;
	memcpy(memory_of(line), held_of(line), LINE);
	memory_changed(line);
}

static void drop(uint32_t line)
{
	uint32_t way;

	if (s.sets && states[line] != INVALID)
		for (way = 0; way < WAYS; way++)
			if (ways_of(line)[way] == line)
				ways_of(line)[way] = NOBODY;
	states[line] = INVALID;
	hidden[line] = false;
	show(line);
}

static void settle(uint32_t line);

static void make_room(uint32_t line)
{
	uint32_t way, victim;

	if (!s.sets)
		return;
	for (way = 0; way < WAYS; way++)
		if (ways_of(line)[way] == NOBODY)
			break;
	if (way == WAYS) {
		way = lines_random(WAYS);
		victim = ways_of(line)[way];
		if (s.evicted)
			s.evicted(victim);
		lines_count.evictions++;
		settle(victim);
		if (twin(victim) != line)
			settle(twin(victim));
		if (states[victim] == DIRTY)
			write_back(victim);
		drop(victim);
	}
	ways_of(line)[way] = line;
}

/* The cache has the line from now on, with the content that the CPU sees. */
static void hold(uint32_t line, enum state state)
{
	uint8_t was[LINE], source[LINE];
	uint32_t i;

	if (states[line] == INVALID) {
		memcpy(was, seen_of(line), LINE);
		memcpy(source, source_of(line), LINE);
		make_room(line);
		/*
		 * make_room() may have evicted the twin and written it to memory.  Then
		 * seen has the twin's bytes: what the CPU has stored is newer than that.
		 */
		for (i = 0; i < LINE; i++)
			if (was[i] != source[i])
				seen_of(line)[i] = was[i];
		lines_count.fills++;
		hidden[line] = false;
	}
	states[line] = state;
	memcpy(held_of(line), seen_of(line), LINE);
}

/* Move what the CPU has stored to seen into the line or into memory. */
static void take(uint32_t line)
{
	uint8_t *from = seen_of(line), *source = source_of(line);
	enum attr attr = attr_of(line);
	uint32_t i;

	if (attr == WRITE_BACK) {
		hold(line, DIRTY);
		return;
	}
	for (i = 0; i < LINE; i++) {
		if (from[i] == source[i])
			continue;
		memory_of(line)[i] = from[i];
		if (attr == WRITE_THROUGH && states[line] != INVALID)
			held_of(line)[i] = from[i];
	}
	memory_changed(line);
}

/* Find a store to a line of which no callback has told. */
static void settle(uint32_t line)
{
	if (memcmp(seen_of(line), source_of(line), LINE)) {
		lines_count.unseen++;
		take(line);
	}
}

/* To be called before memory is read or written. */
static void settle_both(uint32_t line)
{
	settle(line);
	if (twin(line) != line)
		settle(twin(line));
}

static void maintain(uint32_t line, enum op op)
{
	settle_both(line);
	if (op == OP_INVALIDATE && states[line] == DIRTY &&
	    memcmp(memory_of(line), held_of(line), LINE))
		lines_count.lost++;
	if (op != OP_INVALIDATE && states[line] == DIRTY)
		write_back(line);
	if (op != OP_CLEAN)
		drop(line);
}

static void focus_on(uint32_t line)
{
	focus[focus_next++ % FOCUS] = line;
	if (focus_used < FOCUS)
		focus_used++;
}

/* --- the machine */

/**
 * lines_init() - make the memory, with a cache that is off
 * @setup:       what memory there is; it is copied
 * @memory_seen: what the CPU sees, @setup->size bytes that belong to the caller
 *
 * All pages are UNCACHED.  Return: false if there is no memory for it.
 */
bool lines_init(const struct lines_setup *setup, uint8_t *memory_seen)
{
	uint32_t *tables[] = { stored_by, ways };
	uint8_t *bytes[] = { memory, held, states, hidden, attrs };
	size_t i;

	/* The test calls this once for each run: free what the one before has made. */
	for (i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		free(tables[i]);
	for (i = 0; i < sizeof(bytes) / sizeof(*bytes); i++)
		free(bytes[i]);

	s = *setup;
	seen = memory_seen;
	on = false;
	memory = calloc(1, s.size);
	held = calloc(1, s.size);
	states = calloc(1, lines());
	hidden = calloc(1, lines());
	stored_by = calloc(lines(), sizeof(*stored_by));
	attrs = calloc(1, s.size / PAGE);
	ways = calloc(s.sets ? s.sets * WAYS : 1, sizeof(*ways));
	lines_set_seed(s.seed);
	return memory && held && states && hidden && stored_by && attrs &&
	       ways;
}

/**
 * lines_on() - switch on an empty cache; memory gets what the CPU has seen so far
 */
void lines_on(void)
{
	memset(states, INVALID, lines());
	memset(ways, 0xff, s.sets * WAYS * sizeof(*ways));
	memcpy(memory, seen, s.size);
	memcpy(seen + s.alias, seen + s.view, s.pool);
	on = true;
}

/**
 * lines_set_attr() - change how the CPU caches a page
 * @page: the page's offset divided by PAGE
 * @attr: how it is cached from now on
 *
 * Lines of the page that the cache has stay there.
 */
void lines_set_attr(uint32_t page, enum attr attr)
{
	uint32_t line = page * (PAGE / LINE), i;

	if (attrs[page] == attr)
		return;
	for (i = 0; on && i < PAGE / LINE; i++)
		settle_both(line + i);
	attrs[page] = attr;
	for (i = 0; on && i < PAGE / LINE; i++)
		show(line + i);
}

/* --- the CPU */

static uint32_t part(uint32_t at, uint32_t len)
{
	uint32_t rest = LINE - at % LINE;

	return len < rest ? len : rest;
}

static void loaded(uint32_t at, uint32_t len, uint32_t pc)
{
	uint32_t line = at / LINE;

	if (attr_of(line) == UNCACHED) {
		if (states[line] != INVALID)
			lines_count.mixed++;
		return;
	}
	settle(line);
	if (states[line] == INVALID) {
		hold(line, CLEAN);
	} else if (hidden[line] &&
		   memcmp(seen + at, memory_of(line) + at % LINE, len)) {
		lines_count.faults[STALE_READ]++;
		if (s.fault)
			s.fault(STALE_READ, at, pc);
	}
}

/**
 * lines_loaded() - tell that the CPU has loaded
 * @at:  offset
 * @len: bytes
 * @pc:  address of the instruction
 */
void lines_loaded(uint32_t at, uint32_t len, uint32_t pc)
{
	uint32_t n;

	lines_count.loads++;
	for (; len; at += n, len -= n) {
		n = part(at, len);
		loaded(at, n, pc);
	}
}

static void stored(uint32_t at, uint32_t len, uint32_t pc)
{
	uint32_t line = at / LINE;
	uint8_t bytes[LINE];

	memcpy(bytes, seen + at, len);
	stored_by[line] = pc;
	if (attr_of(line) == UNCACHED && states[line] != INVALID)
		lines_count.mixed++;
	/*
	 * A store goes to memory even if it changes nothing of what the CPU saw: memory
	 * may differ from the line that the CPU saw.
	 */
	if (attr_of(line) != WRITE_BACK)
		memcpy(memory_of(line) + at % LINE, bytes, len);
	take(line);
	if (attr_of(line) == WRITE_BACK) {
		memcpy(seen + at, bytes, len);
		memcpy(held + at, bytes, len);
	}
}

/**
 * lines_stored() - tell that the CPU has stored; seen has the new value already
 * @at:  offset
 * @len: bytes
 * @pc:  address of the instruction
 */
void lines_stored(uint32_t at, uint32_t len, uint32_t pc)
{
	uint32_t n;

	lines_count.stores++;
	for (; len; at += n, len -= n) {
		n = part(at, len);
		stored(at, n, pc);
	}
}

/**
 * lines_maintain() - cache maintenance by address
 * @at: offset of a byte in the line
 * @op: what to do to the line
 */
void lines_maintain(uint32_t at, enum op op)
{
	lines_count.ops[op]++;
	focus_on(at / LINE);
	maintain(at / LINE, op);
}

/**
 * lines_maintain_way() - cache maintenance by set and way
 * @set: number of the set.  A cache with room for all lines has no ways; it behaves as
 *	 if it had 128 sets, and does @op to all lines of this one.
 * @way: number of the line in the set
 * @op:  what to do to the line
 */
void lines_maintain_way(uint32_t set, uint32_t way, enum op op)
{
	uint32_t line;

	lines_count.ops[op]++;
	if (s.sets) {
		line = ways[set % s.sets * WAYS + way % WAYS];
		if (line != NOBODY)
			maintain(line, op);
		return;
	}
	for (line = set % 128; line < lines(); line += 128)
		maintain(line, op);
}

/* --- devices, which see memory only */

/**
 * lines_dma_read() - a device reads memory
 * @at:  offset
 * @to:  gets what memory holds
 * @len: bytes
 */
void lines_dma_read(uint32_t at, uint8_t *to, uint32_t len)
{
	uint32_t n, line, l, i;

	lines_count.dma_read += len;
	for (; len; at += n, to += n, len -= n) {
		n = part(at, len);
		line = at / LINE;
		settle_both(line);
		focus_on(line);
		memcpy(to, memory_of(line) + at % LINE, n);
		for (i = 0, l = line; i < 2; i++, l = twin(line)) {
			if (states[l] != DIRTY ||
			    !memcmp(held_of(l) + at % LINE, to, n))
				continue;
			lines_count.faults[STALE_DMA]++;
			if (s.fault)
				s.fault(STALE_DMA, at, stored_by[l]);
			break;
		}
	}
}

/**
 * lines_dma_write() - a device writes to memory
 * @at:   offset
 * @from: what it writes
 * @len:  bytes
 */
void lines_dma_write(uint32_t at, const uint8_t *from, uint32_t len)
{
	uint32_t n, line;

	lines_count.dma_written += len;
	for (; len; at += n, from += n, len -= n) {
		n = part(at, len);
		line = at / LINE;
		settle_both(line);
		focus_on(line);
		memcpy(memory_of(line) + at % LINE, from, n);
		hidden[line] = states[line] != INVALID;
		hidden[twin(line)] = states[twin(line)] != INVALID;
		memory_changed(line);
	}
}

/* --- what hardware does by itself */

/**
 * lines_evict() - write a line back if it is dirty, and drop it
 * @at: offset of a byte in the line
 */
void lines_evict(uint32_t at)
{
	uint32_t line = at / LINE;

	settle_both(line);
	if (states[line] == DIRTY) {
		lines_count.write_backs++;
		write_back(line);
	}
	if (states[line] != INVALID) {
		lines_count.drops++;
		drop(line);
	}
}

/**
 * lines_evict_all() - lines_evict() for all lines
 */
void lines_evict_all(void)
{
	uint32_t line;

	for (line = 0; line < lines(); line++)
		lines_evict(line * LINE);
}

/**
 * lines_fetch() - fill a line speculatively; does nothing if its page is not cached
 * @at: offset of a byte in the line
 */
void lines_fetch(uint32_t at)
{
	uint32_t line = at / LINE;

	settle(line);
	if (attr_of(line) == UNCACHED || states[line] != INVALID)
		return;
	lines_count.fetches++;
	hold(line, CLEAN);
}

/* xorshift64*: random enough for this, and the same on every machine */
uint32_t lines_random(uint32_t below)
{
	rng ^= rng >> 12;
	rng ^= rng << 25;
	rng ^= rng >> 27;
	return (rng * 2685821657736338717ull >> 33) % below;
}

void lines_set_seed(uint32_t seed)
{
	rng = seed * 0x9e3779b97f4a7c15ull + 1;
}

/**
 * lines_set_period() - set how often the adversary acts
 * @new_period: about how many accesses of the CPU there are from one event to the next:
 *		a random number from 0 to 2 * @new_period - 1; 0: it never acts
 */
void lines_set_period(uint32_t new_period)
{
	period = new_period;
	countdown = 0;
}

static uint32_t any_line(void)
{
	uint32_t r = lines_random(8);

	if (focus_used && r < 6)
		return focus[lines_random(focus_used)];
	if (s.pool && r == 6)
		return (lines_random(2) ? s.view : s.alias) / LINE +
		       lines_random(s.pool / LINE);
	return lines_random(lines());
}

/**
 * lines_tick() - tell the adversary that the CPU has done one more access
 */
void lines_tick(void)
{
	uint32_t line;

	if (!period || countdown--)
		return;
	countdown = lines_random(2 * period);
	line = any_line();
	settle_both(line);
	if (states[line] == INVALID) {
		lines_fetch(line * LINE);
	} else if (states[line] == DIRTY && lines_random(2)) {
		lines_count.write_backs++;
		write_back(line);
	} else {
		lines_evict(line * LINE);
	}
}

/* --- for the test, which looks inside */

enum state lines_state(uint32_t line) { return states[line]; }

const uint8_t *lines_memory(uint32_t line) { return memory_of(line); }

void lines_settle_all(void)
{
	uint32_t line;

	for (line = 0; line < lines(); line++)
		settle_both(line);
}
