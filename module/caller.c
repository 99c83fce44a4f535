// SPDX-License-Identifier: GPL-2.0
/*
 * Find out who called dma_alloc_attrs(), at the cost of two instructions.
 *
 * The allocations file names the code that has allocated memory.  In our
 * .alloc, _RET_IP_ always is in dma_alloc_attrs(), and unwinding costs several
 * thousand instructions on ARM, if it is built in at all.  But on the stack,
 * between the frame of .alloc and the return address of dma_alloc_attrs(),
 * there is only the frame of dma_alloc_attrs(), whose layout the compiler fixed
 * when the kernel was built.
 *
 * So the size of that frame is measured once, at load.  Two functions with
 * known addresses call dma_alloc_attrs() in turn on a private device.  Each
 * time, .alloc looks which words of the stack are a return address into the
 * current one of the two.  The word that is so each time is the right one.  If
 * there is none, allocations are recorded without a caller.
 *
 * Other words may hold such an address as well: parts of a frame that were not
 * written keep what an earlier interrupt of the caller, or an earlier module at
 * the same addresses, has left there.  But these do not change as the callers
 * alternate.
 *
 * Only our own stack is read, and never beyond what the shallowest call chain
 * has.  A wrong value could only be printed, as a symbol or hashed.
 *
 * Contexts: the measurement runs once, at load, before there is any client.
 */
#include <linux/bitops.h>
#include <linux/ctype.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/init.h>
#include <linux/platform_device.h>

#include "caller.h"
#include "compat.h"

/* Larger than the frame of dma_alloc_attrs() in any known kernel, in words. */
#define DAP_MAX_DEPTH	64

/* Larger than the code of one of the two callers up to its call, in bytes. */
#define DAP_CALLER_TEXT	256

/*
 * Number of calls.  To make a wrong word look right, an interrupt would have to
 * come at the wrong moment in each of them.
 */
#define DAP_ROUNDS	4

unsigned int dap_caller_depth;

static unsigned int dap_round;
static u64 dap_places = U64_MAX;	/* one bit for each candidate */

static dma_addr_t dap_handle;		/* never written: each allocation fails */

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

/*
 * May @word be the return address of the call in caller @n?  Its first address
 * is not: that is a pointer to the function.  A word that is nearer behind the
 * other caller is in that one.
 */
static bool caller_is_return_address(unsigned long word, unsigned int n)
{
	unsigned long code = word - (unsigned long)dap_callers[n];

	return code > 0 && code < DAP_CALLER_TEXT &&
	       code < word - (unsigned long)dap_callers[!n];
}

/**
 * dap_caller_sample() - look for the caller on the stack, from .alloc of the
 * private device
 * @frame: __builtin_frame_address(0) of .alloc
 *
 * Context: any.
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
 * dap_caller_name() - print a caller for people
 * @caller: what dap_caller() returned
 * @name:   room for the text
 *
 * A caller has no symbol if its module is gone or the kernel has no kallsyms.
 * Then %pS would print the bare address, so it is hashed as any other pointer.
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

/**
 * dap_caller_calibrate() - measure the frame of dma_alloc_attrs()
 * @ops: operations whose .alloc calls dap_caller_sample() and fails
 *
 * If this fails, allocations are recorded without a caller.
 *
 * Context: process context, may sleep.
 */
void __init dap_caller_calibrate(const struct dma_map_ops *ops)
{
	struct platform_device *pdev;
	unsigned int n;

	/* The kernel frees it, maybe when this module is gone. */
	pdev = platform_device_alloc("dma_alias_pool", PLATFORM_DEVID_NONE);
	if (!pdev)
		return;
	pdev->dev.init_name = pdev->name;
	set_dma_ops(&pdev->dev, ops);

	for (n = 0; n < DAP_ROUNDS; n++)
		dap_callers[n % ARRAY_SIZE(dap_callers)](&pdev->dev);
	/*
	 * Take the first one: those further up are in the callers' own frames.
	 */
	if (dap_round == DAP_ROUNDS && dap_places)
		dap_caller_depth = __ffs64(dap_places);

	set_dma_ops(&pdev->dev, NULL);
	platform_device_put(pdev);
}
