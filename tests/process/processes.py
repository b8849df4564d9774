"""Real processes for tests, nodes first of all. All are ended by their ids."""

import http.client
import json
import mmap
import os
import pathlib
import random
import re
import secrets
import signal
import socket
import subprocess
import threading
import time
import urllib.parse


class Failed(Exception):
    """A test found something else than it has to find."""


def check(condition, message):
    if not condition:
        raise Failed(message)


def check_equal(seen, wanted, what):
    check(seen == wanted, f"{what}:\n  seen   {seen}\n  wanted {wanted}")


def eventually(probe, within_s, what):
    """The first truth `probe` returns. It may raise ConnectionError while a node is away."""
    deadline = time.monotonic() + within_s
    while True:
        try:
            result = probe()
        except ConnectionError:
            result = None
        if result:
            return result
        check(time.monotonic() < deadline, f"not within {within_s} s: {what}")
        time.sleep(0.02)


def is_sanitized(program):
    """Whether the program at this path is built with AddressSanitizer."""
    with open(program, "rb") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as image:
            return image.find(b"__asan_init") >= 0


def memory_kib(pid, name="VmRSS"):
    """A figure of the process as its kernel keeps it."""
    text = pathlib.Path("/proc", str(pid), "status").read_text()
    return int(re.search(name + r":\s*(\d+)", text)[1])


class Processes:
    """All that run, so that none outlives this program."""

    def __init__(self):
        self.lock = threading.Lock()
        self.running = set()

    def start(self, command, **options):
        with self.lock:
            process = subprocess.Popen(command, **options)
            self.running.add(process)
            return process

    def end(self, process, number=signal.SIGKILL, within_s=10):
        """Sends the signal and waits. @returns the exit status"""
        process.send_signal(number)
        return self.wait(process, within_s)

    def wait(self, process, within_s):
        try:
            status = process.wait(within_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise Failed(f"process {process.args[0]} did not end within {within_s} s") from None
        finally:
            with self.lock:
                self.running.discard(process)
        return status

    def kill_all(self):
        with self.lock:
            for process in self.running:
                process.kill()
                process.wait()
            self.running.clear()


PROCESSES = Processes()


class Ports:
    """Main ports below those the system gives to outgoing connections, so that a node that was
    killed finds its port free again."""

    def __init__(self):
        self.lock = threading.Lock()
        self.given = set()

    def take(self):
        with self.lock:
            while True:
                port = random.randrange(20_000, 31_000)
                # A node also owns port + 1000 and port + 1001.
                if port not in self.given and all(map(is_free, (port, port + 1000, port + 1001))):
                    self.given.update((port - 1001, port - 1000, port - 1))
                    self.given.update((port, port + 1, port + 1000, port + 1001))
                    return port


def is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
        return True


PORTS = Ports()


class Node:
    """A nacre on a free port."""

    def __init__(self, binary, folder, log):
        self.binary = binary
        self.folder = pathlib.Path(folder)
        self.log = log
        self.port = PORTS.take()
        self.address = f"127.0.0.1:{self.port}"
        self.starts = 0
        self.process = None
        # What makes it a member of a cluster.
        self.options = []
        # Addresses in most tests are made up: whether anybody listens there is no matter of theirs.
        self.unprobed = "0.0.0.0/0, ::/0"
        self.environment = {}

    def start(self, same_data=False, settings=()):
        """Starts it, without any data of an earlier run unless told; returns when it is ready.
        `settings` are texts `key=value`."""
        self.launch(same_data, settings)
        self.await_ready()

    def launch(self, same_data=False, settings=()):
        self.starts += not same_data
        data = self.folder / f"node-data-{self.starts}"
        command = [self.binary, "--port", str(self.port), "--data-dir", str(data), *self.options]
        command += ["--set", f"nacre.health.denied-networks={self.unprobed}"]
        for setting in settings:
            command += ["--set", setting]
        self.process = PROCESSES.start(
            command,
            cwd=self.folder,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )

    def await_ready(self):
        eventually(self.is_ready, 10, "the node is ready")

    def is_ready(self):
        check(self.process.poll() is None, f"the node ended with status {self.process.returncode}")
        return self.request("GET", "/nacos/v1/console/health/readiness")[0] == 200

    def kill(self):
        PROCESSES.end(self.process, signal.SIGKILL)

    def stop(self):
        check_equal(PROCESSES.end(self.process, signal.SIGTERM), 0, "exit status of the node")

    def request(self, method, path, headers=None, **parameters):
        """@returns status and text"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            target = f"{path}?{urllib.parse.urlencode(parameters)}"
            connection.request(method, target, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def get(self, path, **parameters):
        status, text = self.request("GET", path, **parameters)
        check(status == 200, f"GET {path} {parameters}: {status} {text}")
        return json.loads(text)

    def write(self, method, x, **changes):
        """POST, PUT or DELETE of an instance."""
        form = {**x.form(), **changes}
        answer = self.request(method, "/nacos/v1/ns/instance", **form)
        check_equal(answer, (200, "ok"), f"{method} {form}")

    def hosts(self, x, namespace="public"):
        """What everybody sees of the service of `x`."""
        return self.get(
            "/nacos/v1/ns/instance/list",
            serviceName=x.service,
            groupName=x.group,
            namespaceId=namespace,
        )["hosts"]

    def subscribers(self, x):
        path = "/nacos/v1/ns/service/subscribers"
        return self.get(path, serviceName=x.service, groupName=x.group)["subscribers"]

    def history(self, x):
        """What the node says it did and why: for the log of a test that failed."""
        return self.request("GET", f"/nacre/admin/services/{x.grouped_name()}/history")[1]


def cluster(binary, folder, logs):
    """Nodes that know each other, one for each log; none is started."""
    nodes = []
    for number, log in enumerate(logs, 1):
        home = pathlib.Path(folder) / f"node-{number}"
        home.mkdir()
        nodes.append(Node(binary, home, log))
    members = ",".join(node.address for node in nodes)
    secret = secrets.token_hex(16)
    for node in nodes:
        node.options = ["--mode", "cluster", "--members", members, "--server-ip", "127.0.0.1"]
        node.environment = {
            "NACOS_AUTH_IDENTITY_KEY": "nacre-peer",
            "NACOS_AUTH_IDENTITY_VALUE": secret,
        }
    return nodes
