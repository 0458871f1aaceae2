// kafkajs against the server at $BOOTSTRAP; each name is true when it passes.
const assert = require('node:assert/strict')
const { randomUUID } = require('node:crypto')
const { test, after } = require('node:test')
const { Kafka, CompressionTypes, ConfigResourceTypes, logLevel } = require('kafkajs')

const SECONDS = 100 // far more than anything takes, but on a busy machine
const kafka = new Kafka({
  clientId: 'tests',
  brokers: process.env.BOOTSTRAP.split(','),
  logLevel: logLevel.NOTHING,
})
const admin = kafka.admin()
const ends = [() => admin.disconnect()]
after(async () => {
  for (const end of ends.reverse()) await end()
})

const fresh = prefix => `${prefix}-${randomUUID().slice(0, 12)}`

async function topic(numPartitions = 1, configs = {}) {
  await admin.connect()
  const name = fresh('js')
  const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
  await admin.createTopics({ topics: [{ topic: name, numPartitions, configEntries }] })
  return name
}

async function producer(options = {}) {
  const made = kafka.producer({ allowAutoTopicCreation: false, ...options })
  await made.connect()
  ends.push(() => made.disconnect())
  return made
}

async function until(condition, sentence) {
  const end = Date.now() + SECONDS * 1000
  while (!(await condition())) {
    assert.ok(Date.now() < end, sentence)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

/** A consumer that keeps all it is given in `seen`. */
async function reader(topic, options = {}) {
  const made = kafka.consumer({
    groupId: fresh('group'), sessionTimeout: 6000, heartbeatInterval: 500,
    rebalanceTimeout: 10000, maxWaitTimeInMs: 200, ...options,
  })
  const seen = []
  const assigned = { now: [] }
  made.on(made.events.GROUP_JOIN, ({ payload }) => {
    assigned.now = payload.memberAssignment[topic] || []
  })
  await made.connect()
  await made.subscribe({ topic, fromBeginning: true })
  await made.run({
    autoCommitThreshold: 1,
    eachMessage: async ({ partition, message }) => seen.push({ partition, ...message }),
  })
  ends.push(() => made.disconnect())
  return { seen, assigned, stop: () => made.disconnect(), consumer: made }
}

test('keys, headers and nulls come back, plain and with gzip', async () => {
  for (const compression of [CompressionTypes.None, CompressionTypes.GZIP]) {
    for (const acks of [1, -1]) {
      const name = await topic()
      const writer = await producer()
      const messages = [...Array(200).keys()].map(i => ({
        key: `k${i}`, value: i % 3 ? 'v'.repeat(i) : null, headers: { h: `${i}` },
      }))
      const told = await writer.send({ topic: name, acks, compression, messages })
      assert.equal(told[0].baseOffset, '0')
      const { seen, stop } = await reader(name)
      await until(() => seen.length >= 200, 'all records come')
      await stop()
      assert.deepEqual(
        seen.map(m => [m.offset, m.key.toString(), m.value && m.value.toString(),
          m.headers.h.toString()]),
        messages.map((m, i) => [`${i}`, m.key, m.value, `${i}`]))
    }
  }
})

test('an idempotent producer keeps the order', async () => {
  const name = await topic()
  const writer = await producer({ idempotent: true, maxInFlightRequests: 1 })
  for (let i = 0; i < 50; i++)
    await writer.send({ topic: name, messages: [{ value: `${i}` }] })
  const { seen } = await reader(name)
  await until(() => seen.length >= 50, 'all records come')
  assert.deepEqual(seen.map(m => m.value.toString()), [...Array(50).keys()].map(String))
})

test('a group shares partitions, and the one that is left takes over', async () => {
  const name = await topic(4)
  const groupId = fresh('group')
  const first = await reader(name, { groupId })
  const second = await reader(name, { groupId })
  await until(() => first.assigned.now.length === 2 && second.assigned.now.length === 2,
    'each has two partitions')
  const writer = await producer()
  const fill = async begin => {
    for (let partition = 0; partition < 4; partition++)
      await writer.send({
        topic: name,
        messages: [...Array(10).keys()].map(i => ({ partition, value: `${begin + i}` })),
      })
  }
  await fill(0)
  await until(() => first.seen.length + second.seen.length >= 40, 'all records come')
  assert.equal(first.seen.length, 20)
  assert.equal(second.seen.length, 20)
  await second.stop()
  await until(() => first.assigned.now.length === 4, 'the first has them all')
  await fill(10)
  await until(() => first.seen.length >= 60, 'all records come to the first')
  assert.equal(first.seen.filter(m => Number(m.value) >= 10).length, 40)
  await until(async () => {
    const [{ partitions }] = await admin.fetchOffsets({ groupId, topics: [name] })
    return partitions.every(p => p.offset === '20')
  }, 'all is committed')
})

test('transactions commit, with offsets, and abort', async () => {
  const name = await topic()
  const groupId = fresh('group')
  const writer = await producer({
    idempotent: true, transactionalId: fresh('id'), maxInFlightRequests: 1,
  })
  const write = async (value, end) => {
    const transaction = await writer.transaction()
    await transaction.send({ topic: name, messages: [{ value }] })
    await transaction.sendOffsets({
      consumerGroupId: groupId,
      topics: [{ topic: name, partitions: [{ partition: 0, offset: value }] }],
    })
    await transaction[end]()
  }
  await write('1', 'commit')
  await write('2', 'abort')
  const committed = async () =>
    (await admin.fetchOffsets({ groupId, topics: [name] }))[0].partitions[0].offset
  await until(async () => (await committed()) === '1', 'the offset is committed')
  await write('3', 'commit')
  await until(async () => (await committed()) === '3', 'the offset is committed')
  const { seen } = await reader(name)
  await until(() => seen.length >= 2, 'what was committed comes')
  const all = await reader(name, { readUncommitted: true })
  await until(() => all.seen.length >= 3, 'what was aborted comes who wants it')
  assert.deepEqual(seen.map(m => m.value.toString()), ['1', '3'])
})

test('positions are found by time, and can be sought', async () => {
  const name = await topic()
  const writer = await producer()
  const now = Date.now()
  await writer.send({
    topic: name,
    messages: [...Array(50).keys()].map(i => ({ value: `${i}`, timestamp: `${now + 1000 * i}` })),
  })
  const found = await admin.fetchTopicOffsetsByTimestamp(name, now + 20001)
  assert.deepEqual(found, [{ partition: 0, offset: '21' }])
  const [ends] = await admin.fetchTopicOffsets(name)
  assert.deepEqual([ends.low, ends.high], ['0', '50'])
  const { seen, consumer } = await reader(name)
  await until(() => seen.length >= 50, 'all records come')
  consumer.seek({ topic: name, partition: 0, offset: '40' })
  await until(() => seen.length >= 60, 'ten come again')
  assert.deepEqual(seen.slice(50).map(m => m.offset), [...Array(10).keys()].map(i => `${40 + i}`))
})

test('topics are created, described, altered, grown and deleted', async () => {
  const name = await topic(2, { 'retention.ms': '123456' })
  assert.equal(await admin.createTopics({ topics: [{ topic: name }] }), false)
  const resource = { type: ConfigResourceTypes.TOPIC, name }
  const retention = async () => {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: true,
      resources: [{ ...resource, configNames: ['retention.ms'] }],
    })
    return resources[0].configEntries[0].configValue
  }
  assert.equal(await retention(), '123456')
  await admin.alterConfigs({
    validateOnly: false,
    resources: [{ ...resource, configEntries: [{ name: 'retention.ms', value: '654321' }] }],
  })
  await until(async () => (await retention()) === '654321', 'it is altered')
  await admin.createPartitions({ topicPartitions: [{ topic: name, count: 3 }] })
  await until(async () => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [name] })
    return topics[0].partitions.length === 3
  }, 'it is grown')
  await admin.deleteTopics({ topics: [name] })
  await until(async () => !(await admin.listTopics()).includes(name), 'it is gone')
})

