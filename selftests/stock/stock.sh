# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# What the tests of unmodified drivers share; they source this file. Only for the emulated
# machines: a device is known by its address, which check_stock.sh or the board's qemu.args
# has given to it.
. "$(dirname "$0")/ktap.sh"

pool=$RIG_BOARD

# The devices that are used unless a script says otherwise, and how a file system is made
# and checked. Where there is only BusyBox, that is ext2, and it cannot be checked.
fs=ext2
mkfs="mke2fs -F"
fsck=:
case $RIG_BOARD in
rv64)
	usual_disks="nvme blk mmio_blk"
	usual="$usual_disks e1000e net"
	;;
icicle)
	usual_disks=mmc
	usual="$usual_disks mac"
	;;
*)
	usual_disks="nvme ahci blk"
	usual="$usual_disks e1000e net"
	fs=ext4
	mkfs="/sbin/mke2fs -q -F -t ext4"
	fsck="/sbin/e2fsck -f -n"
	;;
esac

# address_of DEVICE: its address on the bus. driver_of and modules_of below: the name of
# its driver, and the modules that it needs.
address_of()
{
	case $1 in
	nvme) echo 0000:00:04.0 ;;
	blk) echo 0000:00:05.0 ;;
	e1000e) echo 0000:00:06.0 ;;
	net) echo 0000:00:07.0 ;;
	sdhci) echo 0000:00:08.0 ;;
	e1000) echo 0000:00:09.0 ;;
	usb) echo 0000:00:0a.0 ;;
	ahci) echo 0000:00:0b.0 ;;
	mmc) echo 20008000.mmc ;;
	mac) echo 20112000.ethernet ;;
	mmio_blk | mmio_net)
		[ -e "/run/$1" ] || find_mmio
		cat "/run/$1"
		;;
	esac
}

# Find the addresses of the virtio devices on the platform bus. Only when they have their
# driver is it known which slot has what.
find_mmio()
{
	for virtio in /sys/bus/virtio/devices/*; do
		slot=$(dirname "$(readlink -f "$virtio")")
		[ "$(basename "$(readlink -f "$slot/subsystem")")" = platform ] ||
			continue
		case $(cat "$virtio/device") in
		0x0001) basename "$slot" >/run/mmio_net ;;
		0x0002) basename "$slot" >/run/mmio_blk ;;
		esac
	done
}

driver_of()
{
	case $1 in
	blk | net) echo virtio-pci ;;
	mmio_*) echo virtio-mmio ;;
	sdhci) echo sdhci-pci ;;
	usb) echo xhci_hcd ;;
	mmc) echo sdhci-cdns ;;
	mac) echo macb ;;
	*) echo "$1" ;;
	esac
}

modules_of()
{
	case $1 in
	nvme) echo nvme ;;
	ahci) echo "sd_mod ahci" ;;
	blk) echo "virtio_blk virtio_pci" ;;
	net) echo "virtio_net virtio_pci" ;;
	mmio_blk) echo "virtio_blk virtio_mmio" ;;
	mmio_net) echo "virtio_net virtio_mmio" ;;
	sdhci) echo "mmc_block sdhci_pci" ;;
	usb) echo "sd_mod usb_storage xhci_pci" ;;
	*) echo "$1" ;;
	esac
}

is_disk() { case $1 in *net | e1000* | mac) return 1 ;; esac; }

bus_of() { case $1 in mmio_* | mmc | mac) echo platform ;; *) echo pci ;; esac; }

sysfs_of() { echo "/sys/bus/$(bus_of "$1")/devices/$(address_of "$1")"; }

driver_at() { echo "/sys/bus/$(bus_of "$1")/drivers/$(driver_of "$1")"; }

# node_of DEVICE: the name of its disk or network interface, without /dev. A disk that is
# left from before the last unbind does not count.
node_of()
{
	node_at=$(readlink -f "$(sysfs_of "$1")")
	if is_disk "$1"; then
		for node in /sys/block/*; do
			case $(readlink -f "$node") in
			"$node_at"/*) [ ! -b "/dev/${node##*/}" ] || echo "${node##*/}" ;;
			esac
		done
	else
		for node in /sys/class/net/*; do
			case $(readlink -f "$node") in
			"$node_at"/*) echo "${node##*/}" ;;
			esac
		done
	fi | head -n 1
}

has_node() { [ -n "$(node_of "$1")" ]; }
has_size() { has_node "$1" && [ "$(cat "/sys/block/$(node_of "$1")/size")" -gt 0 ]; }
is_bound() { [ -e "$(sysfs_of "$1")/driver" ]; }

# wait_ready DEVICE: wait until its disk or network interface is there
wait_ready()
{
	if is_disk "$1"; then
		wait_for has_size "$1"
	else
		wait_for has_node "$1"
	fi || {
		fail "$1 did not come up"
		return 1
	}
}

unbind_device() { echo "$(address_of "$1")" >"$(driver_at "$1")/unbind"; }
bind_device() { echo "$(address_of "$1")" >"$(driver_at "$1")/bind"; }

