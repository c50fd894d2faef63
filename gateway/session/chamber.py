"""Long statements are judged in a process of their own, while their session waits.

Parsing megabytes, or a hundred thousand small statements in one string, takes seconds, and nothing
else would happen in the event loop meanwhile: no other session would be served, no grant would end
in time. In the other process it can be given up, and what breaks there breaks nothing here.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import resource
import struct
import sys
from collections import OrderedDict
from typing import TypeVar

import msgspec
import structlog

from gateway.session.judge import Judge, Judged
from masking.catalog import Catalog
from masking.policy import RolePolicy
from masking.verdict import Refusal

log = structlog.get_logger()

#: A statement may take so long to judge, and so much memory.
JUDGING_SECONDS = 10.0
JUDGING_BYTES = 2 << 30
#: So many (role, snapshot) pairs are kept ready in the other process.
KEPT_RULES = 16

TOO_LONG = Refusal(
    "54000",
    "judging-limit",
    f"judging this statement takes more than {JUDGING_SECONDS:g} seconds, so it was not run",
    hint="Send it in smaller parts.",
)
FAILED = Refusal(
    "54000",
    "judging-limit",
    "this statement is too complex to be judged, so it was not run",
    hint="Send it in smaller parts.",
)

_LENGTH = struct.Struct("!I")

#: Role, which part of it, version of the policy and what the settings add to it, version of the snapshot.
Key = tuple[str, str, str, str, str]
Value = TypeVar("Value")


class Chamber:
    """Judges one statement after the other. The process is started when it is first needed."""

    def __init__(self, *, seconds: float = JUDGING_SECONDS) -> None:
        self._seconds = seconds
        self._process: asyncio.subprocess.Process | None = None
        self._known: OrderedDict[Key, None] = OrderedDict()
        self._busy = asyncio.Lock()

    async def judge(self, policy: RolePolicy, catalog: Catalog, sql: bytes) -> Judged:
        """The verdict over a query string. What cannot be judged in time is refused."""
        async with self._busy:
            try:
                async with asyncio.timeout(self._seconds):
                    return await self._ask(policy, catalog, sql)
            except TimeoutError:
                self.close()
                return Judged(sql.decode("utf-8", "replace"), b"", TOO_LONG, ())
            except (OSError, EOFError, msgspec.MsgspecError) as error:
                log.error("the judging process failed", reason=type(error).__name__)
                self.close()
                return Judged(sql.decode("utf-8", "replace"), b"", FAILED, ())
            except BaseException:
                self.close()  # an answer may be on its way that nobody would wait for
                raise

    def close(self) -> None:
        """End the process; the next statement starts another."""
        process, self._process = self._process, None
        self._known.clear()
        if process is not None and process.returncode is None:
            process.kill()

    async def _ask(self, policy: RolePolicy, catalog: Catalog, sql: bytes) -> Judged:
        process = self._process
        if process is None or process.returncode is not None:
            self._known.clear()
            process = self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "gateway.session.chamber",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        assert process.stdin is not None
        assert process.stdout is not None
        key = (policy.role, policy.extent, policy.version, str(sorted(policy.ceilings.items())), catalog.version)
        rules = None if key in self._known else (policy, catalog)
        request = pickle.dumps((key, rules, sql), pickle.HIGHEST_PROTOCOL)
        process.stdin.write(_LENGTH.pack(len(request)) + request)
        await process.stdin.drain()
        _keep(self._known, key, None)
        (length,) = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
        # What comes back is data and nothing else: that process has read what a stranger wrote.
        return msgspec.msgpack.decode(await process.stdout.readexactly(length), type=Judged)


def _keep(kept: OrderedDict[Key, Value], key: Key, value: Value) -> None:
    """Both sides keep the same ones, so neither needs to ask."""
    kept[key] = value
    kept.move_to_end(key)
    while len(kept) > KEPT_RULES:
        kept.popitem(last=False)


def main() -> None:
    """The other process: a request in, a verdict out, until its input ends."""
    os.nice(5)
    resource.setrlimit(resource.RLIMIT_AS, (JUDGING_BYTES, JUDGING_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    requests = sys.stdin.buffer
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # nothing else may come between the answers
    kept: OrderedDict[Key, Judge] = OrderedDict()
    while header := requests.read(_LENGTH.size):
        # From the gateway itself, which wrote it a moment ago.
        key, rules, sql = pickle.loads(requests.read(*_LENGTH.unpack(header)))  # noqa: S301
        judge = kept[key] if rules is None else Judge(*rules, memory=0)
        _keep(kept, key, judge)
        answer = msgspec.msgpack.encode(judge.judge(sql))
        answers.write(_LENGTH.pack(len(answer)) + answer)
        answers.flush()


if __name__ == "__main__":
    main()
