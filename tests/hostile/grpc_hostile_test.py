#!/usr/bin/env python3
"""Throws at a node's gRPC port what no client sends: other protocols, broken HTTP/2, broken bodies,
connections that are slow or deaf or come and go by the thousand. Checks that well-behaved clients
notice nothing, that nothing is left of the others, and that memory stays bounded.

usage: grpc_hostile_test.py --nacre PATH [--seed N] [--connects N]"""

import argparse
import asyncio
import collections
import os
import random
import sys
import time
import traceback

sys.dont_write_bytecode = True

import grpc_attacks
from grpc_wire import SETUP, CallFailed, connect, connect_sdk, registration, subscription
from node import Node
from wire import ask, connect as connect_raw

MUTATED = 1500
MUTATED_BODIES = 3000
GROWTH_MAX_KIB = 64 * 1024  # of all attacks but deaf clients and floods
CROWD_GROWTH_MAX_KIB = 8 * 1024  # of ten thousand connects after as many before
HELD_MAX_KIB = 6 * 1024  # of 18,000 early requests after as many before
DEAF_GROWTH_MAX_KIB = 160 * 1024  # of twenty deaf clients: 4 MiB each and what waits for them besides
FLOOD_PEAK_MAX_KIB = 768 * 1024
# What has ended is given back when its last timer rings, so that one is early.
SETTINGS = ["nacre.grpc.detect-after-ms=2000"]
TIMERS_S = 2.5
ANSWER_MAX_S = 2.0


class Verdicts:
    def __init__(self):
        self.kinds = collections.Counter()
        self.failed = collections.Counter()

    def note(self, kind, complaint=None):
        self.kinds[kind] += 1
        if complaint is None:
            return
        self.failed[kind] += 1
        if self.failed[kind] < 5:
            print(f"FAILED {kind}: {complaint}", flush=True)


class Bystander:
    """A good client among the others: has an instance, hears of a service, asks all the time."""

    def __init__(self, node, verdicts):
        self.node, self.verdicts = node, verdicts
        self.slowest_s = self.slowest_push_s = 0.0
        self.pushed = {}

    async def start(self):
        self.client = await connect_sdk(self.node.sdk_port, on_request=self.on_request)
        await self.client.call("InstanceRequest", registration("bystander", "10.1.1.1"))
        await self.client.call("SubscribeServiceRequest", subscription("echo"))
        self.task = asyncio.create_task(self.live())

    def on_request(self, kind, body):
        if kind == "NotifySubscriberRequest":
            for host in body["serviceInfo"]["hosts"]:
                self.pushed.setdefault(host["port"], time.monotonic())

    async def live(self):
        port = 0
        while True:
            port = port % 60_000 + 1
            began = time.monotonic()
            kind, body = await self.client.call(
                "InstanceRequest", registration("echo", "10.1.1.2", port)
            )
            took = time.monotonic() - began
            self.slowest_s = max(self.slowest_s, took)
            fine = kind == "InstanceResponse" and body["success"] and took < ANSWER_MAX_S
            self.verdicts.note("bystander", None if fine else f"{kind} {body} after {took:.2f} s")
            await asyncio.sleep(1)
            heard = self.pushed.get(port, began + 10) - began
            self.slowest_push_s = max(self.slowest_push_s, heard)
            late = f"hears of its change after {heard:.2f} s"
            self.verdicts.note("bystander's pushes", late if heard > ANSWER_MAX_S else None)

    async def stop(self):
        """Whether it was left alone."""
        if self.task.done():
            self.verdicts.note("bystander", f"stopped: {self.task.exception()!r}")
        self.task.cancel()
        gone = self.client.lost.done() or self.client.stream_end.done()
        self.verdicts.note("bystander", "lost its connection" if gone else None)
        kind, body = await self.client.call("ServiceQueryRequest", {"serviceName": "bystander"})
        there = [x["ip"] for x in body["serviceInfo"]["hosts"]] == ["10.1.1.1"]
        self.verdicts.note("bystander", None if there else f"lost its instance: {body}")
        self.client.close()


# -- attacks -------------------------------------------------------------------------------------


