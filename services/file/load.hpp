#pragma once

#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "services/file/answerer.hpp"
#include "services/http/response.hpp"
#include "services/http/select.hpp"

#include <cstddef>

namespace instar::file {

/// Answers requests with the files of a folder. What the versions share is what `answerer` does;
/// how the file's bytes get into the answer is theirs.
class load : public operator_base {
public:
  static constexpr in_port<http::request> in{0, "request"};
  static constexpr auto root_setting = answerer::root_setting;
  static constexpr auto index_setting = answerer::index_setting;
  static constexpr auto gzip_setting = answerer::gzip_setting;
  static constexpr auto max_multipart_setting = answerer::max_multipart_setting;

  void on_packet(context& ctx, std::size_t port, packet p) final;

protected:
  explicit load(const settings& values) : files_(values) {}

  /// Fills the body with one part of `from`, whose descriptor it takes over. Not called for HEAD.
  virtual void fill(http::response& answer, const opened& from, http::byte_range part) = 0;

  /// What `fill` may do: reads the part into shared memory; the answer is 500 if the file has
  /// become shorter, 503 if there is no memory for it.
  static void read_into_memory(http::response& answer, const opened& from, http::byte_range part);

private:
  const answerer files_;
};

} // namespace instar::file
