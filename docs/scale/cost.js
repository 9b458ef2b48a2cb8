// What recordings on Cloudflare's Durable Objects cost, from list prices and from what crates/worker does for each.
//
//   node docs/scale/cost.js [recordings a day]      default 1000000
//   npm run write --prefix tests/docs               writes the tables in docs/scale.md
import { argv } from 'node:process'
import { pathToFileURL } from 'node:url'

/** US dollars, Workers Paid. Each: what a month includes, and the price of a unit more. */
export const PRICES = {
  plan: 5,
  workerRequests: { included: 10e6, price: 0.3, unit: 1e6 },
  workerCpuMs: { included: 30e6, price: 0.02, unit: 1e6 },
  objectRequests: { included: 1e6, price: 0.15, unit: 1e6 },
  durationGbS: { included: 400e3, price: 12.5, unit: 1e6 },
  rowsRead: { included: 25e9, price: 0.001, unit: 1e6 },
  rowsWritten: { included: 50e6, price: 1, unit: 1e6 },
  storedGbMonth: { included: 5, price: 0.2, unit: 1 },
}

const DAYS = 30
/** An object is billed for all of this, whatever it uses. */
const OBJECT_GB = 0.128
/** An empty SQLite database of an object takes about this much. */
const EMPTY_DATABASE = 12e3

/** One recording of a chat: what differs from app to app. */
export const TYPICAL = {
  /** How long the upstream writes, in seconds. */
  seconds: 20,
  /** Its body: 800 tokens as an event stream of the AI SDK. */
  bytes: 40e3,
  /** Pieces in which the upstream sends it: a token each. */
  chunks: 800,
  /** Requests of readers: the one that starts it and, for half of them, one that comes back. */
  readers: 1.5,
  /** Calls of `isInProgress`, `stop`, `delete`. */
  calls: 0.5,
  /** Hours that it is kept. */
  hours: 6,
  /** Recordings that are live in the same isolate, itself included: how many objects share one is the platform's affair. */
  neighbours: 10,
}

/**
 * How often crates/worker writes while it records: the first byte that is not written waits `flushAloneS` times the cube
 * of the number of live recordings in its isolate, at most `flushMaxS` (`FLUSH_ALONE`, `FLUSH_MAX` in `recording/memory.rs`;
 * `HEARTBEAT_MS` in `core/alarm.rs`).
 */
export const WRITES = { flushAloneS: 0.01, flushMaxS: 5, heartbeatS: 30 }

const waitS = (neighbours) => Math.min(WRITES.flushAloneS * neighbours ** 3, WRITES.flushMaxS)

/** What one recording needs. */
export function usageOf({ seconds, bytes, chunks, readers, calls, hours, neighbours }) {
  // A write takes what has come since the last one: never more writes than chunks.
  const pieces = Math.ceil(Math.min(chunks, seconds / waitS(neighbours)))
  const alarms = Math.ceil(seconds / WRITES.heartbeatS) + 1
  return {
    workerRequests: readers + calls,
    // Each request is parsed, checked and passed on; measured on workerd it is below this.
    workerCpuMs: 2 * (readers + calls),
    objectRequests: readers + calls + alarms,
    // Awake while it records; a returning reader keeps it awake for a second at most, and so does each alarm.
    durationGbS: (seconds + Math.max(readers - 1, 0) + calls + alarms) * OBJECT_GB,
    // Replays, the rows of the key at each awakening.
    rowsRead: pieces * Math.max(readers - 1, 0) + 8 * (readers + calls + alarms),
    // The secret, the recording, its head and end, its request id twice, the times it was used, the pieces, the alarms;
    // and the rows once more when they are deleted.
    rowsWritten: 1 + 3 + 2 + readers + pieces + alarms + (pieces + 3),
    storedGbMonth: ((bytes + EMPTY_DATABASE) * hours) / 24 / DAYS / 1e9,
  }
}

