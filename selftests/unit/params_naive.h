/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parsers of module/params.c once more, naively: with libc's strtoull() and
 * by recursion. It shares no code with params.c. check_*() do a call of
 * params.c and compare all that comes out of it.
 *
 * Who includes this includes params.c before.
 */
#ifndef DAP_UNIT_PARAMS_NAIVE_H
#define DAP_UNIT_PARAMS_NAIVE_H

#include <errno.h>
#include <stdlib.h>

#include "expect.h"

#define ALNUM	"abcdefghijklmnopqrstuvwxyz" \
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

/* The longest number that is read has 23 characters. */
#define NUMBER_MAX	23

/* Where reading stops: behind what was read, or at what is wrong. */
struct naive {
	const char *at;
	bool bad;
};

static void naive_bad(struct naive *n, const char *at)
{
	if (!n->bad)
		n->at = at;
	n->bad = true;
}

static bool naive_is(const char *set, char c)
{
	for (; *set; set++)
		if (*set == c)
			return true;
	return false;
}

static bool naive_name(const char *name, size_t len)
{
	size_t i;

	if (len < 1 || len > 31)
		return false;
	for (i = 0; i < len; i++)
		if (!naive_is(i ? ALNUM "._-+@" : ALNUM, name[i]))
			return false;
	return true;
}

/* Characters before the first one of a set, or the end. */
static size_t naive_span(const char *text, const char *set)
{
	size_t len = 0;

	while (text[len] && !naive_is(set, text[len]))
		len++;
	return len;
}

static u64 naive_number(struct naive *n)
{
	static const char units[] = "kKmMgGtTpPeE";
	size_t len = naive_span(n->at, ":,@");
	char text[NUMBER_MAX + 1], *end;
	unsigned long long value;
	size_t i, turns = 0;

	if (n->bad)
		return 0;
	if (!len || len > NUMBER_MAX || n->at[0] < '0' || n->at[0] > '9') {
		naive_bad(n, n->at);
		return 0;
	}
	for (i = 0; i < len; i++)
		text[i] = n->at[i];
	text[len] = '\0';
	errno = 0;
	value = strtoull(text, &end, 0);
	if (*end && naive_is(units, *end)) {
		while (units[turns] != *end)
			turns++;
		turns = turns / 2 + 1;
		end++;
	}
	if (errno || *end) {
		naive_bad(n, n->at);
		return 0;
	}
	while (turns--) {
		if (value > ~0ULL / 1024) {
			naive_bad(n, n->at);
			return 0;
		}
		value *= 1024;
	}
	n->at += len;
	return value;
}

static void naive_colon(struct naive *n)
{
	if (*n->at == ':' && !n->bad)
		n->at++;
	else
		naive_bad(n, n->at);
}

static phys_addr_t naive_phys(struct naive *n)
{
	const char *start = n->at;
	u64 value = naive_number(n);

	/* A failure is where it began also if the number itself was fine. */
	if (!n->bad && value > (phys_addr_t)~0ULL)
		naive_bad(n, start);
	return value;
}

static void naive_end(struct naive *n)
{
	if (n->bad || !*n->at)
		return;
	if (*n->at != ',')
		naive_bad(n, n->at);
	else if (!*++n->at)
		naive_bad(n, n->at);
}

static struct naive naive_pool(const char *text, struct dap_spec *spec)
{
	struct naive n = { .at = text };
	size_t len = naive_span(text, ":,");
	const char *start;

	memset(spec, 0, sizeof(*spec));
	spec->no_map = true;
	if (!naive_name(text, len) || naive_span(text, "@") < len) {
		naive_bad(&n, text);
		return n;
	}
	memcpy(spec->name, text, len);
	n.at += len;
	naive_colon(&n);
	spec->phys = naive_phys(&n);
	naive_colon(&n);
	spec->size = naive_phys(&n);
	spec->alias = spec->phys;
	if (!n.bad && *n.at == ':' && n.at[1] == ':') {
		n.at++;
	} else if (!n.bad && *n.at == ':') {
		start = ++n.at;
		spec->alias = naive_phys(&n);
		if (spec->alias == spec->phys)
			naive_bad(&n, start);
	}
	if (!n.bad && *n.at == ':') {
		start = ++n.at;
		spec->bus = naive_phys(&n);
		spec->has_bus = true;
		if (spec->size &&
		    spec->bus > (dma_addr_t)~0ULL - (spec->size - 1))
			naive_bad(&n, start);
		if (spec->bus % PAGE_SIZE)
			naive_bad(&n, start);
	}
	naive_end(&n);
	return n;
}

static void naive_pool_name(struct naive *n, char *name)
{
	size_t len;

	if (n->bad || *n->at != '@')
		return;
	n->at++;
	len = naive_span(n->at, ",");
	if (naive_name(n->at, len)) {
		memcpy(name, n->at, len);
		n->at += len;
	} else {
		naive_bad(n, n->at);
	}
}

/* Who has which @ is for those to say who know the pools. */
static struct naive naive_rule(const char *text, struct dap_rule *rule)
{
	struct naive n = { .at = text };
	size_t len = naive_span(text, ",");

	memset(rule, 0, sizeof(*rule));
	if (len < 1 || len > 95 || *text == '@') {
		naive_bad(&n, text);
		return n;
	}
	for (; n.at < text + len; n.at++) {
		u8 c = *n.at;

		if (c <= ' ' || (c >= 0x7f && c <= 0xa0) || c == '/') {
			naive_bad(&n, n.at);
			return n;
		}
	}
	if (n.at[-1] == '@') {
		naive_bad(&n, n.at);
		return n;
	}
	memcpy(rule->glob, text, len);
	naive_end(&n);
	return n;
}

