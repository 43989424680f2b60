/** Modules and what is made of them, loaded when somebody first uses them: most servers need few of them. */

/**
 * Makes a loader that loads once, when it is first called, however many call it meanwhile. A load that failed is tried
 * again by the next call.
 */
export function onUse<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | null = null;
  return () => {
    if (loaded !== null) return loaded;
    const loading = load();
    loaded = loading;
    loading.catch(() => (loaded = null));
    return loading;
  };
}