test('groups are listed, described and deleted, records deleted', async () => {
  const name = await topic()
  const groupId = fresh('group')
  const writer = await producer()
  await writer.send({ topic: name, messages: [...Array(5).keys()].map(i => ({ value: `${i}` })) })
  const { seen, stop } = await reader(name, { groupId })
  await until(() => seen.length >= 5, 'all records come')
  const { groups } = await admin.describeGroups([groupId])
  assert.deepEqual([groups[0].state, groups[0].members.length], ['Stable', 1])
  assert.ok((await admin.listGroups()).groups.some(g => g.groupId === groupId))
  await stop()
  await admin.deleteGroups([groupId])
  assert.ok(!(await admin.listGroups()).groups.some(g => g.groupId === groupId))
  await admin.fetchTopicOffsets(name) // it deletes only where it knows the leader
  await admin.deleteTopicRecords({ topic: name, partitions: [{ partition: 0, offset: '3' }] })
  await until(async () => (await admin.fetchTopicOffsets(name))[0].low === '3',
    'the log begins later')
})

test('a record too large is refused, and the next is not', async () => {
  const name = await topic(1, { 'max.message.bytes': '10000' })
  const writer = await producer({ retry: { retries: 0 } })
  await assert.rejects(
    writer.send({ topic: name, messages: [{ value: 'x'.repeat(20000) }] }),
    { type: 'MESSAGE_TOO_LARGE' })
  const told = await writer.send({ topic: name, messages: [{ value: 'x' }] })
  assert.equal(told[0].baseOffset, '0')
})
