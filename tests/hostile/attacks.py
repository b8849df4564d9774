"""Well-formed requests with hostile content. Each generator yields requests of one kind; all chance
comes from `rng`."""

from dataclasses import dataclass
from urllib.parse import quote

import values
from routes import GOOD_VALUES, METHODS, parameter_names, paths
from wire import LAST_REQUEST, LIVENESS, request

REGISTER = "/nacos/v1/ns/instance"
BODY_MAX = 2 * 1024 * 1024
FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary="


@dataclass
class Case:
    """`parts` are well-formed requests that want one answer each, sent in one piece with a last
    good one behind them. Or it is no HTTP: then `refused` wants a 4xx or 5xx to the last part and
    the end, and `cut` is an unfinished or broken stream whose sender stops sending."""

    kind: str
    parts: list
    refused: bool = False
    cut: bool = False

    def data(self):
        return b"".join(self.parts) + (b"" if self.refused or self.cut else LAST_REQUEST)

    def methods(self):
        return [x.partition(b" ")[0] for x in self.parts]

    def singles(self):
        return [Case(self.kind, [x], self.refused, self.cut) for x in self.parts]


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


def form(fields):
    return "&".join(f"{quote(k)}={quote(v, safe='')}" for k, v in fields.items())


def as_bytes(value):
    return value if isinstance(value, bytes) else value.encode()


def multipart(fields):
    body = b""
    for name, value in fields.items():
        body += f'--hostile\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
        body += as_bytes(value) + b"\r\n"
    return body + b"--hostile--\r\n"


def call(rng, method, path, fields):
    """One well-formed request with these parameters in the query, a form, or a form whose bytes
    are not escaped."""
    text = form(fields)
    where = rng.choice(["query", "form", "raw", "multipart"]) if method != "GET" else "query"
    if where == "query" and len(text) < 6000:
        return request(method, f"{path}?{text}")
    if where == "multipart":
        return request(method, path, multipart(fields), content_type=MULTIPART + "hostile")
    if where == "raw":
        raw = (k.encode() + b"=" + as_bytes(v).replace(b"%", b"%25") for k, v in fields.items())
        return request(method, path, b"&".join(raw))
    return request(method, path, text.encode())


def some_good_values(rng, share):
    return {k: v for k, v in GOOD_VALUES.items() if rng.random() < share}


def hostile_values(rng, served):
    """Every parameter of every call with bad UTF-8, and with another bad value."""
    changing = {"logLevel": "info", "entry": "clientBeatInterval"}  # the node stays in service
    for method, path in served:
        for name in parameter_names():
            for bad in (rng.choice(values.BAD_UTF8), rng.choice(values.VALUES)):
                fields = {**GOOD_VALUES, **changing, name: bad}
                yield call(rng, method, path, fields)


def hostile_paths(rng):
    for path in paths():
        for method in METHODS:
            yield request(method, path)
            yield call(rng, method, path, some_good_values(rng, 0.95))
        for end in values.PATH_ENDS:
            yield request(rng.choice(METHODS), path + end)


def unknown_methods():
    for method in values.UNKNOWN_METHODS:
        for path in (LIVENESS, REGISTER, "/", "/nacre/admin/actors"):
            yield request(method, path)
            yield request("HEAD", path)


def odd_headers():
    """Headers nobody sends, and other things that are strange but HTTP."""
    query = f"{REGISTER}?{form({**GOOD_VALUES, 'port': '8081'})}"
    listing = "/nacos/v1/ns/instance/list?serviceName=hostile&clientIP=127.0.0.1&udpPort=9"
    history = "/nacre/admin/services/DEFAULT_GROUP@@hostile/history"
    calls = (("POST", query), ("DELETE", query), ("GET", listing), ("GET", history))
    for name in values.HEADERS:
        for value in values.HEADER_VALUES:
            for method, target in calls:
                yield request(method, target, headers=[f"{name}: {value.decode('latin-1')}"])
    for target in values.TARGETS:
        yield request("GET", target)
    get = f"GET {LIVENESS} HTTP/1.".encode()
    yield get + b"0\r\nConnection: keep-alive\r\n\r\n"
    yield get + b"1\r\nHost: x\r\nX: folded\r\n y\r\n\r\n"
    chunked = request("POST", REGISTER, headers=[f"Content-Type: {FORM}"])
    chunked = chunked.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")
    yield chunked + b"1\r\na\r\n" * 2000 + b"0\r\n\r\n"
    yield chunked + b"5;a=b\r\nhello\r\n0\r\nX-Trailer: y\r\n\r\n"
    yield chunked + b"0\r\n\r\n"


