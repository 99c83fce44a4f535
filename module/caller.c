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
 * addresses call dma_alloc_attrs() on a private device, and .alloc looks for a
 * return address into them on its stack.  Where both find it at the same
 * place, that is where it always is; else allocations go without a caller.
 *
 * What is read is our own stack, never beyond what the shallowest call chain
 * has; a wrong value could only be printed, as a symbol or hashed.
 *
 * Contexts: calibration runs once, at load, before any client exists.
 */
#include <linux/ctype.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/slab.h>

#include "caller.h"
#include "compat.h"

/* More than the frame of dma_alloc_attrs() in any known kernel, in words. */
#define DAP_MAX_DEPTH	64

/* Longer than the code of one of the callers below up to its call. */
#define DAP_CALLER_TEXT	128

unsigned int dap_caller_depth;

static unsigned long dap_target;
static unsigned int dap_found;

static noinline void dap_first_caller(struct device *dev)
{
	dma_addr_t handle;
	void *cpu;

	cpu = dma_alloc_attrs(dev, 1, &handle, GFP_KERNEL, DMA_ATTR_NO_WARN);
	OPTIMIZER_HIDE_VAR(cpu);	/* no tail call */
}

static noinline void dap_second_caller(struct device *dev)
{
	dma_addr_t handle;
	void *cpu;

	cpu = dma_alloc_attrs(dev, 2, &handle, GFP_KERNEL, DMA_ATTR_NO_WARN);
	OPTIMIZER_HIDE_VAR(cpu);
}

/**
 * dap_caller_found() - called by .alloc for the private device
 * @frame: __builtin_frame_address(0) of .alloc
 */
void dap_caller_found(const unsigned long *frame)
{
	unsigned int i;

	for (i = 1; i < DAP_MAX_DEPTH; i++) {
		unsigned long word = READ_ONCE_NOCHECK(frame[i]);

		if (word - dap_target < DAP_CALLER_TEXT) {
			dap_found = i;
			return;
		}
	}
}

static unsigned int measure(void (*caller)(struct device *dev),
			    struct device *dev)
{
	dap_target = (unsigned long)caller;
	dap_found = 0;
	caller(dev);
	return dap_found;
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

static void dap_private_release(struct device *dev)
{
	kfree(dev);
}

/**
 * dap_caller_calibrate() - measure the frame of dma_alloc_attrs()
 * @ops: operations whose .alloc calls dap_caller_found() and fails
 *
 * Context: process context, may sleep.  Failure only costs the column.
 */
void dap_caller_calibrate(const struct dma_map_ops *ops)
{
	struct device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	unsigned int depth;

	if (!dev)
		return;
	device_initialize(dev);
	dev->release = dap_private_release;
	dev->coherent_dma_mask = DMA_BIT_MASK(32);
	if (dev_set_name(dev, "dma_alias_pool"))
		goto out;
	set_dma_ops(dev, ops);

	depth = measure(dap_first_caller, dev);
	if (depth && measure(dap_second_caller, dev) == depth)
		dap_caller_depth = depth;

	set_dma_ops(dev, NULL);
out:
	put_device(dev);
}
