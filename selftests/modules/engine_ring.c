// SPDX-License-Identifier: GPL-2.0
/*
 * The core of the engine's driver: its registers, its ring of descriptors, and the data
 * that tests send through it.
 *
 * The engine's registers can only be written.  It answers by writing to memory.  It owns
 * a descriptor from when the CPU has written ENGINE_OWN until it has written the status
 * itself.  If ENGINE_OWN is still in the cache, the engine does not see it, and goes
 * idle.  So each wait ends at some time, and counts as wrong if there is no status then.
 * The ring can be in any kind of memory (engine_start()), even where that is wrong.
 *
 * Contexts and locking: see engine.h.  Nothing here sleeps but engine_get(),
 * engine_put(), engine_start() and engine_stop().
 */
#include <linux/bits.h>
#include <linux/dma-mapping.h>
#include <linux/io.h>
#include <linux/slab.h>

#include "engine.h"

#define ENGINE_RING		0x00
#define ENGINE_COUNT		0x04
#define ENGINE_PACE		0x08
#define ENGINE_DONE		0x0c
#define ENGINE_BELL		0x10

#define ENGINE_OWN		BIT(31)
#define ENGINE_FILL		BIT(30)
#define ENGINE_STATUS_DONE	BIT(31)
#define ENGINE_LENGTH		0xffffff

/* What the engine moves at a time, and how many of these each descriptor costs. */
#define ENGINE_LINE		32
#define ENGINE_OVERHEAD		6

struct engine_descriptor {
	__le32 src;
	__le32 dst;
	__le32 ctrl;
	__le32 status;
};

/* If all is done, but the status is not seen after so many polls, it never will be. */
#define ENGINE_GRACE		256

static void set_register(struct engine *e, u32 reg, u32 value)
{
	/* writel() orders this after all writes to memory. */
	writel(value, e->regs + reg);
}

static __le32 *done_word(struct engine *e)
{
	return e->box + ENGINE_BOX_DONE;
}

/* Memory of @size bytes that starts zeroed; returns an errno. */
int engine_get(struct engine *e, struct engine_memory *m, size_t size,
	       enum engine_where where)
{
	m->size = size;
	m->where = where;
	switch (where) {
	case ENGINE_POOL:
		m->cpu = dma_alloc_coherent(e->dev, size, &m->dma, GFP_KERNEL);
		break;
	case ENGINE_NORMAL:
		m->cpu = kzalloc(size, GFP_KERNEL);
		m->dma = m->cpu ? virt_to_phys(m->cpu) : 0;
		break;
	case ENGINE_BOX:
		m->cpu = e->box + ENGINE_BOX_RING;
		m->dma = e->box_dma + ENGINE_BOX_RING;
		memset(m->cpu, 0, size);
		break;
	}
	return m->cpu ? 0 : -ENOMEM;
}

void engine_put(struct engine *e, struct engine_memory *m)
{
	if (m->where == ENGINE_POOL)
		dma_free_coherent(e->dev, m->size, m->cpu, m->dma);
	else if (m->where == ENGINE_NORMAL)
		kfree(m->cpu);
	m->cpu = NULL;
}

/* Stop the engine: it does not access memory any more. */
static void go_idle(struct engine *e)
{
	set_register(e, ENGINE_COUNT, 0);
	/* The ring may be overwritten only after this. */
	mb();
}

static void reset(struct engine *e)
{
	go_idle(e);
	memset(e->ring.cpu, 0, e->ring.size);
	e->next = 0;
	e->submitted = 0;
	e->lines = 0;
	WRITE_ONCE(*done_word(e), 0);
	set_register(e, ENGINE_RING, lower_32_bits(e->ring.dma));
	set_register(e, ENGINE_PACE, e->pace);
	set_register(e, ENGINE_DONE,
		     lower_32_bits(e->box_dma + ENGINE_BOX_DONE));
	set_register(e, ENGINE_COUNT, ENGINE_DESCRIPTORS);
}

/* Have the engine use a new ring; e->pace is how fast it goes. */
int engine_start(struct engine *e, enum engine_where where)
{
	int ret;

	ret = engine_get(e, &e->ring, ENGINE_DESCRIPTORS *
			 sizeof(struct engine_descriptor), where);
	if (!ret)
		reset(e);
	return ret;
}

void engine_stop(struct engine *e)
{
	go_idle(e);
	engine_put(e, &e->ring);
}

/*
 * Have the engine count its descriptors in the word at @word, or, if that is 0, in the
 * box again.  Only while the engine is idle.
 */
void engine_set_done(struct engine *e, dma_addr_t word)
{
	if (!word) {
		WRITE_ONCE(*done_word(e), cpu_to_le32(e->submitted));
		word = e->box_dma + ENGINE_BOX_DONE;
	}
	set_register(e, ENGINE_DONE, lower_32_bits(word));
}

/* Write one of the registers that control the cache.  Has its effect before this returns. */
void engine_control(struct engine *e, u32 control, u32 value)
{
	set_register(e, control, value);
	/* Later accesses come after it. */
	mb();
}

/* Have the cache do something by itself after each @period accesses; 0: never. */
void engine_adversary(struct engine *e, u32 period, u32 seed)
{
	engine_control(e, ENGINE_SEED, seed);
	engine_control(e, ENGINE_PERIOD, period);
}

