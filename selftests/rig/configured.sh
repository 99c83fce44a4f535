#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# configured.sh KERNEL OUT WORD... - another configuration of a kernel of kernel.sh, for
# modules to be built against, as modules.sh does: its headers are prepared in OUT, and
# nothing is compiled of it. There is no Module.symvers: modules.sh needs
# KBUILD_MODPOST_WARN=1. WORD is an option as NAME=y, NAME=m or NAME=n; LLVM=1 for make;
# or random=SEED for a configuration at random, in which the options given are as they
# say where that is possible. Otherwise fails where an option did not take effect. Exit
# status 3: the kernel itself does not compile with a configuration at random.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"

[ $# -ge 3 ] || die "usage: configured.sh KERNEL OUT WORD..."
kernel=$1 out=$2
shift 2
source=$(readlink -f "$kernel/rig/source")
words="ARCH=arm CROSS_COMPILE=arm-linux-gnueabi-"
[ ! -e "$kernel/rig/make" ] || words=$(cat "$kernel/rig/make")
read -ra args <<<"$words"
# kernel.sh has added an option of the project's
[ ! -e "$kernel/.rig-Kconfig" ] || export KBUILD_KCONFIG=$kernel/.rig-Kconfig
options=() seed=
for word; do
	case $word in
	LLVM=1) args+=("$word") ;;
	random=*) seed=${word#*=} ;;
	*=[ymn]) options+=("CONFIG_$word") ;;
	*) die "not NAME=y, NAME=m or NAME=n: $word" ;;
	esac
done

mkdir -p "$out/rig"
make=(make -C "$source" O="$out" "${args[@]}" LOCALVERSION= -j"$JOBS")
if [ -n "$seed" ]; then
	printf '%s\n' "${options[@]}" >"$out/rig/options"
	KCONFIG_ALLCONFIG=$out/rig/options KCONFIG_SEED=$seed "${make[@]}" randconfig
	options=()
else
	{
		cat "$kernel/.config"
		printf '%s\n' "${options[@]}"
	} >"$out/.config"
	"${make[@]}" olddefconfig
fi
"${make[@]}" modules_prepare || {
	[ -z "$seed" ] || skip "random=$seed: the kernel does not compile"
	exit 1
}

# did these leave it?
for option in "${options[@]}"; do
	case $option in
	*=n) ! grep "^${option%n}" "$out/.config" ;;
	*) grep -qx "$option" "$out/.config" ;;
	esac || die "${option#CONFIG_} did not take effect"
done
echo "${args[@]}" >"$out/rig/make"
