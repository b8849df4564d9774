"""The wall clock of one node, which is stepped while the node runs; steady clocks are not."""

import json
import shutil
import struct
import subprocess
import time
from datetime import datetime
from pathlib import Path

from member import FAILURES

SOURCE = Path(__file__).resolve().parent / "stepped_clock.c"
ROUNDED_S = 0.01  # what is shown


def built_library(folder):
    """What is preloaded into nodes; None if this machine has no C compiler."""
    if not shutil.which("cc"):
        return None
    library = folder / "stepped_clock.so"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, SOURCE], check=True)
    return library


class Clock:
    def __init__(self, node, library):
        self.node, self.path = node, node.folder / "clock"
        self.path.touch()
        self.step_to(0.0)
        node.environment = {"LD_PRELOAD": str(library), "STEPPED_CLOCK": str(self.path)}

    def step_to(self, ahead_s):
        """So far ahead of the clock of this machine, or behind it."""
        self.ahead_s = ahead_s
        with open(self.path, "r+b", buffering=0) as file:  # in place: the node has it mapped
            file.write(struct.pack("=q", round(ahead_s * 1e9)))

    async def is_shown(self):
        """Whether the node answers, and with the time of this clock: errors have the time."""
        began = time.time()
        try:
            _, body = await self.node.http.ask("GET", "/nacos/nothing-is-here")
        except FAILURES:
            return False
        shown = datetime.fromisoformat(json.loads(body)["timestamp"]).timestamp() - self.ahead_s
        return began - ROUNDED_S <= shown <= time.time() + ROUNDED_S
