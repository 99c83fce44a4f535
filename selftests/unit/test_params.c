// SPDX-License-Identifier: GPL-2.0
/*
 * Unit tests of module/params.c in user space, TAP on stdout: tables of texts
 * and of what is to come out of them. All of them go by params_naive.h, too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../module/params.c"
#include "params_naive.h"
#include "tap.h"

#define NAME31	"a234567890123456789012345678901"
#define GLOB63	"a23456789012345678901234567890123456789012345678901234567890123"

/* On failure: @at is where, and @why a part of the reason. */
static void expect_bad(const char *text, const char *next,
		       const struct dap_parse_error *err, int at,
		       const char *why)
{
	if (next)
		fail("\"%s\" is taken", text);
	if (err->at != text + at || !strstr(err->why, why))
		fail("\"%s\": \"%s\" at %td, not \"%s\" at %d", text, err->why,
		     err->at - text, why, at);
}

static void expect_next(const char *text, const char *next,
			const struct dap_parse_error *err, const char *wanted)
{
	if (!next)
		fail("\"%s\": %s, at %td", text, err->why, err->at - text);
	if (strcmp(next, wanted))
		fail("\"%s\": goes on at \"%s\", not \"%s\"", text, next,
		     wanted);
}

static void test_pool_good(void)
{
	static const struct {
		const char *text;
		const char *next;
		const char *name;
		u64 phys, size, alias, bus;
		bool has_bus;
	} table[] = {
		{ "sram:0x20000000:4M", "", "sram",
		  0x20000000, 0x400000, 0x20000000, 0, false },
		{ "sram:0x20000000:4M:0x20400000", "", "sram",
		  0x20000000, 0x400000, 0x20400000, 0, false },
		{ "sram:0x20000000:4M:0x20400000:0", "", "sram",
		  0x20000000, 0x400000, 0x20400000, 0, true },
		{ "sram:0x20000000:4M:0x20400000:0xa0000000", "", "sram",
		  0x20000000, 0x400000, 0x20400000, 0xa0000000, true },
		{ "a:1:2,b:3:4", "b:3:4", "a", 1, 2, 1, 0, false },
		{ "a:1:2:3:4K,b", "b", "a", 1, 2, 3, 4096, true },
		{ "a:1:2,,", ",", "a", 1, 2, 1, 0, false },
		{ "0.9_-+Z:0:0:1", "", "0.9_-+Z", 0, 0, 1, 0, false },
		{ NAME31 ":0:0", "", NAME31, 0, 0, 0, 0, false },
		/* octal, hexadecimal both ways, leading zeros */
		{ "a:010:0X1f:0x00000001", "", "a", 8, 31, 1, 0, false },
		{ "a:0xffffffff:0xFFFFFFFF", "", "a",
		  0xffffffff, 0xffffffff, 0xffffffff, 0, false },
		{ "a:4294967295:037777777777", "", "a",
		  0xffffffff, 0xffffffff, 0xffffffff, 0, false },
		/* units, of which E is a digit of hexadecimal numbers */
		{ "a:1k:1K", "", "a", 1024, 1024, 1024, 0, false },
		{ "a:3m:0x10M", "", "a", 3 << 20, 16 << 20, 3 << 20, 0, false },
		{ "a:3G:2g", "", "a",
		  3ULL << 30, 2ULL << 30, 3ULL << 30, 0, false },
		{ "a:0x1E:0x1e", "", "a", 30, 30, 30, 0, false },
		{ "a:0E:0P:0x1:00e", "", "a", 0, 0, 1, 0, true },
		/* a bus address, and no alias */
		{ "a:1:2::0x1000", "", "a", 1, 2, 1, 0x1000, true },
		/* up to the last address */
		{ "a:0:0x1000:1:0xfffff000", "", "a",
		  0, 0x1000, 1, 0xfffff000, true },
	};
	struct dap_parse_error err;
	struct dap_spec spec;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		const char *text = table[i].text;
		const char *next = check_pool(text, &spec, &err);

		expect_next(text, next, &err, table[i].next);
		if (strcmp(spec.name, table[i].name) ||
		    spec.phys != table[i].phys || spec.size != table[i].size ||
		    spec.alias != table[i].alias ||
		    spec.bus != table[i].bus ||
		    spec.has_bus != table[i].has_bus)
			fail("\"%s\": other values", text);
		EXPECT(spec.no_map && !spec.is_default && !spec.max_align);
	}
}

