"""Hostile requests as bytes. Each generator yields cases of one kind; all chance comes from `rng`."""

import json
from dataclasses import dataclass
from urllib.parse import quote

from routes import GOOD_VALUES, METHODS, parameter_names, paths
from wire import LAST_REQUEST, LIVENESS, request

REGISTER = "/nacos/v1/ns/instance"
BODY_MAX = 2 * 1024 * 1024
FORM = "application/x-www-form-urlencoded"


@dataclass
class Case:
    """`parts` are well-formed requests that want one answer each, sent in one piece with a last
    good one behind them; or one part that is no HTTP: `refused` wants one 4xx or 5xx and the end,
    `cut` is an unfinished or broken stream whose sender stops sending."""

    kind: str
    parts: list
    refused: bool = False
    cut: bool = False
    pause_s: float = 0.0

    def data(self):
        return b"".join(self.parts) + (b"" if self.refused or self.cut else LAST_REQUEST)

    def methods(self):
        return [x.partition(b" ")[0] for x in self.parts]

    def singles(self):
        return [Case(self.kind, [x], self.refused, self.cut, self.pause_s) for x in self.parts]


NUMBERS = """1e400 -1e400 1e-400 4.9e-324 -0 -0.0 NaN -NaN Infinity -Infinity 2147483647 2147483648
 -2147483648 -2147483649 4294967296 9223372036854775807 9223372036854775808 -9223372036854775809
 18446744073709551616 65535 65536 -1 +1 --1 +-1 0x10 1.5 1d 1f 1_000 1e9999999999 1e-9999999999
 00000000000000000000000001""".split()
NUMBERS += ["9" * 400, "0." + "0" * 400 + "1", "٣", " 1 ", ""]
TEXTS = [
    b"\xff\xfe",
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xe4\xb8",
    b"\x00",
    b"a\x00b",
]
TEXTS += [
    b"\r\nX: y",
    b"\n2026-01-01T00:00:00.000 forged",
    b"\x1b[31m",
    b" ",
    b"\t",
    b"\x7f",
    b"'\"<>&%",
]
TEXTS += [b"@@", b"@@@@", b"a@@", b"@@a", b"a@@b@@c", b"##", b"a##b", b"%s%n", b"../../etc/passwd"]
TEXTS += [
    b"${jndi:ldap://x}",
    b".*",
    b"(a+)+$",
    b"k=v,k",
    b"=",
    b",",
    b",,,",
    b"k==v",
    b"true",
    b"null",
]
TEXTS += [
    "中文".encode(),
    "😀".encode() * 40,
    b"a" * 600,
    b"::1",
    b"fe80::1%lo",
    b"255.255.255.255",
]
JSONS = [
    "{}",
    "[]",
    "null",
    "{",
    '{"a":',
    '"',
    "[1",
    '{"a":{"b":1}}',
    '{"a":[1]}',
    '{"a":null}',
    "1",
]
JSONS += [
    '{"type":"label"}',
    '{"type":1}',
    '{"type":"HTTP","path":{},"headers":[]}',
    '{"ip":[],"port":{}}',
]
JSONS += [
    '[{"ip":1,"port":"x"}]',
    '[[],{},null,"a"]',
    '[{"ip":"1","port":1e400}]',
    '{"weight":"NaN"}',
]
JSONS += [
    '{"ip":"127.0.0.9","port":8080,"metadata":[]}',
    '{"max":1e400,"min":1,"factor":1}',
    '{"":""}',
]
JSONS += [
    '{"ip":"\\u0000","port":1}',
    '{"a":"\\ud800"}',
    '{"a":1,"a":2}',
    "[" * 100 + "]" * 100,
    "{}{}",
]
VALUES = [x.encode() for x in NUMBERS] + TEXTS + [x.encode() for x in JSONS]


def form(values):
    return "&".join(f"{quote(k)}={quote(v, safe='')}" for k, v in values.items())


def multipart(values, boundary="hostile"):
    body = b""
    for name, value in values.items():
        raw = value if isinstance(value, bytes) else value.encode()
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
        body += raw + b"\r\n"
    return body + f"--{boundary}--\r\n".encode()


def call(rng, method, path, values):
    """One well-formed request with these parameters, in the query or in the body."""
    text = form(values)
    where = rng.randrange(4) if method != "GET" else 0
    if where < 2 and len(text) < 6000:
        return request(method, f"{path}?{text}")
    if where == 3:
        kind = "multipart/form-data; boundary=hostile"
        return request(method, path, multipart(values), content_type=kind)
    return request(method, path, text.encode())


