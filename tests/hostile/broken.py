"""Streams that are no HTTP, or were."""

import values
from attacks import REGISTER, Case, call, some_good_values
from routes import METHODS, paths
from wire import LIVENESS, request


def bodies():
    head = f"POST {REGISTER} HTTP/1.1\r\nHost: x\r\n".encode()
    for length in values.LENGTHS:
        yield head + b"Content-Length: " + length + b"\r\n\r\nhello"
    for encoding in values.ENCODINGS:
        # What such a body holds must not be taken for the next request.
        yield head + b"Transfer-Encoding: " + encoding + b"\r\n\r\n" + request("GET", LIVENESS)
    length, chunked = b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n"
    for both in (length + chunked, chunked + length, chunked + chunked):
        yield head + both + b"\r\n0\r\n\r\n"
    chunks = head + chunked + b"\r\n"
    for size in values.CHUNK_SIZES:
        yield chunks + size + b"\r\nhello\r\n0\r\n\r\n"
    yield chunks + b"5\r\nhelloXX0\r\n\r\n"
    yield chunks + b"5;" + b"x" * 20_000 + b"\r\nhello\r\n0\r\n\r\n"
    yield chunks + b"0\r\n" + b"X-Trailer: y\r\n" * 5000 + b"\r\n"
    yield chunks + (b"10000\r\n" + b"a" * 65536 + b"\r\n") * 40 + b"0\r\n\r\n"
    yield head + b"Content-Length: 3000000\r\n\r\n" + b"a" * 3_000_000


def heads():
    get, end = f"GET {LIVENESS}".encode(), b"\r\nHost: x\r\n\r\n"
    for version in values.VERSIONS:
        yield get + version + end
    for target in values.BROKEN_TARGETS:
        yield b"GET " + target + b" HTTP/1.1" + end
    for method in values.BROKEN_METHODS:
        yield method + b" / HTTP/1.1" + end
    for header in values.BROKEN_HEADERS:
        yield get + b" HTTP/1.1\r\n" + header + b"\r\n\r\n"
    yield b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256))  # TLS
    yield b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(64)
    yield get + b"\r\n\r\n"  # HTTP/0.9
    yield b"GET / HTTP/1.1\nHost: x\n\n"
    yield b"X" * 20_000
    yield b"\r\n" * 20_000


def refused():
    for kind, streams in (("broken body", bodies()), ("broken head", heads())):
        for x in streams:
            yield Case(kind, [x], refused=True)
            # The same behind a good request, which gets its answer first.
            yield Case("garbage behind", [request("GET", LIVENESS), x], refused=True)


def mutate(rng, data):
    """A few bytes or pieces of `data` changed, dropped, doubled or put in."""
    data = bytearray(data)
    pieces = [b"\r\n", b"\x00", b"%", b":", b" ", b"9" * 20, b"\r\n\r\n"]
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(data) + 1)
        piece = rng.choice([*pieces, rng.randbytes(1), rng.randbytes(1)])
        length = rng.choice([0, 1, 1, 2, 8, 40])
        action = rng.choice(["replace", "insert", "double", "drop"])
        if action == "replace":
            data[at : at + length] = piece
        elif action == "insert":
            data[at:at] = piece
        elif action == "double":
            data[at:at] = data[at : at + length]
        else:
            del data[at : at + rng.choice([1, 1, 4, len(data)])]
    return bytes(data)


def mutated(rng, count):
    """Valid requests of every route with bytes changed, so that the stream may be anything."""
    routes = [(method, path) for path in paths() for method in METHODS]
    for i in range(count):
        method, path = routes[i % len(routes)]
        good = call(rng, method, path, some_good_values(rng, 0.3))
        yield Case("mutated bytes", [mutate(rng, good)], cut=True)
