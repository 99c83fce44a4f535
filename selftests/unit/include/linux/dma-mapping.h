/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_UNIT_LINUX_DMA_MAPPING_H
#define DAP_UNIT_LINUX_DMA_MAPPING_H

#include <linux/types.h>

#define DMA_MAPPING_ERROR	(~(dma_addr_t)0)

#endif /* DAP_UNIT_LINUX_DMA_MAPPING_H */
