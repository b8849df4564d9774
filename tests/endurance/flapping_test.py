#!/usr/bin/env python3
"""Connections that come and go all the time, and what readers see of them: whoever lives is in
every list, whoever went is soon in none.

usage: flapping_test.py --nacre PATH [--full] [--seed N]

Clients connect over gRPC, register one instance, live 1 to 5 s and drop, in one of five ways; next
to them instances beat over HTTP. Lists are read all the time. A client counts as living from the
answer to its registration until it begins to drop. --full: 2000 clients, 1000 beating instances and
a minute; without it 200, 200 and 10 s. Ends with exit status 1 if anything was seen wrong."""

import argparse
import asyncio
import collections
import os
import pathlib
import random
import re
import sys
import time

sys.dont_write_bytecode = True
sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "hostile"))

from grpc_wire import CallFailed, connect_sdk, registration, subscription  # noqa: E402
from node import Node  # noqa: E402

SERVICES = 20
BEATING_SERVICES = 5
BEAT_EVERY_S = 5.0
TERM_S = 2.0  # how long an instance may be seen after its connection began to end
SHOWN_MAX = 20
IP = re.compile(rb'"ip":"([\d.]+)"')
UNHEALTHY = re.compile(rb'"healthy":false')
WAYS = ("close", "reset", "cancel_stream", "close_half", "deregister")


class Http:
    """One connection that is kept."""

    async def open(self, port):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        return self

    async def ask(self, method, target):
        self.writer.write(f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)
        size = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
        return await self.reader.readexactly(size)


