// What the scenarios of all drivers of JavaScript stand on. They are called with
// the port of an empty server on this machine and the version of the protocol.
'use strict';

const assert = require('node:assert');

exports.port = Number(process.argv[2]);
exports.protocol = Number(process.argv[3]);
exports.equal = assert.deepStrictEqual;

// sorted is for replies whose order means nothing.
exports.sorted = (list) => [...list].sort();

// numbered lists the texts that f makes of the numbers below n.
exports.numbered = (n, f) => Array.from({ length: n }, (_, i) => f(i));

// refused awaits an error that says text.
exports.refused = async (text, promise) => {
  let got;
  try {
    got = await promise;
  } catch (e) {
    assert.ok(String(e.message).includes(text), `the error says ${e.message}, not ${text}`);
    return;
  }
  assert.fail(`got ${JSON.stringify(got)}, want an error that says ${text}`);
};

// until waits for what another connection brings about; the test's own limit of
// time ends it.
exports.until = async (condition) => {
  while (!(await condition()));
};

// inbox collects what listeners are told and hands it out in order.
exports.inbox = () => {
  const come = [], awaited = [];
  return {
    put(...message) {
      if (awaited.length > 0) awaited.shift()(message);
      else come.push(message);
    },
    next() {
      if (come.length > 0) return Promise.resolve(come.shift());
      return new Promise((resolve) => awaited.push(resolve));
    },
  };
};

// play runs the steps, each with a connection of its own to a server made empty, and prints
// one line for each: "pass NAME" or "fail NAME", after which it says why.
exports.play = async (connect, close, empty, steps) => {
  let failed = false;
  for (const step of steps) {
    const db = await connect();
    try {
      await empty(db);
      await step(db);
      console.log('pass', step.name);
    } catch (e) {
      console.log('fail', step.name);
      console.log(e.stack);
      failed = true;
    }
    await close(db);
  }
  process.exit(failed ? 1 : 0);
};
