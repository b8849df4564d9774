"""Paths and parameter names, read from the sources so that no new route goes without an attack."""

import re
from pathlib import Path

HTTP = Path(__file__).resolve().parents[2] / "http"
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")
PARAMETER = re.compile(
    r"\b(?:required|optional|required_int|int_or|find|required_result|text|raw"
    r"|form_(?:text|int|bool|double)(?:_or)?)\((?:c, )?\"(\w+)\""
)
NAME_LIST = re.compile(r"\b(?:first_of|either)\(\{?([^})]*)")

# A value of each parameter that most calls accept.
GOOD_VALUES = {
    "serviceName": "DEFAULT_GROUP@@hostile",
    "groupName": "DEFAULT_GROUP",
    "namespaceId": "public",
    "ip": "127.0.0.9",
    "port": "8080",
    "clusterName": "DEFAULT",
    "cluster": "DEFAULT",
    "weight": "1",
    "healthy": "true",
    "enabled": "true",
    "enable": "true",
    "ephemeral": "true",
    "metadata": '{"a":"b"}',
    "beat": '{"ip":"127.0.0.9","port":8080,"cluster":"DEFAULT"}',
    "instances": '[{"ip":"127.0.0.9","port":8080}]',
    "selector": '{"type":"none"}',
    "healthChecker": '{"type":"TCP"}',
    "protectThreshold": "0",
    "checkPort": "80",
    "useInstancePort4Check": "true",
    "pageNo": "1",
    "pageSize": "10",
    "key": "public##DEFAULT_GROUP@@hostile",
    "clientId": "127.0.0.9:8080#true",
    "entry": "clientBeatInterval",
    "value": "5000",
    "logName": "naming",
    "logLevel": "info",
    "clientIP": "127.0.0.1",
    "udpPort": "9",
    "namespaceName": "hostile",
    "namespaceShowName": "hostile",
    "customNamespaceId": "hostile",
    "namespace": "hostile",
}


def read_sources():
    return {x.name: x.read_text(encoding="utf-8") for x in sorted(HTTP.rglob("*.cpp"))}


def paths():
    """Every path of the `add_*_routes` functions, with the context path, `*` filled in."""
    found = set()
    for text in read_sources().values():
        for body in re.findall(r"void add_\w+_routes\(route_table.*?\n}", text, re.S):
            found.update(re.findall(r'"(/(?:v\d|nacre)/[^"]+)"', body))
    filled = {x.replace("*", "DEFAULT_GROUP%40%40hostile") for x in found}
    return sorted(x if x.startswith("/nacre") else "/nacos" + x for x in filled)


def parameter_names():
    names = set(GOOD_VALUES)
    for text in read_sources().values():
        names.update(PARAMETER.findall(text))
        for group in NAME_LIST.findall(text):
            names.update(re.findall(r'"(\w+)"', group))
    return sorted(names)
