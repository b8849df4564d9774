// A NacosNamingClient moved by lines of JSON: a command per line on stdin, its answer and what the
// client hears on stdout (see ../README.md), the client's log on stderr.
'use strict';

const readline = require('readline');
const util = require('util');
const { NacosNamingClient } = require('nacos');

const [serverAddress, namespace] = process.argv.slice(2);

function tell(line) {
  process.stdout.write(JSON.stringify(line) + '\n');
}

function log(level) {
  return (...parts) => {
    const text = util.format(...parts);
    console.error(`${new Date().toISOString()} ${level} ${text}`);
    const push = text.match(/^\[PushReceiver\] received push data: (.*) from \S+$/s);
    if (push) tell({ event: 'datagram', number: Number(JSON.parse(push[1]).lastRefTime) });
    if (text.startsWith('[NameProxy][REGISTER-SERVICE]')) tell({ event: 'registers' });
  };
}

const urllib = require(require.resolve('urllib', { paths: [require.resolve('nacos-naming')] }));
// What the client uses anyway, given by hand to hear of its beats and queries.
const httpclient = {
  async request(url, options) {
    const result = await urllib.request(url, options);
    const { status, data } = result;
    console.error(`${options.method} ${url} ${JSON.stringify(options.data)} -> ${status} ${data}`);
    if (url.endsWith('/instance/beat')) tell({ event: 'beat' });
    if (url.endsWith('/instance/list')) tell({ event: 'query' });
    return result;
  },
};

function instance({ ip, port, cluster, weight, metadata, persistent }) {
  const kind = persistent ? { ephemeral: false } : {};
  return { ip, port, clusterName: cluster, weight, metadata, ...kind };
}

// The listener runs inside the call that brought the change.
function origin() {
  return new Error().stack.includes('_handlePushMessage') ? 'push' : 'query';
}

async function run(client, command) {
  const { service, group } = command;
  switch (command.do) {
    case 'register':
      await client.registerInstance(service, instance(command), group);
      return 'ok';
    case 'deregister':
      await client.deregisterInstance(service, instance(command), group);
      return 'ok';
    case 'list':
      return await client.getAllInstances(service, group, '', false);
    case 'subscribe':
      client.subscribe({ serviceName: service, groupName: group }, hosts => {
        tell({ event: 'changed', hosts, by: origin() });
      });
      return 'ok';
    case 'status':
      return await client.getServerStatus();
    default:
      throw new Error(command.do);
  }
}

async function main() {
  Error.stackTraceLimit = 50;
  const logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
  const serverList = [serverAddress];
  const client = new NacosNamingClient({ logger, serverList, namespace, httpclient });
  client.on('error', logger.error);
  await client.ready();
  tell({ answer: 'ready' });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const command = JSON.parse(line);
    if (command.do === 'quit') {
      await client.close();
      tell({ answer: 'bye' });
      process.exit(0);
    }
    try {
      tell({ answer: await run(client, command) });
    } catch (error) {
      logger.error(error);
      tell({ error: String(error) });
    }
  }
  process.exit(3); // Whoever gave the commands is gone.
}

main();
