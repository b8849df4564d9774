"""Byte streams for the gRPC port that no client sends, as (kind, bytes)."""

import json
import struct

from grpc_wire import (
    CALL_HEADERS,
    DATA,
    END_HEADERS,
    END_STREAM,
    GOAWAY,
    HEADERS,
    OPENING,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    SETUP,
    STREAM_HEADERS,
    WINDOW_UPDATE,
    frame,
    payload,
    registration,
    request_headers,
)

PRIORITY, PUSH_PROMISE, CONTINUATION = 2, 5, 9


def session(ip):
    """A good client from its first byte to its registration; returns its frames."""
    return [
        OPENING,
        frame(HEADERS, END_HEADERS, 1, CALL_HEADERS),
        frame(DATA, END_STREAM, 1, payload("ServerCheckRequest", {})),
        frame(HEADERS, END_HEADERS, 3, STREAM_HEADERS),
        frame(DATA, 0, 3, payload("ConnectionSetupRequest", SETUP)),
        frame(HEADERS, END_HEADERS, 5, CALL_HEADERS),
        frame(DATA, END_STREAM, 5, payload("InstanceRequest", registration("mutated", ip))),
    ]


def other_protocols(rng):
    hello = bytes.fromhex("010000f40303") + rng.randbytes(32) + b"\x00" + rng.randbytes(207)
    record = b"\x16\x03\x01" + struct.pack(">H", len(hello)) + hello
    yield "TLS", record
    yield "TLS", record[: rng.randrange(len(record))]
    yield "TLS", b"\x16\x03\x01\xff\xff" + rng.randbytes(70_000)
    yield "TLS", b"\x15\x03\x01\x00\x02\x02\x28"
    yield "plain HTTP", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    yield "plain HTTP", b"GET /nacos/v1/ns/instance/list?serviceName=a HTTP/1.0\r\n\r\n" * 100
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
    yield "plain HTTP", b"GET / HTTP/1.1\r\nHost: x\r\n" + upgrade + b"\r\n"
    yield "plain HTTP", b"POST / HTTP/1.1\r\nContent-Length: 999999999\r\n\r\n" + b"x" * 100_000
    for _ in range(100):
        yield "random bytes", rng.randbytes(rng.randrange(1, 4000))
    yield "random bytes", b"\x00" * 1_000_000
    yield "random bytes", rng.randbytes(3_000_000)


def floods():
    yield "floods", OPENING + frame(SETTINGS, 0, 0) * 20_000
    yield "floods", OPENING + frame(PING, 0, 0, b"\0" * 8) * 50_000
    yield "floods", OPENING + frame(PRIORITY, 0, 1, b"\0\0\0\0\1") * 50_000
    open_and_reset = b"".join(
        frame(HEADERS, END_HEADERS, i, CALL_HEADERS) + frame(RST_STREAM, 0, i, b"\0\0\0\x08")
        for i in range(1, 40_001, 2)
    )
    yield "floods", OPENING + open_and_reset
    calls = b"".join(
        frame(HEADERS, END_HEADERS, i, CALL_HEADERS)
        + frame(DATA, END_STREAM, i, payload("ServerCheckRequest", {}))
        for i in range(1, 4_001, 2)
    )
    yield "floods", OPENING + calls
    streams = b"".join(
        frame(HEADERS, END_HEADERS, i, STREAM_HEADERS)
        + frame(DATA, 0, i, payload("ConnectionSetupRequest", SETUP))
        for i in range(1, 2_001, 2)
    )
    yield "floods", OPENING + streams
    yield "floods", OPENING + frame(HEADERS, 0, 1, CALL_HEADERS) + frame(
        CONTINUATION, 0, 1, b"\x00\x01x\x01y"
    ) * 50_000
    big = b"\x00\x01x" + b"\x7f\xe1\xff\x03" + b"v" * 16_000
    yield "floods", OPENING + frame(HEADERS, 0, 1, CALL_HEADERS + big) + frame(
        CONTINUATION, 0, 1, big[:16_000]
    ) * 200


