/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The machine's memory: all of it is one piece of RAM to the emulator.  board.conf
 * and cache.conf of the board have the same numbers for the kernel.
 */
#ifndef MAP_H
#define MAP_H

#define BASE		0x60000000u
#define BOX		0x00b00000u	/* offsets: never cached, for tests and devices */
#define VIEW		0x00c00000u	/* the pool, cacheable */
#define ALIAS		0x00e00000u	/* the same memory, not */
#define POOL		0x00200000u
#define TOTAL		0x01000000u
#define ENGINE		0x40030000u	/* registers of the DMA engine, a page */

#endif /* MAP_H */
