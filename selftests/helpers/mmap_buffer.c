// SPDX-License-Identifier: GPL-2.0
/*
 * mmap_buffer DEVICE ID PAGE LENGTH [WORD VALUE] - map LENGTH bytes of a test device's
 * buffer into this process, from page number PAGE on (dma_mmap_coherent()). Prints the
 * address, the first word, and what the driver says about the mapping. With WORD, first
 * writes VALUE to this word of the mapping. The exit status is the error number of what
 * failed, or 0.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int failed(const char *what)
{
	int error = errno;

	printf("refused=%s errno=%d\n", what, error);
	return error;
}

int main(int argc, char **argv)
{
	volatile unsigned int *map;
	unsigned long page, length;
	char request[64], says[64];
	int fd, len;

	if (argc != 5 && argc != 7) {
		fprintf(stderr, "usage: mmap_buffer DEVICE ID PAGE LENGTH [WORD VALUE]\n");
		return 255;
	}
	page = strtoul(argv[3], NULL, 0);
	length = strtoul(argv[4], NULL, 0);

	fd = open("/dev/dap_test", O_RDWR);
	if (fd < 0)
		return failed("open");
	len = snprintf(request, sizeof(request), "%s %s", argv[1], argv[2]);
	if (write(fd, request, len) != len)
		return failed("write");
	map = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   page * 4096);
	if (map == MAP_FAILED)
		return failed("mmap");

	if (argc == 7)
		map[strtoul(argv[5], NULL, 0)] = strtoul(argv[6], NULL, 0);
	/* not read(), since the write has moved the file's position */
	len = pread(fd, says, sizeof(says) - 1, 0);
	says[len < 0 ? 0 : len] = '\0';
	printf("addr=0x%lx first=0x%x %s\n", (unsigned long)map, map[0], says);
	if (munmap((void *)map, length))
		return failed("munmap");
	return 0;
}
