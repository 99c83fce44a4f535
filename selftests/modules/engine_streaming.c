// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of streaming mappings, and of non-coherent memory that the driver syncs.  The
 * memory is normal, and calls of the DMA API tell when it changes hands.  For a client of
 * a pool they must do what they do for any device.
 *
 * A buffer consists of whole cache lines, but the part that is mapped begins and ends
 * anywhere.  The bytes around this part must survive, which the API promises as long as
 * nobody writes to them during the mapping.  With DMA_FROM_DEVICE the engine always
 * writes the whole part, since bytes that it left out would be undefined.
 *
 * Contexts and locking: see engine.h.
 */
#include <linux/dma-mapping.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "engine.h"

/* At least a line of any cache. */
#define ROOM		64
#define AROUND		0xabc	/* the seed of the bytes around the mapped part */

struct piece {
	u8 *cpu;
	u32 room;		/* size in bytes, whole lines */
	u32 at;			/* where the mapped part begins */
	u32 length;		/* of the mapped part */
	u32 seed;		/* of the data in the mapped part */
	dma_addr_t dma;
	enum dma_data_direction dir;
};

static void fill_piece(struct engine *e, struct piece *p)
{
	p->seed = engine_random(e, 0);
	engine_put_data(p->cpu, p->room, AROUND);
	engine_put_data(p->cpu + p->at, p->length, p->seed);
}

static int get_piece(struct engine *e, struct piece *p, u32 max,
		     enum dma_data_direction dir)
{
	p->dir = dir;
	p->length = 1 + engine_random(e, max);
	p->at = engine_random(e, 2) ? engine_random(e, ROOM) : 0;
	p->room = ALIGN(p->at + p->length + engine_random(e, ROOM), ROOM);
	p->cpu = kmalloc(p->room, GFP_KERNEL);
	if (!p->cpu)
		return -ENOMEM;
	fill_piece(e, p);
	return 0;
}

static int wrong_around(const struct piece *p)
{
	u32 end = p->at + p->length;

	return engine_wrong_data(p->cpu, p->at, AROUND) +
	       engine_wrong_data(p->cpu + end, p->room - end, AROUND + end);
}

static int wrong_piece(const struct piece *p)
{
	return engine_wrong_data(p->cpu + p->at, p->length, p->seed) +
	       wrong_around(p);
}

/* Any of the three; DMA_NONE comes after them. */
static enum dma_data_direction some_direction(struct engine *e)
{
	return engine_random(e, DMA_NONE);
}

/* The engine reads the mapped part, and writes new data, as the direction allows. */
static int use_piece(struct engine *e, struct piece *p)
{
	int wrong = 0;

	if (p->dir != DMA_FROM_DEVICE)
		wrong = engine_reads(e, p->dma, p->length, p->seed);
	if (p->dir != DMA_TO_DEVICE) {
		p->seed = engine_random(e, 0);
		wrong += engine_writes(e, p->dma, p->length, p->seed);
	}
	return wrong;
}

/* Make a piece and map it.  Returns an errno if there is none. */
static int map_piece(struct engine *e, struct piece *p,
		     enum dma_data_direction dir, unsigned long attrs)
{
	if (get_piece(e, p, 5000, dir))
		return -ENOMEM;
	p->dma = dma_map_single_attrs(e->dev, p->cpu + p->at, p->length, dir,
				      attrs);
	if (!dma_mapping_error(e->dev, p->dma))
		return 0;
	kfree(p->cpu);
	return -EIO;
}

static int round_single(struct engine *e)
{
	struct piece p;
	int wrong;

	wrong = map_piece(e, &p, some_direction(e), 0);
	if (wrong)
		return wrong;
	wrong = use_piece(e, &p);
	dma_unmap_single(e->dev, p.dma, p.length, p.dir);
	wrong += wrong_piece(&p);
	kfree(p.cpu);
	return wrong;
}

/*
 * The driver leaves out the syncs of map and unmap, and syncs itself.  Before its first
 * sync and after its last one, the buffer belongs to the CPU, whose data may still be in
 * the cache only.
 */
static int round_skip(struct engine *e)
{
	struct piece p;
	int wrong;

	wrong = map_piece(e, &p, some_direction(e), DMA_ATTR_SKIP_CPU_SYNC);
	if (wrong)
		return wrong;
	wrong = wrong_piece(&p);
	dma_sync_single_for_device(e->dev, p.dma, p.length, p.dir);
	wrong += use_piece(e, &p);
	dma_sync_single_for_cpu(e->dev, p.dma, p.length, p.dir);
	wrong += wrong_piece(&p);
	fill_piece(e, &p);
	dma_unmap_single_attrs(e->dev, p.dma, p.length, p.dir,
			       DMA_ATTR_SKIP_CPU_SYNC);
	wrong += wrong_piece(&p);
	kfree(p.cpu);
	return wrong;
}

