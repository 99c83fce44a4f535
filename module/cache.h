/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a module can do to the CPU's caches.
 *
 * The kernel's own functions for streaming DMA, arch_sync_dma_for_device() and
 * arch_sync_dma_for_cpu(), are not exported.  These are the ways that remain:
 *
 *  noMMU ARM	the table of operations behind those functions, at some 20
 *		instructions a call; arch/arm/mm/dma-mapping-nommu.c does the
 *		same.  Only here is streaming DMA maintained directly:
 *		elsewhere, a client that is not coherent in hardware uses its
 *		companion (direct.c).
 *  ARM, MMU	__cpuc_flush_dcache_area()
 *  arm64	the instruction for it
 *  RISC-V	the instructions of Zicbom, if the CPU has them.  The kernel may
 *		always use them in M-mode, and in S-mode where the firmware
 *		allows it.  Otherwise what the kernel knows of T-Head's CPUs and
 *		of cache controllers, by the functions that are exported for
 *		persistent memory.
 *  others	the functions that are exported for persistent memory, if any
 *
 * Context: any of this may be called in any context, also with interrupts off.
 */
#ifndef DAP_CACHE_H
#define DAP_CACHE_H

#include <linux/dma-direction.h>
#include <linux/io.h>
#include <linux/pgtable.h>
#include <linux/types.h>
#ifdef CONFIG_ARM
#include <asm/cacheflush.h>
#include <asm/glue-cache.h>
#include <asm/outercache.h>
#endif
#ifdef CONFIG_ARM64
#include <asm/barrier.h>
#include <asm/cpufeature.h>
#include <asm/sysreg.h>
#endif
#ifdef DAP_HAS_ZICBOM
#include <asm/hwcap.h>
#ifdef DAP_HAS_ASM_CPUFEATURE
#include <asm/cpufeature.h>
#endif
#endif
#include <linux/libnvdimm.h>

/* --- streaming DMA, by physical address: noMMU maps all memory */

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

/* --- memory that is used uncached from now on, and the checks at load */

#ifdef DAP_HAS_ZICBOM
/* A step that no cache block is smaller than: its real size is not exported. */
#define DAP_CBO_STEP	16

static inline bool dap_has_cbo(void)
{
	return __riscv_isa_extension_available(NULL, RISCV_ISA_EXT_ZICBOM);
}

/* cbo.flush, by its encoding: the assembler may not know the name. */
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

#ifdef CONFIG_ARM64
/* The kernel's own loop is exported only with CONFIG_ARM64_PMEM. */
static inline void dap_civac(void *va, size_t size)
{
	/* the shortest line of all CPUs, which may differ */
	unsigned long line =
		4UL << (read_sanitised_ftr_reg(SYS_CTR_EL0) >> 16 & 0xf);
	unsigned long at = (unsigned long)va & ~(line - 1);

	for (; at < (unsigned long)va + size; at += line)
		asm volatile("dc civac, %0" : : "r" (at) : "memory");
	dsb(sy);
}
#endif

/*
 * Write back and drop all cache lines of a cacheable mapping: @phys is mapped
 * at @va.  What was written there before is in memory afterwards, and what is
 * read there comes from memory.
 */
static inline void dap_flush_cached_view(void *va, phys_addr_t phys,
					 size_t size)
{
	/* The writes come before the maintenance ... */
	mb();
#if defined(CONFIG_ARM)
	__cpuc_flush_dcache_area(va, size);
	outer_flush_range(phys, phys + size);
#elif defined(CONFIG_ARM64)
	dap_civac(va, size);
#else
	if (dap_has_cbo()) {
		dap_cbo_flush(va, size);
	} else {
#if defined(CONFIG_RISCV_NONSTANDARD_CACHE_OPS) && \
	!(defined(DAP_THEAD_CMO_BY_VA) && defined(CONFIG_ERRATA_THEAD_CMO))
		/*
		 * The cache controllers of SiFive and StarFive, and T-Head's
		 * CPUs since Linux 6.8, get the physical address that belongs
		 * to @va in the linear map, whether it is mapped there or not.
		 * (Andes' AX45MP wants it mapped, which this memory is not.)
		 * T-Head's CPUs before, and other architectures, access @va.  A
		 * kernel before 6.8 that is built for T-Head's CPUs and for such
		 * a controller gets @va, which does nothing for the controller.
		 */
		va = phys_to_virt(phys);
#endif
		arch_wb_cache_pmem(va, size);
		arch_invalidate_pmem(va, size);
	}
#endif
	/* ... and that before the reads. */
	mb();
}

/*
 * If there is an outer cache, can its driver flush memory that ends there?  It
 * gets the end as an unsigned long, and does nothing for 0.
 */
static inline bool dap_outer_flushes_to(phys_addr_t end)
{
#if defined(CONFIG_ARM) && defined(CONFIG_OUTER_CACHE)
	return !outer_cache.flush_range || (unsigned long)end;
#else
	return true;
#endif
}

/*
 * Does dap_flush_cached_view() reach all caches that the kernel knows?  If not,
 * a stale line may hide what is in memory.
 */
static inline bool dap_flush_is_sure(void)
{
	return IS_ENABLED(CONFIG_ARM) || IS_ENABLED(CONFIG_ARM64) ||
	       dap_has_cbo() ||
	       (IS_ENABLED(CONFIG_ARCH_HAS_PMEM_API) &&
		!IS_ENABLED(CONFIG_RISCV));
}

/*
 * Can the kernel map memory uncached that is cached at its own address?  With
 * an MMU it can, but for RISC-V: there it takes Svpbmt, or what T-Head has in
 * its place.  On other CPUs an uncached mapping is like any other.
 */
static inline bool dap_can_map_uncached(void)
{
#if defined(CONFIG_MMU) && defined(CONFIG_RISCV)
	return pgprot_val(pgprot_noncached(PAGE_KERNEL)) !=
	       pgprot_val(PAGE_KERNEL);
#else
	return IS_ENABLED(CONFIG_MMU);
#endif
}

#endif /* DAP_CACHE_H */