static void test_pool_bad(void)
{
	static const struct {
		const char *text;
		int at;
		const char *why;
	} table[] = {
		{ "", 0, "NAME must be" },
		{ ",", 0, "NAME must be" },
		{ ":1:2", 0, "NAME must be" },
		{ "-a:1:2", 0, "NAME must be" },
		{ ".:1:2", 0, "NAME must be" },
		{ "..:1:2", 0, "NAME must be" },
		{ "a/b:1:2", 0, "NAME must be" },
		{ "a b:1:2", 0, "NAME must be" },
		{ "a@1:1:2", 0, "NAME must be" },
		{ "\xc3\xa9:1:2", 0, "NAME must be" },
		{ NAME31 "2:1:2", 0, "NAME must be" },
		{ "a", 1, "expected ':BASE'" },
		{ "a,b:1:2", 1, "expected ':BASE'" },
		{ "a:", 2, "BASE is not a number" },
		{ "a::2", 2, "BASE is not a number" },
		{ "a: 1:2", 2, "BASE is not a number" },
		{ "a:+1:2", 2, "BASE is not a number" },
		{ "a:-1:2", 2, "BASE is not a number" },
		{ "a:0x:2", 2, "BASE is not a number" },
		{ "a:0xg:2", 2, "BASE is not a number" },
		{ "a:08:2", 2, "BASE is not a number" },
		{ "a:1f:2", 2, "BASE is not a number" },
		{ "a:1 :2", 2, "BASE is not a number" },
		{ "a:K:2", 2, "BASE is not a number" },
		{ "a:1KK:2", 2, "BASE is not a number" },
		{ "a:1KiB:2", 2, "BASE is not a number" },
		{ "a:1M1:2", 2, "BASE is not a number" },
		{ "a:1\n:2", 2, "BASE is not a number" },
		{ "a:1\nM:2", 2, "BASE is not a number" },
		{ "a:1M\n:2", 2, "BASE is not a number" },
		{ "\xe9:1:2", 0, "NAME must be" },
		{ "a\xe9:1:2", 0, "NAME must be" },
		{ "a:000000000000000000000001:2", 2, "BASE is not a number" },
		{ "a:0x10000000000000000:2", 2, "too large" },
		{ "a:18446744073709551616:2", 2, "too large" },
		{ "a:16E:2", 2, "too large" },
		{ "a:0x100000000000000K:2", 2, "too large" },
		{ "a:1", 3, "expected ':SIZE'" },
		{ "a:1,b:1:2", 3, "expected ':SIZE'" },
		{ "a:1@b", 3, "expected ':SIZE'" },
		{ "a:1:", 4, "SIZE is not a number" },
		{ "a:1:x", 4, "SIZE is not a number" },
		{ "a:1:2@b", 5, "expected ',' or the end" },
		{ "a:1:2,", 6, "an entry is missing" },
		{ "a:1:2:", 6, "ALIAS is not a number" },
		{ "a:1:2:1", 6, "ALIAS is BASE" },
		{ "a:1:2:0x1", 6, "ALIAS is BASE" },
		{ "a:0E:0P:0x0T:00e", 8, "ALIAS is BASE" },
		{ "a:1:2::", 7, "BUS is not a number" },
		{ "a:1:2:3:", 8, "BUS is not a number" },
		{ "a:1:2:3:0xffffffffffffffff", 8, "BUS is out of range" },
		{ "a:1:2:3:0:", 9, "expected ',' or the end" },
		{ "a:1:2:3:0:5", 9, "expected ',' or the end" },
		{ "a:1:2:3:0,", 10, "an entry is missing" },
		/* no buffer would be aligned, as devices see it */
		{ "a:1:2:3:0x10000080", 8, "BUS is no multiple of the page" },
		{ "a:1:2:3:4095", 8, "BUS is no multiple of the page" },
		{ "a:1:2::1,b", 7, "BUS is no multiple of the page" },
#ifndef CONFIG_PHYS_ADDR_T_64BIT
		{ "a:0x100000000:2", 2, "too large" },
		{ "a:4G:2", 2, "too large" },
		{ "a:1:4G", 4, "too large" },
		{ "a:1:2:4G", 6, "too large" },
		{ "a:1:2:3:4G", 8, "BUS is out of range" },
		{ "a:1:8K:3:0xfffff000", 9, "BUS is out of range" },
#endif
	};
	struct dap_parse_error err;
	struct dap_spec spec;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		expect_bad(table[i].text,
			   check_pool(table[i].text, &spec, &err), &err,
			   table[i].at, table[i].why);
}

