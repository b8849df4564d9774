"""The stacks: how each is built, how its processes are started and what its consumer tells."""

import collections
import pathlib
import subprocess
import threading
import time

from kits import Kit
from processes import PROCESSES, check

HERE = pathlib.Path(__file__).resolve().parent
GROUP = "DEFAULT_GROUP"

Service = collections.namedtuple("Service", "service group")
Call = collections.namedtuple("Call", "at port text")


class Stack(Kit):
    """One kind of provider and consumer."""

    tools = ("java", "mvn")
    versions = {}
    # Whether its providers are persistent instances, which the node probes.
    is_persistent = False

    def __init__(self, build):
        super().__init__(build)
        self.source = HERE / self.language
        self.inputs = sorted(path for path in self.source.iterdir() if path.is_file())

    def install_commands(self):
        properties = {"stacks.build": self.folder, **self.versions}
        defines = [f"-D{key}={value}" for key, value in properties.items()]
        goals = ["compiler:compile", "dependency:copy-dependencies"]
        yield ["mvn", "-B", "-q", "-f", str(self.source / "pom.xml"), *defines, *goals]

    def command(self, folder, main, properties=None, arguments=()):
        path = f"{self.folder}/classes:{self.folder}/dependency/*"
        thrift = ["-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        properties = {"user.home": folder, **(properties or {})}
        defines = [f"-D{key}={value}" for key, value in properties.items()]
        return ["java", *thrift, *defines, "-cp", path, f"stack.{main}", *arguments]


class Spring(Stack):
    language = "spring"
    services = [Service("stack-provider", GROUP)]

    def provider(self, folder, address, port):
        return self.app(folder, address, "Provider", "stack-provider", port)

    def consumer(self, folder, address):
        return self.app(folder, address, "Consumer", "stack-consumer", 0)

    def app(self, folder, address, main, name, port):
        properties = {
            "spring.application.name": name,
            "spring.cloud.nacos.discovery.server-addr": address,
            "spring.cloud.nacos.discovery.ip": "127.0.0.1",
            # Else each change is heard only when the load balancer's cache of 35 s has run out.
            "spring.cloud.loadbalancer.cache.enabled": "false",
            "server.port": port,
            "spring.cloud.nacos.discovery.ephemeral": "false" if self.is_persistent else "true",
        }
        return self.command(folder, main, properties)


class Spring2023(Spring):
    name = "spring 2023"


class Spring2021(Spring):
    """The client of this one registers 100 ms after its setup, whether that was read or not."""

    name = "spring 2021"
    versions = {
        "boot.version": "2.6.13",
        "cloud.version": "2021.0.5",
        "alibaba.version": "2021.0.5.0",
    }


class Spring2023Persistent(Spring):
    name = "spring 2023, persistent"
    is_persistent = True


class Dubbo(Stack):
    name = "dubbo 3.3"
    language = "dubbo"
    # Registered by interface and by application.
    services = [Service("providers:stack.Ports::", GROUP), Service("stack-provider", GROUP)]

    def provider(self, folder, address, port):
        return self.app(folder, "Provider", self.registry(address), str(port))

    def consumer(self, folder, address):
        return self.app(folder, "Consumer", self.registry(address))

    def registry(self, address):
        return f"nacos://{address}" + ("?ephemeral=false" if self.is_persistent else "")

    def app(self, folder, main, *arguments):
        times = {"showDateTime": "true", "dateTimeFormat": "HH:mm:ss.SSS"}
        log = {f"org.slf4j.simpleLogger.{key}": value for key, value in times.items()}
        return self.command(folder, main, log, arguments)


class DubboPersistent(Dubbo):
    name = "dubbo 3.3, persistent"
    is_persistent = True


ALL = (Spring2023, Spring2021, Spring2023Persistent, Dubbo, DubboPersistent)


class App:
    """A process of a stack; started again, it appends to its log."""

    def __init__(self, folder, log):
        self.folder = folder
        self.log = log
        self.process = None
        folder.mkdir(parents=True)

    def start(self, command):
        self.process = PROCESSES.start(
            command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
            encoding="utf-8",
        )
        threading.Thread(target=self.read, args=[self.process.stdout], daemon=True).start()

    def read(self, output):
        for line in output:
            self.hear(line)
            self.log.write(line.encode())
            self.log.flush()

    def hear(self, line):
        pass

    def check_alive(self):
        check(self.process.poll() is None, f"{self.folder.name} ended; see its log")


class Provider(App):
    def __init__(self, folder, log, port):
        super().__init__(folder, log)
        self.port = port


class Consumer(App):
    """Keeps every call that the consumer tells of."""

    def __init__(self, folder, log):
        super().__init__(folder, log)
        self.calls = []

    def hear(self, line):
        outcome, _, rest = line.rstrip().partition(" ")
        if outcome == "served":
            self.calls.append(Call(time.monotonic(), int(rest), line))
        elif outcome == "failed":
            self.calls.append(Call(time.monotonic(), None, rest))

    def since(self, moment):
        """The calls that ended after it."""
        return [call for call in self.calls if call.at >= moment]

    def served(self, moment):
        """How often each port has served since."""
        return collections.Counter(call.port for call in self.since(moment) if call.port)

    def failed(self, moment):
        return [call for call in self.since(moment) if call.port is None]
