// @ts-check
// The stream that an app reads.

/**
 * @typedef {{ pull: (controller: object) => Promise<unknown>, cancel: (reason?: unknown) => void }} Source
 * @param {Source} source
 * @param {QueuingStrategy} strategy
 */
export function streamOf(source, strategy) {
  // Only content scripts of Firefox have it.
  const { cloneInto } = /** @type {any} */ (globalThis)
  return cloneInto ? inContentScript(source, cloneInto) : new ReadableStream(source, strategy)
}

/**
 * A content script of Firefox has the page's classes, and the page may not look into objects of the script. So its stream
 * gets copies of functions and chunks.
 *
 * What the script does to a stream that is being read would make the result of that read, at once, an object of the
 * script: the page's promise cannot take it. A tee hands chunks on later, and a pipe an end: both in the name of the page.
 * @param {Source} source
 * @param {(value: unknown, target: object, options: { cloneFunctions: boolean }) => any} cloneInto
 */
function inContentScript(source, cloneInto) {
  const copied = (/** @type {unknown} */ value) => cloneInto(value, window, { cloneFunctions: true })
  const pull = (/** @type {ReadableStreamDefaultController} */ controller) => {
    const own = {
      enqueue: (/** @type {unknown} */ chunk) => controller.enqueue(copied(chunk)),
      close: () => controller.close(),
    }
    // Of a promise that rejects, the page would not get the reason.
    const fail = (/** @type {unknown} */ error) => controller.error(error)
    const PagesPromise = /** @type {any} */ (window).Promise
    return new PagesPromise((/** @type {() => void} */ done) =>
      source
        .pull(own)
        .catch(fail)
        .then(() => done()),
    )
  }
  const cancel = () => source.cancel()
  const [one, other] = new ReadableStream(copied({ pull, cancel }), copied({ highWaterMark: 0 })).tee()
  other.cancel()
  return one.pipeThrough(new TransformStream())
}
