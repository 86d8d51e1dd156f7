#include "services/http/request.hpp"
#include "services/http/response.hpp"

#include <cstring>

namespace instar::http {

request::~request() = default;
response::~response() = default;

payload_ptr<request> request::make(net::open_request from, request_line line,
                                   std::string_view target, std::span<const noted_field> fields,
                                   std::string_view whole_head, payload_ptr<net::buffer> body) {
  std::size_t fields_size = 0;
  for (const auto& f : fields) fields_size += field_overhead + f.size;
  auto made =
      payload_ptr<request>::adopt(new (target.size() + fields_size + whole_head.size()) request(
          std::move(from), line, target.size(), fields_size, whole_head.size(), std::move(body)));
  auto* at = made->data();
  if (!target.empty()) std::memcpy(at, target.data(), target.size());
  at += target.size();
  for (const auto& f : fields) {
    *at = static_cast<char>(f.which);
    std::memcpy(at + 1, &f.size, sizeof f.size);
    at += field_overhead;
    if (f.size > 0) std::memcpy(at, f.data, f.size);
    at += f.size;
    made->noted_ |= bit(f.which);
  }
  if (!whole_head.empty()) std::memcpy(at, whole_head.data(), whole_head.size());
  return made;
}

void response::set_long_head(std::string_view text) {
  long_head_ = net::buffer::copy(std::as_bytes(std::span(text)));
  head_size_ = static_cast<std::uint32_t>(text.size());
}

} // namespace instar::http
