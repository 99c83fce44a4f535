#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# sources.sh [PATH...] - the project's files, or those in PATH, one a line: what
# git knows or would add where there is a .git, else what is not build output.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."

from_git() {
	# a tree of somebody else's, or no git: then as if it were unpacked
	[ -e .git ] && git ls-files -co --exclude-standard -- "$@" 2>/dev/null
}

# as .gitignore has it
from_tree() {
	find "${@:-.}" \( -path ./build -o -path ./.git -o -name .tmp_versions \
		-o -name __pycache__ \) -prune -o \( -type f -o -type l \) \
		-not \( -name '*.o' -o -name '*.o.d' -o -name '*.ko' -o -name '*.mod' \
		-o -name '*.mod.c' -o -name '.*.cmd' -o -name modules.order \
		-o -name Module.symvers \) -print
}

{ from_git "$@" || from_tree "$@"; } | sed 's,^\./,,' | LC_ALL=C sort -u |
	while read -r file; do
		# git still knows what was deleted
		if [ -e "$file" ] || [ -L "$file" ]; then
			printf '%s\n' "$file"
		fi
	done
