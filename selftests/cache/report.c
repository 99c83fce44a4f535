// SPDX-License-Identifier: GPL-2.0
/*
 * Which faults were seen, and where: for who looks for a missing sync.
 *
 * Faults of one kind that have one instruction to do with them are one entry, with
 * the addresses that they span.  In the end each is a line of the report file:
 *
 *	KIND PC FIRST LAST COUNT
 *
 * KIND is stale-read (PC read it), stale-dma or overwritten (PC stored it last); PC is
 * that instruction's address; FIRST and LAST are bus addresses of the lines; numbers are
 * hexadecimal but for COUNT, which is how often.
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
 * report_to() - where the report goes in the end; without it there is none
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
 * @pc:   who has to do with it
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
	fclose(file);
}
