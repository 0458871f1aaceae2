"""C++ that reads, writes and prints the messages of a definition."""

from definition import FIXED, TEXT, DefinitionError


class Lines:
    """Collects lines of C++, indented by their braces."""

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
            # A tagged one begins with a number of another kind, 0 for null.
            present = f"r.read_uvarint({quoted}) != 0" if f.tag >= 0 else f"r.read_presence({quoted})"
            out(f"if ({present})")
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
    elif f.name.endswith("error_message"):
        out(f"w.write_sentence(flexible, {x}{more});")
    elif f.base in TEXT:
        out(f"w.write_{f.base}(flexible, {x}{more});")
    elif f.base == "records":
        out(f"w.write_records(flexible, {x}, {nullable});")
    elif f.struct:
        if f.can_be_null:
            if f.tag >= 0:
                out(f"w.write_uvarint({x} ? 1 : 0);")
            else:
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
