"""Plays the recorded UDP sessions: the same datagrams in content, sooner in time."""

import gzip
import json
import pathlib
import socket
import time

from processes import check, check_equal

VECTORS = pathlib.Path(__file__).resolve().parents[1] / "vectors" / "nacos-2.5.1" / "udp"
AGENT = {"User-Agent": "Nacos-Java-Client:v1.4.2"}

# The recorded servers had run for a while: nobody was on his way back after a restart.
ALL_BACK = "nacre.push.warm-up-ms=0"


class Subscriber:
    """A 1.x client: asks for the list with its port, receives and acknowledges."""

    def __init__(self, node, service, acknowledges):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.acknowledges = acknowledges
        self.node = node
        self.service = service
        status, _ = node.request(
            "GET",
            "/nacos/v1/ns/instance/list",
            headers=AGENT,
            serviceName=service,
            udpPort=self.socket.getsockname()[1],
            clientIP="127.0.0.1",
        )
        check_equal(status, 200, "the subscribing query")

    def receive(self, within_s):
        """@returns (bytes on the wire, datagram), or None"""
        self.socket.settimeout(max(within_s, 0.001))
        try:
            raw, sender = self.socket.recvfrom(65_536)
        except TimeoutError:
            return None
        packed = raw[:2] == b"\x1f\x8b"
        datagram = json.loads(gzip.decompress(raw) if packed else raw)
        if self.acknowledges:
            number = str(datagram["lastRefTime"])
            ack = {"type": "push-ack", "lastRefTime": number, "data": ""}
            self.socket.sendto(json.dumps(ack).encode(), sender)
        return raw, packed, datagram


def ordered(datagram):
    """What must be equal: all but the two times; hosts in any order, keys as recorded."""
    data = json.loads(datagram["data"])
    data.pop("lastRefTime")
    data["hosts"].sort(key=lambda host: host["instanceId"])
    return {"type": datagram["type"], "keys": sorted(datagram), "data": data}


def register(node, service, ip, metadata):
    form = {"serviceName": service, "ip": ip, "port": 80}
    if metadata:
        form["metadata"] = json.dumps(metadata)
    check_equal(node.request("POST", "/nacos/v1/ns/instance", **form), (200, "ok"), "register")


def play(node, name):
    recorded = json.loads((VECTORS / f"{name}.json").read_text())
    node.start(settings=[ALL_BACK])
    # Nothing beats here: an instance that turned unhealthy would be one more push.
    answer = node.request("PUT", "/nacos/v1/ns/operator/switches", entry="check", value="false")
    check_equal(answer, (200, "ok"), "switching the checks off")
    pushes = [row for row in recorded["log"] if "datagram" in row]
    last_hosts = json.loads(pushes[-1]["datagram"]["data"])["hosts"]
    metadata = {host["ip"]: host["metadata"] for host in last_hosts}
    subscriber = Subscriber(node, name, recorded["acked"])
    began = time.monotonic()
    first = subscriber.receive(0.5)
    check(first is not None, "no push after subscribing")
    check_equal(ordered(first[2]), ordered(pushes[0]["datagram"]), "first push")
    check((time.monotonic() - began) * 1000 < pushes[0]["at_ms"], "the first push came late")
    for row in recorded["log"]:
        if "register" in row:
            register(node, name, row["register"], metadata.get(row["register"]))
    return recorded, pushes, subscriber


def last_push(subscriber, pushes):
    """Receives until the recorded end state is told; never an older list after a newer one."""
    wanted = ordered([row for row in pushes if "datagram" in row][-1]["datagram"])
    deadline = time.monotonic() + 2
    newest = 0
    while True:
        got = subscriber.receive(deadline - time.monotonic())
        check(got is not None, "the end state was not pushed")
        ref_time = json.loads(got[2]["data"])["lastRefTime"]
        check(ref_time >= newest, "an older list after a newer one")
        newest = ref_time
        if ordered(got[2]) == wanted:
            return got


def test_udp_acked(node):
    _, pushes, subscriber = play(node, "udp-acked")
    last_push(subscriber, pushes)
    check(subscriber.receive(11) is None, "an acknowledged push was repeated")
    state = node.get("/nacos/v1/ns/operator/push/state")
    check_equal((state["succeed"], state["total"]), (2, 2), "push state")


def test_udp_burst(node):
    _, pushes, subscriber = play(node, "udp-burst")
    raw, packed, _ = last_push(subscriber, pushes)
    check(packed, "a list over 1 kB is compressed")


def test_udp_large(node):
    _, pushes, subscriber = play(node, "udp-large")
    raw, packed, datagram = last_push(subscriber, pushes)
    check(packed and len(raw) < len(datagram["data"]), "a list over 1 kB is compressed")


def test_udp_unacked(node):
    """Sent again after 10 s, once; of two lists only the newer one."""
    _, pushes, subscriber = play(node, "udp-unacked")
    raw, _, datagram = last_push(subscriber, pushes)
    began = time.monotonic()
    again = subscriber.receive(12)
    check(again is not None and again[0] == raw, "the newest push is sent again as it was")
    check(9.5 < time.monotonic() - began < 11, "sent again after 10 s")
    check(subscriber.receive(11) is None, "no third time")
    state = node.get("/nacos/v1/ns/operator/push/state")
    check_equal(state["succeed"], 0, "push state")


def test_agents_that_do_not_qualify_get_no_push(node):
    node.start(settings=[ALL_BACK])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as idle:
        idle.bind(("127.0.0.1", 0))
        idle.settimeout(1)
        for agent in ("Nacos-Php-Client:v1.0.0", "curl/8.0", "Nacos-C-Client:v1.0.11", ""):
            node.request(
                "GET",
                "/nacos/v1/ns/instance/list",
                headers={"User-Agent": agent},
                serviceName="s",
                udpPort=idle.getsockname()[1],
                clientIP="127.0.0.1",
            )
        register(node, "s", "10.0.0.1", None)
        try:
            check(idle.recv(65_536) is None, "a push came")
        except TimeoutError:
            pass
