// Gathers messages by kind, one for each set of members.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>

#include "bus/transport.hpp"
#include "tests/wire/samples/sample_files.hpp"

namespace dockherd::wire {

class MessageBook {
 public:
  /// A datagram, or a frame of another protocol than ZRE.
  void add_bytes(const std::string& kind, std::string bytes);
  /// A message of ZRE: its first frame, and its content if that is one of the agents'.
  void add_message(const bus::Frames& frames);
  /// Text of a WHISPER. A reply has the kind of the request with its id, which was added before.
  void add_content(const std::string& text);

  const Samples& samples() const { return samples_; }

 private:
  void add(const std::string& kind, const std::string& suffix, std::string text);

  std::map<std::string, std::string> asked_;  // Id of a request -> its action.
  std::set<std::string> known_;               // Kinds of frames; members of content.
  std::map<std::string, int> counts_;
  Samples samples_;
};

}  // namespace dockherd::wire
