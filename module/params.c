// SPDX-License-Identifier: GPL-2.0
/*
 * Read the parameters pools=, clients= and max_align=.
 *
 * This knows only strings and numbers, so that it can be compiled and fuzzed in
 * user space.  Whether an address makes sense is checked in region.c.
 */
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "params.h"

static int __init params_fail(struct dap_parse_error *err, const char *at,
			      const char *why)
{
	err->at = at;
	err->why = why;
	return -EINVAL;
}

/**
 * dap_valid_name() - can this be the name of a pool?
 * @name: the name, not terminated
 * @len:  its length
 *
 * The name becomes the name of a directory, and appears in clients=.
 *
 * Return: true for 1 to 31 letters, digits, and any of "._-+@", beginning with
 * a letter or a digit.  "@" occurs in names of device tree nodes.
 */
bool dap_valid_name(const char *name, size_t len)
{
	size_t i;

	if (!len || len >= DAP_NAME_LEN || !isalnum(name[0]))
		return false;
	for (i = 0; i < len; i++)
		/*
		 * isascii(): isalnum() takes many other characters for letters.
		 */
		if (!name[i] || !isascii(name[i]) ||
		    (!isalnum(name[i]) && !strchr("._-+@", name[i])))
			return false;
	return true;
}

/*
 * Read a number up to ':', ',', '@' or the end, with units as in memparse().
 * memparse() itself does not detect an overflow, which would turn a typing
 * error into another address.
 */
static int __init params_parse_number(const char **text, u64 *value,
				      struct dap_parse_error *err,
				      const char *what)
{
	static const char units[] = "KMGTPE";
	size_t len = strcspn(*text, ":,@");
	unsigned int shift = 0;
	const char *unit;
	char digits[24];
	u64 number;

	/* Refuse a newline, which kstrtoull() would accept at the end. */
	if (!isdigit(**text) || len >= sizeof(digits) ||
	    memchr(*text, '\n', len))
		return params_fail(err, *text, what);
	memcpy(digits, *text, len);
	digits[len] = '\0';

	/*
	 * An E at the end of a hexadecimal number is a digit, as in memparse().
	 */
	unit = strchr(units, toupper(digits[len - 1]));
	if (unit && !(*unit == 'E' && tolower(digits[1]) == 'x')) {
		digits[len - 1] = '\0';
		shift = 10 * (unit - units + 1);
	}

	switch (kstrtoull(digits, 0, &number)) {
	case 0:
		break;
	case -ERANGE:
		return params_fail(err, *text, "the number is too large");
	default:
		return params_fail(err, *text, what);
	}
	if (number << shift >> shift != number)
		return params_fail(err, *text, "the number is too large");

	*value = number << shift;
	*text += len;
	return 0;
}

static int __init params_parse_phys(const char **text, phys_addr_t *value,
				    struct dap_parse_error *err,
				    const char *what)
{
	const char *start = *text;
	u64 number;
	int ret;

	ret = params_parse_number(text, &number, err, what);
	if (ret)
		return ret;
	*value = number;
	if (*value != number)
		return params_fail(err, start,
				   "the number is too large");
	return 0;
}

static bool __init params_next_field(const char **text)
{
	if (**text != ':')
		return false;
	(*text)++;
	return true;
}

/*
 * The end of an entry is a comma before the next one, or the end of the list.
 */
static int __init params_end_entry(const char **text,
				   struct dap_parse_error *err)
{
	if (!**text)
		return 0;
	if (**text != ',')
		return params_fail(err, *text, "expected ',' or the end");
	(*text)++;
	if (!**text)
		return params_fail(err, *text, "an entry is missing after ','");
	return 0;
}

/**
 * dap_parse_pool() - read one NAME:BASE:SIZE[:ALIAS|:[ALIAS]:BUS]
 * @text:  moved behind the entry and the comma after it
 * @entry: struct dap_spec, filled in
 * @err:   set on failure
 *
 * Return: 0 or -EINVAL.
 */
int __init dap_parse_pool(const char **text, void *entry,
			  struct dap_parse_error *err)
{
	struct dap_spec *spec = entry;
	const char *start = *text;
	size_t len = strcspn(start, ":,");
	u64 bus;
	int ret;

	memset(spec, 0, sizeof(*spec));
	spec->no_map = true;

	if (!dap_valid_name(start, len) || memchr(start, '@', len))
		return params_fail(err, start,
				   "NAME must be 1 to 31 letters, digits or any of . _ - +");
	memcpy(spec->name, start, len);

