// The scenario of the drivers with ioredis.
'use strict';

const Redis = require('ioredis');
const { port, protocol, equal, sorted, numbered, refused, until, inbox, play } = require('./play.js');

async function connect() {
  const db = new Redis({ port, protocol, connectionName: 'driver-test', retryStrategy: null, lazyConnect: true });
  await db.connect();
  return db;
}

async function connects(db) {
  const info = await db.client('INFO');
  equal(/ name=driver-test /.test(info), true);
  equal(/ resp=(\d)/.exec(info)[1], String(protocol));
  equal(await db.ping(), 'PONG');
  equal(await db.echo('a\r\nb'), 'a\r\nb');
}

async function strings(db) {
  equal(await db.set('name', 'ada'), 'OK');
  equal(await db.get('name'), 'ada');
  equal(await db.get('nothing'), null);
  equal(await db.set('name', 'bob', 'NX'), null);
  equal(await db.set('name', 'bob', 'XX', 'GET'), 'ada');
  equal(await db.set('token', 't', 'EX', 100), 'OK');
  equal(await db.set('token', 'u', 'KEEPTTL'), 'OK');
  equal((await db.ttl('token')) > 0, true);
  equal(await db.getex('token', 'PERSIST'), 'u');
  equal(await db.ttl('token'), -1);
  equal(await db.getdel('token'), 'u');
  equal(await db.mset({ a: '1', b: '2' }), 'OK');
  equal(await db.mget('a', 'nothing', 'b'), ['1', null, '2']);
  equal(await db.msetnx('b', '3', 'c', '3'), 0);
  equal(await db.incr('n'), 1);
  equal(await db.incrby('n', 41), 42);
  equal(await db.decrby('n', 2), 40);
  equal(await db.incrbyfloat('n', 0.5), '40.5');
  equal(await db.append('log', 'one'), 3);
  equal(await db.append('log', ',two'), 7);
  equal(await db.setrange('log', 4, 'TWO'), 7);
  equal(await db.getrange('log', -3, -1), 'TWO');
  equal(await db.strlen('log'), 7);
  const blob = Buffer.alloc(256 * 1000, Buffer.from(numbered(256, (i) => i)));
  equal(await db.set('blob', blob), 'OK');
  equal(await db.getBuffer('blob'), blob);
}

async function hashes(db) {
  equal(await db.hset('player', { name: 'ada', level: 7, coins: 10 }), 3);
  equal(await db.hset('player', 'level', 8), 0);
  equal(await db.hget('player', 'level'), '8');
  equal(await db.hmget('player', 'name', 'none'), ['ada', null]);
  equal({ ...(await db.hgetall('player')) }, { name: 'ada', level: '8', coins: '10' });
  equal({ ...(await db.hgetall('nobody')) }, {});
  equal(await db.hincrby('player', 'coins', -3), 7);
  equal(await db.hincrbyfloat('player', 'coins', 0.25), '7.25');
  equal(await db.hsetnx('player', 'name', 'bob'), 0);
  equal(await db.hexists('player', 'name'), 1);
  equal(await db.hstrlen('player', 'name'), 3);
  equal(await db.hdel('player', 'coins', 'none'), 1);
  equal(await db.hlen('player'), 2);
  equal(sorted(await db.hkeys('player')), ['level', 'name']);
  equal(sorted(await db.hvals('player')), ['8', 'ada']);
  equal(['name', 'level'].includes(await db.hrandfield('player')), true);
}

async function sets(db) {
  equal(await db.sadd('a', 'x', 'y', 'z'), 3);
  equal(await db.sadd('a', 'x'), 0);
  equal(await db.sadd('b', 'y', 'z', 'w'), 3);
  equal(sorted(await db.smembers('a')), ['x', 'y', 'z']);
  equal(await db.sismember('a', 'x'), 1);
  equal(await db.smismember('a', 'x', 'w'), [1, 0]);
  equal(sorted(await db.sinter('a', 'b')), ['y', 'z']);
  equal(sorted(await db.sunion('a', 'b')), ['w', 'x', 'y', 'z']);
  equal(await db.sdiff('a', 'b'), ['x']);
  equal(await db.sintercard(2, 'a', 'b', 'LIMIT', 1), 1);
  equal(await db.sinterstore('c', 'a', 'b'), 2);
  equal(await db.smove('a', 'c', 'x'), 1);
  equal(await db.scard('c'), 3);
  equal(await db.srem('c', 'x', 'none'), 1);
  equal((await db.srandmember('c', -9)).length, 9);
  equal(sorted(await db.spop('c', 5)), ['y', 'z']);
  equal(await db.exists('c'), 0);
  equal(await db.spop('c'), null);
}

