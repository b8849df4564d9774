"""Faults that users met in registries, as they met them: each test plays the report on a real node."""

import http.client
import json
import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.parse

from processes import PROCESSES, cluster, check, check_equal, eventually
from sdk_clients import SdkClients

NS = "/nacos/v1/ns"
SWITCHES = f"{NS}/operator/switches"


def register(node, service="s", ip="10.0.0.1", port=80, **more):
    return node.request(
        "POST", f"{NS}/instance", serviceName=service, ip=ip, port=port, **more
    )


def raw(port, text, host="127.0.0.1"):
    """All that comes back for the bytes of `text`."""
    with socket.create_connection((host, port), timeout=10) as sock:
        sock.sendall(text.encode())
        received = b""
        while chunk := sock.recv(65536):
            received += chunk
    return received.decode()


def listed(node, service="s"):
    return node.get(f"{NS}/instance/list", serviceName=service)["hosts"]


def test_null_is_no_metadata(node):
    """Clients that serialise a missing map send `null`."""
    node.start()
    check_equal(register(node, metadata="null"), (200, "ok"), "v1")
    check_equal(listed(node)[0]["metadata"], {}, "its metadata")
    form = {"serviceName": "s", "ip": "10.0.0.1", "port": 80, "metadata": "null"}
    for path in ("/nacos/v2/ns/instance", "/nacos/v3/admin/ns/instance"):
        check_equal(node.request("POST", path, **form)[0], 200, path)
    check_equal(node.request("PUT", "/nacos/v1/ns/instance", **form), (200, "ok"), "an update")
    check_equal(node.request("PATCH", "/nacos/v1/ns/instance", **form), (200, "ok"), "a patch")
    service = {"serviceName": "t", "metadata": "null", "selector": "null"}
    check_equal(node.request("POST", f"{NS}/service", **service), (200, "ok"), "a service")


def test_the_param_check_can_be_switched_off(node):
    node.start(settings=("nacos.core.param.check.enabled=false",))
    long = json.dumps({"k": "v" * 2_000})
    check_equal(register(node, metadata=long), (200, "ok"), "metadata of 2,000 characters")
    name = "n" * 600
    check_equal(register(node, service=name), (200, "ok"), "a service of 600 characters")
    full = json.dumps({"ip": "10.0.0.2", "port": 80, "metadata": {"k": "v" * 2_000}})
    status, text = node.request("PUT", f"{NS}/instance/beat", serviceName="s", beat=full)
    check(status == 200 and '"code":10200' in text, f"a beat with long metadata: {status} {text}")
    status, text = node.request(
        "PUT", f"{NS}/cluster", serviceName="s", clusterName="c" * 100, checkPort=80,
        useInstancePort4Check="true", healthChecker='{"type":"NONE"}'
    )
    check_equal((status, text), (200, "ok"), "a cluster of 100 characters")


def test_a_beat_renews_what_is_there_whatever_it_says_of_itself(node):
    node.start(settings=("nacre.limits.services=100",))
    terms = {"preserved.heart.beat.timeout": "1000", "preserved.ip.delete.timeout": "2000",
             "preserved.heart.beat.interval": "500"}
    register(node, metadata=json.dumps(terms))
    for odd in ({"ephemeral": False}, {"weight": "heavy"}, {"metadata": [1]}):
        until = time.monotonic() + 2.5
        while time.monotonic() < until:
            beat = json.dumps({"ip": "10.0.0.1", "port": 80, **odd})
            status, text = node.request("PUT", f"{NS}/instance/beat", serviceName="s", beat=beat)
            check(status == 200 and '"code":10200' in text, f"{odd}: {status} {text}")
            time.sleep(0.3)
        check(listed(node)[0]["healthy"], f"it lives while it beats with {odd}")
        # What is not there would have to be registered.
        beat = json.dumps({"ip": "10.0.0.9", "port": 80, **odd})
        check_equal(
            node.request("PUT", f"{NS}/instance/beat", serviceName="s", beat=beat)[0], 400, odd
        )


def test_both_families_are_served(node):
    node.start()
    target = f"{NS}/instance/list?serviceName=s&clientIP=127.0.0.1&udpPort=0"
    request = f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    addresses = pathlib.Path("/proc/net/if_inet6")  # none without IPv6
    if addresses.exists() and addresses.read_text():
        check(raw(node.port, request, "::1").startswith("HTTP/1.1 200"), "over IPv6")
    register(node, ip="10.0.0.7")  # by somebody else: its address is in the history
    history = node.request("GET", "/nacre/admin/services/DEFAULT_GROUP@@s/history")[1]
    check('"by":"127.0.0.1"' in history, f"an IPv4 caller keeps its form: {history}")
    node.stop()
    node.start(settings=("nacre.http.address=127.0.0.1",))
    check(node.is_ready(), "an address of one family")


