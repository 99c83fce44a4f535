#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sources.sh [PATH...] - print the project's files, or those in PATH, one a line. In a
# clone these are the files that git has or would add; without .git all files that are no
# build output.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

from_git() {
	# This fails, and from_tree is used, if there is no git, or if git refuses since the
	# tree belongs to another user.
	[ -e .git ] && git -c core.quotePath=false ls-files -co --exclude-standard -- "$@" 2>/dev/null
}

# leaves out the same files as .gitignore
from_tree() {
	find "${@:-.}" \( -path ./build -o -path ./.git -o -name .tmp_versions \
		-o -name __pycache__ \) -prune -o \( -type f -o -type l \) \
		-not \( -name '*.o' -o -name '*.o.d' -o -name '*.ko' -o -name '*.mod' \
		-o -name '*.mod.c' -o -name '.*.cmd' -o -name modules.order \
		-o -name Module.symvers -o -name '*.dwo' -o -name '*.gcno' -o -name '*.usyms' -o -name '*.symtypes' \
		-o -name '*.su' -o -name '*.lst' -o -name '*.ll' -o -name '*.bc' -o -name '*.i' -o -name '*.s' \
		-o -name '.checkpatch-camelcase.*' \) -print
}

{ from_git "$@" || from_tree "$@"; } | sed 's,^\./,,' | LC_ALL=C sort -u |
	while read -r file; do
		# git also lists files that were deleted and not committed
		if [ -e "$file" ] || [ -L "$file" ]; then
			printf '%s\n' "$file"
		fi
	done
