// The scenario of the drivers with node-redis.
'use strict';

const { createClient, RESP_TYPES, WatchError } = require('redis');
const { port, protocol, equal, sorted, numbered, refused, until, inbox, play } = require('./play.js');

async function connect() {
  const db = createClient({ RESP: protocol, name: 'driver-test', socket: { port, host: '127.0.0.1', reconnectStrategy: false } });
  db.on('error', () => {}); // what waits for an answer is told as well
  return db.connect();
}

async function connects(db) {
  const info = await db.sendCommand(['CLIENT', 'INFO']);
  equal(/ name=driver-test /.test(info), true);
  equal(/ resp=(\d)/.exec(info)[1], String(protocol));
  equal(await db.ping(), 'PONG');
  equal(await db.echo('a\r\nb'), 'a\r\nb');
}

async function strings(db) {
  equal(await db.set('name', 'ada'), 'OK');
  equal(await db.get('name'), 'ada');
  equal(await db.get('nothing'), null);
  equal(await db.set('name', 'bob', { condition: 'NX' }), null);
  equal(await db.set('name', 'bob', { condition: 'XX', GET: true }), 'ada');
  equal(await db.set('token', 't', { expiration: { type: 'EX', value: 100 } }), 'OK');
  equal(await db.set('token', 'u', { expiration: 'KEEPTTL' }), 'OK');
  equal((await db.ttl('token')) > 0, true);
  equal(await db.getEx('token', { type: 'PERSIST' }), 'u');
  equal(await db.ttl('token'), -1);
  equal(await db.getDel('token'), 'u');
  equal(await db.mSet({ a: '1', b: '2' }), 'OK');
  equal(await db.mGet(['a', 'nothing', 'b']), ['1', null, '2']);
  equal(Number(await db.mSetNX({ b: '3', c: '3' })), 0);
  equal(await db.incr('n'), 1);
  equal(await db.incrBy('n', 41), 42);
  equal(await db.decrBy('n', 2), 40);
  equal(await db.incrByFloat('n', 0.5), '40.5');
  equal(await db.append('log', 'one'), 3);
  equal(await db.append('log', ',two'), 7);
  equal(await db.setRange('log', 4, 'TWO'), 7);
  equal(await db.getRange('log', -3, -1), 'TWO');
  equal(await db.strLen('log'), 7);
  const blob = Buffer.alloc(256 * 1000, Buffer.from(numbered(256, (i) => i)));
  equal(await db.set('blob', blob), 'OK');
  equal(await db.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer }).get('blob'), blob);
}

async function hashes(db) {
  equal(await db.hSet('player', { name: 'ada', level: 7, coins: 10 }), 3);
  equal(await db.hSet('player', 'level', 8), 0);
  equal(await db.hGet('player', 'level'), '8');
  equal(await db.hmGet('player', ['name', 'none']), ['ada', null]);
  equal({ ...(await db.hGetAll('player')) }, { name: 'ada', level: '8', coins: '10' });
  equal({ ...(await db.hGetAll('nobody')) }, {});
  equal(await db.hIncrBy('player', 'coins', -3), 7);
  equal(await db.hIncrByFloat('player', 'coins', 0.25), '7.25');
  equal(Number(await db.hSetNX('player', 'name', 'bob')), 0);
  equal(Number(await db.hExists('player', 'name')), 1);
  equal(await db.hStrLen('player', 'name'), 3);
  equal(await db.hDel('player', ['coins', 'none']), 1);
  equal(await db.hLen('player'), 2);
  equal(sorted(await db.hKeys('player')), ['level', 'name']);
  equal(sorted(await db.hVals('player')), ['8', 'ada']);
  equal(['name', 'level'].includes(await db.hRandField('player')), true);
  const drawn = await db.hRandFieldCountWithValues('player', 5);
  equal(sorted(drawn.map(({ field, value }) => `${field}=${value}`)), ['level=8', 'name=ada']);
}

