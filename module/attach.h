/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_ATTACH_H
#define DAP_ATTACH_H

#include <linux/platform_device.h>

#include "client.h"
#include "params.h"

struct dentry;
struct device_node;

/* main.c */
extern struct platform_driver dap_pool_driver;

/* sysfs.c: the attributes of a pool's device */
extern const struct attribute_group *dap_groups[];

/**
 * struct dap_entry - a pool and everybody around it, under dap_lock
 * @pool:	the pool itself
 * @dev:	its platform device, with a reference; NULL once it is gone
 * @region_np:	the node that clients' memory-region may name, or NULL
 * @has_bus:	all clients use @bus, instead of their own translation
 * @bus:	bus address of the pool
 * @is_default:	serves devices that nobody named
 * @dead:	@dev goes or is gone: nobody joins, the last clients keep the rest
 * @node:	in the list of pools
 * @clients:	devices whose ops lead here
 * @dir:	debugfs directory
 */
struct dap_entry {
	struct dap_pool pool;
	struct device *dev;
	struct device_node *region_np;
	bool has_bus;
	dma_addr_t bus;
	bool is_default;
	bool dead;
	struct list_head node;
	struct list_head clients;
	struct dentry *dir;
};

/* attach.c: pools and their clients */
int dap_attach_init(void);
void dap_attach_exit(void);
void dap_attach_settle(void);
struct device *dap_find_device(const char *name);

struct dap_entry *dap_entry_create(struct device *dev,
				   const struct dap_spec *spec,
				   struct device_node *region_np, bool verify);
void dap_entry_retire(struct dap_entry *entry);

bool dap_entry_exists(const char *name);

void dap_lock(void);
void dap_unlock(void);
void dap_assert_locked(void);

struct dap_client *dap_client_find(struct device *dev);
struct dap_client *dap_client_add(struct device *dev, struct dap_entry *entry);
int dap_client_refresh(struct dap_client *client);
void dap_client_announce(struct dap_client *client);
bool dap_client_holds_memory(struct dap_client *client);
void dap_client_exclude(struct dap_client *client);
void dap_client_drop(struct dap_client *client);

/* policy.c: who gets which pool */
void dap_policy_init(struct dap_rule *rules, unsigned int nr_rules);
int dap_policy_check(void);
const char *dap_refusal(struct device *dev);
const char *dap_translate(struct device *dev, struct dap_entry *entry,
			  dma_addr_t *bus);
int dap_refuse(struct device *dev, const char *pool, const char *why);
struct dap_entry *dap_entry_find(const char *name);
struct dap_entry *dap_choose(struct device *dev, bool quiet, bool *by_default);

/* request.c: attach and detach on demand */
int dap_attach_device(struct dap_entry *entry, struct device *dev);
int dap_detach_device(struct dap_entry *entry, struct device *dev);

/* All pools, under dap_lock. */
extern struct list_head dap_entries;

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

#endif /* DAP_ATTACH_H */