def good_request(rng, method, path):
    """What most calls accept, with some parameters left out."""
    return call(rng, method, path, {k: v for k, v in GOOD_VALUES.items() if rng.random() > 0.05})


def batches(kind, requests, size=24):
    """Cases of many requests on one connection each."""
    parts = []
    for x in requests:
        parts.append(x)
        if len(parts) == size:
            yield Case(kind, parts)
            parts = []
    if parts:
        yield Case(kind, parts)


def hostile_values(rng):
    """Every parameter of every path with a bad value; paths that lack the method answer so."""
    changing = {"logLevel": "info", "entry": "clientBeatInterval"}  # the node stays in service
    for path in paths():
        for name in parameter_names():
            for value in (rng.choice(TEXTS[:7]), rng.choice(VALUES)):
                values = {**GOOD_VALUES, name: value}
                if name not in changing:
                    values.update(changing)
                yield call(rng, rng.choice(METHODS), path, values)


def hostile_paths(rng):
    for path in paths():
        for method in METHODS:
            yield request(method, path)
            yield good_request(rng, method, path)
        for bad in (
            "%00",
            "%ff",
            "%",
            "%zz",
            "/",
            "//x",
            "/..",
            ";a=b",
            "?%",
            "?=%f",
            "?&&&=&=",
            "?a=%C0%AF",
        ):
            yield request(rng.choice(METHODS), path + bad)


def unknown_methods(_):
    for method in (
        "BREW",
        "OPTIONS",
        "TRACE",
        "CONNECT",
        "PROPFIND",
        "M-SEARCH",
        "get",
        "X" * 2000,
    ):
        for path in (LIVENESS, REGISTER, "/", "/nacre/admin/actors"):
            yield request(method, path)
            yield request("HEAD", path)


def framed(rng):
    yield from batches("parameter value", hostile_values(rng))
    yield from batches("path", hostile_paths(rng))
    yield from batches("method", unknown_methods(rng))


def many_parameters(_):
    body = b"&".join(b"serviceName=a" for _ in range(10_000))
    fill = b"a=1&" * 255
    forms = [
        body,
        b"&" * 100_000,
        b"=" * 100_000,
        b"a" * 100_000,
        b"%ff" * 100_000,
        fill,
        fill + b"a=1",
    ]
    forms += [fill + b"a=1&a=1", b"%" * 1000, b"a=%4", b"=&" * 1000, b"\x00\xff" * 1000]
    for body in forms:
        yield request("POST", REGISTER, body)
    many = {f"k{i}": "v" for i in range(10_000)}
    odd = [
        multipart(many),
        b"--hostile",
        b"--hostile--",
        b"--hostile\r\n\r\n--hostile--",
        b"x" * 10_000,
    ]
    odd += [b"--hostile\r\n" * 50_000, b"-" * 1_000_000, b"\r\n\r\n--hostile\r\n" * 1000]
    for boundary in ("hostile", "", "-" * 70, "x" * 71, '"hostile"', '"'):
        for body in odd:
            yield request(
                "POST", REGISTER, body, content_type=f"multipart/form-data; boundary={boundary}"
            )


def json_bombs():
    deep = 100_000
    yield b"[" * deep
    yield b"[" * deep + b"]" * deep
    yield b'{"a":' * deep + b"1" + b"}" * deep
    yield b'{"metadata":' + b"[" * deep
    yield b"[" + b"1," * 900_000 + b"1]"
    yield b"[" + b"{}," * 600_000 + b"{}]"
    yield b"[" + b'{"ip":"127.0.0.9","port":8080},' * 60_000 + b"{}]"
    yield b"{" + b",".join(b'"%06x":1' % (150_000 - i) for i in range(150_000)) + b"}"
    yield b'{"ip":"127.0.0.9","port":1,"metadata":{' + b",".join(
        b'"%06x":1' % (120_000 - i) for i in range(120_000)
    ) + b"}}"
    yield b",".join(b"%06x=1" % (150_000 - i) for i in range(150_000))
    yield b'{"ip":"' + b"a" * 1_900_000 + b'"}'
    yield b'{"type":"label","expression":"' + b"CONSUMER.label.A=b%26" * 90_000 + b'"}'
    yield b'{"type":"HTTP","path":"' + b"p" * 1_900_000 + b'"}'
    yield b'{"port":' + b"9" * 1_000_000 + b"}"
    yield b'{"port":1e' + b"9" * 1_000_000 + b"}"
    yield b'{"a":"' + b"\\u0000" * 300_000 + b'"}'
    yield b"," * 1_900_000
    yield b"=" * 1_900_000


