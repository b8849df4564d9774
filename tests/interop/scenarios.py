"""What every SDK has to find at a node. A test is a sentence; its function gets a Case."""

import contextlib
import dataclasses
import json
import pathlib
import tempfile
import time

from clients import Client
from processes import Failed, Node, check, check_equal, cluster, eventually
from watch import MOVED_WITHIN_S, Watch

PUSH_WITHIN_S = 1.0
# From the end of a client's connection to the last one who hears of it.
GONE_WITHIN_S = 2.0
POLL_EVERY_S = 0.5
BEAT_EVERY_S = 5.0
# Nacos looks every 5 s whether beats are overdue; 1 s for slow machines.
OVERDUE_LATEST_S = 5.0 + 1.0
# Outlives any test without beats.
PATIENT = {"preserved.heart.beat.timeout": "600000", "preserved.ip.delete.timeout": "600000"}


@dataclasses.dataclass(frozen=True)
class Instance:
    service: str = "orders.service"
    group: str = "INTEROP"
    ip: str = "10.20.30.40"
    port: int = 8080
    cluster: str | None = "DEFAULT"
    weight: float = 2.5
    healthy: bool = True
    metadata: dict = dataclasses.field(
        default_factory=lambda: {"version": "1.0", "sign": "a=b&c d+e%f,ü", "zone": "north"}
    )
    # Told to drivers only if it is so.
    persistent: bool | None = None

    def with_(self, **changes):
        return dataclasses.replace(self, **changes)

    def grouped_name(self):
        return f"{self.group}@@{self.service}"

    def in_zone(self, zone):
        return self.with_(metadata={**self.metadata, "zone": zone})

    def command(self):
        return {k: v for k, v in dataclasses.asdict(self).items() if v is not None}

    def form(self):
        return {
            "serviceName": self.service,
            "groupName": self.group,
            "ip": self.ip,
            "port": self.port,
            "clusterName": self.cluster,
            "weight": self.weight,
            "metadata": json.dumps(self.metadata),
        }

    def host(self):
        """The whole of what a list shows of it."""
        return {
            "instanceId": f"{self.ip}#{self.port}#{self.cluster}#{self.grouped_name()}",
            "ip": self.ip,
            "port": self.port,
            "weight": self.weight,
            "healthy": self.healthy,
            "enabled": True,
            "ephemeral": not self.persistent,
            "clusterName": self.cluster,
            "serviceName": self.grouped_name(),
            "metadata": self.metadata,
            "instanceHeartBeatInterval": 5000,
            "instanceHeartBeatTimeOut": self.term("preserved.heart.beat.timeout", 15000),
            "ipDeleteTimeout": self.term("preserved.ip.delete.timeout", 30000),
        }

    def term(self, key, default):
        return int(self.metadata.get(key, default))

    def is_it(self, host):
        return (host["ip"], host["port"]) == (self.ip, self.port)


SHOP = Instance()
NEIGHBOUR = Instance(ip="10.20.30.41", weight=1.0, metadata=PATIENT)


