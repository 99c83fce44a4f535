/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_UNIT_LINUX_NOTIFIER_H
#define DAP_UNIT_LINUX_NOTIFIER_H

struct notifier_block;

typedef int (*notifier_fn_t)(struct notifier_block *nb, unsigned long action,
			     void *data);

#endif
