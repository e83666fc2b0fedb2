# SPDX-License-Identifier: MIT
"""A program on a terminal, and its signals."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time


def default_signals():
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Terminal:
    """The tool on a terminal of 80 columns."""

    def __init__(self, args):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            default_signals()
            os.environ["TERM"] = "xterm"
            os.execv(args[0], args)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.text = ""

    def read_until(self, pattern=None, limit=240):
        """Until the pattern is there (True), or the end (False)."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            if pattern and re.search(pattern, self.text):
                return True
            if not select.select([self.fd], [], [], 1)[0]:
                continue
            try:
                data = os.read(self.fd, 65536)
            except OSError:  # Linux: the other side is closed
                data = b""
            if not data:
                return False
            self.text += data.decode()
        raise AssertionError("the tool hangs: " + self.text[-300:])

    def type(self, text):
        os.write(self.fd, text.encode())

    def finish(self):
        self.read_until()
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