static int round_page(struct engine *e)
{
	struct piece p = { .room = 2 * PAGE_SIZE, .dir = some_direction(e) };
	struct page *page = alloc_pages(GFP_KERNEL, get_order(p.room));
	int wrong;

	if (!page)
		return -ENOMEM;
	p.cpu = page_address(page);
	p.at = engine_random(e, PAGE_SIZE);
	p.length = 1 + engine_random(e, p.room - p.at);
	fill_piece(e, &p);
	p.dma = dma_map_page(e->dev, page, p.at, p.length, p.dir);
	if (dma_mapping_error(e->dev, p.dma)) {
		wrong = -EIO;
	} else {
		wrong = use_piece(e, &p);
		dma_unmap_page(e->dev, p.dma, p.length, p.dir);
		wrong += wrong_piece(&p);
	}
	__free_pages(page, get_order(p.room));
	return wrong;
}

/* Parts of a mapping go to the CPU and back, one after the other. */
static int use_parts(struct engine *e, struct piece *p)
{
	bool both = p->dir == DMA_BIDIRECTIONAL;
	u32 at, length, seed;
	int wrong = 0, i;

	for (i = 0; i < 6; i++) {
		at = engine_random(e, p->length);
		length = 1 + engine_random(e, p->length - at);
		seed = engine_random(e, 0);
		wrong += engine_writes(e, p->dma + at, length, seed);
		dma_sync_single_range_for_cpu(e->dev, p->dma, at, length,
					      p->dir);
		wrong += engine_wrong_data(p->cpu + p->at + at, length, seed);
		if (both)
			engine_put_data(p->cpu + p->at + at, length, ~seed);
		dma_sync_single_range_for_device(e->dev, p->dma, at, length,
						 p->dir);
		if (both)
			wrong += engine_reads(e, p->dma + at, length, ~seed);
	}
	return wrong;
}

static int round_sync(struct engine *e)
{
	struct piece p;
	int wrong;

	wrong = map_piece(e, &p, engine_random(e, 2) ? DMA_FROM_DEVICE :
						       DMA_BIDIRECTIONAL, 0);
	if (wrong)
		return wrong;
	wrong = use_parts(e, &p);
	dma_unmap_single(e->dev, p.dma, p.length, p.dir);
	wrong += wrong_around(&p);
	kfree(p.cpu);
	return wrong;
}

/* Many mappings of one buffer, at odd offsets, which do not share cache lines. */
#define SLOTS		6
#define SLOT_SIZE	768

static int use_slots(struct engine *e, struct piece *slots)
{
	struct piece *p;
	int wrong = 0, i;

	for (i = 0; i < 2 * SLOTS; i++) {
		p = &slots[engine_random(e, SLOTS)];
		wrong += use_piece(e, p);
		dma_sync_single_for_cpu(e->dev, p->dma, p->length, p->dir);
		wrong += wrong_piece(p);
		dma_sync_single_for_device(e->dev, p->dma, p->length, p->dir);
	}
	/* Have the engine write to all, or the contents would be undefined. */
	for (p = slots; p < slots + SLOTS; p++)
		wrong += use_piece(e, p);
	return wrong;
}

static int round_offsets(struct engine *e)
{
	u8 *buffer = kmalloc(SLOTS * SLOT_SIZE, GFP_KERNEL);
	struct piece slots[SLOTS], *p;
	int wrong = 0, mapped;

	if (!buffer)
		return -ENOMEM;
	for (mapped = 0; mapped < SLOTS; mapped++) {
		p = &slots[mapped];
		p->cpu = buffer + mapped * SLOT_SIZE;
		p->room = SLOT_SIZE;
		p->dir = some_direction(e);
		p->at = engine_random(e, ROOM);
		p->length = 1 + engine_random(e, SLOT_SIZE - p->at);
		fill_piece(e, p);
		p->dma = dma_map_single(e->dev, p->cpu + p->at, p->length,
					p->dir);
		if (dma_mapping_error(e->dev, p->dma))
			break;
	}
	if (mapped == SLOTS)
		wrong = use_slots(e, slots);
	else
		wrong = -EIO;
	while (mapped--) {
		p = &slots[mapped];
		dma_unmap_single(e->dev, p->dma, p->length, p->dir);
		if (wrong >= 0)
			wrong += wrong_piece(p);
	}
	kfree(buffer);
	return wrong;
}

#define PIECES		8

