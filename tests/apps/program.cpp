#include "program.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace instar::test {

namespace {

std::string content(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

} // namespace

program::program(const std::string& executable, std::vector<std::string> arguments,
                 const std::filesystem::path& working_folder) {
  static int number = 0;
  const auto base = working_folder / ("program-" + std::to_string(++number));
  out_ = base.string() + ".out";
  err_ = base.string() + ".err";
  arguments.insert(arguments.begin(), executable);
  std::vector<char*> argv;
  for (auto& a : arguments) argv.push_back(a.data());
  argv.push_back(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork");
  if (pid_ > 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int out = ::open(out_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const int err = ::open(err_.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (out < 0 || err < 0 || ::dup2(out, 1) < 0 || ::dup2(err, 2) < 0) ::_exit(125);
  if (::chdir(working_folder.c_str()) != 0) ::_exit(125);
  ::unsetenv("INSTAR_ADMIN");
  ::execv(executable.c_str(), argv.data());
  ::_exit(126);
}

program::~program() {
  if (!runs()) return;
  ::kill(pid_, SIGKILL);
  wait();
}

void program::signal(int number) { ::kill(pid_, number); }

bool program::runs() { return wait(std::chrono::milliseconds(0)) == -1; }

int program::wait(std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (!over_) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      over_ = true;
      code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    } else if (std::chrono::steady_clock::now() >= until) {
      return -1;
    } else {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
  return code_;
}

std::string program::out() const { return content(out_); }
std::string program::err() const { return content(err_); }

bool program::says(const std::string& text) {
  for (int i = 0; i < 2000; ++i) {
    const bool running = runs();
    if (out().find(text) != std::string::npos) return true;
    if (!running) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

} // namespace instar::test
