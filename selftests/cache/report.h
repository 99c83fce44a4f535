/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which faults were seen, and where.  The contract is at the top of report.c.
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdint.h>

#include "lines.h"

void report_to(const char *path);
void report_fault(enum fault what, uint32_t at, uint32_t pc);
void report_end(void);

#endif /* REPORT_H */
