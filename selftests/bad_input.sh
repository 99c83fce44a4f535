#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Parameters that cannot be right. With each of them the module does not load, says
# what is wrong in one message, and leaves nothing behind.
. "$(dirname "$0")/ktap.sh"
need_pool

page=4096
base=$pool_base
size=$pool_size
alias=$pool_alias
half=$(hex $((size / 2)))
base2=$(hex $((base + size / 2)))
# A wrong alias: the wrong half of the alias, or, without one, any other memory.
other=$base2
[ -z "$alias" ] || other=$(hex $((alias + size / 2)))
to_alias=${alias:+:$alias}

# refused REGEX PARAMETER ...: the module does not load with these parameters. REGEX
# matches its message after the prefix.
refused()
{
	regex=$1
	shift
	iomem=$(cat /proc/iomem)
	log_clear
	if load "$@" 2>/dev/null; then
		fail "loaded with $*"
		unload
		return
	fi
	log_has "dma_alias_pool.*: $regex"
	! log_since | grep "not bound: no memory" || fail "and gives another reason"
	# Each message is counted once, since BusyBox tries to load twice, by
	# finit_module() and init_module(). The driver core's own message about the
	# failed probe does not count, nor do those about where the module comes from.
	same "messages about $*" "$(log_since | sed 's/^\(\[[^]]*\] *\)*//' | sort -u |
				   grep '^dma_alias_pool.*: ' |
				   grep -v -e 'prob.* failed with error' \
					-e ': DMA pool .* KiB at ' -e 'out-of-tree' \
					-e 'module verification failed' | wc -l)" 1
	! is_loaded dma_alias_pool || fail "loaded after $*"
	[ ! -d $pools ] || fail "debugfs directory left by $*"
	same "claimed resources" "$(cat /proc/iomem)" "$iomem"
	[ -z "$(ls -d /sys/bus/platform/devices/dma_alias_pool* 2>/dev/null)" ] ||
		fail "platform device left by $*"
}

base_is_zero() { refused "base 0x0* is zero" pools=x:0:$size$to_alias; }
base_is_unaligned()
{
	refused "base .* not a multiple of the page size" \
		pools=x:$(hex $((base + 16))):$half$to_alias
}
size_is_zero() { refused "size .* is zero" pools=x:$base:0$to_alias; }
size_is_unaligned()
{
	refused "size .* not a multiple of the page size" \
		pools=x:$base:$(hex $((size - 1)))$to_alias
}
has_64_bits() { case $(uname -m) in *64) ;; *) return 1 ;; esac; }
# With LPAE, a 32-bit ARM kernel has 64 too, and only its configuration says so. Memory
# that is not refused would be read, and there may be none.
bits_are_known()
{
	[ -n "$RIG_BOARD" ] || has_64_bits || ! grep -qw lpae /proc/cpuinfo
}
size_overflows()
{
	if ! bits_are_known; then
		skip "this kernel's addresses may have 32 bits, or 64"
		return
	fi
	# physical addresses have 32 bits here, or 64
	high=0xfff
	! has_64_bits || high=0xfffffffffff
	refused "base ${high}ff000 plus size 0x0*2000 reaches the last address" \
		pools=x:${high}ff000:8K
	refused "alias ${high}00000 plus size .* reaches the last address" \
		pools=x:$base:2M:${high}00000
	# a PC has fewer than 64
	[ "$(uname -m)" != x86_64 ] ||
		refused "base 0x1000000000000000 plus size .* reaches the last address" \
			pools=x:0x1000000000000000:8K
	refused "size .* is more than 2 GiB" pools=x:$base:0x90000000
}
alias_is_zero() { refused "alias 0x0* is zero" pools=x:$base:$half:0; }
alias_is_unaligned()
{
	refused "alias .* not a multiple of the page size" \
		pools=x:$base:$half:$(hex $((other + 4)))
}
alias_is_base()
{
	refused "pools: ALIAS is BASE.*, at character" pools=x:$base:$half:$base
}
alias_overlaps_region()
{
	refused "alias .* overlaps the region at .* itself" \
		pools=x:$base:$half:$(hex $((base + page)))
}
alias_is_none()
{
	refused ".* is no alias of .*" pools=x:$base:$half:$other
}

