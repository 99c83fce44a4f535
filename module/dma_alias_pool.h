/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For drivers that ask for a pool themselves.  Device tree, clients= and sysfs
 * give a device a pool without any change to its driver.
 */
#ifndef DMA_ALIAS_POOL_H
#define DMA_ALIAS_POOL_H

struct device;
struct device_node;

int dma_alias_pool_attach(struct device *dev, const char *pool);
int dma_alias_pool_attach_node(struct device *dev, struct device_node *region);
int dma_alias_pool_detach(struct device *dev);

#endif /* DMA_ALIAS_POOL_H */
