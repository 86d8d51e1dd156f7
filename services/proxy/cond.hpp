#pragma once

#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "services/file/root.hpp"
#include "services/http/request.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace instar::proxy {

/// Decides which requests are answered here and which go upstream, and numbers the answers of each
/// connection, so that `merge` can bring them back into one order.
///
/// Upstream goes what meets all rules: its path begins with one of `prefixes`, ends with one of
/// `suffixes`, is among the `share` of all paths, and, if there is a `root`, names no file there or
/// one that is at least `larger_than`. Paths are compared as they were sent. What has to be
/// refused is refused here.
class cond final : public operator_base {
public:
  static constexpr in_port<http::request> in{0, "request"};
  static constexpr out_port<http::request> local{0, "local"};
  static constexpr out_port<http::request> upstream{1, "upstream"};
  static constexpr operator_type type{
      "proxy.cond",
      1,
      "decides which requests go to an upstream server",
      {in},
      {local, upstream},
      0,
      0,
      {{"prefixes", setting_kind::text, "/", false,
        "what upstream paths begin with, with spaces between"},
       {"suffixes", setting_kind::text, "", false, "what they end with; empty = anything"},
       {"share", setting_kind::number, "1", false,
        "of these, so much (0 to 1) by the hash of their path"},
       {"root", setting_kind::path, "", false,
        "folder whose files stay here, unless they are larger than larger_than"},
       {"larger_than", setting_kind::size, "0B", false,
        "files of root of at least so much go upstream as well; 0 = none do"}}};

  explicit cond(const settings& values);

  void on_packet(context& ctx, std::size_t port, packet p) override;

private:
  bool goes_upstream(const http::request& asked) const;
  bool stays(const http::request& asked) const;

  const std::vector<std::string> prefixes_, suffixes_;
  const double share_;
  const std::optional<file::root> root_;
  const std::uint64_t larger_than_;
};

} // namespace instar::proxy
