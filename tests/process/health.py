"""Health checks of persistent instances: real targets that go down and come back."""

import contextlib
import json
import os
import pathlib
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

from processes import (
    PORTS, PROCESSES, check, check_equal, cluster, eventually, is_sanitized, memory_kib
)
from sdk_clients import SdkClients
from udp_push import ALL_BACK, Subscriber

INSTANCE = "/nacos/v1/ns/instance"
CLUSTER = "/nacos/v1/ns/cluster"
HEALTH = "/nacre/admin/health"
# Three failures of a target that answers late, at the intervals that follow from it.
TURNS_S = 20
ASKS_HTTP = {"type": "HTTP", "path": "/"}


class Target:
    """A TCP server that plays what it is told: an answer, or None to say nothing."""

    def __init__(self, answer=None, port=0, address="127.0.0.1"):
        self.answer = answer
        self.asked = []
        self.listener = socket.create_server((address, port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with contextlib.suppress(OSError), connection:
            connection.settimeout(3)
            request = connection.recv(4096)
            if request:
                self.asked.append(request.decode())
            if self.answer is None:
                connection.recv(1)
            elif callable(self.answer):
                self.answer(connection)
            else:
                connection.sendall(self.answer)

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


def status(code, more=""):
    return f"HTTP/1.1 {code} x\r\n{more}Content-Length: 0\r\n\r\n".encode()


def after(seconds):
    def answer(connection):
        time.sleep(seconds)
        connection.sendall(status(200))

    return answer


def for_ever(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65536)


def put(node, service, port, ip="127.0.0.1", cluster="DEFAULT"):
    answer = node.request("POST", INSTANCE, serviceName=service, ip=ip, port=port,
                          ephemeral="false", clusterName=cluster)
    check_equal(answer, (200, "ok"), f"{service} registered")


def configure(node, service, checker, cluster="DEFAULT"):
    """@returns status and text"""
    return node.request("PUT", CLUSTER, serviceName=service, clusterName=cluster, checkPort=80,
                        useInstancePort4Check="true", healthChecker=json.dumps(checker))


def is_healthy(node, service):
    """Of its one instance. The list says healthy of all if all are dead (protection)."""
    host = node.get(f"{INSTANCE}/list", serviceName=service)["hosts"][0]
    return node.get(INSTANCE, serviceName=service, ip=host["ip"], port=host["port"],
                    cluster=host["clusterName"])["healthy"]


def becomes(node, service, healthy, within_s=TURNS_S):
    eventually(lambda: is_healthy(node, service) == healthy, within_s,
               f"{service} is {'healthy' if healthy else 'unhealthy'}")


def last_result(node, service):
    return node.get(HEALTH, service=service)["list"][0].get("lastResult", "")


def test_a_tcp_target_goes_down_and_comes_back(node):
    node.unprobed = ""
    node.start()
    target = Target()
    put(node, "tcp", target.port)
    eventually(lambda: last_result(node, "tcp") == "connected", 5, "it is probed")
    check(is_healthy(node, "tcp"), "open")
    target.close()
    becomes(node, "tcp", False)
    check_equal(last_result(node, "tcp"), "refused", "the reason")
    dead = node.get(HEALTH, dead_for="0s")
    check_equal([x["service"] for x in dead["list"]], ["DEFAULT_GROUP@@tcp"], "the dead")
    check_equal(node.get(HEALTH, dead_for="7d")["found"], 0, "dead for a week")
    node.stop()
    node.start(same_data=True)
    check(not is_healthy(node, "tcp"), "still dead after a restart")
    back = Target(port=target.port)
    becomes(node, "tcp", True)
    back.close()
    check([x["what"] for x in node.get(
        "/nacre/admin/services/DEFAULT_GROUP@@tcp/history")["events"]][-1] == "healthy", "history")


def start_cluster(node, settings=()):
    nodes = cluster(node.binary, node.folder, [node.log] * 3)
    for x in nodes:
        x.unprobed = ""
        x.launch(settings=("nacre.health.allowed-networks=127.0.0.0/8", *settings))
    for x in nodes:
        x.await_ready()
    return nodes


def row_of(node, service):
    return (node.get(HEALTH, service=service)["list"] or [{}])[0]


def owner_of(nodes, service):
    """The node that probes its one instance."""
    asking = eventually(lambda: [x for x in nodes if "lastResult" in row_of(x, service)], 10,
                        "one of them probes it")
    check_equal([x.address for x in asking], [row_of(nodes[0], service)["owner"]], "who probes it")
    return asking[0]


def test_all_hear_of_it_within_two_intervals(node):
    nodes = start_cluster(node, (ALL_BACK,))
    once = {"entry": "healthCheckTimes", "value": "1"}
    answer = nodes[0].request("PUT", "/nacos/v1/ns/operator/switches", **once)
    check_equal(answer, (200, "ok"), "one answer is enough")
    target = Target()
    put(nodes[0], "s", target.port)
    owner = owner_of(nodes, "s")
    with contextlib.ExitStack() as stack:
        over_grpc = [stack.enter_context(SdkClients(x.port + 1000, "s", 1, registers=False))
                     for x in nodes]
        for healthy in (False, True):
            over_udp = [Subscriber(x, "s", acknowledges=True) for x in nodes]
            told = [None] * 3

            def is_told_everywhere():
                for i, x in enumerate(over_udp):
                    if pushed := x.receive(0.01):
                        told[i] = json.loads(pushed[2]["data"])["hosts"]
                lists = [*told, *(x.pushed()[0] for x in over_grpc)]
                return (all(x and x[0]["healthy"] == healthy for x in lists)
                        and all(is_healthy(x, "s") == healthy for x in nodes))

            interval_s = row_of(owner, "s")["intervalMs"] / 1000
            target.close() if not healthy else Target(port=target.port)
            eventually(is_told_everywhere, 2 * interval_s, f"all hear of healthy={healthy}")
    for x in nodes:
        x.stop()


def test_the_targets_of_a_killed_node_are_probed_by_another(node):
    nodes = start_cluster(node)
    target = Target()
    put(nodes[0], "s", target.port)
    owner = owner_of(nodes, "s")
    nodes.remove(owner)
    owner.kill()
    target.close()
    for x in nodes:
        eventually(lambda: not is_healthy(x, "s"), 10, "another one finds that it is dead")
    check_equal(len([x for x in nodes if "lastResult" in row_of(x, "s")]), 1, "who probe it")
    for x in nodes:
        x.stop()


def test_a_target_that_drops_packets(node):
    """In a network of its own, where a packet can get lost."""
    here = pathlib.Path(__file__).resolve().parent
    enter = ["unshare", "--net"] + (["--user", "--map-root-user"] if os.geteuid() else [])
    done = subprocess.run([*enter, sys.executable, here / "dropped_packets.py", node.binary,
                           node.folder], stdin=subprocess.DEVNULL, stdout=node.log,
                          stderr=node.log, timeout=120, check=False)
    check_equal(done.returncode, 0, "exit status of dropped_packets.py")


def test_http_targets_are_judged_by_their_answers(node):
    node.unprobed = ""
    node.start()
    steal = Target(status(200))
    rows = {
        "well": (Target(status(200)), True, "status 200"),
        "endless": (Target(for_ever), True, "status 200"),
        "slow": (Target(after(0.2)), True, "status 200"),
        "late": (Target(after(0.8)), False, "no answer within 500 ms"),
        "busy": (Target(status(503)), False, "status 503"),
        "moved": (Target(status(302, f"Location: http://127.0.0.1:{steal.port}/\r\n")), False,
                  "status 302"),
        "lures": (Target(status(307, "Location: http://169.254.169.254/latest/meta-data\r\n")),
                  False, "status 307"),
        "gone": (Target(status(404)), False, "status 404"),
        "garbage": (Target(b"220 smtp\r\n\r\n"), False, "no HTTP"),
        "silent": (Target(), False, "no answer within 500 ms"),
    }
    for service, (target, _, _) in rows.items():
        put(node, service, target.port)
        checker = {"type": "HTTP", "path": "/ready?x=1", "headers": "x-a:b|x-c:d"}
        check_equal(configure(node, service, checker), (200, "ok"), f"{service} configured")
    for service, (_, healthy, why) in rows.items():
        eventually(lambda: last_result(node, service) == why, 5, f"{service}: {why}")
        becomes(node, service, healthy)
    check_equal(steal.asked, [], "redirects that were followed")
    asked = rows["well"][0].asked[-1]
    check(asked.startswith("GET /ready?x=1 HTTP/1.1\r\n") and "x-a: b\r\n" in asked.lower()
          and f"\r\nhost: 127.0.0.1:{rows['well'][0].port}\r\n" in asked.lower(), asked)
    rows["busy"][0].answer = status(200)
    becomes(node, "busy", True)
    for target, _, _ in rows.values():
        target.close()


class SilentTargets:
    """Accept at all addresses of a port, read, and never say anything."""

    def __init__(self):
        self.listener = socket.create_server(("0.0.0.0", 0), backlog=4096)
        self.port = self.listener.getsockname()[1]
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.ends = False
        self.thread.start()

    def run(self):
        while not self.ends:
            for key, _ in self.selector.select(0.1):
                if key.fileobj is self.listener:
                    self.selector.register(self.listener.accept()[0], selectors.EVENT_READ)
                elif not self.read(key.fileobj):
                    self.selector.unregister(key.fileobj)
                    key.fileobj.close()

    @staticmethod
    def read(connection):
        try:
            return connection.recv(4096)
        except ConnectionError:
            return b""

    def close(self):
        self.ends = True
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()


def test_a_thousand_silent_targets_delay_no_other(node):
    node.unprobed = ""
    node.start(settings=("nacre.health.suspicious-percent=100",))
    well = Target(status(200))
    put(node, "well", well.port)
    check_equal(configure(node, "well", ASKS_HTTP), (200, "ok"), "configured")
    silent = SilentTargets()
    put(node, "silent", silent.port, ip="127.1.0.1")
    check_equal(configure(node, "silent", ASKS_HTTP), (200, "ok"), "configured")
    before_kib = memory_kib(node.process.pid)
    for number in range(1, 1000):
        put(node, "silent", silent.port, ip=f"127.1.{number // 250}.{number % 250 + 1}")

    def dead():
        return node.get(HEALTH, service="silent", dead_for="0s")["found"]

    eventually(lambda: len(well.asked) >= 3, 15, "the other one is asked three times")
    eventually(lambda: dead() == 1000, 60, "all of them are unhealthy")
    asked = len(well.asked)
    began = time.monotonic()
    eventually(lambda: len(well.asked) >= asked + 3, 15, "and it is asked as before")
    check(is_healthy(node, "well"), "well")
    open_files = len(os.listdir(f"/proc/{node.process.pid}/fd"))
    check(open_files < 1_100, f"{open_files} descriptors after {time.monotonic() - began:.1f} s")
    grown_kib = memory_kib(node.process.pid) - before_kib
    check(grown_kib < 24 * 1024 or is_sanitized(node.binary), f"grown by {grown_kib} KiB")
    silent.close()
    well.close()


def test_a_name_is_asked_where_it_led_first(node):
    node.unprobed = ""
    node.start(settings=("nacre.health.resolve-names=true",))
    target = Target()
    put(node, "s", target.port, ip="localhost")
    put(node, "own", node.port, ip="localhost")
    put(node, "nowhere", 80, ip="nobody.invalid")
    eventually(lambda: last_result(node, "s") == "connected", 10, "it is probed")
    check_equal(row_of(node, "s")["address"], "127.0.0.1", "where")
    why = {"own": "it is a port of this node", "nowhere": "its name leads to no address"}
    for service, text in why.items():
        eventually(lambda: row_of(node, service).get("notProbed") == text, 30, text)
    target.close()
    becomes(node, "s", False)


def test_what_nobody_may_have_asked_is_refused(node):
    node.unprobed = ""
    node.start()
    put(node, "s", 80, ip="169.254.169.254")
    put(node, "s", node.port)
    put(node, "s", node.port + 1000)
    put(node, "s", 80, ip="localhost.example")
    for checker in (
        {"type": "HTTP", "path": "/x\r\nHost: y"}, {"type": "HTTP", "path": "http://10.0.0.1/"},
        {"type": "HTTP", "path": "/", "headers": "a:b\r\nc:d"},
        {"type": "HTTP", "path": "/", "headers": "Host:10.0.0.1"},
    ):
        code, text = configure(node, "s", checker)
        check(code == 400 and "healthChecker" in text, f"{checker}: {code} {text}")
    eventually(lambda: all("notProbed" in x for x in node.get(HEALTH)["list"]), 5, "none is probed")
    check_equal(node.get(HEALTH)["found"], 4, "targets")
    time.sleep(1)
    hosts = node.get(f"{INSTANCE}/list", serviceName="s")["hosts"]
    check(all(x["healthy"] for x in hosts), "as they were registered")


def test_health_is_set_by_hand_where_nothing_is_checked(node):
    node.unprobed = ""
    node.start()
    put(node, "s", 80, ip="10.0.0.1")
    by_hand = {"serviceName": "s", "ip": "10.0.0.1", "port": 80, "healthy": "false"}
    code, text = node.request("PUT", "/nacos/v1/ns/health/instance", **by_hand)
    check(code == 400 and "health check is still working" in text, f"{code} {text}")
    check_equal(configure(node, "s", {"type": "NONE"}), (200, "ok"), "NONE")
    check_equal(node.request("PUT", "/nacos/v1/ns/health/instance", **by_hand), (200, "ok"), "set")
    check(not is_healthy(node, "s"), "by hand")
    node.kill()
    node.start(same_data=True)
    check(not is_healthy(node, "s"), "after a restart")


def test_passwords_of_checks_are_not_shown(node):
    node.unprobed = ""
    node.start()
    put(node, "db", 1, ip="10.255.255.1")
    secret = "s3cret-of-the-check"
    checker = {"type": "MYSQL", "user": "probe", "pwd": secret, "cmd": "select 1"}
    check_equal(configure(node, "db", checker), (200, "ok"), "configured")
    shown = node.request("GET", "/nacos/v1/ns/service", serviceName="db")[1]
    check("******" in shown and secret not in shown, shown)
    checker["pwd"] = "******"
    check_equal(configure(node, "db", checker), (200, "ok"), "sent back")
    check(secret not in node.request("GET", HEALTH)[1], "in the report")


class MariaDb:
    """A server of its own, with a user for checks."""

    def __init__(self, folder, password):
        self.folder = folder
        self.port = PORTS.take()
        users = f"CREATE USER IF NOT EXISTS probe@'127.0.0.1' IDENTIFIED BY '{password}';\n"
        (folder / "init.sql").write_text(users)
        self.options = ["--no-defaults", f"--datadir={folder / 'db'}", f"--tmpdir={folder}"]
        if os.geteuid() == 0:
            self.options.append("--user=root")
        with open(folder / "install.log", "wb") as log:
            subprocess.run(["mariadb-install-db", *self.options, "--skip-test-db"], check=True,
                           stdout=log, stderr=log)

    def start(self, *options):
        with open(self.folder / "mariadb.log", "ab") as log:
            self.process = PROCESSES.start(
                ["mariadbd", *self.options, f"--port={self.port}", "--bind-address=127.0.0.1",
                 f"--socket={self.folder / 'socket'}", f"--init-file={self.folder / 'init.sql'}",
                 "--skip-log-bin", "--innodb-buffer-pool-size=16M", *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )

    def stop(self):
        PROCESSES.end(self.process, signal.SIGTERM, within_s=30)


def test_a_database_is_well_as_long_as_it_takes_writes(node):
    check(shutil.which("mariadbd"), "mariadb-server-core is not installed")
    node.unprobed = ""
    node.start()
    database = MariaDb(node.folder, "s3cret")
    database.start()
    put(node, "db", database.port)
    checker = {"type": "MYSQL", "user": "probe", "pwd": "s3cret",
               "cmd": "show global variables where variable_name='read_only'"}
    check_equal(configure(node, "db", checker), (200, "ok"), "configured")
    eventually(lambda: last_result(node, "db") == "answered", 30, "the master is asked")
    becomes(node, "db", True)
    database.stop()
    becomes(node, "db", False)
    check_equal(last_result(node, "db"), "refused", "without a server")
    database.start("--read-only")
    eventually(lambda: last_result(node, "db") == "it is read-only (a replica)", 30, "a replica")
    check(not is_healthy(node, "db"), "a replica")
    database.stop()
    database.start()
    becomes(node, "db", True, 30)
    check_equal(configure(node, "db", {**checker, "pwd": "wrong"}), (200, "ok"), "configured")
    becomes(node, "db", False)
    check("1045" in last_result(node, "db"), last_result(node, "db"))
    database.stop()
