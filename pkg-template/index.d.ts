/**
 * A `fetch` that survives: the recorder between app and origin records every byte and goes on when the reader
 * leaves; this client reconnects at the byte it has.
 *
 * @packageDocumentation
 */

/** How the client waits between attempts and when it gives up. All times are milliseconds, whole numbers. */
export interface RetryOptions {
  /**
   * The delay before the second attempt after a failure; the first is made at once. Doubles with each attempt, and
   * up to a quarter is added at random. 1 or more.
   * @defaultValue 500
   */
  initialDelayMs?: number
  /**
   * The longest delay between two attempts. 1 or more.
   * @defaultValue 10000
   */
  maxDelayMs?: number
  /**
   * How long attempts may fail in a row before the body ends with an error. Time that the machine sleeps does not
   * count. Before the recorder's first answer ever it is 10 seconds at most: it may not be there at all. What is set here
   * holds; the default yields while the recorder says that the recording is alive and has nothing more yet.
   * @defaultValue 120000
   */
  giveUpAfterMs?: number
}

/** What {@link DurableFetchClientOptions.onReconnect} is told. */
export interface ReconnectEvent {
  /** The upstream URL of the response, absolute. */
  url: string
  /** Attempts since the last byte arrived, this one included. */
  attempt: number
  /** Bytes that have arrived. */
  offset: number
  /** `waiting`: the connection is lost and another attempt is due. `connected`: it goes on. */
  phase: 'waiting' | 'connected'
}

/** Options of {@link DurableFetchClient}. An unknown name is an error, since it is most likely a typing mistake. */
export interface DurableFetchClientOptions {
  /**
   * Where the recorder is: a host (`recorder.example`, reached by https), an origin (`http://localhost:8787`) or a
   * path on the page's own origin (`/df`). Where a plugin of `durablefetch-recorder` has mounted a recorder, that is the
   * default; else it is the original service, a third party's. If the option is there, it has to say something: `undefined`,
   * `null` and `''` are errors, since a variable that is not set is not a choice of that one.
   * @defaultValue the plugin's `base`, without a plugin 'durablefetch.com'
   */
  durablefetchHost?: string
  /**
   * Which recordings of a URL may answer a `fetch` of it that says no mode. `always`: one of the same request, live or
   * finished; to a recorder before 0.3 whatever is live under the URL. `live`: one of the same request while it is live,
   * so that a repetition after its end is a new request, as with buttons that send the same again. `never`: none, as
   * with protocols that send many requests to one URL, such as MCP; a reload then starts anew. In all cases the client's
   * own repetitions after a lost connection start nothing twice. `live` and `never` need a recorder of version 0.3 or
   * later: the client asks it once before the first `fetch`, and an older one makes that reject with `unsupported`.
   * {@link DurableFetchClient.chatTransport} says its own modes.
   * @defaultValue 'always'
   */
  reuse?: 'always' | 'live' | 'never'
  /**
   * What happens to a `fetch` where no recorder has answered in this page, or an intermediary answers 502 to 504 in its
   * place. `error`: it rejects. `direct`: it goes straight to its server, after 2 seconds, and the console says so
   * once. It is not durable then, and a request that has reached the recorder all the same runs twice.
   * @defaultValue 'error'
   */
  whenUnreachable?: 'error' | 'direct'
  /**
   * The caller's token, for recorders that ask for one. A function is called for every request, and once more when
   * the recorder answers 401; what it throws is what the call rejects with.
   */
  token?: string | (() => string | null | undefined | Promise<string | null | undefined>)
  /**
   * Headers of every request, for gateways that want a key on each. They reach the upstream as a request's own do, which win
   * where both have one of a name. A function is called once for each `fetch` and each call; the continuations of a response
   * repeat what it said, and it is called anew only when something in front of the recorder answers 401 or 403. What it throws
   * is what the call rejects with. A value that is `undefined` or `null` is an error.
   */
  headers?: HeadersInit | (() => HeadersInit | null | undefined | Promise<HeadersInit | null | undefined>)
  /**
   * The transport underneath.
   * @defaultValue `globalThis.fetch`, looked up at each call
   */
  fetch?: typeof globalThis.fetch
  /** When to reconnect and when to give up. */
  retry?: RetryOptions
  /**
   * A body that is silent for this long while somebody reads it is aborted and continued at its offset; where that is
   * silent too, or no head comes, a recorder since 0.3 is asked whether there is anything to wait for. Doubles up to a
   * minute while nothing comes. Milliseconds, 1 or more.
   * @defaultValue 15000
   */
  stallAfterMs?: number
  /** Told when a connection is lost and when it is back. What it throws is logged and changes nothing. */
  onReconnect?: (event: ReconnectEvent) => void
}

