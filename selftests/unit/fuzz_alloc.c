// SPDX-License-Identifier: GPL-2.0
/*
 * Fuzz target for module/alloc.c: an input is a pool and a history of calls,
 * each compared with the oracle (checked.h); any difference aborts.
 *
 *   2 bytes	pages - 1, 12 bits, or 6 only unless bit 15 is set; bits 12 and 13:
 *		see fuzz_offset()
 *   1 byte	offset
 *   1 byte	max_order, 5 bits
 *   then	operations, one byte each and what it wants more: the upper 3
 *		bits say which, the lower 5 are its argument
 */
#include "../../module/alloc.c"
#include "checked.h"
#include "fuzz.h"

/* Validating all of a large pool takes long: every so many operations. */
#define VALIDATE_SMALL	64
#define VALIDATE_EVERY	32

enum op {
	OP_GET,		/* arg + 1 pages */
	OP_GET_BIG,	/* arg + 32 * byte pages, so also none or too many */
	OP_GET_BELOW,	/* arg + 1 pages below a limit, 2 bytes */
	OP_REPEAT,	/* arg + 1 pages, as often as 1 byte says */
	OP_PUT,		/* live allocation no. arg */
	OP_PUT_FAR,	/* live allocation no. arg + 32 * byte */
	OP_PUT_MANY,	/* of all live ones, every (arg + 1)th */
	OP_BAD,		/* arg: which kind of bad put */
};

struct input {
	const uint8_t *at;
	const uint8_t *end;
};

/* What is beyond the end reads as 0. */
static u32 next_byte(struct input *in)
{
	return in->at < in->end ? *in->at++ : 0;
}

static u32 next_word(struct input *in)
{
	u32 low = next_byte(in);

	return low | next_byte(in) << 8;
}

/* Offsets near 0, near the greatest, with many bits, or of a real address. */
static u32 fuzz_offset(u32 how, u32 byte)
{
	switch (how & 3) {
	case 0:
		return byte;
	case 1:
		return 0x7fffffff - byte;
	case 2:
		return byte * 0x01010101U & 0x7fffffff;
	default:
		return byte << 12;
	}
}

/* A put that is none of a live allocation, and must change nothing. */
static void bad_put(struct pool *p, struct input *in, u32 kind)
{
	u32 page = next_byte(in), n;

	if (p->count)
		page = p->live[page % p->count];
	else
		page %= p->o.pages;
	n = p->o.map[page] == HEAD ? p->o.len[page] : 1;

	snapshot(p);
	switch (kind % 12) {
	case 0:
		step_bad_put(p, page, n + 1);
		break;
	case 1:
		step_bad_put(p, page, n - 1);
		break;
	case 2:
		step_bad_put(p, page, 0);
		break;
	case 3:
		step_bad_put(p, page, ~0U);
		break;
	case 4:
		step_bad_put(p, page, 0 - page);
		break;
	case 5:
		step_bad_put(p, page + 1, n);
		break;
	case 6:
		step_bad_put(p, page - 1, n);
		break;
	case 7:
		step_bad_put(p, page + n - 1, 1);
		break;
	case 8:
		step_bad_put(p, page + n, n);
		break;
	case 9:
		step_bad_put(p, p->o.pages, next_byte(in));
		break;
	case 10:
		step_bad_put(p, next_word(in) << 16, next_byte(in));
		break;
	default:
		/* Twice: where an allocation just was. */
		if (p->count) {
			step_put(p, page);
			snapshot(p);
			step_bad_put(p, page, n);
		}
	}
	EXPECT(unchanged(p));
	if (p->o.pages <= 16)
		all_bad_puts(p);
}

static void step(struct pool *p, struct input *in)
{
	u32 byte = next_byte(in), arg = byte & 31, i;

	switch ((enum op)(byte >> 5)) {
	case OP_GET:
		step_get(p, arg + 1, ~0U);
		break;
	case OP_GET_BIG:
		step_get(p, arg + 32 * next_byte(in), p->o.pages);
		break;
	case OP_GET_BELOW:
		step_get(p, arg + 1, next_word(in) % (p->o.pages + 2));
		break;
	case OP_REPEAT:
		for (i = next_byte(in); i; i--)
			if (step_get(p, arg + 1, ~0U))
				break;
		break;
	case OP_PUT:
		if (p->count)
			step_put(p, p->live[arg % p->count]);
		break;
	case OP_PUT_FAR:
		arg += 32 * next_byte(in);
		if (p->count)
			step_put(p, p->live[arg % p->count]);
		break;
	case OP_PUT_MANY:
		/* From the end: a put moves the last one into the gap. */
		for (i = p->count; i > arg; i -= arg + 1)
			step_put(p, p->live[i - arg - 1]);
		break;
	case OP_BAD:
		bad_put(p, in, arg);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { .at = data, .end = data + size };
	u32 word = next_word(&in), count = 0;
	u32 offset = fuzz_offset(word >> 12, next_byte(&in));
	struct pool *p;

	/* Small pools have the most corners, and are fast. */
	p = pool_new(1 + (word & (word >> 15 ? 4095 : 63)));
	pool_reset(p, offset, next_byte(&in) & 31);
	while (in.at < in.end) {
		step(p, &in);
		if (p->o.pages <= VALIDATE_SMALL ||
		    ++count % VALIDATE_EVERY == 0)
			validate(p);
	}
	validate(p);
	while (p->count)
		step_put(p, p->live[0]);
	validate(p);
	EXPECT(p->a.free == p->o.pages);
	pool_free(p);
	return 0;
}
