#pragma once

#include "services/metrics/pages.hpp"

namespace instar::metrics_page {

/// Lets responses pass, but puts all metrics of the service in place of the one to a request for
/// its path, whatever was found there. Put between `load`, or a cache, and `compose`: so that the
/// metrics are on the service's own address.
class insert final : public pages<http::response> {
public:
  static constexpr in_port<http::response> in{0, "response"};
  static constexpr out_port<http::response> out{0, "response", http::response::payload_name, 0};
  static constexpr operator_type type{.name = "metrics.insert",
                                      .version = 1,
                                      .help = "puts the service's metrics among its answers",
                                      .inputs = {in},
                                      .outputs = {out},
                                      .settings = {path_setting}};

  explicit insert(const settings& values) : path_(path_of(values)) {}

private:
  bool wants_page(const http::response& one) const override {
    return one.from && one.asked && asks_for(path_, *one.asked);
  }
  void pass(context& ctx, std::uint64_t connection, payload_ptr<http::response> one) override {
    ctx.emit(out, std::move(one), connection);
  }
  void answer(context& ctx, std::uint64_t connection, payload_ptr<http::response> one,
              const payload_ptr<net::buffer>& text) override {
    if (!one->unique()) { // somebody else looks at it: this one gets the page
      auto made = make_payload<http::response>(std::move(one->from), one->line);
      made->asked = one->asked;
      one = std::move(made);
    }
    fill(*one, text);
    ctx.emit(out, std::move(one), connection);
  }

  const std::string path_;
};

} // namespace instar::metrics_page
