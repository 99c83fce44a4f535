// SPDX-License-Identifier: GPL-2.0
/*
 * odirect write|check FILE OFFSET SIZE MISALIGNMENT [SEED] - write a pattern with
 * O_DIRECT, or read and compare it, with a buffer that begins MISALIGNMENT bytes
 * after the start of a page. The pattern depends only on offset and seed.
 *
 * dd always uses aligned memory, which hides what a device demands of the elements
 * of a scatterlist.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* How much to write at once. Without an MMU, memory must have that in one piece. */
#ifndef CHUNK
#define CHUNK	0x100000
#endif

static unsigned int word(unsigned long long offset, unsigned int seed)
{
	unsigned long long x = (offset / 4 + 1) * 0x9e3779b97f4a7c15 + seed;

	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9;
	return x >> 32;
}

static unsigned long long bytes(const char *text)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 0);

	return *end == 'M' ? value << 20 : value;
}

int main(int argc, char **argv)
{
	unsigned long long offset, size, done, i;
	unsigned int seed, got, want;
	size_t misalignment;
	int writing, fd;
	char *memory, *data;

	if (argc < 6) {
		fputs("usage: odirect write|check FILE OFFSET SIZE MISALIGNMENT [SEED]\n",
		      stderr);
		return 2;
	}
	writing = !strcmp(argv[1], "write");
	offset = bytes(argv[3]);
	size = bytes(argv[4]);
	misalignment = strtoul(argv[5], NULL, 0);
	seed = argc > 6 ? strtoul(argv[6], NULL, 0) : 0;

	memory = aligned_alloc(4096, CHUNK + 4096);
	if (!memory || misalignment > 4096)
		return 2;
	data = memory + misalignment;

	fd = open(argv[2], (writing ? O_WRONLY : O_RDONLY) | O_DIRECT);
	if (fd < 0) {
		perror(argv[2]);
		return 1;
	}
	for (done = 0; done < size; done += CHUNK) {
		size_t length = size - done < CHUNK ? size - done : CHUNK;
		unsigned long long at = offset + done;
		ssize_t ret;

		if (writing) {
			for (i = 0; i < length; i += 4) {
				want = word(at + i, seed);
				memcpy(data + i, &want, 4);
			}
			ret = pwrite(fd, data, length, at);
		} else {
			memset(data, 0x5a, length);
			ret = pread(fd, data, length, at);
		}
		if (ret != (ssize_t)length) {
			fprintf(stderr, "%s at %llu: %s\n", argv[1], at,
				ret < 0 ? strerror(errno) : "short");
			return 1;
		}
		for (i = 0; !writing && i < length; i += 4) {
			memcpy(&got, data + i, 4);
			want = word(at + i, seed);
			if (got == want)
				continue;
			fprintf(stderr, "at %llu: %08x, not %08x\n", at + i, got,
				want);
			return 1;
		}
	}
	if (writing && fsync(fd)) {
		perror("fsync");
		return 1;
	}
	return close(fd) ? 1 : 0;
}
