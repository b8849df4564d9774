#!/usr/bin/env python3
"""Throws malformed and badly sent requests at a node and checks that it answers all, stays in
step with its clients, grows no memory or descriptors, serves at once afterwards and ends cleanly.
"""

import argparse
import asyncio
import collections
import os
import random
import re
import sys
import time
import traceback

import attacks
import clients
from node import Node
from wire import Malformed, all_answers, ask, exchange

WORKERS = 16
SHOWN_MAX = 30
MUTATED = 3000
MEMORY_GROWTH_MAX_KIB = 64 * 1024
# Answers of 500 that the reference gives as well: (text in the request, text in the answer).
REASONED_500 = (
    (b"/v1/console/namespaces", b"not exist;"),
    (b"/console/health/readiness", b"naming not in readiness"),
)


class Verdicts:
    """What passed and what failed."""

    def __init__(self):
        self.passed = 0
        self.failed = collections.Counter()
        self.kinds = collections.Counter()
        self.statuses = collections.Counter()

    def note(self, kind, complaint=None, sent=b"", count=1):
        self.kinds[kind] += count
        if complaint is None:
            self.passed += count
            return
        if sum(self.failed.values()) < SHOWN_MAX or not self.failed[kind]:
            print(
                f"FAILED {kind}: {complaint}\n  sent {len(sent)} bytes: {sent[:300]!r}", flush=True
            )
        self.failed[kind] += count

    def failures(self):
        return sum(self.failed.values())


def complaint_about(sent, answer):
    """Why this answer to `sent` is not acceptable, if so."""
    if answer.status < 500 or answer.status == 501:
        return None if answer.status == 200 or answer.status >= 400 else f"status {answer.status}"
    if answer.status == 503:
        # Nobody kills actors here, so no write is interrupted.
        return f"503 {answer.body[:200]!r}" if b"interrupted" in answer.body else None
    if any(a in sent and b in answer.body for a, b in REASONED_500):
        return None
    return f"status {answer.status}: {answer.body[:200]!r}"


def is_unfinished(data):
    """Whether a reader of HTTP may wait for more after `data`."""
    head, mark, body = data.lstrip(b"\r\n").partition(b"\r\n\r\n")
    first = head.partition(b"\r\n")[0]
    if not mark or not re.search(rb" HTTP/\d\.\d\Z", first):
        return True  # a version may be read when eight bytes of it are there
    headers = dict(x.lower().partition(b":")[::2] for x in head.split(b"\r\n")[1:])
    if b"chunked" in headers.get(b"transfer-encoding", b""):
        return not body.endswith(b"0\r\n\r\n")
    length = headers.get(b"content-length", b"0").strip()
    return length.isdigit() and len(body) < int(length)


def judge(case, received):
    """Nothing if the node did well, else a complaint."""
    if received.end == "silent":
        return f"no end after {len(received.data)} bytes: {received.data[-200:]!r}"
    try:
        answers = all_answers(received.data, case.methods())
    except Malformed as error:
        return f"malformed: {error}"
    for sent, answer in zip(case.parts, answers):
        if complaint := complaint_about(sent, answer):
            return complaint
    if case.cut:
        silent = not answers and not is_unfinished(case.data())
        return f"no answer, {received.end}" if silent else None
    statuses = [x.status for x in answers]
    if case.refused:
        wanted = len(statuses) == len(case.parts) and statuses[-1] >= 400
        return None if wanted else f"not refused: {statuses}, {received.end}"
    if len(statuses) != len(case.parts) + 1:
        return f"{len(case.parts) + 1} requests, answers {statuses}, {received.end}"
    last = answers[-1]
    return None if (last.status, last.body) == (200, b"OK") else f"out of step: {last}"


async def try_case(port, case, verdicts):
    data = case.data()
    received = await exchange(port, data, half_close=case.cut, pause_s=case.pause_s)
    complaint = judge(case, received)
    if complaint and len(case.parts) > 1 and not case.refused:
        # Which of them was it? If none is to blame alone, the batch is.
        before = verdicts.failures()
        for single in case.singles():
            await try_case(port, single, verdicts)
        if verdicts.failures() == before:
            verdicts.note(case.kind + " (together)", complaint, data)
        return
    verdicts.note(case.kind, complaint, data, len(case.parts))


async def try_all(port, cases, verdicts, workers=WORKERS):
    cases = iter(cases)

    async def work():
        for case in cases:
            await try_case(port, case, verdicts)

    await asyncio.gather(*(work() for _ in range(workers)))


async def try_client(client, verdicts):
    async for kind, complaint in client:
        verdicts.note(kind, complaint)


