# SPDX-License-Identifier: GPL-2.0
#
# rig-watch.sh - how a test script in the emulated machine talks to run.py.
# A script sources it: . /root/rig-watch.sh
#
#   rig_watch on|off        begin or end to watch the memory that run.py --watch names;
#                           returns when that is done. Does nothing without --watch.
#   rig_expect REGEX        from here to rig_end_expect the kernel may complain, and
#   rig_end_expect          must print a line that matches REGEX
#   rig_allow REGEX         the same, also ended by rig_end_expect, but the kernel may
#                           also be silent: what some kernels complain about
#   rig_expect_stop REGEX   what follows is the last test, which stops the machine for
#                           good, with a line that matches REGEX
#   rig_expect_touch N      from here to rig_end_expect_touch the watched memory must be
#   rig_end_expect_touch    touched exactly N times
#   rig_module NAME         tell run.py where NAME's code is, so that it can name the
#                           function that has touched watched memory
#   rig_sync                return when all that was printed is in the kernel log

# What is for run.py must reach it also when somebody has redirected the output of a
# function, or of a script that another one runs.
[ -n "$RIG_TALKS" ] || exec 9>&1
export RIG_TALKS=y

rig_sync() {
	[ -n "$RIG_RELAY" ] || return 0
	rig_sync_n=$((${rig_sync_n:-0} + 1))
	# $$ since other shells count as well
	echo "rig: sync $$.$rig_sync_n" >&9
	while :; do
		rig_sync_seen=
		[ ! -e /run/sync ] || read -r rig_sync_seen </run/sync
		[ "$rig_sync_seen" != "$$.$rig_sync_n" ] || break
		usleep 1000
	done
}

rig_say() {
	echo "$*" >&9
	rig_sync
}

rig_watch() {
	grep -q 'rig\.watch' /proc/cmdline || return 0
	rig_say "rig: watch $1"
	# run.py types a line when it has done so
	read -r rig_answer </dev/console
}

rig_expect() { rig_say "# expect: $1"; }
rig_allow() { rig_say "# allow: $1"; }
rig_end_expect() { rig_say "# end-expect"; }
rig_expect_stop() { rig_say "# expect-stop: $1"; }
rig_expect_touch() { rig_say "# expect-touch: $1"; }
rig_end_expect_touch() { rig_say "# end-expect-touch"; }
rig_module() {
	for rig_section in "/sys/module/$1/sections/".*text*; do
		case ${rig_section##*/} in
		.text* | .exit.text)
			echo "rig: module $1 $(cat "$rig_section") ${rig_section##*/}" >&9
			;;
		esac
	done
	rig_sync
}
