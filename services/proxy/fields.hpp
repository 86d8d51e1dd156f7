#pragma once

#include "services/http/request.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace instar::proxy {

/// How a request is passed on.
struct pass_options {
  std::string host;      ///< in place of the client's `Host`; empty = the client's
  bool forwarded = true; ///< tell of the client: `X-Forwarded-For`, `-Proto`, `-Host`
};

/// The head with which `asked` goes upstream: HTTP/1.1, without what concerns only the client's
/// connection (RFC 9110, 7.6.1), with `Via` and the length of the body that was kept. `peer` is the
/// client's address with its port.
///
/// Needs the whole head (`http::request::whole_head`); empty without.
std::string upstream_head(const http::request& asked, std::string_view peer,
                          const pass_options& options);

/// The head of an upstream server's answer.
struct answer_head {
  std::uint16_t status = 0; ///< 0 = it could not be understood
  bool keep_alive = false;
  bool chunked = false;
  std::optional<std::uint64_t> length; ///< of the body; none = until the connection ends
  bool has_body = true;
  /// What goes on to the client: the reason, and the fields without those that concern only this
  /// connection, with `Via` and a `Date`. Not the length of the body.
  std::string passed;
};

/// Understands a complete head, with its empty line. One that could be understood in two ways is
/// not understood. `head_only`: it answers HEAD.
answer_head parse_answer_head(std::string_view head, bool head_only);

} // namespace instar::proxy
