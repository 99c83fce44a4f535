/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_WAITING_H
#define DAP_WAITING_H

#include <linux/types.h>

void dap_probe_waiting(bool wait);
void dap_waiting_exit(void);

#endif /* DAP_WAITING_H */
