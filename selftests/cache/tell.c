// SPDX-License-Identifier: GPL-2.0
/*
 * tell WORDS... - print a line on QEMU's stderr, where run.py reads it, and not on the
 * guest's console.  Uses Arm semihosting's call SYS_WRITE0.
 */
#include <string.h>

static void write0(const char *line)
{
	register long call __asm__("r0") = 4;
	register const char *text __asm__("r1") = line;

	__asm__ volatile("bkpt 0xab" : "+r"(call) : "r"(text) : "memory");
}

int main(int argc, char **argv)
{
	static char line[256];
	int i;

	for (i = 1; i < argc; i++) {
		if (strlen(line) + strlen(argv[i]) + 3 > sizeof(line))
			return 1;
		strcat(line, argv[i]);
		strcat(line, i + 1 < argc ? " " : "\n");
	}
	write0(line);
	return 0;
}
