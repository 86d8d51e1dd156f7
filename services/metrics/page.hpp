#pragma once

#include "services/metrics/pages.hpp"

namespace instar::metrics_page {

/// Answers requests for one path with all metrics of the service, others with 404. Stands where
/// `load` does, behind an `accept` with an address of its own.
class page final : public pages<http::request> {
public:
  static constexpr in_port<http::request> in{0, "request"};
  static constexpr out_port<http::response> out{0, "response", http::response::memory_name};
  static constexpr operator_type type{.name = "metrics.page",
                                      .version = 1,
                                      .help = "answers with the service's metrics, for Prometheus",
                                      .inputs = {in},
                                      .outputs = {out},
                                      .settings = {path_setting}};

  explicit page(const settings& values) : path_(path_of(values)) {}

private:
  bool wants_page(const http::request& one) const override {
    return one.from() && asks_for(path_, one);
  }
  void pass(context& ctx, std::uint64_t connection, payload_ptr<http::request> one) override {
    if (!one->from()) return; // its answer goes another way
    const auto refused = one->line().refused;
    auto made = make_payload<http::response>(std::move(one));
    made->status = refused != 0 ? refused : std::uint16_t{404};
    ctx.emit(out, std::move(made), connection);
  }
  void answer(context& ctx, std::uint64_t connection, payload_ptr<http::request> one,
              const payload_ptr<net::buffer>& text) override {
    auto made = make_payload<http::response>(std::move(one));
    fill(*made, text);
    ctx.emit(out, std::move(made), connection);
  }

  const std::string path_;
};

} // namespace instar::metrics_page
