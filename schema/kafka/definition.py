"""What a .msg file says: APIs, messages, structs and fields.

docs/formats/kafka-wire.md has the grammar.
"""

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
# Above any version: the beginning of an empty range.
NO_VERSION = 32767


class DefinitionError(Exception):
    """A definition that makes no sense; the caller adds file and line."""


class Versions:
    """An inclusive range of versions; empty when last < first."""

    def __init__(self, first, last):
        self.first, self.last = first, last

    @staticmethod
    def parse(text, within=None):
        if text == "none":
            return NO_VERSIONS
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


NO_VERSIONS = Versions(NO_VERSION, NO_VERSION - 1)


class Field:
    """A line of a struct. Field.struct is set by Message.link."""

    def __init__(self, name, kind, options, within):
        self.name = name
        self.is_array = kind.startswith("[]")
        self.base = kind.removeprefix("[]")
        self.struct = None
        self.versions = Versions.parse(options.pop("versions", f"{within.first}+"), within)
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
        self.can_be_null = self.nullable.meets(within)
        if self.default == "null" and not self.can_be_null:
            raise DefinitionError("null is no default where nothing is nullable")

    @property
    def plain(self):
        """The versions in which the field is not a tagged one."""
        untagged = [v for v in self.versions.all() if v not in self.tagged]
        return Versions(untagged[0], untagged[-1]) if untagged else NO_VERSIONS

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
        if self.can_be_null and self.struct and not self.is_array:
            return f"!({x} == {self.cpp_base_in}{{}})"
        if self.can_be_null and self.is_array:
            return f"(!{x} || !{x}->empty())"
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
        """The fewest bytes of one element in version v; at least 1."""
        if self.struct:
            return max(1, self.struct.wire_size(v))
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

        def visit(struct, outer=()):
            if struct in outer:
                raise DefinitionError(f"struct {struct.name} contains itself")
            for f in struct.fields:
                if f.struct and f.struct not in ordered:
                    visit(f.struct, (*outer, struct))
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
            except (DefinitionError, ValueError) as why:
                sys.exit(f"{path}:{number}: {why}")
            except (IndexError, KeyError) as why:
                sys.exit(f"{path}:{number}: something is missing: {why}")
        try:
            for message in self.messages:
                message.link()
        except DefinitionError as why:
            sys.exit(f"{path}: {why}")

    def read_line(self, line):
        words = line.split()
        if line[0] == " ":
            if self.struct is None:
                raise DefinitionError("a field outside of a struct")
            options = options_of(words[2:])
            self.struct.fields.append(Field(words[0], words[1], options, self.struct.versions))
        elif words[0] == "api":
            options = options_of(words[3:])
            versions = Versions.parse(options["versions"])
            advertised = Versions.parse(options.get("advertised", options["versions"]))
            flexible = Versions.parse(options["flexible"], versions)
            self.api = Api(int(words[1]), words[2], versions, advertised, flexible)
        elif words[0] in ("request", "response"):
            if self.api is None:
                raise DefinitionError(f"a {words[0]} without an api")
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
