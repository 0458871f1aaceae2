#!/usr/bin/env python3
"""Turns the definitions of Kafka's messages into C++.

usage: generate.py OUT_DIR FILE.msg...

Writes into OUT_DIR, for each definition NAME.msg, NAME.hpp and NAME.cpp, and
apis.hpp, apis.cpp (the table of APIs) and fields.hpp (a visitor of fields,
for tests). A file whose content would not change is left alone, so that
nothing is rebuilt for it. The form of the definitions is described in
docs/formats/kafka-wire.md.
"""

import pathlib
import re
import sys

# type: (C++ type, reader and writer function, bytes on the wire, JSON)
FIXED = {
    "bool": ("bool", "bool", 1, "boolean"),
    "int8": ("int8_t", "int8", 1, "number"),
    "int16": ("int16_t", "int16", 2, "number"),
    "uint16": ("uint16_t", "uint16", 2, "number"),
    "int32": ("int32_t", "int32", 4, "number"),
    "uint32": ("uint32_t", "uint32", 4, "number"),
    "int64": ("int64_t", "int64", 8, "number"),
    "float64": ("double", "float64", 8, "number"),
    "uuid": ("uuid", "uuid", 16, "id"),
}
# type: bytes of the length in front where it is not compact
TEXT = {"string": 2, "bytes": 4}
NO_VERSION = 32767


class DefinitionError(Exception):
    pass


class Versions:
    """An inclusive range of versions; empty when last < first."""

    def __init__(self, first, last):
        self.first, self.last = first, last

    @staticmethod
    def parse(text, within=None):
        if text == "none":
            return Versions(NO_VERSION, NO_VERSION - 1)
        match = re.fullmatch(r"(\d+)(\+|-(\d+))?", text)
        if not match:
            raise DefinitionError(f"'{text}' is no range of versions")
        first = int(match[1])
        if match[2] == "+":
            if within is None:
                raise DefinitionError(f"'{text}' needs a last version")
            return Versions(first, within.last)
        return Versions(first, int(match[3]) if match[3] else first)

    def __contains__(self, version):
        return self.first <= version <= self.last

    def all(self):
        return range(self.first, self.last + 1)

    def covers(self, other):
        return self.first <= other.first and other.last <= self.last

    def meets(self, other):
        return self.first <= other.last and other.first <= self.last

    def test(self, within):
        """C++ for: v, known to be in `within`, is in this range."""
        if self.covers(within):
            return "true"
        if not self.meets(within):
            return "false"
        parts = []
        if self.first > within.first:
            parts.append(f"v >= {self.first}")
        if self.last < within.last:
            parts.append(f"v <= {self.last}")
        return " && ".join(parts)


