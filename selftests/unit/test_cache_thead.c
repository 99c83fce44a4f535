// SPDX-License-Identifier: GPL-2.0
/* module/cache.h for T-Head's CPUs and cache controllers, in a kernel since 6.8 */
#define CONFIG_RISCV_NONSTANDARD_CACHE_OPS 1
#define CONFIG_ERRATA_THEAD_CMO 1
#define BY_PHYS	true
#include "test_cache.h"
