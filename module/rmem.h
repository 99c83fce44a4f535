/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Regions for drivers that ask for them.  The contract is at the top of rmem.c.
 */
#ifndef DAP_RMEM_H
#define DAP_RMEM_H

struct dap_region;

#ifdef CONFIG_OF_RESERVED_MEM
void dap_rmem_serve(const struct dap_region *region, bool serve);
#else
static inline void dap_rmem_serve(const struct dap_region *region, bool serve)
{
}
#endif

#endif /* DAP_RMEM_H */
