"""The scenario of the drivers with redis-py.

Called with the port of an empty server on this machine and the version of the
protocol. Every step begins with an empty server and prints one line, "pass NAME"
or "fail NAME", after which it says why.
"""

import sys
import threading
import traceback

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

PORT, PROTOCOL = int(sys.argv[1]), int(sys.argv[2])


def connect(**options):
    return redis.Redis(port=PORT, protocol=PROTOCOL, decode_responses=True, client_name="driver-test", **options)


def equal(got, want):
    if got != want:
        raise AssertionError(f"got {got!r}, want {want!r}")


def refused(kind, text, call, *args, **options):
    """The call must fail with an error of the driver's class kind that says text."""
    try:
        got = call(*args, **options)
    except kind as e:
        if text not in str(e):
            raise AssertionError(f"the error says {e}, not {text}") from e
        return
    raise AssertionError(f"got {got!r}, want an error that says {text}")


def pairs(rows):
    """Rows of member and score: the driver's types for them differ by protocol."""
    return [(member, float(score)) for member, score in rows]


def connects(db):
    info = db.client_info()
    equal(info["name"], "driver-test")
    equal(info["resp"], str(PROTOCOL))
    equal(info["lib-name"] if "lib-name" in info else "redis-py", "redis-py")
    equal(db.ping(), True)
    equal(db.echo("a\r\nb"), "a\r\nb")


def strings(db):
    equal(db.set("name", "ada"), True)
    equal(db.get("name"), "ada")
    equal(db.get("nothing"), None)
    equal(db.set("name", "bob", nx=True), None)
    equal(db.set("name", "bob", xx=True, get=True), "ada")
    equal(db.set("token", "t", ex=100), True)
    equal(0 < db.ttl("token") <= 100, True)
    equal(db.set("token", "u", keepttl=True), True)
    equal(db.ttl("token") > 0, True)
    equal(db.getex("token", persist=True), "u")
    equal(db.ttl("token"), -1)
    equal(db.getdel("token"), "u")
    equal(db.mset({"a": "1", "b": "2"}), True)
    equal(db.mget("a", "nothing", "b"), ["1", None, "2"])
    equal(db.msetnx({"b": "3", "c": "3"}), False)
    equal(db.incr("n"), 1)
    equal(db.incrby("n", 41), 42)
    equal(db.decr("n", 2), 40)
    equal(float(db.incrbyfloat("n", 0.5)), 40.5)
    equal(db.append("log", "one"), 3)
    equal(db.append("log", ",two"), 7)
    equal(db.setrange("log", 4, "TWO"), 7)
    equal(db.getrange("log", -3, -1), "TWO")
    equal(db.strlen("log"), 7)
    raw = redis.Redis(port=PORT, protocol=PROTOCOL)
    blob = bytes(range(256)) * 1000
    equal(raw.set(b"\x00key", blob), True)
    equal(raw.get(b"\x00key"), blob)
    raw.close()


def hashes(db):
    equal(db.hset("player", mapping={"name": "ada", "level": 7, "coins": 10}), 3)
    equal(db.hset("player", "level", 8), 0)
    equal(db.hget("player", "level"), "8")
    equal(db.hget("player", "none"), None)
    equal(db.hmget("player", "name", "none"), ["ada", None])
    equal(db.hgetall("player"), {"name": "ada", "level": "8", "coins": "10"})
    equal(db.hgetall("nobody"), {})
    equal(db.hincrby("player", "coins", -3), 7)
    equal(float(db.hincrbyfloat("player", "coins", 0.25)), 7.25)
    equal(db.hsetnx("player", "name", "bob") in (0, False), True)
    equal(db.hexists("player", "name"), True)
    equal(db.hstrlen("player", "name"), 3)
    equal(db.hdel("player", "coins", "none"), 1)
    equal(db.hlen("player"), 2)
    equal(sorted(db.hkeys("player")), ["level", "name"])
    equal(sorted(db.hvals("player")), ["8", "ada"])
    equal(db.hrandfield("player") in ("name", "level"), True)
    got = db.hrandfield("player", 5, withvalues=True)
    equal(len(got) in (2, 4), True)  # pairs in RESP3, flat in RESP2