class Case:
    """One run of one test: its nodes, its clients, their files."""

    def __init__(self, kit, nacre, build, label, size=1):
        self.kit = kit
        self.nacre = nacre
        self.build = pathlib.Path(build)
        self.label = label
        self.size = size
        self.clients = []
        self.nodes = []

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            folder = tempfile.TemporaryDirectory(prefix=self.label, dir=self.build / "work")
            self.folder = pathlib.Path(stack.enter_context(folder))
            stack.callback(self.kill_what_runs)
            self.stack = stack
            self.make_nodes()
            for node in self.nodes:
                node.launch()
            for node in self.nodes:
                node.await_ready()
            self.stack = stack.pop_all()
        return self

    def make_nodes(self):
        if self.size == 1:
            self.nodes = [Node(self.nacre, self.folder, self.log("nacre"))]
        else:
            logs = [self.log(f"nacre-{number}") for number in range(1, self.size + 1)]
            self.nodes = cluster(self.nacre, self.folder, logs)

    @property
    def node(self):
        return self.nodes[0]

    def __exit__(self, kind, error, _):
        with self.stack:
            try:
                if error is None:
                    for client in self.clients:
                        if client.process.poll() is None:
                            client.quit()
                    for node in self.nodes:
                        node.stop()
                else:
                    self.note_histories()
            finally:
                # While their logs are open.
                self.kill_what_runs()

    def note_histories(self):
        for node in self.nodes:
            if node.process.poll() is None:
                with contextlib.suppress(OSError):
                    node.log.write(f"history: {node.history(SHOP)}\n".encode())

    def kill_what_runs(self):
        for x in (*self.clients, *self.nodes):
            if x.process and x.process.poll() is None:
                x.kill()

    def log(self, role):
        path = self.build / "logs" / f"{self.label}-{role}.log"
        # Appended to by the process and by this program.
        return self.stack.enter_context(open(path, "ab", buffering=0))

    def client(self, role, namespace="public"):
        x = Client(self.log(role))
        self.clients.append(x)
        addresses = ",".join(node.address for node in self.nodes)
        x.start(self.kit, addresses, namespace, self.folder / role)
        return x

    def subscriber(self, x):
        """A client that has heard of `x` already and is pushed to if its kind is."""
        subscriber = self.client("subscriber")
        before = time.monotonic()
        subscriber.do("subscribe", x, poll_every_s=POLL_EVERY_S)
        if self.kit.is_pushed_to:
            subscriber.hears("changed", lambda e: seen(e, x), before, 5, "the list as it is")
            if self.size == 1:
                check_equal(len(self.node.subscribers(x)), 1, "subscribers the node knows")
        return subscriber


def seen(event, x):
    """What an event says of `x`: its host, False if it is gone, None if it says nothing."""
    if "host" in event:
        if not x.is_it(event["host"]):
            return None
        return False if event["what"] == "DELETED" else event["host"]
    return next((host for host in event["hosts"] if x.is_it(host)), False)


def same(client_host, host):
    """Whether a client's object says what the node's list says; some add fields of their own."""
    return all(client_host.get(key) == value for key, value in host.items())


def for_a_while(seconds, probe, every_s=0.1):
    """Runs a check again and again. @returns how often"""
    deadline = time.monotonic() + seconds
    times = 0
    while time.monotonic() < deadline:
        probe()
        times += 1
        time.sleep(every_s)
    return times


def registers_and_deregisters(case):
    node, client = case.node, case.client("client", namespace="interop-blue")
    if case.kit.is_pushed_to:
        check_equal(client.call("status"), "UP", "status of the server")
    client.do("register", SHOP)
    check_equal(node.hosts(SHOP, "interop-blue"), [SHOP.host()], "list after registration")
    check_equal(node.hosts(SHOP), [], "the same name in the public namespace")
    listed = client.call("list", SHOP)
    check(len(listed) == 1 and same(listed[0], SHOP.host()), f"the client's own list: {listed}")
    if case.kit.language == "java":
        page = client.call("services", SHOP, page=1, size=100)
        check_equal(page, {"count": 1, "names": [SHOP.service]}, "services of the group")
    client.do("deregister", SHOP)

    def is_gone():
        check_equal(node.hosts(SHOP, "interop-blue"), [], "list after deregistration")

    # Also after a beat that was not called off in time.
    for_a_while(BEAT_EVERY_S + 1, is_gone)


def stays_healthy(case):
    node, client = case.node, case.client("client")
    client.do("register", SHOP)

    def is_listed():
        check_equal(node.hosts(SHOP), [SHOP.host()], "list while the client beats")

    samples = for_a_while(40, is_listed)
    beats = client.heard("beat")
    check(len(beats) >= 6, f"only {len(beats)} beats in 40 s")
    # Java leaves out what the node knows once the node has told that it may.
    check(beats[-1].get("light", True), "the last beats are not light ones")
    return f"{samples} samples, {len(beats)} beats"


