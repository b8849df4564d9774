#!/usr/bin/env python3
"""How much memory does a registry take per instance, and does a huge service fill in linear time?

Registers services x instances over keep-alive connections, one request under way on each, and reads
VmRSS of the server before, after, and after every service was queried once (a registry may build
and keep answers); growth counts from when some requests were answered. With --one-service N all
instances go into one service, in ten equal parts, whose times must not grow. Load goes to loopback
only and ends by itself.
"""

import argparse
import ipaddress
import json
import socket
import sys
import time
import urllib.parse

# Instances turn unhealthy 15 s after their last beat, and a list of fewer hosts proves nothing.
LIFE_S = 15
SETTLE_S = 1.5
WARM_UP = 500
TIMEOUT_S = 30


class Failure(Exception):
    """A wrong answer: the figures would mean nothing."""


class Connection:
    """One keep-alive connection; reads answers with Content-Length or chunks."""

    def __init__(self, address):
        self.address = address
        self.connect()

    def connect(self):
        self.socket = socket.create_connection(self.address, TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, request):
        self.socket.sendall(request)

    def more(self):
        data = self.socket.recv(1 << 18)
        if not data:
            raise Failure("the server closed the connection before its answer")
        return data

    def receive(self):
        data = self.more()
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self.more()
        if data[9:12] != b"200":
            raise Failure(f"no 200: {data[:300]!r}")
        head = data[:end].lower() + b"\r\n"
        at = head.find(b"\r\ncontent-length:")
        if at >= 0:
            length = int(head[at + 17 : head.find(b"\r\n", at + 17)])
            parts, have = [data[end + 4 :]], len(data) - end - 4
            while have < length:
                parts.append(self.more())
                have += len(parts[-1])
            body = b"".join(parts)
            if have != length:
                raise Failure("more bytes than Content-Length says")
        elif b"\r\ntransfer-encoding: chunked\r\n" in head:
            body = self.receive_chunks(data[end + 4 :])
        else:
            raise Failure(f"neither Content-Length nor chunks: {head!r}")
        if b"\r\nconnection: close\r\n" in head:
            self.socket.close()
            self.connect()
        return body

    def receive_chunks(self, data):
        body = b""
        while True:
            while (end := data.find(b"\r\n")) < 0:
                data += self.more()
            size = int(data[:end].split(b";")[0], 16)
            while len(data) < end + 2 + size + 2:
                data += self.more()
            body += data[end + 2 : end + 2 + size]
            data = data[end + 2 + size + 2 :]
            if size == 0:
                return body


class Load:
    """Sends on all connections, then reads from all; the server always has work waiting."""

    def __init__(self, address, connections):
        self.connections = [Connection(address) for _ in range(connections)]

    def run(self, requests, check):
        """Passes (index, body) of every answer to `check`."""
        step = len(self.connections)
        for begin in range(0, len(requests), step):
            group = list(zip(self.connections, requests[begin : begin + step]))
            for connection, request in group:
                connection.send(request)
            for i, (connection, _) in enumerate(group):
                check(begin + i, connection.receive())


HEAD = (
    " HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Nacos-Java-Client:v1.4.2\r\n"
    "Connection: keep-alive\r\n"
)


# What the metadata of each instance is, by name.
METADATA = {
    "none": lambda number: {},
    # As a Spring Cloud application of one release sends it.
    "equal": lambda number: {
        "version": "1.0.0",
        "preserved.heart.beat.timeout": "15000",
        "preserved.ip.delete.timeout": "30000",
    },
    # 200 characters that no other instance has.
    "distinct": lambda number: {"id": f"{number:0198}"},
}


def register_request(service, number, metadata):
    """The address lies in 127.0.0.0/8, so that a server that probes it stays on this machine."""
    number += 100 << 16 | 100 << 8 | 100
    ip = f"127.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    form = (
        f"serviceName=DEFAULT_GROUP%40%40{service}&groupName=DEFAULT_GROUP&namespaceId=public"
        f"&clusterName=DEFAULT&ip={ip}&port=8080&weight=1.0&enable=true&healthy=true"
        f"&ephemeral=true&metadata={urllib.parse.quote_plus(json.dumps(metadata(number)))}"
    )
    head = "POST /nacos/v1/ns/instance" + HEAD
    head += "Content-Type: application/x-www-form-urlencoded;charset=UTF-8\r\n"
    return f"{head}Content-Length: {len(form)}\r\n\r\n{form}".encode()


def query_request(service):
    target = f"/nacos/v1/ns/instance/list?serviceName=DEFAULT_GROUP%40%40{service}"
    return f"GET {target}&healthyOnly=false{HEAD}\r\n".encode()


def check_ok(_, body):
    if body != b"ok":
        raise Failure(f"wrong answer to a registration: {body[:300]!r}")


