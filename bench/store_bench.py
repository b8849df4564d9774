#!/usr/bin/env python3
"""What does the replicated store cost, and what do clients notice of it?

Starts nacre itself, alone and as three nodes on loopback, and answers by parts:

  rate      registrations of persistent instances per second, and what they cost the disk
  start     from the start of a lone node to ready, empty and after kill -9 of a full one
  snapshot  a node that comes back to a log that begins behind what it has
  gone      what the last of three nodes still does, and how it refuses what it can't
  rolling   what clients notice while three nodes are started anew one after the other

It ends by itself, with 1 at the first wrong answer.
"""

import argparse
import itertools
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "tests" / "process"))

import parts  # noqa: E402
from parts import Failure, say  # noqa: E402
from processes import PROCESSES, Node, cluster  # noqa: E402
from store_load import (  # noqa: E402
    INSTANCE, READY_REQUEST, STORE_REQUEST, Channel, Client, Loop, Pulse, closed_loop,
    ip_of, list_request, put_request, request
)

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
BEGIN_S = 20  # a group needs a leader
SYNC_BYTES = 8192


class Sizes:
    """How much of each thing; `--quick` has a little of each."""

    def __init__(self, quick):
        self.quick = quick
        self.seconds = 0.2 if quick else 2.0
        self.rounds = 1 if quick else 5
        self.connections = [4] if quick else [16, 64, 256]
        self.rate_services = 20 if quick else 1_000
        self.instances = 1_000 if quick else 100_000
        self.services = 100 if quick else 10_000
        # Long enough that the leader's log is cut.
        self.snapshot_value = "x" * 1_000 if quick else "x"
        self.snapshot_instances = 10_000 if quick else 100_000
        self.empty_starts = 1 if quick else 7
        self.full_starts = 1 if quick else 5
        self.snapshots = 1 if quick else 3
        self.still_s = 0.2 if quick else 2.0
        self.cycles = 1 if quick else 3
        self.load = ("--services 20 --instances 3 --connections 4 --rounds 1 --seconds 0.2 "
                     "--warmup-seconds 0.05 --settle-ms 600" if quick else
                     "--services 1000 --instances 10 --connections 64 --rounds 3 --seconds 1.5 "
                     "--warmup-seconds 0.5").split()
        self.refusals = 1 if quick else 3
        self.rolls = 1 if quick else 3


def ms(seconds):
    return f"{seconds * 1e3:.1f}"


def median_of(values, form="{:.0f}"):
    """The median, and the lowest and highest of several."""
    text = form.format(statistics.median(values))
    low, high = form.format(min(values)), form.format(max(values))
    return text, f"{low}..{high}"


# -- nodes ---------------------------------------------------------------------------------------


class Bench:
    """What all parts share: where nodes run, with what, and what has to be cleaned up."""

    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.sizes = Sizes(args.quick)
        self.homes = itertools.count(1)
        self.cores = os.sched_getaffinity(0)

    def new_home(self):
        home = self.folder / str(next(self.homes))
        home.mkdir()
        return home

    def lone(self):
        home = self.new_home()
        with open(home / "log", "wb") as log:
            log = os.dup(log.fileno())
        node = Node(self.args.nacre, home, log)
        node.options = ["--server-ip", "127.0.0.1"]
        return node

    def three(self):
        home = self.new_home()
        logs = [os.open(home / f"log-{i}", os.O_CREAT | os.O_WRONLY) for i in (1, 2, 3)]
        return cluster(self.args.nacre, home, logs)

    def launch(self, node, same_data=False, core=None):
        """A node has the cores that this program has when it begins.
        @returns when it was started"""
        mine = os.sched_getaffinity(0)
        core = self.args.node_core if core is None else core
        os.sched_setaffinity(0, self.cores if core is None else {core})
        try:
            began = time.perf_counter()
            node.launch(same_data, ["nacre.http.address=127.0.0.1"])
        finally:
            os.sched_setaffinity(0, mine)
        return began

    def remove(self, *nodes):
        for node in nodes:
            if node.process and node.process.poll() is None:
                node.kill()
            shutil.rmtree(node.folder, ignore_errors=True)


