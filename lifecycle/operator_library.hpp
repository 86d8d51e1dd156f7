#pragma once

#include "actors/instance.hpp"
#include "lifecycle/module_loader.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace instar {

/// Where a supervisor gets operators from. Used from its thread only.
class operator_library {
public:
  struct totals {
    std::size_t loaded = 0;
    std::uint64_t unloaded = 0, stuck = 0;
  };

  virtual ~operator_library();
  /// The folders and files that a graph names.
  virtual void set_places(std::vector<std::filesystem::path> places) = 0;
  /// What is known of a type, without running any of its code.
  virtual result<operator_description> describe(std::string_view type, std::uint32_t version) = 0;
  /// Makes its code runnable.
  virtual result<operator_factory> load(std::string_view type, std::uint32_t version) = 0;
  /// All versions of a type that can be had, the oldest first.
  virtual std::vector<operator_description> versions(std::string_view type);
  /// Makes one of its converters runnable.
  virtual result<loaded_converter> load_converter(std::string_view type, std::uint32_t version,
                                                  std::uint64_t from, std::uint64_t to);
  virtual totals count() const = 0;
};

/// Operators from modules: what a service uses.
class module_library final : public operator_library {
public:
  explicit module_library(const std::filesystem::path& scratch);

  void set_places(std::vector<std::filesystem::path> places) override;
  result<operator_description> describe(std::string_view type, std::uint32_t version) override;
  result<operator_factory> load(std::string_view type, std::uint32_t version) override;
  std::vector<operator_description> versions(std::string_view type) override;
  result<loaded_converter> load_converter(std::string_view type, std::uint32_t version,
                                          std::uint64_t from, std::uint64_t to) override;
  totals count() const override;

private:
  module_catalogue catalogue_;
  module_loader loader_;
};

/// Operators that are compiled into the program: for services that update nothing but their
/// graph, and for tests.
class host_library final : public operator_library {
public:
  template <class Operator>
  void add() {
    const auto converters = converters_of<Operator>();
    add(instar::describe(Operator::type, converters), host_factory<Operator>(), converters);
  }
  /// The converters outlive the library.
  void add(operator_description type, operator_factory factory,
           std::span<const converter> converters = {});

  void set_places(std::vector<std::filesystem::path>) override {}
  result<operator_description> describe(std::string_view type, std::uint32_t version) override;
  result<operator_factory> load(std::string_view type, std::uint32_t version) override;
  std::vector<operator_description> versions(std::string_view type) override;
  result<loaded_converter> load_converter(std::string_view type, std::uint32_t version,
                                          std::uint64_t from, std::uint64_t to) override;
  totals count() const override { return {}; }

private:
  struct entry {
    operator_description type;
    operator_factory factory;
    std::span<const converter> converters;
  };
  result<const entry*> find(std::string_view type, std::uint32_t version) const;

  std::map<std::string, entry, std::less<>> entries_; // by reference
};

} // namespace instar
