// SPDX-License-Identifier: GPL-2.0
/*
 * life - executes the commands of the lifecycle fuzzer on the emulated machine, and
 * reports the state of everything after each.
 *
 * Reads lines from stdin, each with a number and an action:
 *
 *   insmod FILE [PARAMETERS]	load a module
 *   rmmod NAME			unload a module
 *   write FILE TEXT		write the text to the file
 *   file FILE FROM		write the contents of FROM to FILE, with one write()
 *   again MS ACTION		repeat the action for so many milliseconds
 *   two US1 US2 SLOW ; ACTION ; ACTION
 *				do both at a time, the first one after US1
 *				microseconds, the other one after US2, with the
 *				test module's "slow" set to SLOW (EVENT=MS or -)
 *   fault N insmod FILE [PARAMETERS]
 *				load a module while the Nth memory allocation fails
 *				(/proc/self/fail-nth); if the load succeeds, the
 *				module is unloaded again
 *   look			do nothing, only report
 *   end			exit
 *
 * For each it writes lines "life NUMBER ..." to /dev/kmsg. There they are not mixed
 * with parts of the kernel's own lines. Several of the following go into one line,
 * with "|" between them:
 *
 *   = ERRNO [ERRNO]		the result of the action; for fault, the second number
 *				is 1 if there was an Nth allocation
 *   m REFERENCES		how often dma_alias_pool is in use, if it is loaded
 *   i NAME...			what dma_alias_pool has claimed in /proc/iomem
 *   b DEVICE...		the devices that are bound to its driver
 *   D				its debugfs directory exists
 *   p POOL used_bytes=N ... : CLIENT ... : CLIENT=ALLOCATIONS ...
 *   u ...			the state of a unit of dma_alias_pool_life, see there
 *   ! ...			something that this module has found to be wrong
 *   ~ N			the next N items are the same as in the report before
 *   .				the end of the report
 *
 * Without an MMU there is no fork(), so two other processes of this program, which are
 * started in the beginning as "life worker", execute the actions of "two". On debug
 * kernels system calls are slow, and the reports take most of the time, so files stay
 * open where possible, the lines are few and long, and nothing is said twice: each
 * character costs an access of the serial port.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define DEBUGFS	"/sys/kernel/debug/"
#define CONTROL	DEBUGFS "dma_alias_pool_life/control"
#define DRIVER	"/sys/bus/platform/drivers/dma_alias_pool"

static char buffer[1 << 15];
static char line[900];	/* /dev/kmsg accepts lines that are a little longer */
static size_t used;
static char item[800];
static size_t item_len;
static char told[48][sizeof(item)];	/* the items of the report before */
static size_t next_item = sizeof(told);	/* of these; outside of a report: none */
static unsigned int same;	/* how many in a row were the same */
static int kmsg;
static char number[16];

static void flush(void)
{
	size_t len = used < sizeof(line) ? used : sizeof(line) - 1;

	if (!used)
		return;
	line[len++] = '\n';	/* instead of the NUL */
	if (write(kmsg, line, len) < 0)
		_exit(3);
	used = 0;
}

static void put(const char *text)
{
	if (used + strlen(text) + 2 > sizeof(line))
		flush();
	if (used)
		used += snprintf(line + used, sizeof(line) - used, "|%s", text);
	else
		used = snprintf(line, sizeof(line), "<12>life %s %s", number,
				text);
}

static void put_same(void)
{
	char text[16];

	if (!same)
		return;
	snprintf(text, sizeof(text), "~ %u", same);
	same = 0;
	put(text);
}

static void end_item(void)
{
	bool remembered = next_item < sizeof(told) / sizeof(told[0]);

	if (!item_len)
		return;
	if (remembered && !strcmp(told[next_item], item)) {
		same++;
	} else {
		put_same();
		put(item);
		if (remembered)
			strcpy(told[next_item], item);
	}
	next_item++;
	item_len = 0;
}

/* End all items, and send what was put. */
static void end_report(void)
{
	end_item();
	put_same();
	flush();
	next_item = sizeof(told);
}

/* Begin an item.  What add() adds is cut off if the item becomes too long. */
static void begin(const char *what)
{
	end_item();
	item_len = snprintf(item, sizeof(item), "%s", what);
}

