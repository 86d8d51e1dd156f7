#include "lifecycle/manifest.hpp"
#include "actors/module.hpp"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <string>

using namespace instar;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

const fs::path modules = TEST_MODULES;

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

result<manifest> manifest_in(std::string_view elf, const fs::path& name = "m.so") {
  return read_manifest(std::as_bytes(std::span(elf.data(), elf.size())), name);
}

manifest manifest_of_file(const std::string& name) {
  auto m = manifest_in(read(modules / name), name);
  REQUIRE_MESSAGE(bool(m), m.error().message);
  return *m;
}

/// A module whose manifest the tests write over.
class forged_module {
public:
  forged_module() : elf_(read(modules / "test_roomy.so")) {
    const std::string_view last = "\"splits\":false}]}";
    at_ = elf_.find("{\"module\":");
    const auto end = elf_.find(last, at_);
    REQUIRE(end != std::string::npos);
    size_ = end + last.size() - at_;
  }

  /// The manifest as it was built, without the long help.
  json original() const {
    auto document = json::parse(elf_.substr(at_, size_));
    document["operators"][0]["help"] = "";
    return document;
  }

  /// What reading says of the module with this manifest; empty if it is accepted.
  std::string verdict(const std::string& text) const {
    REQUIRE(text.size() <= size_);
    auto forged = elf_;
    forged.replace(at_, size_, text + std::string(size_ - text.size(), ' '));
    const auto m = manifest_in(forged);
    if (m) return {};
    CHECK(m.error().code == errc::bad_input);
    CHECK(m.error().message.find("module m.so ") == 0);
    CHECK(m.error().message.find('\n') == std::string::npos);
    return m.error().message;
  }
  std::string verdict(const json& document) const { return verdict(document.dump()); }

  const std::string& elf() const { return elf_; }

private:
  std::string elf_;
  std::size_t at_ = 0;
  std::size_t size_ = 0;
};

/// Flips a few bits of `bytes` between `first` and `last`.
void damage(std::string& bytes, std::size_t first, std::size_t last, std::mt19937_64& random) {
  for (int flips = 0; flips < 4; ++flips)
    bytes[first + random() % (last - first)] ^= static_cast<char>(1 << random() % 8);
}

} // namespace

TEST_CASE("a manifest tells everything about a module without running it") {
  const auto m = manifest_of_file("test_counter_v2.so");
  CHECK(m.module == "test_counter");
  CHECK(m.api_version == module_api_version);
  CHECK(m.build_id == INSTAR_BUILD_ID);
  REQUIRE(m.operators.size() == 1);
  const auto& op = m.operators[0];
  CHECK(op.reference() == "test.counter@2");
  CHECK(op.help == "counts \"things\"");
  CHECK(op.state_version == 2);
  CHECK(op.schemas.contains(op.state_schema));
  REQUIRE(op.settings.size() == 1);
  CHECK(op.settings[0].kind == setting_kind::integer);
  CHECK(op.settings[0].default_value == "0");
  CHECK(bool(check_host(m, "m.so")));
}

TEST_CASE("a manifest tells which ports ask, and which answer") {
  const auto op = manifest_of_file("test_roomy.so").operators.at(0);
  REQUIRE(op.inputs.size() == 3);
  REQUIRE(op.outputs.size() == 3);
  CHECK(op.outputs[1].answers == 1);
  CHECK(op.inputs[2].answers == 2);
  CHECK(op.inputs[0].answers == -1);
  CHECK(op.outputs[0].answers == -1);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(asks(op.outputs[i]) == (i == 1));
    CHECK(takes_answers(op, i) == (i == 1));
    CHECK(is_asked(op.inputs[i]) == (i == 2));
    CHECK(gives_answers(op, i) == (i == 2));
  }
}

