/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_OF_H
#define DAP_OF_H

#include "pool.h"

struct device;
struct device_node;

int dap_spec_from_node(struct device *dev, struct dap_spec *spec,
		       struct device_node **region_np);

#endif /* DAP_OF_H */
