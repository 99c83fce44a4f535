/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_DIRECT_H
#define DAP_DIRECT_H

#include <linux/dma-map-ops.h>

struct device;

extern const struct dma_map_ops dap_direct_ops;

void *dap_direct_alloc(struct device *companion, size_t size,
		       dma_addr_t *handle, gfp_t gfp, unsigned long attrs);
void dap_direct_free(struct device *companion, size_t size, void *cpu,
		     dma_addr_t handle, unsigned long attrs);

#endif /* DAP_DIRECT_H */
