/* SPDX-License-Identifier: GPL-2.0 */
#ifndef DAP_ATTACH_H
#define DAP_ATTACH_H

void dap_attach_init(void);
void dap_attach_exit(void);

#endif /* DAP_ATTACH_H */
