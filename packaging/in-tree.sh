#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# in-tree.sh add|remove KERNEL_SOURCE - make the module a part of a kernel tree,
# so that it can be built in, or take it out again. Adding twice brings the
# files up to date, and touches none that is.
#
# It goes to kernel/dma: that is linked before drivers/, so that pools are there
# before even those drivers that start at the same initcall level.
set -euo pipefail
top=$(dirname "$(dirname "$(readlink -f "$0")")")
place=kernel/dma/dma_alias_pool
kconfig_line="source \"$place/Kconfig\""
# shellcheck disable=SC2016 # make's
makefile_line='obj-$(CONFIG_DMA_ALIAS_POOL) += dma_alias_pool/'

die() {
	echo "in-tree: $*" >&2
	exit 1
}

files() {
	"$top/packaging/sources.sh" Kbuild Kconfig module selftests/Kbuild \
		selftests/dma_alias_pool_test.c selftests/dma_alias_pool_api.h
}

# sed -i makes a new file: a tree of hard links keeps the others' as they are
add_line() { # FILE LINE
	grep -qxF "$2" "$1" || sed -i "\$a\\$2" "$1"
}

remove_line() { # FILE LINE
	local escaped
	escaped=$(sed 's/[][\\.*^$/]/\\&/g' <<<"$2")
	! grep -qxF "$2" "$1" || sed -i "/^$escaped\$/d" "$1"
}

add() {
	local file old list
	list=$(files)
	while read -r file; do
		if ! cmp -s "$top/$file" "$tree/$place/$file"; then
			mkdir -p "$tree/$place/$(dirname "$file")"
			rm -f "$tree/$place/$file"
			cp "$top/$file" "$tree/$place/$file"
		fi
	done <<<"$list"
	# what the module no longer has
	for old in "$tree/$place"/*/*.[ch]; do
		old=${old#"$tree/$place/"}
		case $old in *.mod.c) continue ;; esac
		grep -qxF "$old" <<<"$list" || rm -f "$tree/$place/$old"
	done
	add_line "$tree/kernel/dma/Kconfig" "$kconfig_line"
	add_line "$tree/kernel/dma/Makefile" "$makefile_line"
	echo "The module is in $tree/$place: set CONFIG_DMA_ALIAS_POOL=y (or m)."
}

remove() {
	remove_line "$tree/kernel/dma/Kconfig" "$kconfig_line"
	remove_line "$tree/kernel/dma/Makefile" "$makefile_line"
	rm -rf "${tree:?}/$place"
	echo "The module is no longer in $tree."
}

[ $# -eq 2 ] || die "usage: in-tree.sh add|remove KERNEL_SOURCE"
tree=$2
for file in Kbuild kernel/dma/Kconfig kernel/dma/Makefile; do
	[ -f "$tree/$file" ] ||
		die "there is no kernel source in $tree (no $file): say KDIR=<kernel source>"
done
case $1 in
add | remove) "$1" ;;
*) die "usage: in-tree.sh add|remove KERNEL_SOURCE" ;;
esac
