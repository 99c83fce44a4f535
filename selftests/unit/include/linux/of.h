/* SPDX-License-Identifier: GPL-2.0 */
/* The test has the nodes. */
#ifndef DAP_UNIT_LINUX_OF_H
#define DAP_UNIT_LINUX_OF_H

#include <stdbool.h>

struct device_node;

struct device_node *of_parse_phandle(const struct device_node *np,
				     const char *name, int index);
bool of_device_is_compatible(const struct device_node *np, const char *name);
void of_node_put(struct device_node *np);

#endif /* DAP_UNIT_LINUX_OF_H */
