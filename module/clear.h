/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Clearing the memory of an allocation.
 *
 * Context: any.
 */
#ifndef DAP_CLEAR_H
#define DAP_CLEAR_H

#include <linux/string.h>
#include <linux/types.h>

/*
 * Clear whole pages.  This is most of what an allocation costs.  memset() of
 * 32-bit ARM stores four registers at a time; with eight, only half as many
 * instructions are needed, and each is one burst where the memory is not
 * cached.  A turn of the loop clears 1 KiB: if it cleared 128 bytes, counting and
 * jumping would cost half as much as the stores.
 */
#define DAP_CLEAR_128	"stmia	%0!, {r1-r6, r8, ip}\n\t" \
			"stmia	%0!, {r1-r6, r8, ip}\n\t" \
			"stmia	%0!, {r1-r6, r8, ip}\n\t" \
			"stmia	%0!, {r1-r6, r8, ip}\n\t"

static inline void dap_clear_pages(void *to, size_t size)
{
#ifdef CONFIG_ARM
	asm volatile("mov	r1, #0\n\t"
		     "mov	r2, #0\n\t"
		     "mov	r3, #0\n\t"
		     "mov	r4, #0\n\t"
		     "mov	r5, #0\n\t"
		     "mov	r6, #0\n\t"
		     "mov	r8, #0\n\t"
		     "mov	ip, #0\n"
		     "1:\t"
		     DAP_CLEAR_128 DAP_CLEAR_128 DAP_CLEAR_128 DAP_CLEAR_128
		     DAP_CLEAR_128 DAP_CLEAR_128 DAP_CLEAR_128 DAP_CLEAR_128
		     "subs	%1, %1, #1024\n\t"
		     "bne	1b"
		     : "+r" (to), "+r" (size)
		     :
		     : "r1", "r2", "r3", "r4", "r5", "r6", "r8", "ip", "cc",
		       "memory");
#else
	memset(to, 0, size);
#endif
}

#endif /* DAP_CLEAR_H */
