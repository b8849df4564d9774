"""gRPC as a Nacos SDK speaks it, on the bare wire: enough of HTTP/2 and protobuf for thousands of
connections in one program, and for sending what no library would."""

import asyncio
import json
import struct

LIMIT_S = 10.0  # no client waits longer for an answer
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 0x1, 0x1, 0x4
CANCEL = 8
STREAM_PATH = b"/BiRequestStream/requestBiStream"
CALL_PATH = b"/Request/request"
# Windows as large as they get: no test receives two gigabytes on one connection.
WINDOW = 2**31 - 1
OPENING = (
    PREFACE
    + b"\x00\x00\x0c\x04\x00\x00\x00\x00\x00"
    + struct.pack(">HIHI", 1, 0, 4, WINDOW)  # no dynamic header table
    + b"\x00\x00\x04\x08\x00\x00\x00\x00\x00"
    + struct.pack(">I", WINDOW - 65535)
)


class CallFailed(Exception):
    """The call itself failed; `status` is gRPC's, None if the connection ended."""

    def __init__(self, status, text=""):
        super().__init__(f"gRPC status {status} {text}")
        self.status = status


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def payload(kind, body):
    """A message of one type, in its envelope, with gRPC's length in front."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    metadata = field(3, kind.encode()) + field(8, b"127.0.0.1")
    message = field(2, metadata) + field(3, field(2, text))
    return b"\x00" + struct.pack(">I", len(message)) + message


def fields_of(data):
    """Fields of a protobuf message that are all bytes."""
    at, found = 0, {}

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = number()
        size = number()
        found[key >> 3] = data[at : at + size]
        at += size
    return found


def read_payload(message):
    """Type and JSON of a payload without gRPC's length."""
    parts = fields_of(message)
    kind = fields_of(parts.get(2, b"")).get(3, b"").decode()
    return kind, json.loads(fields_of(parts.get(3, b"")).get(2, b"null"))


def request_headers(path):
    def text(data):
        return bytes([len(data)]) + data

    return (
        b"\x83\x86\x04" + text(path) + b"\x01" + text(b"localhost")
        + b"\x0f\x10" + text(b"application/grpc") + b"\x00" + text(b"te") + text(b"trailers")
    )


CALL_HEADERS = request_headers(CALL_PATH)
STREAM_HEADERS = request_headers(STREAM_PATH)


