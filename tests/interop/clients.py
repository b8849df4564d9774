"""A process with an SDK in it."""

import json
import os
import signal
import subprocess
import threading
import time

from processes import PROCESSES, Failed, check, check_equal

# A JVM that starts takes a core for a second; many at once would spoil the times of other tests.
STARTS = threading.Semaphore(2)


class Client:
    """A process with an SDK in it, moved by its driver."""

    def __init__(self, log):
        self.log = log
        self.process = None
        self.reader = None
        self.events = []
        self.answers = []
        self.ended = False
        self.news = threading.Condition()

    def start(self, kit, address, namespace, folder):
        os.makedirs(folder)
        command, environment = kit.command(folder, address, namespace)
        with STARTS:
            self.process = PROCESSES.start(
                command,
                cwd=folder,
                env={**os.environ, "HOME": str(folder), **environment},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.log,
                text=True,
                encoding="utf-8",
            )
            self.reader = threading.Thread(target=self.read, daemon=True)
            self.reader.start()
            check_equal(self.answer(60), {"answer": "ready"}, "first word of the client")

    def read(self):
        try:
            for text in self.process.stdout:
                at = time.monotonic()
                self.note(f"<< {text.rstrip()}")
                line = json.loads(text)
                with self.news:
                    if "event" in line:
                        self.events.append({**line, "at": at})
                    else:
                        self.answers.append(line)
                    self.news.notify_all()
        finally:
            with self.news:
                self.ended = True
                self.news.notify_all()

    def note(self, text):
        self.log.write(f"{text}\n".encode())
        self.log.flush()

    def answer(self, within_s):
        with self.news:
            self.news.wait_for(lambda: self.answers or self.ended, within_s)
            check(self.answers, "the client does not answer; see its log")
            return self.answers.pop(0)

    def send(self, do, x=None, **more):
        text = json.dumps({"do": do, **(x.command() if x else {}), **more})
        self.note(f">> {text}")
        try:
            self.process.stdin.write(text + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failed("the client is gone; see its log") from None

    def ask(self, do, x=None, **more):
        """@returns `{"answer": …}` or `{"error": …}`"""
        self.send(do, x, **more)
        return self.answer(15)

    def call(self, do, x=None, **more):
        """@returns what the SDK returned"""
        line = self.ask(do, x, **more)
        check("answer" in line, f"{do}: the client says {line}")
        return line["answer"]

    def refusal(self, do, x):
        """@returns the error the SDK raised"""
        line = self.ask(do, x)
        check("error" in line, f"{do}: the client raised no error but says {line}")
        return line["error"]

    def do(self, what, x, **more):
        check_equal(self.call(what, x, **more), "ok", f"{what} {x}")

    def heard(self, kind, since=0.0):
        with self.news:
            return [e for e in self.events if e["event"] == kind and e["at"] >= since]

    def hears(self, kind, fits, since, within_s, what):
        """The first event since a moment that fits; it has to come within the time from then."""
        left = since + within_s - time.monotonic()
        with self.news:
            found = self.news.wait_for(
                lambda: next((e for e in self.heard(kind, since) if fits(e)), None),
                max(left, 0),
            )
        check(found, f"not heard within {within_s} s: {what}; heard {self.heard(kind, since)}")
        check(found["at"] <= since + within_s, f"heard after {found['at'] - since:.2f} s: {what}")
        return found

    def kill(self):
        PROCESSES.end(self.process, signal.SIGKILL)
        self.reader.join()

    def quit(self):
        check_equal(self.call("quit"), "bye", "last word of the client")
        check_equal(PROCESSES.wait(self.process, 15), 0, "exit status of the client")
        self.reader.join()
