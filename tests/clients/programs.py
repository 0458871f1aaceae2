"""Programs around Kafka (its Streams, its Connect) as a test runs them: started,
watched, killed and started again."""
import os
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "processes"))
from nodes import Failed, check, free_ports, test_folder, until  # noqa: E402,F401

SERVER = os.environ["BOOTSTRAP"]
LOGGING = """<Configuration status="ERROR">
  <Appenders><Console name="c"><PatternLayout
    pattern="%d{HH:mm:ss.SSS} %p %c{1} %m%n"/></Console></Appenders>
  <Loggers><Root level="LEVEL"><AppenderRef ref="c"/></Root></Loggers>
</Configuration>
"""

EARLIER_LOGGING = """log4j.rootLogger=LEVEL, c
log4j.appender.c=org.apache.log4j.ConsoleAppender
log4j.appender.c.layout=org.apache.log4j.PatternLayout
log4j.appender.c.layout.ConversionPattern=%d{HH:mm:ss.SSS} %p %c{1} %m%n
"""


def classpath(name="java"):
    place = os.path.join(os.environ["MILLRACE_CLIENTS"], f"{name}.classpath")
    with open(place) as file:
        return file.read().strip()


def properties(path, values):
    with open(path, "w") as file:
        file.writelines(f"{key}={value}\n" for key, value in values.items())
    return path


def java(folder, jars, level):
    """The command for programs of Kafka's releases before 4.0 too, which log
    by an earlier library."""
    for name, text in (("log4j2.xml", LOGGING),
                       ("log4j.properties", EARLIER_LOGGING)):
        with open(os.path.join(folder, name), "w") as file:
            file.write(text.replace("LEVEL", level))
    return ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
            "-Xshare:auto", f"-Dlog4j2.configurationFile={folder}/log4j2.xml",
            f"-Dlog4j.configuration=file:{folder}/log4j.properties",
            "-cp", jars]


class Java:
    """One Java program, its output in a file."""

    def __init__(self, folder, name, *words, jars=None, level="WARN"):
        self.name = name
        self.log = os.path.join(folder, f"{name}.log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*java(folder, jars or classpath(), level), *map(str, words)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def said(self):
        with open(self.log, errors="replace") as log:
            return log.read()

    def await_saying(self, what, seconds=200, times=1):
        def heard():
            self.check_runs()
            return self.said().count(what) >= times
        until(heard, seconds, f"{self.name} says <{what}>")

    def check_runs(self):
        check(self.process.poll() is None,
              f"{self.name} has ended by itself: {self.said()[-4000:]}")

    def kill(self):
        self.check_runs()
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds=100):
        """As an operator does it."""
        self.check_runs()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name} does not stop: "
                         f"{self.said()[-4000:]}") from None

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if kind is not None:
            print(f"--- the end of what {self.name} said\n"
                  f"{self.said()[-6000:]}", flush=True)
