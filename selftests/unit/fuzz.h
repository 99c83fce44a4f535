/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzz targets share: fail(), which aborts so that libFuzzer or replay.c
 * takes notice.
 */
#ifndef DAP_UNIT_FUZZ_H
#define DAP_UNIT_FUZZ_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <linux/types.h>

#include "expect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fail(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "# ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	abort();
}

#endif /* DAP_UNIT_FUZZ_H */
