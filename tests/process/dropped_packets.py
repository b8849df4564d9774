#!/usr/bin/env python3
"""A target whose packets get lost on the way to it. To be started in an empty network namespace.

usage: dropped_packets.py NACRE FOLDER"""

import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True

from health import Target, becomes, last_result, put
from processes import PROCESSES, Node, check_equal

TARGET = "10.231.9.2"


def ip(words):
    subprocess.run(["ip", *words.split()], check=True)


def make_network():
    """What goes to the target leaves one end of a wire, and at the other nobody takes it."""
    ip("link set lo up")
    ip("link add wire type veth peer name end")
    for device in ("wire", "end"):
        ip(f"link set {device} up")
    ip("address add 10.231.9.1/24 dev wire")
    ip(f"neighbour add {TARGET} lladdr 02:00:00:00:00:01 dev wire")


def main():
    binary, folder = sys.argv[1:]
    make_network()
    node = Node(binary, pathlib.Path(folder), None)
    node.unprobed = ""
    node.start()
    target = Target(address="0.0.0.0")
    put(node, "s", target.port, ip=TARGET)
    becomes(node, "s", False)
    check_equal(last_result(node, "s"), "no answer within 500 ms", "the reason")
    ip(f"address add {TARGET}/32 dev lo")
    becomes(node, "s", True)
    ip(f"address del {TARGET}/32 dev lo")
    becomes(node, "s", False)
    check_equal(last_result(node, "s"), "no answer within 500 ms", "the reason")
    node.stop()


if __name__ == "__main__":
    try:
        main()
    finally:
        PROCESSES.kill_all()
