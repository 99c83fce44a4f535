// SPDX-License-Identifier: GPL-2.0
/*
 * What is in the pools, for people and scripts.
 *
 * Reads only.  The pool's lock is held for one figure or one allocation at a
 * time, so that reading under load delays nobody: what a file shows is right
 * line by line, not all of the same moment (but for stats).  No kernel pointers:
 * places in the pool are offsets.
 */
#include <linux/ctype.h>
#include <linux/debugfs.h>
#include <linux/jiffies.h>
#include <linux/seq_file.h>

#include "attach.h"
#include "caller.h"
#include "debugfs.h"

/* Pages shown on a line of the map. */
#define DAP_MAP_COLUMNS	64

static struct dentry *dap_root;

static unsigned int count_clients(struct dap_entry *entry)
{
	struct dap_client *client;
	unsigned int count = 0;

	dap_lock();
	list_for_each_entry(client, dap_clients(entry), node)
		count += !client->excluded;
	dap_unlock();
	return count;
}

static int stats_show(struct seq_file *s, void *unused)
{
	struct dap_entry *entry = s->private;
	struct dap_pool_stats stats;
	const struct dap_counters *count = &stats.count;

	dap_pool_stats(&entry->pool, &stats);
	seq_printf(s, "total_bytes %zu\n", stats.total_bytes);
	seq_printf(s, "used_bytes %zu\n", stats.total_bytes - stats.free_bytes);
	seq_printf(s, "requested_bytes %zu\n", count->requested_bytes);
	seq_printf(s, "peak_used_bytes %zu\n", stats.peak_used_bytes);
	seq_printf(s, "free_bytes %zu\n", stats.free_bytes);
	seq_printf(s, "largest_free_bytes %zu\n", stats.largest_free_bytes);
	seq_printf(s, "live_allocs %lu\n", count->alloc_count - count->free_count);
	seq_printf(s, "alloc_count %lu\n", count->alloc_count);
	seq_printf(s, "free_count %lu\n", count->free_count);
	seq_printf(s, "fail_count %lu\n", count->fail_count);
	seq_printf(s, "fallback_count %lu\n", count->fallback_count);
	seq_printf(s, "bad_free_count %lu\n", count->bad_free_count);
	seq_printf(s, "clients %u\n", count_clients(entry));
	seq_printf(s, "sweep_count %lu\n", stats.sweeps);
	seq_printf(s, "metadata_bytes %zu\n",
		   dap_alloc_meta_size(stats.total_bytes >> PAGE_SHIFT));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static int clients_show(struct seq_file *s, void *unused)
{
	struct dap_entry *entry = s->private;
	struct dap_client *client;
	struct dap_user user;

	seq_printf(s, "%-24s %-20s %12s %12s %12s %9s\n", "name", "driver",
		   "live_bytes", "peak_bytes", "allocations", "failures");
	dap_lock();
	list_for_each_entry(client, dap_clients(entry), node) {
		if (client->excluded)
			continue;
		dap_pool_user(client->pool, &client->user, &user);
		seq_printf(s, "%-24s %-20s %12zu %12zu %12lu %9lu\n",
			   dev_name(client->dev), client->driver,
			   user.live_bytes, user.peak_bytes, user.allocs,
			   user.failures);
	}
	dap_unlock();
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(clients);

static void show_caller(struct seq_file *s, unsigned long caller)
{
	char name[DAP_CALLER_LEN];

	seq_printf(s, "%s\n", dap_caller_name(caller, name));
}

/*
 * The position is 0 for the heading and page + 1 from then on: a file that is
 * read in pieces goes on where it was, whatever was freed meanwhile.
 */
static void *allocations_at(struct seq_file *s, loff_t *pos)
{
	struct dap_live *live = s->private;
	struct dap_entry *entry = file_inode(s->file)->i_private;

	if (!*pos)
		return SEQ_START_TOKEN;
	if (*pos > U32_MAX || !dap_pool_next(&entry->pool, *pos - 1, live))
		return NULL;
	*pos = live->page + 1;
	return live;
}

static void *allocations_start(struct seq_file *s, loff_t *pos)
{
	return allocations_at(s, pos);
}

static void *allocations_next(struct seq_file *s, void *v, loff_t *pos)
{
	struct dap_live *live = s->private;

	*pos = v == SEQ_START_TOKEN ? 1 : live->page + live->pages + 1;
	return allocations_at(s, pos);
}

static void allocations_stop(struct seq_file *s, void *v)
{
}

static int allocations_show(struct seq_file *s, void *v)
{
	struct dap_live *live = v;

	if (v == SEQ_START_TOKEN) {
		seq_printf(s, "%-10s %10s %-24s %10s %s\n", "offset", "size",
			   "client", "age_s", "caller");
		return 0;
	}
	seq_printf(s, "0x%08llx %10u %-24s %10u ", (u64)live->page << PAGE_SHIFT,
		   live->size, live->dev, live->age / HZ);
	show_caller(s, live->caller);
	return 0;
}

static const struct seq_operations allocations_sops = {
	.start	= allocations_start,
	.next	= allocations_next,
	.stop	= allocations_stop,
	.show	= allocations_show,
};

static int allocations_open(struct inode *inode, struct file *file)
{
	return seq_open_private(file, &allocations_sops,
				sizeof(struct dap_live));
}

static const struct file_operations allocations_fops = {
	.owner		= THIS_MODULE,
	.open		= allocations_open,
	.read		= seq_read,
	.llseek		= seq_lseek,
	.release	= seq_release_private,
};

/* Letters follow the order of the clients file, from a again after z. */
static char letter_of(struct dap_entry *entry, const struct dap_user *user)
{
	struct dap_client *client;
	unsigned int i = 0;

	list_for_each_entry(client, dap_clients(entry), node) {
		if (&client->user == user)
			return 'a' + i % 26;
		i += !client->excluded;
	}
	return '?';
}

static u32 map_run(struct seq_file *s, u32 page, u32 end, char letter)
{
	while (page < end) {
		seq_putc(s, letter);
		if (++page % DAP_MAP_COLUMNS == 0)
			seq_putc(s, '\n');
	}
	return page;
}

/* A dot for a free page; a client's letter else, capital where it begins. */
static int map_show(struct seq_file *s, void *unused)
{
	struct dap_entry *entry = s->private;
	u32 pages = entry->pool.region.size >> PAGE_SHIFT;
	struct dap_live live;
	u32 page = 0;
	char letter;

	dap_lock();
	while (page < pages && dap_pool_next(&entry->pool, page, &live)) {
		letter = letter_of(entry, live.user);
		page = map_run(s, page, live.page, '.');
		page = map_run(s, page, page + 1, toupper(letter));
		page = map_run(s, page, live.page + live.pages, letter);
	}
	dap_unlock();
	map_run(s, page, pages, '.');
	if (pages % DAP_MAP_COLUMNS)
		seq_putc(s, '\n');
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(map);

/* Bytes that a request may have to be counted in bucket @i, and no more. */
static u64 bucket_bytes(unsigned int i)
{
	return (u64)PAGE_SIZE << i;
}

static int requests_show(struct seq_file *s, void *unused)
{
	struct dap_entry *entry = s->private;
	struct dap_bucket bucket;
	unsigned int i;

	seq_printf(s, "%12s %12s %12s\n", "up_to_bytes", "served", "failed");
	for (i = 0; i < DAP_BUCKETS; i++) {
		bucket = dap_pool_bucket(&entry->pool, i);
		if (!bucket.served && !bucket.failed)
			continue;
		if (i < DAP_BUCKETS - 1)
			seq_printf(s, "%12llu ", bucket_bytes(i));
		else
			seq_printf(s, "%12s ", "more");
		seq_printf(s, "%12u %12u\n", bucket.served, bucket.failed);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(requests);

/* The last one first. */
static int failures_show(struct seq_file *s, void *unused)
{
	struct dap_entry *entry = s->private;
	struct dap_failure failure;
	unsigned int i;

	seq_printf(s, "%10s %12s %12s %12s %-24s %s\n", "age_s", "size", "free",
		   "largest_free", "client", "caller");
	for (i = 0; i < DAP_FAILURES; i++) {
		if (!dap_pool_failure(&entry->pool, i, &failure))
			break;
		seq_printf(s, "%10u %12zu %12zu %12zu %-24s ",
			   ((u32)jiffies - failure.when) / HZ, failure.size,
			   failure.free, failure.largest, failure.dev);
		show_caller(s, failure.caller);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(failures);

static int peak_show(struct seq_file *s, void *unused)
{
	struct dap_entry *entry = s->private;
	struct dap_pool_stats stats;

	dap_pool_stats(&entry->pool, &stats);
	seq_printf(s, "%zu\n", stats.peak_used_bytes);
	return 0;
}

static int peak_open(struct inode *inode, struct file *file)
{
	return single_open(file, peak_show, inode->i_private);
}

/* Whatever is written: from now on. */
static ssize_t peak_write(struct file *file, const char __user *from,
			  size_t count, loff_t *pos)
{
	struct dap_entry *entry = file_inode(file)->i_private;

	dap_pool_reset_peak(&entry->pool);
	return count;
}

static const struct file_operations peak_fops = {
	.owner		= THIS_MODULE,
	.open		= peak_open,
	.read		= seq_read,
	.write		= peak_write,
	.llseek		= seq_lseek,
	.release	= single_release,
};

/**
 * dap_debugfs_add() - make the files of a pool
 * @entry: the pool
 *
 * Context: process context, may sleep.  Without debugfs there are none.
 */
void dap_debugfs_add(struct dap_entry *entry)
{
	entry->dir = debugfs_create_dir(entry->pool.name, dap_root);
	debugfs_create_file("stats", 0400, entry->dir, entry, &stats_fops);
	debugfs_create_file("clients", 0400, entry->dir, entry, &clients_fops);
	debugfs_create_file("allocations", 0400, entry->dir, entry,
			    &allocations_fops);
	debugfs_create_file("map", 0400, entry->dir, entry, &map_fops);
	debugfs_create_file("requests", 0400, entry->dir, entry, &requests_fops);
	debugfs_create_file("failures", 0400, entry->dir, entry, &failures_fops);
	debugfs_create_file("peak", 0600, entry->dir, entry, &peak_fops);
	dap_fault_debugfs(&entry->pool.fault, entry->dir);
}

/**
 * dap_debugfs_remove() - remove the files of a pool, wait for their readers
 * @entry: the pool
 *
 * Context: process context, may sleep; not under dap_lock, readers take it.
 */
void dap_debugfs_remove(struct dap_entry *entry)
{
	debugfs_remove(entry->dir);
}

/**
 * dap_debugfs_init() - make the directory of all pools
 */
void dap_debugfs_init(void)
{
	dap_root = debugfs_create_dir("dma_alias_pool", NULL);
}

/**
 * dap_debugfs_exit() - remove it
 */
void dap_debugfs_exit(void)
{
	debugfs_remove(dap_root);
}
