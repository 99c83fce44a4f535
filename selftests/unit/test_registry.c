// SPDX-License-Identifier: GPL-2.0
/*
 * module/registry.c as it is: which states a client can go through, what it and
 * its pool have in each of them, who holds the module and when, what goes with
 * the last reference, and when not yet, and who is found. As for lockdep, so that
 * a state that cannot be is complained of.
 */
#pragma GCC diagnostic ignored "-Wunused-parameter"	/* stand-ins have some */
#pragma GCC diagnostic ignored "-Wunused-function"	/* if registry.c is broken */
#include <errno.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <linux/bitops.h>
#include <linux/err.h>
#include <linux/kconfig.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/types.h>
#include <asm/barrier.h>

#include "tap.h"

#define CONFIG_LOCKDEP 1

struct kobject {
	int refs;
};

struct device {
	struct kobject kobj;
	struct {
		bool is_prepared;
	} power;
};

struct device_node {
	int refs;
};

struct dentry {
	bool removed;
};

/* A complaint, before anything else is done. Ends the call if one is waited for. */
static jmp_buf complained;
static bool may_complain;

static void complain(const char *what)
{
	if (may_complain)
		longjmp(complained, 1);
	fail("a complaint: %s", what);
}

#undef WARN_ON
#define WARN_ON(x)	((x) ? complain(#x) : (void)0)

static struct kobject *kobject_get_unless_zero(struct kobject *kobj);
static void dap_wait_for_links(void);

/* In place of module/compat.h */
#define DAP_COMPAT_H
#include "../../module/registry.c"

/* --- devices: the driver core has the first reference to each */

static struct kobject *kobject_get_unless_zero(struct kobject *kobj)
{
	EXPECT(dap_mutex.held);
	if (!kobj->refs)
		return NULL;
	kobj->refs++;
	return kobj;
}

/* --- the module */

static int module_refs;
static bool module_goes;
static struct dap_client *changing;	/* whose state it is */

bool try_module_get(struct module *module)
{
	if (module_goes)
		return false;
	module_refs++;
	return true;
}

void __module_get(struct module *module)
{
	module_refs++;
}

/* By then it can go: the state is one in which it may. */
void module_put(struct module *module)
{
	EXPECT(module_refs > 0);
	module_refs--;
	EXPECT(changing && !registry_pins_module(changing->state));
}

/* --- the queue */

struct workqueue_struct {
	int unused;
};

static struct workqueue_struct queue;
static bool no_memory;
static int queues;
static struct work_struct *pending;
static struct work_struct *running;
static unsigned int queued;	/* how often something was */

struct workqueue_struct *alloc_workqueue(const char *name, unsigned int flags,
					 int max_active)
{
	if (no_memory)
		return NULL;
	queues++;
	return &queue;
}

void destroy_workqueue(struct workqueue_struct *wq)
{
	EXPECT(wq == &queue && queues == 1 && !pending);
	queues--;
}

bool queue_work(struct workqueue_struct *wq, struct work_struct *work)
{
	bool was_pending = pending;

	EXPECT(wq == &queue && queues == 1);
	pending = work;
	queued++;
	return !was_pending;
}

bool flush_work(struct work_struct *work)
{
	bool was_pending = pending;

	/* It may be running, and wants the lock. */
	EXPECT(!dap_mutex.held);
	EXPECT(!pending || pending == work);
	/* It would wait for itself. */
	EXPECT(!running);
	pending = NULL;
	if (was_pending) {
		running = work;
		work->func(work);
		running = NULL;
	}
	return was_pending;
}

/* Links that were removed when the work has run, so not before. */
static unsigned int waited_for_links;

static void dap_wait_for_links(void)
{
	EXPECT(!dap_mutex.held && !pending && !running);
	waited_for_links++;
}

struct work_struct *current_work(void)
{
	return running;
}

/* How many times the work cannot free anybody, since a device is locked. */
static unsigned int busy;

/* As the work does it, which queues itself once more. */
void usleep_range(unsigned long min, unsigned long max)
{
	EXPECT(!dap_mutex.held && busy);
	busy--;
	dap_registry_queue_reap();
}

/* --- what a pool is made of, and in which order it goes */

static int entries, clients;	/* that are allocated */
static char calls[64];

static void called(char what)
{
	size_t len = strlen(calls);

	calls[len] = what;
	calls[len + 1] = '\0';
}

