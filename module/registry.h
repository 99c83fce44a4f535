/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The registry of pools and clients.  The contract is at the top of registry.c.
 */
#ifndef DAP_REGISTRY_H
#define DAP_REGISTRY_H

#include <linux/dma-map-ops.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/llist.h>
#include <linux/workqueue.h>

#include "pool.h"

struct dentry;
struct device_node;

/**
 * enum dap_entry_state - the life of a pool
 * @DAP_UP:    devices may become clients
 * @DAP_GOING: the pool's device is being removed.  No device becomes a client
 *             any more, but drivers that are being unbound can still allocate,
 *             unless the module is being unloaded
 * @DAP_GONE:  no more allocations; the pool lasts as long as its clients
 */
enum dap_entry_state {
	DAP_UP,
	DAP_GOING,
	DAP_GONE,
};

/**
 * struct dap_entry - a pool with its clients; protected by dap_lock()
 * @node:       entry in the list of pools.  It comes first, and the flags next,
 *              since short offsets make small code
 * @has_bus:    all clients use @bus, instead of their own translation
 * @is_default: serves devices for which nobody named a pool
 * @reported_unused: it was reported that this default pool has no clients
 * @state:      see there
 * @dev:        the pool's platform device, with a reference; NULL in DAP_GONE
 * @ref:        references to this structure: one for all of @users together,
 *              and one for each client until it is freed
 * @users:      references to the memory and all that belongs to it: one by the
 *              pool's device, and one by each client that has not ended
 * @idle:       entry in the list of pools without @users
 * @clients:    the clients that have not ended
 * @region_np:  the device tree node that a client's memory-region may name, or
 *              NULL
 * @bus:        bus address of the pool
 * @dir:        debugfs directory
 * @pool:       the pool itself; the last member, because of the others' offsets
 */
struct dap_entry {
	struct list_head node;
	bool has_bus;
	bool is_default;
	bool reported_unused;
	enum dap_entry_state state;
	struct device *dev;
	struct kref ref;
	struct kref users;
	struct llist_node idle;
	struct list_head clients;
	struct device_node *region_np;
	dma_addr_t bus;
	struct dentry *dir;
	struct dap_pool pool;
};

/**
 * enum dap_client_state - the life of a client
 * @DAP_NAMED:    the device does not have this client's operations.  It will
 *                become a client when it is bound next, or is one by those
 *                that its driver has copied from another client (@lender).
 * @DAP_ATTACHED: the device has our operations.  If a driver is bound, it can
 *                be unbound.
 * @DAP_PINNED:   the device has our operations, and a driver that cannot be
 *                unbound, or may be in use without any driver.  The module
 *                cannot be unloaded.
 * @DAP_LEAVING:  the device or the pool is gone, or the device was detached.
 *                The client keeps its operations, since it holds memory or a
 *                driver has copied them.
 * @DAP_ENDED:    the device is no client any more, and the pool may be gone.
 *                But its driver, or whoever made it, may be running in one of
 *                our operations, so the device keeps them.  What they allocate
 *                is the kernel's.
 * @DAP_DEAD:     it waits to be freed.  Other devices may still have copied
 *                operations of it.
 */
enum dap_client_state {
	DAP_NAMED,
	DAP_ATTACHED,
	DAP_PINNED,
	DAP_LEAVING,
	DAP_ENDED,
	DAP_DEAD,
};

/**
 * struct dap_client - a device whose coherent memory comes from a pool
 * @node:       entry in the list of the pool's clients, or of the clients that
 *              have ended; it comes first as in struct dap_entry
 * @by_default: nobody named this pool for it
 * @by_rmem:    the pool was asked for as a region, see rmem.c
 * @by_maker:   it was asked for while no driver was bound, by whoever made the
 *              device, who may use it without a driver at any time; or they
 *              have not given back a pool that it had before
 * @foreign:    it may free memory that is not of the pool, but that it got
 *              before it was a client, or in DAP_ENDED
 * @has_ref:    has a reference to @dev.  For a device on a bus always; for one
 *              on no bus only if it is removed while it holds memory, and in
 *              DAP_DEAD, since its children are looked at then.
 * @linked:     has a device link to the pool's device
 * @lends:      has a reference to @lender, since the driver is bound
 * @unsettled:  its last probe has failed, or its driver is going, and the driver
 *              core was not done with the device
 * @dev:        the device; NULL if it was freed before the memory that it
 *              holds, which is lost then
 * @pool:       the pool
 * @state:      see there
 * @before:     the operations that were in use before; NULL for the kernel's
 *              direct mapping
 * @saved:      what dma_ops of the device was before; NULL for the
 *              architecture's default
 * @companion:  stands in for the device where the direct mapping is needed
 * @lender:     the client whose operations this device's driver has copied.
 *              The lender takes them back before it is freed.  In DAP_ENDED, one
 *              that had ended or was about to, and is freed later.
 * @idle:       entry in the list of clients without references
 * @user:       what it holds, and its references, see registry.c
 * @driver:     name of the last driver, empty if there was none
 * @ops:        the operations of the device.  Each client has a copy of its
 *              own, so that container_of() finds the client in O(1) and in any
 *              context.
 */
