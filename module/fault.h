/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's fault injection for the allocations of a pool, so that driver
 * writers can test their error paths (Documentation/fault-injection).  A kernel
 * without fault injection gets empty functions.
 */
#ifndef DAP_FAULT_H
#define DAP_FAULT_H

#include <linux/types.h>

struct dentry;

#ifdef CONFIG_FAULT_INJECTION_DEBUG_FS
#include <linux/dcache.h>
#include <linux/fault-inject.h>

/**
 * struct dap_fault - when allocations of a pool are to fail
 * @attr: as set by the files in fail_alloc; read without a lock, as everywhere
 *        in the kernel
 */
struct dap_fault {
	struct fault_attr attr;
};

static inline void dap_fault_init(struct dap_fault *fault)
{
	static const struct fault_attr none = FAULT_ATTR_INITIALIZER;

	fault->attr = none;
	/* The ratelimit state has a lock, which must not be copied. */
	ratelimit_state_init(&fault->attr.ratelimit_state, 0,
			     DEFAULT_RATELIMIT_BURST);
}

/* Not for a raw lock: it may print, and dump the stack. */
static inline bool dap_fault_hits(struct dap_fault *fault, size_t size)
{
	return should_fail(&fault->attr, size);
}

static inline void dap_fault_debugfs(struct dap_fault *fault,
				     struct dentry *dir)
{
	fault_create_debugfs_attr("fail_alloc", dir, &fault->attr);
}

/* Older kernels take a reference to the directory and keep it. */
static inline void dap_fault_exit(struct dap_fault *fault)
{
	void *name = &fault->attr.dname;

	if (__same_type(fault->attr.dname, struct dentry *))
		dput(*(struct dentry **)name);
}
#else
struct dap_fault {
};

static inline void dap_fault_init(struct dap_fault *fault) { }
static inline bool dap_fault_hits(struct dap_fault *fault, size_t size)
{
	return false;
}

static inline void dap_fault_debugfs(struct dap_fault *fault,
				     struct dentry *dir) { }
static inline void dap_fault_exit(struct dap_fault *fault) { }
#endif

#endif /* DAP_FAULT_H */