def hears_by_push(case):
    node = case.node
    node.write("POST", NEIGHBOUR)
    subscriber = case.subscriber(NEIGHBOUR)
    # The client asks 1 s after it subscribed, then 10 s later: time for changes between. Answers
    # come within milliseconds; a slow one would let the test fail, not pass.
    eventually(lambda: len(subscriber.heard("query")) == 2, 5, "the second query of the client")
    time.sleep(0.2)
    times = []

    def change(method, x, fits, what, **changes):
        since = time.monotonic()
        node.write(method, x, **changes)
        event = subscriber.hears("changed", fits, since, PUSH_WITHIN_S, what)
        check_equal(event["by"], "push", f"what brought the news ({what})")
        check_equal(subscriber.heard("query", since), [], f"queries before the news ({what})")
        times.append(event["at"] - since)

    # With this text a datagram has more than 1 kB, which is where compression begins.
    shop = SHOP.with_(metadata={**PATIENT, "text": "long" * 200})
    change("POST", shop, lambda e: seen(e, shop), "a new instance")
    change("PUT", shop, lambda e: seen(e, shop)["weight"] == 7.0, "another weight", weight=7)
    change("PUT", shop, lambda e: not seen(e, shop), "a disabled instance", enabled="false")
    change("PUT", shop, lambda e: seen(e, shop), "an enabled instance", enabled="true")
    change("DELETE", shop, lambda e: not seen(e, shop), "a deregistered instance")
    if case.kit.hears_of_empty_lists:
        change("DELETE", NEIGHBOUR, lambda e: not e["hosts"], "an empty list")
    check_acks_are_understood(subscriber)
    return "heard after " + ", ".join(f"{1000 * t:.0f}" for t in times) + " ms"


def check_acks_are_understood(subscriber):
    """A node that cannot read an ack sends the datagram again after its 10 s."""

    def has_no_repetition():
        numbers = [e["number"] for e in subscriber.heard("datagram")]
        check_equal(len(numbers), len(set(numbers)), f"datagrams without repetition of {numbers}")

    for_a_while(11, has_no_repetition)


def hears_by_polls(case):
    node = case.node
    node.write("POST", NEIGHBOUR)
    subscriber = case.subscriber(NEIGHBOUR)
    shop = SHOP.with_(metadata=PATIENT)
    steps = (
        ("POST", {}, "ADDED", SHOP.weight),
        ("PUT", {"weight": 7}, "MODIFIED", 7.0),
        ("DELETE", {}, "DELETED", 7.0),
    )
    start = time.monotonic()
    for method, changes, what, weight in steps:
        since = time.monotonic()
        node.write(method, shop, **changes)
        event = subscriber.hears("changed", lambda e: True, since, POLL_EVERY_S + 1, what)
        seen_now = event["what"], event["host"]["ip"], event["host"]["weight"]
        check_equal(seen_now, (what, shop.ip, weight), f"event after {method}")
    # Its listeners fire when any field of a host changes, so none may without cause.
    for_a_while(3, lambda: check_equal(len(subscriber.heard("changed", start)), 3, "events"))


def let_beat(client):
    """Waits for a moment at which the client beats as it will from now on and no beat is under
    way: the last one was 1 s ago, the next is 4 s away."""
    since = time.monotonic()
    eventually(lambda: any(e.get("light", True) for e in client.heard("beat", since)), 20, "a beat")
    time.sleep(1)


def comes_back_after_restart(case):
    node, client = case.node, case.client("client")
    client.do("register", SHOP)
    subscriber = case.subscriber(SHOP) if case.kit.is_pushed_to else None
    let_beat(client)
    node.kill()
    node.start()
    since = time.monotonic()
    back = eventually(lambda: node.hosts(SHOP), 2 * BEAT_EVERY_S, "the instance is back")
    took_s = time.monotonic() - since
    check_equal(back, [SHOP.host()], "the instance that came back")
    if case.kit.is_pushed_to:
        registrations = len(client.heard("registers"))
        wanted = 2 if case.kit.registers_anew else 1
        check_equal(registrations, wanted, "registrations the client sent")
    note = f"back after {took_s:.1f} s"
    if subscriber:
        # Java asks at longer and longer intervals while it gets no answer or an empty list.
        eventually(lambda: node.subscribers(SHOP), 30, "the subscription is back")
        note += f", push after {1000 * hears_by_push_again(node, subscriber):.0f} ms"
    return note


