// The platform's side in KafkaJS: sends one `assessment.completed`, waits for the service's answer, prints it as JSON.
// usage: node round_trip.mjs BROKERS TOPIC_PREFIX ASSESSMENT_ID; KafkaJS is looked for in TEST_KAFKAJS_DIR.
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(join(process.env.TEST_KAFKAJS_DIR, 'package.json'));
const { Kafka, CompressionTypes, CompressionCodecs, logLevel } = require('kafkajs');
const lz4 = require('lz4js');

// The service compresses with lz4, which KafkaJS leaves to its users; what this codec writes, brokers refuse.
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async () => { throw new Error("only for reading"); },
  decompress: async (buffer) => Buffer.from(lz4.decompress(buffer)),
});

const [brokers, prefix, assessmentId] = process.argv.slice(2);
const kafka = new Kafka({ clientId: 'platform', brokers: brokers.split(','), logLevel: logLevel.ERROR });

const producer = kafka.producer();
await producer.connect();
await producer.send({
  topic: `${prefix}assessment.completed`,
  messages: [{
    key: assessmentId,
    value: JSON.stringify({ assessmentId, userId: 'u-1', status: 'passed', timestamp: new Date().toISOString() }),
    headers: { 'correlation-id': 'from-kafkajs' },
  }],
});
await producer.disconnect();

const consumer = kafka.consumer({ groupId: `reports-${process.pid}` });
await consumer.connect();
await consumer.subscribe({ topic: `${prefix}montecarlo.simulation-completed`, fromBeginning: true });
const answer = await new Promise((resolve, reject) => {
  setTimeout(() => reject(new Error('no answer within 60 s')), 60_000).unref();
  consumer.run({
    eachMessage: async ({ message }) => {
      const value = JSON.parse(message.value.toString());
      if (value.assessmentId === assessmentId) {
        const headers = Object.fromEntries(Object.entries(message.headers).map(([k, v]) => [k, v.toString()]));
        resolve({ key: message.key.toString(), headers, value });
      }
    },
  }).catch(reject);
});
console.log(JSON.stringify(answer));
await consumer.disconnect();
