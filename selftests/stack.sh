# SPDX-License-Identifier: GPL-2.0
#
# Does the shell's stack hold what its subshells are given? Scripts source this file first,
# and ask before they have defined much. POSIX shell.
#
# Without an MMU, BusyBox's shell starts itself anew for each subshell, with all functions
# as arguments. The kernel copies them to the new stack. That of a flat program (bFLT) grows
# by as much; that of an ELF program (FDPIC) does not, and if they do not fit, they silently
# overwrite what is below, be it the kernel's own (fs/binfmt_elf_fdpic.c).

# With an MMU, CPU addresses are virtual, and the kernel can make coherent memory
# without the module.
with_mmu() { [ -e /proc/vmallocinfo ]; }

# stack_kib: prints the size of this shell's stack, where that is a fixed one. It is that
# of its subshells, too.
stack_kib()
{
	read -r stack_line </proc/self/stat || return
	set -- $stack_line
	[ $# -ge 51 ] || return
	shift 46
	# start_brk and env_end: an ELF program's stack, if there is no MMU
	echo $((($5 - $1 + 1023) / 1024))
}

# stack_holds FILE...: do the functions in these files fit, and 16 KiB for what a subshell
# does? If not, $stack is the size in KiB.
stack_holds()
{
	! with_mmu || return 0
	stack=$(stack_kib 2>/dev/null)
	[ -n "$stack" ] && [ $(($(cat "$@" | wc -c) / 1024 + 16)) -gt "$stack" ] || return 0
	[ "$(head -c 4 /proc/$$/exe)" = bFLT ]
}

stack_advice="link BusyBox with -Wl,-z,stack-size=0x20000"
