#pragma once

#include "services/http/reply.hpp"

namespace instar::http {

/// Writes bodies in memory, and files by `sendfile`.
class reply_v2 final : public reply {
public:
  static constexpr in_port<response> in{0, "response"};
  static constexpr operator_type type{"http.reply",
                                      2,
                                      "writes responses from memory and, by sendfile, from files",
                                      {in},
                                      {},
                                      state_schema,
                                      state_version,
                                      {write_timeout_setting}};

  explicit reply_v2(const settings& values) : reply(values, true) {}
};

} // namespace instar::http