void debugfs_remove(struct dentry *dentry)
{
	/* Readers that it waits for take the lock. */
	EXPECT(!dap_mutex.held);
	EXPECT(!dentry->removed);
	dentry->removed = true;
	called('f');
}

void dap_pool_destroy(struct dap_pool *pool)
{
	struct dap_entry *entry = container_of(pool, struct dap_entry, pool);
	struct dap_entry *other;
	bool listed = false;

	/* A new pool of its name gets its memory as well, or neither. */
	EXPECT(dap_mutex.held);
	list_for_each_entry(other, &dap_entries, node)
		listed |= other == entry;
	EXPECT(listed);
	EXPECT(!kref_read(&entry->users) && kref_read(&entry->ref));
	called('d');
}

void of_node_put(struct device_node *np)
{
	EXPECT(np->refs == 1);
	np->refs--;
	called('n');
}

/* Only pools are freed by it. */
void kfree(const void *p)
{
	struct dap_entry *entry = (struct dap_entry *)p;

	EXPECT(!kref_read(&entry->ref));
	entries--;
	called('e');
	free(entry);
}

/* --- pools and clients */

static struct device devices[8];
static struct device_node nodes[4];
static struct dentry dirs[4];

static struct dap_entry *new_entry(unsigned int i, const char *name)
{
	struct dap_entry *entry = calloc(1, sizeof(*entry));

	entries++;
	kref_init(&entry->ref);
	kref_init(&entry->users);
	INIT_LIST_HEAD(&entry->clients);
	snprintf(entry->pool.name, sizeof(entry->pool.name), "%s", name);
	nodes[i].refs = 1;
	entry->region_np = &nodes[i];
	dirs[i].removed = false;
	entry->dir = &dirs[i];
	list_add_tail(&entry->node, &dap_entries);
	return entry;
}

/* As client.c does it. */
static struct dap_client *new_client(struct dap_entry *entry,
				     struct device *dev)
{
	struct dap_client *client = calloc(1, sizeof(*client));

	clients++;
	client->dev = dev;
	kref_get(&entry->ref);
	kref_get(&entry->users);
	client->pool = &entry->pool;
	kref_init(&client->user.ref);
	dap_lock();
	list_add_tail(&client->node, dap_clients(entry));
	dap_unlock();
	return client;
}

static void free_client(struct dap_client *client)
{
	struct dap_entry *entry = dap_entry_of(client);

	EXPECT(client->state == DAP_DEAD);
	EXPECT(client->has_ref == !!client->dev);
	if (client->has_ref)
		client->dev->kobj.refs--;
	clients--;
	list_del(&client->node);
	free(client);
	dap_entry_put(entry);
}

/* The work: whoever is dead is freed, whoever is not is looked at by the test. */
static struct dap_client *seen[8];
static unsigned int seen_count;

static void reap(struct work_struct *work)
{
	struct dap_client *client, *next;

	EXPECT(work == &dap_reap_work && !dap_mutex.held);
	llist_for_each_entry_safe(client, next, dap_clients_take_idle(), idle) {
		EXPECT(seen_count < ARRAY_SIZE(seen));
		seen[seen_count++] = client;
		/* The module stays until here. */
		EXPECT(client->state == DAP_DEAD || module_refs);
		if (client->state != DAP_DEAD)
			;
		else if (busy)
			dap_client_add_idle(client);
		else
			free_client(client);
		/* As when that was the last reference to a device with others below. */
		dap_registry_flush(NULL);
	}
	dap_entries_release();
}

static void start(void)
{
	unsigned int i;

	memset(&dap_mutex, 0, sizeof(dap_mutex));
	for (i = 0; i < ARRAY_SIZE(devices); i++)
		devices[i].kobj.refs = 1;
	INIT_LIST_HEAD(&dap_entries);
	INIT_LIST_HEAD(&dap_ended);
	dap_idle_clients.first = dap_idle_entries.first = NULL;
	dap_registry_is_open = false;
	module_goes = may_complain = no_memory = false;
	module_refs = entries = clients = queues = 0;
	pending = NULL;
	changing = NULL;
	queued = seen_count = busy = 0;
	calls[0] = '\0';
	EXPECT(!dap_registry_init(reap));
}

/* All that there was is gone. */
static void end(void)
{
	unsigned int i;

	dap_registry_exit();
	for (i = 0; i < ARRAY_SIZE(devices); i++)
		EXPECT(devices[i].kobj.refs <= 1);
	EXPECT(!entries && !clients && !module_refs && !queues);
	EXPECT(list_empty(&dap_entries) && list_empty(&dap_ended));
	EXPECT(!dap_mutex.held);
}

