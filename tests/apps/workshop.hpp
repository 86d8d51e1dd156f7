#pragma once

#include "program.hpp"
#include "temporary_folder.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace instar::test {

struct answer {
  int code = -1;
  std::string out, err;
};

/// A folder with graph files, in which the real programs run.
class workshop {
public:
  const std::filesystem::path& folder() const { return folder_.path(); }
  std::filesystem::path socket() const { return folder() / "admin.sock"; }

  /// Writes a file; returns its path.
  std::string file(const std::string& name, const std::string& text) const;

  /// A graph `tick -> store` with operators of these versions and further lines for `store`.
  std::string flow(const std::string& name, int tick, int store,
                   const std::string& settings = "") const;

  answer instard(std::vector<std::string> arguments) const;
  answer instarctl(std::vector<std::string> arguments) const;

  /// A daemon on `socket()` that has said that it is ready.
  std::unique_ptr<program> serve(const std::string& graph,
                                 std::vector<std::string> arguments = {}) const;

private:
  temporary_folder folder_;
};

} // namespace instar::test
