// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz target for module/sysfs.c: one write to attach or detach, with a kernel
 * around it that counts. Any difference from what naive_name() says aborts.
 *
 * The first byte of an input:
 *   bit 0	write to detach, not to attach
 *   bit 1	there is no memory
 *   bit 2	what is written is repeated until it fills a page
 *   bit 3	0x01 in what is written stands for the name of the device below
 *   bits 4-7	what becomes of the device, see outcomes[]
 * Then, up to a newline, the name of a device that there is, beside those of
 * devices[]; the rest is what is written.
 */
#pragma GCC diagnostic ignored "-Wunused-parameter"	/* stores have one */
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include "../../module/sysfs.c"
#include "fuzz.h"

#define DETACH		0x01
#define NO_MEMORY	0x02
#define REPEAT		0x04
#define INSERT		0x08

/* What is written comes in pieces of at most a page, a NUL behind it. */
#define WRITE_MAX	PAGE_SIZE

/* The longest message: the name's characters escaped, and what is around it. */
#define MESSAGE_MAX	(4 * DAP_SHOWN + 32)

struct device {
	const char *name;
	int refs;
};

static struct device devices[] = {
	{ .name = NULL },	/* the input's */
	{ .name = "dap-test.0" },
	{ .name = "40200000.ethernet" },
	{ .name = "0000:00:03.0" },
	{ .name = "a b" },
	{ .name = "100%s%n" },
	{ .name = "x" },
};

static const int outcomes[] = {
	0, -EBUSY, -EINVAL, -ENOENT, -ENODEV, -ENOMEM,
};

/* The pool's device, and what it leads to; never looked into. */
static struct device pool;
static char entry;

static int outcome;
static bool no_memory;

/* What happened during a write. */
static unsigned int allocated, looked_up, attached, detached, reported;
static int live;
static char *looked_for;
static struct device *found;
static char message[WRITE_MAX * 4 + 256];

static void *must(void *p)
{
	if (!p) {
		perror("malloc");
		exit(2);
	}
	return p;
}

/* --- the kernel ----------------------------------------------------------- */

char *kstrndup(const char *s, size_t max, unsigned int gfp)
{
	size_t len = strnlen(s, max);
	char *copy;

	EXPECT(gfp == GFP_KERNEL);
	allocated++;
	if (no_memory)
		return NULL;
	/* To the byte, so that the address sanitizer sees what is beyond. */
	copy = must(malloc(len + 1));
	memcpy(copy, s, len);
	copy[len] = '\0';
	live++;
	return copy;
}

void kfree(const void *p)
{
	if (p)
		live--;
	free((void *)p);
}

void *dev_get_drvdata(const struct device *dev)
{
	EXPECT(dev == &pool);
	return &entry;
}

void put_device(struct device *dev)
{
	EXPECT(dev == found && dev->refs == 1);
	dev->refs--;
}

struct device *dap_find_device(const char *name)
{
	unsigned int i;

	looked_up++;
	free(looked_for);
	looked_for = must(strdup(name));
	for (i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		if (!devices[i].name || strcmp(devices[i].name, name))
			continue;
		found = &devices[i];
		found->refs++;
		return found;
	}
	return NULL;
}

static int act(struct dap_entry *to, struct device *dev)
{
	EXPECT((char *)to == &entry);
	EXPECT(dev == found && dev->refs == 1);
	return outcome;
}

int dap_attach_device(struct dap_entry *to, struct device *dev)
{
	attached++;
	return act(to, dev);
}

int dap_detach_device(struct dap_entry *to, struct device *dev)
{
	detached++;
	return act(to, dev);
}

static char *put_octal(char *to, u8 c)
{
	return to + sprintf(to, "\\%03o", c);
}

/* As the kernel's %*pE: printable characters, the others escaped. */
static char *put_escaped(char *to, int len, const char *from)
{
	static const char plain[] = "\n\r\t\v\f\a\033";
	static const char letter[] = "nrtvfae";
	const char *at;

	/* A width of 0 is none, to the kernel too. */
	for (; len > 0; len--, from++) {
		at = *from ? strchr(plain, *from) : NULL;
		if (isprint((u8)*from))
			*to++ = *from;
		else if (at)
			to += sprintf(to, "\\%c", letter[at - plain]);
		else if (!*from)
			to += sprintf(to, "\\0");
		else
			to = put_octal(to, *from);
	}
	return to;
}

/* The conversions that the module may come to use for a name. */
void dev_err(struct device *dev, const char *format, ...)
{
	const char *text;
	char *to = message;
	va_list args;
	int len;

	EXPECT(dev == &pool);
	reported++;
	va_start(args, format);
	while (*format) {
		if (!strncmp(format, "%*pE", 4)) {
			len = va_arg(args, int);
			to = put_escaped(to, len, va_arg(args, char *));
			format += 4;
		} else if (*format == '%') {
			len = -1;
			if (format[1] == '.')
				len = strtol(format + 2, (char **)&format, 10);
			else
				format++;
			if (*format++ != 's')
				fail("what conversion is that? \"%s\"", format);
			text = va_arg(args, char *);
			len = len < 0 ? strlen(text) : strnlen(text, len);
			memcpy(to, text, len);
			to += len;
		} else {
			*to++ = *format++;
		}
	}
	*to = '\0';
	va_end(args);
}

