#pragma once

#include "protocol_operators.hpp"
#include "protocol_state.capnp.h"

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace instar::test {

/// Common to the test operators: their place in the script, and the state that they carry.
class counting : public operator_base {
public:
  static inline std::int64_t alive = 0;
  static inline const script* made_for = nullptr; ///< for the world that makes one now

  counting(std::string_view name, std::uint32_t version)
      : type_(std::string(name) + "@" + std::to_string(version)),
        suffix_("@" + std::to_string(version)) {
    ++alive;
  }
  ~counting() override {
    --alive;
    if (script_) --script_->instances;
  }

  void on_start(context& ctx) override {
    meet(ctx);
    if (!claimed_) breach("has started without its claim");
    if (!restored_) {
      who_.born = ctx.epoch();
      return;
    }
    // Not in `restore`: an instance that is never started may be given a state that is out of date,
    // because the old one has been told to go on.
    if (script_->from_checkpoint) return;
    if (const auto worked = script_->seen.processed(who_); worked != count_)
      script_->breaches.push_back("the state of " + name_ + " says " + std::to_string(count_) +
                                  " packets, it had " + std::to_string(worked));
  }

  std::optional<std::string> not_yet(context& ctx, cut_purpose) override {
    meet(ctx);
    if (is(script_->never_ready)) return "it never is";
    return std::nullopt;
  }

  void save(state_writer& w) const override {
    if (script_ && is(script_->throws_in_save)) throw std::runtime_error("told to fail in save");
    auto to = w.init<StageState>();
    to.setCount(count_);
    to.setBorn(who_.born);
  }

  void restore(context& ctx, state_reader& r) override {
    meet(ctx);
    if (is(script_->throws_in_restore)) throw std::runtime_error("told to fail in restore");
    count_ = r.root<StageState>().getCount();
    who_.born = r.root<StageState>().getBorn();
    script_->restored[name_] = count_;
    restored_ = true;
    if (claimed_) breach("is restored after its claim");
  }

  void claim(context& ctx) override {
    meet(ctx);
    if (is(script_->throws_in_claim)) throw std::runtime_error("told to fail in claim");
    if (std::exchange(claimed_, true)) breach("claims twice");
  }

protected:
  void meet(context& ctx) {
    if (script_) return;
    script_ = &ctx.host<script>();
    ++script_->instances;
    name_ = ctx.name();
    who_.op = script_->seen.index(name_);
    who_.instance = ctx.epoch();
  }

  /// Notes a packet; throws if the script wants that.
  std::size_t take(const item& i) {
    const auto at = script_->seen.take(who_, i.tag);
    const bool first = script_->throws_on_first_packet == type_ && !worked_;
    if (first) script_->throws_on_first_packet.clear();
    if (first || (name_ == script_->throws_on_packet && i.number == script_->throws_at)) {
      script_->seen.fail(who_, at);
      throw std::runtime_error("told to fail on a packet");
    }
    worked_ = true;
    ++count_;
    return at;
  }

  /// What becomes of `from`; without one, an item that begins here.
  payload_ptr<item> make(std::uint64_t number, std::size_t at, std::string_view port,
                         const item* from = nullptr) {
    auto made = make_payload<item>(number);
    made->tag = script_->seen.emit(who_, at, port);
    if (from) made->rounds = from->rounds;
    if (script_->notes_ways) {
      if (from) made->met = from->met;
      made->met.push_back(name_ + suffix_);
    }
    return made;
  }

  script* script_ = nullptr;
  bool restored_ = false;
  std::uint64_t count_ = 0;
  ledger::who who_;
  std::string name_, type_, suffix_;

private:
  void breach(const char* what) { script_->breaches.push_back(name_ + suffix_ + " " + what); }
  bool is(const std::string& named) const {
    return !named.empty() && (named == type_ || named == name_);
  }

  bool claimed_ = false, worked_ = false;
};

} // namespace instar::test