def outlives_client_and_node(case):
    """What is persistent needs neither its client nor this run of the node."""
    x = SHOP.with_(service="kept.service", persistent=True)
    client = case.client("client")
    client.do("register", x)
    for node in case.nodes:
        eventually(lambda n=node: n.hosts(x) == [x.host()], 2, f"it is listed by {node.address}")
    client.kill()
    for node in case.nodes:
        node.kill()
    for node in case.nodes:
        node.launch(same_data=True)
    for node in case.nodes:
        node.await_ready()
        check_equal(node.hosts(x), [x.host()], f"what {node.address} lists after the restart")
    again = case.client("again")
    again.do("deregister", x)
    for node in case.nodes:
        eventually(lambda n=node: n.hosts(x) == [], 2, f"it is gone at {node.address}")
    return f"{len(case.nodes)} nodes"


def operators_word_holds(case):
    """A weight that an operator gave holds when the client registers anew and nodes restart."""
    client = case.client("client")
    client.do("register", SHOP)
    weighed = SHOP.with_(weight=7.0)
    for node in case.nodes:
        eventually(lambda n=node: n.hosts(SHOP) == [SHOP.host()], 5, "it is listed")
    case.nodes[-1].write("PUT", weighed)
    for node in case.nodes:
        eventually(lambda n=node: n.hosts(SHOP) == [weighed.host()], 2, "the weight is shown")
    for node in case.nodes:
        node.kill()
    for node in case.nodes:
        node.launch(same_data=True)
    for node in case.nodes:
        node.await_ready()
    for node in case.nodes:
        eventually(
            lambda n=node: n.hosts(SHOP) == [weighed.host()], 60,
            f"it is back at {node.address} with the weight that the operator gave",
        )
    return f"{len(case.nodes)} nodes"


def hears_by_push_again(node, subscriber):
    """Adds an instance. When the client asks by itself is not known here, so that a query may
    bring the news first; it cannot do so three times. @returns seconds till the news came"""
    for last_byte in (51, 52, 53):
        x = NEIGHBOUR.with_(ip=f"10.20.30.{last_byte}")
        since = time.monotonic()
        node.write("POST", x)
        event = subscriber.hears("changed", lambda e: seen(e, x), since, PUSH_WITHIN_S, x)
        if event["by"] == "push":
            return event["at"] - since
    raise Failed("only queries bring news after the restart")


def is_dropped_when_killed(case):
    node = case.node
    # Node's client takes no empty list for news, so that somebody has to stay.
    node.write("POST", NEIGHBOUR)
    subscriber = case.subscriber(NEIGHBOUR)
    client = case.client("client")
    start = time.monotonic()
    client.do("register", SHOP)
    hears_within_s = PUSH_WITHIN_S + (0 if case.kit.is_pushed_to else POLL_EVERY_S)
    subscriber.hears("changed", lambda e: seen(e, SHOP), start, hears_within_s, "the instance")
    let_beat(client)
    client.kill()
    last_beat = client.heard("beat")[-1]["at"]

    def state():
        host = next((x for x in node.hosts(SHOP) if SHOP.is_it(x)), None)
        return "gone" if host is None else "healthy" if host["healthy"] else "unhealthy"

    note = []
    for wanted, before, due_s in (("unhealthy", "healthy", 15), ("gone", "unhealthy", 30)):
        # Every state on the way is looked at: nothing may come too early, late or twice.
        while (now := state()) == before:
            after_s = time.monotonic() - last_beat
            check(after_s < due_s + OVERDUE_LATEST_S, f"still {before} {after_s:.1f} s after beat")
            time.sleep(0.02)
        changed = time.monotonic()
        after_s = changed - last_beat
        check(now == wanted and after_s > due_s - 0.5, f"{now} {after_s:.1f} s after its last beat")
        event = subscriber.hears(
            "changed", lambda e: told(e) == wanted, changed - 1, 1 + hears_within_s, wanted
        )
        by = f" by {event['by']}" if case.kit.is_pushed_to else ""
        note.append(f"{wanted} {after_s:.1f} s after its last beat, heard{by}")
    states = [told(e) for e in subscriber.heard("changed", start) if told(e)]
    check_equal(states, ["healthy", "unhealthy", "gone"], "what the subscriber heard")
    return "; ".join(note)


