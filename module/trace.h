/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints dma_alias_pool:*, for trace-cmd, perf and /sys/kernel/tracing.
 *
 * They record copies of names, since what they name may be gone when the trace
 * is read.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM dma_alias_pool

#if !defined(DAP_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define DAP_TRACE_H

#include <linux/tracepoint.h>

#include "bus.h"
#include "registry.h"

DECLARE_EVENT_CLASS(dap_memory,
	TP_PROTO(struct device *dev, const char *pool, size_t size,
		 dma_addr_t bus),
	TP_ARGS(dev, pool, size, bus),
	TP_STRUCT__entry(
		__array(char, dev, DAP_DEV_NAME_LEN)
		__array(char, pool, DAP_NAME_LEN)
		__field(size_t, size)
		__field(u64, bus)
	),
	TP_fast_assign(
		strscpy(__entry->dev, dev_name(dev), DAP_DEV_NAME_LEN);
		strscpy(__entry->pool, pool, DAP_NAME_LEN);
		__entry->size = size;
		__entry->bus = bus;
	),
	TP_printk("client=%s pool=%s size=%zu bus=0x%llx", __entry->dev,
		  __entry->pool, __entry->size, __entry->bus)
);

DEFINE_EVENT(dap_memory, alloc,
	TP_PROTO(struct device *dev, const char *pool, size_t size,
		 dma_addr_t bus),
	TP_ARGS(dev, pool, size, bus)
);

DEFINE_EVENT(dap_memory, free,
	TP_PROTO(struct device *dev, const char *pool, size_t size,
		 dma_addr_t bus),
	TP_ARGS(dev, pool, size, bus)
);

/* A request was served with memory of the normal allocator. */
DEFINE_EVENT(dap_memory, fallback,
	TP_PROTO(struct device *dev, const char *pool, size_t size,
		 dma_addr_t bus),
	TP_ARGS(dev, pool, size, bus)
);

/*
 * The pool could not serve a request; the normal allocator may serve it next.
 */
TRACE_EVENT(failure,
	TP_PROTO(struct device *dev, const char *pool, size_t size, int error),
	TP_ARGS(dev, pool, size, error),
	TP_STRUCT__entry(
		__array(char, dev, DAP_DEV_NAME_LEN)
		__array(char, pool, DAP_NAME_LEN)
		__field(size_t, size)
		__field(int, error)
	),
	TP_fast_assign(
		strscpy(__entry->dev, dev_name(dev), DAP_DEV_NAME_LEN);
		strscpy(__entry->pool, pool, DAP_NAME_LEN);
		__entry->size = size;
		__entry->error = error;
	),
	TP_printk("client=%s pool=%s size=%zu error=%d", __entry->dev,
		  __entry->pool, __entry->size, __entry->error)
);

DECLARE_EVENT_CLASS(dap_membership,
	TP_PROTO(const struct dap_client *client),
	TP_ARGS(client),
	TP_STRUCT__entry(
		__array(char, dev, DAP_DEV_NAME_LEN)
		__array(char, pool, DAP_NAME_LEN)
		__field(u64, bus)
	),
	TP_fast_assign(
		dma_addr_t bus;

		dap_bus_address(client->dev, dap_entry_of(client), &bus);
		strscpy(__entry->dev, dev_name(client->dev), DAP_DEV_NAME_LEN);
		strscpy(__entry->pool, client->pool->name, DAP_NAME_LEN);
		__entry->bus = bus;
	),
	TP_printk("client=%s pool=%s bus=0x%llx", __entry->dev, __entry->pool,
		  __entry->bus)
);

/*
 * A device got our operations: when it is attached, and each time it is bound.
 */
DEFINE_EVENT(dap_membership, attach,
	TP_PROTO(const struct dap_client *client),
	TP_ARGS(client)
);

DEFINE_EVENT(dap_membership, detach,
	TP_PROTO(const struct dap_client *client),
	TP_ARGS(client)
);

#endif /* DAP_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
