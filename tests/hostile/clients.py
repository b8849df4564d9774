"""Clients that send good bytes badly: slowly, by halves, without listening, or by datagram."""

import asyncio
import json
import socket
import struct

from attacks import REGISTER, beat_json, form
from routes import GOOD_VALUES
from wire import LIVENESS, all_answers, ask, connect, exchange, in_time, receive, request

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    sock.close()


def write_request(port_number, **more):
    values = {**GOOD_VALUES, "port": str(port_number), **more}
    return request("POST", f"{REGISTER}?{form(values)}")


async def byte_at_a_time(port):
    """Complete requests, a byte at a time: they want their answer like any other."""
    data = request("GET", LIVENESS, headers=["Connection: close"])
    everything = await asyncio.gather(*(exchange(port, data, pause_s=0.004) for _ in range(40)))
    for received in everything:
        ok = [x.status for x in all_answers(received.data)] == [200] and received.end == "end"
        yield "slow client", None if ok else f"{received}"


async def half_requests(port, rng):
    """Requests cut at every place: the client stops sending, and the node has to hang up."""
    data = write_request(8090) + request("PUT", "/nacos/v1/ns/instance/beat", beat_json(1).encode())
    cuts = sorted(rng.sample(range(len(data)), 120))
    everything = await asyncio.gather(*(exchange(port, data[:x], half_close=True) for x in cuts))
    for cut, received in zip(cuts, everything):
        all_answers(received.data)
        hangs = received.end == "silent"
        yield "half a request", f"{cut} bytes and no end" if hangs else None


async def resets(port, rng):
    """Connections that are reset before, in and after a request, also while its answer is made."""
    data = write_request(8091)
    for _ in range(400):
        sock = await connect(port)
        cut = rng.choice([0, 1, rng.randrange(len(data)), len(data), len(data)])
        await asyncio.get_running_loop().sock_sendall(sock, data[:cut])
        if rng.random() < 0.2:
            await asyncio.sleep(0.001)
        reset(sock)
        yield "reset", None


async def deaf(port):
    """Clients that send many requests and do not read; those that read later get all answers."""
    count = 500
    data = request("GET", "/nacos/v1/ns/operator/switches") * count
    loop = asyncio.get_running_loop()
    for reads in (True, False, True, False):
        sock = await connect(port)
        sender = asyncio.create_task(loop.sock_sendall(sock, data))
        await asyncio.sleep(0.2)
        if not reads:
            sender.cancel()
            reset(sock)
            yield "deaf client", None
            continue
        sender.add_done_callback(lambda _, sock=sock: sock.shutdown(socket.SHUT_WR))
        answers = all_answers((await receive(sock)).data)
        sock.close()
        yield "deaf client", None if len(answers) == count else f"{len(answers)} of {count} answers"


async def polite(port):
    """A client that waits to be told to continue before it sends its body."""
    # A service of its own: some attack may have made the common one persistent.
    body = form({**GOOD_VALUES, "serviceName": "polite", "port": "8092"}).encode()
    data = request("POST", REGISTER, body, ["Expect: 100-continue", "Connection: close"])
    sock = await connect(port)
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(sock, data[: -len(body)])
    try:
        told = await in_time(lambda: loop.sock_recv(sock, 1000))
    except asyncio.TimeoutError:
        yield "100-continue", "the client waits for ever"
        return
    yield "100-continue", None if told.startswith(b"HTTP/1.1 100 ") else f"{told[:80]}"
    await loop.sock_sendall(sock, body)
    answers = all_answers((await receive(sock)).data)
    yield "100-continue", None if [x.status for x in answers] == [200] else f"{answers}"
    sock.close()


async def crowd(port):
    """Hundreds of connections that say nothing or half a request, and one client among them."""
    socks = [await connect(port) for _ in range(500)]
    loop = asyncio.get_running_loop()
    for i, sock in enumerate(socks):
        if i % 2:
            await loop.sock_sendall(sock, write_request(8093)[: i % 100])
    for _ in range(100):
        answer = await ask(port, "GET", LIVENESS)
        yield "among idle connections", None if answer.status == 200 else f"{answer}"
    for i, sock in enumerate(socks):
        if i % 3:
            sock.close()
        else:
            reset(sock)


def forged_ack(rng):
    number = rng.choice([0, -1, 2**63 - 1, 2**63, rng.randrange(2**62), "x", None, [], 1.5])
    return json.dumps({"type": "push-ack", "lastRefTime": number, "data": ""}).encode()


def datagrams(rng, count):
    ack = forged_ack(rng)
    yield from (
        b"",
        b"\x00",
        b"[" * 60_000,
        b'{"type":' * 8_000,
        b"a" * 65_000,
        b"\xff" * 2048,
        b"\x1f\x8b\x08",
    )
    for _ in range(count):
        choice = rng.randrange(4)
        if choice == 0:
            yield rng.randbytes(rng.randrange(1500))
        elif choice == 1:
            yield forged_ack(rng)
        elif choice == 2:
            yield ack[: rng.randrange(len(ack))]
        else:
            at = rng.randrange(len(ack))
            yield ack[:at] + rng.randbytes(3) + ack[at:]


async def udp(port, udp_ports, rng):
    """Datagrams from strangers; a real subscriber gets its pushes through all of it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mine:
        mine.bind(("127.0.0.1", 0))
        mine.setblocking(False)
        query = f"serviceName=udp-after&clientIP=127.0.0.1&udpPort={mine.getsockname()[1]}"
        agent = ["User-Agent: Nacos-Java-Client:v1.4.8"]
        await ask(port, "GET", f"/nacos/v1/ns/instance/list?{query}", headers=agent)
        for family, to in udp_ports:
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                for i, datagram in enumerate(datagrams(rng, 1500)):
                    sock.sendto(datagram, ("::1" if family == socket.AF_INET6 else "127.0.0.1", to))
                    yield "datagram", None
                    if i % 50 == 0:
                        await asyncio.sleep(0.005)
        await ask(port, "POST", f"{REGISTER}?serviceName=udp-after&ip=127.0.0.7&port=1")
        yield "push after datagrams", await wait_for_push(mine)


async def wait_for_push(sock):
    """Nothing when the new instance is pushed in time, else a complaint."""
    loop = asyncio.get_running_loop()
    try:
        while True:
            packet = await in_time(lambda: loop.sock_recv(sock, 65536))
            if b"127.0.0.7" in packet:
                return None
    except asyncio.TimeoutError:
        return "no push came"