def await_ready(node, began):
    """Asks every millisecond. @returns the seconds since then"""
    while True:
        if node.process.poll() is not None:
            raise Failure(f"the node ended with status {node.process.returncode}")
        try:
            if node.is_ready():
                return time.perf_counter() - began
        except OSError:
            pass
        if time.perf_counter() - began > BEGIN_S:
            raise Failure(f"not ready within {BEGIN_S} s")
        time.sleep(0.001)


def store_of(node):
    return node.get("/nacre/admin/store")


def begin_cluster(bench, nodes, cores=(None, None, None)):
    """Returns when there is a leader, and all show what was agreed on: the leader first."""
    starts = [bench.launch(node, core=core) for node, core in zip(nodes, cores)]
    for node, began in zip(nodes, starts):
        await_ready(node, began)
    return await_agreement(nodes)


def await_agreement(nodes, within_s=BEGIN_S):
    """Waits until all see what the leader committed. @returns the nodes, the leader first"""
    end = time.perf_counter() + within_s
    while True:
        stores = [store_of(node) for node in nodes]
        leaders = [i for i, x in enumerate(stores) if x.get("role") == "leader"]
        voters = sum(x["votes"] for x in stores[leaders[0]]["members"]) if leaders else 0
        if len(leaders) == 1 and voters == len(nodes):
            commit = stores[leaders[0]]["commitIndex"]
            if all(x.get("seenIndex") == commit and x["appliedIndex"] == commit for x in stores):
                first = nodes[leaders[0]]
                return [first, *(node for node in nodes if node is not first)]
        if time.perf_counter() > end:
            raise Failure(f"no agreement within {within_s} s: {json.dumps(stores)}")
        time.sleep(0.02)


def cpu_seconds(pid):
    text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    return sum(map(int, text.rsplit(")", 1)[1].split()[11:13])) / CLOCK_TICKS


def written_bytes(pid):
    text = pathlib.Path(f"/proc/{pid}/io").read_text(encoding="ascii")
    return int(re.search(r"^write_bytes: (\d+)", text, re.M)[1])


def fill(node_or_nodes, instances, services, value, connections=64):
    """Registers all instances with this value. @returns the seconds"""
    nodes = node_or_nodes if isinstance(node_or_nodes, list) else [node_or_nodes]
    requests = [put_request(f"s{i % services}", i, value) for i in range(instances)]
    took, seconds = closed_loop([x.port for x in nodes], connections, iter(requests))
    if len(took) != instances:
        raise Failure(f"{len(took)} answers to {instances} registrations")
    return seconds


def check_shown(node, instances, services, value):
    """All lists hold what was registered last."""
    mark = f'"metadata":{{"v":"{value}"}}'.encode()
    seen = 0

    def check(status, body):
        nonlocal seen
        if status != 200:
            raise Failure(f"wrong answer to a query: {status} {body[:300]!r}")
        seen += body.count(mark)

    requests = [list_request(f"s{i}") for i in range(services)]
    closed_loop([node.port], 16, iter(requests), check)
    if seen != instances:
        raise Failure(f"{seen} instances, not {instances}, as they were registered last")


# -- registrations per second --------------------------------------------------------------------