class Field:
    def __init__(self, name, kind, options, struct):
        self.name = name
        self.is_array = kind.startswith("[]")
        self.base = kind.removeprefix("[]")
        within = struct.versions
        self.versions = Versions.parse(options.pop("versions", f"{within.first}+"), within)
        none = Versions(NO_VERSION, NO_VERSION - 1)
        self.nullable = Versions.parse(options.pop("nullable", "none"), within)
        self.tagged = Versions.parse(options.pop("tagged", "none"), within)
        self.tag = int(options.pop("tag", -1))
        self.default = options.pop("default", None)
        if options:
            raise DefinitionError(f"unknown option {next(iter(options))}")
        if not within.covers(self.versions):
            raise DefinitionError("versions outside those of the struct")
        if (self.tag >= 0) != self.tagged.meets(within):
            raise DefinitionError("tag and tagged go together")
        self.struct = None  # set by Message.link
        self.can_be_null = self.nullable.meets(within)
        if self.tagged.meets(within):
            untagged = [v for v in self.versions.all() if v not in self.tagged]
            last = untagged[-1] if untagged else none.last
            self.plain = Versions(untagged[0], last) if untagged else none
        else:
            self.plain = self.versions

    @property
    def cpp_base(self):
        if self.base in FIXED:
            return FIXED[self.base][0]
        if self.base in TEXT:
            return "std::string"
        # Qualified, as a field may have the type's name.
        return "kafka::records" if self.base == "records" else self.base

    @property
    def cpp_type(self):
        kind = self.cpp_base
        if self.is_array:
            kind = f"std::vector<{kind}>"
        if self.can_be_null and self.base != "records":
            kind = f"std::optional<{kind}>"
        return kind

    @property
    def initializer(self):
        if self.default == "null":
            return ""
        if self.default is not None:
            if self.default == "-9223372036854775808":
                return " = std::numeric_limits<int64_t>::min()"
            if self.default == "-2147483648":
                return " = std::numeric_limits<int32_t>::min()"
            return f" = {self.default}"
        if self.base in FIXED and not self.is_array:
            return {"bool": " = false", "uuid": ""}.get(self.base, " = 0")
        if self.can_be_null and self.base != "records":
            return f" = {self.cpp_type.removeprefix('std::optional<')[:-1]}{{}}"
        return ""

    def differs_from_default(self):
        x = f"x.{self.name}"
        if self.default == "null":
            return f"{x}.has_value()"
        if self.can_be_null:
            raise DefinitionError(f"{self.name}: a nullable tagged field needs default null")
        if self.is_array or self.base in TEXT:
            if self.default is not None:
                raise DefinitionError(f"{self.name}: default of a tagged string")
            return f"!{x}.empty()"
        if self.struct or self.base == "uuid":
            return f"!({x} == {self.cpp_base_in}{{}})"
        return f"{x} != {self.initializer.removeprefix(' = ')}"

    @property
    def cpp_base_in(self):
        return f"{self.struct.owner.name}::{self.base}" if self.struct else self.cpp_base

    def wire_size(self, v, flexible):
        """The fewest bytes in version v, as a plain field."""
        if self.is_array or self.base in TEXT or self.base == "records":
            if flexible:
                return 1
            return 4 if self.is_array else TEXT.get(self.base, 4)
        if self.struct:
            return 1 if self.can_be_null else self.struct.wire_size(v)
        return FIXED[self.base][2]

    def element_wire_size(self, v, flexible):
        if self.struct:
            return self.struct.wire_size(v)
        if self.base in FIXED:
            return FIXED[self.base][2]
        return 1 if flexible else TEXT[self.base]


class Struct:
    def __init__(self, name, versions, owner):
        self.name, self.versions, self.owner = name, versions, owner
        self.fields = []

    @property
    def cpp_name(self):
        return self.name if self is self.owner else f"{self.owner.name}::{self.name}"

    def wire_size(self, v):
        flexible = v in self.owner.flexible
        return sum(f.wire_size(v, flexible) for f in self.fields if v in f.plain) + flexible

    def tagged_fields(self):
        return sorted((f for f in self.fields if f.tag >= 0), key=lambda f: f.tag)


class Message(Struct):
    """A request, a response or a record: the outermost struct."""

    def __init__(self, name, versions, flexible):
        super().__init__(name, versions, self)
        self.flexible = flexible
        self.structs = []

    def link(self):
        by_name = {s.name: s for s in self.structs}
        for struct in [self, *self.structs]:
            for f in struct.fields:
                if f.base in FIXED or f.base in TEXT or f.base == "records":
                    continue
                if f.base not in by_name:
                    raise DefinitionError(f"{self.name}: no struct {f.base}")
                f.struct = by_name[f.base]
        ordered = []

        def visit(struct):
            for f in struct.fields:
                if f.struct and f.struct not in ordered:
                    visit(f.struct)
            if struct is not self:
                ordered.append(struct)

        visit(self)
        unused = set(by_name) - {s.name for s in ordered}
        if unused:
            raise DefinitionError(f"{self.name}: unused struct {unused.pop()}")
        self.structs = ordered


class Api:
    def __init__(self, key, name, versions, advertised, flexible):
        self.key, self.name, self.versions = key, name, versions
        self.advertised, self.flexible = advertised, flexible

    @property
    def display(self):
        return "".join(part.capitalize() for part in self.name.split("_"))


def options_of(words):
    if len(words) % 2:
        raise DefinitionError("options come in pairs")
    return dict(zip(words[::2], words[1::2]))