def header_number(data, at, bits):
    limit = (1 << bits) - 1
    value = data[at] & limit
    at += 1
    if value < limit:
        return value, at
    shift = 0
    while True:
        byte = data[at]
        at += 1
        value += (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def header_text(data, at):
    """Huffman codes are left as they are: no status is written in them."""
    size, at = header_number(data, at, 7)
    return data[at : at + size], at + size


def grpc_status(block):
    """The text of `grpc-status` in a header block that uses no dynamic table, if it is there."""
    at, status = 0, None
    while at < len(block):
        if block[at] & 0x80:
            _, at = header_number(block, at, 7)
            continue
        if block[at] & 0xE0 == 0x20:
            _, at = header_number(block, at, 5)
            continue
        index, at = header_number(block, at, 6 if block[at] & 0x40 else 4)
        name = b""
        if not index:
            name, at = header_text(block, at)
        value, at = header_text(block, at)
        if name == b"grpc-status":
            status = int(value)
    return status


class Connection(asyncio.Protocol):
    """One TCP connection with calls and the stream of an SDK. Requests of the node are answered
    unless `acknowledges` is false, and kept in `requests` or given to `on_request`."""

    def __init__(self, on_request=None, acknowledges=True):
        self.on_request = on_request
        self.acknowledges = acknowledges
        self.requests = []
        self.calls = {}
        self.messages = {}
        self.buffer = bytearray()
        self.next_stream = 1
        self.stream = None
        self.stream_end = asyncio.get_running_loop().create_future()
        self.lost = asyncio.get_running_loop().create_future()
        self.gone_away = False
        self.transport = None

    # -- asyncio ---------------------------------------------------------------------------------

    def connection_made(self, transport):
        self.transport = transport
        transport.write(OPENING)

    def connection_lost(self, exc):
        for answer in self.calls.values():
            if not answer.done():
                answer.set_exception(CallFailed(None, f"connection lost: {exc}"))
        self.calls.clear()
        if not self.stream_end.done():
            self.stream_end.set_result(None)
        if not self.lost.done():
            self.lost.set_result(None)

    def data_received(self, data):
        buffer = self.buffer
        buffer += data
        at = 0
        while len(buffer) - at >= 9:
            size = buffer[at] << 16 | buffer[at + 1] << 8 | buffer[at + 2]
            if len(buffer) - at - 9 < size:
                break
            kind, flags = buffer[at + 3], buffer[at + 4]
            stream = int.from_bytes(buffer[at + 5 : at + 9], "big") & 0x7FFFFFFF
            self.on_frame(kind, flags, stream, bytes(buffer[at + 9 : at + 9 + size]))
            at += 9 + size
        del buffer[:at]

    # -- frames ----------------------------------------------------------------------------------

    def on_frame(self, kind, flags, stream, data):
        if kind == DATA:
            self.on_data(stream, data)
        elif kind == HEADERS and flags & END_STREAM:
            self.on_end(stream, grpc_status(data))
        elif kind == RST_STREAM:
            self.on_end(stream, None)
        elif kind == SETTINGS and not flags & ACK:
            self.transport.write(frame(SETTINGS, ACK, 0))
        elif kind == PING and not flags & ACK:
            self.transport.write(frame(PING, ACK, 0, data))
        elif kind == GOAWAY:
            self.gone_away = True

    def on_data(self, stream, data):
        pending = self.messages.setdefault(stream, bytearray())
        pending += data
        while len(pending) >= 5:
            size = int.from_bytes(pending[1:5], "big")
            if len(pending) < 5 + size:
                return
            message = bytes(pending[5 : 5 + size])
            del pending[: 5 + size]
            self.on_message(stream, message)

    def on_message(self, stream, message):
        kind, body = read_payload(message)
        if stream != self.stream:
            answer = self.calls.get(stream)
            if answer and not answer.done():
                answer.set_result((kind, body))
            return
        if self.on_request:
            self.on_request(kind, body)
        else:
            self.requests.append((kind, body))
        if self.acknowledges and kind != "SetupAckRequest":
            self.write(
                kind.removesuffix("Request") + "Response",
                {"resultCode": 200, "errorCode": 0, "requestId": body["requestId"]},
            )

    def on_end(self, stream, status):
        self.messages.pop(stream, None)
        answer = self.calls.pop(stream, None)
        if answer and not answer.done():
            answer.set_exception(CallFailed(status, "without an answer"))
        if stream == self.stream and not self.stream_end.done():
            self.stream_end.set_result(status)

    # -- for tests -------------------------------------------------------------------------------

    def begin_call(self, kind, body):
        """Sends a request; the future has its answer as (type, JSON)."""
        answer = asyncio.get_running_loop().create_future()
        answer.add_done_callback(lambda x: x.cancelled() or x.exception())  # nobody has to ask
        stream, self.next_stream = self.next_stream, self.next_stream + 2
        self.calls[stream] = answer
        self.transport.write(
            frame(HEADERS, END_HEADERS, stream, CALL_HEADERS)
            + frame(DATA, END_STREAM, stream, payload(kind, body))
        )
        return answer

    async def call(self, kind, body):
        return await asyncio.wait_for(self.begin_call(kind, body), LIMIT_S)

    def open_stream(self):
        self.stream, self.next_stream = self.next_stream, self.next_stream + 2
        self.transport.write(frame(HEADERS, END_HEADERS, self.stream, STREAM_HEADERS))

    def write(self, kind, body):
        self.transport.write(frame(DATA, 0, self.stream, payload(kind, body)))

    def close_half(self):
        """This side of the stream has nothing more to say."""
        self.transport.write(frame(DATA, END_STREAM, self.stream))

    def cancel_stream(self):
        self.transport.write(frame(RST_STREAM, 0, self.stream, struct.pack(">I", CANCEL)))

    def close(self):
        self.transport.close()

    def reset(self):
        self.transport.abort()


SETUP = {
    "clientVersion": "Nacos-Wire:v1",
    "labels": {"source": "sdk", "module": "naming"},
    "abilityTable": None,
}


async def connect(port, host="127.0.0.1", **options):
    """A TCP connection that has said that it speaks HTTP/2, and no more."""
    loop = asyncio.get_running_loop()
    made = loop.create_connection(lambda: Connection(**options), host, port)
    return (await asyncio.wait_for(made, LIMIT_S))[1]


async def connect_sdk(port, **options):
    """A connection with check and setup behind it, as SDKs make it."""
    x = await connect(port, **options)
    await x.call("ServerCheckRequest", {})
    x.open_stream()
    x.write("ConnectionSetupRequest", SETUP)
    return x


def registration(service, ip, port=8080, kind="registerInstance"):
    return {"serviceName": service, "type": kind, "instance": {"ip": ip, "port": port}}


def subscription(service, wanted=True):
    return {"serviceName": service, "subscribe": wanted, "clusters": ""}
