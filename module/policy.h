/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_POLICY_H
#define DAP_POLICY_H

#include "params.h"
#include "registry.h"

void dap_policy_init(struct dap_rule *rules, unsigned int nr_rules);
int dap_policy_resolve(void);
bool dap_policy_is_pool(const struct device *dev);
const char *dap_policy_refusal(struct device *dev);
const char *dap_policy_refusal_by(const struct dap_entry *entry,
				  struct device *dev);
int dap_report_refusal(struct device *dev, const char *pool, const char *why);
struct dap_entry *dap_policy_choose(struct device *dev, bool quiet);
struct dap_entry *dap_policy_choose_default(struct device *dev);

#endif /* DAP_POLICY_H */
