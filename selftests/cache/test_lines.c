// SPDX-License-Identifier: GPL-2.0
/*
 * Compares lines.c with a much simpler model, which has one copy of all memory and one
 * of all lines, and answers a load by looking at both.  Random steps, from a seed, are
 * done to both.  After each step all of memory, the state of each line and all that the
 * CPU sees must be the same.
 *
 * test_lines [SEED [STEPS]]: TAP on stdout.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"

#define SIZE		(16 * PAGE)
#define VIEW		(8 * PAGE)
#define ALIAS		(12 * PAGE)
#define POOL		(2 * PAGE)
#define LINES		(SIZE / LINE)

static struct {
	uint8_t memory[SIZE];
	uint8_t line[LINES][LINE];
	enum state state[LINES];
	enum attr attr[SIZE / PAGE];
} m;

static uint8_t seen[SIZE];
static uint32_t evicted[64], evictions;
static uint32_t faults[3];
static bool misread;
static uint64_t rng;

static uint32_t rnd(uint32_t below)
{
	rng = rng * 6364136223846793005ull + 1442695040888963407ull;
	return (rng >> 33) % below;
}

/* --- the model */

static uint32_t memory_at(uint32_t at)
{
	return at >= ALIAS && at < ALIAS + POOL ? at - ALIAS + VIEW : at;
}

static uint8_t m_load(uint32_t at)
{
	if (m.attr[at / PAGE] != UNCACHED && m.state[at / LINE] != INVALID)
		return m.line[at / LINE][at % LINE];
	return m.memory[memory_at(at)];
}

static void m_fill(uint32_t line)
{
	memcpy(m.line[line], &m.memory[memory_at(line * LINE)], LINE);
	m.state[line] = CLEAN;
}

static void m_store(uint32_t at, uint8_t byte)
{
	enum attr attr = m.attr[at / PAGE];
	uint32_t line = at / LINE;

	if (attr == WRITE_BACK) {
		if (m.state[line] == INVALID)
			m_fill(line);
		m.line[line][at % LINE] = byte;
		m.state[line] = DIRTY;
		return;
	}
	m.memory[memory_at(at)] = byte;
	if (attr == WRITE_THROUGH && m.state[line] != INVALID)
		m.line[line][at % LINE] = byte;
}

static void m_clean(uint32_t line)
{
	if (m.state[line] != DIRTY)
		return;
	memcpy(&m.memory[memory_at(line * LINE)], m.line[line], LINE);
	m.state[line] = CLEAN;
}

static void m_maintain(uint32_t line, enum op op)
{
	if (op != OP_INVALIDATE)
		m_clean(line);
	if (op != OP_CLEAN)
		m.state[line] = INVALID;
}

/* --- steps, each of which is done to lines.c and to the model */

static void note_eviction(uint32_t line)
{
	evicted[evictions++ % 64] = line;
}

static void note_fault(enum fault what, uint32_t at, uint32_t pc)
{
	(void)at;
	(void)pc;
	faults[what]++;
}

/*
 * lines.c chooses at random which line of a full set it evicts: the model learns
 * afterwards which one that was.
 */
static void follow_evictions(void)
{
	uint32_t i;

	for (i = 0; i < evictions; i++)
		m_maintain(evicted[i], OP_CLEAN_INVALIDATE);
	evictions = 0;
}

static uint32_t place(void)
{
	/* half of all steps are in the pool, whose memory has two addresses */
	switch (rnd(4)) {
	case 0: return VIEW + rnd(POOL);
	case 1: return ALIAS + rnd(POOL);
	default: return rnd(SIZE);
	}
}

static uint32_t length(uint32_t at)
{
	/* in two lines at most, one after the other, so never in the same set */
	uint32_t len = 1 + rnd(rnd(4) ? 8 : LINE);

	return len < SIZE - at ? len : SIZE - at;
}

