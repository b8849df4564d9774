"""A network of hosts for one test: namespaces that nobody else sees and that end with this program,
also when it is killed. Hosts talk over a router, which is where this program is; it can refuse to
pass packets from one host to another, in one direction, or lose some of them."""

import asyncio
import collections
import ctypes
import fcntl
import os
import signal
import struct
import subprocess
import time

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_PDEATHSIG = 1
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
ROUTER = "10.231.0.254"
LOSSY_TABLE = "77"

libc = ctypes.CDLL(None, use_errno=True)


class Unavailable(Exception):
    """This machine can't do it."""


def system_call(name, *arguments):
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise Unavailable(f"{name}: {os.strerror(number)}")


def own_namespace():
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def write_text(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def leave_the_machines_network():
    """From now on this program is in a network of its own; without root it is root there only."""
    uid, gid = os.geteuid(), os.getegid()
    system_call("unshare", CLONE_NEWNET | (CLONE_NEWUSER if uid else 0))
    if uid:
        write_text("/proc/self/setgroups", "deny")
        write_text("/proc/self/uid_map", f"0 {uid} 1")
        write_text("/proc/self/gid_map", f"0 {gid} 1")


class Host:
    """`number` counts from 1."""

    def __init__(self, number, router):
        self.address = f"10.231.0.{number}"
        self.device = f"n{number}"
        system_call("unshare", CLONE_NEWNET)
        self.namespace = own_namespace()
        system_call("setns", router, 0)

    def enter(self):
        """For a new process, which ends with this program."""
        system_call("setns", self.namespace, 0)
        system_call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL)


class Network:
    """Hosts are known by their index. Must be made before this program has any other thread."""

    def __init__(self, count):
        try:
            leave_the_machines_network()
            self.router = own_namespace()
            self.hosts = [Host(number, self.router) for number in range(1, count + 1)]
            self.connect()
        except (Unavailable, OSError, subprocess.CalledProcessError) as error:
            raise Unavailable(f"no network of its own: {error}") from error
        # (from, to) -> [begin, end]s; `None` is this program.
        self.cuts = collections.defaultdict(list)
        self.lossy = None

    @staticmethod
    def ip(*words, host=None):
        enter = host.enter if host else None
        done = subprocess.run(
            ["ip", *words], preexec_fn=enter, stderr=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            raise Unavailable(f"ip {' '.join(words)}: {done.stderr.strip()}")

    def connect(self):
        self.ip("link", "set", "lo", "up")
        self.ip("address", "add", f"{ROUTER}/32", "dev", "lo")
        for host in self.hosts:
            there = f"/proc/{os.getpid()}/fd/{host.namespace}"
            ends = host.device, "type", "veth", "peer", "name", "eth0", "netns", there
            self.ip("link", "add", *ends)
            self.ip("link", "set", host.device, "up")
            self.ip("route", "add", host.address, "dev", host.device, "src", ROUTER)
            self.ip("link", "set", "lo", "up", host=host)
            self.ip("address", "add", f"{host.address}/32", "dev", "eth0", host=host)
            self.ip("link", "set", "eth0", "up", host=host)
            self.ip("route", "add", ROUTER, "dev", "eth0", host=host)
            self.ip("route", "add", "default", "via", ROUTER, "dev", "eth0", host=host)
        write_text("/proc/sys/net/ipv4/ip_forward", "1")

    def way(self, a, b):
        """The words for packets from one to the other; `a` may be None, this program."""
        return "iif", "lo" if a is None else self.hosts[a].device, "to", self.hosts[b].address

    # -- cuts ------------------------------------------------------------------------------------

    def cut(self, a, b):
        """Nothing comes from `a` to `b` any more; the other way is as it was."""
        self.ip("rule", "add", "pref", "100", *self.way(a, b), "blackhole")
        self.cuts[a, b].append([time.monotonic(), None])

    def heal(self):
        for (a, b), spans in self.cuts.items():
            if spans and spans[-1][1] is None:
                self.ip("rule", "del", "pref", "100", *self.way(a, b), "blackhole")
                spans[-1][1] = time.monotonic()

    def passes(self, a, b, begin, end):
        """Whether packets passed both ways all the time."""
        return not any(
            since < end and (until is None or until > begin)
            for way in ((a, b), (b, a))
            for since, until in self.cuts[way]
        )

    # -- loss ------------------------------------------------------------------------------------

    def open_lossy_way(self):
        """Packets that go this way pass this program, which drops some."""
        try:
            self.lossy = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            request = struct.pack("16sH22x", b"lossy", IFF_TUN | IFF_NO_PI)
            fcntl.ioctl(self.lossy, TUNSETIFF, request)
        except OSError as error:
            raise Unavailable(f"no packets can be lost without /dev/net/tun: {error}") from error
        self.ip("link", "set", "lossy", "up")
        self.ip("route", "add", "default", "dev", "lossy", "table", LOSSY_TABLE)

    def lose(self, share, rng):
        """Of all packets between hosts this share gets lost. Needs the loop."""
        if self.lossy is None:
            self.open_lossy_way()

        def pass_on():
            try:
                while True:
                    packet = os.read(self.lossy, 65536)
                    self.passed += 1
                    if rng.random() < share:
                        self.lost += 1
                    else:
                        os.write(self.lossy, packet)
            except BlockingIOError:
                pass

        self.passed = self.lost = 0
        asyncio.get_running_loop().add_reader(self.lossy, pass_on)
        for a, b in self.pairs(len(self.hosts)):
            self.ip("rule", "add", "pref", "200", *self.way(a, b), "lookup", LOSSY_TABLE)

    def lose_nothing(self):
        for a, b in self.pairs(len(self.hosts)):
            self.ip("rule", "del", "pref", "200", *self.way(a, b), "lookup", LOSSY_TABLE)
        asyncio.get_running_loop().remove_reader(self.lossy)

    @staticmethod
    def pairs(count):
        """All ways between so many hosts."""
        return [(a, b) for a in range(count) for b in range(count) if a != b]
