"""A node of the cluster as a process on a host of its own."""

import asyncio
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from grpc_wire import CallFailed
from processes import memory_kib

PORT = 8848
PATIENCE_S = 3.0  # of SDKs
IDLE_MAX = 64
FAILURES = (OSError, EOFError, asyncio.TimeoutError, CallFailed)
FAILED_INSIDE = re.compile(r"(handler|actor|service|node|accept)-failed")


class Http:
    """Requests over connections that are kept."""

    def __init__(self, host, port):
        self.host, self.port = host, port
        self.idle = []

    async def ask(self, method, target, patience_s=PATIENCE_S):
        """Status and body."""
        return await asyncio.wait_for(self.ask_once(method, target), patience_s)

    async def ask_once(self, method, target):
        while True:
            kept = bool(self.idle)
            if kept:
                reader, writer = self.idle.pop()
            else:
                reader, writer = await asyncio.open_connection(self.host, self.port)
            try:
                writer.write(f"{method} {target} HTTP/1.1\r\nHost: nacre\r\n\r\n".encode())
                head = await reader.readuntil(b"\r\n\r\n")
                size = int(re.search(rb"(?i)content-length: (\d+)", head)[1])
                body = await reader.readexactly(size)
            except (OSError, EOFError):
                writer.close()
                if kept:  # it may have ended long ago
                    continue
                raise
            except BaseException:
                writer.close()
                raise
            if b"close" in head.lower() or len(self.idle) >= IDLE_MAX:
                writer.close()
            else:
                self.idle.append((reader, writer))
            return int(head[9:12]), body


class Member:
    """The node with index `i`."""

    secret = secrets.token_hex(16)

    def __init__(self, program, hosts, i):
        self.program = str(Path(program).resolve())
        self.i, self.host = i, hosts[i]
        self.name = f"node {i + 1}"
        self.list = ",".join(f"{x.address}:{PORT}" for x in hosts)
        self.sdk_port = PORT + 1000
        self.http = Http(self.host.address, PORT)
        self.folder = Path(tempfile.mkdtemp(prefix=f"nacre-cluster-{i + 1}-"))
        self.log = self.folder / "log"
        self.environment = {}  # beside what it needs
        self.process = None
        self.lives = []  # [begin, end]s in which it ran and was not frozen
        self.started = 0.0
        self.starts = 0

    def start(self, settings=()):
        """`settings` are further ones as `key=value`."""
        self.starts += 1
        command = [
            self.program, "--mode", "cluster", "--members", self.list, "--port", str(PORT),
            "--server-ip", self.host.address, "--data-dir", str(self.folder / "data"),
            *(x for setting in settings for x in ("--set", setting)),
        ]
        environment = {
            "NACOS_AUTH_IDENTITY_KEY": "nacre-peer", "NACOS_AUTH_IDENTITY_VALUE": self.secret,
            **self.environment,
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=self.host.enter,
            )
        self.started = time.monotonic()
        self.lives.append([self.started, None])

    def ran(self, begin, end):
        return any(x <= begin and (y is None or y >= end) for x, y in self.lives)

    def runs(self):
        return bool(self.lives) and self.lives[-1][1] is None

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)
        self.lives[-1][1] = time.monotonic()

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)
        self.lives.append([time.monotonic(), None])

    async def end(self, number, patience_s=15):
        """The exit status, None if it had to be killed."""
        if self.runs():
            self.lives[-1][1] = time.monotonic()
        self.process.send_signal(number)
        until = time.monotonic() + patience_s
        while self.process.poll() is None:
            if time.monotonic() > until:
                self.process.kill()
                self.process.wait()
                return None
            await asyncio.sleep(0.01)
        return self.process.returncode

    async def ready(self):
        try:
            target = "/nacos/v1/console/health/readiness"
            return (await self.http.ask("GET", target, 1))[0] == 200
        except FAILURES:
            return False

    async def get(self, target):
        """The body, empty if there is no good answer."""
        try:
            status, body = await self.http.ask("GET", target)
        except FAILURES:
            return b""
        return body if status == 200 else b""

    async def sees_all_up(self, count):
        body = await self.get("/nacos/v1/core/cluster/nodes")
        return body.count(b'"state":"UP"') == count

    def memory_bytes(self):
        return 1024 * memory_kib(self.process.pid)

    def log_lines(self):
        return self.log.read_text(errors="replace").splitlines()

    def bad_log_lines(self):
        return [x for x in self.log_lines() if FAILED_INSIDE.search(x)]

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)
