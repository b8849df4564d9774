"""What clients asked for and were answered, and who judges it."""

import json
import subprocess
from pathlib import Path

from kits import Kit

HERE = Path(__file__).resolve().parent
ABSENT = 0  # the value of a key that was never written, or deleted last


class History:
    """All operations in the order in which they ended; times are of one monotonic clock."""

    def __init__(self):
        self.operations = []

    def add(self, kind, key, value, client, call, returned):
        """`returned` is None if nobody knows whether it took effect, and when."""
        self.operations.append(
            {"key": key, "kind": kind, "value": value, "client": client, "call": call,
             "return": returned}
        )

    def keys(self):
        return list(dict.fromkeys(x["key"] for x in self.operations))

    def write(self, path):
        with open(path, "w", encoding="ascii") as file:
            for x in self.operations:
                file.write(json.dumps(x) + "\n")


class Checker(Kit):
    """porcupine, installed by the client of its registry."""

    name = "porcupine 1.3.1"
    language = "go"
    tools = ("go",)
    inputs = (HERE / "go/go.mod", HERE / "go/checker.go")

    def install_commands(self):
        for path in self.inputs:
            (self.folder / path.name).write_bytes(path.read_bytes())
        # The sums, which are not kept here, come with the build.
        yield ["go", "build", "-mod=mod", "-buildvcs=false", "-o", "checker", "."]

    def judge(self, history, folder):
        """The verdict; the history, and pictures of some keys that are wrong, are in the folder."""
        path = Path(folder) / "history.jsonl"
        history.write(path)
        done = subprocess.run(
            [self.folder / "checker", path, folder], stdout=subprocess.PIPE, text=True, check=True
        )
        return json.loads(done.stdout)


# -- histories whose verdict is known ------------------------------------------------------------


def told(*operations):
    """A history of one key. Each operation is (kind, value, call, return)."""
    history = History()
    for client, (kind, value, call, returned) in enumerate(operations):
        history.add(kind, "key", value, client, call, returned)
    return history


FINE = {
    "one after the other": told(
        ("read", ABSENT, 0, 1), ("write", 1, 2, 3), ("read", 1, 4, 5), ("delete", ABSENT, 6, 7),
        ("read", ABSENT, 8, 9), ("write", 2, 10, 11), ("read", 2, 12, 13),
    ),
    "two at once, in either order": told(
        ("write", 1, 0, 9), ("write", 2, 0, 9), ("read", 2, 3, 4), ("read", 1, 5, 6),
    ),
    "an unknown write that takes effect late": told(
        ("write", 1, 0, None), ("write", 2, 1, 2), ("read", 2, 3, 4), ("read", 1, 5, 6),
    ),
    "an unknown write that never does": told(
        ("write", 1, 0, 1), ("write", 2, 2, None), ("read", 1, 9, 10),
    ),
    "an unknown delete that takes effect late": told(
        ("write", 1, 0, 1), ("delete", ABSENT, 2, None), ("read", 1, 3, 4), ("write", 2, 5, 6),
        ("read", 2, 7, 8), ("read", ABSENT, 9, 10),
    ),
}
WRONG = {
    "an acknowledged write is lost": told(
        ("write", 1, 0, 1), ("write", 2, 2, 3), ("read", 1, 4, 5),
    ),
    "an acknowledged write is lost, the key had none": told(
        ("write", 1, 0, 1), ("read", ABSENT, 2, 3),
    ),
    "an acknowledged delete is lost": told(
        ("write", 1, 0, 1), ("delete", ABSENT, 2, 3), ("read", 1, 4, 5),
    ),
    "a value that nobody wrote": told(
        ("write", 1, 0, 1), ("read", 2, 2, 3),
    ),
    "a read goes back": told(
        ("write", 1, 0, 1), ("write", 2, 2, 9), ("read", 2, 3, 4), ("read", 1, 5, 6),
    ),
    "a write is seen before it was asked for": told(
        ("read", 1, 0, 1), ("write", 1, 2, 3),
    ),
    "an unknown write takes effect twice": told(
        ("write", 1, 0, None), ("read", 1, 1, 2), ("write", 2, 3, 4), ("read", 2, 5, 6),
        ("read", 1, 7, 8),
    ),
    "an unknown delete takes effect twice": told(
        ("delete", ABSENT, 0, None), ("write", 1, 1, 2), ("read", ABSENT, 3, 4),
        ("write", 2, 5, 6), ("read", ABSENT, 7, 8),
    ),
    "nodes end with different values": told(
        ("write", 1, 0, 1), ("write", 2, 0, 1), ("read", 1, 2, 3), ("read", 2, 2, 4),
        ("read", 1, 5, 6),
    ),
}


def wrong_verdicts(checker, folder):
    """The histories about which the checker is wrong: it has to be able to say both."""
    return [
        name
        for histories, illegal in ((FINE, []), (WRONG, ["key"]))
        for name, history in histories.items()
        if checker.judge(history, folder)["illegal"] != illegal
    ]


def with_a_stale_read(history):
    """The key and the same history, but one read of it is answered with an older value, as if a
    write that was acknowledged were lost. None if there is no place for that."""
    writes = {}
    for x in history.operations:
        if x["kind"] == "write" and x["return"] is not None:
            writes.setdefault(x["key"], {})[x["value"]] = x
    for i, read in reversed(list(enumerate(history.operations))):
        of_key = writes.get(read["key"], {})
        seen = of_key.get(read["value"]) if read["kind"] == "read" else None
        if seen is None or seen["return"] >= read["call"]:
            continue
        for older in of_key.values():
            if older["return"] < seen["call"]:
                doctored = History()
                doctored.operations = list(history.operations)
                doctored.operations[i] = {**read, "value": older["value"]}
                return read["key"], doctored
    return None
