"""h2spec against the echo server: which cases have to pass."""

import subprocess
import xml.etree.ElementTree

UNARY = "/nacre.Echo/Unary"
# A case passes if it does in one of these runs.
RUNS = (
    ("answered", ["-P", UNARY]),
    # What h2spec sends on a stream that it takes for open has to come before an answer.
    ("unanswered", ["-P", "/nacre.Echo/Wait", "http2/5.1", "http2/6.1"]),
    # Frames of up to 256 KiB are welcome: what is to be too long has to be longer than that.
    ("long", ["-P", UNARY, "--max-header-length", "99999", "http2/4.2/3"]),
)

FORGOTTEN = (
    "nghttp2 is told to forget streams that are closed, for their memory: what comes on them is"
    " dropped, and its window given back; RFC 9113 (5.1) leaves either to us"
)
# What does not pass, by section and title, and why.
KNOWN = {
    ("http2/3.5", "Sends invalid connection preface"): (
        "what looks like HTTP/1.1 is told so in HTTP/1.1 before the end: h2spec wants the end only"
    ),
    (
        "http2/5.1",
        "closed: Sends a DATA frame after sending RST_STREAM frame",
    ): FORGOTTEN,
    (
        "http2/5.1",
        "closed: Sends a HEADERS frame after sending RST_STREAM frame",
    ): FORGOTTEN,
    ("http2/5.1", "closed: Sends a DATA frame"): FORGOTTEN,
    ("http2/5.1", "closed: Sends a HEADERS frame"): FORGOTTEN,
    ("http2/5.1.1", "Sends stream identifier that is numerically smaller than previous"): (
        "the streams below one that was opened are closed (RFC 9113, 5.1.1): nghttp2 drops what"
        " comes on them, as it may be what follows a reset that has not been heard"
    ),
}
CASES = 145


def outcomes_of(kit, port, name, arguments, log):
    """@returns whether it passed, by section and title"""
    report = kit.folder / f"{name}.xml"
    report.unlink(missing_ok=True)
    address = ["-h", "127.0.0.1", "-p", str(port)]
    command = [*kit.command(), *address, "-o", "1", "-j", str(report), *arguments]
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=100)
    cases = xml.etree.ElementTree.parse(report).iter("testcase")
    return {(x.get("package"), x.get("classname")): len(x) == 0 for x in cases}


def judge(kit, port, log):
    """@returns lines of what is not as it should be, and how many cases passed"""
    passed = {}
    for name, arguments in RUNS:
        for case, outcome in outcomes_of(kit, port, name, arguments, log).items():
            passed[case] = outcome or passed.get(case, False)
    wrong = [f"{len(passed)} cases, not {CASES}"] if len(passed) != CASES else []
    for (section, title), outcome in passed.items():
        if outcome == ((section, title) in KNOWN):
            wrong.append(f"{section} {title}: {'passes now' if outcome else 'fails'}")
    return wrong, sum(passed.values())
