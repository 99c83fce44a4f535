// SPDX-License-Identifier: GPL-2.0
/* module/region.c for a kernel with an MMU */
#define CONFIG_MMU 1
#include "test_region.h"
