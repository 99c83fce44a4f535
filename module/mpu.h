/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_MPU_H
#define DAP_MPU_H

#include <linux/device.h>
#include <linux/errno.h>
#include <linux/types.h>

/**
 * enum dap_mpu_kind - what a region of the MPU is for
 * @DAP_MPU_UNCACHED:  the memory is not cached
 * @DAP_MPU_NO_ACCESS: nobody may access it
 */
enum dap_mpu_kind {
	DAP_MPU_UNCACHED,
	DAP_MPU_NO_ACCESS,
};

#ifdef CONFIG_CPU_V7M
int dap_mpu_claim(struct device *dev, phys_addr_t base, phys_addr_t size,
		  enum dap_mpu_kind kind);
void dap_mpu_release(int number);
#else
static inline int dap_mpu_claim(struct device *dev, phys_addr_t base,
				phys_addr_t size, enum dap_mpu_kind kind)
{
	return dev_err_probe(dev, -EOPNOTSUPP,
			     "%s: this is no ARMv7-M kernel\n",
			     kind == DAP_MPU_UNCACHED ? "dma-alias-pool,mpu" :
			     "guard=1");
}

static inline void dap_mpu_release(int number) { }
#endif

#endif /* DAP_MPU_H */
