"""The gateway under cProfile: `pgcurfew serve`, except that SIGUSR1 begins to count and SIGUSR2 writes it down.

Run by bench.profile: `python -m bench.profiled SETTINGS READY_FILE PROFILE`.
"""

from __future__ import annotations

import asyncio
import cProfile
import signal
import sys
from pathlib import Path

import uvloop

from config.load import load_settings
from gateway.app import serve


async def _serve(settings: Path, ready_file: Path, profile: Path) -> None:
    counting = cProfile.Profile()

    def write() -> None:
        counting.disable()
        counting.dump_stats(profile.with_suffix(".new"))
        profile.with_suffix(".new").replace(profile)

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, counting.enable)
    loop.add_signal_handler(signal.SIGUSR2, write)
    await serve(load_settings(settings), ready_file=ready_file)


if __name__ == "__main__":
    uvloop.run(_serve(*(Path(argument) for argument in sys.argv[1:])))
