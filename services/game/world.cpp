#include "services/game/world.hpp"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <sstream>
#include <utility>

namespace instar::game {

namespace {

constexpr std::int64_t most_stock = 100, drift_every = 8;
constexpr std::array<std::int64_t, world::goods> base_price = {10, 20, 40};

/// The next word; the rest stays in `line`.
std::string_view word_of(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const auto word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
}

template <class Number>
bool read_number(std::string_view text, Number& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 32 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
}

/// What a sector tends to have: each makes one good and needs another.
std::int64_t usual_stock(std::size_t sector, std::size_t good) {
  return static_cast<std::int64_t>((sector * 37 + good * 53) % 81) + 10;
}

} // namespace

world::world(bool jumps) : jumps_(jumps) {
  for (std::size_t s = 0; s < sectors; ++s)
    for (std::size_t g = 0; g < goods; ++g) stocks_[s][g] = usual_stock(s, g);
}

std::array<std::size_t, 3> world::exits(std::size_t sector) {
  return {(sector + 1) % sectors, (sector + sectors - 1) % sectors, (sector * 7 + 3) % sectors};
}

/// Half of what is usual where there is plenty, one and a half times that where there is nothing.
std::int64_t world::price(std::size_t sector, std::size_t good) const {
  return std::max<std::int64_t>(base_price[good] * (150 - stocks_[sector][good]) / 100, 1);
}

void world::say(std::uint64_t seat, const player& to, std::string text, bool last) {
  letters.push_back({seat, to.connection, std::move(text) + "\r\n", last});
}

// -- players ------------------------------------------------------------------------------------

void world::sit(std::uint64_t seat, std::uint64_t connection) {
  players_[seat] = {connection, {}, {}};
  say(seat, players_[seat], "welcome; say: name NAME");
}

void world::leave(std::uint64_t seat, std::uint64_t connection) {
  const auto at = players_.find(seat);
  if (at == players_.end() || at->second.connection != connection) return;
  players_.erase(at);
  freed.push_back(seat);
}

void world::take(std::uint64_t seat, std::uint64_t connection, std::string_view line) {
  const auto at = players_.find(seat);
  if (at == players_.end() || at->second.connection != connection) return;
  auto& who = at->second;
  auto rest = line;
  const auto word = word_of(rest);
  if (word == "quit") return say(seat, who, "bye", true);
  if (word == "name") return say(seat, who, introduce(who, word_of(rest)));
  if (who.name.empty()) return say(seat, who, "error: say first: name NAME");
  if (word == "say") {
    for (const auto& [to, other] : players_)
      say(to, other, "* " + who.name + ":" + std::string(rest));
    return;
  }
  if (word == "move" || word == "buy" || word == "sell" || word == "wait" || word == "jump") {
    if (who.orders.size() >= most_orders)
      return say(seat, who, "error: 16 orders wait; one is carried out in each turn");
    who.orders.emplace_back(line);
    return;
  }
  say(seat, who, answer(who, line));
}

std::string world::introduce(player& who, std::string_view name) {
  if (!who.name.empty()) return "error: you are " + who.name;
  if (!is_name(name)) return "error: a name has 1 to 32 letters, digits, hyphens and underscores";
  for (const auto& [seat, other] : players_)
    if (other.name == name) return "error: " + other.name + " plays already";
  if (!ships_.count(name) && ships_.size() >= most_ships) return "error: there are too many ships";
  who.name = name;
  return "hello " + who.name + " " + describe(ships_[who.name]);
}

std::string world::answer(player& who, std::string_view line) {
  const auto& of = ships_[who.name];
  if (line == "look") return look(of);
  if (line == "ship") return "ship " + describe(of);
  if (line == "scores") return scores();
  return "error: say look, ship, scores, move SECTOR, buy GOOD COUNT, sell GOOD COUNT, wait, say "
         "TEXT or quit";
}

std::string world::describe(const ship& of) {
  auto text =
      "sector " + std::to_string(of.sector) + " credits " + std::to_string(of.credits) + " cargo";
  for (const auto count : of.cargo) text += " " + std::to_string(count);
  return text;
}

std::string world::look(const ship& of) const {
  auto text = "sector " + std::to_string(of.sector) + " exits";
  for (const auto exit : exits(of.sector)) text += " " + std::to_string(exit);
  for (std::size_t g = 0; g < goods; ++g)
    text += " " + std::string(names[g]) + " " + std::to_string(stocks_[of.sector][g]) + " at " +
            std::to_string(price(of.sector, g));
  return text;
}

std::string world::scores() const {
  std::vector<std::pair<std::int64_t, std::string>> all;
  for (const auto& [name, s] : ships_) all.emplace_back(-s.credits, name);
  const auto shown = std::min<std::size_t>(all.size(), 10);
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(shown), all.end());
  std::string text = "scores";
  for (std::size_t i = 0; i < shown; ++i)
    text += " " + all[i].second + " " + std::to_string(-all[i].first);
  return text;
}