def told(event):
    """State of SHOP as an event tells it; nothing if the event is not about it."""
    host = seen(event, SHOP)
    if host is None:
        return None
    return "gone" if host is False else "healthy" if host["healthy"] else "unhealthy"


def a_beat_alone_registers(case):
    node, client = case.node, case.client("client")
    wanted = "NacosException: Request Error, code is 404"
    check_equal(client.refusal("get", SHOP), wanted, "an instance nobody registered")
    answer = {"clientBeatInterval": 5000, "code": 10200, "lightBeatEnabled": True}
    check_equal(client.call("beat", SHOP), answer, "answer to a first beat")
    check_equal(node.hosts(SHOP), [SHOP.host()], "list after a beat")
    check_equal(client.call("beat", SHOP), answer, "answer to a second beat")
    check_equal(client.call("list", SHOP), [SHOP.host()], "list after two beats")


def updates_outlast_beats(case):
    node, client = case.node, case.client("client")
    client.do("register", SHOP, beat_every_s=0.5)
    changed = SHOP.in_zone("south").with_(weight=5.0)
    client.do("modify", SHOP, weight=5, metadata={"zone": "south"})
    since = time.monotonic()

    def is_changed():
        check_equal(node.hosts(SHOP), [changed.host()], "list while beats tell the old weight")
        return len(client.heard("beat", since)) >= 4

    eventually(is_changed, 10, "four more beats")
    detail = {
        "service": SHOP.grouped_name(),
        "ip": SHOP.ip,
        "port": SHOP.port,
        "clusterName": "DEFAULT",
        "weight": 5.0,
        "healthy": True,
        "instanceId": SHOP.host()["instanceId"],
        "metadata": changed.metadata,
    }
    check_equal(client.call("get", SHOP), detail, "the instance alone")
    client.do("modify", SHOP, weight=5, enable=False)
    check_equal(node.hosts(SHOP), [], "list without the disabled instance")
    client.do("modify", SHOP, weight=5, enable=True)
    check_equal(len(node.hosts(SHOP)), 1, "hosts after it was enabled again")
    client.do("deregister", SHOP)
    check_equal(node.hosts(SHOP), [], "list after deregistration")


def omitted_cluster_is_named_none(case):
    """The SDK writes Python's None into the form; a Nacos keeps it as a name, and beats, which
    tell no cluster, do not move the instance."""
    node, client = case.node, case.client("client")
    client.do("register", SHOP.with_(cluster=None), beat_every_s=0.5)

    def is_unmoved():
        check_equal(node.hosts(SHOP), [SHOP.with_(cluster="None").host()], "list")
        return len(client.heard("beat")) >= 4

    eventually(is_unmoved, 10, "four beats")


BLUE = "interop-blue"
STOCK = SHOP.with_(service="stock.service")
USERS = SHOP.with_(service="users.service")
SHOP_IN_THE_SOUTH = SHOP.in_zone("south")
# Nacos asks whoever is silent for 20 s whether he lives.
IDLE_FOR_S = 25.0


def by_address(hosts):
    return sorted(hosts, key=lambda host: (host["ip"], host["port"]))


def check_listed(node, wanted, what, namespace="public"):
    """All that a node lists of a service, which is that of the first instance."""
    listed = by_address(node.hosts(wanted[0], namespace))
    check_equal(listed, by_address(x.host() for x in wanted), what)


def told_whole(kit, client_host, x):
    """Whether a client's object tells of an instance all that its kind can tell."""
    host = {key: value for key, value in x.host().items() if key not in kit.host_lacks}
    return same(client_host, host)


def check_own_list(kit, client, do, wanted):
    """What the client lists. Some SDKs answer from what was pushed to them."""
    deadline = time.monotonic() + PUSH_WITHIN_S
    while True:
        listed = by_address(client.call(do, wanted[0]))
        if len(listed) == len(wanted):
            if all(told_whole(kit, *pair) for pair in zip(listed, wanted, strict=True)):
                return
        check(time.monotonic() < deadline, f"{do} by the client: {listed}\n  wanted {wanted}")
        time.sleep(0.05)


def register_batch(client, instances):
    commands = [x.command() for x in instances]
    client.do("batch", instances[0], instances=commands)


