#!/usr/bin/env python3
"""A cluster of three real processes, each on a host of its own, while nodes are killed, frozen and
restarted and the network between them is cut or loses packets. Clients of both kinds live on all
nodes, as SDKs do; all lists are read from all nodes all the time. Whoever lives is in every list,
whoever is dead goes, and all nodes agree soon after a fault.

usage: cluster_test.py --nacre PATH [--full] [--seed N] [--faults NAME,...] [--siege MINUTES]

`--siege` attacks all nodes for that long instead, with everything in `hostile/bounds_attacks.py` at once.

Ends with exit status 1 if anything was seen wrong, 77 if this machine gives it no network."""

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
from pathlib import Path

sys.dont_write_bytecode = True
TESTS = Path(__file__).resolve().parent.parent
sys.path += [str(TESTS / "hostile"), str(TESTS / "process")]

from clients import Beating, Connected  # noqa: E402
from grpc_wire import connect_sdk, registration  # noqa: E402
from member import PORT, Member  # noqa: E402
from network import Network, Unavailable  # noqa: E402
from watch import BEATS_GONE_S, DEAD_NODE_GONE_S, Watch  # noqa: E402

SKIPPED = 77
NODES = 3
READY_S = 20.0
UP_S = 10.0
CALM_S = 6.0
LATE_S = 0.5
LOSS = 0.2
LOG_LINES_MAX = 80
FIGURES = 20
FOUND_MAX_S = 0.5  # the median, on a busy machine; the figures are printed
# Of each node under siege: its budget, and what may come over it before the node sees it.
SIEGE_MEMORY = 224 << 20
SIEGE_OVER = 64 << 20
CHURN = {Beating: 4, Connected: 2}


class Interrupted(Exception):
    """A signal ends the test."""


class World:
    """All nodes and all clients."""

    def __init__(self, network, options):
        self.network, self.options = network, options
        self.rng = random.Random(options.seed)
        self.nodes = [Member(options.nacre, network.hosts, i) for i in range(NODES)]
        self.began = time.monotonic()
        self.by_service = collections.defaultdict(dict)
        self.clients, self.tasks = [], []
        self.count = collections.Counter()
        self.watch = Watch(self)
        self.fault = "start"
        self.calm_since = None
        self.stopping = False
        self.unknown_before = 0
        self.spread_s = 2.0
        self.latest_s = 0.0
        self.sums = []

    def stop(self):
        """Ends all tasks by themselves: what cancels a task can get lost in `wait_for`."""
        self.stopping = True
        for x in self.clients:
            x.ended = x.ended or time.monotonic()

    def go_on_only_if_wanted(self):
        if self.stopping:
            raise Interrupted

    # -- words -----------------------------------------------------------------------------------

    @staticmethod
    def clock_of(ms):
        return time.strftime("%H:%M:%S", time.localtime(ms / 1000)) + f".{int(ms) % 1000:03}"

    def say(self, text):
        now = self.clock_of(time.time() * 1000)
        print(f"{time.monotonic() - self.began:6.1f} s {now} {text}", flush=True)

    def fail(self, what, text):
        self.watch.complain(("", None, what), text, time.monotonic())

    # -- clients ---------------------------------------------------------------------------------

    def add(self, kind, count):
        for _ in range(count):
            x = kind(sum(type(y) is kind for y in self.clients), self)
            self.clients.append(x)
            self.by_service[x.service][x.ip] = x
            self.tasks.append(asyncio.create_task(x.live()))

    def living(self, kind, node=None):
        return [
            x for x in self.clients
            if type(x) is kind and x.lives() and (node is None or x.node() is node)
        ]

    def end_some(self):
        """Clients die, and their process tells nobody but by what its kernel says."""
        for kind, count in CHURN.items():
            for x in self.rng.sample(self.living(kind), count):
                self.end(x)

    @staticmethod
    def end(x, gone_by=None):
        x.gone_by = gone_by
        if isinstance(x, Connected):
            x.end()
        else:
            x.ended = time.monotonic()

    def begin_some(self):
        for kind, count in CHURN.items():
            self.add(kind, count)

    # -- nodes -----------------------------------------------------------------------------------

    async def until(self, within_s, what, probe):
        """Seconds it took; complains once if it is late."""
        began = time.monotonic()
        while not await probe():
            self.go_on_only_if_wanted()
            if time.monotonic() - began > within_s:
                self.fail("late", f"{what}: not within {within_s} s")
                return within_s
            await asyncio.sleep(0.02)
        return time.monotonic() - began

    async def start(self, node):
        node.start()
        took = await self.until(READY_S, f"{node.name} is ready", node.ready)
        self.say(f"{node.name} was ready after {took:.2f} s")

    def linked_at_start(self, node):
        begin, end = node.started, node.started + READY_S
        return all(self.network.passes(node.i, x.i, begin, end) for x in self.nodes if x != node)

    async def all_up(self):
        return all(await asyncio.gather(*(x.sees_all_up(NODES) for x in self.nodes)))

    async def heal(self, what):
        """Nothing is broken any more, and clients notice nothing; a calm time follows."""
        agreed = await self.watch.until_agreed()
        up = agreed + await self.until(UP_S, "all members are up", self.all_up)
        self.calm_since = time.monotonic()
        unknown = self.count["beats of unknown instances"] - self.unknown_before
        self.sums.append(
            f"{what}: all nodes agreed after {agreed:.2f} s, were up after {up:.2f} s; {unknown}"
            " beats were of instances that a node did not know yet"
        )
        self.say(self.sums[-1])
        await asyncio.sleep(CALM_S)

    def begin_fault(self, text):
        self.calm_since, self.fault = None, text
        self.unknown_before = self.count["beats of unknown instances"]
        self.say(f"fault: {text}")

    async def feel_own_pulse(self):
        """How late this program itself is: it shares the machine with the nodes."""
        while not self.stopping:
            began = time.monotonic()
            await asyncio.sleep(0.05)
            late_s = time.monotonic() - began - 0.05
            self.latest_s = max(self.latest_s, late_s)
            if late_s > LATE_S:
                self.say(f"this program was {late_s:.1f} s late: the machine is busy with others")


