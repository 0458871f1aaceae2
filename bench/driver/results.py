"""The page of results: written by the driver, never by hand."""
import datetime
import os
import platform
import statistics
import subprocess
import sys


def quartiles(values):
    """(first quartile, median, third quartile)."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(
        values, n=4, method="inclusive")
    return low, middle, high


def short(x):
    return f"{x:.0f}" if abs(x) >= 100 else f"{x:.3g}"


def spread(values):
    low, middle, high = quartiles(values)
    if len(values) == 1:
        return short(middle)
    return f"{short(middle)} ({short(low)}-{short(high)})"


def verdict(reached):
    return "reached" if reached else "**missed**"


def _processor():
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def _file_system(directory):
    found = subprocess.run(["stat", "-f", "-c", "%T", directory],
                           capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def _commit(root):
    def git(*words):
        return subprocess.run(["git", "-C", root, *words],
                              capture_output=True, text=True,
                              check=False).stdout.strip()
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".",
                  ":!bench/*.md")
    return (git("rev-parse", "--short=12", "HEAD")
            + (" with local changes" if changed else ""))


def head(root, directory, title, program):
    """The first lines of a page: what was measured, where, and by what."""
    return [
        f"# {title}", "",
        f"Written by `bench/driver/{program}`; an edited row is a defect.",
        "What the rows mean: `docs/performance.md`.", "",
        f"- date: {datetime.datetime.now():%Y-%m-%d %H:%M}",
        f"- machine: {os.cpu_count()} x {_processor()}, "
        f"{platform.system()} {platform.release()}, "
        f"data on {_file_system(directory)}",
        f"- load average at the start: {os.getloadavg()[0]:.2f}",
        f"- commit: {_commit(root)}",
        f"- command: `bench/driver/{' '.join([os.path.basename(sys.argv[0]), *sys.argv[1:]])}`",
        ""]


class Page:
    """Collects rows, prints each as it comes."""

    def __init__(self, root, directory, with_kafka):
        self.with_kafka = with_kafka
        self.lines = head(root, directory, "Results", "driver.py")
        self.lines += ["Medians, quartiles in brackets; the ratio is taken "
                       "pair by pair. Three nodes: `cluster_results.md`.", ""]
        self.missed = 0

    def _add(self, line):
        self.lines.append(line)
        print(line, flush=True)

    def begin_pairs(self):
        kafka = " Kafka |" if self.with_kafka else ""
        self._add(f"| load | figure | base | Millrace | ratio | must be |"
                  f" |{kafka}")
        self._add("|---|---|---|---|---|---|---|"
                  + ("---|" if self.with_kafka else ""))

    def pairs(self, row, figure, base, ours, kafka):
        """Lists of the same figure: base and ours in pairs."""
        ratios = [m / b for m, b in zip(ours, base)]
        reached = figure.reached(quartiles(ratios)[1])
        self.missed += not reached
        name = "" if row.base == "floor" else f"{row.base}: "
        line = (f"| {row.title} | {figure.unit} | {name}{spread(base)} "
                f"| {spread(ours)} | {spread(ratios)} | {figure.promise()} "
                f"| {verdict(reached)} |")
        if self.with_kafka:
            line += f" {spread(kafka) if kafka else ''} |"
        self._add(line)

    def begin_alone(self):
        self._add("")
        self._add("| figure | unit | Millrace | may be | |")
        self._add("|---|---|---|---|---|")

    def alone(self, title, unit, values, limit):
        reached = quartiles(values)[1] <= limit
        self.missed += not reached
        self._add(f"| {title} | {unit} | {spread(values)} | <= {limit:g} "
                  f"| {verdict(reached)} |")

    def write(self, path):
        with open(path, "w") as file:
            file.write("\n".join(self.lines) + "\n")
