/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_UNIT_ASM_MPU_H
#define DAP_UNIT_ASM_MPU_H

#define MPUIR_DREGION		8
#define MPUIR_DREGION_SZMASK	(0xff << MPUIR_DREGION)
#define MMFR0_PMSA		(0xf << 4)
#define MMFR0_PMSAv7		(3 << 4)

#endif /* DAP_UNIT_ASM_MPU_H */
