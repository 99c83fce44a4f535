/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which pools and clients there are.  The contract is at the top of registry.c.
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
 * @DAP_GOING: its device is being removed: nobody joins, but drivers that are
 *	       being unbound may still need memory for it
 * @DAP_GONE:  no memory any more; it lasts as long as its clients
 */
enum dap_entry_state {
	DAP_UP,
	DAP_GOING,
	DAP_GONE,
};

/**
 * struct dap_entry - a pool and everybody around it, under dap_lock()
 * @state:	see there
 * @dev:	its platform device, with a reference; NULL in DAP_GONE
 * @ref:	references to this structure: by its users, all of them together, and
 *		by each client until it is freed
 * @users:	references to the memory and all that comes with it: by its device,
 *		and by each client that has not ended
 * @node:	in the list of pools
 * @idle:	in the list of those whose @users are gone
 * @clients:	those that have not ended
 * @region_np:	the node that clients' memory-region may name, or NULL
 * @bus:	bus address of the pool
 * @has_bus:	all clients use @bus, instead of their own translation
 * @is_default:	serves devices that nobody named
 * @is_idle:	but it was said that there are none
 * @dir:	debugfs directory
 * @pool:	the pool itself; at the end, since short offsets make small code
 */
struct dap_entry {
	enum dap_entry_state state;
	struct device *dev;
	struct kref ref;
	struct kref users;
	struct list_head node;
	struct llist_node idle;
	struct list_head clients;
	struct device_node *region_np;
	dma_addr_t bus;
	bool has_bus;
	bool is_default;
	bool is_idle;
	struct dentry *dir;
	struct dap_pool pool;
};

/**
 * enum dap_client_state - the life of a client
 * @DAP_NAMED:	  to be a client when its device is bound next; it has none of our
 *		  operations
 * @DAP_ATTACHED: its device has our operations; a driver may be bound, which can
 *		  be unbound
 * @DAP_PINNED:	  the same with a driver that cannot be unbound, or a device
 *		  without any: the module stays
 * @DAP_LEAVING:  its device, its pool or its part in it is gone, but somebody needs
 *		  its operations: it holds memory, or a driver has copied them
 * @DAP_ENDED:	  its operations are gone, and its pool may be, but a driver is bound
 *		  that may be in one of them
 * @DAP_DEAD:	  nobody finds it any more, it waits to be freed
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
 * @dev:	the device; NULL if it was freed before its memory, which is lost
 * @pool:	where its coherent memory comes from
 * @state:	see there
 * @before:	what the device used before; NULL is the kernel's direct mapping
 * @saved:	what its dma_ops were set to then; NULL is the architecture's
 * @companion:	stands in for the device where the direct mapping is needed
 * @lender:	the client whose operations the device's driver has copied; it takes
 *		them back before it goes
 * @node:	in the list of its pool's clients, or in that of those that have ended
 * @idle:	in the list of those that nobody refers to any more
 * @by_default:	nobody named this pool for it
 * @by_rmem:	its driver has asked, see rmem.c
 * @foreign:	may free memory that it got before it was a client
 * @has_ref:	has a reference to @dev, which is on a bus, or is removed
 * @lends:	has a reference to @lender, since that driver is bound
 * @user:	what it holds, and references, see registry.c
 * @driver:	name of the last driver, empty if there was none
 * @ops:	what the device uses; finds the client in O(1), also in atomic
 *		context (container_of), so each client has a copy of its own
 */
struct dap_client {
	struct device *dev;
	struct dap_pool *pool;
	enum dap_client_state state;
	const struct dma_map_ops *before;
	const struct dma_map_ops *saved;
	struct device *companion;
	struct dap_client *lender;
	struct list_head node;
	struct llist_node idle;
	bool by_default;
	bool by_rmem;
	bool foreign;
	bool has_ref;
	bool lends;
	struct dap_user user;
	char driver[24];
	struct dma_map_ops ops;
};

/**
 * enum dap_client_what - what to look for
 * @DAP_CLIENT_AT:   the client that a device is, which may be leaving
 * @DAP_ENDED_OF:    one that a device was, and that cannot be freed yet
 * @DAP_BORROWER_AT: one that a device is, which has another's operations
 * @DAP_BORROWER_OF: one that has the operations of a client
 * @DAP_OWNER_OF:    one whose operations these are
 */
enum dap_client_what {
	DAP_CLIENT_AT,
	DAP_ENDED_OF,
	DAP_BORROWER_AT,
	DAP_BORROWER_OF,
	DAP_OWNER_OF,
};

int dap_registry_init(work_func_t reap);
void dap_registry_exit(void);
void dap_registry_set_open(bool open);
void dap_registry_queue_reap(void);
void dap_registry_flush(void);

void dap_lock(void);
void dap_unlock(void);
#ifdef CONFIG_LOCKDEP
void dap_assert_locked(void);
#else
static inline void dap_assert_locked(void) { }
#endif

/* All pools, and may devices become their clients?  Under dap_lock(). */
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
bool dap_client_set_state(struct dap_client *client,
			  enum dap_client_state state);
void dap_client_put(struct dap_client *client);
void dap_client_queue_reap(struct dap_client *client);
void dap_client_add_idle(struct dap_client *client);
struct llist_node *dap_clients_take_idle(void);

/* The list of a pool's clients. */
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

/* @dev must be one; cheap and safe in any context. */
static inline struct dap_client *dap_client_of(struct device *dev)
{
	return container_of(get_dma_ops(dev), struct dap_client, ops);
}

#endif /* DAP_REGISTRY_H */
