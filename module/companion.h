/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_COMPANION_H
#define DAP_COMPANION_H

#include <linux/gfp.h>

struct device;

struct device *dap_companion_create(struct device *dev, const char *name,
				    gfp_t gfp);
struct device *dap_companion_of(struct device *dev);
void dap_companion_destroy(struct device *companion);

#endif /* DAP_COMPANION_H */
