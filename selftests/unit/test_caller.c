// SPDX-License-Identifier: GPL-2.0
/*
 * How module/caller.c measures where the caller of the DMA API is found, on a
 * stack that the test makes up: what lies there by chance must not matter.
 */
#pragma GCC diagnostic ignored "-Wunused-parameter"	/* stand-ins have some */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <linux/compiler.h>
#include <linux/kernel.h>
#include <linux/types.h>
#include <linux/dma-map-ops.h>

#include "tap.h"

/* In place of the kernel's headers: here, all of a device is of interest. */
#define DAP_UNIT_LINUX_PLATFORM_DEVICE_H

struct device {
	const struct dma_map_ops *ops;
	const char *init_name;
};

struct platform_device {
	const char *name;
	struct device dev;
};

#define gfp_t			unsigned int
#define U64_MAX			UINT64_MAX
#define U32_MAX			UINT32_MAX
#define READ_ONCE_NOCHECK	READ_ONCE
#undef OPTIMIZER_HIDE_VAR	/* newer kernels' tools/ have it */
#define OPTIMIZER_HIDE_VAR(v)	asm volatile("" : "+r" (v))
#define __ffs64			__builtin_ctzll
#define DMA_BIT_MASK(n)		((1ULL << (n)) - 1)
#define DMA_ATTR_NO_WARN	(1UL << 8)

#define PLATFORM_DEVID_NONE	(-1)

static bool memory;
static unsigned int devices;

static struct platform_device *platform_device_alloc(const char *name, int id)
{
	struct platform_device *pdev = memory ? calloc(1, sizeof(*pdev)) : NULL;

	if (pdev) {
		pdev->name = name;
		devices++;
	}
	return pdev;
}

static void platform_device_put(struct platform_device *pdev)
{
	EXPECT(!pdev->dev.ops);
	free(pdev);
	devices--;
}

static void set_dma_ops(struct device *dev, const struct dma_map_ops *ops)
{
	dev->ops = ops;
}

void *dma_alloc_attrs(struct device *dev, size_t size, dma_addr_t *handle,
		      gfp_t gfp, unsigned long attrs);

/* In place of module/compat.h */
#define DAP_COMPAT_H
#include "../../module/caller.c"

static const struct dma_map_ops dap_ops;

/* The frame of .alloc, that of dma_alloc_attrs(), and what is above. */
static unsigned long stack[DAP_MAX_DEPTH + 1];
static unsigned int depth;	/* where dma_alloc_attrs() returns to */
static unsigned int call;	/* how many there were */
static unsigned int refused;	/* the one in which .alloc is not called */
static unsigned long back_to[2]; /* where the callers go on */

/* What else is there in a call, and not the one before. */
static void (*disturb)(unsigned long back);
static unsigned int place;	/* where */
static unsigned long what;

noinline void *dma_alloc_attrs(struct device *dev, size_t size,
			       dma_addr_t *handle, gfp_t gfp,
			       unsigned long attrs)
{
	unsigned long back = (unsigned long)__builtin_return_address(0);

	EXPECT(dev->ops == &dap_ops && dev->init_name);
	steps++;
	if (++call == refused)
		return NULL;
	back_to[(call - 1) % 2] = back;
	stack[depth] = back;
	if (disturb)
		disturb(back);
	dap_caller_sample(stack);
	return NULL;
}

/* As at load, with the return address in word @at of the stack. */
static unsigned int measure(unsigned int at)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(stack); i++)
		stack[i] = rnd(U32_MAX);
	depth = at;
	call = 0;
	dap_caller_depth = 0;
	dap_round = 0;
	dap_places = U64_MAX;
	dap_caller_calibrate(&dap_ops);
	EXPECT(devices == 0);
	return dap_caller_depth;
}

static void start(void)
{
	memory = true;
	refused = 0;
	disturb = NULL;
	EXPECT(measure(1) == 1);
}

static void each_depth(void)
{
	unsigned int at;

	start();
	for (at = 1; at < DAP_MAX_DEPTH; at++)
		EXPECT(measure(at) == at);
	EXPECT(measure(DAP_MAX_DEPTH) == 0);
	EXPECT(measure(0) == 0);
}

static void put_what(unsigned long back)
{
	stack[place] = what;
}

static void always_the_same(void)
{
	unsigned long old[6];
	unsigned int i;

	start();
	for (i = 0; i < 2; i++) {
		old[i] = back_to[i];
		old[2 + i] = (unsigned long)dap_callers[i];
		old[4 + i] = old[2 + i] + 1;
	}
	disturb = put_what;
	for (i = 0; i < ARRAY_SIZE(old); i++) {
		what = old[i];
		for (place = 1; place < 40; place++)
			EXPECT(measure(40) == 40);
	}
}

static void put_pointer(unsigned long back)
{
	stack[place] = (unsigned long)dap_callers[(call + what) % 2];
}

static void pointers_to_the_callers(void)
{
	start();
	disturb = put_pointer;
	for (what = 0; what < 2; what++)
		for (place = 1; place < 40; place++)
			EXPECT(measure(40) == 40);
}

static void interrupted(unsigned long back)
{
	if (what & (1 << call))
		stack[place] = back - 1;
}

/* In any of the calls, but not in all of them. */
static void interrupts(void)
{
	start();
	disturb = interrupted;
	for (what = 0; what < (2 << DAP_ROUNDS) - 2; what += 2)
		for (place = 1; place < 40; place++)
			EXPECT(measure(40) == 40);
}

/* In what the callers themselves left further up. */
static void above(void)
{
	start();
	disturb = interrupted;
	what = ~0UL;
	for (place = 11; place < DAP_MAX_DEPTH; place++)
		EXPECT(measure(10) == 10);
}

static void not_called(void)
{
	start();
	for (refused = 1; refused <= DAP_ROUNDS; refused++)
		EXPECT(measure(10) == 0);
}

static void no_memory(void)
{
	start();
	memory = false;
	EXPECT(measure(10) == 0 && call == 0);
}

static void name_of_none(void)
{
	char name[DAP_CALLER_LEN];

	EXPECT(!strcmp(dap_caller_name(0, name), "-"));
}

static const struct tap_test tests[] = {
	{ "each depth is found", each_depth },
	{ "what an earlier load left is none", always_the_same },
	{ "pointers to the callers are none", pointers_to_the_callers },
	{ "what interrupts left is none", interrupts },
	{ "the first of several counts", above },
	{ "no depth when a call comes to nothing", not_called },
	{ "no depth without memory", no_memory },
	{ "no caller has a name, too", name_of_none },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
