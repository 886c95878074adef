// A Beast body (see Beast's "Body requirements") that keeps nothing of itself: for messages that
// pass through, of which only the end must be known. Decoded bytes go to a string where one is set.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/optional/optional.hpp>
#include <cstdint>
#include <string>

namespace dockherd::http_api {

struct PassingBody {
  struct value_type {
    std::string* decoded = nullptr;  ///< Gets the body without its framing; null: dropped.
    std::size_t limit = 0;           ///< Of `decoded`; beyond it, the error body_limit.
  };

  class reader {
   public:
    template <bool is_request, class Fields>
    reader(boost::beast::http::header<is_request, Fields>& /*header*/, value_type& value)
        : value_(value) {}

    void init(const boost::optional<std::uint64_t>& /*length*/, boost::system::error_code& error) {
      error = {};
    }

    template <class Buffers>
    std::size_t put(const Buffers& buffers, boost::system::error_code& error) {
      error = {};
      const std::size_t size = boost::asio::buffer_size(buffers);
      if (value_.decoded == nullptr) return size;
      if (value_.decoded->size() + size > value_.limit) {
        error = boost::beast::http::error::body_limit;
        return 0;
      }
      for (auto it = boost::asio::buffer_sequence_begin(buffers);
           it != boost::asio::buffer_sequence_end(buffers); ++it) {
        const boost::asio::const_buffer piece = *it;
        value_.decoded->append(static_cast<const char*>(piece.data()), piece.size());
      }
      return size;
    }

    void finish(boost::system::error_code& error) { error = {}; }

   private:
    value_type& value_;
  };
};

}  // namespace dockherd::http_api
