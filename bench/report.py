#!/usr/bin/env python3
"""Makes the report and the plots of what bench/compare.py measured: report.py RESULT.json writes
RESULT.md and RESULT-*.svg beside it."""

import html
import json
import re
import sys

COLORS = ["#1f6feb", "#9aa4b2", "#d29922", "#2da44e", "#bf4b8a", "#8250df"]
METADATA = {"none": "none", "equal": "three equal pairs", "distinct": "200 distinct characters"}


def bars(title, unit, groups):
    """An SVG of horizontal bars: groups of (label, {server: value}). The ground is light and
    opaque, so that it reads the same on a dark page."""
    names = list(dict.fromkeys(name for _, values in groups for name in values))
    colors = dict(zip(names, COLORS * len(names)))
    longest = max(value for _, values in groups for value in values.values())
    parts, y = [], 62
    for i, name in enumerate(names):
        parts.append(f'<rect x="{170 + i * 95}" y="36" width="11" height="11" '
                     f'fill="{colors[name]}"/>'
                     f'<text x="{185 + i * 95}" y="46">{html.escape(name)}</text>')
    for label, values in groups:
        parts.append(f'<text x="162" y="{y + 8 * len(values) + 4}" text-anchor="end">'
                     f'{html.escape(label)}</text>')
        for name, value in values.items():
            width = round(440 * value / longest, 1)
            parts.append(f'<rect x="170" y="{y}" width="{width}" height="13" '
                         f'fill="{colors[name]}"/>'
                         f'<text x="{174 + width}" y="{y + 11}">{number(value)}</text>')
            y += 16
        y += 12
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 680 {y}" width="680" '
            f'height="{y}" font-family="sans-serif" font-size="12" fill="#24292f">\n'
            f'<rect width="680" height="{y}" fill="#ffffff"/>\n'
            f'<text x="16" y="22" font-size="14" font-weight="bold">{html.escape(title)}, '
            f'{html.escape(unit)}</text>\n' + "\n".join(parts) + "\n</svg>\n")


