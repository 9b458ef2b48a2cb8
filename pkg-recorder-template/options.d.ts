/** What every plugin takes. An unknown name is an error. */
export interface DurablefetchOptions {
  /**
   * The address of a recorder that runs already. Without it the variable `DURABLEFETCH_URL` names one; without that, the
   * development server starts its own.
   */
  recorder?: string
  /**
   * The path that the recorder is mounted at, on the page's own origin. `new DurableFetchClient()` uses it by itself.
   * @defaultValue '/df'
   */
  base?: string
  /**
   * What may be fetched: origins with a path, as `https://api.example/v1/`. The server's own address is added. Without it
   * the recorder fetches what pages on this machine ask for.
   */
  allow?: string | string[]
  /** Where an origin really is, as `{ 'https://app.example': 'http://localhost:4000' }`. */
  map?: Record<string, string>
  /** More flags of `durablefetch serve`, each word one entry. */
  flags?: string[]
  /**
   * The folder of the recordings.
   * @defaultValue `node_modules/.cache/durablefetch` of the project
   */
  data?: string
}