def publishes_and_queries(case):
    kit, node, client = case.kit, case.node, case.client("client", namespace=BLUE)
    client.do("register", SHOP)
    check_listed(node, [SHOP], "list after registration", BLUE)
    check_equal(node.hosts(SHOP), [], "the same name in the public namespace")
    check_own_list(kit, client, "list", [SHOP])
    client.do("register", SHOP_IN_THE_SOUTH)
    check_listed(node, [SHOP_IN_THE_SOUTH], "list after registration with other metadata", BLUE)
    check_own_list(kit, client, "list", [SHOP_IN_THE_SOUTH])

    for x in (STOCK, USERS):
        client.do("register", x)
    if kit.registers_batches:
        batch = [STOCK.with_(port=port, healthy=port != 8082) for port in (8081, 8082, 8083)]
        register_batch(client, batch)
        check_listed(node, batch, "list after a batch, which replaces what was before", BLUE)
        check_own_list(kit, client, "list", batch)
        check_own_list(kit, client, "select", [batch[0], batch[2]])
        register_batch(client, batch[:2])
        check_listed(node, batch[:2], "list after a smaller batch", BLUE)
        check_own_list(kit, client, "list", batch[:2])

    names = []
    for number, length in ((1, 2), (2, 1), (3, 0)):
        page = client.call("services", SHOP, page=number, size=2)
        check_equal(page["count"], 3, f"number of services, told by page {number}")
        check_equal(len(page["names"]), length, f"length of page {number}")
        names += page["names"]
    check_equal(sorted(names), sorted(x.service for x in (SHOP, STOCK, USERS)), "services")

    client.do("deregister", SHOP)
    check_equal(node.hosts(SHOP, BLUE), [], "list after deregistration")
    check(node.hosts(USERS, BLUE), "what is still registered is gone")
    client.quit()

    def are_gone():
        return not any(node.hosts(x, BLUE) for x in (SHOP, STOCK, USERS))

    eventually(are_gone, GONE_WITHIN_S, "gone with the connection")


def hears_by_stream(case):
    kit, node = case.kit, case.node
    node.write("POST", NEIGHBOUR)
    subscriber = case.subscriber(NEIGHBOUR)
    client = case.client("client")
    times = []

    def change(act, fits, what):
        since = time.monotonic()
        act()
        event = subscriber.hears("changed", fits, since, PUSH_WITHIN_S, what)
        times.append(event["at"] - since)

    def shows(*wanted):
        def fits(event):
            hosts = by_address(event["hosts"])
            return len(hosts) == len(wanted) and all(map(told_whole, [kit] * 9, hosts, wanted))

        return fits

    heavier = NEIGHBOUR.with_(weight=7.0)
    change(lambda: client.do("register", SHOP), shows(SHOP, NEIGHBOUR), "a new instance")
    change(
        lambda: client.do("register", SHOP_IN_THE_SOUTH),
        shows(SHOP_IN_THE_SOUTH, NEIGHBOUR),
        "other metadata",
    )
    change(
        lambda: node.write("PUT", NEIGHBOUR, weight=7),
        shows(SHOP_IN_THE_SOUTH, heavier),
        "a change by HTTP",
    )
    change(lambda: client.do("deregister", SHOP), shows(heavier), "a deregistered instance")
    if kit.hears_of_empty_lists:
        change(lambda: node.write("DELETE", NEIGHBOUR), shows(), "an empty list")

    subscriber.do("unsubscribe", NEIGHBOUR)
    if kit.unsubscribes_at_the_node:
        eventually(lambda: not node.subscribers(NEIGHBOUR), PUSH_WITHIN_S, "no subscriber is left")
    since = time.monotonic()
    client.do("register", SHOP)
    for_a_while(
        2 * PUSH_WITHIN_S,
        lambda: check_equal(subscriber.heard("changed", since), [], "heard after unsubscribing"),
    )
    return "heard after " + ", ".join(f"{1000 * t:.0f}" for t in times) + " ms"


