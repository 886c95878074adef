#include "base/json_reader.hpp"
#include "tests/fuzz/fuzz_target.hpp"

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace dockherd;
  const auto text = fuzz::text_of(data, size);
  const auto members = slice_json_object(text);
  const auto parsed = parse_json(text);
  if (!parsed) return 0;
  const std::string written = dump_json(*parsed);
  fuzz::require(parse_json(written).has_value());
  // Whatever the parser takes for an object can be sliced as well.
  if (parsed->is_object()) fuzz::require(members.has_value());
  const auto reader = JsonReader::of(*parsed);
  if (!reader) return 0;
  for (const char* key : {"a", "id", "body"}) {
    (void)reader->string(key);
    (void)reader->boolean(key);
    (void)reader->integer(key, -5, 5);
    (void)reader->strings(key, 3);
    (void)reader->object(key);
  }
  (void)reader->only({"a", "id"});
  return 0;
}
