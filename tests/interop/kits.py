"""The SDKs: how each is installed with the client of its registry, and how its driver is run."""

import hashlib
import json
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


class Kit:
    # Whether the node pushes to it; else it polls.
    is_pushed_to = True
    # Whether it registers anew when a beat is answered with 20404.
    registers_anew = False
    # Whether an empty list counts as news to it.
    hears_of_empty_lists = False

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
            subprocess.run(
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=True,
                timeout=900,
            )
        stamp.write_text(recipe.hexdigest())


class Java(Kit):
    name = "java 1.4.8"
    language = "java"
    tools = ("java", "mvn")
    inputs = (HERE / "java/pom.xml", HERE / "java/Driver.java")
    registers_anew = True
    hears_of_empty_lists = True

    def install_commands(self):
        pom = str(HERE / "java/pom.xml")
        goals = ["compiler:compile", "dependency:copy-dependencies"]
        yield ["mvn", "-B", "-q", "-f", pom, f"-Dinterop.build={self.folder}", *goals]

    def command(self, folder, address, namespace):
        path = f"{self.folder}/classes:{self.folder}/dependency/*"
        thrift = ["-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        home = f"-Duser.home={folder}"
        return ["java", *thrift, home, "-cp", path, "Driver", address, namespace], {}


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
    is_pushed_to = False

    def missing_tool(self):
        probe = [sys.executable, "-c", "import venv, ensurepip"]
        if subprocess.run(probe, stderr=subprocess.DEVNULL).returncode:
            return "venv with pip"
        return super().missing_tool()

    def install_commands(self):
        yield [sys.executable, "-m", "venv", "venv"]
        package = f"nacos-sdk-python=={self.version}"
        yield ["venv/bin/python", "-m", "pip", "install", "--disable-pip-version-check", package]

    def command(self, folder, address, namespace):
        python = str(self.folder / "venv/bin/python")
        return [python, str(HERE / "python/driver.py"), address, namespace], {}


class Python01(Python):
    version = "0.1.17"
    name = f"python {version}"


class Python10(Python):
    version = "1.0.0"
    name = f"python {version}"


ALL = (Java, NodeJs, Python01, Python10)
