/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_CALLER_H
#define DAP_CALLER_H

#include <linux/compiler.h>
#include <linux/kernel.h>

struct device;
struct dma_map_ops;

/* Room for the name of a caller; longer names are cut. */
#define DAP_CALLER_LEN	96

/*
 * Number of words from the frame of dap_ops_alloc() to the return address of
 * its caller, dma_alloc_attrs(); 0 if it is not known.
 */
extern unsigned int dap_caller_depth;

void dap_caller_calibrate(const struct dma_map_ops *ops);
const char *dap_caller_name(unsigned long caller, char name[DAP_CALLER_LEN]);
void dap_caller_sample(const unsigned long *frame);

/**
 * dap_caller() - who called the DMA API?
 * @frame: __builtin_frame_address(0) of dap_ops_alloc()
 *
 * Context: any.
 * Return: the return address of dma_alloc_attrs(), 0 if it is not known.
 */
static __always_inline unsigned long dap_caller(const unsigned long *frame)
{
	if (!dap_caller_depth)
		return 0;
	return READ_ONCE_NOCHECK(frame[dap_caller_depth]);
}

#endif /* DAP_CALLER_H */
