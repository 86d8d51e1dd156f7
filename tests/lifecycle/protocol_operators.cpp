#include "counting.hpp"

#include <algorithm>
#include <deque>

namespace instar::test {

namespace {

template <std::uint32_t Version>
class source : public counting {
public:
  static constexpr out_port<item> out{0, "out"};
  static constexpr operator_type type{.name = "test.source",
                                      .version = Version,
                                      .outputs = {out},
                                      .state_schema = capnp::typeId<StageState>(),
                                      .state_version = 1};
  source() : counting(type.name, Version) {}

  void on_start(context& ctx) override {
    counting::on_start(ctx);
    ctx.events()->post(event{});
  }
  void on_events(context& ctx, std::span<event>) override {
    for (std::uint64_t i = 0; i < script_->per_event && count_ < script_->total; ++i) {
      const auto number = count_++;
      ctx.emit(out, make(number, script_->seen.begin(who_, number), out.name), number);
    }
    if (count_ < script_->total) ctx.events()->post(event{});
  }
  void on_packet(context&, std::size_t, packet) override {}
};

/// A source whose events are its items: none may be lost, come twice or be overtaken. Some are
/// always on their way, so that there are new ones while older ones have been taken.
template <std::uint32_t Version>
class feed : public counting {
public:
  static constexpr out_port<item> out{0, "out"};
  static constexpr operator_type type{.name = "test.feed",
                                      .version = Version,
                                      .outputs = {out},
                                      .state_schema = capnp::typeId<StageState>(),
                                      .state_version = 1};
  feed() : counting(type.name, Version) {}

  void on_start(context& ctx) override {
    counting::on_start(ctx);
    if (restored_) return;
    for (std::uint64_t i = 0; i < std::min(ahead, script_->total); ++i)
      ctx.events()->post(event{nullptr, i});
  }
  void on_events(context& ctx, std::span<event> events) override {
    for (const auto& e : events) {
      if (e.value != count_)
        script_->breaches.push_back("event " + std::to_string(e.value) + " of " + name_ +
                                    " instead of " + std::to_string(count_));
      const auto number = count_++;
      ctx.emit(out, make(number, script_->seen.begin(who_, number), out.name), number);
      if (e.value + ahead < script_->total) ctx.events()->post(event{nullptr, e.value + ahead});
    }
  }
  void on_packet(context&, std::size_t, packet) override {}

private:
  static constexpr std::uint64_t ahead = 8;
};

/// Passes items on. Makes a new one, because an arc before it may be shared (fan-out).
template <std::uint32_t Version>
class stage : public counting {
public:
  static constexpr in_port<item> in{0, "in"};
  static constexpr out_port<item> out{0, "out"};
  static constexpr operator_type type{.name = "test.stage",
                                      .version = Version,
                                      .inputs = {in},
                                      .outputs = {out},
                                      .state_schema = capnp::typeId<StageState>(),
                                      .state_version = 1};
  stage() : counting(type.name, Version) {}

  void on_packet(context& ctx, std::size_t, packet p) override {
    const auto& got = p.as<item>();
    ctx.emit(out, make(got.number, take(got), out.name, &got), p.key);
  }
};

/// Two packets of each.
template <std::uint32_t Version>
class burst : public counting {
public:
  static constexpr in_port<item> in{0, "in"};
  static constexpr out_port<item> out{0, "out"};
  static constexpr operator_type type{.name = "test.burst",
                                      .version = Version,
                                      .inputs = {in},
                                      .outputs = {out},
                                      .state_schema = capnp::typeId<StageState>(),
                                      .state_version = 1,
                                      .splits = true};
  burst() : counting(type.name, Version) {}

  void on_packet(context& ctx, std::size_t, packet p) override {
    const auto& got = p.as<item>();
    const auto at = take(got);
    for (int part = 0; part < 2; ++part) ctx.emit(out, make(got.number, at, out.name, &got), p.key);
  }
};

/// Each along one of three outputs, by its number.
template <std::uint32_t Version>
class router : public counting {
public:
  static constexpr in_port<item> in{0, "in"};
  static constexpr out_port<item> out0{0, "out0"}, out1{1, "out1"}, out2{2, "out2"};
  static constexpr operator_type type{.name = "test.router",
                                      .version = Version,
                                      .inputs = {in},
                                      .outputs = {out0, out1, out2},
                                      .state_schema = capnp::typeId<StageState>(),
                                      .state_version = 1};
  router() : counting(type.name, Version) {}

  void on_packet(context& ctx, std::size_t, packet p) override {
    const auto& got = p.as<item>();
    const auto& to = got.number % 3 == 0 ? out0 : got.number % 3 == 1 ? out1 : out2;
    ctx.emit(to, make(got.number, take(got), to.name, &got), p.key);
  }
};

/// Sends each item round through `again` as often as the script says, then lets it out.
template <std::uint32_t Version>
class turn : public counting {
public:
  static constexpr in_port<item> in{0, "in"};
  static constexpr out_port<item> out{0, "out"};
  static constexpr out_port<item> again{1, "again"};
  static constexpr operator_type type{.name = "test.turn",
                                      .version = Version,
                                      .inputs = {in},
                                      .outputs = {out, again},
                                      .state_schema = capnp::typeId<StageState>(),
                                      .state_version = 1};
  turn() : counting(type.name, Version) {}

  void on_packet(context& ctx, std::size_t, packet p) override {
    const auto& got = p.as<item>();
    const auto at = take(got);
    const auto before = got.rounds.find(who_.op);
    const auto done = before == got.rounds.end() ? 0 : before->second;
    const bool on = done < got.number % script_->rounds || got.number == script_->endless;
    const auto& to = on ? again : out;
    auto made = make(got.number, at, to.name, &got);
    if (on) ++made->rounds[who_.op];
    ctx.emit(to, std::move(made), p.key);
  }

