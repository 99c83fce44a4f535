# SPDX-License-Identifier: GPL-2.0
#
# rig-watch.sh - how a test script in the emulated machine talks to run.py.
# A script sources it: . /root/rig-watch.sh
#
#   rig_watch on|off        watch the memory that run.py --watch names; returns
#                           when it is so. Without --watch it does nothing.
#   rig_expect REGEX        from here on a complaint of the kernel is wanted,
#   rig_end_expect          until here; one line must match REGEX
#   rig_expect_stop REGEX   what follows is the last test of all, and stops the
#                           machine for good with a line that matches REGEX
#   rig_expect_touch N      from here on the watched memory is to be touched
#   rig_end_expect_touch    exactly N times until here
#   rig_module NAME         say where NAME's code is, so that a touch in it is
#                           shown with its function
#   rig_sync                return when all printed so far is in the kernel log

rig_sync() {
	[ -n "$RIG_RELAY" ] || return 0
	rig_sync_n=$((${rig_sync_n:-0} + 1))
	# $$ tells this shell's numbers from another's
	echo "rig: sync $$.$rig_sync_n"
	while :; do
		rig_sync_seen=
		[ ! -e /run/sync ] || read -r rig_sync_seen </run/sync
		[ "$rig_sync_seen" != "$$.$rig_sync_n" ] || break
		usleep 1000
	done
}

rig_say() {
	echo "$*"
	rig_sync
}

rig_watch() {
	grep -q 'rig\.watch' /proc/cmdline || return 0
	rig_say "rig: watch $1"
	# run.py answers with a line when the watch is set or gone
	read -r rig_answer </dev/console
}

rig_expect() { rig_say "# expect: $1"; }
rig_end_expect() { rig_say "# end-expect"; }
rig_expect_stop() { rig_say "# expect-stop: $1"; }
rig_expect_touch() { rig_say "# expect-touch: $1"; }
rig_end_expect_touch() { rig_say "# end-expect-touch"; }
rig_module() {
	for rig_section in "/sys/module/$1/sections/".*text*; do
		case ${rig_section##*/} in
		.text* | .exit.text)
			echo "rig: module $1 $(cat "$rig_section") ${rig_section##*/}"
			;;
		esac
	done
	rig_sync
}
