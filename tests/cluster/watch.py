"""Reads all lists from all nodes all the time and says what is wrong with them."""

import asyncio
import collections
import dataclasses
import json
import time

from clients import SERVICES, Beating, ago
from member import FAILURES

ROUND_S = 0.5
READ_S = 2.0
AGREE_S = 5.0
SHOWN_MAX = 4  # of each kind during each fault
# The terms, less what the way of a beat and of a read takes.
HEARD_TERM_S = 28.0
HEALTHY_TERM_S = 13.0
LOST_TERM_S = 14.0
# And more than that, for those who have to go.
BEATS_GONE_S = 34.0
ENDED_GONE_S = 2.0
HEALED_GONE_S = 5.0
DEAD_NODE_GONE_S = 18.0
# How long a beat may take to the other nodes, and how long two may not notice that they are cut.
RELAY_S = 2.0
NOTICE_CUT_S = 14.0


@dataclasses.dataclass
class Tally:
    """Complaints of one kind during one fault."""

    count: int = 0
    nodes: set = dataclasses.field(default_factory=set)
    longest_s: float = 0.0


class Watch:
    def __init__(self, world):
        self.world = world
        self.shown = [set() for _ in world.nodes]  # per node, since it started
        self.starts = [0 for _ in world.nodes]
        self.troubles = {}  # (ip, node, what) -> since when
        self.complaints = 0
        self.by_fault = collections.defaultdict(Tally)
        self.reads = self.instances_read = 0
        self.slowest_s = 0.0
        self.questions = []

    # -- reading ---------------------------------------------------------------------------------

    async def read(self, node, service):
        """(ip -> healthy), or None."""
        target = f"/nacos/v1/ns/instance/list?serviceName={service}"
        try:
            status, body = await node.http.ask("GET", target, READ_S)
        except FAILURES:
            return None
        if status != 200:
            return None
        return {x["ip"]: x["healthy"] for x in json.loads(body)["hosts"]}

    async def watch(self, node):
        """Reads one node until the test ends."""
        due = time.monotonic()
        while not self.world.stopping:
            for number in range(SERVICES):
                began, starts = time.monotonic(), node.starts
                seen = await self.read(node, f"s{number}")
                if seen is None or starts != node.starts:
                    break  # not reachable, or not ready: its clients go elsewhere
                self.slowest_s = max(self.slowest_s, time.monotonic() - began)
                self.judge(node, f"s{number}", seen, began)
            due = max(due + ROUND_S, time.monotonic() + ROUND_S / 5)
            await asyncio.sleep(due - time.monotonic())

    def judge(self, node, service, seen, began):
        now = time.monotonic()
        self.reads += 1
        self.instances_read += len(seen)
        if self.starts[node.i] != node.starts:
            self.starts[node.i] = node.starts
            self.shown[node.i].clear()
        clients = self.world.by_service[service]
        if not seen and any(x.lives() and x.born < began - RELAY_S for x in clients.values()):
            self.complain(("", node, f"empty list of {service}"), "", now)
        for ip in seen.keys() - clients.keys():
            self.complain((ip, node, "never was"), f"in {service}", now)
        shown = self.shown[node.i]
        for x in clients.values():
            if x.ip not in seen:
                self.judge_missing(x, node, now, "in its list")
                shown.discard(x.ip)
                continue
            shown.add(x.ip)
            self.is_fine((x.ip, node, "missing"), now)
            self.judge_present(x, node, began)
            self.judge_health(x, node, seen[x.ip], now)

    # -- who must be there -----------------------------------------------------------------------

    def judge_missing(self, x, node, now, where):
        if not x.lives():
            self.is_fine((x.ip, node, "dead"), now)
            return
        # A node that starts holds what the others held before it is ready.
        known = x.ip in self.shown[node.i] or (
            node.starts > 1 and x.born + 5 < node.started and self.world.linked_at_start(node)
        )
        if known and self.has_to_know(x, node, now):
            self.complain((x.ip, node, "missing"), f"{where}; {x.describe(now)}", now)

    def has_to_know(self, x, node, now):
        if isinstance(x, Beating):
            return self.heard_within(x, node, now, HEARD_TERM_S)
        return now - x.last_sign() < LOST_TERM_S

    def heard_within(self, x, node, now, term_s):
        # What others heard before it started it is told then.
        return any(
            RELAY_S < now - at < term_s and (at < node.started or self.reaches(by, node, at))
            for at, by in reversed(x.heard)
        )

    def reaches(self, a, b, at):
        """Whether `b` could hear of a beat that `a` took, if need be over one other node."""
        if a is b:
            return True
        nodes, passes = self.world.nodes, self.world.network.passes
        until = at + RELAY_S
        if not (a.ran(at, until) and b.ran(at, until)):
            return False
        if passes(a.i, b.i, at - 1, until):
            return True
        # By another way once they know that this one is cut.
        return any(
            c.ran(at, until)
            and passes(a.i, c.i, at - NOTICE_CUT_S, until)
            and passes(c.i, b.i, at - NOTICE_CUT_S, until)
            and self.cut_all_the_time(a, b, at - NOTICE_CUT_S, until)
            for c in nodes
            if c is not a and c is not b
        )

    def cut_all_the_time(self, a, b, begin, end):
        cuts = self.world.network.cuts
        return any(
            since <= begin and (until is None or until >= end)
            for way in ((a.i, b.i), (b.i, a.i))
            for since, until in cuts[way]
        )

    def judge_health(self, x, node, healthy, now):
        key = (x.ip, node, "unhealthy")
        if healthy:
            return self.is_fine(key, now)
        if not x.lives() or not isinstance(x, Beating):
            return None
        passes = self.world.network.passes
        judges = [c for c in self.world.nodes if c is node or passes(c.i, node.i, now - 30, now)]
        if all(self.heard_within(x, c, now, HEALTHY_TERM_S) for c in judges):
            self.complain(key, x.describe(now), now)
        return None

    # -- who must not ----------------------------------------------------------------------------

    def judge_present(self, x, node, began):
        if x.ended is None or x.born is None:
            return
        deadline = x.gone_by or self.deadline(x)
        if deadline is not None and began > deadline:
            what = f"died {ago(began, x.ended)}, {ago(began, deadline)} it had to be gone; "
            self.complain((x.ip, node, "dead"), what + x.describe(began), began)

    def deadline(self, x):
        """None while a fault runs: the nodes may not know yet."""
        calm = self.world.calm_since
        if calm is None:
            return None
        if isinstance(x, Beating):
            return max(x.last_sign(), calm) + BEATS_GONE_S
        last = x.held[-1][2]
        if not last.ran(x.ended, x.ended + 0.5):
            return max(x.ended, calm) + DEAD_NODE_GONE_S
        return max(x.ended + ENDED_GONE_S, calm + HEALED_GONE_S)

    # -- agreement -------------------------------------------------------------------------------

    async def until_agreed(self):
        """Seconds until all nodes show the same, which has all that live; complains when late."""
        began = time.monotonic()
        late = False
        while True:
            complaint = await self.disagreement()
            took = time.monotonic() - began
            if complaint is None:
                return took
            self.world.go_on_only_if_wanted()
            if took > AGREE_S and not late:
                late = True
                self.complain(("", None, "no agreement"), complaint, time.monotonic())
            if took > 60:
                return took
            await asyncio.sleep(0.1)

    async def disagreement(self):
        """None, or how the nodes differ now."""
        for service, clients in self.world.by_service.items():
            began = time.monotonic()
            seen = await asyncio.gather(*(self.read(x, service) for x in self.world.nodes))
            stable = {ip for ip, x in clients.items() if self.is_stable(x, began)}
            for node, rows in zip(self.world.nodes, seen):
                if rows is None:
                    return f"{node.name} does not answer"
                if missing := sorted(ip for ip in stable if not rows.get(ip)):
                    state = {ip: "unhealthy" if ip in rows else "missing" for ip in missing}
                    text = f"{service} at {node.name}: {state}; "
                    return text + clients[missing[0]].describe(began)
            changing = {ip for ip, x in clients.items() if x.lives() and ip not in stable}
            first = seen[0].keys() - changing
            for node, rows in zip(self.world.nodes, seen):
                if differs := (rows.keys() - changing) ^ first:
                    return f"{service}: node 1 and {node.name} differ about {sorted(differs)}"
        return None

    @staticmethod
    def is_stable(x, now):
        if not x.lives() or now - x.born < 2:
            return False
        if isinstance(x, Beating):
            return now - x.last_sign() < HEALTHY_TERM_S
        return x.held[-1][1] is None and now - x.held[-1][0] > 1

    # -- complaints ------------------------------------------------------------------------------

    def complain(self, key, text, now):
        """`key` is (ip, node, what); ip and node may be missing."""
        ip, node, what = key
        if ip and key in self.troubles:
            return
        self.complaints += 1
        tally = self.by_fault[self.world.fault, what]
        tally.count += 1
        if ip:
            self.troubles[key] = (now, tally)
        if node:
            tally.nodes.add(node.name)
        if tally.count > SHOWN_MAX:
            return
        place = f" at {node.name}" if node else ""
        self.world.say(f"FAILED {what} {ip}{place}: {text}")
        if ip:
            self.questions.append(asyncio.create_task(self.ask_history(ip)))

    def is_fine(self, key, now):
        since, tally = self.troubles.pop(key, (None, None))
        if since is None:
            return
        tally.longest_s = max(tally.longest_s, now - since)
        if tally.count <= SHOWN_MAX:
            ip, node, what = key
            self.world.say(f"over: {what} {ip} at {node.name} after {now - since:.1f} s")

    def sums(self):
        for (fault, what), x in self.by_fault.items():
            where = f" at {', '.join(sorted(x.nodes))}" if x.nodes else ""
            longest = f", for {x.longest_s:.1f} s at most" if x.longest_s else ""
            yield f"{fault}: {x.count} times {what}{where}{longest}"

    async def ask_history(self, ip):
        """What each node says it did with the instance and why."""
        found = [x[ip] for x in self.world.by_service.values() if ip in x]
        if not found:
            return
        service, marks = found[0].service, found[0].marks()
        target = f"/nacre/admin/services/DEFAULT_GROUP@@{service}/history"
        for node in self.world.nodes:
            body = await node.get(target)
            events = json.loads(body)["events"] if body else []
            mine = [x for x in events if any(mark in json.dumps(x) for mark in marks)][-6:]
            lines = [
                f"{self.world.clock_of(x['at'])} {x['client']} {x['what']} {x['why']}"
                f" by {x.get('by', '-')}"
                for x in mine
            ]
            self.world.say(f"  {node.name} about {ip}: " + ("; ".join(lines) or "nothing"))
