/* SPDX-License-Identifier: GPL-2.0 */
/* The test counts who holds the module, and says whether it may be held. */
#ifndef DAP_UNIT_LINUX_MODULE_H
#define DAP_UNIT_LINUX_MODULE_H

#include <stdbool.h>

struct module;

#define THIS_MODULE	((struct module *)0)

bool try_module_get(struct module *module);
void __module_get(struct module *module);
bool module_is_live(struct module *module);
void module_put(struct module *module);

#endif /* DAP_UNIT_LINUX_MODULE_H */