class Definition:
    """What one .msg file holds."""

    def __init__(self, path):
        self.stem = path.stem
        self.api = None
        self.messages = []
        self.struct = None
        for number, line in enumerate(path.read_text().splitlines(), 1):
            line = line.split("#")[0]
            if not line.strip():
                continue
            try:
                self.read_line(line)
            except (DefinitionError, ValueError, IndexError) as why:
                sys.exit(f"{path}:{number}: {why}")
        try:
            for message in self.messages:
                message.link()
        except DefinitionError as why:
            sys.exit(f"{path}: {why}")

    def read_line(self, line):
        words = line.split()
        if line[0] == " ":
            options = options_of(words[2:])
            self.struct.fields.append(Field(words[0], words[1], options, self.struct))
        elif words[0] == "api":
            options = options_of(words[3:])
            versions = Versions.parse(options["versions"])
            advertised = Versions.parse(options.get("advertised", options["versions"]))
            flexible = Versions.parse(options["flexible"], versions)
            self.api = Api(int(words[1]), words[2], versions, advertised, flexible)
        elif words[0] in ("request", "response"):
            name = f"{self.api.name}_{words[0]}"
            self.begin(Message(name, self.api.versions, self.api.flexible))
        elif words[0] == "message":
            options = options_of(words[2:])
            versions = Versions.parse(options["versions"])
            flexible = Versions.parse(options["flexible"], versions)
            self.begin(Message(words[1], versions, flexible))
        elif words[0] == "struct":
            owner = self.messages[-1]
            options = options_of(words[2:])
            text = options.get("versions", f"{owner.versions.first}+")
            self.struct = Struct(words[1], Versions.parse(text, owner.versions), owner)
            owner.structs.append(self.struct)
        else:
            raise DefinitionError(f"unknown word {words[0]}")

    def begin(self, message):
        self.messages.append(message)
        self.struct = message


class Lines:
    def __init__(self):
        self.text = []
        self.depth = 0

    def __call__(self, line=""):
        if line.startswith(("}", "]")):
            self.depth -= 1
        self.text.append("  " * self.depth + line if line else "")
        if line.endswith("{"):
            self.depth += 1

    def block(self, condition):
        """Opens an if, unless the condition always holds."""
        if condition == "true":
            return False
        self(f"if ({condition}) {{")
        return True

    def end(self, opened):
        if opened:
            self("}")

    def join(self):
        return "\n".join(self.text) + "\n"


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


def flexible_of(message):
    return message.flexible.test(message.versions)


def array_minimum(out, struct, f):
    """C++ for the fewest bytes of an element of f in version v."""
    owner = struct.owner
    sizes = [f.element_wire_size(v, v in owner.flexible) for v in f.versions.all()]
    if len(set(sizes)) == 1:
        return str(sizes[0])
    array = f"{struct.name}_{f.name}_least"
    numbers = ", ".join(map(str, sizes))
    out(f"constexpr std::array<uint8_t, {len(sizes)}> {array}{{{numbers}}};")
    index = f"v - {f.versions.first}" if f.versions.first else "v"
    return f"{array}[static_cast<size_t>({index})]"


def read_field(out, struct, f):
    x = f"x.{f.name}"
    nullable = f.nullable.test(struct.versions)
    quoted = f'"{f.name}"'
    if f.is_array:
        out("{")
        least = array_minimum(out, struct, f)
        out(f"const auto n = r.read_count({quoted}, flexible, {nullable}, {least}, sizeof({f.cpp_base_in}));")
        if f.can_be_null:
            out("if (!n)")
            out(f"  {x}.reset();")
            out("else")
            out(f"  {x}.emplace(*n);")
            out(f"if ({x}) {{")
            x = f"(*{x})"
        else:
            out(f"{x}.resize(*n);")
            out("{")
        if f.base == "bool":
            raise DefinitionError("no arrays of bool")
        out(f"for (auto& e : {x}) {{")
        out("if (!r.ok())")
        out("  break;")
        if f.struct:
            out("read(r, v, e);")
        elif f.base in TEXT:
            out(f"e = r.read_{f.base}({quoted}, flexible);")
        else:
            out(f"e = r.read_{FIXED[f.base][1]}({quoted});")
        out("}")
        out("}")
        out("}")
    elif f.base in TEXT:
        more = f", {nullable}" if f.can_be_null else ""
        out(f"{x} = r.read_{f.base}({quoted}, flexible{more});")
    elif f.base == "records":
        out(f"{x} = r.read_records({quoted}, flexible, {nullable});")
    elif f.struct:
        if f.can_be_null:
            out(f"if (r.read_presence({quoted}))")
            # Clang sees no default constructor of a struct nested in `x`.
            out(f"  read(r, v, {x}.emplace(decltype({x})::value_type{{}}));")
            out("else")
            out(f"  {x}.reset();")
        else:
            out(f"read(r, v, {x});")
    else:
        out(f"{x} = r.read_{FIXED[f.base][1]}({quoted});")


