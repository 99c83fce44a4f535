#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Which files of the module can be used in a kernel that is locked down. The kernel is
# locked down after the module is loaded, since the module is not signed. For the files
# that makes no difference.
. "$(dirname "$0")/stock.sh"

devices="net e1000e"
lockdown=/sys/kernel/security/lockdown
tracing=/sys/kernel/tracing
pool_device=/sys/bus/platform/devices/dma_alias_pool.0

loads()
{
	start_all
	mount -t securityfs none /sys/kernel/security
	mount -t tracefs none $tracing
	[ -w $lockdown ] || fail "the kernel has no lockdown"
	cat $tracing/trace >/dev/null || fail "no trace"
}

# locked_down LEVEL: lock the kernel down, and test what is forbidden then
locked_down()
{
	echo $1 >$lockdown
	case $(cat $lockdown) in
	*"[$1]"*) ;;
	*) fail "not locked down: $(cat $lockdown)" ;;
	esac
	# lockdown closes files of debugfs that are not read-only, even to root
	log_clear
	! cat $pools/$pool/peak >/dev/null 2>&1 || fail "peak can be read"
	! echo 0 2>/dev/null >$pools/$pool/peak || fail "peak can be written"
	log_has "Lockdown: .*: debugfs access is restricted"
	for file in allocations clients failures map requests stats; do
		[ $(cat $pools/$pool/$file | wc -c) -gt 0 ] || fail "$file cannot be read"
	done
	! chmod 600 $pools/$pool/stats 2>/dev/null || fail "modes can be changed"
}

integrity()
{
	locked_down integrity
	cat $tracing/trace >/dev/null || fail "no trace"
}

# Devices can still be detached and attached.
sysfs()
{
	unbind_device net || fail "unbind"
	echo $(address_of net) >$pool_device/detach || fail "detach"
	same_stat $pool clients 1
	echo $(address_of net) >$pool_device/attach || fail "attach"
	is_bound net || bind_device net
	wait_ready net
	is_client net
	works net
}

confidentiality()
{
	locked_down confidentiality
	! cat $tracing/trace >/dev/null 2>&1 || fail "the trace can be read"
}

# The module, which is not signed, cannot be loaded any more.
module()
{
	for device in $devices; do
		unbind_device $device || fail "unbind $device"
	done
	unload || fail "rmmod"
	log_clear
	! load "pools=$pool:$pool_base:$pool_size" 2>/dev/null || fail "loaded"
	log_has "Lockdown: .*: unsigned module loading is restricted"
}

ktap_run loads integrity sysfs confidentiality module
