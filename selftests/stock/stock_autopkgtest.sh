#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The Debian package's test that loads the module, debian/tests/load. autopkgtest runs it
# in a virtual machine, and this is one. The module lies where DKMS installs it.
. "$(dirname "$0")/stock.sh"

load_test() { sh -ex "$here/autopkgtest_load"; }

is_skipped_without_the_module()
{
	load_test
	[ $? -eq 77 ] || fail "not skipped"
}

passes_with_it()
{
	modules=/lib/modules/$(uname -r)/updates/dkms
	mkdir -p "$modules"
	cp "$here/dma_alias_pool.ko" "$modules/"
	depmod || fail "depmod"
	load_test || fail "it fails"
	! is_loaded dma_alias_pool || fail "the module was left"
}

# It would pass with any module that loads, if it did not look at what is in it.
fails_with_another_module()
{
	cp "$here/dma_alias_pool_test.ko" "$modules/dma_alias_pool.ko"
	depmod || fail "depmod"
	! load_test || fail "it passes"
	rmmod dma_alias_pool_test || fail "rmmod"
}

ktap_run is_skipped_without_the_module passes_with_it fails_with_another_module