  std::optional<std::string> not_yet(context& ctx, cut_purpose purpose) override {
    if (script_ && script_->emits_at_cut == type_) {
      script_->emits_at_cut.clear();
      const auto number = script_->total;
      ctx.emit(again, make(number, script_->seen.begin(who_, number), again.name));
    }
    return counting::not_yet(ctx, purpose);
  }
};

/// Sends each item back to who asked: `left` for operators whose name ends with "_l".
template <std::uint32_t Version>
class answer : public counting {
public:
  static constexpr in_port<item> in{0, "in"};
  static constexpr out_port<item> left{0, "left"};
  static constexpr out_port<item> right{1, "right"};
  static constexpr operator_type type{.name = "test.answer",
                                      .version = Version,
                                      .inputs = {in},
                                      .outputs = {left, right},
                                      .state_schema = capnp::typeId<StageState>(),
                                      .state_version = 1};
  answer() : counting(type.name, Version) {}

  void on_packet(context& ctx, std::size_t, packet p) override {
    const auto& got = p.as<item>();
    const bool from_left = script_->seen.name(got.tag.from).ends_with("_l");
    const auto& to = from_left ? left : right;
    ctx.emit(to, make(got.number, take(got), to.name, &got), p.key);
  }
};

/// What its thread would do happens at its events: one item at each, first those that have come. To
/// come to rest it lets all of these out, and begins no more of its own.
template <std::uint32_t Version>
class thread : public counting {
public:
  static constexpr in_port<item> in{0, "in"};
  static constexpr out_port<item> out{0, "out"};
  static constexpr operator_type type{.name = "test.thread",
                                      .version = Version,
                                      .inputs = {in},
                                      .outputs = {out},
                                      .state_schema = capnp::typeId<StageState>(),
                                      .state_version = 1};
  thread() : counting(type.name, Version) {}

  void on_start(context& ctx) override {
    counting::on_start(ctx);
    wake(ctx);
  }
  void on_packet(context& ctx, std::size_t, packet p) override {
    const auto at = take(p.as<item>());
    waiting_.emplace_back(at, std::move(p));
    wake(ctx);
  }
  void on_events(context& ctx, std::span<event>) override {
    woken_ = false;
    if (!waiting_.empty()) {
      const auto [at, p] = std::move(waiting_.front());
      waiting_.pop_front();
      const auto& got = p.as<item>();
      ctx.emit(out, make(got.number, at, out.name, &got), p.key);
    } else if (begins()) {
      const auto number = script_->begun[name_]++;
      ++count_;
      ctx.emit(out, make(number, script_->seen.begin(who_, number), out.name), number);
    }
    if (!waiting_.empty() || begins()) wake(ctx);
  }
  bool has_thread() const noexcept override { return true; }
  std::optional<std::string> not_yet(context& ctx, cut_purpose purpose) override {
    auto reason = counting::not_yet(ctx, purpose);
    rests_ = true;
    if (!waiting_.empty()) return "it has taken items and not let them out";
    return reason;
  }
  void on_go_on(context& ctx) override {
    rests_ = false;
    wake(ctx);
  }

private:
  bool begins() const { return !rests_ && script_->begun[name_] < script_->total; }
  void wake(context& ctx) {
    if (!std::exchange(woken_, true)) ctx.events()->post(event{});
  }

  std::deque<std::pair<std::size_t, packet>> waiting_;
  bool rests_ = false, woken_ = false;
};

template <std::uint32_t Version>
class sink : public counting {
public:
  static constexpr in_port<item> in{0, "in"};
  static constexpr operator_type type{.name = "test.sink",
                                      .version = Version,
                                      .inputs = {in},
                                      .state_schema = capnp::typeId<StageState>(),
                                      .state_version = 1};
  sink() : counting(type.name, Version) {}

  void on_packet(context&, std::size_t, packet p) override {
    const auto& got = p.as<item>();
    take(got);
    if (!script_->notes_ways) return;
    auto met = got.met;
    met.push_back(name_ + suffix_);
    script_->sinks[name_].push_back({got.number, std::move(met)});
  }
};

} // namespace

std::int64_t operators_alive() { return counting::alive; }

bool is_source(std::string_view type) { return type == "test.source" || type == "test.feed"; }

namespace {

bool names(const std::string& fault, const std::string& reference) {
  return fault == "*" || fault == reference;
}

} // namespace

scripted_library::scripted_library(script& s) : script_(s) {
  add<source>();
  add<feed>();
  add<stage>();
  add<burst>();
  add<router>();
  add<turn>();
  add<answer>();
  add<thread>();
  add<sink>();
  add_request_operators(*this);
  add_keyed_operators(*this);
}

void scripted_library::building(const operator_type& type) {
  counting::made_for = &script_;
  const auto reference = std::string(type.name) + "@" + std::to_string(type.version);
  if (script_.building) script_.building(reference);
  if (names(script_.throws_in_constructor, reference) && script_.constructor_throws_after-- <= 0)
    throw std::runtime_error("told to fail in the constructor");
}

result<operator_description> scripted_library::describe(std::string_view type,
                                                        std::uint32_t version) {
  return types_.describe(type, version);
}

result<operator_factory> scripted_library::load(std::string_view type, std::uint32_t version) {
  const auto reference = std::string(type) + "@" + std::to_string(version);
  if (script_.loading) script_.loading(reference);
  if (names(script_.fails_to_load, reference))
    return failure{errc::system, "module of " + reference + ": told to fail in loading"};
  return types_.load(type, version);
}

} // namespace instar::test
