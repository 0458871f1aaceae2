#!/usr/bin/env python3
"""Bad input gets a clear error and harms nobody: `serve`, and what the world
may throw at it. Plain sockets and the standard library only.

MILLRACE_BINARY is the program; with MILLRACE_LONG=1, more of everything."""
import sys
import unittest

from bad_batches import *  # noqa: F401,F403: the tests
from bad_cluster import *  # noqa: F401,F403
from bad_hosts import *  # noqa: F401,F403
from bad_frames import *  # noqa: F401,F403: the tests
from bad_strings import *  # noqa: F401,F403

if __name__ == '__main__':
    sys.dont_write_bytecode = True
    unittest.main()