def comes_back_by_redo(case):
    kit, node, client = case.kit, case.node, case.client("client")
    client.do("register", SHOP)
    batch = [STOCK.with_(port=port) for port in (8081, 8082)]
    if kit.registers_batches:
        register_batch(client, batch)
    subscriber = case.subscriber(SHOP)
    node.kill()
    node.start(same_data=True)
    since = time.monotonic()

    def eventually_back(probe, what):
        eventually(probe, since + kit.is_back_within_s - time.monotonic(), what)
        return f"{what} back after {time.monotonic() - since:.1f} s"

    notes = [eventually_back(lambda: node.hosts(SHOP), "instance")]
    check_listed(node, [SHOP], "the instance that came back")
    if kit.registers_batches:
        notes.append(eventually_back(lambda: node.hosts(STOCK), "batch"))
        check_listed(node, batch, "the batch that came back")
    notes.append(eventually_back(lambda: node.subscribers(SHOP), "subscription"))
    start = time.monotonic()
    client.do("register", SHOP_IN_THE_SOUTH)
    subscriber.hears(
        "changed",
        lambda e: told_whole(kit, seen(e, SHOP) or {}, SHOP_IN_THE_SOUTH),
        start,
        PUSH_WITHIN_S,
        "other metadata",
    )
    return ", ".join(notes)


def goes_with_its_connection(case):
    node = case.node
    node.write("POST", NEIGHBOUR)
    subscriber = case.subscriber(NEIGHBOUR)
    client = case.client("client")
    start = time.monotonic()
    client.do("register", SHOP)
    subscriber.hears("changed", lambda e: seen(e, SHOP), start, PUSH_WITHIN_S, "the instance")
    for_a_while(IDLE_FOR_S, lambda: check_listed(node, [SHOP, NEIGHBOUR], "list while idle"))
    changes = len(subscriber.heard("changed", start))
    check_equal(changes, 1, "number of changes heard while there was one")

    since = time.monotonic()
    client.kill()
    eventually(lambda: len(node.hosts(SHOP)) == 1, GONE_WITHIN_S, "gone with its client")
    gone_s = time.monotonic() - since
    check_listed(node, [NEIGHBOUR], "list without the client")
    event = subscriber.hears(
        "changed", lambda e: not seen(e, SHOP), since, GONE_WITHIN_S, "the instance is gone"
    )
    check(seen(event, NEIGHBOUR), "the neighbour is gone as well")
    return f"gone after {1000 * gone_s:.0f} ms, heard after {1000 * (event['at'] - since):.0f} ms"


# Changes of one client are told to other nodes once per second at most.
SPREAD_WITHIN_S = 2.0
# A 1.x client, which thereby subscribes.
QUERY_EVERY_S = 10.0
# From one node's death to the next one's.
ROUND_S = 22.0
# How long a killed node stays away: for more than the 15 s for which others keep the connections of
# a dead one (if it comes back, from then on), for less, and hardly at all.
AWAY_S = (17.0, 5.0, 1.0)


def outlives_its_nodes(case):
    """Each node is killed once, those first that a client is connected to; in the end nobody is
    left who heard of the instance from its client first."""
    client = case.client("client")
    client.do("register", SHOP)
    for node in case.nodes:
        eventually(lambda node=node: node.hosts(SHOP), SPREAD_WITHIN_S, "known to every node")
    subscriber = case.subscriber(SHOP)

    def is_at(x, node):
        return any(e["to"] == node.address for e in x.heard("connected")[-1:])

    left = list(case.nodes)
    told = [SHOP]
    with Watch(case.nodes, subscriber, SHOP) as watch:
        for away_s in AWAY_S:
            victim = max(left, key=lambda node: (is_at(client, node), is_at(subscriber, node)))
            left.remove(victim)
            told.append(SHOP.in_zone(f"round {len(told)}"))
            lose_node(case, watch, victim, away_s, told[-1])
            check_never_missed(subscriber, told)
    for subscribed in (True, False):
        # Java's listeners are not told when the older of two with one address goes; lists tell.
        listed = subscriber.call("list", SHOP, subscribed=subscribed)
        check(len(listed) == 1 and same(listed[0], told[-1].host()), f"its list: {listed}")
    moves = [len(x.heard("connected")) - 1 for x in (client, subscriber)]
    if case.kit.protocol == "grpc":
        check(all(moves), f"a client never lost its node: {moves}")
        return f"{watch.summary()}, clients moved {moves[0]} and {moves[1]} times"
    return watch.summary()


