#!/usr/bin/env python3
"""Runs the benches against nacre, bare servers and, where there are any, other registries, and
writes what came out: rows as JSON, a report in Markdown, plots.

parts   http, grpc     register, beat and query under load; over gRPC with one and with four calls
                       at a time on each connection
        push, fanout   how soon a change is at one subscriber, and at the last of 1,000
        held           memory of 10,000 connections, and how fast they are accepted
        memory, start  of 100,000 instances with metadata of three kinds; of a node at rest
        cluster        one of three nodes beside one that stands alone; only if it is named

environment   BUILD    folder of a release build (default build/release)
              RNACOS   executable of rnacos (default: not compared)
              BEFORE   executable of another nacre, say of before a change (default: not compared)
              PORT     HTTP port of nacre; rnacos takes PORT + 100, BEFORE PORT + 200, gRPC ports
                       lie 1000 above; nghttpd takes PORT + 300 (default 23848)
              LOAD, GRPC   more options for http_load_bench and grpc_load_bench
"""

import argparse
import datetime
import json
import os
import platform
import re
import resource
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import time

import report
import servers
from servers import Failure

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.environ.get("BUILD", f"{ROOT}/build/release")
PORT = int(os.environ.get("PORT", "23848"))
PARTS = ["http", "grpc", "push", "fanout", "held", "memory", "start"]

# What each bench is told: in earnest, and for a first look.
FULL = {
    "http": "--seconds 1.5 --warmup-seconds 0.5 --rounds 5 --connections 64",
    "grpc": "--seconds 1.5 --warmup-seconds 0.5 --rounds 5 --connections 64",
    "push": "--samples 400",
    "fanout": "--subscribers 1000 --changes 25",
    "held": "--held 10000",
    "memory": "--services 10000 --instances 10",
    "starts": 9,
}
QUICK = {
    "http": "--seconds 0.3 --warmup-seconds 0.1 --rounds 2 --connections 64 --services 100",
    "grpc": "--seconds 0.3 --warmup-seconds 0.1 --rounds 2 --connections 64 --services 100",
    "push": "--samples 50",
    "fanout": "--subscribers 100 --changes 3",
    "held": "--held 500 --held-services 10",
    "memory": "--services 500 --instances 10",
    "starts": 3,
}


def parse(line):
    """A line of a bench as a row: its first word, if that is no pair, is what it tells of."""
    words = line.split()
    row = {} if "=" in words[0] else {"what": words.pop(0)}
    for key, _, value in (word.partition("=") for word in words):
        is_number = key != "hash" and re.fullmatch(r"-?\d+(\.\d+)?%?", value)
        row[key] = json.loads(value.removesuffix("%")) if is_number else value
    return row


class Comparison:
    """The servers at hand, and the rows measured so far."""

    def __init__(self, args):
        self.sizes = QUICK if args.quick else FULL
        self.rows = []
        self.failures = []
        self.nodes = [servers.nacre("nacre", f"{BUILD}/nacre", PORT)]
        if executable := os.environ.get("BEFORE"):
            self.nodes.append(servers.nacre("before", executable, PORT + 200))
        if executable := os.environ.get("RNACOS"):
            self.nodes.append(servers.rnacos(executable, PORT + 100))
        pids = dict(args.pid)
        self.others = [servers.Server(name, None, port, pid=pids.get(name, 0))
                       for name, port in args.target]
        self.bare_grpc = servers.bare("grpc++", f"{BUILD}/bench/bare_grpc_server")

    def measure(self, part, *words, **more):
        """Runs a bench on its own core and keeps the rows it prints."""
        command = [str(word) for word in servers.pinned(servers.GENERATOR_CORE, *words)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True) as bench:
            try:
                last = "said nothing"
                for line in bench.stdout:
                    print(line, end="", flush=True)
                    if "=" in line:
                        self.rows.append({"part": part, **more, **parse(line)})
                    last = line
            except BaseException:
                bench.kill()
                raise
        if bench.returncode:
            raise Failure(f"{part}: {last.strip()[:300]}")

    def attempt(self, contestants, use):
        """What fails is told in the end: one server that answers wrongly does not hide the rest."""
        try:
            with servers.running(contestants):
                use()
        except Failure as failure:
            print(failure, file=sys.stderr)
            self.failures.append(str(failure))

    def load(self, part, bench, contestants, *words):
        grpc = part != "http"
        options = self.sizes[part].split() + list(words)
        options += os.environ.get("GRPC" if grpc else "LOAD", "").split()
        self.attempt(contestants, lambda: self.measure(
            part, f"{BUILD}/bench/{bench}", *sum((x.words(grpc) for x in contestants), []),
            *options))

    def http(self):
        bares = [servers.bare("beast", f"{BUILD}/bench/bare_server"),
                 servers.bare("epoll", f"{BUILD}/bench/bare_epoll_server")]
        self.load("http", "http_load_bench", self.nodes + self.others + bares)

    def grpc(self):
        contestants = [*self.nodes, *self.others, self.bare_grpc]
        if executable := shutil.which("nghttpd"):
            contestants.append(servers.nghttpd(executable, PORT + 300))
        for case in ("query", "register"):
            for calls in ("1", "4"):
                self.load("grpc", "grpc_load_bench", contestants, "--cases", case, "--calls", calls)

    def single(self, part):
        """Each server alone, and new before its memory is looked at."""
        for server in [*self.nodes, *self.others, self.bare_grpc]:
            self.load(part, "grpc_load_bench", [server], "--cases", part)

    def push(self):
        self.single("push")
        nacre = self.nodes[0]
        self.attempt([nacre], lambda: self.measure(
            "push-udp", f"{BUILD}/bench/push_latency_bench", *nacre.words(False)[:2], "--samples",
            self.sizes["push"].split()[1]))

    def fanout(self):
        self.single("fanout")

    def held(self):
        self.single("held")

    def memory(self):
        """A server that was under load keeps freed memory, so each figure comes from a new one."""
        for server in self.nodes:
            for metadata in ("none", "equal", "distinct"):
                print(f"memory of {server.name}, metadata {metadata}", flush=True)
                self.attempt([server], lambda: self.measure(
                    "memory", sys.executable, f"{ROOT}/bench/memory_bench.py", "--pid",
                    server.process.pid, "--target", f"{servers.HOST}:{server.port}", "--metadata",
                    metadata, *self.sizes["memory"].split(), target=server.name,
                    metadata=metadata))

    def start(self):
        for server in self.nodes:
            times = []
            for _ in range(self.sizes["starts"]):
                self.attempt([server], lambda: times.append(1e3 * server.ready_s))
            if times:
                self.rows.append({"part": "start", "target": server.name,
                                  "ready_ms": round(statistics.median(times), 1),
                                  "rounds": ",".join(f"{x:.1f}" for x in times)})
                print(*(f"{key}={value}" for key, value in self.rows[-1].items()), flush=True)

    def cluster(self):
        """What a cluster costs the node that is loaded. The others have the generator's core."""
        ports = [PORT + 10 * i for i in (1, 2, 3)]
        secret = {"NACOS_AUTH_IDENTITY_KEY": "nacre-peer",
                  "NACOS_AUTH_IDENTITY_VALUE": secrets.token_hex(24)}
        members = ",".join(f"{servers.HOST}:{port}" for port in ports)
        cluster = [servers.nacre(f"node{i + 1}", f"{BUILD}/nacre", port, int(i > 0),
                                 ["--mode", "cluster", "--members", members], secret)
                   for i, port in enumerate(ports)]
        loaded = [cluster[0], self.nodes[0]]
        self.attempt([self.nodes[0], *cluster], lambda: self.measure(
            "cluster", f"{BUILD}/bench/http_load_bench",
            *sum((x.words(False) for x in loaded), []), *self.sizes["http"].split()))


