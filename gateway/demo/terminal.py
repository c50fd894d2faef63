"""A terminal for an interactive program: what a person types, and what they see."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from types import TracebackType

#: Escape sequences that steer a terminal (ECMA-48), and the bell.
_STEERING = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()=>][0-9A-B]?|\x07|\r")


class Terminal:
    """Runs a program as if somebody sat in front of it; ended and gone when the block ends."""

    def __init__(self, command: Sequence[str], environment: dict[str, str]) -> None:
        self._leader, follower = pty.openpty()
        self._process = subprocess.Popen(
            command, stdin=follower, stdout=follower, stderr=follower, env=environment, start_new_session=True
        )
        os.close(follower)
        self.seen = ""

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
            readable, _, _ = select.select([self._leader], [], [], left)
            if not readable or not self._read():
                break
        place = -1
        for _ in range(times):
            place = self.seen.find(expected, place + 1)
            if place < 0:
                break
        end = len(self.seen) if place < 0 else place + len(expected)
        shown, self.seen = self.seen[:end], self.seen[end:]
        return shown

    def _read(self) -> bool:
        try:
            data = os.read(self._leader, 65_536)
        except OSError:
            # The program has ended (Linux says EIO).
            return False
        self.seen += _STEERING.sub("", data.decode(errors="replace"))
        return bool(data)
