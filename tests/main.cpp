#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <mutex>
#include <sstream>
#include <string>

namespace {

/// Says once more at the end what failed: the log of a service may lie between, and who shows only
/// the end of it (CI) shows this.
class failures_again : public doctest::IReporter {
public:
  explicit failures_again(const doctest::ContextOptions& of) : out_(*of.cout) {}

  void test_case_start(const doctest::TestCaseData& in) override { name_ = in.m_name; }
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void log_assert(const doctest::AssertData& of) override {
    if (!of.m_failed || of.m_at & doctest::assertType::is_warn) return;
    const std::lock_guard lock(guard_);
    std::ostringstream line;
    line << of.m_file << ':' << of.m_line << ": " << doctest::assertString(of.m_at) << "( "
         << of.m_expr << " )";
    if (of.m_threw) line << " threw " << of.m_exception;
    else if (of.m_decomp.size() > 0) line << " was " << of.m_decomp;
    add(line);
  }
  void log_message(const doctest::MessageData& of) override {
    if (of.m_severity == doctest::assertType::is_warn) return;
    const std::lock_guard lock(guard_);
    std::ostringstream line;
    line << of.m_file << ':' << of.m_line << ": " << of.m_string;
    add(line);
  }
  void test_case_exception(const doctest::TestCaseException& of) override {
    const std::lock_guard lock(guard_);
    std::ostringstream line;
    line << of.error_string;
    add(line);
  }
  void test_run_end(const doctest::TestRunStats&) override {
    if (!failures_.empty()) out_ << "what failed:\n" << failures_;
  }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_case_end(const doctest::CurrentTestCaseStats&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}

private:
  void add(std::ostringstream& line) {
    const auto* const* said = get_active_contexts();
    for (int i = 0; i < get_num_active_contexts(); ++i) {
      line << "; ";
      said[i]->stringify(&line);
    }
    failures_ += "  " + name_ + "\n    " + line.str() + '\n';
  }

  std::ostream& out_;
  std::mutex guard_; // assertions may fail in any thread
  std::string name_, failures_;
};

REGISTER_LISTENER("failures_again", 1, failures_again);

} // namespace
