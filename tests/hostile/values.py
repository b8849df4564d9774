"""Hostile values of parameters and headers. Data only."""

# fmt: off
BAD_UTF8 = [
    b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe4\xb8", b"a\x80",
    b"\xf0\x9f\x98",
]
NUMBERS = [x.encode() for x in """
    1e400 -1e400 1e-400 4.9e-324 -0 -0.0 NaN -NaN Infinity -Infinity 2147483647 2147483648
    -2147483648 -2147483649 4294967296 9223372036854775807 9223372036854775808 -9223372036854775809
    1_000 18446744073709551616 65535 65536 -1 +1 --1 +-1 0x10 1.5 1d 1f 1e9999999999 1e-9999999999
    00000000001
""".split()] + [b"9" * 400, b"0." + b"0" * 400 + b"1", "٣".encode(), b" 1 ", b""]
TEXTS = [
    b"\x00", b"a\x00b", b"\r\nX: y", b"\n2026-01-01T00:00:00.000 forged", b"\x1b[31m", b" ", b"\t",
    b"\x7f", b"'\"<>&%", b"@@", b"@@@@", b"a@@", b"@@a", b"a@@b@@c", b"##", b"a##b", b"%s%n",
    b"../../etc/passwd", b"${jndi:ldap://x}", b".*", b"(a+)+$", b"k=v,k", b"k==v", b"=", b",",
    b",,,", b"true", b"null", "中文".encode(), "😀".encode() * 40, b"a" * 600, b"::1", b"fe80::1%lo",
    b"255.255.255.255",
]
JSONS = [x.encode() for x in (
    "{}", "[]", "null", "1", "{", '{"a":', '"', "[1", "{}{}", '{"a":{"b":1}}', '{"a":[1]}',
    '{"a":null}', '{"type":"label"}', '{"type":1}', '{"type":"HTTP","path":{},"headers":[]}',
    '{"ip":[],"port":{}}', '[{"ip":1,"port":"x"}]', '[[],{},null,"a"]', '[{"ip":"1","port":1e400}]',
    '{"weight":"NaN"}', '{"ip":"127.0.0.9","port":8080,"metadata":[]}',
    '{"max":1e400,"min":1,"factor":1}', '{"":""}', '{"ip":"\\u0000","port":1}', '{"a":"\\ud800"}',
    '{"a":1,"a":2}', "[" * 100 + "]" * 100,
)]
VALUES = BAD_UTF8 + NUMBERS + TEXTS + JSONS

PATH_ENDS = ("%00", "%ff", "%", "%zz", "/", "//x", "/..", ";a=b", "?%", "?=%f", "?&&&=&=", "?a=%C0%AF")
UNKNOWN_METHODS = ("BREW", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "M-SEARCH", "get", "X" * 2000)
TARGETS = ("*", "localhost:80", "http://localhost/nacos", "/#a", "/%", "//", "/nacos", "/nacos/", "/nacre/")
HEADERS = (
    "User-Agent", "Client-Version", "X-Forwarded-For", "X-Real-IP", "Accept", "Content-Type",
    "Expect", "Cookie",
)
HEADER_VALUES = [
    b"\xff\xfe", b"a" * 7000, b"127.0.0.1, x", b"", b",", b"\x80", b"::1", b"1.1.1.1\tx",
    b"Nacos-Java-Client:v", b"Nacos-Java-Client:v999999999999.1", b"Nacos-Server",
    b"Nacos-Go-Client:v1.0.0:v:v:v", b"%00",
]

