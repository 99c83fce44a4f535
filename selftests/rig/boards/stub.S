/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stub.S - what a boot loader would do: the few instructions that QEMU runs
 * from the reset vector and that start the kernel. One for all boards; the
 * addresses come from board.conf (kernel.sh defines STACK, UART, DTB_ADDR,
 * IMAGE_ADDR and links it at VECTORS).
 */
	.syntax unified
	.thumb
	.section .text
	.word	STACK
	.word	start + 1	/* reset */
	.rept	14
	.word	stop + 1	/* an exception this early cannot be served */
	.endr

	.global	start
	.type	start, %function
start:
	/* The kernel's early console waits for a transmitter that nobody else
	 * enables: divisor (at least 16), then transmit on. Not receive: what
	 * is typed now waits until the driver takes it. */
	ldr	r4, =UART
	movs	r5, #16
	str	r5, [r4, #0x10]
	movs	r5, #1
	str	r5, [r4, #0x08]

	/* the ARM boot protocol: r0 zero, r1 no machine number, r2 device tree */
	movs	r0, #0
	mvn	r1, #0
	ldr	r2, =DTB_ADDR
	ldr	r4, =IMAGE_ADDR + 1
	bx	r4

	.type	stop, %function
stop:
	b	stop
	.pool
