#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# need.sh PKG... - see that Debian packages are installed.
# As root it installs what is missing; otherwise it prints the command that
# does, and fails. Says nothing when all is there.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/lib.sh"
need "$@"
