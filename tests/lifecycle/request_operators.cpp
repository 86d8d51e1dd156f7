#include "protocol_operators.hpp"
#include "protocol_state.capnp.h"

#include <algorithm>
#include <stdexcept>

namespace instar::test {

namespace {

struct question : item {
  static constexpr std::string_view payload_name = "test.question";
  question(std::uint64_t n, std::string asker) : item(n), from(std::move(asker)) {}
  std::string_view type_name() const noexcept override { return payload_name; }
  std::string from;
};

struct reply : item {
  static constexpr std::string_view payload_name = "test.reply";
  reply(std::uint64_t n, std::string asker, std::string server)
      : item(n), to(std::move(asker)), by(std::move(server)) {}
  std::string_view type_name() const noexcept override { return payload_name; }
  std::string to, by;
};

constexpr std::chrono::milliseconds slowness{3};

/// Asks, answers, or both; what a type does of it is a matter of its ports.
class talker : public operator_base {
public:
  talker(std::string_view name, std::uint32_t version)
      : type_(std::string(name) + "@" + std::to_string(version)) {}
  ~talker() override {
    if (script_) --script_->instances;
  }

  void on_start(context& ctx) override { meet(ctx); }

  void save(state_writer& w) const override {
    if (script_ && is(script_->throws_in_save)) throw std::runtime_error("told to fail in save");
    auto to = w.init<RequestState>();
    to.setCount(count_);
    auto list = to.initPending(static_cast<unsigned>(pending_.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setId(pending_[i].id);
      list[i].setNumber(pending_[i].number);
      list[i].setFrom(pending_[i].from);
    }
  }

  void restore(context& ctx, state_reader& r) override {
    meet(ctx);
    if (is(script_->throws_in_restore)) throw std::runtime_error("told to fail in restore");
    const auto from = r.root<RequestState>();
    count_ = from.getCount();
    for (const auto q : from.getPending())
      pending_.push_back({q.getId(), q.getNumber(), q.getFrom().cStr()});
  }

  std::optional<std::string> not_yet(context& ctx, cut_purpose) override {
    meet(ctx);
    if (is(script_->never_ready)) return "it never is";
    return std::nullopt;
  }

protected:
  struct waiting {
    std::uint64_t id = 0, number = 0;
    std::string from;
  };

  void meet(context& ctx) {
    if (script_) return;
    script_ = &ctx.host<script>();
    ++script_->instances;
  }
  bool is(const std::string& named) const { return !named.empty() && named == type_; }

  // -- asking -------------------------------------------------------------------------------------

  template <class Port>
  void ask(context& ctx, const Port& port, std::uint64_t number) {
    const std::string name(ctx.name());
    if (name == script_->throws_on_packet && number == script_->throws_at)
      throw std::runtime_error("told to fail on a packet");
    auto& fate = script_->requests[{name, number}];
    if (!fate.asked_as.empty()) breach(ctx, number, "is asked again");
    fate.asked_as = type_;
    ctx.request(port, make_payload<question>(number, name), script_->request_deadline, number);
  }

  /// Who asked may have had another name: "asker", which is "asker_new" now.
  std::string asked_by(context& ctx, std::uint64_t number) const {
    const std::string name(ctx.name());
    return script_->requests.count({name, number}) ? name : name.substr(0, name.find("_new"));
  }
  request_fate& fate_of(context& ctx, std::uint64_t number) {
    auto& fate = script_->requests[{asked_by(ctx, number), number}];
    if (fate.asked_as.empty()) breach(ctx, number, "was never asked");
    return fate;
  }

  void told(context& ctx, std::size_t port, std::size_t expected, std::uint64_t token,
            const reply& got) {
    if (port != expected) breach(ctx, token, "came for another port");
    if (got.number != token) breach(ctx, token, "has another's answer");
    if (got.to != asked_by(ctx, token)) breach(ctx, token, "is answered for " + got.to);
    auto& fate = fate_of(ctx, token);
    ++fate.answered;
    fate.told_as = type_;
    fate.answered_by = got.by;
  }

  void not_told(context& ctx, std::size_t port, std::size_t expected, std::uint64_t token,
                no_answer why) {
    if (port != expected) breach(ctx, token, "ends for another port");
    auto& fate = fate_of(ctx, token);
    ++fate.unanswered;
    fate.why = why;
    fate.told_as = type_;
  }

  // -- answering ----------------------------------------------------------------------------------

  template <class Port>
  void take_question(context& ctx, const Port& port, const packet& p, bool at_once) {
    const auto& got = p.as<question>();
    if (!script_->questions.insert({got.from, got.number}).second)
      breach(ctx, got.number, "has come twice from " + got.from);
    if (script_->mute) {
      pending_.push_back({p.key, got.number, got.from});
      return;
    }
    if (at_once) return answer(ctx, port, {p.key, got.number, got.from});
    pending_.push_back({p.key, got.number, got.from});
    ctx.set_timer(slowness, 0);
  }

  template <class Port>
  void answer_youngest(context& ctx, const Port& port) {
    if (pending_.empty()) return;
    const auto youngest = std::move(pending_.back());
    pending_.pop_back();
    answer(ctx, port, youngest);
  }

  template <class Port>
  void answer(context& ctx, const Port& port, const waiting& to) {
    ctx.answer(port, to.id, make_payload<reply>(to.number, to.from, type_));
  }

  script* script_ = nullptr;
  std::uint64_t count_ = 0;
  std::vector<waiting> pending_;

private:
  void breach(context& ctx, std::uint64_t number, const std::string& what) {
    script_->breaches.push_back(std::string(ctx.name()) + ": request " + std::to_string(number) +
                                " " + what);
  }

  std::string type_;
};

/// Two ports in the order of version 1, or the other way round.
template <std::uint32_t Version>
constexpr fixed_list<port_type, 16> in_order(port_type a, port_type b) {
  if constexpr (Version == 1) return {a, b};
  else return {b, a};
}
template <std::uint32_t Version>
constexpr std::size_t first = Version == 1 ? 0 : 1;
template <std::uint32_t Version>
constexpr std::size_t second = Version == 1 ? 1 : 0;

template <std::uint32_t Version>
class asker : public talker {
public:
  static constexpr in_port<item> in{first<Version>, "in"};
  static constexpr out_port<item> out{first<Version>, "out"};
  static constexpr request_port<question, reply> asks{{second<Version>, "ask"},
                                                      {second<Version>, "told"}};
  static constexpr operator_type type{.name = "test.asker",
                                      .version = Version,
                                      .inputs = in_order<Version>(in, asks.told),
                                      .outputs = in_order<Version>(out, asks.ask),
                                      .state_schema = capnp::typeId<RequestState>(),
                                      .state_version = 1};
  asker() : talker(type.name, Version) {}

