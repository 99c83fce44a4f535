# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash disable=SC2016 # $(FIELD) is apt's, not the shell's
#
# lib.sh - functions that the host's scripts share. Sourced, never run.
#
# The most important ones:
#   CACHE_DIR         the directory for all that is slow to make
#   say, die, skip    messages; the latter two also end the script
#   step              run a command with a progress line, its output in a log
#   report            count and print the result of a test
#   need              install Debian packages
#   no_time_left      is it too late to begin something?
#   cache_lock        become the only writer to the cache
#   apt_private       use apt without touching the machine's own configuration
# All progress goes to stderr: stdout is for the script's result.

# As the XDG specification has it, which ignores what is not absolute. Services have no HOME.
case ${XDG_CACHE_HOME:-} in
/*) CACHE_DIR=$XDG_CACHE_HOME ;;
*) CACHE_DIR=${HOME:-$(getent passwd "$(id -u)" | cut -d : -f 6)}/.cache ;;
esac
CACHE_PATH=$CACHE_DIR/dma-alias-pool
CACHE_DIR=$(readlink -m "$CACHE_PATH")
JOBS=${JOBS:-$(nproc)}
export LC_ALL=C
# Python would keep compiled files in the tree, whose state mutants.sh compares.
export PYTHONDONTWRITEBYTECODE=y

# If make or a package build runs these scripts, it has set some of these for itself. The
# builds below must not use them.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES M O V KBUILD_OUTPUT KBUILD_EXTMOD
unset CFLAGS CPPFLAGS CXXFLAGS LDFLAGS ARCH CROSS_COMPILE CC HOSTCC LLVM LLVM_IAS W C
unset KCFLAGS KCPPFLAGS KAFLAGS KCONFIG_CONFIG KCONFIG_ALLCONFIG

RIG=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# absolute, as scripts change their directory
[ -z "${KSRC:-}" ] || KSRC=$(readlink -m "$KSRC")

say() { printf '%s\n' "$*" >&2; }

die() {
	say "rig: $*"
	exit 1
}

# make distclean removes the cache: so nothing else may be there
case $RIG/ in
"$CACHE_DIR"/*) die "the cache would be $CACHE_DIR, where the sources are: set XDG_CACHE_HOME to another directory" ;;
esac

# remove_cache: for make distclean
remove_cache() {
	[ ! -L "$CACHE_PATH" ] ||
		die "the cache is elsewhere, and others may have files there: remove $CACHE_DIR yourself, and the link $CACHE_PATH"
	rm -rf "$CACHE_DIR"
}

# skip WHY: end the script with status 3, as this machine or Debian's archive lacks what
# it needs. That is no failure; parts.sh counts it as skipped.
skip() {
	say "rig: skipped: $*"
	exit 3
}

# series_of TREE: print the series (as 6.1) of a kernel source tree
series_of() {
	[ -e "$1/Makefile" ] && [ -e "$1/Kbuild" ] ||
		die "KSRC=$1: there is no kernel source tree"
	sed -n 's/^\(VERSION\|PATCHLEVEL\) *= *//p' "$1/Makefile" | head -n 2 | paste -sd .
}

# need_board BOARD: end the script if there is no such board
need_board() {
	[ -e "$RIG/boards/$1/board.conf" ] ||
		die "there is no BOARD=$1, but $(cd "$RIG/boards" && echo */ | tr -d /)"
}

# board_series BOARD: print the series that BOARD is tested with, if it names one
board_series() { sed -n 's/^SERIES=//p' "$RIG/boards/$1/board.conf"; }

