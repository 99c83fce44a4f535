/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How test drivers call the module's functions.  They must also load without the
 * module, so they look the functions up at run time instead of linking to them.
 */
#ifndef DMA_ALIAS_POOL_API_H
#define DMA_ALIAS_POOL_API_H

#include <linux/errno.h>
#include <linux/module.h>

#include "../../module/dma_alias_pool.h"

/* Without the module, the result is the same as without the pool. */
static inline int api_attach(struct device *dev, const char *pool)
{
	int (*attach)(struct device *dev, const char *pool);
	int ret;

	attach = symbol_get(dma_alias_pool_attach);
	if (!attach)
		return -EPROBE_DEFER;
	ret = attach(dev, pool);
	symbol_put(dma_alias_pool_attach);
	return ret;
}

static inline int api_attach_node(struct device *dev,
				  struct device_node *region)
{
	int (*attach)(struct device *dev, struct device_node *region);
	int ret;

	attach = symbol_get(dma_alias_pool_attach_node);
	if (!attach)
		return -EPROBE_DEFER;
	ret = attach(dev, region);
	symbol_put(dma_alias_pool_attach_node);
	return ret;
}

/* Without the module nobody is a client. */
static inline int api_detach(struct device *dev)
{
	int (*detach)(struct device *dev);
	int ret;

	detach = symbol_get(dma_alias_pool_detach);
	if (!detach)
		return -ENOENT;
	ret = detach(dev);
	symbol_put(dma_alias_pool_detach);
	return ret;
}

#endif /* DMA_ALIAS_POOL_API_H */
