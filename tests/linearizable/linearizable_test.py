#!/usr/bin/env python3
"""A cluster of three real processes, each on a host of its own, while nodes are killed, frozen and
restarted, lose their disk, have their wall clock stepped, and the network between them is cut.
Clients write, delete and read keys at all nodes; porcupine judges whether all that they were
answered is linearizable.

usage: linearizable_test.py --nacre PATH [--build FOLDER] [--seconds N] [--seed N] [--clients N]
                            [--keys N] [--reads linearizable|local]

With `--reads local` reads while faults happen are load only; only the last ones of all keys at all
nodes, after everything healed, are judged. Ends with exit status 1 if anything was seen wrong, 77
if this machine gives it no network or has no Go."""

import argparse
import asyncio
import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.dont_write_bytecode = True
TESTS = Path(__file__).resolve().parent.parent
sys.path += [str(TESTS / x) for x in ("cluster", "hostile", "process", "interop")]

from clock import Clock, built_library  # noqa: E402
from faults import next_fault  # noqa: E402
from history import Checker, History, with_a_stale_read, wrong_verdicts  # noqa: E402
from load import Load  # noqa: E402
from member import Member  # noqa: E402
from network import Network, Unavailable  # noqa: E402
from processes import is_sanitized  # noqa: E402

SKIPPED = 77
NODES = 3
READY_S = 20.0
AGREE_S = 10.0
LAST_READ_S = 10.0
STUCK_S = 60.0
# Without any acknowledged write while more than half of the nodes are well.
SILENCE_MAX_S = 10.0
PULSE_S = 0.02
# With local reads the last write of a key is all that is looked at: they have few.
KEYS = {"linearizable": 10, "local": 100}
SHOWN_MAX = 10


class Stuck(Exception):
    """The cluster does not heal: nothing that follows would tell more."""


