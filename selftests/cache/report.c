// SPDX-License-Identifier: GPL-2.0
/*
 * Collects faults for a report, which helps to find a missing sync in a driver.
 *
 * Faults of the same kind that the same instruction took part in make one entry.  When
 * the machine ends, each entry becomes a line of the report file:
 *
 *	KIND PC FIRST LAST COUNT
 *
 * KIND	is stale-read (the instruction read old data), stale-dma or overwritten (it was
 *	the last to store the data that a device did not see, or that was written over
 *	a device's); see enum fault
 * PC	is the instruction's address
 * FIRST, LAST	are the lowest and highest bus address of all these faults
 * COUNT	is how many there were, in decimal; all others are hexadecimal
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "report.h"

#define ENTRIES		1024u

static struct entry {
	enum fault what;
	uint32_t pc;
	uint32_t first;
	uint32_t last;
	uint64_t count;
} entries[ENTRIES];

static uint32_t used;
static uint64_t left_out;
static char *file_name;

/**
 * report_to() - name the report file; unless this is called, there is no report
 * @path: a file
 */
void report_to(const char *path)
{
	free(file_name);
	file_name = strdup(path);
}

/**
 * report_fault() - note a fault
 * @what: which kind
 * @at:   offset of the memory
 * @pc:   address of the instruction that loaded or last stored there
 */
void report_fault(enum fault what, uint32_t at, uint32_t pc)
{
	struct entry *e;

	for (e = entries; e < entries + used; e++)
		if (e->what == what && e->pc == pc)
			break;
	if (e == entries + ENTRIES) {
		left_out++;
		return;
	}
	if (e == entries + used) {
		used++;
		*e = (struct entry) { what, pc, at, at, 0 };
	}
	e->count++;
	if (at < e->first)
		e->first = at;
	if (at > e->last)
		e->last = at;
}

/**
 * report_end() - write what was noted
 */
void report_end(void)
{
	static const char * const kinds[] = {
		[STALE_READ] = "stale-read",
		[STALE_DMA] = "stale-dma",
		[OVERWRITTEN] = "overwritten",
	};
	struct entry *e;
	FILE *file;

	if (left_out)
		fprintf(stderr, "cache: %" PRIu64 " faults more are not in the report\n",
			left_out);
	if (!file_name)
		return;
	file = fopen(file_name, "w");
	if (!file) {
		perror(file_name);
		return;
	}
	for (e = entries; e < entries + used; e++)
		fprintf(file, "%s 0x%x 0x%x 0x%x %" PRIu64 "\n", kinds[e->what],
			e->pc, BASE + e->first, BASE + e->last, e->count);
	if (fflush(file))
		perror(file_name);
	fclose(file);
}