	*text += len;
	if (!params_next_field(text))
		return params_fail(err, *text, "expected ':BASE'");
	ret = params_parse_phys(text, &spec->phys, err, "BASE is not a number");
	if (ret)
		return ret;

	if (!params_next_field(text))
		return params_fail(err, *text, "expected ':SIZE'");
	ret = params_parse_phys(text, &spec->size, err, "SIZE is not a number");
	if (ret)
		return ret;

	/* ALIAS may be empty before a BUS. */
	spec->alias = spec->phys;
	if (params_next_field(text) && **text != ':') {
		start = *text;
		ret = params_parse_phys(text, &spec->alias, err,
					"ALIAS is not a number");
		if (ret)
			return ret;
		if (spec->alias == spec->phys)
			return params_fail(err, start,
					   "ALIAS is BASE: leave it out if the region itself is not cacheable");
	}

	if (params_next_field(text)) {
		start = *text;
		ret = params_parse_number(text, &bus, err, "BUS is not a number");
		if (ret)
			return ret;
		spec->bus = bus;
		spec->has_bus = true;
		if (spec->bus != bus ||
		    (spec->size && spec->bus + spec->size - 1 < spec->bus))
			return params_fail(err, start, "BUS is out of range");
		/* Buffers are aligned by their bus addresses. */
		if (!PAGE_ALIGNED(bus))
			return params_fail(err, start,
					   "BUS is no multiple of the page size");
	}
	return params_end_entry(text, err);
}

/* Read an optional @NAME; without it, @name is left as it is. */
static int __init params_parse_pool_name(const char **text, char *name,
					 struct dap_parse_error *err)
{
	size_t len;

	if (**text != '@')
		return 0;
	(*text)++;
	len = strcspn(*text, ",");
	if (!dap_valid_name(*text, len))
		return params_fail(err, *text, "this cannot be the name of a pool");
	memcpy(name, *text, len);
	*text += len;
	return 0;
}

/**
 * dap_parse_rule() - read one GLOB[@NAME]
 * @text:  moved behind the entry and the comma after it
 * @entry: struct dap_rule, filled in except for the name of the pool, which
 *         stays in the glob until dap_policy_resolve() knows the names of all
 *         pools
 * @err:   set on failure
 *
 * Return: 0 or -EINVAL.
 */
int __init dap_parse_rule(const char **text, void *entry,
			  struct dap_parse_error *err)
{
	struct dap_rule *rule = entry;
	const char *start = *text;
	size_t len = strcspn(start, ",");
	size_t i;

	memset(rule, 0, sizeof(*rule));
	if (!len || len >= sizeof(rule->glob) || *start == '@')
		return params_fail(err, start,
				   "a device name of 1 to 95 characters is missing");
	/*
	 * No device has such a name.  If it were accepted, an entry with the
	 * newline of a script, or with the blank of "a, b", would silently
	 * match nothing.
	 */
	for (i = 0; i < len; i++)
		if (!isgraph(start[i]) || start[i] == '/')
			return params_fail(err, start + i,
					   "there is no such character in device names");
	*text += len;
	if (start[len - 1] == '@')
		return params_fail(err, *text, "the name of a pool is missing");
	memcpy(rule->glob, start, len);
	return params_end_entry(text, err);
}

/**
 * dap_parse_align() - read one BYTES[@NAME]
 * @text:  moved behind the entry and the comma after it
 * @entry: struct dap_align, filled in
 * @err:   set on failure
 *
 * Return: 0 or -EINVAL.
 */
int __init dap_parse_align(const char **text, void *entry,
			   struct dap_parse_error *err)
{
	struct dap_align *align = entry;

	memset(align, 0, sizeof(*align));
	return params_parse_number(text, &align->bytes, err,
				   "the alignment is not a number") ?:
	       params_parse_pool_name(text, align->pool, err) ?:
	       params_end_entry(text, err);
}

/**
 * dap_glob_match() - does a device name match a pattern?
 * @glob: the pattern: "*" stands for any characters, "?" for one of them
 * @name: the device name
 *
 * A kernel has lib/glob.c only if something has selected it.
 *
 * Return: true if all of @name matches.
 */
bool dap_glob_match(const char *glob, const char *name)
{
	const char *star = NULL, *from = NULL;

	while (*name) {
		if (*glob == '*') {
			star = ++glob;
			from = name;
		} else if (*glob == '?' || *glob == *name) {
			glob++;
			name++;
		} else if (star) {
			/* Let the last star take one more character. */
			glob = star;
			name = ++from;
		} else {
			return false;
		}
	}
	while (*glob == '*')
		glob++;
	return !*glob;
}
