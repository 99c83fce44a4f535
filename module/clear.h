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
 * 32-bit ARM stores four registers at a time.  Here it is eleven, 44 bytes, all
 * that are left beside the two operands and the frame pointer of either
 * instruction set: fewer instructions, and each is one burst where the memory is
 * not cached.  A turn of the loop clears 2 KiB, 46 * 44 + 24 bytes: in short
 * ones, counting and jumping would cost half as much as the stores.
 */
#define DAP_CLEAR_176	"stmia	%0!, {r1-r6, r8-r10, ip, lr}\n\t" \
			"stmia	%0!, {r1-r6, r8-r10, ip, lr}\n\t" \
			"stmia	%0!, {r1-r6, r8-r10, ip, lr}\n\t" \
			"stmia	%0!, {r1-r6, r8-r10, ip, lr}\n\t"

static inline void dap_clear_pages(void *to, size_t size)
{
#ifdef CONFIG_ARM
	asm volatile("movs	r1, #0\n\t"
		     "movs	r2, #0\n\t"
		     "movs	r3, #0\n\t"
		     "movs	r4, #0\n\t"
		     "movs	r5, #0\n\t"
		     "movs	r6, #0\n\t"
		     "mov	r8, #0\n\t"
		     "mov	r9, #0\n\t"
		     "mov	r10, #0\n\t"
		     "mov	ip, #0\n\t"
		     "mov	lr, #0\n"
		     "1:\t"
		     DAP_CLEAR_176 DAP_CLEAR_176 DAP_CLEAR_176 DAP_CLEAR_176
		     DAP_CLEAR_176 DAP_CLEAR_176 DAP_CLEAR_176 DAP_CLEAR_176
		     DAP_CLEAR_176 DAP_CLEAR_176 DAP_CLEAR_176
		     "stmia	%0!, {r1-r6, r8-r10, ip, lr}\n\t"
		     "stmia	%0!, {r1-r6, r8-r10, ip, lr}\n\t"
		     "stmia	%0!, {r1-r6}\n\t"
		     "subs	%1, %1, #2048\n\t"
		     "bne	1b"
		     : "+r" (to), "+r" (size)
		     :
		     : "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10",
		       "ip", "lr", "cc", "memory");
#else
	memset(to, 0, size);
#endif
}

#endif /* DAP_CLEAR_H */