// -- turns --------------------------------------------------------------------------------------

void world::turn() {
  ++turn_;
  for (auto& [seat, who] : players_) {
    if (who.orders.empty()) continue;
    const auto order = std::move(who.orders.front());
    who.orders.pop_front();
    auto& of = ships_[who.name];
    say(seat, who, "turn " + std::to_string(turn_) + " " + carry_out(of, order));
  }
  if (turn_ % drift_every != 0) return;
  for (std::size_t s = 0; s < sectors; ++s)
    for (std::size_t g = 0; g < goods; ++g) {
      const auto usual = usual_stock(s, g);
      if (auto& there = stocks_[s][g]; there != usual) there += there < usual ? 1 : -1;
    }
}

std::string world::carry_out(ship& of, std::string_view order) {
  const auto word = word_of(order);
  if (word == "wait") return "waited " + describe(of);
  if (word == "buy" || word == "sell") return trade(of, order, word == "buy");
  return move(of, word_of(order), word == "jump");
}

std::string world::move(ship& of, std::string_view where, bool jump) {
  std::size_t to = 0;
  if (!read_number(where, to) || to >= sectors) return "error: no such sector";
  if (jump) {
    if (!jumps_) return "error: this ship cannot jump";
    if (of.credits < jump_price) return "error: a jump costs " + std::to_string(jump_price);
    of.credits -= jump_price;
  } else {
    const auto all = exits(of.sector);
    if (std::find(all.begin(), all.end(), to) == all.end()) return "error: no way leads there";
  }
  of.sector = to;
  return "moved " + describe(of);
}

std::string world::trade(ship& of, std::string_view what, bool buys) {
  const auto good = static_cast<std::size_t>(std::find(names.begin(), names.end(), word_of(what)) -
                                             names.begin());
  std::int64_t count = 0;
  if (good == goods) return "error: there is ore, food and tools";
  if (!read_number(word_of(what), count) || count < 1 || count > holds)
    return "error: trade 1 to 20 of it";
  auto& there = stocks_[of.sector][good];
  const auto each = price(of.sector, good);
  const auto carried = std::accumulate(of.cargo.begin(), of.cargo.end(), std::int64_t{0});
  if (buys) {
    if (there < count) return "error: there are only " + std::to_string(there);
    if (of.credits < count * each) return "error: it costs " + std::to_string(count * each);
    if (carried + count > holds) return "error: there is no room for it";
  } else {
    if (of.cargo[good] < count) return "error: you have only " + std::to_string(of.cargo[good]);
    if (there + count > most_stock) return "error: nobody buys so many";
  }
  const auto change = buys ? count : -count;
  of.cargo[good] += change;
  of.credits -= change * each;
  there -= change;
  return std::string(buys ? "bought " : "sold ") + std::to_string(count) + " at " +
         std::to_string(each) + " " + describe(of);
}

// -- state --------------------------------------------------------------------------------------

std::string world::save() const {
  std::ostringstream text;
  text << "turn " << turn_ << '\n';
  for (std::size_t s = 0; s < sectors; ++s) {
    text << "stock " << s;
    for (const auto count : stocks_[s]) text << ' ' << count;
    text << '\n';
  }
  for (const auto& [name, s] : ships_) {
    text << "ship " << name << ' ' << s.sector << ' ' << s.credits;
    for (const auto count : s.cargo) text << ' ' << count;
    text << '\n';
  }
  return std::move(text).str();
}

std::string world::load(std::string_view text) {
  std::uint64_t turn = 0;
  auto stocks = stocks_;
  decltype(ships_) ships;
  std::size_t number = 0;
  for (; !text.empty(); text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1)) {
    auto line = text.substr(0, text.find('\n'));
    const auto wrong = "line " + std::to_string(++number) + " is no line of a saved game: '" +
                       std::string(line.substr(0, 60)) + "'";
    const auto kind = word_of(line);
    if (kind == "turn") {
      if (!read_number(word_of(line), turn)) return wrong;
    } else if (kind == "stock") {
      std::size_t sector = 0;
      if (!read_number(word_of(line), sector) || sector >= sectors) return wrong;
      for (auto& count : stocks[sector])
        if (!read_number(word_of(line), count) || count < 0 || count > most_stock) return wrong;
    } else if (kind == "ship") {
      const auto name = word_of(line);
      ship s;
      if (!is_name(name) || !read_number(word_of(line), s.sector) || s.sector >= sectors ||
          !read_number(word_of(line), s.credits) || s.credits < 0 || ships.size() >= most_ships)
        return wrong;
      for (auto& count : s.cargo)
        if (!read_number(word_of(line), count) || count < 0 || count > holds) return wrong;
      ships.emplace(name, s);
    } else {
      return wrong;
    }
  }
  turn_ = turn;
  stocks_ = stocks;
  ships_ = std::move(ships);
  return {};
}

} // namespace instar::game
