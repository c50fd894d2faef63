"""A terminal for an interactive program: what a person types, and what they see."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Sequence
from types import TracebackType

#: Escape sequences that steer a terminal (ECMA-48), and the bell.
_STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()=>][0-9A-B]?|\x07|\r")


def plain(text: str) -> str:
    """What is left of it without colours and movements."""
    return _STEERING.sub("", text)


class Terminal:
    """Runs a program as if somebody sat in front of it; ended and gone when the block ends."""

    def __init__(
        self, command: Sequence[str], environment: dict[str, str], *, columns: int = 100, input: str | None = None
    ) -> None:
        """`input` is fed to the program instead of keys: it shows on a screen what a pipe told it to do."""
        self._leader, follower = pty.openpty()
        # Rows, columns, and two sizes in pixels that nobody looks at (tty_ioctl, TIOCSWINSZ).
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        self._process = subprocess.Popen(
            command, stdin=follower if input is None else subprocess.PIPE, stdout=follower, stderr=follower,
            env=environment, start_new_session=True,
        )  # fmt: skip
        os.close(follower)
        if self._process.stdin is not None:
            self._process.stdin.write((input or "").encode())
            self._process.stdin.close()
        self.seen = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        os.close(self._leader)

    def type(self, text: str) -> None:
        """Press these keys; a tab completes, a newline sends."""
        os.write(self._leader, text.encode())

    def interrupt(self) -> None:
        """Ctrl-C, as the terminal would pass it on."""
        self._process.send_signal(signal.SIGINT)

    def wait_for(self, expected: str, seconds: float = 15.0, *, times: int = 1) -> str:
        """What was shown since the last call, up to where `expected` stands for the nth time; less if time runs out."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and self.seen.count(expected) < times:
            if not self._readable(left) or not self._read():
                break
        place = -1
        for _ in range(times):
            place = self.seen.find(expected, place + 1)
            if place < 0:
                break
        end = len(self.seen) if place < 0 else place + len(expected)
        shown, self.seen = self.seen[:end], self.seen[end:]
        return shown

    def wait(self, seconds: float) -> int:
        """Until the program ends; its exit code. What it showed is in `seen`, colours and all."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and self._readable(left):
            if not self._read(without_colours=False):
                return self._process.wait(max(left, 1))
        raise TimeoutError(f"{self._process.args!r} did not end within {seconds:.0f} s")

    def _readable(self, seconds: float) -> bool:
        readable, _, _ = select.select([self._leader], [], [], seconds)
        return bool(readable)

    def _read(self, *, without_colours: bool = True) -> bool:
        try:
            data = os.read(self._leader, 65_536)
        except OSError:
            # The program has ended (Linux says EIO).
            return False
        # A character may be cut in two by the buffer's end: what is no text yet waits for the rest.
        text = self._decoder.decode(data)
        self.seen += plain(text) if without_colours else text.replace("\r", "")
        return bool(data)


def run_in_terminal(
    command: Sequence[str],
    environment: dict[str, str],
    *,
    columns: int = 100,
    seconds: float = 60.0,
    input: str | None = None,
) -> tuple[int, str]:
    """Run a program to its end on a terminal of its own: exit code, and what was shown, colours and all."""
    with Terminal(command, environment, columns=columns, input=input) as terminal:
        return terminal.wait(seconds), terminal.seen
