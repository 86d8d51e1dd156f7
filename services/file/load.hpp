#pragma once

#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "services/file/root.hpp"
#include "services/http/response.hpp"

#include <string_view>

namespace instar::file {

/// Answers requests with the files of a folder. What the versions share: which file is meant, and
/// what the response says about it; how the file's bytes get into it is theirs.
class load : public operator_base {
public:
  static constexpr in_port<http::request> in{0, "request"};
  static constexpr setting_type root_setting{"root", setting_kind::path, "", true,
                                             "folder whose files are served"};

  void on_packet(context& ctx, std::size_t port, packet p) final;

protected:
  explicit load(const settings& values) : root_(values.path("root")) {}

  /// Fills the body from `from`, whose descriptor it takes over. Not called for HEAD.
  virtual void fill(http::response& answer, const opened& from) = 0;

private:
  void answer(http::response& into, std::string_view target);

  const root root_;
};

} // namespace instar::file
