/* SPDX-License-Identifier: GPL-2.0 */
/* The test says what memory there is. */
#ifndef DAP_UNIT_LINUX_SLAB_H
#define DAP_UNIT_LINUX_SLAB_H

#include <stddef.h>

#define GFP_KERNEL	0

char *kstrndup(const char *s, size_t max, unsigned int gfp);
void kfree(const void *p);

#endif /* DAP_UNIT_LINUX_SLAB_H */
