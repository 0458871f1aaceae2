"""Kafka's messages as dicts, by the definitions that the server's own codecs
are generated from: any API, any version, and values that nobody should send.

A value is a dict of fields; lists, str, bytes (also for a string that is no
text), int, uuid as 16 bytes, None for null. What a dict lacks is encoded as the
field's default. Null is encoded as null even where it must not be.
"""
import glob
import os
import pathlib
import struct
import sys

SOURCE = os.environ.get("MILLRACE_SOURCE") or str(
    pathlib.Path(__file__).resolve().parents[3])
sys.path.insert(0, os.path.join(SOURCE, "schema", "kafka"))
from definition import FIXED, TEXT, Definition  # noqa: E402

FORMATS = {"bool": ">?", "int8": ">b", "int16": ">h", "uint16": ">H",
           "int32": ">i", "uint32": ">I", "int64": ">q", "float64": ">d"}
ZERO_ID = bytes(16)


class Malformed(Exception):
    """Bytes that are not what the definition says."""


class Plan:
    """One field as it is in one version."""

    def __init__(self, field, version, flexible):
        self.name = field.name
        self.base = field.base
        self.is_array = field.is_array
        self.nullable = version in field.nullable
        self.tag = field.tag if version in field.tagged else None
        self.fields = plan_of(field.struct, version, flexible) \
            if field.struct else None
        self.default = self.default_of(field)

    def default_of(self, field):
        if field.default == "null":
            return None
        if self.is_array:
            return []
        if field.default is not None:
            return {"true": True, "false": False}.get(
                field.default, None) if field.base == "bool" \
                else int(field.default)
        if self.fields is not None:
            return {f.name: f.default for f in self.fields}
        if field.base == "records":
            return None
        return {"string": "", "bytes": b"", "uuid": ZERO_ID,
                "bool": False}.get(field.base, 0)


def plan_of(struct_definition, version, flexible):
    return [Plan(f, version, flexible) for f in struct_definition.fields
            if version in f.versions]


class Message:
    """A request or a response in one version."""

    def __init__(self, definition, version):
        self.flexible = version in definition.flexible
        self.fields = plan_of(definition, version, self.flexible)

    def encode(self, value):
        out = bytearray()
        _write_struct(out, self.fields, self.flexible, value)
        return bytes(out)

    def decode(self, data):
        """Raises Malformed; every byte must be used."""
        reader = Reader(data)
        value = _read_struct(reader, self.fields, self.flexible)
        if reader.at != len(data):
            raise Malformed(f"{len(data) - reader.at} bytes are left")
        return value


class Api:
    def __init__(self, definition):
        api = definition.api
        self.key, self.name = api.key, api.name
        self.first, self.last = api.versions.first, api.versions.last
        self._flexible = api.flexible
        self._messages = {m.name: m for m in definition.messages}
        self._cache = {}

    def is_flexible(self, version):
        return version in self._flexible

    def _message(self, kind, version):
        at = (kind, version)
        if at not in self._cache:
            self._cache[at] = Message(
                self._messages[f"{self.name}_{kind}"], version)
        return self._cache[at]

    def request(self, version):
        return self._message("request", version)

    def response(self, version):
        return self._message("response", version)

    def header(self, version, correlation, client_id):
        out = bytearray(struct.pack(">hhi", self.key, version, correlation))
        write_text(out, client_id, False, 2)
        if self.is_flexible(version):
            out.append(0)
        return bytes(out)

    def read_answer(self, version, data):
        """(correlation id, body) of an answer without its length."""
        if len(data) < 4:
            raise Malformed("no correlation id")
        correlation = struct.unpack_from(">i", data)[0]
        at = 4
        if self.is_flexible(version) and self.key != 18:
            if data[4:5] != b"\0":
                raise Malformed("the header has tagged fields")
            at = 5
        return correlation, self.response(version).decode(data[at:])


def read_definitions():
    """API by name, of the messages that the tree defines."""
    found = {}
    for path in sorted(glob.glob(
            os.path.join(SOURCE, "schema", "kafka", "*.msg"))):
        definition = Definition(pathlib.Path(path))
        if definition.api:
            found[definition.api.name] = Api(definition)
    return found


def write_uvarint(out, value):
    value &= 0xFFFFFFFF
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)