static void step_store(uint32_t at, bool told)
{
	uint32_t len = length(at), i;
	uint8_t bytes[LINE];

	for (i = 0; i < len; i++)
		bytes[i] = told ? rnd(3) : (uint8_t)~m_load(at + i);
	memcpy(seen + at, bytes, len);
	if (told)
		lines_stored(at, len, at);
	else
		lines_settle_all();
	follow_evictions();
	for (i = 0; i < len; i++)
		m_store(at + i, bytes[i]);
}

static void step_load(uint32_t at)
{
	uint32_t len = length(at), line;

	lines_loaded(at, len, at);
	follow_evictions();
	for (line = at / LINE; line <= (at + len - 1) / LINE; line++)
		if (m.attr[line * LINE / PAGE] != UNCACHED &&
		    m.state[line] == INVALID)
			m_fill(line);
}

static void step_dma(uint32_t at, bool write)
{
	uint32_t len = length(at), i;
	uint8_t bytes[LINE];

	if (!write) {
		lines_dma_read(at, bytes, len);
		for (i = 0; i < len; i++)
			if (bytes[i] != m.memory[memory_at(at + i)])
				misread = true;
		return;
	}
	for (i = 0; i < len; i++)
		bytes[i] = rnd(256);
	lines_dma_write(at, bytes, len);
	for (i = 0; i < len; i++)
		m.memory[memory_at(at + i)] = bytes[i];
}

static void step_attr(uint32_t page)
{
	enum attr attr = rnd(3);

	lines_set_attr(page, attr);
	m.attr[page] = attr;
}

static void step_fetch(uint32_t at)
{
	lines_fetch(at);
	follow_evictions();
	if (m.attr[at / PAGE] != UNCACHED && m.state[at / LINE] == INVALID)
		m_fill(at / LINE);
}

static const char *step(bool unseen)
{
	uint32_t at = place();
	enum op op = rnd(3);

	switch (rnd(20)) {
	case 0: case 1: case 2: case 3: case 4:
		step_store(at, true);
		return "store";
	case 5: case 6: case 7: case 8:
		step_load(at);
		return "load";
	case 9: case 10:
		step_dma(at, true);
		return "DMA write";
	case 11:
		step_dma(at, false);
		return "DMA read";
	case 12: case 13: case 14:
		lines_maintain(at, op);
		m_maintain(at / LINE, op);
		return "maintenance";
	case 15: case 16:
		lines_evict(at);
		m_maintain(at / LINE, OP_CLEAN_INVALIDATE);
		return "eviction";
	case 17:
		step_fetch(at);
		return "fetch";
	case 18:
		if (rnd(20))
			return "nothing";
		step_attr(at / PAGE);
		return "attribute";
	default:
		if (unseen)
			step_store(at, false);
		return "store that nobody tells of";
	}
}

static const char *compare(void)
{
	uint32_t at, line;

	if (misread)
		return "what a device reads";
	for (line = 0; line < LINES; line++) {
		if (lines_state(line) != m.state[line])
			return "the state of a line";
		if (memcmp(lines_memory(line), &m.memory[memory_at(line * LINE)],
			   LINE))
			return "memory";
	}
	for (at = 0; at < SIZE; at++)
		if (seen[at] != m_load(at))
			return "what the CPU sees";
	return NULL;
}

/* --- runs */

static bool start(uint32_t sets, uint32_t seed)
{
	struct lines_setup setup = {
		.size = SIZE, .view = VIEW, .alias = ALIAS, .pool = POOL,
		.sets = sets, .seed = seed,
		.fault = note_fault, .evicted = note_eviction,
	};
	uint32_t i;

	rng = seed;
	memset(&m, 0, sizeof(m));
	memset(faults, 0, sizeof(faults));
	for (i = 0; i < SIZE; i++)
		seen[i] = rnd(256);
	if (!lines_init(&setup, seen))
		return false;
	lines_on();
	for (i = 0; i < SIZE; i++)
		m.memory[memory_at(i)] = seen[i];
	for (i = 0; i < SIZE / PAGE; i++)
		step_attr(i);
	return true;
}