def broken_frames(rng):
    opened = OPENING + frame(HEADERS, END_HEADERS, 1, CALL_HEADERS)
    good = payload("ServerCheckRequest", {})
    for length in (0, 1, len(good), 2**24, 2**31, 2**32 - 1):
        lie = b"\x00" + struct.pack(">I", length) + good[5:]
        yield "length that lies", opened + frame(DATA, END_STREAM, 1, lie)
    for flag in (1, 2, 255):
        yield "compressed flag", opened + frame(DATA, END_STREAM, 1, bytes([flag]) + good[1:])
    for message in (b"\xff\xff\xff", b"\x12\x7f", b"\x12\x02\x1a\x7f", b"\x08" + b"\xff" * 20):
        framed = b"\x00" + struct.pack(">I", len(message)) + message
        yield "no protobuf", opened + frame(DATA, END_STREAM, 1, framed)
    for path in (b"/", b"", b"/Request/other", b"/a/b", b"x" * 100, b"/Request/request\0"):
        headers = frame(HEADERS, END_HEADERS | END_STREAM, 1, request_headers(path))
        yield "paths", OPENING + headers
    endless = b"\x3f\xe1\xff\xff\xff\x0f"
    for block in (b"", b"\x80", b"\xff" * 20, b"\x40", endless, b"\xbe", b"\x83"):
        yield "header blocks", OPENING + frame(HEADERS, END_HEADERS, 1, block)
    for kind in range(256):
        for stream in (0, 1, 2, 2**31 - 1):
            data = rng.randbytes(rng.choice([0, 1, 4, 5, 8, 100]))
            yield "frames out of place", opened + frame(kind, rng.randrange(256), stream, data)
    yield "frames too long", OPENING + b"\xff\xff\xff\x00\x00\x00\x00\x00\x01" + b"x" * 100_000
    for setting in range(8):
        for value in (0, 1, 2**31 - 1, 2**31, 2**32 - 1):
            yield "settings", opened + frame(SETTINGS, 0, 0, struct.pack(">HI", setting, value))
    for step in (0, 1, 2**31 - 1):
        window = frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", step))
        window += frame(WINDOW_UPDATE, 0, 1, struct.pack(">I", step))
        yield "windows", opened + window * 3
    yield "going away", opened + frame(GOAWAY, 0, 0, b"\0" * 8) + good
    yield "half a preface", PREFACE[:10]
    yield "no settings", PREFACE + frame(PING, 0, 0, b"\0" * 8)


def mutated(rng, count):
    """A good session with a few bytes or frames spoilt."""
    for i in range(count):
        frames = session(f"10.77.{i >> 8 & 255}.{i & 255}")
        choice = rng.randrange(5)
        if choice == 0:
            rng.shuffle(frames)
        elif choice == 1:
            del frames[rng.randrange(len(frames))]
        elif choice == 2:
            frames.insert(rng.randrange(len(frames)), rng.choice(frames))
        data = bytearray(b"".join(frames))
        for _ in range(rng.randrange(1, 6) if choice > 2 else 0):
            at = rng.randrange(len(PREFACE) * (choice == 3), len(data))
            data[at] = rng.randrange(256)
        if rng.random() < 0.3:
            del data[rng.randrange(len(data)) :]
        yield "mutated sessions", bytes(data)


def mutated_bodies(rng, count):
    """Envelopes that are sound, bodies that are not, in unary calls of one registered client."""
    good = [
        ("InstanceRequest", registration("bodies", "10.78.0.1")),
        ("BatchInstanceRequest", {"serviceName": "b", "type": "batchRegisterInstance",
                                  "instances": [{"ip": "10.78.0.2", "port": 1, "metadata": {}}]}),
        ("SubscribeServiceRequest", {"serviceName": "b", "subscribe": True, "clusters": "a,b"}),
        ("ServiceListRequest", {"pageNo": 1, "pageSize": 10, "groupName": "DEFAULT_GROUP"}),
        ("ServiceQueryRequest", {"serviceName": "b", "cluster": "", "healthyOnly": True}),
        ("NamingFuzzyWatchRequest", {"groupKeyPattern": "public>>*>>*", "watchType": "WATCH",
                                     "receivedGroupKeys": ["public@@a@@b"]}),
    ]
    values = (None, True, -1, 2**31, 2**63, 1e308, "", "x" * 5000, "\0", "é中", [], {}, [[]])
    for _ in range(count):
        kind, body = rng.choice(good)
        if rng.random() < 0.5:
            text = json.dumps({**body, rng.choice(list(body)): rng.choice(values)}).encode()
        else:
            spoilt = bytearray(json.dumps(body).encode())
            for _ in range(rng.randrange(1, 4)):
                spoilt[rng.randrange(len(spoilt))] = rng.randrange(256)
            text = bytes(spoilt)
        yield kind, text


def all_streams(rng, count):
    yield from other_protocols(rng)
    yield from broken_frames(rng)
    yield from mutated(rng, count)