# -- faults: each begins and ends itself ---------------------------------------------------------


async def kill(world):
    """A node dies, some of its clients with it; it comes back without data."""
    node = world.rng.choice(world.nodes)
    world.begin_fault(f"kill -9 of {node.name}")
    for x in world.living(Connected, node)[: CHURN[Connected]]:
        world.end(x, gone_by=time.monotonic() + DEAD_NODE_GONE_S)
        world.say(f"{x.ip} of {x.service} dies with it")
    await node.end(signal.SIGKILL)
    world.end_some()
    await asyncio.sleep(5)
    world.begin_some()
    await asyncio.sleep(DEAD_NODE_GONE_S - 3)
    await world.start(node)
    await world.heal(f"kill -9 of {node.name}")


async def freeze(world):
    """A node stands still for 40 s; some of its clients die meanwhile, the others leave it."""
    node = world.rng.choice(world.nodes)
    world.begin_fault(f"{node.name} is frozen for 40 s")
    node.pause()
    await asyncio.sleep(5)
    for x in world.living(Connected, node)[: CHURN[Connected]]:
        world.end(x)
    world.end_some()
    world.begin_some()
    await asyncio.sleep(35)
    node.go_on()
    await world.heal(f"freezing of {node.name}")


async def cut(world, ways, seconds, what):
    world.begin_fault(f"{what}, for {seconds} s")
    for a, b in ways:
        world.network.cut(a, b)
    world.end_some()
    await asyncio.sleep(seconds / 2)
    world.begin_some()
    await asyncio.sleep(seconds / 2)
    world.network.heal()
    await world.heal(what)


def ways_of(node):
    return [x for x in Network.pairs(NODES) if node.i in x]


async def link(world):
    a, b = world.rng.sample(world.nodes, 2)
    await cut(world, [(a.i, b.i), (b.i, a.i)], 40, f"no link between {a.name} and {b.name}")


async def one_way(world):
    a, b = world.rng.sample(world.nodes, 2)
    await cut(world, [(a.i, b.i)], 40, f"no packets from {a.name} to {b.name}")


async def isolate(world):
    """Clients still reach all nodes."""
    node = world.rng.choice(world.nodes)
    seconds = 45 if world.options.full else 24
    await cut(world, ways_of(node), seconds, f"{node.name} is isolated from the others")


async def cut_off(world):
    """Nor do clients reach it."""
    node = world.rng.choice(world.nodes)
    ways = [*ways_of(node), (None, node.i)]
    await cut(world, ways, 40, f"{node.name} is cut off from everybody")


async def loss(world):
    world.begin_fault(f"{LOSS:.0%} of the packets between nodes are lost, for 60 s")
    try:
        world.network.lose(LOSS, world.rng)
    except Unavailable as error:
        world.say(f"skipped: {error}")
        world.sums.append(f"skipped: {error}")
        world.calm_since = time.monotonic()
        return
    world.end_some()
    await asyncio.sleep(30)
    world.begin_some()
    await asyncio.sleep(30)
    world.network.lose_nothing()
    world.say(f"{world.network.lost} of {world.network.passed} packets were lost")
    await world.heal("loss of packets")