def named_port(text):
    """NAME=HOST:PORT."""
    found = re.fullmatch(r"([^=]+)=(?:127\.0\.0\.1|localhost):(\d+)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"not NAME=HOST:PORT on 127.0.0.1: {text}")
    return found[1], int(found[2])


def named_pid(text):
    """NAME=PID."""
    name, _, pid = text.partition("=")
    return name, int(pid)


def said_by(*command):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True,
                          check=False).stdout.strip()


def machine():
    with open("/proc/cpuinfo", encoding="ascii") as file:
        model = re.search(r"model name\s*: (.*)", file.read())
    changed = said_by("git", "status", "--porcelain", "--untracked-files=no")
    return {
        "cpu": model[1] if model else platform.machine(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "commit": said_by("git", "rev-parse", "--short", "HEAD") + (" and changes" * bool(changed)),
        "load_before": round(os.getloadavg()[0], 2),
    }


def write(folder, result):
    """The result as JSON and what follows from it. A row a line, so that two can be compared."""
    os.makedirs(folder, exist_ok=True)
    path = f"{folder}/{result['date']}.json"
    rows = ",\n".join("  " + json.dumps(row) for row in result["rows"])
    rest = json.dumps({**result, "rows": []}, indent=1)
    with open(path, "w", encoding="utf-8") as file:
        file.write(rest.replace('"rows": []', f'"rows": [\n{rows}\n ]') + "\n")
    report.write(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="part", help="all but cluster if none is named")
    parser.add_argument("--quick", action="store_true", help="a little of each")
    parser.add_argument("--folder", help="for what comes out (default bench/results if all parts "
                        "are run in earnest, else build/bench-results)")
    parser.add_argument("--target", action="append", default=[], type=named_port,
                        metavar="NAME=HOST:PORT",
                        help="HTTP port of a registry that runs already; repeatable")
    parser.add_argument("--pid", action="append", default=[], type=named_pid,
                        metavar="NAME=PID",
                        help="its process, whose processor time is wanted")
    args = parser.parse_args()
    if unknown := set(args.parts) - {*PARTS, "cluster"}:
        parser.error(f"no such part: {', '.join(unknown)}")
    whole = not args.parts and not args.quick
    folder = args.folder or f"{ROOT}/{'bench/results' if whole else 'build/bench-results'}"
    if servers.SERVER_CORE == servers.GENERATOR_CORE and not args.quick:
        parser.error("two cores are needed, one for the servers and one for the load")
    # 10,000 connections, of the servers too.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda number, _: sys.exit(128 + number))  # so that servers are ended
    result = {"date": datetime.date.today().isoformat(), "machine": machine()}
    begin = time.monotonic()
    comparison = Comparison(args)
    for part in args.parts or PARTS:
        getattr(comparison, part)()
    result.update(seconds=round(time.monotonic() - begin), options=comparison.sizes,
                  failures=comparison.failures, rows=comparison.rows)
    write(folder, result)
    if whole and not args.folder and not comparison.failures:
        report.show_newest(ROOT, result["date"])
    return 1 if comparison.failures else 0


if __name__ == "__main__":
    sys.exit(main())