def sets(db):
    equal(db.sadd("a", "x", "y", "z"), 3)
    equal(db.sadd("a", "x"), 0)
    equal(db.sadd("b", "y", "z", "w"), 3)
    equal(set(db.smembers("a")), {"x", "y", "z"})
    equal(db.sismember("a", "x") in (1, True), True)
    equal(list(map(int, db.smismember("a", ["x", "w"]))), [1, 0])
    equal(set(db.sinter("a", "b")), {"y", "z"})
    equal(set(db.sunion("a", "b")), {"w", "x", "y", "z"})
    equal(set(db.sdiff("a", "b")), {"x"})
    equal(db.sintercard(2, ["a", "b"], limit=1), 1)
    equal(db.sinterstore("c", "a", "b"), 2)
    equal(db.scard("c"), 2)
    equal(db.smove("a", "c", "x") in (1, True), True)
    equal(set(db.smembers("c")), {"x", "y", "z"})
    equal(db.srem("c", "x", "none"), 1)
    equal(db.srandmember("c") in ("y", "z"), True)
    equal(len(db.srandmember("c", -9)), 9)
    popped = db.spop("c", 5)
    equal(set(popped), {"y", "z"})
    equal(db.exists("c"), 0)
    equal(db.spop("c"), None)


def lists(db):
    equal(db.rpush("l", "b", "c", "d"), 3)
    equal(db.lpush("l", "a"), 4)
    equal(db.lrange("l", 0, -1), ["a", "b", "c", "d"])
    equal(db.lindex("l", -1), "d")
    equal(db.linsert("l", "BEFORE", "c", "bc"), 5)
    equal(db.lpos("l", "bc"), 2)
    equal(db.lset("l", 2, "x"), True)
    equal(db.lrem("l", 1, "x"), 1)
    equal(db.ltrim("l", 1, -1), True)
    equal(db.llen("l"), 3)
    equal(db.lpop("l"), "b")
    equal(db.rpop("l", 5), ["d", "c"])
    equal(db.lpop("l"), None)
    equal(db.rpush("l", "1", "2"), 2)
    equal(db.lmove("l", "m", "RIGHT", "LEFT"), "2")
    equal(db.lmpop(2, "none", "m", direction="LEFT"), ["m", ["2"]])
    equal(db.sort("l", alpha=True), ["1"])


def zsets(db):
    equal(db.zadd("board", {"ada": 1.5, "bob": 2, "cyn": 2}), 3)
    equal(pairs(db.zrevrange("board", 0, 0, withscores=True)), [("cyn", 2.0)])
    equal(db.zincrby("board", 1, "ada"), 2.5)
    equal(db.zrank("board", "ada"), 2)
    equal(db.zscore("board", "nobody"), None)
    equal(pairs(db.zpopmin("board", 1)), [("bob", 2.0)])


def pipeline(db):
    n = 3000
    with db.pipeline(transaction=False) as p:
        for i in range(n):
            p.set(f"k:{i}", i)
            p.incr("sum")
        replies = p.execute()
    equal(len(replies), 2 * n)
    equal(replies[-1], n)
    equal(db.dbsize(), n + 1)
    # One that fails among others: the others are carried out.
    with db.pipeline(transaction=False) as p:
        p.set("s", "x").incr("s").get("s")
        replies = p.execute(raise_on_error=False)
    equal(replies[0], True)
    equal(isinstance(replies[1], redis.ResponseError), True)
    equal(replies[2], "x")


