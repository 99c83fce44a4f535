/* SPDX-License-Identifier: GPL-2.0 */
/* The test has the nodes. */
#ifndef DAP_UNIT_LINUX_OF_H
#define DAP_UNIT_LINUX_OF_H

#include <stdbool.h>
#include <linux/types.h>

struct device_node;

struct of_phandle_iterator {
	const struct device_node *parent;
	int next;
	u32 phandle;
	struct device_node *node;
};

int of_phandle_iterator_init(struct of_phandle_iterator *it,
			     const struct device_node *np, const char *list,
			     const char *cells, int nr_cells);
int of_phandle_iterator_next(struct of_phandle_iterator *it);

#define of_for_each_phandle(it, err, np, list, cells, nr_cells)		\
	for (of_phandle_iterator_init(it, np, list, cells, nr_cells);	\
	     err = of_phandle_iterator_next(it), !err;)

struct property *of_find_property(const struct device_node *np,
				  const char *name, int *bytes);
bool of_device_is_compatible(const struct device_node *np, const char *name);
void of_node_put(struct device_node *np);

#endif /* DAP_UNIT_LINUX_OF_H */
