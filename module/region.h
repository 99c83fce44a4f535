/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_REGION_H
#define DAP_REGION_H

#include <linux/types.h>

#include "mpu.h"

struct device;

#define DAP_NAME_LEN	32

/**
 * struct dap_region - reserved memory and the way the CPU reaches it
 * @phys:  physical address as the kernel and the device tree know it, the view
 *	   that may be cacheable; never accessed once the pool is up
 * @alias: address of the same memory that the CPU uses; equal to @phys where
 *	   there is no second address
 * @size:  bytes, a multiple of the page size
 * @cpu:   kernel mapping of @alias; NULL until there is a client, with an MMU and
 *	   no other address than @phys
 * @cached:	how @cpu is mapped; never so where @has_alias
 * @use_mpu:	the MPU makes the memory non-cacheable
 * @guard:	the MPU lets nobody access the memory at @phys
 * @mpu:	the numbers of its regions for that, negative where there is none
 * @has_alias:	@alias is another address than @phys
 * @phys_name:	what /proc/iomem calls the claim on @phys
 * @alias_name:	what /proc/iomem calls the claim on @alias
 */
struct dap_region {
	phys_addr_t phys;
	phys_addr_t alias;
	phys_addr_t size;
	void *cpu;
	bool cached;
	bool has_alias;
	bool use_mpu;
	bool guard;
	int mpu[DAP_MPU_REGIONS];
	char phys_name[DAP_NAME_LEN + 16];
	char alias_name[DAP_NAME_LEN + 24];
};

const char *dap_region_conflict(const struct dap_region *region, bool coherent);
const char *dap_region_map(struct dap_region *region, bool coherent);
int dap_region_claim(struct device *dev, struct dap_region *region,
		     const char *name, bool no_map, bool verify);
void dap_region_release(struct dap_region *region);

int dap_check_owner(struct device *dev, phys_addr_t base, phys_addr_t end);
int dap_verify_region(struct device *dev, const struct dap_region *region);

#endif /* DAP_REGION_H */
