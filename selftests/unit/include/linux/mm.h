/* SPDX-License-Identifier: GPL-2.0 */
/* All that the module's pure parts want of it. */
#ifndef DAP_UNIT_LINUX_MM_H
#define DAP_UNIT_LINUX_MM_H

#define PAGE_SHIFT	12
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define PAGE_MASK	(~(PAGE_SIZE - 1))
#define PAGE_ALIGN(x)	(((size_t)(x) + PAGE_SIZE - 1) & PAGE_MASK)
#define PAGE_ALIGNED(x)	(!((x) & (PAGE_SIZE - 1)))

#endif /* DAP_UNIT_LINUX_MM_H */
