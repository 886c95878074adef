// Port: what the Docker Engine API needs of the herd.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "engine_api/node_view.hpp"
#include "http_api/message_head.hpp"
#include "trust/principal.hpp"

namespace dockherd::engine_api {

/// What a daemon says of its host in GET /info; empty where it has not been asked yet.
struct EngineFacts {
  std::string operating_system;
  std::string os_type;
  std::string architecture;
  std::string kernel_version;
  std::string storage_driver;

  bool operator==(const EngineFacts&) const = default;
};

/// One node of the herd, as known here.
struct HerdNode {
  NodeView view;          ///< Its id, hostname and address, and what it has.
  std::string called_at;  ///< "10.0.0.1:40001": where its agent answers other agents.
  EngineFacts facts;
  bool self = false;
  bool in_pool = true;
  bool daemon_up = false;
  std::string daemon_error;  ///< Why it is not up.
  std::string api_version;   ///< That this node's agent speaks with its daemon; empty: unknown yet.
  std::string docker_version;
};

/// A host that was there and is gone without a goodbye.
struct LostHost {
  std::string name;
  std::string reason;

  /// "h2 (lost: silent)".
  std::string text() const { return name + " (lost: " + reason + ")"; }
};

/// A name that containers of several hosts have.
struct NameCollision {
  struct Container {
    NodeView node;
    std::string id;  ///< 64 hexadecimal digits.
  };

  std::string name;
  std::vector<Container> containers;  ///< By id, at most 16.
  bool more = false;                  ///< There are others.
};

/// Where a container is.
struct FoundContainer {
  HerdNode node;
  std::string id;         ///< 64 hexadecimal digits.
  std::string reference;  ///< As its own daemon understands it: without "node/".
};

/// This node's containers as a list.
struct OwnList {
  std::string tag;  ///< Changes with the text.
  std::shared_ptr<const std::string> text;
};

/// What is to be created.
struct CreateOrder {
  std::string body;         ///< Docker's create body, for the daemon.
  std::string name;         ///< Empty: Docker makes one up.
  std::string platform;     ///< Of the query; empty: none.
  std::string api_version;  ///< Of the path, in which the body is written; empty: none.
  http_api::HeaderList headers;
  trust::Principal caller;  ///< For whom; the host's node looks whether he may.
  /// Ids of the nodes that may have it.
  std::vector<std::string> eligible;
  /// Why each of the others may not, for the error when none can: "h1: out of the pool".
  std::vector<std::string> reasons;
  std::shared_ptr<void> use;  ///< Of begin_once(); null: the request may not be repeated.
};

/// What a create was answered with.
struct CreateAnswer {
  CreateAnswer() = default;
  CreateAnswer(int http_status, std::string text) : status(http_status), body(std::move(text)) {}

  int status = 500;
  std::string body;  ///< Docker's: {"Id", "Warnings"} or {"message"}.
  std::string id;    ///< Of what there is now, and its host: for the record.
  std::string host;
};

/// What there is of a create that may be a repeat.
struct RepeatedCreate {
  std::optional<CreateAnswer> answer;  ///< It was made by an earlier try.
  bool given_before = false;  ///< An earlier try was given to a host, and its end is not known.
  std::shared_ptr<void> use;  ///< For CreateOrder. Nobody else goes on under the key meanwhile.
};

/// What a host's containers are promised.
struct Promised {
  std::int64_t nano_cpus = 0;
  std::int64_t memory_bytes = 0;
};

/// What a call that was passed on has done to a container.
enum class ContainerChange { touched, stopped, removed };

class HerdPort {
 public:
  virtual ~HerdPort() = default;

  virtual std::string version() const = 0;  ///< Of this program.
  /// Nodes that are there, by hostname; this one among them.
  virtual std::vector<HerdNode> nodes() const = 0;
  virtual HerdNode self() const = 0;
  /// The newest API version that all daemons of the herd speak: "1.41".
  virtual std::string api_version() const = 0;
  /// Hosts that were there and are gone without a goodbye.
  virtual std::vector<LostHost> lost_hosts() const = 0;

  /// Names that containers of several hosts have, by name, at most so many; and how many there are.
  virtual std::vector<NameCollision> name_collisions(std::size_t most) const = 0;
  virtual std::size_t name_collision_count() const = 0;
  /// The one listener is told each that begins, and each that ends with those that had the name.
  using CollisionListener = std::function<void(const NameCollision& collision, bool begins)>;
  virtual void on_name_collision(CollisionListener listener) = 0;

  /// By full id, name, unique prefix of an id, or "node/" and one of these. Waits for the daemon's
  /// first answer when this node has just started. Fails with not_found or ambiguous, in Docker's
  /// words.
  virtual asio::awaitable<Result<FoundContainer>> find(std::string reference) = 0;

  /// This node's containers as the herd shows them, as of now; all, or those that run.
  virtual asio::awaitable<Result<OwnList>> own_list(bool all, TimePoint deadline) = 0;

  /// When a container of this node was created, in nanoseconds since 1970; 0: to the second only.
  virtual std::int64_t created_nano(const std::string& id) const = 0;

  /// By this node.
  virtual Promised promised() const = 0;

  /// A container of this node's daemon was changed by a call just answered.
  virtual void changed(const std::string& id, ContainerChange change) = 0;
  /// A container of any node has another name now, or is gone: known here before its own node's
  /// word arrives.
  virtual void renamed(const FoundContainer& container, const std::string& name) = 0;
  virtual void removed(const FoundContainer& container) = 0;

  /// Nobody else in the herd gets the name while the ticket lives, and nobody has it. Fails with
  /// docker_refused (409) when somebody has it or is about to. An empty name is free.
  class NameTicket {
   public:
    virtual ~NameTicket() = default;
    /// A container has it now.
    virtual void used() = 0;
  };
  virtual asio::awaitable<Result<std::shared_ptr<NameTicket>>> claim_name(std::string name) = 0;

  /// Begins a create that a client may repeat without making a second container; `request` stands
  /// for what is asked. Fails with docker_refused: 409 while another goes on under the key, 422
  /// when it was used for something else, 503 when it cannot be known what there is.
  virtual asio::awaitable<Result<RepeatedCreate>> begin_once(std::string key, std::string request,
                                                             trust::Principal caller) = 0;

  virtual asio::awaitable<CreateAnswer> create(CreateOrder order) = 0;
};

}  // namespace dockherd::engine_api
