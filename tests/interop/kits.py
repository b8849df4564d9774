"""The SDKs: how each is installed with the client of its registry, and how its driver is run."""

import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent


class Kit:
    # What it keeps its instances by: "http" by beats, "grpc" by a connection.
    protocol = "http"
    # Whether the node pushes to it; else it polls.
    is_pushed_to = True
    # Whether it registers anew when a beat is answered with 20404.
    registers_anew = False
    # Whether an empty list counts as news to it.
    hears_of_empty_lists = False
    # Whether it can register many instances of a service at once.
    registers_batches = False
    # Whether the node hears that nobody listens any more.
    unsubscribes_at_the_node = True
    # Whether it is also put through what happens to a cluster.
    meets_clusters = False
    # What its objects do not tell of a host.
    host_lacks = ()

    def __init__(self, build):
        self.folder = pathlib.Path(build) / self.name.replace(" ", "-")

    def missing_tool(self):
        return next((tool for tool in self.tools if shutil.which(tool) is None), None)

    def install(self, log):
        """Installs what is not there yet."""
        recipe = hashlib.sha256(
            json.dumps([str(self.folder), self.name, *map(str, self.inputs)]).encode()
        )
        for path in self.inputs:
            recipe.update(path.read_bytes())
        stamp = self.folder / "installed"
        if stamp.exists() and stamp.read_text() == recipe.hexdigest():
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for command in self.install_commands():
            self.fetch(command, log)
        stamp.write_text(recipe.hexdigest())

    def fetch(self, command, log):
        """A registry that does not answer for a moment is none of our business: asked again."""
        for pause in (5, 20, None):
            done = subprocess.run(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=pause is None,
                timeout=900,
            )
            if done.returncode == 0:
                return
            time.sleep(pause)


class Java(Kit):
    language = "java"
    tools = ("java", "mvn")
    inputs = (HERE / "java/pom.xml", HERE / "java/Driver.java")
    hears_of_empty_lists = True

    def install_commands(self):
        pom = str(HERE / "java/pom.xml")
        settings = [f"-Dnacos.client.version={self.version}", f"-Dinterop.build={self.folder}"]
        goals = ["compiler:compile", "dependency:copy-dependencies"]
        yield ["mvn", "-B", "-q", "-f", pom, *settings, *goals]

    def command(self, folder, address, namespace):
        path = f"{self.folder}/classes:{self.folder}/dependency/*"
        thrift = ["-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        home = f"-Duser.home={folder}"
        return ["java", *thrift, home, "-cp", path, "Driver", address, namespace], {}


class Java14(Java):
    version = "1.4.8"
    name = f"java {version}"
    registers_anew = True
    meets_clusters = True


class GrpcJava(Java):
    protocol = "grpc"
    # It looks every 3 s for what is to be done again.
    is_back_within_s = 10


class Java20(GrpcJava):
    """The only one that tells of no abilities."""

    version = "2.0.4"
    name = f"java {version}"
    # It exchanges service and group when it unsubscribes.
    unsubscribes_at_the_node = False


class Java25(GrpcJava):
    version = "2.5.1"
    name = f"java {version}"
    registers_batches = True
    meets_clusters = True


class Java31(GrpcJava):
    version = "3.1.1"
    name = f"java {version}"
    registers_batches = True


class NodeJs(Kit):
    name = "node 2.6.3"
    language = "node"
    tools = ("node", "npm")
    inputs = (HERE / "node/package.json",)

    def install_commands(self):
        shutil.copy(HERE / "node/package.json", self.folder)
        yield ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund"]

    def command(self, folder, address, namespace):
        environment = {"NODE_PATH": f"{self.folder}/node_modules"}
        return ["node", str(HERE / "node/driver.js"), address, namespace], environment


class Python(Kit):
    language = "python"
    tools = ("python3",)
    inputs = ()
    package = "nacos-sdk-python"
    driver = "driver.py"

    def missing_tool(self):
        probe = [sys.executable, "-c", "import venv, ensurepip"]
        if subprocess.run(probe, stderr=subprocess.DEVNULL).returncode:
            return "venv with pip"
        return super().missing_tool()

    def install_commands(self):
        yield [sys.executable, "-m", "venv", "venv"]
        package = f"{self.package}=={self.version}"
        yield ["venv/bin/python", "-m", "pip", "install", "--disable-pip-version-check", package]

    def command(self, folder, address, namespace):
        python = str(self.folder / "venv/bin/python")
        return [python, str(HERE / "python" / self.driver), address, namespace], {}


class Python01(Python):
    version = "0.1.17"
    name = f"python {version}"
    is_pushed_to = False


class Python10(Python):
    version = "1.0.0"
    name = f"python {version}"
    is_pushed_to = False


HEART_BEAT_FIELDS = ("instanceHeartBeatInterval", "instanceHeartBeatTimeOut", "ipDeleteTimeout")


class Python32(Python):
    version = "3.2.0"
    name = f"python {version}"
    driver = "async_driver.py"
    protocol = "grpc"
    registers_batches = True
    host_lacks = HEART_BEAT_FIELDS
    # It looks every 30 s for what is to be done again.
    is_back_within_s = 40


class Go(Kit):
    name = "go 2.3.5"
    language = "go"
    tools = ("go",)
    inputs = (HERE / "go/go.mod", HERE / "go/driver.go")
    protocol = "grpc"
    registers_batches = True
    is_back_within_s = 10

    def install_commands(self):
        for path in self.inputs:
            shutil.copy(path, self.folder)
        # The sums, which are not kept here, come with the build.
        yield ["go", "build", "-mod=mod", "-buildvcs=false", "-o", "driver", "."]

    def command(self, _, address, namespace):
        return [str(self.folder / "driver"), address, namespace], {}


class Rust(Kit):
    name = "rust 0.8.0"
    language = "rust"
    tools = ("cargo",)
    inputs = (HERE / "rust/Cargo.toml", HERE / "rust/src/main.rs")
    protocol = "grpc"
    registers_batches = True
    host_lacks = HEART_BEAT_FIELDS
    # It connects again after 1, 2, 4 … s and then looks every 3 s for what is to be done again.
    is_back_within_s = 20

    def install_commands(self):
        # Copied: the lock file and all that is built are left beside the sources.
        shutil.copytree(HERE / "rust", self.folder / "source")
        manifest = str(self.folder / "source/Cargo.toml")
        yield ["cargo", "build", "--manifest-path", manifest, "--target-dir", "target"]

    def command(self, _, address, namespace):
        return [str(self.folder / "target/debug/driver"), address, namespace], {}


# What takes longest to install comes last.
ALL = (Java14, NodeJs, Python01, Python10, Java20, Java25, Java31, Python32, Go, Rust)
