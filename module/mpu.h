/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_MPU_H
#define DAP_MPU_H

#include <linux/device.h>
#include <linux/errno.h>
#include <linux/types.h>

#ifdef CONFIG_CPU_V7M
int dap_mpu_claim(struct device *dev, phys_addr_t base, phys_addr_t size);
void dap_mpu_release(int number);
#else
static inline int dap_mpu_claim(struct device *dev, phys_addr_t base,
				phys_addr_t size)
{
	return dev_err_probe(dev, -EOPNOTSUPP,
			     "dma-alias-pool,mpu: this is no ARMv7-M kernel\n");
}

static inline void dap_mpu_release(int number) { }
#endif

#endif /* DAP_MPU_H */