static unsigned int submit(struct engine *e, u32 src, dma_addr_t dst, u32 ctrl)
{
	struct engine_descriptor *ring = e->ring.cpu;
	unsigned int index = e->next;

	WRITE_ONCE(ring[index].src, cpu_to_le32(src));
	WRITE_ONCE(ring[index].dst, cpu_to_le32(lower_32_bits(dst)));
	WRITE_ONCE(ring[index].status, 0);
	/* The engine may be running, so ENGINE_OWN must be written last. */
	dma_wmb();
	WRITE_ONCE(ring[index].ctrl, cpu_to_le32(ctrl | ENGINE_OWN));

	e->next = (index + 1) % ENGINE_DESCRIPTORS;
	e->submitted++;
	e->lines += (ctrl & ENGINE_LENGTH) / ENGINE_LINE + ENGINE_OVERHEAD;
	return index;
}

/*
 * Write the next descriptor of the ring.  The caller has waited for the one that was in
 * its place before.  Returns its number, for engine_wait().
 */
unsigned int engine_submit(struct engine *e, dma_addr_t src, dma_addr_t dst,
			   u32 length)
{
	return submit(e, lower_32_bits(src), dst, length);
}

unsigned int engine_submit_fill(struct engine *e, u32 word, dma_addr_t dst,
				u32 length)
{
	return submit(e, word, dst, length | ENGINE_FILL);
}

/* Have the engine look at its ring. */
void engine_bell(struct engine *e)
{
	set_register(e, ENGINE_BELL, 1);
}

/*
 * How often to poll before giving up.  The engine moves on with each access of the CPU,
 * and each poll is an access: this is twice what it can need.
 */
unsigned int engine_polls(struct engine *e)
{
	return 4096 + 4 * e->pace * e->lines;
}

static bool all_done(struct engine *e)
{
	return le32_to_cpu(READ_ONCE(*done_word(e))) == e->submitted;
}

/*
 * Wait for a descriptor, which can be used again afterwards.  Returns how much is wrong.
 */
int engine_wait(struct engine *e, unsigned int index)
{
	struct engine_descriptor *d = e->ring.cpu;
	unsigned int polls = engine_polls(e);
	unsigned int grace = ENGINE_GRACE;
	u32 length, status;

	d += index;
	length = le32_to_cpu(READ_ONCE(d->ctrl)) & ENGINE_LENGTH;
	while (polls--) {
		status = le32_to_cpu(READ_ONCE(d->status));
		if (status & ENGINE_STATUS_DONE) {
			/* The engine has written the data before the status. */
			dma_rmb();
			if (e->next == (index + 1) % ENGINE_DESCRIPTORS)
				e->lines = 0;
			return status != (ENGINE_STATUS_DONE | length);
		}
		if (all_done(e) && !grace--)
			break;
		cpu_relax();
	}
	/* There may be descriptors in the ring that the engine has not seen. */
	reset(e);
	return 1;
}

int engine_copy(struct engine *e, dma_addr_t src, dma_addr_t dst, u32 length)
{
	unsigned int index = engine_submit(e, src, dst, length);

	engine_bell(e);
	return engine_wait(e, index);
}

int engine_fill(struct engine *e, u32 word, dma_addr_t dst, u32 length)
{
	unsigned int index = engine_submit_fill(e, word, dst, length);

	engine_bell(e);
	return engine_wait(e, index);
}

/* Have the engine read data, which must be what engine_put_data() makes of @seed. */
int engine_reads(struct engine *e, dma_addr_t src, u32 length, u32 seed)
{
	void *seen = e->box + ENGINE_BOX_SEEN;
	int wrong;

	engine_put_data(seen, length, ~seed);
	wrong = engine_copy(e, src, e->box_dma + ENGINE_BOX_SEEN, length);
	return wrong + engine_wrong_data(seen, length, seed);
}

/* Have the engine write the data that engine_put_data() makes of @seed. */
int engine_writes(struct engine *e, dma_addr_t dst, u32 length, u32 seed)
{
	engine_put_data(e->box + ENGINE_BOX_SENT, length, seed);
	return engine_copy(e, e->box_dma + ENGINE_BOX_SENT, dst, length);
}

/* --- data, which depends on a seed only */

/* A random number below @below, or any number if that is 0. */
u32 engine_random(struct engine *e, u32 below)
{
	e->random ^= e->random << 13;
	e->random ^= e->random >> 17;
	e->random ^= e->random << 5;
	return below ? (e->random >> 3) % below : e->random;
}

static u8 data_byte(u32 seed, u32 i)
{
	return ((seed + i) * 0x9e3779b1) >> 21;
}

/* Byte by byte, since memory of a device may not allow anything else. */
void engine_put_data(void *to, u32 length, u32 seed)
{
	u8 *byte = to;
	u32 i;

	for (i = 0; i < length; i++)
		WRITE_ONCE(byte[i], data_byte(seed, i));
}

int engine_wrong_data(const void *from, u32 length, u32 seed)
{
	const u8 *byte = from;
	int wrong = 0;
	u32 i;

	for (i = 0; i < length; i++)
		wrong += READ_ONCE(byte[i]) != data_byte(seed, i);
	return wrong;
}
