/* SPDX-License-Identifier: GPL-2.0 */
/* A test calls it whenever it likes. */
#ifndef DAP_UNIT_LINUX_INIT_H
#define DAP_UNIT_LINUX_INIT_H

#define __init

#endif /* DAP_UNIT_LINUX_INIT_H */
