#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# configured.sh KERNEL OUT WORD... - another configuration of a kernel of kernel.sh, for
# modules to be built against, as modules.sh does: its headers are prepared in OUT, and
# nothing is compiled of it. There is no Module.symvers: modules.sh needs
# KBUILD_MODPOST_WARN=1. WORD is an option as NAME=y or NAME=n, or LLVM=1 for make.
# Fails where an option did not take effect.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"

[ $# -ge 3 ] || die "usage: configured.sh KERNEL OUT WORD..."
kernel=$1 out=$2
shift 2
source=$(readlink -f "$kernel/rig/source")
args=(ARCH=arm CROSS_COMPILE=arm-linux-gnueabi-)
words=() options=()
for word; do
	case $word in
	LLVM=1) args+=("$word") && continue ;;
	*=y) options+=(--enable "${word%=*}") ;;
	*=n) options+=(--disable "${word%=*}") ;;
	*) die "not NAME=y or NAME=n: $word" ;;
	esac
	words+=("$word")
done

mkdir -p "$out/rig"
cp "$kernel/.config" "$out/.config"
"$source/scripts/config" --file "$out/.config" "${options[@]}"
make -C "$source" O="$out" "${args[@]}" LOCALVERSION= -j"$JOBS" \
	olddefconfig modules_prepare

# did olddefconfig leave it?
for word in "${words[@]}"; do
	case $word in
	*=y) grep -qx "CONFIG_$word" "$out/.config" ;;
	*) ! grep "^CONFIG_${word%=n}=" "$out/.config" ;;
	esac || die "$word did not take effect"
done
echo "${args[@]}" >"$out/rig/make"
