/* SPDX-License-Identifier: GPL-2.0 */
/* The test says what memory belongs to whom. */
#ifndef DAP_UNIT_LINUX_IOPORT_H
#define DAP_UNIT_LINUX_IOPORT_H

#include <stddef.h>
#include <linux/types.h>

#define IORESOURCE_SYSTEM_RAM	1
#define IORESOURCE_MEM		2
#define IORES_DESC_NONE		0

enum { REGION_INTERSECTS, REGION_DISJOINT, REGION_MIXED };

typedef phys_addr_t resource_size_t;

extern struct resource {
	const char *name;
	resource_size_t end;
	unsigned long flags;
} iomem_resource;

int region_intersects(phys_addr_t start, size_t size, unsigned long flags,
		      unsigned long desc);
void *request_mem_region(phys_addr_t start, phys_addr_t size, const char *name);
void release_mem_region(phys_addr_t start, phys_addr_t size);
void *__request_region(struct resource *parent, phys_addr_t start,
		       phys_addr_t size, const char *name, int flags);
void __release_region(struct resource *parent, phys_addr_t start,
		      phys_addr_t size);

#endif /* DAP_UNIT_LINUX_IOPORT_H */
