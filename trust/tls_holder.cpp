#include "trust/tls_holder.hpp"

#include <utility>

namespace dockherd::trust {

Result<std::shared_ptr<TlsHolder>> TlsHolder::create(Make make) {
  auto context = make();
  if (!context) return context.error();
  return std::shared_ptr<TlsHolder>(new TlsHolder(std::move(make), *std::move(context)));
}

Result<void> TlsHolder::reload() {
  auto context = make_();
  if (!context) return context.error();
  context_ = *std::move(context);
  return {};
}

}  // namespace dockherd::trust
