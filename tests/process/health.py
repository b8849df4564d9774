"""Health checks of persistent instances: real targets that go down and come back."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time

from processes import PORTS, PROCESSES, check, check_equal, cluster, eventually
from udp_push import ALL_BACK, Subscriber

INSTANCE = "/nacos/v1/ns/instance"
CLUSTER = "/nacos/v1/ns/cluster"
HEALTH = "/nacre/admin/health"
# Three failures of a target that answers late, at the intervals that follow from it.
TURNS_S = 20


class Target:
    """A TCP server that plays what it is told: an answer, or None to say nothing."""

    def __init__(self, answer=None, port=0):
        self.answer = answer
        self.asked = []
        self.listener = socket.create_server(("127.0.0.1", port))
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


def for_ever(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65536)


def put(node, service, port, ip="127.0.0.1", cluster="DEFAULT"):
    answer = node.request("POST", INSTANCE, serviceName=service, ip=ip, port=port,
                          ephemeral="false", clusterName=cluster)
    check_equal(answer, (200, "ok"), f"{service} registered")


def configure(node, service, checker, cluster="DEFAULT"):
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


def test_subscribers_hear_of_it(node):
    node.unprobed = ""
    node.start(settings=(ALL_BACK,))
    target = Target()
    put(node, "s", target.port)
    subscriber = Subscriber(node, "s", acknowledges=True)
    for healthy in (False, True):
        target.close() if not healthy else Target(port=target.port)

        def is_told():
            pushed = subscriber.receive(0.1)
            if not pushed:
                return False
            hosts = json.loads(pushed[2]["data"])["hosts"]
            return [x["healthy"] for x in hosts] == [healthy]

        eventually(is_told, TURNS_S, f"a datagram says healthy={healthy}")


def test_the_targets_of_a_killed_node_are_probed_by_another(node):
    nodes = cluster(node.binary, node.folder, [node.log] * 3)
    for x in nodes:
        x.unprobed = ""
        x.launch(settings=("nacre.health.allowed-networks=127.0.0.0/8",))
    for x in nodes:
        x.await_ready()
    target = Target()
    put(nodes[0], "s", target.port)

    def row(x):
        return (x.get(HEALTH, service="s")["list"] or [{}])[0]

    def asking():
        return [x for x in nodes if "lastResult" in row(x)]

    owner = eventually(asking, 10, "one of them probes it")
    check_equal([x.address for x in owner], [row(nodes[0])["owner"]], "who probes it")
    nodes.remove(owner[0])
    owner[0].kill()
    target.close()
    for x in nodes:
        eventually(lambda: not is_healthy(x, "s"), 10, "another one finds that it is dead")
    check_equal(len(asking()), 1, "nodes that probe it")
    for x in nodes:
        x.stop()


def test_http_targets_are_judged_by_their_answers(node):
    node.unprobed = ""
    node.start()
    steal = Target(status(200))
    rows = {
        "well": (Target(status(200)), True, "status 200"),
        "endless": (Target(for_ever), True, "status 200"),
        "busy": (Target(status(503)), False, "status 503"),
        "moved": (Target(status(302, f"Location: http://127.0.0.1:{steal.port}/\r\n")), False,
                  "status 302"),
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


def test_a_slow_target_delays_no_other(node):
    node.unprobed = ""
    node.start()
    silent = [Target() for _ in range(20)]
    for target in silent:
        put(node, "silent", target.port)
    configure(node, "silent", {"type": "HTTP", "path": "/"})
    well = Target(status(200))
    put(node, "well", well.port)
    configure(node, "well", {"type": "HTTP", "path": "/"})
    eventually(lambda: len(well.asked) >= 3, 15, "it is asked three times")
    check(is_healthy(node, "well"), "well")
    for target in [*silent, well]:
        target.close()


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
