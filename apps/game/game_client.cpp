#include "apps/game/game_client.hpp"

#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace instar::clients {

namespace {

constexpr const char* goods[] = {"ore", "food", "tools"};

/// What stands behind a word.
template <class Number>
Number behind(const std::string& text, const std::string& word) {
  const auto at = text.find(word + " ");
  if (at == text.npos) throw std::runtime_error("no '" + word + "' in '" + text + "'");
  Number value{};
  std::istringstream(text.substr(at + word.size())) >> value;
  return value;
}

} // namespace

game_client::game_client(std::string host, std::uint16_t port, std::size_t number)
    : host_(std::move(host)), port_(port),
      name_("player-" + std::to_string(::getpid()) + "-" + std::to_string(number)),
      random_(static_cast<unsigned>(number)) {}

void game_client::expect(bool holds, const std::string& said) const {
  if (holds) return;
  throw std::runtime_error("in the books sector " + std::to_string(has_.sector) + " credits " +
                           std::to_string(has_.credits) + " turn " + std::to_string(turn_) +
                           ", but the game says '" + said + "'");
}

/// What the others say is passed over.
std::string game_client::line() {
  std::string said;
  while ((said = to_.line()).starts_with("* ")) {
  }
  return said;
}

std::string game_client::question(const std::string& text) {
  to_.send(text + "\n");
  return line();
}

game_client::books game_client::read_books(const std::string& said) {
  books read;
  read.sector = behind<std::uint64_t>(said, "sector");
  std::istringstream rest(said.substr(said.find("credits ")));
  std::string word;
  rest >> word >> read.credits >> word;
  for (auto& count : read.cargo) rest >> count;
  if (!rest) throw std::runtime_error("no books in '" + said + "'");
  return read;
}

void game_client::open() {
  to_ = connection(host_, port_);
  if (const auto said = line(); !said.starts_with("welcome")) throw std::runtime_error(said);
  const auto said = question("name " + name_);
  if (!said.starts_with("hello " + name_ + " ")) throw std::runtime_error(said);
  has_ = read_books(said);
}

void game_client::close() {
  to_.send("quit\n");
  if (const auto said = line(); said != "bye") throw std::runtime_error("quit: '" + said + "'");
  to_.expect_end();
}

game_client::order game_client::trade() {
  order made;
  made.good = random_() % 3;
  const auto carried = has_.cargo[made.good];
  made.count = carried > 0 ? -carried : static_cast<std::int64_t>(1 + random_() % 5);
  made.text = std::string(made.count < 0 ? "sell " : "buy ") + goods[made.good] + " " +
              std::to_string(std::abs(made.count));
  return made;
}

/// Where the game says that a way leads.
game_client::order game_client::fly() {
  const auto said = question("look");
  expect(behind<std::uint64_t>(said, "sector") == has_.sector, said);
  std::istringstream exits(said.substr(said.find("exits ") + 6));
  std::array<std::uint64_t, 3> all{};
  for (auto& one : all) exits >> one;
  order made;
  made.flies = true;
  made.sector = all[random_() % all.size()];
  made.text = "move " + std::to_string(made.sector);
  return made;
}

/// Several orders at once: one is carried out in each turn, none is left out.
std::uint64_t game_client::ask() {
  if (random_() % 20 == 0) to_.send("say here is " + name_ + "\n");
  std::vector<order> orders{trade()};
  if (random_() % 2) orders.push_back({"wait"});
  orders.push_back(fly());
  std::string text;
  for (const auto& one : orders) text += one.text + "\n";
  to_.send(text);
  std::uint64_t last = 0;
  for (const auto& one : orders) {
    const auto said = line();
    const auto turn = behind<std::uint64_t>(said, "turn");
    expect(turn > turn_ && (last == 0 || turn == last + 1), said);
    last = turn_ = turn;
    check(one, said);
  }
  const auto said = question("ship");
  expect(said.starts_with("ship ") && read_books(said) == has_, said);
  return orders.size() + 2;
}

/// A trade may find others quicker; then nothing has changed.
void game_client::check(const order& given, const std::string& said) {
  if (said.find(" error: ") != said.npos) return expect(given.count != 0, said);
  auto after = has_;
  if (given.flies) after.sector = given.sector;
  if (given.count != 0) {
    const auto each = behind<std::int64_t>(said, " at");
    after.cargo[given.good] += given.count;
    after.credits -= given.count * each;
    expect(each > 0 && after.credits >= 0, said);
  }
  expect(read_books(said) == after, said);
  has_ = after;
}

} // namespace instar::clients
