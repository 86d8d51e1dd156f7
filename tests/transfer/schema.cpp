#include "transfer/schema.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstring>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <thread>
#include <vector>

using namespace instar;

namespace {

constexpr std::uint64_t shelf = 0xd1a4c7e9b3f58260, book = 0xe8b2d6f4a1c97350,
                        stranger = 0xa9c7e5f3d1b48260;

/// What `capnp compile -o-` wrote of tests/transfer/schemas/VERSION/library.capnp.
std::vector<std::byte> request(const std::string& version) {
  std::ifstream in(TEST_SCHEMAS "/" + version + ".request", std::ios::binary);
  const std::vector<char> chars{std::istreambuf_iterator<char>(in), {}};
  REQUIRE_FALSE(chars.empty());
  std::vector<std::byte> bytes(chars.size());
  std::memcpy(bytes.data(), chars.data(), chars.size());
  return bytes;
}

schema_set schemas(const std::string& version) {
  auto parsed = schema_set::parse(request(version));
  REQUIRE_MESSAGE(bool(parsed), parsed.error().message);
  return *parsed;
}

/// Why state of `type` cannot go from one version to the other; empty if it can.
std::string conflict(const std::string& from, const std::string& to, std::uint64_t type = shelf) {
  const auto fits = check_compatible(schemas(from), type, schemas(to), type);
  return fits ? "" : fits.error().message;
}

} // namespace

TEST_CASE("a schema set knows the types of the module by id and name") {
  const auto set = schemas("base");
  CHECK(set.contains(shelf));
  CHECK(set.display_name(shelf) == "library.capnp:Shelf");
  CHECK_FALSE(set.contains(7));
  CHECK(set.display_name(7) == "@0x0000000000000007");
  CHECK_FALSE(schema_set().contains(shelf));
}

TEST_CASE("added fields, union members and enumerants fit in both directions") {
  CHECK(conflict("base", "base") == "");
  CHECK(conflict("base", "added") == "");
  CHECK(conflict("added", "base") == "");
}

TEST_CASE("a retyped field is refused by name in both directions") {
  for (const auto& why : {conflict("base", "retyped"), conflict("retyped", "base")}) {
    CAPTURE(why);
    CHECK(why.find("field 'owner' of library.capnp:Shelf has changed") != std::string::npos);
    CHECK(why.find('\n') == std::string::npos);
  }
}

TEST_CASE("a retyped field of a type that the state contains is refused by name") {
  for (const auto& why : {conflict("base", "nested"), conflict("nested", "base")}) {
    CAPTURE(why);
    CHECK(why.find("schema library.capnp:Shelf") != std::string::npos);
    CHECK(why.find("field 'kind' of library.capnp:Book has changed") != std::string::npos);
  }
}

TEST_CASE("a type that the state does not contain may change as it likes") {
  CHECK(conflict("base", "added", shelf) == "");
  CHECK(conflict("base", "added", stranger) != "");
}

TEST_CASE("different types are refused with both names") {
  const auto fits = check_compatible(schemas("base"), shelf, schemas("base"), book);
  REQUIRE_FALSE(bool(fits));
  CHECK(fits.error().message.find("library.capnp:Shelf and library.capnp:Book") !=
        std::string::npos);
}

TEST_CASE("a type that one of the modules does not carry is refused with the remedy") {
  const auto fits = check_compatible(schemas("base"), shelf, schema_set(), shelf);
  REQUIRE_FALSE(bool(fits));
  CHECK(fits.error().message.find("SCHEMAS of instar_add_module") != std::string::npos);
  CHECK(bool(check_compatible(schema_set(), shelf, schema_set(), shelf))); // both of the host
}

TEST_CASE("a schema set is judged any number of times, by several threads at once") {
  const auto before = schemas("base"), after = schemas("added");
  const auto judge = [&] {
    for (int i = 0; i < 500; ++i)
      if (!check_compatible(before, shelf, after, shelf)) return false;
    return true;
  };
  bool other = false;
  std::thread second([&] { other = judge(); });
  CHECK(judge());
  second.join();
  CHECK(other);
}

TEST_CASE("schemas that are truncated are refused or lack what was cut off") {
  const auto whole = request("base");
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const auto parsed = schema_set::parse(std::span(whole).first(n));
    CAPTURE(n);
    CHECK_FALSE(bool(parsed));
  }
}

TEST_CASE("damaged or random schemas are answered, and so is every question about them") {
  const auto whole = request("added");
  const auto good = schemas("base");
  std::mt19937_64 random(3);
  int readable = 0;
  for (int round = 0; round < 3000; ++round) {
    auto bytes = whole;
    for (int flips = 0; flips < 1 + round % 8; ++flips)
      bytes[random() % bytes.size()] ^= std::byte(1u << (random() % 8));
    const auto parsed = schema_set::parse(bytes);
    if (!parsed) {
      CHECK(parsed.error().message.find("schemas: ") == 0);
      continue;
    }
    ++readable;
    const auto fits = check_compatible(good, shelf, *parsed, shelf);
    if (!fits) CHECK(fits.error().message.find('\n') == std::string::npos);
  }
  CHECK(readable > 0);
  std::vector<std::byte> noise(4096);
  for (int round = 0; round < 500; ++round) {
    for (auto& b : noise) b = std::byte(random());
    CHECK_FALSE(bool(schema_set::parse(noise)));
  }
}