class Test:
    def __init__(self, node, options, rng):
        self.node, self.options, self.rng = node, options, rng
        self.living = [set() for _ in range(SERVICES)]
        self.gone = {}  # ip -> when it began to drop
        self.begun = set()  # registration sent, and not yet known to be done
        self.last_push = {}
        self.lives = 0
        self.count = collections.Counter()
        self.complaints = []
        self.longest_ghost_s = self.latest_beat_s = self.latest_loop_s = 0.0
        self.stopping = asyncio.Event()

    def complain(self, text):
        self.count["complaints"] += 1
        if len(self.complaints) < SHOWN_MAX:
            self.complaints.append(text)
            print("FAILED", text, flush=True)

    async def pause(self, seconds):
        """Whether the test still goes on after a while."""
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except asyncio.TimeoutError:
            return True
        return False

    # -- those that come and go ------------------------------------------------------------------

    async def flap(self):
        await asyncio.sleep(self.rng.random() * 3)
        while not self.stopping.is_set():
            self.lives += 1
            ip = "10." + ".".join(str(self.lives >> shift & 255) for shift in (16, 8, 0))
            try:
                await self.live_once(ip, self.lives % SERVICES)
            except (CallFailed, OSError, asyncio.TimeoutError) as error:
                self.complain(f"life of {ip}: {error!r}")
                self.gone[ip] = time.monotonic()

    async def live_once(self, ip, service):
        self.begun.add(ip)
        x = await connect_sdk(self.node.sdk_port)
        kind, body = await x.call("InstanceRequest", registration(f"flap-{service}", ip))
        if kind != "InstanceResponse" or not body["success"]:
            x.close()
            raise CallFailed(0, f"{kind} {body}")
        self.living[service].add(ip)
        self.begun.discard(ip)
        await self.pause(self.rng.uniform(1, 5))
        if x.lost.done() or x.stream_end.done():
            self.complain(f"{ip}: the node ended its connection")
        self.living[service].discard(ip)
        self.gone[ip] = time.monotonic()
        way = self.rng.choice(WAYS)
        self.count[way] += 1
        if way == "deregister":
            await x.call(
                "InstanceRequest", registration(f"flap-{service}", ip, kind="deregisterInstance")
            )
            x.close()
            return
        getattr(x, way)()
        if way in ("cancel_stream", "close_half"):
            await asyncio.sleep(self.rng.random())
            x.close()

    # -- those that stay -------------------------------------------------------------------------

    @staticmethod
    def beating(i):
        return f"serviceName=beat-{i % BEATING_SERVICES}&ip=11.0.{i >> 8}.{i & 255}&port=80"

    async def beat(self, mine):
        http = await Http().open(self.node.port)
        for i in mine:
            answer = await http.ask("POST", "/nacos/v1/ns/instance?" + self.beating(i))
            if answer != b"ok":
                self.complain(f"registration of a beating instance: {answer[:200]}")
        due = time.monotonic()
        while True:
            for i in mine:
                due += BEAT_EVERY_S / len(mine)
                if not await self.pause(max(due - time.monotonic(), 0)):
                    return
                self.latest_beat_s = max(self.latest_beat_s, time.monotonic() - due)
                answer = await http.ask("PUT", "/nacos/v1/ns/instance/beat?" + self.beating(i))
                self.count["beats"] += 1
                if b'"code":10200' not in answer:
                    self.complain(f"beat: {answer[:200]}")

    async def watch_beating(self):
        http = await Http().open(self.node.port)
        wanted = collections.Counter(i % BEATING_SERVICES for i in range(self.options.beating))
        while await self.pause(0.1):
            for service, count in wanted.items():
                target = f"/nacos/v1/ns/instance/list?serviceName=beat-{service}"
                seen = await http.ask("GET", target)
                self.count["samples of beating"] += 1
                if len(IP.findall(seen)) != count or UNHEALTHY.search(seen):
                    self.complain(
                        f"beat-{service}: {len(IP.findall(seen))} of {count} instances,"
                        f" {len(UNHEALTHY.findall(seen))} unhealthy"
                    )

    # -- those that look -------------------------------------------------------------------------

    async def sample(self, http, service):
        began = time.monotonic()
        must = set(self.living[service])
        seen = await http.ask("GET", f"/nacos/v1/ns/instance/list?serviceName=flap-{service}")
        seen = {x.decode() for x in IP.findall(seen)}
        self.count["samples"] += 1
        self.count["instances seen"] += len(seen)
        for ip in (must & self.living[service]) - seen:
            self.complain(f"flap-{service}: {ip} lives and is missing")
        for ip in seen - must - self.living[service] - self.begun:
            went = self.gone.get(ip)
            if went is None:
                self.complain(f"flap-{service}: {ip} never was")
                continue
            self.longest_ghost_s = max(self.longest_ghost_s, began - went)
            if began - went > TERM_S:
                self.complain(f"flap-{service}: {ip} went {began - went:.2f} s ago")

    async def watch_flapping(self):
        http = await Http().open(self.node.port)
        while await self.pause(0.02):
            await self.sample(http, self.count["samples"] % SERVICES)

    async def subscribe(self):
        """A client that hears of all services; what it was told last has to be true at the end."""

        def heard(kind, body):
            if kind == "NotifySubscriberRequest":
                self.count["pushes"] += 1
                info = body["serviceInfo"]
                self.last_push[info["name"]] = {x["ip"] for x in info["hosts"]}

        x = await connect_sdk(self.node.sdk_port, on_request=heard)
        for service in range(SERVICES):
            await x.call("SubscribeServiceRequest", subscription(f"flap-{service}"))
        return x

    async def feel_own_pulse(self):
        """How late this program itself is: it shares the machine with the node."""
        while not self.stopping.is_set():
            began = time.monotonic()
            await asyncio.sleep(0.05)
            self.latest_loop_s = max(self.latest_loop_s, time.monotonic() - began - 0.05)

    # -- all together ----------------------------------------------------------------------------

    async def run(self):
        subscriber = await self.subscribe()
        memory = self.node.memory_kib()
        share = self.options.beating // 10
        tasks = [
            *(self.beat(range(i * share, (i + 1) * share)) for i in range(10)),
            self.watch_flapping(),
            self.feel_own_pulse(),
            *(self.flap() for _ in range(self.options.clients)),
        ]
        tasks = [asyncio.create_task(x) for x in tasks]
        await asyncio.sleep(2)  # by now all that beat are registered
        tasks.append(asyncio.create_task(self.watch_beating()))
        await asyncio.sleep(self.options.seconds)
        self.count["most at once"] = sum(map(len, self.living))
        self.stopping.set()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, BaseException):
                self.complain(f"{outcome!r}")
        await asyncio.sleep(TERM_S)
        http = await Http().open(self.node.port)
        for service in range(SERVICES):
            await self.sample(http, service)
            if left := self.last_push.get(f"flap-{service}"):
                self.complain(f"flap-{service}: the subscriber was told last of {sorted(left)[:5]}")
        subscriber.close()
        print(f"memory: {memory} KiB at first, {self.node.memory_kib()} KiB at the end")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nacre", required=True, help="the node's program")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--clients", type=int)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    options = parser.parse_args()
    options.clients = options.clients or (2000 if options.full else 200)
    options.beating = 1000 if options.full else 200
    options.seconds = 60 if options.full else 10
    print(f"seed {options.seed}")
    node = Node(options.nacre)

    async def run():
        test = Test(node, options, random.Random(options.seed))
        await test.run()
        return test

    try:
        test = asyncio.run(run())
        if node.stop() != 0:
            test.complain("the node does not end well")
        if bad := node.bad_log_lines():
            test.complain(f"{len(bad)} bad lines in the log, such as {bad[:3]}")
    finally:
        node.remove()
    print(f"{test.lives} lives; " + ", ".join(f"{n} {x}" for x, n in test.count.items()))
    print(
        f"an instance stayed at most {test.longest_ghost_s:.2f} s after its end began; this program"
        f" was late by at most {test.latest_loop_s:.2f} s, its beats by {test.latest_beat_s:.2f} s"
    )
    return 1 if test.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