/* Pools are not known yet: what of it is the name of one, test_policy.c looks at. */
static void test_rules(void)
{
	static const struct {
		const char *text;
		const char *next;
		const char *glob;
	} good[] = {
		{ "spi0", "", "spi0" },
		{ "spi*@sram", "", "spi*@sram" },
		{ "*", "", "*" },
		{ "40200000.ethernet,spi?@a", "spi?@a", "40200000.ethernet" },
		{ "a@b,c@d", "c@d", "a@b" },
		{ "dma-controller@*", "", "dma-controller@*" },
		{ "soc@0:dma@0@sram,b", "b", "soc@0:dma@0@sram" },
		{ "a@@b", "", "a@@b" },
		{ "a,,", ",", "a" },
		{ "a!b\xe9", "", "a!b\xe9" },
		{ GLOB63 "@" NAME31, "", GLOB63 "@" NAME31 },
	};
	static const struct {
		const char *text;
		int at;
		const char *why;
	} bad[] = {
		{ "", 0, "a device name" },
		{ ",a", 0, "a device name" },
		{ "@a", 0, "a device name" },
		{ GLOB63 "4" "@" NAME31, 0, "a device name" },
		{ "spi0\n", 4, "no such character" },
		{ "spi\t0@a", 3, "no such character" },
		{ " a", 0, "no such character" },
		{ "a ,b", 1, "no such character" },
		{ "a@b c", 3, "no such character" },
		{ "a@b/c", 3, "no such character" },
		{ "a\xa0", 1, "no such character" },
		{ "a/@", 1, "no such character" },
		{ "a@", 2, "the name of a pool is missing" },
		{ "a@,b", 2, "the name of a pool is missing" },
		{ "a,", 2, "an entry is missing" },
		{ "a@b,", 4, "an entry is missing" },
	};
	struct dap_parse_error err;
	struct dap_rule rule;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		expect_next(good[i].text, check_rule(good[i].text, &rule, &err),
			    &err, good[i].next);
		if (strcmp(rule.glob, good[i].glob))
			fail("\"%s\": \"%s\"", good[i].text, rule.glob);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		expect_bad(bad[i].text, check_rule(bad[i].text, &rule, &err),
			   &err, bad[i].at, bad[i].why);
}

static void test_align(void)
{
	static const struct {
		const char *text;
		const char *next;
		u64 bytes;
		const char *pool;
	} good[] = {
		{ "4096", "", 4096, "" },
		{ "64K@sram", "", 0x10000, "sram" },
		{ "0x1e@a,4K", "4K", 30, "a" },
		{ "4K,64K@b", "64K@b", 4096, "" },
		{ "15E", "", 15ULL << 60, "" },
		{ "0xffffffffffffffff@p@1", "", ~0ULL, "p@1" },
		{ "01777777777777777777777", "", ~0ULL, "" },
		{ "0x3ffP", "", 0x3ffULL << 50, "" },
	};
	static const struct {
		const char *text;
		int at;
		const char *why;
	} bad[] = {
		{ "", 0, "not a number" },
		{ "@a", 0, "not a number" },
		{ "a", 0, "not a number" },
		{ "4K:a", 2, "expected ',' or the end" },
		{ "4K@", 3, "cannot be the name" },
		{ "4K@a/b", 3, "cannot be the name" },
		{ "4K,", 3, "an entry is missing" },
		{ "16E", 0, "too large" },
		{ "0x4000P", 0, "too large" },
		{ "0xffffffffffffffP", 0, "too large" },
	};
	struct dap_parse_error err;
	struct dap_align align;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		const char *next = check_align(good[i].text, &align, &err);

		expect_next(good[i].text, next, &err, good[i].next);
		if (align.bytes != good[i].bytes ||
		    strcmp(align.pool, good[i].pool))
			fail("\"%s\": %llu, \"%s\"", good[i].text,
			     (unsigned long long)align.bytes, align.pool);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		expect_bad(bad[i].text, check_align(bad[i].text, &align, &err),
			   &err, bad[i].at, bad[i].why);
}

