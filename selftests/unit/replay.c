// SPDX-License-Identifier: GPL-2.0
/*
 * Feed files to a fuzz target without libFuzzer, TAP on stdout: one test for
 * each argument, a directory or a single file; CORPUS if there is none. Every
 * file has a process of its own, so one that fails does not hide the others.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONGEST_INPUT	65536
#define BITS		((int)sizeof(long) * 8)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(const char *path)
{
	static uint8_t buffer[LONGEST_INPUT];
	FILE *file = fopen(path, "rb");
	uint8_t *data;
	size_t size;

	if (!file) {
		perror(path);
		exit(2);
	}
	size = fread(buffer, 1, sizeof(buffer), file);
	if (ferror(file) || !feof(file)) {
		fprintf(stderr, "%s: cannot be read, or is too long\n", path);
		exit(2);
	}
	fclose(file);

	/* To the byte, so that the address sanitizer sees what is beyond. */
	data = malloc(size);
	if (size && !data) {
		perror("malloc");
		exit(2);
	}
	if (size)
		memcpy(data, buffer, size);
	/* Nor for ever, if a broken tree is a circle. */
	alarm(60);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
}

/* Returns: did all go well? */
static int replay_file(const char *path)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		run(path);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("fork");
		exit(2);
	}
	if (!status)
		return 1;
	if (WIFSIGNALED(status))
		printf("# %s: %s\n", path, strsignal(WTERMSIG(status)));
	else
		printf("# %s: exit status %d\n", path, WEXITSTATUS(status));
	return 0;
}

static int no_dots(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Sets the number of files. Returns: did all go well? */
static int replay(const char *path, int *count)
{
	struct dirent **entries;
	int i, good = 1;

	*count = scandir(path, &entries, no_dots, alphasort);
	if (*count < 0 && errno == ENOTDIR) {
		*count = 1;
		return replay_file(path);
	}
	if (*count <= 0) {
		printf("# %s: no files\n", path);
		return 0;
	}
	for (i = 0; i < *count; i++) {
		char *file;

		if (asprintf(&file, "%s/%s", path, entries[i]->d_name) < 0) {
			perror("malloc");
			exit(2);
		}
		good &= replay_file(file);
		free(file);
		free(entries[i]);
	}
	free(entries);
	return good;
}

int main(int argc, char **argv)
{
	static char corpus[] = CORPUS;
	static char *all[] = { corpus };
	char **paths = argc > 1 ? argv + 1 : all;
	int n = argc > 1 ? argc - 1 : 1;
	int i, count, failed = 0;

	printf("TAP version 13\n1..%d\n", n);
	for (i = 0; i < n; i++) {
		if (replay(paths[i], &count)) {
			printf("ok %d - %d bit: %s # %d inputs\n", i + 1, BITS,
			       paths[i], count);
		} else {
			printf("not ok %d - %d bit: %s\n", i + 1, BITS,
			       paths[i]);
			failed++;
		}
		fflush(stdout);
	}
	return !!failed;
}
