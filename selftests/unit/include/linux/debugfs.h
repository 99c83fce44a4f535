/* SPDX-License-Identifier: GPL-2.0 */
/* The test says what files there are. */
#ifndef DAP_UNIT_LINUX_DEBUGFS_H
#define DAP_UNIT_LINUX_DEBUGFS_H

struct dentry;

void debugfs_remove(struct dentry *dentry);

#endif /* DAP_UNIT_LINUX_DEBUGFS_H */