JSON_PLACES = (
    ("PUT", "/nacos/v1/ns/instance/beat", "beat"),
    ("POST", REGISTER, "metadata"),
    ("POST", "/nacos/v2/ns/instance", "metadata"),
    ("PUT", "/nacos/v1/ns/instance/metadata/batch", "instances"),
    ("POST", "/nacos/v1/ns/service", "selector"),
    ("PUT", "/nacos/v3/admin/ns/cluster", "healthChecker"),
)


def json_values(_):
    for method, path, name in JSON_PLACES:
        others = {k: v for k, v in GOOD_VALUES.items() if k != name}
        for bomb in json_bombs():
            yield request(method, f"{path}?{form(others)}", name.encode() + b"=" + bomb)


SWITCHES = (
    """masters pushCacheMillis defaultCacheMillis clientBeatInterval distroThreshold check distro
 autoChangeHealthCheckEnabled pushEnabled healthCheckTimes httpHealthParams tcpHealthParams sendBeatOnly
 mysqlHealthParams serverStatusSynchronizationPeriodMillis serviceStatusSynchronizationPeriodMillis
 disableAddIP lightBeatEnabled defaultInstanceEphemeral limitedUrlMap distroServerExpiredMillis
 pushVersion overriddenServerStatus nosuchswitch""".split()
)
# Leave the node in service; through v2, which no switch turns off.
GOOD_SWITCHES = """overriddenServerStatus=null limitedUrlMap=/never:404 pushEnabled=true check=true
 lightBeatEnabled=true defaultInstanceEphemeral=true clientBeatInterval=5000 pushCacheMillis=10000
 pushVersion=java:0.1.0 masters=a distroThreshold=0.7""".split()


def switch_requests(_):
    path = "/nacos/v2/ns/ops/switches"
    values = VALUES + [
        b"java:1.2.3",
        b"java:99999999999.1.1",
        b"/nacos/v1/ns:503",
        b"READ_ONLY",
        b"DOWN",
    ]
    values += [b",".join(b"/x%d:503" % i for i in range(2000)), b"a," * 900_000, b"x" * 1_900_000]
    for entry in SWITCHES:
        for value in values:
            body = b"entry=" + entry.encode() + b"&value=" + quote(value, safe=",:/").encode()
            yield request("PUT", path, body)
        yield request("GET", path)
        yield request("GET", "/nacos/v1/ns/instance/list?serviceName=hostile")
    for entry in TEXTS:
        yield request("PUT", path, b"value=a&entry=" + quote(entry).encode())


def good_switches():
    for setting in GOOD_SWITCHES:
        entry, _, value = setting.partition("=")
        yield request(
            "PUT", f"/nacos/v2/ns/ops/switches?entry={entry}&value={quote(value, safe='')}"
        )


def switches(rng):
    """One after the other: these change how the node answers others."""
    yield from batches("switch", switch_requests(rng), 100)
    yield Case("switch", list(good_switches()))


GROWING = "hostile-growing"
ADDED = 1500
ADDED_VALUE = "v" * 800


def growing(_):
    """Small requests that each add something to what is stored about one service with one instance,
    which no other attack knows: what is added to a service is added to each of its instances."""
    where = form({"serviceName": GROWING, "ip": GOOD_VALUES["ip"], "port": GOOD_VALUES["port"]})
    yield request("POST", f"{REGISTER}?{where}")
    for i in range(ADDED):
        more = form({"metadata": f"key{i}={ADDED_VALUE}"})
        yield request("PUT", f"{REGISTER}/metadata/batch?{where}&{more}")
        more = form({"clusterName": f"c{i}", "checkPort": "1", "useInstancePort4Check": "true"})
        more += "&healthChecker=" + quote('{"type":"HTTP","path":"' + "p" * 400 + '"}')
        yield request("PUT", f"/nacos/v1/ns/cluster?{where}&{more}")


