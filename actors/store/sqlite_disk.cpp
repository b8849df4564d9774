#include "actors/store/sqlite_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>
#include <zlib.h>

#include "protocol/wire_archive.hpp"

namespace nacre {

namespace {

namespace fs = std::filesystem;

/// Of the file: what it is, and by whose rules it is written.
constexpr int application_id = 0x4e414352; // "NACR"
constexpr int format_version = 1;

constexpr std::uint8_t row_version = 1;
constexpr std::size_t part_bytes = 512 * 1024;

/// Of one state, so that a part's number says whose it is.
constexpr std::uint64_t parts_max = 1 << 24;

std::uint32_t checksum(std::string_view bytes) {
  return static_cast<std::uint32_t>(
    crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

/// Bytes with their checksum behind them.
std::string sealed(std::string bytes) {
  auto sum = checksum(bytes);
  for (int i = 0; i < 4; ++i)
    bytes += static_cast<char>(sum >> 8 * i & 0xff);
  return bytes;
}

std::string unsealed(std::string bytes, const char* what) {
  std::uint32_t sum = 0;
  if (bytes.size() < 4)
    throw store_error(std::string("it is damaged: ") + what + " is cut off");
  for (std::size_t i = 0; i < 4; ++i)
    sum |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[bytes.size() - 4 + i]))
           << 8 * i;
  bytes.resize(bytes.size() - 4);
  if (checksum(bytes) != sum)
    throw store_error(std::string("it is damaged: the checksum of ") + what + " is wrong");
  return bytes;
}

class statement {
public:
  statement(sqlite3* database, const char* sql) : database_(database) {
    check(sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr));
  }
  statement(const statement&) = delete;
  statement& operator=(const statement&) = delete;
  ~statement() { sqlite3_finalize(statement_); }

  statement& bind(int place, std::uint64_t x) {
    check(sqlite3_bind_int64(statement_, place, static_cast<sqlite3_int64>(x)));
    return *this;
  }
  statement& bind(int place, const char* x) {
    check(sqlite3_bind_text(statement_, place, x, -1, SQLITE_STATIC));
    return *this;
  }
  statement& bind(int place, const std::string& x) {
    check(sqlite3_bind_blob64(statement_, place, x.data(), x.size(), SQLITE_STATIC));
    return *this;
  }

  /// Whether there is a row.
  bool step() {
    auto code = sqlite3_step(statement_);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
      check(code);
    return code == SQLITE_ROW;
  }

  void run() {
    step();
    check(sqlite3_reset(statement_));
  }

  std::uint64_t number(int column) const {
    return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column));
  }
  std::string blob(int column) const {
    auto data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
    auto size = sqlite3_column_bytes(statement_, column);
    return data ? std::string(data, static_cast<std::size_t>(size)) : std::string();
  }

private:
  void check(int code) const {
    if (code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE)
      throw store_error(sqlite3_errmsg(database_));
  }

  sqlite3* database_;
  sqlite3_stmt* statement_ = nullptr;
};

/// Written with every transaction.
struct progress_row {
  /// How many there were.
  std::uint64_t count = 0;
  std::uint64_t term = 0;
  raft::member_id vote = raft::nobody;
  std::uint64_t last_index = 0;
  std::uint64_t commit = 0;

  auto fields() { return std::tie(count, term, vote, last_index, commit); }
};

struct state_row {
  raft::position last;
  std::uint64_t generation = 0;
  std::uint64_t size = 0;
  raft::membership members;

  auto fields() { return std::tie(last, generation, size, members); }
};

struct identity_row {
  raft::member_id self = raft::nobody;
  std::uint64_t group = 0;

  auto fields() { return std::tie(self, group); }
};

template <class Row>
std::string to_row(const Row& x) {
  return sealed(wire::to_bytes(row_version, x));
}