/** The states of a recording, and `none` where nothing is recorded. */
export type RecordingState =
  | 'connecting'
  | 'streaming'
  | 'complete'
  | 'stopped'
  | 'failed'
  | 'interrupted'
  | 'superseded'
  | 'deleted'
  | 'none'

/** A recording that may still get bytes. */
export interface LiveRecording {
  /** Its id. */
  recording: string
  /** When it was started, milliseconds since 1970. */
  startedAt: number
}

/**
 * What a recorder knows of a URL: of its latest live recording, else of its latest. A recorder of durablefetch 0.1.0
 * sends the first four fields only, one of 0.2 nothing from `protocol` on.
 */
export interface RecordingStatus {
  /** Whether bytes may still come. */
  inProgress: boolean
  /** How many readers are following. */
  activeConnections: number
  /** Chunks recorded, as the upstream sent them. */
  chunksStored: number
  /** Whether the recording ended as the upstream's body did. */
  completed: boolean
  /** The state of the recording. */
  state?: RecordingState
  /** Bytes recorded. */
  bytesStored?: number
  /** The recording's id. */
  recording?: string
  /** The upstream's HTTP status. */
  status?: number
  /** When it was started, milliseconds since 1970. */
  startedAt?: number
  /** When it will be deleted if nobody uses it, milliseconds since 1970. */
  expiresAt?: number
  /** The protocol of the recorder: 3 or more. */
  protocol?: number
  /** The URL that was asked about. */
  url?: string
  /** The request id that was asked about. */
  request?: string
  /** All live recordings of the URL. */
  live?: LiveRecording[]
}

/** The answer to `delete` and `stop`. */
export interface Done {
  /** False only of `stopChat` where nothing was live. What could not be done rejects. */
  success: boolean
  /** What was done, for people. */
  message: string
}

/**
 * What identifies the caller to recorders and gateways that check it: `headers`, `credentials`, and a `signal`. A call without `headers`
 * about a `Response`, and in pages about a URL, has the headers of that `fetch`, or of the last one of this client for that
 * URL; what is about one request (`content-*`, `if-*`, `range`, …) is left out. What only a platform knows (`dispatcher` in
 * Node) is passed on. A call gives up by itself after 10 seconds.
 */
export type ControlInit = Pick<RequestInit, 'headers' | 'credentials' | 'signal'>

/**
 * The same, and which one of the recordings of a URL is meant. Without it a call means all of them, or the latest. If it is
 * there, it has to say something: an id that got lost would mean all of them.
 */
export interface NamedInit extends ControlInit {
  /** The recording of this id. `Response`s of `fetch` have it in their header `durablefetch-recording`. */
  recording?: string
  /** What the request of this id started or joined: that of the header `durablefetch-request` which the app gave. */
  request?: string
}

/** What `DefaultChatTransport` hands to `prepareSendMessagesRequest`. */
export interface SendMessagesInput {
  /** The id of the chat. */
  id: string
  /** All messages of the chat. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  messages: any[]
  /** What the call gave as `metadata`. */
  requestMetadata: unknown
  /** More fields of the body, of the transport and of the call. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: Record<string, any> | undefined
  /** Of the transport. */
  credentials: RequestCredentials | undefined
  /** Of the transport and of the call. */
  headers: HeadersInit | undefined
  /** The route. */
  api: string
  /** Whether a message was sent or an answer is to be written anew. */
  trigger: 'submit-message' | 'regenerate-message'
  /** The message that is written anew, or that was edited. */
  messageId: string | undefined
}

