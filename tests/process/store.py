"""What operators said and what is persistent outlives the process, however that ends."""

import os
import random
import resource
import sqlite3
import subprocess
import threading
import time

from lifecycle import start_and_fail
from processes import check, check_equal, eventually

# How often the node is killed while clients write.
KILLS = int(os.environ.get("KILLS", "15"))
WRITERS = 4

INSTANCE = "/nacos/v1/ns/instance"


def ask(node, method, path, expected="ok", **parameters):
    check_equal(node.request(method, path, **parameters), (200, expected), f"{method} {path}")


def persistent(service, ip, **more):
    return {"serviceName": service, "ip": ip, "port": 80, "ephemeral": "false", **more}


def hosts_of(node, service):
    return [host["ip"] for host in node.get(f"{INSTANCE}/list", serviceName=service)["hosts"]]


def shown(node):
    """All that the test below sets, without what differs from life to life."""
    hosts = node.get(f"{INSTANCE}/list", serviceName="kept")["hosts"]
    service = node.get("/nacos/v1/ns/service", serviceName="empty")
    return (
        sorted(str(host) for host in hosts),
        service["protectThreshold"],
        service["metadata"],
        node.get("/nacos/v1/console/namespaces")["data"],
        node.get("/nacos/v1/ns/operator/switches")["pushEnabled"],
    )


def test_what_was_said_outlives_the_process(node):
    node.start()
    ask(node, "POST", INSTANCE, **persistent("kept", "10.0.0.1", metadata="a=1"))
    ask(node, "POST", INSTANCE, **persistent("kept", "10.0.0.2"))
    ask(node, "PUT", INSTANCE, **persistent("kept", "10.0.0.1", weight=7, metadata="b=2"))
    ask(node, "DELETE", INSTANCE, **persistent("kept", "10.0.0.2"))
    ask(node, "POST", "/nacos/v1/ns/service", serviceName="empty", protectThreshold=0.5,
        metadata='{"k":"v"}')
    ask(node, "POST", "/nacos/v1/console/namespaces", "true", customNamespaceId="dev",
        namespaceName="Dev", namespaceDesc="")
    ask(node, "PUT", "/nacos/v1/ns/operator/switches", entry="pushEnabled", value="false")
    before = shown(node)
    for end in (node.stop, node.kill, node.stop):
        end()
        node.start(same_data=True)
        check_equal(shown(node), before, "what is shown after a restart")


def test_no_acknowledged_write_is_lost_by_kill_9(node):
    """Clients register persistent instances while the node is killed again and again."""
    node.start()
    acknowledged, numbers, lock, stop = set(), iter(range(10**9)), threading.Lock(), []

    def write():
        while not stop:
            with lock:
                number = next(numbers)
            ip = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
            try:
                answer = node.request("POST", INSTANCE, **persistent(f"s{number % 7}", ip))
            except OSError:
                time.sleep(0.01)  # nobody listens: the node is about to start
                continue
            except Exception:
                continue  # half an answer: nothing was acknowledged
            if answer == (200, "ok"):
                with lock:
                    acknowledged.add((f"s{number % 7}", ip))

    writers = [threading.Thread(target=write) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    try:
        for _ in range(KILLS):
            time.sleep(random.uniform(0.02, 0.25))  # anywhere in the stream of writes
            node.kill()
            with lock:
                must_be_there = set(acknowledged)
            node.start(same_data=True)
            there = {
                (f"s{number}", host["ip"])
                for number in range(7)
                for host in node.get(f"{INSTANCE}/list", serviceName=f"s{number}")["hosts"]
            }
            check(must_be_there <= there, f"lost: {sorted(must_be_there - there)[:5]}")
    finally:
        stop.append(True)
        for writer in writers:
            writer.join()
    check(len(acknowledged) > KILLS, f"only {len(acknowledged)} writes were acknowledged")


def test_a_folder_that_cant_be_used_is_one_clear_line(node):
    node.start()
    ask(node, "POST", INSTANCE, **persistent("kept", "10.0.0.1"))
    folder = node.folder / f"node-data-{node.starts}"
    file = folder / "store.db"
    port = ("--port", str(node.port))
    text = start_and_fail(node, *port, folder=folder)
    check_equal(text, f"nacre: {file} can't be used: another process uses it\n", "the error")
    node.stop()
    good = file.read_bytes()
    file.write_bytes(good[:100] + bytes(len(good) - 100))
    text = start_and_fail(node, *port, folder=folder)
    check(text.startswith(f"nacre: {file} can't be used: ") and text.count("\n") == 1, text)
    check_equal(file.read_bytes()[100:200], bytes(100), "the damaged file was left as it is")
    file.write_bytes(good)
    node.start(same_data=True)
    check_equal(len(hosts_of(node, "kept")), 1, "what the mended folder has")


def test_a_full_disk_stops_only_what_must_be_kept(node):
    node.start()
    ask(node, "POST", INSTANCE, **persistent("kept", "10.0.0.1"))
    limits = resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (1, limits[1]))
    began = time.monotonic()
    status, text = node.request("POST", INSTANCE, **persistent("kept", "10.0.0.2"))
    check_equal(status, 503, text)
    check(time.monotonic() - began < 4, "refused within 3 s")
    ask(node, "POST", INSTANCE, serviceName="beats", ip="10.0.0.3", port=80)
    readiness = node.request("GET", "/nacos/v1/console/health/readiness")
    check_equal(readiness[0], 200, "readiness")
    check("disk" in readiness[1], readiness[1])
    check(node.get("/nacre/admin/store")["disk"]["failing"], "the admin endpoint says why")
    resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, limits)
    eventually(
        lambda: node.request("POST", INSTANCE, **persistent("kept", "10.0.0.4"))[0] == 200,
        5,
        "writes after the disk has room again",
    )
    node.kill()
    node.start(same_data=True)
    check({"10.0.0.1", "10.0.0.4"} <= set(hosts_of(node, "kept")), "all that was acknowledged")


