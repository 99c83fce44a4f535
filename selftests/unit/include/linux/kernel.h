/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel tree's tools/include/linux/kernel.h, and what it lacks. */
#ifndef DAP_UNIT_LINUX_KERNEL_H
#define DAP_UNIT_LINUX_KERNEL_H

#include_next <linux/kernel.h>
#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/types.h>

/* That of <assert.h> needs a message, for clang at least. */
#undef static_assert
#define static_assert(cond)	_Static_assert(cond, #cond)

#ifndef swap
#define swap(a, b)							\
	do {								\
		__typeof__(a) swapped = (a);				\
		(a) = (b);						\
		(b) = swapped;						\
	} while (0)
#endif

/*
 * As the kernel's: digits and nothing else up to the end, but a plus sign
 * before and a newline after them do not matter; base 0 only. In user space a
 * u64 is no unsigned long long everywhere.
 */
static inline int kstrtoull(const char *s, unsigned int base, u64 *res)
{
	const char *start;
	bool overflow = false;
	u64 value = 0;

	if (*s == '+')
		s++;
	base = 10;
	if (*s == '0') {
		base = 8;
		if ((s[1] == 'x' || s[1] == 'X') && isxdigit(s[2])) {
			base = 16;
			s += 2;
		}
	}
	for (start = s; isxdigit(*s); s++) {
		u32 digit = isdigit(*s) ? *s - '0' : (*s | 0x20) - 'a' + 10;

		if (digit >= base)
			break;
		overflow |= __builtin_mul_overflow(value, base, &value);
		overflow |= __builtin_add_overflow(value, digit, &value);
	}
	if (overflow)
		return -ERANGE;
	if (s == start)
		return -EINVAL;
	if (*s == '\n')
		s++;
	if (*s)
		return -EINVAL;
	*res = value;
	return 0;
}

#endif /* DAP_UNIT_LINUX_KERNEL_H */
