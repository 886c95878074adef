// What a Docker daemon knows and answers, without sockets, clocks or processes: containers, images,
// events. Deterministic: ids come from a seed, time is an argument. Shapes and wordings are those
// of dockerd 20.10, API 1.41. Must not know who carries the requests.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "docker_client/docker.hpp"

namespace dockherd::fakes {

using docker_client::DockerResponse;

struct DaemonSettings {
  std::string name = "fake";  ///< The host's name in /info.
  std::string version = "20.10.24";
  std::string api_version = "1.41";
  std::string min_api_version = "1.12";
  std::vector<std::string> images = {"busybox:latest"};  ///< Present from the start.
  std::set<std::string> registry;  ///< Images that a pull finds, "alpine:latest".
  std::uint64_t random_seed = 1;   ///< For ids; daemons of one herd need different ones.
};

enum class ContainerState { created, running, paused, exited };

struct ModelContainer {
  std::string id;     ///< 64 hexadecimal digits.
  std::string name;   ///< Without the leading slash.
  std::string image;  ///< As the create body named it.
  std::string image_id;
  std::string command;
  std::string body;  ///< The create body, as received.
  std::map<std::string, std::string> labels;
  std::string network_mode;
  ContainerState state = ContainerState::created;
  int exit_code = 0;
  WallTime created;
  WallTime started;   ///< The epoch when never started.
  WallTime finished;  ///< The epoch when never finished.
};

/// One line of /events, without the newline.
struct ModelEvent {
  std::int64_t time_nano = 0;
  std::string type;  ///< "container", "network", "image".
  std::string line;
};

/// What a client of /events asked for.
struct EventQuery {
  std::optional<std::int64_t> since_nano;
  std::set<std::string> types;  ///< Empty: all.

  /// Reads since= and filters={"type":[…]} (or {"type":{"container":true}}) of a target.
  static EventQuery of_target(std::string_view target);
  bool wants(const ModelEvent& event) const;
};

/// Purpose: one daemon's state, which outlives restarts of daemon and agent alike.
class DaemonModel {
 public:
  explicit DaemonModel(DaemonSettings settings = {});

  /// Answers any request but GET /events, whose stream belongs to the carrier. `target` may begin
  /// with an API version. Events that it causes reach the observers before it returns.
  DockerResponse handle(std::string_view method, std::string_view target, std::string_view body,
                        WallTime now);

  using Observer = std::function<void(const ModelEvent&)>;
  /// Returns a number for remove_observer().
  int add_observer(Observer observer);
  void remove_observer(int number);

  /// The kept events (the last 256, as dockerd) that `query` wants, oldest first; none without
  /// a since.
  std::vector<ModelEvent> past_events(const EventQuery& query) const;
  /// The daemon restarted: dockerd keeps past events in memory only.
  void forget_events() { history_.clear(); }

  /// As if somebody had used the docker command on that host. Returns the full id, or nothing when
  /// refused (name taken, no such image).
  std::optional<std::string> create(std::string_view name, std::string_view image, WallTime now);
  bool start(std::string_view id, WallTime now);
  bool remove(std::string_view id, WallTime now);  ///< By force.
  /// The main process of a running container ends by itself.
  bool exit(std::string_view id, int exit_code, WallTime now);

  /// Adds `count` running containers named PREFIX1…, without events.
  void preload(std::size_t count, std::string_view prefix, WallTime now);
  void add_image(std::string_view name_and_tag);
  void add_to_registry(std::string_view name_and_tag);
  /// The daemon was upgraded or downgraded; the carrier should break connections.
  void set_versions(std::string version, std::string api_version, std::string min_api_version);

  /// By id, in order of creation ids; the truth that checkers compare directories with.
  const std::map<std::string, ModelContainer>& containers() const { return containers_; }
  const DaemonSettings& settings() const { return settings_; }
  std::uint64_t created_ever() const { return created_ever_; }

 private:
  struct Call;

  DockerResponse route(const Call& call);
  DockerResponse route_container(const Call& call, std::string_view rest);
  DockerResponse act(const Call& call, ModelContainer& found, std::string_view action);
  DockerResponse create_container(const Call& call);
  DockerResponse start_container(ModelContainer& found, WallTime now);
  DockerResponse stop_container(ModelContainer& found, WallTime now);
  DockerResponse kill_container(const Call& call, ModelContainer& found);
  DockerResponse pause_container(ModelContainer& found, bool pause, WallTime now);
  DockerResponse remove_container(const Call& call, ModelContainer& found);
  DockerResponse rename_container(const Call& call, ModelContainer& found);
  DockerResponse update_container(const Call& call, ModelContainer& found);
  DockerResponse pull(const Call& call);
  void end_process(ModelContainer& found, int exit_code, WallTime now);

  // The reading half, in daemon_answers.cpp.
  DockerResponse list(const Call& call);
  DockerResponse render_list(const Call& call) const;
  DockerResponse inspect(const ModelContainer& found) const;
  DockerResponse list_images() const;
  DockerResponse inspect_image(std::string_view name) const;
  DockerResponse ping(std::string_view method) const;
  DockerResponse version() const;
  DockerResponse info(WallTime now) const;

  ModelContainer* find(std::string_view id_or_name_or_prefix, DockerResponse& refusal);
  std::string make_id();
  void emit(const ModelContainer& about, std::string_view action, WallTime now,
            const std::map<std::string, std::string>& more = {});
  void emit_network(const ModelContainer& about, std::string_view action, WallTime now);
  void publish(ModelEvent event);
  std::int64_t next_time_nano(WallTime now);

  DaemonSettings settings_;
  std::mt19937_64 random_;
  std::map<std::string, ModelContainer> containers_;
  std::map<std::string, std::string> names_;   // Name -> id.
  std::map<std::string, std::string> images_;  // "busybox:latest" -> "sha256:…".
  std::string network_id_;
  std::deque<ModelEvent> history_;
  std::map<int, Observer> observers_;
  int next_observer_ = 1;
  std::int64_t last_time_nano_ = 0;
  std::uint64_t created_ever_ = 0;

  /// The last list asked for, as rendered: asked again it costs its bytes only, and so stands for
  /// what any daemon's list costs at least. Good until something changes, and for a second, which
  /// its Status texts count.
  struct RenderedList {
    std::string target;
    std::int64_t second = -1;
    std::uint64_t changes = 0;
    DockerResponse response;
  };
  RenderedList rendered_;
  std::uint64_t changes_ = 0;
};

/// "busybox" -> "busybox:latest".
std::string with_tag(std::string_view image);
/// As dockerd words its refusals: {"message": …}.
DockerResponse refuse(int status, std::string_view message);
DockerResponse answer_json(int status, std::string text);

}  // namespace dockherd::fakes
