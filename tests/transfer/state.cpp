#include "transfer/state.hpp"

#include "state_test.capnp.h"

#include <doctest/doctest.h>

#include <random>

using namespace instar;
using instar::test::Shelf;

namespace {

state filled(int books) {
  state_writer w({"test.shelf", 3, capnp::typeId<Shelf>(), 2});
  auto list = w.init<Shelf>().initTitles(static_cast<unsigned>(books));
  for (int i = 0; i < books; ++i) list.set(static_cast<unsigned>(i), "title " + std::to_string(i));
  return w.finish();
}

void check_content(const state& s, int books) {
  state_reader r(s);
  const auto titles = r.root<Shelf>().getTitles();
  REQUIRE(titles.size() == static_cast<unsigned>(books));
  for (int i = 0; i < books; ++i)
    CHECK(std::string(titles[static_cast<unsigned>(i)].cStr()) == "title " + std::to_string(i));
}

std::string refusal(std::span<const std::byte> bytes, std::size_t limit = 1 << 20) {
  auto decoded = state::decode(bytes, limit);
  return decoded ? "" : decoded.error().message;
}

} // namespace

TEST_CASE("what was saved is read as it was, from memory and from bytes") {
  for (const int books : {0, 1, 1000}) {
    const auto s = filled(books);
    check_content(s, books);
    const auto bytes = s.encode();
    const auto decoded = state::decode(bytes);
    REQUIRE_MESSAGE(bool(decoded), decoded.error().message);
    CHECK(decoded->header() == s.header());
    check_content(*decoded, books);
    CHECK(decoded->encode() == bytes);
  }
}

TEST_CASE("state over the library's default limit of 64 MiB can be read") {
  state_writer w({"test.shelf", 1, capnp::typeId<Shelf>(), 1});
  auto list = w.init<Shelf>().initTitles(80);
  const std::string mebibyte(1 << 20, 'x');
  for (unsigned i = 0; i < 80; ++i) list.set(i, mebibyte.c_str());
  const auto s = w.finish();
  CHECK(s.size_bytes() > 80u << 20);
  state_reader r(s);
  std::size_t total = 0;
  for (const auto title : r.root<Shelf>().getTitles()) total += title.size();
  CHECK(total == 80u << 20);
}

TEST_CASE("an operator without state saves nothing") {
  state_writer w({"test.plain", 1, 0, 0});
  const auto s = w.finish();
  CHECK(s.empty());
  const auto decoded = state::decode(s.encode());
  REQUIRE(bool(decoded));
  CHECK(decoded->empty());
  CHECK(decoded->header() == s.header());
}

TEST_CASE("truncated state is refused at every length") {
  const auto bytes = filled(20).encode();
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    const auto why = refusal(std::span(bytes).first(n));
    CAPTURE(n);
    CHECK(why.find("truncated") != std::string::npos);
  }
}

TEST_CASE("state with any byte damaged is refused") {
  const auto whole = filled(5).encode();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto bytes = whole;
    bytes[at] ^= std::byte{0x20};
    CAPTURE(at);
    CHECK_FALSE(refusal(bytes).empty());
  }
}

TEST_CASE("oversized and foreign bytes are refused with the reason") {
  auto bytes = filled(100).encode();
  CHECK(refusal(bytes, bytes.size() - 1).find("oversized") != std::string::npos);
  bytes.push_back(std::byte{0});
  CHECK(refusal(bytes).find("1 bytes more than its header announces") != std::string::npos);
  const std::string foreign(200, 'z');
  CHECK(refusal(std::as_bytes(std::span(foreign.data(), foreign.size()))).find("no saved state") !=
        std::string::npos);
}

TEST_CASE("random bytes behind a good magic number do no harm") {
  const auto good = filled(3).encode();
  std::mt19937_64 random(11);
  for (int round = 0; round < 2000; ++round) {
    auto bytes = good;
    for (std::size_t i = 8; i < bytes.size(); ++i)
      if (random() % 4 == 0) bytes[i] = std::byte(random());
    refusal(bytes); // whatever it is, it is answered
    CHECK((refusal(bytes).empty() == (bytes == good)));
  }
}

TEST_CASE("an operator that declares a schema and writes nothing saves the schema's defaults") {
  state_writer w({"test.shelf", 3, capnp::typeId<Shelf>(), 2});
  const auto s = w.finish();
  CHECK_FALSE(s.empty());
  check_content(s, 0);
  const auto decoded = state::decode(s.encode());
  REQUIRE_MESSAGE(bool(decoded), decoded.error().message);
  check_content(*decoded, 0);
}

TEST_CASE("no state at all reads as defaults") { check_content(state(), 0); }