def test_a_configured_user_gets_a_token_while_authentication_is_off(node):
    node.start()
    for path in ("/nacos/v1/auth/login", "/nacos/v1/auth/users/login", "/nacos/v3/auth/user/login"):
        connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=10)
        form = urllib.parse.urlencode({"password": "p"})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", f"{path}?username=u", form, headers)
        answer = connection.getresponse()
        check_equal(answer.status, 200, path)
        check_equal(
            json.loads(answer.read()),
            {"accessToken": "AUTH_DISABLED", "tokenTtl": 18000, "globalAdmin": True,
             "username": "u"},
            path,
        )
        check_equal(answer.getheader("Authorization"), "Bearer AUTH_DISABLED", path)
        connection.close()
        check_equal(node.request("POST", path)[0], 403, f"{path} without a user")


def test_head_works_wherever_get_does(node):
    node.start()
    for path, status in (
        ("/nacos/v1/console/health/readiness", 200),
        ("/nacos/v2/console/namespace/list", 200),
        ("/nacos/v3/admin/core/state", 200),
        ("/nacre/admin/actors", 200),
        (f"{NS}/operator/metrics", 501),  # as Nacos' filter says
    ):
        check_equal(node.request("HEAD", path), (status, ""), path)


def test_pages_below_the_first_are_the_first(node):
    node.start()
    register(node)
    agent = {"User-Agent": "Nacos-Java-Client:v1.4.2"}
    node.request("GET", f"{NS}/instance/list", agent, serviceName="s", clientIP="127.0.0.1",
                 udpPort=40_000)

    def subscribed():
        found = node.get(f"{NS}/service/subscribers", serviceName="s", pageNo=1, pageSize=10)
        return found if found["count"] == 1 else None

    one = eventually(subscribed, 5, "the subscriber is listed")
    for page in (0, -1, -2_147_483_648):
        paged = {"pageNo": page, "pageSize": 10}
        check_equal(node.get(f"{NS}/service/subscribers", serviceName="s", **paged), one, page)
        check_equal(node.get(f"{NS}/service/list", **paged)["doms"], ["s"], page)
        found = node.get(f"{NS}/catalog/instances", serviceName="s", clusterName="DEFAULT", **paged)
        check_equal(len(found["list"]), 1, page)
        check_equal(len(node.get(f"{NS}/catalog/services", **paged)["serviceList"]), 1, page)
        found = node.get("/nacos/v2/ns/catalog/instances", serviceName="s", **paged)["data"]
        check_equal(len(found["instances"]), 1, page)
        check_equal(node.get("/nacos/v2/ns/service/list", **paged)["data"]["services"], ["s"], page)


def test_a_proxy_sends_whole_addresses(node):
    node.start()
    target = f"http://127.0.0.1:{node.port}/nacos/v1/console/health/readiness"
    text = raw(node.port, f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    check(text.startswith("HTTP/1.1 200") and text.endswith("OK"), text)


def test_multipart_names_need_no_quotes(node):
    node.start()
    fields = {"serviceName": "s", "ip": "10.0.0.1", "port": "80"}
    for style in ("name={}", 'name="{}"', 'NAME = "{}"'):
        body = "".join(
            f"--b\r\nContent-Disposition: form-data; {style.format(k)}\r\n\r\n{v}\r\n"
            for k, v in fields.items()
        )
        body += "--b--\r\n"
        text = raw(
            node.port,
            f"POST {NS}/instance HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            "Content-Type: multipart/form-data; boundary=b\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}",
        )
        check(text.startswith("HTTP/1.1 200") and text.endswith("ok"), f"{style}: {text}")


def test_connections_of_one_program_are_one_subscriber(node):
    node.start()
    with SdkClients(node.port + 1000, "shop", 3):
        for path in (f"{NS}/service/subscribers", "/nacos/v3/admin/ns/service/subscribers"):
            answer = node.get(path, serviceName="shop", pageNo=1, pageSize=10)
            answer = answer.get("data", answer)
            rows = answer.get("subscribers", answer.get("pageItems"))
            check_equal(len(rows), 1, f"rows of {path}: {rows}")


def test_subscribers_of_all_nodes_are_listed(node):
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as log:
        nodes = cluster(node.binary, folder, [log] * 3)
        try:
            for x in nodes:
                x.start()
            agent = {"User-Agent": "Nacos-Java-Client:v1.4.2"}
            for number, x in enumerate(nodes):
                x.request("GET", f"{NS}/instance/list", agent, serviceName="s",
                          clientIP="127.0.0.1", udpPort=40_001 + number)
            first = nodes[0]

            def listed_ports(**more):
                found = first.get(f"{NS}/service/subscribers", serviceName="s", **more)
                return sorted(x["port"] for x in found["subscribers"]), found.get("incomplete")

            def all_are_listed():
                return listed_ports() == ([40_001, 40_002, 40_003], None)

            eventually(all_are_listed, 10, "all nodes' subscribers are listed")
            check_equal(listed_ports(aggregation="false"), ([40_001], None), "this node's alone")
            found = first.get("/nacos/v3/admin/ns/service/subscribers", serviceName="s")["data"]
            check_equal(found["totalCount"], 3, "v3")
            nodes[2].kill()
            ports, incomplete = listed_ports()
            check_equal((ports, incomplete), ([40_001, 40_002], [nodes[2].address]), "who is missing")
        finally:
            for x in nodes:
                if x.process and x.process.poll() is None:
                    PROCESSES.end(x.process)