/** Dollars a month for so many recordings a day, by what is billed. */
export function monthOf(recordingsADay, recording = TYPICAL) {
  const lines = Object.entries(usageOf(recording)).map(([name, each]) => {
    const { included, price, unit } = PRICES[name]
    const amount = each * recordingsADay * DAYS
    return { name, each, amount, dollars: (Math.max(amount - included, 0) / unit) * price }
  })
  return { lines, total: PRICES.plan + lines.reduce((sum, { dollars }) => sum + dollars, 0) }
}

const NAMES = {
  workerRequests: 'Workers: requests',
  workerCpuMs: 'Workers: CPU, ms',
  objectRequests: 'Durable Objects: requests and alarms',
  durationGbS: 'Durable Objects: duration, GB-s',
  rowsRead: 'SQLite: rows read',
  rowsWritten: 'SQLite: rows written',
  storedGbMonth: 'SQLite: stored, GB-month',
}

const money = (dollars) =>
  `$${dollars.toLocaleString('en-US', { maximumFractionDigits: dollars < 100 ? 2 : 0, minimumFractionDigits: dollars < 100 ? 2 : 0 })}`
const amount = (value) => value.toLocaleString('en-US', { maximumSignificantDigits: 3 })

/** The bill of one month as a table. */
export function billTable(recordingsADay, recording = TYPICAL) {
  const { lines, total } = monthOf(recordingsADay, recording)
  return [
    '| billed | for one recording | in a month | included | dollars a month |',
    '|---|---:|---:|---:|---:|',
    ...lines.map(
      ({ name, each, amount: all, dollars }) =>
        `| ${NAMES[name]} | ${amount(each)} | ${amount(all)} | ${amount(PRICES[name].included)} | ${money(dollars)} |`,
    ),
    `| the plan | | | | ${money(PRICES.plan)} |`,
    `| **together** | | | | **${money(total)}** |`,
  ].join('\n')
}

/** How the bill grows with the number, and with the length of the answers. */
export function growthTable() {
  const lengths = [10, 20, 60, 300]
  const counts = [1e3, 1e4, 1e5, 1e6, 1e7]
  const cell = (count, seconds) =>
    money(
      monthOf(count, {
        ...TYPICAL,
        seconds,
        bytes: (TYPICAL.bytes * seconds) / TYPICAL.seconds,
        chunks: (TYPICAL.chunks * seconds) / TYPICAL.seconds,
      }).total,
    )
  return [
    `| recordings a day | ${lengths.map((seconds) => `${seconds} s each`).join(' | ')} |`,
    `|---:|${lengths.map(() => '---:|').join('')}`,
    ...counts.map(
      (count) => `| ${count.toLocaleString('en-US')} | ${lengths.map((seconds) => cell(count, seconds)).join(' | ')} |`,
    ),
  ].join('\n')
}

/** How the bill depends on what no one can choose. */
export function neighboursTable() {
  const bill = (neighbours) => {
    const { lines, total } = monthOf(1e6, { ...TYPICAL, neighbours })
    const rows = lines.find(({ name }) => name === 'rowsWritten')
    return `| ${neighbours} | ${amount(waitS(neighbours))} s | ${amount(rows.each)} | ${money(rows.dollars)} | ${money(total)} |`
  }
  return [
    '| live recordings in an isolate | written at most every | rows for one | rows, dollars a month | together |',
    '|---:|---:|---:|---:|---:|',
    ...[1, 3, 10, 50].map(bill),
  ].join('\n')
}

/** docs/scale.md with its tables written anew. */
export function costPage(text) {
  const tables = { bill: billTable(1e6), growth: growthTable(), neighbours: neighboursTable() }
  return text.replaceAll(
    /(<!-- (\w+):begin -->\n).*?(\n<!-- \2:end -->)/gs,
    (_, begin, name, end) => `${begin}${tables[name]}${end}`,
  )
}

if (import.meta.url === pathToFileURL(argv[1] ?? '').href) {
  const recordingsADay = Number(argv[2] ?? 1e6)
  if (!(recordingsADay > 0)) {
    console.error(`${argv[2]} is not a number of recordings a day: node docs/scale/cost.js 1000000`)
    process.exit(1)
  }
  console.log(billTable(recordingsADay))
}
