#include "services/inspect/detect.hpp"

#include "services/blocking/common_settings.hpp"
#include "services/inspect/wire.hpp"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace instar::inspect {

namespace {

std::vector<rule> read_rules(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in)
    throw std::runtime_error("cannot open " + file.string() + ": " +
                             std::system_category().message(errno) +
                             "; set `rules` to a file with rules");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  auto rules = parse_rules(text, file.string());
  if (!rules) throw std::runtime_error(rules.error().message);
  return std::move(*rules);
}

struct found {
  wire::Header::Reader where;
  const rule* what;
};

} // namespace

detect::detect(const settings& values)
    : blocking_operator(blocking::rest_of(values)), rules_(read_rules(values.path("rules"))) {}

void detect::run(blocking_context& ctx) {
  while (true) {
    const auto next = inbox_.next(ctx);
    counts seen;
    const auto units = next.what.as<record>().read<wire::Units>();
    ctx.emit(out, look(units, seen), units.getJob());
    if (seen.any()) ctx.emit(counted, seen.to_record());
  }
}

payload_ptr<record> detect::look(wire::Units::Reader units, counts& seen) const {
  std::vector<found> all;
  std::vector<bool> matches(rules_.size());
  for (const auto unit : units.getUnits()) {
    matcher_->find(endpoints_of(unit.getHeader()), octets_of(unit.getData()), unit.getOld(),
                   matches);
    for (std::size_t i = 0; i < matches.size(); ++i)
      if (matches[i]) all.push_back({unit.getHeader(), &rules_[i]});
  }
  seen[count::alerts] = all.size();
  auto made = make_payload<record>();
  auto into = made->init<wire::Results>();
  into.setJob(units.getJob());
  into.setUnits(units.getUnits().size());
  auto alerts = into.initAlerts(static_cast<unsigned>(all.size()));
  for (unsigned i = 0; i < all.size(); ++i) {
    alerts[i].setHeader(all[i].where);
    alerts[i].setSid(all[i].what->sid);
    alerts[i].setMessage(all[i].what->message);
  }
  return made;
}

bool detect::left_over(std::size_t port, packet& p) {
  if (removed()) return false; // nobody else would treat it
  inbox_.keep(port, std::move(p));
  return true;
}

void detect::save(state_writer& into) const {
  auto state = into.init<DetectState>();
  inbox_.save<wire::Units>(in.index, state.initWaiting(inbox_.count(in.index)));
}

void detect::restore(context&, state_reader& from) {
  inbox_.restore<wire::Units>(in.index, from.root<DetectState>().getWaiting());
}

} // namespace instar::inspect
