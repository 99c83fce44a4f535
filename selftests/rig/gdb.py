# SPDX-License-Identifier: GPL-2.0
"""gdb.py - as much of gdb's remote protocol as watching memory takes, on the socket
that QEMU's gdb stub listens at.

Each answer has to come within the timeout, else it is a RigError. Who uses it keeps
track of whether the machine runs: the stub answers only while it stands.
"""
import re
import socket
import time

from common import RigError

# where the program counter is in all of the registers: its number, bytes of each
PC = {"arm": (15, 4), "riscv": (32, 8)}


class Gdb:
    """A connection to the stub, and what can be asked of it."""

    def __init__(self, path, arch, child, timeout=10):
        self.buffer = b""
        number, size = PC[arch]
        # in hexadecimal digits
        self.pc_at = slice(number * size * 2, (number + 1) * size * 2)
        deadline = time.monotonic() + timeout
        while True:
            self.socket = socket.socket(socket.AF_UNIX)
            try:
                self.socket.connect(path)
                break
            except OSError as e:
                self.socket.close()
                if child.poll() is not None or time.monotonic() > deadline:
                    raise RigError(f"no connection to QEMU's gdb stub: {e}") from e
                time.sleep(0.05)
        self.socket.settimeout(timeout)

    def close(self):
        self.socket.close()

    def send(self, text):
        data = text.encode()
        self.socket.sendall(b"$%s#%02x" % (data, sum(data) & 0xFF))

    def fill(self):
        try:
            data = self.socket.recv(4096)
        except TimeoutError as e:
            raise RigError("QEMU's gdb stub does not answer") from e
        if not data:
            raise RigError("QEMU's gdb stub went away")
        self.buffer += data

    def packet(self):
        """The next packet if it is here; acknowledgements are skipped."""
        m = re.search(rb"\$([^#]*)#..", self.buffer)
        if not m:
            return None
        self.buffer = self.buffer[m.end():]
        self.socket.sendall(b"+")
        return m[1].decode("ascii", "replace")

    def receive(self):
        while (packet := self.packet()) is None:
            self.fill()
        return packet

    def ask(self, text):
        self.send(text)
        return self.receive()

    def command(self, text):
        answer = self.ask(text)
        if answer != "OK":
            raise RigError(f'gdb stub: "{text}" was answered with "{answer}"')

    def interrupt(self):
        self.socket.sendall(b"\x03")
        return self.receive()

    def pc(self):
        registers = self.ask("g")
        if len(registers) < self.pc_at.stop:
            raise RigError(f'gdb stub: the registers are "{registers}"')
        return int.from_bytes(bytes.fromhex(registers[self.pc_at]), "little")