# unbind_all DEVICE ...: those that are bound
unbind_all()
{
	for device; do
		! is_bound "$device" || unbind_device "$device" || fail "unbind $device"
	done
}

# start_device DEVICE: have it probed with the pool. A driver that is built in has probed it
# before there was a pool, so it is unbound first.
start_device()
{
	! is_bound "$1" || unbind_device "$1"
	[ ! -d /lib/modules ] || for module in $(modules_of "$1"); do
		modprobe "$module" || fail "no module $module"
	done
	is_bound "$1" || bind_device "$1" || fail "$1 was not bound"
	wait_ready "$1"
}

# load_pool DEVICE ...: load the module with a pool, and these devices as its clients
load_pool()
{
	clients=
	for device; do
		clients=$clients${clients:+,}$(address_of "$device")
	done
	load "pools=$(pool $pool)" ${clients:+"clients=$clients"} ||
		fail "the module could not be loaded"
	[ -z "$pool_alias" ] || grep -q "dma_alias_pool $pool alias\$" /proc/iomem ||
		fail "the pool is not reached through its alias"
}

# --- who is a client

live_bytes_of()
{
	while read -r line_name line_driver line_live line_rest; do
		if [ "$line_name" = "$(address_of "$1")" ]; then
			echo "$line_live"
			return
		fi
	done <"$pools/$pool/clients"
}

# is_client DEVICE: fail unless it is a client and holds memory. Network drivers take memory
# only when the interface is up.
is_client()
{
	is_disk "$1" || up "$1"
	grep -q "^$(address_of "$1") *$(driver_of "$1") " "$pools/$pool/clients" || {
		fail "$1 is no client:"
		sed 's/^/#   /' "$pools/$pool/clients"
		return 1
	}
	[ "$(live_bytes_of "$1")" -gt 0 ] || fail "$1 has no memory of the pool"
}

is_no_client()
{
	! grep -q "^$(address_of "$1") " "$pools/$pool/clients" ||
		fail "$1 is a client"
}

# ring DEVICE BAR OFFSET: fail unless the address in this register of the device is in the
# pool
ring()
{
	ring_bar=$(sed -n "$(($2 + 1))s/ .*//p" "$(sysfs_of "$1")/resource")
	ring_at=$(devmem $((ring_bar + $3)) 64)
	[ $((ring_at)) -ge $((pool_base)) ] &&
		[ $((ring_at)) -lt $((pool_base + pool_size)) ] ||
		fail "the ring of $1 is at $ring_at, not in the pool"
}

# --- disks

