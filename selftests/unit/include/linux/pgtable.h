/* SPDX-License-Identifier: GPL-2.0 */
/* The test says what a mapping can be. */
#ifndef DAP_UNIT_LINUX_PGTABLE_H
#define DAP_UNIT_LINUX_PGTABLE_H

typedef struct { unsigned long pgprot; } pgprot_t;

#define pgprot_val(x)	((x).pgprot)
#define PAGE_KERNEL	((pgprot_t){ 0xe7 })

pgprot_t pgprot_noncached(pgprot_t prot);

#endif /* DAP_UNIT_LINUX_PGTABLE_H */
