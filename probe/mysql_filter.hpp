#pragma once

#include <cstdint>
#include <string>

namespace nacre {

/// Looks at what a MySQL server sends before libmariadb does, and finds what the library would
/// crash on, reserve memory for or read without end: it trusts servers, and a registry can't trust
/// who registered. Knows just enough of the protocol for one login and one query. Pure, one thread.
class mysql_filter {
public:
  /// Whether the library may see the next bytes of the stream. Takes the promise out of a greeting
  /// that the server will tell of changes of its session: none of them is of use.
  bool take(unsigned char* bytes, std::size_t size);

  /// What comes now answers the query. False if something came before it.
  bool expect_answer();

private:
  enum class stage : std::uint8_t { greeting, login, answer, columns, rows };

  bool take_header(unsigned char byte);
  bool take_body(unsigned char* byte);
  bool end_packet();
  bool is_short_enough() const;
  bool is_fine_greeting() const;
  bool is_fine_column() const;
  void hide_session_tracking(unsigned char* byte) const;

  stage at_ = stage::greeting;
  /// Of the packet that comes in: its header so far, its length and its bytes. Those of rows are
  /// kept only as far as they tell what the packet is.
  unsigned header_bytes_ = 0;
  std::size_t length_ = 0;
  std::size_t seen_ = 0;
  std::string body_;
  unsigned login_packets_ = 0;
};

} // namespace nacre
