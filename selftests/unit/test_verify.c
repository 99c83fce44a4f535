// SPDX-License-Identifier: GPL-2.0
/*
 * The alias check, on memory that pretends: two views of a file, put together
 * page by page, so that they are one memory, another, or nearly one. The
 * cacheable view is read-only, so that a write through it ends the test, and
 * shows what was there when it was flushed.
 */
#pragma GCC diagnostic ignored "-Wunused-parameter"	/* stand-ins have some */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <linux/types.h>
#include <linux/compiler.h>
#include <asm/barrier.h>

#include "tap.h"

/* In place of module/compat.h: the cacheable view shows what was there then. */
#define DAP_COMPAT_H
static void dap_flush_cached_view(void *va, phys_addr_t phys, size_t size);

#include "../../module/verify.c"

#define PAGES		16

static u8 *phys_view, *alias_view;
static u8 *cache;	/* of phys_view */
static bool write_protected;	/* is alias_view? */
static int file;
static const char *message;

int dev_err_probe(struct device *dev, int err, const char *format, ...)
{
	message = format;
	return err;
}

static void dap_flush_cached_view(void *va, phys_addr_t phys, size_t size)
{
	EXPECT(va == cache && size == PAGES * PAGE_SIZE);
	mprotect(cache, size, PROT_READ | PROT_WRITE);
	memcpy(cache, phys_view, size);
	mprotect(cache, size, PROT_READ);
}

void *memremap(phys_addr_t phys, size_t size, unsigned long flags)
{
	return cache;
}

void memunmap(void *cpu)
{
}

static u8 *map_pages(const unsigned int *page, int prot)
{
	u8 *view = mmap(NULL, PAGES * PAGE_SIZE, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		if (mmap(view + i * PAGE_SIZE, PAGE_SIZE, prot,
			 MAP_SHARED | MAP_FIXED, file,
			 page[i] * PAGE_SIZE) == MAP_FAILED)
			fail("mmap: %s", strerror(errno));
	return view;
}

/* What page of the file each page of the two views is; twice as many exist. */
static unsigned int phys_page[PAGES], alias_page[PAGES];

static void one_memory(void)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		phys_page[i] = alias_page[i] = i;
}

static void verify(int wanted, u8 *fill)
{
	struct dap_region region = {
		.phys = 0x20000000,
		.alias = 0x20400000,
		.size = PAGES * PAGE_SIZE,
	};
	int ret;

	file = memfd_create("memory", 0);
	if (file < 0 || ftruncate(file, 2 * PAGES * PAGE_SIZE))
		fail("no memory");
	phys_view = map_pages(phys_page, PROT_READ);
	alias_view = map_pages(alias_page, PROT_READ | PROT_WRITE);
	cache = mmap(NULL, PAGES * PAGE_SIZE, PROT_READ,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (fill)
		memset(alias_view, *fill, PAGES * PAGE_SIZE);
	if (write_protected)
		mprotect(alias_view, PAGES * PAGE_SIZE, PROT_READ);
	region.cpu = alias_view;
	message = NULL;

	ret = dap_verify_alias(NULL, &region);
	steps++;
	if (ret != wanted)
		fail("returned %d, not %d", ret, wanted);
	if (!!ret != !!message)
		fail("%s", ret ? "an error without a message" : message);
}

static void done(void)
{
	munmap(phys_view, PAGES * PAGE_SIZE);
	munmap(alias_view, PAGES * PAGE_SIZE);
	munmap(cache, PAGES * PAGE_SIZE);
	close(file);
}

static void true_alias(void)
{
	u8 fill[] = { 0, 0xff, 0xa5 };
	unsigned int i;

	one_memory();
	for (i = 0; i < 3; i++) {
		verify(0, &fill[i]);
		done();
	}
}

static void other_memory(void)
{
	unsigned int i;

	one_memory();
	for (i = 0; i < PAGES; i++)
		alias_page[i] = PAGES + i;
	verify(-EINVAL, NULL);
	/* Alike at first: one word was written, and put back. */
	for (i = 0; i < PAGES * PAGE_SIZE; i++)
		if (alias_view[i])
			fail("byte %u was left changed", i);
	done();
}

static void other_data(void)
{
	u8 fill = 0x5a;
	unsigned int i;

	one_memory();
	for (i = 0; i < PAGES; i++)
		alias_page[i] = PAGES + i;
	/* not even for a moment */
	write_protected = true;
	verify(-EINVAL, &fill);
	write_protected = false;
	done();
}

static void one_page_is_other_memory(void)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		one_memory();
		alias_page[i] = PAGES;
		verify(-EINVAL, NULL);
		done();
	}
}

static void two_pages_are_swapped(void)
{
	unsigned int i, j;

	for (i = 0; i < PAGES; i++) {
		for (j = i + 1; j < PAGES; j++) {
			one_memory();
			alias_page[i] = j;
			alias_page[j] = i;
			verify(-EINVAL, NULL);
			done();
		}
	}
}

static void shifted(void)
{
	unsigned int i;

	one_memory();
	for (i = 0; i < PAGES; i++)
		alias_page[i] = (i + 1) % PAGES;
	verify(-EINVAL, NULL);
	done();
}

/* Less memory than the region says: it answers several times in both views. */
static void repeats(void)
{
	unsigned int i, period;

	for (period = 1; period < PAGES; period++) {
		for (i = 0; i < PAGES; i++)
			phys_page[i] = alias_page[i] = i % period;
		verify(-EINVAL, NULL);
		done();
	}
}

static const struct tap_test tests[] = {
	{ "a true alias", true_alias },
	{ "other memory, with the same data", other_memory },
	{ "other memory, with other data, is not written", other_data },
	{ "one page of other memory", one_page_is_other_memory },
	{ "two pages swapped", two_pages_are_swapped },
	{ "shifted by a page", shifted },
	{ "memory smaller than the region", repeats },
};

int main(void)
{
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
