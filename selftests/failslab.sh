# SPDX-License-Identifier: GPL-2.0
#
# failslab.sh - decides which allocations can fail through /proc/PID/fail-nth. Scripts
# source it, and set $debugfs before. Needs a kernel with failslab and its stack filter.
failslab=$debugfs/failslab

# failslab_save FILE: so that failslab_restore, which is given the same one, can put back
# what the settings were
failslab_save()
{
	for setting in $failslab/*; do
		[ ! -w $setting ] || echo "$(cat $setting) ${setting##*/}"
	done >"$1"
}
failslab_restore()
{
	while read -r value setting; do
		echo $value >$failslab/$setting
	done <"$1"
}

# address FUNCTION: where the kernel has it
address() { sed -n "s/^\([0-9a-f]*\) [tT] $1\(	.*\)*\$/0x\1/p" /proc/kallsyms; }

# filter START SIZE [START SIZE]: only allocations whose call stack goes through code in
# the first range fail, and not if it also goes through code in the second range
filter()
{
	echo $1 >$failslab/require-start
	echo $(printf 0x%x $(($1 + $2))) >$failslab/require-end
	echo ${3:-0} >$failslab/reject-start
	echo $(printf 0x%x $((${3:-0} + ${4:-0}))) >$failslab/reject-end
}

# All allocations below code of modules can fail, since only our modules are loaded.
# Removing a device link is left out: the driver core allocates memory for that, and
# warns if there is none.
usual_filter()
{
	echo 0 >$failslab/verbose
	echo N >$failslab/ignore-gfp-wait
	echo 32 >$failslab/stacktrace-depth
	filter 0xffffffffa0000000 0x5f000000 $(address devlink_remove_symlinks) 0x400
}