static int use_sg(struct engine *e, struct scatterlist *sgl,
		  struct piece *pieces, unsigned int count)
{
	struct scatterlist *sg;
	int wrong = 0, i;

	for_each_sg(sgl, sg, count, i) {
		pieces[i].dma = sg_dma_address(sg);
		wrong += sg_dma_len(sg) != pieces[i].length;
		wrong += use_piece(e, &pieces[i]);
	}
	return wrong;
}

/* The list goes to the CPU and comes back. */
static int sync_sg(struct engine *e, struct scatterlist *sgl,
		   struct piece *pieces, unsigned int count,
		   enum dma_data_direction dir)
{
	struct piece *p;
	int wrong = 0;

	dma_sync_sg_for_cpu(e->dev, sgl, count, dir);
	for (p = pieces; p < pieces + count; p++) {
		wrong += wrong_piece(p);
		if (dir != DMA_FROM_DEVICE) {
			p->seed = engine_random(e, 0);
			engine_put_data(p->cpu + p->at, p->length, p->seed);
		}
	}
	dma_sync_sg_for_device(e->dev, sgl, count, dir);
	return wrong + use_sg(e, sgl, pieces, count);
}

static int map_sg(struct engine *e, struct piece *pieces, unsigned int count,
		  enum dma_data_direction dir)
{
	struct scatterlist sgl[PIECES];
	int wrong, i;

	sg_init_table(sgl, count);
	for (i = 0; i < count; i++)
		sg_set_buf(&sgl[i], pieces[i].cpu + pieces[i].at,
			   pieces[i].length);
	if (dma_map_sg(e->dev, sgl, count, dir) != count)
		return -EIO;
	wrong = use_sg(e, sgl, pieces, count);
	if (engine_random(e, 2))
		wrong += sync_sg(e, sgl, pieces, count, dir);
	dma_unmap_sg(e->dev, sgl, count, dir);
	for (i = 0; i < count; i++)
		wrong += wrong_piece(&pieces[i]);
	return wrong;
}

static int round_sg(struct engine *e)
{
	unsigned int count = 1 + engine_random(e, PIECES), got;
	enum dma_data_direction dir = some_direction(e);
	struct piece pieces[PIECES];
	int wrong = -ENOMEM;

	for (got = 0; got < count; got++)
		if (get_piece(e, &pieces[got], 1500, dir))
			break;
	if (got == count)
		wrong = map_sg(e, pieces, count, dir);
	while (got--)
		kfree(pieces[got].cpu);
	return wrong;
}

/* Normal memory that the DMA API has allocated: it is always mapped, and needs syncs. */
static int use_synced(struct engine *e, void *cpu, dma_addr_t dma, u32 length)
{
	u32 seed = engine_random(e, 0);
	int wrong;

	/* This cannot fail, but DMA_API_DEBUG complains if nobody looks. */
	if (dma_mapping_error(e->dev, dma))
		return -EIO;
	engine_put_data(cpu, length, seed);
	dma_sync_single_for_device(e->dev, dma, length, DMA_BIDIRECTIONAL);
	wrong = engine_reads(e, dma, length, seed);
	wrong += engine_writes(e, dma, length, ~seed);
	dma_sync_single_for_cpu(e->dev, dma, length, DMA_BIDIRECTIONAL);
	return wrong + engine_wrong_data(cpu, length, ~seed);
}

static int round_pages(struct engine *e)
{
	u32 length = 1 + engine_random(e, 9000);
	struct page *page;
	dma_addr_t dma;
	int wrong;

	page = dma_alloc_pages(e->dev, length, &dma, DMA_BIDIRECTIONAL,
			       GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	wrong = use_synced(e, page_address(page), dma, length);
	dma_free_pages(e->dev, length, page, dma, DMA_BIDIRECTIONAL);
	return wrong;
}

static int round_noncoherent(struct engine *e)
{
	u32 length = 1 + engine_random(e, 9000);
	dma_addr_t dma;
	void *cpu;
	int wrong;

	cpu = dma_alloc_noncoherent(e->dev, length, &dma, DMA_BIDIRECTIONAL,
				    GFP_KERNEL);
	if (!cpu)
		return -ENOMEM;
	wrong = use_synced(e, cpu, dma, length);
	dma_free_noncoherent(e->dev, length, cpu, dma, DMA_BIDIRECTIONAL);
	return wrong;
}

const struct engine_test engine_streaming_tests[] = {
	{ "single",	 round_single },
	{ "skip",	 round_skip },
	{ "page",	 round_page },
	{ "sync",	 round_sync },
	{ "offsets",	 round_offsets },
	{ "sg",		 round_sg },
	{ "pages",	 round_pages },
	{ "noncoherent", round_noncoherent },
	{ }
};
