/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Regions for drivers that ask for them.  The contract is at the top of rmem.c.
 */
#ifndef DAP_RMEM_H
#define DAP_RMEM_H

#include <linux/types.h>

struct dap_region;
struct device_node;

#ifdef CONFIG_OF_RESERVED_MEM
struct device_node *dap_rmem_find_node(phys_addr_t base, phys_addr_t size);
void dap_rmem_serve(const struct dap_region *region, bool serve);
#else
static inline struct device_node *dap_rmem_find_node(phys_addr_t base,
						     phys_addr_t size)
{
	return NULL;
}

static inline void dap_rmem_serve(const struct dap_region *region, bool serve)
{
}
#endif

#endif /* DAP_RMEM_H */
