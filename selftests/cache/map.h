/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The machine's memory map.  For the emulator all of this is one piece of RAM.  The
 * board's board.conf and cache.conf tell the kernel the same numbers: keep them equal.
 */
#ifndef MAP_H
#define MAP_H

#define BASE		0x60000000u
#define BOX		0x00b00000u	/* offset of memory for tests, never cached */
#define VIEW		0x00c00000u	/* offset of the pool, cacheable */
#define ALIAS		0x00e00000u	/* offset of its alias, not cacheable */
#define POOL		0x00200000u
#define TOTAL		0x01000000u
#define ENGINE		0x40030000u	/* registers of the DMA engine, a page */

#endif /* MAP_H */