def write_read(out, struct):
    owner = struct.owner
    out(f"void read(kafka_reader& r, [[maybe_unused]] int v, {struct.cpp_name}& x) {{")
    out(f"[[maybe_unused]] const bool flexible = {flexible_of(owner)};")
    for f in struct.fields:
        condition = f.plain.test(struct.versions)
        if condition == "false":
            continue
        opened = out.block(condition)
        read_field(out, struct, f)
        out.end(opened)
    if owner.flexible.meets(struct.versions):
        out("if (flexible) {")
        out("for (auto left = r.read_tag_count(); left > 0 && r.ok(); --left) {")
        out("const auto field = r.begin_tagged();")
        out("bool known = false;")
        if struct.tagged_fields():
            out("switch (field.tag) {")
            for f in struct.tagged_fields():
                out(f"case {f.tag}:")
                opened = out.block(f.tagged.test(struct.versions))
                out("known = true;")
                read_field(out, struct, f)
                out.end(opened)
                out("break;")
            out("default:")
            out("break;")
            out("}")
        out("r.end_tagged(field, known);")
        out("}")
        out("}")
    out("}")


def write_field(out, struct, f):
    x = f"x.{f.name}"
    nullable = f.nullable.test(struct.versions)
    more = f", {nullable}" if f.can_be_null else ""
    if f.is_array:
        out(f"w.write_count(flexible, {x}{more});")
        if f.can_be_null:
            out(f"if ({x}) {{")
            x = f"*{x}"
        else:
            out("{")
        out(f"for (const auto& e : {x}) {{")
        if f.struct:
            out("write(w, v, e);")
        elif f.base in TEXT:
            out(f"w.write_{f.base}(flexible, e);")
        else:
            out(f"w.write_{FIXED[f.base][1]}(e);")
        out("}")
        out("}")
    elif f.base in TEXT:
        out(f"w.write_{f.base}(flexible, {x}{more});")
    elif f.base == "records":
        out(f"w.write_records(flexible, {x}, {nullable});")
    elif f.struct:
        if f.can_be_null:
            out(f"w.write_presence({x}.has_value());")
            out(f"if ({x})")
            out(f"  write(w, v, *{x});")
        else:
            out(f"write(w, v, {x});")
    else:
        out(f"w.write_{FIXED[f.base][1]}({x});")


def tagged_present(struct, f):
    within = f.tagged.test(struct.versions)
    differs = f.differs_from_default()
    return differs if within == "true" else f"{within} && {differs}"


def write_write(out, struct):
    owner = struct.owner
    out(f"void write(kafka_writer& w, [[maybe_unused]] int v, [[maybe_unused]] const {struct.cpp_name}& x) {{")
    out(f"[[maybe_unused]] const bool flexible = {flexible_of(owner)};")
    for f in struct.fields:
        condition = f.plain.test(struct.versions)
        if condition == "false":
            continue
        opened = out.block(condition)
        write_field(out, struct, f)
        out.end(opened)
    if owner.flexible.meets(struct.versions):
        out("if (flexible) {")
        tagged = struct.tagged_fields()
        if tagged:
            out("uint32_t tags = 0;")
            for f in tagged:
                out(f"if ({tagged_present(struct, f)})")
                out("  ++tags;")
            out("w.write_uvarint(tags);")
            for f in tagged:
                out(f"if ({tagged_present(struct, f)}) {{")
                out(f"const auto begin = w.begin_tagged({f.tag});")
                write_field(out, struct, f)
                out("w.end_tagged(begin);")
                out("}")
        else:
            out("w.write_uvarint(0);")
        out("}")
    out("}")


