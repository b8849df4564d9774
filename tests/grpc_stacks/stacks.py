"""The gRPC stacks: how each is installed with the client of its registry, and how it is run."""

import pathlib
import shutil

import kits

HERE = pathlib.Path(__file__).resolve().parent


class GrpcJava(kits.Kit):
    name = "grpc-java 1.85.1"
    language = "java"
    tools = ("java", "mvn")
    inputs = (HERE / "java/pom.xml", HERE / "java/Client.java")

    def install_commands(self):
        pom = str(HERE / "java/pom.xml")
        goals = ["compiler:compile", "dependency:copy-dependencies"]
        yield ["mvn", "-B", "-q", "-f", pom, f"-Dstacks.build={self.folder}", *goals]

    def command(self):
        path = f"{self.folder}/classes:{self.folder}/dependency/*"
        thrift = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        return ["java", *thrift, "-cp", path, "Client"]


class GrpcGo(kits.Kit):
    name = "grpc-go 1.85.0"
    language = "go"
    tools = ("go",)
    inputs = (HERE / "go/go.mod", HERE / "go/client.go")

    def install_commands(self):
        for path in self.inputs:
            shutil.copy(path, self.folder)
        # The sums, which are not kept here, come with the build.
        yield ["go", "build", "-mod=mod", "-buildvcs=false", "-o", "client", "."]

    def command(self):
        return [str(self.folder / "client")]


class GrpcIo(kits.Python):
    version = "1.85.1"
    name = f"grpcio {version}"
    package = "grpcio"

    def command(self):
        return [str(self.folder / "venv/bin/python"), str(HERE / "python/client.py")]


class Tonic(kits.Kit):
    name = "tonic 0.14.9"
    language = "rust"
    tools = ("cargo",)
    inputs = (HERE / "rust/Cargo.toml", HERE / "rust/src/main.rs")

    def install_commands(self):
        # Copied: the lock file and all that is built are left beside the sources.
        shutil.copytree(HERE / "rust", self.folder / "source")
        manifest = str(self.folder / "source/Cargo.toml")
        yield ["cargo", "build", "--manifest-path", manifest, "--target-dir", "target"]

    def command(self):
        return [str(self.folder / "target/debug/client")]


class GrpcJs(kits.Kit):
    name = "grpc-js 1.14.7"
    language = "node"
    tools = ("node", "npm")
    inputs = (HERE / "node/package.json", HERE / "node/client.js")

    def install_commands(self):
        for path in self.inputs:
            shutil.copy(path, self.folder)
        yield ["npm", "install", "--no-package-lock", "--no-audit", "--no-fund"]

    def command(self):
        return ["node", str(self.folder / "client.js")]


class H2Spec(kits.Kit):
    """h2spec, whose requests become calls of gRPC: a GET is refused as soon as it comes, which
    leaves no stream to be looked at."""

    name = "h2spec 2.2.1"
    language = "h2spec"
    tools = ("go",)
    inputs = (HERE / "h2spec/go.mod", HERE / "h2spec/h2spec.go")
    package = "github.com/summerwind/h2spec"

    def install_commands(self):
        for path in self.inputs:
            shutil.copy(path, self.folder)
        yield ["go", "mod", "tidy"]
        yield ["go", "mod", "vendor"]
        self.ask_as_grpc(self.folder / "vendor" / self.package / "spec/util.go")
        output = ["-mod=vendor", "-buildvcs=false", "-o", "h2spec"]
        yield ["go", "build", *output, f"{self.package}/cmd/h2spec"]

    def ask_as_grpc(self, path):
        source = path.read_text()
        for old, new in (
            ('HeaderField(":method", "GET"),', 'HeaderField(":method", "POST"),'),
            (
                'HeaderField(":authority", authority),',
                'HeaderField(":authority", authority),\n'
                'HeaderField("content-type", "application/grpc"),',
            ),
        ):
            if source.count(old) != 1:
                raise OSError(f"{path}: not one {old}")
            source = source.replace(old, new)
        path.write_text(source)

    def command(self):
        return [str(self.folder / "h2spec")]


# What takes longest comes first.
CLIENTS = (Tonic, GrpcGo, GrpcJava, GrpcIo, GrpcJs)