def framed(rng, served):
    yield from batches("parameter value", hostile_values(rng, served))
    yield from batches("path", hostile_paths(rng))
    yield from batches("method", unknown_methods())
    yield from batches("header", odd_headers())


def many_parameters():
    fill = b"a=1&" * 255
    forms = [b"&".join(b"serviceName=a" for _ in range(10_000)), fill, fill + b"a=1"]
    forms += [x * 100_000 for x in (b"&", b"=", b"a", b"%ff")]
    forms += [fill + b"a=1&a=1", b"%" * 1000, b"a=%4", b"=&" * 1000, b"\x00\xff" * 1000]
    for body in forms:
        yield request("POST", REGISTER, body)
    parts = [multipart({f"k{i}": "v" for i in range(10_000)}), b"--hostile\r\n\r\n--hostile--"]
    parts += [b"--hostile", b"--hostile--", b"x" * 10_000, b"--hostile\r\n" * 50_000]
    parts += [b"-" * 1_000_000, b"\r\n\r\n--hostile\r\n" * 1000]
    for boundary in ("hostile", "", "-" * 70, "x" * 71, '"hostile"', '"'):
        for body in parts:
            yield request("POST", REGISTER, body, content_type=MULTIPART + boundary)


JSON_PLACES = (
    ("PUT", "/nacos/v1/ns/instance/beat", "beat"),
    ("POST", REGISTER, "metadata"),
    ("POST", "/nacos/v2/ns/instance", "metadata"),
    ("PUT", "/nacos/v1/ns/instance/metadata/batch", "instances"),
    ("POST", "/nacos/v1/ns/service", "selector"),
    ("PUT", "/nacos/v3/admin/ns/cluster", "healthChecker"),
)


def json_values():
    for method, path, name in JSON_PLACES:
        others = {k: v for k, v in GOOD_VALUES.items() if k != name}
        for bomb in values.json_bombs():
            yield request(method, f"{path}?{form(others)}", name.encode() + b"=" + bomb)


def growing():
    """Small requests that each add something to what is stored about one service."""
    where = form({k: GOOD_VALUES[k] for k in ("serviceName", "ip", "port")})
    yield request("POST", f"{REGISTER}?{where}")
    for i in range(1500):
        more = form({"metadata": f"key{i}={'v' * 800}"})
        yield request("PUT", f"{REGISTER}/metadata/batch?{where}&{more}")
        more = form({"clusterName": f"c{i}", "checkPort": "1", "useInstancePort4Check": "true"})
        more += "&healthChecker=" + quote('{"type":"HTTP","path":"' + "p" * 400 + '"}')
        yield request("PUT", f"/nacos/v1/ns/cluster?{where}&{more}")


# What shows all that was stored by the above.
SHOWING = (
    "/nacos/v1/ns/instance/list?serviceName=hostile",
    "/nacos/v1/ns/service?serviceName=hostile",
    "/nacos/v1/ns/catalog/service?serviceName=hostile",
    "/nacos/v1/ns/operator/switches",
)


def large():
    """Requests that cost the node something; a few at a time."""
    yield from batches("many parameters", many_parameters(), 1)
    yield from batches("JSON bomb", json_values(), 1)
    yield Case("largest body", [request("POST", REGISTER, b"a" * BODY_MAX)])
    yield from batches("adding up", growing(), 100)


SWITCH_PATH = "/nacos/v2/ns/ops/switches"  # no switch turns this off


def switch_requests():
    for entry in values.SWITCHES:
        for value in values.VALUES + values.SWITCH_VALUES:
            body = f"entry={entry}&value={quote(value, safe=',:/')}"
            yield request("PUT", SWITCH_PATH, body.encode())
        yield request("GET", SWITCH_PATH)
        yield request("GET", "/nacos/v1/ns/instance/list?serviceName=hostile")
    for entry in values.BAD_UTF8 + values.TEXTS:
        yield request("PUT", f"{SWITCH_PATH}?value=a&entry={quote(entry, safe='')}")
    for setting in values.GOOD_SWITCHES:
        entry, _, value = setting.partition("=")
        yield request("PUT", f"{SWITCH_PATH}?entry={entry}&value={quote(value, safe='')}")


def switches():
    """One after the other: these change how the node answers others."""
    yield from batches("switch", switch_requests(), 100)