/* All names of one and two characters, and lengths up to too many. */
static void test_names(void)
{
	char name[40];
	unsigned int i, k;

	for (i = 1; i < 256; i++) {
		name[0] = i;
		check_name(name, 1);
		for (k = 1; k < 256; k++) {
			name[1] = k;
			check_name(name, 2);
		}
	}
	memset(name, 'a', sizeof(name));
	for (i = 0; i < sizeof(name); i++)
		EXPECT(check_name(name, i) == (i >= 1 && i <= 31));
	EXPECT(check_name("sram", 4));
	EXPECT(check_name("pool@20000000", 13));
	EXPECT(!check_name("@a", 2));
	EXPECT(!check_name("a/b", 3));
}

/* Numbers in all notations, through the widest parameter there is. */
static void test_numbers(void)
{
	static const char * const formats[] = { "%llu", "%#llx", "0X%llX",
		"0%llo" };
	struct dap_parse_error err;
	struct dap_align align;
	unsigned int i, k;
	char text[32];

	for (i = 0; i < 20000; i++) {
		u64 wanted = ((u64)rnd(~0U) << 32 | rnd(~0U)) >> rnd(64);

		for (k = 0; k < ARRAY_SIZE(formats); k++) {
			sprintf(text, formats[k], (unsigned long long)wanted);
			EXPECT(check_align(text, &align, &err));
			if (align.bytes != wanted)
				fail("\"%s\": %llu", text,
				     (unsigned long long)align.bytes);
		}
	}
}

static void test_globs(void)
{
	static const struct {
		const char *glob;
		const char *name;
		bool match;
	} table[] = {
		{ "", "", true },
		{ "", "a", false },
		{ "*", "", true },
		{ "*", "a", true },
		{ "?", "", false },
		{ "?", "a", true },
		{ "?", "ab", false },
		{ "a", "", false },
		{ "a", "A", false },
		{ "spi*", "spi", true },
		{ "spi*", "spi0.1", true },
		{ "spi*", "aspi0", false },
		{ "*.ethernet", "40200000.ethernet", true },
		{ "*.ethernet", "40200000.ethernet-phy", false },
		{ "*.ethernet", ".ethernet.ethernet", true },
		{ "4020????.*", "40200000.ethernet", true },
		{ "4020????.*", "4020000.ethernet", false },
		{ "a*b*c", "abbcbc", true },
		{ "a*b*c", "abbcbca", false },
		{ "*a*a*a*", "aa", false },
		{ "**", "", true },
		{ "***?", "", false },
		{ "a**", "a", true },
		{ "*?*?*", "ab", true },
		{ "a\\*", "a\\b", true },
		{ "[ab]", "a", false },
		{ "a*", "a*", true },
		{ "?", "*", true },
		/* a name's own stars are no wildcards */
		{ "a", "*", false },
		{ "ab", "a*", false },
	};
	char glob[12], name[12];
	unsigned int i, k;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (check_match(table[i].glob, table[i].name) != table[i].match)
			fail("\"%s\" and \"%s\"", table[i].glob, table[i].name);

	for (i = 0; i < 200000; i++) {
		u32 len = rnd(sizeof(glob));

		for (k = 0; k < len; k++)
			glob[k] = "ab?*"[rnd(4)];
		glob[k] = '\0';
		len = rnd(sizeof(name));
		for (k = 0; k < len; k++)
			name[k] = "ab*"[rnd(16) ? rnd(2) : 2];
		name[k] = '\0';
		check_match(glob, name);
	}
}

static const struct tap_test tests[] = {
	{ "pools=, good entries", test_pool_good },
	{ "pools=, bad entries", test_pool_bad },
	{ "clients=", test_rules },
	{ "max_align=", test_align },
	{ "names", test_names },
	{ "numbers", test_numbers },
	{ "patterns", test_globs },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
