// SPDX-License-Identifier: GPL-2.0
/* module/cache.h for cache controllers */
#define CONFIG_RISCV_NONSTANDARD_CACHE_OPS 1
#define BY_PHYS	true
#include "test_cache.h"
