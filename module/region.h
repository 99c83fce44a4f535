/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_REGION_H
#define DAP_REGION_H

#include <linux/types.h>

#include "mpu.h"

struct clk_bulk_data;
struct device;

#define DAP_NAME_LEN	32

/**
 * struct dap_region - reserved memory and how the CPU reaches it
 * @phys:       physical address of the memory as the kernel and the device tree
 *              know it.  This view may be cacheable, and is not accessed any
 *              more once the pool is up.
 * @alias:      address of the same memory that the CPU uses; equal to @phys if
 *              there is no second address
 * @size:       bytes, a multiple of the page size
 * @cpu:        kernel mapping of @alias.  With an MMU and without a second
 *              address, it is NULL until there is a client.
 * @cached:     @cpu is mapped cached; never if @has_alias
 * @has_alias:  @alias is another address than @phys
 * @at_boot:    the kernel has claimed the memory at boot, for this pool (arm64)
 * @verify:     how the CPU reaches the memory is not taken on trust
 * @use_mpu:    the MPU makes the memory non-cacheable
 * @guard:      the MPU forbids access to the memory at @phys
 * @mpu:        the numbers of the MPU's regions for that, negative if there is
 *              none
 * @nr_clocks:  the number of @clocks
 * @clocks:     clocks of the memory, which are on
 * @phys_name:  name of the memory at @phys in /proc/iomem
 * @alias_name: name of the memory at @alias in /proc/iomem
 */
struct dap_region {
	phys_addr_t phys;
	phys_addr_t alias;
	phys_addr_t size;
	void *cpu;
	bool cached;
	bool has_alias;
	bool at_boot;
	bool verify;
	bool use_mpu;
	bool guard;
	int mpu[DAP_MPU_REGIONS];
	int nr_clocks;
	struct clk_bulk_data *clocks;
	char phys_name[DAP_NAME_LEN + 16];
	char alias_name[DAP_NAME_LEN + 24];
};

const char *dap_region_conflict(const struct dap_region *region, bool coherent);
const char *dap_region_map(struct dap_region *region, bool coherent);
int dap_region_claim(struct device *dev, struct dap_region *region,
		     const char *name, bool no_map);
void dap_region_release(struct dap_region *region);

/* Kernels for these claim the memory that they have placed, see region.c. */
#if defined(CONFIG_ARM64) || defined(CONFIG_RISCV)
#define DAP_PLACED_IS_CLAIMED	1
bool dap_is_placed(const struct device *dev);
#else
#define DAP_PLACED_IS_CLAIMED	0
static inline bool dap_is_placed(const struct device *dev) { return false; }
#endif
struct device_node *dap_find_reserved_memory(void);
bool dap_is_pool_region(const struct device_node *np);
int dap_check_owner(struct device *dev, phys_addr_t base, phys_addr_t end);
int dap_verify_region(struct device *dev, const struct dap_region *region);

#endif /* DAP_REGION_H */
