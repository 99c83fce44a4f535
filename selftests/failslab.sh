# SPDX-License-Identifier: GPL-2.0
#
# failslab.sh - which allocations fail by /proc/PID/fail-nth; to be sourced. Needs
# $debugfs, and a kernel with failslab and its stack filter.
failslab=$debugfs/failslab

# address FUNCTION
address() { sed -n "s/^\([0-9a-f]*\) [tT] $1\(	.*\)*\$/0x\1/p" /proc/kallsyms; }

# filter START SIZE [START SIZE]: what is on the way through these addresses fails,
# unless it is also on the way through those
filter()
{
	echo $1 >$failslab/require-start
	echo $(printf 0x%x $(($1 + $2))) >$failslab/require-end
	echo ${3:-0} >$failslab/reject-start
	echo $(printf 0x%x $((${3:-0} + ${4:-0}))) >$failslab/reject-end
}

# All on the way through modules, of which there are ours. The driver core needs
# memory to remove a link between devices, and warns if there is none.
usual_filter()
{
	echo 0 >$failslab/verbose
	echo N >$failslab/ignore-gfp-wait
	echo 32 >$failslab/stacktrace-depth
	filter 0xffffffffa0000000 0x5f000000 $(address devlink_remove_symlinks) 0x400
}
