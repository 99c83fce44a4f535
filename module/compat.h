/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Everything that depends on the kernel being built against.
 *
 * No other file tests a kernel version or an architecture.  What differs is
 * found by looking at the tree's headers (macros set in Kbuild) or at its
 * configuration, never by version number: vendor kernels backport.
 */
#ifndef DAP_COMPAT_H
#define DAP_COMPAT_H

#include <linux/dma-direct.h>
#include <linux/dma-map-ops.h>
#include <linux/string.h>
#include <linux/swiotlb.h>

/*
 * set_dma_ops() is an empty inline on kernels without per-device operations
 * (arm64 without Xen, RISC-V, every noMMU architecture but ARM): the module
 * would build, attach to devices and change nothing at all.
 */
#if !defined(CONFIG_DMA_OPS) && !defined(CONFIG_ARCH_HAS_DMA_OPS)
#error "no per-device dma_map_ops (CONFIG_DMA_OPS): use a linux,dma-default pool instead"
#endif

/*
 * Cache maintenance for streaming DMA.  The kernel's own entry points
 * (arch_sync_dma_for_device() and its twin) are not exported; noMMU ARM
 * exports the table behind them, and there every physical address is
 * addressable, so what arch/arm/mm/dma-mapping-nommu.c does can be done here
 * for some 20 instructions a call.  Elsewhere a client that is not coherent in
 * hardware goes through its companion device (see direct.c).
 */
#if defined(CONFIG_ARM) && !defined(CONFIG_MMU)
#include <asm/cacheflush.h>
#include <asm/glue-cache.h>
#include <asm/outercache.h>
#endif

#if defined(CONFIG_ARM) && !defined(CONFIG_MMU) && defined(MULTI_CACHE)
#define DAP_HAVE_CACHE_OPS	1

static inline void dap_sync_for_device(phys_addr_t phys, size_t size,
				       enum dma_data_direction dir)
{
	cpu_cache.dma_map_area(phys_to_virt(phys), size, dir);
	if (dir == DMA_FROM_DEVICE)
		outer_inv_range(phys, phys + size);
	else
		outer_clean_range(phys, phys + size);
}

static inline void dap_sync_for_cpu(phys_addr_t phys, size_t size,
				    enum dma_data_direction dir)
{
	if (dir != DMA_TO_DEVICE) {
		outer_inv_range(phys, phys + size);
		cpu_cache.dma_unmap_area(phys_to_virt(phys), size, dir);
	}
}
#else
#define DAP_HAVE_CACHE_OPS	0

static inline void dap_sync_for_device(phys_addr_t phys, size_t size,
				       enum dma_data_direction dir) { }
static inline void dap_sync_for_cpu(phys_addr_t phys, size_t size,
				    enum dma_data_direction dir) { }
#endif

/* The flag exists only where the architecture has devices of both kinds. */
static inline void dap_assign_coherent(struct device *dev, bool coherent)
{
#if defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_DEVICE) || \
	defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_CPU) || \
	defined(CONFIG_ARCH_HAS_SYNC_DMA_FOR_CPU_ALL)
	dev->dma_coherent = coherent;
#endif
}

/* Write back and drop every cache line of a cacheable mapping. */
static inline void dap_flush_cached_view(void *va, phys_addr_t phys,
					 size_t size)
{
#ifdef CONFIG_ARM
	__cpuc_flush_dcache_area(va, size);
	outer_flush_range(phys, phys + size);
#endif
}

/*
 * Clear whole pages.  Most of what an allocation costs is this, and memset() of
 * 32-bit ARM stores four registers at a time; eight halve its instructions, and
 * are one burst where the memory is not cached.
 */
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
		     "stmia	%0!, {r1-r6, r8, ip}\n\t"
		     "stmia	%0!, {r1-r6, r8, ip}\n\t"
		     "stmia	%0!, {r1-r6, r8, ip}\n\t"
		     "stmia	%0!, {r1-r6, r8, ip}\n\t"
		     "subs	%1, %1, #128\n\t"
		     "bne	1b"
		     : "+r" (to), "+r" (size)
		     :
		     : "r1", "r2", "r3", "r4", "r5", "r6", "r8", "ip", "cc",
		       "memory");
#else
	memset(to, 0, size);
#endif
}

#endif /* DAP_COMPAT_H */
