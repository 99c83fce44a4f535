#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# root.sh make SUITE PKG...
#	Make a directory with a bare Debian of SUITE. Its apt has fetched, but not
#	installed, PKG... and the two newest versions of the stock kernel's headers.
#	Prints the directory as the last line on stdout. The file /rig/headers in it
#	names the two kernel versions, the older one first.
# root.sh run DIR WORK [--bind PATH]... COMMAND...
#	Run COMMAND in a throw-away copy of DIR. The copy is made in WORK/root, and
#	stays there until the next run. In it WORK is /srv, and each PATH is at the
#	same place, read only. There is no network.
#
# Needs root. All mounts are in a mount namespace of their own, and so go away when the
# processes in it end, for whatever reason. No "rm -rf", by a script or by hand, can run
# into a mount. A root that was made is used forever; RIG_REFRESH=1 makes it anew.
set -euo pipefail
HERE=$(dirname "$(readlink -f "$0")")
. "$HERE/lib.sh"

RECIPE=2	# count this up when what "make" makes changes

usage() {
	say "usage: root.sh make SUITE PKG... | root.sh run DIR WORK [--bind PATH]... COMMAND..."
	exit 1
}

# contained [OPTION...] COMMAND...: run COMMAND in namespaces of its own. The first
# process in a PID namespace ignores Ctrl-C, so the traps kill it when this script ends.
contained() {
	unshare --mount --pid --fork --kill-child "$@" &
	# shellcheck disable=SC2064 # now
	trap "kill -KILL $! 2>/dev/null || true" EXIT
	trap 'exit 130' INT TERM
	wait $!
}

# The end of the scripts below: run the arguments as a command in $dir. Of this machine's
# environment it gets only the proxies.
enter='
	cd /
	exec chroot "$dir" /usr/bin/env -i "${proxies[@]}" HOME=/root LC_ALL=C \
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		DEBIAN_FRONTEND=noninteractive "$@"
'

# inside DIR COMMAND...: run COMMAND in DIR itself, with network
inside() (
	contained bash -euc '
		dir=$1
		shift
		proxies=()
		for name in http_proxy https_proxy no_proxy; do
			[ -z "${!name:-}" ] || proxies+=("$name=${!name}")
		done
		mount -t proc proc "$dir/proc"
	'"$enter" bash "$@"
)

# bootstrap DIR: make a bare Debian that uses this machine's mirror and proxies
bootstrap() {
	local dir=$1 line key uri include=
	line=$(apt_source_line deb "$SUITE")
	key=$(sed -n 's/.*\[signed-by=\([^]]*\)\].*/\1/p' <<<"$line")
	uri=$(sed 's/^deb *\(\[[^]]*\]\)* *//; s/ .*//' <<<"$line")
	case $uri in https:*) include=ca-certificates ;; esac
	debootstrap --variant=minbase ${key:+"--keyring=$key"} \
		${include:+"--include=$include"} "$SUITE" "$dir" "$uri"
	{
		echo "$line"
		apt_source_line deb "$SUITE-security"
	} >"$dir/etc/apt/sources.list"
	if [ -n "$key" ] && [ ! -e "$dir$key" ]; then
		install -D -m 644 "$key" "$dir$key"
	fi
	apt-config dump | grep -E '^Acquire::https?::Proxy' \
		>"$dir/etc/apt/apt.conf.d/90rig" || true
	cat >>"$dir/etc/apt/apt.conf.d/90rig" <<-'END'
		APT::Install-Recommends "false";
		Acquire::Languages "none";
		Binary::apt::APT::Keep-Downloaded-Packages "true";
	END
	# no fsync: this system is thrown away after each run
	echo force-unsafe-io >"$dir/etc/dpkg/dpkg.cfg.d/90rig"
	cp /etc/resolv.conf "$dir/etc/resolv.conf"
	mkdir "$dir/rig"
	inside "$dir" apt-get update
}

fetch() { # DIR PKG...
	local dir=$1
	shift
	inside "$dir" apt-get install -y --download-only "$@"
}

