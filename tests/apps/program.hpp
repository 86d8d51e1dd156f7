#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <sys/types.h>
#include <vector>

namespace instar::test {

/// One of our programs as a child process, with its output in files.
///
/// Killed at the end of the scope if it still runs.
class program {
public:
  program(const std::string& executable, std::vector<std::string> arguments,
          const std::filesystem::path& working_folder);
  ~program();
  program(const program&) = delete;
  program& operator=(const program&) = delete;

  pid_t pid() const { return pid_; }
  void signal(int number);
  bool runs();

  /// Its exit code; -1 if it did not end in time, 1000 + n if signal n ended it.
  int wait(std::chrono::milliseconds patience = std::chrono::seconds(20));

  std::string out() const;
  std::string err() const;

  /// Waits until stdout has this text; false if it ends before or takes more than 20 s.
  bool says(const std::string& text);

private:
  pid_t pid_ = -1;
  bool over_ = false;
  int code_ = -1;
  std::filesystem::path out_, err_;
};

} // namespace instar::test