async def throw(port, data):
    """Sends all of it, reads what comes for a moment, hangs up."""
    loop = asyncio.get_running_loop()
    sock = await connect_raw(port)
    try:
        await asyncio.wait_for(loop.sock_sendall(sock, data), 5)
        while await asyncio.wait_for(loop.sock_recv(sock, 262144), 0.05):
            pass
    except (OSError, asyncio.TimeoutError):
        pass  # hung up or silent, both is fine
    finally:
        sock.close()


async def streams(node, attacks, verdicts, workers=16):

    async def work():
        for kind, data in attacks:
            await throw(node.sdk_port, data)
            verdicts.note(kind, None if node.alive() else f"the node ended after {data[:200]!r}")

    await asyncio.gather(*(work() for _ in range(workers)))


def envelope_complaint(kind, body):
    if not kind.endswith("Response") or not isinstance(body, dict):
        return f"{kind} {body}"
    good = body.get("success") is True
    fits = good == (body.get("resultCode") == 200) == (body.get("errorCode") == 0)
    return None if fits and (kind != "ErrorResponse" or not good) else f"{kind} {body}"


async def bodies(node, rng, verdicts):
    """Whatever the body: a complete answer of a type of answers."""
    client = await connect_sdk(node.sdk_port)
    for kind, text in grpc_attacks.mutated_bodies(rng, MUTATED_BODIES):
        try:
            answer = await client.call(kind, text)
        except CallFailed as error:
            verdicts.note("mutated bodies", f"{error} to {text[:200]!r}")
            client.close()
            client = await connect_sdk(node.sdk_port)
            continue
        complaint = envelope_complaint(*answer)
        verdicts.note("mutated bodies", complaint and f"{complaint[:300]} to {kind} {text[:200]!r}")
    client.close()


async def slow(node, verdicts):
    """A byte at a time, among connections that say nothing or half of it."""
    idle = [await connect_raw(node.sdk_port) for _ in range(500)]
    loop = asyncio.get_running_loop()
    data = b"".join(grpc_attacks.session("10.79.0.1"))
    for i, sock in enumerate(idle):
        await loop.sock_sendall(sock, data[: i % len(data)])
    sock = await connect_raw(node.sdk_port)
    for i in range(len(data)):
        await loop.sock_sendall(sock, data[i : i + 1])
        await asyncio.sleep(0.002)
    await asyncio.sleep(0.3)
    seen = await ask(node.port, "GET", "/nacos/v1/ns/instance/list?serviceName=mutated")
    there = b'"10.79.0.1"' in seen.body
    verdicts.note("slow client", None if there else f"its instance is missing: {seen.body[:300]}")
    for x in [sock, *idle]:
        x.close()


async def early(port, setup, verdicts):
    """Requests that wait for a setup; which comes in time, or not at all."""
    x = await connect(port)
    await x.call("ServerCheckRequest", {})
    body = {"serviceName": "early", "pageNo": 1, "pageSize": 1}
    answers = [x.begin_call("ServiceListRequest", body) for _ in range(50)]
    if setup:
        x.open_stream()
        x.write("ConnectionSetupRequest", SETUP)
    for kind, body in await asyncio.gather(*answers):
        fine = body["success"] if setup else (kind, body["errorCode"]) == ("ErrorResponse", 301)
        verdicts.note("early requests", None if fine else f"{kind} {body}")
    x.close()


async def at_rest(node):
    """The least memory within the 10 s in which the allocator gives back what is free. While
    connections come and go it is up to 25 MB more, now and then, without a trend."""
    least = node.memory_kib()
    for _ in range(20):
        await asyncio.sleep(0.5)
        least = min(least, node.memory_kib())
    return least


async def held(node, verdicts):
    """Nothing stays of requests that had to wait."""
    memory = []
    for _ in range(3):
        for _ in range(3):
            await asyncio.gather(*(early(node.sdk_port, False, verdicts) for _ in range(4)))
            for _ in range(30):
                await asyncio.gather(*(early(node.sdk_port, True, verdicts) for _ in range(4)))
        memory.append(await at_rest(node))
    print(f"memory: {memory} KiB at rest after 18000 early requests each")
    grown = memory[2] - memory[1]  # the first time is for what is made once
    if not node.is_sanitized():
        verdicts.note("memory of early requests", f"{grown} KiB" if grown > HELD_MAX_KIB else None)