def measure_disk(bench):
    """What one wait for the disk costs, as no write is acknowledged before one."""
    took = []
    with tempfile.TemporaryFile(dir=bench.folder) as file:
        end = time.perf_counter() + bench.sizes.seconds
        while time.perf_counter() < end:
            began = time.perf_counter()
            os.pwrite(file.fileno(), b"x" * SYNC_BYTES, len(took) % 100 * SYNC_BYTES)
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    took.sort()
    middle, late = took[len(took) // 2], took[len(took) * 99 // 100]
    say("disk", bytes=SYNC_BYTES, syncs_per_second=f"{len(took) / sum(took):.0f}",
        p50_ms=f"{middle * 1e3:.2f}", p99_ms=f"{late * 1e3:.2f}")


class Rate:
    """The rounds of one way to load."""

    def __init__(self, ports, connections):
        self.ports, self.connections = ports, connections
        self.took, self.per_second, self.generator, self.servers, self.cpu_us = [], [], [], [], []
        self.bytes, self.per_round = [], []

    def run(self, nodes, requests, seconds):
        closed_loop(self.ports, self.connections, requests, seconds=min(0.3, seconds))
        pids = [node.process.pid for node in nodes]
        rounds = store_of(nodes[0])["disk"]["rounds"]
        cpu = sum(map(cpu_seconds, pids))
        written = sum(map(written_bytes, pids))
        mine = time.process_time()
        took, lasted = closed_loop(self.ports, self.connections, requests, seconds=seconds)
        self.generator.append((time.process_time() - mine) / lasted)
        used = sum(map(cpu_seconds, pids)) - cpu
        count = len(took)
        self.servers.append(used / lasted)
        self.cpu_us.append(used / count * 1e6)
        self.bytes.append((sum(map(written_bytes, pids)) - written) / count / len(nodes))
        self.per_round.append(count / max(store_of(nodes[0])["disk"]["rounds"] - rounds, 1))
        self.per_second.append(count / lasted)
        self.took += took

    def say(self, **where):
        per_second, spread = median_of(self.per_second)
        took = sorted(self.took)
        say("rate", **where, connections=self.connections, per_second=per_second, range=spread,
            p50_us=took[len(took) // 2] // 1000, p99_us=took[len(took) * 99 // 100] // 1000,
            generator=f"{statistics.median(self.generator):.0%}",
            servers=f"{statistics.median(self.servers):.0%}",
            cpu_us=f"{statistics.median(self.cpu_us):.0f}",
            writes_per_disk_round=f"{statistics.median(self.per_round):.1f}",
            written_bytes_per_node=f"{statistics.median(self.bytes):.0f}")


def rate_of(bench, nodes, ways):
    """`nodes` has the leader first. Each instance is changed by each request."""
    sizes = bench.sizes
    services = sizes.rate_services
    instances = services * 10
    fill(nodes[0], instances, services, "first", 16)
    requests = itertools.cycle([put_request(f"s{i % services}", i, value)
                                for value in ("one", "other") for i in range(instances)])
    rates = [(at, Rate(ports, connections))
             for at, ports in ways for connections in sizes.connections]
    for _ in range(sizes.rounds):
        for _, rate in rates:
            rate.run(nodes, requests, sizes.seconds)
    for at, rate in rates:
        rate.say(nodes=len(nodes), at=at)
    fill(nodes[-1], instances, services, "last", 16)
    await_agreement(nodes)
    for node in nodes:
        check_shown(node, instances, services, "last")


def part_rate(bench):
    measure_disk(bench)
    node = bench.lone()
    await_ready(node, bench.launch(node))
    rate_of(bench, [node], [("one", [node.port])])
    node.stop()
    bench.remove(node)
    nodes = begin_cluster(bench, bench.three())
    ports = [node.port for node in nodes]
    rate_of(bench, nodes, [("all", ports), ("leader", ports[:1]), ("follower", ports[1:2])])
    for node in nodes:
        node.stop()
    bench.remove(*nodes)


# -- starts --------------------------------------------------------------------------------------


def part_start(bench):
    sizes = bench.sizes
    took = []
    for _ in range(sizes.empty_starts):
        node = bench.lone()
        took.append(await_ready(node, bench.launch(node)))
        node.kill()
        bench.remove(node)
    middle, spread = median_of([x * 1e3 for x in took], "{:.1f}")
    say("start", instances=0, starts=len(took), ready_ms=middle, range_ms=spread)
    node = bench.lone()
    await_ready(node, bench.launch(node))
    fill(node, sizes.instances, sizes.services, "x")
    took, seen = [], []
    for _ in range(sizes.full_starts):
        node.kill()
        began = bench.launch(node, same_data=True)
        took.append(await_ready(node, began))
        while True:
            store = store_of(node)
            if store["seenIndex"] == store["commitIndex"] and store["seenIndex"] > 0:
                break
            time.sleep(0.001)
        seen.append(time.perf_counter() - began)
        if store["holds"]["instances"] != sizes.instances:
            raise Failure(f"{store['holds']} after kill -9, not {sizes.instances} instances")
    check_shown(node, sizes.instances, sizes.services, "x")
    middle, spread = median_of([x * 1e3 for x in took], "{:.1f}")
    seen_ms, _ = median_of([x * 1e3 for x in seen], "{:.1f}")
    files = (node.folder / f"node-data-{node.starts}").glob("store*")
    say("start", instances=sizes.instances, starts=len(took), ready_ms=middle, range_ms=spread,
        seen_ms=seen_ms, state_bytes=store["lastStateBytes"], log_bytes=store["logBytes"],
        file_bytes=sum(path.stat().st_size for path in files))
    node.stop()
    bench.remove(node)


# -- a state in place of a log -------------------------------------------------------------------


def living(number):
    """What clients of one living instance ask."""
    where = f"serviceName=living-{number}&ip={ip_of(number)}&port=81"
    return {
        "beat": request("PUT", f"{INSTANCE}/beat?{where}"),
        "register": request("POST", f"{INSTANCE}?{where}"),
        "query": list_request(f"living-{number}"),
    }


def check_living(name, status, body):
    good = {"beat": b'"clientBeatInterval":', "register": b"ok", "query": b'"hosts":['}
    if status != 200 or good[name] not in body:
        raise Failure(f"wrong answer to a {name}: {status} {body[:300]!r}")


class Catching:
    """Watches a node that comes back until it shows what the leader committed."""

    def __init__(self, loop, leader, follower):
        self.loop, self.leader, self.follower = loop, leader, follower
        self.channels = {x: Channel(loop, x.port) for x in (leader, follower)}
        self.stores = {}
        self.ready_at = self.caught_at = None
        self.got_state = False

    def begin(self):
        self.channels[self.follower].ask(READY_REQUEST, self.on_ready, 1)

    def on_ready(self, status, _):
        if status == 200:
            self.ready_at = time.perf_counter()
            self.ask_store()
        else:
            self.loop.after(0.002, self.begin)

    def ask_store(self):
        self.stores = {}
        for node, channel in self.channels.items():
            channel.ask(STORE_REQUEST, lambda status, body, node=node: self.on_store(node, body))

    def on_store(self, node, body):
        self.stores[node] = json.loads(body) if body else {}
        if len(self.stores) < 2:
            return
        leader, follower = self.stores[self.leader], self.stores[self.follower]
        self.got_state |= any(x.get("getsState") for x in leader.get("members", ()))
        commit = leader.get("commitIndex", 0)
        if commit > 0 and follower.get("seenIndex") == follower.get("appliedIndex") == commit:
            self.caught_at = time.perf_counter()
        else:
            self.loop.after(0.01, self.ask_store)


def slowest(pulses):
    return max(max(pulse.slowest.values()) for pulse in pulses)


def part_snapshot(bench):
    """A state and no log has to reach the follower, as what it lacks is in no log any more."""
    sizes = bench.sizes
    nodes = begin_cluster(bench, bench.three())
    fill(nodes[0], 10, 10, "early", 1)
    seconds, ready, stalls, stalls_of, late, still = [], [], [], {}, [], []
    for turn in range(sizes.snapshots):
        leader, other, follower = await_agreement(nodes)
        had = store_of(follower)["lastIndex"]
        follower.kill()
        value = f"{sizes.snapshot_value}{turn}"
        fill([leader, other], sizes.snapshot_instances, sizes.services, value)
        await_cut(leader, had)
        loop = Loop()
        pulses = {x: Pulse(loop, x.port, living(i), 0.002, check_living)
                  for i, x in enumerate((leader, other))}
        for pulse in pulses.values():
            pulse.begin()
        loop.run_for(sizes.still_s)
        still.append(slowest(pulses.values()))
        for pulse in pulses.values():
            pulse.reset()
        loop.late = 0.0
        began = bench.launch(follower, same_data=True)
        loop.late = 0.0  # a process that starts one is late itself
        catching = Catching(loop, leader, follower)
        catching.begin()
        loop.run(lambda: catching.ready_at)
        pulses[follower] = Pulse(loop, follower.port, living(2), 0.002, check_living)
        pulses[follower].begin()
        loop.run(lambda: catching.caught_at)
        loop.run_for(0.2)
        for pulse in pulses.values():
            pulse.stop()
        seconds.append(catching.caught_at - began)
        ready.append(catching.ready_at - began)
        stalls.append(slowest(pulses.values()))
        late.append(loop.late)
        roles = zip(("leader", "other", "follower"), (leader, other, follower))
        for role, node in roles:
            for name, took in pulses[node].slowest.items():
                stalls_of.setdefault(f"{role}_{name}", []).append(took)
        now = store_of(follower)
        if now["firstIndex"] <= had + 1:
            raise Failure("the follower got a log, and no state")
        check_shown(follower, sizes.snapshot_instances, sizes.services, value)
    middle, spread = median_of(seconds, "{:.2f}")
    say("snapshot", instances=sizes.snapshot_instances, times=len(seconds), caught_up_s=middle,
        range_s=spread, ready_s=f"{statistics.median(ready):.2f}",
        state_bytes=store_of(nodes[0])["lastStateBytes"])
    middle, spread = median_of([x * 1e3 for x in stalls], "{:.1f}")
    say("snapshot-stalls", slowest_ms=middle, range_ms=spread,
        before_ms=ms(statistics.median(still)), generator_late_ms=ms(statistics.median(late)))
    say("snapshot-stalls", **{f"{name}_ms": ms(statistics.median(took))
                              for name, took in stalls_of.items()})
    for node in nodes:
        node.stop()
    bench.remove(*nodes)


def await_cut(leader, had):
    """Until the leader's log begins behind what the follower has, and it stores nothing more."""
    end = time.perf_counter() + BEGIN_S
    stored = None
    while True:
        now = store_of(leader)
        if now["firstIndex"] > had + 1 and now["storedStates"] == stored:
            return
        stored = now["storedStates"]
        if time.perf_counter() > end:
            raise Failure(f"the log of the leader was not cut: {json.dumps(now)}")
        time.sleep(0.5)


# -- two of three gone ---------------------------------------------------------------------------


def load_of(bench, node):
    """@returns by case the rate, the node's share of its core, and its processor time for one
    answer"""
    command = [bench.args.load_bench, "--target", f"node=127.0.0.1:{node.port}", "--pid",
               f"node={node.process.pid}", "--cases", "register,beat,query", *bench.sizes.load]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if done.returncode:
        raise Failure(f"http_load_bench: {done.stdout}{done.stderr}")
    pattern = r"case=(\S+) target=node per_second=(\d+).* server=(\d+)% cpu_us=([\d.]+)"
    found = {case: tuple(map(float, values))
             for case, *values in re.findall(pattern, done.stdout)}
    if len(found) != 3:
        raise Failure(f"what http_load_bench printed is not understood: {done.stdout}")
    return found


def timed_write(node, number):
    """@returns status and seconds"""
    began = time.perf_counter()
    status, _ = node.request("POST", INSTANCE, serviceName="gone", ip="10.9.9.9", port=80,
                             ephemeral="false", metadata=f"v={number}")
    return status, time.perf_counter() - began


def part_gone(bench):
    sizes = bench.sizes
    # The node that stays has a core of its own, so that the end of the others gives it no time.
    own, others = (min(bench.cores), max(bench.cores))
    nodes = bench.three()
    begin_cluster(bench, nodes, (own, others, others))
    numbers = itertools.count()
    stays, gone = nodes[0], nodes[1:]
    ratios, cpu_ratios, shares, refusals = {}, {}, {}, []
    acknowledged, healed, ready = [], [], []
    if not sizes.quick:
        load_of(bench, stays)  # what it registers is there from now on
    for _ in range(sizes.cycles):
        await_agreement(nodes)
        before = load_of(bench, stays)
        for node in gone:
            node.kill()
        for _ in range(sizes.refusals):
            status, took = timed_write(stays, next(numbers))
            if status != 503:
                raise Failure(f"a write that two of three do not know: {status}")
            refusals.append(took)
        after = load_of(bench, stays)
        for case, (rate, share, cpu) in before.items():
            ratios.setdefault(case, []).append(after[case][0] / rate)
            cpu_ratios.setdefault(case, []).append(after[case][2] / cpu if cpu else 0)
            shares.setdefault(case, []).append((share, after[case][1]))
        began = time.perf_counter()
        for node in gone:
            bench.launch(node, same_data=True, core=others)
        while timed_write(stays, next(numbers))[0] != 200:
            if time.perf_counter() - began > BEGIN_S:
                raise Failure(f"no write within {BEGIN_S} s after the nodes came back")
        acknowledged.append(time.perf_counter() - began)
        for node in gone:
            await_ready(node, began)
        ready.append(time.perf_counter() - began)
        await_agreement(nodes)
        healed.append(time.perf_counter() - began)
    for case, values in ratios.items():
        middle, spread = median_of(values, "{:.2f}")
        say("gone", case=case, per_second_before=f"{before[case][0]:.0f}",
            per_second_after=f"{after[case][0]:.0f}", after_by_before=middle, range=spread,
            server_before=f"{statistics.median(x for x, _ in shares[case]):.0f}%",
            server_after=f"{statistics.median(x for _, x in shares[case]):.0f}%",
            cpu_us_by_before=f"{statistics.median(cpu_ratios[case]):.2f}")
    middle, spread = median_of(refusals, "{:.2f}")
    say("gone", refused_s=middle, range_s=spread, refusals=len(refusals))
    say("gone", acknowledged_again_s=median_of(acknowledged, "{:.2f}")[0],
        all_ready_s=median_of(ready, "{:.2f}")[0], all_healed_s=median_of(healed, "{:.2f}")[0],
        range_s=median_of(healed, "{:.2f}")[1])
    for node in nodes:
        node.stop()
    bench.remove(*nodes)


# -- one after the other -------------------------------------------------------------------------

KEPT = 100


class Rolling:
    """Stops and starts the nodes in turn, in a thread beside the clients."""

    def __init__(self, bench, nodes):
        self.bench, self.nodes = bench, nodes
        self.events, self.error = [], None
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        try:
            for number, node in enumerate(self.nodes, 1):
                role = store_of(node)["role"]
                began = time.perf_counter()
                node.stop()
                stopped = time.perf_counter()
                started = self.bench.launch(node, same_data=True)
                await_ready(node, started)
                self.events.append((number, role, began, stopped, time.perf_counter()))
        except (Failure, Failed, OSError) as error:
            self.error = error


def longest_gap(times, begin, end):
    """@returns the seconds and when it began"""
    times = sorted([begin, *(x for x in times if begin <= x <= end), end])
    return max(((b - a, a) for a, b in itertools.pairwise(times)), default=(0, begin))


def part_rolling(bench):
    nodes = bench.three()
    begin_cluster(bench, nodes)
    ports = [node.port for node in nodes]
    requests = [put_request("kept", i, "x") for i in range(KEPT)]
    closed_loop(ports, 8, iter(requests))
    await_agreement(nodes)
    figures = {name: [] for name in ("gap", "write", "read", "failed", "wrong", "tries")}
    lasts = {}
    for turn in range(bench.sizes.rolls):
        roll(bench, nodes, ports, figures, lasts, turn)
    gap, spread = median_of([x * 1e3 for x in figures["gap"]], "{:.0f}")
    say("rolling", times=bench.sizes.rolls, longest_without_write_ms=gap, range_ms=spread,
        slowest_write_ms=f"{max(figures['write']) * 1e3:.0f}",
        slowest_read_ms=f"{max(figures['read']) * 1e3:.0f}",
        failed_reads=sum(figures["failed"]), wrong_reads=sum(figures["wrong"]),
        read_tries_elsewhere=sum(figures["tries"]))
    leader = await_agreement(nodes)[0]
    for node in nodes:
        hosts = {x["ip"]: x for x in node.get(f"{INSTANCE}/list", serviceName="rolled")["hosts"]}
        for ip, last in lasts.items():
            shown = int(hosts[ip]["metadata"]["v"]) if ip in hosts else -1
            if shown < last:
                raise Failure(f"{ip} at {node.address}: {last} was acknowledged, {shown} is shown; "
                              f"the leader is {leader.address}")
    for node in nodes:
        node.stop()
    bench.remove(*nodes)


def roll(bench, nodes, ports, figures, lasts, turn):
    loop = Loop()

    def check_kept(body):
        hosts = body.count(b'"ip":"')
        return None if hosts == KEPT else f"{hosts} hosts, not {KEPT}"

    def writer(i):
        numbers = itertools.count(turn * 10**9)
        number = None

        def next_request():
            nonlocal number
            number = next(numbers)
            return put_request("rolled", i, number)

        def check(body):
            if body == b"ok":
                lasts[ip_of(i)] = number
                return None
            return f"{body[:300]!r}"

        return Client(loop, ports, i, next_request, check, 0.005)

    writers = [writer(i) for i in range(8)]
    what = list_request("kept")
    readers = [Client(loop, ports, i, lambda: what, check_kept, 0.005) for i in range(8)]
    for client in (*writers, *readers):
        client.begin()
    loop.run_for(bench.sizes.still_s)
    rolling = Rolling(bench, nodes)
    began = time.perf_counter()
    rolling.thread.start()
    loop.run(lambda: not rolling.thread.is_alive(), 60)
    loop.run_for(0.5)
    end = time.perf_counter()
    for client in (*writers, *readers):
        client.stopped = True
    loop.run(lambda: all(x.idle for x in (*writers, *readers)))
    if rolling.error:
        raise Failure(f"a node in turn: {rolling.error}")
    acknowledged = [x for client in writers for x, _ in client.done]
    gap, gap_at = longest_gap(acknowledged, began, end)
    figures["gap"].append(gap)
    figures["write"].append(max(took for x in writers for _, took in x.done))
    figures["read"].append(max(took for x in readers for _, took in x.done))
    # An SDK gives up after 3 s.
    figures["failed"].append(sum(took > 3 for x in readers for _, took in x.done))
    wrong = [x for client in readers for x in client.wrong]
    figures["wrong"].append(len(wrong))
    figures["tries"].append(sum(sum(x.tries_failed.values()) for x in readers))
    for x in (complaint for client in writers for complaint in client.wrong):
        raise Failure(f"wrong answer to a write: {x}")
    for number, role, stop, stopped, ready in rolling.events:
        inside, _ = longest_gap(acknowledged, stop, ready)
        say("rolling-step", turn=turn, node=number, role=role,
            stop_ms=f"{(stopped - stop) * 1e3:.0f}", ready_ms=f"{(ready - stopped) * 1e3:.0f}",
            longest_without_write_ms=f"{inside * 1e3:.0f}",
            slowest_write_ms=slowest_ms(writers, stop, ready),
            slowest_read_ms=slowest_ms(readers, stop, ready))
    statuses = {}
    for client in writers:
        for status, count in client.tries_failed.items():
            statuses[status] = statuses.get(status, 0) + count
    say("rolling-turn", turn=turn, seconds=f"{rolling.events[-1][4] - began:.2f}",
        longest_without_write_ms=f"{gap * 1e3:.0f}", after_ms=f"{(gap_at - began) * 1e3:.0f}",
        writes=len(acknowledged), reads=sum(len(x.done) for x in readers),
        write_tries_elsewhere=json.dumps(statuses, separators=(",", ":")))
    for when, port, complaint in wrong[:5]:
        say("rolling-wrong-read", turn=turn, after_ms=f"{(when - began) * 1e3:.0f}",
            node=ports.index(port) + 1, what=repr(complaint))


def slowest_ms(clients, begin, end):
    """Of the answers in this time."""
    took = [x for client in clients for at, x in client.done if begin <= at <= end + 0.5]
    return f"{max(took, default=0) * 1e3:.0f}"


# -- the program ---------------------------------------------------------------------------------

PARTS = {
    "rate": part_rate,
    "start": part_start,
    "snapshot": part_snapshot,
    "gone": part_gone,
    "rolling": part_rolling,
}


def executable(text):
    """The path of that program."""
    if not os.access(text, os.X_OK) or not os.path.isfile(text):
        raise argparse.ArgumentTypeError(f"no program: {text}")
    return os.path.abspath(text)


def core_number(text):
    if not text.isdigit() or int(text) not in os.sched_getaffinity(0):
        raise argparse.ArgumentTypeError(f"no core of this process: {text}")
    return int(text)


def parse_arguments():
    release = HERE.parent / "build" / "release"
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nacre", type=executable, metavar="PATH",
                        help="the node (default that of build/release)")
    parser.add_argument("--load-bench", type=executable, metavar="PATH",
                        help="http_load_bench, for gone (default that of build/release)")
    parser.add_argument("--parts", type=parts.list_of(PARTS), default=list(PARTS), metavar="LIST",
                        help=f"of {','.join(PARTS)} (default all)")
    parser.add_argument("--folder", type=pathlib.Path, metavar="PATH",
                        help="where nodes have their data (default the system's for what is "
                             "temporary); in memory it tells what the disk costs")
    parser.add_argument("--generator-core", type=core_number, metavar="N",
                        help="this program and no other client runs there (default the last one)")
    parser.add_argument("--node-core", type=core_number, metavar="N",
                        help="all nodes run there (default on all cores; gone has its own way)")
    parser.add_argument("--quick", action="store_true", help="a little of each, to see it work")
    parser.add_argument("--keep", action="store_true", help="keep the data and logs of the nodes")
    args = parser.parse_args()
    if args.generator_core is None:
        args.generator_core = max(os.sched_getaffinity(0))
    try:
        args.nacre = args.nacre or executable(release / "nacre")
        if "gone" in args.parts and not args.load_bench:
            args.load_bench = executable(release / "bench" / "http_load_bench")
    except argparse.ArgumentTypeError as error:
        parser.error(str(error))
    if args.folder and not args.folder.is_dir():
        parser.error(f"no folder: {args.folder}")
    return args


def bench_of(args, folder):
    bench = Bench(args, folder)
    say("run", generator_core=args.generator_core, cores=len(bench.cores),
        node_core="all" if args.node_core is None else args.node_core)
    return bench


def main():
    args = parse_arguments()
    parts.run("store_bench", args, PARTS, lambda folder: bench_of(args, folder))


if __name__ == "__main__":
    main()