template <class Row>
Row from_row(std::string bytes, const char* what) {
  try {
    return wire::from_bytes<Row>(row_version, unsealed(std::move(bytes), what));
  } catch (const unreadable_frame& bad) {
    throw store_error(std::string("it is damaged: ") + what + ": " + bad.what());
  }
}

struct mark_row {
  std::uint64_t count = 0;

  auto fields() { return std::tie(count); }
};

std::string error_text() { return std::strerror(errno); }

} // namespace

void sqlite_disk::close_database::operator()(sqlite3* x) const { sqlite3_close_v2(x); }

// -- the file ------------------------------------------------------------------------------------

sqlite_disk::sqlite_disk(const std::string& folder)
  : file_((fs::path(folder) / "store.db").string()) {
  try {
    open();
  } catch (const store_in_use& failed) {
    throw store_in_use(file_ + " can't be used: " + failed.what());
  } catch (const store_error& failed) {
    throw store_error(file_ + " can't be used: " + failed.what());
  }
}

sqlite_disk::~sqlite_disk() {
  if (mark_ >= 0)
    close(mark_);
}

void sqlite_disk::open() {
  sqlite3* opened = nullptr;
  auto flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  auto code = sqlite3_open_v2(file_.c_str(), &opened, flags, nullptr);
  database_.reset(opened);
  if (code != SQLITE_OK)
    throw store_error(sqlite3_errstr(code));
  run("PRAGMA locking_mode=EXCLUSIVE");
  try {
    run("BEGIN EXCLUSIVE; COMMIT");
  } catch (const store_error& failed) {
    if (sqlite3_errcode(database_.get()) == SQLITE_BUSY)
      throw store_in_use("another process uses it");
    throw;
  }
  auto number = [this](const char* sql) {
    statement x(database_.get(), sql);
    x.step();
    return x.number(0);
  };
  auto id = number("PRAGMA application_id");
  auto format = number("PRAGMA user_version");
  bool is_new = id == 0 && number("SELECT count(*) FROM sqlite_master") == 0;
  if (!is_new && id != application_id)
    throw store_error("it is no store of this program");
  if (!is_new && format != format_version)
    throw store_error("it has format " + std::to_string(format) + ", this version reads "
                      + std::to_string(format_version));
  run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=2000");
  if (is_new)
    create();
  mark_ = ::open((file_ + ".mark").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (mark_ < 0)
    throw store_error(file_ + ".mark: " + error_text());
}

void sqlite_disk::create() {
  run("BEGIN;"
      "CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
      "CREATE TABLE log (position INTEGER PRIMARY KEY, entry BLOB NOT NULL);"
      "CREATE TABLE state (part INTEGER PRIMARY KEY, bytes BLOB NOT NULL);");
  run(("PRAGMA application_id=" + std::to_string(application_id)
       + ";PRAGMA user_version=" + std::to_string(format_version) + ";COMMIT")
        .c_str());
}

void sqlite_disk::run(const char* sql) const {
  char* text = nullptr;
  if (sqlite3_exec(database_.get(), sql, nullptr, nullptr, &text) == SQLITE_OK)
    return;
  std::string why = text ? text : sqlite3_errmsg(database_.get());
  sqlite3_free(text);
  throw store_error(why);
}

template <class Work>
void sqlite_disk::transaction(Work work) {
  run("BEGIN IMMEDIATE");
  auto next = progress_;
  try {
    ++next.count;
    work(next);
    put_meta("progress", to_row(progress_row{next.count, next.vote.term, next.vote.vote,
                                             next.last_index, next.commit}));
    run("COMMIT");
  } catch (...) { // also when memory runs out
    sqlite3_exec(database_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
    throw;
  }
  progress_ = next;
  auto mark = to_row(mark_row{progress_.count});
  // Not waited for, and it may be late: see `load`.
  [[maybe_unused]] auto written = pwrite(mark_, mark.data(), mark.size(), 0);
}

void sqlite_disk::put_meta(const char* key, const std::string& value) {
  statement(database_.get(), "INSERT OR REPLACE INTO meta VALUES (?, ?)")
    .bind(1, key)
    .bind(2, value)
    .run();
}

std::optional<std::string> sqlite_disk::meta(const char* key) const {
  statement found(database_.get(), "SELECT value FROM meta WHERE key = ?");
  found.bind(1, key);
  return found.step() ? std::optional(found.blob(0)) : std::nullopt;
}

// -- reading -------------------------------------------------------------------------------------

/// How many transactions there must be at least: written after each without waiting for the disk.
/// A database that has fewer lost some of what was acknowledged, and would not notice it itself if
/// the end of its WAL is damaged.
std::uint64_t sqlite_disk::marked_count() const {
  std::string bytes(to_row(mark_row{}).size(), '\0');
  if (pread(mark_, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    return 0;
  try {
    return from_row<mark_row>(std::move(bytes), "the mark").count;
  } catch (const store_error&) {
    return 0; // it was being written
  }
}

std::optional<stored_contents> sqlite_disk::load() {
  try {
    return load_checked();
  } catch (const store_error& failed) {
    throw store_error(file_ + " can't be used: " + failed.what());
  }
}

std::optional<stored_contents> sqlite_disk::load_checked() {
  statement check(database_.get(), "PRAGMA quick_check(1)");
  if (!check.step() || check.blob(0) != "ok")
    throw store_error("it is damaged: " + check.blob(0));
  auto identity = meta("identity");
  auto progress = meta("progress");
  auto state = meta("state");
  auto marked = marked_count();
  if (!identity && !progress && !state && marked == 0)
    return std::nullopt;
  if (!identity || !progress || !state)
    throw store_error("it is damaged: a part is missing");
  auto row = from_row<progress_row>(*progress, "the progress");
  if (row.count < marked)
    throw store_error("it is damaged: " + std::to_string(marked) + " transactions were written, "
                      + std::to_string(row.count) + " are there");
  progress_ = {row.count, {row.term, row.vote}, row.last_index, row.commit};
  auto who = from_row<identity_row>(*identity, "the identity");
  auto base = from_row<state_row>(*state, "the state");
  stored_contents found;
  found.identity = {who.self, who.group};
  found.member.vote = progress_.vote;
  found.member.commit = progress_.commit;
  found.member.base = base.last;
  found.member.members = base.members;
  found.state = load_state(base.generation, base.size);
  found.member.entries = load_entries(base.last);
  auto last = base.last.index + found.member.entries.size();
  if (last != progress_.last_index)
    throw store_error("it is damaged: the log ends at " + std::to_string(last) + " instead of "
                      + std::to_string(progress_.last_index));
  generation_ = base.generation;
  return found;
}

std::string sqlite_disk::load_state(std::uint64_t generation, std::uint64_t size) const {
  std::string bytes;
  statement parts(database_.get(),
                  "SELECT bytes FROM state WHERE part >= ? AND part < ? ORDER BY part");
  parts.bind(1, generation * parts_max).bind(2, (generation + 1) * parts_max);
  while (parts.step())
    bytes += unsealed(parts.blob(0), "a part of the state");
  if (bytes.size() != size)
    throw store_error("it is damaged: the state is not whole");
  return bytes;
}

std::vector<raft::entry> sqlite_disk::load_entries(raft::position base) const {
  std::vector<raft::entry> entries;
  statement rows(database_.get(), "SELECT position, entry FROM log ORDER BY position");
  for (auto before = base; rows.step();) {
    if (rows.number(0) <= base.index)
      continue;
    auto x = from_row<raft::entry>(rows.blob(1), "an entry of the log");
    if (x.at.index != before.index + 1 || rows.number(0) != x.at.index || x.at.term < before.term)
      throw store_error("it is damaged: an entry of the log is missing");
    before = x.at;
    entries.push_back(std::move(x));
  }
  return entries;
}

// -- writing -------------------------------------------------------------------------------------

void sqlite_disk::found(const store_identity& identity, const raft::membership& members) {
  if (progress_.last_index != 0)
    throw store_error("it keeps a log, and can't begin again");
  transaction([&](progress& next) {
    next.vote = {};
    next.commit = 0;
    put_meta("identity", to_row(identity_row{identity.self, identity.group}));
    put_meta("state", to_row(state_row{{}, 0, 0, members}));
  });
}

void sqlite_disk::write(const raft::disk_round& round) {
  auto generation = generation_;
  transaction([&](progress& next) {
    next.commit = round.commit;
    if (round.vote)
      next.vote = *round.vote;
    if (round.state) {
      ++generation;
      for (std::size_t part = 0; part < state_parts(*round.state); ++part)
        put_part(*round.state, part, generation);
      install(*round.state, generation);
      run("DELETE FROM log");
      next.last_index = round.state->last.index;
    }
    if (round.entries.empty())
      return;
    auto first = round.entries.front().at.index;
    if (first <= next.last_index)
      statement(database_.get(), "DELETE FROM log WHERE position >= ?").bind(1, first).run();
    statement insert(database_.get(), "INSERT INTO log VALUES (?, ?)");
    for (auto& x : round.entries) {
      auto row = to_row(x);
      insert.bind(1, x.at.index).bind(2, row).run();
    }
    next.last_index = round.entries.back().at.index;
  });
  generation_ = generation;
}

std::size_t sqlite_disk::state_parts(const raft::state_image& state) const {
  return std::max<std::size_t>(1, (state.bytes->size() + part_bytes - 1) / part_bytes);
}

void sqlite_disk::write_state_part(const raft::state_image& state, std::size_t part) {
  bool is_last = part + 1 == state_parts(state);
  transaction([&](progress&) {
    put_part(state, part, generation_ + 1);
    if (!is_last)
      return;
    install(state, generation_ + 1);
    statement(database_.get(), "DELETE FROM log WHERE position <= ?")
      .bind(1, state.last.index)
      .run();
  });
  if (is_last)
    ++generation_;
}

void sqlite_disk::put_part(const raft::state_image& state, std::size_t part,
                           std::uint64_t generation) {
  if (part == 0) // what is left of one that did not get to its end
    statement(database_.get(), "DELETE FROM state WHERE part >= ?")
      .bind(1, generation * parts_max)
      .run();
  auto bytes = sealed(state.bytes->substr(part * part_bytes, part_bytes));
  statement(database_.get(), "INSERT INTO state VALUES (?, ?)")
    .bind(1, generation * parts_max + part)
    .bind(2, bytes)
    .run();
}

void sqlite_disk::install(const raft::state_image& state, std::uint64_t generation) {
  put_meta("state", to_row(state_row{state.last, generation, state.bytes->size(), state.members}));
  statement(database_.get(), "DELETE FROM state WHERE part < ?")
    .bind(1, generation * parts_max)
    .run();
}

std::uint64_t sqlite_disk::size() const {
  std::error_code failed;
  std::uint64_t bytes = 0;
  for (auto name : {file_, file_ + "-wal"})
    if (auto size = fs::file_size(name, failed); !failed)
      bytes += size;
  return bytes;
}

std::string sqlite_disk::copy() const {
  auto file = file_ + ".copy";
  std::error_code failed;
  fs::remove(file, failed); // of a process that ended meanwhile
  copy_to(file);
  std::ifstream in(file, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  fs::remove(file, failed);
  if (!in || bytes.empty())
    throw store_error("the copy can't be read");
  return bytes;
}

void sqlite_disk::copy_to(const std::string& file) const {
  statement(database_.get(), "VACUUM INTO ?").bind(1, file.c_str()).run();
}

} // namespace nacre