/** What `DefaultChatTransport` hands to `prepareReconnectToStreamRequest`. */
export type ReconnectInput = Omit<SendMessagesInput, 'messages' | 'trigger' | 'messageId'>

/** What a request of a chat is made of. */
export interface PreparedReconnect {
  /** Sent as they are. */
  headers?: HeadersInit
  /** As of `fetch`. */
  credentials?: RequestCredentials
  /** Another route than that of the transport. */
  api?: string
}

/** The same with a body. */
export interface PreparedSend extends PreparedReconnect {
  /** The request's body, sent as JSON. */
  body: object
}

/** A value, a promise of it, or a function that returns either. */
export type Resolvable<T> = T | Promise<T> | (() => T) | (() => Promise<T>)

/**
 * Options of {@link DurableFetchClient.chatTransport}: those of `DefaultChatTransport`, and `reconnect`, `onAbort` and
 * `onReconnect`.
 */
export interface ChatTransportOptions {
  /**
   * The app's own route. A chat is recorded under `api?chatId=<id>`, its own query kept; the query reaches the route.
   * @defaultValue '/api/chat'
   */
  api?: string
  /**
   * What coming back to a chat finds. `live`: an answer that is still being written. `recorded`: also one that has
   * ended, for apps that keep no messages on their server.
   * @defaultValue 'live'
   */
  reconnect?: 'live' | 'recorded'
  /**
   * What an aborted request means. `detach`: nothing, the answer goes on being recorded; Stop is
   * {@link DurableFetchClient.stopChat}. `stop`: Stop, for chats whose owner knows that nothing else aborts; the
   * hook of `@ai-sdk/react` also aborts when it unmounts and when its chat changes.
   * @defaultValue 'detach'
   */
  onAbort?: 'detach' | 'stop'
  /** Told, besides the client's, when a connection of this chat is lost and when it is back. */
  onReconnect?: (event: ReconnectEvent) => void
  /** Handed on. As of `fetch`; it also goes for stopping the chat. */
  credentials?: Resolvable<RequestCredentials>
  /** Handed on. They also go for stopping the chat. */
  headers?: Resolvable<Record<string, string> | Headers>
  /** Handed on: more fields of the request's body. */
  body?: Resolvable<object>
  /** Handed on. What is resumed here is the whole response, which is what the AI SDK takes for granted. */
  resumeStreamIsReplay?: boolean
  /** The transport underneath for this chat, instead of the client's. */
  fetch?: typeof globalThis.fetch
  /** Called first; what it returns is what is sent, with the chat's key, mode and request id added. */
  prepareSendMessagesRequest?: (options: SendMessagesInput) => PreparedSend | PromiseLike<PreparedSend>
  /** Called first; what it returns is what is sent, with the chat's key and mode added. */
  prepareReconnectToStreamRequest?: (options: ReconnectInput) => PreparedReconnect | PromiseLike<PreparedReconnect>
}

/** Options for the AI SDK's `DefaultChatTransport`, versions 5 to 7. */
export interface PreparedChatTransport {
  /** The route. */
  api: string
  /** The client's. */
  fetch: typeof globalThis.fetch
  /**
   * Calls yours, then adds the key of the chat, the mode and a request id. The SDK infers the type of a hook's messages
   * from here: `unknown` leaves it what it is, `any` would spread.
   */
  prepareSendMessagesRequest: (
    options: Omit<SendMessagesInput, 'messages'> & { messages: unknown[] },
  ) => Promise<{ api: string; body: object; headers: Record<string, string>; credentials?: RequestCredentials }>
  /** Calls yours, then adds the key of the chat and the mode. */
  prepareReconnectToStreamRequest: (
    options: ReconnectInput,
  ) => Promise<{ api: string; headers: Record<string, string>; credentials?: RequestCredentials }>
}

