#!/usr/bin/env python3
"""What does a node do that holds a million instances?

Starts nacre itself and answers by parts, with the program scale_bench as the load:

  http     a million instances that beat: registrations at the begin and at the end, what a core
           carries, what a query waits at half of that and while 100,000 expire at once; what pages
           of operators cost
  grpc     the same over 10,000 connections, of which 1,000 are closed at once
  restart  three nodes with 500,000 instances: one is killed and comes back

It ends by itself, with 1 at the first wrong answer.
"""

import argparse
import http.client
import itertools
import os
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "tests" / "process"))

import parts  # noqa: E402
from parts import Failure, say  # noqa: E402
from processes import PORTS, PROCESSES, Node, cluster  # noqa: E402

PATIENCE_S = 120

# What operators look at, and what tools that watch a node ask all the time.
PAGES = [
    "/nacos/v1/ns/operator/metrics?onlyStatus=false",
    "/nacos/v1/ns/service/list?pageNo=9999&pageSize=10",
    "/nacos/v1/ns/service/names?namespaceId=public",
    "/nacos/v1/ns/catalog/services?pageNo=1&pageSize=10",
    "/nacos/v1/ns/catalog/services?pageNo=1&pageSize=10&hasIpCount=true",
    "/nacos/v1/ns/service/subscribers?serviceName=scale-000001&pageNo=1&pageSize=10",
    "/nacos/v2/ns/client/list",
    "/nacos/v2/ns/client/publish/list?clientId=127.100.100.100%3A8080%23true",
    "/nacos/v3/admin/ns/service/list?pageNo=1&pageSize=10",
    "/nacos/v3/admin/ns/service/list?pageNo=1&pageSize=10000&withInstances=true",
    "/nacos/v2/core/loader/current",
    "/nacre/admin/limits",
    "/nacre/admin/actors",
    "/nacre/admin/actors?kind=service&key=scale-099999",
    "/nacre/admin/health",
    "/nacre/admin/store",
]


class Sizes:
    """How much of each thing; `--quick` has a little of each."""

    def __init__(self, quick):
        self.services = 100 if quick else 100_000
        self.instances = 3 if quick else 10
        self.grpc_connections = 10 if quick else 10_000
        self.stopped = 60 if quick else 100_000
        self.cluster_services = 100 if quick else 50_000
        self.seconds = 0.3 if quick else 10
        self.down_s = 0.5 if quick else 2


class Bench:
    """What all parts share: where nodes run, with what, and what has to be cleaned up."""

    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.sizes = Sizes(args.quick)
        self.homes = itertools.count(1)
        self.cores = os.sched_getaffinity(0)

    def new_home(self, logs=1):
        home = self.folder / str(next(self.homes))
        home.mkdir()
        return home, [os.open(home / f"log-{i}", os.O_CREAT | os.O_WRONLY) for i in range(logs)]

    def lone(self):
        home, logs = self.new_home()
        node = Node(self.args.nacre, home, logs[0])
        node.options = ["--server-ip", "127.0.0.1"]
        self.launch(node, {self.args.node_core})
        await_true(node.is_ready, "the node is ready")
        return node

    def launch(self, node, cores, same_data=False):
        mine = os.sched_getaffinity(0)
        os.sched_setaffinity(0, cores)
        try:
            node.launch(same_data, ["nacre.http.address=127.0.0.1"])
        finally:
            os.sched_setaffinity(0, mine)
        return time.perf_counter()

    def load(self, node, parts, *more, services=None):
        """The load generator, on the core of this program."""
        return PROCESSES.start([
            self.args.bench, "--target", node.address, "--pid", str(node.process.pid), "--parts",
            parts, "--services", str(services or self.sizes.services), "--instances",
            str(self.sizes.instances), "--stopped", str(self.sizes.stopped), "--seconds",
            str(self.sizes.seconds), *more])

    def run(self, node, parts, *more, **sizes):
        finish(self.load(node, parts, *more, **sizes))


def finish(process, within_s=900):
    if status := PROCESSES.wait(process, within_s):
        raise Failure(f"the load ended with status {status}")


def await_true(probe, what, began=None):
    """@returns the seconds since `began`"""
    began = began or time.perf_counter()
    while True:
        try:
            if probe():
                return time.perf_counter() - began
        except OSError:
            pass
        if time.perf_counter() - began > PATIENCE_S:
            raise Failure(f"not within {PATIENCE_S} s: {what}")
        time.sleep(0.005)


def instances_of(node):
    return node.get("/nacos/v1/ns/operator/metrics", onlyStatus="false").get("instanceCount", -1)


class Held:
    """What held a thread of the node, as it says itself. It times each request and message by the
    wall clock, to a few milliseconds: on a busy machine also those that lost their core."""

    def __init__(self, node):
        self.node = node
        self.last = self.now()

    def now(self):
        return self.node.get("/nacre/admin/limits")

    def tell(self, during):
        before, self.last = self.last, self.now()
        seen = {(x["at"], x["by"]) for x in before["threadsHeldLately"]}
        new = [x for x in self.last["threadsHeldLately"] if (x["at"], x["by"]) not in seen]
        longest = max(new, key=lambda x: x["ms"], default={"ms": 0, "by": "nothing"})
        say("held", during=during, times=self.last["threadsHeld"] - before["threadsHeld"],
            longest_ms=longest["ms"], by=repr(longest["by"]))


def get(node, target):
    """@returns status and bytes"""
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=30)
    try:
        connection.request("GET", target)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def thread_seconds(pid):
    """Processor time of each thread."""
    seconds = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            used = int((task / "schedstat").read_text().split()[0])
            seconds[task.name] = used / 1e9
        except OSError:
            pass  # it has ended
    return seconds


