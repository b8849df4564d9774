"""How store_bench asks nodes: a closed loop for rates, and clients side by side for what is late.

All of it is one thread over epoll, and requests are made before the time that is measured.
"""

import heapq
import itertools
import select
import socket
import time

from parts import Failure

CONNECT_S = 2
PATIENCE_S = 3.0  # of SDKs
STUCK_S = 30
INSTANCE = "/nacos/v1/ns/instance"


def request(method, target):
    return f"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def ip_of(number):
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def put_request(service, number, value):
    """Registers a persistent instance, or changes what it has."""
    where = f"serviceName={service}&ip={ip_of(number)}&port=80&ephemeral=false"
    return request("POST", f"{INSTANCE}?{where}&metadata=v%3D{value}")


def list_request(service):
    return request("GET", f"{INSTANCE}/list?serviceName={service}")


STORE_REQUEST = request("GET", "/nacre/admin/store")
READY_REQUEST = request("GET", "/nacos/v1/console/health/readiness")


def connect(port):
    made = socket.create_connection(("127.0.0.1", port), CONNECT_S)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.setblocking(False)
    return made


def parse(data):
    """(status, body, whether the connection stays) of a whole answer, else None."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = data[:end].lower() + b"\r\n"
    at = head.find(b"\r\ncontent-length:")
    if at < 0:
        raise Failure(f"an answer without Content-Length: {head!r}")
    length = int(head[at + 17 : head.find(b"\r\n", at + 17)])
    if len(data) < end + 4 + length:
        return None
    if len(data) > end + 4 + length:
        raise Failure(f"more than one answer: {data[:300]!r}")
    return int(data[9:12]), data[end + 4 :], b"\r\nconnection: close\r\n" not in head


def check_ok(status, body):
    if (status, body) != (200, b"ok"):
        raise Failure(f"wrong answer to a write: {status} {body[:300]!r}")


def closed_loop(ports, connections, requests, check=check_ok, seconds=None):
    """One request under way on each connection, spread evenly over the ports.
    Takes from the iterator `requests` until its end or the time is over, and waits for all answers.
    @returns a list of the nanoseconds that each took, in the order of the answers, and the seconds
    """
    sockets = {}
    poll = select.epoll()
    for port in itertools.islice(itertools.cycle(ports), connections):
        made = connect(port)
        sockets[made.fileno()] = made
        poll.register(made.fileno(), select.EPOLLIN)
    receive = {fd: made.recv for fd, made in sockets.items()}
    send = {fd: made.send for fd, made in sockets.items()}
    clock = time.perf_counter_ns
    took, sent, parts = [], {}, {}
    began = clock()
    end = began + int((seconds or 3600) * 1e9)
    try:
        for fd, what in zip(sockets, requests):
            send[fd](what)
            sent[fd] = clock()
        while sent:
            ready = poll.poll(STUCK_S)
            if not ready:
                raise Failure(f"no answer within {STUCK_S} s")
            for fd, _ in ready:
                data = receive[fd](1 << 16)
                if not data:
                    raise Failure("the node closed the connection before its answer")
                if parts:
                    data = parts.pop(fd, b"") + data
                # What writes are answered with, without the cost of a whole look.
                if not (check is check_ok and data.endswith(b"\r\n\r\nok")
                        and data.startswith(b"HTTP/1.1 200 ")):
                    answer = parse(data)
                    if not answer:
                        parts[fd] = data
                        continue
                    check(*answer[:2])
                now = clock()
                took.append(now - sent[fd])
                what = next(requests, None) if now < end else None
                if what is None:
                    del sent[fd]
                    continue
                send[fd](what)
                sent[fd] = now
    finally:
        for made in sockets.values():
            made.close()
        poll.close()
    return took, (clock() - began) / 1e9


class Loop:
    """Waits for answers and for times. `late` is by how much it missed a time at most, which is
    what can't be told from a late answer."""

    def __init__(self):
        self.poll = select.epoll()
        self.channels = {}
        self.timers = []
        self.order = itertools.count()
        self.late = 0.0

    def after(self, seconds, call):
        heapq.heappush(self.timers, (time.perf_counter() + seconds, next(self.order), call))

    def run(self, until, limit_s=STUCK_S):
        """Until `until()` is true."""
        give_up = time.perf_counter() + limit_s
        while not until():
            now = time.perf_counter()
            if now > give_up:
                raise Failure(f"not within {limit_s} s")
            wait = min(self.timers[0][0] - now, 0.1) if self.timers else 0.1
            for fd, _ in self.poll.poll(max(wait, 0)):
                if fd in self.channels:
                    self.channels[fd].read()
            now = time.perf_counter()
            while self.timers and self.timers[0][0] <= now:
                due, _, call = heapq.heappop(self.timers)
                self.late = max(self.late, now - due)
                call()

    def run_for(self, seconds):
        end = time.perf_counter() + seconds
        self.run(lambda: time.perf_counter() >= end, seconds + STUCK_S)