async function lists(db) {
  equal(await db.rpush('l', 'b', 'c', 'd'), 3);
  equal(await db.lpush('l', 'a'), 4);
  equal(await db.lrange('l', 0, -1), ['a', 'b', 'c', 'd']);
  equal(await db.lindex('l', -1), 'd');
  equal(await db.linsert('l', 'BEFORE', 'c', 'bc'), 5);
  equal(await db.lpos('l', 'bc'), 2);
  equal(await db.lset('l', 2, 'x'), 'OK');
  equal(await db.lrem('l', 1, 'x'), 1);
  equal(await db.ltrim('l', 1, -1), 'OK');
  equal(await db.lpop('l'), 'b');
  equal(await db.rpop('l', 5), ['d', 'c']);
  equal(await db.lpop('l'), null);
  equal(await db.rpush('l', '1', '2'), 2);
  equal(await db.lmove('l', 'm', 'RIGHT', 'LEFT'), '2');
  equal(await db.lmpop(2, 'none', 'm', 'LEFT'), ['m', ['2']]);
}

async function zsets(db) {
  equal(await db.zadd('board', 1.5, 'ada', 2, 'bob', 2, 'cyn'), 3);
  equal((await db.zrevrange('board', 0, 0, 'WITHSCORES')).flat().map(String), ['cyn', '2']);
  equal(Number(await db.zincrby('board', 1, 'ada')), 2.5);
  equal(await db.zrank('board', 'ada'), 2);
  equal(await db.zscore('board', 'nobody'), null);
  equal((await db.zpopmin('board')).map(String), ['bob', '2']);
}

async function pipeline(db) {
  const n = 3000;
  const p = db.pipeline();
  for (let i = 0; i < n; i++) p.set(`k:${i}`, i).incr('sum');
  const replies = await p.exec();
  equal(replies.length, 2 * n);
  equal(replies[2 * n - 1], [null, n]);
  equal(await db.dbsize(), n + 1);
  // One that fails among others: the others are carried out.
  const mixed = await db.pipeline().set('s', 'x').incr('s').get('s').exec();
  equal(mixed[0], [null, 'OK']);
  equal(mixed[1][0].message.includes('not an integer'), true);
  equal(mixed[2], [null, 'x']);
}

async function transaction(db) {
  const done = await db.multi().set('a', 1).incr('a').hset('h', 'f', 'v').zadd('z', 1, 'm').exec();
  equal(done, [[null, 'OK'], [null, 2], [null, 1], [null, 1]]);
  const other = await connect();
  const tries = [];
  let result = null;
  while (result === null) {
    await db.watch('a');
    const balance = Number(await db.get('a'));
    if (tries.length === 0) await other.incrby('a', 100); // somebody comes between: the first try must not succeed
    tries.push(balance);
    result = await db.multi().set('a', balance * 2).exec();
  }
  equal(tries, [2, 102]);
  equal(await db.get('a'), '204');
  // Each command by itself, with the answers QUEUED.
  equal(await db.multi({ pipeline: false }), 'OK');
  equal(await db.incr('a'), 'QUEUED');
  equal(await db.exec(), [[null, 205]]);
  await db.multi({ pipeline: false });
  await refused('wrong number of arguments', db.call('GET'));
  await refused('EXECABORT', db.exec());
  equal(await db.multi({ pipeline: false }), 'OK');
  equal(await db.set('a', 'lost'), 'QUEUED');
  equal(await db.discard(), 'OK');
  equal(await db.get('a'), '205');
  await close(other);
}

async function pubsub(db) {
  const listener = await connect();
  const messages = inbox();
  listener.on('message', messages.put);
  listener.on('pmessage', messages.put);
  listener.on('smessage', messages.put);
  equal(await listener.subscribe('news', 'chat'), 2);
  equal(await listener.psubscribe('score:*'), 3);
  equal(sorted(await db.pubsub('CHANNELS')), ['chat', 'news']);
  equal(await db.pubsub('NUMSUB', 'news', 'none'), ['news', 1, 'none', 0]);
  equal(await db.pubsub('NUMPAT'), 1);
  equal(await db.publish('news', 'hello'), 1);
  equal(await messages.next(), ['news', 'hello']);
  equal(await db.publish('score:ada', '42'), 1);
  equal(await messages.next(), ['score:*', 'score:ada', '42']);
  await Promise.all(numbered(100, (i) => db.publish('chat', i)));
  for (let i = 0; i < 100; i++) equal(await messages.next(), ['chat', String(i)]);
  equal(await listener.unsubscribe('news'), 2);
  equal(await db.publish('news', 'nobody hears'), 0);
  equal(await listener.ssubscribe('shard'), 1);
  equal(await db.spublish('shard', 's'), 1);
  equal(await messages.next(), ['shard', 's']);
  await listener.punsubscribe('score:*');
  await listener.unsubscribe('chat');
  await listener.sunsubscribe('shard');
  equal(await listener.set('as', 'before'), 'OK');
  await close(listener);
}

