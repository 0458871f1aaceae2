#!/usr/bin/env python3
"""Turns the definitions of Kafka's messages into C++.

usage: generate.py OUT_DIR FILE.msg...

Writes into OUT_DIR, for each definition NAME.msg, NAME.hpp and NAME.cpp, and
apis.hpp, apis.cpp (the table of APIs), fields.hpp (a visitor of fields, for
tests) and requests.dict (for fuzzers). A file whose content would not change
is left alone, so that nothing is rebuilt for it. The form of the definitions
is described in docs/formats/kafka-wire.md.
"""

import pathlib
import sys

sys.dont_write_bytecode = True  # nothing is written into the tree

from codec import Lines, write_source  # noqa: E402
from definition import Definition, DefinitionError  # noqa: E402


def range_note(struct, f):
    notes = []
    if not f.versions.covers(struct.versions):
        notes.append(f"versions {f.versions.first}-{f.versions.last}")
    if f.can_be_null:
        if not f.nullable.covers(f.versions):
            notes.append(f"nullable {f.nullable.first}-{f.nullable.last}")
    if f.tag >= 0:
        notes.append(f"tag {f.tag}")
    return f" // {', '.join(notes)}" if notes else ""


def write_struct(out, struct, nested):
    out(f"struct {struct.name} {{")
    for inner in nested:
        write_struct(out, inner, [])
        out()
    for f in struct.fields:
        out(f"{f.cpp_type} {f.name}{f.initializer};{range_note(struct, f)}")
    out()
    out(f"bool operator==(const {struct.name}&) const = default;")
    out("};")


def write_header(definition):
    out = Lines()
    out(f"// Generated from schema/kafka/{definition.stem}.msg by generate.py.")
    out("#pragma once")
    out()
    out('#include "schema/kafka_records.hpp"')
    out('#include "schema/result.hpp"')
    out('#include "schema/types.hpp"')
    out()
    for name in ("cstdint", "limits", "optional", "string", "vector"):
        out(f"#include <{name}>")
    out()
    out("namespace millrace {")
    out.depth -= 1
    out("class kafka_reader;")
    out("class kafka_writer;")
    out("} // namespace millrace")
    out.depth = 0
    out()
    out("namespace millrace::kafka {")
    out.depth = 0
    for m in definition.messages:
        out()
        out(f"/// Versions {m.versions.first} to {m.versions.last}; a field of other")
        out("/// versions holds its default after decoding and is not encoded.")
        write_struct(out, m, m.structs)
        out()
        out("/// Reads `out` in `version`; unknown tagged fields are skipped.")
        out("/// Errors: truncated, corrupt, too_large; unsupported version.")
        out(f"[[nodiscard]] result<void> decode(kafka_reader& reader, int16_t version, {m.name}& out);")
        out("/// Precondition: `version` is one of the message's.")
        out(f"void encode(kafka_writer& writer, int16_t version, const {m.name}& message);")
        out("/// The fields of `version`, records as `<name>SizeInBytes`.")
        out(f"[[nodiscard]] std::string to_json(const {m.name}& message, int16_t version);")
    out()
    out("} // namespace millrace::kafka")
    return out.join()


def write_apis_header(apis):
    out = Lines()
    out("// Generated from schema/kafka/*.msg by generate.py.")
    out("#pragma once")
    out()
    out("#include <cstdint>")
    out("#include <span>")
    out()
    out("namespace millrace::kafka {")
    out.depth = 0
    out()
    out("enum class api_key : int16_t {")
    for api in apis:
        out(f"{api.name} = {api.key},")
    out("};")
    out()
    out("/// The versions that this build reads and writes of one API.")
    out("struct api {")
    out("api_key key{};")
    out("const char* name = nullptr;")
    out("int16_t min_version = 0;")
    out("int16_t max_version = 0;")
    out("/// What ApiVersions tells: lower than min_version where clients insist")
    out("/// on seeing versions that are answered with an error.")
    out("int16_t advertised_min_version = 0;")
    out("/// The first version with compact lengths and tagged fields (KIP-482);")
    out("/// 32767 where there is none.")
    out("int16_t flexible_from = 32767;")
    out("};")
    out()
    out("/// Keys from here on are Millrace's own: ApiVersions tells them to its own")
    out("/// clients only.")
    out("inline constexpr int16_t first_own_key = 10'000;")
    out()
    out("/// All APIs, by key.")
    out("[[nodiscard]] std::span<const api> apis();")
    out("/// The API with this key, or null. The pointer stays valid.")
    out("[[nodiscard]] const api* find_api(int16_t key);")
    out()
    out("} // namespace millrace::kafka")
    return out.join()


