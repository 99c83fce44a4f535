#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# need.sh PKG... - see that Debian packages are installed. Root installs what is missing;
# for anybody else it prints the command that does so, and fails.
set -euo pipefail
. "$(dirname "$(readlink -f "$0")")/lib.sh"
need "$@"