  void on_packet(context& ctx, std::size_t, packet p) override {
    ask(ctx, asks, p.as<item>().number);
  }
  void on_answer(context& ctx, std::size_t port, std::uint64_t token, packet p) override {
    told(ctx, port, asks.ask.index, token, p.as<reply>());
    auto done = make_payload<item>(token);
    done->met.emplace_back(ctx.name());
    ctx.emit(out, std::move(done), token);
  }
  void on_no_answer(context& ctx, std::size_t port, std::uint64_t token, no_answer why) override {
    not_told(ctx, port, asks.ask.index, token, why);
  }
};

template <std::uint32_t Version>
class caller : public talker {
public:
  static constexpr out_port<item> out{first<Version>, "out"};
  static constexpr request_port<question, reply> asks{{second<Version>, "ask"}, {0, "told"}};
  static constexpr operator_type type{.name = "test.caller",
                                      .version = Version,
                                      .inputs = {asks.told},
                                      .outputs = in_order<Version>(out, asks.ask),
                                      .state_schema = capnp::typeId<RequestState>(),
                                      .state_version = 1};
  caller() : talker(type.name, Version) {}

  void on_start(context& ctx) override {
    talker::on_start(ctx);
    ctx.events()->post(event{});
  }
  void on_events(context& ctx, std::span<event>) override {
    if (count_ >= script_->total) return;
    const auto number = count_++;
    if (count_ < script_->total) ctx.events()->post(event{});
    ask(ctx, asks, number);
  }
  void on_packet(context&, std::size_t, packet) override {}
  void on_answer(context& ctx, std::size_t port, std::uint64_t token, packet p) override {
    told(ctx, port, asks.ask.index, token, p.as<reply>());
    ctx.emit(out, make_payload<item>(token), token);
  }
  void on_no_answer(context& ctx, std::size_t port, std::uint64_t token, no_answer why) override {
    not_told(ctx, port, asks.ask.index, token, why);
  }
};

template <std::uint32_t Version>
class oracle : public talker {
public:
  static constexpr answer_port<question, reply> serves{{0, "asked"}, {0, "answer"}};
  static constexpr operator_type type{.name = "test.oracle",
                                      .version = Version,
                                      .inputs = {serves.asked},
                                      .outputs = {serves.answer},
                                      .state_schema = capnp::typeId<RequestState>(),
                                      .state_version = 1};
  oracle() : talker(type.name, Version) {}

