"""A look at a cluster that does not stop while its nodes die and come back."""

import http.client
import json
import threading
import time

from processes import check

# After a node's death: until a client is elsewhere and can be asked again.
MOVED_WITHIN_S = 4.0


class Watch:
    """Looks all the time at what the nodes list and at what a subscriber lists: there has to be
    `x`, healthy, whatever happens to the nodes. Only who is away or not ready may refuse."""

    def __init__(self, nodes, subscriber, x):
        self.nodes = nodes
        self.subscriber = subscriber
        self.x = x
        self.up = set(nodes)
        self.last_death = 0.0
        self.samples = 0
        self.refusals = []
        self.wrong = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.start = time.monotonic()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def run(self):
        try:
            while not self.ended.wait(0.1):
                for node in self.nodes:
                    self.look_at(node)
                for subscribed in (True, False):
                    self.ask_subscriber(subscribed)
                self.samples += 1
        except Exception as failure:
            self.found(f"the watch ends: {failure!r}")

    def look_at(self, node):
        process = node.process
        was_up = node in self.up
        try:
            status, text = node.request(
                "GET",
                "/nacos/v1/ns/instance/list",
                serviceName=self.x.service,
                groupName=self.x.group,
            )
        except (ConnectionError, http.client.HTTPException) as failure:
            status, text = 0, repr(failure)
        who = f"node {self.nodes.index(node) + 1}"
        if status == 200:
            self.judge(who, json.loads(text)["hosts"])
        elif was_up and node in self.up and node.process is process:
            self.found(f"{who} answers {status} {text}")

    def ask_subscriber(self, subscribed):
        asked = time.monotonic()
        line = self.subscriber.ask("list", self.x, subscribed=subscribed)
        who = "the subscriber" if subscribed else "a query of the subscriber"
        if "answer" in line:
            self.judge(who, line["answer"])
        elif asked < self.last_death + MOVED_WITHIN_S:
            self.refusals.append(asked - self.last_death)
        else:
            self.found(f"{who} fails: {line}")

    def judge(self, who, hosts):
        mine = [host for host in hosts if self.x.is_it(host)]
        if not mine or not all(host["healthy"] for host in mine):
            self.found(f"{who} lists {hosts}")

    def found(self, what):
        now = time.monotonic()
        since_death = f", {now - self.last_death:.2f} s after a death" if self.last_death else ""
        at = time.strftime("%H:%M:%S", time.gmtime())
        self.wrong.append(f"{now - self.start:.2f} s ({at}{since_death}): {what}")

    def kill(self, node):
        self.up.discard(node)
        self.last_death = time.monotonic()
        node.kill()

    def start_again(self, node):
        node.start(same_data=True)
        self.up.add(node)

    def summary(self):
        refused = f"queries refused {', '.join(f'{s:.1f}' for s in self.refusals)} s after deaths"
        return f"{self.samples} samples, {refused if self.refusals else 'no query refused'}"

    def check(self):
        what = "\n  ".join(self.wrong[:10])
        check(not self.wrong, f"{len(self.wrong)} times something was wrong:\n  {what}")
