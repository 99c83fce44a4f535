/* SPDX-License-Identifier: GPL-2.0 */
/* The test says what memory there is. */
#ifndef DAP_UNIT_LINUX_IO_H
#define DAP_UNIT_LINUX_IO_H

#include <stddef.h>
#include <linux/types.h>

#define MEMREMAP_WB	1
#define MEMREMAP_WC	4

void *memremap(phys_addr_t phys, size_t size, unsigned long flags);
void memunmap(void *cpu);

#endif /* DAP_UNIT_LINUX_IO_H */
