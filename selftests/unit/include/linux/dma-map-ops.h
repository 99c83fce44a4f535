/* SPDX-License-Identifier: GPL-2.0 */
/* For struct dap_client: operations that differ in where they are. */
#ifndef DAP_UNIT_LINUX_DMA_MAP_OPS_H
#define DAP_UNIT_LINUX_DMA_MAP_OPS_H

#include <linux/device.h>

struct dma_map_ops {
	void *alloc;
};

const struct dma_map_ops *get_dma_ops(struct device *dev);

#endif /* DAP_UNIT_LINUX_DMA_MAP_OPS_H */
