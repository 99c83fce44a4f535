/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel tree's tools/include/linux/types.h, and what it lacks. */
#ifndef DAP_UNIT_LINUX_TYPES_H
#define DAP_UNIT_LINUX_TYPES_H

#include_next <linux/types.h>

typedef phys_addr_t dma_addr_t;

#endif /* DAP_UNIT_LINUX_TYPES_H */