KIB = 1024
# What shows all that was stored, and its bytes at most. The node bounds what one request adds, not
# how often a client adds: the list of the growing service holds at most what it was sent, its
# clusters show only with instances. Of `hostile` there are a few instances with odd addresses.
SHOWING = {
    f"/nacos/v1/ns/instance/list?serviceName={GROWING}": (
        ADDED * len(f'"key{ADDED}":"{ADDED_VALUE}",') + 2 * KIB
    ),
    f"/nacos/v1/ns/service?serviceName={GROWING}": 2 * KIB,
    f"/nacos/v1/ns/catalog/service?serviceName={GROWING}": 2 * KIB,
    "/nacos/v1/ns/instance/list?serviceName=hostile": 256 * KIB,
    "/nacos/v1/ns/service?serviceName=hostile": 256 * KIB,
    "/nacos/v1/ns/catalog/service?serviceName=hostile": 256 * KIB,
    "/nacos/v1/ns/operator/switches": 256 * KIB,
}


def large(rng):
    """Requests that cost the node something; a few at a time."""
    yield from batches("many parameters", many_parameters(rng), 1)
    yield from batches("JSON bomb", json_values(rng), 1)
    yield Case("body", [request("POST", REGISTER, b"a" * BODY_MAX)])
    yield from batches("adding up", growing(rng), 100)


def refused_bodies(_):
    head = b"POST /nacos/v1/ns/instance HTTP/1.1\r\nHost: x\r\n"
    lengths = [
        "-1",
        "+5",
        "1e3",
        "0x10",
        "5, 6",
        "5;",
        "a",
        "5 5",
        "٥",
        str(BODY_MAX + 1),
        str(2**31),
    ]
    lengths += [
        str(2**32),
        str(2**63 - 1),
        str(2**63),
        str(2**64),
        "9" * 100,
        "5\r\nContent-Length: 6",
    ]
    for x in lengths:
        yield head + b"Content-Length: " + x.encode() + b"\r\n\r\nhello"
    for x in (
        "gzip",
        "identity",
        "xchunked",
        "chunked, gzip",
        "chunked, identity",
        "chunkedx",
        "\x0bchunked",
    ):
        smuggled = request("GET", LIVENESS)
        yield head + b"Transfer-Encoding: " + x.encode() + b"\r\n\r\n" + smuggled
    for both in (
        b"Content-Length: 5\r\nTransfer-Encoding: chunked",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5",
    ):
        yield head + both + b"\r\n\r\n0\r\n\r\n"
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"
    for size in (
        "zz",
        "-1",
        "+1",
        "0x5",
        "",
        "g",
        " 5",
        "F" * 17,
        "7" + "f" * 15,
        "80000000" * 2,
        "300000",
        "1" * 9000,
    ):
        yield chunked + size.encode() + b"\r\nhello\r\n0\r\n\r\n"
    yield chunked + b"5\r\nhelloXX0\r\n\r\n"
    yield chunked + b"5;" + b"x" * 20_000 + b"\r\nhello\r\n0\r\n\r\n"
    yield chunked + b"0\r\n" + b"X-Trailer: y\r\n" * 5000 + b"\r\n"
    yield chunked + (b"10000\r\n" + b"a" * 65536 + b"\r\n") * 40 + b"0\r\n\r\n"
    yield head + b"Content-Length: 3000000\r\n\r\n" + b"a" * 3_000_000


def refused_heads(_):
    get = b"GET /nacos/v1/console/health/liveness"
    end = b"\r\nHost: x\r\n\r\n"
    for line in (
        b"",
        b" HTTP/9.9",
        b" HTTP/1",
        b" HTTP/11.1",
        b" http/1.1",
        b" HTTP/1.1 x",
        b" HTTP/1.1\x00",
        b" FTP/1.1",
    ):
        yield get + line + end
    for target in (
        b"/a b",
        b"/a\x00b",
        b"/a\tb",
        b"/\x01",
        b"/" + b"a" * 9000,
        b"/?" + b"a=1&" * 10_000,
        b"",
    ):
        yield b"GET " + target + b" HTTP/1.1" + end
    for method in (b"G\x00T", b"G(T", b" GET", b"G\xffT", b"{}", b""):
        yield method + b" / HTTP/1.1" + end
    yield b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256))
    yield b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(64)
    yield b"GET /nacos/v1/console/health/liveness\r\n\r\n"
    yield b"GET / HTTP/1.1\nHost: x\n\n"
    head = get + b" HTTP/1.1\r\n"
    for line in (
        b"no colon",
        b": empty",
        b"a b: c",
        b"a\x00: c",
        b"a: \x00",
        b"a: \x01",
        b"a : b",
        b"\xff: b",
        b" a: b",
        b"X: folded\r\n y",
        b"X:\r\n\ty",
        b"X: y\r\n ",
        b"Content-Length:\r\n 0",
        b"X: y\r\n Content-Length: 5",
        b"X: y\r\n Transfer-Encoding: chunked",
    ):
        yield head + line + b"\r\n\r\n"
    yield head + b"X: " + b"a" * 9000 + b"\r\n\r\n"
    yield head + b"X: y\r\n" * 5000 + b"\r\n"
    yield head + b"".join(b"X-%d: y\r\n" % i for i in range(4000)) + b"\r\n"
    yield head + b"a" * 20_000 + b": b\r\n\r\n"
    yield b"X" * 20_000
    yield b"\r\n" * 20_000


