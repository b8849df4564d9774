"""The clients of the cluster: instances that beat over HTTP and connections over gRPC. Each knows
since when it lives, and which node heard it when."""

import asyncio
import collections
import time

from grpc_wire import CallFailed, connect_sdk, registration
from member import FAILURES, PATIENCE_S

SERVICES = 20
BEAT_EVERY_S = 5.0
RECONNECT_S = (0.1, 3.0)
HEALTH_CHECK_S = 5.0  # of SDKs, when their connection is silent
HEALTH_CHECKS = 3  # that may fail before they leave the node
HEARD_MAX = 20


def ago(now, at):
    return f"{now - at:.1f} s ago"


class Client:
    """One instance of one service."""

    def __init__(self, number, world, first_octet, port):
        self.world, self.rng = world, world.rng
        self.ip = f"{first_octet}.0.{number >> 8}.{number & 255}"
        self.port = port
        self.service = f"s{number % SERVICES}"
        self.born = None  # when a node took it first
        self.ended = None  # when it died, which nodes may not know yet
        self.gone_by = None  # if the test knows when all nodes have to

    def nodes_by_chance(self):
        return self.rng.sample(self.world.nodes, len(self.world.nodes))

    def marks(self):
        """By what a node's history tells of it."""
        return [self.ip]

    def lives(self):
        return self.born is not None and self.ended is None

    async def pause(self, seconds):
        """Whether it still lives after a while."""
        end = time.monotonic() + seconds
        while self.ended is None and (left := end - time.monotonic()) > 0:
            await asyncio.sleep(min(left, 0.2))
        return self.ended is None


class Beating(Client):
    """As an SDK 1.x keeps an instance: any node will do, the next one if that fails."""

    def __init__(self, number, world):
        super().__init__(number, world, 11, 80)
        self.heard = collections.deque(maxlen=HEARD_MAX)  # (when, node)
        self.registered = False
        self.query = f"serviceName={self.service}&ip={self.ip}&port={self.port}"

    async def live(self):
        await self.pause(self.rng.random() * min(BEAT_EVERY_S, self.world.spread_s))
        due = time.monotonic()
        while self.ended is None:
            if not await self.tell_some_node():
                self.world.count["beats that no node took"] += 1
            due = max(due + BEAT_EVERY_S, time.monotonic())
            await self.pause(due - time.monotonic())

    async def tell_some_node(self):
        for node in self.nodes_by_chance():
            try:
                if await self.tell(node):
                    return True
            except FAILURES:
                pass
            if self.ended is not None:
                break
        return False

    async def tell(self, node):
        if self.registered:
            status, body = await node.http.ask("PUT", "/nacos/v1/ns/instance/beat?" + self.query)
            if status == 200 and b'"code":10200' in body:
                self.note_heard(node, "beats")
                return True
            if status != 200 or b'"code":20404' not in body:
                return False
            self.world.count["beats of unknown instances"] += 1
            self.world.watch.judge_missing(self, node, time.monotonic(), "as unknown to its beat")
        status, body = await node.http.ask("POST", "/nacos/v1/ns/instance?" + self.query)
        if (status, body) != (200, b"ok"):
            return False
        self.registered = True
        self.note_heard(node, "registrations")
        return True

    def note_heard(self, node, kind):
        now = time.monotonic()
        self.heard.append((now, node))
        self.born = self.born or now
        self.world.count[kind] += 1

    def last_sign(self):
        return self.heard[-1][0] if self.heard else self.born

    def describe(self, now):
        heard = ", ".join(f"{ago(now, at)} at {node.name}" for at, node in list(self.heard)[:-8:-1])
        return f"heard {heard or 'never'}"


class Connected(Client):
    """A gRPC client as SDKs 2.x: registers, checks its connection, moves to another node."""

    def __init__(self, number, world):
        super().__init__(number, world, 12, 8080)
        self.held = collections.deque(maxlen=HEARD_MAX)  # [begin, end or None, node]
        self.connection = None
        self.ports = collections.deque(maxlen=HEARD_MAX)  # of its connections, here

    def marks(self):
        return [f"_{port}" for port in self.ports]

    async def live(self):
        await self.pause(self.rng.random() * self.world.spread_s)
        node = None
        while self.ended is None:
            node = self.rng.choice([x for x in self.world.nodes if x is not node])
            try:
                await asyncio.wait_for(self.connect(node), PATIENCE_S)
            except FAILURES:
                self.world.count["connects that failed"] += 1
            else:
                await self.until_lost(node)
                if self.ended is None:
                    self.world.count["connections lost"] += 1
            if self.connection:
                self.connection.close()
                self.connection = None
            await self.pause(self.rng.uniform(*RECONNECT_S))

    async def connect(self, node):
        self.told_to_leave = asyncio.Event()
        self.connection = x = await connect_sdk(
            node.sdk_port, host=node.host.address, on_request=self.on_request
        )
        self.ports.append(x.transport.get_extra_info("sockname")[1])
        kind, body = await x.call("InstanceRequest", registration(self.service, self.ip, self.port))
        if kind != "InstanceResponse" or not body["success"]:
            raise CallFailed(0, f"{kind} {body}")
        now = time.monotonic()
        self.held.append([now, None, node])
        self.born = self.born or now
        self.world.count["connections"] += 1

    def on_request(self, kind, body):
        if kind == "ConnectResetRequest":
            self.told_to_leave.set()

    async def until_lost(self, node):
        x, failed = self.connection, 0
        due = time.monotonic() + HEALTH_CHECK_S
        while self.ended is None and not self.told_to_leave.is_set():
            if x.lost.done() or x.stream_end.done():
                break
            await asyncio.sleep(0.05)
            if time.monotonic() < due:
                continue
            try:
                await asyncio.wait_for(x.call("HealthCheckRequest", {}), PATIENCE_S)
                failed, due = 0, time.monotonic() + HEALTH_CHECK_S
            except FAILURES:
                failed += 1
                if failed == HEALTH_CHECKS:
                    break
        self.held[-1][1] = time.monotonic()

    def end(self):
        """Its process is killed: the node's kernel hears of it at once."""
        self.ended = time.monotonic()
        if self.connection:
            self.connection.close()

    def node(self):
        """Where it is connected, or None."""
        return self.held[-1][2] if self.held and self.held[-1][1] is None else None

    def last_sign(self):
        return (self.held[-1][1] or time.monotonic()) if self.held else self.born

    def describe(self, now):
        held = ", ".join(
            f"{node.name} since {ago(now, begin)}" + (f" until {ago(now, end)}" if end else "")
            for begin, end, node in list(self.held)[:-5:-1]
        )
        return f"connected to {held or 'none'}"
