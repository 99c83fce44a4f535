// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz target for module/params.c: the first byte of an input says what the
 * rest of it is. Any difference from params_naive.h aborts.
 *
 *   p	the text of pools=
 *   c	of clients=, then a newline and names for it to match
 *   a	of max_align=
 *   g	a pattern, a newline and a name
 *   n	a name, which nothing terminates
 */
#include "../../module/params.c"
#include "fuzz.h"
#include "params_naive.h"

static char *copy(const uint8_t *data, size_t size)
{
	/* To the byte, so that the address sanitizer sees what is beyond. */
	char *text = malloc(size + 1);

	if (!text) {
		perror("malloc");
		exit(2);
	}
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* The rest of a text after its first line, which is terminated. */
static const char *cut_line(char *text)
{
	char *end = strchr(text, '\n');

	if (!end)
		return text + strlen(text);
	*end = '\0';
	return end + 1;
}

static unsigned int count_commas(const char *text)
{
	unsigned int count = 0;

	while (*text)
		count += *text++ == ',';
	return count;
}

/* What was read, written down in another way, must read the same. */
static void pool_again(const struct dap_spec *spec)
{
	const struct dap_spec zero = { };
	struct dap_spec again = zero;
	struct dap_parse_error err;
	char text[160];
	int len;

	len = snprintf(text, sizeof(text), "%s:%#llx:%llu", spec->name,
		       (unsigned long long)spec->phys,
		       (unsigned long long)spec->size);
	if (spec->alias != spec->phys)
		len += snprintf(text + len, sizeof(text) - len, ":0%llo",
				(unsigned long long)spec->alias);
	else if (spec->has_bus)
		len += snprintf(text + len, sizeof(text) - len, ":");
	if (spec->has_bus)
		snprintf(text + len, sizeof(text) - len, ":0X%llX",
			 (unsigned long long)spec->bus);
	EXPECT(check_pool(text, &again, &err));
	EXPECT(same_spec(spec, &again));
}

static void fuzz_pools(const char *text)
{
	unsigned int left = count_commas(text) + 1;
	struct dap_parse_error err;
	struct dap_spec spec;

	while (text && *text) {
		EXPECT(left--);
		text = check_pool(text, &spec, &err);
		if (text)
			pool_again(&spec);
	}
}

static void fuzz_clients(char *text)
{
	const char *names = cut_line(text), *at = text;
	unsigned int left = count_commas(text) + 1;
	struct dap_parse_error err;
	struct dap_rule rule;

	while (at && *at) {
		EXPECT(left--);
		at = check_rule(at, &rule, &err);
		if (at) {
			check_match(rule.glob, names);
			check_match("*", rule.glob);
			if (!strpbrk(rule.glob, "*?"))
				EXPECT(check_match(rule.glob, names) ==
				       !strcmp(rule.glob, names));
		}
	}
}

static void fuzz_max_align(const char *text)
{
	unsigned int left = count_commas(text) + 1;
	struct dap_parse_error err;
	struct dap_align align;

	while (text && *text) {
		EXPECT(left--);
		text = check_align(text, &align, &err);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dap_parse_error err;
	struct dap_align align;
	struct dap_spec spec;
	struct dap_rule rule;
	const char *name;
	char *text;

	if (!size)
		return 0;
	text = copy(data + 1, size - 1);
	switch (data[0]) {
	case 'p':
		fuzz_pools(text);
		check_pool(text, &spec, &err);
		break;
	case 'c':
		fuzz_clients(text);
		check_rule(text, &rule, &err);
		break;
	case 'a':
		fuzz_max_align(text);
		check_align(text, &align, &err);
		break;
	case 'g':
		name = cut_line(text);
		check_match(text, name);
		check_match(name, text);
		EXPECT(check_match("*", name));
		break;
	case 'n':
		free(text);
		text = malloc(size - 1);
		if (size > 1) {
			memcpy(text, data + 1, size - 1);
			check_name(text, size - 1);
		}
		break;
	}
	free(text);
	return 0;
}
