"""Killing any single actor loses no registration and heals within a second. Needs the test node,
which has a hook that kills actors."""

import threading
import time

from processes import check, check_equal, eventually

SERVICES = 40
INSTANCES = 5
HEAL_S = 1.0


def actors(node):
    return node.get("/nacre/admin/actors", limit=10_000)["actors"]


def hosts_of(node, number):
    listed = node.get("/nacos/v1/ns/instance/list", serviceName=f"s{number}")["hosts"]
    return sorted((host["ip"], host["healthy"]) for host in listed)


def beat(node, number, last):
    text = node.request(
        "PUT", "/nacos/v1/ns/instance/beat", serviceName=f"s{number}", ip=f"10.0.{number}.{last}",
        port=80,
    )
    return '"code":10200' in text[1]


def register(node, service, ip):
    answer = node.request("POST", "/nacos/v1/ns/instance", serviceName=service, ip=ip, port=80)
    return answer == (200, "ok")


def fill(node):
    for number in range(SERVICES):
        for last in range(INSTANCES):
            check(register(node, f"s{number}", f"10.0.{number}.{last}"), "register")


def expected(number):
    return [(f"10.0.{number}.{last}", True) for last in range(INSTANCES)]


def check_all(node, after):
    for number in range(SERVICES):
        check_equal(hosts_of(node, number), expected(number), f"s{number} after {after}")


def kill_and_heal(node, victim, serial):
    what = f"the kill of {victim['kind']} {victim['key']}"
    node.request("POST", f"/nacre/test/actors/{victim['id']}/kill")
    # Reads never go through an actor: nothing may be missing at any moment.
    check_all(node, what)
    began = time.monotonic()
    eventually(lambda: register(node, f"new{serial}", "10.9.0.1"), HEAL_S, f"writes after {what}")
    eventually(lambda: successor(node, victim), HEAL_S, f"a successor after {what}")
    check(time.monotonic() - began < HEAL_S, f"healing of {what} took too long")
    check_all(node, what)
    for number in range(0, SERVICES, 7):
        check(beat(node, number, 0), f"a beat is known after {what}")


def successor(node, victim):
    return any(
        row["kind"] == victim["kind"] and row["key"] == victim["key"] and row["id"] != victim["id"]
        and not row["summary"].startswith("no answer")
        for row in actors(node)
    )


def test_killing_any_actor_loses_nothing(node):
    node.start()
    fill(node)
    victims = [row for row in actors(node) if row["kind"] != "service"]
    victims += [row for row in actors(node) if row["kind"] == "service"][:10]
    check(len({row["kind"] for row in victims}) == 8, f"kinds {[row['kind'] for row in victims]}")
    for serial, victim in enumerate(victims):
        kill_and_heal(node, victim, serial)
    node.stop()


def test_writes_go_on_while_actors_are_killed(node):
    """Clients that try again, as SDKs do, end up with all they registered."""
    node.start()
    stop = threading.Event()

    def kill_some():
        while not stop.is_set():
            for row in actors(node)[:60:3]:
                node.request("POST", f"/nacre/test/actors/{row['id']}/kill")
                if stop.wait(0.05):
                    return

    killer = threading.Thread(target=kill_some)
    killer.start()
    try:
        for number in range(SERVICES):
            for last in range(INSTANCES):
                eventually(
                    lambda: register(node, f"s{number}", f"10.0.{number}.{last}"), 10, "register"
                )
    finally:
        stop.set()
        killer.join()
    eventually(
        lambda: all(hosts_of(node, number) == expected(number) for number in range(SERVICES)),
        2,
        "all registrations are there",
    )
    for number in range(SERVICES):
        for last in range(INSTANCES):
            check(beat(node, number, last), f"beat of s{number} {last}")
    node.stop()