static void __attribute__((format(printf, 1, 2))) add(const char *fmt, ...)
{
	va_list args;

	if (item_len >= sizeof(item))
		return;
	va_start(args, fmt);
	item_len += vsnprintf(item + item_len, sizeof(item) - item_len, fmt,
			      args);
	va_end(args);
}

/* The rest of a file, as a string in @buffer. */
static char *all_of(int file)
{
	size_t len = 0;
	ssize_t got;

	do {
		got = read(file, buffer + len, sizeof(buffer) - 1 - len);
		if (got > 0)
			len += got;
	} while (got > 0 && len < sizeof(buffer) - 1);
	buffer[len] = '\0';
	return buffer;
}

/* All of a file, or NULL if there is no such file. */
static char *contents(const char *name)
{
	int file = open(name, O_RDONLY);
	char *text;

	if (file < 0)
		return NULL;
	text = all_of(file);
	close(file);
	return text;
}

/* The same for a file that always exists: it is opened once, and *@file keeps it. */
static char *contents_of(int *file, const char *name)
{
	if (!*file)
		*file = open(name, O_RDONLY | O_CLOEXEC);
	if (*file < 0 || lseek(*file, 0, SEEK_SET) < 0)
		return NULL;
	return all_of(*file);
}

/* --- actions */

static int write_all(const char *name, const void *data, size_t len)
{
	int file = open(name, O_WRONLY);
	int ret = 0;

	if (file < 0)
		return errno;
	if (write(file, data, len) < 0)
		ret = errno;
	close(file);
	return ret;
}

static int load(const char *name, const char *parameters)
{
	int file = open(name, O_RDONLY);
	int ret;

	if (file < 0)
		return errno;
	ret = syscall(SYS_finit_module, file, parameters, 0) ? errno : 0;
	close(file);
	return ret;
}

static int copy(const char *to, const char *from)
{
	int file = open(from, O_RDONLY);
	ssize_t len;

	if (file < 0)
		return errno;
	len = read(file, buffer, sizeof(buffer));
	close(file);
	return len < 0 ? errno : write_all(to, buffer, len);
}

static int act(char *action);

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

/*
 * "MS ACTION": repeat the action for so long, or until what it is done to does not
 * exist.  Returns the last error.
 */
static int again(const char *action)
{
	char *rest;
	long long end = now() + strtol(action, &rest, 10) * 1000000LL;
	char one[256];
	int ret;

	do {
		snprintf(one, sizeof(one), "%s", rest);
		ret = act(one);
	} while (ret != ENOENT && ret != ENODEV && now() < end);
	return ret;
}

/* Return: an error number */
static int act(char *action)
{
	char *word, *name, *rest;

	if (!strncmp(action, "again ", 6))
		return again(action + 6);
	word = strtok(action, " ");
	name = strtok(NULL, " ");
	rest = strtok(NULL, "");
	if (!word)
		return EINVAL;
	if (!strcmp(word, "look"))
		return 0;
	if (!name)
		return EINVAL;
	if (!strcmp(word, "insmod"))
		return load(name, rest ? rest : "");
	if (!strcmp(word, "rmmod"))
		return syscall(SYS_delete_module, name, O_NONBLOCK) ? errno : 0;
	if (!strcmp(word, "write") && rest)
		return write_all(name, rest, strlen(rest));
	if (!strcmp(word, "file") && rest)
		return copy(name, rest);
	return EINVAL;
}

/* "N insmod FILE [PARAMETERS]" */
static void fault(char *args)
{
	int file = open("/proc/self/fail-nth", O_RDWR);
	char *rest = args + strcspn(args, " ");
	char left[16] = "";
	int ret;

	if (file < 0 || pwrite(file, args, rest - args, 0) < 0) {
		add("%d 0", errno);
		return;
	}
	ret = act(rest);
	if (pread(file, left, sizeof(left) - 1, 0) < 0 ||
	    pwrite(file, "0", 1, 0) < 0)
		ret = errno;
	close(file);
	if (!ret)
		syscall(SYS_delete_module, "dma_alias_pool", O_NONBLOCK);
	add("%d %d", ret, !atoi(left));
}

