"""A NacosClient moved by lines of JSON: a command per line on stdin, its answer and what the client
hears on stdout (see ../README.md), the client's log on stderr."""

import json
import logging
import os
import sys
import threading

import nacos
from nacos.listener import SubscribeListener

stdout_lock = threading.Lock()


def tell(**line):
    with stdout_lock:
        print(json.dumps(line), flush=True)


class ToldBeats(logging.Handler):
    def emit(self, record):
        text = record.getMessage()
        if text.startswith("[send-heartbeat]") and "server response" in text:
            tell(event="beat")


def run(client, command):
    take = command.get
    place = {"ip": take("ip"), "port": take("port"), "cluster_name": take("cluster")}
    service = {"service_name": take("service"), "group_name": take("group")}
    weight, metadata = take("weight"), take("metadata")
    persistent = take("persistent", False)
    match command["do"]:
        case "register":
            done = client.add_naming_instance(
                **service,
                **place,
                weight=weight,
                metadata=metadata,
                ephemeral=not persistent,
                heartbeat_interval=None if persistent else take("beat_every_s", 5),
            )
            return "ok" if done else "refused"
        case "deregister":
            done = client.remove_naming_instance(**service, **place, ephemeral=not persistent)
            return "ok" if done else "refused"
        case "list":
            return client.list_naming_instance(**service)["hosts"]
        case "get":
            # It takes no group, so that the name has to bring it.
            return client.get_naming_instance(f"{take('group')}@@{take('service')}", **place)
        case "modify":
            done = client.modify_naming_instance(
                **service, **place, weight=weight, metadata=metadata, enable=take("enable")
            )
            return "ok" if done else "refused"
        case "beat":
            return client.send_heartbeat(**service, **place, weight=weight, metadata=metadata)
        case "subscribe":
            listener = SubscribeListener(
                lambda event, x: tell(event="changed", what=event, host=x.instance), "driver"
            )
            client.subscribe(listener, take("poll_every_s"), **service)
            return "ok"
        case unknown:
            raise ValueError(unknown)


def main():
    server_address, namespace = sys.argv[1:]
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(threadName)s %(message)s"
    )
    logging.getLogger("nacos.client").addHandler(ToldBeats())
    # To this client "" is the public namespace. It wants a folder for its log, used or not.
    client = nacos.NacosClient(
        server_address, namespace="" if namespace == "public" else namespace, logDir="log"
    )
    tell(answer="ready")
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "quit":
            client.stop_subscribe()
            tell(answer="bye")
            # Its timers may have armed themselves once more; they would keep the process.
            os._exit(0)
        try:
            tell(answer=run(client, command))
        except Exception as error:
            logging.exception("command failed")
            tell(error=f"{type(error).__name__}: {error}")
    os._exit(3)  # Whoever gave the commands is gone.


main()
