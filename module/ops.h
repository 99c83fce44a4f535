/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_OPS_H
#define DAP_OPS_H

struct dap_client;

void dap_ops_build(struct dap_client *client);
void dap_ops_end(struct dap_client *client);
void dap_ops_calibrate(void);

#endif /* DAP_OPS_H */
