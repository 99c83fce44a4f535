// SPDX-License-Identifier: GPL-2.0
/*
 * fail_nth N load FILE PARAMETERS | write FILE TEXT | read FILE - load a module, write
 * to a file or read one, while the Nth memory allocation in the kernel fails
 * (/proc/thread-self/fail-nth; failslab's stack filter decides which allocations are
 * counted). Prints injected=1 if there was an Nth allocation, else injected=0, and
 * error=, the error number of the action.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static char buffer[1 << 16];

static int fail_nth;

static void set(const char *n)
{
	if (pwrite(fail_nth, n, strlen(n), 0) < 0) {
		perror("fail-nth");
		exit(2);
	}
}

static int load(int file, const char *parameters)
{
	return syscall(SYS_finit_module, file, parameters, 0) ? errno : 0;
}

static int write_to(int file, const char *text)
{
	return write(file, text, strlen(text)) < 0 ? errno : 0;
}

/* Opens the file as well, since seq_file allocates memory then. */
static int read_all(const char *name)
{
	int file = open(name, O_RDONLY);
	ssize_t len;
	int error;

	if (file < 0)
		return errno;
	do {
		len = read(file, buffer, sizeof(buffer));
	} while (len > 0);
	error = len < 0 ? errno : 0;
	close(file);
	return error;
}

int main(int argc, char **argv)
{
	char left[16] = "";
	int file = -1, error;

	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR);
	if (argc < 4 || fail_nth < 0) {
		perror(argc < 4 ? "usage" : "fail-nth");
		return 2;
	}
	if (strcmp(argv[2], "read")) {
		file = open(argv[3], strcmp(argv[2], "load") ? O_WRONLY : O_RDONLY);
		if (file < 0 || argc < 5) {
			perror(argv[3]);
			return 2;
		}
	}

	set(argv[1]);
	if (!strcmp(argv[2], "load"))
		error = load(file, argv[4]);
	else if (!strcmp(argv[2], "write"))
		error = write_to(file, argv[4]);
	else
		error = read_all(argv[3]);
	if (pread(fail_nth, left, sizeof(left) - 1, 0) < 0)
		perror("fail-nth");
	set("0");
	printf("injected=%d error=%d\n", !atoi(left), error);
	return 0;
}
