"""Start and stop as an operator meets them."""

import signal
import socket
import subprocess
import threading
import time

from processes import PROCESSES, check, check_equal, is_sanitized


def test_ready_soon_after_start(node):
    """Ready within 150 ms: the best of five starts, since the machine may be busy. A sanitizer
    makes a program several times slower: 1 s then."""
    times = []
    for _ in range(5):
        began = time.monotonic()
        node.start()
        times.append(time.monotonic() - began)
        node.stop()
    within_s = 1 if is_sanitized(node.binary) else 0.15
    check(min(times) < within_s, f"ready after {min(times) * 1000:.0f} ms at best")


def test_sigterm_finishes_what_runs(node):
    """Every request that was accepted is answered; the node leaves with status 0."""
    node.start()
    answers, stop = [], threading.Event()

    def ask():
        while not stop.is_set():
            try:
                answers.append(node.request("GET", "/nacos/v1/ns/instance/list", serviceName="s"))
            except (ConnectionError, socket.timeout):
                return  # the port is closed: nothing was accepted

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)  # load to be interrupted, not a wait for something
    node.stop()
    stop.set()
    for thread in threads:
        thread.join()
    check(len(answers) > 20, f"only {len(answers)} answers")
    statuses = {status for status, _ in answers}
    check(statuses <= {200, 503}, f"statuses {statuses}")


def start_and_fail(node, *options, folder=None):
    """@returns the text of a start that fails; the node's own port is not taken by it, nor its
    data folder unless that is given"""
    process = PROCESSES.start(
        [node.binary, "--data-dir", str(folder or node.folder / "other"), *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    check_equal(PROCESSES.wait(process, 10), 1, f"exit status with {options}")
    return process.stderr.read()


def test_a_taken_port_is_one_clear_line(node):
    node.start()
    text = start_and_fail(node, "--port", str(node.port))
    check_equal(
        text, f"nacre: can't listen on port {node.port}: Address already in use\n", "the error"
    )
    check(node.is_ready(), "the first node still serves")


def test_a_bad_option_is_one_clear_line(node):
    for options in (["--port", "abc"], ["--mode", "x"], ["--nosuch"], ["--mode", "cluster"]):
        text = start_and_fail(node, *options)
        check(text.startswith("nacre: ") and text.count("\n") == 1, f"{options}: {text!r}")


def test_a_bad_tls_file_is_one_clear_line(node):
    """Which file it is, and what is wrong with it."""
    key = "nacos.remote.server.rpc.tls."
    text = start_and_fail(
        node, "--port", str(node.port), "--set", f"{key}enableTls=true",
        "--set", f"{key}certChainFile=/nowhere", "--set", f"{key}certPrivateKey=/nowhere"
    )
    check_equal(
        text, "nacre: can't use the TLS key \"/nowhere\": it is missing or empty\n", "the error"
    )


def test_two_signals_end_it_only_once(node):
    node.start()
    node.process.send_signal(signal.SIGINT)
    node.process.send_signal(signal.SIGTERM)
    check_equal(PROCESSES.wait(node.process, 10), 0, "exit status")
