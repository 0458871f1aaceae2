"""Where the release build is, the clients, and the tests' own clusters."""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests", "processes"))
os.environ.setdefault(
    "MILLRACE_BINARY", os.path.join(ROOT, "build", "release", "bin",
                                    "millrace"))
os.environ.setdefault("MILLRACE_CLIENTS", os.path.join(ROOT, "build",
                                                       "clients"))
os.environ.setdefault("MILLRACE_SOURCE", ROOT)