def test_nothing_is_claimed_that_is_not_there(node):
    node.start()
    register(node, service="p", ephemeral="false")
    register(node, service="e")
    metrics = node.get(f"{NS}/operator/metrics", onlyStatus="false")
    check_equal(metrics["persistentIpPortClientCount"], 1, "persistent clients")
    check_equal(metrics["ephemeralIpPortClientCount"], 1, "ephemeral clients")
    node.request("DELETE", f"{NS}/instance", serviceName="p", ip="10.0.0.1", port=80,
                 ephemeral="false")
    metrics = node.get(f"{NS}/operator/metrics", onlyStatus="false")
    check_equal(metrics["persistentIpPortClientCount"], 0, "persistent clients")
    own = node.get("/nacos/v1/core/cluster/self")["data"]
    check_equal(own["extendInfo"]["raftPort"], "0", "the Raft port")
    check_equal(own["abilities"]["namingAbility"]["supportJraft"], False, "Raft")
    state = node.get("/nacos/v1/console/server/state")
    check_equal(state["console_ui_enabled"], "false", "a console")


def test_switches_do_something_or_say_that_they_do_not(node):
    node.start()
    v3 = node.get("/nacos/v3/admin/ns/ops/switches")["data"]
    names = {f"pushVersionOf{x}" for x in ("Go", "Java", "Python", "C", "Csharp")}
    check(names <= set(v3), f"v3 names: {sorted(v3)}")
    check("pushJavaVersion" in node.get(SWITCHES), "v1 names")
    before = node.get(SWITCHES)
    status, text = node.request("PUT", SWITCHES, entry="distro", value="false")
    check(status == 400 and "distro" in text, f"distro: {status} {text}")
    check_equal(node.get(SWITCHES), before, "after distro")
    check_equal(node.request("PUT", SWITCHES, entry="distro", value="true"), (200, "ok"), "as it is")
    check_equal(
        node.request("PUT", SWITCHES, entry="pushEnabled", value="false", debug="true"),
        (200, "ok"), "debug",
    )


def snowflake_worker(node, service):
    metadata = '{"preserved.instance.id.generator":"snowflake"}'
    check_equal(register(node, service=service, metadata=metadata), (200, "ok"), "registered")
    number = listed(node, service)[0]["instanceId"].split("#")[0]
    return int(number) >> 12 & 0x3FF


def test_snowflake_ids_have_a_worker_of_their_own(node):
    node.start(settings=("nacos.core.snowflake.worker-id=77",))
    check_equal(snowflake_worker(node, "s"), 77, "the worker that was configured")
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as log:
        nodes = cluster(node.binary, folder, [log] * 3)
        try:
            for x in nodes:
                x.start()
            workers = [snowflake_worker(x, f"s{i}") for i, x in enumerate(nodes)]
            check_equal(len(set(workers)), 3, f"different workers: {workers}")
        finally:
            for x in nodes:
                if x.process and x.process.poll() is None:
                    PROCESSES.end(x.process)


def start_text(node, *settings):
    """What a start says that fails."""
    command = [node.binary, "--port", str(node.port), "--data-dir", str(node.folder / "x")]
    for setting in settings:
        command += ["--set", setting]
    process = PROCESSES.start(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    check_equal(PROCESSES.wait(process, 10), 1, f"exit status with {settings}")
    return process.stderr.read()


def test_keys_are_obeyed_ignored_with_a_word_or_refused(node):
    node.start(settings=(
        "nacos.remote.server.rpc.protocol.negotiator.type=DEFAULT_TLS",
        "nacos.remote.cluster.server.rpc.protocol.negotiator.type=DEFAULT_TLS",
    ))
    node.stop()
    text = start_text(node, "server.ssl.enabled=true", "server.ssl.key-store=x")
    check("server.ssl.enabled" in text and text.count("\n") == 1, text)


def test_help_fits_a_screen_or_two(node):
    def helped(*more):
        run = subprocess.run([node.binary, "--help", *more], capture_output=True, text=True, check=True)
        return run.stdout

    text = helped()
    check(text.count("\n") < 160, f"{text.count(chr(10))} lines")
    check("nacos.naming.clean.empty-service.interval" not in text, "a key that nobody reads")
    one = helped("server.port")
    check("--port VALUE" in one and "Environment:" in one and one.count("\n") < 10, one)


def test_what_follows_a_body_is_never_taken_for_a_request(node):
    """A proxy in front may see the end of the body elsewhere."""
    node.start()
    hidden = f"GET {NS}/operator/metrics HTTP/1.1\r\nHost: x\r\n\r\n"
    for lines in (
        "Transfer-Encoding: \r\nTransfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: \r\nTransfer-Encoding: chunked, x\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
    ):
        text = raw(node.port, f"POST {NS}/instance HTTP/1.1\r\nHost: x\r\n{lines}\r\n0\r\n\r\n{hidden}")
        check(text.startswith("HTTP/1.1 400") and text.count("HTTP/1.1") == 1, f"{lines!r}: {text}")
