/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_REQUEST_H
#define DAP_REQUEST_H

struct dap_entry;
struct device;

int dap_attach_driver(struct device *dev, struct dap_entry *entry);
int dap_attach_result(const struct device *dev, int ret);
int dap_attach_device(struct dap_entry *entry, struct device *dev);
int dap_detach_device(struct dap_entry *entry, struct device *dev);

#endif /* DAP_REQUEST_H */