class World:
    def __init__(self, network, options, library):
        self.network, self.options = network, options
        self.rng = random.Random(options.seed)
        self.nodes = [Member(options.nacre, network.hosts, i) for i in range(NODES)]
        self.clocks = {x: Clock(x, library) for x in self.nodes} if library else {}
        self.began = time.monotonic()
        self.history = History()
        self.load = Load(self)
        self.well = set()  # nodes that were ready since they started
        self.count = collections.Counter()  # of faults
        self.complaints = 0
        self.silence_s, self.silent_at = 0.0, 0.0
        self.latest_s = 0.0
        self.last_stores = []
        self.tasks = []

    # -- words -----------------------------------------------------------------------------------

    def say(self, text):
        clock = time.strftime("%H:%M:%S")
        print(f"{time.monotonic() - self.began:6.1f} s {clock} {text}", flush=True)

    def complain(self, text):
        self.complaints += 1
        if self.complaints <= SHOWN_MAX:
            self.say(f"FAILED {text}")

    async def show_stores(self):
        for node in self.nodes:
            body = await node.get("/nacre/admin/store")
            self.say(f"  {node.name}: {body.decode() or 'no answer'}")

    # -- nodes -----------------------------------------------------------------------------------

    def start(self, node):
        node.start()
        self.tasks.append(asyncio.create_task(self.watch_start(node, node.starts)))

    async def watch_start(self, node, starts):
        while node.starts == starts and not await node.ready():
            await asyncio.sleep(0.05)
        if node.starts == starts and node.process.poll() is None:
            self.well.add(node)

    async def end(self, node, number):
        self.well.discard(node)
        status = await node.end(number)
        if status != (0 if number == signal.SIGTERM else -number):
            self.complain(f"{node.name} ended with status {status}")

    async def until(self, within_s, what, probe):
        """Seconds it took; complains once if it is late, and gives up much later."""
        began, is_late = time.monotonic(), False
        while not await probe():
            took = time.monotonic() - began
            if took > within_s and not is_late:
                is_late = True
                self.complain(f"late, not within {within_s} s: {what}")
                await self.show_stores()
            if took > within_s + STUCK_S:
                raise Stuck(what)
            await asyncio.sleep(0.02)
        return time.monotonic() - began

    async def all_ready(self):
        return all(await asyncio.gather(*(x.ready() for x in self.nodes)))

    async def stores(self):
        """What each node says of its store; None for those that do not answer."""
        bodies = await asyncio.gather(*(x.get("/nacre/admin/store") for x in self.nodes))
        return [json.loads(x) if x else None for x in bodies]

    async def leader(self):
        """The node that leads, None if there is none or it does not answer."""
        found = [
            (store["term"], node.i)
            for store, node in zip(await self.stores(), self.nodes)
            if store and store.get("role") == "leader"
        ]
        return self.nodes[max(found)[1]] if found else None

    async def leading_store(self):
        """That of the leader if all follow it and all vote."""
        stores = await self.stores()
        if any(x is None or "role" not in x for x in stores):
            return None
        leading = [x for x in stores if x["role"] == "leader"]
        if len(leading) != 1 or any(x["leader"] != leading[0]["self"] for x in stores):
            return None
        voters = {x["id"] for x in leading[0]["members"] if x["votes"]}
        is_whole = voters == {x["self"] for x in stores} and len(leading[0]["members"]) == NODES
        return leading[0] if is_whole else None

    async def all_vote(self):
        return await self.leading_store() is not None

    async def all_caught_up(self):
        leading = await self.leading_store()
        stores = await self.stores()
        return leading is not None and all(x and x["seenIndex"] == leading["lastIndex"]
                                           for x in stores)

    async def heal(self):
        """No fault is there any more."""
        ready = await self.until(READY_S, "all nodes are ready", self.all_ready)
        agreed = await self.until(AGREE_S, "one leads and all vote", self.all_vote)
        self.say(f"all nodes were ready after {ready:.2f} s, had one leader {agreed:.2f} s later")

    def majority_is_well(self):
        now = time.monotonic()
        able = [x for x in self.well if x.runs()]
        return any(
            a is not b and self.network.passes(a.i, b.i, now, now) for a in able for b in able
        )

    async def feel_pulse(self):
        """How long nobody's writes are acknowledged though they could; who died by himself."""
        dead, well_since = set(), None
        began = time.monotonic()
        while not self.load.stopping:
            await asyncio.sleep(PULSE_S)
            now = time.monotonic()
            self.latest_s = max(self.latest_s, now - began - PULSE_S)
            began = now
            for node in self.nodes:
                if node.runs() and node.process.poll() is not None and node.process not in dead:
                    dead.add(node.process)
                    self.well.discard(node)
                    self.complain(f"{node.name} died with status {node.process.returncode}")
            well_since = (well_since or now) if self.majority_is_well() else None
            if well_since is not None:
                silence_s = now - max(well_since, self.load.last_acknowledged)
                if silence_s > SILENCE_MAX_S >= self.silence_s:
                    self.complain("nothing is acknowledged though a majority is well")
                    await self.show_stores()
                if silence_s > self.silence_s:
                    self.silence_s, self.silent_at = silence_s, now - self.began


# -- all together --------------------------------------------------------------------------------


async def play(world):
    for node in world.nodes:
        world.start(node)
    await world.heal()
    world.load.began = world.load.last_acknowledged = time.monotonic()
    pulse = asyncio.create_task(world.feel_pulse())
    clients = [asyncio.create_task(world.load.live(i)) for i in range(world.options.clients)]
    clients.append(asyncio.create_task(world.load.knock(len(clients))))
    end = time.monotonic() + world.options.seconds
    try:
        await asyncio.sleep(1)
        while time.monotonic() < end:
            await next_fault(world)
    finally:
        world.load.stopping = True
        await asyncio.gather(pulse, *clients)
    await world.heal()
    await world.until(AGREE_S, "all nodes show all that was agreed on", world.all_caught_up)
    await read_last(world)


async def read_last(world):
    """All keys at all nodes; nothing changes any more."""

    async def read(node, key):
        end = time.monotonic() + LAST_READ_S
        while True:
            value = await world.load.read_last(world.options.clients + 1 + node.i, node, key)
            if value is not None:
                return value
            if time.monotonic() > end:
                raise Stuck(f"{node.name} does not answer what {key} has")

    async def read_all(node, keys):
        return [await read(node, key) for key in keys]

    keys = world.history.keys()
    values = await asyncio.gather(*(read_all(x, keys) for x in world.nodes))
    for key, *of_key in zip(keys, *values):
        if len(set(of_key)) != 1:
            world.complain(f"the nodes end with different values of {key}: {of_key}")
    world.say(f"{len(keys)} keys were read at all nodes")


