// SPDX-License-Identifier: GPL-2.0
/* module/cache.h for T-Head's CPUs, as kernels before 6.8 know them */
#define CONFIG_RISCV_NONSTANDARD_CACHE_OPS 1
#define DAP_THEAD_CMO_BY_VA
#define CONFIG_ERRATA_THEAD_CMO 1
#define BY_PHYS	false
#include "test_cache.h"