TEST_CASE("a manifest tells in which formats state goes over, and what converts them") {
  const auto op = manifest_of_file("test_roomy.so").operators.at(0);
  constexpr std::uint64_t store_1 = 0xe1f7340c5a6b2d91, store_2 = 0xd0a3b5c7e9f12468;
  CHECK(op.part_schema == store_1);
  CHECK(op.native == native_description{"test.roomy.table", 0xfedcba9876543210});
  CHECK(op.hands_over());
  CHECK(op.exports == std::vector<state_format>{{store_1, 3}, {store_2, 10}});
  CHECK(op.imports == std::vector<state_format>{{store_2, 4}});
  CHECK(op.converters ==
        std::vector<converter_description>{{store_1, store_2, 7}, {store_2, store_1, 10}});
  const auto plain = manifest_of_file("test_counter_v1.so").operators.at(0);
  CHECK(plain.part_schema == 0);
  CHECK_FALSE(plain.hands_over());
  CHECK(plain.exports.empty());
  CHECK(plain.imports.empty());
  CHECK(plain.converters.empty());
}

TEST_CASE("manifest and schemas survive a linker that drops what nobody refers to") {
  const auto m = manifest_of_file("test_lean.so");
  REQUIRE(m.operators.size() == 1);
  CHECK(m.operators[0].schemas.contains(m.operators[0].state_schema));
}

TEST_CASE("versions of a state schema are compatible as Cap'n Proto's rules say") {
  const auto fits = [](const char* from, const char* to) {
    const auto a = manifest_of_file(from).operators[0], b = manifest_of_file(to).operators[0];
    return check_compatible(a.schemas, a.state_schema, b.schemas, b.state_schema);
  };
  const char *v1 = "test_counter_v1.so", *v2 = "test_counter_v2.so", *v3 = "test_counter_v3.so";
  CHECK(bool(fits(v1, v1)));
  CHECK(bool(fits(v1, v2)));
  CHECK(bool(fits(v2, v1)));
  REQUIRE_FALSE(bool(fits(v1, v3)));
  CHECK(fits(v1, v3).error().message.find("'count'") != std::string::npos);
  CHECK_FALSE(bool(fits(v3, v1)));
}

TEST_CASE("a module of another API version or build is refused with what to do") {
  auto m = manifest_of_file("test_counter_v1.so");
  m.build_id = "g++-99";
  const auto build = check_host(m, "m.so");
  REQUIRE_FALSE(bool(build));
  CHECK(build.error().code == errc::incompatible);
  CHECK(build.error().message.find("is built as 'g++-99'") != std::string::npos);
  m.api_version = 7;
  CHECK(check_host(m, "m.so").error().message.find("API version 7") != std::string::npos);
}

