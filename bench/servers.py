"""Starts the servers that are compared, each with an empty data folder on the first core, and
ends them by their pids. All but one are idle at any time, so they share the core."""

import contextlib
import dataclasses
import http.client
import os
import re
import socket
import subprocess
import tempfile
import time

HOST = "127.0.0.1"
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, GENERATOR_CORE = CORES[0], CORES[-1]
READY_S, END_S = 30, 10


class Failure(Exception):
    """A server or a bench did not do what it should."""


@dataclasses.dataclass
class Server:
    """What may be compared. `command` gets the data folder; None where it runs already."""

    name: str
    command: object
    port: int = 0  # of HTTP; gRPC is 1000 above. 0: a bare server, which prints its own
    kind: str = "target"  # the option that names it to the load benches
    environment: dict = dataclasses.field(default_factory=dict)
    pid: int = 0
    begin: float = 0  # when it was started, and how long it took to be ready
    ready_s: float = 0
    folder: str = ""
    process: subprocess.Popen = None

    def words(self, grpc):
        """As the load benches want it on their command line."""
        port = self.port + 1000 if grpc and self.kind == "target" else self.port
        pid = self.process.pid if self.process else self.pid
        words = [f"--{self.kind}", f"{self.name}={HOST}:{port}"]
        words += ["--pid", f"{self.name}={pid}"] if pid else []
        if self.kind == "static":
            words += ["--answer-file", answer_file(self.folder)]
        return words


def nacre(name, executable, port, core=SERVER_CORE, more=(), environment=None):
    def command(folder):
        mode = [] if more else ["--mode", "standalone"]
        return pinned(core, executable, "--port", str(port), "--data-dir", f"{folder}/data", *mode,
                      "--server-ip", HOST, "--set", f"nacre.http.address={HOST}", "--log-level",
                      "warn", *more)

    return Server(name, command, port, environment=environment or {})


def rnacos(executable, port):
    """Without its console, which is another listener, and access logs, which would cost it."""
    return Server("rnacos", lambda folder: pinned(
        SERVER_CORE, "env", f"RNACOS_DATA_DIR={folder}/data", executable), port, environment={
            "RNACOS_SDK_HOST": HOST, "RNACOS_CONSOLE_HOST": HOST, "RNACOS_HTTP_PORT": str(port),
            "RNACOS_GRPC_PORT": str(port + 1000), "RNACOS_HTTP_CONSOLE_PORT": "0",
            "RNACOS_ENABLE_OPEN_API_AUTH": "false", "RUST_LOG": "error"})


def bare(name, program):
    return Server(name, lambda _: pinned(SERVER_CORE, program, "--port", "0"), kind="bare")


def nghttpd(executable, port):
    """Sends one file for every call, as a gRPC message is sent."""
    def command(folder):
        os.makedirs(os.path.dirname(answer_file(folder)))
        return pinned(SERVER_CORE, executable, "--no-tls", "-a", HOST, "-d", folder, "--trailer",
                      "grpc-status: 0", str(port))

    return Server("nghttpd", command, port, kind="static")


def answer_file(folder):
    return f"{folder}/Request/request"


def pinned(core, *words):
    """taskset becomes the program, so that the pid is the program's."""
    return ["taskset", "-c", str(core), *words]


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def is_ready(port):
    try:
        connection = http.client.HTTPConnection(HOST, port, timeout=1)
        connection.request("GET", "/nacos/v1/console/health/readiness")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def log_of(server):
    with open(f"{server.folder}/log", encoding="utf-8", errors="replace") as log:
        return log.read()


def await_ready(server):
    """Fails when the server ends meanwhile, since whatever answers then is somebody else's."""
    deadline = time.monotonic() + READY_S
    while server.process.poll() is None and time.monotonic() < deadline:
        if server.kind == "bare":
            found = re.search(r"^listening on .*:(\d+)\n", log_of(server))
            server.port = int(found[1]) if found else 0
        if server.port and (is_ready if server.kind == "target" else is_open)(server.port):
            server.ready_s = time.monotonic() - server.begin
            return
        time.sleep(0.001)
    raise Failure(f"{server.name} is not ready:\n{log_of(server)[-2000:]}")


def stop(server):
    server.process.terminate()
    try:
        server.process.wait(END_S)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()
        raise Failure(f"{server.name} did not end by itself and was killed") from None


@contextlib.contextmanager
def running(servers):
    """All of them, ready, until the end of the block. They start side by side: nodes of a cluster
    wait for each other."""
    with contextlib.ExitStack() as stack:
        for server in servers:
            if server.command is None:
                continue
            if server.kind == "bare":
                server.port = 0
            for port in {"target": (server.port, server.port + 1000),
                         "static": (server.port,)}.get(server.kind, ()):
                if is_open(port):
                    raise Failure(f"port {port} is in use; set PORT")
            server.folder = stack.enter_context(tempfile.TemporaryDirectory())
            with open(f"{server.folder}/log", "wb") as log:
                server.begin = time.monotonic()
                server.process = subprocess.Popen(
                    server.command(server.folder), stdout=log, stderr=subprocess.STDOUT,
                    env={**os.environ, **server.environment})
            stack.callback(stop, server)
        for server in servers:
            if server.command is not None:
                await_ready(server)
        yield servers
