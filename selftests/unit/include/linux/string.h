/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel tree's tools/include/linux/string.h, and what it lacks. */
#ifndef DAP_UNIT_LINUX_STRING_H
#define DAP_UNIT_LINUX_STRING_H

#include_next <linux/string.h>
#include <stdio.h>

/* some have one that forgets the size */
#undef strscpy
#define strscpy(to, from, size)	snprintf(to, size, "%s", from)

#endif /* DAP_UNIT_LINUX_STRING_H */
