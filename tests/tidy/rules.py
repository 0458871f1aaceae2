"""The rules that tidy.py applies, as data."""

# schema <- {storage, cluster, streams, net} <- actors <- simulation <- apps
_BELOW_ACTORS = {"schema", "storage", "cluster", "streams", "net"}
ROOMS = {
    "schema": {"schema"},
    "storage": {"schema", "storage"},
    "cluster": {"schema", "cluster"},
    "streams": {"schema", "streams"},
    "net": {"schema", "net"},
    "actors": _BELOW_ACTORS | {"actors"},
    "simulation": _BELOW_ACTORS | {"actors", "simulation"},
    "apps": _BELOW_ACTORS | {"actors", "simulation", "apps"},
    "tests": _BELOW_ACTORS | {"actors", "simulation", "apps", "tests"},
    "bench": _BELOW_ACTORS | {"actors", "simulation", "apps", "bench"},
}
SIMULATION_IN_APPS = (r"apps/(\w+/)*sim\w*\.[ch]pp$"
                      r"|apps/examples/\w+/\w+_test\.cpp$")
EXAMPLES = r"apps/examples/"
# Written by the build, so not in the tree.
GENERATED = r"schema/(kafka|zookeeper)/\w+\.hpp$|schema/\w+\.capnp\.h$"

# (header, rooms that may include it, why the others may not)
_ALL = set(ROOMS)
_WITH_CAF = {"actors", "simulation", "apps", "tests", "bench"}
_OUTSIDE = {"storage", "net", "actors", "apps", "tests", "bench"}
LIBRARIES = [
    (r"caf/", _WITH_CAF, "CAF is for actors and what stands on them"),
    (r"lmdb\.h$", {"storage", "tests", "bench"}, "images go through storage/"),
    (r"openssl/", {"net", "actors", "apps", "tests", "bench"},
     "TLS is net/'s"),
    (r"(capnp|kj)/", _ALL - {"storage", "streams", "net"},
     "Cap'n Proto is the vocabulary's"),
    (r"(unistd|fcntl|poll|pthread|dirent)\.h$", _OUTSIDE,
     "a decision touches nothing outside"),
    (r"(sys|netinet|arpa)/", _OUTSIDE, "a decision touches nothing outside"),
    (r"(thread|mutex|condition_variable|future|fstream|filesystem)$",
     _OUTSIDE | {"simulation"}, "a decision touches nothing outside"),
    (r"regex$", set(), "regular expressions are RE2's (R30)"),
]
LIBRARY_EXCEPTIONS = {}

# (pattern, files that may, why the others may not). The real implementations
# of the environment's interfaces, and programs that run by themselves.
_APPS = r"(apps|bench)/"
_TESTS = r"tests/"
_REAL = [r"storage/posix_", r"net/", r"actors/real_environment", _APPS]
CALLS = [
    (r"\b(system|steady|high_resolution|utc|file)_clock::now\b",
     [*_REAL, _TESTS], "time comes from the environment"),
    (r"\b(clock_gettime|gettimeofday|timespec_get)\s*\(",
     [*_REAL, _TESTS], "time comes from the environment"),
    (r"\b(?:std::|::)time\s*\(|(?<![\w.:>])time\s*\(\s*(?:nullptr|NULL|0)\s*\)",
     [*_REAL, _TESTS], "time comes from the environment"),
    (r"\bstd::random_device\b|(?<![\w.:>])s?rand\s*\(|\b(std)?::s?rand\s*\("
     r"|\b(getrandom|getentropy)\s*\(",
     [*_REAL, _TESTS], "randomness comes from the environment"),
    (r"\bstd::j?thread\b|\bstd::async\b|\bpthread_create\s*\(",
     [*_REAL, _TESTS], "threads come from the environment"),
    (r"\b(sleep_for|sleep_until|usleep|nanosleep)\s*\("
     r"|(?<![\w.>])sleep\s*\(",
     [*_REAL], "nothing waits for a fixed time; tests neither"),
    (r"(?<![\w>])::(open|openat|creat|socket)\s*\(|\bfopen\s*\("
     r"|\bO_(RDONLY|WRONLY|RDWR|CREAT)\b|\bstd::[io]?fstream\b"
     r"|\bstd::filesystem\b",
     [*_REAL, r"storage/lmdb_", _TESTS],
     "files and sockets come from the environment"),
    (r"\bstd::w?(regex|smatch|cmatch)\b", [],
     "regular expressions are RE2's (R30)"),
]

LINES_USUAL = 400
LINES_MAX = 700
LINES_MAX_TEST = 1200
# A line that cannot be broken: an include, an address, a test vector.
LONG_LINE = r'^\s*#\s*include|https?://|^\s*"[^" ]{60,}"[,;)]*$|R"'

# (pattern, sentence) for every text file. In two parts, as this is one too.
WORDS = [
    (r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b", "do it, or say nothing"),
    (r"(^|[\s\"'=(`:])/(ro" r"ot|wo" r"rk)/", "a path of one machine"),
    (r"\b(deb|snapshot)\.deb" r"ian\.org|\bpy" r"pi\.org|\bnpm" r"js\.(org|com)"
     r"|\bproxy\.go" r"lang\.org|\brepo1?\.mav" r"en\.",
     "no registry's host: its client knows it"),
]
# Where mistakes may be planted: two test programs, and nowhere else.
PLANTED = "MILLRACE_PLANTED" "_BUGS"
MAY_PLANT = {
    "schema/planted_bug.hpp", "tests/cluster/raft_planted/CMakeLists.txt",
    "tests/simulation/planted/CMakeLists.txt",
}
# It names tests, which have to exist.
PAGE_OF_TESTS = "docs/testing.md"
NO_TEXT_RULES = {"LICENSE"}
NOT_TEXT = r"\.(png|gz|bin|log|index|timeindex|snapshot|mdb)$|/corpus/|/data/"
GIVEN_NAMES = {
    "CMakeLists.txt", "CMakePresets.json", "README.md", "CHANGELOG.md",
    "CONTRIBUTING.md", "LICENSE", "RESULTS.md", "Cargo.toml", "Cargo.lock",
    "FindCAF.cmake",
    "MillraceInstall.cmake", "MillraceRooms.cmake", "MillraceSchema.cmake",
    "MillraceTests.cmake", "millrace-config.cmake.in", "Dockerfile",
}
