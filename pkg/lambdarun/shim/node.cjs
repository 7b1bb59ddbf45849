// Runs a Lambda handler: events come in by standard input, one line each; answers
// go out by standard output, marked; everything else there is console output.
//
// Reading blocks. Between two invocations nothing of the function runs, as in
// Lambda, where the process is frozen; timers and promises go on with the next one.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const Module = require('node:module');
const { Readable, Writable } = require('node:stream');
const { types } = require('node:util');
const { parse, stringify } = JSON; // whatever a function does to them

// writeAll writes at once, so that nothing is lost when the process exits.
function writeAll(data) {
  let rest = Buffer.isBuffer(data) ? data : Buffer.from(data);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(fs.writeSync(1, rest));
    } catch (err) {
      if (err.code === 'EPIPE') process.exit(0); // nobody is there any more
      if (err.code !== 'EAGAIN') throw err;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

// Console output, in order and before the answer that follows it.
function output(fd) {
  const stream = new Writable({ decodeStrings: false, write(chunk, encoding, done) {
    writeAll(typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk);
    done();
  } });
  stream.fd = fd;
  stream._type = 'pipe';
  return stream;
}
for (const [name, fd] of [['stdout', 1], ['stderr', 2]]) {
  const stream = output(fd);
  Object.defineProperty(process, name, { configurable: true, enumerable: true, get: () => stream });
}

// Standard input is not the function's to read: it has an empty one.
Object.defineProperty(process, 'stdin', { configurable: true, enumerable: true, get: () => Readable.from([]) });

let pending = Buffer.alloc(0);
function readLine() {
  const parts = [];
  for (;;) {
    const end = pending.indexOf(10);
    if (end >= 0) {
      parts.push(pending.subarray(0, end));
      pending = pending.subarray(end + 1);
      return Buffer.concat(parts).toString('utf8');
    }
    parts.push(pending);
    pending = Buffer.alloc(64 * 1024);
    let n = 0;
    try {
      n = fs.readSync(0, pending, 0, pending.length, null);
    } catch (err) {
      if (err.code === 'EAGAIN') {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
      } else if (err.code !== 'EOF') {
        throw err;
      } else {
        process.exit(0);
      }
      pending = Buffer.alloc(0);
      continue;
    }
    if (n === 0) process.exit(0);
    pending = pending.subarray(0, n);
  }
}

const { mark, file, name } = parse(readLine());
const post = (kind, id, text) => writeAll(`${mark}${kind} ${id} ${text}\n`);

// describe is an error as Lambda reports it, which takes name, message and stack to be
// texts: of an error whose stack is taken away it reports no message either.
function describe(err) {
  try {
    const like = err && typeof err.name === 'string' && typeof err.message === 'string' && typeof err.stack === 'string';
    if (types.isNativeError(err) || (like && err.name && err.message && err.stack)) {
      const [errorType, errorMessage, stack] = [err.name, err.message, err.stack].map((text) => text?.replace(/\x7f/g, '%7F'));
      return { errorType, errorMessage, trace: stack.split('\n') };
    }
    return { errorType: typeof err, errorMessage: err.toString(), trace: [] };
  } catch {
    return { errorType: 'handled', errorMessage: 'the error has no name, message or stack that can be read', trace: [] };
  }
}

// show prints where an error is from, as far as the function goes.
function show({ trace }) {
  const lines = trace.filter((line) => !line.includes(__filename) && !/[( ]node:/.test(line));
  if (lines.length > 0) writeAll(lines.join('\n') + '\n');
}

// named is an error of the runtime itself.
function named(type, err) {
  const e = new Error(String(err));
  e.name = 'Runtime.' + type;
  if (err && err.stack) e.stack = err.stack;
  return e;
}

// isModule says that a .js file is an ES module, by the package.json that is nearest.
function isModule(of) {
  if (of.endsWith('.mjs')) return true;
  if (of.endsWith('.cjs')) return false;
  for (let dir = path.dirname(of); ; dir = path.dirname(dir)) {
    if (path.basename(dir) === 'node_modules') return false;
    const at = path.join(dir, 'package.json');
    if (fs.existsSync(at)) {
      try {
        return parse(fs.readFileSync(at, 'utf8')).type === 'module';
      } catch {
        return false;
      }
    }
    if (dir === path.dirname(dir)) return false;
  }
}

// Lambda switches off what Node of version 20 and 22 has on: require of ES modules, and
// telling them by their text (AWS: "Building Lambda functions with Node.js"). Which
// runtime a function is for is not known here: it works, and the log says where not.
function noteRequiredModules() {
  if (!process.features.require_module || parseInt(process.versions.node, 10) >= 24) return;
  if (/--experimental-(require|detect)-module/.test(process.env.NODE_OPTIONS)) return;
  for (const ext of ['.js', '.mjs']) {
    const original = Module._extensions[ext];
    if (!original) continue;
    Module._extensions[ext] = function (module, name) {
      const result = original.apply(this, arguments);
      if (types.isModuleNamespaceObject(module.exports) && !noted) {
        noted = true;
        writeAll(`${name} is an ES module, which Lambda's nodejs20.x and nodejs22.x cannot require; nodejs24.x can\n`);
      }
      return result;
    };
  }
}
let noted = false;

// Written is an answer that was written to a stream, made one line of as answers go
// out: to JSON the ends of lines are all the same.
class Written {
  constructor(parts) {
    this.text = Buffer.concat(parts.map((part) => Buffer.from(part))).toString('utf8').replaceAll('\n', '\r');
  }
}

// What handlers that stream their answers are made with (AWS: "Response streaming for
// Lambda functions"). API Gateway waits for the whole of what an authorizer writes.
globalThis.awslambda = {
  streamifyResponse: (handler) => async (event, context) => {
    const parts = [];
    const stream = new Writable({ objectMode: true, write(chunk, encoding, done) {
      parts.push(typeof chunk === 'string' || chunk instanceof Uint8Array ? chunk : stringify(chunk));
      done();
    } });
    stream.setContentType = () => {};
    await Reflect.apply(handler, {}, [event, stream, context]);
    if (!stream.writableEnded) throw new Error('the stream of the answer is not ended');
    return new Written(parts);
  },
  HttpResponseStream: {
    from(stream, prelude) {
      stream.write(stringify(prelude) + '\0'.repeat(8));
      return stream;
    },
  },
};

// Lambda's console has one level more.
console.fatal = (...args) => console.error(...args);

// showPosition prints where a mistake in an ES module is, which Node says only when it
// looks for it alone.
function showPosition(err) {
  if (String(err.stack).includes(file)) return;
  const check = require('node:child_process').spawnSync(process.execPath, ['--check', file], { encoding: 'utf8' });
  if (check.stderr) writeAll(check.stderr.split('\n').slice(0, 3).join('\n') + '\n'); // else it is in another module
}

async function load() {
  noteRequiredModules();
  let exported;
  try {
    exported = await (isModule(file) ? import(pathToFileURL(file).href) : Module.createRequire(file)(file));
  } catch (err) {
    if (err instanceof SyntaxError) {
      showPosition(err);
      throw named('UserCodeSyntaxError', err);
    }
    if (err && (err.code === 'MODULE_NOT_FOUND' || err.code === 'ERR_MODULE_NOT_FOUND')) {
      const [, missing] = /^Cannot find (?:module|package) '((?:@[^'/]+\/)?[^'@./:\\][^'/]*)/.exec(err.message) || [];
      if (missing) writeAll(`${missing.startsWith('@aws-sdk/') ? 'Lambda has this package; here it' : 'the package'} must be installed beside the handler: npm install ${missing}\n`);
      throw named('ImportModuleError', err);
    }
    throw err;
  }
  const handler = name.split('.').reduce((value, key) => (value === undefined || value === null ? undefined : value[key]), exported);
  if (typeof handler !== 'function') {
    const what = handler === undefined || handler === null ? 'is undefined or not exported' : 'is not a function';
    const known = Object.keys(exported || {}).filter((key) => typeof exported[key] === 'function');
    throw named('HandlerNotFound', `${path.basename(file)}#${name} ${what}` + (known.length ? `; exported functions: ${known.join(', ')}` : ''));
  }
  return handler;
}