static bool change(struct dap_client *client, enum dap_client_state state)
{
	bool ret;

	steps++;
	changing = client;
	dap_lock();
	ret = dap_client_set_state(client, state);
	dap_unlock();
	changing = NULL;
	return ret;
}

static void changes(struct dap_client *client, enum dap_client_state state)
{
	EXPECT(change(client, state));
	EXPECT(client->state == state);
}

/* Its last reference, in a state in which it is nobody's any more. */
static void drop_dead(struct dap_client *client)
{
	EXPECT(client->state == DAP_DEAD && kref_read(&client->user.ref) == 1);
	dap_client_put(client);
	dap_registry_flush(NULL);
}

/* --- states */

#define STATES	(DAP_DEAD + 1)

static const char *const state_names[STATES] = {
	"NAMED", "ATTACHED", "PINNED", "LEAVING", "ENDED", "DEAD",
};

/*
 * The table at the top of registry.c, a row for what a client is, a column for what
 * it becomes. Bound again, one that is pinned may stay so.
 */
static const bool possible[STATES][STATES] = {
	/*		  NAM AT PI LE EN DE */
	[DAP_NAMED]	= { 0, 1, 1, 1, 0, 1 },
	[DAP_ATTACHED]	= { 0, 1, 1, 1, 1, 1 },
	[DAP_PINNED]	= { 0, 1, 1, 1, 1, 1 },
	[DAP_LEAVING]	= { 0, 0, 0, 0, 1, 1 },
	[DAP_ENDED]	= { 0, 0, 0, 0, 0, 1 },
	[DAP_DEAD]	= { 0, 0, 0, 0, 0, 0 },
};

/*
 * What each has: the module, and a part in the pool, by which it is found.  The owner
 * of operations is found in any state, as others may have copied them.
 */
static const struct {
	bool module, part;
} has[STATES] = {
	[DAP_NAMED]	= { 0, 1 },
	[DAP_ATTACHED]	= { 0, 1 },
	[DAP_PINNED]	= { 1, 1 },
	[DAP_LEAVING]	= { 1, 1 },
	[DAP_ENDED]	= { 1, 0 },
	[DAP_DEAD]	= { 0, 0 },
};

/* The only client there is. */
static void check_client(struct dap_client *client, enum dap_client_state state)
{
	struct dap_entry *entry = dap_entry_of(client);

	EXPECT(client->state == state);
	EXPECT(module_refs == has[state].module);
	EXPECT(kref_read(&entry->users) == 1U + has[state].part);
	EXPECT(kref_read(&entry->ref) == 2);
	EXPECT(kref_read(&client->user.ref) == 1);
	dap_lock();
	EXPECT(list_empty(dap_clients(entry)) == !has[state].part);
	EXPECT(list_empty(&dap_ended) == has[state].part);
	EXPECT(dap_client_find(client->dev) ==
	       (has[state].part ? client : NULL));
	EXPECT(dap_client_search(DAP_OWNER_OF, &client->ops) == client);
	EXPECT(dap_client_search(DAP_ENDED_OF, client->dev) ==
	       (state == DAP_ENDED ? client : NULL));
	dap_unlock();
	EXPECT(!queued);
}

/* A client of a pool of its own, in any state. */
static struct dap_client *client_in(enum dap_client_state state)
{
	struct dap_client *client;

	client = new_client(new_entry(0, "pool"), &devices[0]);
	check_client(client, DAP_NAMED);
	if (state == DAP_LEAVING || state == DAP_ENDED)
		changes(client, DAP_ATTACHED);
	if (state != DAP_NAMED)
		changes(client, state);
	check_client(client, state);
	return client;
}

/* And away with it, from any state. */
static void finish(struct dap_client *client)
{
	struct dap_entry *entry = dap_entry_of(client);

	if (client->state != DAP_DEAD)
		changes(client, DAP_DEAD);
	check_client(client, DAP_DEAD);
	drop_dead(client);
	dap_entry_unuse(entry);
	end();
}

