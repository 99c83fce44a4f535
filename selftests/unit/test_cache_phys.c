// SPDX-License-Identifier: GPL-2.0
/*
 * module/cache.h for cache controllers, in a kernel before 6.8 that has T-Head's
 * functions, but is not built for its CPUs
 */
#define CONFIG_RISCV_NONSTANDARD_CACHE_OPS 1
#define DAP_THEAD_CMO_BY_VA
#define BY_PHYS	true
#include "test_cache.h"