// What is to be done when the event loop is empty, and with errors that nobody caught.
let onEmpty = null;
let onFatal = (err, code) => {
  const text = describe(err);
  show(text);
  post('init', '-', stringify(text));
  process.exit(code);
};
process.on('beforeExit', () => {
  const todo = onEmpty;
  onEmpty = null;
  if (todo) setImmediate(todo);
});
process.on('uncaughtException', (err) => onFatal(err, 129));
process.on('unhandledRejection', (reason) => onFatal(named('UnhandledPromiseRejection', reason), 128));

function invoke(handler) {
  const { id, deadline, arn, trace, event } = parse(readLine());
  post('taken', id, '');
  process.env._X_AMZN_TRACE_ID = trace;
  let called = false;
  let answered = false;
  const next = () => setImmediate(invoke, handler);

  const fail = (err, kind = 'error') => {
    if (answered) return;
    answered = true;
    const text = describe(err);
    show(text);
    post(kind, id, stringify(text));
  };
  const succeed = (result) => {
    if (answered) return;
    let text;
    try {
      text = result instanceof Written ? result.text : stringify(result);
    } catch (err) {
      writeAll(`${err && err.message}\n`);
      return fail(new Error('Unable to stringify response body'));
    }
    answered = true;
    post('ok', id, text === undefined ? 'null' : text);
  };
  const end = (err, result) => {
    if (called) return;
    called = true;
    onEmpty = null;
    if (err !== undefined && err !== null) fail(err); else succeed(result);
    next();
  };
  onFatal = (err, code) => {
    fail(err, 'fatal');
    process.exit(code);
  };

  let waits = true;
  const context = {
    get callbackWaitsForEmptyEventLoop() { return waits; },
    set callbackWaitsForEmptyEventLoop(value) { waits = value; },
    succeed: (result) => end(null, result),
    fail: (err) => end(err === undefined || err === null ? 'handled' : err),
    done: end,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: undefined,
    identity: undefined,
    invokedFunctionArn: arn,
    awsRequestId: id,
    tenantId: undefined,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  // A callback's answer waits until the event loop is empty, an error does not.
  const callback = (err, result) => {
    if (called) return;
    if ((err !== undefined && err !== null) || !waits) return end(err, result);
    called = true;
    onEmpty = () => { succeed(result); next(); };
  };

  const isAsync = handler.constructor && handler.constructor.name === 'AsyncFunction';
  onEmpty = () => {
    called = true;
    if (isAsync) fail(named('NodeJsExit', 'the promise of the handler is never settled')); else succeed(null);
    next();
  };
  try {
    const result = Reflect.apply(handler, {}, [event, context, callback]); // methods find an object there in Lambda
    if (result && typeof result.then === 'function') result.then(context.succeed, context.fail).catch(context.fail);
  } catch (err) {
    callback(err);
  }
}

// The module is loaded by a promise, as in Lambda: what it leaves for the next tick comes
// too late for its exports. Rejections that it leaves unhandled come before it is ready.
Promise.resolve().then(load).then((handler) => setImmediate(() => {
  post('ready', '-', '');
  invoke(handler);
}), (err) => onFatal(err, 1));