def camel(name):
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def print_value(out, f, x):
    if f.struct:
        out(f"print(j, v, {x});")
    elif f.base in TEXT:
        suffix = "_or_null" if f.can_be_null and not f.is_array else ""
        out(f"j.{f.base}{suffix}({x});")
    elif FIXED[f.base][3] == "number" and f.base != "float64":
        out(f"j.number(static_cast<int64_t>({x}));")
    else:
        out(f"j.{FIXED[f.base][3]}({x});")


def print_field(out, f):
    x = f"x.{f.name}"
    if f.base == "records":
        out(f"if ({x}.is_null) {{")
        out(f'j.key("{camel(f.name)}");')
        out("j.null();")
        out("} else {")
        out(f'j.key("{camel(f.name)}SizeInBytes");')
        out(f"j.number(static_cast<int64_t>({x}.size()));")
        out("}")
        return
    out(f'j.key("{camel(f.name)}");')
    unwrap = f.can_be_null and (f.is_array or f.struct)
    if unwrap:
        out(f"if (!{x}) {{")
        out("j.null();")
        out("} else {")
        x = f"(*{x})"
    if f.is_array:
        out("j.begin_array();")
        out(f"for (const auto& e : {x}) {{")
        print_value(out, f, "e")
        out("}")
        out("j.end_array();")
    else:
        print_value(out, f, x)
    if unwrap:
        out("}")


def write_print(out, struct):
    out(f"void print(json_writer& j, [[maybe_unused]] int v, [[maybe_unused]] const {struct.cpp_name}& x) {{")
    out("j.begin_object();")
    for f in struct.fields:
        condition = f.plain.test(struct.versions)
        if condition != "false":
            opened = out.block(condition)
            print_field(out, f)
            out.end(opened)
        if f.tag >= 0:
            out(f"if ({tagged_present(struct, f)}) {{")
            print_field(out, f)
            out("}")
    out("j.end_object();")
    out("}")


def write_source(definition):
    out = Lines()
    out(f"// Generated from schema/kafka/{definition.stem}.msg by generate.py.")
    out(f'#include "schema/kafka/{definition.stem}.hpp"')
    out()
    out('#include "schema/kafka/json_writer.hpp"')
    out('#include "schema/kafka_wire.hpp"')
    out()
    out("#include <array>")
    out()
    out("namespace millrace::kafka {")
    out.depth = 0
    out()
    out("namespace {")
    out.depth = 0
    for m in definition.messages:
        for struct in [*m.structs, m]:
            for write in (write_read, write_write, write_print):
                out()
                write(out, struct)
    out()
    out("} // namespace")
    for m in definition.messages:
        first, last = m.versions.first, m.versions.last
        out.depth = 0
        out()
        out(f"result<void> decode(kafka_reader& reader, int16_t version, {m.name}& out) {{")
        out("out = {};")
        out(f"if (version < {first} || version > {last})")
        out('  reader.fail(errc::unsupported, "version", "no such version");')
        out("else")
        out("  read(reader, version, out);")
        out(f'return reader.status("{m.name}", version);')
        out("}")
        out()
        out(f"void encode(kafka_writer& writer, int16_t version, const {m.name}& message) {{")
        out(f'MILLRACE_ASSERT(version >= {first} && version <= {last}, "{m.name} is encoded in one of its versions");')
        out("write(writer, version, message);")
        out("}")
        out()
        out(f"std::string to_json(const {m.name}& message, int16_t version) {{")
        out("json_writer writer;")
        out("print(writer, version, message);")
        out("return writer.take();")
        out("}")
    out.depth = 0
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
    apis = sorted((d.api for d in definitions if d.api), key=lambda a: a.key)
    save(to / "apis.hpp", write_apis_header(apis))
    save(to / "apis.cpp", write_apis_source(apis))
    save(to / "fields.hpp", write_fields(definitions))


if __name__ == "__main__":
    main()