def write_apis_source(apis):
    out = Lines()
    out("// Generated from schema/kafka/*.msg by generate.py.")
    out('#include "schema/kafka/apis.hpp"')
    out()
    out("#include <algorithm>")
    out("#include <array>")
    out()
    out("namespace millrace::kafka {")
    out.depth = 0
    out()
    out("namespace {")
    out.depth = 0
    out()
    out(f"constexpr std::array<api, {len(apis)}> table{{{{")
    out.depth = 1
    for api in apis:
        out(
            f'{{api_key::{api.name}, "{api.display}", {api.versions.first}, {api.versions.last},'
            f" {api.advertised.first}, {api.flexible.first}}},"
        )
    out.depth = 0
    out("}};")
    out.depth = 0
    out()
    out("} // namespace")
    out.depth = 0
    out()
    out("std::span<const api> apis() {")
    out("return table;")
    out("}")
    out()
    out("const api* find_api(int16_t key) {")
    out("const auto wanted = static_cast<api_key>(key);")
    out("const auto found = std::lower_bound(table.begin(), table.end(), wanted,")
    out("  [](const api& a, api_key k) { return a.key < k; });")
    out("return found != table.end() && found->key == wanted ? &*found : nullptr;")
    out("}")
    out()
    out("} // namespace millrace::kafka")
    return out.join()


def write_fields(definitions):
    out = Lines()
    out("// Generated from schema/kafka/*.msg by generate.py; for tests.")
    out("#pragma once")
    out()
    for d in definitions:
        out(f'#include "schema/kafka/{d.stem}.hpp"')
    out()
    out("#include <cstdint>")
    out()
    out("namespace millrace::kafka {")
    out.depth = 0
    out()
    out("/// Calls f(field, nullable, tagged) for each field of `version`.")
    for d in definitions:
        for m in d.messages:
            for struct in [*m.structs, m]:
                out("template <class F>")
                out(f"void visit_fields([[maybe_unused]] F& f, [[maybe_unused]] int v, {struct.cpp_name}& x) {{")
                for f in struct.fields:
                    opened = out.block(f.versions.test(struct.versions))
                    nullable = f.nullable.test(struct.versions)
                    tagged = f.tagged.test(struct.versions)
                    out(f"f(x.{f.name}, {nullable}, {tagged});")
                    out.end(opened)
                out("}")
                out()
    out("template <class T>")
    out("struct message_type {")
    out("using type = T;")
    out("const char* name;")
    out("int16_t min_version;")
    out("int16_t max_version;")
    out("};")
    out()
    out("/// Calls f(message_type) for each message.")
    out("template <class F>")
    out("void visit_messages(F&& f) {")
    for d in definitions:
        for m in d.messages:
            out(f'f(message_type<{m.name}>{{"{m.name}", {m.versions.first}, {m.versions.last}}});')
    out("}")
    out()
    out("} // namespace millrace::kafka")
    return out.join()


def write_dictionary(apis):
    """For libFuzzer: how the header of each request begins."""
    out = Lines()
    for api in apis:
        for v in api.versions.all():
            out(f'"\\x{api.key >> 8:02x}\\x{api.key & 0xff:02x}\\x00\\x{v:02x}"')
    return out.join()


def save(path, text):
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    to = pathlib.Path(sys.argv[1])
    to.mkdir(parents=True, exist_ok=True)
    definitions = [Definition(pathlib.Path(path)) for path in sorted(sys.argv[2:])]
    for d in definitions:
        try:
            save(to / f"{d.stem}.hpp", write_header(d))
            save(to / f"{d.stem}.cpp", write_source(d))
        except DefinitionError as why:
            sys.exit(f"{d.stem}.msg: {why}")
    # What is not advertised at all has messages, but is no API that is there.
    there = [d.api for d in definitions if d.api and d.api.advertised.all()]
    apis = sorted(there, key=lambda a: a.key)
    save(to / "apis.hpp", write_apis_header(apis))
    save(to / "apis.cpp", write_apis_source(apis))
    save(to / "fields.hpp", write_fields(definitions))
    save(to / "requests.dict", write_dictionary(apis))


if __name__ == "__main__":
    main()
