/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What static analyzers are told of the kernel's allocators, which they do not
 * know, or only one by one: these give memory, which kfree() takes back. Only
 * for check_analysis.sh, before all else of a source.
 */
#include <linux/slab.h>
#include <linux/string.h>

#ifdef __clang__
#define DAP_GIVES __attribute__((ownership_returns(malloc)))
#else
#define DAP_GIVES __attribute__((malloc, malloc(kfree, 1)))
#endif

void *dap_analysis_alloc(size_t size) DAP_GIVES;

static inline void *dap_analysis_zalloc(size_t size)
{
	void *memory = dap_analysis_alloc(size);

	if (memory)
		__builtin_memset(memory, 0, size);
	return memory;
}

#undef kmalloc
#undef kzalloc
#undef kcalloc
#undef kstrndup
#define kmalloc(size, flags)		dap_analysis_alloc(size)
#define kzalloc(size, flags)		dap_analysis_zalloc(size)
#define kcalloc(count, size, flags)	dap_analysis_zalloc((count) * (size))
#define kstrndup(text, max, flags)	((char *)dap_analysis_alloc(max))
