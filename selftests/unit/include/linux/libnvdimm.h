/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_UNIT_LINUX_LIBNVDIMM_H
#define DAP_UNIT_LINUX_LIBNVDIMM_H

#include <stddef.h>

void arch_wb_cache_pmem(void *va, size_t size);
void arch_invalidate_pmem(void *va, size_t size);

#endif /* DAP_UNIT_LINUX_LIBNVDIMM_H */
