#pragma once

#include <string>

namespace instar {

/// Keeps the file of mapped code open, so that `call_stack` finds names in it also when it is no
/// longer there under the name that the dynamic linker knows. Any thread.
class code_file {
public:
  /// While the file is still there.
  explicit code_file(std::string name);
  ~code_file();
  code_file(const code_file&) = delete;
  code_file& operator=(const code_file&) = delete;

  /// By which the file can be opened now: the name itself, unless one is kept under it.
  static std::string path_of(const std::string& name);

private:
  const std::string name_;
  int fd_ = -1;
};

} // namespace instar
