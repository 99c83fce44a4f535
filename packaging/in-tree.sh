#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# in-tree.sh add|remove KERNEL_SOURCE - make the module a part of a kernel tree, so that
# it can be built in, or take it out again. "add" in a tree that has the module already
# updates the files that have changed, and touches no others. "remove" leaves each file
# of the tree as it was before "add", to the byte.
#
# The module goes to kernel/dma, which is linked before drivers/. So pools exist before
# any driver that starts at the same initcall level. Header, documentation, bindings and
# tests go where the kernel has its own; what a vendor's tree has no directory for is
# left out.
set -euo pipefail
top=$(dirname "$(dirname "$(readlink -f "$0")")")
place=kernel/dma/dma_alias_pool
header=include/linux/dma_alias_pool.h
guide=Documentation/core-api/dma-alias-pool
bindings=Documentation/devicetree/bindings/reserved-memory
tests=tools/testing/selftests/dma_alias_pool
own=("$place" "$header" "$guide" "$tests" "$bindings"/dma-alias-pool{,",region"}.yaml
	Documentation/ABI/testing/{debugfs,sysfs-driver}-dma_alias_pool)

die() {
	echo "in-tree: $*" >&2
	exit 1
}

# --- files of our own

# Print the files that are copied. Which tests these are, selftests/Makefile says.
sources() {
	cd "$top"
	# the bench works with the rig only
	packaging/sources.sh Kbuild Kconfig module selftests/modules | grep -v _bench
	packaging/sources.sh Documentation/ABI
	printf '%s\n' dts-overlays/*.yaml packaging/in-tree/index.rst \
		Documentation/{admin-guide,coherence,porting}.md
	[ ! -e "$tree/tools/testing/selftests/lib.mk" ] ||
		env -u MAKEFLAGS -u MFLAGS -u MAKEOVERRIDES -u LLVM \
			make -s --no-print-directory -C selftests sources KSRC="$tree" OUTPUT="$tmp" |
			sed 's,^,selftests/,'
}

# place_of FILE: set to to the path of our FILE in the kernel tree
place_of() {
	case $1 in
	module/dma_alias_pool.h) to=$header ;;
	Documentation/ABI/*) to=$1 ;;
	Documentation/*.md | *.rst) to=$guide/${1##*/} ;;
	*.yaml) to=$bindings/${1##*/} ;;
	selftests/modules/*) to=$place/$1 ;;
	selftests/helpers/*) to=$tests/${1##*/} ;;
	selftests/*) to=$tests/${1#*/} ;;
	*) to=$place/$1 ;;
	esac
}

# adapted FILE: print FILE, with changed paths of other files where those have another
# place in the kernel
adapted() {
	case $1 in
	*.[ch]) sed 's,^#include "\(\(\.\./\)*module/\)\?dma_alias_pool\.h"$,#include <linux/dma_alias_pool.h>,' "$top/$1" ;;
	*.yaml) sed 's,^\(\$id: .*/schemas/\),\1reserved-memory/,' "$top/$1" ;;
	*) cat "$top/$1" ;;
	esac
}

