#include "services/kv_parts.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace instar;
using namespace instar::kv;
using instar::test::bare_store;
using instar::test::test_ms;

namespace {

constexpr unsigned any = 99;

/// What is asked in a row, and the answers; `since`/`until`: the versions that answer so.
struct talk {
  unsigned since, until;
  std::vector<std::pair<const char*, const char*>> lines;
};

const char* const wrong_type = "-WRONGTYPE Operation against a key holding the wrong kind of value";
const char* const no_integer = "-ERR value is not an integer or out of range";
const char* const too_large = "-ERR the value would be larger than this server allows (max_value)";

const std::vector<talk> talks = {
    {1,
     any,
     {{"GET a", "nil"},
      {"SET a 1", "OK"},
      {"get a", "'1'"},
      {"SET a '' ", "OK"},
      {"GET a", "''"},
      {"SET a", "-ERR wrong number of arguments for 'set' command"},
      {"GET", "-ERR wrong number of arguments for 'get' command"},
      {"GeT a b", "-ERR wrong number of arguments for 'get' command"},
      {"SET a 1 BAD", "-ERR syntax error"},
      {"NOTHING x y", "-ERR unknown command 'NOTHING', with args beginning with: 'x' 'y' "}}},
    {1,
     any,
     {{"SET a 1 XX", "nil"},
      {"SET a 1 NX", "OK"},
      {"SET a 2 NX", "nil"},
      {"SET a 2 XX", "OK"},
      {"SET a 3 NX XX", "-ERR syntax error"},
      {"SET a 3 GET", "'2'"},
      {"SET b 3 GET", "nil"},
      {"SET b 4 NX GET", "'3'"},
      {"MGET a b c", "['3' '3' nil]"},
      {"SETNX a 9", ":0"},
      {"SETNX c 9", ":1"},
      {"GETSET c 10", "'9'"},
      {"GETDEL c", "'10'"},
      {"GETDEL c", "nil"}}},
    {1,
     any,
     {{"INCR n", ":1"},
      {"INCRBY n 41", ":42"},
      {"DECR n", ":41"},
      {"DECRBY n 1", ":40"},
      {"DECRBY n -9223372036854775808", "-ERR decrement would overflow"},
      {"INCRBY n 1x", no_integer},
      {"GET n", "'40'"},
      {"SET n 9223372036854775807", "OK"},
      {"INCR n", "-ERR increment or decrement would overflow"},
      {"GET n", "'9223372036854775807'"},
      {"SET n 01", "OK"},
      {"INCR n", no_integer},
      {"GET n", "'01'"},
      {"SET n -1", "OK"},
      {"INCR n", ":0"}}},
    {1,
     any,
     {{"APPEND a 12", ":2"},
      {"APPEND a 34", ":4"},
      {"INCR a", ":1235"},
      {"APPEND a x", ":5"},
      {"GET a", "'1235x'"},
      {"STRLEN a", ":5"},
      {"STRLEN b", ":0"},
      {"APPEND a '0123456789012345678901234567890123456789'", ":45"},
      {"APPEND a ''", ":45"},
      {"GET a", "'1235x0123456789012345678901234567890123456789'"}}},
    {1,
     any,
     {{"MSET a 1 b 2 a 3", "OK"},
      {"MSET a 1 b", "-ERR wrong number of arguments for 'mset' command"},
      {"MGET a b", "['3' '2']"},
      {"EXISTS a b c a", ":3"},
      {"DBSIZE", ":2"},
      {"TYPE a", "string"},
      {"TYPE c", "none"},
      {"DEL a c", ":1"},
      {"UNLINK b b", ":1"},
      {"DBSIZE", ":0"},
      {"SET key1 x", "OK"},
      {"KEYS k*", "['key1']"},
      {"KEYS x*", "[]"},
      {"SCAN 0", "['0' ['key1']]"},
      {"SCAN 0 MATCH x* COUNT 100", "['0' []]"},
      {"SCAN 0 TYPE list", "['0' []]"},
      {"SCAN 0 TYPE string", "['0' ['key1']]"},
      {"SCAN x", "-ERR invalid cursor"},
      {"SCAN 0 COUNT 0", "-ERR syntax error"},
      {"SCAN 0 COUNT", "-ERR syntax error"},
      {"SCAN 18446744073709551615", "['0' []]"},
      {"FLUSHALL LATER", "-ERR syntax error"},
      {"FLUSHALL ASYNC", "OK"},
      {"FLUSHDB", "OK"},
      {"KEYS *", "[]"}}},
    {1,
     any,
     {{"PING", "PONG"},
      {"PING hello", "'hello'"},
      {"PING a b", "-ERR wrong number of arguments for 'ping' command"},
      {"ECHO hello", "'hello'"},
      {"SELECT 0", "OK"},
      {"SELECT 1", "-ERR DB index is out of range"},
      {"SELECT x", no_integer},
      {"QUIT", "OK"},
      {"COMMAND DOCS", "[]"},
      {"COMMAND", "[]"},
      {"CONFIG GET save", "['save' '']"},
      {"CONFIG GET appendonly", "['appendonly' 'no']"},
      {"CONFIG GET no-such", "[]"},
      {"CONFIG SET a b", "-ERR unknown subcommand or wrong number of arguments for 'SET'"},
      {"CLIENT SETINFO LIB-NAME x", "OK"},
      {"CLIENT SETNAME x", "OK"},
      {"CLIENT GETNAME", "nil"},
      {"CLIENT KILL x", "-ERR unknown subcommand 'KILL'. Try CLIENT HELP."},
      {"HELLO 3", "-NOPROTO unsupported protocol version"},
      {"HELLO 2", "['server' 'instar' 'version' '7.0.0' 'proto' :2]"}}},
    // What earlier versions do not know.
    {1, 1, {{"LPUSH l a", "-ERR unknown command 'LPUSH', with args beginning with: 'l' 'a' "}}},
    {1,
     2,
     {{"EXPIRE a 1", "-ERR unknown command 'EXPIRE', with args beginning with: 'a' '1' "},
      {"SETEX a 1 x", "-ERR unknown command 'SETEX', with args beginning with: 'a' '1' 'x' "},
      {"SET a 1 EX 10", "-ERR syntax error"},
      {"SET a 1 KEEPTTL", "-ERR syntax error"}}},
    {1, 3, {{"HSET h a 1", "-ERR unknown command 'HSET', with args beginning with: 'h' 'a' '1' "}}},
    {2,
     any,
     {{"RPUSH l a b c", ":3"},
      {"LPUSH l z y", ":5"},
      {"LRANGE l 0 -1", "['y' 'z' 'a' 'b' 'c']"},
      {"LRANGE l 1 2", "['z' 'a']"},
      {"LRANGE l -2 100", "['b' 'c']"},
      {"LRANGE l -100 0", "['y']"},
      {"LRANGE l 3 1", "[]"},
      {"LRANGE l 5 9", "[]"},
      {"LRANGE l 0 -9", "[]"},
      {"LRANGE l x 1", no_integer},
      {"LRANGE none 0 1", "[]"},
      {"LLEN l", ":5"},
      {"LLEN none", ":0"},
      {"TYPE l", "list"},
      {"GET l", wrong_type},
      {"APPEND l x", wrong_type},
      {"INCR l", wrong_type},
      {"STRLEN l", wrong_type},
      {"SET l x GET", wrong_type},
      {"MGET l none", "[nil nil]"},
      {"LPOP l", "'y'"},
      {"RPOP l", "'c'"},
      {"LPOP l 0", "[]"},
      {"LPOP l -1", "-ERR value is out of range, must be positive"},
      {"LPOP l 2", "['z' 'a']"},
      {"RPOP l 9", "['b']"},
      {"EXISTS l", ":0"},
      {"LPOP l", "nil"},
      {"LPOP l 1", "no array"},
      {"SET t x", "OK"},
      {"LPUSH t x", wrong_type},
      {"LPOP t", wrong_type},
      {"LLEN t", wrong_type},
      {"LRANGE t 0 1", wrong_type},
      {"RPUSH l 1", ":1"},
      {"SET l now-text", "OK"},
      {"GET l", "'now-text'"}}},
    {3,
     any,
     {{"TTL a", ":-2"},
      {"SET a 1", "OK"},
      {"TTL a", ":-1"},
      {"PERSIST a", ":0"},
      {"EXPIRE a 10", ":1"},
      {"TTL a", ":10"},
      {"PTTL a", ":10000"},
      {"EXPIRE a 5 GT", ":0"},
      {"EXPIRE a 5 LT", ":1"},
      {"EXPIRE a 7 NX", ":0"},
      {"EXPIRE a 7 XX", ":1"},
      {"EXPIRE a 7 XX NX", "-ERR NX and XX, GT or LT options at the same time are not compatible"},
      {"EXPIRE a 7 WHEN", "-ERR Unsupported option WHEN"},
      {"PERSIST a", ":1"},
      {"TTL a", ":-1"},
      {"EXPIRE a x", no_integer},
      {"EXPIRE a 9223372036854775807", "-ERR invalid expire time in 'expire' command"},
      {"EXPIRE none 1", ":0"},
      {"EXPIRE a -1", ":1"},
      {"EXISTS a", ":0"},
      {"SET a 1 EX 10", "OK"},
      {"TTL a", ":10"},
      {"SET a 2 KEEPTTL", "OK"},
      {"TTL a", ":10"},
      {"INCR a", ":3"},
      {"APPEND a 4", ":2"},
      {"TTL a", ":10"},
      {"SET a 2", "OK"},
      {"TTL a", ":-1"},
      {"SET a 1 PX 1500 NX", "nil"},
      {"SET a 1 PX 1500", "OK"},
      {"PTTL a", ":1500"},
      {"SET a 1 EX 0", "-ERR invalid expire time in 'set' command"},
      {"SET a 1 EX x", no_integer},
      {"SET a 1 EX", "-ERR syntax error"},
      {"SET a 1 EX 1 PX 1", "-ERR syntax error"},
      {"SET a 1 EX 1 KEEPTTL", "-ERR syntax error"},
      {"SETEX a 20 x", "OK"},
      {"TTL a", ":20"},
      {"SETEX a 0 x", "-ERR invalid expire time in 'setex' command"},
      {"PSETEX a 20 x", "OK"},
      {"PTTL a", ":20"},
      {"EXPIREAT a 1", ":1"},
      {"EXISTS a", ":0"}}},
    {4,
     any,
     {{"HSET h a 1 b 2", ":2"},
      {"HSET h a 3 c 4", ":1"},
      {"HSET h a", "-ERR wrong number of arguments for 'hset' command"},
      {"HSET h a 1 b", "-ERR wrong number of arguments for 'hset' command"},
      {"HGET h a", "'3'"},
      {"HGET h x", "nil"},
      {"HGET none x", "nil"},
      {"HEXISTS h b", ":1"},
      {"HEXISTS h x", ":0"},
      {"HLEN h", ":3"},
      {"HLEN none", ":0"},
      {"HGETALL none", "[]"},
      {"TYPE h", "hash"},
      {"GET h", wrong_type},
      {"LPUSH h x", wrong_type},
      {"HDEL h b x", ":1"},
      {"HDEL h c", ":1"},
      {"HGETALL h", "['a' '3']"},
      {"HDEL h a", ":1"},
      {"EXISTS h", ":0"},
      {"HDEL h a", ":0"},
      {"SET t 1", "OK"},
      {"HSET t a 1", wrong_type},
      {"HGET t a", wrong_type},
      {"HGETALL t", wrong_type},
      {"HDEL t a", wrong_type}}},
};

template <class Model>
void check_talks() {
  for (const auto& t : talks) {
    if (Model::version < t.since || Model::version > t.until) continue;
    bare_store<Model> s;
    for (const auto& [question, answer] : t.lines) {
      const auto& line = question; // which a macro's lambda may capture
      INFO("version ", Model::version, ": ", line);
      CHECK(s.ask(question) == answer);
    }
  }
}

} // namespace