async def restart(world):
    """All nodes, one after the other, as an upgrade does."""
    world.begin_fault("restart of all nodes by SIGTERM, one after the other")
    world.end_some()
    for node in world.nodes:
        status = await node.end(signal.SIGTERM)
        world.say(f"{node.name} ended with status {status}")
        if status != 0:
            world.fail("end", f"{node.name} ended with status {status}")
        await world.start(node)
        agreed = await world.watch.until_agreed()
        world.sums.append(f"restart of {node.name}: all nodes agreed after {agreed:.2f} s")
        await asyncio.sleep(3)
    world.begin_some()
    await asyncio.sleep(3)
    await world.heal("restart of all nodes")


async def siege(world):
    """Attackers on every node's host; its clients notice nothing, and it keeps to its memory."""
    seconds = int(world.options.siege * 60)
    world.begin_fault(f"siege of all nodes for {seconds} s")
    program = TESTS / "hostile" / "siege.py"
    attackers = [
        await asyncio.create_subprocess_exec(
            sys.executable, program, "--port", str(PORT), "--pid", str(node.process.pid),
            "--seconds", str(seconds), "--seed", str(world.rng.randrange(1 << 30)),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=node.host.enter,
        )
        for node in world.nodes
    ]
    peaks = [0 for _ in world.nodes]
    words = asyncio.gather(*(x.communicate() for x in attackers))
    while not words.done():
        peaks = [max(peak, x.memory_bytes()) for peak, x in zip(peaks, world.nodes)]
        await asyncio.sleep(0.1)
    for node, peak, (out, err), attacker in zip(world.nodes, peaks, await words, attackers):
        world.say(f"{node.name} held {peak >> 20} MiB at most; {out.decode().strip()}")
        world.sums.append(f"{node.name} held {peak >> 20} MiB at most under siege")
        if attacker.returncode != 0:
            world.fail("the test itself", f"attacker of {node.name}: {err.decode()[-500:]}")
        if peak > SIEGE_MEMORY + SIEGE_OVER:
            world.fail("memory", world.sums[-1])
    await world.heal("siege")


SHORT = (kill, isolate, restart)
FULL = (kill, freeze, link, one_way, isolate, cut_off, loss, restart)


# -- figures of a calm cluster -------------------------------------------------------------------


async def found_after(world, number):
    """Seconds until all nodes show an instance that one of them took."""
    node, service = world.rng.choice(world.nodes), f"found-{number}"
    began = time.monotonic()
    query = f"serviceName={service}&ip=13.0.0.{number}&port=80"
    await node.http.ask("POST", "/nacos/v1/ns/instance?" + query)
    missing = list(world.nodes)
    while missing and time.monotonic() - began < 10:
        missing = [x for x in missing if not await world.watch.read(x, service)]
    took = time.monotonic() - began
    await node.http.ask("DELETE", "/nacos/v1/ns/instance?" + query)
    return took


async def records_sent(world):
    total = 0
    for node in world.nodes:
        members = json.loads(await node.get("/nacre/admin/cluster"))["members"]
        total += sum(x["peer"]["recordsSent"] for x in members if "peer" in x)
    return total


async def sent_for_the_same(world):
    """Records that are sent for new registrations, and for those that say nothing new."""
    x = await connect_sdk(world.nodes[0].sdk_port, host=world.nodes[0].host.address)
    query = "/nacos/v1/ns/instance?serviceName=same&ip=14.0.0.1&port=80"

    async def register():
        for node in world.nodes:
            await node.http.ask("POST", query)
        await x.call("InstanceRequest", registration("same", "14.0.0.2"))

    before = await records_sent(world)
    await register()
    await asyncio.sleep(2)
    first = await records_sent(world)
    for _ in range(FIGURES):
        await register()
    await asyncio.sleep(2)
    again = await records_sent(world)
    x.close()
    await world.nodes[0].http.ask("DELETE", query)
    return first - before, again - first