static int number, failures;

static void result(bool ok, const char *what)
{
	printf("%sok %d %s\n", ok ? "" : "not ", ++number, what);
	failures += !ok;
}

static void run(uint32_t sets, uint32_t seed, uint32_t steps)
{
	const char *did = NULL, *wrong = NULL;
	char what[100];
	uint32_t i;

	if (!start(sets, seed)) {
		result(false, "memory");
		return;
	}
	for (i = 0; i < steps && !wrong; i++) {
		did = step(!sets);
		wrong = compare();
	}
	if (wrong)
		printf("# seed %u, step %u, %s: %s is not as it is to be\n",
		       seed, i, did, wrong);
	snprintf(what, sizeof(what), "%u steps, %s", steps,
		 sets ? "a cache of few lines" : "a cache of all lines");
	result(!wrong, what);
}

/* A driver that forgets cache maintenance: each kind of fault is told, and only then. */
static void faults_are_told(void)
{
	uint8_t bytes[4] = { 1, 2, 3, 4 };

	start(0, 1);
	m.attr[0] = WRITE_BACK;
	lines_set_attr(0, WRITE_BACK);
	lines_maintain(0, OP_CLEAN_INVALIDATE);
	memset(faults, 0, sizeof(faults));

	lines_loaded(0, 4, 0x10);
	lines_dma_write(0, bytes, 4);
	result(!faults[STALE_READ], "no fault before the CPU looks");
	lines_loaded(0, 4, 0x14);
	result(faults[STALE_READ] == 1, "a stale read is told of");
	lines_maintain(0, OP_INVALIDATE);
	lines_loaded(0, 4, 0x18);
	result(faults[STALE_READ] == 1, "what was invalidated is not stale");

	seen[0] = 0x55;
	lines_stored(0, 1, 0x20);
	lines_dma_read(1, bytes, 3);
	result(!faults[STALE_DMA], "what another byte of the line has is no fault");
	lines_dma_read(0, bytes, 4);
	result(faults[STALE_DMA] == 1, "a device that reads stale memory is told of");
	lines_dma_write(0, bytes, 4);
	lines_maintain(0, OP_CLEAN);
	result(faults[OVERWRITTEN] == 1, "an overwritten write of a device is told of");
	lines_maintain(0, OP_CLEAN);
	result(faults[OVERWRITTEN] == 1, "once");
}

/* The adversary does all that hardware does, until it is switched off. */
static void adversary_works(void)
{
	struct lines_count before;
	uint32_t i;

	start(0, 7);
	for (i = 0; i < SIZE / PAGE; i++)
		lines_set_attr(i, WRITE_BACK);
	before = lines_count;
	lines_set_period(2);
	for (i = 0; i < 20000; i++) {
		if (!(i % 3)) {
			seen[i % SIZE] = i;
			lines_stored(i % SIZE, 1, 0);
		}
		lines_tick();
	}
	result(lines_count.fetches > before.fetches &&
	       lines_count.write_backs > before.write_backs &&
	       lines_count.drops > before.drops, "the adversary works");
	before = lines_count;
	lines_set_period(0);
	for (i = 0; i < 20000; i++)
		lines_tick();
	result(lines_count.fetches == before.fetches, "and rests when told");
}

int main(int argc, char **argv)
{
	uint32_t seed = argc > 1 ? strtoul(argv[1], NULL, 0) : 1;
	uint32_t steps = argc > 2 ? strtoul(argv[2], NULL, 0) : 5000;

	printf("TAP version 13\n");
	run(0, seed, steps);
	run(0, seed + 1, steps);
	run(4, seed + 2, steps);
	run(128, seed + 3, steps);
	faults_are_told();
	adversary_works();
	printf("1..%d\n", number);
	return failures ? 1 : 0;
}
