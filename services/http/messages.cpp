#include "services/http/request.hpp"
#include "services/http/response.hpp"

#include <cstring>

namespace instar::http {

request::~request() = default;
response::~response() = default;

payload_ptr<request> request::make(net::open_request from, request_line line,
                                   std::string_view target) {
  auto made = payload_ptr<request>::adopt(new (target.size())
                                              request(std::move(from), line, target.size()));
  if (!target.empty()) std::memcpy(made->data(), target.data(), target.size());
  return made;
}

} // namespace instar::http