/* The client of a device on no bus has no reference to it until it is dead. */
static void device_of_the_dead(void)
{
	struct device *dev = &devices[0];
	struct dap_client *client;

	start();
	client = client_in(DAP_PINNED);
	EXPECT(!client->has_ref && dev->kobj.refs == 1);
	changes(client, DAP_ENDED);
	EXPECT(!client->has_ref && dev->kobj.refs == 1);
	changes(client, DAP_DEAD);
	EXPECT(client->has_ref && client->dev == dev && dev->kobj.refs == 2);
	finish(client);
	EXPECT(dev->kobj.refs == 1);

	/* It has one already. */
	start();
	client = client_in(DAP_LEAVING);
	dap_lock();
	dap_client_hold_device(client);
	dap_unlock();
	EXPECT(client->has_ref && dev->kobj.refs == 2);
	finish(client);
	EXPECT(dev->kobj.refs == 1);

	/* The device is being freed. */
	start();
	client = client_in(DAP_LEAVING);
	dev->kobj.refs = 0;
	changes(client, DAP_DEAD);
	EXPECT(!client->has_ref && !client->dev && !dev->kobj.refs);
	finish(client);
}

static void each_change(void)
{
	struct dap_client *volatile client;
	volatile unsigned int from, to;

	for (from = 0; from < STATES; from++) {
		for (to = 0; to < STATES; to++) {
			start();
			client = client_in(from);
			if (possible[from][to]) {
				EXPECT(change(client, to));
				check_client(client, to);
			} else if (!setjmp(complained)) {
				may_complain = true;
				change(client, to);
				fail("%s may become %s", state_names[from],
				     state_names[to]);
			} else {
				/* with nothing done yet */
				may_complain = false;
				EXPECT(dap_mutex.held);
				dap_unlock();
				check_client(client, from);
			}
			finish(client);
		}
	}
}

/* One that cannot be pinned stays what it is; one that goes finds the module. */
static void module_goes_away(void)
{
	static const enum dap_client_state pinned_from[] = {
		DAP_NAMED, DAP_ATTACHED,
	};
	struct dap_client *client;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(pinned_from); i++) {
		start();
		client = client_in(pinned_from[i]);
		module_goes = true;
		EXPECT(!change(client, DAP_PINNED));
		check_client(client, pinned_from[i]);
		EXPECT(change(client, DAP_ATTACHED));
		check_client(client, DAP_ATTACHED);
		EXPECT(change(client, DAP_LEAVING));
		check_client(client, DAP_LEAVING);
		EXPECT(change(client, DAP_ENDED));
		check_client(client, DAP_ENDED);
		finish(client);
	}

	start();
	client = client_in(DAP_ATTACHED);
	module_goes = true;
	EXPECT(change(client, DAP_ENDED));
	check_client(client, DAP_ENDED);
	finish(client);

	/* what has it already needs no other */
	start();
	client = client_in(DAP_PINNED);
	module_goes = true;
	EXPECT(change(client, DAP_PINNED));
	check_client(client, DAP_PINNED);
	EXPECT(change(client, DAP_LEAVING));
	check_client(client, DAP_LEAVING);
	finish(client);
}

/* --- references */

static void client_refs(void)
{
	struct dap_entry *entry;
	struct dap_client *client, *other;

	start();
	entry = new_entry(0, "pool");
	client = new_client(entry, &devices[0]);
	other = new_client(entry, &devices[1]);
	kref_get(&client->user.ref);	/* memory */
	kref_get(&client->user.ref);	/* who has copied its operations */
	changes(client, DAP_ATTACHED);

	dap_client_put(client);
	changes(client, DAP_LEAVING);
	dap_client_put(client);
	EXPECT(!queued && !dap_idle_clients.first);
	/* The last one is dropped in any context, so that all else is later. */
	dap_lock();
	dap_client_put(client);
	EXPECT(queued == 1 && pending && !seen_count);
	EXPECT(client->state == DAP_LEAVING && module_refs == 1);
	dap_unlock();
	dap_registry_flush(NULL);
	EXPECT(module_refs == 1);
	EXPECT(seen_count == 1 && seen[0] == client && clients == 2);

	/* It is seen once for each time that it was queued. */
	waited_for_links = 0;
	dap_registry_flush(NULL);
	EXPECT(seen_count == 1 && !dap_clients_take_idle());
	EXPECT(waited_for_links == 1);
	dap_registry_flush(&devices[0]);
	EXPECT(waited_for_links == 2);
	/* These may be waiting for a device that is suspended. */
	devices[0].power.is_prepared = true;
	dap_registry_queue_reap();
	dap_registry_flush(&devices[0]);
	EXPECT(waited_for_links == 2 && !pending);
	devices[0].power.is_prepared = false;
	queued = 1;
	dap_client_queue_reap(client);
	EXPECT(queued == 2);
	dap_registry_flush(NULL);
	EXPECT(seen_count == 2 && seen[1] == client);

	/* Two at once, and the work once. */
	changes(client, DAP_DEAD);
	changes(other, DAP_DEAD);
	dap_client_queue_reap(client);
	dap_client_put(other);
	dap_registry_flush(NULL);
	EXPECT(seen_count == 4 && seen[2] != seen[3] && !clients);

	EXPECT(entries == 1 && kref_read(&entry->ref) == 1);
	EXPECT(kref_read(&entry->users) == 1 && !calls[0]);
	dap_entry_unuse(entry);
	end();
}

