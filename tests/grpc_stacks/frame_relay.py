"""Carries connections on, and counts the frames of HTTP/2 that it sees."""

import collections
import contextlib
import socket
import threading

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME_HEAD_BYTES = 9
DATA, PING = 0, 6
ACK = 1


class FrameRelay:
    """Listens on a port of its own. It counts `sent` by clients and `received` by them: how many
    frames of a kind, as (kind, acknowledges), and bytes of DATA as `"data"`."""

    def __init__(self, port):
        self.target = ("127.0.0.1", port)
        self.lock = threading.Lock()
        self.sent = collections.Counter()
        self.received = collections.Counter()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(self.target)
                for x in (client, server):
                    x.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for ends in (
                    (client, server, self.sent, len(PREFACE)),
                    (server, client, self.received, 0),
                ):
                    threading.Thread(target=self.carry, args=ends, daemon=True).start()

    def carry(self, source, target, counts, to_skip):
        head = b""
        with contextlib.suppress(OSError):
            while chunk := source.recv(1 << 18):
                head, to_skip = self.count(chunk, counts, head, to_skip)
                target.sendall(chunk)
        for x in (source, target):
            with contextlib.suppress(OSError):
                x.shutdown(socket.SHUT_RDWR)

    def count(self, chunk, counts, head, to_skip):
        """@returns what of a frame's head is there, and how many bytes are no such head"""
        at = 0
        while at < len(chunk):
            if to_skip > 0:
                step = min(to_skip, len(chunk) - at)
                to_skip -= step
                at += step
                continue
            step = min(FRAME_HEAD_BYTES - len(head), len(chunk) - at)
            head += chunk[at : at + step]
            at += step
            if len(head) == FRAME_HEAD_BYTES:
                to_skip = int.from_bytes(head[:3], "big")
                kind, flags = head[3], head[4]
                with self.lock:
                    counts[kind, bool(flags & ACK)] += 1
                    counts["data"] += to_skip if kind == DATA else 0
                head = b""
        return head, to_skip