TEST_CASE_TEMPLATE("every command answers as Redis does, from its version on", Model, model_v1,
                   model_v2, model_v3, model_v4, model_v5) {
  check_talks<Model>();
}

TEST_CASE_TEMPLATE("commands sent at once are answered in order", Model, model_v1, model_v5) {
  bare_store<Model> s;
  CHECK(test::show_all(s.raw("SET a 1\r\nINCR a\r\nGET a\r\nBAD\r\nDEL a\r\n")) ==
        "OK :2 '2' -ERR unknown command 'BAD', with args beginning with:  :1");
}

TEST_CASE_TEMPLATE("what is too large is refused and changes nothing", Model, model_v2, model_v4,
                   model_v5) {
  bare_store<Model> s; // a value may have 1,000 bytes, the answers at once 10,000
  const std::string much(600, 'x');
  CHECK(s.ask("SET a " + much) == "OK");
  CHECK(s.ask("APPEND a " + much) == too_large);
  CHECK(s.ask("SET b " + much + much) == too_large);
  CHECK(s.ask("MSET c 1 b " + much + much) == too_large);
  CHECK(s.ask("EXISTS b c") == ":0");
  CHECK(s.ask("STRLEN a") == ":600");
  CHECK(s.ask("RPUSH l " + much) == ":1");
  CHECK(s.ask("RPUSH l " + much) == too_large);
  CHECK(s.ask("LLEN l") == ":1");
  std::string many;
  for (int i = 0; i < 40; ++i) many += "GET a\r\n";
  const auto answers = test::show_all(s.raw(many));
  CHECK(answers.find("-ERR the answers to what was sent at once are larger") != std::string::npos);
  CHECK(answers.size() < 20'000);
}

TEST_CASE_TEMPLATE("an entry is gone when its time has come, whoever looks", Model, model_v3,
                   model_v4, model_v5) {
  bare_store<Model> s;
  const auto again = [&] {
    CHECK(s.ask("SET a 1 PX 100") == "OK");
    test_ms += 99;
    CHECK(s.ask("EXISTS a") == ":1");
    test_ms += 1;
  };
  for (const auto& [question, answer] :
       std::vector<std::pair<const char*, const char*>>{{"GET a", "nil"},
                                                        {"EXISTS a", ":0"},
                                                        {"TTL a", ":-2"},
                                                        {"INCR a", ":1"},
                                                        {"APPEND a x", ":1"},
                                                        {"DEL a", ":0"},
                                                        {"SET a 1 XX", "nil"},
                                                        {"SETNX a 1", ":1"},
                                                        {"GETSET a 1", "nil"},
                                                        {"RPUSH a 1", ":1"},
                                                        {"LLEN a", ":0"},
                                                        {"EXPIRE a 10", ":0"},
                                                        {"PERSIST a", ":0"},
                                                        {"TYPE a", "none"},
                                                        {"KEYS *", "[]"},
                                                        {"SCAN 0", "['0' []]"},
                                                        {"MGET a", "[nil]"},
                                                        {"STRLEN a", ":0"}}) {
    again();
    const auto& line = question; // which a macro's lambda may capture
    INFO(line);
    CHECK(s.ask(question) == answer);
    CHECK(s.ask("FLUSHALL") == "OK");
  }
  again();
  CHECK(s.ask("APPEND a x") == ":1");
  CHECK(s.ask("TTL a") == ":-1");
}

TEST_CASE_TEMPLATE("expired entries go without being asked for", Model, model_v3, model_v5) {
  bare_store<Model> s;
  for (int i = 0; i < 20'000; ++i) {
    s.ask("SET stays" + std::to_string(i) + " 1");
    s.ask("SET goes" + std::to_string(i) + " 1 PX " + std::to_string(1 + i % 100));
  }
  test_ms += 1000;
  int sweeps = 0;
  for (; s.tested.expires() && sweeps < 10'000; ++sweeps) s.tested.sweep();
  CHECK(sweeps > 50); // little at a time
  CHECK(s.ask("DBSIZE") == ":20000");
  CHECK_FALSE(s.tested.expires()); // and then it rests, until there is another
  s.ask("SET last 1 PX 1");
  CHECK(s.tested.expires());
}

TEST_CASE_TEMPLATE("whoever scans sees every key that stays", Model, model_v1, model_v5) {
  bare_store<Model> s;
  for (int i = 0; i < 3000; ++i) s.ask("SET stays" + std::to_string(i) + " 1");
  std::vector<std::string> seen;
  std::string cursor = "0";
  int calls = 0;
  do {
    auto answer = s.ask("SCAN " + cursor + " COUNT 20");
    const auto end = answer.find('\'', 2);
    cursor = answer.substr(2, end - 2);
    for (auto at = end + 1; (at = answer.find('\'', at)) != std::string::npos;) {
      const auto stop = answer.find('\'', at + 1);
      seen.push_back(answer.substr(at + 1, stop - at - 1));
      at = stop + 1;
    }
    s.ask("SET more" + std::to_string(calls++) + " 1");
  } while (cursor != "0");
  std::erase_if(seen, [](const std::string& k) { return k.substr(0, 4) == "more"; });
  std::sort(seen.begin(), seen.end());
  CHECK(std::unique(seen.begin(), seen.end()) == seen.end());
  CHECK(seen.size() == 3000);
  CHECK(calls > 10);
}
