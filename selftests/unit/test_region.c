// SPDX-License-Identifier: GPL-2.0
/* module/region.c for a kernel without an MMU */
#include "test_region.h"