def run_task(node, *words):
    """Another run of the program, for the node's folder: its exit code and what it said."""
    done = subprocess.run(
        [node.binary, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=60, check=False,
    )
    return done.returncode, done.stdout


def test_a_copy_of_the_store_is_taken_and_brought_back(node):
    """Of a node that runs and of one that is stopped; both are whole, and `sqlite3` reads them."""
    node.start()
    for number in range(200):
        ask(node, "POST", INSTANCE, **persistent("kept", f"10.0.1.{number}"))
    ask(node, "PUT", INSTANCE, **persistent("kept", "10.0.1.7", weight=7))
    before = sorted(str(host) for host in node.get(f"{INSTANCE}/list", serviceName="kept")["hosts"])
    folder, port = str(node.folder / f"node-data-{node.starts}"), str(node.port)
    copies = [f"{folder}-running", f"{folder}-stopped"]
    check_equal(
        run_task(node, "backup", copies[0], "--data-dir", folder, "--port", port),
        (0, f"written: {copies[0]}\n"), "backup of a running node",
    )
    code, said = run_task(node, "store", "check", folder)
    check(code == 1 and "another process uses it" in said, f"check of a running node: {said}")
    node.stop()
    check_equal(run_task(node, "backup", copies[1], "--data-dir", folder)[0], 0, "backup")
    code, said = run_task(node, "backup", copies[1], "--data-dir", folder)
    check(code == 1 and "is there already" in said, f"a second backup: {said}")
    code, said = run_task(node, "store", "check", folder)
    check(code == 0 and "200 instances" in said and "sound" in said, f"check: {said}")
    for copy in copies:
        with sqlite3.connect(f"file:{copy}?mode=ro", uri=True) as database:
            entries = database.execute("SELECT count(*) FROM log").fetchone()[0]
        check(entries > 200, f"{entries} entries in {copy}")
        code, said = run_task(node, "restore", copy, "--data-dir", folder)
        check(code == 1 and "has a store already" in said, f"restore over a store: {said}")
        code, said = run_task(node, "restore", copy, "--replace", "--data-dir", folder)
        check(code == 0, f"restore: {said}")
        node.start(same_data=True)
        hosts = node.get(f"{INSTANCE}/list", serviceName="kept")["hosts"]
        check_equal(sorted(str(host) for host in hosts), before, f"what {copy} brought back")
        ask(node, "POST", INSTANCE, **persistent("kept", "10.0.2.1"))
        code, said = run_task(node, "restore", copy, "--replace", "--data-dir", folder)
        check(code == 1 and "another process uses it" in said, f"restore under a node: {said}")
        node.stop()
    with open(copies[0], "r+b") as file:  # a damaged copy brings nothing back, and takes nothing
        file.seek(9_000)
        file.write(bytes(20_000))
    code, said = run_task(node, "restore", copies[0], "--replace", "--data-dir", folder)
    check(code == 1, f"restore of a damaged copy: {said}")
    node.start(same_data=True)
    check_equal(len(hosts_of(node, "kept")), 201, "what is there after a restore that failed")
