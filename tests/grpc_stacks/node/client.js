// The checks with @grpc/grpc-js: see ../README.md.
'use strict';

const assert = require('assert');
const fs = require('fs');
const grpc = require('@grpc/grpc-js');

const [PLAIN, GZIP, PINGS, TLS, AUTHORITY, NODE] = process.argv.slice(2);
const MIB = 1 << 20;
const SIZES = [0, 1, 1000, 16384, 65536, 1000000, 4 * MIB, 10 * MIB];
const TEXT = 'nö: 100 % – 错误\n';
const BLOCK = Buffer.from(Array.from({ length: 1021 }, (_, i) => (i * 31) & 0xff));

const pattern = (size) => Buffer.alloc(size, BLOCK);
const after = (ms) => new Promise((done) => setTimeout(done, ms));
const raw = (bytes) => bytes;

/** A channel with raw bytes for messages. */
class Echo {
  constructor(address, options = {}, credentials = grpc.credentials.createInsecure()) {
    this.client = new grpc.Client(address, credentials, {
      'grpc.max_send_message_length': -1,
      'grpc.max_receive_message_length': -1,
      // A connection of its own: channels alike share theirs.
      'grpc.use_local_subchannel_pool': 1,
      ...options,
    });
  }

  close() {
    this.client.close();
  }

  /** @returns the call and the promise of its answer */
  begin(path, request, { metadata = new grpc.Metadata(), seconds = 30 } = {}) {
    const options = { deadline: Date.now() + seconds * 1000 };
    let call;
    const answer = new Promise((resolve, reject) => {
      call = this.client.makeUnaryRequest(path, raw, raw, request, metadata, options, (error, x) =>
        error ? reject(error) : resolve(x)
      );
    });
    answer.catch(() => {}); // who asks for it hears of its failure
    return { call, answer };
  }

  call(path, request = Buffer.alloc(0), options = {}) {
    return this.begin(path, request, options).answer;
  }

  unary(request) {
    return this.call('/nacre.Echo/Unary', request);
  }

  stream() {
    const options = { deadline: Date.now() + 30000 };
    return this.client.makeBidiStreamRequest('/nacre.Echo/Stream', raw, raw, options);
  }

  ask(path, request) {
    const options = { deadline: Date.now() + 30000 };
    return this.client.makeServerStreamRequest(path, raw, raw, Buffer.from(request), options);
  }

  many(count, size) {
    return this.ask('/nacre.Echo/Many', `${count} ${size}`);
  }

  async seen() {
    return JSON.parse(await this.call('/nacre.Echo/Seen'));
  }

  /** Until so many calls are under way at the server, with this one. */
  async awaitCalls(number) {
    const deadline = Date.now() + 10000;
    for (;;) {
      const seen = await this.seen();
      if (seen.calls === number) return seen;
      assert(Date.now() < deadline, `not ${number} calls: ${JSON.stringify(seen)}`);
    }
  }
}

/** What comes in on a stream, one message after the other. */
function reader(stream) {
  const messages = stream[Symbol.asyncIterator]();
  return async () => {
    const { value, done } = await messages.next();
    return done ? null : value;
  };
}

async function failureOf(promise) {
  try {
    await promise;
  } catch (failure) {
    return failure;
  }
  throw new Error('no failure');
}

async function echoSizes(echo, sizes) {
  for (const size of sizes) {
    const answer = await echo.unary(pattern(size));
    assert(answer.equals(pattern(size)), `another message of ${size} bytes`);
  }
}

async function echoStream(echo, sizes) {
  const stream = echo.stream();
  const status = new Promise((resolve) => stream.on('status', resolve));
  const receive = reader(stream);
  for (const size of sizes) {
    stream.write(pattern(size));
    assert((await receive()).equals(pattern(size)), `another message of ${size} bytes`);
  }
  for (const size of sizes) stream.write(pattern(size));
  stream.end();
  for (const size of sizes) assert.strictEqual((await receive()).length, size);
  assert.strictEqual(await receive(), null);
  assert.strictEqual((await status).code, grpc.status.OK);
}

async function expectMany(receive, count, size) {
  for (let i = 0; i < count; ++i) assert.strictEqual((await receive()).length, size);
  assert.strictEqual(await receive(), null);
}

function atOnce(echo, count) {
  return Array.from({ length: count }, async (_, i) => {
    assert.strictEqual((await echo.unary(Buffer.from(`${i}`))).toString(), `${i}`);
  });
}

