#!/usr/bin/env python3
"""One machine that wants to stop a node: each attack beside a client that lives from it. None may
make the node grow by more than 64 MB, keep that client waiting, or be felt 10 s later.

usage: bounds_test.py --nacre PATH [--attacks NAME,...]"""

import argparse
import asyncio
import json
import multiprocessing
import os
import resource
import socket
import sys
import time
from pathlib import Path
from urllib.parse import quote

sys.dont_write_bytecode = True
sys.path.append(str(Path(__file__).resolve().parent))

from bounds_attacks import (  # noqa: E402
    ATTACKS, BIG, MIDDLE, NS, fill, idle_connections, instances_without_end,
)
from node import Node  # noqa: E402
from wire import ask, request  # noqa: E402

GROWTH_KIB_MAX = 64 * 1024
P99_MS_MAX = 50
CALM_S = 10
# What an attack is tried on, unlike the others.
SETTINGS = {instances_without_end: ["nacre.limits.memory-bytes=80000000"]}


def live(port, stop, answer):
    """A client with one instance: beats and asks, one after the other, and times each."""
    times, failures = [], 0
    sock = socket.create_connection(("127.0.0.1", port))
    beat = quote(json.dumps({"ip": "10.0.0.1", "port": 80, "cluster": "DEFAULT"}))
    messages = [
        request("GET", f"{NS}/instance/list?serviceName=bystander"),
        request("PUT", f"{NS}/instance/beat?serviceName=bystander&beat={beat}"),
    ]
    turn = 0
    while not stop.is_set():
        began = time.monotonic()
        try:
            sock.sendall(messages[turn % 2])
            sock.settimeout(30)
            data = sock.recv(65536)
            failures += not data.startswith(b"HTTP/1.1 200")
            if not data:
                raise ConnectionError
        except OSError:
            failures += 1
            sock.close()
            sock = socket.create_connection(("127.0.0.1", port))
        times.append(time.monotonic() - began)
        turn += 1
        time.sleep(0.002)
    answer.send((times, failures))


class Bystander:
    def __init__(self, port):
        self.stop = multiprocessing.Event()
        self.ours, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=live, args=(port, self.stop, theirs))
        self.process.start()

    def end(self):
        """@returns the 99th percentile in ms, and how many of its requests failed"""
        self.stop.set()
        times, failures = self.ours.recv()
        self.process.join()
        times.sort()
        return times[int(len(times) * 0.99)] * 1000, failures


async def watched(node, attack):
    """The attack's verdict and the most memory while it ran, in KiB."""
    task = asyncio.create_task(attack(node))
    peak = 0
    while not task.done():
        peak = max(peak, node.memory_kib())
        await asyncio.sleep(0.05)
    return task.result(), peak


def play(node, attack):
    before = node.memory_kib()
    bystander = Bystander(node.port)
    time.sleep(0.5)
    trouble, peak = asyncio.run(watched(node, attack))
    p99, failures = bystander.end()
    time.sleep(CALM_S if peak - before > 8 * 1024 else 0.5)
    after = node.memory_kib()
    complaints = [trouble] if trouble else []
    if not node.is_sanitized():
        if peak - before > GROWTH_KIB_MAX:
            complaints.append(f"grew by {(peak - before) / 1024:.0f} MB")
        if p99 > P99_MS_MAX:
            complaints.append(f"p99 of another client {p99:.0f} ms")
    if failures:
        complaints.append(f"{failures} requests of another client failed")
    print(
        f"{'FAILED' if complaints else 'passed'} {attack.__name__}: grew by "
        f"{(peak - before) / 1024:.1f} MB, {(after - before) / 1024:.1f} MB {CALM_S} s later, p99 of "
        f"another client {p99:.1f} ms {'; '.join(complaints)}",
        flush=True,
    )
    return not complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nacre", required=True)
    parser.add_argument("--attacks", default="")
    arguments = parser.parse_args()
    wanted = arguments.attacks.split(",") if arguments.attacks else None
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096 if hard < 0 else min(4096, hard), hard))
    failed = 0
    for attack in ATTACKS:
        if wanted and attack.__name__ not in wanted:
            continue
        files_max = 1024 if attack is idle_connections else None
        node = Node(arguments.nacre, ["nacre.push.warm-up-ms=0", *SETTINGS.get(attack, [])], files_max)
        try:
            asyncio.run(ask(node.port, "POST", f"{NS}/instance?serviceName=bystander&ip=10.0.0.1&port=80"))
            fill(node, "big", BIG)
            fill(node, "middle", MIDDLE)
            failed += not play(node, attack)
        finally:
            node.remove()
    print(f"{failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
