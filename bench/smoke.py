#!/usr/bin/env python3
"""Runs one bench in a small way, so that none rots between the days somebody needs its figures.

The servers are a bare_server on a free port and a registry of a few lines that keeps what it is
told, answers in chunks or with Content-Length, pushes over UDP and can be told to answer wrongly:
a bench that counts wrong answers as right would be worse than none. Over gRPC the registry is a
nacre, and the one that answers wrongly the bare_grpc_server.
"""

import argparse
import gzip
import http.server
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
import xml.etree.ElementTree

PUSH_DELAY_S = 0.03
TIMEOUT_S = 60

# What a registry says that passes itself off as a node.
NODE_ANSWERS = {
    "/nacos/v1/console/health/readiness": "ok",
    "/nacre/admin/store": '{"role":"leader","commitIndex":1,"appliedIndex":1,"seenIndex":1,'
                          '"members":[{"votes":true}],"disk":{"rounds":1}}',
}


class Registry(http.server.ThreadingHTTPServer):
    """Just enough of a registry. `fault` names the way in which it is wrong."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, fault="", port=0, chunks=True):
        super().__init__(("127.0.0.1", port), Handler)
        self.fault = fault
        self.chunks = chunks
        self.lock = threading.Lock()
        self.services = {}
        self.subscribers = {}
        self.acks = set()
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        for work in (self.serve_forever, self.read_acks):
            threading.Thread(target=work, daemon=True).start()

    def handle_error(self, *_):
        """A bench that found a wrong answer hangs up, which is as it should be."""

    def target(self):
        return f"127.0.0.1:{self.server_address[1]}"

    def info(self, name):
        hosts = [
            {
                "ip": ip,
                "port": 8080,
                "weight": weight,
                "healthy": True,
                "serviceName": name,
                "metadata": {},
            }
            for ip, weight in self.services.get(name, {}).items()
        ]
        if self.fault == "host-missing":
            hosts = hosts[1:]
        info = {"name": name, "lastRefTime": time.time_ns() // 10**6, "hosts": hosts}
        return json.dumps(info, separators=(",", ":"))

    def register(self, form):
        name = form["serviceName"]
        with self.lock:
            weight = 1.0 if self.fault == "ignores-weight" else float(form.get("weight", 1))
            self.services.setdefault(name, {})[form["ip"]] = weight
            subscribers = list(self.subscribers.get(name, ()))
        if subscribers and self.fault != "no-push":
            timer = threading.Timer(PUSH_DELAY_S, self.push, (name, subscribers))
            timer.daemon = True
            timer.start()

    def push(self, name, subscribers):
        with self.lock:
            message = {"type": "dom", "data": self.info(name), "lastRefTime": time.time_ns()}
        data = json.dumps(message, separators=(",", ":")).encode()
        if len(data) >= 1024:
            data = gzip.compress(data)
        for address in subscribers:
            self.udp.sendto(data, address)

    def read_acks(self):
        while True:
            ack = json.loads(self.udp.recv(4096))
            if ack["type"] == "push-ack" and ack["data"] == "":
                self.acks.add(int(ack["lastRefTime"]))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self, body, status=200):
        closes = self.server.fault == "closes"
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n"
        head += "Connection: close\r\n" if closes else ""
        data = body.encode()
        if self.server.chunks and len(data) % 2 and len(data) > 40:
            middle = len(data) // 2
            head += "Transfer-Encoding: chunked\r\n"
            parts = [b"%x\r\n%s\r\n" % (len(x), x) for x in (data[:middle], data[middle:], b"")]
            data = b"".join(parts)
        else:
            head += f"CONTENT-LENGTH:{len(data)}\r\n"
        if self.server.fault == "too-long":
            data += b"x"
        self.wfile.write(head.encode() + b"\r\n" + data)
        self.close_connection = closes

    def form(self):
        text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        text = text or urllib.parse.urlsplit(self.path).query
        return dict(urllib.parse.parse_qsl(text, keep_blank_values=True))

    def do_POST(self):
        if self.server.fault == "refuses":
            return self.answer("no leader", 503)
        self.server.register(self.form())
        return self.answer("ok")

    def do_PUT(self):
        code = 20404 if self.server.fault == "beat-unknown" else 10200
        beat = json.loads(self.form().get("beat", "{}"))
        assert not beat or beat["serviceName"].startswith("DEFAULT_GROUP@@"), beat
        self.answer(f'{{"clientBeatInterval":5000,"code":{code},"lightBeatEnabled":true}}')

    def do_GET(self):
        path = urllib.parse.urlsplit(self.path).path
        if path in NODE_ANSWERS:
            return self.answer(NODE_ANSWERS[path])
        form = self.form()
        name = form["serviceName"]
        with self.server.lock:
            if int(form.get("udpPort", 0)) > 0:
                address = (form["clientIP"], int(form["udpPort"]))
                self.server.subscribers.setdefault(name, set()).add(address)
            info = self.server.info(name)
        return self.answer(info, 500 if self.server.fault == "status" else 200)

    def log_message(self, *_):
        pass


class Bare:
    """A bare_server or bare_grpc_server on a port of its own choice."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdout=subprocess.PIPE, text=True)
        self.target = self.process.stdout.readline().split()[-1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(TIMEOUT_S)
        assert code == 0, f"the bare server ended with {code}"


class Node:
    """A nacre on a free port whose gRPC port, 1000 above, is free too."""

    def __init__(self, program):
        self.folder = tempfile.TemporaryDirectory()
        self.port = self.free_port()
        self.target = f"127.0.0.1:{self.port + 1000}"
        words = f"--port {self.port} --mode standalone --server-ip 127.0.0.1 --log-level warn"
        self.process = subprocess.Popen([program, *words.split(), "--set",
                                         "nacre.http.address=127.0.0.1", "--data-dir",
                                         self.folder.name])

    @staticmethod
    def free_port():
        for port in range(21000 + os.getpid() % 5000, 64000, 7):
            with socket.socket() as one, socket.socket() as other:
                try:
                    one.bind(("127.0.0.1", port))
                    other.bind(("127.0.0.1", port + 1000))
                    return port
                except OSError:
                    pass
        raise AssertionError("no free port")

    def __enter__(self):
        url = f"http://127.0.0.1:{self.port}/nacos/v1/console/health/readiness"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for _ in range(TIMEOUT_S * 10):
            assert self.process.poll() is None, "nacre ended"
            try:
                opener.open(url, timeout=1).close()
                return self
            except OSError:
                time.sleep(0.1)
        raise AssertionError("nacre is not ready")

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(TIMEOUT_S)
        self.folder.cleanup()
        assert code == 0, f"nacre ended with {code}"


def run(program, *words, code=0, says=""):
    """Runs a bench; its output must match `says` and its exit code be `code`."""
    command = [program, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    text = done.stdout + done.stderr
    print("$", *command, f"-> {done.returncode}\n{text}", flush=True)
    assert done.returncode == code, f"exit code {done.returncode}, not {code}"
    assert re.search(says, text), f"the output lacks {says}"
    return text


SMALL_LOAD = "--services 7 --instances 3 --connections 4 --rounds 1 --settle-ms 20".split()
SHORT = "--seconds 0.2 --warmup-seconds 0.05".split()


def smoke_http_load(args):
    run(args.program, "--help", says="--bare NAME=HOST:PORT")
    run(args.program, "--target", "x=192.0.2.1:8848", code=2, says="only loopback")
    with Bare(args.bare) as bare:
        server = f"bare={bare.target}"
        pid = f"bare={bare.process.pid}"
        run(args.program, "--bare", server, "--pid", pid, "--cases", "query", *SMALL_LOAD, *SHORT,
            says=r"case=query target=bare per_second=[1-9].* server=[1-9]\d*% cpu_us=\d")
        pair = ["--target", f"a={Registry().target()}", "--target", f"b={Registry().target()}"]
        text = run(args.program, *pair, "--bare", server, *SMALL_LOAD, *SHORT, "--cases",
                   "register,beat,light-beat,query", says=r"ratio case=query a/bare=\d")
    assert len(re.findall(r"ratio case=\S+ a/b=", text)) == 4
    hashes = set(re.findall(r"case=query target=[ab] .* hash=(\w+)", text))
    assert len(hashes) == 1, hashes
    closing = Registry("closes")
    run(args.program, "--target", f"a={closing.target()}", "--cases", "query", *SMALL_LOAD, *SHORT,
        says=r"reconnects=[1-9]")
    wrong = {
        "status": "status 500",
        "host-missing": "2 hosts where 3",
        "beat-unknown": "not code 10200",
        "too-long": "more than its answer",
        "ignores-weight": "a weight is not",
    }
    for fault, says in wrong.items():
        run(args.program, "--target", f"a={Registry(fault).target()}", *SMALL_LOAD, *SHORT, code=1,
            says=says)


def smoke_push_latency(args):
    small = "--samples 20 --services 30 --instances 12 --settle-ms 100".split()
    run(args.program, "--help", says="--samples")
    run(args.program, "--target", "x=192.0.2.1:8848", code=2, says="only loopback")
    registry = Registry()
    text = run(args.program, "--target", f"a={registry.target()}", *small, says="lost=0")
    # The registry waits before it pushes, so a smaller figure is a wrong one.
    p50 = float(re.search(r"p50_ms=([\d.]+)", text)[1])
    assert 1e3 * PUSH_DELAY_S <= p50 < 1e5 * PUSH_DELAY_S, p50
    assert re.search(r"datagrams=20 gzipped=20 ", text), "the pushes were to be zipped"
    time.sleep(0.1)
    assert len(registry.acks) == 20, f"{len(registry.acks)} acks"
    run(args.program, "--target", f"a={Registry().target()}", *small, "--instances", "1",
        says="gzipped=0 lost=0")
    silent = Registry("no-push")
    run(args.program, "--target", f"a={silent.target()}", *small, "--timeout-ms", "200", code=1,
        says="20 of 20 changes were not pushed")


def smoke_memory(args):
    small = ["--services", "5", "--instances", "3", "--connections", "2"]
    bench = [sys.executable, args.program]
    run(*bench, "--target", "192.0.2.1:8848", "--pid", "1", code=2, says="only loopback")
    registry = Registry()
    run(*bench, "--target", registry.target(), "--pid", str(os.getpid()), *small,
        says=r"memory after=query rss_mib=[\d.]+ grown_mib=\S+ bytes_per_instance=[1-9]")
    run(*bench, "--target", registry.target(), "--one-service", "50", says="instances=50 last_part")
    wrong = Registry("host-missing")
    run(*bench, "--target", wrong.target(), "--one-service", "50", code=1, says="49 hosts")


def smoke_grpc_load(args):
    load = "--services 7 --instances 3 --connections 4 --rounds 1".split() + SHORT
    single = ("--samples 20 --subscribers 10 --changes 3 --change-interval-ms 600 --held 20 "
              "--held-services 3").split()
    quick = "--settle-ms 100".split()
    run(args.program, "--help", says="--cases LIST")
    run(args.program, "--target", "x=192.0.2.1:9848", code=2, says="only loopback")
    run(args.program, "--target", "x=127.0.0.1:1", "--cases", "beat", code=2, says="no such case")
    run(args.program, "--target", "x=127.0.0.1:1", *load, "--calls", "6", code=2, says="too large")
    run(args.program, "--static", "x=127.0.0.1:1", code=2, says="wants --answer-file")
    with Bare(args.bare) as bare, Node(args.nacre) as node:
        bare_words = ["--bare", f"bare={bare.target}", "--pid", f"bare={bare.process.pid}"]
        node_words = ["--target", f"a={node.target}", "--pid", f"a={node.process.pid}"]
        every = "register,query,push,fanout,held"
        text = run(args.program, *node_words, *bare_words, *load, *single, *quick, "--cases", every,
                   says=r"ratio case=grpc-query a/bare=\d")
        sizes = re.findall(r"case=grpc-query target=\w+ .* body_bytes=(\d+)", text)
        assert len(sizes) == 2 and abs(int(sizes[0]) - int(sizes[1])) < 10, sizes
        assert re.search(r"push target=a samples=20 .* lost=0", text), "a push is missing"
        assert re.search(r"fanout target=a subscribers=10 changes=3 .*last_p50_ms=\d", text)
        assert re.search(r"held target=a connections=20 .* cleaned_ms=\d", text)
        text = run(args.program, *node_words, *bare_words, *load, *quick, "--calls", "5")
        assert len(re.findall(r"case=grpc-(?:register|query)-x5 .* cpu_us=\d", text)) == 4
        # A server that is no registry must not pass for one.
        for case in ("register", "query", "push", "fanout", "held"):
            run(args.program, "--target", f"a={bare.target}", *load, *single, *quick, "--cases",
                case, code=1, says="wrong answer|no ServerCheckResponse")


def smoke_store(args):
    bench = [sys.executable, args.program]
    quick = ["--load-bench", args.load_bench, "--quick"]
    run(*bench, "--nacre", args.nacre, "--parts", "beat", code=2, says="no such part: beat")
    text = run(*bench, "--nacre", args.nacre, *quick,
               says=r"rate nodes=3 at=follower .* written_bytes_per_node=[1-9]")
    for line in (r"start instances=0 .* ready_ms=\d", r"start instances=[1-9]\d+ .* ready_ms=\d",
                 r"snapshot instances=\d+ .* caught_up_s=\d", r"snapshot-stalls slowest_ms=\d",
                 r"gone case=query .* after_by_before=\d", r"gone refused_s=\d",
                 r"gone acknowledged_again_s=\d", r"rolling .* failed_reads=\d"):
        assert re.search(line, text), f"the output lacks {line}"
    # The bench starts its nodes itself, so what answers wrongly has to pass for a program.
    wrong = {"refuses": "wrong answer to a write: 503", "forgets": "0 instances, not 200"}
    with tempfile.TemporaryDirectory() as folder:
        for fault, says in wrong.items():
            node = os.path.join(folder, fault)
            with open(node, "w", encoding="utf-8") as script:
                words = shlex.join([sys.executable, os.path.abspath(__file__), "node", fault])
                script.write(f'#!/bin/sh\nexec {words} "$@"\n')
            os.chmod(node, 0o700)
            run(*bench, "--nacre", node, *quick, "--parts", "rate", code=1, says=says)


def exchange(target, *pieces):
    """What comes back on one connection until the server closes it."""
    host, port = target.split(":")
    with socket.create_connection((host, int(port)), TIMEOUT_S) as connection:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.05)  # so that each is read by itself
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def smoke_bare_epoll(args):
    head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: "
    ask = b"GET / HTTP/1.1\r\nX-Size: 5\r\n\r\n"
    post = b"POST / HTTP/1.1\r\nX-Size: 0\r\nContent-Length: 7\r\n\r\n"
    with Bare(args.program) as bare:
        got = exchange(bare.target, ask[:20], ask[20:] + post + b"ab\r\n\r\n", b"c" + ask)
        wanted = "".join(f"{head}{n}\r\n\r\n{'x' * n}" for n in (5, 0, 5))
        assert got == wanted.encode(), got
        large = 3_000_000  # more than a socket takes at once
        got = exchange(bare.target, ask.replace(b"5", str(large).encode()))
        assert got.endswith(b"\r\n\r\n" + large * b"x"), len(got)
        for wrong in (b"many", b"99999999999"):
            assert exchange(bare.target, ask.replace(b"5", wrong)) == b"", "a wrong size is served"


def smoke_compare(args):
    build = os.path.dirname(os.path.abspath(args.nacre))
    bench = [sys.executable, args.program, "--quick"]
    small = "--services 7 --instances 3 --rounds 1 --settle-ms 50"
    os.environ.update(BUILD=build, LOAD=small, GRPC=f"{small} --connections 4")
    run(*bench, "beats", code=2, says="no such part: beats")
    run(*bench, "--target", "x=192.0.2.1:8848", code=2, says="not NAME=HOST:PORT on 127.0.0.1")
    with tempfile.TemporaryDirectory() as folder, Node(args.nacre) as node:
        os.environ["PORT"] = str(Node.free_port())
        words = ["--folder", folder, "--target", f"other=127.0.0.1:{node.port}"]
        run(*bench, *words, "--pid", f"other={node.process.pid}", "http", "grpc", "memory",
            "start")
        names = sorted(os.listdir(folder))
        date = names[0][:10]
        plots = ("-grpc.svg", "-http.svg", "-memory.svg")
        assert names == [f"{date}{x}" for x in (*plots, ".json", ".md")], names
        for plot in names[:3]:
            xml.etree.ElementTree.parse(os.path.join(folder, plot))
        with open(os.path.join(folder, f"{date}.json"), encoding="utf-8") as file:
            rows = json.load(file)["rows"]
        costs = {(x["case"], x["target"]): x["cpu_us"] for x in rows if "cpu_us" in x}
        servers = {"": ["nacre", "other", "beast", "epoll"], "grpc-": ["nacre", "other", "grpc++"]}
        servers["grpc-"] += ["nghttpd"] if shutil.which("nghttpd") else []
        cases = "register beat query grpc-register grpc-query grpc-register-x4 grpc-query-x4".split()
        assert set(costs) == {(x, y) for x in cases
                              for y in servers["grpc-" if "grpc" in x else ""]}, costs
        assert all(cost > 0 for cost in costs.values()), costs
        text = read_text(folder, f"{date}.md")
        for line in (r"query: epoll \| \d\S* \| \d", r"nacre: three equal pairs \| \d",
                     r"nacre \| \d\S* \| \d\S* \|\n"):
            assert re.search(line, text), f"the report lacks {line}:\n{text}"
        # What fails is told, and does not hide the others.
        os.environ["BEFORE"] = "/bin/false"
        run(*bench, "--folder", folder, "start", code=1, says="part=start target=nacre")
        assert "FAILED: before is not ready" in read_text(folder, f"{date}.md")


def read_text(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        return file.read()


def be_a_node(fault, words):
    """Until it is ended. A registry of ours keeps no metadata, so each forgets."""
    Registry(fault, int(words[words.index("--port") + 1]), chunks=False)
    signal.pause()


def main():
    if sys.argv[1:2] == ["node"]:
        return be_a_node(sys.argv[2], sys.argv[3:])
    benches = {
        "bare_epoll": smoke_bare_epoll,
        "compare": smoke_compare,
        "grpc_load": smoke_grpc_load,
        "http_load": smoke_http_load,
        "push_latency": smoke_push_latency,
        "memory": smoke_memory,
        "store": smoke_store,
    }
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("bench", choices=benches)
    parser.add_argument("program", help="the bench to run")
    parser.add_argument("--bare", help="the bare server, for http_load and grpc_load")
    parser.add_argument("--nacre", help="the node, for grpc_load, store and compare")
    parser.add_argument("--load-bench", help="http_load_bench, for store")
    args = parser.parse_args()
    return benches[args.bench](args)


if __name__ == "__main__":
    main()
