#include "services/inspect/flow.hpp"
#include "services/inspect/wire.hpp"

namespace instar::inspect {

namespace {

void write(capnp::List<Piece>::Builder into, const pieces& from) {
  unsigned i = 0;
  for (const auto& [place, data] : from.all()) {
    auto one = into[i++];
    one.setFrom(place);
    one.setData(data_of(data));
  }
}
pieces pieces_of(capnp::List<Piece>::Reader from) {
  pieces made;
  for (const auto one : from) made.insert(one.getFrom(), octets_of(one.getData()));
  return made;
}
unsigned count_of(const pieces& of) { return static_cast<unsigned>(of.all().size()); }

void write(Datagram::Builder into, const datagrams::key& key, const datagrams::entry& e) {
  into.setJob(key.job);
  into.setSource(key.source);
  into.setDestination(key.destination);
  into.setProtocol(key.protocol);
  into.setId(key.id);
  into.setSince(e.since);
  into.setSize(e.size);
  write(into.initPieces(count_of(e.have)), e.have);
}

void write(Stream::Builder into, const streams::key& key, const streams::entry& e) {
  into.setJob(key.job);
  into.setSource(key.source);
  into.setDestination(key.destination);
  into.setSourcePort(key.source_port);
  into.setDestinationPort(key.destination_port);
  into.setFrame(e.frame);
  into.setLast(e.last);
  into.setNext(e.next);
  into.setPlace(e.place);
  into.setTail(data_of(e.tail));
  write(into.initHeld(count_of(e.held)), e.held);
}

} // namespace

void flow::save(state_writer& into) const {
  auto state = into.init<FlowState>();
  auto incomplete = state.initDatagrams(static_cast<unsigned>(datagrams_.size()));
  unsigned i = 0;
  for (const auto& one : datagrams_.all()) write(incomplete[i++], one.first, one.second);
  auto open = state.initStreams(static_cast<unsigned>(streams_.size()));
  i = 0;
  for (const auto& one : streams_.all()) write(open[i++], one.first, one.second);
  auto jobs = state.initJobs(static_cast<unsigned>(jobs_.size()));
  i = 0;
  for (const auto& one : jobs_) {
    auto to = jobs[i++];
    to.setJob(one.first);
    to.setUnits(one.second.units);
    to.setNewest(one.second.newest);
  }
  state.setBatches(batches_);
  inbox_.save<wire::Packets>(in.index, state.initWaiting(inbox_.count(in.index)));
  state.setTicks(inbox_.count(ticks.index) > 0 ? 1 : 0); // several do no more than one
}

void flow::restore(context&, state_reader& from) {
  const auto state = from.root<FlowState>();
  for (const auto one : state.getDatagrams())
    datagrams_.put(
        {one.getJob(), one.getSource(), one.getDestination(), one.getProtocol(), one.getId()},
        {one.getSince(), one.getSize(), pieces_of(one.getPieces())});
  for (const auto one : state.getStreams())
    streams_.put({one.getJob(), one.getSource(), one.getDestination(), one.getSourcePort(),
                  one.getDestinationPort()},
                 {one.getFrame(), one.getLast(), one.getNext(), one.getPlace(),
                  std::string(octets_of(one.getTail())), pieces_of(one.getHeld())});
  for (const auto one : state.getJobs()) jobs_[one.getJob()] = {one.getUnits(), one.getNewest()};
  batches_ = state.getBatches();
  inbox_.restore<wire::Packets>(in.index, state.getWaiting());
  if (state.getTicks() > 0) {
    auto tick = make_payload<record>();
    tick->init<wire::Tick>();
    inbox_.keep(ticks.index, {std::move(tick), 0});
  }
}

} // namespace instar::inspect
