/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_CLIENT_H
#define DAP_CLIENT_H

#include "registry.h"

struct work_struct;

extern const char *const dap_no_memory;

bool dap_device_is_in_use(const struct device *dev);
bool dap_device_cannot_unbind(struct device *dev);

const char *dap_client_link(struct device *dev, const struct dap_entry *entry,
			    bool *linked);
struct dap_client *dap_client_create(struct device *dev,
				     struct dap_entry *entry, bool by_default);
struct dap_client *dap_client_find_holder(const struct device *dev);
const char *dap_client_prepare(struct dap_client *client);
int __must_check dap_client_install(struct dap_client *client);
bool __must_check dap_client_end_if_idle(struct dap_client *client, bool in_use);
void dap_client_keep_ops(struct dap_client *client);
void dap_client_announce(struct dap_client *client);
bool dap_client_is_busy(const struct dap_client *client);
bool __must_check dap_client_leave_idle(struct dap_client *client, bool in_use);
bool dap_client_leave(struct dap_client *client, bool in_use);
void dap_client_borrow(struct device *dev, struct dap_client *lender);
bool dap_client_begin_probe(struct device *dev);
void dap_client_probe_failed(const struct device *dev);
void dap_client_unbound(struct device *dev, bool unused);
void dap_client_reap(struct work_struct *work);

#endif /* DAP_CLIENT_H */
