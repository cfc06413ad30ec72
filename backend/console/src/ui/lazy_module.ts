import { useEffect, useState } from "preact/hooks";

interface Lazy<Module> {
  /** Null until it is loaded. */
  module: Module | null;
  /** It could not be loaded. Browsers remember a failed import: only a reload of the page tries again. */
  hasFailed: boolean;
}

/** A hook that loads a module when it is first wanted. */
export function lazyModule<Module>(load: () => Promise<Module>): (isWanted?: boolean) => Lazy<Module> {
  let loaded: Module | null = null;
  return (isWanted = true) => {
    const [state, setState] = useState<Lazy<Module>>({ module: loaded, hasFailed: false });
    useEffect(() => {
      if (!isWanted || state.module) return;
      load().then(
        (module) => {
          loaded = module;
          setState({ module, hasFailed: false });
        },
        () => setState({ module: null, hasFailed: true }),
      );
    }, [isWanted]);
    return state;
  };
}