async def figures(world):
    found = sorted([await found_after(world, i) for i in range(FIGURES)])
    await asyncio.sleep(2)  # till the ends of those are told
    text = f"an instance was found on all nodes after {found[FIGURES // 2] * 1000:.1f} ms in the"
    world.sums.append(f"{text} median of {FIGURES}, {found[-1] * 1000:.1f} ms at most")
    world.say(world.sums[-1])
    if found[FIGURES // 2] > FOUND_MAX_S:
        world.fail("late", world.sums[-1])
    first, again = await sent_for_the_same(world)
    world.sums.append(
        f"{first} records were sent for 2 new instances, {again} for {4 * FIGURES} registrations"
        " that change nothing"
    )
    world.say(world.sums[-1])
    if again or not first:
        world.fail("traffic", world.sums[-1])


# -- all together --------------------------------------------------------------------------------


async def play(world, faults):
    settings = [f"nacre.limits.memory-bytes={SIEGE_MEMORY}"] if world.options.siege else []
    for node in world.nodes:
        node.start(settings)
    for node in world.nodes:
        await world.until(READY_S, f"{node.name} is ready", node.ready)
    await world.until(UP_S, "all members are up", world.all_up)
    pulse = asyncio.create_task(world.feel_own_pulse())
    await figures(world)
    for kind, count in ((Beating, 300), (Connected, 100)):
        world.add(kind, count if world.options.full else count // 3)
    await asyncio.sleep(world.spread_s + 1)
    watchers = [asyncio.create_task(world.watch.watch(x)) for x in world.nodes]
    await world.heal("start")
    world.say(f"{len(world.living(Beating))} instances beat, {len(world.living(Connected))} are"
              " connected")
    for fault in faults:
        await fault(world)
    world.say("waits until all who died have to be gone")
    left = max(x.ended or 0 for x in world.clients) + BEATS_GONE_S
    left = max(left, world.calm_since + BEATS_GONE_S) - time.monotonic()
    await asyncio.sleep(max(left, 0) + 2)
    await judge_end(world)
    await asyncio.gather(*world.watch.questions)
    world.stop()
    tasks = pulse, *watchers, *world.tasks
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, BaseException):
            world.fail("the test itself", repr(outcome))


async def judge_end(world):
    """All nodes show who lives, and nobody else."""
    await world.watch.until_agreed()
    for service, clients in world.by_service.items():
        wanted = sorted(ip for ip, x in clients.items() if x.lives())
        for node in world.nodes:
            seen = await world.watch.read(node, service)
            if seen is None or sorted(seen) != wanted:
                seen = sorted(seen or [])
                world.fail("end", f"{service} at {node.name}: {seen} instead of {wanted}")


async def end_nodes(world):
    for node in world.nodes:
        if node.process and node.runs():
            status = await node.end(signal.SIGTERM)
            if status != 0:
                world.fail("end", f"{node.name} ended with status {status}")
        if bad := node.bad_log_lines():
            world.fail("log", f"{node.name} has {len(bad)} bad lines, such as {bad[:3]}")


async def run(world, faults):
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def interrupt():
        world.stop()
        task.cancel()

    def on_signal(*_):
        if not loop.is_closed():
            loop.call_soon_threadsafe(interrupt)

    # Not the loop's own handlers: after its end a second signal would end the cleaning up.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    await play(world, faults)
    await end_nodes(world)


def show_logs(world):
    """The last lines of all nodes by time, and where all of them are."""
    lines = [(x, node.name) for node in world.nodes for x in node.log_lines()]
    telling = [x for x in sorted(lines) if " connection-" not in x[0]]
    for line, name in telling[-LOG_LINES_MAX:]:
        print(f"  {name} {line}")
    folder = Path(tempfile.mkdtemp(prefix="nacre-cluster-logs-"))
    for node in world.nodes:
        shutil.copy(node.log, folder / f"node-{node.i + 1}.log")
    print(f"the logs are kept in {folder}")


def show_sums(world):
    watch = world.watch
    for text in world.sums:
        print(text)
    for text in watch.sums():
        print(f"FAILED {text}")
    print(", ".join(f"{n} {x}" for x, n in world.count.items()))
    print(
        f"{watch.reads} lists with {watch.instances_read} instances were read, the slowest in"
        f" {watch.slowest_s:.2f} s; this program was late by at most {world.latest_s:.2f} s"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--nacre", required=True, help="the node's program")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--siege", type=float, default=0, metavar="MINUTES")
    names = {x.__name__: x for x in FULL}
    parser.add_argument("--faults", help=f"some of {','.join(names)}")
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    faults = FULL if options.full else SHORT
    if options.siege:
        faults = (siege,)
    if options.faults:
        faults = [names[x] for x in options.faults.split(",")]
    try:
        network = Network(NODES)
    except Unavailable as error:
        print(f"skipped: {error}")
        return SKIPPED
    world = World(network, options)
    try:
        asyncio.run(run(world, faults))
        if world.watch.complaints:
            show_logs(world)
    except (asyncio.CancelledError, Interrupted):
        world.fail("the test itself", "it was interrupted")
    finally:
        for node in world.nodes:
            node.kill()
            node.remove()
    show_sums(world)
    print(f"seed {options.seed}, {world.watch.complaints} complaints")
    return 1 if world.watch.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