class Channel:
    """A kept connection to one node, with one request under way at most."""

    def __init__(self, loop, port):
        self.loop, self.port = loop, port
        self.socket = None
        self.done = None
        self.data = b""
        self.number = 0

    def ask(self, what, done, patience_s=PATIENCE_S):
        """Calls `done(status, body)` later; status 0 stands for no answer."""
        self.done, self.data = done, b""
        self.number += 1
        try:
            if not self.socket:
                self.socket = connect(self.port)
                self.loop.channels[self.socket.fileno()] = self
                self.loop.poll.register(self.socket.fileno(), select.EPOLLIN)
            self.socket.send(what)
        except OSError:
            self.close()
            return self.loop.after(0, lambda: self.finish(0, b""))
        self.loop.after(patience_s, lambda number=self.number: self.expire(number))

    def expire(self, number):
        if number == self.number and self.done:
            self.close()
            self.finish(0, b"")

    def read(self):
        try:
            data = self.socket.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.data += data
        answer = parse(self.data) if data else (0, b"", False)
        if not answer:
            return
        status, body, stays = answer
        if not stays:
            self.close()
        if self.done:
            self.finish(status, body)

    def finish(self, status, body):
        done, self.done = self.done, None
        done(status, body)

    def close(self):
        if self.socket:
            del self.loop.channels[self.socket.fileno()]
            self.loop.poll.unregister(self.socket.fileno())
            self.socket.close()
            self.socket = None


class Pulse:
    """Asks one node at a pace with each request in turn, as clients of what lives do, and keeps how
    long the slowest answer to each took. Each has its own connection, and is left out as long as
    it waits for an answer."""

    def __init__(self, loop, port, requests, pace_s, check):
        self.loop, self.pace_s, self.check = loop, pace_s, check
        self.channels = [(name, what, Channel(loop, port)) for name, what in requests.items()]
        self.turn = 0
        self.stopped = False
        self.answers = 0
        self.slowest = dict.fromkeys(requests, 0.0)

    def begin(self):
        if self.stopped:
            return
        self.loop.after(self.pace_s, self.begin)
        name, what, channel = self.channels[self.turn % len(self.channels)]
        self.turn += 1
        if channel.done:
            return
        sent = time.perf_counter()
        channel.ask(what, lambda status, body: self.answered(name, sent, status, body))

    def answered(self, name, sent, status, body):
        if self.stopped:
            return
        self.check(name, status, body)
        self.answers += 1
        self.slowest[name] = max(self.slowest[name], time.perf_counter() - sent)

    def reset(self):
        self.slowest = dict.fromkeys(self.slowest, 0.0)

    def stop(self):
        self.stopped = True
        for _, _, channel in self.channels:
            channel.close()


class Client:
    """Uses whichever node is up: where one is down, silent or refuses it asks the next one.

    `next_request()` gives what to ask, `check(body)` says what is wrong with an answer of 200."""

    def __init__(self, loop, ports, first, next_request, check, pause_s):
        self.loop, self.pause_s = loop, pause_s
        self.channels = [Channel(loop, port) for port in ports]
        self.at = first % len(ports)
        self.next_request, self.check = next_request, check
        self.stopped = self.idle = False
        self.done = []  # when, and what it took from the first try on
        self.tries_failed = {}
        self.wrong = []

    def begin(self):
        self.idle = self.stopped
        if self.stopped:
            return
        self.what = self.next_request()
        self.began = time.perf_counter()
        self.tries = 0
        self.attempt()

    def attempt(self):
        self.tries += 1
        self.channels[self.at].ask(self.what, self.answered)

    def answered(self, status, body):
        if status == 200:
            now = time.perf_counter()
            if complaint := self.check(body):
                self.wrong.append((now, self.channels[self.at].port, complaint))
            self.done.append((now, now - self.began))
            self.loop.after(self.pause_s, self.begin)
            return
        self.tries_failed[status] = self.tries_failed.get(status, 0) + 1
        self.at = (self.at + 1) % len(self.channels)
        # All were asked: not again at once.
        self.loop.after(0.005 if self.tries % len(self.channels) == 0 else 0, self.attempt)
