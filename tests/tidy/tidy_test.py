#!/usr/bin/env python3
"""tidy finds what is planted, and nothing in a tree that is in order."""
import os
import tempfile
import unittest

import source
import tidy

HEADER = "#pragma once\n// What it holds.\n"


class Tree(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = folder.name

    def plant(self, name, text, mode=0o644):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)

    def found(self):
        return [f"{name}:{line}: {sentence}" for name, line, sentence
                in tidy.violations(self.root, formatting=False)]

    def assert_found(self, *pieces):
        found = self.found()
        self.assertEqual(len(found), 1, found)
        for piece in pieces:
            self.assertIn(piece, found[0])

    def assert_clean(self):
        self.assertEqual(self.found(), [])

    def test_a_tree_in_order_has_no_violation(self):
        self.plant("schema/types.hpp", HEADER)
        self.plant("storage/segment.hpp",
                   HEADER + '#include "schema/types.hpp"\n')
        self.plant("actors/disk.cpp", '#include "storage/segment.hpp"\n'
                                      '#include <caf/all.hpp>\n')
        self.assert_clean()

    def test_a_room_that_includes_its_neighbour_is_found(self):
        self.plant("storage/segment.hpp", HEADER)
        self.plant("cluster/group.cpp",
                   '\n#include "storage/segment.hpp"\n')
        self.assert_found("cluster/group.cpp:2:",
                          "cluster/ may not include storage/")

    def test_each_room_below_the_actors_is_kept_from_caf(self):
        for room in ("schema", "storage", "cluster", "streams", "net"):
            self.plant(f"{room}/thing.cpp", "#include <caf/actor.hpp>\n")
        self.assertEqual(len(self.found()), 5)

    def test_a_room_may_not_look_up_the_layers(self):
        self.plant("actors/broker.hpp", HEADER)
        self.plant("simulation/world.hpp", HEADER)
        self.plant("net/host.cpp", '#include "actors/broker.hpp"\n')
        self.plant("actors/broker.cpp", '#include "simulation/world.hpp"\n')
        self.assertEqual(len(self.found()), 2)

    def test_only_the_sim_command_includes_the_simulation(self):
        self.plant("simulation/world.hpp", HEADER)
        self.plant("apps/cli/sim.cpp", '#include "simulation/world.hpp"\n')
        self.assert_clean()
        self.plant("apps/cli/serve.cpp", '#include "simulation/world.hpp"\n')
        self.assert_found("apps/cli/serve.cpp:1:", "only the sim command")

    def test_an_include_that_is_not_from_the_root_is_found(self):
        self.plant("storage/segment.hpp", HEADER)
        self.plant("storage/segment.cpp", '#include "segment.hpp"\n')
        self.assert_found("storage/segment.cpp:1:", "from the root")

    def test_a_missing_header_is_found_but_generated_ones_are_not_missed(self):
        self.plant("storage/log.cpp", '#include "schema/kafka/fetch.hpp"\n'
                                      '#include "schema/raft.capnp.h"\n')
        self.assert_clean()
        self.plant("storage/log.cpp", '#include "schema/nothing.hpp"\n')
        self.assert_found("is not in the tree")

    def test_calls_that_bypass_the_environment_are_found(self):
        for call in ("auto t = std::chrono::steady_clock::now();",
                     "auto t = system_clock::now();",
                     "int r = rand();",
                     "std::random_device device;",
                     "std::thread worker(run);",
                     "std::this_thread::sleep_for(1ms);",
                     "usleep(10);",
                     "int fd = ::open(path, flags);",
                     "std::ifstream in(path);",
                     "std::regex expression(text);"):
            with self.subTest(call=call):
                self.plant("actors/broker.cpp", call + "\n")
                self.assert_found("actors/broker.cpp:1:")

    def test_the_real_implementations_may_do_what_they_are_for(self):
        self.plant("storage/posix_file.cpp", "int fd = ::open(path, flags);\n")
        self.plant("actors/real_environment.cpp",
                   "auto t = std::chrono::system_clock::now();\n")
        self.plant("net/event_loop.cpp", "std::thread t(run);\n")
        self.assert_clean()

    def test_regular_expressions_are_found_there_too(self):
        self.plant("apps/cli/topic.cpp", "std::regex expression(text);\n")
        self.assert_found("RE2")

    def test_a_test_that_sleeps_is_found(self):
        self.plant("tests/net/loop_test.cpp", "std::this_thread::sleep_for(s);\n")
        self.assert_found("nothing waits for a fixed time")

    def test_methods_comments_and_strings_are_not_mistaken_for_calls(self):
        self.plant("actors/broker.cpp",
                   "// steady_clock::now() would be wrong here\n"
                   'auto text = "std::thread and ::open(";\n'
                   "auto file = files.open(name);\n"
                   "auto log = segment::open(name);\n"
                   "auto x = operand(3);\n")
        self.assert_clean()

    def test_a_room_that_links_its_neighbour_is_found(self):
        self.plant("cluster/CMakeLists.txt",
                   "millrace_room(cluster DEPENDS millrace_storage)\n")
        self.assert_found("cluster/ may not link millrace_storage")

    def test_form_is_checked(self):
        for name, text in (
                ("schema/Types.cpp", "int x;\n"),
                ("schema/types.hpp", "// No guard.\n"),
                ("schema/types.hpp", "#pragma once\n"),
                ("schema/types.cpp", "int x" + "y" * 80 + ";\n"),
                ("schema/types.cpp", "\tint x;\n"),
                ("schema/types.cpp", "int x; \n"),
                ("schema/types.cpp", "int x;"),
                ("schema/types.cpp", "// TO" + "DO more\n"),
                ("schema/types.cpp", "int x;\n" * 701),
                ("docs/page.md", "see /wo" + "rk/main\n"),
                ("tools/run.sh", "if then\n"),
                ("tools/run.py", "def\n"),
                ("tests/net/a_test.cpp",
                 'TEST_CASE("x is y", "[storage]") {}\n')):
            with self.subTest(name=name, text=text[:40]):
                self.plant(name, text)
                self.assert_found(name)
            os.remove(os.path.join(self.root, name))

    def test_a_page_names_tests_that_exist(self):
        self.plant("tests/storage/segment_test.cpp",
                   'TEST_CASE("a segment is "\n'
                   '          "what it is (R9)", "[storage][segment]") {\n}\n')
        page = "- `tests/storage/segment_test.cpp`: a segment is what\n"
        self.plant("docs/testing.md", page + "  it is (R9)\n- and more\n")
        self.assert_clean()
        self.plant("docs/testing.md", page + "  it was (R9)\n")
        self.assert_found("docs/testing.md:1", "no test of the name")
        self.plant("docs/testing.md", "- `tests/storage/gone_test.cpp`: x\n")
        self.assert_found("gone_test.cpp is not in the tree")

    def test_a_script_must_be_executable(self):
        self.plant("tools/run", "#!/usr/bin/env bash\necho\n")
        self.assert_found("executable")
        self.plant("tools/run", "#!/usr/bin/env bash\necho\n", 0o755)
        self.assert_clean()

    def test_mistakes_are_planted_in_the_programs_for_it_alone(self):
        line = "target_compile_definitions(t PRIVATE MILLRACE_PLANTED" "_BUGS)"
        self.plant("tests/simulation/planted/CMakeLists.txt", line + "\n")
        self.assert_clean()
        self.plant("apps/CMakeLists.txt", line + "\n")
        self.assert_found("apps/CMakeLists.txt:1:", "planted")

    def test_a_file_of_another_form_is_found_by_clang_format(self):
        self.plant(".clang-format", "BasedOnStyle: LLVM\n")
        self.plant("schema/types.cpp", "int   x ;\n")
        found = list(tidy.violations(self.root))
        self.assertEqual(len(found), 1, found)
        self.assertIn("not formatted", found[0][2])


class Source(unittest.TestCase):
    def test_lines_stay_where_they_were(self):
        text = 'a /* b\nc */ d // e\nR"x(f\n)x" g\n'
        bare = source.strip_literals(source.strip_comments(text))
        self.assertEqual(bare.count("\n"), text.count("\n"))
        self.assertEqual(bare.split("\n")[1].strip(), "d")

    def test_a_digit_separator_opens_no_character(self):
        text = "int x = 1'000'000; // y\nint z;\n"
        self.assertIn("int z", source.strip_comments(text))
        self.assertNotIn("y", source.strip_comments(text))

    def test_a_quote_in_a_string_does_not_end_it(self):
        self.assertEqual(source.strip_literals(r'f("a\"b", c)'), 'f("", c)')


if __name__ == "__main__":
    unittest.main()