/* Its memory goes with its last user, when the work is there; not before. */
static void pool_users(void)
{
	struct dap_client *client, *other;
	struct dap_entry *entry;

	/* its device is the last one */
	start();
	entry = new_entry(0, "pool");
	client = new_client(entry, &devices[0]);
	changes(client, DAP_DEAD);
	drop_dead(client);
	EXPECT(!calls[0]);
	dap_lock();
	EXPECT(dap_entry_find("pool") == entry);
	dap_entry_unuse(entry);
	EXPECT(pending && !calls[0] && dap_entry_find("pool") == entry);
	dap_unlock();
	dap_registry_flush(NULL);
	EXPECT(!strcmp(calls, "fdne"));
	end();

	/* a client is */
	start();
	entry = new_entry(0, "pool");
	client = new_client(entry, &devices[0]);
	other = new_client(entry, &devices[1]);
	changes(client, DAP_ATTACHED);
	changes(other, DAP_ATTACHED);
	changes(other, DAP_DEAD);
	EXPECT(kref_read(&entry->users) == 2);
	dap_entry_unuse(entry);
	changes(client, DAP_LEAVING);
	EXPECT(!queued && kref_read(&entry->users) == 1);
	changes(client, DAP_DEAD);
	EXPECT(queued == 1 && !calls[0] && !seen_count);
	/* Its structure is there until each client is freed. */
	dap_registry_flush(NULL);
	EXPECT(!strcmp(calls, "fdn") && entries == 1);
	EXPECT(list_empty(&dap_entries) && kref_read(&entry->ref) == 2);
	drop_dead(other);
	EXPECT(entries == 1);
	drop_dead(client);
	EXPECT(!strcmp(calls, "fdne") && !entries);
	end();

	/* one that has ended is not, but has its structure */
	start();
	entry = new_entry(0, "pool");
	client = new_client(entry, &devices[0]);
	changes(client, DAP_PINNED);
	dap_entry_unuse(entry);
	changes(client, DAP_ENDED);
	dap_registry_flush(NULL);
	EXPECT(!strcmp(calls, "fdn") && entries == 1);
	EXPECT(dap_entry_of(client) == entry && module_refs == 1);
	changes(client, DAP_DEAD);
	EXPECT(!strcmp(calls, "fdn"));
	drop_dead(client);
	EXPECT(!strcmp(calls, "fdne"));
	end();
}

static void several_pools(void)
{
	struct dap_entry *first, *second, *third;
	struct dap_client *client;

	start();
	first = new_entry(0, "first");
	second = new_entry(1, "second");
	third = new_entry(2, "third");
	client = new_client(second, &devices[0]);
	changes(client, DAP_ATTACHED);
	dap_entry_unuse(third);
	dap_entry_unuse(first);
	dap_registry_flush(NULL);
	EXPECT(!strcmp(calls, "fdnefdne") && entries == 1);
	dap_lock();
	EXPECT(!dap_entry_find("first") && !dap_entry_find("third"));
	EXPECT(dap_entry_find("second") == second);
	EXPECT(dap_client_find(&devices[0]) == client);
	dap_unlock();
	dap_entry_unuse(second);
	changes(client, DAP_DEAD);
	drop_dead(client);
	end();
}

/* --- who is found */

