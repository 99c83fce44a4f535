# SPDX-License-Identifier: GPL-2.0
#
# What has been logged since a mark in the kernel log. The log of a board is not ours to
# clear. Scripts source this file. POSIX shell.

# log_mark: set a mark. <7> keeps it off the console.
log_mark()
{
	log_marks=$((log_marks + 1))
	log_here="${0##*/} $$: mark $log_marks"
	[ ! -c /dev/kmsg ] || { echo "<7>$log_here" >/dev/kmsg; } 2>/dev/null
}

# The mark is missing where user space may not write to the log (printk.devkmsg=off), or
# where much has been logged since.
log_is_marked() { dmesg | grep -q "$log_here\$"; }

# log_is_late: a full log that is being written to is read without its end, so look again
log_is_late()
{
	[ "$(cat /proc/sys/kernel/printk_devkmsg 2>/dev/null || echo off)" != off ] || return
	sleep 1
	log_is_marked
}

# log_since: all after the mark, or if that is missing, the end of the log
log_since()
{
	if [ -z "$log_here" ]; then
		dmesg
	elif log_is_marked || log_is_late; then
		dmesg | sed -n "/$log_here\$/,\$p" | sed 1d
	else
		dmesg | tail -n 20
	fi
}
