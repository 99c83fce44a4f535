// SPDX-License-Identifier: GPL-2.0
/*
 * The debugfs files of pools, for people and scripts.
 *
 * The files are for reading only, except for peak.  The pool's lock is held for
 * one figure or one allocation at a time, so that reading under load delays
 * nobody.  So each line is right, but the lines need not be of the same moment
 * (except in stats).  No kernel pointers are shown: places in the pool are
 * offsets.
 */
#include <linux/ctype.h>
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/seq_file.h>

#include "caller.h"
#include "debugfs.h"
#include "registry.h"

/* Number of pages shown on a line of the map. */
#define DAP_MAP_COLUMNS	64

static struct dentry *dap_root;

static unsigned int dap_count_clients(struct dap_entry *entry)
{
	struct dap_client *client;
	unsigned int count = 0;

	dap_lock();
	list_for_each_entry(client, dap_clients(entry), node)
		count++;
	dap_unlock();
	return count;
}

/* The values in the stats file, all of the size of a long. */
struct dap_shown {
	struct dap_pool_stats pool;
	unsigned long used_bytes;
	unsigned long live_allocs;
	unsigned long clients;
	unsigned long metadata_bytes;
};

#define DAP_SHOWN(key, member) { key, offsetof(struct dap_shown, member) }

static const struct {
	const char *key;
	size_t offset;
} dap_stats[] = {
	DAP_SHOWN("total_bytes", pool.total_bytes),
	DAP_SHOWN("used_bytes", used_bytes),
	DAP_SHOWN("requested_bytes", pool.count.requested_bytes),
	DAP_SHOWN("peak_used_bytes", pool.peak_used_bytes),
	DAP_SHOWN("free_bytes", pool.free_bytes),
	DAP_SHOWN("largest_free_bytes", pool.largest_free_bytes),
	DAP_SHOWN("live_allocs", live_allocs),
	DAP_SHOWN("alloc_count", pool.alloc_count),
	DAP_SHOWN("free_count", pool.count.free_count),
	DAP_SHOWN("fail_count", pool.count.fail_count),
	DAP_SHOWN("fallback_count", pool.count.fallback_count),
	DAP_SHOWN("bad_free_count", pool.count.bad_free_count),
	DAP_SHOWN("clients", clients),
	DAP_SHOWN("sweep_count", pool.sweeps),
	DAP_SHOWN("metadata_bytes", metadata_bytes),
};

static int dap_stats_show(struct seq_file *s, void *unused)
{
	struct dap_entry *entry = s->private;
	struct dap_shown shown;
	unsigned int i;

	dap_pool_stats(&entry->pool, &shown.pool);
	shown.used_bytes = shown.pool.total_bytes - shown.pool.free_bytes;
	shown.live_allocs = shown.pool.alloc_count -
			    shown.pool.count.free_count;
	shown.clients = dap_count_clients(entry);
	shown.metadata_bytes =
		dap_alloc_meta_size(shown.pool.total_bytes >> PAGE_SHIFT);

	for (i = 0; i < ARRAY_SIZE(dap_stats); i++)
		seq_printf(s, "%s %lu\n", dap_stats[i].key,
			   *(unsigned long *)((void *)&shown +
					      dap_stats[i].offset));
	return 0;
}

static int dap_clients_show(struct seq_file *s, void *unused)
{
	struct dap_entry *entry = s->private;
	struct dap_client *client;
	struct dap_user user;

	seq_puts(s, "name                     driver                 live_bytes   peak_bytes  allocations  failures    normal\n");
	dap_lock();
	list_for_each_entry(client, dap_clients(entry), node) {
		dap_pool_user_stats(client->pool, &client->user, &user);
		seq_printf(s, "%-24s %-20s %12zu %12zu %12lu %9lu %9u\n",
			   user.name, *client->driver ? client->driver : "-",
			   user.live_bytes, user.peak_bytes, user.allocs,
			   user.failures, user.fallbacks);
	}
	dap_unlock();
	return 0;
}

