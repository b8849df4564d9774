"""What every SDK has to find at a node. A test is a sentence; its function gets a Case."""

import contextlib
import dataclasses
import json
import pathlib
import tempfile
import time

from clients import Client
from processes import Failed, Node, check, check_equal, eventually

PUSH_WITHIN_S = 1.0
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
    metadata: dict = dataclasses.field(
        default_factory=lambda: {"version": "1.0", "sign": "a=b&c d+e%f,ü", "zone": "north"}
    )

    def with_(self, **changes):
        return dataclasses.replace(self, **changes)

    def grouped_name(self):
        return f"{self.group}@@{self.service}"

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
            "healthy": True,
            "enabled": True,
            "ephemeral": True,
            "clusterName": self.cluster,
            "serviceName": self.grouped_name(),
            "metadata": self.metadata,
            "instanceHeartBeatInterval": 5000,
            "instanceHeartBeatTimeOut": 15000,
            "ipDeleteTimeout": 30000,
        }

    def is_it(self, host):
        return (host["ip"], host["port"]) == (self.ip, self.port)


SHOP = Instance()
NEIGHBOUR = Instance(ip="10.20.30.41", weight=1.0, metadata=PATIENT)


class Case:
    """One run of one test: its node, its clients, their files."""

    def __init__(self, kit, nacre, build, label):
        self.kit = kit
        self.nacre = nacre
        self.build = pathlib.Path(build)
        self.label = label
        self.clients = []
        self.node = None

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            folder = tempfile.TemporaryDirectory(prefix=self.label, dir=self.build / "work")
            self.folder = pathlib.Path(stack.enter_context(folder))
            stack.callback(self.kill_what_runs)
            self.stack = stack
            self.node = Node(self.nacre, self.folder, self.log("nacre"))
            self.node.start()
            self.stack = stack.pop_all()
        return self

    def __exit__(self, kind, error, _):
        with self.stack:
            if error is None:
                for client in self.clients:
                    if client.process.poll() is None:
                        client.quit()
                self.node.stop()
            elif self.node.process.poll() is None:
                with contextlib.suppress(OSError):
                    self.node.log.write(f"history: {self.node.history(SHOP)}\n".encode())

    def kill_what_runs(self):
        for x in (*self.clients, self.node):
            if x and x.process and x.process.poll() is None:
                x.kill()

    def log(self, role):
        path = self.build / "logs" / f"{self.label}-{role}.log"
        # Appended to by the process and by this program.
        return self.stack.enter_context(open(path, "ab", buffering=0))

    def client(self, role, namespace="public"):
        x = Client(self.log(role))
        self.clients.append(x)
        x.start(self.kit, self.node.address, namespace, self.folder / role)
        return x

    def subscriber(self, x):
        """A client that has heard of `x` already and is pushed to if its kind is."""
        subscriber = self.client("subscriber")
        before = time.monotonic()
        subscriber.do("subscribe", x, poll_every_s=POLL_EVERY_S)
        if self.kit.is_pushed_to:
            subscriber.hears("changed", lambda e: seen(e, x), before, 5, "the list as it is")
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
        check_equal(client.call("services", SHOP), [SHOP.service], "services of the group")
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
    changed = SHOP.with_(weight=5.0, metadata={**SHOP.metadata, "zone": "south"})
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


# The long ones first: all run side by side.
ALL = (
    ("an instance stays listed and healthy for 40 s while its client beats", stays_healthy, "any"),
    (
        "the instance of a killed client turns unhealthy, then goes; a subscriber hears of both",
        is_dropped_when_killed,
        "any",
    ),
    (
        "an instance is back after the node was killed and started empty",
        comes_back_after_restart,
        "any",
    ),
    ("a subscriber hears of every change within 1 s by push", hears_by_push, "pushed"),
    ("a listener fires once for every change", hears_by_polls, "polling"),
    (
        "a registered instance is listed whole, a deregistered one is gone",
        registers_and_deregisters,
        "any",
    ),
    ("an update outlasts beats that tell the old values", updates_outlast_beats, "polling"),
    ("a beat alone registers an instance", a_beat_alone_registers, "polling"),
    ("an omitted cluster is named None and stays so", omitted_cluster_is_named_none, "polling"),
)


def of(kit):
    """The tests for a kit: name and function."""
    kind = "pushed" if kit.is_pushed_to else "polling"
    return [(name, function) for name, function, whose in ALL if whose in ("any", kind)]
