/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the files of dma_alias_pool_engine share: the functions of engine_ring.c, which
 * drive the engine, and the tables of tests.
 *
 * The engine is part of an emulated machine.  It copies and fills memory by descriptors,
 * which it fetches from memory itself, and does not see the CPU's caches.
 *
 * All functions are called with the lock of engine.c held, in process context.  Many of
 * them return how many things were wrong, which is 0 if all is well.
 */
#ifndef DAP_ENGINE_H
#define DAP_ENGINE_H

#include <linux/io.h>
#include <linux/types.h>

struct device;

/* The box: memory that is never cached, where tests keep what they compare with. */
#define ENGINE_BOX_SIZE		0x100000
#define ENGINE_BOX_DONE		0x0		/* a word, counts descriptors */
#define ENGINE_BOX_RING		0x1000
#define ENGINE_BOX_SEEN		0x40000		/* what the engine has read */
#define ENGINE_BOX_SENT		0x80000		/* what the engine is to write */
#define ENGINE_MAX_LENGTH	0x10000		/* of each of the two */

/* Registers that control the cache, for tests. */
#define ENGINE_PERIOD		0x80
#define ENGINE_SEED		0x84
#define ENGINE_EVICT		0x88
#define ENGINE_FETCH		0x8c
#define ENGINE_EVICT_ALL	0x90

#define ENGINE_DESCRIPTORS	64

/* Where the memory comes from that CPU and engine share. */
enum engine_where {
	ENGINE_POOL,		/* coherent memory of the DMA API */
	ENGINE_NORMAL,		/* cached memory, for which nobody maintains caches */
	ENGINE_BOX,		/* the box, which is never cached */
};

struct engine_memory {
	void *cpu;
	dma_addr_t dma;
	size_t size;
	enum engine_where where;
};

struct engine {
	struct device *dev;	/* NULL: no driver is bound */
	void __iomem *regs;
	void *box;
	dma_addr_t box_dma;
	struct engine_memory ring;
	unsigned int next;	/* descriptor of the ring */
	u32 submitted;		/* descriptors since the engine was reset */
	u32 lines;		/* how many cache lines the engine has yet to move */
	u32 pace;
	u32 random;
	struct engine_memory buffer;	/* of tests with ENGINE_NEEDS_BUFFER */
	unsigned long range, range_size; /* of tests with ENGINE_NEEDS_RANGE */
};

#define ENGINE_BUFFER_SIZE	16384

#define ENGINE_NEEDS_BUFFER	BIT(0)
#define ENGINE_NEEDS_RANGE	BIT(1)	/* cacheable memory, given by its address */
#define ENGINE_NEEDS_POOL	BIT(2)	/* cannot run with normal memory */
#define ENGINE_TESTS_RING	BIT(3)	/* the ring is where the buffer is */
#define ENGINE_TAKES_ALL	BIT(4)	/* takes all of the pool: no room for the ring */

/* A table of tests ends with an entry without a name. */
struct engine_test {
	const char *name;
	int (*round)(struct engine *e);	/* how much was wrong, or an errno */
	unsigned int flags;
};

extern const struct engine_test engine_coherent_tests[];
extern const struct engine_test engine_streaming_tests[];

/* engine_ring.c */
int engine_get(struct engine *e, struct engine_memory *m, size_t size,
	       enum engine_where where);
void engine_put(struct engine *e, struct engine_memory *m);
int engine_start(struct engine *e, enum engine_where where);
void engine_stop(struct engine *e);
void engine_set_done(struct engine *e, dma_addr_t word);
void engine_control(struct engine *e, u32 control, u32 value);
void engine_adversary(struct engine *e, u32 period, u32 seed);
unsigned int engine_submit(struct engine *e, dma_addr_t src, dma_addr_t dst,
			   u32 length);
unsigned int engine_submit_fill(struct engine *e, u32 word, dma_addr_t dst,
				u32 length);
void engine_bell(struct engine *e);
unsigned int engine_polls(struct engine *e);
int engine_wait(struct engine *e, unsigned int index);
int engine_copy(struct engine *e, dma_addr_t src, dma_addr_t dst, u32 length);
int engine_fill(struct engine *e, u32 word, dma_addr_t dst, u32 length);
int engine_reads(struct engine *e, dma_addr_t src, u32 length, u32 seed);
int engine_writes(struct engine *e, dma_addr_t dst, u32 length, u32 seed);

u32 engine_random(struct engine *e, u32 below);
void engine_put_data(void *to, u32 length, u32 seed);
int engine_wrong_data(const void *from, u32 length, u32 seed);

/* engine_self.c; -ENOENT: there is no such test */
int engine_self(struct engine *e, const char *name, char *result, size_t size);

#endif /* DAP_ENGINE_H */
