"""Clients that write, delete and read keys at all nodes, each request at one by chance. A key is a
persistent service, its value the metadata `v` of its one instance."""

import asyncio
import collections
import json
import random
import time
from urllib.parse import quote

from history import ABSENT
from member import FAILURES, Http

INSTANCE = "/nacos/v1/ns/instance"
# A node gives up after 3 s and says so.
PATIENCE_S = 4.0
ROTATE_S = 3.0  # then keys are fresh ones: porcupine judges short histories
KNOCK_EVERY_S = 0.25
PAUSE_S = 0.01  # of a client between two requests, in the mean
KINDS = {"write": 5, "delete": 1, "read": 4}


def query_of(key):
    return f"serviceName={key}&ip=10.0.0.1&port=80&ephemeral=false"


def value_in(body):
    """None if it is no list of one instance that a client here wrote."""
    hosts = json.loads(body)["hosts"]
    if not hosts:
        return ABSENT
    value = hosts[0]["metadata"].get("v", "")
    return int(value) if len(hosts) == 1 and value.isdigit() else None


async def ask_once(node, method, target):
    """Over a connection of its own: over one that is kept a request is sent again if that turns out
    to have ended, and a write must not take effect twice."""
    http = Http(node.http.host, node.http.port)
    try:
        return await http.ask(method, target, PATIENCE_S)
    finally:
        for _, writer in http.idle:
            writer.close()


class Load:
    def __init__(self, world):
        self.world, self.history = world, world.history
        self.linearizable = world.options.reads == "linearizable"
        self.began = time.monotonic()
        self.last_acknowledged = self.began
        self.values = 0
        self.key_of = {}  # value -> the key for which it was made
        self.count = collections.Counter()
        self.stopping = False

    def fresh_key(self, rng):
        era = int((time.monotonic() - self.began) / ROTATE_S)
        return f"k{era}-{rng.randrange(self.world.options.keys)}"

    async def live(self, client):
        """One client, until all stop."""
        rng = random.Random(f"{self.world.options.seed} client {client}")
        node = rng.choice(self.world.nodes)
        while not self.stopping:
            await asyncio.sleep(rng.expovariate(1 / PAUSE_S))
            kind = rng.choices(list(KINDS), KINDS.values())[0]
            key = self.fresh_key(rng)
            if kind == "read":
                is_answered = await self.read(client, node, key) is not None
            else:
                is_answered = await self.change(client, node, key, kind)
            others = [x for x in self.world.nodes if x is not node]
            node = rng.choice(self.world.nodes if is_answered else others)

    async def knock(self, client):
        """Writes to all nodes all the time. Clients may all wait for a node that can't answer; here
        nothing waits, so that it is seen from when on writes are acknowledged."""
        rng = random.Random(f"{self.world.options.seed} client {client}")
        under_way = set()
        while not self.stopping:
            for node in self.world.nodes:
                task = asyncio.create_task(self.change(client, node, self.fresh_key(rng), "write"))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            await asyncio.sleep(KNOCK_EVERY_S)
        await asyncio.gather(*under_way)

    # -- writes and deletes ----------------------------------------------------------------------

    async def change(self, client, node, key, kind):
        """Whether it was acknowledged."""
        method, query, value = "DELETE", query_of(key), ABSENT
        if kind == "write":
            self.values += 1
            value = self.values
            self.key_of[value] = key
            method, query = "POST", f"{query}&metadata={quote(f'v={value}', safe='')}"
        call = time.monotonic_ns()
        outcome = await self.outcome_of(node, method, f"{INSTANCE}?{query}")
        returned = time.monotonic_ns()
        self.count[f"{kind}s {outcome}"] += 1
        if outcome == "acknowledged":
            self.last_acknowledged = time.monotonic()
            self.history.add(kind, key, value, client, call, returned)
        elif outcome == "unknown":
            self.history.add(kind, key, value, client, call, None)
        return outcome == "acknowledged"

    async def outcome_of(self, node, method, target):
        try:
            status, body = await ask_once(node, method, target)
        except ConnectionRefusedError:
            return "refused"  # nobody listens
        except FAILURES:
            return "unknown"
        if (status, body) == (200, b"ok"):
            return "acknowledged"
        if status != 503:
            self.world.complain(f"{node.name} answers {method} {target} with {status} {body}")
        # Before it looks at the request.
        return "refused" if body.startswith(b"server is STARTING") else "unknown"

    # -- reads -----------------------------------------------------------------------------------

    async def read(self, client, node, key):
        """The value, None if there is none. Reads that are not linearizable are no part of the
        history."""
        call = time.monotonic_ns()
        value = await self.value_at(node, key)
        if value is None:
            self.count["reads failed"] += 1
        else:
            self.count["reads"] += 1
            if self.linearizable:
                self.history.add("read", key, value, client, call, time.monotonic_ns())
        return value

    async def read_last(self, client, node, key):
        """Part of the history in any case: nothing is on its way any more."""
        call = time.monotonic_ns()
        value = await self.value_at(node, key)
        if value is not None:
            self.history.add("read", key, value, client, call, time.monotonic_ns())
        return value

    async def value_at(self, node, key):
        consistency = "&consistency=linearizable" if self.linearizable else ""
        target = f"{INSTANCE}/list?serviceName={key}{consistency}"
        try:
            status, body = await node.http.ask("GET", target, PATIENCE_S)
        except FAILURES:
            return None
        if status != 200:
            if status != 503:
                self.world.complain(f"{node.name} answers GET {target} with {status} {body}")
            return None
        value = value_in(body)
        if value is None or (value != ABSENT and self.key_of.get(value) != key):
            self.world.complain(f"{node.name} shows what nobody wrote to {key}: {body}")
        return value