# If the contents of region and alias differ, the check needs no write to refuse them,
# so it must not write.
alias_holds_other_data()
{
	load "pools=$(pool a 0 $half),$(pool b $half $half)" \
	     clients=dap-test.0@a,dap-test.1@b || fail "cannot load"
	load_tests
	for dev in 0:0x11 1:0x22; do
		ok_dev dap-test.${dev%:*} alloc $half
		ok_dev dap-test.${dev%:*} fill 0 ${dev#*:}
	done
	unload_all
	refused ".* is no alias of .*: they hold different data" \
		pools=x:$base:$half:$other
	# the check has not written to the memory
	load "pools=$(pool x 0 $half)" || fail "cannot load"
	load_tests
	ok_dev dap-test.0 peek $other
	same "a word of the second" $value 0x22222222
	unload_all
}

# Somebody takes the alias, which follows the memory, for more of it.
alias_is_taken_for_memory()
{
	if with_mmu || [ -z "$alias" ] || [ $((alias)) -ne $((base + pool_size)) ]; then
		skip "no alias follows the pool, without an MMU"
		return
	fi
	refused "0x0*${alias#0x}: a write to it changed another page: check address and size" \
		pools=x:$base:$(hex $((pool_size * 2)))
}

# The memory may hold a splash screen, or the image of another core. The check leaves it
# as it was.
content_survives()
{
	if with_mmu && [ -z "$alias" ]; then
		skip "nothing is checked without an alias"
		return
	fi
	load "pools=$(pool x)" clients=dap-test.0 || fail "cannot load"
	load_tests
	ok_dev dap-test.0 alloc $pool_size
	ok_dev dap-test.0 fill 0 0x5c
	unload_all
	load "pools=$(pool x)" || fail "cannot load"
	load_tests
	for at in 0 $page $half $((pool_size - page)); do
		ok_dev dap-test.0 peek $(hex $((${alias:-$base} + at)))
		same "the word at offset $at" $value 0x5c5c5c5c
	done
	unload_all
}

# page_of_ram: sets $ram to the page in the middle of the kernel's first range of RAM.
# Memory beside that range may not be there at all, and an access stop the machine.
page_of_ram()
{
	ram=$(sed -n 's/^\([0-9a-f]*-[0-9a-f]*\) : System RAM$/\1/p' /proc/iomem | head -n1)
	if [ -z "$ram" ]; then
		skip "/proc/iomem has no System RAM"
		return 1
	fi
	ram=$(hex $((0x${ram%-*} + ((0x${ram#*-} - 0x${ram%-*}) / 8192) * 4096)))
}
region_in_ram()
{
	! page_of_ram || refused "0x.*-0x.* is part of the kernel's own RAM" \
		pools=x:$ram:4K$to_alias
}
alias_in_ram()
{
	! page_of_ram || refused "0x.*-0x.* is part of the kernel's own RAM" \
		pools=x:$base:4K:$ram
}
region_is_claimed()
{
	# the start of a page, or what is refused is something else
	claimed=$(sed -n 's/^\([0-9a-f]*000\)-.*\(serial\|pl011\|IOAPIC\).*/\1/p' /proc/iomem |
		  head -n 1)
	if [ -z "$claimed" ]; then
		skip "no serial port or IOAPIC is at a multiple of a page"
		return
	fi
	refused "0x.*-0x.* overlaps another pool or a claimed resource" \
		pools=x:0x$claimed:4K
	refused "0x.*-0x.* overlaps another pool or a claimed resource" \
		pools=x:$base:4K:0x$claimed
}
pools_overlap()
{
	refused "0x.*-0x.* overlaps another pool or a claimed resource" \
		"pools=$(pool a 0 $half),b:$(hex $((base + page))):$half"
	refused "0x.*-0x.* overlaps another pool or a claimed resource" \
		"pools=$(pool a 0 $half),b:${alias:-$base}:$half:$base2"
}
name_is_taken()
{
	refused "there is a DMA pool a already" \
		"pools=$(pool a 0 $half),$(pool a $half $half)"
}

# refused_at CHARACTER REASON PARAMETER: the message says at which character it is wrong
refused_at()
{
	refused "${3%%=*}: $2.*, at character $1: " "$3"
}

pools_do_not_parse()
{
	refused_at 1 "NAME must be" pools=:$base:$size
	refused_at 1 "NAME must be" pools=../x:$base:$size
	refused_at 1 "NAME must be" pools=a@b:$base:$size
	refused_at 1 "NAME must be" \
		pools=a23456789012345678901234567890123:$base:$size
	refused_at 2 "expected ':BASE'" pools=x
	refused_at 3 "BASE is not a number" pools=x:
	refused_at 3 "BASE is not a number" pools=x:sram:4M
	refused_at 3 "BASE is not a number" pools=x:0x20000000z:4M
	refused_at 3 "BASE is not a number" pools=x:-4096:4M
	refused_at 13 "expected ':SIZE'" pools=x:0x20000000
	refused_at 14 "SIZE is not a number" pools=x:0x20000000::0x20400000
	refused_at 14 "SIZE is not a number" pools=x:0x20000000:4MB
	refused_at 17 "ALIAS is not a number" pools=x:0x20000000:4M:
	refused_at 28 "BUS is not a number" pools=x:0x20000000:4M:0x20400000:y
	# the bus address of every buffer would end in 0x80
	refused_at 28 "BUS is no multiple of the page size" \
		pools=x:0x20000000:4M:0x20400000:0x10000080
	refused_at 29 "expected ',' or the end" \
		pools=x:0x20000000:4M:0x20400000:0:0
	refused_at 28 "an entry is missing" pools=x:0x20000000:4M:0x20400000,
	refused_at 28 "NAME must be" pools=x:0x20000000:4M:0x20400000,,
	refused_at 14 "the number is too large" \
		pools=x:0x20000000:99999999999999999999
	refused_at 14 "the number is too large" \
		pools=x:0x20000000:17179869184G
	has_64_bits || ! bits_are_known ||
		refused_at 3 "the number is too large" \
			pools=x:0x120000000:4M
}

clients_do_not_parse()
{
	refused_at 1 "a device name of 1 to 95 characters" clients=@x
	refused_at 1 "a device name of 1 to 95 characters" clients=,a
	# the log must not repeat control characters
	refused_at 2 "there is no such character in device names" \
		"clients=a$(printf '\033[2J')"
	log_has 'at character 2: "\\e\[2J"'
	refused_at 3 "there is no such character in device names" 'clients="a, b"'
	refused_at 4 "there is no such character in device names" clients=a@b/c,d
	refused_at 3 "the name of a pool is missing" clients=a@
	refused_at 5 "an entry is missing" clients=a@x,
}

clients_without_their_pool()
{
	refused "clients=dap-test.0@nope: there is no such pool" \
		"pools=$(pool x 0 $half)" clients=dap-test.0@nope
	# an @ may be part of the device's name, but then no pool gets this client
	refused "clients=soc:dma@0: there is no such pool" \
		"pools=$(pool x 0 $half)" clients=soc:dma@0
	refused "clients=eth0: there is no pool" clients=eth0
	refused "clients=dma-controller@\*: there is no pool" \
		"clients=dma-controller@*"
	refused "clients=eth0: there are several pools" \
		"pools=$(pool a 0 $half),$(pool b $half $half)" clients=eth0
}

max_align_is_wrong()
{
	pool=pools=$(pool x 0 $half)
	for bytes in 1 2048 4097 12K 0x180000000; do
		refused "maximum alignment 0x.* is no power of two" \
			$pool max_align=$bytes
	done
	refused "max_align: there is no pool y" $pool max_align=64K@y
	refused_at 1 "the alignment is not a number" max_align=page
	refused_at 4 "this cannot be the name of a pool" max_align=4K@
	refused_at 3 "expected ',' or the end" max_align=4K:x
}

# Whoever has turned off probing for the whole bus is told why there is no pool.
nobody_probes()
{
	echo 0 >/sys/bus/platform/drivers_autoprobe
	log_clear
	! load "pools=$(pool x 0 $half)" 2>/dev/null || fail "loaded without a pool"
	log_has "dma_alias_pool.0: not bound: no memory, or drivers_autoprobe is 0"
	[ ! -d $pools ] || fail "debugfs directory left"
	echo 1 >/sys/bus/platform/drivers_autoprobe
}

# After all these failures, the module still loads and works.
still_loads()
{
	load_all || fail "cannot load"
	ok_dev dap-test.0 alloc 4096
	ok_dev dap-test.0 free 0
	unload_all
}

unusual_but_right()
{
	for param in pools=x:$base:4K$to_alias \
		     pools=x:$((base)):$((size / 1024))K${alias:+:$((alias))} \
		     pools=a.b-c_d+1:$base:$half:$alias:0x1000 \
		     pools= clients= max_align=; do
		load $param || fail "$param refused"
		unload
	done
	for entry in soc:dma@0@x "dma-controller@*" soc@0:dma,dap-test.0@x; do
		load "pools=$(pool x)" "clients=$entry" ||
			fail "clients=$entry refused"
		unload
	done
}

ktap_run base_is_zero base_is_unaligned size_is_zero size_is_unaligned \
	size_overflows alias_is_zero alias_is_unaligned alias_is_base \
	alias_overlaps_region alias_is_none alias_holds_other_data \
	alias_is_taken_for_memory content_survives \
	region_in_ram alias_in_ram region_is_claimed pools_overlap \
	name_is_taken pools_do_not_parse clients_do_not_parse \
	clients_without_their_pool max_align_is_wrong nobody_probes still_loads \
	unusual_but_right
