"""The checks with grpcio: see ../README.md."""

import json
import sys
import threading
import time

import grpc

PLAIN, GZIP, PINGS, TLS, AUTHORITY, NODE = sys.argv[1:]
MIB = 1 << 20
SIZES = (0, 1, 1_000, 16_384, 65_536, 1_000_000, 4 * MIB, 10 * MIB)
BLOCK = bytes((i * 31 + 7) & 0xFF for i in range(1021))
TEXT = "nö: 100 % – 错误\n"
WITHOUT_BOUNDS = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


def check(holds, what):
    if not holds:
        raise AssertionError(what)


def pattern(size):
    return (BLOCK * (size // len(BLOCK) + 1))[:size]


class Echo:
    """A channel with raw bytes for messages."""

    def __init__(self, address, options=(), credentials=None, compression=None):
        # A connection of its own: channels alike share theirs.
        options = [*WITHOUT_BOUNDS, ("grpc.use_local_subchannel_pool", 1), *options]
        if credentials:
            self.channel = grpc.secure_channel(address, credentials, options, compression)
        else:
            self.channel = grpc.insecure_channel(address, options, compression)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def unary(self, request, method="Unary", **options):
        return self.method(method)(request, **{"timeout": 30, **options})

    def method(self, name, service="nacre.Echo"):
        return self.channel.unary_unary(f"/{service}/{name}")

    def stream(self, requests):
        return self.channel.stream_stream("/nacre.Echo/Stream")(requests, timeout=30)

    def many(self, count, size):
        many = self.channel.unary_stream("/nacre.Echo/Many")
        return many(b"%d %d" % (count, size), timeout=30)

    def seen(self):
        return json.loads(self.unary(b"", "Seen"))

    def await_calls(self, number):
        """Until so many calls are under way at the server, with this one."""
        deadline = time.monotonic() + 10
        while (seen := self.seen())["calls"] != number:
            check(time.monotonic() < deadline, f"not {number} calls at the server: {seen}")
        return seen


class Requests:
    """Messages for a stream, given one after the other."""

    def __init__(self):
        self.ready = threading.Condition()
        self.messages = []

    def send(self, message):
        with self.ready:
            self.messages.append(message)
            self.ready.notify()

    def end(self):
        self.send(None)

    def __iter__(self):
        return self

    def __next__(self):
        with self.ready:
            self.ready.wait_for(lambda: self.messages)
            message = self.messages.pop(0)
        if message is None:
            raise StopIteration
        return message


def failure_of(call):
    try:
        call()
    except grpc.RpcError as failure:
        return failure
    raise AssertionError("no failure")


def echo_sizes(echo):
    for size in SIZES:
        check(echo.unary(pattern(size)) == pattern(size), f"another message of {size} bytes")


def echo_stream(echo, sizes):
    requests = Requests()
    answers = echo.stream(requests)
    for size in sizes:
        requests.send(pattern(size))
        check(next(answers) == pattern(size), f"another message of {size} bytes")
    for size in sizes:
        requests.send(pattern(size))
    requests.end()
    check([len(x) for x in answers] == list(sizes), "other messages")
    check(answers.code() == grpc.StatusCode.OK, answers.code())


def sizes(echo):
    echo_sizes(echo)


def too_large(echo):
    failure = failure_of(lambda: echo.unary(pattern(10 * MIB + 1)))
    check(failure.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, failure)
    check(echo.unary(b"next") == b"next", "the next call")


def stream(echo):
    echo_stream(echo, SIZES)


def server_stream(echo):
    check(sum(len(x) == 100 for x in echo.many(10_000, 100)) == 10_000, "messages are missing")


def client_stream(echo):
    collect = echo.channel.stream_unary("/nacre.Echo/Collect")
    answer = collect((pattern(100) for _ in range(10_000)), timeout=30)
    check(answer == b"10000 1000000", answer)


def many_calls(echo):
    calls = [echo.method("Unary").future(b"%d" % i, timeout=30) for i in range(300)]
    for i, call in enumerate(calls):
        check(call.result() == b"%d" % i, f"call {i}")


def failures(echo):
    for code in [x for x in grpc.StatusCode if x != grpc.StatusCode.OK]:
        request = f"{code.value[0]} early {TEXT}".encode()
        failure = failure_of(lambda: echo.unary(request, "Fail"))
        check((failure.code(), failure.details()) == (code, TEXT), failure)
        request = f"{code.value[0]} late {TEXT}".encode()
        answers = echo.channel.unary_stream("/nacre.Echo/Fail")(request, timeout=30)
        check(next(answers) == b"before", "the message before")
        failure = failure_of(lambda: next(answers))
        check((failure.code(), failure.details()) == (code, TEXT), failure)
    for when in ("early", "late"):
        request = f"13 {when} {'é' * 10_000}".encode()
        failure = failure_of(
            lambda: list(echo.channel.unary_stream("/nacre.Echo/Fail")(request, timeout=30))
        )
        check(failure.code() == grpc.StatusCode.INTERNAL, failure.code())
        check(failure.details().startswith("é" * 100), failure.details())


def unknown(echo):
    with Echo(NODE) as node:
        for server in (echo, node):
            for method, service in (("Nothing", "nacre.Echo"), ("Unary", "nacre.Nothing")):
                failure = failure_of(lambda: server.method(method, service)(b"", timeout=30))
                check(failure.code() == grpc.StatusCode.UNIMPLEMENTED, failure)


def deadline(echo):
    began = time.monotonic()
    failure = failure_of(lambda: echo.unary(b"", "Wait", timeout=0.3))
    check(failure.code() == grpc.StatusCode.DEADLINE_EXCEEDED, failure)
    check(0.25 < time.monotonic() - began < 5, "another time")
    echo.await_calls(1)


def cancel(echo):
    before = echo.seen()
    call = echo.method("Wait").future(b"")
    echo.await_calls(2)
    call.cancel()
    check(call.code() == grpc.StatusCode.CANCELLED, call.code())
    check(echo.await_calls(1)["cancelled"] == before["cancelled"] + 1, "not cancelled")


def cancel_stream(echo):
    answers = echo.many(1_000, MIB)
    next(answers)
    answers.cancel()
    check(echo.await_calls(1)["unsent"] == 0, "something waits to be sent")


def slow_reader(echo):
    answers = echo.many(300, 65_536)
    next(answers)
    echo.await_calls(2)
    check(echo.seen()["unsent"] > 0, "nothing waits")
    echo_stream(echo, (0, 1_000, MIB))
    check(sum(len(x) == 65_536 for x in answers) == 299, "messages are missing")


def gzip(_):
    with Echo(GZIP, compression=grpc.Compression.Gzip) as echo:
        for size in (0, 100, MIB, 10 * MIB):
            check(echo.unary(pattern(size)) == pattern(size), f"another message of {size} bytes")
        echo_stream(echo, (100, MIB))


def metadata(echo):
    check(echo.unary(b"x", metadata=[("x", "y" * 8_000)]) == b"x", "8 kB")
    failure_of(lambda: echo.unary(b"x", metadata=[("x", "y" * 20_000)]))
    check(echo.unary(b"next") == b"next", "the next call")


def leave(_):
    with Echo(PLAIN) as echo:
        requests = Requests()
        answers = echo.stream(requests)
        requests.send(b"1")
        check(next(answers) == b"1", "before")
        first = echo.seen()["connection"]
        unary = echo.method("Unary")
        calls = [unary.future(b"x", timeout=30) for _ in range(40)]
        left = echo.method("Leave").future(b"", timeout=30)
        calls += [unary.future(b"x", timeout=30) for _ in range(40)]
        check(left.result() == b"bye", "no leave")
        calls += [unary.future(b"x", timeout=30) for _ in range(40)]
        check(all(call.result() == b"x" for call in calls), "calls around it")
        check(echo.seen()["connection"] != first, "the connection is the same")
        requests.send(b"2")
        check(next(answers) == b"2", "the stream goes on")
        requests.end()
        check(list(answers) == [] and answers.code() == grpc.StatusCode.OK, "its end")


def pings(_):
    options = [
        ("grpc.keepalive_time_ms", 300),
        ("grpc.keepalive_timeout_ms", 5_000),
        ("grpc.http2.max_pings_without_data", 0),
    ]
    # One asks for signs of life, the other has none to give unless it is asked.
    with Echo(PINGS, options) as asking, Echo(PINGS) as silent:
        before = [echo.seen()["connection"] for echo in (asking, silent)]
        calls = [echo.method("Wait").future(b"") for echo in (asking, silent)]
        time.sleep(2)  # for pings, which the caller counts
        after = [echo.await_calls(2)["connection"] for echo in (asking, silent)]
        check(before == after, "another connection")
        for call in calls:
            call.cancel()


def tls(_):
    with open(AUTHORITY, "rb") as file:
        credentials = grpc.ssl_channel_credentials(file.read())
    with Echo(TLS, credentials=credentials) as echo:
        echo_sizes(echo)
        echo_stream(echo, SIZES)


def main():
    with Echo(PLAIN) as echo:
        for test in (
            sizes,
            too_large,
            stream,
            server_stream,
            client_stream,
            many_calls,
            failures,
            unknown,
            deadline,
            cancel,
            cancel_stream,
            slow_reader,
            gzip,
            metadata,
            leave,
            pings,
            tls,
        ):
            try:
                test(echo)
                print("passed", test.__name__, flush=True)
            except Exception as failure:
                print(f"failed {test.__name__}: {failure!r}".replace("\n", " "), flush=True)


main()
