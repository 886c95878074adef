#include "http_api/verb_handlers.hpp"

#include <boost/system/system_error.hpp>
#include <exception>

#include "base/cancellation.hpp"

namespace dockherd::http_api {

asio::awaitable<Response> run_verb(ClusterApi& cluster, std::string body, Caller caller,
                                   Logger log) {
  if (body.find_first_not_of(" \t\r\n") == std::string::npos) {
    co_return Response(error_reply(
        Error(errc::bad_request,
              "the request body must be a JSON object such as {\"action\":\"list-nodes\"}, got "
              "nothing")));
  }
  std::string failure;
  try {
    co_return Response(co_await cluster.execute_verb(std::move(body), std::move(caller)));
  } catch (const boost::system::system_error& error) {
    if (is_cancellation(error.code())) throw;
    failure = error.what();
  } catch (const std::exception& error) {
    failure = error.what();
  }
  log->error("verb failed error={}", failure);
  co_return Response(error_reply(Error(errc::internal, "the agent failed: " + failure)));
}

}  // namespace dockherd::http_api
