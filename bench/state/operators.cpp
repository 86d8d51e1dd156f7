#include "bench/state/operators.hpp"

#include "actors/operator.hpp"
#include "ledger.capnp.h"
#include "transfer/converters.hpp"
#include "transfer/keyed_state.hpp"
#include "transfer/native_layout.hpp"

#include <span>
#include <utility>

namespace instar::bench {

namespace {

constexpr out_port<question> out{0, "out"};
constexpr in_port<question> in{0, "in"};
constexpr setting_type accounts_setting{
    .name = "accounts", .kind = setting_kind::integer, .default_value = "0"};

class door : public operator_base {
public:
  static constexpr operator_type type{.name = "bench.door", .outputs = {out}};
  void on_start(context& ctx) override { ctx.host<desk>().who->connect(ctx.events()); }
  void on_events(context& ctx, std::span<event> events) override {
    for (const auto& e : events) ctx.emit(out, make_payload<question>(e.value));
  }
  void on_packet(context&, std::size_t, packet) override {}
};

class end : public operator_base {
public:
  static constexpr operator_type type{.name = "bench.end", .inputs = {in}};
  void on_start(context& ctx) override { who_ = ctx.host<desk>().who; }
  void on_packet(context&, std::size_t, packet p) override {
    who_->answered(p.as<question>().amount);
  }

private:
  client* who_ = nullptr;
};

struct account1 {
  std::uint64_t amount = 0;
  void add() { ++amount; }
  std::uint64_t total() const { return amount; }
};

struct account2 {
  std::int64_t cents = 0;
  std::uint32_t currency = 978;
  void add() { cents += 100; }
  std::uint64_t total() const { return static_cast<std::uint64_t>(cents / 100); }
};

using map1 = tracked_map<std::uint64_t, account1>;
using map2 = tracked_map<std::uint64_t, account2>;

template <class Numbers>
void write_gone(std::span<const std::uint64_t> gone, Numbers list) {
  for (unsigned i = 0; i < list.size(); ++i) list.set(i, gone[i]);
}

struct codec1 {
  using part = Accounts1;
  static void write(std::span<const map1::entry* const> entries,
                    std::span<const std::uint64_t> gone, Accounts1::Builder to) {
    const auto count = static_cast<unsigned>(entries.size());
    auto numbers = to.initNumbers(count), amounts = to.initAmounts(count);
    for (unsigned i = 0; i < count; ++i) {
      numbers.set(i, entries[i]->key);
      amounts.set(i, entries[i]->value.amount);
    }
    write_gone(gone, to.initGone(static_cast<unsigned>(gone.size())));
  }
  template <class Put, class Gone>
  static void read(Accounts1::Reader from, Put put, Gone gone) {
    const auto numbers = from.getNumbers(), amounts = from.getAmounts();
    for (unsigned i = 0; i < numbers.size(); ++i) put(numbers[i], account1{amounts[i]});
    for (const auto n : from.getGone()) gone(n);
  }
};

struct codec2 {
  using part = Accounts2;
  static void write(std::span<const map2::entry* const> entries,
                    std::span<const std::uint64_t> gone, Accounts2::Builder to) {
    auto list = to.initAccounts(static_cast<unsigned>(entries.size()));
    for (unsigned i = 0; i < list.size(); ++i) {
      list[i].setNumber(entries[i]->key);
      list[i].setCents(entries[i]->value.cents);
      list[i].setCurrency(entries[i]->value.currency);
    }
    write_gone(gone, to.initGone(static_cast<unsigned>(gone.size())));
  }
  template <class Put, class Gone>
  static void read(Accounts2::Reader from, Put put, Gone gone) {
    for (const auto a : from.getAccounts())
      put(a.getNumber(), account2{a.getCents(), a.getCurrency()});
    for (const auto n : from.getGone()) gone(n);
  }
};

void forward(Accounts1::Reader from, Accounts2::Builder to) {
  const auto numbers = from.getNumbers(), amounts = from.getAmounts();
  auto accounts = to.initAccounts(numbers.size());
  for (unsigned i = 0; i < accounts.size(); ++i) {
    accounts[i].setNumber(numbers[i]);
    accounts[i].setCents(static_cast<std::int64_t>(amounts[i] * 100));
    accounts[i].setCurrency(978);
  }
  to.setGone(from.getGone());
}

void back(Accounts2::Reader from, Accounts1::Builder to) {
  const auto accounts = from.getAccounts();
  auto numbers = to.initNumbers(accounts.size()), amounts = to.initAmounts(accounts.size());
  for (unsigned i = 0; i < accounts.size(); ++i) {
    numbers.set(i, accounts[i].getNumber());
    amounts.set(i, static_cast<std::uint64_t>(accounts[i].getCents() / 100));
  }
  to.setGone(from.getGone());
}

template <class Map>
void answer(context& ctx, Map& accounts, packet p) {
  auto& asked = p.as<question>();
  auto& account = accounts.try_emplace(asked.account).first;
  account.add();
  asked.amount = account.total();
  ctx.emit_packet(out.index, std::move(p));
}

template <class Map>
void open_accounts(Map& accounts, std::int64_t count) {
  for (std::uint64_t n = 0; n < static_cast<std::uint64_t>(count); ++n) accounts.try_emplace(n);
}

template <std::uint32_t Version, class Map, class Codec>
class ledger : public operator_base {
public:
  static constexpr operator_type type{.name = "bench.ledger",
                                      .version = Version,
                                      .inputs = {in},
                                      .outputs = {out},
                                      .settings = {accounts_setting},
                                      .part_schema = capnp::typeId<typename Codec::part>()};
  static constexpr auto converters = instar::converters<&forward, &back>;

  explicit ledger(const settings& values) : first_(values.integer("accounts")) {}
  void on_start(context&) override {
    if (state_.size() == 0) open_accounts(state_.entries(), first_);
  }
  void on_packet(context& ctx, std::size_t, packet p) override {
    answer(ctx, state_.entries(), std::move(p));
  }
  parted_state* parts() override { return &state_; }

private:
  const std::int64_t first_;
  keyed_state<Map, Codec> state_;
};

template <std::uint32_t Version>
class object : public operator_base {
public:
  static constexpr operator_type type{.name = "bench.object",
                                      .version = Version,
                                      .inputs = {in},
                                      .outputs = {out},
                                      .settings = {accounts_setting},
                                      .native = {"bench.map1", layout_of<map1>()}};

  explicit object(const settings& values) : first_(values.integer("accounts")) {}
  void on_start(context&) override {
    if (accounts_->empty()) open_accounts(*accounts_, first_);
  }
  void on_packet(context& ctx, std::size_t, packet p) override {
    answer(ctx, *accounts_, std::move(p));
  }
  void* give_native() noexcept override { return accounts_.release(); }
  void take_native(void* accounts) noexcept override {
    accounts_.reset(static_cast<map1*>(accounts));
  }

private:
  const std::int64_t first_;
  std::unique_ptr<map1> accounts_ = std::make_unique<map1>();
};

} // namespace

std::shared_ptr<host_library> ledger_library() {
  auto library = std::make_shared<host_library>();
  library->add<door>();
  library->add<end>();
  library->add<ledger<1, map1, codec1>>();
  library->add<ledger<2, map2, codec2>>();
  library->add<object<1>>();
  library->add<object<2>>();
  return library;
}

} // namespace instar::bench
