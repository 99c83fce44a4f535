#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# check_stock.sh [LABEL...] - all boots, or those with these labels.
#
# The module under real, unchanged drivers: Debian's own kernel of series KVER on an
# emulated PC (BOARD=pc) or a 64-bit Arm machine (BOARD=arm64), with disks and network
# cards whose drivers get all of their coherent memory from a pool. FLAVOUR=16k takes
# Debian's Arm kernel with pages of 16 KiB. What is missing is fetched and built first.
# Ends "N passed, N failed".
#
# CYCLES is how many cycles the boot "endurance" does (50), TIMEOUT how many seconds a
# result may take (400).
set -euo pipefail
tests=$(dirname "$(dirname "$(readlink -f "$0")")")
top=$(dirname "$tests")
. "$tests/rig/lib.sh"
. "$tests/rig/boots.sh"

export BOARD=${BOARD:-pc}
default_machine
grep -qsx KERNEL=stock "$tests/rig/boards/$BOARD/board.conf" ||
	die "BOARD=$BOARD has no kernel of Debian's, BOARD=pc and BOARD=arm64 have"
machine=$BOARD-$KVER${FLAVOUR:+-$FLAVOUR}
logs=$top/build/check/$machine
total_passed=0 total_failed=0 total_skipped=0
rm -rf "$logs"
mkdir -p "$logs"

# only what is compiled is warned about, so all of it is
[ $# -gt 0 ] || rm -rf "$top/build/$machine/modules"
words=$("$tests/rig/machine.sh" prepare)
# shellcheck source=../rig/boards/pc/board.conf
. "$tests/rig/boards/$BOARD/board.conf"

# --- the devices, at the addresses where stock/stock.sh expects them. What a network
# card sends to port 7 comes back: QEMU runs cat for it.
disk() { echo "-drive if=none,id=$1,format=raw,file=@disk:64@"; }
network() {
	echo "-netdev user,id=$1,net=10.0.$2.0/24,restrict=on,guestfwd=tcp:10.0.$2.100:7-cmd:cat"
}
# virtio drivers use the DMA API only if the device says that there may be an IOMMU
virtio=iommu_platform=on
usual="$(disk d0) -device nvme,drive=d0,serial=d0,addr=4
	$(disk d1) -device ich9-ahci,id=ahci,addr=0xb -device ide-hd,drive=d1,bus=ahci.0
	$(disk d2) -device virtio-blk-pci,drive=d2,$virtio,disable-legacy=on,addr=5
	$(network n0 6) -device e1000e,netdev=n0,addr=6
	$(network n1 7) -device virtio-net-pci,netdev=n1,$virtio,disable-legacy=on,addr=7"
narrow="$(disk d3) -device sdhci-pci,addr=8 -device sd-card,drive=d3
	$(network n2 9) -device e1000,netdev=n2,addr=9"
usb="$(disk d4) -device qemu-xhci,addr=0xa -device usb-storage,drive=d4"
microvm="-M microvm,acpi=on -global virtio-mmio.force-legacy=false
	$(disk d0) -device virtio-blk-device,drive=d0,$virtio
	$(network n1 7) -device virtio-net-device,netdev=n1,$virtio"

# Give the PC's RAM an alias: 16 MiB of it are the same file as the 16 MiB before, which
# are the pool's. Both are in the middle of RAM, as the firmware has tables at the end.
twin() {
	local at n=0
	for at in ram,id=m0,size=256M file,id=m1,size=16M,mem-path=@ram:16@,share=on \
		file,id=m2,size=16M,mem-path=@ram:16@,share=on ram,id=m3,size=224M; do
		echo "-object memory-backend-$at -numa node,memdev=m$n$([ $n -gt 0 ] || echo ,cpus=0-1)"
		n=$((n + 1))
	done
}

# --- boots. Of each label, devices() says what QEMU gets, append() what is added to the
# kernel's command line, more() what run.py gets besides, and arguments() what the
# script gets. The boots that take longest come first.
case $machine in
*-16k) boots=(drivers) ;;
# before 6.12, this is where the kernel takes operations away with the driver
arm64-*) boots=(report drivers attach swiotlb placed clients) ;;
*) boots=(endurance report drivers attach high more iommu swiotlb microvm lockdown autopkgtest) ;;
esac
devices() {
	case $BOARD-$1 in
	pc-drivers) echo "$(twin) $usual" ;;
	*-iommu) echo "-device intel-iommu $usual" ;;
	# most of the memory is above 4 GiB
	pc-report) echo "-m 6G" ;;
	*-high) echo "-m 3G $usual $narrow" ;;
	*-more) echo "$usb $narrow" ;;
	*-placed) echo "$(disk d0) -device nvme,drive=d0,serial=d0,addr=4" ;;
	*-microvm) echo "$microvm" ;;
	*) echo "$usual" ;;
	esac
}
append() {
	case $1 in
	# lets the script read registers of a device while its driver has it
	drivers) echo iomem=relaxed ;;
	endurance) echo slub_debug=F ;;
	iommu) echo intel_iommu=on ;;
	# newer kernels find no timer there to measure the TSC with, and stop
	microvm) echo "tsc_early_khz=$(awk '/^cpu MHz/ { printf "%d", $4 * 1000; exit }' \
		/proc/cpuinfo)" ;;
	# the size is given since newer kernels make the default one far too small on arm64
	swiotlb) echo swiotlb=65536,force ;;
	esac
}
# By default the PC's pool has no alias. The one of arm64 has: its devices are not
# coherent.
more() {
	case $BOARD-$1 in
	pc-drivers) echo "--pool $POOL_PHYS:$POOL_SIZE:0x11000000" ;;
	pc-high) echo "--pool 0x100000000:$POOL_SIZE" ;;
	arm64-attach) echo "--overlay $top/build/$machine/coherent.dtbo" ;;
	arm64-placed) echo "--overlay $top/build/$machine/placed.dtbo" ;;
	arm64-swiotlb) echo "--pool $POOL_PHYS:$POOL_SIZE" ;;
	esac
}
arguments() { [ "$1" != endurance ] || echo "${CYCLES:-50}"; }
# clients.sh is that of the test kernels
script() { [ "$1" = clients ] || printf stock_; echo "$1.sh"; }
boot() {
	local label=$1
	say "  BOOT    $label"
	# shellcheck disable=SC2046 disable=SC2086 # words
	exec "$tests/rig/run.py" $words --qemu "$(devices "$label")" $(more "$label") \
		--append "$(append "$label")" --label "$label" \
		--timeout "${TIMEOUT:-400}" \
		--log "$logs/$label.console" --json "$logs/$label.json" \
		--run "$(script "$label")" $(arguments "$label") >"$logs/$label.log" 2>&1
}

add() { # LABEL PASSED FAILED [SKIPPED]
	total_passed=$((total_passed + $2))
	total_failed=$((total_failed + $3))
	total_skipped=$((total_skipped + ${4:-0}))
}

if [ $# -gt 0 ]; then
	boots=("$@")
elif no_warnings "$top/build/$machine/modules/build.log"; then
	add w1 1 0
else
	add w1 0 1
fi

run_boots "${boots[@]}"
print_counts $total_passed $total_failed $total_skipped
[ "$total_failed" -eq 0 ]