def transaction(db):
    with db.pipeline(transaction=True) as p:
        p.set("a", 1).incr("a").hset("h", "f", "v").zadd("z", {"m": 1})
        equal(p.execute(), [True, 2, 1, 1])
    other = connect()
    tries = []

    def transfer(p):
        balance = int(p.get("a"))
        if not tries:
            other.incrby("a", 100)  # somebody comes between: the first try must not succeed
        tries.append(balance)
        p.multi()
        p.set("a", balance * 2)

    equal(db.transaction(transfer, "a"), [True])
    equal(tries, [2, 102])
    equal(db.get("a"), "204")
    with db.pipeline() as p:
        p.watch("a")
        other.set("a", "changed")
        p.multi()
        p.set("a", "lost")
        refused(redis.WatchError, "", p.execute)
    equal(db.get("a"), "changed")
    with db.pipeline() as p:
        p.set("b", 1).execute_command("GET")
        refused(redis.ResponseError, "", p.execute)
    equal(db.exists("b"), 0)
    other.close()


def pubsub(db):
    def next_of(kind):
        while True:
            m = listener.get_message(timeout=10)
            if m is None:
                raise AssertionError(f"no {kind} came")
            if m["type"] == kind:
                return m

    with db.pubsub() as listener:
        listener.subscribe("news", "chat")
        listener.psubscribe("score:*")
        for _ in range(2):
            next_of("subscribe")
        equal(next_of("psubscribe")["data"], 3)
        equal(sorted(db.pubsub_channels()), ["chat", "news"])
        equal(dict(db.pubsub_numsub("news", "none")), {"news": 1, "none": 0})
        equal(db.pubsub_numpat(), 1)
        equal(db.publish("news", "hello"), 1)
        equal(next_of("message")["data"], "hello")
        equal(db.publish("score:ada", "42"), 1)
        m = next_of("pmessage")
        equal((m["pattern"], m["channel"], m["data"]), ("score:*", "score:ada", "42"))
        for i in range(100):
            db.publish("chat", i)
        equal([next_of("message")["data"] for _ in range(100)], [str(i) for i in range(100)])
        listener.unsubscribe("news")
        next_of("unsubscribe")
        equal(db.publish("news", "nobody hears"), 0)
        if PROTOCOL == 2:  # in RESP3 the answer is no message
            listener.ping()
            next_of("pong")
    with db.pubsub() as listener:
        listener.ssubscribe("shard")
        next_of("ssubscribe")
        equal(db.spublish("shard", "s"), 1)
        equal(listener.get_sharded_message(timeout=10)["data"], "s")


def blocking(db):
    def served(push, call, *args, **options):
        """What the call answers that waits until push is called on another connection."""
        answer = []
        waiting = connect()

        def wait():
            try:
                answer.append(call(waiting)(*args, **options))
            except redis.RedisError as e:
                answer.append(e)

        thread = threading.Thread(target=wait)
        thread.start()
        while thread.is_alive() and db.info("clients")["blocked_clients"] == 0:
            pass  # the test's own limit of time ends it
        push()
        thread.join()
        waiting.close()
        return answer[0]

    equal(served(lambda: db.rpush("q", "job", "next"), lambda c: c.blpop, ["none", "q"]), ["q", "job"] if PROTOCOL == 3 else ("q", "job"))
    equal(db.lrange("q", 0, -1), ["next"])
    equal(list(db.brpop("q", 1)), ["q", "next"])
    equal(served(lambda: db.lpush("src", "moved"), lambda c: c.blmove, "src", "dst", 0, "LEFT", "RIGHT"), "moved")
    equal(db.lrange("dst", 0, -1), ["moved"])
    equal(served(lambda: db.rpush("m", "1", "2"), lambda c: c.blmpop, 0, 2, "none", "m", direction="LEFT", count=5), ["m", ["1", "2"]])
    row = served(lambda: db.zadd("z", {"ada": 7}), lambda c: c.bzpopmin, ["z"])
    equal((row[0], row[1], float(row[2])), ("z", "ada", 7.0))
    equal(db.blpop(["nothing"], timeout=0.01), None)