async function sets(db) {
  equal(await db.sAdd('a', ['x', 'y', 'z']), 3);
  equal(await db.sAdd('a', 'x'), 0);
  equal(await db.sAdd('b', ['y', 'z', 'w']), 3);
  equal(sorted(await db.sMembers('a')), ['x', 'y', 'z']);
  equal(Number(await db.sIsMember('a', 'x')), 1);
  equal((await db.smIsMember('a', ['x', 'w'])).map(Number), [1, 0]);
  equal(sorted(await db.sInter(['a', 'b'])), ['y', 'z']);
  equal(sorted(await db.sUnion(['a', 'b'])), ['w', 'x', 'y', 'z']);
  equal([...(await db.sDiff(['a', 'b']))], ['x']);
  equal(await db.sInterCard(['a', 'b'], { LIMIT: 1 }), 1);
  equal(await db.sInterStore('c', ['a', 'b']), 2);
  equal(Number(await db.sMove('a', 'c', 'x')), 1);
  equal(await db.sCard('c'), 3);
  equal(await db.sRem('c', ['x', 'none']), 1);
  equal((await db.sRandMemberCount('c', -9)).length, 9);
  equal(sorted(await db.sPopCount('c', 5)), ['y', 'z']);
  equal(await db.exists('c'), 0);
  equal(await db.sPop('c'), null);
}

async function lists(db) {
  equal(await db.rPush('l', ['b', 'c', 'd']), 3);
  equal(await db.lPush('l', 'a'), 4);
  equal(await db.lRange('l', 0, -1), ['a', 'b', 'c', 'd']);
  equal(await db.lIndex('l', -1), 'd');
  equal(await db.lInsert('l', 'BEFORE', 'c', 'bc'), 5);
  equal(await db.lPos('l', 'bc'), 2);
  equal(await db.lSet('l', 2, 'x'), 'OK');
  equal(await db.lRem('l', 1, 'x'), 1);
  equal(await db.lTrim('l', 1, -1), 'OK');
  equal(await db.lPop('l'), 'b');
  equal(await db.rPopCount('l', 5), ['d', 'c']);
  equal(await db.lPop('l'), null);
  equal(await db.rPush('l', ['1', '2']), 2);
  equal(await db.lMove('l', 'm', 'RIGHT', 'LEFT'), '2');
  equal(await db.lmPop(['none', 'm'], 'LEFT'), ['m', ['2']]);
}

async function zsets(db) {
  equal(await db.zAdd('board', [{ score: 1.5, value: 'ada' }, { score: 2, value: 'bob' }, { score: 2, value: 'cyn' }]), 3);
  const [best] = await db.zRangeWithScores('board', 0, 0, { REV: true });
  equal([best.value, best.score], ['cyn', 2]);
  equal(await db.zIncrBy('board', 1, 'ada'), 2.5);
  equal(await db.zRank('board', 'ada'), 2);
  equal(await db.zScore('board', 'nobody'), null);
  const popped = await db.zPopMin('board');
  equal([popped.value, popped.score], ['bob', 2]);
}

async function pipeline(db) {
  // Commands given in one turn go out together.
  const n = 3000, sums = [];
  for (let i = 0; i < n; i++) {
    db.set(`k:${i}`, String(i));
    sums.push(db.incr('sum'));
  }
  equal(await Promise.all(sums), numbered(n, (i) => i + 1));
  equal(await db.dbSize(), n + 1);
  equal(await db.multi().set('s', 'x').get('s').execAsPipeline(), ['OK', 'x']);
  // One that fails among others: the others are carried out.
  const mixed = await Promise.allSettled([db.set('s', 'x'), db.incr('s'), db.get('s')]);
  equal(mixed.map((r) => r.status), ['fulfilled', 'rejected', 'fulfilled']);
  equal(mixed[2].value, 'x');
}

