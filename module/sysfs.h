/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_SYSFS_H
#define DAP_SYSFS_H

struct attribute_group;

/* The attributes of a pool's device. */
extern const struct attribute_group *dap_groups[];

#endif /* DAP_SYSFS_H */
