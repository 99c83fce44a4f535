/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_DEBUGFS_H
#define DAP_DEBUGFS_H

struct dap_entry;

void dap_debugfs_init(void);
void dap_debugfs_exit(void);
void dap_debugfs_add(struct dap_entry *entry);

#endif /* DAP_DEBUGFS_H */