class HostCount:
    """Checks that each list holds what was registered."""

    def __init__(self, wanted):
        self.wanted = wanted
        self.bytes = 0

    def __call__(self, _, body):
        self.bytes += len(body)
        hosts = body.count(b'"ip":"')
        if hosts != self.wanted or body.count(b'"healthy":true') != hosts:
            raise Failure(f"{hosts} hosts, not {self.wanted} healthy ones: {body[:300]!r}")


def resident_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    raise Failure(f"process {pid} has no VmRSS")


def report(what, rss, before, instances):
    print(
        f"memory after={what} rss_mib={rss / 2**20:.1f} grown_mib={(rss - before) / 2**20:.1f}"
        f" bytes_per_instance={rss / instances:.0f}"
        f" grown_bytes_per_instance={(rss - before) / instances:.0f}",
        flush=True,
    )


def measure_memory(args, load):
    """Instance i goes into service i % services: services grow side by side, as in a start-up."""
    total = args.services * args.instances
    time.sleep(SETTLE_S)  # a server that has just started may still hold what it needed for that
    print(f"memory after=start rss_mib={resident_bytes(args.pid) / 2**20:.1f}", flush=True)
    metadata = METADATA[args.metadata]
    # The code that the first requests have read from its file is no part of an instance.
    load.run([register_request("memory-bench", 0, metadata)] * WARM_UP, check_ok)
    load.run([query_request("memory-bench")] * WARM_UP, HostCount(1))
    time.sleep(SETTLE_S)
    before = resident_bytes(args.pid)
    print(f"memory after=first-requests rss_mib={before / 2**20:.1f}", flush=True)
    names = [f"memory-bench-{i:06}" for i in range(args.services)]
    requests = [register_request(names[i % args.services], i, metadata) for i in range(total)]
    begin = time.monotonic()
    load.run(requests, check_ok)
    took = time.monotonic() - begin
    print(f"fill instances={total} seconds={took:.2f} per_second={total / took:.0f}", flush=True)
    time.sleep(SETTLE_S)
    report("fill", resident_bytes(args.pid), before, total)
    count = HostCount(args.instances)
    try:
        load.run([query_request(name) for name in names], count)
    except Failure as failure:
        raise too_late(failure, begin) from None
    report("query", resident_bytes(args.pid), before, total)
    print(f"query services={args.services} body_bytes={count.bytes // args.services}", flush=True)


def measure_one_service(args, load):
    """Prints the time of each part; a fill is linear where the last takes as long as the first."""
    part = max(args.one_service // 10, 1)
    begin = time.monotonic()
    took = []
    metadata = METADATA[args.metadata]
    for i in range(10):
        numbers = range(i * part, (i + 1) * part)
        requests = [register_request("memory-bench-one", number, metadata) for number in numbers]
        part_begin = time.monotonic()
        load.run(requests, check_ok)
        took.append(time.monotonic() - part_begin)
        print(
            f"part={i + 1} instances={(i + 1) * part} seconds={took[-1]:.3f}"
            f" us_per_instance={took[-1] / part * 1e6:.1f}",
            flush=True,
        )
    time.sleep(SETTLE_S)
    try:
        load.run([query_request("memory-bench-one")], HostCount(10 * part))
    except Failure as failure:
        raise too_late(failure, begin) from None
    growth = took[-1] / took[0]
    print(f"one-service instances={10 * part} last_part/first_part={growth:.2f}", flush=True)
    if args.growth_max and growth > args.growth_max:
        raise Failure(f"the last part took {growth:.2f} times as long as the first")


def too_late(failure, begin):
    """Says so when hosts are missing only because the fill took longer than they live."""
    took = time.monotonic() - begin
    if took > LIFE_S:
        return Failure(f"{failure} (after {took:.0f} s without beats they may have expired)")
    return failure


def parse_target(text):
    host, _, port = text.rpartition(":")
    host = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        if not ipaddress.ip_address(host).is_loopback:
            raise argparse.ArgumentTypeError(f"only loopback addresses are loaded, not {host}")
        return host, int(port)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--pid", type=int, help="of the server; needed without --one-service")
    parser.add_argument("--target", type=parse_target, required=True, metavar="HOST:PORT")
    parser.add_argument("--services", type=int, default=10_000)
    parser.add_argument("--instances", type=int, default=10, help="of each service")
    parser.add_argument("--metadata", choices=METADATA, default="none", help="of each instance")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--one-service", type=int, metavar="N", help="N instances in one service")
    parser.add_argument(
        "--growth-max", type=float, help="fail when the last part took so many times the first"
    )
    args = parser.parse_args()
    if args.one_service is None and args.pid is None:
        parser.error("--pid is needed")
    counts = (args.services, args.instances, args.connections, args.one_service or 1)
    if min(counts) < 1 or max(args.services * args.instances, args.one_service or 1) > 2_000_000:
        parser.error("counts are from 1 to 2000000 instances")
    try:
        load = Load(args.target, args.connections)
        if args.one_service is None:
            measure_memory(args, load)
        else:
            measure_one_service(args, load)
    except (Failure, OSError, ValueError) as error:
        sys.exit(f"memory_bench: {error}")


if __name__ == "__main__":
    main()