static void dap_show_caller(struct seq_file *s, unsigned long caller)
{
	char name[DAP_CALLER_LEN];

	seq_printf(s, "%s\n", dap_caller_name(caller, name));
}

/*
 * The position is 0 for the heading, and page + 1 after that.  So a file that
 * is read in pieces goes on at the right place, no matter what was freed
 * meanwhile.
 */
static void *dap_allocations_start(struct seq_file *s, loff_t *pos)
{
	struct dap_live *live = s->private;
	struct dap_entry *entry = file_inode(s->file)->i_private;

	if (!*pos)
		return SEQ_START_TOKEN;
	if (*pos > U32_MAX || !dap_pool_next_live(&entry->pool, *pos - 1, live))
		return NULL;
	*pos = live->page + 1;
	return live;
}

static void *dap_allocations_next(struct seq_file *s, void *v, loff_t *pos)
{
	struct dap_live *live = s->private;

	*pos = v == SEQ_START_TOKEN ? 1 : live->page + live->pages + 1;
	return dap_allocations_start(s, pos);
}

static void dap_allocations_stop(struct seq_file *s, void *v)
{
}

static int dap_allocations_show(struct seq_file *s, void *v)
{
	struct dap_live *live = v;

	if (v == SEQ_START_TOKEN) {
		seq_puts(s, "offset           size client                        age_s caller\n");
		return 0;
	}
	seq_printf(s, "0x%08x %10u %-24s %10u ", live->page << PAGE_SHIFT,
		   live->size, live->dev, live->age);
	dap_show_caller(s, live->caller);
	return 0;
}

static const struct seq_operations allocations_sops = {
	.start	= dap_allocations_start,
	.next	= dap_allocations_next,
	.stop	= dap_allocations_stop,
	.show	= dap_allocations_show,
};

/* Clients have letters in the order of the clients file; after z comes a. */
static char dap_client_letter(struct dap_entry *entry,
			      const struct dap_user *user)
{
	struct dap_client *client;
	unsigned int i = 0;

	list_for_each_entry(client, dap_clients(entry), node) {
		if (&client->user == user)
			return 'a' + i % 26;
		i++;
	}
	return '?';
}

static u32 dap_map_run(struct seq_file *s, u32 page, u32 end, char letter)
{
	while (page < end) {
		seq_putc(s, letter);
		if (++page % DAP_MAP_COLUMNS == 0)
			seq_putc(s, '\n');
	}
	return page;
}

/*
 * Show a dot for a free page, and the letter of its client for any other page;
 * a capital letter is the first page of an allocation.
 */
static int dap_map_show(struct seq_file *s, void *unused)
{
	struct dap_entry *entry = s->private;
	u32 pages = entry->pool.region.size >> PAGE_SHIFT;
	struct dap_live live;
	u32 page = 0;
	char letter;

	dap_lock();
	while (page < pages && dap_pool_next_live(&entry->pool, page, &live)) {
		letter = dap_client_letter(entry, live.user);
		page = dap_map_run(s, page, live.page, '.');
		page = dap_map_run(s, page, page + 1, toupper(letter));
		page = dap_map_run(s, page, live.page + live.pages, letter);
	}
	dap_unlock();
	dap_map_run(s, page, pages, '.');
	if (pages % DAP_MAP_COLUMNS)
		seq_putc(s, '\n');
	return 0;
}

/* The largest request that is counted in bucket @i. */
static unsigned long dap_bucket_bytes(unsigned int i)
{
	return PAGE_SIZE << i;
}

static int dap_requests_show(struct seq_file *s, void *unused)
{
	struct dap_entry *entry = s->private;
	struct dap_bucket bucket;
	unsigned int i;

	seq_puts(s, " up_to_bytes       served       failed\n");
	for (i = 0; i < DAP_BUCKETS; i++) {
		bucket = dap_pool_bucket(&entry->pool, i);
		if (!bucket.served && !bucket.failed)
			continue;
		if (i < DAP_BUCKETS - 1)
			seq_printf(s, "%12lu ", dap_bucket_bytes(i));
		else
			seq_puts(s, "        more ");
		seq_printf(s, "%12lu %12lu\n", bucket.served, bucket.failed);
	}
	return 0;
}

