/* SPDX-License-Identifier: GPL-2.0 */
/* The test knows whether interrupts are on. */
#ifndef DAP_UNIT_LINUX_IRQFLAGS_H
#define DAP_UNIT_LINUX_IRQFLAGS_H

unsigned long irq_save(void);
void irq_restore(unsigned long flags);

#define local_irq_save(flags)		((flags) = irq_save())
#define local_irq_restore(flags)	irq_restore(flags)

#endif /* DAP_UNIT_LINUX_IRQFLAGS_H */
