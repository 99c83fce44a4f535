// SPDX-License-Identifier: GPL-2.0
/*
 * rig-exit - end the emulator from inside. The emulated boards cannot switch
 * themselves off, and QEMU does not see it when they are reset. But run.py lets QEMU
 * serve Arm semihosting calls. One of them, SYS_EXIT with reason ApplicationExit, ends
 * QEMU.
 */
int main(void)
{
	register long call __asm__("r0") = 0x18;
	register long reason __asm__("r1") = 0x20026;

	__asm__ volatile("bkpt 0xab" : "+r"(call) : "r"(reason) : "memory");
	return 1;
}
