"""The same load as load.py's by Kafka's Java client (java_client.java)."""
import os
import subprocess
import threading

from nodes import HERE, check

QUIET = ('<Configuration status="ERROR"><Loggers><Root level="OFF"/>'
         '</Loggers></Configuration>\n')


def classpath():
    """None where tools/clients.sh has not brought it."""
    path = os.path.join(os.environ["MILLRACE_CLIENTS"], "java.classpath")
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return None


class JavaClient(threading.Thread):
    """One process, and what it says."""

    program = "java_client.java"

    def __init__(self, folder, *words):
        super().__init__(daemon=True)
        quiet = os.path.join(folder, "log4j2.xml")
        with open(quiet, "w") as file:
            file.write(QUIET)
        self.errors = os.path.join(folder, f"java-{words[0]}.log")
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                ["java", "-Xmx256m", "-XX:+UseSerialGC",
                 "-XX:TieredStopAtLevel=1",
                 f"-Dlog4j2.configurationFile={quiet}", "-cp", classpath(),
                 os.path.join(HERE, self.program), *map(str, words)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                text=True)
        self.failed = None
        self.start()

    def run(self):
        try:
            for line in self.process.stdout:
                self.take(line.split())
        except Exception as error:  # told by finish()
            self.failed = error

    def finish(self):
        try:
            self.process.stdin.write("stop\n")
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # it has ended, which its code tells
        self.join(150)
        check(not self.is_alive(), "the Java client ends")
        code = self.process.wait(10)
        with open(self.errors, errors="replace") as errors:
            check(code == 0 and self.failed is None,
                  f"the Java client ended with {code}, {self.failed}: "
                  f"{errors.read()[-2000:]}")

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def take(self, words):
        raise NotImplementedError


class JavaWriter(JavaClient):
    """As load.Writer."""

    def __init__(self, folder, bootstrap, topic, partitions, history, number):
        self.history, self.number = history, number
        self.acks, self.ends, self.failures = [], {}, {}
        super().__init__(folder, "write", bootstrap, topic, partitions, number)

    def take(self, words):
        _, partition, value, begin, end, outcome, offset, why = words
        partition, begin, end = int(partition), int(begin), int(end)
        offset = int(offset)
        if outcome == "acknowledged":
            self.acks.append((begin, end))
            if offset >= 0:
                self.ends[partition] = offset
            else:
                offset = None
        else:
            self.failures[why] = self.failures.get(why, 0) + 1
        self.history.send(partition, int(value), self.number, begin, end,
                          outcome, offset)

    def acknowledged_after(self, moment_ns):
        """When the first record was acknowledged that was sent after."""
        check(self.is_alive(), "the Java client has ended by itself")
        for begin, end in list(self.acks):
            if begin > moment_ns:
                return end
        return None


class JavaReader(JavaClient):
    """As load.Reader."""

    def __init__(self, folder, bootstrap, topic, group, history):
        self.history = history
        self.runs, self.committed = {}, {}
        super().__init__(folder, "read", bootstrap, topic, group)

    def take(self, words):
        partition = int(words[1])
        if words[0] == "assign":
            self.runs[partition] = self.history.new_run()
        elif words[0] == "commit":
            self.committed[partition] = int(words[2])
        else:
            self.history.see(partition, int(words[2]), int(words[3]),
                             self.runs[partition])