TEST_CASE("a manifest that says nonsense is refused with the place") {
  const forged_module module;
  REQUIRE(module.verdict(module.original()).empty());

  struct nonsense {
    const char* where;
    json value;
    const char* why;
  };
  const std::vector<nonsense> cases = {
      {"/module", 7, "'module' is no text"},
      {"/module", "", "is no name"},
      {"/module", "two words", "'two words' is no name"},
      {"/module", "two\nlines", "control characters"},
      {"/module", std::string(257, 'x'), "'module' is too long"},
      {"/api", -1, "'api' is no number in range"},
      {"/api", 1.5, "'api' is no number in range"},
      {"/api", std::uint64_t{1} << 32, "'api' is no number in range"},
      {"/build", nullptr, "'build' is no text"},
      {"/operators", json::object(), "'operators' is no list"},
      {"/operators", json::array(), "names no operators"},
      {"/operators/0", 3, "should be an object"},
      {"/operators/0/name", "../x", "'../x' is no name"},
      {"/operators/0/version", 0, "version 0"},
      {"/operators/0/version", "1", "'version' is no number"},
      {"/operators/0/inputs/0", "in", "should be an object"},
      {"/operators/0/inputs/0/payload", "", "is no name"},
      {"/operators/0/inputs/0/payload", "**", "'**' is no name"},
      {"/operators/0/outputs/0/payload", "*", "carries anything; say which input it follows"},
      {"/operators/0/outputs/0/follows", 3, "follows no input"},
      {"/operators/0/outputs/0/answers", 3, "has its answers at no input"},
      {"/operators/0/outputs/0/answers", 2, "input 'asked' of 'test.roomy' is both for questions"},
      {"/operators/0/outputs/0/answers", -1, "'answers' is no number"},
      {"/operators/0/outputs/0/answers", "in", "'answers' is no number"},
      {"/operators/0/inputs/0/answers", 3, "is answered on no output"},
      {"/operators/0/inputs/0/answers", 1, "output 'ask' of 'test.roomy' both asks and answers"},
      {"/operators/0/inputs/0/answers", 256, "'answers' is no number"},
      {"/operators/0/outputs/0/follows", -1, "'follows' is no number"},
      {"/operators/0/state_schema", 12345, "list its file under SCHEMAS"},
      {"/operators/0/part_schema", 12345, "a part schema that the module does not carry"},
      {"/operators/0/part_schema", "x", "'part_schema' is no number"},
      {"/operators/0/native", 3, "should be an object"},
      {"/operators/0/native/name", "", "is no name"},
      {"/operators/0/native/name", "a\nb", "control characters"},
      {"/operators/0/native/layout", -1, "'layout' is no number"},
      {"/operators/0/exports", 3, "'exports' is no list"},
      {"/operators/0/exports/0/schema", 12345, "an exported schema that the module does not"},
      {"/operators/0/exports/0/schema", 0xd0a3b5c7e9f12468, "'exports' has a schema twice"},
      {"/operators/0/exports/0/cost", std::uint64_t{1} << 32, "'cost' is no number"},
      {"/operators/0/imports/0/schema", 0, "an imported schema that the module does not"},
      {"/operators/0/imports/0", "x", "should be an object"},
      {"/operators/0/converters", json::object(), "'converters' is no list"},
      {"/operators/0/converters/0/from", 12345, "a converter from a schema"},
      {"/operators/0/converters/0/to", 12345, "a converter to a schema"},
      {"/operators/0/converters/0/to", 0xe1f7340c5a6b2d91, "from a schema to the same"},
      {"/operators/0/converters/0/cost", -1, "'cost' is no number"},
      {"/operators/0/settings/0/kind", "colour", "'colour' is no kind of setting"},
      {"/operators/0/settings/0/required", 1, "'required' is neither true nor false"},
      {"/operators/0/help", "bell \a", "control characters"},
      {"/operators/0/splits", "yes", "'splits' is neither true nor false"},
  };
  for (const auto& c : cases) {
    auto document = module.original();
    document[json::json_pointer(c.where)] = c.value;
    const auto why = module.verdict(document);
    CAPTURE(c.where);
    CAPTURE(why);
    CHECK(why.find(c.why) != std::string::npos);
  }
}

TEST_CASE("ports of a module may carry anything, outputs where they follow an input") {
  const forged_module module;
  auto document = module.original();
  auto& type = document["operators"][0];
  type["inputs"][0]["payload"] = "*";
  CHECK(module.verdict(document).empty());
  type["outputs"][0]["payload"] = "*";
  type["outputs"][0]["follows"] = 0;
  CHECK(module.verdict(document).empty());
}

TEST_CASE("a manifest that lacks or repeats something is refused with the place") {
  const forged_module module;
  const auto verdict = [&](const std::function<void(json&, json&)>& change) {
    auto document = module.original();
    change(document, document["operators"][0]);
    return module.verdict(document);
  };
  for (const char* key : {"module", "api", "build", "operators"})
    CHECK(verdict([&](json& all, json&) { all.erase(key); }).find(key) != std::string::npos);
  for (const char* key :
       {"name", "version", "help", "inputs", "outputs", "state_schema", "state_version",
        "part_schema", "native", "exports", "imports", "converters", "settings", "splits"})
    CHECK(verdict([&](json&, json& op) {
            op.erase(key);
          }).find("'" + std::string(key) + "' is missing") != std::string::npos);

  const auto twice = [](json& list) { list.push_back(json(list[0])); };
  CHECK(verdict([&](json& all, json&) {
          twice(all["operators"]);
        }).find("test.roomy@1 is named twice") != std::string::npos);
  CHECK(verdict([&](json&, json& op) { twice(op["inputs"]); }).find("two inputs are named 'in'") !=
        std::string::npos);
  CHECK(verdict([&](json&, json& op) {
          twice(op["settings"]);
        }).find("two settings are named 'start'") != std::string::npos);
  CHECK(verdict([&](json&, json& op) { twice(op["converters"]); }).find("two converters lead") !=
        std::string::npos);
  CHECK(verdict([](json&, json& op) {
          op["native"].erase("layout");
        }).find("'layout' is missing") != std::string::npos);
  CHECK(verdict([](json&, json& op) {
          for (int i = 0; i < 8; ++i) op["exports"].push_back(json(op["exports"][0]));
        }).find("'exports' is no list of up to 8") != std::string::npos);
  CHECK(verdict([](json&, json& op) {
          for (int i = 0; i < 16; ++i) op["outputs"].push_back(json(op["outputs"][0]));
        }).find("'outputs' is no list of up to 16") != std::string::npos);
}