  void on_packet(context& ctx, std::size_t, packet p) override {
    take_question(ctx, serves, p, true);
  }
};

template <std::uint32_t Version>
class slow : public talker {
public:
  static constexpr answer_port<question, reply> serves{{0, "asked"}, {0, "answer"}};
  static constexpr operator_type type{.name = "test.slow",
                                      .version = Version,
                                      .inputs = {serves.asked},
                                      .outputs = {serves.answer},
                                      .state_schema = capnp::typeId<RequestState>(),
                                      .state_version = 1};
  slow() : talker(type.name, Version) {}

  void on_packet(context& ctx, std::size_t, packet p) override {
    take_question(ctx, serves, p, false);
  }
  void on_timer(context& ctx, std::uint64_t) override { answer_youngest(ctx, serves); }
};

template <std::uint32_t Version>
class peer : public talker {
public:
  static constexpr in_port<item> in{0, "in"};
  static constexpr out_port<item> out{0, "out"};
  static constexpr request_port<question, reply> asks{{Version == 1 ? 1u : 2u, "ask"},
                                                      {Version == 1 ? 1u : 2u, "told"}};
  static constexpr answer_port<question, reply> serves{{Version == 1 ? 2u : 1u, "asked"},
                                                       {Version == 1 ? 2u : 1u, "answer"}};
  static constexpr operator_type type{
      .name = "test.peer",
      .version = Version,
      .inputs = Version == 1 ? fixed_list<port_type, 16>{in, asks.told, serves.asked}
                             : fixed_list<port_type, 16>{in, serves.asked, asks.told},
      .outputs = Version == 1 ? fixed_list<port_type, 16>{out, asks.ask, serves.answer}
                              : fixed_list<port_type, 16>{out, serves.answer, asks.ask},
      .state_schema = capnp::typeId<RequestState>(),
      .state_version = 1};
  peer() : talker(type.name, Version) {}

  void on_packet(context& ctx, std::size_t port, packet p) override {
    if (port == serves.asked.index) return take_question(ctx, serves, p, false);
    ask(ctx, asks, p.as<item>().number);
  }
  void on_timer(context& ctx, std::uint64_t) override { answer_youngest(ctx, serves); }
  void on_answer(context& ctx, std::size_t port, std::uint64_t token, packet p) override {
    told(ctx, port, asks.ask.index, token, p.as<reply>());
    auto done = make_payload<item>(token);
    done->met.emplace_back(ctx.name());
    ctx.emit(out, std::move(done), token);
  }
  void on_no_answer(context& ctx, std::size_t port, std::uint64_t token, no_answer why) override {
    not_told(ctx, port, asks.ask.index, token, why);
  }
};

} // namespace

void add_request_operators(scripted_library& to) {
  to.add<asker>();
  to.add<caller>();
  to.add<oracle>();
  to.add<slow>();
  to.add<peer>();
}

} // namespace instar::test