async def run(world):
    task = asyncio.current_task()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        await play(world)
    except Stuck as error:
        world.complain(f"given up: {error}")
    world.last_stores = await world.stores()
    for node in world.nodes:
        if node.runs():
            await world.end(node, signal.SIGTERM)
        if bad := node.bad_log_lines():
            world.complain(f"{node.name} has {len(bad)} bad lines, such as {bad[:3]}")
    for x in world.tasks:
        x.cancel()


def judge(world, checker, folder):
    found = checker.judge(world.history, folder)
    print(
        f"verdict about {found['operations']} operations of {found['keys']} keys, the slowest"
        f" took {found['slowestMs']} ms: " + ("linearizable" if is_fine(found) else "FAILED")
    )
    if found["illegal"]:
        some = ", ".join(found["illegal"][:SHOWN_MAX])
        world.complain(f"{len(found['illegal'])} keys are not linearizable, such as {some}")
    if found["undecided"]:
        world.complain(f"porcupine did not come to an end: {found['undecided']}")
    return is_fine(found)


def is_fine(found):
    return not found["illegal"] and not found["undecided"]


def judge_doctored(world, checker):
    """What was played has to be refused if only one read is another."""
    key, doctored = with_a_stale_read(world.history) or (None, None)
    if key is None:
        return world.complain("no read saw an acknowledged write")
    with tempfile.TemporaryDirectory() as folder:
        if checker.judge(doctored, folder)["illegal"] != [key]:
            return world.complain(f"a stale read of {key} that was put in was not found")
    print(f"the same with a stale read of {key} put in is refused")


def show_sums(world):
    def listed(count):
        return ", ".join(f"{n} {x}" for x, n in sorted(count.items())) or "none"

    print(f"operations: {listed(world.load.count)}")
    print(f"faults: {listed(world.count)}")
    print(
        f"no write was acknowledged for {world.silence_s:.2f} s at most, until"
        f" {world.silent_at:.1f} s, while a majority was well; this program was late by at most"
        f" {world.latest_s:.2f} s"
    )


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--nacre", required=True, help="the node's program")
    build = TESTS.parent / "build/linearizable"
    parser.add_argument("--build", type=Path, default=build, help="where porcupine is installed")
    parser.add_argument("--seconds", type=float, default=45)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--keys", type=int, help="at a time")
    parser.add_argument("--reads", choices=("linearizable", "local"), default="linearizable")
    options = parser.parse_args()
    options.keys = options.keys or KEYS[options.reads]
    return options


def installed_checker(build):
    """None if this machine has no Go."""
    checker = Checker(build.resolve())
    if checker.missing_tool():
        return None
    build.mkdir(parents=True, exist_ok=True)
    with open(build / "install.log", "wb") as log:
        checker.install(log)
    return checker


def clock_library(options, folder):
    """None if clocks can't be stepped."""
    # A sanitizer wants to be what is loaded first.
    library = None if is_sanitized(options.nacre) else built_library(folder)
    if library is None:
        print("no clock is stepped: there is no C compiler here, or the node is sanitized")
    return library


def keep(world, folder):
    for node in world.nodes:
        shutil.copy(node.log, folder / f"node-{node.i + 1}.log")
    (folder / "stores.json").write_text(json.dumps(world.last_stores, indent=1))
    print(f"the logs and the history are kept in {folder}")


def main():
    options = parse_arguments()
    print(f"seed {options.seed}", flush=True)
    # While there is a network to fetch it from.
    try:
        checker = installed_checker(options.build)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"FAILED porcupine is not installed: {error}; see {options.build / 'install.log'}")
        return 1
    if checker is None:
        print("skipped: no go here")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        if wrong := wrong_verdicts(checker, folder):
            print(f"FAILED the checker is wrong about: {', '.join(wrong)}")
            return 1
    try:
        network = Network(NODES)
    except Unavailable as error:
        print(f"skipped: {error}")
        return SKIPPED
    folder = Path(tempfile.mkdtemp(prefix="nacre-linearizable-"))
    world = World(network, options, clock_library(options, folder))
    try:
        try:
            asyncio.run(run(world))
        except asyncio.CancelledError:
            world.complain("the test was interrupted")
        except Exception:
            world.complain(f"the test itself: {traceback.format_exc()}")
        if judge(world, checker, folder) and not world.complaints:
            judge_doctored(world, checker)
        show_sums(world)
        if world.complaints:
            keep(world, folder)
        else:
            shutil.rmtree(folder)
    finally:
        for node in world.nodes:
            node.kill()
            node.remove()
    print(f"seed {options.seed}, {world.complaints} complaints")
    return 1 if world.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
