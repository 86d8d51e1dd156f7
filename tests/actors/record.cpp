#include "actors/record.hpp"
#include "actors/operator_type.hpp"

#include "record_test.capnp.h"

#include <doctest/doctest.h>

#include <string>

using namespace instar;
using instar::test::Line;
using instar::test::LongLine;

namespace {

const void* place(capnp::AnyStruct::Reader root) { return root.getDataSection().begin(); }

payload_ptr<record> line(std::uint32_t number) {
  auto made = make_payload<record>();
  made->init<Line>().setNumber(number);
  return made;
}

} // namespace

TEST_CASE("a port that takes records of a schema says so") {
  constexpr in_port<record_of<Line>> in{0, "in"};
  constexpr port_type type = in;
  CHECK(type.payload == "record");
  CHECK(type.schema == capnp::typeId<Line>());
  CHECK(std::is_same_v<payload_class<record_of<Line>>, record>);
}

TEST_CASE("a record is read by earlier and later versions of its schema") {
  const auto old = line(7);
  CHECK(old->read<LongLine>().getNumber() == 7);
  CHECK(old->read<LongLine>().getWords() == 5);
  CHECK(old->read<LongLine>().getText().size() == 0);

  const auto later = make_payload<record>();
  auto root = later->init<LongLine>();
  root.setNumber(8);
  root.setText("eight");
  CHECK(later->read<Line>().getNumber() == 8);
}

TEST_CASE("reading a record changes nothing, so that operators may share it") {
  const auto shared = line(9);
  const auto* before = place(shared->read<Line>());
  CHECK(shared->read<LongLine>().getLength() == 0);
  CHECK(place(shared->read<Line>()) == before);
}
