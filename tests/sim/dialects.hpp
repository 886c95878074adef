// Agents of other releases in a simulated herd: what today's agents say is changed on its way into
// what an older or a newer release would have said.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "tests/fakes/memory_network.hpp"
#include "tests/wire/samples/message_shape.hpp"

namespace dockherd::sim {

enum class Dialect {
  today,
  older,   ///< Of the oldest release supported: nothing that came later.
  newer,   ///< Of a later one: members, headers and a minor version that nobody knows.
  broken,  ///< No release: it forgets a member that all releases have. For the test of the test.
};

/// Purpose: passed every message by way of MemoryNetwork::on_departure. Owned by the test; one for
/// each run, for it keeps in mind by how much a status that it changed changes the sender's sums.
class Dialects {
 public:
  Dialects();

  void set(fakes::Host host, Dialect dialect) { spoken_[host] = dialect; }
  void speak(fakes::Host from, fakes::Host to, bus::Frames& frames);
  /// Messages that were changed.
  std::size_t changed() const { return changed_; }

 private:
  using Way = std::pair<fakes::Host, fakes::Host>;

  void greet(Dialect dialect, std::string& frame) const;
  std::string reword(Dialect dialect, const Way& way, const std::string& text);
  void reword(Dialect dialect, json& envelope) const;
  std::string kind_of(const json& envelope) const;
  void note_request(const json& envelope);
  void fit_sum(const Way& way, json& envelope) const;

  std::map<fakes::Host, Dialect> spoken_;
  std::map<std::string, wire::MessageShape> oldest_;  // By kind.
  std::map<std::string, std::string> oldest_headers_;
  std::map<Way, std::uint64_t> sum_changes_;
  std::map<std::string, std::string> asked_;  // Id of a request -> its action.
  std::size_t changed_ = 0;
};

}  // namespace dockherd::sim
