// Commands on a connection: the same whether they come at once or in pieces.
#include "services/kv/resp.hpp"
#include "tests/fuzz/input.hpp"

#include <algorithm>
#include <string>
#include <vector>

using namespace instar;
using namespace instar::fuzz;

namespace {

using commands = std::vector<std::vector<std::string>>;

constexpr kv::resp_limits limits{64, 4096, 16384, 1024};

/// All commands, or those before an error; given in pieces of `piece` bytes.
commands parse(std::string_view all, std::size_t piece, std::string& complaint) {
  kv::request_parser parser(limits);
  commands found;
  std::string text; // what has come, and was not done with
  for (std::size_t at = 0; at < all.size() && complaint.empty();) {
    const auto came = all.substr(at, piece);
    text += came;
    at += came.size();
    std::vector<std::string_view> args;
    std::string decoded;
    decoded.reserve(text.size());
    for (;;) {
      args.clear();
      const auto step = parser.next(text, args, decoded);
      if (step == kv::request_parser::step::more) break;
      if (step == kv::request_parser::step::error) {
        complaint = parser.complaint();
        require(!complaint.empty(), "an error has a text");
        break;
      }
      require(!args.empty() && args.size() <= limits.max_args, "a command has arguments");
      found.emplace_back(args.begin(), args.end());
    }
    require(parser.done() <= text.size(), "no more is done with than has come");
    const auto done = parser.done();
    parser.forget(done);
    text.erase(0, done);
  }
  return found;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  input all(data, size);
  const auto piece = std::max<std::size_t>(1, all.number());
  const auto text = all.text(size);
  std::string at_once, in_pieces;
  const auto whole = parse(text, text.size() + 1, at_once);
  const auto pieces = parse(text, piece, in_pieces);
  require(whole == pieces, "pieces make no difference");
  require(at_once == in_pieces, "nor for what is wrong");
  return 0;
}