# default_machine: export KVER and BOARD, with defaults where the user has not set them.
# With CACHE the default board is the one that can have a cache. Ends the script if no
# machine can be built here: the kernel's build takes a path with spaces for several.
default_machine() {
	local default
	case $RIG in *[[:space:]]*)
		die "the kernel's build cannot do with a path that has spaces: move ${RIG%/selftests/rig}" ;;
	esac
	case $CACHE_DIR in *[[:space:]]*)
		die "the kernel's build cannot do with a path that has spaces: set XDG_CACHE_HOME to another than ${CACHE_DIR%/*}" ;;
	esac
	BOARD=${BOARD:-${CACHE:+an500}}
	[ -z "$BOARD" ] || need_board "$BOARD"
	if [ -n "$BOARD" ] && [ -z "${KSRC:-}" ]; then
		KVER=${KVER:-$(board_series "$BOARD")}
	fi
	if [ -z "${KVER:-}" ] || [ -z "$BOARD" ]; then
		default=$("$RIG/series.sh" default | tail -n 1)
		KVER=${KVER:-${default% *}}
		BOARD=${BOARD:-${default#* }}
	fi
	export KVER BOARD
	[ -z "${KSRC:-}" ] || [ -n "${RIG_PART:-}" ] || uses_own_kernel
}

# uses_own_kernel: end the script if it would take another kernel than the user's. The
# parts of a larger check choose their kernels themselves (parts.sh).
uses_own_kernel() {
	local series
	series=$(series_of "$KSRC")
	[ "$series" = "$KVER" ] ||
		die "KSRC=$KSRC is Linux $series, so it cannot be KVER=$KVER: leave KVER out"
	! grep -qsx KERNEL=stock "$RIG/boards/$BOARD/board.conf" ||
		die "BOARD=$BOARD has kernels of Debian's only: leave BOARD out, or KSRC"
}

# usual_series: print the series that make check has by default, whatever KVER and KSRC
# are.
usual_series() {
	local default
	default=$(KSRC='' "$RIG/series.sh" default) && echo "${default% *}"
}

# usual_source: print the directory of Debian's kernel source of that series.
usual_source() {
	local series
	series=$(usual_series) &&
		KSRC='' "$RIG/kernel.sh" --source "$series" | tail -n 1
}

# is_default: are KVER and BOARD those that make check has by default?
is_default() { [ "$KVER $BOARD" = "$("$RIG/series.sh" default)" ]; }

# is_usual_series: is the kernel of KVER one of that series, of Debian's sources?
is_usual_series() { [ -z "${KSRC:-}" ] && [ "$KVER" = "$(usual_series)" ]; }

# rig_tmp: set RIG_TMP to a new temporary directory, which is removed when the script
# exits.
rig_tmp() {
	RIG_TMP=$(mktemp -d "${TMPDIR:-/tmp}/rig.XXXXXX")
	trap 'rm -rf "$RIG_TMP"' EXIT
}

# report STATUS NAME: print a test's result, and count it in the caller's variables n,
# passed and failed.
report() {
	n=$((n + 1))
	if [ "$1" -eq 0 ]; then
		passed=$((passed + 1))
		echo "ok $n $2"
	else
		failed=$((failed + 1))
		echo "not ok $n $2"
	fi
}

# report_found NAME: a test that passes if there is nothing on stdin.
#
# If stdin is < <(FUNCTION), errexit is on in FUNCTION: the first command that fails
# would end it without a word, and the test would pass. A function in which a command
# may fail begins with "set +e".
report_found() {
	local found
	found=$(cat)
	[ -z "$found" ] || sed '/^$/d; s/^/# /' <<<"$found"
	report "${#found}" "$1"
}

# print_counts PASSED FAILED [SKIPPED]: print the last line of a check, which names
# SKIPPED only if it is not 0.
print_counts() {
	local skipped=
	[ "${3:-0}" -eq 0 ] || skipped=", $3 skipped"
	echo "$1 passed, $2 failed$skipped"
}

# read_counts: print "PASSED FAILED SKIPPED" if the last line on stdin is one that
# print_counts prints
read_counts() {
	tail -n 1 | sed -En 's/ failed$/&, 0 skipped/
		s/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p'
}

# run_counts FILE: print "PASSED FAILED SKIPPED" of a boot, from the file of run.py --json
run_counts() {
	python3 -c '
import json, sys
counts = json.load(open(sys.argv[1]))
print(counts["passed"], counts["failed"], counts["skipped"])' "$1"
}

# heartbeat LABEL PID: to be run in the background. Says every few seconds that LABEL is
# still at work, until it is killed or the script PID is gone.
heartbeat() {
	local label=$1 owner=$2 start=$SECONDS t nap=
	trap 'kill $nap 2>/dev/null; exit 0' TERM
	while kill -0 "$owner" 2>/dev/null; do
		sleep 1 &
		nap=$!
		wait $nap
		t=$((SECONDS - start))
		if [ -t 2 ]; then
			printf '\r%s ... %d s ' "$label" $t >&2
		elif [ $((t % 15)) -eq 0 ]; then
			say "$label ... $t s"
		fi
	done
}

# step LABEL LOG COMMAND...: run COMMAND, which may be a function, with its output
# appended to LOG. If it fails, print the end of LOG and exit. Not to be called in a
# condition: that would turn errexit off in COMMAND.
step() {
	local label="  $1" log=$2 start=$SECONDS rc beat
	shift 2
	say "$label"
	heartbeat "$label" $$ 9>&- >/dev/null </dev/null &
	beat=$!
	set +e
	(
		set -e
		"$@"
	) >>"$log" 2>&1 </dev/null
	rc=$?
	kill $beat 2>/dev/null
	wait $beat 2>/dev/null
	set -e
	if [ -t 2 ]; then
		printf '\r\033[K' >&2
	fi
	if [ $rc -ne 0 ]; then
		say "$label: FAILED after $((SECONDS - start)) s; the end of $log:"
		tail -n 30 "$log" >&2
		exit 1
	fi
	if [ $((SECONDS - start)) -ge 10 ]; then
		say "$label: done in $((SECONDS - start)) s"
	fi
}

# cache_lock: wait until no other script writes to the cache, and keep others from it
# until this script ends.
cache_lock() {
	mkdir -p "$CACHE_DIR"
	exec 9>"$CACHE_DIR/lock"
	if ! flock -n 9; then
		say "  LOCK    waiting for another build to end"
		flock 9
	fi
}

# try_step LABEL LOG COMMAND...: like step, but does not exit if COMMAND fails. Sets rc
# to the status.
try_step() {
	set +e
	(
		set -e
		step "$@"
	)
	rc=$?
	set -e
}

# no_time_left: has LIMIT passed, the minutes after which nothing more is begun? They count
# from the first script that asks.
[ -z "${LIMIT:-}" ] || export LIMIT_ENDS=${LIMIT_ENDS:-$((EPOCHSECONDS + LIMIT * 60))}
no_time_left() { [ -n "${LIMIT:-}" ] && [ $EPOCHSECONDS -ge $LIMIT_ENDS ]; }

# what modpost says of the modules themselves, in a build's log
MODPOST_WARNING='^WARNING: modpost: .*(section mismatch|missing MODULE_)'

# no_warnings LOG: fails if a compiler said something about the project's own files, and
# prints it. Old kernels' own headers have warnings, too.
no_warnings() {
	[ -s "$1" ] &&
		! grep -E -e '(^|/)(module|selftests/modules)/[^ ]*: (warning|error):' \
			-e "$MODPOST_WARNING" "$1" &&
		return
	echo "not ok - compiling without a warning: $1"
	return 1
}

# missing PKG...: print those that are not installed
missing() {
	local p
	for p in "$@"; do
		dpkg-query -W -f '${db:Status-Status}\n' "$p" 2>/dev/null |
			grep -qx installed || echo "$p"
	done
}

# own_lists_present: has the machine's own apt any lists of packages?
own_lists_present() {
	local f
	for f in $(apt-get indextargets --format '$(CREATED_BY) $(FILENAME)' 2>/dev/null |
		sed -n 's/^Packages //p'); do
		# apt may keep a list compressed under another suffix
		if [ -e "$f" ] || [ -e "${f%.*}" ]; then
			return 0
		fi
	done
	return 1
}

install_packages() {
	export DEBIAN_FRONTEND=noninteractive
	# Cross compilers, for one, conflict with gcc-multilib: whose that is has to decide.
	local install=(apt-get install -y --no-install-recommends --no-remove
		-o DPkg::Lock::Timeout=300 "$@")
	own_lists_present || apt-get update
	"${install[@]}" && return
	# most often this fails because the lists are older than the archive
	apt-get update
	"${install[@]}"
}

# need PKG...: see that these Debian packages are installed. Installs what is missing if
# run by root, else prints the command for it and exits.
need() {
	local list log
	list=$(missing "$@" | paste -sd ' ')
	[ -n "$list" ] || return 0
	command -v apt-get >/dev/null ||
		die "needs the Debian packages: $list (no apt-get here to install them)"
	if [ "$(id -u)" -ne 0 ]; then
		say "rig: packages are missing. Install them with:"
		say "  sudo apt-get install --no-install-recommends $list"
		exit 1
	fi
	mkdir -p "$CACHE_DIR/log"
	log=$CACHE_DIR/log/packages.log
	# apt-get update fails while another one runs. Meanwhile that other script may have
	# installed what this one wants.
	exec 7>"$CACHE_DIR/apt.lock"
	flock 7
	# shellcheck disable=SC2086 # a list of package names
	list=$(missing $list | paste -sd ' ')
	: >"$log"
	# shellcheck disable=SC2086
	[ -z "$list" ] || step "APT     installing $list" "$log" install_packages $list
	exec 7>&-
}

# apt_source_line TYPE SUITE: print a line of sources.list for SUITE, with the mirror and
# the keyring that this machine's own apt uses for Debian.
apt_source_line() {
	local type=$1 suite=$2 label=Debian row uri entry file number key list
	case $suite in *-security) label=Debian-Security ;; esac
	row=$(apt-get indextargets \
		--format '$(CREATED_BY)|$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)|$(SOURCESENTRY)' |
		grep "^Packages|Debian|$label|main|" | head -n 1 || true)
	if [ -z "$row" ]; then
		# Before the first "apt-get update" apt does not know origin and label: then
		# any archive will do. A machine may have no security archive at all.
		[ "$label" = Debian ] || return 0
		row=$(apt-get indextargets --no-release-info \
			--format '$(CREATED_BY)|$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)|$(SOURCESENTRY)' |
			grep '^Packages|.*|main|' | head -n 1 || true)
	fi
	[ -n "$row" ] || die "this machine's apt names no Debian mirror"
	IFS='|' read -r _ _ _ _ uri entry <<<"$row"
	# its line of sources.list, or its paragraph of a file with one value a line
	file=${entry%:*} number=${entry##*:}
	case $file in
	*.sources)
		key=$(awk -v RS= -v n="$number" 'NR == n' <(grep -v '^#' "$file") |
			sed -n 's/^Signed-By: *\(\/[^ ]*\).*/\1/p')
		;;
	*) key=$(sed -n "${number}s/^deb.*signed-by=\(\/[^] ]*\).*/\1/p" "$file") ;;
	esac
	# a list of mirrors, which another root does not have
	case $uri in
	mirror+file:*)
		list=${uri#mirror+file:}
		uri=$(sed -n '/^[a-z]*:/{ s/[[:space:]].*//p; q; }' "${list%/}")
		;;
	esac
	echo "$type ${key:+[signed-by=$key] }$uri $suite main"
}