# file_system DISK: make a file system, write files, read them back from the disk, check it
file_system()
{
	has_size "$1" || { fail "no disk"; return; }
	node=/dev/$(node_of "$1")
	mkdir -p /run/mnt /run/source
	[ -e /run/source/8 ] || for i in 1 2 3 4 5 6 7 8; do
		dd if=/dev/urandom of=/run/source/$i bs=1000 count=$((i * 100)) 2>/dev/null
	done
	$mkfs "$node" >/dev/null || { fail "mke2fs"; return; }
	mount -t $fs "$node" /run/mnt || { fail "mount"; return; }
	cp -r /run/source /run/mnt/ || fail "cp"
	sync
	umount /run/mnt || fail "umount"
	echo 3 >/proc/sys/vm/drop_caches
	mount -t $fs -o ro "$node" /run/mnt || { fail "second mount"; return; }
	(cd /run/source && sha256sum ./*) >/run/wanted
	(cd /run/mnt/source && sha256sum -c -s /run/wanted) || fail "files differ"
	same files "$(ls /run/mnt/source | wc -l)" 8
	umount /run/mnt || fail "umount"
	$fsck "$node" >/dev/null 2>&1 || fail "e2fsck"
}

# direct_io DISK: O_DIRECT from memory that is not aligned to pages. The alignment is the
# smallest that the driver allows, so that scatterlists begin and end anywhere.
direct_io()
{
	has_size "$1" || { fail "no disk"; return; }
	node=$(node_of "$1")
	grain=512
	[ ! -e "/sys/block/$node/queue/dma_alignment" ] ||
		grain=$(($(cat "/sys/block/$node/queue/dma_alignment") + 1))
	for misalignment in 0 $grain $((4096 - grain)) $((grain * 3)); do
		"$here/odirect" write "/dev/$node" 0 6M $misalignment $((misalignment + 7)) &&
			"$here/odirect" check "/dev/$node" 0 6M \
				$((4096 - misalignment)) $((misalignment + 7)) ||
			fail "$1, $misalignment bytes after a page"
	done
}

# --- network: QEMU is at the other end, and sends back what it receives on port 7

net_of()
{
	case $1 in
	e1000e | mac) echo 10.0.6 ;;
	net | mmio_net) echo 10.0.7 ;;
	e1000) echo 10.0.9 ;;
	esac
}

link_up() { [ "$(cat "/sys/class/net/$1/carrier" 2>/dev/null)" = 1 ]; }

up()
{
	node=$(node_of "$1")
	ip addr add "$(net_of "$1").15/24" dev "$node" 2>/dev/null
	ip link set "$node" up
	wait_for link_up "$node" || fail "$node has no link"
}

traffic()
{
	has_node "$1" || { fail "no interface"; return; }
	up "$1"
	ping -c 3 -i 0.1 -W 2 -s 1400 -q "$(net_of "$1").2" >/dev/null || fail "ping"
	[ -e /run/sent ] || dd if=/dev/urandom of=/run/sent bs=1000 count=3000 2>/dev/null
	timeout 60 nc "$(net_of "$1").100" 7 </run/sent >/run/got || fail "nc"
	same "checksum of what came back" "$(sha256sum </run/got)" "$(sha256sum </run/sent)"
}

works()
{
	if is_disk "$1"; then
		file_system "$1"
	else
		traffic "$1"
	fi
}

# --- load that goes on while a driver is unbound

# load_disk DISK OFFSET: errors are ignored, since everything fails while the disk is away
load_disk()
{
	until [ -e /run/enough ]; do
		load_node=$(node_of "$1")
		[ -n "$load_node" ] || { usleep 20000; continue; }
		"$here/odirect" write "/dev/$load_node" "$2" 4M 512 && echo >>"/run/rounds.$1"
		"$here/odirect" check "/dev/$load_node" "$2" 4M 512
	done
}

load_net()
{
	until [ -e /run/enough ]; do
		has_node "$1" || { usleep 20000; continue; }
		up "$1"
		[ "$(timeout 2 nc "$(net_of "$1").100" 7 </run/sent | wc -c)" -eq 0 ] ||
			echo >>"/run/rounds.$1"
	done
}

start_load()
{
	rm -f /run/enough "/run/rounds.$1"
	load_pids=
	if is_disk "$1"; then
		for offset in 8M 16M 24M; do
			load_disk "$1" $offset >/dev/null 2>&1 &
			load_pids="$load_pids $!"
		done
	else
		load_net "$1" >/dev/null 2>&1 &
		load_pids=$!
	fi
	# otherwise, all could be over before anything has come through
	wait_for [ -s "/run/rounds.$1" ] || fail "there is no load"
}

stop_load()
{
	touch /run/enough
	# shellcheck disable=SC2086 # words
	wait $load_pids
}

rebind_under_load()
{
	start_load "$1"
	for round in 1 2 3; do
		unbind_device "$1" || fail "unbind $round"
		! is_bound "$1" || fail "still bound"
		bind_device "$1" || fail "bind $round"
		wait_ready "$1" || break
		usleep 200000
	done
	stop_load
	is_client "$1"
	works "$1"
	same_stat $pool bad_free_count 0
}

holds_nothing() { [ "$(live_bytes_of "$1")" = 0 ]; }

# Some drivers free memory only when the last file is closed. That may be long after the
# unbind, or even after the device has been bound again.
unbind_with_open_file()
{
	for close in early late; do
		node=$(node_of "$1")
		exec 5<"/dev/$node"
		dd bs=4k count=16 <&5 >/dev/null 2>&1 || fail "read"
		unbind_device "$1" || fail "unbind"
		echo "# $1 holds $(live_bytes_of "$1") bytes while a file is open"
		[ $close = late ] || exec 5<&-
		[ $close = late ] || wait_for holds_nothing "$1" ||
			fail "$1 holds $(live_bytes_of "$1") bytes without a driver"
		bind_device "$1" || fail "bind"
		wait_ready "$1"
		[ $close = early ] || exec 5<&-
		file_system "$1"
	done
	is_client "$1"
	same_stat $pool bad_free_count 0
}

# --- the end

# end_of DEVICE ...: all memory is freed at unbind, the module can be unloaded, and the
# devices work without it
end_of()
{
	same_stat $pool bad_free_count 0
	[ -z "$(live_bytes_of "$1")" ] || ! unload 2>/dev/null ||
		fail "unloaded while drivers hold memory"
	unbind_all "$@"
	same_stat $pool live_allocs 0
	same_stat $pool used_bytes 0
	same_stat $pool bad_free_count 0
	unload || fail "rmmod"
	! grep -q dma_alias_pool /proc/iomem || fail "resources left"
	for device; do
		bind_device "$device" || fail "bind $device"
		wait_ready "$device" && works "$device"
	done
}

# for_each TEST DEVICE ...: make a test TEST_DEVICE for each device, and add it to $tests
tests=
for_each()
{
	for_test=$1
	shift
	for device; do
		eval "${for_test}_$device() { $for_test $device; }"
		tests="$tests ${for_test}_$device"
	done
}

# --- the first and last test of most scripts; some have their own

# start_all: a pool for all of $devices, and their drivers
start_all()
{
	# shellcheck disable=SC2086 # words
	load_pool $devices
	for device in $devices; do
		start_device "$device"
	done
}

loads() { start_all; }

nothing_is_left()
{
	# shellcheck disable=SC2086 # words
	end_of $devices
}