/* --- what should happen --------------------------------------------------- */

static bool naive_blank(char c)
{
	/* To the kernel 0xa0 is one, too. */
	return c == ' ' || (c >= '\t' && c <= '\r') || (u8)c == 0xa0;
}

/* The bytes of a write that are the name. */
static const char *naive_name(const char *buf, size_t count, size_t *len)
{
	const char *end = buf;

	while (end < buf + count && *end)
		end++;
	while (buf < end && naive_blank(*buf))
		buf++;
	while (buf < end && naive_blank(end[-1]))
		end--;
	*len = end - buf;
	return buf;
}

/* One line, of printable characters, not long, with the name if that is. */
static void check_message(const char *name, size_t len)
{
	size_t length = strlen(message), i;
	bool plain = true;

	EXPECT(length && length <= MESSAGE_MAX);
	EXPECT(message[length - 1] == '\n');
	for (i = 0; i < length - 1; i++)
		if (!isprint((u8)message[i]))
			fail("character %#x in the log", (u8)message[i]);
	for (i = 0; i < len; i++)
		plain &= !!isprint((u8)name[i]);
	if (plain && len <= DAP_SHOWN) {
		EXPECT(length > len);
		EXPECT(!memcmp(message + length - 1 - len, name, len));
	}
}

static struct device_attribute *attribute(const char *name)
{
	struct attribute **attr;

	for (attr = dap_groups[0]->attrs; *attr; attr++) {
		EXPECT((*attr)->mode == 0200);
		if (!strcmp((*attr)->name, name))
			return container_of(*attr, struct device_attribute,
					    attr);
	}
	fail("there is no attribute %s", name);
}

static void check_write(const char *buf, size_t count, bool detach)
{
	struct device_attribute *attr = attribute(detach ? "detach" : "attach");
	const char *name;
	size_t len, i;
	ssize_t ret;

	allocated = looked_up = attached = detached = reported = 0;
	found = NULL;
	ret = attr->store(&pool, attr, buf, count);
	steps++;

	EXPECT(!live);
	for (i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
		EXPECT(!devices[i].refs);
	EXPECT(allocated == 1);
	if (no_memory) {
		EXPECT(ret == -ENOMEM);
		EXPECT(!looked_up && !attached && !detached && !reported);
		return;
	}

	name = naive_name(buf, count, &len);
	EXPECT(looked_up == 1);
	if (strlen(looked_for) != len || memcmp(looked_for, name, len))
		fail("\"%s\" was looked for, not \"%.*s\"", looked_for,
		     (int)len, name);
	EXPECT(attached == (found && !detach));
	EXPECT(detached == (found && detach));
	EXPECT(reported == !found);
	if (!found) {
		EXPECT(ret == -ENODEV);
		check_message(name, len);
	} else {
		EXPECT(ret == (outcome ?: (ssize_t)count));
	}
}

/* --- an input ------------------------------------------------------------- */

/* What is written, to the byte and a NUL, as the kernel has it. */
static char *written(const u8 *text, size_t size, u8 how, size_t *count)
{
	const char *insert = how & INSERT ? devices[0].name : NULL;
	char *buf = must(malloc(WRITE_MAX + 1));
	size_t at = 0, i, len;

	do {
		for (i = 0; i < size && at < WRITE_MAX; i++) {
			if (insert && text[i] == 0x01) {
				len = strnlen(insert, WRITE_MAX - at);
				memcpy(buf + at, insert, len);
				at += len;
			} else {
				buf[at++] = text[i];
			}
		}
	} while (how & REPEAT && at && at < WRITE_MAX);
	buf = must(realloc(buf, at + 1));
	buf[at] = '\0';
	*count = at;
	return buf;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const u8 *newline;
	size_t count;
	char *buf;
	u8 how;

	if (!size)
		return 0;
	how = *data++;
	size--;
	newline = size ? memchr(data, '\n', size) : NULL;
	if (newline) {
		devices[0].name = must(strndup((char *)data, newline - data));
		size -= newline + 1 - data;
		data = newline + 1;
	}
	/* No device is called nothing. */
	if (devices[0].name && !*devices[0].name) {
		free((char *)devices[0].name);
		devices[0].name = NULL;
	}

	no_memory = how & NO_MEMORY;
	outcome = outcomes[(how >> 4) %
			   (sizeof(outcomes) / sizeof(outcomes[0]))];
	buf = written(data, size, how, &count);
	/* The kernel does not pass on a write of nothing. */
	if (count)
		check_write(buf, count, how & DETACH);

	free(buf);
	free((char *)devices[0].name);
	devices[0].name = NULL;
	free(looked_for);
	looked_for = NULL;
	return 0;
}