def write_text(out, value, flexible, size):
    if isinstance(value, str):
        value = value.encode("utf-8")
    if flexible:
        write_uvarint(out, 0 if value is None else len(value) + 1)
    else:
        out += struct.pack(">h" if size == 2 else ">i",
                           -1 if value is None else len(value))
    out += value or b""


def _write_one(out, plan, flexible, value):
    if plan.fields is not None:
        if plan.nullable:
            out += struct.pack(">b", -1 if value is None else 1)
            if value is None:
                return
        _write_struct(out, plan.fields, flexible, value)
    elif plan.base == "uuid":
        out += value
    elif plan.base in FORMATS:
        out += struct.pack(FORMATS[plan.base], value)
    else:
        write_text(out, value, flexible, TEXT.get(plan.base, 4))


def _write_field(out, plan, flexible, value):
    if not plan.is_array:
        _write_one(out, plan, flexible, value)
        return
    if flexible:
        write_uvarint(out, 0 if value is None else len(value) + 1)
    else:
        out += struct.pack(">i", -1 if value is None else len(value))
    for element in value or []:
        if plan.fields is not None:
            _write_struct(out, plan.fields, flexible, element)
        else:
            _write_one(out, plan, flexible, element)


def _write_struct(out, plans, flexible, value):
    tagged = []
    for plan in plans:
        found = value.get(plan.name, plan.default)
        if plan.tag is None:
            _write_field(out, plan, flexible, found)
        elif found != plan.default:
            tagged.append((plan, found))
    if not flexible:
        return
    extra = value.get("_tags", [])
    write_uvarint(out, len(tagged) + len(extra))
    for plan, found in sorted(tagged, key=lambda t: t[0].tag):
        inner = bytearray()
        _write_field(inner, plan, flexible, found)
        write_uvarint(out, plan.tag)
        write_uvarint(out, len(inner))
        out += inner
    for tag, data in extra:
        write_uvarint(out, tag)
        write_uvarint(out, len(data))
        out += data


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if count < 0 or self.at + count > len(self.data):
            raise Malformed(f"{count} bytes wanted at {self.at}"
                            f" of {len(self.data)}")
        begin = self.at
        self.at += count
        return self.data[begin:self.at]

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def uvarint(self):
        value = 0
        for shift in range(0, 35, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise Malformed("an endless varint")

    def length(self, flexible, size):
        if flexible:
            return self.uvarint() - 1
        return self.number(">h" if size == 2 else ">i")


def _read_one(reader, plan, flexible):
    if plan.fields is not None:
        if plan.nullable and reader.number(">b") < 0:
            return None
        return _read_struct(reader, plan.fields, flexible)
    if plan.base == "uuid":
        return bytes(reader.take(16))
    if plan.base in FORMATS:
        return reader.number(FORMATS[plan.base])
    count = reader.length(flexible, TEXT.get(plan.base, 4))
    if count < 0:
        if not plan.nullable:
            raise Malformed(f"{plan.name} is null")
        return None
    data = bytes(reader.take(count))
    return data.decode("utf-8", "replace") \
        if plan.base == "string" else data


def _read_field(reader, plan, flexible):
    if not plan.is_array:
        return _read_one(reader, plan, flexible)
    count = reader.length(flexible, 4)
    if count < 0:
        if not plan.nullable:
            raise Malformed(f"{plan.name} is null")
        return None
    if count > len(reader.data):
        raise Malformed(f"{plan.name} has {count} elements")
    if plan.fields is not None:
        return [_read_struct(reader, plan.fields, flexible)
                for _ in range(count)]
    return [_read_one(reader, plan, flexible) for _ in range(count)]


def _read_struct(reader, plans, flexible):
    value = {}
    by_tag = {}
    for plan in plans:
        if plan.tag is None:
            value[plan.name] = _read_field(reader, plan, flexible)
        else:
            by_tag[plan.tag] = plan
            value[plan.name] = plan.default
    if flexible:
        for _ in range(reader.uvarint()):
            tag = reader.uvarint()
            end = reader.uvarint() + reader.at
            if tag in by_tag:
                value[by_tag[tag].name] = _read_field(
                    reader, by_tag[tag], flexible)
            else:
                value.setdefault("_tags", []).append(
                    (tag, bytes(reader.take(end - reader.at))))
            if reader.at != end:
                raise Malformed(f"tag {tag} has another length")
    return value


assert set(FORMATS) | {"uuid"} == set(FIXED)
