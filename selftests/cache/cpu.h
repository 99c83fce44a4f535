/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The CPU's registers for cache control.  The contract is at the top of cpu.c.
 */
#ifndef CPU_H
#define CPU_H

#include <stdbool.h>
#include <stdint.h>

#include "lines.h"

#define SYSTEM_SPACE	0xe000e000u	/* a page */

void cpu_init(uint8_t *ram, enum attr alias);
bool cpu_is_on(void);
void cpu_wrote_register(uint32_t addr, uint32_t value);
void cpu_read_register(uint32_t addr, uint32_t pc);
uint32_t cpu_patched(void);

#endif /* CPU_H */