# has_room PLACE: does the kernel tree have the directory that PLACE belongs in? Our own
# directories are made, if there is the directory above.
has_room() {
	case $1 in
	"$place"/* | "$header") ;;
	"$guide"/*) [ -d "$tree/${guide%/*}" ] ;;
	"$tests"/*) [ -d "$tree/${tests%/*}" ] ;;
	*) [ -d "$tree/${1%/*}" ] ;;
	esac
}

# replace PLACE: by $tmp/file. Not written into: in a tree of hard links that would change
# other trees. And at once: it may be all that there is of a vendor's file.
replace() {
	new=$1.new
	cp -p "$tmp/file" "$new"
	mv -f "$new" "$1"
	new=
}

# put FILE PLACE: copy FILE, unless PLACE is the same already
put() {
	adapted "$1" >"$tmp/file"
	if cmp -s "$tmp/file" "$tree/$2"; then
		return
	fi
	mkdir -p "$tree/${2%/*}"
	chmod a-x "$tmp/file"
	[ ! -x "$top/$1" ] || chmod a+x "$tmp/file"
	replace "$tree/$2"
}

add_files() {
	local file to
	sources >"$tmp/sources"
	while read -r file; do
		place_of "$file"
		has_room "$to" || continue
		echo "$to" >>"$tmp/placed"
		put "$file" "$to"
	done <"$tmp/sources"
	# files that the module no longer has
	for file in "$place" "$guide" "$tests"; do
		[ ! -d "$tree/$file" ] || (cd "$tree" && find "$file" -type f \
			\( -name '*.[ch]' -o -name '*.md' -o -name '*.sh' \) -not -name '*.mod.c')
	done | while read -r file; do
		grep -qxF "$file" "$tmp/placed" || rm -f "$tree/$file"
	done
}

# --- the kernel's own files

# edit FILE PERL: run PERL on the whole text of FILE, as $_, and write the result back
edit() {
	local file=$tree/$1
	[ -f "$file" ] || return 0
	perl -0777 -pe "$2" "$file" >"$tmp/file"
	if ! cmp -s "$tmp/file" "$file"; then
		chmod --reference="$file" "$tmp/file"
		replace "$file"
	fi
}

# last FILE LINE: add LINE as the last line of FILE, or remove it. If FILE does not end
# with a newline, LINE gets none either: so a removal knows that there was none.
# shellcheck disable=SC2016 # perl's
last() {
	LINE=$2 edit "$1" '
		s/\n\Q$ENV{LINE}\E\z// or s/^\Q$ENV{LINE}\E\n//m;
		$_ = /\n\z/ || !length ? "$_$ENV{LINE}\n" : "$_\n$ENV{LINE}" if $ENV{ADD}'
}

# sorted FILE TEXT REGEX: add TEXT to a sorted list in FILE, or remove all of it (with an
# empty line at its end, all until the next one, which may have been changed since). REGEX
# matches the beginning of an entry, and captures what the list is sorted by. The lists
# are not perfectly sorted. So TEXT does not simply go before the first entry that sorts
# after it: it goes before the first of those that have most letters in common with it at
# the beginning.
# shellcheck disable=SC2016 # perl's
sorted() {
	TEXT=$2 REGEX=$3 edit "$1" '
		($first) = $ENV{TEXT} =~ /^(.*)\n/;
		$all = $ENV{TEXT} =~ /\n\n\z/ ? "\Q$first\E\n(?:.+\n)*\n" : "\Q$ENV{TEXT}\E";
		s/^$all//m;
		if ($ENV{ADD}) {
			($key) = $ENV{TEXT} =~ /^$ENV{REGEX}/m;
			$most = -1;
			while (/^$ENV{REGEX}/mg) {
				$at = $-[0];
				next if $1 lt $key;
				("$1" ^ $key) =~ /^\0*/;
				($most, $place) = ($+[0], $at) if $+[0] > $most;
			}
			substr($_, $place, 0) = $ENV{TEXT} if $most >= 0;
		}'
}

# shellcheck disable=SC2016 # make's
edit_all() {
	last kernel/dma/Kconfig "source \"$place/Kconfig\""
	last kernel/dma/Makefile 'obj-$(CONFIG_DMA_ALIAS_POOL) += dma_alias_pool/'
	# only entries of the list of subsystems match, not the text before the list
	sorted MAINTAINERS "$(cat "$top/packaging/in-tree/MAINTAINERS")"$'\n\n' \
		'([A-Z0-9](?!:)[^\n]+)\n(?=[MRLSW]:)'
	# whose names properties may begin with
	sorted Documentation/devicetree/bindings/vendor-prefixes.yaml \
		$'  "^dma-alias-pool,.*":\n    description: The dma-alias-pool project\n' \
		'  "\^([a-z0-9-]+),\.\*":'
	sorted tools/testing/selftests/Makefile $'TARGETS += dma_alias_pool\n' \
		'TARGETS \+= (\S+)'
	sorted Documentation/core-api/index.rst $'   dma-alias-pool/index\n' '   (dma-\S+)'
}

add() {
	add_files
	ADD=y edit_all
	echo "The module is in $tree/$place: set CONFIG_DMA_ALIAS_POOL=y (or m)."
}

remove() {
	edit_all
	rm -rf "${own[@]/#/"$tree/"}"
	echo "The module is no longer in $tree."
}

[ $# -eq 2 ] || die "usage: in-tree.sh add|remove KERNEL_SOURCE"
# a package of headers may have all but the sources
for file in Kbuild kernel/dma/Kconfig kernel/dma/Makefile kernel/dma/mapping.c; do
	[ -f "$2/$file" ] ||
		die "there is no kernel source in $2 (no $file): say KDIR=<kernel source>"
done
tree=$(readlink -f "$2")
new=
tmp=$(mktemp -d)
trap 'rm -rf "$tmp" ${new:+"$new"}' EXIT
export ADD=
case $1 in
add | remove) "$1" ;;
*) die "usage: in-tree.sh add|remove KERNEL_SOURCE" ;;
esac
