// SPDX-License-Identifier: GPL-2.0
/*
 * The plugin of QEMU that gives the machine a data cache.  It tells the other files of
 * each access of the CPU.
 *
 * Arguments (-plugin FILE,NAME=VALUE,...):
 *	ram=FILE	the file that QEMU maps as the machine's RAM, shared
 *	size=16|0	KiB of cache, in four ways; 0 (the default): room for all lines,
 *			which leave only by the adversary or by cache maintenance
 *	alias=uncached|wt|wb	how the board caches the pool's alias
 *	period=N seed=N	how often the adversary acts, and its seed, see lines.c
 *	report=FILE	where to write the faults when the machine ends, see report.c
 *
 * For tests there are more registers in the page of the DMA engine.  A write to
 *	0x80	sets the period
 *	0x84	sets the seed
 *	0x88	evicts the line of the address that is written
 *	0x8c	fetches the line of the address that is written
 *	0x90	evicts all lines
 *	0x94	prints the counters and clears them
 *
 * Contexts: QEMU calls back on the CPU's thread, after each access.  It needs to tell
 * what was stored, which QEMU 10 and newer do.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <qemu-plugin.h>

#include "cpu.h"
#include "engine.h"
#include "lines.h"
#include "map.h"
#include "report.h"

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

static void print_counters(void)
{
	const struct lines_count *n = &lines_count;

	fprintf(stderr,
		"cache: loads %" PRIu64 " stores %" PRIu64 " (untold lines %" PRIu64
		"), fills %" PRIu64 " evictions %" PRIu64
		"; adversary: fetched %" PRIu64 " written back %" PRIu64 " dropped %" PRIu64
		"; cleaned %" PRIu64 " invalidated %" PRIu64 " (dirty %" PRIu64
		") both %" PRIu64 "; uncached where there is a line %" PRIu64
		"; DMA: copies %" PRIu64 " read %" PRIu64 " written %" PRIu64
		" bytes; stale reads %" PRIu64 ", stale DMA %" PRIu64
		", overwritten %" PRIu64 "\n",
		n->loads, n->stores, n->unseen, n->fills, n->evictions,
		n->fetches, n->write_backs, n->drops, n->ops[OP_CLEAN],
		n->ops[OP_INVALIDATE], n->lost, n->ops[OP_CLEAN_INVALIDATE],
		n->mixed, engine_copies(), n->dma_read, n->dma_written,
		n->faults[STALE_READ], n->faults[STALE_DMA],
		n->faults[OVERWRITTEN]);
}

static void wrote_control(uint32_t reg, uint32_t value)
{
	bool in_memory = value - BASE < TOTAL;

	switch (reg) {
	case 0x80:
		lines_set_period(value);
		break;
	case 0x84:
		lines_set_seed(value);
		break;
	case 0x88:
		if (in_memory)
			lines_evict(value - BASE);
		break;
	case 0x8c:
		if (in_memory)
			lines_fetch(value - BASE);
		break;
	case 0x90:
		lines_evict_all();
		break;
	case 0x94:
		print_counters();
		memset(&lines_count, 0, sizeof(lines_count));
		break;
	}
}

static void accessed_register(qemu_plugin_meminfo_t info, uint32_t addr,
			      uint32_t pc)
{
	uint32_t value;

	if (!qemu_plugin_mem_is_store(info)) {
		cpu_read_register(addr, pc);
		return;
	}
	value = qemu_plugin_mem_get_value(info).data.u32;
	if (addr - ENGINE >= PAGE)
		cpu_wrote_register(addr, value);
	else if (!engine_wrote_register(addr - ENGINE, value))
		wrote_control(addr - ENGINE, value);
}

static void accessed(unsigned int vcpu, qemu_plugin_meminfo_t info,
		     uint64_t vaddr, void *data)
{
	uint32_t addr = vaddr, pc = (uintptr_t)data;
	uint32_t len = 1u << qemu_plugin_mem_size_shift(info);

	(void)vcpu;
	if (addr - ENGINE < PAGE || addr - SYSTEM_SPACE < PAGE) {
		accessed_register(info, addr, pc);
		return;
	}
	if (addr - BASE >= TOTAL || len > TOTAL - (addr - BASE) || !cpu_is_on())
		return;
	if (qemu_plugin_mem_is_store(info))
		lines_stored(addr - BASE, len, pc);
	else
		lines_loaded(addr - BASE, len, pc);
	engine_tick();
	lines_tick();
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t i, count = qemu_plugin_tb_n_insns(tb);
	struct qemu_plugin_insn *insn;
	void *pc;

	(void)id;
	for (i = 0; i < count; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		pc = (void *)(uintptr_t)qemu_plugin_insn_vaddr(insn);
		qemu_plugin_register_vcpu_mem_cb(insn, accessed,
						 QEMU_PLUGIN_CB_NO_REGS,
						 QEMU_PLUGIN_MEM_RW, pc);
	}
}

static void ended(qemu_plugin_id_t id, void *data)
{
	(void)id;
	(void)data;
	if (!cpu_is_on())
		fprintf(stderr, "cache: it was never switched on\n");
	else if (!cpu_patched())
		fprintf(stderr, "cache: no read of CTR was found, the kernel sees no caches\n");
	print_counters();
	report_end();
}

/* The value in @arg, NAME=VALUE, if NAME is @name; else NULL. */
static const char *value_of(const char *arg, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(arg, name, len) && arg[len] == '=' ? arg + len + 1 : NULL;
}

static uint8_t *map_ram(const char *path)
{
	int fd = open(path, O_RDWR);
	void *ram;

	if (fd < 0)
		return NULL;
	ram = mmap(NULL, TOTAL, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return ram == MAP_FAILED ? NULL : ram;
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id,
					   const qemu_info_t *info, int argc,
					   char **argv)
{
	struct lines_setup setup = {
		.size = TOTAL, .view = VIEW, .alias = ALIAS, .pool = POOL,
		.seed = 1, .fault = report_fault,
	};
	static const char * const names[] = { "uncached", "wt", "wb" };
	const char *path = NULL, *value;
	uint32_t period = 0, alias = 0;
	uint8_t *ram;
	int i;

	(void)info;
	for (i = 0; i < argc; i++) {
		if ((value = value_of(argv[i], "ram"))) {
			path = value;
		} else if ((value = value_of(argv[i], "size"))) {
			setup.sets = atoi(value) * 1024 / (LINE * WAYS);
		} else if ((value = value_of(argv[i], "period"))) {
			period = atoi(value);
		} else if ((value = value_of(argv[i], "seed"))) {
			setup.seed = atoi(value);
		} else if ((value = value_of(argv[i], "report"))) {
			report_to(value);
		} else if ((value = value_of(argv[i], "alias"))) {
			while (alias < 3 && strcmp(value, names[alias]))
				alias++;
		} else {
			alias = 3;
		}
		if (alias == 3) {
			fprintf(stderr, "cache: what is \"%s\"?\n", argv[i]);
			return -1;
		}
	}
	ram = path ? map_ram(path) : NULL;
	if (!ram || !lines_init(&setup, ram)) {
		fprintf(stderr, "cache: ram=%s cannot be mapped, or no memory\n",
			path ? path : "?");
		return -1;
	}
	lines_set_period(period);
	cpu_init(ram, alias);
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, ended, NULL);
	return 0;
}