static void names(void)
{
	struct dap_entry *first, *second, *third;

	start();
	dap_lock();
	EXPECT(!dap_entry_find("") && !dap_entry_find("first"));
	dap_unlock();
	first = new_entry(0, "first");
	second = new_entry(1, "second");
	dap_lock();
	EXPECT(dap_entry_find("first") == first);
	EXPECT(dap_entry_find("second") == second);
	EXPECT(!dap_entry_find("third"));
	EXPECT(!dap_entry_find(""));
	dap_unlock();
	dap_entry_unuse(first);
	dap_registry_flush(NULL);
	dap_lock();
	EXPECT(dap_entry_find("") == second);
	EXPECT(dap_entry_find("second") == second);
	EXPECT(!dap_entry_find("first"));
	dap_unlock();
	/* A region's pool is the latest of them: those before it are gone. */
	third = new_entry(2, "third");
	dap_lock();
	EXPECT(dap_entry_find_by_node(&nodes[1]) == second);
	EXPECT(dap_entry_find_by_node(&nodes[2]) == third && !dap_entry_find_by_node(&nodes[3]));
	second->region_np = &nodes[2];
	EXPECT(dap_entry_find_by_node(&nodes[2]) == third);
	second->region_np = NULL;
	EXPECT(!dap_entry_find_by_node(NULL));
	second->region_np = &nodes[1];
	dap_unlock();
	dap_entry_unuse(third);
	dap_entry_unuse(second);
	dap_registry_flush(NULL);
	dap_lock();
	EXPECT(!dap_entry_find(""));
	dap_unlock();
	end();
}

static void finding(void)
{
	static const struct dma_map_ops others;
	struct dap_client *a, *b, *older, *old, *now;
	struct dap_entry *first, *second;

	start();
	first = new_entry(0, "first");
	second = new_entry(1, "second");
	a = new_client(first, &devices[0]);
	b = new_client(second, &devices[1]);

	/* A device that has been a client twice, and is one again. */
	older = new_client(first, &devices[2]);
	changes(older, DAP_ATTACHED);
	changes(older, DAP_ENDED);
	old = new_client(second, &devices[2]);
	changes(old, DAP_PINNED);
	dap_lock();
	EXPECT(dap_client_find(&devices[2]) == old);
	EXPECT(dap_client_search(DAP_ENDED_OF, &devices[2]) == older);
	dap_unlock();
	changes(old, DAP_ENDED);
	dap_lock();
	EXPECT(!dap_client_find(&devices[2]));
	dap_unlock();
	now = new_client(second, &devices[2]);
	/* One whose device is gone, which is no device. */
	b->dev = NULL;

	dap_lock();
	EXPECT(dap_client_find(&devices[0]) == a);
	EXPECT(!dap_client_find(&devices[1]));
	EXPECT(dap_client_find(&devices[2]) == now);
	EXPECT(!dap_client_find(&devices[3]));
	EXPECT(dap_client_search(DAP_OWNER_OF, &a->ops) == a);
	EXPECT(dap_client_search(DAP_OWNER_OF, &b->ops) == b);
	EXPECT(dap_client_search(DAP_OWNER_OF, &now->ops) == now);
	EXPECT(dap_client_search(DAP_OWNER_OF, &old->ops) == old);
	EXPECT(dap_client_search(DAP_OWNER_OF, &older->ops) == older);
	EXPECT(!dap_client_search(DAP_OWNER_OF, &others));
	EXPECT(!dap_client_search(DAP_OWNER_OF, NULL));
	EXPECT(!dap_client_search(DAP_ENDED_OF, &devices[0]));
	EXPECT(!dap_client_search(DAP_ENDED_OF, &devices[1]));
	EXPECT(dap_client_search(DAP_ENDED_OF, &devices[2]) == old ||
	       dap_client_search(DAP_ENDED_OF, &devices[2]) == older);
	dap_unlock();

	changes(old, DAP_DEAD);
	dap_lock();
	EXPECT(dap_client_search(DAP_ENDED_OF, &devices[2]) == older);
	/* Until it is freed. */
	EXPECT(dap_client_search(DAP_OWNER_OF, &old->ops) == old);
	dap_unlock();
	changes(older, DAP_DEAD);
	dap_lock();
	EXPECT(!dap_client_search(DAP_ENDED_OF, &devices[2]));
	EXPECT(dap_client_find(&devices[2]) == now);
	dap_unlock();

	drop_dead(old);
	drop_dead(older);
	changes(a, DAP_DEAD);
	changes(b, DAP_DEAD);
	changes(now, DAP_DEAD);
	drop_dead(a);
	drop_dead(b);
	drop_dead(now);
	dap_entry_unuse(first);
	dap_entry_unuse(second);
	end();
}