# apt_private NAME TYPE SUITE...: set up an apt that uses these suites and keeps its lists
# in $CACHE_DIR/apt/NAME, and update the lists. The caller passes "${APT_OPTS[@]}" to
# apt-get and apt-cache to use it; the machine's own apt is not touched. A list that
# cannot be fetched is no error here: the others may have what the caller wants.
# With FOREIGN=ARCH the lists are those of another architecture.
apt_private() {
	local name=$1${FOREIGN:+-$FOREIGN} type=$2 dir suite
	shift 2
	dir=$CACHE_DIR/apt/$name
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial" "$dir/empty"
	# others may be reading it
	for suite in "$@"; do
		apt_source_line "$type" "$suite"
	done >"$dir/sources.$$"
	mv "$dir/sources.$$" "$dir/sources.list"
	APT_OPTS=(
		-o "Dir::Etc::SourceList=$dir/sources.list"
		-o "Dir::Etc::SourceParts=$dir/empty"
		-o "Dir::State::Lists=$dir/lists"
		-o "Dir::Cache=$dir/cache"
		-o APT::Sandbox::User=root
		-o Acquire::Languages=none
		-o APT::Get::List-Cleanup=true
		-o APT::Update::Post-Invoke-Success::=/bin/true
	)
	[ -z "${FOREIGN:-}" ] || APT_OPTS+=(
		-o "APT::Architecture=$FOREIGN" -o "APT::Architectures=$FOREIGN")
	flock "$dir/lists" apt-get "${APT_OPTS[@]}" update ||
		echo "not all of the lists are up to date: $*"
}

# apt writes to the final names, so what is there may be a part of a file.
fetch_package_source() { # PACKAGE SUITE DIRECTORY
	apt_private "$1" deb-src "$2"
	rm -rf "$3" "$3.tmp"
	mkdir -p "$3.tmp"
	(cd "$3.tmp" && apt-get "${APT_OPTS[@]}" source --download-only --only-source "$1")
	mv "$3.tmp" "$3"
}

# package_source PACKAGE SUITE LOG: print the file that has the authors' own source, from
# Debian's source package, which is fetched if it is not in the cache
package_source() {
	local dir=$CACHE_DIR/src/$1
	ls "$dir/$1"_*.orig.tar.* >/dev/null 2>&1 ||
		step "SOURCE  $1: fetching Debian's source package" "$3" \
			fetch_package_source "$1" "$2" "$dir"
	find "$dir" -name "$1_*.orig.tar.*" -not -name '*.asc'
}