def measure_pages(bench, node):
    """Each page once, with what it took of the thread that it took most of. Meanwhile a client
    queries every millisecond."""
    observer = bench.load(node, "observe", "--seconds", "0.5" if bench.args.quick else "20")
    time.sleep(0.1)
    for page in PAGES:
        before = thread_seconds(node.process.pid)
        began = time.perf_counter()
        status, body = get(node, page)
        took = time.perf_counter() - began
        if status != 200:
            raise Failure(f"GET {page}: {status} {body[:300]!r}")
        after = thread_seconds(node.process.pid)
        most = max(after[x] - before.get(x, 0) for x in after)
        say("page", ms=f"{took * 1e3:.1f}", thread_ms=f"{most * 1e3:.1f}", bytes=len(body),
            path=page)
    finish(observer)


# -- parts ---------------------------------------------------------------------------------------


def part_http(bench):
    node = bench.lone()
    held = Held(node)
    wanted = bench.sizes.services * bench.sizes.instances
    bench.run(node, "fill")
    held.tell("fill")
    if instances_of(node) != wanted:
        raise Failure(f"{instances_of(node)} instances, not {wanted}")
    measure_pages(bench, node)
    held.tell("pages")
    bench.run(node, "beat")
    held.tell("beat")
    if not bench.args.quick:  # it takes 40 s
        bench.run(node, "expire", "--beats", str(bench.args.beats))
        held.tell("expire")
        left = instances_of(node)
        if left != wanted - bench.sizes.stopped:
            raise Failure(f"{left} instances are left of {wanted}")
    node.kill()


def part_grpc(bench):
    node = bench.lone()
    held = Held(node)
    bench.run(node, "grpc", "--grpc", f"127.0.0.1:{node.port + 1000}", "--grpc-connections",
              str(bench.sizes.grpc_connections))
    held.tell("grpc")
    node.kill()


def part_restart(bench):
    home, logs = bench.new_home(3)
    nodes = cluster(bench.args.nacre, home, logs)
    for node in nodes:
        bench.launch(node, bench.cores)
    for node in nodes:
        await_true(node.is_ready, "a node is ready")
    first, killed, third = nodes
    services = bench.sizes.cluster_services
    wanted = services * bench.sizes.instances
    bench.run(first, "fill", services=services)
    took = await_true(lambda: all(instances_of(x) == wanted for x in nodes), "all show all")
    say("replicated", instances=wanted, after_fill_s=f"{took:.2f}")
    helds = [Held(node) for node in (first, third)]
    watched_s = str(3 if bench.args.quick else 30)
    observers = [bench.load(node, "observe", "--seconds", watched_s, services=services)
                 for node in (first, third)]
    time.sleep(0.5)
    killed.kill()
    time.sleep(bench.sizes.down_s)
    began = bench.launch(killed, bench.cores, same_data=True)
    ready = await_true(killed.is_ready, "the node is ready", began)
    seen = instances_of(killed)
    shown = await_true(lambda: instances_of(killed) == wanted, "it shows all", began)
    say("restart", instances=wanted, ready_ms=f"{ready * 1e3:.0f}", seen_when_ready=seen,
        shows_all_ms=f"{shown * 1e3:.0f}")
    for observer in observers:
        finish(observer)
    for held, node in zip(helds, ("first", "third")):
        held.tell(f"restart-at-{node}")
    for node in nodes:
        if instances_of(node) != wanted:
            raise Failure(f"a node shows {instances_of(node)} instances, not {wanted}")
        node.kill()


# -- the program ---------------------------------------------------------------------------------

PARTS = {"http": part_http, "grpc": part_grpc, "restart": part_restart}


def parse_arguments():
    release = HERE.parent / "build" / "release"
    cores = sorted(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nacre", default=release / "nacre", metavar="PATH", help="the node")
    parser.add_argument("--bench", default=release / "bench" / "scale_bench", metavar="PATH",
                        help="the program scale_bench")
    parser.add_argument("--parts", type=parts.list_of(PARTS), default=list(PARTS), metavar="LIST",
                        help=f"of {','.join(PARTS)} (default all)")
    parser.add_argument("--beats", type=float, default=20_000,
                        help="of the others per second while some expire (default 20000)")
    parser.add_argument("--node-core", type=int, default=cores[0], choices=cores,
                        help="of the lone node; three run on all cores")
    parser.add_argument("--generator-core", type=int, default=cores[-1], choices=cores)
    parser.add_argument("--first-port", type=int, metavar="N",
                        help="nodes have this one and each tenth after it (default any free ones)")
    parser.add_argument("--folder", type=pathlib.Path, metavar="PATH", help="for data and logs")
    parser.add_argument("--quick", action="store_true", help="a little of each, to see it work")
    parser.add_argument("--keep", action="store_true", help="keep the data and logs of the nodes")
    args = parser.parse_args()
    for program in (args.nacre, args.bench):
        if not os.access(program, os.X_OK):
            parser.error(f"no program: {program}")
    args.nacre, args.bench = map(os.path.abspath, (args.nacre, args.bench))
    return args


def bench_of(args, folder):
    if args.first_port:
        PORTS.take = itertools.count(args.first_port, 10).__next__
    bench = Bench(args, folder)
    say("run", node_core=args.node_core, generator_core=args.generator_core,
        cores=len(bench.cores))
    return bench


def main():
    args = parse_arguments()
    parts.run("scale_bench", args, PARTS, lambda folder: bench_of(args, folder))


if __name__ == "__main__":
    main()
