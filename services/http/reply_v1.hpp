#pragma once

#include "services/http/reply.hpp"

namespace instar::http {

/// Writes bodies in memory. What is left of files that a later version began goes through a buffer.
class reply_v1 final : public reply {
public:
  static constexpr in_port<response> in{0, "response", response::memory_name};
  static constexpr operator_type type{"http.reply",
                                      1,
                                      "writes responses from memory",
                                      {in},
                                      {},
                                      state_schema,
                                      state_version,
                                      {write_timeout_setting}};

  explicit reply_v1(const settings& values) : reply(values, false) {}
};

} // namespace instar::http
