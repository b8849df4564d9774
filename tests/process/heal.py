"""Killing any single actor, on a lone node and in a cluster, loses no registration and no connection
and heals within a second. Needs the test node, which has a hook that kills actors."""

import threading
import time

from processes import check, check_equal, cluster, eventually
from sdk_clients import SdkClients

SERVICES = 40
INSTANCES = 5
CLIENTS = 10
HEAL_S = 1.0
VERIFY_S = 5.0
MANY = 4
# Of a node with gRPC clients: `tests/actor_tree_test.cpp` compares the kinds with the sources.
KINDS_ALONE = 14
KINDS_IN_CLUSTER = 20


def actors(node, **wanted):
    return node.get("/nacre/admin/actors", limit=10_000, **wanted)["actors"]


def listed(node, service):
    hosts = node.get("/nacos/v1/ns/instance/list", serviceName=service)["hosts"]
    return sorted((host["ip"], host["healthy"]) for host in hosts)


def hosts_of(node, number):
    return listed(node, f"s{number}")


def beat(node, number, last):
    text = node.request(
        "PUT", "/nacos/v1/ns/instance/beat", serviceName=f"s{number}", ip=f"10.0.{number}.{last}",
        port=80,
    )
    return '"code":10200' in text[1]


def register(node, service, ip):
    # Nobody beats here, so terms are longer than any test.
    terms = '{"preserved.heart.beat.timeout":"200000","preserved.ip.delete.timeout":"300000"}'
    answer = node.request(
        "POST", "/nacos/v1/ns/instance", serviceName=service, ip=ip, port=80, metadata=terms
    )
    return answer == (200, "ok")


def fill(node):
    for number in range(SERVICES):
        for last in range(INSTANCES):
            check(register(node, f"s{number}", f"10.0.{number}.{last}"), "register")


def expected(number):
    return [(f"10.0.{number}.{last}", True) for last in range(INSTANCES)]


def check_all(node, clients, after):
    for number in range(SERVICES):
        check_equal(hosts_of(node, number), expected(number), f"s{number} after {after}")
    check_equal(listed(node, clients.service), clients.addresses(), f"gRPC clients after {after}")
    check_equal(clients.lost(), 0, f"connections lost after {after}")


def kill_and_heal(node, clients, victim, serial):
    what = f"the kill of {victim['kind']} {victim['key']}"
    node.request("POST", f"/nacre/test/actors/{victim['id']}/kill")
    # Reads never go through an actor: nothing may be missing at any moment.
    check_all(node, clients, what)
    began = time.monotonic()
    eventually(lambda: register(node, f"new{serial}", "10.9.0.1"), HEAL_S, f"writes after {what}")
    eventually(lambda: successor(node, victim), HEAL_S, f"a successor after {what}")
    check(time.monotonic() - began < HEAL_S, f"healing of {what} took too long")
    check_all(node, clients, what)
    for number in range(0, SERVICES, 7):
        check(beat(node, number, 0), f"a beat is known after {what}")


def successor(node, victim):
    return any(
        row["kind"] == victim["kind"] and row["key"] == victim["key"] and row["id"] != victim["id"]
        and not row["summary"].startswith("no answer")
        for row in actors(node, kind=victim["kind"])
    )


def victims_of(node, kinds):
    """Actors of every kind: all but for kinds of which there are many."""
    by_kind = {}
    for row in actors(node):
        by_kind.setdefault(row["kind"], []).append(row)
    check_equal(len(by_kind), kinds, f"kinds of actors: {sorted(by_kind)}")
    return [row for rows in by_kind.values() for row in rows[:MANY]]


def test_killing_any_actor_loses_nothing(node):
    node.start()
    fill(node)
    with SdkClients(node.port + 1000, "grpc", CLIENTS) as clients:
        for serial, victim in enumerate(victims_of(node, KINDS_ALONE)):
            kill_and_heal(node, clients, victim, serial)
    node.stop()


def test_killing_any_actor_of_a_cluster_loses_nothing(node):
    nodes = cluster(node.binary, node.folder, [node.log] * 3)
    for each in nodes:
        each.launch()
    for each in nodes:
        each.await_ready()
    first = nodes[0]
    fill(first)
    with SdkClients(first.port + 1000, "grpc", CLIENTS) as clients:
        victims = victims_of(first, KINDS_IN_CLUSTER)
        for serial, victim in enumerate(victims):
            kill_and_heal(first, clients, victim, serial)
        # What a killed actor was about to tell peers is found by the next verify.
        for each in nodes[1:]:
            eventually(
                lambda: all(
                    listed(each, f"new{serial}") == [("10.9.0.1", True)]
                    for serial in range(len(victims))
                ),
                2 * VERIFY_S,
                "the other nodes show what was registered",
            )
            check_all(each, clients, "all kills")
    for each in nodes:
        each.stop()


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
