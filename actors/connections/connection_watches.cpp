// The part of a CONNECTION CLIENT that watches services by pattern (Nacos
// `NamingFuzzyWatchSyncNotifier`).
#include <algorithm>

#include "actors/connections/connection_client.hpp"
#include "protocol/naming_response.hpp"

namespace nacre {

namespace {

/// Patterns a connection may watch, and services one pattern may match (Nacos
/// `FUZZY_WATCH_PATTERN_OVER_LIMIT`, `FUZZY_WATCH_PATTERN_MATCH_COUNT_OVER_LIMIT`).
constexpr std::size_t patterns_max = 20;
constexpr std::size_t matches_max = 500;

/// Services told in one message of a watch.
constexpr std::size_t watch_batch_size = 10;

constexpr std::string_view watch_sync = "NamingFuzzyWatchSyncRequest";
constexpr std::string_view watch_change = "NamingFuzzyWatchChangeNotifyRequest";

template <class Keys>
std::size_t bytes_of(const Keys& keys) {
  std::size_t bytes = 0;
  for (const std::string& key : keys)
    bytes += key.size();
  return bytes;
}

} // namespace

void connection_client_state::on_watch(const watch_services& msg) {
  auto is_too_long = [](const std::string& text) { return text.size() > watch_text_bytes_max; };
  auto pattern = is_too_long(msg.pattern) ? std::nullopt : parse_watch_pattern(msg.pattern);
  auto& watches = connection->rows.watches;
  auto& received = msg.received_keys;
  if (!pattern)
    return complete(msg.answer, {ec::illegal_value, "groupKeyPattern is illegal"});
  if (!watches.contains(msg.pattern) && watches.size() >= patterns_max)
    return complete(msg.answer, {ec::watch_patterns_limit, "fuzzy watch pattern over limit"});
  // A client can't have been told of more than a watch tells of.
  if (received.size() > watch_notices::queued_max)
    return complete(msg.answer, {ec::watch_matches_limit, "fuzzy watch of too many received keys"});
  if (std::any_of(received.begin(), received.end(), is_too_long))
    return complete(msg.answer, {ec::illegal_value, "receivedGroupKeys is illegal"});
  // Subscribe before reading: a change in between may be reported twice, never missed.
  auto& watch = watches[msg.pattern];
  watch.pattern = std::move(*pattern);
  tell_whether_watching();
  auto matched = present_services(watch.pattern);
  auto refuse = [&](const char* why) {
    on_cancel_watch({msg.pattern, nullptr});
    complete(msg.answer, {ec::watch_matches_limit, why});
  };
  if (matched.size() > matches_max)
    return refuse("fuzzy watch pattern matched count over limit");
  if (!notices->has_room_for(matched.size() + received.size(),
                             bytes_of(matched) + bytes_of(received)))
    return refuse("fuzzy watch: earlier notices are not taken yet");
  sync_watch(msg, matched);
  watch.told = std::move(matched);
  complete(msg.answer);
  send_notices(context->clock.steady());
}

template <class F>
void connection_client_state::for_each_present(const watch_pattern& x, F f) const {
  auto& directory = context->tables.directory;
  directory.for_each_listed(
    {x.namespace_id, fixed_begin(x.group), fixed_begin(x.service)}, [&](const service_ref& key) {
      if (!x.matches(key->view()))
        return true;
      auto view = directory.find(key->view());
      return !view || view->publications.empty() || f(watched_key(key->view()));
    });
}

std::set<std::string> connection_client_state::present_services(const watch_pattern& x) const {
  std::set<std::string> keys;
  for_each_present(x, [&](std::string key) {
    keys.insert(std::move(key));
    return keys.size() <= matches_max;
  });
  return keys;
}

void connection_client_state::sync_watch(const watch_services& msg,
                                         const std::set<std::string>& matched) {
  std::vector<watch_batch::change> changes;
  std::set<std::string> received(msg.received_keys.begin(), msg.received_keys.end());
  for (auto& key : matched)
    if (!received.contains(key))
      changes.push_back({key, true});
  auto now = context->clock.steady();
  watch_batch batch{msg.initializing ? "FUZZY_WATCH_INIT_NOTIFY" : "FUZZY_WATCH_DIFF_SYNC_NOTIFY",
                    msg.pattern,
                    {},
                    (changes.size() + watch_batch_size - 1) / watch_batch_size,
                    0};
  for (std::size_t i = 0; i < changes.size(); i += watch_batch_size) {
    auto end = std::min(changes.size(), i + watch_batch_size);
    batch.changes.assign(changes.begin() + static_cast<std::ptrdiff_t>(i),
                         changes.begin() + static_cast<std::ptrdiff_t>(end));
    ++batch.current;
    notices->add(watch_sync, watch_batch_fields(batch), now);
  }
  if (msg.initializing)
    notices->add(watch_sync,
                 watch_batch_fields({"FINISH_FUZZY_WATCH_INIT_NOTIFY", msg.pattern, {}, 0, 0}),
                 now);
  // Clients do not act on removals inside a sync; they hear of them as of changes.
  for (auto& key : received)
    if (!matched.contains(key))
      notices->add(watch_change, watch_change_fields(key, false), now);
}

void connection_client_state::tell_whether_watching() {
  bool watches = !connection->rows.watches.empty();
  if (connection->watches.exchange(watches) != watches)
    self->send(context->actors.fuzzy_watch.get(), watcher_changed{connection->info.id, watches});
}

void connection_client_state::on_fuzzy_watch_restarted(const fuzzy_watch_restarted&) {
  auto now = context->clock.steady();
  for (auto& [text, watch] : connection->rows.watches) {
    std::set<std::string> still, others;
    for_each_present(watch.pattern, [&](std::string key) {
      if (watch.told.contains(key))
        still.insert(std::move(key));
      else if (others.size() <= matches_max)
        others.insert(std::move(key));
      return true;
    });
    for (auto& key : watch.told)
      if (!still.contains(key))
        notices->add(watch_change, watch_change_fields(key, false), now);
    watch.told = std::move(still);
    watch.overflows = false;
    for (auto& key : others)
      if (tell_more(watch, key))
        notices->add(watch_change, watch_change_fields(key, true), now);
  }
  send_notices(now);
}

void connection_client_state::on_cancel_watch(const cancel_watch& msg) {
  connection->rows.watches.erase(msg.pattern);
  tell_whether_watching();
  complete(msg.answer);
}

/// Nacos tells no more of a pattern than it could match at its beginning.
bool connection_client_state::tell_more(connection_rows::watch& watch, const std::string& key) {
  if (watch.told.size() < matches_max)
    return watch.told.insert(key).second;
  watch.overflows = true;
  return false;
}

void connection_client_state::make_up(connection_rows::watch& watch, steady_time now) {
  if (!watch.overflows || watch.told.size() >= matches_max)
    return;
  watch.overflows = false;
  for (auto& key : present_services(watch.pattern))
    if (tell_more(watch, key))
      notices->add(watch_change, watch_change_fields(key, true), now);
}

void connection_client_state::on_presence(const presence_changed& msg) {
  auto key = watched_key(msg.service->view());
  bool news = false;
  for (auto& [text, watch] : connection->rows.watches)
    if (watch.pattern.matches(msg.service->view()))
      news |= msg.present ? tell_more(watch, key) : watch.told.erase(key) > 0;
  if (!news)
    return;
  auto now = context->clock.steady();
  if (notices->is_full()) {
    connection->link->close("does not take what it watches");
    return end_connection(connection, change_reason::connection_silent);
  }
  notices->add(watch_change, watch_change_fields(key, msg.present), now);
  for (auto& [text, watch] : connection->rows.watches)
    make_up(watch, now);
  send_notices(now);
}

void connection_client_state::send_notices(steady_time now) {
  if (auto request = notices->take(context->counters.last_request_id + 1, now)) {
    ++context->counters.last_request_id;
    connection->link->send(std::move(*request));
  }
  if (auto due = notices->next_due())
    arm(*due);
}

} // namespace nacre
