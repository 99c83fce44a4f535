/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_BUS_H
#define DAP_BUS_H

#include "registry.h"

const char *dap_bus_address(struct device *dev, const struct dap_entry *entry,
			    dma_addr_t *addr);
bool dap_bus_is_pool(struct device *dev, const struct dap_entry *entry,
		     dma_addr_t addr);

#endif /* DAP_BUS_H */