static void borrowers(void)
{
	struct dap_client *lender, *other, *borrower;
	struct dap_entry *first, *second;

	start();
	first = new_entry(0, "first");
	second = new_entry(1, "second");
	lender = new_client(first, &devices[0]);
	other = new_client(second, &devices[1]);
	borrower = new_client(second, &devices[2]);
	borrower->lender = lender;
	dap_lock();
	EXPECT(!dap_client_search(DAP_BORROWER_AT, &devices[0]));
	EXPECT(!dap_client_search(DAP_BORROWER_AT, &devices[1]));
	EXPECT(dap_client_search(DAP_BORROWER_AT, &devices[2]) == borrower);
	EXPECT(!dap_client_search(DAP_BORROWER_AT, &devices[3]));
	EXPECT(dap_client_search(DAP_BORROWER_OF, lender) == borrower);
	EXPECT(!dap_client_search(DAP_BORROWER_OF, other));
	EXPECT(!dap_client_search(DAP_BORROWER_OF, borrower));
	EXPECT(!dap_client_search(DAP_FOLLOWER_OF, lender));
	borrower->lender = NULL;
	EXPECT(!dap_client_search(DAP_BORROWER_AT, &devices[2]));
	EXPECT(!dap_client_search(DAP_BORROWER_OF, lender));
	dap_unlock();

	changes(lender, DAP_DEAD);
	changes(other, DAP_DEAD);
	changes(borrower, DAP_DEAD);
	drop_dead(lender);
	drop_dead(other);
	drop_dead(borrower);
	dap_entry_unuse(first);
	dap_entry_unuse(second);
	end();
}

static struct dap_client *new_follower(struct dap_client *lender,
				       struct device *dev)
{
	struct dap_client *client = calloc(1, sizeof(*client));

	clients++;
	client->dev = dev;
	client->has_ref = true;
	dev->kobj.refs++;
	client->lender = lender;
	client->pool = lender->pool;
	kref_get(&dap_entry_of(lender)->ref);
	return client;
}

/* Who has copied operations of one that had ended is none of its pool. */
static void followers(void)
{
	struct dap_client *lender, *follower;
	struct dap_entry *entry;

	start();
	entry = new_entry(0, "pool");
	lender = new_client(entry, &devices[0]);
	changes(lender, DAP_DEAD);
	dap_entry_unuse(entry);
	dap_registry_flush(NULL);
	EXPECT(list_empty(&dap_entries) && entries == 1 && !module_refs);

	follower = new_follower(lender, &devices[1]);
	dap_lock();
	EXPECT(!dap_client_search(DAP_FOLLOWER_OF, lender));
	EXPECT(dap_client_add_ended(follower));
	EXPECT(follower->state == DAP_ENDED && module_refs == 1);
	EXPECT(dap_client_search(DAP_FOLLOWER_OF, lender) == follower);
	EXPECT(!dap_client_search(DAP_FOLLOWER_OF, follower));
	EXPECT(!dap_client_search(DAP_BORROWER_OF, lender));
	EXPECT(!dap_client_search(DAP_BORROWER_AT, &devices[1]));
	EXPECT(!dap_client_find(&devices[1]));
	EXPECT(dap_client_search(DAP_ENDED_OF, &devices[1]) == follower);
	EXPECT(dap_client_search(DAP_FORMER_OF, &devices[1]) == follower);
	follower->by_maker = true;
	EXPECT(dap_client_search(DAP_ENDED_OF, &devices[1]) == follower);
	EXPECT(!dap_client_search(DAP_FORMER_OF, &devices[1]));
	dap_unlock();
	changes(follower, DAP_DEAD);
	EXPECT(!module_refs);
	dap_client_queue_reap(follower);
	dap_registry_flush(NULL);
	EXPECT(entries == 1 && clients == 1 && devices[1].kobj.refs == 1);
	drop_dead(lender);

	/* The module goes, and cannot wait for it. */
	entry = new_entry(0, "pool");
	lender = new_client(entry, &devices[0]);
	changes(lender, DAP_DEAD);
	follower = new_follower(lender, &devices[1]);
	module_goes = true;
	dap_lock();
	EXPECT(!dap_client_add_ended(follower));
	EXPECT(follower->state == DAP_DEAD && !module_refs);
	EXPECT(dap_client_search(DAP_FOLLOWER_OF, lender) == follower);
	dap_unlock();
	dap_client_queue_reap(follower);
	dap_registry_flush(NULL);
	drop_dead(lender);
	dap_entry_unuse(entry);
	end();
}

/* --- load and unload */

