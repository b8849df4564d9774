"""The node under attack, as a process: started, looked at through /proc, stopped."""

import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "process"))
from processes import is_sanitized, memory_kib  # noqa: E402

LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\S+ \w+ \S")
FAILURES = re.compile(r"(handler|actor|service|node|accept)-failed")


def is_free(port):
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port():
    """A main port whose SDK port is free as well."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port + 1000 < 65536 and is_free(port + 1000):
            return port


class Node:
    def __init__(self, program, settings=(), files_max=None):
        """`settings` are further ones as `key=value`; `files_max` is how many it may open."""
        self.program = Path(program)
        self.port = free_port()
        self.sdk_port = self.port + 1000
        self.folder = Path(tempfile.mkdtemp(prefix="nacre-hostile-"))
        self.log = self.folder / "log"
        command = [program, "--port", str(self.port), "--data-dir", str(self.folder / "data")]
        command += ["--server-ip", "127.0.0.1", "--set", "nacre.http.address=127.0.0.1"]
        # Addresses here are made up.
        command += ["--set", "nacre.health.denied-networks=0.0.0.0/0, ::/0"]
        command += [x for setting in settings for x in ("--set", setting)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=files_max
                and (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files_max, files_max))),
            )
        self.proc = Path("/proc", str(self.process.pid))
        self.wait_for_start()

    def wait_for_start(self):
        for _ in range(200):
            try:
                for port in (self.port, self.sdk_port):
                    socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                if not self.alive():
                    break
                time.sleep(0.05)
        raise SystemExit("the node does not start:\n" + self.log.read_text(errors="replace"))

    def alive(self):
        return self.process.poll() is None

    def memory_kib(self, name="VmRSS"):
        return memory_kib(self.process.pid, name)

    def is_sanitized(self):
        return is_sanitized(self.program)

    def open_files(self):
        return len(list((self.proc / "fd").iterdir()))

    def udp_ports(self):
        """Local ports of the node's own UDP sockets, as (family, port)."""
        own = set()
        for link in (self.proc / "fd").iterdir():
            try:
                own.add(str(link.readlink()))
            except OSError:
                continue  # closed meanwhile
        ports = []
        for table, family in (("udp", socket.AF_INET), ("udp6", socket.AF_INET6)):
            for row in (self.proc / "net" / table).read_text().splitlines()[1:]:
                words = row.split()
                if f"socket:[{words[9]}]" in own:
                    ports.append((family, int(words[1].rpartition(":")[2], 16)))
        return ports

    def stop(self, patience_s=15):
        """The exit code after SIGTERM, None if the node does not end."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            return None

    def bad_log_lines(self):
        """Lines that tell of failures inside, or that a client has smuggled in."""
        lines = self.log.read_text(errors="replace").splitlines()
        return [x for x in lines if FAILURES.search(x) or not LOG_LINE.match(x)]

    def remove(self):
        if self.alive():
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
