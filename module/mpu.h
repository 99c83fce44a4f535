/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_MPU_H
#define DAP_MPU_H

#include <linux/types.h>

/* The most MPU regions that a pool can have. */
#define DAP_MPU_REGIONS		2

/**
 * enum dap_mpu_kind - purpose of an MPU region
 * @DAP_MPU_UNCACHED:  make memory non-cacheable
 * @DAP_MPU_NO_ACCESS: forbid any access
 */
enum dap_mpu_kind {
	DAP_MPU_UNCACHED,
	DAP_MPU_NO_ACCESS,
};

#ifdef CONFIG_CPU_V7M
const char *dap_mpu_claim(phys_addr_t base, phys_addr_t size,
			  enum dap_mpu_kind kind, int numbers[DAP_MPU_REGIONS]);
void dap_mpu_release(const int numbers[DAP_MPU_REGIONS]);
#else
static inline const char *dap_mpu_claim(phys_addr_t base, phys_addr_t size,
					enum dap_mpu_kind kind, int *numbers)
{
	numbers[0] = -1;
	numbers[1] = -1;
	return "this is no ARMv7-M kernel";
}

static inline void dap_mpu_release(const int *numbers) { }
#endif

#endif /* DAP_MPU_H */