def scans(db):
    n = 1000
    with db.pipeline(transaction=False) as p:
        for i in range(n):
            p.set(f"key:{i}", i).hset("h", f"f{i}", i).sadd("s", f"m{i}").zadd("z", {f"m{i}": i})
        p.execute()
    equal(len(set(db.scan_iter(match="key:*", count=50))), n)
    equal(sorted(db.scan_iter(_type="HASH")), ["h"])
    equal(dict(db.hscan_iter("h", count=30)), {f"f{i}": str(i) for i in range(n)})
    equal(set(db.sscan_iter("s", count=30)), {f"m{i}" for i in range(n)})
    equal({m: float(s) for m, s in db.zscan_iter("z", count=30)}, {f"m{i}": float(i) for i in range(n)})
    equal(set(db.sscan_iter("s", match="m99*")), {"m99"} | {f"m99{i}" for i in range(10)})


def inspects(db):
    once = connect(retry=Retry(NoBackoff(), 0))  # else the driver tries ten times more
    refused(redis.AuthenticationError, "invalid username-password pair", once.execute_command, "AUTH", "nobody", "x")
    once.close()
    log = db.acl_log()
    equal((log[0]["count"], log[0]["reason"], log[0]["object"], log[0]["username"]), (1, "auth", "AUTH", "nobody"))
    equal(db.acl_log_reset(), True)
    equal(db.acl_log(), [])
    equal(db.acl_whoami(), "default")
    equal(db.acl_users(), ["default"])
    equal(db.acl_list(), ["user default on nopass ~* &* +@all"])
    user = db.acl_getuser("default")
    equal((set(user["flags"]), user["passwords"]), ({"on", "nopass"}, []))
    equal("sortedset" in db.acl_cat() and "zadd" in db.acl_cat("sortedset"), True)
    equal(len(db.acl_genpass(128)), 32)
    zadd = db.command()["zadd"]
    equal((zadd["arity"], zadd["first_key_pos"], set(zadd["flags"])), (-4, 1, {"write", "denyoom", "fast"}))
    equal(db.command_count() > 100, True)
    equal(db.command_list(pattern="zpop*") in (["zpopmin", "zpopmax"], ["zpopmax", "zpopmin"]), True)
    equal(db.command_getkeys("MSET", "a", 1, "b", 2), ["a", "b"])
    equal(db.execute_command("MODULE LIST"), [])
    equal("driver-test" in [c["name"] for c in db.client_list()], True)  # others may still be on their way out
    equal(db.config_get("maxmemory-p*"), {"maxmemory-policy": "noeviction"})
    equal(db.config_set("slowlog-log-slower-than", 0), True)
    db.get("slow")
    db.config_set("slowlog-log-slower-than", 10000)
    equal("GET slow" in [e["command"] if isinstance(e["command"], str) else e["command"].decode() for e in db.slowlog_get()], True)
    equal(db.info("server")["redis_mode"], "standalone")


def errors(db):
    db.set("s", "text")
    refused(redis.ResponseError, "WRONGTYPE", db.lpush, "s", "x")
    refused(redis.ResponseError, "WRONGTYPE", db.hget, "s", "f")
    refused(redis.ResponseError, "not an integer", db.incr, "s")
    refused(redis.ResponseError, "unknown command", db.execute_command, "NOSUCH")
    refused(redis.ResponseError, "wrong number of arguments", db.execute_command, "GET")
    refused(redis.ResponseError, "syntax", db.execute_command, "SET", "s", "v", "WHAT")
    refused(redis.ResponseError, "without MULTI", db.execute_command, "EXEC")
    refused(redis.ResponseError, "out of range", db.execute_command, "SELECT", 99)
    db.set("n", str(2**63 - 1))
    refused(redis.ResponseError, "overflow", db.incr, "n")
    equal(db.get("s"), "text")


failed = False
for step in (connects, strings, hashes, sets, lists, zsets, pipeline, transaction, pubsub, blocking, scans, inspects, errors):
    db = connect()
    try:
        db.flushall()
        step(db)
        print("pass", step.__name__)
    except Exception:
        print("fail", step.__name__)
        traceback.print_exc(file=sys.stdout)
        failed = True
    db.close()
sys.exit(failed)