async function transaction(db) {
  const done = await db.multi().set('a', '1').incr('a').hSet('h', 'f', 'v').zAdd('z', { score: 1, value: 'm' }).exec();
  equal(done, ['OK', 2, 1, 1]);
  const other = await connect();
  const tries = [];
  let result;
  while (result === undefined) {
    await db.watch('a');
    const balance = Number(await db.get('a'));
    if (tries.length === 0) await other.incrBy('a', 100); // somebody comes between: the first try must not succeed
    tries.push(balance);
    try {
      result = await db.multi().set('a', String(balance * 2)).exec();
    } catch (e) {
      if (!(e instanceof WatchError)) throw e;
    }
  }
  equal(result, ['OK']);
  equal(tries, [2, 102]);
  equal(await db.get('a'), '204');
  await db.watch('a');
  equal(await db.unwatch(), 'OK');
  await other.incr('a');
  equal(await db.multi().incr('a').exec(), [206]);
  await refused('', db.multi().set('a', 'lost').addCommand(['GET']).exec());
  equal(await db.get('a'), '206');
  await close(other);
}

async function pubsub(db) {
  const listener = await connect();
  const messages = inbox();
  await listener.subscribe(['news', 'chat'], messages.put);
  await listener.pSubscribe('score:*', messages.put);
  equal(sorted(await db.pubSubChannels()), ['chat', 'news']);
  equal({ ...(await db.pubSubNumSub(['news', 'none'])) }, { news: 1, none: 0 });
  equal(await db.pubSubNumPat(), 1);
  equal(await db.publish('news', 'hello'), 1);
  equal(await messages.next(), ['hello', 'news']);
  equal(await db.publish('score:ada', '42'), 1);
  equal(await messages.next(), ['42', 'score:ada']);
  await Promise.all(numbered(100, (i) => db.publish('chat', String(i))));
  for (let i = 0; i < 100; i++) equal(await messages.next(), [String(i), 'chat']);
  if (protocol === 3) equal(await listener.set('beside', 'messages'), 'OK');
  await listener.unsubscribe('news');
  equal(await db.publish('news', 'nobody hears'), 0);
  await listener.sSubscribe('shard', messages.put);
  equal(await db.sPublish('shard', 's'), 1);
  equal(await messages.next(), ['s', 'shard']);
  await listener.sUnsubscribe('shard');
  await listener.pUnsubscribe('score:*');
  await listener.unsubscribe('chat');
  equal(String(await listener.set('as', 'before')), 'OK');
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
  const popped = await served((c) => c.blPop(['none', 'q'], 0), () => db.rPush('q', ['job', 'next']));
  equal([popped.key, popped.element], ['q', 'job']);
  equal(await db.lRange('q', 0, -1), ['next']);
  equal((await db.brPop('q', 1)).element, 'next');
  equal(await served((c) => c.blMove('src', 'dst', 'LEFT', 'RIGHT', 0), () => db.lPush('src', 'moved')), 'moved');
  equal(await db.lRange('dst', 0, -1), ['moved']);
  equal(await served((c) => c.blmPop(0, ['none', 'm'], 'LEFT', { COUNT: 5 }), () => db.rPush('m', ['1', '2'])), ['m', ['1', '2']]);
  const row = await served((c) => c.bzPopMin('z', 0), () => db.zAdd('z', { score: 7, value: 'ada' }));
  equal([row.key, row.value, row.score], ['z', 'ada', 7]);
  equal(await db.blPop('nothing', 0.01), null);
}