async def deaf(node, verdicts):
    """Clients that read nothing while large services they subscribe to change all the time."""
    writer = await connect_sdk(node.sdk_port)
    services = [f"large-{i}" for i in range(10)]
    metadata = {"padding": "x" * 900}

    async def change(round_):
        for i, service in enumerate(services):
            instances = [
                {"ip": f"10.80.{i}.{k}", "port": round_ + 1, "metadata": metadata}
                for k in range(60)
            ]
            body = {"serviceName": service, "type": "batchRegisterInstance"}
            kind, body = await writer.call("BatchInstanceRequest", {**body, "instances": instances})
            verdicts.note("changes", envelope_complaint(kind, body))

    await change(0)
    clients = []
    memory = node.memory_kib()
    for _ in range(20):
        client = await connect_sdk(node.sdk_port)
        for service in services:
            await client.call("SubscribeServiceRequest", subscription(service))
        client.transport.pause_reading()
        clients.append(client)
    most = 0
    for round_ in range(1, 31):
        await change(round_)
        for client in clients:
            client.begin_call("HealthCheckRequest", {})  # else they would be dropped as silent
        await asyncio.sleep(0.3)
        most = max(most, node.memory_kib() - memory)
    print(f"memory: deaf clients make it grow by at most {most} KiB")
    if not node.is_sanitized():
        verdicts.note("deaf clients", f"{most} KiB" if most > DEAF_GROWTH_MAX_KIB else None)
    for client in clients:
        client.reset()
    writer.close()


async def crowd(node, rng, verdicts, connects):
    """Connects, registers and drops, time and again."""
    numbers = iter(range(connects))
    ways = ("close", "reset", "cancel_stream", "close_half")

    async def work():
        for i in numbers:
            try:
                x = await connect_sdk(node.sdk_port)
                ip = f"10.{81 + (i >> 16)}.{i >> 8 & 255}.{i & 255}"
                kind, body = await x.call("InstanceRequest", registration(f"crowd-{i % 50}", ip))
                good = kind == "InstanceResponse" and body["success"]
                verdicts.note("connects and drops", None if good else f"{kind} {body}")
                getattr(x, rng.choice(ways))()
                x.close()
            except (CallFailed, OSError, asyncio.TimeoutError) as error:
                verdicts.note("connects and drops", f"{error!r}")

    await asyncio.gather(*(work() for _ in range(50)))


# -- afterwards ----------------------------------------------------------------------------------


async def metrics(node):
    return (await ask(node.port, "GET", "/nacos/v1/ns/operator/metrics?onlyStatus=false")).json()


async def nothing_left(node, patience_s=3.0):
    """A complaint if there is more than the bystander and its two instances by then."""
    until = time.monotonic() + patience_s
    while True:
        x = await metrics(node)
        left = (x["connectionBasedClientCount"], x["instanceCount"])
        if left == (1, 2):
            return None
        if time.monotonic() > until:
            return f"{left} connections and instances instead of 1 and 2"
        await asyncio.sleep(0.05)


async def open_files_above(node, baseline):
    for _ in range(50):
        left = node.open_files() - baseline
        if left <= 0:
            return None
        await asyncio.sleep(0.1)
    return f"{left} more than the {baseline} at the start"


async def answers_at_once(node, within_s=0.5):
    began = time.monotonic()
    client = await connect_sdk(node.sdk_port)
    await client.call("InstanceRequest", registration("after", "10.2.2.2"))
    await client.call("SubscribeServiceRequest", subscription("after"))
    client.close()
    took = time.monotonic() - began
    return f"after {took:.2f} s" if took > within_s else None


async def grown_above(node, baseline, most_kib):
    """How much memory has grown; it has a few seconds to go back."""
    grown = node.memory_kib() - baseline
    for _ in range(50):
        if grown <= most_kib:
            break
        await asyncio.sleep(0.1)
        grown = node.memory_kib() - baseline
    return grown


