#!/usr/bin/env python3
"""What do health checks of many persistent instances cost?

Starts a node and one listener for all targets on loopback (127.1.x.y), sets every interval to five
seconds, and tells the node's processor time, its memory a target, and how evenly its probes are
spread. It ends by itself, with 1 at the first wrong answer.
"""

import argparse
import collections
import http.client
import multiprocessing
import os
import pathlib
import select
import socket
import statistics
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "tests" / "process"))

from processes import PROCESSES, Failed, Node, check, check_equal, eventually, memory_kib  # noqa: E402

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
SWITCHES = "/nacos/v1/ns/operator/switches"
INTERVAL_S = 5.0
BIN_S = 0.1


def listen(port, pipe):
    """Takes and ends connections until told to stop; then sends when each came."""
    listener = socket.create_server(("0.0.0.0", port), backlog=4096)
    listener.setblocking(False)
    pipe.send("ready")
    times = []
    while not pipe.poll():
        select.select([listener, pipe], [], [], 1)
        try:
            while True:
                listener.accept()[0].close()
                times.append(time.monotonic())
        except BlockingIOError:
            pass
    pipe.send(times)


def processor_s(node):
    fields = pathlib.Path("/proc", str(node.process.pid), "stat").read_text().split(")")[1].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def register(node, targets, port):
    """Over one connection; the 1.x API has no batch."""
    connection = http.client.HTTPConnection("127.0.0.1", node.port)
    for i in range(targets):
        connection.request(
            "POST", f"/nacos/v1/ns/instance?serviceName=s{i // 10}&ip=127.1.{i >> 8}.{i & 255}"
                    f"&port={port}&ephemeral=false")
        answer = connection.getresponse()
        check_equal((answer.status, answer.read()), (200, b"ok"), "a registration")


def play(node, options):
    node.unprobed = ""
    node.start()
    params = '{"max":5000,"min":5000,"factor":0.75}'
    for entry, value in (("check", "false"), ("tcpHealthParams", params)):
        check_equal(node.request("PUT", SWITCHES, entry=entry, value=value), (200, "ok"), entry)
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        port = probe.getsockname()[1]
    ours, theirs = multiprocessing.Pipe()
    listener = multiprocessing.Process(target=listen, args=(port, theirs), daemon=True)
    listener.start()
    check_equal(ours.recv(), "ready", "the listener")
    register(node, options.targets, port)
    unprobed_kib = memory_kib(node.process.pid)
    idle_s = measure(node, options.seconds)
    check_equal(node.request("PUT", SWITCHES, entry="check", value="true"), (200, "ok"), "check")
    time.sleep(3 * INTERVAL_S)  # the first probes are over, and what they left
    began = time.monotonic()
    busy_s = measure(node, options.seconds)
    ended = time.monotonic()
    probed_kib = memory_kib(node.process.pid)
    report = node.get("/nacre/admin/health", limit=0)
    check_equal((report["healthy"], report["failing"]), (options.targets, 0), "targets that are well")
    ours.send("stop")
    times = [x for x in ours.recv() if began <= x < ended]
    bins = collections.Counter(int((x - began) / BIN_S) for x in times)
    counts = [bins[i] for i in range(int((ended - began) / BIN_S))]
    probes_s = len(times) / (ended - began)
    check(probes_s > 0.8 * options.targets / INTERVAL_S, f"{probes_s} probes a second")
    print(f"health targets={options.targets} probes_per_second={probes_s:.0f}"
          f" core={100 * busy_s:.1f}% without_probes={100 * idle_s:.1f}%"
          f" us_per_probe={(busy_s - idle_s) / probes_s * 1e6:.1f}")
    print(f"health-memory bytes_per_target={1024 * (probed_kib - unprobed_kib) / options.targets:.0f}")
    print(f"health-spread bin_ms={BIN_S * 1e3:.0f} mean={statistics.mean(counts):.0f}"
          f" smallest={min(counts)} largest={max(counts)}")
    node.stop()


def measure(node, seconds):
    """Of a core, the node's share."""
    before, began = processor_s(node), time.monotonic()
    time.sleep(seconds)
    return (processor_s(node) - before) / (time.monotonic() - began)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--nacre", type=pathlib.Path,
                        default=HERE.parent / "build" / "release" / "nacre")
    parser.add_argument("--targets", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as log:
        node = Node(str(options.nacre.resolve()), folder, log)
        try:
            play(node, options)
        except Failed as error:
            print(f"FAILED {error}")
            return 1
        finally:
            PROCESSES.kill_all()
    return 0


if __name__ == "__main__":
    sys.exit(main())