static struct naive naive_align(const char *text, struct dap_align *align)
{
	struct naive n = { .at = text };

	memset(align, 0, sizeof(*align));
	align->bytes = naive_number(&n);
	naive_pool_name(&n, align->pool);
	naive_end(&n);
	return n;
}

/* What is true of any outcome. Returns: was it a success? */
static bool check_outcome(const char *text, const char *at, int ret,
			  const struct dap_parse_error *err,
			  const struct naive *n)
{
	const char *end = text + strlen(text);

	steps++;
	if (ret) {
		EXPECT(ret == -EINVAL);
		EXPECT(err->why && *err->why);
		EXPECT(err->at >= text && err->at <= end);
		if (!n->bad || err->at != n->at)
			fail("\"%s\": %s, at %td, but it should %s at %td",
			     text, err->why, err->at - text,
			     n->bad ? "fail" : "go well until",
			     n->at - text);
		return false;
	}
	if (n->bad)
		fail("\"%s\": should fail at %td", text, n->at - text);
	/* It gets on, an entry is followed by another one or the end. */
	EXPECT(at > text && at <= end);
	EXPECT(!*at || (at[-1] == ',' && *at));
	EXPECT(at == n->at);
	/* A success does not say what is wrong. */
	EXPECT(!err->at && !err->why);
	return true;
}

static bool terminated(const char *s, size_t size)
{
	return memchr(s, 0, size);
}

static bool same_spec(const struct dap_spec *a, const struct dap_spec *b)
{
	return !memcmp(a->name, b->name, sizeof(a->name)) &&
	       a->phys == b->phys && a->size == b->size &&
	       a->alias == b->alias && a->bus == b->bus &&
	       a->max_align == b->max_align && a->has_bus == b->has_bus &&
	       a->no_map == b->no_map && a->is_default == b->is_default;
}

/* Each is given a text, and returns the next entry, NULL after a failure. */

static const char *check_pool(const char *text, struct dap_spec *spec,
			      struct dap_parse_error *err)
{
	const char *at = text;
	struct dap_spec wanted;
	struct naive n = naive_pool(text, &wanted);
	int ret;

	memset(spec, 0xa5, sizeof(*spec));
	memset(err, 0, sizeof(*err));
	ret = dap_parse_pool(&at, spec, err);
	if (!check_outcome(text, at, ret, err, &n))
		return NULL;
	EXPECT(terminated(spec->name, sizeof(spec->name)));
	EXPECT(dap_valid_name(spec->name, strlen(spec->name)));
	EXPECT(same_spec(spec, &wanted));
	return at;
}

static const char *check_rule(const char *text, struct dap_rule *rule,
			      struct dap_parse_error *err)
{
	const char *at = text;
	struct dap_rule wanted;
	struct naive n = naive_rule(text, &wanted);
	int ret;

	memset(rule, 0xa5, sizeof(*rule));
	memset(err, 0, sizeof(*err));
	ret = dap_parse_rule(&at, rule, err);
	if (!check_outcome(text, at, ret, err, &n))
		return NULL;
	EXPECT(*rule->glob);
	EXPECT(!memcmp(rule, &wanted, sizeof(wanted)));
	EXPECT(terminated(rule->glob, sizeof(rule->glob)));
	EXPECT(!*rule->pool);
	return at;
}

static const char *check_align(const char *text, struct dap_align *align,
			       struct dap_parse_error *err)
{
	const char *at = text;
	struct dap_align wanted;
	struct naive n = naive_align(text, &wanted);
	int ret;

	memset(align, 0xa5, sizeof(*align));
	memset(err, 0, sizeof(*err));
	ret = dap_parse_align(&at, align, err);
	if (!check_outcome(text, at, ret, err, &n))
		return NULL;
	EXPECT(align->bytes == wanted.bytes);
	EXPECT(!memcmp(align->pool, wanted.pool, sizeof(wanted.pool)));
	EXPECT(!*align->pool ||
	       dap_valid_name(align->pool, strlen(align->pool)));
	return at;
}

static bool check_name(const char *name, size_t len)
{
	bool valid = dap_valid_name(name, len);

	steps++;
	if (valid != naive_name(name, len))
		fail("name \"%.*s\": %d", (int)len, name, valid);
	return valid;
}

/*
 * Recursion no deeper than both texts are long, and no more than @budget calls:
 * with many stars they are more than anybody can wait for.
 */
static int naive_match(const char *glob, const char *name, unsigned int *budget)
{
	int ret;

	if (!*budget)
		return -1;
	--*budget;
	if (!*glob)
		return !*name;
	if (*glob == '*') {
		ret = naive_match(glob + 1, name, budget);
		if (ret || !*name)
			return ret;
		return naive_match(glob, name + 1, budget);
	}
	if (!*name || (*glob != '?' && *glob != *name))
		return 0;
	return naive_match(glob + 1, name + 1, budget);
}

static bool check_match(const char *glob, const char *name)
{
	unsigned int budget = 50000;
	int wanted = naive_match(glob, name, &budget);
	bool match = dap_glob_match(glob, name);

	steps++;
	if (wanted >= 0 && match != wanted)
		fail("\"%s\" and \"%s\": %d", glob, name, match);
	return match;
}

#endif /* DAP_UNIT_PARAMS_NAIVE_H */
