// The TLS of a listener that can be made anew while it runs. Must not know what it is made from.
#pragma once

#include <functional>
#include <memory>

#include "base/error.hpp"
#include "trust/ssl_context.hpp"

namespace dockherd::trust {

/// Purpose: gives new connections the newest context; those under way go on with theirs.
/// Shared by the listener and whoever reloads. One thread only.
class TlsHolder {
 public:
  using Make = std::function<Result<SslContext>()>;

  /// Fails as `make` does.
  static Result<std::shared_ptr<TlsHolder>> create(Make make);

  /// Makes it anew. When that fails the old one stays, and the error says why.
  Result<void> reload();

  const SslContext& context() const { return context_; }

 private:
  TlsHolder(Make make, SslContext context) : make_(std::move(make)), context_(std::move(context)) {}

  Make make_;
  SslContext context_;
};

}  // namespace dockherd::trust
