/* SPDX-License-Identifier: GPL-2.0 */
/* The test has the nodes. */
#ifndef DAP_UNIT_LINUX_OF_H
#define DAP_UNIT_LINUX_OF_H

#include <stdbool.h>
#include <linux/types.h>

struct device_node;

struct device_node *of_parse_phandle(const struct device_node *np,
				     const char *name, int index);
struct property *of_find_property(const struct device_node *np,
				  const char *name, int *bytes);
int of_property_read_u32_index(const struct device_node *np, const char *name,
			       u32 index, u32 *value);
bool of_device_is_compatible(const struct device_node *np, const char *name);
void of_node_put(struct device_node *np);

#endif /* DAP_UNIT_LINUX_OF_H */