const tests = {
  sizes: (echo) => echoSizes(echo, SIZES),

  async too_large(echo) {
    const failure = await failureOf(echo.unary(pattern(10 * MIB + 1)));
    assert.strictEqual(failure.code, grpc.status.RESOURCE_EXHAUSTED, failure.message);
    assert.strictEqual((await echo.unary(Buffer.from('next'))).toString(), 'next');
  },

  stream: (echo) => echoStream(echo, SIZES),

  server_stream: (echo) => expectMany(reader(echo.many(10000, 100)), 10000, 100),

  async client_stream(echo) {
    const answer = await new Promise((resolve, reject) => {
      const path = '/nacre.Echo/Collect';
      const stream = echo.client.makeClientStreamRequest(path, raw, raw, (error, x) =>
        error ? reject(error) : resolve(x)
      );
      for (let i = 0; i < 10000; ++i) stream.write(pattern(100));
      stream.end();
    });
    assert.strictEqual(answer.toString(), '10000 1000000');
  },

  many_calls: (echo) => Promise.all(atOnce(echo, 300)),

  async failures(echo) {
    const expect = (failure, code, text) => {
      assert.strictEqual(failure.code, code, failure.message);
      assert(failure.details.startsWith(text), failure.details);
    };
    const fail = async (code, text, told) => {
      const request = Buffer.from(`${code} early ${text}`);
      expect(await failureOf(echo.call('/nacre.Echo/Fail', request)), code, told);
      const receive = reader(echo.ask('/nacre.Echo/Fail', `${code} late ${text}`));
      assert.strictEqual((await receive()).toString(), 'before');
      expect(await failureOf(receive()), code, told);
    };
    for (let code = 1; code <= 16; ++code) await fail(code, TEXT, TEXT);
    await fail(grpc.status.INTERNAL, 'é'.repeat(10000), 'é'.repeat(100));
  },

  async unknown(echo) {
    const node = new Echo(NODE);
    for (const server of [echo, node])
      for (const path of ['/nacre.Echo/Nothing', '/nacre.Nothing/Unary']) {
        const failure = await failureOf(server.call(path));
        assert.strictEqual(failure.code, grpc.status.UNIMPLEMENTED, failure.message);
      }
    node.close();
  },

  async deadline(echo) {
    const began = Date.now();
    const failure = await failureOf(
      echo.call('/nacre.Echo/Wait', Buffer.alloc(0), { seconds: 0.3 })
    );
    assert.strictEqual(failure.code, grpc.status.DEADLINE_EXCEEDED, failure.message);
    const took = Date.now() - began;
    assert(took > 250 && took < 5000, `${took} ms`);
    await echo.awaitCalls(1);
  },

  async cancel(echo) {
    const before = await echo.seen();
    const { call, answer } = echo.begin('/nacre.Echo/Wait', Buffer.alloc(0));
    await echo.awaitCalls(2);
    call.cancel();
    const failure = await failureOf(answer);
    assert.strictEqual(failure.code, grpc.status.CANCELLED, failure.message);
    assert.strictEqual((await echo.awaitCalls(1)).cancelled, before.cancelled + 1);
  },

  async cancel_stream(echo) {
    const many = echo.many(1000, MIB);
    await new Promise((resolve) => many.once('data', resolve));
    many.on('error', () => {}); // that it was cancelled
    many.cancel();
    assert.strictEqual((await echo.awaitCalls(1)).unsent, 0);
  },

  async slow_reader(echo) {
    const many = echo.many(300, 65536);
    const receive = reader(many);
    await receive();
    assert((await echo.awaitCalls(2)).unsent > 0, 'nothing waits');
    await echoStream(echo, [0, 1000, MIB]);
    await expectMany(receive, 299, 65536);
  },

  async gzip() {
    const gzip = grpc.compressionAlgorithms.gzip;
    const echo = new Echo(GZIP, { 'grpc.default_compression_algorithm': gzip });
    await echoSizes(echo, [0, 100, MIB, 10 * MIB]);
    await echoStream(echo, [100, MIB]);
    echo.close();
  },

  async metadata(echo) {
    const withBytes = (size) => {
      const metadata = new grpc.Metadata();
      metadata.set('x', 'y'.repeat(size));
      return echo.call('/nacre.Echo/Unary', Buffer.from('x'), { metadata });
    };
    await withBytes(8000);
    await failureOf(withBytes(20000));
    assert.strictEqual((await echo.unary(Buffer.from('next'))).toString(), 'next');
  },

  async leave() {
    const echo = new Echo(PLAIN);
    const stream = echo.stream();
    const receive = reader(stream);
    stream.write(Buffer.from('1'));
    assert.strictEqual((await receive()).toString(), '1');
    const first = (await echo.seen()).connection;
    const before = atOnce(echo, 40);
    const left = echo.call('/nacre.Echo/Leave');
    const meanwhile = atOnce(echo, 40);
    assert.strictEqual((await left).toString(), 'bye');
    await Promise.all([...before, ...meanwhile, ...atOnce(echo, 40)]);
    assert.notStrictEqual((await echo.seen()).connection, first);
    stream.write(Buffer.from('2'));
    assert.strictEqual((await receive()).toString(), '2');
    stream.end();
    assert.strictEqual(await receive(), null);
    echo.close();
  },

  async pings() {
    const often = { 'grpc.keepalive_time_ms': 300, 'grpc.keepalive_timeout_ms': 5000 };
    // One asks for signs of life, the other has none to give unless it is asked.
    const both = [new Echo(PINGS, often), new Echo(PINGS)];
    const begun = [];
    for (const echo of both) {
      const before = (await echo.seen()).connection;
      begun.push([echo, before, echo.begin('/nacre.Echo/Wait', Buffer.alloc(0)).call]);
    }
    await after(2000); // for pings, which the caller counts
    for (const [echo, before, call] of begun) {
      assert.strictEqual((await echo.awaitCalls(2)).connection, before);
      call.cancel();
      echo.close();
    }
  },

  async tls() {
    const credentials = grpc.credentials.createSsl(fs.readFileSync(AUTHORITY));
    const echo = new Echo(TLS, {}, credentials);
    await echoSizes(echo, SIZES);
    await echoStream(echo, SIZES);
    echo.close();
  },
};

async function main() {
  const echo = new Echo(PLAIN);
  for (const [name, test] of Object.entries(tests))
    try {
      await test(echo);
      console.log(`passed ${name}`);
    } catch (failure) {
      console.log(`failed ${name}: ${`${failure.stack}`.replace(/\n/g, ' ')}`);
    }
  echo.close();
}

main();
