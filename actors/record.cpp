#include "actors/record.hpp"

namespace instar {

record::record() : message_(std::make_unique<capnp::MallocMessageBuilder>()) {}

record::~record() = default;

} // namespace instar