static int act_at(long long when, char *action)
{
	struct timespec t;
	long long left = when - now();

	/* sleeping is not precise, so spin for the last milliseconds */
	if (left > 3000000) {
		left -= 2000000;
		t.tv_sec = left / 1000000000;
		t.tv_nsec = left % 1000000000;
		nanosleep(&t, NULL);
	}
	while (now() < when)
		;
	return act(action);
}

/* --- two at a time */

static struct worker {
	FILE *to, *from;
} workers[2];

/* Lines "NANOSECONDS ACTION" come from stdin, error numbers go to stdout. */
static int work(void)
{
	static char text[1024];
	char *action;
	long long when;

	while (fgets(text, sizeof(text), stdin)) {
		text[strcspn(text, "\n")] = '\0';
		when = strtoll(text, &action, 10);
		printf("%d\n", act_at(when, action + 1));
		fflush(stdout);
	}
	return 0;
}

static int start(struct worker *worker)
{
	char *argv[] = { "life", "worker", NULL };
	int to[2], from[2];
	pid_t child;

	if (pipe(to) || pipe(from))
		return -1;
	fcntl(to[1], F_SETFD, FD_CLOEXEC);
	fcntl(from[0], F_SETFD, FD_CLOEXEC);
	child = vfork();
	if (child == 0) {
		dup2(to[0], STDIN_FILENO);
		dup2(from[1], STDOUT_FILENO);
		close(to[0]);
		close(from[1]);
		execv("/proc/self/exe", argv);
		_exit(1);
	}
	close(to[0]);
	close(from[1]);
	worker->to = fdopen(to[1], "w");
	worker->from = fdopen(from[0], "r");
	return child < 0 || !worker->to || !worker->from ? -1 : 0;
}

static void tell_worker(struct worker *worker, long long when,
			const char *action)
{
	fprintf(worker->to, "%lld %s\n", when, action);
	fflush(worker->to);
}

static int answer(struct worker *worker)
{
	char text[16];

	return fgets(text, sizeof(text), worker->from) ? atoi(text) : ECHILD;
}

static void slow(const char *what)
{
	char text[48];
	char *equals;

	snprintf(text, sizeof(text), "slow %s", what);
	equals = strchr(text, '=');
	if (equals)
		*equals = ' ';
	write_all(CONTROL, text, strlen(text));
}

/* US1 US2 SLOW ; ACTION ; ACTION */
static void two(char *args)
{
	long us1 = strtol(args, &args, 10);
	long us2 = strtol(args, &args, 10);
	char *how = args + strspn(args, " ");
	char *first, *second;
	long long when;
	int ret;

	first = strstr(how, " ; ");
	second = first ? strstr(first + 3, " ; ") : NULL;
	if (!second) {
		add("%d", EINVAL);
		return;
	}
	*first = '\0';
	*second = '\0';
	if (strcmp(how, "-"))
		slow(how);
	/* by then both workers have certainly read their line */
	when = now() + 5000000;
	tell_worker(&workers[0], when + us1 * 1000LL, first + 3);
	tell_worker(&workers[1], when + us2 * 1000LL, second + 3);
	ret = answer(&workers[0]);
	add("%d %d", ret, answer(&workers[1]));
	if (strcmp(how, "-"))
		slow("-");
}

/* --- what there is */

static void tell_modules(void)
{
	static int file;
	char *text = contents_of(&file, "/proc/modules");
	char *at = text ? strstr(text, "dma_alias_pool ") : NULL;
	unsigned int references;

	if (!at || (at != text && at[-1] != '\n'))
		return;
	if (sscanf(at, "%*s %*u %u", &references) != 1)
		return;
	begin("m");
	add(" %u", references);
}

/* "20000000-200fffff : dma_alias_pool NAME [alias]" */
static void tell_iomem(void)
{
	static const char ours[] = ": dma_alias_pool ";
	static int file;
	char *at = contents_of(&file, "/proc/iomem");

	begin("i");
	while (at && (at = strstr(at, ours))) {
		at += strlen(ours);
		add(" %.*s", (int)strcspn(at, " \n"), at);
	}
}

static void tell_bound(void)
{
	DIR *dir = opendir(DRIVER);
	struct dirent *entry;

	begin("b");
	while (dir && (entry = readdir(dir)))
		if (strchr(entry->d_name, '.') && entry->d_name[0] != '.')
			add(" %s", entry->d_name);
	if (dir)
		closedir(dir);
}

