"""gRPC clients of a node, each with one instance, that live until told to end."""

import asyncio
import pathlib
import sys
import threading

from processes import check

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "hostile"))

from grpc_wire import connect_sdk, registration, subscription  # noqa: E402

HEALTH_CHECK_S = 5.0


class SdkClients:
    """`count` connections to the gRPC port of a node. Client i registers 10.8.0.i:8080 of `service`
    unless `registers` is false, and subscribes to it; all are in one thread of their own. Use it
    with `with`."""

    def __init__(self, port, service, count, registers=True):
        self.port, self.service, self.count, self.registers = port, service, count, registers
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        self.clients = self.run(self.connect())
        self.checks = asyncio.run_coroutine_threadsafe(self.keep_alive(), self.loop)
        return self

    def __exit__(self, *_):
        self.checks.cancel()
        self.run(self.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    async def connect(self):
        clients = []
        for number in range(self.count):
            client = await connect_sdk(self.port)
            if self.registers:
                form = registration(self.service, f"10.8.0.{number}")
                kind, body = await client.call("InstanceRequest", form)
                check(kind == "InstanceResponse", f"registered: {kind} {body}")
            await client.call("SubscribeServiceRequest", subscription(self.service))
            clients.append(client)
        return clients

    async def keep_alive(self):
        while True:
            await asyncio.sleep(HEALTH_CHECK_S)
            for client in self.clients:
                client.begin_call("HealthCheckRequest", {})

    async def close(self):
        for client in self.clients:
            client.close()

    def lost(self):
        """How many connections the node has ended."""
        return sum(client.lost.done() or client.stream_end.done() for client in self.clients)

    def pushed(self):
        """By client: the hosts of the list it was pushed last, None if it was pushed none."""
        lists = [[body["serviceInfo"]["hosts"] for kind, body in list(client.requests)
                  if kind == "NotifySubscriberRequest"] for client in self.clients]
        return [x[-1] if x else None for x in lists]

    def addresses(self):
        return sorted((f"10.8.0.{number}", True) for number in range(self.count))
