/* SPDX-License-Identifier: GPL-2.0 */
/* Registers of the System Control Space, from the test's own. */
#ifndef DAP_UNIT_ASM_V7M_H
#define DAP_UNIT_ASM_V7M_H

#define BASEADDR_V7M_SCB	0u

#define MPU_TYPE		0x90
#define MPU_CTRL		0x94
#define MPU_CTRL_ENABLE		1
#define MPU_CTRL_PRIVDEFENA	(1 << 2)
#define PMSAv7_RNR		0x98
#define PMSAv7_RBAR		0x9c
#define PMSAv7_RASR		0xa0

#endif /* DAP_UNIT_ASM_V7M_H */
