#include "actors/call_ports.hpp"

#include <stdexcept>

namespace instar {

std::shared_ptr<call_port> call_ports::find_or_make(std::string_view name,
                                                    std::string_view interface_name) {
  std::lock_guard lock(guard_);
  std::erase_if(ports_, [](const auto& one) { return one.second.expired(); });
  auto& known = ports_[std::string(name)];
  auto found = known.lock();
  if (!found) known = found = std::make_shared<call_port>(std::string(name), interface_name);
  if (found->interface_name() != interface_name)
    throw std::runtime_error("call port '" + found->name() + "' is for calls of '" +
                             found->interface_name() + "', not of '" + std::string(interface_name) +
                             "'; give the other one another name");
  return found;
}

} // namespace instar
