#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Some two hundred device trees with one thing wrong in each. rig/broken_trees.py
# makes them, and a table that says what must come of each. They are overlays, which
# are applied and removed one after the other; the regions that they refer to are in
# broken.dtbo, which the kernel was booted with. All the time a good pool must go on
# working.
#
# What the table may expect of a device (TEXT is what the log must say):
#   refused      a pool that does not come up, with one message
#   works        a pool that comes up
#   either       refused or works, since kernels see its region differently
#   absent       no pool, and no message
#   client       a client of the good pool
#   client=ADDR  the same, and ADDR is the bus address of the pool
#   alone        a device that is no client; - as TEXT means no message
#   circle       a device that cannot be a client, because the pool's device is a
#                child of it; TEXT comes when it is bound again, - as above
. "$(dirname "$0")/ktap.sh"

overlays=$debugfs/dma_alias_pool_overlay
table=$here/overlays/broken/table
platform=/sys/bus/platform/devices
tried=0

[ -e "$table" ] || ktap_skip_all "no overlays"
[ -d /proc/device-tree/good-bus ] || ktap_skip_all "no regions in the device tree"

# An overlay has to be written in one piece, so dd does it with a large block.
apply()
{
	dd if="$here/overlays/broken/$1.dtbo" of=$overlays/apply bs=64k 2>/dev/null
}
remove() { echo 1 2>/dev/null >$overlays/remove; }

nodes() { (cd /proc/device-tree && find . | sort); }

good_one_works()
{
	ok_dev dap-test.0 alloc 5000
	same "used bytes" "$(stat_of good used_bytes)" 8192
	ok_dev dap-test.0 free $id
	only_good
}

starts()
{
	load clients=dap-test.0@good || fail "cannot load"
	load_tests || fail "no test module"
	insmod "$here/dma_alias_pool_overlay.ko" || fail "no overlays here"
	cat /proc/iomem >"$tmp/iomem"
	devices=$(ls $platform)
	nodes >"$tmp/nodes"
	good_one_works
}

# The good pool is the only one.
only_good()
{
	set -- $pools/*
	same pools "$*" $pools/good
}

# Take the kernel log, without the lines of the test scripts.
take_log() { dmesg -c | grep -v -e '# ' -e 'rig: '; }

# said COUNT REGEX: fail unless that many lines of the log match. A file holds the
# count, since $(...) is slow on this machine.
said()
{
	grep -c -e "$2" "$tmp/log" >"$tmp/count"
	read -r count <"$tmp/count"
	same "messages like '$2'" $count $1
}

# pool_said DEVICE TEXT: the log has one message about the device of the pool, and it
# is TEXT. The message "no buffer above" does not count: it depends on where a kernel
# has placed the region.
pool_said()
{
	grep "dma_alias_pool [^ ]*$1: " "$tmp/log" |
		grep -c -v -e ': probe ' -e ': no buffer above ' >"$tmp/count"
	read -r count <"$tmp/count"
	same "messages of $1" $count 1
	said 1 "dma_alias_pool [^ ]*$1: .*$2"
}

# device_said DEVICE TEXT: the log has one message of the module about the device, and
# it is TEXT, or none if TEXT is -
device_said()
{
	ours='\(DMA pool\|DMA memory\|memory-region\)'
	if [ "$2" = - ]; then
		said 0 "$1: .*$ours"
	else
		said 1 "$1: .*$ours"
		said 1 "$1: .*$2"
	fi
}

# not_attached_in_circle DEVICE TEXT: nor is it when somebody asks for that, and its
# driver is not unbound in vain: it would say so once more
not_attached_in_circle()
{
	dmesg -c >/dev/null
	for pool in /sys/bus/platform/drivers/dma_alias_pool/*broken; do
		! echo $1 2>/dev/null >$pool/attach || fail "attached"
	done
	take_log >"$tmp/log"
	device_said $1 "$2"
}

# found EXPECT DEVICE TEXT: has come of the tree what the table expects?
found()
{
	case $1 in
	refused)
		pool_said $2 "$3"
		said 1 "probe .*$2.* failed\|$2: probe .* failed"
		only_good
		;;
	works)
		pool_said $2 "$3"
		set -- $pools/*
		same "number of pools" $# 2
		;;
	either)
		if [ -e $pools/broken ]; then
			found works $2 "$3"
		else
			found refused $2 "$3"
		fi
		;;
	absent)
		said 0 "dma_alias_pool.*$2"
		only_good
		;;
	client*)
		device_said $2 "$3"
		has_client good $2 || fail "no client"
		wanted=${1#client}
		ok_dev $2 alloc $(stat_of good free_bytes)
		[ -z "$wanted" ] ||
			same "bus address" $(hex $dma) ${wanted#=}
		ok_dev $2 free $id
		;;
	alone)
		device_said $2 "$3"
		[ -e $driver/$2 ] || fail "not bound"
		! has_client good $2 || fail "a client"
		;;
	circle)
		said 1 "dma_alias_pool [^ ]*broken: DMA pool broken: "
		dmesg -c >/dev/null
		unbind $2
		bind $2 || fail "not bound"
		take_log >"$tmp/log"
		[ "$3" = - ] || set -- $1 $2 "not attached to DMA pool broken: $3"
		device_said $2 "$3"
		! grep "^$2 " $pools/*/clients || fail "a client"
		[ "$3" = - ] || not_attached_in_circle $2 "$3"
		;;
	*)
		fail "the table expects '$1'?"
		;;
	esac
}