/* Show the last failure first. */
static int dap_failures_show(struct seq_file *s, void *unused)
{
	struct dap_entry *entry = s->private;
	struct dap_failure failure;
	unsigned int i;

	seq_puts(s, "     age_s         size         free largest_free client                   error caller\n");
	for (i = 0; i < DAP_FAILURES; i++) {
		if (!dap_pool_failure(&entry->pool, i, &failure))
			break;
		seq_printf(s, "%10u %12zu %12zu %12zu %-24s %5d ",
			   dap_pool_age(failure.when), failure.size,
			   failure.free, failure.largest, failure.dev,
			   failure.error);
		dap_show_caller(s, failure.caller);
	}
	return 0;
}

static int dap_peak_show(struct seq_file *s, void *unused)
{
	struct dap_entry *entry = s->private;
	u32 least_free = READ_ONCE(entry->pool.count.least_free);

	seq_printf(s, "%zu\n", (size_t)entry->pool.region.size -
		   ((size_t)least_free << PAGE_SHIFT));
	return 0;
}

static const struct {
	const char *name;
	umode_t mode;
	int (*show)(struct seq_file *s, void *unused);	/* NULL: allocations */
} dap_files[] = {
	{ "stats",	 0400, dap_stats_show },
	{ "clients",	 0400, dap_clients_show },
	{ "allocations", 0400 },
	{ "map",	 0400, dap_map_show },
	{ "requests",	 0400, dap_requests_show },
	{ "failures",	 0400, dap_failures_show },
	{ "peak",	 0600, dap_peak_show },
};

static int dap_file_open(struct inode *inode, struct file *file)
{
	unsigned int i = 0;

	/* This ends: files in debugfs keep their names. */
	while (strcmp(dap_files[i].name, file_dentry(file)->d_name.name))
		i++;
	if (!dap_files[i].show)
		return seq_open_private(file, &allocations_sops,
					sizeof(struct dap_live));
	return single_open(file, dap_files[i].show, inode->i_private);
}

static int dap_file_release(struct inode *inode, struct file *file)
{
	struct seq_file *s = file->private_data;

	if (s->op == &allocations_sops)
		return seq_release_private(inode, file);
	return single_release(inode, file);
}

/*
 * Writing anything to peak resets it.  The other files cannot be written to,
 * but root can open them for writing all the same.
 */
static ssize_t dap_file_write(struct file *file, const char __user *from,
			      size_t count, loff_t *pos)
{
	struct dap_entry *entry = file_inode(file)->i_private;
	struct seq_file *s = file->private_data;

	if (s->op->show != dap_peak_show)
		return -EINVAL;
	dap_pool_reset_peak(&entry->pool);
	return count;
}

static const struct file_operations dap_file_fops = {
	.owner		= THIS_MODULE,
	.open		= dap_file_open,
	.read		= seq_read,
	.write		= dap_file_write,
	.llseek		= seq_lseek,
	.release	= dap_file_release,
};

/**
 * dap_debugfs_add() - make the files of a pool
 * @entry: the pool, which removes them when it is released
 *
 * Without debugfs, nothing happens.
 *
 * Context: process context, may sleep.
 */
void dap_debugfs_add(struct dap_entry *entry)
{
	unsigned int i;

	entry->dir = debugfs_create_dir(entry->pool.name, dap_root);
	for (i = 0; i < ARRAY_SIZE(dap_files); i++)
		debugfs_create_file(dap_files[i].name, dap_files[i].mode,
				    entry->dir, entry, &dap_file_fops);
	dap_fault_debugfs(&entry->pool.fault, entry->dir);
}

/**
 * dap_debugfs_init() - make the directory of all pools
 */
void __init dap_debugfs_init(void)
{
	dap_root = debugfs_create_dir("dma_alias_pool", NULL);
}

/**
 * dap_debugfs_exit() - undo dap_debugfs_init()
 */
void dap_debugfs_exit(void)
{
	debugfs_remove(dap_root);
}
