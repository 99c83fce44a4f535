/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_REBIND_H
#define DAP_REBIND_H

#include <linux/list.h>

struct device;
struct task_struct;

/**
 * struct dap_rebind - devices that are unbound for a while
 * @node:    entry in the list of all of these
 * @task:    the task that unbinds them, or NULL when it has finished that
 * @devices: what was unbound, the last one first
 */
struct dap_rebind {
	struct list_head node;
	struct task_struct *task;
	struct list_head devices;
};

void dap_rebind_begin(struct dap_rebind *rebind);
void dap_rebind_note(struct device *dev);
void dap_rebind_forget(struct device *dev);
void dap_rebind_end(struct dap_rebind *rebind, struct device *because);

#endif /* DAP_REBIND_H */