LENGTHS = [x.encode() for x in (
    "-1", "+5", "1e3", "0x10", "5, 6", "5;", "a", "5 5", "٥", "2097153", "2147483648", "4294967296",
    "9223372036854775807", "9223372036854775808", "18446744073709551616", "9" * 100,
    "5\r\nContent-Length: 6",
)]
ENCODINGS = (
    b"gzip", b"identity", b"xchunked", b"chunked, gzip", b"chunked, identity", b"chunkedx",
    b"\x0bchunked",
)
CHUNK_SIZES = (
    b"zz", b"-1", b"+1", b"0x5", b"", b"g", b" 5", b"F" * 17, b"7" + b"f" * 15, b"80000000" * 2,
    b"300000", b"1" * 9000,
)
VERSIONS = (
    b"", b" HTTP/9.9", b" HTTP/1", b" HTTP/11.1", b" http/1.1", b" HTTP/1.1 x", b" HTTP/1.1\x00",
    b" FTP/1.1",
)
BROKEN_TARGETS = (
    b"/a b", b"/a\x00b", b"/a\tb", b"/\x01", b"/" + b"a" * 9000, b"/?" + b"a=1&" * 10_000, b"",
)
BROKEN_METHODS = (b"G\x00T", b"G(T", b" GET", b"G\xffT", b"{}", b"")
BROKEN_HEADERS = (
    b"no colon", b": empty", b"a b: c", b"a\x00: c", b"a: \x00", b"a: \x01", b"a : b", b"\xff: b",
    b" a: b", b"X: " + b"a" * 9000, b"a" * 20_000 + b": b", b"X: y\r\n" * 5000,
    b"".join(b"X-%d: y\r\n" % i for i in range(4000)),
)

SWITCHES = """
    masters pushCacheMillis defaultCacheMillis clientBeatInterval distroThreshold check distro
    sendBeatOnly autoChangeHealthCheckEnabled pushEnabled healthCheckTimes httpHealthParams
    tcpHealthParams mysqlHealthParams serverStatusSynchronizationPeriodMillis
    serviceStatusSynchronizationPeriodMillis disableAddIP lightBeatEnabled defaultInstanceEphemeral
    limitedUrlMap distroServerExpiredMillis pushVersion overriddenServerStatus nosuchswitch
""".split()
SWITCH_VALUES = [
    b"java:1.2.3", b"java:99999999999.1.1", b"/nacos/v1/ns:503", b"READ_ONLY", b"DOWN",
    b"a," * 900_000, b",".join(b"/x%d:503" % i for i in range(2000)), b"x" * 1_900_000,
]
# Take the node back into service.
GOOD_SWITCHES = """
    overriddenServerStatus=null limitedUrlMap=/never:404 pushEnabled=true check=true masters=a
    lightBeatEnabled=true defaultInstanceEphemeral=true clientBeatInterval=5000
    pushCacheMillis=10000 pushVersion=java:0.1.0 distroThreshold=0.7
""".split()
# fmt: on


def json_bombs():
    """Texts of up to 2 MB that cost a careless reader its stack, its memory or its time."""
    deep, many = 100_000, 150_000
    yield b"[" * deep
    yield b"[" * deep + b"]" * deep
    yield b'{"a":' * deep + b"1" + b"}" * deep
    yield b'{"metadata":' + b"[" * deep
    yield b"[" + b"1," * 900_000 + b"1]"
    yield b"[" + b"{}," * 600_000 + b"{}]"
    yield b"[" + b'{"ip":"127.0.0.9","port":8080},' * 60_000 + b"{}]"
    falling = b"{" + b",".join(b'"%06x":1' % (many - i) for i in range(many)) + b"}"
    yield falling
    yield b'{"ip":"127.0.0.9","port":1,"metadata":' + falling + b"}"
    yield b",".join(b"%06x=1" % (many - i) for i in range(many))
    yield b'{"ip":"' + b"a" * 1_900_000 + b'"}'
    yield b'{"type":"label","expression":"' + b"CONSUMER.label.A=b%26" * 90_000 + b'"}'
    yield b'{"type":"HTTP","path":"' + b"p" * 1_900_000 + b'"}'
    yield b'{"port":' + b"9" * 1_000_000 + b"}"
    yield b'{"port":1e' + b"9" * 1_000_000 + b"}"
    yield b'{"a":"' + b"\\u0000" * 300_000 + b'"}'
    yield b"," * 1_900_000
    yield b"=" * 1_900_000