def refused(rng):
    for kind, generate in (("broken body", refused_bodies), ("broken head", refused_heads)):
        for x in generate(rng):
            yield Case(kind, [x], refused=True)
            # The same behind a good request, which gets its answer first.
            yield Case("pipelined garbage", [request("GET", LIVENESS), x], refused=True)


def odd_headers(_):
    """Well-formed, and strange."""
    values = [
        b"\xff\xfe",
        b"a" * 7000,
        b"127.0.0.1, x",
        b"",
        b",",
        b"\x80",
        b"::1",
        b"1.1.1.1\tx",
        b"Nacos-Java-Client:v",
    ]
    values += [
        b"Nacos-Java-Client:v999999999999.1",
        b"Nacos-Server",
        b"Nacos-Go-Client:v1.0.0:v:v:v",
        b"%00",
    ]
    query = f"{REGISTER}?{form({**GOOD_VALUES, 'port': '8081'})}"
    listing = "/nacos/v1/ns/instance/list?serviceName=hostile&clientIP=127.0.0.1&udpPort=9"
    history = "/nacre/admin/services/DEFAULT_GROUP@@hostile/history"
    for name in (
        "User-Agent",
        "Client-Version",
        "X-Forwarded-For",
        "X-Real-IP",
        "Accept",
        "Content-Type",
        "Expect",
        "Cookie",
    ):
        for value in values:
            for method, target in (
                ("POST", query),
                ("DELETE", query),
                ("GET", listing),
                ("GET", history),
            ):
                yield request(method, target, headers=[f"{name}: {value.decode('latin-1')}"])
    for target in (
        "*",
        "http://localhost" + LIVENESS,
        "localhost:80",
        "/#a",
        "/%",
        "//",
        "/nacos",
        "/nacos/",
        "/nacre/",
        "/nacosx",
    ):
        yield request("GET", target)
    yield b"GET /nacos/v1/console/health/liveness HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    head = (
        b"POST /nacos/v1/ns/instance HTTP/1.1\r\nHost: x\r\nContent-Type: "
        + FORM.encode()
        + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    yield head + b"1\r\na\r\n" * 2000 + b"0\r\n\r\n"
    yield head + b"5;a=b\r\nhello\r\n0\r\nX-Trailer: y\r\n\r\n"
    yield head + b"0\r\n\r\n"


def strange(rng):
    yield from batches("header", odd_headers(rng))


def mutate(rng, data):
    """A few bytes or pieces of `data` changed, dropped, doubled or put in."""
    data = bytearray(data)
    for _ in range(rng.randrange(1, 6)):
        at = rng.randrange(len(data) + 1)
        piece = rng.choice(
            [
                bytes([rng.randrange(256)]),
                b"\r\n",
                b"\x00",
                b"%",
                b":",
                b" ",
                b"9" * 20,
                b"\r\n\r\n",
            ]
        )
        length = rng.choice([0, 1, 1, 2, 8, 40])
        choice = rng.randrange(4)
        if choice == 0:
            data[at : at + length] = piece
        elif choice == 1:
            data[at:at] = piece
        elif choice == 2:
            data[at:at] = data[at : at + length]
        else:
            del data[at : at + rng.choice([1, 1, 4, len(data)])]
    return bytes(data)


def mutated(rng, count):
    """Valid requests of every route with bytes changed, so that the stream may be anything."""
    routes = [(method, path) for path in paths() for method in METHODS]
    for i in range(count):
        method, path = routes[i % len(routes)]
        keep = [k for k in GOOD_VALUES if rng.random() < 0.3]
        good = call(rng, method, path, {k: GOOD_VALUES[k] for k in keep} or {"a": "b"})
        yield Case("mutated bytes", [mutate(rng, good)], cut=True)


def beat_json(port):
    return json.dumps({"ip": "127.0.0.8", "port": port, "serviceName": "DEFAULT_GROUP@@after"})
