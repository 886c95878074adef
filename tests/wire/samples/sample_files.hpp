// Messages as releases wrote them, in files: samples/RELEASE/KIND.NUMBER.json for JSON content,
// .hex for frames and datagrams. Of one kind there are as many as its members vary.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace dockherd::wire {

/// By file name. Text of JSON as it was written; frames as bytes.
using Samples = std::map<std::string, std::string>;

/// The oldest release that today's agents form a herd with.
inline constexpr std::string_view oldest_release = "0.1";

/// Throws runtime_error when there are none.
Samples read_samples(std::string_view release);
/// Into `folder`, in place of what is there.
void write_samples(const std::string& folder, const Samples& samples);

/// "notice-status" of "notice-status.2.json".
std::string kind_of(const std::string& file_name);
bool is_json(const std::string& file_name);

}  // namespace dockherd::wire
