/* SPDX-License-Identifier: GPL-2.0 */
/*
 * module/cache.h as it is, for RISC-V with an MMU and without Zicbom: which
 * address the kernel's functions get, and what a CPU can map. Compiled for kernels
 * whose functions go by that address, or by the physical address that belongs to
 * it in the linear map (BY_PHYS).
 */
#include <stdbool.h>
#include <stdint.h>
#include <linux/kconfig.h>
#include <linux/kernel.h>
#include <linux/types.h>
#include <asm/barrier.h>

#include "tap.h"

#define CONFIG_MMU	1
#define CONFIG_RISCV	1

/* The kernel's linear map; what is mapped elsewhere is not in it. */
#define LINEAR		0x40000000

static inline void *phys_to_virt(phys_addr_t phys)
{
	return (void *)(uintptr_t)(phys + LINEAR);
}

#include "../../module/cache.h"

#define BASE		0x20000000
#define MAPPED		0x70000000

static uintptr_t cleaned, invalidated;
static unsigned long memory_type;

void arch_wb_cache_pmem(void *va, size_t size)
{
	EXPECT(size == 4096 && !invalidated);
	cleaned = (uintptr_t)va;
}

void arch_invalidate_pmem(void *va, size_t size)
{
	EXPECT(size == 4096 && cleaned);
	invalidated = (uintptr_t)va;
}

pgprot_t pgprot_noncached(pgprot_t prot)
{
	return (pgprot_t){ prot.pgprot | memory_type };
}

static void flush(void)
{
	uintptr_t wanted = BY_PHYS ? BASE + LINEAR : MAPPED;

	cleaned = invalidated = 0;
	dap_flush_cached_view((void *)MAPPED, BASE, 4096);
	EXPECT(cleaned == wanted && invalidated == wanted);
}

static void uncached(void)
{
	memory_type = 0;
	EXPECT(!dap_can_map_uncached());
	memory_type = 1UL << 31;
	EXPECT(dap_can_map_uncached());
}

static const struct tap_test tests[] = {
	{ "a mapping is flushed", flush },
	{ "what an uncached mapping is", uncached },
};

int main(void)
{
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