async function scans(db) {
  const n = 1000, sent = [];
  for (let i = 0; i < n; i++) {
    sent.push(db.set(`key:${i}`, String(i)), db.hSet('h', `f${i}`, String(i)), db.sAdd('s', `m${i}`), db.zAdd('z', { score: i, value: `m${i}` }));
  }
  await Promise.all(sent);
  async function all(iterator) {
    const found = [];
    for await (const part of iterator) found.push(...part);
    return found;
  }
  equal(new Set(await all(db.scanIterator({ MATCH: 'key:*', COUNT: 50 }))).size, n);
  equal(await all(db.scanIterator({ TYPE: 'hash' })), ['h']);
  const fields = new Map((await all(db.hScanIterator('h', { COUNT: 30 }))).map(({ field, value }) => [field, value]));
  equal([fields.size, fields.get('f777')], [n, '777']);
  equal(new Set(await all(db.sScanIterator('s', { COUNT: 30 }))), new Set(numbered(n, (i) => `m${i}`)));
  const scores = new Map((await all(db.zScanIterator('z', { COUNT: 30 }))).map(({ value, score }) => [value, score]));
  equal([scores.size, scores.get('m777')], [n, 777]);
  equal(new Set(await all(db.sScanIterator('s', { MATCH: 'm99*' }))), new Set(['m99', ...numbered(10, (i) => `m99${i}`)]));
}

async function inspects(db) {
  await refused('WRONGPASS', db.sendCommand(['AUTH', 'nobody', 'x']));
  const [entry] = await db.aclLog();
  equal([entry.count, entry.reason, entry.object, entry.username], [1, 'auth', 'AUTH', 'nobody']);
  equal(await db.aclLogReset(), 'OK');
  equal(await db.aclLog(), []);
  equal(await db.aclWhoAmI(), 'default');
  equal(await db.aclUsers(), ['default']);
  equal(await db.aclList(), ['user default on nopass ~* &* +@all']);
  const user = await db.aclGetUser('default');
  equal([sorted(user.flags), user.passwords, user.commands, user.keys], [['nopass', 'on'], [], '+@all', '~*']);
  equal((await db.aclCat('sortedset')).includes('zadd'), true);
  equal(await db.aclDryRun('default', ['GET', 'a']), 'OK');
  equal((await db.aclGenPass(128)).length, 32);
  const [zadd] = await db.commandInfo(['zadd']);
  equal([zadd.name, zadd.arity, zadd.firstKeyIndex, sorted([...zadd.categories])], ['zadd', -4, 1, ['@fast', '@sortedset', '@write']]);
  equal((await db.command()).length, await db.commandCount());
  equal(sorted(await db.commandList({ FILTERBY: { type: 'PATTERN', value: 'zpop*' } })), ['zpopmax', 'zpopmin']);
  equal(await db.commandGetKeys(['MSET', 'a', '1', 'b', '2']), ['a', 'b']);
  const [key] = await db.commandGetKeysAndFlags(['GET', 'a']);
  equal([key.key, sorted([...key.flags])], ['a', ['RO', 'access']]);
  equal(await db.moduleList(), []);
  equal((await db.clientList()).some((c) => c.name === 'driver-test'), true); // others may still be on their way out
  equal({ ...(await db.configGet('maxmemory-p*')) }, { 'maxmemory-policy': 'noeviction' });
  equal(/redis_mode:(\w+)/.exec(await db.info('server'))[1], 'standalone');
}

async function errors(db) {
  await db.set('s', 'text');
  await refused('WRONGTYPE', db.lPush('s', 'x'));
  await refused('WRONGTYPE', db.hGet('s', 'f'));
  await refused('not an integer', db.incr('s'));
  await refused('unknown command', db.sendCommand(['NOSUCH']));
  await refused('wrong number of arguments', db.sendCommand(['GET']));
  await refused('syntax error', db.sendCommand(['SET', 's', 'v', 'WHAT']));
  await refused('without MULTI', db.sendCommand(['EXEC']));
  await refused('out of range', db.sendCommand(['SELECT', '99']));
  await db.set('n', '9223372036854775807');
  await refused('overflow', db.incr('n'));
  equal(await db.get('s'), 'text');
}

const close = (db) => db.close();

play(connect, close, (db) => db.flushAll(),
  [connects, strings, hashes, sets, lists, zsets, pipeline, transaction, pubsub, blocking, scans, inspects, errors]);
