"""A NacosNamingService moved by lines of JSON: a command per line on stdin, its answer and what the
client hears on stdout (see ../README.md), the client's log on stderr."""

import asyncio
import json
import logging
import os
import sys

from v2.nacos import (
    BatchRegisterInstanceParam,
    ClientConfigBuilder,
    DeregisterInstanceParam,
    ListInstanceParam,
    ListServiceParam,
    NacosNamingService,
    RegisterInstanceParam,
    SubscribeServiceParam,
)

subscriptions = {}


def tell(**line):
    print(json.dumps(line), flush=True)


def dumps(hosts):
    return [host.model_dump() for host in hosts]


async def changed(hosts):
    tell(event="changed", hosts=dumps(hosts))


def place(x):
    return {
        "service_name": x["service"],
        "group_name": x["group"],
        "ip": x["ip"],
        "port": x["port"],
        "cluster_name": x["cluster"],
    }


def is_ephemeral(x):
    return not x.get("persistent", False)


def instance(x):
    return RegisterInstanceParam(
        **place(x), weight=x["weight"], healthy=x["healthy"], metadata=x["metadata"],
        ephemeral=is_ephemeral(x),
    )


def ok(done):
    return "ok" if done else "refused"


async def run(naming, command):
    service = {"service_name": command["service"], "group_name": command["group"]}
    key = tuple(service.values())
    match command["do"]:
        case "register":
            return ok(await naming.register_instance(instance(command)))
        case "batch":
            instances = [instance(x) for x in command["instances"]]
            param = BatchRegisterInstanceParam(**service, instances=instances)
            return ok(await naming.batch_register_instances(param))
        case "deregister":
            param = DeregisterInstanceParam(**place(command), ephemeral=is_ephemeral(command))
            return ok(await naming.deregister_instance(param))
        case "list":
            param = ListInstanceParam(**service, subscribe=False, healthy_only=None)
            return dumps(await naming.list_instances(param))
        case "select":
            param = ListInstanceParam(**service, subscribe=False, healthy_only=True)
            return dumps(await naming.list_instances(param))
        case "services":
            param = ListServiceParam(
                # "public" unless told, whatever the client's own namespace is.
                namespace_id=naming.namespace_id,
                group_name=command["group"],
                page_no=command["page"],
                page_size=command["size"],
            )
            page = await naming.list_services(param)
            return {"count": page.count, "names": page.services}
        case "subscribe":
            subscriptions[key] = SubscribeServiceParam(**service, subscribe_callback=changed)
            await naming.subscribe(subscriptions[key])
            return "ok"
        case "unsubscribe":
            await naming.unsubscribe(subscriptions.pop(key))
            return "ok"
        case unknown:
            raise ValueError(unknown)


async def main():
    server_address, namespace = sys.argv[1:]
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    config = (
        ClientConfigBuilder().server_address(server_address).namespace_id(namespace).build()
    )
    config.load_cache_at_start = False
    naming = await NacosNamingService.create_naming_service(config)
    # It keeps its log in a file of its own only.
    naming.logger.propagate = True
    tell(answer="ready")
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command = json.loads(line)
        if command["do"] == "quit":
            await naming.shutdown()
            tell(answer="bye")
            os._exit(0)
        try:
            tell(answer=await run(naming, command))
        except Exception as error:
            logging.exception("command failed")
            tell(error=f"{type(error).__name__}: {error}")
    os._exit(3)  # Whoever gave the commands is gone.


asyncio.run(main())