TEST_CASE("a manifest that is no JSON is refused") {
  const forged_module module;
  const auto whole = module.original().dump();
  for (std::size_t n = 0; n < whole.size(); ++n)
    CHECK_FALSE(module.verdict(whole.substr(0, n)).empty());
  for (const std::string& text :
       {std::string(4000, '['), std::string("null"), std::string("{\"module\":\"\xff\xfe\"}"),
        std::string(16, '\0'), std::string("{\"api\":1e999}"), whole + "}"})
    CHECK_FALSE(module.verdict(text).empty());
}

TEST_CASE("what is no shared object of this machine is refused with the reason") {
  const auto why = [](std::string_view elf) {
    const auto m = manifest_in(elf);
    return m ? std::string() : m.error().message;
  };
  auto elf = read(modules / "test_counter_v1.so");
  CHECK(why("").find("is no ELF file") != std::string::npos);
  CHECK(why(elf.substr(0, 64)).find("truncated") != std::string::npos);
  auto object = elf, foreign = elf;
  object[16] = 1;  // ET_REL
  foreign[18] = 3; // EM_386
  CHECK(why(object).find("is no shared object") != std::string::npos);
  CHECK(why(foreign).find("another machine") != std::string::npos);
}

TEST_CASE("a truncated module is refused at every length") {
  const auto whole = read(modules / "test_counter_v1.so");
  for (std::size_t part = 0; part < 64; ++part)
    CHECK_FALSE(bool(manifest_in(std::string_view(whole).substr(0, whole.size() * part / 64))));
}

TEST_CASE("a module with damaged headers is refused or read, and does no harm") {
  const auto whole = read(modules / "test_counter_v1.so");
  std::mt19937_64 random(7);
  for (int round = 0; round < 3000; ++round) {
    auto bytes = whole;
    if (round % 3 != 0) damage(bytes, 0, 64, random);
    if (round % 3 != 1) damage(bytes, bytes.size() - 2600, bytes.size(), random);
    const auto m = manifest_in(bytes, "damaged.so");
    if (!m) CHECK(m.error().message.find("module damaged.so ") == 0);
  }
}

TEST_CASE("a module with damaged schemas is refused or read, and does no harm") {
  const forged_module module;
  const auto schemas = read(modules / "test_roomy.schemas" / "schemas.bin");
  REQUIRE_FALSE(schemas.empty());
  const auto at = module.elf().find(schemas);
  REQUIRE(at != std::string::npos);
  const auto good = manifest_in(module.elf())->operators[0];

  auto blank = module.elf();
  blank.replace(at, schemas.size(), schemas.size(), '\xff');
  REQUIRE_FALSE(bool(manifest_in(blank)));
  CHECK(manifest_in(blank).error().message.find("carries bad schemas") != std::string::npos);

  std::mt19937_64 random(17);
  for (int round = 0; round < 1000; ++round) {
    auto bytes = module.elf();
    damage(bytes, at, at + schemas.size(), random);
    const auto m = manifest_in(bytes);
    if (!m) continue;
    const auto& op = m->operators[0];
    (void)check_compatible(op.schemas, op.state_schema, good.schemas, good.state_schema);
  }
}
