/** What a screen draws from; knows nothing of the terminal library. */
export interface ScreenSource {
  /** Returns its own unsubscribe. */
  subscribe(listener: () => void): () => void;
  /** Painted rows; the same array as long as nothing visible changed. */
  rows(): readonly string[];
}
