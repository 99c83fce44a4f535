/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a module can do to the CPU's caches.
 *
 * The kernel's own entry points for streaming DMA, arch_sync_dma_for_device() and
 * its twin, are not exported.  What is, or needs no kernel:
 *
 *  noMMU ARM	the table behind those entry points, for some 20 instructions a
 *		call; arch/arm/mm/dma-mapping-nommu.c does the same.  The only
 *		place where streaming DMA is maintained here: elsewhere a client
 *		that is not coherent in hardware goes through its companion device
 *		(direct.c)
 *  ARM, MMU	__cpuc_flush_dcache_area(), for the checks at load
 *  RISC-V	the instructions of Zicbom, where the CPU has them: allowed for
 *		the kernel in M-mode always, in S-mode where firmware lets it
 *		use them itself; else the cache controllers that the kernel knows
 *		(RISCV_NONSTANDARD_CACHE_OPS), through what it exports for
 *		persistent memory
 *  others	what is exported for persistent memory, if there is such a thing
 *
 * Context: all of it may be called in any, with interrupts off as well.
 */
#ifndef DAP_CACHE_H
#define DAP_CACHE_H

#include <linux/dma-direction.h>
#include <linux/io.h>
#include <linux/types.h>
#ifdef CONFIG_ARM
#include <asm/cacheflush.h>
#include <asm/glue-cache.h>
#include <asm/outercache.h>
#endif
#ifdef DAP_HAS_ZICBOM
#include <asm/hwcap.h>
#ifdef DAP_HAS_ASM_CPUFEATURE
#include <asm/cpufeature.h>
#endif
#endif
#include <linux/libnvdimm.h>

/* --- streaming DMA, by physical address: noMMU can address all memory so */

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

/* --- the checks at load */

#ifdef DAP_HAS_ZICBOM
/* The size of a block is not exported; none is smaller than this. */
#define DAP_CBO_STEP	16

static inline bool dap_has_cbo(void)
{
	return __riscv_isa_extension_available(NULL, RISCV_ISA_EXT_ZICBOM);
}

/* cbo.flush, by its encoding: an assembler may not know it. */
static inline void dap_cbo_flush(void *va, size_t size)
{
	unsigned long at = (unsigned long)va & ~(DAP_CBO_STEP - 1UL);

	for (; at < (unsigned long)va + size; at += DAP_CBO_STEP)
		asm volatile(".insn i 0x0f, 2, x0, %0, 2" : : "r" (at) : "memory");
}
#else
static inline bool dap_has_cbo(void) { return false; }
static inline void dap_cbo_flush(void *va, size_t size) { }
#endif

/*
 * Write back and drop each cache line of a cacheable mapping: @va is where it is,
 * @phys what is there.  The caller sees to barriers around it.
 */
static inline void dap_flush_cached_view(void *va, phys_addr_t phys,
					 size_t size)
{
#if defined(CONFIG_ARM)
	__cpuc_flush_dcache_area(va, size);
	outer_flush_range(phys, phys + size);
#else
	if (dap_has_cbo()) {
		dap_cbo_flush(va, size);
		return;
	}
	/*
	 * A controller is told the address that this is in the linear map.  Where
	 * there is no such thing, these do nothing.
	 */
	if (IS_ENABLED(CONFIG_RISCV))
		va = phys_to_virt(phys);
	arch_wb_cache_pmem(va, size);
	arch_invalidate_pmem(va, size);
#endif
}

/*
 * Does that reach all caches that the kernel knows?  If not, a stale line may hide
 * what is in memory.
 */
static inline bool dap_flush_is_sure(void)
{
	return IS_ENABLED(CONFIG_ARM) || dap_has_cbo() ||
	       (IS_ENABLED(CONFIG_ARCH_HAS_PMEM_API) &&
		!IS_ENABLED(CONFIG_RISCV));
}

#endif /* DAP_CACHE_H */
