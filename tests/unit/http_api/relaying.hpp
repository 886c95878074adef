// A server that passes every Docker call on to an upstream that does as told.
#pragma once

#include "http_api/message_head.hpp"
#include "tests/unit/http_api/loopback.hpp"
#include "tests/unit/http_api/scripted_upstream.hpp"

namespace dockherd::http_api {

class Relaying : public Loopback {
 protected:
  Relaying() {
    docker.handler = [this](Exchange& exchange) { return pass_on(exchange); };
  }

  asio::awaitable<void> pass_on(Exchange& exchange) {
    RequestHead head(std::string(exchange.method()), std::string(exchange.target()));
    head.headers = passed_on(exchange.headers(), wants_upgrade(exchange.headers()));
    RelayOrder order(address, std::move(head));
    order.may_be_hijacked = true;
    order.reword = reword;
    const auto passed = co_await exchange.relay(std::move(order));
    if (!passed) {
      HeaderList headers;
      co_await exchange.respond(502, std::move(headers), passed.error().message);
    }
  }

  ScriptedUpstream upstream;
  std::string address = upstream.address();
  std::function<std::string(unsigned, std::string)> reword;
};

}  // namespace dockherd::http_api
