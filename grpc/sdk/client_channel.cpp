#include <utility>

#include "grpc/sdk/client_channel.hpp"

#include <algorithm>

#include <boost/asio/steady_timer.hpp>
#include <spdlog/spdlog.h>

#include "grpc/rpc_routes.hpp"
#include "grpc/sdk/connection_stream.hpp"
#include "grpc/sdk/request_service.hpp"
#include "grpc/sdk/unary_call.hpp"
#include "protocol/json_writer.hpp"
#include "protocol/naming_request.hpp"
#include "protocol/text.hpp"

namespace nacre {

namespace {

/// Bytes and messages that may wait for a client which does not read.
constexpr std::size_t outgoing_bytes_max = 4 * 1024 * 1024;
constexpr std::size_t outgoing_max = 1024;

/// Shorter ones are not counted among what is under way.
constexpr std::size_t long_push_bytes = 16 * 1024;

/// Texts of a setup longer than this are cut: they are only shown.
constexpr std::size_t text_max = 256;
/// Kept as who wrote, also in what all nodes agree on.
constexpr std::size_t address_max = 64;
constexpr std::size_t labels_max = 32;

std::string_view reason_of(connection_table::admission refused) {
  switch (refused) {
    case connection_table::admission::too_many:
      return "as many connections as the node may hold";
    case connection_table::admission::too_many_of_address:
      return "as many connections as one address may hold";
    case connection_table::admission::no_memory:
      return "the node uses as much memory as it may";
    case connection_table::admission::admitted:
      break;
  }
  return {};
}

metadata_map shortened_labels(const metadata_map& labels) {
  metadata_map result;
  for (auto& [key, value] : labels)
    if (result.size() < labels_max)
      set_metadata(result, shortened(key, text_max), shortened(value, text_max));
  return result;
}

std::string label(const metadata_map& labels, std::string_view key) {
  auto value = find_metadata(labels, key);
  return value ? *value : std::string();
}

} // namespace

client_channel::client_channel(request_service& service, const http2_connection_ptr& connection)
  : service_(service),
    connection_(connection),
    inbox_(connection->worker().inbox),
    io_(connection->worker().io),
    ip_(connection->address()),
    port_(connection->port()) {}

const std::string& client_channel::id() {
  expected_ = true;
  if (id_.empty())
    id_ = service_.env().next_id(ip_, port_);
  return id_;
}

// -- connection_user -----------------------------------------------------------------------------

int client_channel::route_of(std::string_view path) const { return rpc_route_of(path); }

http2_call_ptr client_channel::take_call(int route) {
  auto self = shared_from_this();
  if (route == unary_route)
    return std::make_shared<unary_call>(std::move(self));
  id();
  return std::make_shared<connection_stream>(std::move(self));
}

void client_channel::on_go_away() { end_streams("the node stops"); }

void client_channel::on_closed(bool, const call_status&) {
  expected_ = false;
  resume_waiting();
}

// -- setup ---------------------------------------------------------------------------------------

void client_channel::when_set_up(milliseconds patience, std::function<void()> resume) {
  auto waiter = ++last_waiter_;
  waiting_.emplace(waiter, std::move(resume));
  auto alarm = std::make_shared<boost::asio::steady_timer>(io_, patience);
  alarm->async_wait([weak = weak_from_this(), waiter, alarm](boost::system::error_code) {
    auto self = weak.lock();
    if (!self)
      return;
    if (auto node = self->waiting_.extract(waiter))
      node.mapped()();
  });
}

void client_channel::resume_waiting() {
  for (auto& [waiter, resume] : std::exchange(waiting_, {}))
    resume();
}

void client_channel::on_stream_message(const std::shared_ptr<connection_stream>& stream,
                                       const wire::Payload& message) {
  auto& type = type_of(message);
  if (type == "ConnectionSetupRequest")
    return on_setup(stream, message);
  if (!live_ || !type.ends_with("Response"))
    return;
  auto& node = *service_.env().api.context;
  live_->active = node.clock.steady();
  if (unanswered_ == 0) {
    ++node.counters.grpc_port.answers_unasked;
    return;
  }
  try {
    auto answer = parse_client_answer(body_of(message));
    auto id = parse_int64(answer.request_id);
    if (!id || *id <= 0)
      return;
    --unanswered_;
    caf::anon_send(live_->actor.get(), request_answered{static_cast<std::uint64_t>(*id),
                                                        answer.ok && type != "ErrorResponse"});
  } catch (const unreadable_request&) {
    spdlog::debug("answer-unreadable of {}: {}", live_->info.id, loggable(type, text_max));
  }
}

void client_channel::on_setup(const std::shared_ptr<connection_stream>& stream,
                              const wire::Payload& message) {
  setup_request setup;
  try {
    setup = parse_setup_request(body_of(message));
  } catch (const unreadable_request&) {
    spdlog::debug("setup-unreadable of {}", id());
    return; // a good one may follow
  }
  auto module = label(setup.labels, "module");
  if (!live_) {
    live_ = open_connection_of(setup, message);
    if (!live_)
      return stream->finish({status_code::unavailable, "no more connections"});
  }
  bool known =
    std::any_of(streams_.begin(), streams_.end(), [&](auto& x) { return x.stream == stream; });
  if (!known)
    streams_.push_back({stream, module == "naming"});
  {
    std::lock_guard guard(lock_);
    has_streams_ = true;
  }
  resume_waiting();
  acknowledge_setup(*stream, setup, module);
}

void client_channel::acknowledge_setup(connection_stream& stream, const setup_request& setup,
                                       std::string_view module) {
  if (!setup.has_abilities)
    return;
  // The same key would have clients of the configuration API use another one of ours.
  bool watches = setup.watches_fuzzily && module != "config";
  json_writer out;
  out.begin_object().key("headers").begin_object().end_object();
  out.key("abilityTable").begin_object();
  out.field("supportPersistentInstanceByGrpc", true);
  if (watches)
    out.field("fuzzyWatch", true);
  out.end_object().field("module", "internal").end_object();
  auto message = enveloped("SetupAckRequest", out.take());
  {
    std::lock_guard guard(lock_);
    if (outgoing_bytes_ > outgoing_bytes_max || outgoing_ >= outgoing_max)
      return; // it takes none of them
    ++outgoing_;
    outgoing_bytes_ += message.body.size();
  }
  ++unanswered_; // some SDKs answer it
  stream.send(std::move(message));
}

connection_ptr client_channel::open_connection_of(const setup_request& setup,
                                                  const wire::Payload& message) {
  auto& env = service_.env();
  if (!env.api.ready())
    return nullptr;
  connection_info info;
  info.id = id();
  info.remote_ip = ip_;
  info.remote_address = ip_ + ':' + std::to_string(port_);
  auto& claimed = message.metadata().clientip();
  info.client_ip = claimed.empty() ? ip_ : loggable(claimed, address_max);
  info.client_version = loggable(setup.client_version, text_max);
  info.tenant = shortened(setup.tenant, text_max);
  info.labels = shortened_labels(setup.labels);
  info.app = label(info.labels, "AppName");
  info.connected_at = env.api.context->clock.wall();
  auto opened = std::make_shared<nacre::connection>(std::move(info), shared_from_this(),
                                                    env.api.context->clock.steady());
  auto admission = open_connection(*env.system, env.api.context, opened);
  if (admission == connection_table::admission::admitted)
    return opened;
  spdlog::warn("connection-refused {}: {}", id(), reason_of(admission));
  return nullptr;
}

void client_channel::on_stream_end(const connection_stream* stream) {
  auto gone = std::erase_if(streams_, [&](auto& x) { return x.stream.get() == stream; });
  if (gone > 0) { // what waited in it is gone as well
    std::lock_guard guard(lock_);
    outgoing_ = pushes_.size();
    outgoing_bytes_ = 0;
  }
  if (!streams_.empty() || !live_)
    return;
  auto ended = std::exchange(live_, nullptr);
  {
    std::lock_guard guard(lock_);
    has_streams_ = closing_ = refused_ = false;
    pushes_.clear();
    outgoing_ = outgoing_bytes_ = 0;
  }
  unanswered_ = 0;
  // Whoever comes back on this TCP connection is somebody else.
  id_.clear();
  expected_ = false;
  end_connection(ended, change_reason::connection_closed);
}

void client_channel::end_streams(const std::string& why) {
  for (auto& x : std::vector<bound_stream>(streams_))
    x.stream->end({status_code::unavailable, why});
}

// -- what goes out -------------------------------------------------------------------------------

connection_stream& client_channel::stream_for_pushes() const {
  auto naming = std::find_if(streams_.begin(), streams_.end(), [](auto& x) { return x.naming; });
  return *(naming == streams_.end() ? streams_.begin() : naming)->stream;
}

bool client_channel::send(server_request request) {
  auto bytes = request.body.size();
  std::lock_guard guard(lock_);
  if (!has_streams_ || closing_)
    return true; // nobody will miss it
  address_budget::share share;
  bool is_long = bytes >= long_push_bytes;
  if (is_long)
    share = service_.answers().take(ip_, bytes, std::to_string(port_));
  if ((is_long && !share) || outgoing_bytes_ > outgoing_bytes_max || outgoing_ >= outgoing_max) {
    refused_ = true;
    return false;
  }
  ++outgoing_;
  outgoing_bytes_ += bytes;
  pushes_.push_back({std::move(request), std::move(share)});
  if (pushes_.size() == 1)
    inbox_->post(shared_from_this());
  return true;
}

void client_channel::close(std::string_view why) {
  std::lock_guard guard(lock_);
  if (std::exchange(closing_, true))
    return;
  closing_why_ = why;
  inbox_->post(shared_from_this());
}

void client_channel::on_posted() {
  std::vector<waiting_request> pushes;
  std::string why;
  bool ends = false;
  {
    std::lock_guard guard(lock_);
    pushes.swap(pushes_);
    ends = closing_;
    why = closing_why_;
  }
  if (streams_.empty())
    return;
  auto& stream = stream_for_pushes();
  for (auto& x : pushes) {
    auto message = enveloped(x.what.type, std::move(x.what.body));
    message.share = std::move(x.share);
    ++unanswered_;
    stream.send(std::move(message));
  }
  if (ends)
    end_streams(why);
}

void client_channel::on_stream_sent(const outgoing_message& message) {
  bool drained = false;
  {
    std::lock_guard guard(lock_);
    if (outgoing_ == 0)
      return; // of a connection that has ended
    --outgoing_;
    outgoing_bytes_ -= std::min(outgoing_bytes_, message.body.size());
    drained = refused_ && outgoing_ < outgoing_max / 2 && outgoing_bytes_ < outgoing_bytes_max / 2;
    refused_ = refused_ && !drained;
  }
  if (drained && live_)
    caf::anon_send(live_->actor.get(), link_drained{});
}

} // namespace nacre
