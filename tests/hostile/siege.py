#!/usr/bin/env python3
"""All attacks together, again and again, on a node that runs on this host.

usage: siege.py --port PORT --pid PID --seconds N --seed N

At the end it prints how often each attack ran, was turned away (an exception, such as a connection
that the node refuses or ends), or found something wrong. An attack alone may find what several at a
time hide, so `bounds_test.py` judges them; who lives beside the siege judges the node."""

import argparse
import asyncio
import collections
import random
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.append(str(Path(__file__).resolve().parent))

from bounds_attacks import ATTACKS, BIG, MIDDLE, fill  # noqa: E402

PAUSE_S = (0.0, 10.0)
ATTACK_MAX_S = 60
# These lists are long as long as the siege goes on, though nobody beats for them.
LASTING = (
    "metadata=preserved.heart.beat.timeout%3D86400000,preserved.ip.delete.timeout%3D86400000"
)


class Target:
    """A node that somebody else started."""

    def __init__(self, port, pid):
        self.port, self.sdk_port = port, port + 1000
        self.proc = Path("/proc", str(pid))


async def repeat(attack, target, until, rng, counts):
    while (left := until - time.monotonic()) > 0:
        await asyncio.sleep(min(rng.uniform(*PAUSE_S), left))
        try:
            trouble = await asyncio.wait_for(attack(target), ATTACK_MAX_S)
        except Exception:  # noqa: BLE001: the node may defend itself in any way
            counts[attack.__name__, "turned away"] += 1
        else:
            counts[attack.__name__, f"found: {trouble}" if trouble else "ran"] += 1


async def run(options):
    target, rng = Target(options.port, options.pid), random.Random(options.seed)
    counts = collections.Counter()
    until = time.monotonic() + options.seconds
    for service, count in (("big", BIG), ("middle", MIDDLE), ("bystander", 1)):
        await asyncio.to_thread(fill, target, service, count, LASTING)
    await asyncio.gather(*(repeat(x, target, until, rng, counts) for x in ATTACKS))
    for (name, what), count in sorted(counts.items()):
        print(f"{name} {what}: {count}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name in ("--port", "--pid", "--seconds", "--seed"):
        parser.add_argument(name, type=int, required=True)
    asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    main()
