// SPDX-License-Identifier: GPL-2.0
/*
 * Lets user space apply and remove device tree overlays at run time.  The kernel can do
 * that, but has no interface for it.
 *
 * Files in /sys/kernel/debug/dma_alias_pool_overlay/:
 *
 *   apply   write a compiled overlay with one write() to apply it
 *   remove  write "first" to remove the overlay that was applied first, anything else
 *	     to remove the last one
 *
 * The write fails if the kernel cannot apply or remove the overlay.  When the module is
 * unloaded, it removes those that are left.
 *
 * For test kernels only: the kernel trusts an overlay, whatever is in it.
 */
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/of.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/string.h>

#define OVERLAY_MAX	8

static DEFINE_MUTEX(overlay_lock);	/* protects the next two */
static int overlay_ids[OVERLAY_MAX];
static unsigned int overlay_count;

static struct dentry *overlay_root;

static int overlay_apply(const void *fdt, u32 size, int *id)
{
#ifdef DAP_OVERLAY_HAS_BASE
	return of_overlay_fdt_apply(fdt, size, id, NULL);
#else
	return of_overlay_fdt_apply((void *)fdt, size, id);
#endif
}

static ssize_t apply_write(struct file *file, const char __user *buf,
			   size_t count, loff_t *pos)
{
	void *fdt;
	int id = 0;
	int ret;

	if (*pos || count > SZ_64K)
		return -EINVAL;
	fdt = memdup_user(buf, count);
	if (IS_ERR(fdt))
		return PTR_ERR(fdt);

	mutex_lock(&overlay_lock);
	if (overlay_count == OVERLAY_MAX) {
		ret = -ENOSPC;
		goto out;
	}
	ret = overlay_apply(fdt, count, &id);
	if (!ret)
		overlay_ids[overlay_count++] = id;
	else if (id)
		of_overlay_remove(&id);	/* it may have been applied in part */
out:
	mutex_unlock(&overlay_lock);
	kfree(fdt);
	return ret ?: count;
}

static int overlay_remove(unsigned int i)
{
	int ret;

	if (i >= overlay_count)
		return -ENOENT;
	ret = of_overlay_remove(&overlay_ids[i]);
	if (!ret) {
		overlay_count--;
		memmove(overlay_ids + i, overlay_ids + i + 1,
			(overlay_count - i) * sizeof(overlay_ids[0]));
	}
	return ret;
}

/* The kernel demands that overlays that overlap are removed in reverse order. */
static int overlay_remove_last(void)
{
	return overlay_remove(overlay_count - 1);
}

static ssize_t remove_write(struct file *file, const char __user *buf,
			    size_t count, loff_t *pos)
{
	char word[8] = "";
	int ret;

	if (copy_from_user(word, buf, min(count, sizeof(word) - 1)))
		return -EFAULT;
	mutex_lock(&overlay_lock);
	ret = strcmp(word, "first") ? overlay_remove_last() : overlay_remove(0);
	mutex_unlock(&overlay_lock);
	return ret ?: count;
}

static const struct file_operations apply_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= apply_write,
};

static const struct file_operations remove_fops = {
	.owner	= THIS_MODULE,
	.open	= simple_open,
	.write	= remove_write,
};

static int __init overlay_init(void)
{
	overlay_root = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("apply", 0200, overlay_root, NULL, &apply_fops);
	debugfs_create_file("remove", 0200, overlay_root, NULL, &remove_fops);
	return 0;
}
module_init(overlay_init);

static void __exit overlay_exit(void)
{
	debugfs_remove_recursive(overlay_root);
	while (!overlay_remove_last())
		;
}
module_exit(overlay_exit);

MODULE_DESCRIPTION("Apply and remove device tree overlays, for tests");
MODULE_AUTHOR("The dma-alias-pool developers");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
