#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/record.hpp"
#include "actors/settings.hpp"
#include "lines.capnp.h"
#include "monitor.capnp.h"
#include "services/blocking/common_settings.hpp"
#include "services/blocking/line_server.hpp"

#include <capnp/schema.h>

#include <string>
#include <string_view>

namespace instar::monitor {

/// Takes clients and passes their questions on, one of each client at a time.
///
/// Version 2 also lets them watch: who has said `watch` is told each event as it happens.
template <unsigned Version>
class control final : public blocking_operator {
public:
  static constexpr in_port<record_of<Answer>> answer_in{0, "answer"};
  static constexpr out_port<record_of<Question>> question_out{0, "question"};
  static constexpr operator_type type{
      .name = "monitor.control",
      .version = Version,
      .help = Version == 1 ? "answers questions of clients"
                           : "answers questions of clients, and tells events to who watches",
      .inputs = {answer_in},
      .outputs = {question_out},
      .state_schema = capnp::typeId<blocking::LineClients>(),
      .state_version = 1,
      .settings = {
          {"address", setting_kind::text, "127.0.0.1", false, "numeric address to listen on"},
          {"port", setting_kind::integer, "8480", false, "port to listen on; 0 takes any free one"},
          blocking::interruptible_setting}};

  explicit control(const settings& values)
      : blocking_operator(blocking::rest_of(values)), clients_(values) {}

  void run(blocking_context& ctx) override {
    clients_.take_leaving(ctx);
    const auto take = [&](blocking::line_server::client& from, std::string_view line) {
      ask(ctx, from, line);
    };
    for (;;)
      if (clients_.turn(ctx, take)) {
        auto come = ctx.receive();
        tell(come.what);
      }
  }
  bool left_over(std::size_t, packet& p) override {
    tell(p);
    return true;
  }

  void save(state_writer& into) const override {
    clients_.save(into.init<blocking::LineClients>(), into.purpose());
  }
  void restore(context& ctx, state_reader& from) override {
    clients_.restore(ctx.host<descriptors>(), from.root<blocking::LineClients>());
  }
  void claim(context& ctx) override { clients_.claim(ctx); }

private:
  void ask(blocking_context& ctx, blocking::line_server::client& from, std::string_view line) {
    if (line == "quit") {
      from.closing = true;
      return;
    }
    if (line == "watch") {
      from.marked = Version >= 2;
      return from.say(Version >= 2 ? "watching" : "error: only version 2 lets clients watch");
    }
    auto made = make_payload<record>();
    auto to = made->init<Question>();
    to.setClient(from.number);
    to.setText(std::string(line));
    from.waits = true;
    ctx.emit(question_out, std::move(made));
  }

  void tell(const packet& p) {
    const auto said = p.as<record>().template read<Answer>();
    const std::string text = said.getText().cStr();
    if (said.getClient() == 0) {
      for (auto& [number, c] : clients_.clients())
        if (c.marked) c.output += text;
      return;
    }
    auto* const client = clients_.find(said.getClient());
    if (!client) return; // has gone meanwhile
    client->waits = false;
    client->output += text;
  }

  blocking::line_server clients_;
};

} // namespace instar::monitor
