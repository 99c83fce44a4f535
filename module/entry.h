/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_ENTRY_H
#define DAP_ENTRY_H

#include "registry.h"

struct dap_entry *dap_entry_create(struct device *dev,
				   const struct dap_spec *spec,
				   struct device_node *region_np, bool verify);
void dap_entry_retire(struct dap_entry *entry);

#endif /* DAP_ENTRY_H */