def number(value):
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def table(heads, rows):
    """In Markdown; the first column is text, all others are numbers."""
    lines = [heads, ["---"] + ["--:"] * (len(heads) - 1)]
    lines += [[number(x) for x in row] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


class Report:
    """The text of a result, and its plots by name."""

    def __init__(self, result, stem):
        self.result = result
        self.stem = stem
        self.plots = {}
        machine = result["machine"]
        self.text = f"# nacre and others, {result['date']}\n\n" + (
            f"{machine['cpu']}, {machine['cores']} cores, Linux {machine['kernel']}, "
            f"commit {machine['commit']}. Servers on one core, the load generator on another; "
            f"{result['seconds']} s in all. Load of the machine before: {machine['load_before']}.\n")
        for failure in result["failures"]:
            self.text += f"\nFAILED: {failure}\n"
        for title, grpc in (("HTTP", False), ("gRPC", True)):
            self.add_load(title, "grpc" if grpc else "http")
        self.add("A change at its subscribers", "push", {
            "p50, ms": "p50_ms", "p99, ms": "p99_ms", "slowest, ms": "max_ms", "lost": "lost"})
        self.add("The same over UDP", "push-udp", {"p50, ms": "p50_ms", "p99, ms": "p99_ms"})
        self.add("A change at the last of many subscribers", "fanout", {
            "subscribers": "subscribers", "first, ms": "first_p50_ms", "last, ms": "last_p50_ms",
            "last, p99, ms": "last_p99_ms", "µs a push": "cpu_us_per_push"})
        self.add("Connections that are held", "held", {
            "connections": "connections", "kB each": "open_kb",
            "with an instance, kB": "kb_per_connection", "opened a second": "opened_per_second",
            "µs to open one": "open_cpu_us", "all cleaned after, ms": "cleaned_ms"})
        self.add_memory()
        self.add_load("One node of three", "cluster")

    def rows(self, part, what=None):
        return [x for x in self.result["rows"] if x["part"] == part and x.get("what") == what]

    def add_plot(self, name, title, unit, groups):
        self.plots[name] = bars(title, unit, groups)
        self.text += f"![{title}]({self.stem}-{name}.svg)\n"

    def add_load(self, title, part):
        """All servers in each case; what nacre's answer costs is held against each of the others."""
        rows = self.rows(part)
        if not rows:
            return
        cases = {}
        for row in rows:
            cases.setdefault(row["case"], []).append(row)
        self.text += f"\n## {title} under load\n\n"
        if all("cpu_us" in row for row in rows):
            self.add_plot(part, f"{title}: processor time of the server", "µs for each answer", [
                (case, {x["target"]: x["cpu_us"] for x in both}) for case, both in cases.items()])
        lines = []
        for case, both in cases.items():
            for row in both:
                cost, mine = row.get("cpu_us"), both[0].get("cpu_us")
                lines.append([f"{case}: {row['target']}", cost,
                              mine / cost if row is not both[0] and mine and cost else None,
                              row["per_second"], row["p50_us"], row["p99_us"], row["body_bytes"],
                              row.get("quiet_rounds"), f"{row['generator']} %"])
        self.text += "\n" + table(
            ["case: server", "µs an answer", f"{rows[0]['target']} / it", "answers a second",
             "p50, µs", "p99, µs", "bytes", "quiet rounds", "generator"], lines)

    def add(self, title, part, columns):
        rows = self.rows(part, "push" if part == "push-udp" else part)
        if rows:
            self.text += f"\n## {title}\n\n" + table(
                ["server", *columns],
                [[row["target"], *(row.get(key) for key in columns.values())] for row in rows])

    def add_memory(self):
        rows = {(x["target"], x["metadata"], x["after"]): x for x in self.rows("memory", "memory")}
        lines = [(name, kind, rows.get((name, kind, "fill")), row)
                 for (name, kind, after), row in rows.items() if after == "query"]
        if lines:
            self.text += "\n## Memory\n\n"
            cost = "grown_bytes_per_instance"
            self.add_plot("memory", "Memory of an instance", "bytes, registered and queried once", [
                (METADATA[kind], {x[0]: x[3][cost] for x in lines if x[1] == kind})
                for kind in METADATA if any(x[1] == kind for x in lines)])
            self.text += "\n" + table(
                ["server: metadata", "registered, bytes an instance", "and queried once",
                 "in all, MiB"],
                [[f"{name}: {METADATA[kind]}", fill[cost], query[cost], query["rss_mib"]]
                 for name, kind, fill, query in lines])
        rest = {name: row["rss_mib"] for (name, kind, after), row in rows.items()
                if (kind, after) == ("none", "start")}
        ready = {row["target"]: row["ready_ms"] for row in self.rows("start")}
        if rest or ready:
            self.text += "\n## A node at rest\n\n" + table(
                ["server", "memory, MiB", "ready after, ms"],
                [[name, rest.get(name), ready.get(name)] for name in {**rest, **ready}])


def write(path):
    """The report and the plots of the result at `path`, beside it."""
    with open(path, encoding="utf-8") as file:
        result = json.load(file)
    base = path.removesuffix(".json")
    made = Report(result, base.rpartition("/")[2])
    for name, plot in made.plots.items():
        with open(f"{base}-{name}.svg", "w", encoding="utf-8") as file:
            file.write(plot)
    with open(f"{base}.md", "w", encoding="utf-8") as file:
        file.write(made.text)
    print(f"report: {base}.md")


def show_newest(root, date):
    """The READMEs link the newest report and its plots."""
    for readme in (f"{root}/README.md", f"{root}/bench/README.md"):
        with open(readme, encoding="utf-8") as file:
            text = file.read()
        with open(readme, "w", encoding="utf-8") as file:
            file.write(re.sub(r"(?<=results/)\d{4}-\d\d-\d\d(?=[.-])", date, text))


if __name__ == "__main__":
    write(sys.argv[1])