# try NUMBER NAME EXPECT DEVICE TEXT: apply the tree, compare, remove it
try()
{
	before=$failed
	failed=
	dmesg -c >/dev/null
	apply $1 || fail "not applied"
	take_log >"$tmp/log"
	found $3 $4 "$5"
	remove || fail "not removed"
	# the kernel complains if somebody still holds a reference to a node
	take_log >>"$tmp/log"
	said 0 'OF: ERROR'
	cmp -s /proc/iomem "$tmp/iomem" || fail "other resources than before"
	only_good
	if [ -n "$failed" ]; then
		echo "# that was tree $1, $2, with the log:"
		sed 's/^/#   /' "$tmp/log"
	fi
	failed=$before$failed
	tried=$((tried + 1))
}

# trees_of GROUP: try all trees of this group of the table
trees_of()
{
	first=$tried
	while read -r number group name expect device text; do
		[ "$group" != "$1" ] || try $number $name $expect $device "$text"
	done <"$table"
	echo "# $((tried - first)) trees"
	[ $tried -gt $first ] || fail "no trees"
}

# Each test is a group of lines in the table.
control() { trees_of control; }
pool_compatible() { trees_of pool_compatible; }
pool_status() { trees_of pool_status; }
pool_memory_region() { trees_of pool_memory_region; }
pool_reg() { trees_of pool_reg; }
pool_clocks() { trees_of pool_clocks; }
pool_label() { trees_of pool_label; }
pool_default() { trees_of pool_default; }
pool_mpu() { trees_of pool_mpu; }
pool_max_alignment() { trees_of pool_max_alignment; }
region_compatible() { trees_of region_compatible; }
region_status() { trees_of region_status; }
region_reg() { trees_of region_reg; }
region_overlap() { trees_of region_overlap; }
region_size() { trees_of region_size; }
region_alignment() { trees_of region_alignment; }
region_no_map() { trees_of region_no_map; }
region_cycle() { trees_of region_cycle; }
client_memory_region() { trees_of client_memory_region; }
bus_dma_ranges() { trees_of bus_dma_ranges; }
bus_of_its_pool() { trees_of bus_of_its_pool; }

nothing_is_left()
{
	good_one_works
	same "trees tried" $tried $(wc -l <"$table")
	same devices "$(ls $platform)" "$devices"
	nodes | cmp -s - "$tmp/nodes" || fail "nodes are left"
	rmmod dma_alias_pool_overlay || fail "overlay module in use"
	unload_all || fail "module in use"
	! grep dma_alias_pool /proc/iomem || fail "resources left"
	echo "# $tried trees in all"
}

ktap_run starts control pool_compatible pool_status pool_memory_region pool_reg \
	pool_clocks pool_label pool_default pool_mpu pool_max_alignment region_compatible \
	region_status region_reg region_overlap region_size region_alignment \
	region_no_map region_cycle client_memory_region bus_dma_ranges \
	bus_of_its_pool nothing_is_left