struct dap_client {
	struct list_head node;
	bool by_default;
	bool by_rmem;
	bool by_maker;
	bool foreign;
	bool has_ref;
	bool linked;
	bool lends;
	bool unsettled;
	struct device *dev;
	struct dap_pool *pool;
	enum dap_client_state state;
	const struct dma_map_ops *before;
	const struct dma_map_ops *saved;
	struct device *companion;
	struct dap_client *lender;
	struct llist_node idle;
	struct dap_user user;
	char driver[24];
	struct dma_map_ops ops;
};

/**
 * enum dap_client_what - what dap_client_search() looks for
 * @DAP_CLIENT_AT:   the client that a device is now; it may be leaving
 * @DAP_BORROWER_AT: the client that a device is, if it has copied operations of
 *                   another
 * @DAP_BORROWER_OF: a client that has copied the operations of the given client
 * @DAP_OWNER_OF:    the client that the given operations belong to.  It may
 *                   have ended, while another device still has them.
 * @DAP_FOLLOWER_OF: a client that has copied the operations of the given client
 *                   when that had ended
 * @DAP_ENDED_OF:    a client that a device was, or one whose operations its
 *                   driver has copied, which cannot be freed yet
 * @DAP_FORMER_OF:   the same, if it ends with the driver
 *
 * From DAP_OWNER_OF on, clients that have ended are looked at, and for the last
 * ones no others.
 */
enum dap_client_what {
	DAP_CLIENT_AT,
	DAP_BORROWER_AT,
	DAP_BORROWER_OF,
	DAP_OWNER_OF,
	DAP_FOLLOWER_OF,
	DAP_ENDED_OF,
	DAP_FORMER_OF,
};

int dap_registry_init(work_func_t reap);
void dap_registry_exit(void);
void dap_registry_set_open(bool open);
void dap_registry_queue_reap(void);
void dap_registry_flush(const struct device *dev);

void dap_lock(void);
void dap_unlock(void);
#ifdef CONFIG_LOCKDEP
void dap_assert_locked(void);
#else
static inline void dap_assert_locked(void) { }
#endif

/* All pools; and whether devices may become clients.  Under dap_lock(). */
extern struct list_head dap_entries;
extern bool dap_registry_is_open;

extern struct workqueue_struct *dap_wq;

struct dap_entry *dap_entry_find(const char *name);
struct dap_entry *dap_entry_find_by_node(const struct device_node *region);
void dap_entry_unuse(struct dap_entry *entry);
void dap_entry_put(struct dap_entry *entry);
void dap_entries_release(void);

struct dap_client *dap_client_search(enum dap_client_what what,
				     const void *whose);
struct dap_client *dap_client_find_in(const struct device *dev,
				      const struct dap_entry *entry);
void dap_client_hold_device(struct dap_client *client);
bool dap_client_set_state(struct dap_client *client,
			  enum dap_client_state state);
bool __must_check dap_client_add_ended(struct dap_client *client);
void dap_client_put(struct dap_client *client);
void dap_client_queue_reap(struct dap_client *client);
void dap_client_add_idle(struct dap_client *client);
struct llist_node *dap_clients_take_idle(void);

/* The list of the clients of a pool. */
static inline struct list_head *dap_clients(struct dap_entry *entry)
{
	dap_assert_locked();
	return &entry->clients;
}

static inline struct dap_entry *dap_entry_of(const struct dap_client *client)
{
	return container_of(client->pool, struct dap_entry, pool);
}

/**
 * dap_client_find() - the client that a device is
 * @dev: the device
 *
 * Context: under dap_lock().
 * Return: the client, which may be leaving, or NULL.
 */
static inline struct dap_client *dap_client_find(const struct device *dev)
{
	return dap_client_search(DAP_CLIENT_AT, dev);
}

/* The client that @dev is, which must have our operations.  For any context. */
static inline struct dap_client *dap_client_of(struct device *dev)
{
	return container_of(get_dma_ops(dev), struct dap_client, ops);
}

#endif /* DAP_REGISTRY_H */
