#pragma once

#include <span>
#include <string>
#include <typeinfo>
#include <vector>

namespace instar {

/// The functions that a thread is in, by their return addresses, innermost first.
///
/// Names are short: without namespaces, arguments and template arguments. What has no name among
/// the symbols of its file is shown as the file and the place in it. Looks into files, so not on a
/// hot path.
std::vector<std::string> call_stack(std::span<void* const> addresses);

/// The short form of a function's full name; of a type's.
std::string short_name(const std::string& full);
std::string type_name(const std::type_info& of);

} // namespace instar
