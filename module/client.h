/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_CLIENT_H
#define DAP_CLIENT_H

#include <linux/dma-map-ops.h>
#include <linux/list.h>

#include "pool.h"

/**
 * struct dap_client - a device whose dma_map_ops are ours
 * @ops:	what the device uses; finds the client in O(1), also in atomic
 *		context (container_of), so each client has a copy of its own
 * @before:	what the device used before; NULL is the kernel's direct mapping
 * @saved:	what its dma_ops were set to then; NULL is the architecture's
 * @dev:	the device, with a reference
 * @pool:	where its coherent memory comes from
 * @bus:	what the device calls the start of the pool
 * @bus_end:	and its last byte
 * @companion:	stands in for the device where the direct mapping is needed
 * @user:	what it holds; under the pool's lock
 * @node:	in the list of clients, under dap_lock
 * @visit:	the last time somebody looked whether it can be dropped
 * @linked:	its pool's device is its supplier; until that is gone
 * @in_place:	attached while its driver was bound, and pins the module
 * @foreign:	may free memory that it got before it was a client
 * @by_default:	nobody named this pool for it
 * @gone:	the device was removed
 * @excluded:	detached on request: no pool until it is attached again
 * @announced:	the log says that it is a client
 * @driver:	name of the last driver, for the clients file
 */
struct dap_client {
	struct dma_map_ops ops;
	const struct dma_map_ops *before;
	const struct dma_map_ops *saved;
	struct device *dev;
	struct dap_pool *pool;
	dma_addr_t bus;
	dma_addr_t bus_end;
	struct device *companion;
	struct dap_user user;
	struct list_head node;
	unsigned long visit;
	bool linked;
	bool in_place;
	bool foreign;
	bool by_default;
	bool gone;
	bool excluded;
	bool announced;
	char driver[24];
};

/* @dev must be one; cheap and safe in any context. */
static inline struct dap_client *dap_client_of(struct device *dev)
{
	return container_of(get_dma_ops(dev), struct dap_client, ops);
}

void dap_ops_build(struct dap_client *client);
void dap_ops_calibrate(void);

/* attach.c: called from any context after the last free of a leaving client. */
void dap_client_drained(void);

#endif /* DAP_CLIENT_H */
