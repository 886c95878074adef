#include <algorithm>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <utility>

#include "bench/http_connection.hpp"
#include "bench/http_load.hpp"

namespace dockherd::bench {

namespace {

constexpr std::size_t chunk_bytes = 32 * 1024;  // As Docker's own clients cut an upload.
constexpr std::string_view hijack = "Connection: Upgrade\r\nUpgrade: tcp\r\n";

/// Without an end known beforehand, as `docker cp` and `docker load` send theirs.
std::size_t upload(StreamConnection& connection, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::vector<char> space(chunk_bytes);
  std::string chunk;
  std::size_t bytes = 0;
  while (file.read(space.data(), static_cast<std::streamsize>(space.size())), file.gcount() > 0) {
    const auto size = static_cast<std::size_t>(file.gcount());
    char line[20];
    std::snprintf(line, sizeof line, "%zx\r\n", size);
    chunk.assign(line).append(space.data(), size).append("\r\n");
    connection.send(chunk);
    bytes += size;
  }
  connection.send("0\r\n\r\n");
  return bytes;
}

std::string head_of_upload(const Options& options, const std::string& path) {
  return options.method + " " + path +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-tar\r\n"
         "Transfer-Encoding: chunked\r\n\r\n";
}

std::size_t read_to_end(StreamConnection& connection) {
  std::size_t bytes = 0;
  for (;;) {
    const std::size_t size = connection.next_piece().size();
    if (size == 0) return bytes;
    bytes += size;
  }
}

/// Until the answer's body has begun. Throws when it has none.
void await_first_byte(StreamConnection& connection, Tally& tally) {
  connection.read_head();
  tally.count(connection.status());
  if (connection.next_piece().empty()) throw std::runtime_error("an answer without a body");
}

/// One after the other.
template <typename Once>
void repeat(const Options& options, Once once) {
  Tally unmeasured;
  for (unsigned n = 0; n < options.warm_up; ++n) once(unmeasured);
  std::vector<Tally> tallies(1);
  const auto begin = Clock::now();
  for (unsigned n = 0; n < options.requests; ++n) once(tallies[0]);
  print(tallies, microseconds_since(begin) / 1e6);
}

}  // namespace

/// "bytes" are those of bodies, sent and received.
void stream(const Options& options) {
  std::vector<Tally> tallies(options.targets.size());
  const double seconds = run_clients(tallies, [&](unsigned i, Tally& tally) {
    const std::string& path = options.paths[i % options.paths.size()];
    const auto begin = Clock::now();
    StreamConnection connection(options.targets[i]);
    if (options.upload.empty()) {
      connection.send(request_text(options.method, path, options.body));
    } else {
      connection.send(head_of_upload(options, path));
      tally.bytes += upload(connection, options.upload);
    }
    connection.read_head();
    tally.count(connection.status());
    tally.bytes += read_to_end(connection);
    tally.microseconds.push_back(microseconds_since(begin));
  });
  print(tallies, seconds);
}

void first_byte(const Options& options) {
  const std::string request = request_text(options.method, options.paths.front(), options.body);
  repeat(options, [&](Tally& tally) {
    const auto begin = Clock::now();
    StreamConnection connection(options.targets.front());
    connection.send(request);
    await_first_byte(connection, tally);
    tally.microseconds.push_back(microseconds_since(begin));
  });
}

/// The path is that of the container. Both calls count, as they do for who waits for the output.
void exec(const Options& options) {
  const std::string& target = options.targets.front();
  const std::string create = request_text("POST", options.paths.front() + "/exec", options.body);
  repeat(options, [&](Tally& tally) {
    const auto begin = Clock::now();
    Connection first(target);
    first.send(create);
    const std::string id = id_in(first.receive());
    StreamConnection connection(target);
    connection.send(
        request_text("POST", "/exec/" + id + "/start", R"({"Detach":false,"Tty":false})", hijack));
    await_first_byte(connection, tally);
    tally.microseconds.push_back(microseconds_since(begin));
    read_to_end(connection);  // So that none is left running beside the next.
  });
}

}  // namespace dockherd::bench
