#include "schema/kafka_wire.hpp"

#include <catch2/catch.hpp>

#include <limits>

using namespace millrace;

namespace {

kafka_reader reader_of(std::string_view bytes) {
  return kafka_reader{shared_bytes::copy_of(bytes)};
}

std::string bytes_of(kafka_writer& writer) {
  return flatten(writer.finish()).value();
}

errc code_of(const kafka_reader& reader) {
  return reader.status("message", 0).error().code;
}

} // namespace

TEST_CASE("integers are big endian", "[schema][kafka_wire]") {
  kafka_writer writer;
  writer.write_int8(-2);
  writer.write_int16(0x0102);
  writer.write_uint16(0xfffe);
  writer.write_int32(0x03040506);
  writer.write_uint32(0xfffffffe);
  writer.write_int64(0x0708090a0b0c0d0e);
  writer.write_float64(1.0);
  writer.write_bool(true);
  writer.write_uuid({1, 2});
  const auto bytes = bytes_of(writer);
  CHECK(
    bytes
    == std::string_view{"\xfe\x01\x02\xff\xfe\x03\x04\x05\x06\xff\xff\xff\xfe"
                        "\x07\x08\x09\x0a\x0b\x0c\x0d\x0e"
                        "\x3f\xf0\0\0\0\0\0\0\x01"
                        "\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02",
      46});
  auto reader = reader_of(bytes);
  CHECK(reader.read_int8("a") == -2);
  CHECK(reader.read_int16("b") == 0x0102);
  CHECK(reader.read_uint16("c") == 0xfffe);
  CHECK(reader.read_int32("d") == 0x03040506);
  CHECK(reader.read_uint32("e") == 0xfffffffe);
  CHECK(reader.read_int64("f") == 0x0708090a0b0c0d0e);
  CHECK(reader.read_float64("g") == 1.0);
  CHECK(reader.read_bool("h"));
  CHECK(reader.read_uuid("i") == uuid{1, 2});
  reader.expect_end();
  CHECK(reader.ok());
}

