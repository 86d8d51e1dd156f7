// What `instarctl scaffold` wrote when this was built: it has compiled, so it is C++.
#include "workshop.hpp"

#include "stock1.capnp.h"
#include "stock2.capnp.h"
#include "transfer/converters.hpp"

#include <capnp/message.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

void convert(scaffold::Stock1::Reader from, scaffold::Stock2::Builder to);
void convert_back(scaffold::Stock2::Reader from, scaffold::Stock1::Builder to);

using namespace instar;
using scaffold::Stock1;
using scaffold::Stock2;

namespace {

constexpr auto listed = converters<&convert, &convert_back>;

std::string written() {
  std::ifstream in(SCAFFOLDED);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void fill(Stock1::Builder s) {
  s.setFlag(true);
  s.setSmall(65535);
  s.setSigned(-7);
  s.setRatio(0.5f);
  s.setWide(1ull << 40);
  s.setName("beans");
  s.setBlob(kj::StringPtr("bytes").asBytes());
  s.setChanged("text");
  s.setGone(3);
  s.initStamp().setBy("me");
  s.setUnit(scaffold::shared::Unit::LITRE);
  s.setColour(Stock1::Colour::MAUVE);
  auto shelf = s.initShelf();
  shelf.setLabel("top");
  shelf.initItems(2).set(1, 9);
  shelf.initInner(1)[0].setLabel("in it");
  shelf.initOwner().setName("owner");
  s.initNumbers(3).set(2, 40000);
  s.initNames(2).set(0, "n");
  auto colours = s.initColours(2);
  colours.set(0, Stock1::Colour::RED);
  colours.set(1, Stock1::Colour::DARK_BLUE);
  s.initShelves(2)[1].setLabel("second");
  s.initStamps(1)[0].setAt(5);
  auto table = s.initTable(2);
  table.init(1, 3).set(2, 255);
  s.getPlace().setRow(4);
  s.getPlace().setNote("left");
  s.initCut().setLength(12);
}

} // namespace

TEST_CASE("what maps by itself is converted there, whatever its depth") {
  capnp::MallocMessageBuilder from, to;
  fill(from.initRoot<Stock1>());
  convert(from.getRoot<Stock1>().asReader(), to.initRoot<Stock2>());
  const auto s = to.getRoot<Stock2>().asReader();
  CHECK(s.getFlag());
  CHECK(s.getSmall() == 65535);
  CHECK(s.getSigned() == -7);
  CHECK(s.getRatio() == 0.5);
  CHECK(s.getWide() == 0); // does not fit: to be decided
  CHECK(s.getName() == "beans");
  CHECK(s.getBlob().size() == 5);
  CHECK(s.getStamp().getBy() == "me");
  CHECK(s.getUnit() == scaffold::shared::Unit::LITRE);
  CHECK(s.getColour() == Stock2::Colour::MAUVE);
  CHECK(s.getShelf().getLabel() == "top");
  REQUIRE(s.getShelf().getItems().size() == 2);
  CHECK(s.getShelf().getItems()[1] == 9);
  CHECK(s.getShelf().getInner()[0].getLabel() == "in it");
  CHECK(s.getShelf().getOwner().getName() == "owner");
  CHECK(s.getNumbers()[2] == 40000);
  CHECK(s.getNames()[0] == "n");
  CHECK(s.getColours()[0] == Stock2::Colour::RED);
  CHECK(s.getShelves()[1].getLabel() == "second");
  CHECK(s.getStamps()[0].getAt() == 5);
  CHECK(s.getTable()[1][2] == 255);
  CHECK(s.getPlace().getRow() == 4);
  CHECK(s.getPlace().getNote() == "left");
  REQUIRE(s.isCut());
  CHECK(s.getCut().getLength() == 12);
}

TEST_CASE("of a union the member that is set is converted, and what is not there stays unset") {
  const auto converted = [](auto set, auto check) {
    capnp::MallocMessageBuilder from, to;
    set(from.initRoot<Stock1>());
    convert(from.getRoot<Stock1>().asReader(), to.initRoot<Stock2>());
    check(to.getRoot<Stock2>().asReader());
  };
  converted([](Stock1::Builder s) { s.setEmpty(); }, [](Stock2::Reader s) { CHECK(s.isEmpty()); });
  converted([](Stock1::Builder s) { s.setWeight(0); },
            [](Stock2::Reader s) { CHECK(s.isWeight()); });
  converted([](Stock1::Builder s) { s.initPacked().setLabel("x"); },
            [](Stock2::Reader s) {
              REQUIRE(s.isPacked());
              CHECK(s.getPacked().getLabel() == "x");
            });
  converted([](Stock1::Builder) {},
            [](Stock2::Reader s) {
              CHECK_FALSE(s.hasName());
              CHECK_FALSE(s.hasShelf());
            });
}

TEST_CASE("there and back again is what both sides can hold") {
  capnp::MallocMessageBuilder from, between, to;
  fill(from.initRoot<Stock1>());
  convert(from.getRoot<Stock1>().asReader(), between.initRoot<Stock2>());
  convert_back(between.getRoot<Stock2>().asReader(), to.initRoot<Stock1>());
  const auto s = to.getRoot<Stock1>().asReader();
  CHECK(s.getName() == "beans");
  CHECK(s.getColour() == Stock1::Colour::MAUVE);
  CHECK(s.getShelf().getOwner().getName() == "owner");
  CHECK(s.getStamps()[0].getAt() == 5);
  CHECK(s.getSmall() == 0); // may be too large there
}

TEST_CASE("what does not map is marked with what it was and is") {
  const auto text = written();
  for (const auto* line : {
           "// TODO: from.getWide(), UInt64, is UInt32 there",
           "// TODO: from.getChanged(), Text, is Data there",
           "// TODO: from.getGone(), UInt32, goes nowhere: nothing there has its name",
           "// TODO: to.setFresh, List(Text), is new: nothing there has its name",
           "// TODO: from.getAnything(), AnyPointer, is AnyPointer there",
           "// TODO: from.getOutside(), Text, is a member of a union there",
           "// TODO: from.getLost(), Text, goes nowhere",
           "// TODO: from.getDropped(), Bool, goes nowhere",
           "// TODO: from.getColumn(), UInt8, is Text there",
           "return otherwise; // TODO: nothing there has its name",
           "instar::converters<&convert, &convert_back>",
       })
    CHECK_MESSAGE(contains(text, line), line);
}

TEST_CASE("a converter that was begun so can be listed by an operator") {
  CHECK(listed[0].from == capnp::typeId<Stock1>());
  CHECK(listed[1].to == capnp::typeId<Stock1>());
}

TEST_CASE("scaffold works on modules, and says what it cannot find") {
  const test::workshop w;
  const std::string modules = STORES;
  const auto both = w.instarctl({"scaffold", "test.store@1", "test.store@2", "--modules", modules});
  REQUIRE_MESSAGE(both.code == 0, both.err);
  CHECK(contains(both.out, "#include \"store1.capnp.h\"\n#include \"store2.capnp.h\"\n"));
  CHECK(contains(both.out, "void convert(::instar::test::Store1::Reader from, "
                           "::instar::test::Store2::Builder to) {\n"
                           "  to.setCount(from.getCount());\n"
                           "  if (from.hasName()) to.setName(from.getName());\n"));
  const auto files = w.instarctl({"scaffold", modules + "/test_store_v2.so:test.store",
                                  modules + "/test_store_v3.so:test.store@3", "-o", "out.cpp"});
  REQUIRE_MESSAGE(files.code == 0, files.err);
  CHECK(files.out == "");
  std::ifstream in(w.folder() / "out.cpp");
  const std::string out{std::istreambuf_iterator<char>(in), {}};
  CHECK(contains(out, "// TODO: from.getSum(), UInt64, goes nowhere"));

  const auto refused = [&](std::vector<std::string> arguments, const std::string& why) {
    arguments.insert(arguments.begin(), "scaffold");
    const auto a = w.instarctl(arguments);
    CHECK(a.code == 3);
    CHECK(a.out == "");
    CHECK_MESSAGE(contains(a.err, why), a.err);
    CHECK(std::count(a.err.begin(), a.err.end(), '\n') == 1);
  };
  const std::string schemas = SCHEMAS;
  refused({"test.store@1", "test.store@2"}, "say in which, with --modules DIR");
  refused({"test.store@1", "test.store@7", "--modules", modules}, "no module brings test.store@7");
  refused({"test.store@1", "test.store@1", "--modules", modules}, "nothing to convert");
  refused({"nonsense", "test.store@1", "--modules", modules}, "neither FILE.capnp:Struct nor");
  refused({modules + "/test_store_v1.so:other", "x@1"}, "no module brings other");
  refused({"missing.capnp:A", "missing.capnp:B"}, "missing.capnp: No such file");
  refused({schemas + "/stock1.capnp:Nothing", schemas + "/stock2.capnp:Stock2"},
          "there is no 'Nothing' in it");
  refused({schemas + "/stock1.capnp:Stock1", schemas + "/stock1.capnp:Stock1"},
          "nothing to convert");
  refused({schemas + "/stock1.capnp:Stock1.Colour", schemas + "/stock2.capnp:Stock2"},
          "is no struct");
  w.file("stock1.capnp", "@0xd8c7d6e5f4031223;\nstruct Stock2 { x @0 :Bool; }\n");
  refused({schemas + "/stock1.capnp:Stock1", "stock1.capnp:Stock2"}, "files named stock1.capnp");
  w.file("broken.capnp", "@0xd8c7d6e5f4031224;\nstruct A { x @0 :Boo; }\n");
  refused({"broken.capnp:A", schemas + "/stock1.capnp:Stock1"}, "broken.capnp");
  CHECK(w.instarctl({"scaffold", "one"}).code == 64);
}