static void set_up(void)
{
	struct dap_client *client;
	struct dap_entry *entry;

	start();
	end();
	no_memory = true;
	EXPECT(dap_registry_init(reap) == -ENOMEM && !queues);

	/* What is left to do at unload is done before the queue goes. */
	start();
	dap_entry_unuse(new_entry(0, "pool"));
	EXPECT(pending && entries == 1);
	end();

	/* So is what has to wait for somebody else. */
	start();
	entry = new_entry(0, "pool");
	client = new_client(entry, &devices[0]);
	dap_entry_unuse(entry);
	changes(client, DAP_DEAD);
	dap_client_queue_reap(client);
	busy = 3;
	end();
	EXPECT(!busy);
}

static void open_and_closed(void)
{
	start();
	EXPECT(!dap_registry_is_open);
	dap_registry_set_open(true);
	EXPECT(dap_registry_is_open && dap_mutex.taken == 1);
	dap_registry_set_open(false);
	EXPECT(!dap_registry_is_open && dap_mutex.taken == 2);
	end();
}

/* RELIES(call;): the call makes sure that the caller has the lock, or never would */
#define RELIES(call)							\
	do {								\
		asked = dap_mutex.asked;				\
		call							\
		if (dap_mutex.asked == asked)				\
			fail("%s: without the lock as well", #call);	\
	} while (0)

static void locking(void)
{
	unsigned long asked, taken;
	struct dap_client *client;
	struct dap_entry *entry;

	start();
	entry = new_entry(0, "pool");
	client = new_client(entry, &devices[0]);
	dap_lock();
	changing = client;
	RELIES(dap_entry_find("pool"););
	RELIES(dap_client_find(&devices[0]););
	RELIES(dap_client_search(DAP_OWNER_OF, NULL););
	RELIES(dap_client_search(DAP_ENDED_OF, &devices[0]););
	RELIES(dap_clients(entry););
	RELIES(dap_client_set_state(client, DAP_DEAD););
	dap_unlock();

	/* These are for any context. */
	taken = dap_mutex.taken;
	asked = dap_mutex.asked;
	dap_client_put(client);
	dap_entry_unuse(entry);
	kref_get(&entry->ref);
	dap_entry_put(entry);
	EXPECT(dap_mutex.taken == taken && dap_mutex.asked == asked);
	/* And this one takes it for the list, once a pool. */
	dap_registry_flush(NULL);
	EXPECT(dap_mutex.taken == taken + 1);
	end();
}

/* --- lives of many, by chance */

static void by_chance(void)
{
	struct dap_client *client[8] = { NULL };
	struct dap_entry *entry[2];
	unsigned int i, k, round, users[2], pinned;
	enum dap_client_state state;

	start();
	entry[0] = new_entry(0, "first");
	entry[1] = new_entry(1, "second");
	for (round = 0; round < 20000; round++) {
		i = rnd(8);
		k = i & 1;
		state = rnd(STATES);
		if (!client[i]) {
			client[i] = new_client(entry[k], &devices[i / 2]);
		} else if (client[i]->state == DAP_DEAD) {
			seen_count = 0;
			drop_dead(client[i]);
			client[i] = NULL;
		} else if (possible[client[i]->state][state]) {
			changes(client[i], state);
		}

		users[0] = users[1] = 1;
		pinned = 0;
		for (i = 0; i < 8; i++) {
			if (!client[i])
				continue;
			users[i & 1] += has[client[i]->state].part;
			pinned += has[client[i]->state].module;
		}
		EXPECT(kref_read(&entry[0]->users) == users[0]);
		EXPECT(kref_read(&entry[1]->users) == users[1]);
		EXPECT(module_refs == (int)pinned);
	}
	dap_entry_unuse(entry[0]);
	dap_entry_unuse(entry[1]);
	for (i = 0; i < 8; i++) {
		if (!client[i])
			continue;
		if (client[i]->state != DAP_DEAD)
			changes(client[i], DAP_DEAD);
		seen_count = 0;
		drop_dead(client[i]);
	}
	end();
}

static const struct tap_test tests[] = {
	{ "each change of state, and no other", each_change },
	{ "the device of a client that is dead", device_of_the_dead },
	{ "the module goes", module_goes_away },
	{ "references to a client", client_refs },
	{ "users of a pool, and references to it", pool_users },
	{ "several pools go", several_pools },
	{ "pools by name", names },
	{ "clients by device and operations", finding },
	{ "borrowers, and whose they are", borrowers },
	{ "who follows one that has ended", followers },
	{ "set-up, and what may fail in it", set_up },
	{ "open and closed", open_and_closed },
	{ "who relies on the lock", locking },
	{ "lives by chance", by_chance },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