def lose_node(case, watch, victim, away_s, x):
    """A node is killed and comes back; meanwhile, or after, its client tells of `x` anew."""
    client, subscriber = case.clients
    watch.kill(victim)
    killed = time.monotonic()
    changed = killed + MOVED_WITHIN_S
    steps = [
        (changed, lambda: client.do("register", x)),
        (killed + away_s, lambda: watch.start_again(victim)),
        (killed + ROUND_S, watch.check),
    ]
    for at, step in sorted(steps, key=lambda step: step[0]):
        time.sleep(max(at - time.monotonic(), 0))
        step()
    within_s = PUSH_WITHIN_S + SPREAD_WITHIN_S
    if case.kit.protocol == "http":
        # The node that pushed to it may be the dead one.
        within_s += QUERY_EVERY_S
    subscriber.hears("changed", lambda e: x in rows(e, [x]), changed, within_s, x)
    for node in case.nodes:
        check_listed(node, [x], "list when all are back")


def rows(event, known):
    """What an event says of SHOP, as instances of those `known`. There are two for as long as the
    lost connection of a dead node is kept, if the client has told something else since."""
    hosts = [host for host in event["hosts"] if SHOP.is_it(host)]
    return [x for x in known for host in hosts if same(host, x.host())]


def check_never_missed(subscriber, told):
    """Every list heard has the instance, and what was heard once is not followed by less."""
    latest = 0
    for event in subscriber.heard("changed"):
        now = [told.index(x) for x in rows(event, told)]
        check(now and len(now) == len(event["hosts"]), f"heard a list that is not so: {event}")
        check(max(now) >= latest, f"heard {told[max(now)]} after {told[latest]}")
        latest = max(now)
    check(latest == len(told) - 1, f"the last of {told} was not heard")


# The long ones first: all run side by side.
ALL = (
    (
        "an instance is never missed while each of three nodes is killed and comes back",
        outlives_its_nodes,
        "clusters",
    ),
    ("an instance stays listed and healthy for 40 s while its client beats", stays_healthy, "http"),
    (
        "the instance of a killed client turns unhealthy, then goes; a subscriber hears of both",
        is_dropped_when_killed,
        "http",
    ),
    (
        "an instance is back after the node was killed and started empty",
        comes_back_after_restart,
        "http",
    ),
    ("a persistent instance outlives its client and the node", outlives_client_and_node, "all"),
    ("an operator's weight holds over a restart", operators_word_holds, "all"),
    (
        "a persistent instance outlives its client and all three nodes",
        outlives_client_and_node,
        "clusters",
    ),
    ("an operator's weight holds over a restart of three nodes", operators_word_holds, "clusters"),
    ("a subscriber hears of every change within 1 s by push", hears_by_push, "pushed"),
    ("a listener fires once for every change", hears_by_polls, "polling"),
    (
        "a registered instance is listed whole, a deregistered one is gone",
        registers_and_deregisters,
        "http",
    ),
    ("an update outlasts beats that tell the old values", updates_outlast_beats, "polling"),
    ("a beat alone registers an instance", a_beat_alone_registers, "polling"),
    ("an omitted cluster is named None and stays so", omitted_cluster_is_named_none, "polling"),
    (
        "instances and subscription are back after the node was killed and started again",
        comes_back_by_redo,
        "grpc",
    ),
    (
        "an instance outlasts its client's idleness, not its death; a subscriber hears of that",
        goes_with_its_connection,
        "grpc",
    ),
    ("a subscriber hears of every change until it unsubscribes", hears_by_stream, "grpc"),
    (
        "instances, batches and services are registered, changed, listed, deregistered",
        publishes_and_queries,
        "grpc",
    ),
)


def of(kit):
    """The tests for a kit: name, function, number of nodes."""
    whose_it_takes = {"all", kit.protocol}
    if kit.protocol == "http":
        whose_it_takes.add("pushed" if kit.is_pushed_to else "polling")
    if kit.meets_clusters:
        whose_it_takes.add("clusters")
    return [
        (name, function, 3 if whose == "clusters" else 1)
        for name, function, whose in ALL
        if whose in whose_it_takes
    ]