async def crowds(node, rng, verdicts, connects):
    """Many connects, twice: the second time must need no more memory than the first."""
    memory = []
    for _ in range(2):
        began = time.monotonic()
        await crowd(node, rng, verdicts, connects)
        print(f"{connects} connects in {time.monotonic() - began:.1f} s")
        verdicts.note("nothing left", await nothing_left(node))
        verdicts.note("answers at once", await answers_at_once(node))
        await asyncio.sleep(TIMERS_S)
        memory.append(node.memory_kib())
    grown = memory[1] - memory[0]
    print(f"memory: {memory[0]} KiB after connects, {grown} more after as many again")
    if not node.is_sanitized():
        complaint = f"{grown} KiB" if grown > CROWD_GROWTH_MAX_KIB else None
        verdicts.note("memory of connects", complaint)


async def floods(node, verdicts):
    """Twice, as memory that one flood needed may serve the next."""
    for _ in range(2):
        await streams(node, grpc_attacks.floods(), verdicts, workers=1)
        await asyncio.sleep(1)
        verdicts.note("nothing left", await nothing_left(node))
    peak = node.memory_kib("VmHWM")
    if not node.is_sanitized():
        verdicts.note("memory of floods", f"{peak} KiB" if peak > FLOOD_PEAK_MAX_KIB else None)


async def run(node, rng, options, verdicts):
    bystander = Bystander(node, verdicts)
    await bystander.start()
    await held(node, verdicts)  # first, as memory that others left would hide what it keeps
    await crowds(node, rng, verdicts, options.connects)
    memory, files = node.memory_kib(), node.open_files()
    for attack in (
        lambda: slow(node, verdicts),
        lambda: bodies(node, rng, verdicts),
        lambda: streams(node, grpc_attacks.all_streams(rng, MUTATED), verdicts),
    ):
        began = time.monotonic()
        await attack()
        verdicts.note("nothing left", await nothing_left(node))
        verdicts.note("answers at once", await answers_at_once(node))
        print(f"{time.monotonic() - began:.1f} s, memory {node.memory_kib()} KiB", flush=True)
    grown = await grown_above(node, memory, GROWTH_MAX_KIB)
    print(f"memory: grown by {grown} KiB, peak {node.memory_kib('VmHWM')} KiB")
    if not node.is_sanitized():
        verdicts.note("memory", f"{grown} KiB" if grown > GROWTH_MAX_KIB else None)
    await deaf(node, verdicts)  # whose memory is kept for the next, as that of floods
    # A flood has to be worked off before SDKs give up, after 3 s. Under a sanitizer it takes longer
    # and tells nothing.
    if not node.is_sanitized():
        await floods(node, verdicts)
        verdicts.note("answers again", await answers_at_once(node, within_s=3))
    verdicts.note("descriptors", await open_files_above(node, files))
    print(f"memory: {node.memory_kib()} KiB after floods, peak {node.memory_kib('VmHWM')} KiB")
    await bystander.stop()
    print(
        f"a bystander was answered within {bystander.slowest_s:.2f} s"
        f" and heard of its changes within {bystander.slowest_push_s:.2f} s"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nacre", required=True, help="the node's program")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--connects", type=int, default=10_000)
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    node, verdicts = Node(options.nacre, SETTINGS), Verdicts()
    try:
        try:
            asyncio.run(run(node, random.Random(options.seed), options, verdicts))
        except Exception:
            verdicts.note("attack", traceback.format_exc())
        code = node.stop() if node.alive() else f"before its time: {node.process.returncode}"
        verdicts.note("ends on SIGTERM", None if code == 0 else f"exit code {code}")
        bad = node.bad_log_lines()
        verdicts.note("log", f"{len(bad)} lines, such as {bad[:3]}" if bad else None)
    finally:
        node.remove()
    for kind, count in verdicts.kinds.items():
        failed = verdicts.failed[kind]
        print(f"{count:6} {kind}" + (f", {failed} FAILED" if failed else ""))
    print(f"seed {options.seed}, {sum(verdicts.failed.values())} failed")
    return 1 if verdicts.failed else 0


if __name__ == "__main__":
    sys.exit(main())