/**
 * A client of one recorder. All methods are bound: `const { fetch } = new DurableFetchClient()` works.
 *
 * @example
 * ```ts
 * const df = new DurableFetchClient({ durablefetchHost: '/df' })
 * const response = await df.fetch('https://api.example.com/answer?id=42', { method: 'POST', body })
 * await response.body!.pipeTo(new WritableStream({ write: show })) // whatever happens to the connection
 * ```
 */
export class DurableFetchClient {
  /**
   * A client of the recorder at `durablefetchHost`. Asks nothing of the network.
   * @throws DurableFetchError with the code `invalid-option` that names the option.
   */
  constructor(options?: DurableFetchClientOptions)

  /**
   * `fetch`, through the recorder. The same request again gets the same recording from its first byte, as the option
   * `reuse` has it; its body reconnects by itself. A GET that has read an answer whole, and that answer said `no-store`,
   * gets a new one the next time. Rejects with a {@link DurableFetchError}, or with the signal's reason. Abort lets go
   * of the response; the recording goes on. Continuations repeat the headers of the start, but those about its body, and
   * what only a platform knows of `init` (`dispatcher`, `tls`, `cf`, …). A body that can be read only once is read whole first. A `FormData` is sent
   * as the bytes that the platform makes of it; that of a `Request` with a file in it WebKit lets nobody read, and the call
   * rejects with `unsupported`.
   */
  readonly fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>

  /**
   * What the recorder knows of a URL, of one recording or request of it, or of each URL of a list, in its order: a
   * recorder since 0.3 is asked about 100 at a time, an older one about one after the other. After `inProgress: true`,
   * every `fetch` of that URL within 10 seconds follows that recording unless it has one of its own, and starts nothing
   * while it is live; with a recorder of 0.2 only the next one, whatever has become of the recording. A question about
   * one recording or request means no `fetch`, and rejects with `unsupported` where the recorder is older than 0.3.
   */
  readonly isInProgress: <WHAT extends string | URL | readonly (string | URL)[]>(
    what: WHAT,
    init?: WHAT extends readonly unknown[] ? ControlInit : NamedInit,
  ) => Promise<WHAT extends readonly unknown[] ? RecordingStatus[] : RecordingStatus>

  /**
   * Deletes all recordings of a URL, the one that is named, or that of a `Response` of `fetch`. Live ones are stopped,
   * and their readers get an error. Rejects with `unsupported` where an older recorder would delete more than what
   * is named, and with `invalid-option` for a `Response` that no recorder answered with. One that was not recorded
   * changes nothing.
   */
  readonly delete: (what: string | URL | Response, init?: NamedInit) => Promise<Done>

  /**
   * Stops what is live of a URL, the recording that is named, or that of a `Response` of `fetch`: ends the upstream
   * request. Its bytes stay; its readers get a clean end. Rejects with `unsupported` at a recorder of 0.1.0, and
   * with `invalid-option` for a `Response` that no recorder answered with. One that was not recorded changes nothing.
   */
  readonly stop: (what: string | URL | Response, init?: NamedInit) => Promise<Done>

  /**
   * Options for the AI SDK's `DefaultChatTransport`. Takes every option of it. With them `useChat({ resume: true })`
   * needs no work on the server. If the recorder cannot be reached, a chat for which this tab waits for no answer is
   * left as it is, and the console says so once.
   *
   * @example
   * ```ts
   * useChat({ id, resume: true, transport: new DefaultChatTransport(df.chatTransport({ api: '/api/chat' })) })
   * ```
   */
  readonly chatTransport: <OPTIONS extends ChatTransportOptions = ChatTransportOptions>(
    options?: OPTIONS,
  ) => Omit<OPTIONS, 'reconnect' | 'onAbort' | 'onReconnect' | keyof PreparedChatTransport> & PreparedChatTransport

  /**
   * The Stop button, also after a reload: stops the answer that this page reads for a chat, else what this tab sent last,
   * else what is live under the chat's URL. `api` and `chatId` are those of the transport and its chat, whatever
   * `prepareSendMessagesRequest` makes of them; those that it returned, and the `id` in the body that it returned, will do, too.
   * `success` is false where nothing was there to be stopped. What a tab sent last is in its sessionStorage, under
   * `durablefetch:chat:<URL>`, or in memory where there is none.
   */
  readonly stopChat: (api: string, chatId: string) => Promise<Done>

