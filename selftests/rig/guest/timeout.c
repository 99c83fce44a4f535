// SPDX-License-Identifier: GPL-2.0
/*
 * timeout [-s SIGNAL-NUMBER] SECONDS COMMAND [ARGS] - run COMMAND, and send it a
 * signal after SECONDS, which may be a fraction. The exit status is that of COMMAND,
 * 128 + the signal that ended it, 124 after a timeout, or 127 if it cannot be run.
 *
 * BusyBox has this command, too, but without an MMU it never sends the signal: it
 * starts a copy of itself for that, and passes the arguments in the wrong order.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile pid_t child;
static volatile sig_atomic_t late;
static int how = SIGTERM;

static void over(int sig)
{
	(void)sig;
	late = 1;
	kill(child, how);
}

int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = over };
	struct itimerval timer = { { 0, 0 }, { 0, 0 } };
	double seconds;
	int status, at = 1;

	if (argc > 3 && !strcmp(argv[1], "-s")) {
		how = atoi(argv[2]);
		at = 3;
	}
	if (argc < at + 2 || how <= 0) {
		fputs("usage: timeout [-s SIGNAL-NUMBER] SECONDS COMMAND [ARGS]\n", stderr);
		return 125;
	}
	seconds = atof(argv[at]);
	timer.it_value.tv_sec = (long)seconds;
	timer.it_value.tv_usec = (long)((seconds - (long)seconds) * 1000000);

	child = vfork();
	if (child == 0) {
		execvp(argv[at + 1], &argv[at + 1]);
		_exit(127);
	}
	if (child < 0) {
		perror("timeout");
		return 125;
	}
	sigaction(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &timer, NULL);
	while (waitpid(child, &status, 0) < 0)
		;
	if (late)
		return 124;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