async def attack(node, rng, verdicts):
    port = node.port
    await try_all(port, attacks.framed(rng), verdicts)
    await try_all(port, attacks.strange(rng), verdicts)
    await try_all(port, attacks.refused(rng), verdicts)
    await try_all(port, attacks.mutated(rng, MUTATED), verdicts)
    await try_all(port, attacks.large(rng), verdicts, workers=3)
    await try_all(port, attacks.switches(rng), verdicts, workers=1)
    for client in (
        clients.byte_at_a_time(port),
        clients.half_requests(port, rng),
        clients.resets(port, rng),
        clients.deaf(port),
        clients.polite(port),
        clients.crowd(port),
        clients.udp(port, node.udp_ports(), rng),
    ):
        await try_client(client, verdicts)


async def lives(port, name):
    """Nothing if registration, list and beat work, each within a second."""
    where = f"serviceName={name}&ip=127.0.0.8&port=8080"
    beat = f"serviceName=DEFAULT_GROUP@@{name}&beat={attacks.beat_json(8080).replace(' ', '')}"
    steps = (
        ("POST", f"/nacos/v1/ns/instance?{where}", b"ok"),
        ("GET", f"/nacos/v1/ns/instance/list?serviceName={name}", b"127.0.0.8"),
        ("PUT", f"/nacos/v1/ns/instance/beat?{beat}", b"10200"),
        ("DELETE", f"/nacos/v1/ns/instance?{where}", b"ok"),
    )
    for method, target, wanted in steps:
        began = time.monotonic()
        answer = await ask(port, method, target.replace('"', "%22"))
        took = time.monotonic() - began
        if answer.status != 200 or wanted not in answer.body or took > 1:
            return f"{method} {target}: {answer} after {took:.2f} s"
    return None


async def stored_too_much(port):
    """What clients have made the node keep and show beyond what they sent."""
    for target, most in attacks.SHOWING.items():
        size = len((await ask(port, "GET", target)).body)
        if size > most:
            return f"{target} shows {size} bytes, more than {most}"
    return None


async def actors_restarted(port):
    answer = await ask(port, "GET", "/nacre/admin/actors?limit=10000")
    restarted = [x for x in answer.json()["actors"] if x["restarts"] or x["lastFailure"]]
    return f"{restarted[:3]}" if restarted else None


async def open_files_above(node, baseline):
    """Descriptors that were not given back within a few seconds, as a complaint."""
    for _ in range(50):
        left = node.open_files() - baseline
        if left <= 0:
            return None
        await asyncio.sleep(0.1)
    return f"{left} more than the {baseline} at the start"


async def run(node, rng, verdicts):
    port = node.port
    verdicts.note("serves before", await lives(port, "before"))
    memory, files = node.memory_kib(), node.open_files()
    try:
        await attack(node, rng, verdicts)
    except (OSError, asyncio.TimeoutError, Malformed):
        verdicts.note("attack", traceback.format_exc())
    verdicts.note("process lives", None if node.alive() else f"ended: {node.process.returncode}")
    if not node.alive():
        return
    verdicts.note("serves after", await lives(port, "after"))
    verdicts.note("stored", await stored_too_much(port))
    verdicts.note("no actor failed", await actors_restarted(port))
    verdicts.note("descriptors", await open_files_above(node, files))
    grown = node.memory_kib() - memory
    print(f"memory: {memory} KiB at first, peak {node.memory_kib('VmHWM')}, grown by {grown} KiB")
    if node.is_sanitized():
        print("memory: no bound, as the sanitizer's quarantine keeps what the node frees")
        return
    bound = f"grown by {grown} KiB, more than {MEMORY_GROWTH_MAX_KIB}"
    verdicts.note("memory", bound if grown > MEMORY_GROWTH_MAX_KIB else None)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nacre", required=True, help="the node's program")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    began = time.monotonic()
    node, verdicts = Node(arguments.nacre), Verdicts()
    try:
        asyncio.run(run(node, random.Random(arguments.seed), verdicts))
        code = node.stop()
        verdicts.note("ends on SIGTERM", None if code == 0 else f"exit code {code}")
        bad = node.bad_log_lines()
        verdicts.note("log", f"{len(bad)} lines, such as {bad[:3]}" if bad else None)
    finally:
        node.remove()
    for kind, count in verdicts.kinds.items():
        print(
            f"{count:6} {kind}"
            + (f", {verdicts.failed[kind]} FAILED" * bool(verdicts.failed[kind]))
        )
    print(f"{time.monotonic() - began:.0f} s, seed {arguments.seed}")
    print(f"{verdicts.passed} passed, {verdicts.failures()} failed")
    return 1 if verdicts.failures() else 0


if __name__ == "__main__":
    sys.exit(main())