static void add_stats(const char *pool)
{
	static const char * const keys[] = {
		"used_bytes", "requested_bytes", "live_allocs", "fail_count",
		"bad_free_count", "clients",
	};
	char name[128];
	char *text, *at;
	size_t i;

	snprintf(name, sizeof(name), DEBUGFS "dma_alias_pool/%s/stats", pool);
	text = contents(name);
	for (i = 0; text && i < sizeof(keys) / sizeof(keys[0]); i++) {
		snprintf(name, sizeof(name), "\n%s ", keys[i]);
		at = strstr(text, name);
		if (at)
			add(" %s=%lu", keys[i],
			    strtoul(at + strlen(name), NULL, 10));
	}
}

static void add_clients(const char *pool)
{
	char name[128];
	char *at;

	snprintf(name, sizeof(name), DEBUGFS "dma_alias_pool/%s/clients", pool);
	at = contents(name);
	while (at && (at = strchr(at, '\n')) && *++at)
		add(" %.*s", (int)strcspn(at, " \n"), at);
}

/* For each client that has any, how many: the file has a line for each allocation. */
static void add_allocations(const char *pool)
{
	static char holders[16][48];
	unsigned int count[16];
	unsigned int n = 0, i;
	char name[128];
	char holder[48];
	char *at;

	snprintf(name, sizeof(name), DEBUGFS "dma_alias_pool/%s/allocations",
		 pool);
	at = contents(name);
	while (at && (at = strchr(at, '\n')) && *++at) {
		if (sscanf(at, "%*s %*s %47s", holder) != 1)
			continue;
		for (i = 0; i < n && strcmp(holders[i], holder); i++)
			;
		if (i == 16)
			continue;
		if (i == n) {
			strcpy(holders[n], holder);
			count[n++] = 0;
		}
		count[i]++;
	}
	for (i = 0; i < n; i++)
		add(" %s=%u", holders[i], count[i]);
}

static void tell_pools(void)
{
	DIR *dir = opendir(DEBUGFS "dma_alias_pool");
	struct dirent *entry;

	if (!dir)
		return;
	begin("D");
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		begin("p");
		add(" %s", entry->d_name);
		add_stats(entry->d_name);
		add(" :");
		add_clients(entry->d_name);
		add(" :");
		add_allocations(entry->d_name);
	}
	closedir(dir);
}

static void tell_units(void)
{
	static int file;
	char *text = contents_of(&file, DEBUGFS "dma_alias_pool_life/state");
	char *row, *next;

	for (row = text; row && *row; row = next) {
		next = strchr(row, '\n');
		if (next)
			*next++ = '\0';
		begin(*row == '!' ? "!" : "u");
		add(" %s", *row == '!' ? row + 1 : row);
	}
}

static void tell(void)
{
	next_item = 0;
	/* first, since the kernel waits there for work that it has put off */
	tell_units();
	tell_modules();
	tell_iomem();
	tell_bound();
	tell_pools();
	end_item();
	put_same();
	put(".");
	end_report();
}

/* Turn off the console's echo, which costs an interrupt for each character. */
static void quiet(void)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &t))
		return;
	t.c_lflag &= ~ECHO;
	tcsetattr(STDIN_FILENO, TCSANOW, &t);
}

int main(int argc, char **argv)
{
	static char text[1024];
	char *action;

	if (argc == 2 && !strcmp(argv[1], "worker"))
		return work();
	kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (kmsg < 0) {
		perror("/dev/kmsg");
		return 2;
	}
	if (start(&workers[0]) || start(&workers[1])) {
		perror("worker");
		return 2;
	}
	quiet();
	strcpy(number, "-");
	begin("ready");
	end_report();
	while (fgets(text, sizeof(text), stdin)) {
		text[strcspn(text, "\r\n")] = '\0';
		action = strchr(text, ' ');
		if (!action)
			continue;
		*action++ = '\0';
		snprintf(number, sizeof(number), "%s", text);
		if (!strcmp(action, "end"))
			return 0;
		begin("= ");
		if (!strncmp(action, "two ", 4))
			two(action + 4);
		else if (!strncmp(action, "fault ", 6))
			fault(action + 6);
		else
			add("%d", act(action));
		end_report();
		tell();
	}
	return 0;
}