  /**
   * Keeps a message, as JSON, until it is cleared. In localStorage under `durablefetch:last:<id>`; in memory where
   * there is none or it takes nothing.
   */
  readonly saveLastMessage: (id: string, message: unknown) => void

  /** The message saved last under this id; `undefined` where there is none. */
  readonly lastMessage: <MESSAGE = unknown>(id: string) => MESSAGE | undefined

  /** Forgets the message. */
  readonly clearLastMessage: (id: string) => void

  /**
   * If the URL is in progress and a message is saved under this id: calls `send` with it, once, also when React's
   * StrictMode runs the effect twice. Resolves after `send` has, to whether it was called; rejects with what `send`
   * rejects with.
   */
  readonly resumeLastMessage: <MESSAGE = unknown>(
    url: string | URL,
    id: string,
    send: (message: MESSAGE) => unknown,
  ) => Promise<boolean>
}

/**
 * Codes of the client itself. Lost connections: `network`, `unreachable` (no recorder has ever answered, or what answers is
 * not one), `intermediary` (something in front of the recorder answers in its place, redirects, or holds bodies). Recordings that did not end well:
 * `failed`, `interrupted`, `superseded`, `deleted`. `mismatch`: an answer that does not fit the question.
 * `refused`: a recorder's no without a code. `invalid-option`, `unsupported`: the call. `wasm`: WebAssembly was refused or is missing;
 * `durablefetch/js` works without it. `internal`: an error in durablefetch itself, with its `cause`; it ends what is in flight, and the
 * next call works again.
 */
export type ClientErrorCode =
  | 'network'
  | 'unreachable'
  | 'intermediary'
  | 'failed'
  | 'interrupted'
  | 'superseded'
  | 'deleted'
  | 'mismatch'
  | 'refused'
  | 'invalid-option'
  | 'unsupported'
  | 'wasm'
  | 'internal'

/** Codes that a recorder answers with: those of PROTOCOL.md §9. docs/errors.md says what to do about each. */
export type RecorderErrorCode =
  | 'bad-request'
  | 'invalid-url'
  | 'request-incomplete'
  | 'request-too-large'
  | 'not-found'
  | 'method-not-allowed'
  | 'misdirected-host'
  | 'forbidden-origin'
  | 'forwarded-request'
  | 'service-worker'
  | 'subresource'
  | 'upstream-not-allowed'
  | 'unauthorized'
  | 'loop-detected'
  | 'gone'
  | 'superseded'
  | 'deleted'
  | 'stopped'
  | 'already-answered'
  | 'offset-out-of-range'
  | 'interrupted'
  | 'upstream-unreachable'
  | 'upstream-failed'
  | 'upstream-timeout'
  | 'upstream-idle'
  | 'too-many-redirects'
  | 'recording-too-large'
  | 'too-many-recordings'
  | 'too-many-readers'
  | 'too-many-uploads'
  | 'too-many-connections'
  | 'storage-full'
  | 'storage-failed'
  | 'shutting-down'
  | 'internal'

/**
 * What calls reject with and bodies end with. Messages of lost connections begin with `network error`, since
 * frameworks look for that; in messages of all other errors they find neither `network` nor `fetch`.
 */
export class DurableFetchError extends TypeError {
  /** For code that makes such errors itself, such as a test's stand-in for the client. */
  constructor(code: string, message: string, details?: { status?: number; cause?: unknown; hint?: string })
  /** Always the same, for those who compare names. */
  override readonly name: 'DurableFetchError'
  /** What went wrong. */
  readonly code: ClientErrorCode | RecorderErrorCode | (string & {})
  /** The HTTP status, where there was an answer. */
  readonly status: number | undefined
  /** For developers: what to check, the likeliest first. */
  readonly hint?: string | undefined
  /** What the platform said. */
  readonly cause?: unknown
}

/** Whether this is a {@link DurableFetchError}, also one of another realm or of a second copy of this package. */
export function isDurableFetchError(error: unknown): error is DurableFetchError
