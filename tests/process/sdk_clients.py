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
    and subscribes to it; all are in one thread of their own. Use it with `with`."""

    def __init__(self, port, service, count):
        self.port, self.service, self.count = port, service, count
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

    def addresses(self):
        return sorted((f"10.8.0.{number}", True) for number in range(self.count))
