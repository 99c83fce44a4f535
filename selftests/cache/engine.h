/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A DMA engine.  The contract is at the top of engine.c; its driver keeps to the same.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <stdbool.h>
#include <stdint.h>

bool engine_wrote_register(uint32_t reg, uint32_t value);
void engine_tick(void);
uint64_t engine_copies(void);

#endif /* ENGINE_H */
