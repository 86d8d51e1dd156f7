#include "actors/operator.hpp"

namespace instar {

payload::~payload() = default;

operator_base::~operator_base() = default;

} // namespace instar
