"""Bytes to and from the node: one exchange on one connection, and the answers in what came back."""

import asyncio
import json
import re
import socket
import time
from dataclasses import dataclass, field

LIMIT_S = 5.0  # no client waits longer for the node
STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3}) [^\r\n]*\Z")


class Malformed(Exception):
    """What came is no well-formed answer."""


@dataclass
class Received:
    data: bytes
    end: str  # "end" of stream, "reset", or "silent" for LIMIT_S


@dataclass
class Answer:
    status: int
    headers: dict = field(default_factory=dict)
    body: bytes = b""

    def json(self):
        def refuse(constant):
            raise Malformed(f"{constant} is no JSON")

        try:
            return json.loads(self.body.decode("utf-8"), parse_constant=refuse)
        except (ValueError, RecursionError) as error:
            raise Malformed(f"JSON: {error}") from error


async def in_time(start):
    """What `start()` gives within LIMIT_S. If this fires late, the machine stood still, perhaps the
    node with it: then the limit begins again."""
    while True:
        began = time.monotonic()
        try:
            return await asyncio.wait_for(start(), LIMIT_S)
        except asyncio.TimeoutError:
            if time.monotonic() - began < LIMIT_S + 1:
                raise


async def send(sock, data, half_close=False, pause_s=0.0):
    """Sends all of `data`, a byte at a time if there is a pause."""
    loop = asyncio.get_running_loop()
    try:
        if pause_s:
            for i in range(len(data)):
                await loop.sock_sendall(sock, data[i : i + 1])
                await asyncio.sleep(pause_s)
        else:
            await loop.sock_sendall(sock, data)
        if half_close:
            sock.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the node hung up; what it said before is read by `receive`


async def receive(sock):
    """All that comes until the node hangs up or falls silent."""
    loop = asyncio.get_running_loop()
    data = bytearray()
    while True:
        try:
            part = await in_time(lambda: loop.sock_recv(sock, 262144))
        except asyncio.TimeoutError:
            return Received(bytes(data), "silent")
        except OSError:
            return Received(bytes(data), "reset")
        if not part:
            return Received(bytes(data), "end")
        data += part


async def connect(port):
    async def begin():
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        except BaseException:
            sock.close()
            raise
        return sock

    return await in_time(begin)


async def exchange(port, data, half_close=False, pause_s=0.0):
    """Sends and reads at the same time: the node may answer before it has read everything."""
    sock = await connect(port)
    sender = asyncio.create_task(send(sock, data, half_close, pause_s))
    try:
        return await receive(sock)
    finally:
        sender.cancel()
        sock.close()


def take_answer(data, to_head):
    """The first answer in `data`, and the rest of the bytes."""
    head, mark, rest = data.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    status = STATUS_LINE.match(lines[0])
    if not mark or not status:
        raise Malformed(f"no head of an answer: {data[:80]!r}")
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(b": ")
        if not colon or not re.fullmatch(rb"[A-Za-z-]+", name) or name.lower() in headers:
            raise Malformed(f"header {line[:80]!r}")
        headers[name.lower()] = value
    answer = Answer(int(status[1]), headers)
    if answer.status < 200:
        return answer, rest
    length = headers.get(b"content-length", b"")
    if not length.isdigit():
        raise Malformed("no Content-Length")
    size = 0 if to_head else int(length)
    if len(rest) < size:
        raise Malformed(f"{len(rest)} bytes of a body of {size}")
    answer.body = rest[:size]
    if answer.body and headers.get(b"content-type", b"").startswith(b"application/json"):
        answer.json()
    return answer, rest[size:]


def all_answers(data, methods=()):
    """The final answers in `data`; `methods` are those of the requests, as HEAD has no body."""
    answers = []
    while data:
        to_head = len(answers) < len(methods) and methods[len(answers)] == b"HEAD"
        answer, data = take_answer(data, to_head)
        if answer.status >= 200:
            answers.append(answer)
    return answers


def request(method, target, body=b"", headers=(), content_type="application/x-www-form-urlencoded"):
    """A well-formed request on a connection that stays open."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", *headers]
    if body:
        lines += [f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


LIVENESS = "/nacos/v1/console/health/liveness"
# Ends a connection, and shows that the node is not out of step with its client.
LAST_REQUEST = request("GET", LIVENESS, headers=["Connection: close"])


async def ask(port, method, target, body=b"", headers=()):
    """One good request and its answer."""
    data = request(method, target, body, [*headers, "Connection: close"])
    received = await exchange(port, data)
    answers = all_answers(received.data, [method.encode()])
    if len(answers) != 1:
        raise Malformed(f"{len(answers)} answers to {method} {target[:80]}, {received.end}")
    return answers[0]