async function blocking(db) {
  // served is what the call answers that waits until push is called on another connection.
  async function served(call, push) {
    const waiting = await connect();
    const answer = call(waiting);
    await until(async () => /blocked_clients:1\r/.test(await db.info('clients')));
    await push();
    const got = await answer;
    await close(waiting);
    return got;
  }
  equal(await served((c) => c.blpop('none', 'q', 0), () => db.rpush('q', 'job', 'next')), ['q', 'job']);
  equal(await db.lrange('q', 0, -1), ['next']);
  equal(await db.brpop('q', 1), ['q', 'next']);
  equal(await served((c) => c.blmove('src', 'dst', 'LEFT', 'RIGHT', 0), () => db.lpush('src', 'moved')), 'moved');
  equal(await db.lrange('dst', 0, -1), ['moved']);
  equal(await served((c) => c.blmpop(0, 2, 'none', 'm', 'LEFT', 'COUNT', 5), () => db.rpush('m', '1', '2')), ['m', ['1', '2']]);
  equal((await served((c) => c.bzpopmin('z', 0), () => db.zadd('z', 7, 'ada'))).map(String), ['z', 'ada', '7']);
  equal(await db.blpop('nothing', 0.01), null);
}

async function scans(db) {
  const n = 1000;
  const p = db.pipeline();
  for (let i = 0; i < n; i++) p.set(`key:${i}`, i).hset('h', `f${i}`, i).sadd('s', `m${i}`).zadd('z', i, `m${i}`);
  await p.exec();
  async function all(stream) {
    const found = [];
    for await (const part of stream) found.push(...part);
    return found;
  }
  // pairs makes a map of what alternates; what is seen twice is one.
  const pairs = (list) => new Map(numbered(list.length / 2, (i) => [list[2 * i], list[2 * i + 1]]));
  equal(new Set(await all(db.scanStream({ match: 'key:*', count: 50 }))).size, n);
  equal(await all(db.scanStream({ type: 'hash' })), ['h']);
  const fields = pairs(await all(db.hscanStream('h', { count: 30 })));
  equal([fields.size, fields.get('f777')], [n, '777']);
  equal(new Set(await all(db.sscanStream('s', { count: 30 }))), new Set(numbered(n, (i) => `m${i}`)));
  const scores = pairs(await all(db.zscanStream('z', { count: 30 })));
  equal([scores.size, Number(scores.get('m777'))], [n, 777]);
  equal(new Set(await all(db.sscanStream('s', { match: 'm99*' }))), new Set(['m99', ...numbered(10, (i) => `m99${i}`)]));
}

async function inspects(db) {
  await refused('WRONGPASS', db.auth('nobody', 'x'));
  const [entry] = await db.acl('LOG');
  // Pairs in a list in RESP2; the driver has maps of RESP3 as objects.
  equal(Array.isArray(entry) ? entry[entry.indexOf('username') + 1] : entry.username, 'nobody');
  equal(await db.acl('LOG', 'RESET'), 'OK');
  equal(await db.acl('WHOAMI'), 'default');
  equal(await db.acl('LIST'), ['user default on nopass ~* &* +@all']);
  equal((await db.acl('CAT', 'sortedset')).includes('zadd'), true);
  equal((await db.acl('GENPASS', 128)).length, 32);
  const [zadd] = await db.command('INFO', 'zadd');
  equal([zadd[0], zadd[1], zadd[3], zadd[4], zadd[5]], ['zadd', -4, 1, 1, 1]);
  equal((await db.command()).length, await db.command('COUNT'));
  equal(await db.command('GETKEYS', 'MSET', 'a', 1, 'b', 2), ['a', 'b']);
  equal(await db.module('LIST'), []);
  equal((await db.client('LIST')).split('\n').some((line) => line.startsWith('id=') && line.includes(' cmd=client|list ')), true);
  equal(/redis_mode:(\w+)/.exec(await db.info('server'))[1], 'standalone');
}

async function errors(db) {
  await db.set('s', 'text');
  await refused('WRONGTYPE', db.lpush('s', 'x'));
  await refused('WRONGTYPE', db.hget('s', 'f'));
  await refused('not an integer', db.incr('s'));
  await refused('unknown command', db.call('NOSUCH'));
  await refused('wrong number of arguments', db.call('GET'));
  await refused('syntax error', db.call('SET', 's', 'v', 'WHAT'));
  await refused('without MULTI', db.call('EXEC'));
  await refused('out of range', db.select(99));
  await db.set('n', '9223372036854775807');
  await refused('overflow', db.incr('n'));
  equal(await db.get('s'), 'text');
}

const close = (db) => db.quit();

play(connect, close, (db) => db.call('FLUSHALL'),
  [connects, strings, hashes, sets, lists, zsets, pipeline, transaction, pubsub, blocking, scans, inspects, errors]);