# headers DIR: fetch the kernel's headers in two versions of the series that
# linux-headers-amd64 stands for. Tries the newest first; the archive may no longer have
# some versions that apt's lists name.
headers() {
	local dir=$1 series version versions found=()
	series=$(inside "$dir" apt-cache depends linux-headers-amd64 |
		sed -n 's/.*Depends: linux-headers-\([0-9]*\.[0-9]*\)\..*/\1/p' | head -n 1)
	[ -n "$series" ]
	versions=$(inside "$dir" apt-cache search --names-only \
		"^linux-headers-${series//./\\.}[.][^ ]*-amd64\$" |
		sed 's/^linux-headers-//; s/ .*//' | grep -vE -- '-(rt|cloud)-' |
		sort -rV)
	for version in $versions; do
		fetch "$dir" "linux-headers-$version" || continue
		found=("$version" "${found[@]}")
		[ ${#found[@]} -lt 2 ] || break
	done
	[ ${#found[@]} -eq 2 ]
	printf '%s\n' "${found[@]}" >"$dir/rig/headers"
}

make_root() {
	local key dir tmp log
	SUITE=$1
	shift
	need debootstrap
	key=$({
		echo "$RECIPE" "$SUITE" "$@"
		dpkg --print-architecture
	} | sha256sum | cut -c 1-12)
	dir=$CACHE_DIR/root/$SUITE-$key
	if [ ! -e "$dir/rig/headers" ] || [ -n "${RIG_REFRESH:-}" ]; then
		# not cache_lock, as no other script writes to this directory
		mkdir -p "$CACHE_DIR/root" "$CACHE_DIR/log"
		exec 9>"$CACHE_DIR/root/lock"
		flock 9
	fi
	# another run may have made it meanwhile, and be using it
	if [ ! -e "$dir/rig/headers" ] || [ -n "${RIG_REFRESH:-}" ]; then
		tmp=$CACHE_DIR/root/.tmp-$SUITE
		log=$CACHE_DIR/log/root-$SUITE.log
		rm -rf "$tmp"
		mkdir "$tmp"
		: >"$log"
		step "ROOT    $SUITE: debootstrap (about 1 min)" "$log" bootstrap "$tmp"
		step "ROOT    $SUITE: fetching packages" "$log" fetch "$tmp" "$@"
		step "ROOT    $SUITE: fetching kernel headers" "$log" headers "$tmp"
		rm -rf "$dir"
		mv "$tmp" "$dir"
	fi
	echo "$dir"
}

run() {
	local dir=$1 work=$2 binds=()
	shift 2
	while [ "${1:-}" = --bind ]; do
		binds+=("$2")
		shift 2
	done
	[ $# -gt 0 ] || usage
	mkdir -p "$work"
	work=$(readlink -f "$work")
	rm -rf "$work/root" "$work/.upper" "$work/.work"
	mkdir "$work/root" "$work/.upper" "$work/.work"
	# where the file system cannot have an overlay, copy
	# shellcheck disable=SC2016 # the inner shell's
	contained --net bash -euc '
		lower=$1 work=$2 n=$3
		dir=$work/root
		shift 3
		mount -t overlay overlay -o \
			"lowerdir=$lower,upperdir=$work/.upper,workdir=$work/.work" \
			"$dir" 2>/dev/null || cp -a "$lower/." "$dir/"
		mount -t proc proc "$dir/proc"
		mount --bind "$work" "$dir/srv"
		while [ "$n" -gt 0 ]; do
			mkdir -p "$dir$1"
			mount --bind "$1" "$dir$1"
			mount -o remount,bind,ro "$dir$1"
			shift
			n=$((n - 1))
		done
		proxies=()
	'"$enter" bash "$dir" "$work" "${#binds[@]}" "${binds[@]}" "$@"
}

[ $# -ge 2 ] || usage
[ "$(id -u)" -eq 0 ] || die "root.sh needs root: debootstrap and chroot do"
mode=$1
shift
case $mode in
make) make_root "$@" ;;
run) run "$@" ;;
*) usage ;;
esac
