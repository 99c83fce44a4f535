// SPDX-License-Identifier: GPL-2.0
/*
 * Find out who called dma_alloc_attrs(), for two instructions.
 *
 * The allocations file names the code that holds memory.  _RET_IP_ in our
 * .alloc only ever says dma_alloc_attrs(), and unwinding costs several thousand
 * instructions on ARM, where it is built in at all.  But between the frame of
 * .alloc and the return address of dma_alloc_attrs() lies nothing but the frame
 * of dma_alloc_attrs(), whose layout the compiler fixed when the kernel was
 * built.  So its size is measured once, at load: two functions of known
 * addresses call dma_alloc_attrs() on a private device in turn, and .alloc looks
 * for a return address into the one that calls.  The place that has it each time
 * is where it always is; if there is none, allocations go without a caller.
 *
 * Other places have such an address, too: what lies in a frame without having
 * been written is older than the call, left by an interrupt of this caller or by
 * a module that was loaded at the same place before.  But it does not change as
 * the callers do.
 *
 * What is read is our own stack, never beyond what the shallowest call chain
 * has; a wrong value could only be printed, as a symbol or hashed.
 *
 * Contexts: calibration runs once, at load, before any client exists.
 */
#include <linux/bitops.h>
#include <linux/ctype.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/init.h>
#include <linux/slab.h>

#include "caller.h"
#include "compat.h"

/* More than the frame of dma_alloc_attrs() in any known kernel, in words. */
#define DAP_MAX_DEPTH	64

/* Longer than the code of one of the callers below up to its call. */
#define DAP_CALLER_TEXT	256

/* As many interrupts, each at the wrong moment, make a wrong place look right. */
#define DAP_ROUNDS	4

unsigned int dap_caller_depth;

static unsigned int dap_round;
static u64 dap_places = U64_MAX;	/* a bit for each that was right so far */

static dma_addr_t dap_handle;		/* never set: each allocation fails */

static noinline void dap_first_caller(struct device *dev)
{
	void *cpu;

	cpu = dma_alloc_attrs(dev, 1, &dap_handle, GFP_KERNEL, DMA_ATTR_NO_WARN);
	OPTIMIZER_HIDE_VAR(cpu);	/* no tail call */
}

static noinline void dap_second_caller(struct device *dev)
{
	void *cpu;

	cpu = dma_alloc_attrs(dev, 2, &dap_handle, GFP_KERNEL, DMA_ATTR_NO_WARN);
	OPTIMIZER_HIDE_VAR(cpu);
}

static void (*const dap_callers[])(struct device *dev) = {
	dap_first_caller, dap_second_caller
};

/* May @word be where caller @n goes on? Its start, a pointer to it, is not. */
static bool caller_is_return_address(unsigned long word, unsigned int n)
{
	unsigned long code = word - (unsigned long)dap_callers[n];

	return code > 0 && code < DAP_CALLER_TEXT &&
	       code < word - (unsigned long)dap_callers[!n];
}

/**
 * dap_caller_sample() - called by .alloc for the private device
 * @frame: __builtin_frame_address(0) of .alloc
 */
void dap_caller_sample(const unsigned long *frame)
{
	unsigned int n = dap_round++ % ARRAY_SIZE(dap_callers);
	u64 places = 0;
	unsigned int i;

	for (i = 1; i < DAP_MAX_DEPTH; i++)
		if (caller_is_return_address(READ_ONCE_NOCHECK(frame[i]), n))
			places |= BIT_ULL(i);
	dap_places &= places;
}

/**
 * dap_caller_name() - a caller for people
 * @caller: what dap_caller() returned
 * @name:   room for it
 *
 * A caller without a symbol, because its module is gone or the kernel has no
 * kallsyms, would be a bare address with %pS: it is hashed, as any pointer that
 * is shown.
 *
 * Context: any.
 * Return: @name or a constant.
 */
const char *dap_caller_name(unsigned long caller, char name[DAP_CALLER_LEN])
{
	if (!caller)
		return "-";
	snprintf(name, DAP_CALLER_LEN, "%pS", (void *)caller);
	if (isdigit(*name))
		snprintf(name, DAP_CALLER_LEN, "%p", (void *)caller);
	return name;
}

static void caller_device_release(struct device *dev)
{
	kfree(dev);
}

/**
 * dap_caller_calibrate() - measure the frame of dma_alloc_attrs()
 * @ops: operations whose .alloc calls dap_caller_sample() and fails
 *
 * Context: process context, may sleep.  Failure only costs the column.
 */
void __init dap_caller_calibrate(const struct dma_map_ops *ops)
{
	struct device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	unsigned int n;

	if (!dev)
		return;
	device_initialize(dev);
	dev->release = caller_device_release;
	dev->coherent_dma_mask = DMA_BIT_MASK(32);
	if (dev_set_name(dev, "dma_alias_pool"))
		goto out;
	set_dma_ops(dev, ops);

	for (n = 0; n < DAP_ROUNDS; n++)
		dap_callers[n % ARRAY_SIZE(dap_callers)](dev);
	/* The callers' own frames, with who called them, lie further up. */
	if (dap_round == DAP_ROUNDS && dap_places)
		dap_caller_depth = __ffs64(dap_places);

	set_dma_ops(dev, NULL);
out:
	put_device(dev);
}