TEST_CASE("a string that is no UTF-8 is read as Java reads it; bytes are not",
  "[schema][kafka_wire]") {
  auto reader = reader_of(std::string_view{"\0\2\xff\xfe\0\0\0\1\xff", 9});
  CHECK(reader.read_string("a", false) == "\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(reader.read_bytes("b", false) == "\xff");
  CHECK(reader.ok());
}

TEST_CASE(
  "a string that is too long as UTF-8 is refused", "[schema][kafka_wire]") {
  // Three bytes for each: 32769, and the most is 32767.
  std::string frame{"\x2a\xab"};
  frame.append(0x2aab, '\xff');
  auto reader = reader_of(frame);
  CHECK(reader.read_string("a", false).empty());
  CHECK(!reader.ok());
}

TEST_CASE("varints come back, at every length", "[schema][kafka_wire]") {
  for (int shift = 0; shift < 64; ++shift) {
    for (int64_t near = -1; near <= 1; ++near) {
      const auto x = static_cast<int64_t>(
        (uint64_t{1} << shift) + static_cast<uint64_t>(near));
      kafka_writer writer;
      writer.write_uvarint(static_cast<uint32_t>(x));
      writer.write_varint(static_cast<int32_t>(x));
      writer.write_varlong(x);
      writer.write_varlong(~x);
      auto reader = reader_of(bytes_of(writer));
      CHECK(reader.read_uvarint("a") == static_cast<uint32_t>(x));
      CHECK(reader.read_varint("b") == static_cast<int32_t>(x));
      CHECK(reader.read_varlong("c") == x);
      CHECK(reader.read_varlong("d") == ~x);
      reader.expect_end();
      CHECK(reader.ok());
    }
  }
}

TEST_CASE(
  "varints have the bytes that the protocol shows", "[schema][kafka_wire]") {
  kafka_writer writer;
  writer.write_uvarint(300); // 0b10'0101100
  writer.write_varint(-1);   // zigzag: 1
  writer.write_varint(150);  // zigzag: 300
  CHECK(bytes_of(writer) == "\xac\x02\x01\xac\x02");
}

TEST_CASE("a varint that goes on after its last byte is corrupt",
  "[schema][kafka_wire]") {
  auto five = reader_of("\xff\xff\xff\xff\x8f\x01");
  five.read_uvarint("x");
  CHECK(code_of(five) == errc::corrupt);
  auto ten = reader_of(std::string(9, '\xff') + "\x81\x01");
  ten.read_varlong("x");
  CHECK(code_of(ten) == errc::corrupt);
}

TEST_CASE(
  "a varint with bits above its type is corrupt", "[schema][kafka_wire]") {
  auto good = reader_of("\xff\xff\xff\xff\x0f");
  CHECK(good.read_uvarint("x") == 0xffffffffu);
  auto bad = reader_of("\xff\xff\xff\xff\x1f");
  bad.read_uvarint("x");
  CHECK(code_of(bad) == errc::corrupt);
  auto bad_long = reader_of(std::string(9, '\xff') + "\x02");
  bad_long.read_varlong("x");
  CHECK(code_of(bad_long) == errc::corrupt);
}

TEST_CASE("strings and bytes come back in both forms", "[schema][kafka_wire]") {
  const bool flexible = GENERATE(false, true);
  const std::string longer(200, 'x');
  kafka_writer writer;
  writer.write_string(flexible, "");
  writer.write_string(flexible, longer);
  writer.write_string(flexible, std::nullopt, true);
  writer.write_string(flexible, std::nullopt, false);
  writer.write_bytes(flexible, longer);
  writer.write_bytes(flexible, std::nullopt, true);
  writer.write_bytes(flexible, std::nullopt, false);
  auto reader = reader_of(bytes_of(writer));
  CHECK(reader.read_string("a", flexible).empty());
  CHECK(reader.read_string("b", flexible) == longer);
  CHECK(reader.read_string("c", flexible, true) == std::nullopt);
  CHECK(reader.read_string("d", flexible, true) == "");
  CHECK(reader.read_bytes("e", flexible) == longer);
  CHECK(reader.read_bytes("f", flexible, true) == std::nullopt);
  CHECK(reader.read_bytes("g", flexible, true) == "");
  reader.expect_end();
  CHECK(reader.ok());
}

TEST_CASE("null where a value is required is corrupt", "[schema][kafka_wire]") {
  auto fixed = reader_of("\xff\xff");
  CHECK(fixed.read_string("x", false).empty());
  CHECK(code_of(fixed) == errc::corrupt);
  auto compact = reader_of(std::string_view{"\0", 1});
  CHECK(compact.read_string("x", true).empty());
  CHECK(code_of(compact) == errc::corrupt);
  auto array = reader_of("\xff\xff\xff\xff");
  CHECK(array.read_count("x", false, false, 1, 1) == 0);
  CHECK(code_of(array) == errc::corrupt);
}

TEST_CASE(
  "any negative length is null, where null may be", "[schema][kafka_wire]") {
  const bool nullable = GENERATE(false, true);
  auto text = reader_of("\x9d\x01");
  CHECK(text.read_string("x", false, nullable).has_value() != nullable);
  CHECK(text.ok() == nullable);
  auto array = reader_of("\xff\xff\xff\xfe");
  CHECK(array.read_count("x", false, nullable, 1, 1).has_value() != nullable);
  CHECK(array.ok() == nullable);
}

TEST_CASE("a compact string is no longer than one with two bytes of length",
  "[schema][kafka_wire]") {
  const bool nullable = GENERATE(false, true);
  const size_t size = GENERATE(32767, 32768, 40000);
  kafka_writer writer;
  writer.write_bytes(true, std::string(size, 's')); // as a string's length
  auto reader = reader_of(bytes_of(writer));
  const auto got = nullable ? reader.read_string("x", true, true).value_or("")
                            : reader.read_string("x", true);
  CHECK(got.size() == (size == 32767 ? size : 0));
  CHECK(reader.ok() == (size == 32767));
  if (size > 32767)
    CHECK(code_of(reader) == errc::corrupt);
}

TEST_CASE("bytes may be longer than a string", "[schema][kafka_wire]") {
  kafka_writer writer;
  writer.write_bytes(true, std::string(40000, 'b'));
  auto reader = reader_of(bytes_of(writer));
  CHECK(reader.read_bytes("x", true).size() == 40000);
}

TEST_CASE("a sentence that is too long for a string is cut between characters",
  "[schema][kafka_wire]") {
  STATIC_REQUIRE(
    kafka_writer::string_bytes_max == kafka_reader::string_bytes_max);
  const bool flexible = GENERATE(false, true);
  const std::string longest(32767, 'x');
  kafka_writer writer;
  writer.write_sentence(flexible, longest, true);
  writer.write_sentence(flexible, longest + "y", true);
  // The last byte that there is room for would be the first of two.
  writer.write_sentence(
    flexible, longest.substr(1) + "\xc3\xa9 and more", true);
  writer.write_sentence(flexible, std::nullopt, true);
  writer.write_sentence(flexible, std::nullopt, false);
  writer.write_sentence(flexible, std::string(40000, '\x80'), true);
  auto reader = reader_of(bytes_of(writer));
  CHECK(reader.read_string("a", flexible) == longest);
  CHECK(reader.read_string("b", flexible) == longest);
  CHECK(reader.read_string("c", flexible) == longest.substr(1));
  CHECK(reader.read_string("d", flexible, true) == std::nullopt);
  CHECK(reader.read_string("e", flexible, true) == "");
  CHECK(reader.read_string("f", flexible, true) == "");
  reader.expect_end();
  CHECK(reader.ok());
}

TEST_CASE("a length beyond the frame is cut short", "[schema][kafka_wire]") {
  auto text = reader_of(std::string_view{"\0\x05"
                                         "abcd",
    6});
  CHECK(text.read_string("x", false).empty());
  CHECK(code_of(text) == errc::truncated);
  auto huge = reader_of("\xff\xff\xff\xff\x0f");
  CHECK(huge.read_bytes("x", true).empty());
  CHECK(code_of(huge) == errc::truncated);
}

TEST_CASE("a count is held against the bytes that its elements need",
  "[schema][kafka_wire]") {
  // 3 elements of 4 bytes, and 12 bytes that remain.
  const std::string_view bytes{"\0\0\0\x03"
                               "abcdefghijkl",
    16};
  CHECK(reader_of(bytes).read_count("x", false, false, 4, 4) == 3);
  auto reader = reader_of(bytes);
  CHECK(reader.read_count("x", false, false, 5, 5) == 0);
  CHECK(code_of(reader) == errc::truncated);
}

TEST_CASE(
  "all arrays of a frame share one bound on memory", "[schema][kafka_wire]") {
  auto reader = reader_of(std::string_view{"\x03\x03\x03zzzz", 7});
  reader.set_memory_budget(100);
  CHECK(reader.read_count("x", true, false, 1, 30) == 2);
  CHECK(reader.read_count("x", true, false, 1, 20) == 2);
  CHECK(reader.ok());
  CHECK(reader.read_count("x", true, false, 1, 1) == 0);
  CHECK(code_of(reader) == errc::too_large);
}

TEST_CASE("the first failure sticks and everything after it reads as nothing",
  "[schema][kafka_wire]") {
  auto reader = reader_of(std::string_view{"\0\0\0", 3});
  CHECK(reader.read_int32("first") == 0);
  CHECK(reader.remaining() == 0);
  CHECK(reader.read_int8("second") == 0);
  CHECK(reader.read_string("third", false).empty());
  CHECK(reader.read_records("fourth", false, true).size() == 0);
  CHECK(reader.read_count("fifth", true, false, 1, 1) == 0);
  CHECK_FALSE(reader.read_presence("sixth"));
  CHECK(reader.read_tag_count() == 0);
  CHECK(reader.status("m", 2).error().context
        == "m version 2, field first, byte 0: needs 4 bytes, 3 remain");
}

TEST_CASE("bytes behind the last field are corrupt where none may be",
  "[schema][kafka_wire]") {
  auto reader = reader_of("ab");
  reader.read_int8("a");
  reader.expect_end();
  CHECK(code_of(reader) == errc::corrupt);
}

TEST_CASE("records share the frame's block", "[schema][kafka_wire]") {
  const auto frame = shared_bytes::copy_of(std::string_view{"\0\0\0\x03"
                                                            "abc",
    7});
  kafka_reader reader{frame};
  const auto records = reader.read_records("records", false, true);
  CHECK(records.bytes.data() == frame.data() + 4);
  CHECK(records.bytes.text() == "abc");
}

TEST_CASE("long records are inserted and not copied", "[schema][kafka_wire]") {
  const bool flexible = GENERATE(false, true);
  const auto batch = shared_bytes::copy_of(std::string(1000, 'r'));
  kafka_writer writer;
  writer.write_int8(1);
  writer.write_records(flexible, {.bytes = batch}, true);
  writer.write_int8(2);
  CHECK(writer.size() == 1002 + (flexible ? 2 : 4));
  const auto out = writer.finish();
  REQUIRE(out.inserts.size() == 1);
  CHECK(out.inserts[0].bytes.data() == batch.data());
  auto reader = reader_of(flatten(out).value());
  CHECK(reader.read_int8("a") == 1);
  CHECK(reader.read_records("b", flexible, true).bytes == batch);
  CHECK(reader.read_int8("c") == 2);
}

TEST_CASE("null and empty records differ", "[schema][kafka_wire]") {
  const bool flexible = GENERATE(false, true);
  kafka_writer writer;
  writer.write_records(flexible, {.is_null = true}, true);
  writer.write_records(flexible, {}, true);
  writer.write_records(flexible, {.is_null = true}, false);
  auto reader = reader_of(bytes_of(writer));
  CHECK(reader.read_records("a", flexible, true).is_null);
  CHECK_FALSE(reader.read_records("b", flexible, true).is_null);
  CHECK_FALSE(reader.read_records("c", flexible, true).is_null);
}

TEST_CASE(
  "a frame begins with its size, inserts included", "[schema][kafka_wire]") {
  kafka_writer writer;
  writer.begin_frame();
  writer.write_int32(7);
  writer.write_records(
    false, {.bytes = shared_bytes::copy_of(std::string(1000, 'r'))}, true);
  const auto frame = writer.finish_frame();
  CHECK(frame.size() == 4 + 4 + 4 + 1000);
  auto reader = reader_of(flatten(frame).value());
  CHECK(reader.read_int32("size") == 4 + 4 + 1000);
  // The writer is as new.
  CHECK(writer.size() == 0);
  writer.begin_frame();
  CHECK(bytes_of(writer) == std::string(4, '\0'));
}

TEST_CASE("a tagged field's size stands in front of it, however long",
  "[schema][kafka_wire]") {
  const size_t size = GENERATE(0, 1, 127, 128, 16383, 16384);
  kafka_writer writer;
  const auto begin = writer.begin_tagged(5);
  writer.write_raw(std::string(size, 't'));
  writer.end_tagged(begin);
  writer.write_int8(9);
  auto reader = reader_of(bytes_of(writer));
  const auto field = reader.begin_tagged();
  CHECK(field.tag == 5);
  CHECK(reader.remaining() == size);
  reader.end_tagged(field, false);
  CHECK(reader.read_int8("behind") == 9);
  CHECK(reader.ok());
}

TEST_CASE("more tagged fields than bytes for them are refused at once",
  "[schema][kafka_wire]") {
  auto reader = reader_of("\xff\xff\xff\x7f\x01\x01");
  CHECK(reader.read_tag_count() == 0);
  CHECK(code_of(reader) == errc::truncated);
}

TEST_CASE(
  "a read inside a tagged field ends with the field", "[schema][kafka_wire]") {
  auto reader = reader_of("\x01\x02zzzzzzzz");
  const auto field = reader.begin_tagged();
  reader.read_int32("inside");
  CHECK(code_of(reader) == errc::truncated);
  reader.end_tagged(field, true);
  CHECK(reader.remaining() == 0);
}
